"""Shapes of the answers under `/ogc`, as schemas of OpenAPI 3.0.

Charter: what the standards ask of each document, and no more; values only.
"""

from __future__ import annotations

from typing import Any, Final

from portal.problems import MEDIA_TYPE

Schema = dict[str, Any]


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(required: str, **properties: Schema) -> Schema:
    return {"type": "object", "required": required.split(), "properties": properties}


def _list(of: Schema, **more: Any) -> Schema:
    return {"type": "array", "items": of, **more}


_TEXT: Final[Schema] = {"type": "string"}
_NUMBER: Final[Schema] = {"type": "number"}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_TIME: Final[Schema] = {"type": "string", "format": "date-time"}
_LINKS: Final = _list(_ref("link"))
_POINT: Final = _list(_NUMBER, minItems=2, maxItems=3)
_PLACE: Final = _list({}, minItems=1)

SCHEMAS: Final[dict[str, Schema]] = {
    "link": {"type": "object", "required": ["href", "rel"], "properties": {
        "href": _TEXT, "rel": _TEXT, "type": _TEXT, "title": _TEXT, "templated": {"type": "boolean"},
    }},
    "landingPage": _object("links", title=_TEXT, description=_TEXT, attribution=_TEXT, links=_LINKS),
    "confClasses": _object("conformsTo", conformsTo=_list(_TEXT), links=_LINKS),
    "collections": _object("links collections", links=_LINKS, crs=_list(_TEXT), collections=_list(_ref("collection"))),
    "collection": _object(
        "id links extent itemType crs storageCrs", id=_TEXT, title=_TEXT, description=_TEXT, attribution=_TEXT, links=_LINKS,
        extent=_ref("extent"), itemType={"type": "string", "enum": ["feature"]}, crs=_list(_TEXT, minItems=1), storageCrs=_TEXT,
    ),
    "extent": {"type": "object", "properties": {
        "spatial": _object("bbox crs", bbox=_list(_list(_NUMBER, minItems=4, maxItems=6), minItems=1), crs=_TEXT),
        "temporal": _object(
            "interval trs", trs=_TEXT,
            interval=_list(_list({**_TIME, "nullable": True}, minItems=2, maxItems=2), minItems=1),
        ),
    }},
    "schema": _object("$schema $id type properties", title=_TEXT, type=_TEXT, properties={"type": "object"}),
    "featureCollectionGeoJSON": _object(
        "type features numberMatched numberReturned timeStamp links", type={"type": "string", "enum": ["FeatureCollection"]},
        features=_list(_ref("featureGeoJSON")), numberMatched=_COUNT, numberReturned=_COUNT, timeStamp=_TIME, links=_LINKS,
    ),
    "featureGeoJSON": _object(
        "type id geometry properties", type={"type": "string", "enum": ["Feature"]}, id=_TEXT, links=_LINKS,
        geometry={
            "nullable": True, "type": "object", "required": ["type", "coordinates"], "properties": {
                "type": {"type": "string", "enum": ["Point", "Polygon", "MultiPolygon"]},
                "coordinates": _PLACE,
            },
        },
        properties={"type": "object", "nullable": True},
    ),
    "tilesets": _object("links tilesets", links=_LINKS, tilesets=_list(_ref("tileset"))),
    "tileset": _object(
        "dataType crs tileMatrixSetURI links", title=_TEXT, description=_TEXT, dataType={"type": "string", "enum": ["vector"]},
        crs=_TEXT, tileMatrixSetURI=_TEXT, links=_LINKS,
        boundingBox=_object("lowerLeft upperRight", lowerLeft=_POINT, upperRight=_POINT, crs=_TEXT),
        tileMatrixSetLimits=_list(_object(
            "tileMatrix minTileRow maxTileRow minTileCol maxTileCol", tileMatrix=_TEXT,
            minTileRow=_COUNT, maxTileRow=_COUNT, minTileCol=_COUNT, maxTileCol=_COUNT,
        )),
        layers=_list(_object("id dataType", id=_TEXT, dataType=_TEXT, geometryDimension=_COUNT)),
    ),
    "tileMatrixSets": _object("tileMatrixSets", tileMatrixSets=_list(_object("id links", id=_TEXT, uri=_TEXT, links=_LINKS))),
    "tileMatrixSet": _object(
        "id crs tileMatrices", id=_TEXT, crs=_TEXT, uri=_TEXT,
        tileMatrices=_list(_object(
            "id scaleDenominator cellSize pointOfOrigin tileWidth tileHeight matrixWidth matrixHeight", id=_TEXT,
            scaleDenominator=_NUMBER, cellSize=_NUMBER, pointOfOrigin=_POINT,
            tileWidth=_COUNT, tileHeight=_COUNT, matrixWidth=_COUNT, matrixHeight=_COUNT,
        )),
    ),
    "exception": _object("title status detail", type=_TEXT, title=_TEXT, status=_COUNT, detail=_TEXT),
}  # fmt: skip

ERRORS: Final[dict[str, Schema]] = {
    code: {"description": about, "content": {MEDIA_TYPE: {"schema": _ref("exception")}}}
    for code, about in {
        "400": "A parameter that is not known or makes no sense; the detail says what would do.",
        "404": "There is no such thing.",
        "406": "The client takes neither JSON nor HTML.",
        "503": "Nothing is published yet.",
    }.items()
}
"""Answers for what went wrong, as problem details (RFC 9457)."""
