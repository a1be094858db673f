"""Tiles count what is selected, exactly, at every zoom; areas and the base map are cut to fit."""

from __future__ import annotations

import mapbox_vector_tile
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.tiles import EXTENT, MAX_ZOOM, Tile
from portal import request_tiles, tiles
from portal.errors import BadRequest, NotFound
from portal.release import Release
from portal.selection import Selection
from portal.tiles import tile
from tests.portal.test_queries import QUERIES
from tests.portal.tile_points import told, within

MARGIN = EXTENT // 16


def covering(release: Release, z: int) -> list[tuple[int, int]]:
    rows = release.query("SELECT DISTINCT gx >> ?, gy >> ? FROM requests WHERE gx IS NOT NULL", [32 - z, 32 - z])
    return [(int(x), int(y)) for x, y in rows]


def points(release: Release, z: int, x: int, y: int, selection: Selection) -> list[dict]:
    return within(tile(release, "requests", z, x, y, selection))


@pytest.mark.parametrize("query", QUERIES, ids=lambda q: q or "all")
@pytest.mark.parametrize("z", [0, 9, 12, 13, 14])
@pytest.mark.parametrize("many", [True, False], ids=["pixels", "cells"])
def test_the_sum_of_a_zoom_is_the_number_selected(
    release: Release, monkeypatch: pytest.MonkeyPatch, query: str, z: int, many: bool
) -> None:
    monkeypatch.setattr(request_tiles, "SMALL_ROWS", 0 if many else 10**9)
    selection = Selection.from_query(query, release)
    where, params = selection.where()
    expected = release.query(f"SELECT count(gx) FROM requests WHERE {where}", params)[0][0]
    found = [p for x, y in covering(release, z) for p in points(release, z, x, y, selection)]
    assert sum(p["properties"]["n"] for p in found) == expected


@pytest.mark.parametrize("z", [10, 12, 14, 17])
@pytest.mark.parametrize("many", [True, False], ids=["pixels", "cells"])
def test_what_lies_beyond_an_edge_is_what_the_next_tile_tells_there(
    release: Release, monkeypatch: pytest.MonkeyPatch, z: int, many: bool
) -> None:
    """So that a mark on an edge is drawn whole, by two tiles, and at one place."""
    monkeypatch.setattr(request_tiles, "SMALL_ROWS", 0 if many else 10**9)
    beyond = 0
    for x, y in covering(release, z)[:200]:
        for p in told(tile(release, "requests", z, x, y)):
            px, py = p["geometry"]["coordinates"]
            assert all(-MARGIN <= c < EXTENT + MARGIN for c in (px, py))
            dx, dy = px // EXTENT, py // EXTENT
            if (dx, dy) == (0, 0):
                continue
            beyond += 1
            there = within(tile(release, "requests", z, x + dx, y + dy))
            assert [px - dx * EXTENT, py - dy * EXTENT, p["properties"]] in [
                [*q["geometry"]["coordinates"], q["properties"]] for q in there
            ]
    assert beyond >= 5


def test_at_high_zoom_a_point_is_a_place_and_one_request_is_named(release: Release) -> None:
    rows = release.query(
        """SELECT gx, gy, count(*), min(service_request_id), min(status::VARCHAR), min(requested_date),
                  min(location_precision)
           FROM requests WHERE gx IS NOT NULL GROUP BY gx, gy ORDER BY count(*) DESC LIMIT 40"""
    )
    for gx, gy, n, request_id, status, day, precision in [*rows[:3], *rows[-3:]]:
        z = 19
        found = points(release, z, gx >> (32 - z), gy >> (32 - z), Selection())
        size = 1 << (32 - z)
        at = [int((gx % size) / size * EXTENT), int((gy % size) / size * EXTENT)]
        here = [p for p in found if p["geometry"]["coordinates"] == at]
        assert sum(p["properties"]["n"] for p in here) >= n
        if n == 1:
            told = {} if precision in ("exact", "none") else {"location_precision": precision}
            assert here[0]["properties"] == told | {
                "n": 1, "service_request_id": request_id, "source": "city_311", "status": status,
                "service_name": here[0]["properties"]["service_name"], "requested_date": day.isoformat(),
            }  # fmt: skip


