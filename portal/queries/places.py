# ruff: noqa: S608 - the names in the SQL are the release's own columns and what the caller made, every value is a parameter
"""Pages of a table for whoever tells rows in a way of their own: where the next rows are, and columns made for them in SQL.

Charter: an ask, a cursor and SQL of columns in, places and Arrow columns out. Cursors are those of `portal.queries.tabled`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from portal.errors import BadRequest
from portal.expressions import compiled
from portal.queries.looked_up import looked_up
from portal.queries.tabled import MAX_ROWS, PLACE, Ask, after, cursor_of, sorts_of
from portal.release import Release
from portal.selection import quoted
from portal.tables import Table


@dataclass(frozen=True)
class Places:
    """Where some rows are in their table, in order, and the cursor of what comes after them; '' after the last.

    `rows` are the columns that were asked for beside, and `place`.
    """

    at: list[int]
    cursor: str
    rows: pa.Table


def places(
    release: Release, ask: Ask, limit: int, cursor: str = "", columns: Sequence[str] = (), offset: int = 0
) -> Places:
    """Where the next rows in order are, for whoever tells them in a way of their own; errors as of `page`.

    `columns` are SQL that the caller made. Where rows are sorted they are looked for first, and what they hold is to be
    asked for after: `columns_of`.
    """
    if not 1 <= limit <= MAX_ROWS:
        raise BadRequest(f"limit must be 1 to {MAX_ROWS}.")
    keys = [compiled.expression(order.by, ask.table.filterable) for order in ask.order]
    where, params = ask.where(release)
    if cursor:
        later, bound = after(release, ask, keys, cursor)
        where, params = f"({where}) AND {later}", [*params, *bound]
    told = ", ".join([f"{PLACE} AS place", *([] if keys else columns)])
    bound = [value for _, given, _ in keys for value in given]
    ending = f" ORDER BY {', '.join([*sorts_of(ask, keys), PLACE])}" if keys else ""
    sql = f"SELECT {told} FROM {quoted(ask.table.name)} WHERE {where}{ending} LIMIT ? OFFSET ?"
    found = release.table(sql, [*params, *bound, limit + 1, offset])
    at = found["place"].to_pylist()
    after_these = cursor_of(release, ask, at[limit - 1]) if len(at) > limit else ""
    rows = columns_of(release, ask.table, at[:limit], columns) if keys and columns else found.slice(0, limit)
    return Places(at[:limit], after_these, rows)


def columns_of(release: Release, table: Table, at: Sequence[int], columns: Sequence[str]) -> pa.Table:
    """Columns, in SQL that the caller made, of the rows at some places, in their order, and `place`."""
    return looked_up(release, table.name, at, columns)
