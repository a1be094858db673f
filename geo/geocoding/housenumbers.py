"""Where house numbers are: at points, in ranges, between points, beside ranges, on their block or only on their street.

Charter: rows paired with streets that they may mean in, hits out; all rows at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.crs import Floats
from geo.geocoding.asked import Asked
from geo.geocoding.hits import CODE, Bools, Hits
from geo.geocoding.index import NUMBER_BITS, Index
from geo.geocoding.model import Ints

# Log-likelihoods of where a number is found, relative to its own address point.
LETTER_WRONG: Final = -0.6
STANDS_IN_RANGE: Final = -0.2
RANGE_NOT_POINT: Final = -0.4
UNLISTED_NUMBER: Final = -1.0
WRONG_SIDE: Final = -3.0
ACROSS: Final = 1.5
"""What a number of the other side of the street says less of a place than one of its own."""
OFF_RANGE: Final = -2.5
NO_SUCH_NUMBER: Final = -6.5
NAME_OF_PLACE: Final = -3.0
"""A text without a number that reads like a place ('DUBOCE PARK') is seldom the street of that name."""

MOST_HITS: Final = 26
"""Entries of one number on one street that are looked at: A to Z."""
INSET_M: Final = 9.0
OFFSET_M: Final = 12.0
"""How far numbers stand from the ends of a block, and houses from the centerline."""
HUNDRED: Final = 100
MOST_OF_BLOCK: Final = 4
"""Segments that one hundred of numbers may be split over."""
DOOR_M: Final = 15.0
"""How far the doors of one building, or of one range of numbers, lie from its point."""
NOUGHT_M: Final = 150.0
"""0 is no house number: systems write it for somewhere on a street, and may list it in more than one place."""
ONE_BLOCK_M: Final = 130.0
"""A street that reaches no farther than this from its middle is a block."""


@dataclass(frozen=True)
class Pairs:
    """A row and one of the streets that it may mean."""

    row: Ints
    instance: Ints
    number: Ints
    likelihood: Floats
    corrected: Bools

    def take(self, which: Ints | Bools) -> Pairs:
        """Some of them."""
        return Pairs(*(getattr(self, field)[which] for field in self.__dataclass_fields__))


class _Neighbour(NamedTuple):
    """Where numbers lie by the points before and after them. `gap`: numbers from one to the other, 0 with only one."""

    entry: Ints
    x_m: Floats
    y_m: Floats
    gap: Ints
    step: Ints
    scale_m: Floats
    cost: Floats


class HouseNumbers:
    """Looks numbers up on streets. Reads only, so that threads may share it."""

    def __init__(self, index: Index) -> None:
        """Look them up in a city's index."""
        self._index = index

    def find(self, pairs: Pairs, asked: Asked, hits: Hits) -> None:
        """Every place of every pair's number: points, ranges, between points, beside ranges, the street as a whole."""
        if not len(pairs.row):
            return
        best = np.full(len(asked.number), -np.inf)
        found = np.zeros(len(pairs.row), dtype=bool)
        for which in (self._at_points(pairs, asked, hits), self._in_ranges(pairs, asked, hits)):
            found[which] = True
        # Points and ranges were added last, one part each.
        for row, likelihood in zip(hits.row[-2:], hits.likelihood[-2:], strict=True):
            np.maximum.at(best, row, likelihood)
        rest = pairs.take(~found & (best[pairs.row] < -1.0))
        if not len(rest.row):
            return
        found = np.zeros(len(rest.row), dtype=bool)
        for which in (self._between(rest, asked, hits), self._beside(rest, asked, hits)):
            found[which] = True
        self.street_level(rest.take(~found), hits, NO_SUCH_NUMBER)

    def _at_points(self, pairs: Pairs, asked: Asked, hits: Hits) -> Ints:
        numbers = self._index.numbers
        key = (pairs.instance << NUMBER_BITS) | pairs.number
        low = np.searchsorted(numbers.key, key, side="left")
        count = np.minimum(np.searchsorted(numbers.key, key, side="right") - low, MOST_HITS)
        pair = np.repeat(np.arange(len(key)), count)
        entry = low[pair] + ramp(count)
        row = pairs.row[pair]
        suffix = asked.suffix[row]
        letter = np.where(suffix == numbers.suffix[entry], 0.0, LETTER_WRONG)
        # '88-07' is one number on a street of hyphenated ones, and a range elsewhere.
        single = (asked.number[row] == asked.high[row]) | self._index.instances.hyphenated[pairs.instance[pair]]
        listed = np.where(single, numbers.exact[entry], numbers.high[entry] == asked.high[row])
        how = pairs.likelihood[pair] + letter + np.where(listed, 0.0, STANDS_IN_RANGE)
        how += asked.said(row, numbers.zip[entry], numbers.place[entry])
        listed &= letter == 0
        nought = pairs.number[pair] == 0
        method = np.where(listed, CODE["address_point"], CODE["between_points"])
        scale = np.where(listed, 0.0, DOOR_M + 2.0 * (numbers.high[entry] - numbers.number[entry]))
        hits.add(
            row, how, numbers.x_m[entry], numbers.y_m[entry], np.where(nought, CODE["block"], method).astype(np.int8),
            np.where(nought, NOUGHT_M, scale), numbers.zip[entry],
            self._names(pairs.instance[pair]), pairs.corrected[pair],
        )  # fmt: skip
        return np.flatnonzero(count)

    def _names(self, instance: Ints) -> Ints:
        return self._index.instances.name[instance]

    def _in_ranges(self, pairs: Pairs, asked: Asked, hits: Hits) -> Ints:
        ranges = self._index.ranges
        group = (pairs.instance * 2 + pairs.number % 2) << NUMBER_BITS
        pair, entry = self._containing(group, pairs.number)
        housed = pairs.number[pair] > 0  # a range from 0 has no house 0 either
        pair, entry = pair[housed], entry[housed]
        row = pairs.row[pair]
        how = pairs.likelihood[pair] + RANGE_NOT_POINT
        how += asked.said(row, ranges.zip[entry], ranges.place[entry])
        hyphened = self._index.instances.hyphenated[pairs.instance[pair]]
        number = np.where(hyphened, pairs.number[pair], (asked.number[row] + asked.high[row]) / 2)
        x, y = self._on_range(entry, number, OFFSET_M * ranges.side[entry].astype(np.float64))
        hits.add(
            row, how, x, y, CODE["address_range"], self._index.lines.length_m[ranges.segment[entry]],
            ranges.zip[entry], self._names(pairs.instance[pair]), pairs.corrected[pair],
        )  # fmt: skip
        return np.unique(pair)

    def _containing(self, group: Ints, number: Ints) -> tuple[Ints, Ints]:
        """(position, entry of ranges) of every range that holds a number; `group` is the key's part above the number."""
        ranges = self._index.ranges
        if not len(ranges.key):
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        at = np.searchsorted(ranges.key, group | number, side="right") - 1
        look = np.flatnonzero((at >= 0) & (ranges.key[at] >= group))
        pairs: list[Ints] = []
        entries: list[Ints] = []
        depth = 0
        while len(look):
            entry = at[look] - depth
            holds = ranges.high[entry] >= number[look]
            pairs.append(look[holds])
            entries.append(entry[holds])
            depth += 1
            look = look[ranges.back[at[look]] >= depth]
        return (
            np.concatenate(pairs) if pairs else np.zeros(0, np.int64),
            np.concatenate(entries) if entries else np.zeros(0, np.int64),
        )

    def _on_range(self, entry: Ints, number: NDArray[np.floating[Any]] | Ints, offset: Floats) -> tuple[Floats, Floats]:
        """The place of a number within a range: as far along the block as along the range."""
        ranges = self._index.ranges
        start, end = ranges.start[entry], ranges.end[entry]
        span = end - start
        share = np.where(span != 0, (number - start) / np.where(span != 0, span, 1), 0.5)
        return self._index.lines.at(ranges.segment[entry], share, INSET_M, offset)

    def _between(self, pairs: Pairs, asked: Asked, hits: Hits) -> Ints:
        """Numbers that have no point of their own: between, or beside, points of the same street, best of its side."""
        if not len(self._index.numbers):
            return np.zeros(0, np.int64)
        own, across = self._neighbours(pairs, 0), self._neighbours(pairs, 1)
        better = across.cost + ACROSS < own.cost
        best = _Neighbour(*(np.where(better, b, a) for a, b in zip(own, across, strict=True)))
        numbers, instances = self._index.numbers, self._index.instances
        reach = instances.reach_m[pairs.instance]
        # 0 is as good on a street that has no 1 to 99 as on one that has.
        nought = pairs.number == 0
        cost = np.where(nought, 0.0, np.where(better, best.cost + ACROSS, best.cost))
        how = pairs.likelihood + UNLISTED_NUMBER - cost
        how += asked.said(pairs.row, numbers.zip[best.entry], numbers.place[best.entry])
        near = (best.gap <= 60) & (best.step <= np.where(best.gap > 0, 60, 6)) & ~better
        method = np.where(near, CODE["between_points"], np.where(best.step <= HUNDRED, CODE["block"], CODE["street"]))
        method = np.where(nought, CODE["street"], method)
        small = (method == CODE["street"]) & (reach <= ONE_BLOCK_M)
        method = np.where(small, CODE["block"], method).astype(np.int8)
        scale = np.where(small | (method == CODE["street"]), reach, best.scale_m + 15.0 * better)
        x = np.where(nought, instances.x_m[pairs.instance], best.x_m)
        y = np.where(nought, instances.y_m[pairs.instance], best.y_m)
        which = np.flatnonzero(((best.step <= 4 * HUNDRED) | nought) & np.isfinite(best.cost))
        hits.add(
            pairs.row[which], how[which], x[which], y[which], method[which], scale[which],
            numbers.zip[best.entry[which]], self._names(pairs.instance[which]), pairs.corrected[which],
        )  # fmt: skip
        return which

    def _neighbours(self, pairs: Pairs, across: int) -> _Neighbour:
        """Where a number lies by the points of its street before and after it, on its side or on the other."""
        numbers = self._index.numbers
        group = (pairs.instance * 2 + (pairs.number + across) % 2) << NUMBER_BITS
        after = np.searchsorted(numbers.parity_key, group | pairs.number)
        before = after - 1
        last = len(numbers) - 1
        has_before = (before >= 0) & (numbers.parity_key[np.maximum(before, 0)] >= group)
        has_after = (after <= last) & (
            numbers.parity_key[np.minimum(after, last)] >> NUMBER_BITS == group >> NUMBER_BITS
        )
        a, b = numbers.by_parity[np.maximum(before, 0)], numbers.by_parity[np.minimum(after, last)]
        below, above = pairs.number - numbers.number[a], numbers.number[b] - pairs.number
        apart = np.hypot(numbers.x_m[b] - numbers.x_m[a], numbers.y_m[b] - numbers.y_m[a])
        gap = below + above
        both = has_before & has_after & (apart <= 60.0 + 8.0 * gap) & (gap <= 200)
        share = np.where(both, below / np.maximum(gap, 1), 0.0)
        nearer_after = np.where(has_before & has_after, above < below, has_after)
        one = np.where(nearer_after, b, a)
        step = np.where(both, np.minimum(below, above), np.where(nearer_after, above, below))
        cost = np.where(both, gap / 60.0, 0.5 + step / 20.0)
        return _Neighbour(
            entry=one,
            x_m=np.where(both, numbers.x_m[a] + share * (numbers.x_m[b] - numbers.x_m[a]), numbers.x_m[one]),
            y_m=np.where(both, numbers.y_m[a] + share * (numbers.y_m[b] - numbers.y_m[a]), numbers.y_m[one]),
            gap=np.where(both, gap, 0),
            step=step,
            scale_m=np.where(both, apart, 5.0 * step + 10.0),
            cost=np.where(has_before | has_after, cost, np.inf),
        )

    def _beside(self, pairs: Pairs, asked: Asked, hits: Hits) -> Ints:
        """Numbers that no range holds: on the other side of the street, or at the nearest range's end."""
        ranges = self._index.ranges
        if not len(ranges.key):
            return np.zeros(0, np.int64)
        n = len(pairs.row)
        best_cost, best_entry = np.full(n, np.inf), np.zeros(n, dtype=np.int64)
        across = np.zeros(n, dtype=bool)
        for other in (False, True):
            parity = (pairs.number + other) % 2
            group = (pairs.instance * 2 + parity) << NUMBER_BITS
            at = np.searchsorted(ranges.key, group | pairs.number, side="right") - 1
            for step in (0, 1):
                entry = np.clip(at + step, 0, len(ranges.key) - 1)
                mine = (at + step >= 0) & (at + step < len(ranges.key))
                mine &= ranges.key[entry] >> NUMBER_BITS == group >> NUMBER_BITS
                off = np.maximum(ranges.low[entry] - pairs.number, pairs.number - ranges.high[entry])
                off = np.maximum(off, 0)
                cost = np.where(mine, off / 40.0 + (-WRONG_SIDE if other else 0.0) + (off > 0) * -OFF_RANGE, np.inf)
                better = cost < best_cost
                best_cost, best_entry = np.where(better, cost, best_cost), np.where(better, entry, best_entry)
                across = np.where(better, other, across)
        off = np.maximum(ranges.low[best_entry] - pairs.number, pairs.number - ranges.high[best_entry])
        nought = pairs.number == 0
        best_cost = np.where(nought & np.isfinite(best_cost), -UNLISTED_NUMBER, best_cost)
        which = np.flatnonzero(np.isfinite(best_cost) & ((off <= 4 * HUNDRED) | nought))
        entry, off, nought, instance = best_entry[which], off[which], nought[which], pairs.instance[which]
        number = np.clip(pairs.number[which], ranges.low[entry], ranges.high[entry])
        side = np.where(across[which], -OFFSET_M, OFFSET_M) * ranges.side[entry].astype(np.float64)
        x, y = self._on_range(entry, number, side)
        instances = self._index.instances
        x, y = np.where(nought, instances.x_m[instance], x), np.where(nought, instances.y_m[instance], y)
        how = pairs.likelihood[which] - np.minimum(best_cost[which], -NO_SUCH_NUMBER)
        how += asked.said(pairs.row[which], ranges.zip[entry], ranges.place[entry])
        reach = instances.reach_m[instance]
        small = reach <= ONE_BLOCK_M
        method = np.where(((off <= HUNDRED) & ~nought) | small, CODE["block"], CODE["street"]).astype(np.int8)
        half = self._index.lines.length_m[ranges.segment[entry]] / 2
        scale = np.where(method == CODE["street"], reach, half + np.where(small, 0.0, off))
        hits.add(
            pairs.row[which], how, x, y, method, scale, ranges.zip[entry], self._names(instance),
            pairs.corrected[which],
        )  # fmt: skip
        return which

    def blocks(self, pairs: Pairs, asked: Asked, hits: Hits) -> None:
        """'The 400 block': the middle of what has numbers from 400 to 499."""
        index = self._index
        ranges, numbers = index.ranges, index.numbers
        start = pairs.number // HUNDRED * HUNDRED
        low = np.searchsorted(numbers.key, (pairs.instance << NUMBER_BITS) | start)
        high = np.searchsorted(numbers.key, (pairs.instance << NUMBER_BITS) | (start + HUNDRED - 1), side="right")
        count = high - low
        sum_x, sum_y = (np.concatenate([[0.0], np.cumsum(v)]) for v in (numbers.x_m, numbers.y_m))
        x, y = sum_x[high] - sum_x[low], sum_y[high] - sum_y[low]
        weight = count.astype(np.float64)
        zips = np.where(count > 0, numbers.zip[np.minimum(low, max(len(numbers) - 1, 0))] if len(numbers) else 0, 0)
        length = np.zeros(len(start))
        for parity in (0, 1) if len(ranges.key) else ():
            group = (pairs.instance * 2 + parity) << NUMBER_BITS
            at = np.searchsorted(ranges.key, group | (start + HUNDRED - 1), side="right") - 1
            for back in range(MOST_OF_BLOCK):
                entry = np.maximum(at - back, 0)
                mine = (at - back >= 0) & (ranges.key[entry] >= group) & (ranges.high[entry] >= start) & (count == 0)
                mid_x, mid_y = index.lines.at(
                    ranges.segment[entry], np.full(len(entry), 0.5), 0.0, np.zeros(len(entry))
                )
                size = index.lines.length_m[ranges.segment[entry]]
                x, y = x + np.where(mine, mid_x * size, 0.0), y + np.where(mine, mid_y * size, 0.0)
                weight = weight + np.where(mine, size, 0.0)
                length = length + np.where(mine, size / 2, 0.0)
                zips = np.where(mine & (zips == 0), ranges.zip[entry], zips)
        which = np.flatnonzero(weight > 0)
        reach = np.where(count > 0, 60.0, length / 2)
        how = pairs.likelihood[which] + asked.said(pairs.row[which], zips[which], np.zeros(len(which), np.int64))
        hits.add(
            pairs.row[which], how, x[which] / weight[which], y[which] / weight[which], CODE["block"], reach[which],
            zips[which], self._names(pairs.instance[which]), pairs.corrected[which],
        )  # fmt: skip
        self.street_level(pairs.take(weight == 0), hits, NO_SUCH_NUMBER)

    def street_level(self, pairs: Pairs, hits: Hits, penalty: float) -> None:
        """Somewhere on a street, all of its stretches; one that is no longer than a block is as good as the block."""
        instances = self._index.instances
        name = self._names(pairs.instance)
        first = np.flatnonzero(~pd.DataFrame({"row": pairs.row, "name": name}).duplicated().to_numpy())
        row, name = pairs.row[first], name[first]
        reach = instances.name_reach_m[name]
        small = (reach <= ONE_BLOCK_M) & (penalty != NAME_OF_PLACE)
        hits.add(
            row, pairs.likelihood[first] + penalty, instances.name_x_m[name], instances.name_y_m[name],
            np.where(small, CODE["block"], CODE["street"]).astype(np.int8), reach, 0, name, pairs.corrected[first],
        )  # fmt: skip


def ramp(counts: Ints) -> Ints:
    """0, 1, … for each count, one after the other."""
    return np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
