"""Believing coordinates, and the grid and curve that they are put on."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from geo.crs import GRID, from_wgs84, mercator_grid, to_wgs84
from geo.points import KnownSentinel, believe
from geo.sorting import hilbert_key

BBOX = (-71.2, 42.2, -70.9, 42.5)


def test_each_reason_not_to_believe_a_point_is_told() -> None:
    lat = np.array([42.35, np.nan, 0.0, 42.36, -71.06, 42.36003])
    lon = np.array([-71.10, -71.0, 0.0, -71.06, 42.36, -71.06])
    got = believe(lon, lat, bbox=BBOX, crs="EPSG:26986", sentinels=[KnownSentinel(42.36, -71.06, 2.0)])
    assert list(got.note) == [None, "missing", "sentinel", "sentinel", "outside_city", None]
    assert np.isfinite(got.lat).tolist() == [True, False, False, False, False, True]


@given(st.floats(-179.9, 179.9), st.floats(-84, 84))
def test_the_grid_is_web_mercator(lon: float, lat: float) -> None:
    gx, gy = mercator_grid(np.array([lon]), np.array([lat]))
    x, y = from_wgs84(np.array([lon]), np.array([lat]), "EPSG:3857")
    half = 20037508.342789244
    assert abs(gx[0] / GRID - (x[0] + half) / (2 * half)) < 1e-8
    assert abs(gy[0] / GRID - (half - y[0]) / (2 * half)) < 1e-8


def test_state_plane_feet_become_degrees() -> None:
    lon, lat = to_wgs84(np.array([1005536.0, np.nan]), np.array([241916.0, 1.0]), "EPSG:2263")
    assert abs(lon[0] + 73.923082) < 1e-4
    assert abs(lat[0] - 40.830653) < 1e-4
    assert np.isnan(lon[1]) and np.isnan(lat[1])


def test_the_curve_visits_each_cell_once_and_always_steps_to_a_neighbour() -> None:
    side = np.arange(32, dtype=np.uint32)
    x, y = (a.ravel() for a in np.meshgrid(side, side))
    key = hilbert_key(x, y, order=5)
    assert sorted(key.tolist()) == list(range(1024))
    path = np.argsort(key)
    steps = np.abs(np.diff(x[path].astype(int))) + np.abs(np.diff(y[path].astype(int)))
    assert set(steps.tolist()) == {1}
