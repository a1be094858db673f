"""Tiles over HTTP: `/tiles/{release}/{layer}/{z}/{x}/{y}.mvt`, immutable under the release's id, and TileJSON."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from portal.answered import etag_of, not_modified
from portal.context import Current, base_of, query_of, releases
from portal.declared import in_openapi
from portal.problems import MEDIA_TYPE, Problem
from portal.release import Release
from portal.selection import Selection
from portal.tiles import KINDS, bounds, check_layer, layers, quick, tile

MVT = "application/vnd.mapbox-vector-tile"
LAST_ZOOM = 19
"""Where nothing new is told any more; tiles of requests are made up to zoom 22."""
FOREVER = "public, max-age=31536000, immutable"

_PROBLEM: dict[str, Any] = {"model": Problem, "content": {MEDIA_TYPE: {}}}
_KEYS = in_openapi()
router = APIRouter(prefix="/tiles", tags=["tiles"], responses={400: _PROBLEM, 404: _PROBLEM, 503: _PROBLEM})

_FIELDS = {
    "requests": {"n": "Number", "service_request_id": "String", "source": "String", "service_name": "String",
                 "status": "String", "requested_date": "String", "location_precision": "String",
                 "geocode_method": "String", "geocode_radius_m": "Number", "location_note": "String"},
    "areas": {"area": "String", "name": "String"},
}  # fmt: skip
_ABOUT = {
    "requests": "Selected requests with a published place: counts (n) in cells of 16 pixels up to zoom 16, one point for each "
    "place from zoom 17 on. Where n is 1, from zoom 13 on, the request's number, source, service, status and day, and how "
    "sure its place is. Points up to 16 pixels beyond a tile's edges are in it too.",
    "basemap": "Land, water, parks, rails and streets; rank 1 is the most important.",
}
_KINDS = dict(zip(KINDS, ("Land", "Water", "Parks", "Rails, by rank", "Streets, by rank"), strict=True))


def _plain(text: str) -> str:
    """One spelling for each number: others (01, 1.0, 1_0) would be other addresses of the same tile, kept for ever."""
    if not re.fullmatch(r"0|-?[1-9][0-9]*", text):
        raise PydanticCustomError("plain_number", "must be a whole number such as 12")
    return text


Number = Annotated[int, BeforeValidator(_plain)]


@router.get("/{release_id}/{layer}/{z}/{x}/{y}.mvt", response_class=Response, openapi_extra=_KEYS)
async def one_tile(request: Request, release_id: str, layer: str, z: Number, x: Number, y: Number) -> Response:
    """A vector tile (MVT 2.1) of the selected requests, the areas of a layer, or the base map.

    Takes the same query keys as the figures. Where there is nothing the answer is 200 with no bytes.
    """
    release = releases(request).get(release_id)
    selection = Selection.from_query(query_of(request), release)
    check_layer(release, layer)
    named = f"{release.id}/{layer}/{z}/{x}/{y}?{selection.to_query()}"
    headers = {"Cache-Control": FOREVER, "ETag": etag_of(named)}
    if known := not_modified(request, headers):
        return known
    if quick(layer, selection):  # several threads would only wait for Python's lock: a third of the tiles in a second
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


@router.get("/{release_id}/{layer}.json", openapi_extra=_KEYS)
def tilejson(request: Request, release_id: str, layer: str) -> dict[str, Any]:
    """TileJSON 3.0 of one layer, for MapLibre and other clients; filters of its query go into the tiles' address.

    `fields` name each attribute's type, as GDAL and others read them there; what they mean is in the descriptions.
    """
    release = releases(request).get(release_id)
    selection = Selection.from_query(query_of(request), release)
    check_layer(release, layer)
    query = selection.to_query()
    west, south, east, north = bounds(release, layer)
    return {
        "tilejson": "3.0.0",
        "name": f"{release.city.name}: {layer}",
        "description": f"{_about(layer, release)} Release {release.id}.",
        "version": "1.0.0",
        "scheme": "xyz",
        "tiles": [
            f"{base_of(request)}/tiles/{release.id}/{layer}/{{z}}/{{x}}/{{y}}.mvt" + (f"?{query}" if query else "")
        ],
        "minzoom": 0,
        "maxzoom": LAST_ZOOM,
        "bounds": [west, south, east, north],
        "center": [round((west + east) / 2, 5), round((south + north) / 2, 5), 11],
        "attribution": release.city.attribution,
        "vector_layers": vector_layers(layer, release),
    }


def _about(layer: str, release: Release) -> str:
    titles = {f"areas-{known.layer}": known.plural for known in release.layers}
    if layer in titles:
        return f"{titles[layer]}: their outlines, with code and name."
    return _ABOUT[layer]


def vector_layers(layer: str, release: Release) -> list[dict[str, Any]]:
    """What is in a layer's tiles: the layers within them with their attributes, as TileJSON names them."""
    zooms = {"minzoom": 0, "maxzoom": LAST_ZOOM}
    if layer == "basemap":
        fields = {"name": "String", "rank": "Number"}
        return [{"id": kind, "description": text, **zooms, "fields": fields} for kind, text in _KINDS.items()]
    name = layer.split("-", maxsplit=1)[0]
    return [{"id": name, "description": _about(layer, release), **zooms, "fields": _FIELDS[name]}]
