"""The stated probabilities of boundary assignments against exact formulas, counting and a known truth."""

from __future__ import annotations

import datetime as dt
import itertools
import math
from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.boundaries import Vintage, assign, read_vintage
from geo.crs import Floats, from_wgs84, to_wgs84
from geo.geocoding.certainty import LEAST, SIGMAS_IN_RADIUS, SURE, Certainty, certainty, expected_total

CRS = "EPSG:26910"
X0, Y0 = (float(v[0]) for v in from_wgs84(np.array([-122.43]), np.array([37.75]), CRS))


def layer(
    shapes: dict[str, shapely.Geometry], valid_from: dt.date | None = None, valid_to: dt.date | None = None
) -> Vintage:
    """A layer from shapes in metres around the middle."""

    def degrees(xy: np.ndarray) -> np.ndarray:
        return np.column_stack(to_wgs84(xy[:, 0] + X0, xy[:, 1] + Y0, CRS))

    frame = gpd.GeoDataFrame(
        {"area": list(shapes), "name": list(shapes), "population": np.nan},
        geometry=[shapely.transform(shape, degrees) for shape in shapes.values()],
        crs="EPSG:4326",
    )
    return Vintage("made_up", frame, valid_from, valid_to)


def degrees(x: Sequence[float] | Floats, y: Sequence[float] | Floats) -> tuple[Floats, Floats]:
    return to_wgs84(X0 + np.asarray(x, dtype=float), Y0 + np.asarray(y, dtype=float), CRS)


def days(rows: int) -> np.ndarray:
    return np.full(rows, np.datetime64("2024-05-01"))


def sure_of(vintage: Vintage, x: Sequence[float] | Floats, y: Sequence[float] | Floats, radius: float) -> Certainty:
    lon, lat = degrees(x, y)
    return certainty([vintage], lon, lat, np.full(len(lon), radius), days(len(lon)), CRS)


def table(got: Certainty, row: int) -> dict[str | None, float]:
    mine = got.row == row
    return dict(zip(got.area[mine], got.area_probability[mine], strict=True))


HALVES = {"east": shapely.box(0, -9000, 9000, 9000), "west": shapely.box(-9000, -9000, 0, 9000)}


@pytest.mark.parametrize("radius", [5.0, 30.0, 244.8, 1500.0])
def test_a_straight_border_has_the_exact_probability(radius: float) -> None:
    sigma = radius / SIGMAS_IN_RADIUS
    away = np.linspace(-4, 4, 81) * sigma
    got = sure_of(layer(HALVES), away, np.zeros(81), radius)
    exact = [0.5 * math.erfc(-abs(d) / sigma / math.sqrt(2)) for d in away]
    np.testing.assert_allclose(got.probability, exact, atol=0.002)
    for row in np.flatnonzero(got.probability < 0.99):
        told = table(got, row)
        assert list(told) == sorted(told, key=lambda a: -told[a])
        assert told[got.assigned[row]] == got.probability[row]
        assert abs(sum(told.values()) - 1) < 0.006


def test_a_corner_is_shared_by_all_who_meet_there() -> None:
    quarters = {
        "a": shapely.box(0, 0, 9000, 9000),
        "b": shapely.box(-9000, 0, 0, 9000),
        "c": shapely.box(-9000, -9000, 0, 0),
    }
    told = table(sure_of(layer(quarters), [0.0], [0.0], 100.0), 0)
    assert set(told) == {"a", "b", "c", None}
    assert all(abs(p - 0.25) < 0.002 for p in told.values())


def test_a_disk_around_the_point_holds_what_its_radius_says() -> None:
    """The 95% radius itself: a round area of that radius has 95%, one with a hole of half of it correspondingly less."""
    disk = shapely.Point(0, 0).buffer(100, quad_segs=90)
    assert abs(sure_of(layer({"disk": disk}), [0.0], [0.0], 100.0).probability[0] - 0.95) < 0.005
    ring = disk.difference(shapely.Point(0, 0).buffer(50, quad_segs=90))
    hole = 1 - math.exp(-((0.5 * SIGMAS_IN_RADIUS) ** 2) / 2)
    got = sure_of(layer({"ring": ring}), [0.0], [0.0], 100.0)
    assert got.assigned[0] is None
    assert abs(table(got, 0)["ring"] - (0.95 - hole)) < 0.005
    assert abs(got.probability[0] - (0.05 + hole)) < 0.005


