"""Where streets meet: crossings, near misses, and stretches of one street between two others.

Charter: one Rest with several streets at a time in, hits for all rows that have it out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import product
from typing import Final

import numpy as np
import shapely

from geo.crs import Floats
from geo.geocoding.asked import PLACE_WRONG, ZIP_WRONG, Asked
from geo.geocoding.hits import Hits, Spot
from geo.geocoding.housenumbers import NO_SUCH_NUMBER, ramp
from geo.geocoding.index import Index
from geo.geocoding.model import Ints, Method, Rest
from geo.geocoding.streets import Candidate

NEAR_MISS: Final = -1.0
HALF_KNOWN: Final = -1.0
MOST_NAMES: Final = 6
"""Candidates of each street of a crossing."""
CROSSING_TOGETHER_M: Final = 90.0
SHORT_BLOCK_M: Final = 40.0
CORNER_M: Final = 40.0
"""Segments that end so near to a crossing say what ZIP codes and towns it is in."""
NEAR_MISS_M: Final = 80.0
"""Streets that do not meet, but come this close, are taken to cross there."""


class Meetings:
    """Looks crossings up. Reads only, so that threads may share it."""

    def __init__(self, index: Index) -> None:
        """Look them up in a city's index."""
        self._index = index

    @cached_property
    def _nodes(self) -> dict[int, tuple[int, int]]:
        """First and last entry of each pair of streets that meet."""
        keys, first, count = np.unique(self._index.crossings.key, return_index=True, return_counts=True)
        return {int(k): (int(f), int(f + c)) for k, f, c in zip(keys, first, count, strict=True)}

    def find(self, rest: Rest, rows: Ints, asked: Asked, hits: Hits, near: bool) -> None:
        """Where two streets meet; between two crossings of one street; else one of the streets."""
        like = self._index.streets.near if near else self._index.streets.plain
        mine = like(rest.street, rest.others)[:MOST_NAMES]
        theirs = [like(cross)[:MOST_NAMES] for cross in rest.cross[:2]]
        spots = [list(self._meeting(mine, other)) for other in theirs]
        told = [spot for part in spots for spot in part]
        method: Method = "intersection"
        if rest.kind == "street" and len(rest.cross) > 1:
            # 'A between B and C' is no crossing, even where only one of its ends is known.
            told = list(_stretches(*spots)) or [s._replace(likelihood=s.likelihood + HALF_KNOWN) for s in told]
            told = [s._replace(scale_m=max(s.scale_m, SHORT_BLOCK_M)) for s in told]
            method = "block"
        if not told and near and mine and theirs and theirs[0]:
            told = list(self._near_miss(mine[0], theirs[0][0]))
        for spot in told:
            hits.spot(rows, spot, method, self._said(spot, rows, asked) if len(told) > 1 else 0.0)
        if not told and near:
            instances = self._index.instances
            for candidate in [*mine[:3], *(c for other in theirs for c in other[:3])]:
                i, how = candidate.name, candidate.likelihood + NO_SUCH_NUMBER
                x, y, reach = instances.name_x_m[i], instances.name_y_m[i], instances.name_reach_m[i]
                hits.spot(rows, Spot(float(x), float(y), how, i, candidate.corrected, -1, float(reach)), "street")

    def _said(self, spot: Spot, rows: Ints, asked: Asked) -> Floats | float:
        """What ZIP code and town say of a crossing: they may be those of any segment that ends there."""
        zips, places = asked.zip[rows], asked.place[rows]
        if not ((zips > 0) | (places > 0)).any():
            return 0.0
        ends, order, sorted_segments = self._ends
        middle, reach = shapely.Point(spot.x_m, spot.y_m), CORNER_M + spot.scale_m
        segments = np.unique(ends.query(middle, predicate="dwithin", distance=reach) // 2)
        low = np.searchsorted(sorted_segments, segments)
        count = np.searchsorted(sorted_segments, segments, side="right") - low
        entries = order[np.repeat(low, count) + ramp(count)]
        ranges = self._index.ranges
        total: Floats = np.zeros(len(rows))
        for stated, known, wrong in (
            (zips, ranges.zip[entries], ZIP_WRONG), (places, ranges.place[entries], PLACE_WRONG),
        ):  # fmt: skip
            known = known[known > 0]
            if len(known):
                total += wrong * ((stated > 0) & ~np.isin(stated, known))
        return total

    @cached_property
    def _ends(self) -> tuple[shapely.STRtree, Ints, Ints]:
        """Both ends of every segment s as 2 * s and 2 * s + 1; entries of ranges by segment, and those segments."""
        lines, ranges = self._index.lines, self._index.ranges
        ends = np.stack([lines.first[:-1], lines.first[1:] - 1], axis=1).ravel()
        order = np.argsort(ranges.segment, kind="stable")
        return shapely.STRtree(shapely.points(lines.x_m[ends], lines.y_m[ends])), order, ranges.segment[order]

    def _meeting(self, mine: Sequence[Candidate], theirs: Sequence[Candidate]) -> Iterator[Spot]:
        """Every spot where two candidates meet, the likeliest first."""
        crossings, nodes = self._index.crossings, self._nodes
        found = []
        for a, b in product(mine, theirs):
            span = nodes.get((min(a.name, b.name) << 32) | max(a.name, b.name)) if a.name != b.name else None
            if span:
                how, corrected = a.likelihood + b.likelihood, a.corrected or b.corrected
                for x, y in _spots(crossings.x_m[slice(*span)], crossings.y_m[slice(*span)]):
                    found.append(Spot(x, y, how, a.name, corrected, b.name))
        yield from sorted(found, key=lambda spot: -spot.likelihood)[:12]

    def _near_miss(self, a: Candidate, b: Candidate) -> Iterator[Spot]:
        """Where two streets that do not meet come closest, if that is close."""
        one, other = self._shape(a.name), self._shape(b.name)
        if one is None or other is None:
            return
        line = shapely.shortest_line(one, other)
        if shapely.length(line) <= NEAR_MISS_M:
            (x0, y0), (x1, y1) = shapely.get_coordinates(line)
            how = a.likelihood + b.likelihood + NEAR_MISS
            yield Spot((x0 + x1) / 2, (y0 + y1) / 2, how, a.name, a.corrected or b.corrected, b.name)

    def _shape(self, name: int) -> shapely.Geometry | None:
        """Everything that bears a name, in metres."""
        lines, instances = self._index.lines, self._index.instances
        low, high = instances.first[name], instances.first[name + 1]
        mine = np.flatnonzero((self._index.segment_instance >= low) & (self._index.segment_instance < high))
        if not len(mine):
            return None
        parts = [
            shapely.linestrings(
                lines.x_m[lines.first[s] : lines.first[s + 1]], lines.y_m[lines.first[s] : lines.first[s + 1]]
            )
            for s in mine
        ]
        return shapely.multilinestrings(parts)


def _stretches(ones: Sequence[Spot], others: Sequence[Spot]) -> Iterator[Spot]:
    """'A between B and C': the middles between crossings with B and with C that are each other's best, on one street."""

    def order(pair: tuple[Spot, Spot]) -> tuple[float, float]:
        b, c = pair
        return -b.likelihood - c.likelihood, float(np.hypot(b.x_m - c.x_m, b.y_m - c.y_m))

    pairs = sorted(((b, c) for b, c in product(ones, others) if b.name == c.name and b.cross != c.cross), key=order)
    taken: set[Spot] = set()
    for b, c in pairs:
        if taken.isdisjoint((b, c)):
            taken |= {b, c}
            how, length = order((b, c))
            x, y = (b.x_m + c.x_m) / 2, (b.y_m + c.y_m) / 2
            yield Spot(x, y, -how, b.name, b.corrected or c.corrected, -1, length / 2)


def _spots(x: Floats, y: Floats) -> list[tuple[float, float]]:
    """Nodes of one crossing as one spot: the corners of a divided road, the two halves of an offset crossing."""
    spots: list[list[tuple[float, float]]] = []
    for px, py in zip(x.tolist(), y.tolist(), strict=True):
        for spot in spots:
            if np.hypot(spot[0][0] - px, spot[0][1] - py) <= CROSSING_TOGETHER_M:
                spot.append((px, py))
                break
        else:
            spots.append([(px, py)])
    return [(sum(p[0] for p in spot) / len(spot), sum(p[1] for p in spot) / len(spot)) for spot in spots]
