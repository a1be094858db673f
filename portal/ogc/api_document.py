"""What can be asked, as OpenAPI 3.0: made from the collections and their fields, so that nothing is declared twice.

Charter: addresses, parameters and shapes of answers. What is given is read and checked by `portal.ogc.parameters`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from portal.ogc.api_schemas import ERRORS, SCHEMAS
from portal.ogc.collections import Collection, collections
from portal.ogc.crs import CRS84, known
from portal.ogc.documents import PREFIX, kind_of
from portal.ogc.negotiated import GEOJSON, HTML, JSON, OPENAPI, SCHEMA
from portal.ogc.parameters import FILTERING, FORMAT, ITEMS, LANGUAGES, LIMIT, MOST_SORTS, properties
from portal.ogc.tilesets import QUAD
from portal.queries.tabled import MAX_ROWS
from portal.tile_routes import LAST_ZOOM, MVT

if TYPE_CHECKING:
    from portal.release import Release

Document = dict[str, Any]


def api(release: Release, base: str) -> Document:
    """The document."""
    # Kept once, and not for every address that a client may say we have.
    return release.constants.get(("ogc api",), lambda: _api(release)) | {"servers": [{"url": f"{base}{PREFIX}"}]}


def _api(release: Release) -> Document:
    city, of_all = release.city, collections(release)
    about: Document = {
        "title": f"{city.title or city.name}: OGC API – Features and Tiles",
        "version": "1",
        "description": f"Published service requests of {city.name} as features and vector tiles. {city.attribution}".strip(),
    }
    if city.license.title:
        about["license"] = {"name": city.license.title} | ({"url": city.license.path} if city.license.path else {})
    return {
        "openapi": "3.0.3",
        "info": about,
        "tags": [{"name": "Capabilities"}, {"name": "Data"}, {"name": "Tiles"}],
        "paths": _paths(of_all),
        "components": {
            "schemas": SCHEMAS,
            "parameters": _parameters(release, of_all),
            "responses": ERRORS,
            "headers": {"Content-Crs": {"description": "The system of the coordinates.", "schema": {"type": "string"}}},
        },
    }  # fmt: skip


def _paths(of_all: Any) -> Document:
    paths = {
        "/": _get("landingPage", "The way in", "landingPage"),
        "/conformance": _get("conformance", "Standards that are kept", "confClasses"),
        "/api": _get("api", "This document", None, kind=OPENAPI),
        "/collections": _get("collections", "The collections", "collections"),
        "/collections/{collectionId}": _get("collection", "One collection", "collection", ["collectionId"], found=True),
        "/collections/{collectionId}/queryables": _get(
            "queryables", "What a filter can name", "schema", ["collectionId"], SCHEMA, found=True
        ),
        "/collections/{collectionId}/sortables": _get(
            "sortables", "What can be sorted by", "schema", ["collectionId"], SCHEMA, found=True
        ),
    }
    for of in of_all.values():
        paths[f"/collections/{of.id}/items"] = _items(of)
    paths["/collections/{collectionId}/items/{featureId}"] = _get(
        "feature",
        "One feature",
        "featureGeoJSON",
        ["collectionId", "featureId", "crs"],
        GEOJSON,
        "Data",
        found=True,
        crs=True,
    )
    return paths | _tile_paths()


def _items(of: Collection) -> Document:
    own = [
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": f"Features whose {name} is this.",
            "schema": dict(kind_of(field)),
        }
        for name, field in properties(of).items()
    ]
    return _get(
        f"items.{of.id}", f"{of.title}: features", "featureCollectionGeoJSON", ITEMS, GEOJSON, "Data", own=own, crs=True
    )  # fmt: skip


def _tile_paths() -> Document:
    at = "/collections/{tiledCollectionId}/tiles"
    one = ["tiledCollectionId", "tileMatrixSetId", "tileMatrix", "tileRow", "tileCol", *FILTERING]
    tile = _get("tile", "A vector tile, of requests narrowed by a filter", None, one, MVT, "Tiles", found=True)
    tile["get"]["parameters"] = tile["get"]["parameters"][: -len(FORMAT)]
    tile["get"]["responses"]["200"]["content"] = {MVT: {"schema": {"type": "string", "format": "binary"}}}
    return {
        at: _get("tilesets", "Tilesets of a collection", "tilesets", ["tiledCollectionId"], JSON, "Tiles", found=True),
        f"{at}/{{tileMatrixSetId}}": _get(
            "tileset", "One tileset", "tileset", ["tiledCollectionId", "tileMatrixSetId"], JSON, "Tiles", found=True
        ),
        f"{at}/{{tileMatrixSetId}}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}": tile,
        "/tileMatrixSets": _get("tileMatrixSets", "Tile matrix sets", "tileMatrixSets", [], JSON, "Tiles"),
        "/tileMatrixSets/{tileMatrixSetId}": _get(
            "tileMatrixSet", "One tile matrix set", "tileMatrixSet", ["tileMatrixSetId"], JSON, "Tiles", found=True
        ),
    }


def _get(
    operation: str, summary: str, schema: str | None, parameters: Sequence[str] = (), kind: str = JSON,
    tag: str = "Capabilities", found: bool = False, own: list[Document] | None = None, crs: bool = False,
) -> Document:  # fmt: skip
    """One address: `found` where there may be nothing at it, `crs` where coordinates are told."""
    shape: Document = {"schema": {"$ref": f"#/components/schemas/{schema}"} if schema else {"type": "object"}}
    success: Document = {"description": summary, "content": {kind: shape, HTML: {"schema": {"type": "string"}}}}
    if crs:
        success["headers"] = {"Content-Crs": {"$ref": "#/components/headers/Content-Crs"}}
    errors = ["400", *(["404"] if found else []), "406", "503"]
    named = [{"$ref": f"#/components/parameters/{name}"} for name in [*parameters, *FORMAT]]
    return {
        "get": {
            "operationId": operation,
            "tags": [tag],
            "summary": summary,
            "parameters": [*named, *(own or [])],
            "responses": {"200": success, **{code: {"$ref": f"#/components/responses/{code}"} for code in errors}},
        }
    }


def _parameters(release: Release, of_all: Any) -> Document:
    systems = list(known(release))
    tiled = [of.id for of in of_all.values() if of.tiles]
    zooms = {"type": "integer", "minimum": 0, "maximum": LAST_ZOOM}
    four_or_six = [{"minItems": n, "maxItems": n} for n in (4, 6)]
    numbers = {"type": "array", "items": {"type": "number"}, "oneOf": four_or_six}
    return {
        "f": _query("f", "The representation: JSON, or a page. Without it the header Accept decides.", _one_of("json", "html")),
        "lang": _query("lang", "The language of pages.", _one_of(*release.city.languages)),
        "limit": _query(
            "limit", f"So many features at most. More than {MAX_ROWS} are taken for {MAX_ROWS}.",
            {"type": "integer", "minimum": 1, "maximum": MAX_ROWS, "default": LIMIT}, style="form", explode=False,
        ),
        "cursor": _query("cursor", "Where to go on: taken from the link `next` of an answer.", {"type": "string"}),
        "bbox": _query(
            "bbox", "Features that meet a box: least of each axis, then greatest; in degrees, west may be east of east, over the "
            "antimeridian. Of six numbers the heights do not matter.", numbers, style="form", explode=False,
        ),
        "bbox-crs": _query("bbox-crs", "The system of the box.", _one_of(*systems) | {"default": CRS84}),
        "datetime": _query(
            "datetime", "Features whose time meets an instant or an interval (RFC 3339): `2025-01-31T00:00:00Z`, "
            "`2025-01-01T00:00:00Z/..`, `../2025-01-31T23:59:59Z`. A day is meant from its begin to its end, in UTC.",
            {"type": "string"}, style="form", explode=False,
        ),
        "crs": _query("crs", "The system of the coordinates that are told.", _one_of(*systems) | {"default": CRS84}),
        "filter": _query("filter", "A condition in CQL2 on the queryables.", {"type": "string", "minLength": 1}),
        "filter-lang": _query("filter-lang", "How the filter is written.", _one_of(*LANGUAGES) | {"default": LANGUAGES[0]}),
        "filter-crs": _query("filter-crs", "The system of the filter's geometries.", _one_of(*systems) | {"default": CRS84}),
        "sortby": _query(
            "sortby", f"Up to {MOST_SORTS} sortables with commas between them, `-` before those that fall.",
            {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": MOST_SORTS}, style="form", explode=False,
        ),
        "collectionId": _path("collectionId", _one_of(*of_all)),
        "tiledCollectionId": _path("tiledCollectionId", _one_of(*tiled)),
        "featureId": _path("featureId", {"type": "string", "minLength": 1}),
        "tileMatrixSetId": _path("tileMatrixSetId", _one_of(QUAD)),
        "tileMatrix": _path("tileMatrix", zooms),
        "tileRow": _path("tileRow", {"type": "integer", "minimum": 0}),
        "tileCol": _path("tileCol", {"type": "integer", "minimum": 0}),
    }  # fmt: skip


def _one_of(*values: str) -> Document:
    return {"type": "string", "enum": list(values)}


def _query(name: str, about: str, schema: Document, **more: Any) -> Document:
    return {"name": name, "in": "query", "required": False, "description": about, "schema": schema, **more}


def _path(name: str, schema: Document) -> Document:
    return {"name": name, "in": "path", "required": True, "schema": schema}
