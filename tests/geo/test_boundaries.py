"""Boundary layers: reading, vintages, borders."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from shapely import Polygon, box

from geo.boundaries import Vintage, assign, read_vintage
from geo.errors import LayerError

LINE = dt.date(2024, 3, 1)
POINT_LAYER = (
    b'{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"a":1},'
    b'"geometry":{"type":"Point","coordinates":[0,0]}}]}'
)


def _vintage(border: float, start: dt.date | None, end: dt.date | None) -> Vintage:
    areas = gpd.GeoDataFrame(
        {"area": ["1", "2"], "name": ["a", "b"], "population": [1, 2]},
        geometry=[box(0, 0, border, 1), box(border, 0, 2, 1)],
        crs="EPSG:4326",
    )
    return Vintage("district", areas, start, end)


def test_a_point_is_in_the_area_that_was_in_force_on_its_day() -> None:
    vintages = [_vintage(1.0, None, LINE), _vintage(1.5, LINE, None)]
    days = np.array(["2024-02-29", "2024-03-01", "2024-03-01", "2024-03-01"], "datetime64[D]")
    got = assign(vintages, np.array([1.2, 1.2, 9.0, np.nan]), np.array([0.5, 0.5, 0.5, 0.5]), days)
    assert list(got) == ["2", "1", None, None]


def test_a_point_on_a_border_always_belongs_to_the_same_side() -> None:
    days = np.full(3, "2024-01-01", "datetime64[D]")
    got = assign([_vintage(1.0, None, None)], np.full(3, 1.0), np.array([0.2, 0.5, 0.9]), days)
    assert list(got) == ["1", "1", "1"]


def test_broken_rings_are_mended_and_parts_of_one_area_joined(tmp_path: Path) -> None:
    bow = Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])
    path = tmp_path / "areas.geojson"
    gpd.GeoDataFrame({"c": ["x", "y", "x"]}, geometry=[bow, box(3, 0, 4, 1), box(5, 0, 6, 1)], crs="EPSG:4326").to_file(
        path
    )
    got = read_vintage(path, "l", area="c")
    assert list(got.areas["area"]) == ["x", "y"]
    assert got.areas.geometry.is_valid.all()
    assert set(got.areas.geometry.geom_type) <= {"Polygon", "MultiPolygon"}


def test_a_file_in_another_crs_is_brought_to_degrees(tmp_path: Path) -> None:
    path = tmp_path / "areas.gpkg"
    frame = gpd.GeoDataFrame({"c": ["x"]}, geometry=[box(-71.1, 42.3, -71.0, 42.4)], crs="EPSG:4326")
    frame.to_crs("EPSG:26986").to_file(path)
    got = read_vintage(path, "l", area="c")
    assert np.allclose(got.areas.total_bounds, [-71.1, 42.3, -71.0, 42.4], atol=1e-3)


@pytest.mark.parametrize(
    ("content", "column", "told"),
    [
        (b"not a map", "c", "cannot be read as a geographic file"),
        (b'{"type":"FeatureCollection","features":[]}', "c", "holds no features"),
        (POINT_LAYER, "c", "column 'c' is missing; the file has a"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_layer_is_told_in_one_line(tmp_path: Path, content: bytes, column: str, told: str) -> None:
    path = tmp_path / "areas.geojson"
    path.write_bytes(content)
    with pytest.raises(LayerError, match=told) as caught:
        read_vintage(path, "l", area=column)
    assert "\n" not in str(caught.value)
