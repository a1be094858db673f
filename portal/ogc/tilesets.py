"""OGC API – Tiles: which vector tiles a collection has, in the tile matrix set WebMercatorQuad, and that set itself.

Charter: metadata. The tiles are those of `portal.tiles`, whose columns and rows are the standard's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from geo.crs import grid_box
from geo.tiles import GRID_BITS, HALF_WORLD_M, TILE_PX, Tile
from portal.errors import NotFound
from portal.ogc.collections import Collection
from portal.ogc.crs import CRS84, EPSG
from portal.ogc.documents import REL, both, link
from portal.ogc.negotiated import JSON
from portal.tile_routes import LAST_ZOOM, MVT, vector_layers
from portal.tiles import bounds

if TYPE_CHECKING:
    from portal.release import Release

QUAD: Final = "WebMercatorQuad"
QUAD_URI: Final = f"http://www.opengis.net/def/tilematrixset/OGC/1.0/{QUAD}"
MERCATOR: Final = f"{EPSG}3857"
_PIXEL_M: Final = 0.00028
"""The standard's size of a pixel on a screen."""


def tileset_of(of: Collection, name: str = QUAD) -> str:
    """The tile layer of a collection; NotFound for a collection without tiles, and for another tile matrix set."""
    if of.tiles is None:
        raise NotFound(f"The collection {of.id} has no tiles.")
    quad(name)
    return of.tiles


def quad(name: str) -> None:
    """NotFound for any other tile matrix set than the one there is."""
    if name != QUAD:
        raise NotFound(f"There is no tile matrix set '{name[:60]}'; there is: {QUAD}.")


def tilesets(of: Collection, base: str) -> dict[str, Any]:
    """The tilesets of a collection: one."""
    tileset_of(of)
    path = f"/collections/{of.id}/tiles"
    return {"links": both(base, path), "tilesets": [_brief(of) | {"links": _links(of, base)}]}


def tileset(release: Release, of: Collection, base: str) -> dict[str, Any]:
    """One tileset: where its tiles are, what is in them, and which there are."""
    layer = tileset_of(of)
    west, south, east, north = bounds(release, layer)
    return _brief(of) | {
        "description": of.description,
        "boundingBox": {"lowerLeft": [west, south], "upperRight": [east, north], "crs": CRS84, "orderedAxes": ["Lon", "Lat"]},
        "tileMatrixSetLimits": [_limits(zoom, (west, south, east, north)) for zoom in range(LAST_ZOOM + 1)],
        "layers": [_layer(release, layer)],
        "links": _links(of, base),
    }  # fmt: skip


def _brief(of: Collection) -> dict[str, Any]:
    return {"title": of.title, "dataType": "vector", "crs": MERCATOR, "tileMatrixSetURI": QUAD_URI}


def _links(of: Collection, base: str) -> list[dict[str, Any]]:
    path = f"/collections/{of.id}/tiles/{QUAD}"
    return [
        *both(base, path),
        link(base, f"/tileMatrixSets/{QUAD}", f"{REL}tiling-scheme", JSON, QUAD),
        link(base, f"{path}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}", "item", MVT, "The tiles", templated=True),
        link(base, f"/collections/{of.id}", f"{REL}geodata", JSON, of.title),
    ]


def _layer(release: Release, layer: str) -> dict[str, Any]:
    kinds = {"Number": {"type": "number"}, "String": {"type": "string"}}
    points = layer == "requests"
    [found] = vector_layers(layer, release)
    properties = {name: kinds[kind] for name, kind in found["fields"].items()}
    return {
        "id": found["id"],
        "description": found["description"],
        "dataType": "vector",
        "geometryDimension": 0 if points else 2,
        "minTileMatrix": "0",
        "maxTileMatrix": str(LAST_ZOOM),
        "propertiesSchema": {"type": "object", "properties": properties},
    }


def _limits(zoom: int, box: tuple[float, float, float, float]) -> dict[str, Any]:
    x0, y0, x1, y1 = (units >> (GRID_BITS - zoom) for units in grid_box(*box))
    return {"tileMatrix": str(zoom), "minTileRow": y0, "maxTileRow": y1, "minTileCol": x0, "maxTileCol": x1}


def matrix_sets(base: str) -> dict[str, Any]:
    """The tile matrix sets: one."""
    path = f"/tileMatrixSets/{QUAD}"
    one = {
        "id": QUAD,
        "title": _TITLE,
        "uri": QUAD_URI,
        "crs": MERCATOR,
        "links": [link(base, path, "self", JSON, QUAD)],
    }
    return {"links": both(base, "/tileMatrixSets"), "tileMatrixSets": [one]}


_TITLE: Final = "Google Maps Compatible for the World"


def matrix_set(base: str) -> dict[str, Any]:
    """WebMercatorQuad by its definition (OGC 17-083r4, annex D): the world in 4ⁿ squares of 256 pixels."""
    return {
        "id": QUAD,
        "title": _TITLE,
        "uri": QUAD_URI,
        "crs": MERCATOR,
        "orderedAxes": ["X", "Y"],
        "wellKnownScaleSet": "http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible",
        "tileMatrices": [_matrix(zoom) for zoom in range(LAST_ZOOM + 1)],
        "links": both(base, f"/tileMatrixSets/{QUAD}"),
    }


def _matrix(zoom: int) -> dict[str, Any]:
    cell = 2 * HALF_WORLD_M / TILE_PX / (1 << zoom)
    return {
        "id": str(zoom),
        "scaleDenominator": cell / _PIXEL_M,
        "cellSize": cell,
        "cornerOfOrigin": "topLeft",
        "pointOfOrigin": [-HALF_WORLD_M, HALF_WORLD_M],
        "tileWidth": TILE_PX,
        "tileHeight": TILE_PX,
        "matrixWidth": 1 << zoom,
        "matrixHeight": 1 << zoom,
    }


def within(zoom: int, row: int, column: int) -> Tile:
    """The tile; NotFound for one that the set does not have."""
    try:
        if zoom > LAST_ZOOM:
            raise ValueError
        return Tile(zoom, column, row)
    except ValueError:
        raise NotFound(f"There is no tile {zoom}/{row}/{column}; zooms are 0 to {LAST_ZOOM}.") from None
