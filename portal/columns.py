"""The small columns of a release as numbers in mapped memory: what counting reads.

Charter: the file, its labels, and what follows from a column by a table. Which rows are counted, and how, is
`portal.tally`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Codes = NDArray[Any]
"""Unsigned integers, one a row; 0 says that nothing is known."""


TOTALS_KEPT = 40
"""Ways of counting the whole release that are kept, each up to two megabytes."""


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

    def total(self, by: tuple[str, ...], count: Callable[[], NDArray[np.int64]]) -> NDArray[np.int64]:
        """The whole release counted by some columns: kept, as nearly all rows are counted by what is left out of them."""
        found = self._totals.get(by)
        if found is None:
            found = count()
            if len(self._totals) < TOTALS_KEPT:
                self._totals[by] = found
        return found

    def derive(self, name: str, of: str, values: Sequence[Any]) -> None:
        """A further column, which follows from another: `values` are of the other's codes, None for not known."""
        labels = sorted({value for value in values if value is not None})
        place: Mapping[Any, int] = {None: 0} | {label: i + 1 for i, label in enumerate(labels)}
        table = np.array([place[value] for value in values], np.uint16)
        self._labels[name] = [None, *labels]
        self._columns[name] = self._columns[of].through(table, len(labels) + 1)