def test_a_point_that_is_not_where_the_request_is_says_so(release: Release) -> None:
    selection = Selection(service=("rodent",))
    gx, gy = release.query(
        """SELECT gx, gy FROM requests WHERE service_code = 'rodent' AND gx IS NOT NULL
           GROUP BY gx, gy HAVING count(*) = 1 ORDER BY gx, gy LIMIT 1"""
    )[0]
    found = points(release, 19, gx >> 13, gy >> 13, selection)
    assert {p["properties"].get("location_precision") for p in found if p["properties"]["n"] == 1} == {"block_face"}


def test_a_tile_too_heavy_is_counted_in_cells_and_loses_nothing(
    release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    gx, gy = release.query("SELECT gx, gy FROM requests WHERE gx IS NOT NULL LIMIT 1")[0]
    place = (17, gx >> 15, gy >> 15)
    exact = points(release, *place, Selection())
    monkeypatch.setattr(request_tiles, "MAX_FEATURES", 1)
    coarse = points(release, *place, Selection())
    assert sum(p["properties"]["n"] for p in coarse) == sum(p["properties"]["n"] for p in exact)


def test_areas_are_of_the_vintage_in_force(release: Release) -> None:
    x, y = covering(release, 7)[0]

    def shapes(query: str) -> list[tuple[str, str, list]]:
        selection = Selection.from_query(query, release)
        decoded = mapbox_vector_tile.decode(tile(release, "areas-district", 7, x, y, selection))
        features = decoded["areas"]["features"]
        return sorted(
            (f["properties"]["area"], f["properties"]["name"], f["geometry"]["coordinates"]) for f in features
        )

    assert [code for code, _, _ in shapes("")] == ["1", "2", "3", "4"]
    assert shapes("") == shapes("to=2025-01-01") != shapes("to=2023-12-31")
    assert shapes("to=2024-01-01") == shapes("")


def test_the_base_map_shows_more_of_it_as_one_comes_closer(release: Release) -> None:
    gx, gy = release.query("SELECT min(gx), min(gy) FROM requests")[0]

    def ranks(z: int) -> set[int]:
        decoded = mapbox_vector_tile.decode(tile(release, "basemap", z, gx >> (32 - z), gy >> (32 - z)))
        return {f["properties"]["rank"] for f in decoded.get("street", {"features": []})["features"]}

    assert max(ranks(10)) == 1 and max(ranks(12)) == 2
    assert set(mapbox_vector_tile.decode(tile(release, "basemap", 9, gx >> 23, gy >> 23))) <= set(tiles.KINDS)


def test_nothing_there_is_no_bytes(release: Release) -> None:
    for layer in tiles.layers(release):
        assert tile(release, layer, 14, 0, 0) == b""


@pytest.mark.parametrize("place", [(-1, 0, 0), (23, 0, 0), (3, 8, 0), (3, 0, -1), (0, 1, 0), (10**9, 0, 0)])
def test_places_that_are_no_tile_are_refused(release: Release, place: tuple[int, int, int]) -> None:
    with pytest.raises(BadRequest):
        tile(release, "requests", *place)


@pytest.mark.parametrize("layer", ["", "areas-ward", "areas-district'", "Requests"])
def test_unknown_layers_are_refused(release: Release, layer: str) -> None:
    with pytest.raises(NotFound, match="basemap"):
        tile(release, layer, 1, 0, 0)


@settings(max_examples=60)
@given(
    st.integers(0, MAX_ZOOM).flatmap(
        lambda z: st.tuples(st.just(z), st.integers(0, 2**z - 1), st.integers(0, 2**z - 1))
    )
)
def test_a_tile_is_its_four_children(place: tuple[int, int, int]) -> None:
    z, x, y = place
    parent = Tile(z, x, y)
    west, south, east, north = parent.bounds_3857()
    assert west < east and south < north
    if z < MAX_ZOOM:
        first, last = Tile(z + 1, 2 * x, 2 * y), Tile(z + 1, 2 * x + 1, 2 * y + 1)
        assert (first.window()[0], last.window()[1]) == parent.window()[:2]
        assert first.bounds_3857()[3] == pytest.approx(north, abs=1e-6) and last.bounds_3857()[1] == pytest.approx(
            south, abs=1e-6
        )
