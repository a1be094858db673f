"""What is asked of rows: whether a row passes is told by its codes in mapped columns.

Charter: tests of codes, and tests made of tests; which rows are asked is `portal.tally`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from portal.columns import Codes, Column

Bools = NDArray[np.bool_]

MOST_RUNS: Final = 6
"""Runs of codes that are compared one by one; more are looked up in a table."""


class Testing(Protocol):
    """What tells of rows whether they pass: a new array each time, which may be written into."""

    def passed(self, rows: slice | NDArray[np.intp], /) -> Bools:
        """For each of the rows whether it passes."""
        ...


@dataclass(frozen=True)
class Test:
    """A row passes if its code in a column is one of the `wanted`: a truth for each code."""

    __test__ = False  # no test of pytest's

    column: Column
    wanted: Bools

    def passed(self, rows: slice | NDArray[np.intp]) -> Bools:
        """For each of the rows whether it passes."""
        codes = self.column.read(rows)
        if len(self.runs) > MOST_RUNS:
            return np.asarray(self.wanted.take(codes))
        passed = np.zeros(codes.shape, bool)
        for low, high in self.runs:
            passed |= _between(codes, low, high)
        return passed

    @cached_property
    def runs(self) -> list[tuple[int, int]]:
        """The wanted codes as runs of neighbours, first and last: comparing with a few is quicker than a look at a table."""
        edges = np.flatnonzero(np.diff(self.wanted, prepend=False, append=False)).tolist()
        return list(zip(edges[::2], (edge - 1 for edge in edges[1::2]), strict=True))


@dataclass(frozen=True)
class Between:
    """A row passes if its code in a column is from `low` to `high`."""

    column: Column
    low: int
    high: int

    def passed(self, rows: slice | NDArray[np.intp]) -> Bools:
        """For each of the rows whether it passes."""
        return _between(self.column.read(rows), self.low, self.high)


@dataclass(frozen=True)
class OneOf:
    """A row passes if it passes one of several tests."""

    tests: tuple[Testing, ...]

    def passed(self, rows: slice | NDArray[np.intp]) -> Bools:
        """For each of the rows whether it passes."""
        passed = self.tests[0].passed(rows)
        for test in self.tests[1:]:
            passed |= test.passed(rows)
        return passed


@dataclass(frozen=True)
class AllOf:
    """A row passes if it passes all of several tests."""

    tests: tuple[Testing, ...]

    def passed(self, rows: slice | NDArray[np.intp]) -> Bools:
        """For each of the rows whether it passes."""
        return all_pass(self.tests, rows)


@dataclass(frozen=True)
class Not:
    """A row passes if it does not pass a test."""

    test: Testing

    def passed(self, rows: slice | NDArray[np.intp]) -> Bools:
        """For each of the rows whether it passes."""
        return ~self.test.passed(rows)


def all_pass(tests: Sequence[Testing], piece: Any) -> Bools:
    """For each row of a piece whether it passes every one of some tests, of which there is at least one."""
    passed = tests[0].passed(piece)
    for test in tests[1:]:
        passed &= test.passed(piece)
    return passed


def _between(codes: Codes, low: int, high: int) -> Bools:
    most = int(np.iinfo(codes.dtype).max)
    low = max(low, 0)
    if low > most or high < low:
        return np.zeros(codes.shape, bool)
    if low == high:
        return np.asarray(codes == codes.dtype.type(low))
    # One comparison instead of two: what is below `low` wraps round to the top.
    return np.asarray(codes - codes.dtype.type(low) <= codes.dtype.type(min(high, most) - low))