def test_points_far_from_borders_are_certain_and_told_nowhere_else() -> None:
    got = sure_of(layer(HALVES), [500.0, -500.0, 20000.0], [0.0, 0.0, 0.0], 100.0)
    assert got.assigned.tolist() == ["east", "west", None]
    assert got.probability.tolist() == [1.0, 1.0, 1.0]
    assert len(got.row) == 0


def test_what_is_not_known_stays_not_known() -> None:
    lon, lat = degrees([1.0, 1.0, 1.0, 1.0, 1.0], np.zeros(5))
    lon[0] = np.nan
    radius = np.array([50.0, np.nan, -1.0, np.inf, 0.0])
    got = certainty([layer(HALVES)], lon, lat, radius, days(5), CRS)
    assert got.assigned.tolist() == [None, "east", "east", "east", "east"]
    np.testing.assert_array_equal(got.probability, [np.nan, np.nan, np.nan, np.nan, 1.0])
    assert got.place[0] == -1 and (got.place[1:] >= 0).all()
    assert len(got.row) == 0
    empty = certainty([layer(HALVES)], *(np.empty(0),) * 3, days(0), CRS)
    assert len(empty.assigned) == len(empty.row) == 0
    off_the_earth = certainty([layer(HALVES)], np.array([500.0]), np.array([-95.0]), np.array([50.0]), days(1), CRS)
    assert off_the_earth.assigned.tolist() == [None]


def test_each_day_has_its_vintage() -> None:
    change = dt.date(2024, 6, 1)
    moved = {"east": shapely.box(60, -9000, 9000, 9000), "west": shapely.box(-9000, -9000, 60, 9000)}
    vintages = [layer(HALVES, dt.date(2020, 1, 1), change), layer(moved, change)]
    lon, lat = degrees([30.0] * 3, [0.0] * 3)
    when = np.array(["2024-05-31", "2024-06-01", "2019-01-01"], dtype="datetime64[D]")
    got = certainty(vintages, lon, lat, np.full(3, 100.0), when, CRS)
    assert got.assigned.tolist() == ["east", "west", None]
    assert abs(got.probability[0] - got.probability[1]) < 0.002
    assert 0.6 < got.probability[0] < 0.9
    assert got.probability[2] == 1.0
    assert len(set(got.place)) == 3
    assert set(table(got, 0)) == set(table(got, 1)) == {"east", "west"}


def test_where_areas_overlap_the_first_code_has_the_place() -> None:
    both = {"a": shapely.box(-1000, -1000, 1000, 1000), "b": shapely.box(-3000, -3000, 3000, 3000)}
    got = sure_of(layer(both), [0.0, 990.0, 2990.0], [0.0, 0.0, 0.0], 100.0)
    assert got.assigned.tolist() == ["a", "a", "b"]
    assert set(table(got, 1)) == {"a", "b"}
    inside = 0.5 * math.erfc(-10 / (100 / SIGMAS_IN_RADIUS) / math.sqrt(2))
    assert abs(table(got, 1)["a"] - inside) < 0.005
    assert abs(table(got, 1)["b"] - (1 - inside)) < 0.005
    assert set(table(got, 2)) == {"b", None}


def test_equal_rows_get_equal_answers_wherever_they_stand() -> None:
    rng = np.random.default_rng(1)
    x, y, radius = rng.uniform(-200, 200, 300), rng.uniform(-200, 200, 300), rng.choice([20.0, 90.0, np.nan], 300)
    lon, lat = degrees(x, y)
    once = certainty([layer(HALVES)], lon, lat, radius, days(300), CRS)
    which = rng.integers(0, 300, 2000)
    many = certainty([layer(HALVES)], lon[which], lat[which], radius[which], days(2000), CRS)
    np.testing.assert_array_equal(many.probability, once.probability[which])
    assert (many.assigned == once.assigned[which]).all()
    for row in range(0, 2000, 37):
        assert table(many, row) == table(once, int(which[row]))


