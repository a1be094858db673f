"""House numbers along every segment, and the address points they stand for.

Charter: odd numbers on one side, even on the other, rising away from City Hall.
Lengths in metres, positions in plan metres.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import shapely

from etl.demo.blocks import Blocks, block_of
from etl.demo.frame import CITY_HALL_XY_M
from etl.demo.streets import BASELINE_X_M, Network, ends
from etl.demo.terrain import ZONES

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Geometries = npt.NDArray[np.object_]

SIDE_PROBE_M: Final = 11.0
DRAWN_BACKWARDS: Final = 0.02
"""Share of segments digitised against their numbering, as in real centerline files."""


@dataclass(frozen=True)
class Segments:
    """Streets as a city publishes them. Ranges are 0 where a side has no addresses; block -1 where it has no land.

    ``ranges[i]`` is (l_from, l_to, r_from, r_to) in the direction of the geometry.
    """

    geometry: Geometries
    name: Geometries
    rank: Ints
    ranges: Ints
    left_block: Ints
    right_block: Ints


@dataclass(frozen=True)
class AddressPoints:
    """One row an address: house ``number`` on ``segment``, on its ``left`` side or not, in ``block``."""

    x_m: Floats
    y_m: Floats
    number: Ints
    segment: Ints
    left: npt.NDArray[np.bool_]
    block: Ints


def _order_along(network: Network) -> tuple[Geometries, list[Ints]]:
    """Turn every segment to face away from City Hall; the segments of each street in walking order."""
    first, last = ends(network.geometry)
    middle = shapely.get_coordinates(shapely.line_interpolate_point(network.geometry, 0.5, normalized=True))
    turned = network.geometry.copy()
    streets: list[Ints] = []
    _, inverse = np.unique(network.name.astype(str), return_inverse=True)
    by_name = np.argsort(inverse, kind="stable")
    for rows in np.split(by_name, np.flatnonzero(np.diff(inverse[by_name])) + 1):
        line = network.lines[int(network.parent[rows[0]])]
        if line.zone >= 0:
            axis = np.linalg.svd(np.vstack([first[rows], last[rows]]) - middle[rows].mean(axis=0))[2][0]
            at_first, at_last, at = first[rows] @ axis, last[rows] @ axis, middle[rows] @ axis
        else:
            whole = line.geometry
            at_first = shapely.line_locate_point(whole, shapely.points(first[rows]))
            at_last = shapely.line_locate_point(whole, shapely.points(last[rows]))
            at = shapely.line_locate_point(whole, shapely.points(middle[rows]))
        lowest, highest = middle[rows[at.argmin()]], middle[rows[at.argmax()]]
        zero = np.array(CITY_HALL_XY_M)
        if str(network.name[rows[0]])[:2] in ("E ", "W "):
            zero = np.array([BASELINE_X_M, lowest[1]])
        sign = 1.0 if np.hypot(*(lowest - zero)) <= np.hypot(*(highest - zero)) else -1.0
        backwards = rows[(at_last - at_first) * sign < 0]
        turned[backwards] = shapely.reverse(turned[backwards])
        streets.append(rows[np.argsort(at * sign, kind="stable")])
    return turned, streets


def _numbers(length: Floats, frontage: Floats, streets: list[Ints]) -> Ints:
    """(first, last) even number of each segment: a new hundred at each full block."""
    spans = np.zeros((len(length), 2), dtype=np.int64)
    for rows in streets:
        start = 100 if len(rows) > 3 else 2
        for row in rows:
            slots = int(np.clip(length[row] / frontage[row] * 1.4, 1, 49))
            if length[row] > 70.0 and start % 100 not in (0, 2):
                start = (start // 100 + 1) * 100
            spans[row] = start, start + 2 * (slots - 1)
            start += 2 * slots
    return spans


def number_streets(network: Network, blocks: Blocks, rng: np.random.Generator) -> Segments:
    """Give each side of each segment its range of numbers, or none where nobody can live."""
    geometry, streets = _order_along(network)
    length = shapely.length(geometry)
    zone_frontage = np.array([zone.frontage_m for zone in ZONES])
    tree = blocks.tree()
    sides = [block_of(tree, _aside(geometry, 0.5, side * SIDE_PROBE_M)) for side in (1.0, -1.0)]
    any_block = np.where(sides[0] >= 0, sides[0], sides[1])
    frontage = np.where(any_block >= 0, zone_frontage[blocks.zone[any_block]], 20.0)
    spans = _numbers(length, frontage, streets)
    odd_left = np.zeros(len(length), dtype=bool)
    for rows in streets:
        odd_left[rows] = rng.random() < 0.5
    ranges = np.zeros((len(length), 4), dtype=np.int64)
    for side, columns, odd in ((0, slice(0, 2), odd_left), (1, slice(2, 4), ~odd_left)):
        block = sides[side]
        lived = (block >= 0) & (blocks.park[block] < 0) & (length > 18.0)
        ranges[:, columns] = np.where(lived[:, None], spans + odd[:, None], 0)
    backwards = rng.random(len(length)) < DRAWN_BACKWARDS
    geometry[backwards] = shapely.reverse(geometry[backwards])
    ranges[backwards] = ranges[backwards][:, [3, 2, 1, 0]]
    sides[0][backwards], sides[1][backwards] = sides[1][backwards], sides[0][backwards]
    return Segments(geometry, network.name, network.rank, ranges, sides[0], sides[1])


def _aside(geometry: Geometries, share: float | Floats, offset_m: float | Floats) -> Geometries:
    """Points at a share of each line's length, ``offset_m`` to its left (negative: right)."""
    length = shapely.length(geometry)
    at = length * share
    here = shapely.get_coordinates(shapely.line_interpolate_point(geometry, at))
    back = shapely.get_coordinates(shapely.line_interpolate_point(geometry, np.maximum(at - 2.0, 0.0)))
    ahead = shapely.get_coordinates(shapely.line_interpolate_point(geometry, np.minimum(at + 2.0, length)))
    step = ahead - back
    step /= np.maximum(np.hypot(step[:, 0], step[:, 1]), 1e-9)[:, None]
    normal = np.stack([-step[:, 1], step[:, 0]], axis=1)
    points: Geometries = shapely.points(here + normal * np.broadcast_to(offset_m, len(here))[:, None])
    return points


