"""Rows of a table as texts, made in the database: JSON objects and lines of CSV, times in ISO 8601 with Z.

Charter: a table and names of its fields in, SQL of one column `line` out.
"""

from __future__ import annotations

from collections.abc import Sequence

from portal.errors import BadRequest
from portal.expressions.fields import kind_of_type
from portal.queries.texts import csv_text, quoted_text, time_text
from portal.selection import quoted
from portal.tables import GEOMETRY, Table


def named(table: Table, text: str | None) -> list[str]:
    """The fields that a list with commas names; all but the geometry without one."""
    if not text:
        return list(table.fields)
    names = [part.strip() for part in text.split(",")]
    known = [*table.fields, *([GEOMETRY] if table.geometry else [])]
    for name in names:
        if name not in known:
            raise BadRequest(f"fields: the table {table.name} has no field '{name[:60]}'; it has: {', '.join(known)}.")
    return list(dict.fromkeys(names))


def json_line(table: Table, names: Sequence[str]) -> str:
    """An object; null for what is not there."""
    members = ", ".join(f"{quoted(name)}: {_json(table, name)}" for name in names)
    return f"to_json({{{members}}})::VARCHAR AS line"


def csv_line(table: Table, names: Sequence[str]) -> str:
    """Values in quotes where they are texts; nothing for what is not there; the geometry as WKT."""
    told = ", ".join(f"coalesce({_csv(table, name)}, '')" for name in names)
    return f"concat_ws(',', {told}) AS line"


def _json(table: Table, name: str) -> str:
    if name == GEOMETRY and table.geometry:
        return f"ST_AsGeoJSON({_shape(table)})::JSON"
    kind = kind_of_type(table.types[name])
    if kind == "time":
        return time_text(quoted(name))
    if table.types[name] in ("FLOAT", "DOUBLE"):
        return f"CASE WHEN isfinite({quoted(name)}) THEN {quoted(name)} END"
    return quoted(name)


def _csv(table: Table, name: str) -> str:
    if name == GEOMETRY and table.geometry:
        return quoted_text(f"ST_AsText({_shape(table)})")
    kind = kind_of_type(table.types[name])
    if kind == "time":
        return time_text(quoted(name))
    return csv_text(quoted(name)) if kind in ("text", None) else f"{quoted(name)}::VARCHAR"


def _shape(table: Table) -> str:
    """The geometry; nothing where there is no point."""
    assert table.geometry  # noqa: S101 - asked for by those that have one
    if not table.geometry.point:
        return table.geometry.sql
    return f"CASE WHEN {' AND '.join(f'{quoted(name)} IS NOT NULL' for name in table.geometry.point)} THEN {table.geometry.sql} END"
