"""Cities built by hand, line by line and point by point, in metres from a corner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import shapely

from geo.crs import from_wgs84, to_wgs84
from geo.geocoding.model import Intersections, Located, Places, Points, Reference, Segments
from geo.geocoding.topology import intersections_of

CRS = "EPSG:26986"
X0, Y0 = 236_000.0, 900_000.0
Spot = tuple[float, float]
NOBODY = (0, 0)


class Line(NamedTuple):
    """A segment: numbers of the left and the right side in the direction of the line, (0, 0) for none."""

    street: str
    start: Spot
    end: Spot
    left: tuple[int, int] = (1, 99)
    right: tuple[int, int] = (2, 98)
    zip: str = ""
    place: str = ""
    other: str = ""
    hyphenated: bool = False


class Home(NamedTuple):
    """An address point."""

    street: str
    number: int
    x: float
    y: float
    high: int = -1
    letter: str = ""
    zip: str = ""
    place: str = ""
    hyphenated: bool = False


def _texts(values: Sequence[str]) -> np.ndarray:
    return np.array(values, dtype=object)


def _numbers(values: Sequence[int]) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def degrees(x: Sequence[float], y: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Metres from the corner in degrees."""
    return to_wgs84(np.asarray(x, float) + X0, np.asarray(y, float) + Y0, CRS)


def metres(lon: np.ndarray, lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Degrees in metres from the corner."""
    x, y = from_wgs84(lon, lat, CRS)
    return x - X0, y - Y0


def spot(found: Located, row: int = 0) -> Spot:
    """Where a result is, in metres from the corner."""
    x, y = metres(found.lon[row : row + 1], found.lat[row : row + 1])
    return float(x[0]), float(y[0])


def segments(lines: Sequence[Line]) -> Segments:
    """The lines as a file of centerlines."""
    shapes = np.empty(len(lines), dtype=object)
    shapes[:] = [
        shapely.LineString(np.column_stack(degrees([a.start[0], a.end[0]], [a.start[1], a.end[1]]))) for a in lines
    ]
    zips, places, nodes = _texts([a.zip for a in lines]), _texts([a.place for a in lines]), np.full(len(lines), -1)
    return Segments(
        _texts([a.street for a in lines]), shapes,
        _numbers([a.left[0] for a in lines]), _numbers([a.left[1] for a in lines]),
        _numbers([a.right[0] for a in lines]), _numbers([a.right[1] for a in lines]),
        np.array([a.hyphenated for a in lines], dtype=bool), zips, zips, places, places, nodes, nodes,
        (_texts([a.other for a in lines]),),
    )  # fmt: skip


def points(homes: Sequence[Home]) -> Points:
    """The homes as a file of address points."""
    lon, lat = degrees([h.x for h in homes], [h.y for h in homes])
    return Points(
        _texts([h.street for h in homes]), _numbers([h.number for h in homes]),
        _numbers([h.high if h.high >= 0 else h.number for h in homes]), _texts([h.letter for h in homes]),
        np.array([h.hyphenated for h in homes], dtype=bool), _texts([h.zip for h in homes]),
        _texts([h.place for h in homes]), lon, lat,
    )  # fmt: skip


def places(named: Sequence[tuple[str, float, float, float]]) -> Places:
    """Places: name, x, y, radius."""
    lon, lat = degrees([p[1] for p in named], [p[2] for p in named])
    return Places(_texts([p[0] for p in named]), lon, lat, np.array([p[3] for p in named]))


def crossings(pairs: Sequence[tuple[str, str, float, float]]) -> Intersections:
    """Crossings that no line tells of: two streets, x, y."""
    lon, lat = degrees([p[2] for p in pairs], [p[3] for p in pairs])
    legs = np.full(len(pairs), 4, dtype=np.int64)
    return Intersections(_texts([p[0] for p in pairs]), _texts([p[1] for p in pairs]), lon, lat, legs)


def city(
    lines: Sequence[Line] = (),
    homes: Sequence[Home] = (),
    named: Sequence[tuple[str, float, float, float]] = (),
    aliases: Mapping[str, str] | None = None,
) -> Reference:
    """A reference of these layers; crossings are those of the lines."""
    network = segments(lines) if lines else None
    return Reference(
        CRS,
        network,
        points(homes) if homes else None,
        places(named) if named else None,
        intersections_of(network, CRS) if network is not None else None,
        aliases or {},
    )


def street(name: str, corners: Sequence[Spot], first: int = 0, **more: str) -> list[Line]:
    """A street of several blocks, a hundred numbers each, odd on the left."""
    return [
        Line(name, a, b, (100 * k + 1, 100 * k + 99), (100 * k + 2, 100 * k + 98), **more)  # type: ignore[arg-type]
        for k, (a, b) in enumerate(pairwise(corners), first)
    ]
