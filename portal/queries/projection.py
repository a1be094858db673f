"""What a client asks to be shown: columns that it made up, of which rows of a table or of groups of them, in which order.

Charter: a question and its parts as SQL; who answers it are `portal.queries.projected`, of rows, and `portal.queries.grouped`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from portal.expressions import compiled, tree
from portal.expressions.fields import Field, Fields, Kind
from portal.queries.tabled import Aggregate, Ask, Order, figure
from portal.release import Release
from portal.selection import quoted

MOST_SORTED: Final = 50_000
"""So many rows or groups at once of what is sorted or grouped."""

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


def shown(of: Sequence[tuple[str, tree.Expression]], fields: Fields) -> Sql:
    """Expressions as the columns `c0`, `c1` … of a query."""
    made = [compiled.expression(expression, fields) for _, expression in of]
    told = ", ".join(f"{sql} AS {quoted(f'c{i}')}" for i, (sql, _, _) in enumerate(made))
    return told, [value for _, params, _ in made for value in params]


def sorts(orders: Sequence[Order], fields: Fields) -> tuple[list[str], list[Any]]:
    """What is sorted by, each with its direction; nothing stated comes last."""
    told, bound = [], []
    for order in orders:
        sql, params, _ = compiled.expression(order.by, fields)
        told.append(f"{sql} {'DESC' if order.descending else 'ASC'} NULLS LAST")
        bound += params
    return told, bound
