# ruff: noqa: S608 - names come from the release's own tables, expressions are compiled, every value is a parameter
"""Groups of a table's rows as a client asks for them: by expressions, with figures, of those that meet a condition.

Charter: a `Projection` that is grouped, and its SQL or its few rows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from portal.expressions import compiled
from portal.expressions.mapped import mentions
from portal.queries import counted_groups
from portal.queries.projection import MOST_SORTED, Projection, Sql, Writer, columns, shown, sorts
from portal.queries.tabled import Aggregate
from portal.release import Release
from portal.selection import quoted


def total(release: Release, projection: Projection) -> int:
    """How many groups there are in all, whatever the limit."""
    asked = projection.having
    needed = [figure for figure in projection.figures if asked is not None and mentions(asked, {figure[0]})]
    if projection.keys:  # figures that decide nothing need not be worked out
        projection = replace(projection, figures=tuple(needed))

    def counted() -> int:
        (sql, params), (having, bound) = _groups(projection, release), _having(projection)
        return int(release.query(f"SELECT count(*) FROM ({sql}) WHERE {having}", [*params, *bound])[0][0])

    ask = projection.ask
    extra = tuple((name, known.sql) for name, known in projection.extra.items())
    which = (ask.table.name, ask.selection, ask.condition, extra, projection.also, projection.having)
    return int(release.cache.get(("groups", which, projection.keys, projection.figures), counted))


def groups(release: Release, projection: Projection) -> list[dict[str, Any]]:
    """The groups as values by column, where they are few."""
    sql, params = _selected(projection, release, MOST_SORTED if projection.limit is None else projection.limit)
    names = [name for name, _ in projection.columns]
    return [dict(zip(names, row, strict=True)) for row in release.query(sql, params)]


def _groups(projection: Projection, release: Release) -> Sql:
    """Keys and figures, one row a group."""
    counted = _counted(projection, release)
    if counted is not None:
        return counted
    where, of_where = projection.where(release)
    parts, _ = projection.told()
    names = [quoted(f"k{i}") for i in range(len(projection.keys))]
    names += [quoted(f"a{i}") for i in range(len(projection.figures))]
    told = ", ".join(f"{sql} AS {name}" for (sql, _), name in zip(parts, names, strict=True))
    by = ", ".join(str(i + 1) for i in range(len(projection.keys)))
    group = f" GROUP BY {by}" if by else ""
    sql = f"SELECT {told} FROM {quoted(projection.ask.table.name)} WHERE {where}{group}"
    return sql, [*(value for _, params in parts for value in params), *of_where]


def _counted(projection: Projection, release: Release) -> Sql | None:
    """As `_groups`, where the rows of each group are all that is asked for and mapped columns tell them."""
    if projection.also is not None or any(what != Aggregate("count") for _, what in projection.figures):
        return None
    found = counted_groups.groups(release, projection.ask, [key for _, key in projection.keys])
    if found is None:
        return None
    names = [quoted(f"k{i}") for i in range(len(projection.keys))]
    told = ", ".join([*names, *(f"n AS {quoted(f'a{i}')}" for i in range(len(projection.figures)))])
    return f"SELECT {told} FROM ({found[0]})", found[1]


def written(projection: Projection, release: Release, limit: int, writer: Writer) -> Sql:
    """The groups, each as one text."""
    sql, params = _selected(projection, release, limit)
    line, of_line = writer(columns(projection))
    return f"SELECT {line} AS line FROM ({sql})", [*of_line, *params]


def _selected(projection: Projection, release: Release, limit: int) -> Sql:
    """The columns of the groups that are told, in order."""
    inner, of_inner = _groups(projection, release)
    _, known = projection.told()
    having, of_having = _having(projection)
    told, of_told = shown(projection.columns, known)
    sorted_by, of_sorted = sorts(projection.order, known)
    keys = [f"{known[name].sql} NULLS LAST" for name, _ in projection.keys]
    ending = f" ORDER BY {', '.join([*sorted_by, *keys])}" if [*sorted_by, *keys] else ""
    sql = f"SELECT {told} FROM ({inner}) WHERE {having}{ending} LIMIT ? OFFSET ?"
    return sql, [*of_told, *of_inner, *of_having, *of_sorted, limit, projection.offset]


def _having(projection: Projection) -> Sql:
    """Which groups."""
    return compiled.condition(projection.having, projection.told()[1]) if projection.having else ("TRUE", [])
