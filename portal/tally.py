"""Rows of a release and how many there are of each kind, counted over mapped columns.

A selection is tested once, column by column in pieces that stay in the processor's cache; what is left is kept as the
rows' positions or as a mask of all. Every count after that reads only the columns it is by. On ten
million rows that is 5 to 25 milliseconds for a selection and as much for a count, on one processor; SQL took 20 to 60 on
two for each count, as it tested the selection each time (docs/decisions/0012).

Charter: rows and counts; what a selection is in codes is `portal.release`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from portal.asked import Bools, Testing, all_pass
from portal.columns import Codes, Column, Columns

Ints = NDArray[np.int64]

PIECE: Final = 1 << 17
"""Rows that are read at once."""
DENSE: Final = 1 << 24
"""Kinds that are counted in a plain array; more are sorted."""
SPARSE: Final = 4
"""Where there are so many times more kinds than rows, sorting the rows is quicker too."""
NEARLY: Final = 0.6
"""From this share on, rows have no positions, and are counted by what is left out of them."""
TOTALS_OF: Final = 1 << 18
"""Kinds of which the whole release's counts are kept for that."""
MANY_PLACES: Final = 200_000
"""Rows whose columns are picked one by one in more time than those of all rows are looked at."""
FEW: Final = 0.3
"""A smaller share of rows is picked out, rather than all being looked at again."""


@dataclass(frozen=True)
class Tally:
    """How many rows there are of each combination of codes that occurs: one array of codes for each column."""

    codes: tuple[Ints, ...]
    n: Ints


@dataclass(frozen=True)
class Rows:
    """Some rows of a release: all, those of a mask, or those at some positions (ascending)."""

    columns: Columns
    n: int
    mask: Bools | None = None
    at: NDArray[np.int32] | None = None

    @cached_property
    def positions(self) -> NDArray[np.int32] | None:
        """Where the rows are, found when it is first asked for; None of all rows, and of nearly all of them."""
        if self.at is not None or self.mask is None or self.n >= NEARLY * self.columns.rows:
            return self.at
        return np.flatnonzero(self.mask).astype(np.int32)

    def that(self, tests: Sequence[Testing]) -> Rows:
        """Those of the rows that pass every test."""
        if not tests:
            return self
        few = self.n < FEW * self.columns.rows
        if self.at is not None or (few and self.positions is not None):
            kept = [piece[all_pass(tests, piece)] for piece in self._pieces(PIECE) if not isinstance(piece, slice)]
            found = np.concatenate(kept) if kept else np.empty(0, np.intp)
            return Rows(self.columns, found.size, at=found.astype(np.int32))
        mask = np.empty(self.columns.rows, bool)
        for piece in _slices(slice(0, self.columns.rows), PIECE):
            mask[piece] = all_pass(tests, piece)
            if self.mask is not None:
                mask[piece] &= self.mask[piece]
        return Rows(self.columns, int(np.count_nonzero(mask)), mask=mask)

    def few(self, tests: Sequence[Testing]) -> Rows:
        """As `that`, for tests that few rows of the release pass: these are found first, side by side in the file."""
        if self.n < MANY_PLACES:
            return self.that(tests)
        found = everything(self.columns).that(tests)
        return found if self.n == self.columns.rows else found.that([Among(self)])

    def tally(self, *by: str | Column) -> Tally:
        """The rows counted by the combination of some columns."""
        columns = [self.columns[name] if isinstance(name, str) else name for name in by]
        sizes = tuple(column.size for column in columns)
        kinds = prod(sizes)
        if kinds > DENSE or kinds > SPARSE * self.n:
            return self._sorted(columns, sizes)
        counts = self._dense(by, columns, kinds)
        kind = np.flatnonzero(counts)
        return Tally(_split(kind, sizes), counts[kind])

    def _dense(self, by: Sequence[str | Column], columns: Sequence[Column], kinds: int) -> Ints:
        """How many rows there are of each kind: of shape (kinds,)."""
        names = tuple(name for name in by if isinstance(name, str))
        nearly_all = self.mask is not None and self.positions is None
        if nearly_all and len(names) == len(by) and kinds <= TOTALS_OF:
            # Of nearly all rows those that are left out are fewer: counted, and taken from the whole.
            whole = self.columns.total(names, lambda: everything(self.columns)._dense(by, columns, kinds))
            return whole - self._others._dense(by, columns, kinds)
        counts = np.zeros(kinds + 1, np.int64)
        for piece in self._pieces(max(PIECE, kinds)):
            counts += np.bincount(self._combined(columns, piece), minlength=kinds + 1)
        return counts[1:]

    @cached_property
    def _others(self) -> Rows:
        """The rows that the mask leaves out."""
        positions = np.flatnonzero(~self.mask) if self.mask is not None else np.arange(0)
        return Rows(self.columns, positions.size, at=positions.astype(np.int32))

    def pieces(self, *names: str) -> Iterator[tuple[Codes, ...]]:
        """The codes of some columns, piece by piece."""
        columns = [self.columns[name] for name in names]
        for piece in self._pieces(PIECE):
            chosen = None if self.mask is None or not isinstance(piece, slice) else self.mask[piece]
            read = (column.read(piece) for column in columns)
            yield tuple(codes if chosen is None else codes[chosen] for codes in read)

    def places(self) -> NDArray[np.int64]:
        """The rows' positions in the release, ascending."""
        if self.positions is not None:
            return self.positions.astype(np.int64)
        return np.arange(self.columns.rows) if self.mask is None else np.flatnonzero(self.mask)

    def first(self, tests: Sequence[Testing], start: int, stop: int) -> Ints:
        """The rows from `start` to `stop` of those that pass every test: no more is read than that takes."""
        if not tests and self.mask is None:
            return np.arange(start, min(stop, self.n)) if self.at is None else self.at[start:stop].astype(np.int64)
        found, before = [np.empty(0, np.int64)], 0
        if self.at is not None:
            pieces: Iterator[Any] = self._pieces(PIECE)
        else:  # no positions of all rows are made for it
            pieces = _slices(slice(0, self.columns.rows), PIECE)
        for piece in pieces:
            if before >= stop:
                break
            lying = isinstance(piece, slice)
            passed = all_pass(tests, piece) if tests else np.ones(piece.stop - piece.start, bool)
            if lying and self.mask is not None:
                passed &= self.mask[piece]
            n = int(np.count_nonzero(passed))
            if before + n > start:
                at = np.flatnonzero(passed)[max(start - before, 0) : stop - before]
                found.append(at + piece.start if lying else piece[at])
            before += n
        return np.concatenate(found)

    def _pieces(self, size: int) -> Iterator[slice | NDArray[np.intp]]:
        """The rows in pieces: parts of the table that the mask is still to be asked of, or positions."""
        if self.positions is None:
            yield from _slices(slice(0, self.columns.rows), size)
        else:
            for start in range(0, self.n, size):
                yield self.positions[start : start + size].astype(np.intp)

    def _combined(self, columns: Sequence[Column], piece: slice | NDArray[np.intp]) -> NDArray[np.intp]:
        """One number a row for its combination of codes, from 1 on; 0 for rows that the mask leaves out."""
        combined = columns[0].read(piece).astype(np.intp)
        for column in columns[1:]:
            combined *= column.size
            combined += column.read(piece)
        combined += 1
        if self.mask is not None and isinstance(piece, slice):
            combined *= self.mask[piece]
        return combined

    def _sorted(self, columns: Sequence[Column], sizes: tuple[int, ...]) -> Tally:
        """`tally` where there are more kinds than a plain array should hold: their numbers are sorted."""
        small = prod(sizes) < np.iinfo(np.int32).max
        numbers = [
            self._combined(columns, piece).astype(np.int32 if small else np.int64) for piece in self._pieces(PIECE)
        ]
        found = np.concatenate(numbers) if numbers else np.empty(0, np.int64)
        found = found[found > 0]
        found.sort()
        first = np.flatnonzero(np.diff(found, prepend=found.dtype.type(0)))
        n = np.diff(first, append=found.size)
        return Tally(_split(found[first].astype(np.int64) - 1, sizes), n.astype(np.int64))


