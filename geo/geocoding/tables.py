"""The reference of a geocoder as Arrow tables: how a release publishes it as the public address index, and back.

Charter: the same values in columns; nothing is computed, left out or made prettier.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from geo.errors import LayerError
from geo.geocoding.model import Intersections, Ints, Objects, Places, Points, Reference, Segments

_TEXT, _WHOLE, _REAL, _YES = pa.string(), pa.int64(), pa.float64(), pa.bool_()

SCHEMAS: Final[dict[str, pa.Schema]] = {
    "address_points": pa.schema([
        ("number", _WHOLE), ("number_high", _WHOLE), ("number_suffix", _TEXT), ("hyphenated", _YES),
        ("street", _TEXT), ("zip", _TEXT), ("place", _TEXT), ("lat", _REAL), ("long", _REAL),
    ]),
    "street_segments": pa.schema([
        ("street", _TEXT), ("alternates", pa.list_(_TEXT)),
        ("left_from", _WHOLE), ("left_to", _WHOLE), ("right_from", _WHOLE), ("right_to", _WHOLE), ("hyphenated", _YES),
        ("left_zip", _TEXT), ("right_zip", _TEXT), ("left_place", _TEXT), ("right_place", _TEXT),
        ("from_node", _WHOLE), ("to_node", _WHOLE), ("geometry", pa.binary()),
    ]),
    "intersections": pa.schema([
        ("street", _TEXT), ("cross", _TEXT), ("lat", _REAL), ("long", _REAL), ("legs", _WHOLE),
    ]),
    "place_names": pa.schema([
        ("name", _TEXT), ("kind", _TEXT), ("stands_for", _TEXT), ("lat", _REAL), ("long", _REAL), ("radius_m", _REAL),
    ]),
}  # fmt: skip
"""Columns of the tables. Numbers written with a hyphen are first * 10000 + second, and `hyphenated` says so. A segment's
`alternates` are one a column of the file, '' where it has none there; nodes are null where the file has none; the
geometry is WKB in EPSG:4326. `place_names`: kind 'street' is another name of the street `stands_for`, kind 'place' a
place with a point and how far it reaches."""

_SAME: Final = {"long": "lon"}


def _table(name: str, columns: Mapping[str, Any]) -> pa.Table:
    schema = SCHEMAS[name]
    return pa.table([pa.array(columns[f.name], f.type) for f in schema], schema=schema)


def _plain(name: str, part: Points | Intersections) -> pa.Table:
    """A table whose columns are the fields of `part`."""
    return _table(name, {f.name: getattr(part, _SAME.get(f.name, f.name)) for f in SCHEMAS[name]})


def _segments(part: Segments) -> pa.Table:
    columns: dict[str, Any] = {f.name: getattr(part, f.name, None) for f in SCHEMAS["street_segments"]}
    kinds, rows = len(part.alternates), len(part)
    flat = np.column_stack(part.alternates).ravel() if kinds else np.empty(0, dtype=object)
    columns["alternates"] = pa.ListArray.from_arrays(
        pa.array(np.arange(rows + 1, dtype=np.int32) * kinds), pa.array(flat, _TEXT)
    )
    for end in ("from_node", "to_node"):
        columns[end] = pa.array(columns[end], mask=columns[end] < 0)
    columns["geometry"] = shapely.to_wkb(part.geometry)
    return _table("street_segments", columns)


def _place_names(places: Places | None, aliases: Mapping[str, str]) -> pa.Table:
    streets = _table("place_names", {
        "name": list(aliases), "kind": ["street"] * len(aliases), "stands_for": list(aliases.values()),
        "lat": [None] * len(aliases), "long": [None] * len(aliases), "radius_m": [None] * len(aliases),
    })  # fmt: skip
    if places is None:
        return streets
    named = _table("place_names", {
        "name": places.name, "kind": ["place"] * len(places), "stands_for": [None] * len(places),
        "lat": places.lat, "long": places.lon, "radius_m": places.radius_m,
    })  # fmt: skip
    return pa.concat_tables([streets, named])


def to_tables(reference: Reference) -> dict[str, pa.Table]:
    """Tables by name with the columns of SCHEMAS; no table for what the reference does not have."""
    tables: dict[str, pa.Table] = {}
    if reference.points is not None:
        tables["address_points"] = _plain("address_points", reference.points)
    if reference.segments is not None:
        tables["street_segments"] = _segments(reference.segments)
    if reference.intersections is not None:
        tables["intersections"] = _plain("intersections", reference.intersections)
    if reference.places is not None or reference.aliases:
        tables["place_names"] = _place_names(reference.places, reference.aliases)
    return tables


def _checked(tables: Mapping[str, pa.Table], name: str) -> pa.Table | None:
    """A table in its schema's types, None where there is none; LayerError names a column that is missing."""
    table = tables.get(name)
    if table is None:
        return None
    for column in SCHEMAS[name].names:
        if column not in table.column_names:
            raise LayerError(f"'{name}': column '{column}' is missing; the table has {', '.join(table.column_names)}")
    return table.select(SCHEMAS[name].names).cast(SCHEMAS[name])


def _array(table: pa.Table, column: str) -> Any:
    """A column as the numpy array that model's tables hold; texts that are equal are one object."""
    values = table.column(column)
    if pa.types.is_string(values.type):
        return np.asarray(values.to_pandas(deduplicate_objects=True), dtype=object)
    return values.to_numpy()


def _alternates(column: pa.ChunkedArray, rows: int) -> tuple[Objects, ...]:
    """Lists of equal length as one array a position."""
    if not rows:
        return ()
    flat = np.asarray(pc.list_flatten(column).to_pandas(deduplicate_objects=True), dtype=object)
    return tuple(np.ascontiguousarray(part) for part in flat.reshape(rows, -1).T)


def _node(table: pa.Table, column: str) -> Ints:
    out: Ints = pc.fill_null(table.column(column), -1).to_numpy()
    return out


def from_tables(tables: Mapping[str, pa.Table], crs: str) -> Reference:
    """The reference that the tables were made from (`crs`: the city's metric one); None for tables that are not there.

    Places of a table without any come back as None. LayerError where a table lacks a column.
    """
    points, segments = _checked(tables, "address_points"), _checked(tables, "street_segments")
    crossings, names = _checked(tables, "intersections"), _checked(tables, "place_names")
    aliases: dict[str, str] = {}
    places = None
    if names is not None:
        streets = names.filter(pc.equal(names.column("kind"), "street"))
        aliases = dict(zip(streets.column("name").to_pylist(), streets.column("stands_for").to_pylist(), strict=True))
        named = names.filter(pc.equal(names.column("kind"), "place"))
        if len(named):
            places = Places(*(_array(named, column) for column in ("name", "long", "lat", "radius_m")))
    return Reference(
        crs=crs,
        segments=None if segments is None else _segments_from(segments),
        points=None if points is None else Points(**_fields(points)),
        places=places,
        intersections=None if crossings is None else Intersections(**_fields(crossings)),
        aliases=aliases,
    )


def _fields(table: pa.Table) -> dict[str, Any]:
    return {_SAME.get(name, name): _array(table, name) for name in table.column_names}


def _segments_from(table: pa.Table) -> Segments:
    fields = _fields(table.drop_columns(["alternates", "from_node", "to_node", "geometry"]))
    return Segments(
        **fields,
        geometry=np.asarray(
            shapely.from_wkb(np.array(table.column("geometry").to_pylist(), dtype=object)), dtype=object
        ),
        from_node=_node(table, "from_node"),
        to_node=_node(table, "to_node"),
        alternates=_alternates(table.column("alternates"), len(table)),
    )
