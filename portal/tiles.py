# ruff: noqa: S608 - the names in the SQL are fixed, numbers are this module's own integers, values are parameters
"""Vector tiles (Mapbox Vector Tile 2.1) of a release: what is asked for is counted, not what fits.

Tile layers, and the MVT layers and attributes within them:

- `requests`: MVT layer `requests`, points with `n`. Up to zoom 16 one point for each cell of 16 pixels, at the
  mean place of its requests; from 17 on one for each place. Where `n` is 1, from zoom 13 on, also
  `service_request_id, source, service_name, status, requested_date`, and `location_precision` where the point
  is not where the request is, `geocode_method` and `geocode_radius_m` where the point was found from the address, and
  `location_note` where something was wrong with the source's own point. The sum of `n` over a zoom's tiles is the
  number of selected requests with a published point, whatever the zoom.
- `areas-<layer>`: MVT layer `areas`, polygons with `area` (code) and `name`, of the vintage in force at the
  selection's `to` date, else of the current one.
- `basemap`: MVT layers `land, water, park, rail, street` with `name` and `rank` (1 = most important).
"""

from __future__ import annotations

from typing import Any

from geo.tiles import EXTENT, Tile
from portal.errors import BadRequest, NotFound
from portal.release import Release
from portal.selection import Selection

EVERYTHING = Selection()

MAX_FEATURES = 20_000
MAX_BYTES = 500_000

CELL_PX = 16
FINE_CELL_PX = 4
SINGLE_ZOOM = 13
"""From here on a point that is one request says which (in a release of few rows, at any zoom)."""
SMALL_ROWS = 300_000
"""Up to so many rows grouping by cell directly is faster than the pixel array."""
PLACE_ZOOM = 17
"""From here on requests are put together only where they are at the same place."""

NOTHING = "NULL::VARCHAR"
CONTRADICTS = "location_contradicts_address"
KINDS = ("land", "water", "park", "rail", "street")
_LINES = ("rail", "street")


def layers(release: Release) -> list[str]:
    """Names of the release's tile layers."""
    return ["requests", *(f"areas-{layer.layer}" for layer in release.layers if layer.geometry), "basemap"]


def check_layer(release: Release, layer: str) -> None:
    """NotFound for a tile layer that the release does not have."""
    if layer not in layers(release):
        raise NotFound(f"There is no tile layer '{layer[:40]}'; there are: {', '.join(layers(release))}.")


def tile(release: Release, layer: str, z: int, x: int, y: int, selection: Selection = EVERYTHING) -> bytes:
    """The tile as MVT bytes, empty where there is nothing.

    Raises NotFound for an unknown layer and BadRequest for z, x, y that are no tile.
    """
    check_layer(release, layer)
    try:
        place = Tile(z, x, y)
    except ValueError as error:
        raise BadRequest(f"{error}.") from None
    if layer == "requests":
        return _requests(release, place, selection)
    key: tuple[Any, ...] = ("tile", layer, place)
    if layer == "basemap":
        return release.cache.get(key, lambda: _basemap(release, place))
    day = selection.to_date
    return release.cache.get((*key, day), lambda: _areas(release, layer.removeprefix("areas-"), place, day))


def _requests(release: Release, place: Tile, selection: Selection) -> bytes:
    if place.z < SINGLE_ZOOM and release.rows > SMALL_ROWS:
        return _run(release, *_cells(release, place, selection))[0]
    attempts = (0, FINE_CELL_PX, CELL_PX) if place.z >= PLACE_ZOOM else (CELL_PX,)
    data, features = b"", 0
    for cell_px in attempts:
        data, features = _run(release, *_places(release, place, selection, cell_px))
        if features <= MAX_FEATURES and len(data) <= MAX_BYTES:
            break
    return data


