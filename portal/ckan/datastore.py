"""`datastore_search` and `datastore_info`: rows of a table and its fields, as CKAN's DataStore tells them.

Charter: parameters in, a projection of rows and what is said of it out; how HTTP sends it, `routes` knows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from portal.ckan import catalog, given
from portal.ckan.errors import Invalid
from portal.ckan.given import Given
from portal.expressions import tree
from portal.expressions.fields import Field
from portal.queries.projected import total
from portal.queries.projection import Column, Projection, Sql
from portal.queries.tabled import PLACE, Ask, Order
from portal.queries.texts import csv_text, number_text, quoted_text
from portal.release import Release
from portal.searched import containing
from portal.tables import Table

ROWS: Final = 100
MOST_ROWS: Final = 32_000
ID: Final = "_id"
FORMATS: Final = ("objects", "lists", "csv")
_EXTRA: Final = {ID: Field("number", f"({PLACE} + 1)")}
_MOST_VALUES: Final = 100
_SORT: Final = re.compile(
    r'"?([A-Za-z0-9_]+)"?(?:\s+(asc|desc))?(?:\s+nulls\s+(first|last))?', re.IGNORECASE | re.ASCII
)
_KNOWN: Final = (
    "resource_id", "id", "filters", "q", "plain", "language", "fields", "sort", "limit", "offset", "distinct",
    "include_total", "records_format", "total_estimation_threshold",
)  # fmt: skip


@dataclass(frozen=True)
class Search:
    """What was asked for: its rows and how they are written; `about` is said of them beside."""

    projection: Projection
    form: str
    about: dict[str, Any]


def search(release: Release, asked: Given) -> Search:
    """Rows of a table; Invalid or NotFound for what cannot be asked."""
    unknown = [key for key in asked if key not in _KNOWN]
    if unknown:
        raise Invalid(str(unknown[0])[:60], f"Unknown parameter; there are: {', '.join(_KNOWN)}")
    key = "resource_id" if asked.get("resource_id") else "id" if asked.get("id") else "resource_id"
    table = catalog.table(release, given.text(asked, key))
    names = given.names(asked, "fields") or [ID, *_fields(table)]
    for name in names:
        if name not in (ID, *_fields(table)):
            raise Invalid("fields", f'field "{name[:60]}" not in table')
    form = given.text(asked, "records_format", "objects")
    if form not in FORMATS:
        raise Invalid("records_format", f"Value must be one of: {', '.join(FORMATS)}")
    limit = given.number(asked, "limit", ROWS, MOST_ROWS)
    columns = tuple((name, tree.Column(name)) for name in dict.fromkeys(names))
    distinct = given.truth(asked, "distinct", False)
    keys = tuple((f"#k{i}", of) for i, (_, of) in enumerate(columns)) if distinct else ()
    over: dict[tree.Expression, tree.Column] = {of: tree.Column(name) for name, of in keys}
    projection = Projection(
        Ask(table, condition=_condition(table, asked)),
        tuple((name, over.get(of, of)) for name, of in columns),
        tuple(Order(_sorted_by(order.by, over), order.descending) for order in _order(table, asked, distinct)),
        limit,
        given.number(asked, "offset", 0),
        _EXTRA,
        grouped=distinct,
        keys=keys,
    )
    said: dict[str, Any] = {
        "include_total": given.truth(asked, "include_total", True),
        "limit": limit,
        "records_format": form,
        "resource_id": catalog.resource_id(release, table.name),
        "total_estimation_threshold": None,
        "fields": [{"id": name, "type": type_of(table, name)} for name, _ in columns],
    }
    if projection.offset:
        said["offset"] = projection.offset
    if said["include_total"]:
        said |= {"total": total(release, projection), "total_was_estimated": False}
    return Search(projection, form, said)


def info(release: Release, asked: Given) -> dict[str, Any]:
    """A table's fields, with what the data dictionary says of them."""
    table = catalog.table(release, given.text(asked, "id" if asked.get("id") else "resource_id"))
    titles = {field.name: {"label": field.title, "notes": field.description} for field in table.schema}
    count = Ask(table).total(release)
    return {
        "meta": {"id": catalog.resource_id(release, table.name), "count": count, "table_type": "BASE TABLE"},
        "fields": [{"id": name, "type": type_of(table, name), "info": titles[name]} for name in _fields(table)],
    }


def type_of(table: Table, name: str) -> str:
    """The type of a field, by PostgreSQL's names. Times are UTC, and say so."""
    if name == ID:
        return "int"
    kind, type_ = table.filterable[name].kind, table.types[name]
    if kind == "number":
        whole = {"BIGINT": "int8", "UINTEGER": "int8", "UBIGINT": "numeric", "HUGEINT": "numeric"}
        small = type_.endswith(("INT", "INTEGER"))
        return whole.get(type_) or ("int4" if small else "numeric" if type_.startswith("DECIMAL") else "float8")
    return {"text": "text", "bool": "bool", "date": "date", "time": "timestamptz"}[kind]