def ragged(seed: int) -> dict[str, shapely.Geometry]:
    """Areas with ragged shared borders, a lake, an island and a gap between them."""
    rng = np.random.default_rng(seed)
    steps = np.linspace(-2000, 2000, 161)
    border = np.column_stack([np.cumsum(rng.normal(0, 25, 161)), steps])
    left = shapely.Polygon([(-2000, -2000), *border, (-2000, 2000)])
    right = shapely.Polygon([(2000, -2000), *border, (2000, 2000)])
    lake, island = shapely.Point(900, 300).buffer(260), shapely.Point(900, 300).buffer(90)
    return {
        "a": shapely.make_valid(left),
        "b": shapely.union(shapely.make_valid(right).difference(lake), island),
        "c": shapely.box(2060, -2000, 4000, 2000),
    }


def counted(vintage: Vintage, x: float, y: float, radius: float, crs: str, draws: int = 40_000) -> dict[str, float]:
    """Shares of the areas among draws of the model."""
    dx, dy = np.random.default_rng(7).normal(0, radius / SIGMAS_IN_RADIUS, (2, draws))
    codes = assign([vintage], *to_wgs84(x + dx, y + dy, crs), days(draws))
    names, counts = np.unique([str(code) for code in codes], return_counts=True)
    return dict(zip(names.tolist(), (counts / draws).tolist(), strict=True))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 5), st.floats(-1500, 2500), st.floats(-1500, 1500), st.sampled_from([20.0, 150.0, 700.0]))
def test_ragged_borders_agree_with_counting(seed: int, x: float, y: float, radius: float) -> None:
    vintage = layer(ragged(seed))
    got = sure_of(vintage, [x], [y], radius)
    drawn = counted(vintage, X0 + x, Y0 + y, radius, CRS)
    told = table(got, 0) or {got.assigned[0]: float(got.probability[0])}
    for name in {*drawn, *map(str, told)}:
        assert abs({str(k): v for k, v in told.items()}.get(name, 0.0) - drawn.get(name, 0.0)) < 0.015


def test_real_neighborhoods_agree_with_counting(shared_data: Path) -> None:
    path = shared_data / "boston/neighborhoods.geojson"
    columns = [name for name in gpd.read_file(path).columns if name.lower() == "name"]
    vintage = read_vintage(path, "neighborhood", area=columns[0])
    rng = np.random.default_rng(2)
    border = shapely.get_coordinates(vintage.areas.geometry.to_numpy())
    lon, lat = border[rng.integers(0, len(border), 40)].T + rng.normal(0, 0.0004, (2, 40))
    radius = rng.choice([15.0, 60.0, 300.0, 1200.0], 40)
    got = certainty([vintage], lon, lat, radius, days(40), "EPSG:26986")
    x, y = from_wgs84(lon, lat, "EPSG:26986")
    for row in range(40):
        drawn = counted(vintage, x[row], y[row], radius[row], "EPSG:26986", 20_000)
        told = table(got, row) or {got.assigned[row]: float(got.probability[row])}
        for name, p in told.items():
            assert abs(p - drawn.get(str(name), 0.0)) < 0.02, (row, name)


# --- a known truth ---------------------------------------------------------------------------


def world(rows: int, seed: int) -> tuple[Floats, Floats, Floats, np.ndarray, Vintage]:
    """Stated points in degrees, their radii, and the area of the true place; truths are everywhere alike."""
    rng = np.random.default_rng(seed)
    vintage = layer(ragged(1))
    x, y = rng.uniform((-3500, -3500), (5500, 3500), (rows, 2)).T
    radius = rng.choice([30.0, 120.0, 400.0], rows)
    truth = assign([vintage], *degrees(x, y), days(rows))
    ex, ey = rng.normal(0, 1, (2, rows)) * radius / SIGMAS_IN_RADIUS
    lon, lat = degrees(x + ex, y + ey)
    return lon, lat, radius, truth, vintage


def test_stated_probabilities_are_the_shares_that_are_right() -> None:
    lon, lat, radius, truth, vintage = world(120_000, 3)
    got = certainty([vintage], lon, lat, radius, days(len(lon)), CRS)
    right = got.assigned == truth
    unsure = got.probability < SURE
    assert right[~unsure].mean() > 0.998
    edges = [0.0, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, SURE]
    for low, high in itertools.pairwise(edges):
        chosen = (got.probability >= low) & (got.probability < high)
        if chosen.sum() < 200:
            continue
        spare = 4 * math.sqrt(0.25 / chosen.sum()) + 0.005
        assert abs(right[chosen].mean() - got.probability[chosen].mean()) < spare
    in_area = got.area == truth[got.row]
    for low in np.arange(0, 1, 0.1):
        chosen = (got.area_probability >= max(low, LEAST)) & (got.area_probability < low + 0.1)
        assert chosen.sum() > 200
        assert abs(in_area[chosen].mean() - got.area_probability[chosen].mean()) < 0.02


