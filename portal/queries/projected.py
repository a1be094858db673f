# ruff: noqa: S608 - names come from the release's own tables, expressions are compiled, every value is a parameter
"""Rows of a table as columns that a client made up: expressions of fields, or figures of groups; each row as one text.

Charter: a `Projection` and how a row is written in, a stream of texts out. Memory stays flat however many rows there are,
where none are sorted; those that are sorted are bounded in number. The order is a total one: pages do not overlap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, Final

from portal.errors import BadRequest
from portal.expressions import compiled, tree
from portal.expressions.fields import Field, Fields, Kind
from portal.expressions.mapped import columns_in, mentions
from portal.queries import counted_groups, rows, stretched
from portal.queries.looked_up import looked_up
from portal.queries.tabled import PLACE, Aggregate, Ask, Order, figure
from portal.release import Release
from portal.selection import quoted
from portal.tables import GEOMETRY

MOST_SORTED: Final = 50_000
"""So many rows at once of what is sorted or grouped."""
_AT_ONCE: Final = 5_000
_SPAN: Final = 4_096
"""Places of the table whose rows a stream tells at once."""
_FEW: Final = 10_000
"""So many rows the database may gather before it tells them."""

Sql = tuple[str, list[Any]]


@dataclass(frozen=True)
class Column:
    """A column of the answer: what it is called, and what kind of value it holds. `sql` is its name in the query."""

    name: str
    kind: Kind
    sql: str


Writer = Callable[[Sequence[Column]], Sql]
"""How a row is written: SQL of one text over the columns."""


@dataclass(frozen=True)
class Projection:
    """What is shown of which rows: those of `ask` that meet `also`, which can name `extra` fields as well. With `grouped`,
    `columns`, `having` and `order` name `keys` and `figures`, and no fields."""

    ask: Ask
    columns: tuple[tuple[str, tree.Expression], ...]
    order: tuple[Order, ...] = ()
    limit: int | None = None
    offset: int = 0
    extra: Fields = field(default_factory=dict)
    also: tree.Condition | None = None
    grouped: bool = False
    keys: tuple[tuple[str, tree.Expression], ...] = ()
    figures: tuple[tuple[str, Aggregate], ...] = ()
    having: tree.Condition | None = None

    def inner(self) -> Fields:
        """What keys and figures can name, and columns where nothing is grouped."""
        return {**self.ask.table.filterable, **self.extra}

    def where(self, release: Release) -> Sql:
        """Which rows."""
        where, params = self.ask.where(release)
        if self.also is None:
            return where, params
        more, bound = compiled.condition(self.also, self.inner())
        return f"({where}) AND {more}", [*params, *bound]

    def told(self) -> tuple[list[Sql], Mapping[str, Field]]:
        """Keys and figures as SQL in their order, and the fields that they are to the columns."""
        known, parts, made = self.inner(), [], {}
        for i, (name, key) in enumerate(self.keys):
            sql, params, kind = compiled.expression(key, known)
            text = quoted(f"k{i}")
            if isinstance(key, tree.Column) and known[key.name].codes is not None:
                sql, text = known[key.name].sql, f"{text}::VARCHAR"  # grouped by its codes, which is quicker
            parts.append((sql, params))
            made[name] = Field(kind, text)
        for i, (name, what) in enumerate(self.figures):
            parts.append(figure(what, known))
            numeric = what.of is None or what.name not in ("min", "max")
            kind = "number" if numeric or what.of is None else compiled.expression(what.of, known)[2]
            made[name] = Field(kind, quoted(f"a{i}"))
        return parts, made


def columns(projection: Projection) -> list[Column]:
    """The columns of the answer."""
    fields = projection.told()[1] if projection.grouped else projection.inner()
    return [
        Column(name, compiled.expression(of, fields)[2], quoted(f"c{i}"))
        for i, (name, of) in enumerate(projection.columns)
    ]


def lines(release: Release, projection: Projection, writer: Writer) -> Iterator[list[str]]:
    """The rows as texts, some at a time. What is wrong with the question is said before the first is taken."""
    if projection.offset < 0 or (projection.limit is not None and projection.limit < 0):
        raise BadRequest("The numbers of rows to skip and to tell cannot be negative.")
    if projection.grouped or projection.order:
        limit = MOST_SORTED if projection.limit is None else projection.limit
        if limit > MOST_SORTED:
            raise BadRequest(f"At most {MOST_SORTED} rows at once of what is sorted or grouped; go on by the offset.")
        if projection.grouped:
            return _read(release, *_of_groups(projection, release, limit, writer))
        return _at(release, projection, _sorted(release, projection, limit), writer)
    where, params = projection.where(release)
    if where != "TRUE" and projection.limit is not None and projection.limit <= _FEW:
        return _at(release, projection, _lying(release, projection, projection.limit), writer)
    most = projection.limit
    if projection.also is None and projection.ask.table.name == "requests" and (most is None or most > _FEW):
        parts = _in_spans(release, projection, writer)
        first = next(parts, [])
        return _first(chain([first], parts), most)
    shown, bound = _shown(projection.columns, projection.inner())
    few = most is not None and most <= _FEW
    numbers = [most, projection.offset] if few else [projection.offset] if projection.offset else []
    limited = "LIMIT ? OFFSET ?" if few else "OFFSET ?" if projection.offset else ""
    line, of_line = writer(columns(projection))
    table = quoted(projection.ask.table.name)
    sql = f"SELECT {line} AS line FROM (SELECT {shown} FROM {table} WHERE {where} {limited})"
    parts = _read(release, sql, [*of_line, *bound, *params, *numbers])
    return parts if few else _first(parts, most)


def _in_spans(release: Release, projection: Projection, writer: Writer) -> Iterator[list[str]]:
    """All requests but those of the offset, as they lie: a span of the table at a time, so that memory stays flat. What is
    read apart is told by the database that questions are asked of: making texts takes more memory than reading."""
    ask, skip = projection.ask, projection.offset
    where, params = ask.where(release)
    shown, bound = _shown(projection.columns, projection.inner())
    line, of_line = writer(columns(projection))
    needed = set[str]().union(*(columns_in(of) for _, of in projection.columns))
    point = ask.table.geometry.point if ask.table.geometry and GEOMETRY in needed else None
    names = [quoted(name) for name in ask.table.types if name in needed.union(point or ())]
    # CASE: a plain condition would be pushed into the scan, and there be asked of the whole table for each span.
    read = (
        f"SELECT {', '.join([PLACE, *names])} FROM requests "
        f"WHERE {PLACE} >= ? AND {PLACE} < ? AND CASE WHEN {where} THEN TRUE ELSE FALSE END"
    )
    told = f"SELECT {line} AS line FROM (SELECT {shown} FROM given)"
    for span in rows.spans(release, ask):
        if span.rows <= skip:
            skip -= span.rows
            continue
        for start in range(span.start, span.stop, _SPAN):
            # As one piece: of several the order would not be kept.
            given = release.piece(read, [start, min(start + _SPAN, span.stop), *params]).combine_chunks()
            lines_ = release.table(told, [*of_line, *bound], {"given": given})["line"]
            yield lines_.slice(skip).to_pylist()
            skip = max(skip - len(lines_), 0)


def _first(parts: Iterator[list[str]], limit: int | None) -> Iterator[list[str]]:
    """So many rows of a stream: the database would gather them all before it told the first."""
    if limit is None:
        yield from parts
        return
    for part in parts:
        yield part[:limit]
        limit -= len(part)
        if limit <= 0:
            return


def total(release: Release, projection: Projection) -> int:
    """How many rows there are in all, whatever the limit."""
    if not projection.grouped:
        return projection.ask.total(release)
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


def _read(release: Release, sql: str, params: list[Any]) -> Iterator[list[str]]:
    """Texts as they are read; the first ones now, so that an error is one before the answer begins."""
    reader = release.batches(sql, params, _AT_ONCE)
    first = next(reader, None)

    def rest() -> Iterator[list[str]]:
        with reader:
            if first is not None:
                yield first.column(0).to_pylist()
            for batch in reader:
                yield batch.column(0).to_pylist()

    return rest()


def _sorted(release: Release, projection: Projection, limit: int) -> list[int]:
    """Which rows, by what is sorted by alone."""
    ask = replace(projection.ask, order=projection.order)
    if projection.also is None and stretched.told(release, ask):
        return stretched.stretch(release, ask, projection.offset, projection.offset + limit)
    sorts, bound = _sorts(projection.order, projection.inner())
    return _found(release, projection, f"ORDER BY {', '.join([*sorts, PLACE])}", bound, limit)


def _lying(release: Release, projection: Projection, limit: int) -> list[int]:
    """Which rows, as they lie."""
    ask = projection.ask
    if projection.also is None and stretched.told(release, ask) and stretched.wholly(release, ask):
        return stretched.stretch(release, ask, projection.offset, projection.offset + limit)
    return _found(release, projection, "", [], limit)


def _found(release: Release, projection: Projection, order: str, bound: list[Any], limit: int) -> list[int]:
    where, params = projection.where(release)
    sql = f"SELECT {PLACE} FROM {quoted(projection.ask.table.name)} WHERE {where} {order} LIMIT ? OFFSET ?"
    return [place for (place,) in release.query(sql, [*params, *bound, limit, projection.offset])]


def _at(release: Release, projection: Projection, places: list[int], writer: Writer) -> Iterator[list[str]]:
    """What the rows at some places hold."""
    line, of_line = writer(columns(projection))
    shown, of_shown = _shown(projection.columns, projection.inner())
    name, params = projection.ask.table.name, [*of_line, *of_shown]
    # The first now, so that an error is one before the answer begins.
    parts = (
        looked_up(release, name, places[at : at + _AT_ONCE], [shown], params, f"{line} AS line")["line"].to_pylist()
        for at in range(0, len(places), _AT_ONCE)
    )
    return chain([next(parts, [])], parts)


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


def _of_groups(projection: Projection, release: Release, limit: int, writer: Writer) -> Sql:
    sql, params = _selected(projection, release, limit)
    line, of_line = writer(columns(projection))
    return f"SELECT {line} AS line FROM ({sql})", [*of_line, *params]


def _selected(projection: Projection, release: Release, limit: int) -> Sql:
    """The columns of the groups that are told, in order."""
    inner, of_inner = _groups(projection, release)
    _, known = projection.told()
    having, of_having = _having(projection)
    shown, of_shown = _shown(projection.columns, known)
    sorts, of_sorts = _sorts(projection.order, known)
    keys = [f"{known[name].sql} NULLS LAST" for name, _ in projection.keys]
    ending = f" ORDER BY {', '.join([*sorts, *keys])}" if [*sorts, *keys] else ""
    sql = f"SELECT {shown} FROM ({inner}) WHERE {having}{ending} LIMIT ? OFFSET ?"
    return sql, [*of_shown, *of_inner, *of_having, *of_sorts, limit, projection.offset]


def _having(projection: Projection) -> Sql:
    """Which groups."""
    return compiled.condition(projection.having, projection.told()[1]) if projection.having else ("TRUE", [])


def _shown(of: Sequence[tuple[str, tree.Expression]], fields: Fields) -> Sql:
    made = [compiled.expression(expression, fields) for _, expression in of]
    told = ", ".join(f"{sql} AS {quoted(f'c{i}')}" for i, (sql, _, _) in enumerate(made))
    return told, [value for _, params, _ in made for value in params]


def _sorts(orders: Sequence[Order], fields: Fields) -> tuple[list[str], list[Any]]:
    sorts, bound = [], []
    for order in orders:
        sql, params, _ = compiled.expression(order.by, fields)
        sorts.append(f"{sql} {'DESC' if order.descending else 'ASC'} NULLS LAST")
        bound += params
    return sorts, bound