def _fields(table: Table) -> list[str]:
    known = table.filterable
    return [name for name in table.fields if name in known]


def _condition(table: Table, asked: Given) -> tree.Condition | None:
    """All filters and words."""
    made = [_one_of(table, name, value) for name, value in given.mapping(asked, "filters").items()]
    words = asked.get("q")
    if isinstance(words, str) and words.lstrip().startswith("{"):
        words = given.mapping(asked, "q")
    if isinstance(words, dict):
        for name, text in words.items():
            if name not in _fields(table) or not isinstance(text, str):
                raise Invalid("q", f'"{str(name)[:60]}" is no field of the table, or what is looked for is no text')
        found = [containing(table, text, [name]) for name, text in words.items()]
    else:
        found = [containing(table, given.text(asked, "q", ""))]
    made += [condition for condition in found if condition is not None]
    return made[0] if len(made) == 1 else tree.And(tuple(made)) if made else None


def _one_of(table: Table, name: str, value: Any) -> tree.Condition:
    """A filter: the value, or any of several; null is no value."""
    if name not in _fields(table):
        raise Invalid("filters", f'field "{name[:60]}" not in table')
    values = value if isinstance(value, list) else [value]
    if not values or len(values) > _MOST_VALUES or any(isinstance(each, list | dict) for each in values):
        raise Invalid("filters", f'"{name}" takes a value, or a list of 1 to {_MOST_VALUES}')
    column = tree.Column(name)
    stated = tuple(tree.Literal(_read(table, name, each)) for each in values if each is not None)
    made: list[tree.Condition] = [tree.OneOf(column, stated)] if stated else []
    if len(stated) < len(values):
        made.append(tree.Null(column))
    return made[0] if len(made) == 1 else tree.Or(tuple(made))


def _read(table: Table, name: str, value: Any) -> Any:
    """A value as its field has them: texts of URLs become numbers and truths, numbers beside texts become texts."""
    kind = table.filterable[name].kind
    if kind == "text" and not isinstance(value, str | bool):
        return str(value)
    if not isinstance(value, str) or kind not in ("number", "bool"):
        return value
    try:
        return (
            float(value) if kind == "number" else {"true": True, "false": False, "t": True, "f": False}[value.lower()]
        )
    except (ValueError, KeyError):
        raise Invalid("filters", f'"{name}" holds a {kind}, not "{value[:40]}"') from None


def _order(table: Table, asked: Given, distinct: bool) -> list[Order]:
    """`sort`: fields and directions. Rows lie in the order of their id."""
    made: list[Order] = []
    for part in given.names(asked, "sort"):
        found = _SORT.fullmatch(part)
        if found is None or found[1] not in (ID, *_fields(table)):
            raise Invalid("sort", f'cannot be sorted by "{part[:60]}"')
        if (found[3] or "last").lower() == "first":
            raise Invalid("sort", "what is not there comes last: nulls first is not offered")
        descending = (found[2] or "").lower() == "desc"
        if found[1] == ID and not descending and not distinct:
            return made
        made.append(Order(tree.Column(found[1]), descending))
    return made


def _sorted_by(of: tree.Expression, over: dict[tree.Expression, tree.Column]) -> tree.Expression:
    if over and of not in over:
        raise Invalid("sort", "distinct rows are sorted by what is told of them")
    return over.get(of, of)


# --- how rows are written -------------------------------------------------------


def object_row(columns: Sequence[Column]) -> Sql:
    """A record by its fields' names."""
    told = ", ".join(f"? || coalesce({_json(column)}, 'null')" for column in columns)
    return f"'{{' || concat_ws(',', {told}) || '}}'", [f"{json.dumps(column.name)}:" for column in columns]


def list_row(columns: Sequence[Column]) -> Sql:
    """A record as a list."""
    told = ", ".join(f"coalesce({_json(column)}, 'null')" for column in columns)
    return f"'[' || concat_ws(',', {told}) || ']'", []


def csv_row(columns: Sequence[Column]) -> Sql:
    """A line of CSV, as a part of a JSON text."""
    told = ", ".join(f"coalesce({_csv(column)}, '')" for column in columns)
    return f"to_json(concat_ws(',', {told}) || chr(10))::VARCHAR", []


def _json(column: Column) -> str:
    if column.kind == "text":
        return f"to_json({column.sql}::VARCHAR)"
    return _plain(column) if column.kind in ("number", "bool") else quoted_text(_plain(column))


def _csv(column: Column) -> str:
    return csv_text(column.sql) if column.kind == "text" else _plain(column)


def _plain(column: Column) -> str:
    if column.kind == "number":
        return number_text(column.sql)
    if column.kind == "time":
        return f"strftime({column.sql}::TIMESTAMP, '%Y-%m-%dT%H:%M:%S+00:00')"
    return f"{column.sql}::VARCHAR"
