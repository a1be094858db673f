"""From coordinates to words: the nearest address, the block it is on and the nearest crossing.

Charter: an Index and points in degrees in, texts and metres out. Where an address point is near, it is the answer;
elsewhere the number is interpolated on the side of the line on which the point lies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree

from geo.crs import Floats, from_wgs84
from geo.geocoding.index import Index
from geo.geocoding.labels import HYPHEN_UNIT, block_text, number_text, readable
from geo.geocoding.matching import HUNDRED, INSET_M, OFFSET_M
from geo.geocoding.model import Ints, Objects

Bools = NDArray[np.bool_]

AT_POINT_M: Final = 60.0
"""An address point within this distance wins over an interpolated number."""
BESIDE_M: Final = 16.0
"""Lines that are farther off than the nearest one by no more than this may still have the nearest number on them."""
OPEN_M: Final = 250.0
CHUNK: Final = 50_000
"""Points that are looked up together."""


@dataclass(frozen=True)
class Reversed:
    """One entry a point; None, -1 and NaN where the point has no coordinates or the city has nothing of the kind.

    `address`: '12 Main St', and `address_distance_m` to where that address is; `interpolated`: it is not an address
    point. `block` is 'hundred block of street', of the line the address is on, with the parts in `block_hundred`
    (hyphenated numbers as first * 10000) and `block_street`. `crossing`: 'Elm St & Main St'.
    """

    address: Objects
    address_distance_m: Floats
    interpolated: Bools
    block: Objects
    block_hundred: Ints
    block_street: Objects
    block_distance_m: Floats
    crossing: Objects
    crossing_distance_m: Floats

    def __len__(self) -> int:
        """How many points were asked for."""
        return len(self.address)


class _Numbered(NamedTuple):
    """Numbers on lines, one entry a point; distance is infinite where there is none."""

    distance_m: Floats
    line_m: Floats
    instance: Ints
    number: Ints


class Reverse:
    """Looks points up. All trees are built here and only read later, so that threads may share it."""

    def __init__(self, index: Index) -> None:
        """Build the trees over address points, numbered lines and crossings."""
        self._index = index
        numbers, ranges, lines = index.numbers, index.ranges, index.lines
        # What a range of numbers stands for lies where the range's ends lie: only the ends are told.
        self._entry = np.flatnonzero(numbers.exact)
        self._points = _tree(shapely.points(numbers.x_m[self._entry], numbers.y_m[self._entry]))
        self._segment, held = np.unique(ranges.segment, return_inverse=True)
        vertices = lines.first[self._segment + 1] - lines.first[self._segment]
        owner = np.repeat(np.arange(len(self._segment)), vertices)
        at = (
            lines.first[self._segment][owner]
            + np.arange(len(owner))
            - np.repeat(np.cumsum(vertices) - vertices, vertices)
        )
        self._shapes = (
            shapely.linestrings(np.column_stack([lines.x_m[at], lines.y_m[at]]), indices=owner)
            if len(owner)
            else np.zeros(0, dtype=object)
        )
        self._lines = _tree(self._shapes)
        # The first range of each line's left side, then right side; -1: none.
        self._range = np.full((len(self._segment), 2), -1, dtype=np.int64)
        back = np.arange(len(held))[::-1]
        self._range[held[back], (ranges.side[back] < 0).astype(np.int64)] = back
        spots = np.column_stack([index.crossings.x_m, index.crossings.y_m])
        self._crossings = _tree(shapely.points(spots) if len(spots) else np.zeros(0, dtype=object))
        self._names = np.array([*(readable(name) for name in index.streets.names), ""], dtype=object)
        self._suffixes = np.array(list(index.suffixes), dtype=object)

    def __call__(self, lon: Floats, lat: Floats) -> Reversed:
        """Addresses, blocks and crossings nearest to points in degrees (EPSG:4326)."""
        lon, lat = np.atleast_1d(np.asarray(lon, np.float64)), np.atleast_1d(np.asarray(lat, np.float64))
        if lon.shape != lat.shape or lon.ndim != 1:
            raise ValueError("lon and lat must be of the same length")
        n = len(lon)
        none = np.full(n, None, dtype=object)
        out = Reversed(
            none, np.full(n, np.nan), np.zeros(n, bool), none.copy(), np.full(n, -1, np.int64), none.copy(),
            np.full(n, np.nan), none.copy(), np.full(n, np.nan),
        )  # fmt: skip
        usable = (np.abs(lon) <= 180) & (np.abs(lat) <= 90)
        x, y = np.full(n, np.nan), np.full(n, np.nan)
        x[usable], y[usable] = from_wgs84(lon[usable], lat[usable], self._index.crs)
        rows = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
        for start in range(0, len(rows), CHUNK):
            part = rows[start : start + CHUNK]
            spots = shapely.points(x[part], y[part])
            self._addresses(out, part, spots, x[part], y[part])
            self._cross(out, part, spots)
        return out

    def _addresses(self, out: Reversed, rows: Ints, spots: Objects, x: Floats, y: Floats) -> None:
        """The nearest address, and the block that goes with it."""
        numbers, instances = self._index.numbers, self._index.instances
        entry, to_point = _nearest(self._points, spots)
        entry = self._entry[entry] if len(self._entry) else entry
        # Lines matter only to what has no address point near.
        off = np.flatnonzero(to_point > AT_POINT_M)
        on_line = self._on_lines(spots, x, y, off)
        pointed = np.isfinite(to_point) & ((to_point <= AT_POINT_M) | (to_point <= on_line.distance_m))
        some = pointed | np.isfinite(on_line.distance_m)
        if not some.any():
            return
        instance, number = on_line.instance.copy(), on_line.number.copy()
        suffix = np.zeros(len(rows), dtype=np.int64)
        block_m = on_line.line_m.copy()
        if len(numbers):
            instance[pointed], number[pointed] = numbers.instance[entry[pointed]], numbers.number[entry[pointed]]
            suffix[pointed] = numbers.suffix[entry[pointed]]
            block_m[pointed] = to_point[pointed]
        rows, instance, number, suffix, pointed = rows[some], instance[some], number[some], suffix[some], pointed[some]
        streets = self._names[instances.name[instance]]
        hyphenated = instances.hyphenated[instance]
        hundred = np.where(hyphenated, number // HYPHEN_UNIT * HYPHEN_UNIT, number // HUNDRED * HUNDRED)
        told = zip(number.tolist(), self._suffixes[suffix], hyphenated.tolist(), streets, hundred.tolist(), strict=True)
        texts = [
            (f"{number_text(own, letter, hyphen)} {street}", block_text(block, street, hyphen))
            for own, letter, hyphen, street, block in told
        ]
        out.address[rows] = [address for address, _ in texts]
        out.block[rows] = [block for _, block in texts]
        out.address_distance_m[rows] = np.where(pointed, to_point[some], on_line.distance_m[some])
        out.interpolated[rows] = ~pointed
        out.block_hundred[rows], out.block_street[rows] = hundred, streets
        out.block_distance_m[rows] = block_m[some]

    def _on_lines(self, spots: Objects, x: Floats, y: Floats, rows: Ints) -> _Numbered:
        """For some rows the number on a line whose place is nearest: at a corner that need not be on the nearest line."""
        index, n = self._index, len(spots)
        out = _Numbered(np.full(n, np.inf), np.full(n, np.inf), np.zeros(n, np.int64), np.full(n, -1, np.int64))
        if not len(self._shapes) or not len(rows):
            return out
        _, nearest_m = _nearest(self._lines, spots[rows])
        # Far from all streets it does not matter on which of them the number is.
        reach = nearest_m + np.where(nearest_m < OPEN_M, BESIDE_M, 0.001)
        row, line = self._lines.query(spots[rows], predicate="dwithin", distance=reach)
        row = rows[row]
        segment = self._segment[line]
        along = shapely.line_locate_point(self._shapes[line], spots[row])
        right = self._is_right(segment, along, x[row], y[row])
        own, across = self._range[line, right.astype(np.int64)], self._range[line, (~right).astype(np.int64)]
        held = np.where(own >= 0, own, across)
        number = self._number(held, along)
        at_x, at_y = self._place(held, number)
        away = np.hypot(at_x - x[row], at_y - y[row])
        away = np.where(np.isfinite(away), away, np.inf)
        order = np.lexsort((held, away, row))
        row, held, number, away = row[order], held[order], number[order], away[order]
        first = np.flatnonzero(np.diff(row, prepend=-1))
        mine = row[first]
        out.distance_m[mine], out.instance[mine] = away[first], index.ranges.instance[held[first]]
        out.number[mine] = number[first]
        out.line_m[mine] = shapely.distance(self._shapes[line[order][first]], spots[mine])
        return out

    def _is_right(self, segment: Ints, along: Floats, x: Floats, y: Floats) -> Bools:
        """Which points lie to the right of lines; at a bend the directions before and after it count the same."""
        lines = self._index.lines
        first, last = lines.first[segment], lines.first[segment + 1] - 1
        target = lines.along[first] + along
        cross = np.zeros(len(segment))
        for nudge in (-1e-3, 1e-3):
            after = np.clip(np.searchsorted(lines.along, target + nudge, side="right"), first + 1, last)
            dx, dy = lines.x_m[after] - lines.x_m[after - 1], lines.y_m[after] - lines.y_m[after - 1]
            length = np.maximum(np.hypot(dx, dy), 1e-9)
            part = np.clip((target - lines.along[after - 1]) / length, 0.0, 1.0)
            foot_x, foot_y = lines.x_m[after - 1] + part * dx, lines.y_m[after - 1] + part * dy
            cross += (dx * (y - foot_y) - dy * (x - foot_x)) / length
        return cross < 0

    def _number(self, held: Ints, along: Floats) -> Ints:
        """The number of a range at a distance along its line, of the range's own parity: what `Matcher` undoes."""
        ranges = self._index.ranges
        start, end = ranges.start[held], ranges.end[held]
        length = self._index.lines.length_m[ranges.segment[held]]
        inset = np.minimum(INSET_M, length * 0.25)
        share = np.clip((along - inset) / np.maximum(length - 2 * inset, 1e-9), 0.0, 1.0)
        exact = start + share * (end - start)
        low, high = ranges.low[held], ranges.high[held]
        step = np.where(low % 2 == high % 2, 2, 1)
        # A range from 0 holds numbers of its far end's parity, and there is no number 0.
        step = np.where(low == 0, 2, step)
        least = np.where(low == 0, np.where(high % 2 == 1, 1, 2), low)
        number = least + np.rint((exact - least) / step).astype(np.int64) * step
        number = np.clip(number, least, np.maximum(high, least))
        # Between 118-60 and 120-02 there is no 119-31: the nearer end is sure to exist.
        hyphenated = self._index.instances.hyphenated[ranges.instance[held]] & (
            start // HYPHEN_UNIT != end // HYPHEN_UNIT
        )
        return np.where(hyphenated, np.where(share < 0.5, start, end), number)

    def _place(self, held: Ints, number: Ints) -> tuple[Floats, Floats]:
        """Where the number of a range is taken to be."""
        ranges = self._index.ranges
        start, span = ranges.start[held], ranges.end[held] - ranges.start[held]
        share = np.where(span != 0, (number - start) / np.where(span != 0, span, 1), 0.5)
        return self._index.lines.at(
            ranges.segment[held], share, INSET_M, ranges.side[held].astype(np.float64) * OFFSET_M
        )

    def _cross(self, out: Reversed, rows: Ints, spots: Objects) -> None:
        key = self._index.crossings.key
        if not len(key):
            return
        entry, away = _nearest(self._crossings, spots)
        one, other = self._names[key[entry] >> 32], self._names[key[entry] & 0xFFFFFFFF]
        out.crossing[rows] = one + " & " + other
        out.crossing_distance_m[rows] = away


def _tree(shapes: Objects) -> STRtree:
    tree = STRtree(shapes)
    tree.query(shapely.box(0, 0, 1, 1))  # GEOS puts a tree in order at its first query: not when threads ask
    return tree


def _nearest(tree: STRtree, spots: Objects) -> tuple[Ints, Floats]:
    """The nearest shape of each point and its distance, the first of those that are equally near; infinite: none."""
    if not len(tree):
        return np.zeros(len(spots), dtype=np.int64), np.full(len(spots), np.inf)
    (row, shape), away = tree.query_nearest(spots, all_matches=True, return_distance=True)
    order = np.lexsort((shape, row))
    first = order[np.flatnonzero(np.diff(row[order], prepend=-1))]
    return shape[first], away[first]
