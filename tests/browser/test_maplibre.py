"""Tiles as anyone's page uses them: MapLibre GL, served from elsewhere, is told the address of /tiles/ and nothing more.

What it draws is counted by `queryRenderedFeatures` and held against the figures of the API for the same requests.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from portal.outline import Outline
from tests.conftest import CHROMIUM_FLAGS, ROOT, SOFTWARE_WEBGL, chromium, unavailable

VENDOR = ROOT / "tests" / "vendor" / "maplibre-gl"

PAGE = """<!doctype html><html lang="en"><title>Another site's map</title>
<link rel="stylesheet" href="maplibre/maplibre-gl.css"><style>body { margin: 0 } #map { height: 900px }</style>
<div id="map"></div><script type="module">
import { Map } from './maplibre/maplibre-gl.mjs';

// All that is known beforehand is the address of the list of tile layers: the rest is read from it.
window.drawn = async (index, query) => {
    const listed = (await (await fetch(index)).json()).tilejson, about = {}, style = { version: 8, sources: {}, layers: [] };
    for (const [name, address] of Object.entries(listed)) {
        const url = address + query;
        about[name] = await (await fetch(url)).json();
        style.sources[name] = { type: 'vector', url };
        for (const { id } of about[name].vector_layers) {
            const of = (type, shape, paint) => style.layers.push({
                id: `${name} ${id} ${type}`, type, source: name, 'source-layer': id, filter: ['==', ['geometry-type'], shape], paint,
            });
            of('fill', 'Polygon', { 'fill-color': '#7aa', 'fill-opacity': 0.3 });
            of('line', 'LineString', { 'line-color': '#999' });
            of('circle', 'Point', { 'circle-radius': 3, 'circle-color': '#b30' });
        }
    }
    // What comes later is drawn above: requests last.
    style.layers.sort((a, b) => (a.type === 'circle') - (b.type === 'circle'));
    const map = window.map = new Map({ container: 'map', style, bounds: about.requests.bounds, fadeDuration: 0 });
    window.failures = [];
    map.on('error', event => window.failures.push(String(event.error && event.error.message)));
    await new Promise(done => map.once('idle', done));
    return { about, attribution: document.querySelector('.maplibregl-ctrl-attrib').textContent };
};
window.rendered = (source, layer) => map.queryRenderedFeatures().filter(f => f.source === source && f.sourceLayer === layer)
    .map(f => ({ ...f.properties, id: f.id, shape: f.geometry.type,
        at: f.geometry.type === 'Point' ? f.geometry.coordinates : null }));
window.go = async (center, zoom) => {
    const idle = new Promise(done => map.once('idle', done));
    map.jumpTo({ center, zoom });
    await idle;
    return map.getBounds().toArray();
};
window.ready = true;
</script></html>"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """With WebGL, which MapLibre draws by."""
    with chromium([flag for flag in CHROMIUM_FLAGS if flag != "--disable-gpu"] + SOFTWARE_WEBGL) as running:
        yield running


@pytest.fixture(scope="module")
def elsewhere(serve: Callable[[Any], str]) -> str:
    """A site of another origin, with MapLibre."""
    if not (VENDOR / "maplibre-gl.mjs").is_file():
        unavailable("MapLibre is missing: run 'make install-test'")
    routes = [Route("/", lambda _: HTMLResponse(PAGE)), Mount("/maplibre", StaticFiles(directory=VENDOR))]
    return serve(Starlette(routes=routes))


@pytest.fixture
def drawn(page: Any, elsewhere: str, site: str) -> Callable[[str], Any]:
    """`drawn(query)`: the map of the other site, of requests that a query selects."""

    def draw(query: str) -> Any:
        page.goto(elsewhere)
        page.wait_for_function("window.ready")
        told = page.evaluate("([index, query]) => drawn(index, query)", [f"{site}/tiles/", query and f"?{query}"])
        assert page.evaluate("failures") == []
        return told

    return draw


def answer(site: str, path: str) -> Any:
    with urllib.request.urlopen(f"{site}/api/v1/{path}") as found:  # noqa: S310
        return json.load(found)


def inside(bounds: list[list[float]]) -> Outline:
    """The outline of what is seen, in whole hundred-thousandths of a degree, a little within its edges."""
    (west, south), (east, north) = bounds
    west, south = (round(end * 100_000) + 9 for end in (west, south))
    east, north = (round(end * 100_000) - 9 for end in (east, north))
    return Outline(((west, south), (east, south), (east, north), (west, north)))


@pytest.mark.parametrize("query", ["", "status=open", "service=pothole&from=2024-06-01"])
def test_all_that_is_selected_is_drawn_once(page: Any, site: str, drawn: Callable[[str], Any], query: str) -> None:
    told = drawn(query)
    totals = answer(site, f"totals?{query}")["result"]
    marks = page.evaluate("rendered('requests', 'requests')")
    assert sum(mark["n"] for mark in marks) == totals["located"] > 0
    assert {mark["shape"] for mark in marks} == {"Point"}
    areas = page.evaluate("rendered('areas-district', 'areas')")
    listed = {row["key"]: row["name"] for row in answer(site, "by/district")["rows"]}
    assert {area["area"]: area["name"] for area in areas}.items() <= listed.items() and len(
        {a["area"] for a in areas}
    ) == 4
    assert page.evaluate("rendered('basemap', 'street').length") > 0
    assert told["attribution"].startswith(told["about"]["requests"]["attribution"])


def test_attributes_are_those_that_the_tilejson_names(page: Any, site: str, drawn: Callable[[str], Any]) -> None:
    about = drawn("")["about"]
    seen: dict[str, set[str]] = {}
    row = next(row for row in answer(site, "requests?service=rodent&limit=50")["rows"] if row["lat"])
    page.evaluate("([at, z]) => go(at, z)", [[row["long"], row["lat"]], 18])
    for name, document in about.items():
        for layer in document["vector_layers"]:
            fields = layer["fields"]
            for mark in page.evaluate("([s, l]) => rendered(s, l)", [name, layer["id"]]):
                for key, value in mark.items():
                    if key in ("id", "shape", "at") or value is None:
                        continue
                    assert fields[key] == ("Number" if isinstance(value, int | float) else "String"), (name, key)
                    seen.setdefault(name, set()).add(key)
    assert seen["requests"] >= {"n", "service_request_id", "source", "service_name", "status", "requested_date"}
    assert seen["areas-district"] == {"area", "name"}
    here = [m for m in page.evaluate("rendered('requests', 'requests')") if m.get("service_request_id")]
    for mark in here[:5]:
        told = answer(site, f"requests/{quote(mark['service_request_id'])}?source={mark['source']}")["result"]
        assert (mark["status"], mark["service_name"]) == (told["status"], told["service_name"])
        assert mark["at"] == pytest.approx([told["long"], told["lat"]], abs=2e-6)


def test_a_part_of_the_city_holds_what_the_api_counts_there(page: Any, site: str, drawn: Callable[[str], Any]) -> None:
    drawn("department=parks")
    row = next(row for row in answer(site, "requests?department=parks&limit=50")["rows"] if row["lat"])
    bounds = page.evaluate("([at, z]) => go(at, z)", [[row["long"], row["lat"]], 17])
    outline = inside(bounds)
    west, south, east, north = outline.polygon.bounds
    marks = page.evaluate("rendered('requests', 'requests')")
    marks = [mark for mark in marks if west < mark["at"][0] < east and south < mark["at"][1] < north]
    counted = answer(site, f"totals?department=parks&within={quote(outline.text())}")["result"]["requests"]
    assert sum(mark["n"] for mark in marks) == counted > 0
