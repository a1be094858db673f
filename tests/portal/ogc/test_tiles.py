"""OGC API – Tiles: the metadata is true of the tiles, and the tiles are the portal's own."""

from __future__ import annotations

from collections.abc import Callable
from math import pi
from typing import Any
from urllib.parse import quote

import httpx
import mapbox_vector_tile
import pytest

from geo.tiles import Tile
from portal.filtered import Filter
from portal.release import Release
from portal.selection import Selection
from portal.tiles import tile

Ask = Callable[..., httpx.Response]
QUAD = "/tiles/WebMercatorQuad"


def _tiled(ask: Ask, collection: str, zoom: int) -> dict[str, int]:
    limits = ask(f"/collections/{collection}{QUAD}").json()["tileMatrixSetLimits"]
    return next(one for one in limits if one["tileMatrix"] == str(zoom))


@pytest.mark.parametrize("collection", ["requests", "areas-district"])
def test_tiles_are_those_of_the_portal(city: Release, ask: Ask, collection: str) -> None:
    found = ask(f"/collections/{collection}{QUAD}").json()
    [template] = [link for link in found["links"] if link["rel"] == "item"]
    assert template["templated"] is True and template["type"] == "application/vnd.mapbox-vector-tile"
    drawn = 0
    for zoom in (0, 9, 12):
        limits = _tiled(ask, collection, zoom)
        for row in range(limits["minTileRow"], limits["maxTileRow"] + 1):
            for column in range(limits["minTileCol"], limits["maxTileCol"] + 1):
                at = template["href"].format(tileMatrix=zoom, tileRow=row, tileCol=column)
                answer = httpx.get(at)
                assert answer.status_code == 200 and answer.headers["content-type"] == template["type"]
                assert answer.content == tile(city, collection, zoom, column, row)
                assert httpx.get(at, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
                drawn += bool(answer.content)
    assert drawn > 10


def test_the_limits_hold_all_there_is(city: Release, ask: Ask) -> None:
    """At a zoom every tile with something in it is within them, and the requests of these are all that are located."""
    zoom, n = 13, 0
    limits = _tiled(ask, "requests", zoom)
    for row in range(limits["minTileRow"], limits["maxTileRow"] + 1):
        for column in range(limits["minTileCol"], limits["maxTileCol"] + 1):
            data = ask(f"/collections/requests{QUAD}/{zoom}/{row}/{column}").content
            layers = mapbox_vector_tile.decode(data, default_options={"y_coord_down": True}) if data else {}
            for one in layers.get("requests", {"features": []})["features"]:
                x, y = one["geometry"]["coordinates"]
                n += one["properties"]["n"] if 0 <= x < 4096 and 0 <= y < 4096 else 0
    assert n == city.query("SELECT count(lat) FROM requests")[0][0]


def test_tiles_of_requests_take_a_filter(city: Release, ask: Ask) -> None:
    text = "status = 'open' AND response_hours IS NULL"
    limits = _tiled(ask, "requests", 11)
    row, column = limits["minTileRow"], limits["minTileCol"]
    found = ask(f"/collections/requests{QUAD}/11/{row}/{column}", filter=text)
    meant = tile(city, "requests", 11, column, row, Selection(filter=Filter.read(text, city)))
    assert found.content == meant != tile(city, "requests", 11, column, row)
    assert found.headers["etag"] != ask(f"/collections/requests{QUAD}/11/{row}/{column}").headers["etag"]
    for wrong in ("filter=" + quote("nothing = 1"), "f=mvt", "status=open", "filter-lang=x"):
        assert ask(f"/collections/requests{QUAD}/11/{row}/{column}?{wrong}").status_code == 400, wrong
    assert ask(f"/collections/areas-district{QUAD}/11/{row}/{column}", filter=text).status_code == 400


@pytest.mark.parametrize("at", ["0/0/1", "0/1/0", "3/8/0", "20/0/0", "99/0/0", f"1/{10**30}/0"])
def test_there_is_no_such_tile(ask: Ask, at: str) -> None:
    assert ask(f"/collections/requests{QUAD}/{at}").status_code == 404


@pytest.mark.parametrize("at", ["1/-1/0", "a/0/0", "01/0/0", "1/0.5/0"])
def test_that_is_no_tile(ask: Ask, at: str) -> None:
    assert ask(f"/collections/requests{QUAD}/{at}").status_code in (400, 404)


def test_other_sets_and_collections_have_none(ask: Ask) -> None:
    for path in ("/collections/requests/tiles/WorldCRS84Quad", "/collections/requests/tiles/WorldCRS84Quad/0/0/0",
                 "/collections/incidents/tiles", f"/collections/incidents{QUAD}", f"/collections/nothing{QUAD}/0/0/0",
                 "/tileMatrixSets/WorldCRS84Quad"):  # fmt: skip
        assert ask(path).status_code == 404, path
    assert not [link for link in ask("/collections/incidents").json()["links"] if "tilesets" in link["rel"]]


@pytest.mark.parametrize("collection", ["requests", "areas-district"])
def test_a_tileset_says_what_is_in_it(city: Release, ask: Ask, collection: str) -> None:
    [brief] = ask(f"/collections/{collection}/tiles").json()["tilesets"]
    whole = ask(f"/collections/{collection}{QUAD}").json()
    assert {key: whole[key] for key in brief} == brief
    assert brief["dataType"] == "vector" and brief["tileMatrixSetURI"].endswith("/OGC/1.0/WebMercatorQuad")
    [layer] = whole["layers"]
    limits = _tiled(ask, collection, 14)
    attributes: dict[str, Any] = {}
    for column in range(limits["minTileCol"], limits["maxTileCol"] + 1):
        data = tile(city, collection, 14, column, (limits["minTileRow"] + limits["maxTileRow"]) // 2)
        decoded = mapbox_vector_tile.decode(data) if data else {}
        assert set(decoded) <= {layer["id"]}
        for one in decoded.get(layer["id"], {"features": []})["features"]:
            attributes |= one["properties"]
    assert attributes and set(attributes) <= set(layer["propertiesSchema"]["properties"])
    kinds = {str: "string", int: "number", float: "number"}
    for name, value in attributes.items():
        assert layer["propertiesSchema"]["properties"][name]["type"] == kinds[type(value)], name


def test_the_tile_matrix_set_is_the_registered_one(ask: Ask) -> None:
    """Numbers of the standard 17-083r4, annex D.1, and the tiles' own arithmetic."""
    found = ask("/tileMatrixSets/WebMercatorQuad").json()
    matrices = found["tileMatrices"]
    assert matrices[0]["scaleDenominator"] == pytest.approx(559082264.028717, rel=1e-12)
    assert matrices[0]["cellSize"] == pytest.approx(156543.033928041, rel=1e-12)
    assert matrices[0]["pointOfOrigin"] == pytest.approx([-20037508.3427892, 20037508.3427892], rel=1e-12)
    assert matrices[10]["scaleDenominator"] == pytest.approx(545978.773465545, rel=1e-10)
    for matrix in matrices:
        zoom, cell = int(matrix["id"]), matrix["cellSize"]
        assert matrix["matrixWidth"] == matrix["matrixHeight"] == 2**zoom
        west, _, _, north = Tile(zoom, 2**zoom - 1, 0).bounds_3857()
        assert matrix["pointOfOrigin"][0] + (2**zoom - 1) * 256 * cell == pytest.approx(west, abs=1e-6)
        assert matrix["pointOfOrigin"][1] == pytest.approx(north) == pytest.approx(6378137 * pi)