def place_addresses(segments: Segments, blocks: Blocks, rng: np.random.Generator) -> AddressPoints:
    """A point for two numbers in three of each range, set back 9–17 m on its own side."""
    parts = []
    for left in (True, False):
        low_high = segments.ranges[:, :2] if left else segments.ranges[:, 2:]
        count = np.where(low_high[:, 0] > 0, np.abs(low_high[:, 1] - low_high[:, 0]) // 2 + 1, 0)
        row = np.repeat(np.arange(len(count)), count)
        slot = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
        rise = np.where(low_high[row, 1] >= low_high[row, 0], 2, -2)
        number = low_high[row, 0] + rise * slot
        share = (slot + rng.uniform(0.3, 0.7, len(row))) / count[row]
        parts.append((row, number, share, np.full(len(row), left)))
    row, number, share, is_left = (np.concatenate(part) for part in zip(*parts, strict=True))
    built = rng.random(len(row)) < 0.68
    row, number, share, is_left = row[built], number[built], share[built], is_left[built]
    setback = rng.uniform(9.0, 17.0, len(row))
    points = _aside(segments.geometry[row], share, np.where(is_left, setback, -setback))
    block = block_of(blocks.tree(), points)
    own = np.where(is_left, segments.left_block[row], segments.right_block[row])
    near = shapely.STRtree(segments.geometry).query(points, predicate="dwithin", distance=6.0)[0]
    fits = (block == own) & ~np.isin(np.arange(len(row)), near)
    xy = shapely.get_coordinates(points)[fits]
    order = np.lexsort((number[fits], row[fits]))
    return AddressPoints(
        xy[order, 0], xy[order, 1], number[fits][order], row[fits][order], is_left[fits][order], block[fits][order]
    )
