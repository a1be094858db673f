"""The cells of a view, the list's total, the choropleth's totals and the downloaded rows are the same number, whatever is selected."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geo.tiles import Tile
from portal import queries
from portal.age import Age
from portal.files import pieces
from portal.files.wanted import wanted
from portal.release import Release
from portal.request_tiles import request_tile
from portal.selection import COLUMNS, NOT_STATED, Selection
from tests.portal.test_outline import circles, outlines
from tests.portal.tile_points import requests

FIRST, LAST, DAYS = date(2021, 12, 30), date(2025, 6, 21), 900
MOST_TILES = 40
Tiles = dict[int, list[Tile]]


@pytest.fixture(scope="module")
def tiles(release: Release) -> Tiles:
    """At each zoom of the map those tiles in which there is anything at all."""
    found: Tiles = {}
    for zoom in range(8, 19):
        rows = release.query(f"SELECT DISTINCT gx >> {32 - zoom}, gy >> {32 - zoom} FROM requests WHERE gx IS NOT NULL")
        if len(rows) <= MOST_TILES:
            found[zoom] = [Tile(zoom, x, y) for x, y in rows]
    assert len(found) > 3
    return found


@st.composite
def selections(draw: st.DrawFn, release: Release) -> Selection:
    """Any filter: some values of a few keys, areas, dates, a circle, an outline; not so narrow that most hold nothing."""

    def some(dimension: str) -> tuple[str, ...]:
        values = [*sorted(set(release.allowed(dimension)) - {NOT_STATED}), NOT_STATED]
        left_out = draw(st.sets(st.sampled_from(values), max_size=len(values) - 1))
        one = draw(st.sampled_from(values))
        return (one,) if draw(st.integers(0, 3)) == 0 else tuple(v for v in values if v not in left_out)

    chosen: dict[str, Any] = {}
    for key in draw(st.sets(st.sampled_from(sorted(COLUMNS)), max_size=2)):
        chosen[key] = some(key)
    layers = [layer.layer for layer in release.layers]
    wanted = sorted(draw(st.sets(st.sampled_from(layers), max_size=1)))
    chosen["area"] = tuple((layer, code) for layer in wanted for code in some(layer))
    first, last = FIRST + timedelta(draw(st.integers(0, DAYS))), LAST - timedelta(draw(st.integers(0, DAYS)))
    if first <= last and draw(st.booleans()):
        chosen["from_date"] = first
        chosen["to_date"] = last if draw(st.booleans()) else None
    if draw(st.integers(0, 2)) == 0:
        chosen["age"] = Age.read(draw(st.sampled_from(["0-7", "7-", "30-", "0-365", "1-90"])), release.as_of)
    place = draw(st.integers(0, 5))
    if place in (1, 3):
        chosen["near"] = replace(draw(circles), radius_m=5000 - draw(st.integers(0, 4999)))
    if place in (2, 3):
        chosen["within"] = draw(outlines())
    return Selection(**chosen)


def drawn(release: Release, selection: Selection, tiles: list[Tile]) -> int:
    return sum(requests(request_tile(release, tile, selection)) for tile in tiles)


@given(st.data())
@settings(max_examples=70, deadline=None, suppress_health_check=list(HealthCheck))
def test_map_list_areas_and_file_hold_the_same_requests(release: Release, tiles: Tiles, data: st.DataObject) -> None:
    selection = data.draw(selections(release))
    totals = queries.totals(release, selection)
    n = totals.requests

    zoom = data.draw(st.sampled_from(sorted(tiles)))
    assert drawn(release, selection, tiles[zoom]) + totals.not_located == n, "the cells of the map"
    for order in ("newest", "longest", "service"):
        assert queries.ordered(release, selection, order, 1, 10).total == n, "the list"
    for layer in release.layers:
        assert sum(row.requests for row in queries.by(release, selection, layer.layer)) == n, "the choropleth"
    told = queries.told_places(release, selection)
    assert (told.requests, told.none) == (n, totals.not_located)
    file = wanted(release, "requests.csv", selection.to_query(), "", "")
    text = b"".join(pieces.text(file).sent(file)).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == n, "the file"
    assert sum(bool(row["lat"]) for row in rows) == totals.located

    numbers: list[tuple[str, str]] = []
    for page in range(1, -(-min(n, 400) // 100) + 1):
        found = queries.ordered(release, selection, "newest", page, 100).rows
        numbers += [(row.source, row.service_request_id) for row in found]
    assert len(set(numbers)) == len(numbers) == min(n, 400), "no request twice on the list"
    assert set(numbers) <= {(row["source"], row["service_request_id"].removeprefix("'")) for row in rows}


@given(st.data())
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
def test_so_do_the_answers_of_the_portal(
    release: Release, client: TestClient, tiles: Tiles, data: st.DataObject
) -> None:
    selection = data.draw(selections(release))
    query = selection.to_query()
    n = queries.totals(release, selection).requests
    page = client.get(f"/map/list?{query}")
    assert page.status_code == 200
    assert ('data-item="requests"' in page.text and f">{n:,}</data>" in page.text) or n == 1
    rows = list(csv.reader(io.StringIO(client.get(f"/download/requests.csv?{query}").text)))
    assert len(rows) - 1 == n
    layer = release.layers[0].layer
    answer = client.get(f"/api/v1/by/{layer}?{query}").json()
    assert sum(row["requests"] for row in answer["rows"]) == n
    total = 0
    for tile in tiles[min(tiles)]:
        address = f"/tiles/{release.id}/requests/{tile.z}/{tile.x}/{tile.y}.mvt?{query}"
        total += requests(client.get(address).content)
    assert total + queries.totals(release, selection).not_located == n
