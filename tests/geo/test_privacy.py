"""Generalised places: blocks, areas, the rule of two metres, and that nothing else decides."""

from __future__ import annotations

import datetime as dt
import time

import geopandas as gpd
import numpy as np
import pytest
from shapely import LineString, MultiLineString, affinity, box

from geo.boundaries import Vintage
from geo.crs import to_wgs84
from geo.privacy import (
    AREA,
    BLOCK_FACE,
    EXACT,
    KEEP_AWAY_M,
    WITHHELD,
    AreaCentres,
    BlockFaces,
    generalise,
    metres_between,
)

CRS = "EPSG:26919"
X0, Y0 = 385_000.0, 4_803_000.0
LINES = {
    "First St": [(0, 0), (300, 0)],
    "Second St": [(0, 100), (300, 100)],
    "Cross Ave": [(100, -80), (100, 0), (100, 180)],
}


def _streets(lines: dict[str, list[tuple[float, float]]] = LINES) -> gpd.GeoDataFrame:
    shapes = [affinity.translate(LineString(c), X0, Y0) for c in lines.values()]
    return gpd.GeoDataFrame({"name": list(lines)}, geometry=shapes, crs=CRS)


def _points(*xy: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    at = np.array(xy, dtype=float)
    return to_wgs84(at[:, 0] + X0, at[:, 1] + Y0, CRS)


def _areas(valid_to: dt.date | None = None, valid_from: dt.date | None = None, border: float = 150) -> Vintage:
    boxes = [box(X0 - 500, Y0 - 500, X0 + border, Y0 + 500), box(X0 + border, Y0 - 500, X0 + 800, Y0 + 500)]
    frame = gpd.GeoDataFrame({"area": ["A", "B"]}, geometry=boxes, crs=CRS).to_crs("EPSG:4326")
    return Vintage("quarter", frame, valid_from, valid_to)


def _level(n: int, level: int) -> np.ndarray:
    return np.full(n, level, np.int8)


def test_streets_are_cut_where_they_cross_and_nowhere_else() -> None:
    faces = BlockFaces(_streets(), CRS)
    # First and Second in two pieces each, Cross Ave in three: its own corner without a crossing is none
    assert len(faces) == 2 * 7
    split = {f"First {i}": [(100 * i, 0), (100 * i + 100, 0)] for i in range(3)}
    assert len(BlockFaces(_streets(split), CRS)) == 2


def test_points_of_one_face_share_one_place_and_sides_differ() -> None:
    faces = BlockFaces(_streets(), CRS)
    lon, lat = _points((120, 12), (180, 30), (280, 5), (240, -10), (40, 15))
    got = generalise(lon, lat, _level(5, BLOCK_FACE), faces=faces)
    assert set(got.precision) == {"block_face"}
    assert list(got.street) == ["First St"] * 5
    places = list(zip(got.lon, got.lat, strict=True))
    assert places[0] == places[1] == places[2]
    assert len({places[0], places[3], places[4]}) == 3
    # the two sides of one piece stand 8 m off its middle, opposite one another
    assert metres_between(got.lon[:1], got.lat[:1], got.lon[3:4], got.lat[3:4])[0] == pytest.approx(16, abs=0.5)


def test_the_way_a_layer_is_digitised_and_sorted_changes_nothing() -> None:
    faces = BlockFaces(_streets(), CRS)
    turned = {name: list(reversed(c)) for name, c in reversed(LINES.items())}
    again = BlockFaces(_streets(turned), CRS)
    assert np.array_equal(faces.lon, again.lon)
    assert np.array_equal(faces.lat, again.lat)
    assert list(faces.street) == list(again.street)
    as_parts = gpd.GeoDataFrame({"name": ["x"]}, geometry=[MultiLineString(list(_streets().geometry))], crs=CRS).to_crs(
        "EPSG:4326"
    )
    assert metres_between(faces.lon, faces.lat, *_sorted_like(faces, BlockFaces(as_parts, CRS))).max() < 0.2


def _sorted_like(faces: BlockFaces, other: BlockFaces) -> tuple[np.ndarray, np.ndarray]:
    gap = metres_between(faces.lon[:, None], faces.lat[:, None], other.lon[None, :], other.lat[None, :])
    return other.lon[gap.argmin(axis=1)], other.lat[gap.argmin(axis=1)]


def test_neither_other_rows_nor_their_order_matter() -> None:
    faces, areas = BlockFaces(_streets(), CRS), AreaCentres([_areas()])
    random = np.random.default_rng(3)
    lon, lat = _points(*random.uniform((-200, -200), (500, 300), (500, 2)))
    level = random.integers(0, 4, 500).astype(np.int8)
    days = np.full(500, "2024-01-01", "datetime64[D]")
    whole = generalise(lon, lat, level, faces=faces, areas=areas, days=days)
    some = random.permutation(500)[:200]
    part = generalise(lon[some], lat[some], level[some], faces=faces, areas=areas, days=days[some])
    for name in ("lon", "lat", "precision", "area", "street"):
        a, b = getattr(whole, name)[some], getattr(part, name)
        assert all(x == y or (x != x and y != y) for x, y in zip(a, b, strict=True)), name


def test_each_level_tells_what_it_may() -> None:
    areas = AreaCentres([_areas()])
    lon, lat = _points((120, 12), (120, 12), (300, 12), (120, 12), (9000, 0))
    level = np.array([EXACT, AREA, AREA, WITHHELD, AREA], np.int8)
    got = generalise(lon, lat, level, areas=areas)
    assert list(got.precision) == ["exact", "area", "area", "withheld", "withheld"]
    assert list(got.area) == [None, "A", "B", None, None]
    assert (got.lon[0], got.lat[0]) == (lon[0], lat[0])
    assert np.isnan(got.lon[3:]).all()
    assert np.isnan(got.lat[3:]).all()


def test_no_point_is_no_point_at_any_level() -> None:
    nothing = np.full(4, np.nan)
    got = generalise(nothing, nothing, np.arange(4, dtype=np.int8))
    assert list(got.precision) == ["none"] * 4
    assert np.isnan(got.lon).all()


def test_far_from_every_street_a_point_falls_to_its_area_and_then_is_withheld() -> None:
    faces, areas = BlockFaces(_streets(), CRS), AreaCentres([_areas()])
    lon, lat = _points((-300, 400), (900, 12))
    got = generalise(lon, lat, _level(2, BLOCK_FACE), faces=faces, areas=areas)
    assert list(got.precision) == ["area", "withheld"]
    assert list(generalise(lon, lat, _level(2, BLOCK_FACE), faces=faces).precision) == ["withheld"] * 2


def test_a_true_place_on_the_generalised_one_falls_one_level() -> None:
    faces, areas = BlockFaces(_streets(), CRS), AreaCentres([_areas()])
    at_face = generalise(faces.lon, faces.lat, _level(len(faces), BLOCK_FACE), faces=faces, areas=areas)
    assert set(at_face.precision) == {"area"}
    at_centre = generalise(areas.lon, areas.lat, _level(2, AREA), areas=areas)
    assert set(at_centre.precision) == {"withheld"}
    random = np.random.default_rng(4)
    near = random.integers(0, len(faces), 5000)
    lon, lat = faces.lon[near] + random.normal(0, 8e-5, 5000), faces.lat[near] + random.normal(0, 8e-5, 5000)
    got = generalise(lon, lat, _level(5000, BLOCK_FACE), faces=faces, areas=areas)
    assert np.nanmin(metres_between(lon, lat, got.lon, got.lat)) >= KEEP_AWAY_M
    assert {"block_face", "area"} <= set(got.precision)


def test_short_pieces_of_street_have_no_face_of_their_own() -> None:
    lines = {"Main St": [(0, 0), (100, 0)], "Stub": [(50, 0), (50, 12)]}
    faces = BlockFaces(_streets(lines), CRS)
    lon, lat = _points((51, 10))
    assert list(generalise(lon, lat, _level(1, BLOCK_FACE), faces=faces).street) == ["Main St"]


def test_the_vintage_of_the_day_decides_the_area() -> None:
    line = dt.date(2024, 3, 1)
    areas = AreaCentres([_areas(valid_to=line), _areas(valid_from=line, border=400)])
    lon, lat = _points((300, 12), (300, 12))
    days = np.array(["2024-02-29", "2024-03-01"], "datetime64[D]")
    got = generalise(lon, lat, _level(2, AREA), areas=areas, days=days)
    assert list(got.area) == ["B", "A"]
    assert got.lon[0] != got.lon[1]


def test_an_empty_layer_places_nothing() -> None:
    lon, lat = _points((0, 0))
    faces = BlockFaces(gpd.GeoDataFrame({"name": []}, geometry=[], crs=CRS), CRS)
    assert len(faces) == 0
    assert list(generalise(lon, lat, _level(1, BLOCK_FACE), faces=faces).precision) == ["withheld"]


@pytest.mark.bench
def test_three_hundred_thousand_points_a_second_when_few_are_sensitive() -> None:
    faces, areas = BlockFaces(_streets(), CRS), AreaCentres([_areas()])
    random = np.random.default_rng(5)
    lon, lat = _points(*random.uniform((-200, -200), (500, 300), (600_000, 2)))
    level = np.where(random.random(600_000) < 0.05, random.integers(1, 4, 600_000), 0).astype(np.int8)
    started = time.perf_counter()
    generalise(lon, lat, level, faces=faces, areas=areas)
    assert 600_000 / (time.perf_counter() - started) > 300_000
