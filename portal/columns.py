"""The small columns of a release as numbers in mapped memory: what counting reads.

Charter: the file, its labels, and what follows from a column by a table. Which rows are counted, and how, is
`portal.tally`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Codes = NDArray[Any]
"""Unsigned integers, one a row; 0 says that nothing is known."""


TOTALS_KEPT = 40
"""Ways of counting the whole release that are kept, each up to two megabytes."""


STRETCH = 2048
"""Rows whose bounding box is known together."""


@dataclass(frozen=True)
class Stretches:
    """First and last `gx` and `gy` of the points of each stretch of rows, and whether all of its rows have one."""

    west: NDArray[np.int64]
    east: NDArray[np.int64]
    north: NDArray[np.int64]
    south: NDArray[np.int64]
    full: NDArray[np.bool_]

    def meet(self, x0: int, x1: int, y0: int, y1: int) -> NDArray[np.bool_]:
        """Which stretches may have points in a window (all inclusive)."""
        return (self.west <= x1) & (self.east >= x0) & (self.north <= y1) & (self.south >= y0)

    def lie_in(self, x0: int, x1: int, y0: int, y1: int) -> NDArray[np.bool_]:
        """Which stretches have all their rows in a window."""
        return self.full & (self.west >= x0) & (self.east <= x1) & (self.north >= y0) & (self.south <= y1)


@dataclass(frozen=True)
class Column:
    """A column of codes from 0 to `size` - 1, as it lies in the file, or read through a table or a ceiling."""

    codes: Codes
    size: int
    table: Codes | None = None
    ceiling: int | None = None

    def read(self, rows: slice | NDArray[np.intp]) -> Codes:
        """The codes of some rows."""
        found = self.codes[rows] if isinstance(rows, slice) else self.codes.take(rows)
        if self.ceiling is not None:
            found = np.minimum(found, found.dtype.type(self.ceiling))
        return found if self.table is None else self.table.take(found)

    def through(self, table: Codes, size: int) -> Column:
        """The column with each code replaced by the table's."""
        whole = table if self.table is None else table[self.table]
        return replace(self, table=np.ascontiguousarray(whole), size=size)

    def below(self, limit: int) -> Column:
        """The column with all codes from `limit` on as one."""
        return replace(self, ceiling=limit, size=limit + 1) if limit + 1 < self.size else self


@dataclass(frozen=True)
class Binned(Column):
    """A column of 32 bits as how many times `width` its codes lie above `base`, which none but 0 is below: 0 is the last."""

    base: int = 0
    width: int = 1

    def read(self, rows: slice | NDArray[np.intp]) -> Codes:
        """The bins of some rows, or what a table makes of them."""
        found = self.codes[rows] if isinstance(rows, slice) else self.codes.take(rows)
        found = found - np.uint32(self.base)  # 0 wraps round to far above
        found //= np.uint32(self.width)
        np.minimum(found, np.uint32(self.last), out=found)
        return found if self.table is None else self.table.take(found)

    @property
    def last(self) -> int:
        """The bin of those that have no code."""
        return (self.size if self.table is None else len(self.table)) - 1


class Columns:
    """The columns of one release."""

    def __init__(self, path: Path) -> None:
        """Map the file. OSError or ValueError (of Arrow) where it is missing or is no such file; KeyError for labels."""
        batch = pa.ipc.open_file(pa.memory_map(str(path))).get_batch(0)
        metadata = batch.schema.metadata
        sizes = json.loads(metadata[b"sizes"])
        self.rows: int = batch.num_rows
        self.texts = {field.name: batch.column(field.name) for field in batch.schema if field.name not in sizes}
        self._columns = {
            name: Column(batch.column(name).to_numpy(zero_copy_only=True), max(int(size), 1))
            for name, size in sizes.items()
        }
        self._totals: dict[tuple[str, ...], NDArray[np.int64]] = {}
        self._labels: dict[str, list[Any]] = {
            name: [None, *labels] for name, labels in json.loads(metadata[b"labels"]).items()
        }
        for name, labels in self._labels.items():
            self._columns[name] = replace(self._columns[name], size=len(labels))

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __getitem__(self, name: str) -> Column:
        """The column of that name; KeyError."""
        return self._columns[name]

    def labels(self, name: str) -> Sequence[Any]:
        """What each code of a column stands for; None for 0."""
        return self._labels[name]

    def labelled(self, name: str) -> bool:
        """Whether the codes of a column stand for texts."""
        return all(isinstance(label, str) for label in self._labels[name][1:]) if name in self._labels else False

    def total(self, by: tuple[str, ...], count: Callable[[], NDArray[np.int64]]) -> NDArray[np.int64]:
        """The whole release counted by some columns: kept, as nearly all rows are counted by what is left out of them."""
        found = self._totals.get(by)
        if found is None:
            found = count()
            if len(self._totals) < TOTALS_KEPT:
                self._totals[by] = found
        return found

    @cached_property
    def stretches(self) -> Stretches:
        """Where rows lie, stretch by stretch: along a Hilbert curve neighbours in the file are neighbours in the city."""
        starts = np.arange(0, self.rows, STRETCH)
        gx, gy = self["gx"].codes, self["gy"].codes
        first = [np.minimum.reduceat(np.where(gx == 0, np.uint32(2**32 - 1), codes), starts) for codes in (gx, gy)]
        last = [np.maximum.reduceat(codes, starts) for codes in (gx, gy)]
        west, north, east, south = (ends.astype(np.int64) for ends in (*first, *last))
        return Stretches(west, east, north, south, np.minimum.reduceat(gx, starts) > 0)

    def derive(self, name: str, of: str, values: Sequence[Any]) -> None:
        """A further column, which follows from another: `values` are of the other's codes, None for not known."""
        labels = sorted({value for value in values if value is not None})
        place: Mapping[Any, int] = {None: 0} | {label: i + 1 for i, label in enumerate(labels)}
        table = np.array([place[value] for value in values], np.uint16)
        self._labels[name] = [None, *labels]
        self._columns[name] = self._columns[of].through(table, len(labels) + 1)
