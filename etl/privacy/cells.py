"""Small cells of a table of counts, hidden so that no subtraction brings them back.

Charter: one table of counts in, the same with some counts hidden out, and the margins that may be
published beside it. Which tables are protected, and from how small a count, is the city's policy.

A count from 1 to below the minimum is hidden (primary). A zero stays: that nobody asked tells of nobody,
and statistical offices that publish counts of events rather than of traits of persons do the same;
hiding it would also make every empty month of every table look like a secret. Then, in each sum that
is published, further counts are hidden (complementary) until no hidden one can be worked out, nor
bounded to a single value by someone who knows the minimum and that zeros are never hidden first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Suppressed:
    """The table with its small cells null, and each margin likewise; each has a column `suppressed`.

    `margins` are by their columns, () being the grand total. Only what is here may be published of the counts: a
    total worked out elsewhere from the full counts would undo it.
    """

    table: pa.Table
    margins: dict[tuple[str, ...], pa.Table]
    hidden: int
    complementary: int


def suppress(
    table: pa.Table,
    count_columns: Sequence[str],
    by: Sequence[str],
    minimum: int,
    margins: Iterable[Sequence[str]] = ((),),
    parts: Mapping[str, Sequence[str]] | None = None,
) -> Suppressed:
    """Hide counts from 1 to `minimum` - 1 and as many more as keep them hidden.

    `by` are the columns that name a row; each of `margins` is a choice of them over which sums are (or could be)
    published. `parts` says which count columns add up to another: {"requests": ("open", "closed")}. Null counts
    stay null and count as zero in sums. The answer depends on the counts and on the rows' order only.
    """
    frame = table.select(list(by)).to_pandas()
    counts = np.column_stack(
        [np.nan_to_num(table[name].to_pandas().to_numpy(dtype=np.float64, na_value=np.nan)) for name in count_columns]
    ).astype(np.int64)
    system = _System(counts, count_columns, parts or {})
    keys: dict[tuple[str, ...], tuple[pd.DataFrame, slice]] = {}
    for margin in dict.fromkeys(tuple(m) for m in margins):
        if set(margin) >= set(by):
            continue
        codes, names = _groups(frame, margin)
        keys[margin] = (names, system.add_margin(codes, len(names)))
    system.relate_margins({m: (_groups(frame, m)[0], part) for m, (_, part) in keys.items()})
    system.protect(minimum)
    hidden = system.hidden.reshape(-1, len(count_columns))
    values = system.values.reshape(-1, len(count_columns))
    tables = {
        margin: _masked(pa.Table.from_pandas(names, preserve_index=False), count_columns, values[part], hidden[part])
        for margin, (names, part) in keys.items()
    }
    body = slice(0, len(table))
    done = _masked(table, count_columns, values[body], hidden[body])
    return Suppressed(done, tables, int(system.hidden.sum()), int((system.hidden & ~system.primary).sum()))


class _System:
    """Cells (margins are cells too) and the sums that tie them: in each, the first cell is the sum of the others."""

    def __init__(self, counts: Integers, columns: Sequence[str], parts: Mapping[str, Sequence[str]]) -> None:
        self._columns = list(columns)
        self._parts = {name: list(of) for name, of in parts.items()}
        self.values = counts.ravel()
        self.sums: list[Integers] = []
        self._rows = len(counts)
        self._body = len(counts)
        self._add_parts(np.arange(len(counts)))

    def add_margin(self, codes: Integers, groups: int) -> slice:
        """Append one margin's totals as rows, tied to the rows of the table that they sum up."""
        width = len(self._columns)
        body = self.values[: self._body * width].reshape(-1, width)
        totals = np.zeros((groups, width), dtype=np.int64)
        np.add.at(totals, codes, body)
        start, self._rows = self._rows, self._rows + groups
        self.values = np.concatenate([self.values, totals.ravel()])
        self._tie(np.arange(groups) + start, codes, np.arange(self._body))
        self._add_parts(np.arange(groups) + start)
        return slice(start, self._rows)

    def relate_margins(self, margins: Mapping[tuple[str, ...], tuple[Integers, slice]]) -> None:
        """A margin's totals are sums of those of every finer margin."""
        for coarse, (coarse_codes, coarse_rows) in margins.items():
            for fine, (fine_codes, fine_rows) in margins.items():
                if set(coarse) < set(fine) and self._body:
                    parent = np.zeros(fine_rows.stop - fine_rows.start, dtype=np.int64)
                    parent[fine_codes] = coarse_codes
                    total = np.arange(coarse_rows.start, coarse_rows.stop)
                    self._tie(total, parent, np.arange(fine_rows.start, fine_rows.stop))

    def _tie(self, totals: Integers, codes: Integers, rows: Integers) -> None:
        order = np.argsort(codes, kind="stable")
        edges = np.searchsorted(codes[order], np.arange(len(totals) + 1))
        width = len(self._columns)
        for group, total in enumerate(totals):
            members = rows[order[edges[group] : edges[group + 1]]]
            for column in range(width):
                self.sums.append(np.concatenate([[total], members]) * width + column)

    def _add_parts(self, rows: Integers) -> None:
        width = len(self._columns)
        for whole, of in self._parts.items():
            at = np.array([self._columns.index(name) for name in (whole, *of)])
            self.sums += [row * width + at for row in rows]

    def protect(self, minimum: int) -> None:
        """Hide until every sum is safe by itself and no hidden cell is bounded to one value by all of them."""
        self.primary = (self.values > 0) & (self.values < minimum)
        self.hidden = self.primary.copy()
        self._uses: list[list[int]] = [[] for _ in self.values]
        for i, cells in enumerate(self.sums):
            for cell in cells:
                self._uses[cell].append(i)
        waiting = list(range(len(self.sums)))
        while waiting:
            self._settle(waiting, minimum)
            doubtful = without_another_value(self.values, self.hidden, self.sums)
            # One at a time: a cell more may leave room for all of them
            sums = (i for cell in doubtful for i in self._uses[cell])
            waiting = next((self._uses[cell] for i in sums if (cell := self._hide_one_more(i)) is not None), [])

    def _settle(self, waiting: list[int], minimum: int) -> None:
        queue = list(waiting)
        while queue:
            i = queue.pop()
            while not self._safe(self.sums[i], minimum):
                added = self._hide_one_more(i)
                if added is None:
                    break
                queue += [j for j in self._uses[added] if j != i]

    def _safe(self, cells: Integers, minimum: int) -> bool:
        """Nothing hidden; or at least two, and the hidden parts' known sum leaves them room."""
        hidden = cells[self.hidden[cells]]
        if len(hidden) == 0:
            return True
        if len(hidden) == 1:
            return False
        if self.hidden[cells[0]]:
            return True
        known = self.values[hidden].sum()
        return bool(known >= minimum and known > len(hidden))

    def _hide_one_more(self, i: int) -> int | None:
        """Hide the smallest count of a sum that is not zero; failing that its total; failing that a zero."""
        cells = self.sums[i]
        shown = cells[1:][~self.hidden[cells[1:]]]
        counted = shown[self.values[shown] > 0]
        if len(counted):
            choice = int(counted[np.argmin(self.values[counted])])
        elif not self.hidden[cells[0]]:
            choice = int(cells[0])
        elif len(shown):
            choice = int(shown[0])
        else:
            return None
        self.hidden[choice] = True
        return choice


