"""The invented city is a possible city."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from etl.config import load_city
from etl.demo import DemoFiles
from etl.demo.city import SyntheticCity, build_city, lonlat_shapes
from etl.demo.frame import CRS

LAYERS = ("neighborhoods", "districts_former", "districts_current", "zip_codes")


@pytest.mark.parametrize(("layer", "count"), [*zip(LAYERS, (24, 9, 9, 8), strict=True)])
def test_areas_tile_the_land_without_gaps_or_overlaps(demo: DemoFiles, layer: str, count: int) -> None:
    areas = gpd.read_file(getattr(demo, layer))
    land = gpd.read_file(demo.land).geometry[0]
    assert len(areas) == count
    assert areas.geometry.is_valid.all()
    assert shapely.coverage_is_valid(areas.geometry.to_numpy())
    union = shapely.coverage_union_all(areas.geometry.to_numpy())
    assert shapely.area(shapely.symmetric_difference(union, land)) < 1e-12


def test_areas_hold_the_same_people_in_every_layer(demo: DemoFiles) -> None:
    people = [gpd.read_file(getattr(demo, layer)).population.sum() for layer in LAYERS]
    assert max(people) - min(people) < 30
    assert 200_000 < people[0] < 500_000


def test_a_tenth_of_the_people_and_of_the_addresses_change_district(city: SyntheticCity) -> None:
    areas = city.areas
    moved = areas.district_former != areas.district_current
    assert 0.08 < areas.population[moved].sum() / areas.population.sum() < 0.20
    assert 0.08 < moved[city.addresses.block].mean() < 0.20


def test_the_network_has_thousands_of_named_segments_and_the_traps(demo: DemoFiles) -> None:
    streets = gpd.read_file(demo.streets)
    assert 3_000 < len(streets) < 7_000
    names = set(streets.name)
    assert {"Avenue of the Mariners", "Old Mill Rd"} <= names
    assert any(name.startswith("W ") for name in names) and any("1st St" in name for name in names)
    bases = pd.Series(sorted(names)).str.rsplit(n=1).str[0]
    assert bases.duplicated().sum() > 50
    assert set(streets["rank"]) == {1, 2, 3, 4}
    assert streets.crs == "EPSG:4326"


def test_ranges_keep_parity_and_do_not_overlap_along_a_street(demo: DemoFiles) -> None:
    streets = gpd.read_file(demo.streets, ignore_geometry=True)
    for side in "lr":
        known = streets[streets[f"{side}_from"].notna()]
        assert (known[f"{side}_from"] % 2 == known[f"{side}_to"] % 2).all()
    both = streets.dropna(subset=["l_from", "r_from"])
    assert (both.l_from % 2 != both.r_from % 2).all()
    low = streets[["l_from", "l_to", "r_from", "r_to"]].min(axis=1)
    high = streets[["l_from", "l_to", "r_from", "r_to"]].max(axis=1)
    ordered = streets.assign(low=low, high=high).dropna(subset=["low"]).sort_values(["name", "low"])
    gap = ordered.low.to_numpy()[1:] - ordered.high.to_numpy()[:-1]
    same = ordered.name.to_numpy()[1:] == ordered.name.to_numpy()[:-1]
    assert (gap[same] > 0).all()


def test_address_points_are_on_their_own_side_within_their_range(demo: DemoFiles) -> None:
    streets = gpd.read_file(demo.streets).to_crs(CRS).set_index("segment_id")
    points = pd.read_csv(demo.address_points, dtype={"zip": str})
    assert len(points) > 40_000
    segments = streets.loc[points.segment_id]
    xy = gpd.points_from_xy(points.lon, points.lat, crs="EPSG:4326").to_crs(CRS)
    geometry = segments.geometry.to_numpy()
    at = shapely.line_locate_point(geometry, xy)
    start = shapely.get_coordinates(shapely.line_interpolate_point(geometry, np.maximum(at - 1, 0)))
    end = shapely.get_coordinates(shapely.line_interpolate_point(geometry, at + 1))
    here = np.stack([xy.x, xy.y], axis=1)
    cross = (end - start)[:, 0] * (here - start)[:, 1] - (end - start)[:, 1] * (here - start)[:, 0]
    assert ((cross > 0) == (points.side == "L").to_numpy()).mean() > 0.9999
    away = shapely.distance(geometry, xy)
    assert away.min() > 5 and away.max() < 20
    left = (points.side == "L").to_numpy()
    first = np.where(left, segments.l_from, segments.r_from).astype(float)
    last = np.where(left, segments.l_to, segments.r_to).astype(float)
    number = points.number.to_numpy()
    assert ((number >= np.minimum(first, last)) & (number <= np.maximum(first, last))).all()
    assert (number % 2 == first % 2).all()
    assert (points.zip == np.where(left, segments.zip_left, segments.zip_right)).all()
    assert not points.duplicated(["address", "zip"]).any()


def test_another_seed_is_another_city_as_sound(city: SyntheticCity) -> None:
    other = build_city(11)
    assert set(other.segments.name) != set(city.segments.name)
    moved = other.areas.district_former != other.areas.district_current
    assert 0.08 < other.areas.population[moved].sum() / other.areas.population.sum() < 0.20
    for index in (other.areas.neighborhood, other.areas.district_former, other.areas.district_current):
        shapes, _ = other.areas.dissolve(other.blocks, index)
        assert shapely.coverage_is_valid(lonlat_shapes(shapes))


def test_the_bounding_box_of_the_configuration_holds_the_city(demo: DemoFiles) -> None:
    west, south, east, north = load_city(demo.city).city.bbox
    low_x, low_y, high_x, high_y = gpd.read_file(demo.land).total_bounds
    assert west < low_x and south < low_y and high_x < east and high_y < north