@dataclass(frozen=True)
class Among:
    """A row passes if it is one of some rows, which a mask or positions tell."""

    rows: Rows

    def passed(self, rows: slice | NDArray[np.intp]) -> Bools:
        """For each of the rows whether it passes."""
        if self.rows.mask is not None:
            return np.asarray(self.rows.mask[rows]).copy()
        at = np.empty(0, np.int32) if self.rows.at is None else self.rows.at
        if isinstance(rows, slice):
            passed = np.zeros(rows.stop - rows.start, bool)
            first, last = np.searchsorted(at, (rows.start, rows.stop))
            passed[at[first:last] - rows.start] = True
            return passed
        found = np.searchsorted(at, rows)
        return np.asarray(at[np.minimum(found, at.size - 1)] == rows) if at.size else np.zeros(rows.size, bool)


def everything(columns: Columns) -> Rows:
    """All rows of a release."""
    return Rows(columns, columns.rows)


Part = tuple[slice, Sequence[Testing]]
"""A stretch of rows that lie together, and what is still to be asked of them."""


def in_parts(columns: Columns, parts: Sequence[Part]) -> Rows:
    """Rows of some stretches (ascending) that pass their tests: where they lie together, little is read."""
    found = [np.arange(0)]
    for piece, tests in _pieces_of(parts):
        found.append(
            np.flatnonzero(all_pass(tests, piece)) + piece.start if tests else np.arange(piece.start, piece.stop)
        )
    positions = np.concatenate(found)
    return Rows(columns, positions.size, at=positions.astype(np.int32))


def count_in_parts(columns: Columns, parts: Sequence[Part], by: str) -> Ints:
    """Rows of some stretches that pass their tests, counted by a column in one go: of shape (its size,), 0 not told."""
    column = columns[by]
    counts = np.zeros(column.size, np.int64)
    for piece, tests in _pieces_of(parts):
        codes = column.read(piece)
        if tests:
            passed = all_pass(tests, piece)
            few = np.count_nonzero(passed) < FEW * passed.size
            codes = codes.take(np.flatnonzero(passed)) if few else codes * passed
        counts += np.bincount(codes, minlength=counts.size)
    counts[0] = 0
    return counts


def _pieces_of(parts: Sequence[Part]) -> Iterator[Part]:
    for part, tests in parts:
        for piece in _slices(part, PIECE):
            yield piece, tests


def _slices(part: slice, size: int) -> Iterator[slice]:
    for start in range(part.start, part.stop, size):
        yield slice(start, min(start + size, part.stop))


def _split(kind: NDArray[Any], sizes: tuple[int, ...]) -> tuple[Ints, ...]:
    return tuple(np.asarray(codes, np.int64) for codes in np.unravel_index(kind, sizes))
