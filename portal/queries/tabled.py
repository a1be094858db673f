# ruff: noqa: S608 - names come from the release's own tables, expressions are compiled, every value is a parameter
"""Rows of any table of a release: which of them, in which order, from where on; counted, and figures of groups of them.

Charter: an `Ask` in, SQL of its rows or figures of them out. A page goes on where the one before ended, by the place of
its last row in the table: a release never changes, so pages neither overlap nor leave anything out, however far down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

from portal import cursors
from portal.boxed import box_of, count
from portal.errors import BadRequest
from portal.expressions import compiled, tree
from portal.expressions.fields import BadExpression, Fields
from portal.filtered import Filter
from portal.release import Release
from portal.selection import EVERYTHING, Selection, quoted
from portal.tables import Table

MAX_ROWS: Final = 10_000
MOST_PLACE: Final = 2**62
PLACE: Final = "rowid"
"""DuckDB's own number of a row: the order of the table, and what makes any order a total one."""


@dataclass(frozen=True)
class Order:
    """What to sort by; what is not there comes last either way."""

    by: tree.Expression
    descending: bool = False


@dataclass(frozen=True)
class Ask:
    """Which rows of a table, in which order. `selection` is of requests only; `condition` of any table."""

    table: Table
    selection: Selection = EVERYTHING
    condition: tree.Condition | None = None
    order: tuple[Order, ...] = ()

    def where(self, release: Release) -> tuple[str, list[Any]]:
        """The condition as SQL over the index."""
        if self.table.name == "requests":
            return release.where(self.selected(release))
        if self.selection:
            raise BadRequest(f"The filters of requests do not apply to the table {self.table.name}.")
        if self.condition is None:
            return "TRUE", []
        return compiled.condition(self.condition, self.table.filterable)

    def selected(self, release: Release) -> Selection:
        """The selection, narrowed by the condition."""
        if self.condition is None:
            return self.selection
        if release.id not in self._selected:  # a page asks for it again and again, and each time it would be compiled
            known = self.selection.filter
            both = self.condition if known is None else tree.And((known.of, self.condition))
            self._selected[release.id] = self.selection.replace(filter=Filter.made(both, release))
        return self._selected[release.id]

    @cached_property
    def _selected(self) -> dict[str, Selection]:
        return {}

    def total(self, release: Release) -> int:
        """How many rows there are."""
        if self.table.name == "requests":
            box = None if self.selection else box_of(self.condition)
            if box:
                return int(release.cache.get(("total", box), lambda: count(release, box)))
            return release.chosen(self.selected(release)).n
        where, params = self.where(release)
        key = ("total", self.table.name, where, tuple(params))
        sql = f"SELECT count(*) FROM {quoted(self.table.name)} WHERE {where}"
        return int(release.cache.get(key, lambda: release.query(sql, params)[0][0]))


def sorts_of(ask: Ask, keys: Sequence[tuple[str, list[Any], Any]]) -> list[str]:
    """The order as SQL."""
    return [
        f"{sql} {'DESC' if order.descending else 'ASC'} NULLS LAST"
        for order, (sql, _, _) in zip(ask.order, keys, strict=True)
    ]


# --- cursors ------------------------------------------------------------------


def signed(release: Release, ask: Ask) -> str:
    """What a cursor of this release, filter and order is good for."""
    where, params = ask.where(release)
    return f"{release.id} {ask.table.name} {where} {params} {ask.order}"


def cursor_of(release: Release, ask: Ask, place: int) -> str:
    """The cursor of what comes after the row at a place. What that is sorted by is looked up there when it is read: a text
    may be longer than an address."""
    return cursors.written(signed(release, ask), place)


def after(release: Release, ask: Ask, keys: Sequence[tuple[str, list[Any], Any]], cursor: str) -> tuple[str, list[Any]]:
    """A condition that a row comes after the one that the cursor names."""
    told = cursors.read(cursor, signed(release, ask))
    place = told[0] if len(told) == 1 else None
    if type(place) is not int or not 0 <= place <= MOST_PLACE:
        raise cursors.refused()
    values: Sequence[Any] = ()
    if keys:
        sql = f"SELECT {', '.join(sql for sql, _, _ in keys)} FROM {quoted(ask.table.name)} WHERE {PLACE} = ?"
        found = release.query(sql, [*(value for _, params, _ in keys for value in params), place])
        if not found:
            raise cursors.refused()
        values = found[0]
    clause, bound = f"{PLACE} > ?", [place]
    for order, (sql, params, _), value in reversed(list(zip(ask.order, keys, values, strict=True))):
        if value is None:
            clause, bound = f"({sql} IS NULL AND {clause})", [*params, *bound]
        else:
            sign = "<" if order.descending else ">"
            clause = f"({sql} {sign} ? OR {sql} IS NULL OR ({sql} = ? AND {clause}))"
            bound = [*params, value, *params, *params, value, *bound]
    return clause, bound


# --- groups -------------------------------------------------------------------

AGGREGATES: Final = {
    "count": "count({})", "sum": "sum({})", "avg": "avg({})", "min": "min({})", "max": "max({})", "median": "median({})",
    "count_distinct": "count(DISTINCT {})", "stddev": "stddev_samp({})", "p25": "quantile_cont({}, 0.25)",
    "p75": "quantile_cont({}, 0.75)", "p90": "quantile_cont({}, 0.9)",
}  # fmt: skip
_NUMBERS: Final = ("sum", "avg", "median", "stddev", "p25", "p75", "p90")


@dataclass(frozen=True)
class Aggregate:
    """A figure of a group; `of` None counts its rows."""

    name: str
    of: tree.Expression | None = None


Told = tree.Expression | Aggregate


def figure(what: Told, fields: Fields) -> tuple[str, list[Any]]:
    """A figure, or what groups are made by, as SQL and its parameters."""
    if not isinstance(what, Aggregate):
        sql, params, _kind = compiled.expression(what, fields)
        return sql, params
    if what.name not in AGGREGATES:
        raise BadExpression(f"There is no figure '{what.name[:40]}'; there are: {', '.join(AGGREGATES)}.")
    if what.of is None:
        return "count(*)", []
    sql, params, kind = compiled.expression(what.of, fields)
    if kind == "geometry":
        raise BadExpression(f"{what.name} takes no geometry.")
    if what.name in _NUMBERS and kind != "number":
        raise BadExpression(f"{what.name} takes a number, not {kind}.")
    return AGGREGATES[what.name].format(sql), params


def narrowed(ask: Ask, condition: tree.Condition) -> Ask:
    """The ask, narrowed by one more condition."""
    return replace(ask, condition=condition if ask.condition is None else tree.And((ask.condition, condition)))
