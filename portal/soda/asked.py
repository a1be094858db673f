"""A SODA query's parameters as a projection: `$select`, `$where`, `$group` and the others, or all of them as `$query`.

Charter: keys and values of a URL in, what is shown of which rows out; SoqlError for what cannot be asked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from portal.expressions import tree
from portal.expressions.fields import Field
from portal.expressions.mapped import columns_in, mapped, mentions, turned
from portal.expressions.soql import Query, Reader, rows_said
from portal.expressions.soql_meaning import Figure, Meaning
from portal.expressions.soql_words import MISMATCH, NO_COLUMN, SoqlError
from portal.queries.projection import Projection
from portal.queries.tabled import PLACE, Aggregate, Ask, Order
from portal.release import Release
from portal.searched import containing
from portal.soda.datasets import shown
from portal.tables import Table

ROWS: Final = 1000
"""So many where no `$limit` is given."""
ID: Final = ":id"
SYSTEM: Final = (ID, ":created_at", ":updated_at")
_PLACE: Final = "#place"
_DAYS: Final = {"requested_datetime": "requested_date"}
"""Times -> their days by the city's clocks, as the data dictionary tells them."""
_CLAUSES: Final = ("$select", "$where", "$group", "$having", "$order", "$limit", "$offset", "$q")
_MOST_FILTERS: Final = 50


def asked(release: Release, table: Table, pairs: Iterable[tuple[str, str]]) -> Projection:
    """What a query asks of a table."""
    given = _given(pairs)
    extra = _system(release)
    meaning = Meaning({**table.filterable, **extra}, release.city.timezone, _DAYS)
    meaning.constants = dict.fromkeys(SYSTEM[1:], release.created.replace(tzinfo=None))
    meaning.places = (ID, _PLACE)
    system = given.pop("$$exclude_system_fields", "true").lower() == "false"
    every = [*SYSTEM, *shown(table)] if system else shown(table)
    reader = Reader(meaning, every, SYSTEM)
    query = _read(reader, given)
    query = replace(query, order=tuple(each for each in query.order if columns_in(each.by)))  # a constant sorts nothing
    conditions = [*query.where, *(_equal(meaning, name, value) for name, value in given.items() if name[0] != "$")]
    if query.search:
        found = containing(table, query.search)
        conditions += [found] if found else []
    of_rows = [condition for condition in conditions if mentions(condition, {*SYSTEM, _PLACE})]
    if any(mentions(condition, {ID}) or turned(condition, _PLACE) for condition in of_rows):
        # DuckDB 1.5 fails at any other test of a row's place that it reads the table by.
        raise SoqlError(
            ":id can be compared by =, <>, <, <=, > and >=, not under 'not', and called by no function.", MISMATCH
        )
    made = Projection(
        Ask(table, condition=_all(condition for condition in conditions if condition not in of_rows)),
        query.select or tuple((name, tree.Column(name)) for name in every),
        limit=ROWS if query.limit is None else query.limit,
        offset=query.offset,
        extra=extra,
        also=_all(of_rows),
    )
    if query.group or meaning.figures or query.distinct:
        return _grouped(meaning, query, made)
    if query.having is not None:
        raise SoqlError("$having is of groups: give $group, or figures in $select.")
    told = tuple((name, meaning.shown(of)) for name, of in made.columns)
    return replace(made, columns=told, order=_order(query))


def _system(release: Release) -> dict[str, Field]:
    """Fields that Socrata has in each row: its place in the release, and since when it is there as it is: the release's."""
    created = f"'{release.created:%Y-%m-%dT%H:%M:%S}.000Z'"
    row = Field("text", f"('row-' || lpad({PLACE}::VARCHAR, 12, '0'))")
    return {ID: row, _PLACE: Field("number", PLACE), **dict.fromkeys(SYSTEM[1:], Field("text", created))}


def _all(conditions: Iterable[tree.Condition]) -> tree.Condition | None:
    found = tuple(conditions)
    return tree.And(found) if len(found) > 1 else found[0] if found else None


