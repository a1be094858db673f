"""Which coordinates can be believed: missing, sentinel, outside the city, or fine.

Charter: arrays of coordinates in, arrays of coordinates and a reason out.
Nothing is moved; a point that is not believed loses its coordinates and
keeps the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.crs import Floats, from_wgs84

MISSING = "missing"
SENTINEL = "sentinel"
OUTSIDE = "outside_city"


@dataclass(frozen=True)
class KnownSentinel:
    """A point (degrees, EPSG:4326) that a source writes for 'unknown', and its reach in metres."""

    lat: float
    lon: float
    radius_m: float


@dataclass(frozen=True)
class BelievedPoints:
    """Longitude and latitude in degrees (NaN where not believed) and the reason (None where believed)."""

    lon: Floats
    lat: Floats
    note: NDArray[np.object_]


def believe(
    lon: Floats,
    lat: Floats,
    *,
    bbox: tuple[float, float, float, float],
    crs: str,
    sentinels: Sequence[KnownSentinel] = (),
) -> BelievedPoints:
    """Tell believable points from sentinels and strays.

    `bbox` is west, south, east, north in degrees; `crs` is the city's metric CRS, in which the
    distance to a sentinel is measured. 0,0 is a sentinel everywhere.
    """
    note = np.full(lon.shape, None, dtype=object)
    present = np.isfinite(lon) & np.isfinite(lat)
    note[~present] = MISSING
    west, south, east, north = bbox
    inside = present & (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
    note[present & ~inside] = OUTSIDE
    note[present & (np.abs(lon) < 1e-6) & (np.abs(lat) < 1e-6)] = SENTINEL
    if sentinels and inside.any():
        where = np.flatnonzero(inside)
        x, y = from_wgs84(lon[where], lat[where], crs)
        for sentinel in sentinels:
            sx, sy = from_wgs84(np.array([sentinel.lon]), np.array([sentinel.lat]), crs)
            near = np.hypot(x - sx[0], y - sy[0]) <= sentinel.radius_m
            note[where[near]] = SENTINEL
    fine = pd.isna(note)
    return BelievedPoints(np.where(fine, lon, np.nan), np.where(fine, lat, np.nan), note)