def without_another_value(values: Integers, hidden: Mask, sums: Sequence[Integers]) -> Integers:
    """Hidden cells for which no second table was found that agrees with all that is shown and differs there.

    In each of `sums` the first cell is the sum of the others. A second table is the true one plus a move: whole
    numbers on hidden cells that leave every sum as it is and no cell below 1, which a reader who knows how cells
    are hidden takes to be their least (0 where a zero had to be hidden for want of anything else). A cell that is
    not in the answer is proven to have two values at least; one that is may have them too. Any reader's bounds, by
    linear programming or otherwise, hold both tables, so that this needs no solver.
    """
    least = 1 if (values[hidden] > 0).all() else 0
    at = np.full(len(hidden), -1)
    at[hidden] = np.arange(hidden.sum())
    cell_of = np.flatnonzero(hidden)
    rows = [(at[c[hidden[c]]], np.where(np.flatnonzero(hidden[c]) == 0, -1.0, 1.0)) for c in sums if hidden[c].any()]
    found: list[int] = []
    for cells, equations in _components(len(cell_of), rows):
        # Sums are solved for the largest cells, which have most room to give
        members = sorted(cells, key=lambda cell: -values[cell_of[cell]])
        place = {cell: i for i, cell in enumerate(members)}
        matrix = np.zeros((len(equations), len(members)))
        for r, equation in enumerate(equations):
            for cell, sign in zip(*rows[equation], strict=True):
                matrix[r, place[cell]] = sign
        free = _moved(_moves(matrix), values[cell_of[members]] - least)
        found += [int(cell_of[cell]) for cell, moved in zip(members, free, strict=True) if not moved]
    return np.array(sorted(found), dtype=np.int64)


