"""The outline along a street: what is beside its lines is in it, what is far from them is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import shapely

from geo.crs import to_wgs84
from geo.geocoding.index import Index
from portal.outline import EARTH_M
from portal.places import Gazetteer
from portal.release import Release
from portal.street_outline import BESIDE_M, MOST_CORNERS, along
from tests.geocoder_factory import ACROSS, ALONG

CRS = "EPSG:26986"
DEGREE_M = np.pi * EARTH_M / 180


@pytest.fixture(scope="module")
def gazetteer(with_geocoder: Release) -> Gazetteer:
    return with_geocoder.places.ask(with_geocoder)


@pytest.mark.parametrize("street", [*ACROSS, *ALONG])
def test_what_is_beside_a_street_is_along_it(with_geocoder: Release, gazetteer: Gazetteer, street: str) -> None:
    found = gazetteer.locate(with_geocoder, street)
    outline = gazetteer.along(found)
    assert found.method == "street" and outline is not None
    index = gazetteer.geocoder.index
    number = next(
        n for n, name in enumerate(index.streets.names) if name.text().casefold() == (found.address or "").casefold()
    )
    mine = np.flatnonzero(index.segment_instance == index.instances.first[number])
    first, last = index.lines.first[mine[0]], index.lines.first[mine[-1] + 1]
    line = shapely.LineString(np.column_stack([index.lines.x_m[first:last], index.lines.y_m[first:last]]))
    west, south, east, north = line.buffer(200).bounds
    dice = np.random.default_rng(1)
    x, y = dice.uniform(west, east, 4000), dice.uniform(south, north, 4000)
    far = shapely.distance(line, shapely.points(x, y))
    inside = shapely.contains_xy(outline.polygon, *to_wgs84(x, y, CRS))
    assert inside[far < BESIDE_M - 4].all() and not inside[far > BESIDE_M + 4].any()
    assert (far < BESIDE_M).sum() > 50


def city(gazetteer: Gazetteer, *lines: list[tuple[float, float]]) -> tuple[Index, float, float]:
    """The index with the lines of Main St replaced by others, in metres around its middle; and that middle in degrees."""
    index = gazetteer.geocoder.index
    number = next(n for n, name in enumerate(index.streets.names) if name.text() == "MAIN ST")
    instance = int(index.instances.first[number])
    x0, y0 = float(index.instances.x_m[instance]), float(index.instances.y_m[instance])
    points = np.array([(x0 + x, y0 + y) for line in lines for x, y in line])
    firsts = np.cumsum([0, *(len(line) for line in lines)])
    made = replace(index.lines, first=firsts, x_m=points[:, 0], y_m=points[:, 1])
    lon, lat = to_wgs84(np.array([x0]), np.array([y0]), CRS)
    return replace(index, lines=made, segment_instance=np.full(len(lines), instance)), float(lat[0]), float(lon[0])


def test_pieces_are_joined_and_what_a_street_runs_around_is_left_out(gazetteer: Gazetteer) -> None:
    block = [(0.0, 0.0), (600.0, 0.0), (600.0, 600.0), (0.0, 600.0), (0.0, 0.0)]
    index, lat, long = city(gazetteer, block, [(1200.0, 0.0), (1500.0, 0.0)])
    outline = along(index, "Main St", lat, long)
    assert outline is not None and len(outline.corners) <= MOST_CORNERS
    shape = shapely.union_all(
        shapely.buffer([shapely.LineString(block), shapely.LineString([(1200, 0), (1500, 0)])], 40)
    )
    metres = outline.polygon.area * DEGREE_M**2 * np.cos(np.radians(lat))
    assert metres == pytest.approx(shape.area, rel=0.05)
    middle = to_wgs84(*(np.array([at + 300]) for at in _middle(index)), CRS)
    assert not shapely.contains_xy(outline.polygon, *middle)[0]


def test_a_street_without_lines_is_told_by_its_addresses(gazetteer: Gazetteer) -> None:
    index, lat, long = city(gazetteer, [(0.0, 0.0), (100.0, 0.0)])
    bare = replace(index, segment_instance=np.full(1, -1))
    outline = along(bare, "Main St", lat, long)
    assert outline is not None
    assert along(bare, "No Such St", lat, long) is None


def _middle(index: Index) -> tuple[float, float]:
    return float(index.lines.x_m[0]), float(index.lines.y_m[0])
