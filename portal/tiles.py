# ruff: noqa: S608 - the names in the SQL are fixed, numbers are this module's own integers, values are parameters
"""Vector tiles (Mapbox Vector Tile 2.1) of a release: what is asked for is counted, not what fits.

Tile layers, and the MVT layers and attributes within them:

- `requests`: MVT layer `requests`, points with `n`. Up to zoom 16 one point for each cell of 16 pixels, at the
  mean place of its requests; from 17 on one for each place. Where `n` is 1, from zoom 13 on, also
  `service_request_id, source, service_name, status, requested_date`, and `location_precision` where the point
  is not where the request is, `geocode_method` and `geocode_radius_m` where the point was found from the address, and
  `location_note` where something was wrong with the source's own point. Points up to 16 pixels
  beyond a tile's edges are told too, so that marks on an edge can be drawn whole; the sum of `n` within the edges
  (0 ≤ x, y < 4096) over a zoom's tiles is the number of selected requests with a published point, whatever the zoom.
- `areas-<layer>`: MVT layer `areas`, polygons with `area` (code) and `name`, of the vintage in force at the
  selection's `to` date, else of the current one.
- `basemap`: MVT layers `land, water, park, rail, street` with `name` and `rank` (1 = most important).
"""

from __future__ import annotations

from typing import Any

from geo.tiles import EXTENT, Tile
from portal.errors import BadRequest, NotFound
from portal.release import Release
from portal.request_tiles import MAX_BYTES, MAX_FEATURES, request_tile
from portal.selection import EVERYTHING, Selection

KINDS = ("land", "water", "park", "rail", "street")
_LINES = ("rail", "street")


def layers(release: Release) -> list[str]:
    """Names of the release's tile layers."""
    return ["requests", *(f"areas-{layer.layer}" for layer in release.layers if layer.geometry), "basemap"]


def check_layer(release: Release, layer: str) -> None:
    """NotFound for a tile layer that the release does not have."""
    if layer not in layers(release):
        raise NotFound(f"There is no tile layer '{layer[:40]}'; there are: {', '.join(layers(release))}.")


def bounds(release: Release, layer: str) -> tuple[float, float, float, float]:
    """West, south, east, north in degrees of all that a layer draws: clients ask for no tile beyond them.

    Requests and the base map are the city's own box; areas may reach beyond it.
    """
    box = release.city.bbox
    if not layer.startswith("areas-"):
        return box
    sql = """SELECT min(ST_XMin(geom_4326)), min(ST_YMin(geom_4326)), max(ST_XMax(geom_4326)), max(ST_YMax(geom_4326))
             FROM areas WHERE layer = ? AND geom_4326 IS NOT NULL"""
    found = release.constants.get(("bounds", layer), lambda: release.query(sql, [layer.removeprefix("areas-")])[0])
    if found[0] is None:
        return box
    west, south, east, north = (float(end) for end in found)
    return min(box[0], west), min(box[1], south), max(box[2], east), max(box[3], north)


def quick(layer: str, selection: Selection) -> bool:
    """Whether a tile is made without asking the database: 1 to 5 milliseconds, 20 at most."""
    return layer == "requests" and not selection.placed()


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
        return request_tile(release, place, selection)
    key: tuple[Any, ...] = ("tile", layer, place)
    if layer == "basemap":
        return release.cache.get(key, lambda: _basemap(release, place))
    day = selection.to_date
    return release.cache.get((*key, day), lambda: _areas(release, layer.removeprefix("areas-"), place, day))


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
