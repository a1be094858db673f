"""What a condition can name and hold: the columns of a table by kind, and values that are read: moments, geometries, texts.

Charter: types of columns and texts of clients in, fields and checked values out; BadExpression says what is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from math import isfinite
from typing import Final, Literal

import shapely
from shapely import GeometryCollection
from shapely.geometry.base import BaseGeometry

from portal.errors import BadRequest
from portal.selection import quoted

Kind = Literal["text", "number", "bool", "date", "time", "geometry", "nothing"]

MOST_CORNERS: Final = 2_000
_GEOMETRIES: Final = ("Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon")


class BadExpression(BadRequest):
    """A condition that makes no sense for this table; the message names the part and what would do."""

    title = "Bad condition"


@dataclass(frozen=True)
class Field:
    """A column: its kind, its SQL, for an ENUM its labels' codes, which are quicker to test, for points that are made of two
    columns (longitude, latitude) these, by which rows are found sooner than by geometry."""

    kind: Kind
    sql: str
    codes: Mapping[str, int] | None = None
    point: tuple[str, str] | None = None


Fields = Mapping[str, Field]


def kind_of_type(type_: str) -> Kind | None:
    """The kind of a column of a DuckDB type; None for what cannot be asked of (lists, structs, blobs)."""
    if type_ == "VARCHAR" or type_.startswith("ENUM"):
        return "text"
    if type_ == "BOOLEAN":
        return "bool"
    if type_ == "DATE":
        return "date"
    if type_.startswith("TIMESTAMP"):
        return "time"
    if type_.startswith("GEOMETRY"):
        return "geometry"
    numbers = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT")
    return "number" if type_ in (*numbers, "FLOAT", "DOUBLE") or type_.startswith("DECIMAL") else None


def moment(text: str) -> date | datetime:
    """A day (2025-01-31) or a time (2025-01-31T08:30:00Z; without a zone: UTC), as UTC without a zone."""
    try:
        if len(text) == 10:
            return date.fromisoformat(text)
        found = datetime.fromisoformat(text.replace("z", "Z"))
    except ValueError:
        raise BadExpression(f"'{text[:40]}' is not a day or time such as 2025-01-31 or 2025-01-31T08:30:00Z.") from None
    offset = found.utcoffset()
    try:
        return found if offset is None else (found - offset).replace(tzinfo=None)
    except OverflowError:
        raise BadExpression(f"'{text[:40]}' lies outside the years 1 to 9999.") from None


def end_of(when: date | datetime) -> datetime:
    """The last moment of a day; a moment is its own."""
    return when if isinstance(when, datetime) else datetime(when.year, when.month, when.day, 23, 59, 59, 999999)


def geometry(wkt: str) -> BaseGeometry:
    """The geometry of a text (WKT, degrees), flat: on earth, of a type that both the database and CQL2 know, not empty, of a
    bounded number of corners, not crossing itself."""
    try:
        shape = shapely.from_wkt(wkt)
    except (shapely.errors.ShapelyError, NotImplementedError):  # curves
        raise BadExpression("The geometry cannot be read.") from None
    parts = shape.geoms if isinstance(shape, GeometryCollection) else [shape]
    if any(part.geom_type not in _GEOMETRIES for part in parts):
        raise BadExpression(f"The geometry is one of {', '.join(_GEOMETRIES)} or a GeometryCollection of these.")
    # An empty hole or part is valid, but takes the database with it.
    if "EMPTY" in shape.wkt or shapely.count_coordinates(shape) > MOST_CORNERS:
        raise BadExpression(f"The geometry must have 1 to {MOST_CORNERS} corners.")
    if not isfinite(shapely.get_coordinates(shape, include_z=shape.has_z).sum()):
        raise BadExpression("The geometry has numbers that are none.")
    shape = shapely.force_2d(shape)
    west, south, east, north = shape.bounds
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise BadExpression("The geometry must be in degrees of longitude and latitude (WGS 84, EPSG:4326).")
    if not shape.is_valid:
        raise BadExpression("The geometry crosses itself.")
    return shape


def plain_text(value: str) -> str:
    """A text that can be a parameter: no NUL, no half of a pair."""
    if "\0" in value or any("\ud800" <= c <= "\udfff" for c in value):
        raise BadExpression("A text has characters that no field can hold.")
    return value


def point_of(types: Mapping[str, str]) -> Field | None:
    """The geometry of a table that tells points by longitude and latitude; None where it does not."""
    return Field("geometry", "ST_Point(long, lat)", point=("long", "lat")) if {"lat", "long"} <= set(types) else None


def fields_of(types: Mapping[str, str], codes: Mapping[str, Mapping[str, int]] | None = None) -> dict[str, Field]:
    """The fields of a table by the DuckDB types of its columns; `codes` are those of its ENUM columns."""
    kinds = {name: kind_of_type(type_) for name, type_ in types.items()}
    return {
        name: Field(kind, quoted(name), (codes or {}).get(name)) for name, kind in kinds.items() if kind is not None
    }