def _cells(release: Release, place: Tile, selection: Selection) -> tuple[str, list[Any]]:
    """Cells of a tile that may hold millions of requests, by the map cell that each row carries.

    One small column, which DuckDB counts in a plain array: 10 ms for 10 million rows, where sums or means over
    the rows themselves would take 50. A circle stands at the mean place of all requests of its map cells, so
    that it stays where it is when the filter changes.
    """
    where, params = release.where(selection)
    shift = place.shift - 8 + CELL_PX.bit_length() - 1
    west, _, north, _ = place.window()
    scale = EXTENT / (1 << place.shift)
    inside = _window(place)
    rows = "cell IS NOT NULL" if _holds_all(release, place) else inside  # the whole city in a tile: nothing to look up
    return (
        f"""WITH counted AS MATERIALIZED (
              SELECT cell, count(*) AS n FROM requests WHERE {rows} AND {where} GROUP BY cell),
            cells AS (
              SELECT ST_Point(floor((sum(m.gx * n) / sum(n) - {west}) * {scale!r}),
                              floor((sum(m.gy * n) / sum(n) - {north}) * {scale!r})) AS geometry, sum(n)::INTEGER AS n
              FROM counted JOIN map_cells m USING (cell) WHERE {inside.replace("gx", "m.gx").replace("gy", "m.gy")}
              GROUP BY m.gx::UBIGINT >> {shift}, m.gy::UBIGINT >> {shift})
            SELECT ST_AsMVT(cells, 'requests', {EXTENT}, 'geometry'), count(*) FROM cells""",
        params,
    )


def _holds_all(release: Release, place: Tile) -> bool:
    """Whether a tile holds every located request of the release."""
    found = release.constants.get(
        "extent", lambda: release.query("SELECT min(gx), max(gx), min(gy), max(gy) FROM requests")[0]
    )
    x0, x1, y0, y1 = place.window()
    return None not in found and x0 <= found[0] and found[1] <= x1 and y0 <= found[2] and found[3] <= y1


def _places(release: Release, place: Tile, selection: Selection, cell_px: int) -> tuple[str, list[Any]]:
    """Cells of a tile with few requests, with what each single one is; `cell_px` 0: exact places."""
    where, params = release.where(selection)
    shift = place.shift - 8 + cell_px.bit_length() - 1 if cell_px else 0
    west, _, north, _ = place.window()
    scale = EXTENT / (1 << place.shift)
    return (
        f"""WITH cells AS MATERIALIZED (
              SELECT count(*)::INTEGER AS n, min(rid) AS rid,
                     floor((avg(gx) - {west}) * {scale!r}) AS x, floor((avg(gy) - {north}) * {scale!r}) AS y
              FROM requests WHERE {_window(place)} AND {where} GROUP BY gx >> {shift}, gy >> {shift}),
            singles AS (
              SELECT rid, service_request_id, source::VARCHAR AS source, service_name::VARCHAR AS service_name,
                     status::VARCHAR AS status, requested_date::VARCHAR AS requested_date,
                     {_precision(release)} AS location_precision, {_doubt(release)}
              FROM requests WHERE {_window(place)} AND rid IN (SELECT rid FROM cells WHERE n = 1)),
            points AS (
              SELECT ST_Point(x, y) AS geometry, n, singles.* EXCLUDE (rid)
              FROM cells LEFT JOIN singles ON n = 1 AND cells.rid = singles.rid)
            SELECT ST_AsMVT(points, 'requests', {EXTENT}, 'geometry'), count(*) FROM points""",
        params,
    )


def _precision(release: Release) -> str:
    """How inexact a point is; NULL, which a tile leaves out, where it is exact."""
    if "location_precision" not in release.columns:
        return "NULL::VARCHAR"
    return "CASE WHEN location_precision NOT IN ('exact', 'none') THEN location_precision END"


def _doubt(release: Release) -> str:
    """How the geocoder found the place, within how many metres, and what was wrong with the source's own point."""
    found = "location_source = 'geocoder'"
    method = f"CASE WHEN {found} THEN geocode_method::VARCHAR END" if "geocode_method" in release.columns else NOTHING
    radius = f"CASE WHEN {found} THEN round(geocode_radius_m)::INTEGER END"
    if "geocode_radius_m" not in release.columns:
        radius = "NULL::INTEGER"
    note = "location_note::VARCHAR" if "location_note" in release.columns else NOTHING
    if "flags" in release.columns:
        note = f"CASE WHEN contains(flags, '{CONTRADICTS}') THEN '{CONTRADICTS}' ELSE {note} END"
    return f"{method} AS geocode_method, {radius} AS geocode_radius_m, {note} AS location_note"