def _moves(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """A basis of what leaves every sum as it is, one move a row, by Gauss-Jordan elimination."""
    pivots: list[int] = []
    for column in range(matrix.shape[1]):
        row = len(pivots)
        if row == len(matrix):
            break
        best = row + int(np.argmax(np.abs(matrix[row:, column])))
        if abs(matrix[best, column]) < 1e-9:
            continue
        matrix[[row, best]] = matrix[[best, row]]
        matrix[row] /= matrix[row, column]
        others = np.flatnonzero(np.abs(matrix[:, column]) > 1e-9)
        others = others[others != row]
        matrix[others] -= np.outer(matrix[others, column], matrix[row])
        pivots.append(column)
    free = np.setdiff1d(np.arange(matrix.shape[1]), pivots)
    moves = np.zeros((len(free), matrix.shape[1]))
    moves[np.arange(len(free)), free] = 1
    moves[:, pivots] = -matrix[: len(pivots), free].T
    whole = np.round(moves)
    return whole[np.abs(whole - moves).max(axis=1, initial=0.0) < 1e-6]


def _moved(moves: NDArray[np.float64], room: Integers) -> Mask:
    """The cells that some move, there or back, or the sum or difference of two, changes within the room there is."""

    def changed(tried: NDArray[np.float64]) -> Mask:
        possible = (room + tried >= 0).all(axis=1) | (room - tried >= 0).all(axis=1)
        return (tried[possible] != 0).any(axis=0)

    found = changed(moves)
    for move in moves:
        if not found[move != 0].all():
            found |= changed(moves + move) | changed(moves - move)
    return found


def _components(size: int, rows: Sequence[tuple[Integers, Any]]) -> list[tuple[list[int], list[int]]]:
    """Hidden cells that hang together through sums, with those sums."""
    root = list(range(size))

    def top(cell: int) -> int:
        while root[cell] != cell:
            root[cell] = root[root[cell]]
            cell = root[cell]
        return cell

    for cells, _ in rows:
        for cell in cells[1:]:
            root[top(int(cell))] = top(int(cells[0]))
    members: dict[int, tuple[list[int], list[int]]] = {}
    for cell in range(size):
        members.setdefault(top(cell), ([], []))[0].append(cell)
    for i, (cells, _) in enumerate(rows):
        members[top(int(cells[0]))][1].append(i)
    return [group for group in members.values() if group[1]]


def _groups(frame: pd.DataFrame, columns: Sequence[str]) -> tuple[Integers, pd.DataFrame]:
    """Number of each row's group in order of first appearance, and the groups' keys."""
    if not columns:
        return np.zeros(len(frame), dtype=np.int64), pd.DataFrame(index=range(1))
    distinct = frame[list(columns)].drop_duplicates(ignore_index=True)
    codes = frame.groupby(list(columns), dropna=False, sort=False).ngroup().to_numpy()
    numbers: Integers = codes.astype(np.int64)
    return numbers, distinct


def _masked(table: pa.Table, columns: Sequence[str], values: Integers, hidden: Mask) -> pa.Table:
    """The table with its counts (a margin has none yet) null where hidden; what was null stays so."""
    names = {name: table[name] for name in table.column_names}
    for i, name in enumerate(columns):
        was_null = np.asarray(names[name].is_null()) if name in names else False
        kind = names[name].type if name in names else pa.int64()
        names[name] = pa.array(values[:, i], pa.int64(), mask=hidden[:, i] | was_null).cast(kind)
    return pa.table({**names, "suppressed": pa.array(hidden.any(axis=1), pa.bool_())})
