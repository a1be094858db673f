"""Rows as GeoJSON features, written by the database: columns that a query tells, and the features' texts that they make.

Charter: what a feature's text is; which rows, and in which system their geometry is told, is said by the caller.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from portal.queries.texts import time_text
from portal.selection import quoted
from portal.tables import Table

Floats = NDArray[np.float64]
Points = Callable[[Floats, Floats], tuple[Floats, Floats]]
"""Longitudes and latitudes as numbers of another system, in the order of its axes."""


def columns(table: Table, identity: str, changed: bool = False) -> list[str]:
    """What features are made of, as SQL: `identity` is SQL for what names one; `changed` where not told in degrees."""
    members = ", ".join(f"{quoted(name)}: {_json(table, name)}" for name in table.fields)
    properties = f"to_json({{{members}}})::VARCHAR AS properties"
    return [f"to_json({identity})::VARCHAR AS id", properties, _shape(table, changed)]


def features(found: pa.Table, points: Points | None = None) -> list[str]:
    """The features that rows of `columns` are; `points` changes what is in degrees."""
    rows = zip(*(found[name].to_pylist() for name in ("id", "properties")), _texts(found, points), strict=True)
    return [
        f'{{"type":"Feature","id":{name},"geometry":{shape},"properties":{properties}}}'
        for name, properties, shape in rows
    ]


def _json(table: Table, name: str) -> str:
    return time_text(quoted(name)) if table.types[name].startswith("TIMESTAMP") else quoted(name)


def _shape(table: Table, changed: bool) -> str:
    """Columns that tell the geometry: its text, or what is to be changed to another system."""
    geometry = table.geometry
    if geometry is None:
        return "'null' AS shape"
    if geometry.point:
        long, lat = map(quoted, geometry.point)
        text = f"""coalesce('{{"type":"Point","coordinates":[' || {long} || ',' || {lat} || ']}}', 'null')"""
        return f"{long} AS x, {lat} AS y" if changed else f"{text} AS shape"
    if changed:
        return f"ST_AsWKB({geometry.sql})::BLOB AS wkb"
    return f"coalesce(ST_AsGeoJSON({geometry.sql})::VARCHAR, 'null') AS shape"


def _texts(found: pa.Table, points: Points | None) -> list[str]:
    if "shape" in found.column_names or points is None:
        texts: list[str] = found["shape"].to_pylist()
        return texts
    if "wkb" in found.column_names:
        return [_changed(wkb, points) for wkb in found["wkb"].to_pylist()]
    x, y = (np.asarray(found[name].to_numpy(), np.float64) for name in ("x", "y"))
    there = np.isfinite(x) & np.isfinite(y)
    first, second = points(np.where(there, x, 0.0), np.where(there, y, 0.0))
    return [
        f'{{"type":"Point","coordinates":[{a!r},{b!r}]}}' if known else "null"
        for a, b, known in zip(first.tolist(), second.tolist(), there.tolist(), strict=True)
    ]


def _changed(wkb: bytes | None, points: Points) -> str:
    if wkb is None:
        return "null"

    def through(at: Floats) -> Any:
        return np.column_stack(points(at[:, 0], at[:, 1]))

    return str(shapely.to_geojson(shapely.transform(shapely.from_wkb(wkb), through)))