def _given(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Each key once; keys of Socrata's own (`$$…`) that change no rows are passed over."""
    given: dict[str, str] = {}
    for key, value in pairs:
        if key.startswith("$$") and key != "$$exclude_system_fields":
            continue
        if key.startswith("$") and key not in (*_CLAUSES, "$query", "$$exclude_system_fields"):
            raise SoqlError(f"Unrecognized arguments [{key[:40]}]; there are: {', '.join(_CLAUSES)}, $query.")
        if key in given:
            raise SoqlError(f"{key[:40]} is given twice.")
        if key:
            given[key] = value
    if len(given) > _MOST_FILTERS:
        raise SoqlError(f"More than {_MOST_FILTERS} parameters.")
    return given


def _read(reader: Reader, given: dict[str, str]) -> Query:
    """All clauses; what `$select` names can be named by the others."""
    if "$query" in given:
        others = [key for key in given if key in _CLAUSES]
        if others:
            raise SoqlError(f"$query tells all: {', '.join(others)} cannot stand beside it.")
        return reader.statement(given["$query"])
    query = Query(search=given.get("$q", ""))
    clauses = (
        ("$select", reader.select), ("$where", reader.where), ("$group", reader.group), ("$having", reader.having),
        ("$order", reader.order),
    )  # fmt: skip
    for key, read in clauses:
        if given.get(key, "").strip():
            query = read(given[key], query)
    limit, offset = (given.get(key, "").strip() for key in ("$limit", "$offset"))
    return replace(query, limit=rows_said(limit) if limit else None, offset=rows_said(offset) if offset else 0)


def _equal(meaning: Meaning, name: str, value: str) -> tree.Condition:
    """`?field=value`."""
    low = name.lower()
    if low not in meaning.fields or low.startswith("#"):
        known = ", ".join(name for name in meaning.fields if name[0].isalpha())
        raise SoqlError(f"Unrecognized arguments [{name[:40]}]; columns are: {known[:600]}.", NO_COLUMN)
    left, right = meaning.alike([tree.Column(low), tree.Literal(value)])
    return tree.Compare("=", left, right)


def _order(query: Query) -> tuple[Order, ...]:
    """What is sorted by; rows lie in the order of their id, by which nothing need be sorted."""
    made: list[Order] = []
    for each in query.order:
        if isinstance(each.by, tree.Column) and each.by.name in SYSTEM[1:]:
            continue
        if each.by == tree.Column(ID):
            return tuple(made) if not each.descending else (*made, Order(tree.Column(_PLACE), True))
        made.append(Order(each.by, each.descending))
    return tuple(made)


def _grouped(meaning: Meaning, query: Query, made: Projection) -> Projection:
    """Groups: what is shown and sorted by is made of what is grouped by, and of figures."""
    if query.distinct and (query.group or meaning.figures):
        raise SoqlError("distinct cannot stand beside groups: groups are distinct already.")
    keys = tuple(dict.fromkeys(of for _, of in made.columns)) if query.distinct else query.group
    figures = tuple(meaning.figures.items())
    named = {}
    for i, key in enumerate(keys):
        if meaning.kind(key) == "geometry":
            raise SoqlError("A geometry cannot be grouped by.", MISMATCH)
        named[key] = meaning.named(f"#k{i}", key, f'"k{i}"')
    shown_columns = made.columns
    if query.select is None:
        shown_columns = tuple(
            (key.name if isinstance(key, tree.Column) else f"key_{i}", key) for i, key in enumerate(keys)
        )

    def over(of: tree.Expression) -> tree.Expression:
        if of in named:
            return named[of]
        match of:
            case tree.Column(name) if not meaning.is_figure(name):
                raise SoqlError(
                    f"Column {name[:60]} is neither grouped by nor in a figure.", "query.soql.column-not-in-group-bys"
                )
            case tree.Arithmetic(op, left, right):
                return tree.Arithmetic(op, over(left), over(right))
            case tree.Call(name, args):
                return tree.Call(name, tuple(map(over, args)))
        return of

    return replace(
        made,
        grouped=True,
        columns=tuple((name, meaning.shown(over(of))) for name, of in shown_columns),
        order=tuple(Order(over(each.by), each.descending) for each in query.order),
        keys=tuple((column.name, key) for key, column in named.items()),
        figures=tuple((name, _aggregate(figure)) for figure, name in figures),
        having=mapped(query.having, over) if query.having is not None else None,
    )


def _aggregate(figure: Figure) -> Aggregate:
    return Aggregate(figure.name, figure.of)
