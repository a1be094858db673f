"""Figures of groups of a table's rows, as a query asks for them: texts in, named values and the exact number of groups out.

Charter: what `by`, `figures`, `having` and `sort` mean together; what each means alone is `portal.tables_asked`, and the rows
are those of `portal.queries.grouped`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import duckdb

from portal import tables_asked
from portal.errors import BadRequest
from portal.expressions import cql2, tree
from portal.plain_texts import utc_text
from portal.queries import grouped
from portal.queries.projection import Projection, columns
from portal.queries.tabled import Ask, Order
from portal.release import Release


@dataclass(frozen=True)
class Groups:
    """Some of the groups, their columns by name as JSON has them; `total` is how many there are in all."""

    names: tuple[str, ...]
    rows: list[dict[str, Any]]
    total: int


@dataclass(frozen=True)
class Asked:
    """What is asked of groups, as texts: all but the rows."""

    by: str | None = None
    figures: str | None = "count"
    having: str | None = None
    sort: str | None = None
    limit: int = 1000
    offset: int = 0


def groups(release: Release, ask: Ask, asked: Asked) -> Groups:
    """The groups; BadRequest for what cannot be asked."""
    made = projection(ask, asked)
    names = tuple(name for name, _ in made.columns)
    try:
        rows = grouped.groups(release, made) if asked.limit else []
        whole = asked.offset + len(rows) if rows and len(rows) < asked.limit else None
        n = grouped.total(release, made) if whole is None else whole
    except duckdb.Error as error:
        raise tables_asked.refused(error) from error
    return Groups(names, [{name: _plain(value) for name, value in row.items()} for row in rows], n)


def projection(ask: Ask, asked: Asked) -> Projection:
    """What is asked, read."""
    keys, told = tables_asked.keys(ask.table, asked.by), tables_asked.figures(asked.figures)
    names = [name for name, _ in (*keys, *told)]
    if len(set(names)) < len(names):
        raise BadRequest("The same column is asked for twice.")
    order = tables_asked.sorted_by(asked.sort, names)
    made = Projection(
        ask,
        tuple((name, tree.Column(name)) for name in names),
        order=tuple(Order(tree.Column(name), descending) for name, descending in order),
        limit=asked.limit,
        offset=asked.offset,
        grouped=True,
        keys=tuple(keys),
        figures=tuple(told),
    )
    columns(made)  # so that what makes no sense is refused before the condition is looked at
    return replace(made, having=cql2.over(asked.having, names)) if asked.having else made


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, datetime):
        return utc_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if (isinstance(value, float) and value != value) or value in (float("inf"), float("-inf")):
        return None
    return value if value is None or isinstance(value, str | int | float | bool) else float(value)
