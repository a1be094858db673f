"""Pages of any table in any order, each with the exact number of all rows; by the time of requests in mapped columns.

Charter: an ask and SQL of columns in, places and Arrow columns out, as `portal.queries.places` has them. Where the order begins
with the time of a request a cursor is how many rows came before: a release never changes.
"""

# ruff: noqa: S608 - names come from the release's own tables, expressions are compiled, every value is a parameter

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pyarrow as pa

from portal import cursors
from portal.errors import BadRequest
from portal.expressions import compiled, tree
from portal.queries import by_time
from portal.queries.places import Places, columns_of, places
from portal.queries.tabled import MAX_ROWS, PLACE, Ask, signed, sorts_of
from portal.release import Release
from portal.selection import quoted

MOST_OFFSET: Final = 2**31 - 1
_COUNTED: Final = "t"
"""Marks a cursor that counts rows."""


def paged(release: Release, ask: Ask, columns: Sequence[str], limit: int, cursor: str = "", offset: int = 0) -> Places:
    """The next rows in order, with columns in SQL that the caller made; BadRequest for a cursor of something else."""
    if not 0 <= limit <= MAX_ROWS or not 0 <= offset <= MOST_OFFSET:
        raise BadRequest(f"limit must be 0 to {MAX_ROWS}, and offset 0 to {MOST_OFFSET}.")
    if cursor and offset:
        raise BadRequest("A page begins at a cursor or at an offset, not at both.")
    if quick(release, ask):
        start = _read(release, ask, cursor) if cursor else offset
        at = _by_time(release, ask, start, start + limit) if limit else []
        more = start + len(at) < total(release, ask) and bool(at)
        onward = cursors.written(signed(release, ask), _COUNTED, start + len(at)) if more else ""
        return Places(at, onward, columns_of(release, ask.table, at, columns))
    if not limit:
        return Places([], "", pa.table({}))
    return places(release, ask, limit, cursor, columns, offset)


def total(release: Release, ask: Ask) -> int:
    """How many rows there are in all."""
    return release.chosen(ask.selected(release)).n if quick(release, ask) else ask.total(release)


def quick(release: Release, ask: Ask) -> bool:
    """Whether the mapped columns tell the order: that of requests by time, but of a client's own condition, which the
    database would have to list all rows of."""
    return (
        ask.table.name == "requests"
        and bool(ask.order)
        and ask.order[0].by == tree.Column(by_time.TIME)
        and ask.selected(release).filter is None
        and by_time.exact(release)
    )


def _by_time(release: Release, ask: Ask, start: int, stop: int) -> list[int]:
    found = by_time.around(release, ask.selected(release), ask.order[0].descending, start, stop)
    at: list[int] = found.places.tolist()
    if len(ask.order) > 1 and at:
        keys = [compiled.expression(order.by, ask.table.filterable) for order in ask.order]
        bound = [value for _, given, _ in keys for value in given]
        sql = f"""SELECT {PLACE} FROM {quoted(ask.table.name)} WHERE {PLACE} IN (SELECT unnest(?::BIGINT[]))
                  ORDER BY {", ".join([*sorts_of(ask, keys), PLACE])}"""
        at = [place for (place,) in release.query(sql, [at, *bound])]
    return at[start - found.first : stop - found.first]


def _read(release: Release, ask: Ask, cursor: str) -> int:
    told = cursors.read(cursor, signed(release, ask))
    start = told[1] if len(told) == 2 and told[0] == _COUNTED else None
    if not isinstance(start, int) or not 0 <= start <= MOST_OFFSET:
        raise cursors.refused()
    return start
