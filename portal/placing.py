"""The rows within a circle or an outline, found in the mapped columns: exactly those that SQL finds, a hundred times sooner.

Rows lie along a Hilbert curve, and the box of each stretch of them is known: of a place most stretches are wholly in or out.
Rows of the others are held against the place by their grid position, which is right within a centimetre; the very few that
are nearer than that to its edge are asked of the database.

Charter: columns and a place in, the rows that are in and those that are in doubt out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.crs import GRID, grid_box, mercator_degrees, mercator_grid
from portal.columns import STRETCH, Columns
from portal.outline import EARTH_M, Circle, Outline
from portal.tally import Rows

Positions = NDArray[np.int64]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

MARGIN_M: Final = 0.03
MARGIN_DEGREES: Final = 3e-7
"""How near to an edge what the grid tells is not enough: more than three of its units."""
MOST_PIECE: Final = 1 << 18
MANY: Final = 0.03
"""From this share of the rows on a mask is quicker than positions."""


def within(columns: Columns, place: Circle | Outline, settle: Callable[[Positions], Positions]) -> Rows:
    """The rows that are in the place. `settle` tells which of some rows are, that are too near to its edge for the grid."""
    south, north, west, east = place.box()
    x0, y0, x1, y1 = grid_box(west, south, east, north)
    stretches = columns.stretches
    near = np.flatnonzero(stretches.meet(x0 - 2, x1 + 2, y0 - 2, y1 + 2))
    corners = [getattr(stretches, side)[near].astype(np.float64) for side in ("west", "east", "north", "south")]
    whole = stretches.full[near] & _boxes_within(place, *corners)
    sure, doubtful = _on_edge(columns, place, _rows(near[~whole], columns.rows))
    if doubtful.size:
        sure = np.concatenate([sure, settle(doubtful)])
    if np.count_nonzero(whole) * STRETCH < MANY * columns.rows:
        positions = np.sort(np.concatenate([_rows(near[whole], columns.rows), sure])).astype(np.int32)
        return Rows(columns, positions.size, at=positions)
    mask = np.zeros(stretches.full.size * STRETCH, bool)
    mask.reshape(-1, STRETCH)[near[whole]] = True
    mask[sure] = True
    return Rows(columns, int(np.count_nonzero(mask[: columns.rows])), mask=mask[: columns.rows])


def _on_edge(columns: Columns, place: Circle | Outline, rows: Positions) -> tuple[Positions, Positions]:
    """Of some rows those that are in the place, and those in doubt: by their positions on the grid."""
    found, doubtful = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for start in range(0, rows.size, MOST_PIECE):
        piece = rows[start : start + MOST_PIECE]
        gx, gy = columns["gx"].read(piece), columns["gy"].read(piece)
        x, y = gx.astype(np.float64) + 0.5, gy.astype(np.float64) + 0.5
        sure, maybe = (there & (gx > 0) for there in _roughly(place, x, y))
        close = np.flatnonzero(maybe)
        exactly, doubt = _points_within(place, *mercator_degrees(x[close], y[close]))
        sure[close[exactly]] = True
        found.append(piece[sure])
        doubtful.append(piece[close[doubt]])
    return np.concatenate(found), np.concatenate(doubtful)


def _rows(stretches: NDArray[np.intp], rows: int) -> Positions:
    """All rows of some stretches."""
    found = (stretches[:, None] * STRETCH + np.arange(STRETCH)).ravel()
    return found[found < rows]


def _boxes_within(place: Circle | Outline, west: Floats, east: Floats, north: Floats, south: Floats) -> Bools:
    """Which boxes of the grid are surely within the place."""
    (left, top), (right, bottom) = mercator_degrees(west, north), mercator_degrees(east + 1, south + 1)
    if isinstance(place, Outline):
        inner = place.polygon.buffer(-MARGIN_DEGREES)
        shapely.prepare(inner)
        return np.asarray(shapely.contains(inner, shapely.box(left, bottom, right, top)))
    limit = 0.995 * place.radius_m - MARGIN_M  # a box whose corners are in bulges out of a circle by no more
    return np.all([_metres(place, lon, lat) < limit for lon in (left, right) for lat in (bottom, top)], axis=0)


def _roughly(place: Circle | Outline, x: Floats, y: Floats) -> tuple[Bools, Bools]:
    """Which points of the grid are surely in a circle, and which may be, by their distance on the map's plane."""
    if isinstance(place, Outline):
        return np.zeros(x.size, bool), np.ones(x.size, bool)
    (cx,), (cy,) = (grid.astype(np.float64) for grid in mercator_grid(np.array([place.long]), np.array([place.lat])))
    metre = GRID / (2 * np.pi * EARTH_M * np.cos(np.radians(place.lat)))
    # The plane's scale changes with the latitude: by so much at most within the circle.
    turn = place.radius_m / EARTH_M
    off = 0.001 + 2 * turn * np.tan(np.radians(abs(place.lat))) + turn**2
    far = (x - cx) ** 2 + (y - cy) ** 2
    low, high = (max(place.radius_m * (1 + sign * off) + sign, 0) * metre for sign in (-1, 1))
    sure = far < low**2
    return sure, (far < high**2) & ~sure


def _points_within(place: Circle | Outline, lon: Floats, lat: Floats) -> tuple[Bools, Bools]:
    """Which points are surely within the place, and which may be."""
    if isinstance(place, Outline):
        inner, outer = (place.polygon.buffer(by) for by in (-MARGIN_DEGREES, MARGIN_DEGREES))
        for polygon in (inner, outer):
            shapely.prepare(polygon)
        maybe = shapely.contains_xy(outer, lon, lat)
        sure = np.zeros(lon.size, bool)
        sure[maybe] = shapely.contains_xy(inner, lon[maybe], lat[maybe])
    else:
        metres = _metres(place, lon, lat)
        sure, maybe = metres < place.radius_m - MARGIN_M, metres < place.radius_m + MARGIN_M
    return sure, maybe & ~sure


def _metres(circle: Circle, lon: Floats, lat: Floats) -> Floats:
    """From the circle's middle, as `Circle.where` has it."""
    a, b = np.radians(lat), np.radians(circle.lat)
    half = np.sin((a - b) / 2) ** 2 + np.cos(a) * np.cos(b) * np.sin(np.radians(lon - circle.long) / 2) ** 2
    return np.asarray(2 * EARTH_M * np.arcsin(np.sqrt(half)))