def _window(place: Tile) -> str:
    x0, x1, y0, y1 = place.window()
    return f"gx BETWEEN {x0} AND {x1} AND gy BETWEEN {y0} AND {y1}"


def _areas(release: Release, layer: str, place: Tile, day: Any) -> bytes:
    force = "current"
    params: list[Any] = [layer]
    if day is not None:
        force = "(valid_from IS NULL OR valid_from <= ?) AND (valid_to IS NULL OR valid_to > ?)"
        params += [day, day]
    data, _ = _run(
        release,
        f"""WITH clipped AS (
              SELECT area, coalesce(name, area) AS name, ST_AsMVTGeom({_simplified(place)}, {_box(place)}, {EXTENT}, 64)
                AS geometry
              FROM areas WHERE layer = ? AND {force} AND ST_Intersects(geom_3857, {_envelope(place)})),
            shown AS (SELECT * FROM clipped WHERE geometry IS NOT NULL AND NOT ST_IsEmpty(geometry))
            SELECT ST_AsMVT(shown, 'areas', {EXTENT}, 'geometry'), count(*) FROM shown""",
        params,
    )
    return data


def _basemap(release: Release, place: Tile) -> bytes:
    """All kinds in one tile: MVT layers may simply be put one after the other."""
    west, south, east, north = place.bounds_3857()
    margin = place.pixel_m() * 8
    near = (
        f"maxx >= {west - margin!r} AND minx <= {east + margin!r} "
        f"AND maxy >= {south - margin!r} AND miny <= {north + margin!r}"
    )
    for rank in range(_max_rank(place.z), 0, -1):
        parts, features = [], 0
        for kind in KINDS:
            seen = (
                f"rank <= {rank}" if kind in _LINES else f"greatest(maxx - minx, maxy - miny) > {2 * place.pixel_m()!r}"
            )
            data, count = _run(
                release,
                f"""WITH clipped AS (
                      SELECT name, rank, ST_AsMVTGeom({_simplified(place)}, {_box(place)}, {EXTENT}, 64) AS geometry
                      FROM basemap WHERE kind = ? AND {near} AND {seen} ORDER BY rank LIMIT {MAX_FEATURES}),
                    shown AS (SELECT * FROM clipped WHERE geometry IS NOT NULL AND NOT ST_IsEmpty(geometry))
                    SELECT ST_AsMVT(shown, '{kind}', {EXTENT}, 'geometry'), count(*) FROM shown""",
                [kind],
            )
            parts.append(data)
            features += count
        if features <= MAX_FEATURES and sum(map(len, parts)) <= MAX_BYTES:
            return b"".join(parts)
    return b""


def _max_rank(zoom: int) -> int:
    """The least important rank that is drawn at a zoom."""
    return 1 if zoom < 11 else 2 if zoom < 13 else 3 if zoom < 14 else 4 if zoom < 15 else 9


def _simplified(place: Tile) -> str:
    return f"ST_SimplifyPreserveTopology(geom_3857, {place.pixel_m() / 4!r})" if place.z < 16 else "geom_3857"


def _envelope(place: Tile) -> str:
    west, south, east, north = place.bounds_3857()
    margin = place.pixel_m() * 8
    return f"ST_MakeEnvelope({west - margin!r}, {south - margin!r}, {east + margin!r}, {north + margin!r})"


def _box(place: Tile) -> str:
    west, south, east, north = place.bounds_3857()
    return f"ST_Extent(ST_MakeEnvelope({west!r}, {south!r}, {east!r}, {north!r}))"


def _run(release: Release, sql: str, params: list[Any]) -> tuple[bytes, int]:
    """The tile's bytes and its number of features; ST_AsMVT of no features is an empty tile with a layer."""
    data, features = release.query(sql, params)[0]
    return (bytes(data), int(features)) if features else (b"", 0)
