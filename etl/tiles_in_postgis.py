# ruff: noqa: S608 - the names in the SQL are those of the table that we make, numbers are this module's own
"""Tiles of requests made by PostGIS (ST_AsMVT), as a city that serves them from its own database would: the rival of ours.

A tile's rows are found by a GiST index on their points, or by the index of a filter, as PostgreSQL chooses. The same is
told as in our tiles: up to zoom 16 a point for each cell of 16 pixels, with the number of its requests; from 17 on one
for each place; from 13 on attributes where a point is one request. What the portal tells of precision and of the
geocoder is left out in SQL's favour, and so is ST_AsMVTGeom: points are put on the tile's grid by plain arithmetic.

Charter: rows in, a function that makes a tile out. No timing, no comparison.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from etl.rows_in_postgis import by_column, named, rows_in_postgis
from geo.tiles import EXTENT, GRID_BITS, HALF_WORLD_M, Tile

MakeTile = Callable[[Tile, str, Sequence[Any]], bytes]
"""Tile, condition with `?` for its values, values -> MVT bytes."""

CELLS = 16
"""A side of a tile has so many cells of 16 pixels."""
SINGLE_ZOOM, PLACE_ZOOM = 13, 17
ATTRIBUTES = ("service_request_id", "source", "service_name", "status", "requested_date")

_UNIT_M = 2 * HALF_WORLD_M / (1 << GRID_BITS)
# In the middle of a unit of the grid, so that no point lies on the edge of a tile.
_POINT = f"""geom geometry(Point, 3857) GENERATED ALWAYS AS (ST_SetSRID(ST_MakePoint(
  (gx + 0.5) * {_UNIT_M!r} - {HALF_WORLD_M!r}, {HALF_WORLD_M!r} - (gy + 0.5) * {_UNIT_M!r}), 3857)) STORED"""


@contextmanager
def tiles_in_postgis(
    server: str, batches: pa.RecordBatchReader, filtered: Sequence[str], say: Callable[[str], Any] = print
) -> Iterator[MakeTile]:
    """Load requests that have a place into a new database on a server, and make tiles of them while the block lasts.

    `filtered`: columns that get an index. StoreError where the server cannot be used.
    """
    indexes = ["USING gist (geom)", *by_column(batches.schema.names, filtered)]
    with rows_in_postgis(server, batches, indexes, say, derived=_POINT) as connection:

        def make(place: Tile, where: str, values: Sequence[Any]) -> bytes:
            sql, params = statement(place, where, values)
            row = connection.execute(sql.encode(), params, binary=True).fetchone()
            return bytes(row[0]) if row and row[0] else b""

        yield make


def statement(place: Tile, where: str, values: Sequence[Any]) -> tuple[str, dict[str, Any]]:
    """A tile's SQL and its parameters by name; points up to 16 pixels beyond its edges are told, as in ours."""
    condition, params = named(where, values)
    west, _, north, _ = place.window()
    shift = max(place.shift - CELLS.bit_length() + 1, 0)
    edge, scale = 1 << shift, EXTENT / (1 << place.shift)
    key = f"(gx - {west} + {edge}) >> {shift}, (gy - {north} + {edge}) >> {shift}"
    told = (
        []
        if place.z < SINGLE_ZOOM
        else [f"CASE WHEN count(*) = 1 THEN min({name}) END AS {name}" for name in ATTRIBUTES]
    )
    x0, y0, x1, y1 = place.bounds_3857()
    margin = edge * _UNIT_M
    sql = f"""
      SELECT ST_AsMVT(points, 'requests', {EXTENT}, 'at') FROM (
        SELECT ST_MakePoint(floor((avg(gx) - {west}) * {scale!r}), floor((avg(gy) - {north}) * {scale!r})) AS at,
               {", ".join(["count(*) AS n", *told])}
        FROM requests
        WHERE geom && ST_MakeEnvelope({x0 - margin!r}, {y0 - margin!r}, {x1 + margin!r}, {y1 + margin!r}, 3857)
          AND {condition}
        GROUP BY {key if place.z < PLACE_ZOOM else "gx, gy"}) AS points"""
    return sql, params
