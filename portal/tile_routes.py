"""Tiles over HTTP: `/tiles/{release}/{layer}/{z}/{x}/{y}.mvt`, immutable under the release's id, and TileJSON."""

from __future__ import annotations

import hashlib
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from geo.tiles import MAX_ZOOM
from portal.context import Current, base_of, query_of, releases
from portal.problems import MEDIA_TYPE, Problem
from portal.release import Release
from portal.selection import Selection
from portal.tiles import KINDS, check_layer, layers, quick, tile

MVT = "application/vnd.mapbox-vector-tile"
FOREVER = "public, max-age=31536000, immutable"

_PROBLEM: dict[str, Any] = {"model": Problem, "content": {MEDIA_TYPE: {}}}
router = APIRouter(prefix="/tiles", tags=["tiles"], responses={400: _PROBLEM, 404: _PROBLEM, 503: _PROBLEM})

_FIELDS = {
    "requests": {"n": "Number", "service_request_id": "String", "source": "String", "service_name": "String",
                 "status": "String", "requested_date": "String", "location_precision": "String",
                 "geocode_method": "String", "geocode_radius_m": "Number", "location_note": "String"},
    "areas": {"area": "String", "name": "String"},
}  # fmt: skip


@router.get("/{release_id}/{layer}/{z}/{x}/{y}.mvt", response_class=Response)
async def one_tile(request: Request, release_id: str, layer: str, z: int, x: int, y: int) -> Response:
    """A vector tile (MVT 2.1) of the selected requests, the areas of a layer, or the base map.

    Takes the same query keys as the figures. Where there is nothing the answer is 200 with no bytes.
    """
    release = releases(request).get(release_id)
    selection = Selection.from_query(query_of(request), release)
    check_layer(release, layer)
    etag = (
        '"' + hashlib.sha256(f"{release.id}/{layer}/{z}/{x}/{y}?{selection.to_query()}".encode()).hexdigest()[:32] + '"'
    )
    headers = {"Cache-Control": FOREVER, "ETag": etag}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if quick(layer):  # several threads would only wait for Python's lock: a third of the tiles in a second
        data = tile(release, layer, z, x, y, selection)
    else:
        data = await run_in_threadpool(tile, release, layer, z, x, y, selection)
    return Response(data, media_type=MVT, headers=headers)


@router.get("/")
def all_layers(request: Request, now: Current) -> dict[str, Any]:
    """The tile layers of the current release, each with the address of its TileJSON."""
    base = base_of(request)
    return {
        "release_id": now.id,
        "tilejson": {layer: f"{base}/tiles/{now.id}/{layer}.json" for layer in layers(now)},
    }


@router.get("/{release_id}/{layer}.json")
def tilejson(request: Request, release_id: str, layer: str) -> dict[str, Any]:
    """TileJSON 3.0 of one layer, for QGIS and other clients; filters of its query go into the tiles' address."""
    release = releases(request).get(release_id)
    selection = Selection.from_query(query_of(request), release)
    check_layer(release, layer)
    query = selection.to_query()
    return {
        "tilejson": "3.0.0",
        "name": f"{release.city.name}: {layer}",
        "tiles": [
            f"{base_of(request)}/tiles/{release.id}/{layer}/{{z}}/{{x}}/{{y}}.mvt" + (f"?{query}" if query else "")
        ],
        "minzoom": 0,
        "maxzoom": min(MAX_ZOOM, 19),
        "bounds": list(release.city.bbox),
        "attribution": release.city.attribution,
        "vector_layers": _vector_layers(layer, release),
    }


def _vector_layers(layer: str, release: Release) -> list[dict[str, Any]]:
    if layer == "basemap":
        return [{"id": kind, "fields": {"name": "String", "rank": "Number"}} for kind in KINDS]
    name = layer.split("-", maxsplit=1)[0]
    titles = {f"areas-{known.layer}": known.plural for known in release.layers}
    return [{"id": name, "description": titles.get(layer, layer), "fields": _FIELDS[name]}]
