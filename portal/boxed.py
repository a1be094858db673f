# ruff: noqa: S608 - the numbers in the SQL are this module's own integers, every value is a parameter
"""How many requests a box holds: exactly as SQL says, several times as soon.

What is deep within the box is counted on the grid of the mapped columns, most of it by whole stretches of rows; what is
within a few centimetres of its edges is counted by the database, four narrow strips of which it need not read much. Ten
million requests: 5 to 14 ms of the processor, where counting all in SQL took 34 to 48.

Charter: a condition that is a box, and a count.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from geo.crs import grid_box
from portal.columns import STRETCH, Columns
from portal.expressions import tree
from portal.release import Release

NEAR: Final = 3
"""Units of the grid, a centimetre each, to either side of an edge: more than rounding can be off."""
_EDGE_OF_MAP: Final = 85.0
"""Degrees of latitude, beyond which the grid ends."""


class Box(NamedTuple):
    """West, south, east, north in degrees, all four included."""

    west: float
    south: float
    east: float
    north: float


def box_of(condition: tree.Condition | None) -> Box | None:
    """The box that a condition says and nothing else: between two longitudes, and between two latitudes."""
    if not isinstance(condition, tree.And) or len(condition.of) != 2:
        return None
    found: dict[str, tuple[float, float]] = {}
    for part in condition.of:
        match part:
            case tree.Between(
                tree.Column(name), tree.Literal(int() | float() as low), tree.Literal(int() | float() as high)
            ):
                found[name] = float(low), float(high)
    if set(found) != {"long", "lat"}:
        return None
    (west, east), (south, north) = found["long"], found["lat"]
    within_map = -180 < west <= east < 180 and -_EDGE_OF_MAP < south <= north < _EDGE_OF_MAP
    return Box(west, south, east, north) if within_map else None


def count(release: Release, box: Box) -> int:
    """The requests in the box."""
    x0, y0, x1, y1 = grid_box(*box)
    given = [box.west, box.east, box.south, box.north]
    inside = "long BETWEEN ? AND ? AND lat BETWEEN ? AND ?"
    if min(x1 - x0, y1 - y0) <= 2 * NEAR + 2 or min(x0, y0) <= NEAR:
        return int(release.query(f"SELECT count(*) FROM requests WHERE {inside}", given)[0][0])
    near_edges = [f"gx BETWEEN {x - NEAR} AND {x + NEAR}" for x in (x0, x1)]
    between = f"gx BETWEEN {x0 + NEAR + 1} AND {x1 - NEAR - 1}"
    near_edges += [f"{between} AND gy BETWEEN {y - NEAR} AND {y + NEAR}" for y in (y0, y1)]
    strips = " UNION ALL ".join(f"SELECT count(*) AS n FROM requests WHERE {at} AND {inside}" for at in near_edges)
    [(on_edges,)] = release.query(f"SELECT sum(n)::BIGINT FROM ({strips})", given * len(near_edges))
    return int(on_edges) + _deep(release.counting, x0 + NEAR + 1, x1 - NEAR - 1, y0 + NEAR + 1, y1 - NEAR - 1)


def _deep(columns: Columns, x0: int, x1: int, y0: int, y1: int) -> int:
    """Rows whose place on the grid is in a window (all inclusive)."""
    stretches = columns.stretches
    whole = stretches.lie_in(x0, x1, y0, y1)
    n = int(np.count_nonzero(whole)) * STRETCH
    if whole.size and whole[-1]:
        n -= -columns.rows % STRETCH  # the last one may be shorter
    gx, gy = columns["gx"].codes, columns["gy"].codes
    wide, high = np.uint32(x1 - x0), np.uint32(y1 - y0)
    for stretch in np.flatnonzero(stretches.meet(x0, x1, y0, y1) & ~whole).tolist():
        rows = slice(stretch * STRETCH, (stretch + 1) * STRETCH)
        # What is below the first wraps round to the top: one comparison for both ends.
        found = (gx[rows] - np.uint32(x0) <= wide) & (gy[rows] - np.uint32(y0) <= high)
        n += int(np.count_nonzero(found))
    return n