def test_the_band_holds_the_true_total_in_95_of_100_worlds() -> None:
    worlds, rows = 150, 4000
    lon, lat, radius, truth, vintage = world(worlds * rows, 4)
    got = certainty([vintage], lon, lat, radius, days(len(lon)), CRS)
    held = []
    for start in range(0, worlds * rows, rows):
        mine = slice(start, start + rows)
        told = (got.row >= start) & (got.row < start + rows)
        part = Certainty(
            got.assigned[mine],
            got.probability[mine],
            got.place[mine] - got.place[mine].min(),
            got.row[told] - start,
            got.area[told],
            got.area_probability[told],
        )
        for area in ("a", "b", "c"):
            band = part.band(area)
            assert band.low <= band.expected <= band.high
            held.append(band.low <= int((truth[mine] == area).sum()) <= band.high)
    assert 0.93 <= np.mean(held) <= 0.97


def test_rows_at_one_place_are_right_or_wrong_together() -> None:
    lon, lat = degrees([5.0] * 100, [0.0] * 100)
    together = certainty([layer(HALVES)], lon, lat, np.full(100, 50.0), days(100), CRS).band("east")
    assert (together.assigned, together.low, together.high) == (100, 0, 100)
    apart = sure_of(layer(HALVES), [5.0] * 100, np.arange(100.0), 50.0).band("east")
    assert abs(apart.expected - together.expected) < 0.1
    assert apart.high - apart.low < 25


def test_bands_of_certain_rows_have_no_width_and_none_means_outside() -> None:
    x = [500.0] * 7 + [-500.0] * 2 + [20000.0] * 3
    lon, lat = degrees(x, np.arange(12.0))
    lon[0] = np.nan
    got = certainty([layer(HALVES)], lon, lat, np.full(12, 50.0), days(12), CRS)
    for area, rows in (("east", 6), ("west", 2), (None, 3), ("north", 0)):
        band = got.band(area)
        assert (band.assigned, band.expected, band.low, band.high) == (rows, rows, rows, rows)


def test_the_band_is_that_of_the_binomial() -> None:
    band = expected_total(np.full(100, 0.5), certain=1000, assigned=1050)
    assert (band.assigned, band.expected, band.low, band.high) == (1050, 1050.0, 1040, 1060)
    three = expected_total(np.full(1, 0.4), rows=np.array([3]))
    assert (three.assigned, three.low, three.high) == (0, 0, 3)
    assert abs(three.expected - 1.2) < 1e-12
    assert expected_total(np.empty(0), certain=4).high == 4


def test_the_normal_band_continues_the_exact_one() -> None:
    rng = np.random.default_rng(6)
    p, rows = rng.uniform(0, 1, 2000), rng.integers(1, 6, 2000)
    exact = expected_total(p, rows=rows)
    normal = expected_total(np.append(p, 0.0), rows=np.append(rows, 1))
    assert abs(exact.low - normal.low) <= 1 and abs(exact.high - normal.high) <= 1
    assert exact.expected == pytest.approx(normal.expected)
    totals = (rng.random((3000, 2001)) < np.append(p, 0.0)) @ np.append(rows, 1)
    assert 0.93 <= np.mean((totals >= normal.low) & (totals <= normal.high)) <= 0.97


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(1, 9)), max_size=30), st.integers(0, 50))
def test_a_band_never_leaves_what_is_possible(draws: list[tuple[float, int]], certain: int) -> None:
    p, rows = np.array([d[0] for d in draws]), np.array([d[1] for d in draws], dtype=np.int64)
    band = expected_total(p, certain=certain, rows=rows)
    assert certain <= band.low <= band.high <= certain + rows.sum()
    assert certain - 1e-9 <= band.expected <= certain + rows.sum() + 1e-9
