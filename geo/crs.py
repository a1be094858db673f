"""The one module that changes coordinates from one reference system to another.

Charter: degrees (EPSG:4326), the city's metric CRS and Web Mercator, and the
integer Mercator grid that tiles are cut from. Everywhere else a name says
which of them it holds (`lon`, `lat`, `x_m`, `gx`).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError as PyprojCrsError

from geo.errors import CrsError

WGS84 = "EPSG:4326"
WEB_MERCATOR = "EPSG:3857"
MAX_MERCATOR_LAT = 85.051128779806604
GRID = float(2**32)

Floats = NDArray[np.float64]


@lru_cache(maxsize=32)
def transformer(source: str, target: str) -> Transformer:
    """A cached pyproj transformer, always in x, y (longitude, latitude) order; CrsError names a bad CRS."""
    try:
        return Transformer.from_crs(CRS.from_user_input(source), CRS.from_user_input(target), always_xy=True)
    except PyprojCrsError as error:
        raise CrsError(f"'{source}' to '{target}': not a usable coordinate reference system") from error


def to_wgs84(x: Floats, y: Floats, crs: str) -> tuple[Floats, Floats]:
    """Coordinates of `crs` as (longitude, latitude) in degrees; what cannot be transformed becomes NaN."""
    lon, lat = transformer(crs, WGS84).transform(x, y)
    lon, lat = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    bad = ~(np.isfinite(lon) & np.isfinite(lat))
    lon[bad], lat[bad] = np.nan, np.nan
    return lon, lat


def from_wgs84(lon: Floats, lat: Floats, crs: str) -> tuple[Floats, Floats]:
    """Degrees as coordinates of `crs`, x first."""
    x, y = transformer(WGS84, crs).transform(lon, lat)
    return np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)


def mercator_degrees(gx: Floats, gy: Floats) -> tuple[Floats, Floats]:
    """Grid coordinates of `mercator_grid` as degrees, longitude first; of its whole numbers the corner to the north-west."""
    lon = (np.asarray(gx, dtype=np.float64) / GRID - 0.5) * 360.0
    lat = np.degrees(np.arctan(np.sinh((0.5 - np.asarray(gy, np.float64) / GRID) * 2 * np.pi)))
    return lon, lat


def grid_box(west: float, south: float, east: float, north: float) -> tuple[int, int, int, int]:
    """A box of degrees on the grid of `mercator_grid`: its columns and rows from north-west to south-east, all included."""
    gx, gy = mercator_grid(np.array([west, east]), np.array([north, south]))
    return int(gx[0]), int(gy[0]), int(gx[1]), int(gy[1])


def mercator_grid(lon: Floats, lat: Floats) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Degrees as Web-Mercator grid coordinates: the whole world is 2**32 units wide and high, origin north-west.

    A tile z/x/y holds gx in [x << (32 - z), (x + 1) << (32 - z)), likewise gy. NaN must be masked by the caller.
    Source: the Web Mercator projection (EPSG:3857) in the unit square.
    """
    phi = np.radians(np.clip(lat, -MAX_MERCATOR_LAT, MAX_MERCATOR_LAT))
    u = lon / 360.0 + 0.5
    v = 0.5 - np.arcsinh(np.tan(phi)) / (2 * np.pi)
    top = GRID - 1
    return (
        np.clip(np.floor(u * GRID), 0, top).astype(np.uint32),
        np.clip(np.floor(v * GRID), 0, top).astype(np.uint32),
    )
