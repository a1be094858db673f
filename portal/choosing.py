"""Which rows of a release a selection chooses: found in the mapped columns, among those of a wider selection if one is at hand.

Charter: a selection in, rows or the tests that they pass out. What is counted over them is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from portal.asked import Between, OneOf, Test, Testing
from portal.columns import Columns
from portal.expressions import compiled, tree
from portal.filtered import Filter
from portal.kept import Answers
from portal.mapped_conditions import split
from portal.mapped_known import Known
from portal.placing import within
from portal.selection import COLUMNS, NOT_STATED, Selection, any_of
from portal.tally import Among, Rows, everything

MOST_LOOKED_UP = 1000
"""So many rows are read by their places (portal.opened)."""
EPOCH = date(1970, 1, 1)


class Choosing:
    """The rows of selections of one release."""

    def __init__(
        self,
        counting: Columns,
        table: Callable[[str, Sequence[Any]], pa.Table],
        known: Callable[[], Known],
        entries: int,
    ) -> None:
        """`table` asks the index, for what columns for counting do not tell; so many selections are kept."""
        self.counting, self._table, self._known = counting, table, known
        self._kept = Answers(entries)

    def rows(self, selection: Selection) -> Rows:
        """The selected rows, for counting: found among those of a wider selection where one is at hand."""

        def found() -> Rows:
            placed = selection.placed()
            if placed == selection:
                return self._placed(selection)
            around = self.rows(placed)  # all, where neither a circle nor an outline is named
            wider: list[tuple[Selection, Rows]] = [(placed, around)]
            wider += self._kept.find(lambda kept: kept.holds(selection) and kept.placed() == placed)
            asked, rows = min(wider, key=lambda kept: kept[1].n)
            return rows.that(self.tests(selection.beyond(asked)))

        return self._kept.get(selection, found) if selection else everything(self.counting)

    def forget(self) -> None:
        """Forget what was kept."""
        self._kept.forget()

    def _placed(self, selection: Selection) -> Rows:
        """The rows of a circle, an outline or a client's own condition."""
        if selection.filter is not None:
            return self._filtered(selection.filter, self.rows(selection.replace(filter=None)))
        places = selection.places()
        if len(places) > 1:
            return self._listed(*selection.where(any_of))  # as the index has it
        return within(self.counting, places[0], lambda doubtful: self._settled(selection, doubtful))

    def _filtered(self, condition: Filter, among: Rows) -> Rows:
        """Of some rows those that meet a condition: by mapped columns as far as these tell it."""
        known = self._known()
        tests, left = split(condition.of, known)
        rows = among.that(tests)
        if not left or not rows.n:
            return rows
        where, params = compiled.condition(tree.And(tuple(left)), known.fields)
        if rows.n <= MOST_LOOKED_UP:
            # CASE: a plain condition would be pushed into the scan, and there be asked of the whole table.
            here = f"rowid IN (SELECT unnest(?::BIGINT[])) AND CASE WHEN {where} THEN TRUE ELSE FALSE END"
            return self._listed(here, [rows.places().tolist(), *params])
        found = self._listed(where, params)
        return found if rows.n == self.counting.rows else found.that([Among(rows)])

    def _listed(self, where: str, params: Sequence[Any]) -> Rows:
        """The rows that the database finds."""
        found = self._table(f"SELECT rid FROM requests WHERE {where}", params)["rid"]  # noqa: S608 - parameterised
        positions = found.to_numpy().astype(np.int32)
        if np.any(positions[1:] < positions[:-1]):  # DuckDB keeps the order of a table
            positions.sort()
        return Rows(self.counting, positions.size, at=positions)

    def _settled(self, selection: Selection, doubtful: NDArray[np.int64]) -> NDArray[np.int64]:
        """Of rows on the very edge of a place those that are in it: the database is asked for these alone."""
        where, params = selection.where()
        sql = f"""WITH edge AS MATERIALIZED (
                      SELECT rid, lat, long FROM requests WHERE rowid IN (SELECT unnest(?::BIGINT[])))
                  SELECT rid FROM edge WHERE {where} ORDER BY rid"""  # noqa: S608 - parameterised
        return self._table(sql, [doubtful.tolist(), *params])["rid"].to_numpy().astype(np.int64)

    def tests(self, selection: Selection) -> list[Testing]:
        """What a row of the selection passes."""
        tests: list[Testing] = []
        named = {column: getattr(selection, key) for key, column in COLUMNS.items()}
        named |= {layer: selection.codes(layer) for layer in selection.layers()}
        for name, values in named.items():
            if values:
                wanted = [NOT_STATED if label is None else label for label in self.counting.labels(name)]
                tests.append(Test(self.counting[name], np.isin(wanted, values)))
        if selection.from_date or selection.to_date:
            tests.append(self._made_from(selection.from_date or date.min, selection.to_date or date.max))
        if selection.age:
            tests.append(Between(self.counting["age_days"], *selection.age.codes()))
        return tests

    def _made_from(self, first: date, last: date) -> Testing:
        """Requests of some days. Of those before 1970-01-02 the column tells only that they are (0): the database is asked."""
        later = Between(self.counting["requested_day"], max((first - EPOCH).days, 1), (last - EPOCH).days)
        if first > EPOCH or not self._early:
            return later
        where, params = Selection(from_date=first, to_date=min(last, EPOCH)).where()
        return OneOf((later, Among(self._listed(where, params))))

    @cached_property
    def _early(self) -> bool:
        """Whether there are such requests at all."""
        return bool(self._table("SELECT rid FROM requests WHERE requested_date <= ? LIMIT 1", [EPOCH]).num_rows)
