"""How a row is written as SODA does: JSON, CSV or GeoJSON, made in the database.

Charter: columns in, SQL of one text a row out. Names that a client gave are parameters. As the real thing has it: in JSON and
GeoJSON numbers are texts, times are told without a zone and to the millisecond; JSON leaves out what is not there.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final, Literal

from portal.errors import BadRequest
from portal.queries.projection import Column, Sql
from portal.queries.texts import csv_text, number_text, quoted_text

Form = Literal["json", "csv", "geojson"]
MEDIA_TYPES: Final[dict[Form, str]] = {
    "json": "application/json; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "geojson": "application/vnd.geo+json; charset=utf-8",
}
_TIMES: Final = {"date": "%Y-%m-%dT00:00:00.000", "time": "%Y-%m-%dT%H:%M:%S.%g"}


def json_row(columns: Sequence[Column]) -> Sql:
    """An object, without what is not there."""
    told = ", ".join(f"? || {_json(column)}" for column in columns)
    return f"'{{' || concat_ws(',', {told}) || '}}'", _keys(columns)


def csv_row(columns: Sequence[Column]) -> Sql:
    """Values in quotes; nothing at all for what is not there. A text that a spreadsheet would run has a ' in front."""
    told = ", ".join(f"coalesce({_csv(column)}, '')" for column in columns)
    return f"concat_ws(',', {told})", []


def geojson_row(columns: Sequence[Column]) -> Sql:
    """A feature of the first geometry; the other columns are its properties."""
    geometry = next((column for column in columns if column.kind == "geometry"), None)
    if geometry is None:
        raise BadRequest("GeoJSON needs a geometry among the columns that are selected.")
    others = [column for column in columns if column is not geometry]
    told = ", ".join(f"? || coalesce({_json(column)}, 'null')" for column in others)
    properties = f"concat_ws(',', {told})" if told else "''"
    shape = f"coalesce({_json(geometry)}, 'null')"
    return f'\'{{"type":"Feature","geometry":\' || {shape} || \',"properties":{{\' || {properties} || \'}}}}\'', _keys(
        others
    )


def csv_head(columns: Sequence[Column]) -> str:
    """The line of names."""
    return ",".join(f'"{column.name}"' for column in columns)


def _keys(columns: Sequence[Column]) -> list[Any]:
    return [f"{json.dumps(column.name)}:" for column in columns]


def _json(column: Column) -> str:
    name = column.sql
    if column.kind == "text":
        return f"to_json({name}::VARCHAR)"
    if column.kind == "geometry":
        return f"ST_AsGeoJSON({name})::VARCHAR"
    return f"{name}::VARCHAR" if column.kind == "bool" else quoted_text(_plain(column))


def _csv(column: Column) -> str:
    if column.kind == "text":
        return csv_text(column.sql)
    return quoted_text(f"ST_AsText({column.sql})" if column.kind == "geometry" else _plain(column))


def _plain(column: Column) -> str:
    """A number, time or truth as a text."""
    if column.kind == "number":
        return number_text(column.sql)
    if column.kind in _TIMES:
        return f"strftime({column.sql}::TIMESTAMP, '{_TIMES[column.kind]}')"
    return f"{column.sql}::VARCHAR"
