"""`/ogc`: OGC API – Features and Tiles over HTTP. Thin: parameters are read, documents made and told elsewhere."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from fastapi.concurrency import run_in_threadpool

from portal.answered import etag_of, not_modified
from portal.context import Current, base_of, query_of
from portal.filtered import Filter
from portal.ogc import documents, html_pages, items, tilesets
from portal.ogc.api_document import api
from portal.ogc.collections import collection
from portal.ogc.crs import read
from portal.ogc.documents import PREFIX
from portal.ogc.negotiated import GEOJSON, JSON, KEPT, OPENAPI, SCHEMA, answer, link_header, page, wants_html
from portal.ogc.parameters import FILTERING, FORMAT, filtered, of_items, pairs
from portal.release import Release
from portal.selection import Selection
from portal.tile_routes import MVT, Number
from portal.tiles import quick, tile

router = APIRouter(prefix=PREFIX, include_in_schema=False)  # it has an OpenAPI document of its own
Name = Annotated[str, Path(max_length=100)]


@router.get("")
@router.get("/")
def landing(request: Request, now: Current) -> Response:
    """The way in."""
    return _document(request, now, documents.landing(now, base_of(request)), "/")


@router.get("/conformance")
def conformance(request: Request, now: Current) -> Response:
    """Standards that are kept."""
    return _document(request, now, documents.conformance(base_of(request)), "/conformance")


@router.get("/api")
def api_document(request: Request, now: Current) -> Response:
    """What can be asked, as OpenAPI 3.0."""
    return _document(request, now, api(now, base_of(request)), "/api", OPENAPI)


@router.get("/collections")
def all_collections(request: Request, now: Current) -> Response:
    """Every collection."""
    return _document(request, now, documents.all_collections(now, base_of(request)), "/collections")


@router.get("/collections/{name}")
def one_collection(request: Request, now: Current, name: Name) -> Response:
    """One collection."""
    of = collection(now, name)
    return _document(request, now, documents.one_collection(now, of, base_of(request)), f"/collections/{name}")


@router.get("/collections/{name}/queryables")
def queryables(request: Request, now: Current, name: Name) -> Response:
    """What a filter can name."""
    document = documents.queryables(collection(now, name), base_of(request))
    return _document(request, now, document, f"/collections/{name}/queryables", SCHEMA)


@router.get("/collections/{name}/sortables")
def sortables(request: Request, now: Current, name: Name) -> Response:
    """What can be sorted by."""
    document = documents.queryables(collection(now, name), base_of(request), sorting=True)
    return _document(request, now, document, f"/collections/{name}/sortables", SCHEMA)


@router.get("/collections/{name}/items")
def features(request: Request, now: Current, name: Name) -> Response:
    """Features of a collection."""
    of = collection(now, name)
    asked = of_items(now, of, query_of(request))
    as_page = wants_html(request, asked.given)
    told = items.page(now, asked, base_of(request))
    headers = items.headers(asked.crs)
    if as_page:
        return page(request, now, lambda: html_pages.features(request, now, of, told), headers)
    text, stamp = items.text(told)
    return answer(request, now, text, GEOJSON, headers | {"Link": link_header(told.links)}, stamp)


@router.get("/collections/{name}/items/{feature:path}")
def one_feature(request: Request, now: Current, name: Name, feature: str) -> Response:
    """One feature by its id."""
    of = collection(now, name)
    given = pairs(query_of(request), (*FORMAT, "crs"), "A single feature")
    crs = read(now, "crs", given.get("crs"))
    text, links = items.one(now, of, feature, crs, base_of(request))
    headers = items.headers(crs)
    if wants_html(request, given):
        return page(request, now, lambda: html_pages.feature(request, now, of, feature, text), headers)
    return answer(request, now, text, GEOJSON, headers | {"Link": link_header(links)})


@router.get("/collections/{name}/tiles")
def collection_tilesets(request: Request, now: Current, name: Name) -> Response:
    """The tilesets of a collection."""
    document = tilesets.tilesets(collection(now, name), base_of(request))
    return _document(request, now, document, f"/collections/{name}/tiles")


@router.get("/collections/{name}/tiles/{matrix_set}")
def one_tileset(request: Request, now: Current, name: Name, matrix_set: Name) -> Response:
    """One tileset."""
    of = collection(now, name)
    tilesets.tileset_of(of, matrix_set)
    path = f"/collections/{name}/tiles/{matrix_set}"
    return _document(request, now, tilesets.tileset(now, of, base_of(request)), path)


@router.get("/collections/{name}/tiles/{matrix_set}/{matrix}/{row}/{column}")
async def one_tile(
    request: Request, now: Current, name: Name, matrix_set: Name, matrix: Number, row: Number, column: Number
) -> Response:
    """A vector tile (MVT) of the collection, of requests narrowed by a filter; no bytes where there is nothing."""
    of = collection(now, name)
    layer = tilesets.tileset_of(of, matrix_set)
    place = tilesets.within(matrix, row, column)
    given = pairs(query_of(request), FILTERING if layer == "requests" else (), "A tile")
    condition = filtered(now, given)
    selection = Selection(filter=Filter.made(condition, now)) if condition else Selection()
    named = f"{now.id}/{layer}/{matrix}/{row}/{column}?{selection.to_query()}"
    headers = {"Cache-Control": KEPT, "ETag": etag_of(named), "X-Openward-Release": now.id}
    if known := not_modified(request, headers):
        return known
    if quick(layer, selection):
        data = tile(now, layer, place.z, place.x, place.y, selection)
    else:
        data = await run_in_threadpool(tile, now, layer, place.z, place.x, place.y, selection)
    return Response(data, media_type=MVT, headers=headers)


@router.get("/tileMatrixSets")
def matrix_sets(request: Request, now: Current) -> Response:
    """The tile matrix sets."""
    return _document(request, now, tilesets.matrix_sets(base_of(request)), "/tileMatrixSets")


@router.get("/tileMatrixSets/{name}")
def matrix_set(request: Request, now: Current, name: Name) -> Response:
    """One tile matrix set."""
    tilesets.quad(name)
    return _document(request, now, tilesets.matrix_set(base_of(request)), f"/tileMatrixSets/{name}")


def _document(request: Request, now: Release, document: dict[str, Any], path: str, kind: str = JSON) -> Response:
    """A document as JSON, or as a page."""
    given = pairs(query_of(request), FORMAT, "This address")
    if wants_html(request, given):
        return page(request, now, lambda: html_pages.document(request, now, document, path))
    headers = {"Link": link_header(document["links"])} if kind == JSON and "links" in document else {}
    return answer(request, now, json.dumps(document, ensure_ascii=False), kind, headers)
