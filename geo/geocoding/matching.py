"""From readings to places: every street that a text may mean, every place where its number may be, and the likeliest.

Charter: one posterior over all places that were found, for all addresses at once. A place's log-likelihood is the sum
of what its street's name, its number, its ZIP code and its town say; a tie stays a tie, as alternatives. What a
posterior is worth in the end is `passport`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

from geo.crs import Floats, to_wgs84
from geo.geocoding.index import NUMBER_BITS, Index, folded, zip_code
from geo.geocoding.model import (
    METHODS,
    NO_STREET,
    Alternative,
    Ints,
    Located,
    Method,
    Objects,
    Readings,
    Rest,
)
from geo.geocoding.parsers import Parser
from geo.geocoding.passport import Passport
from geo.geocoding.streets import SUFFIX_ADDED, Candidate

Bools = NDArray[np.bool_]
_T = TypeVar("_T", bound=np.generic)
CODE: Final = {method: code for code, method in enumerate(METHODS)}

# Log-likelihoods of what an address may say besides its street's name, relative to saying it right.
ZIP_WRONG: Final = -4.0
PLACE_WRONG: Final = -1.5
LETTER_WRONG: Final = -0.6
STANDS_IN_RANGE: Final = -0.2
RANGE_NOT_POINT: Final = -0.4
UNLISTED_NUMBER: Final = -1.0
WRONG_SIDE: Final = -3.0
ACROSS: Final = 1.5
"""What a number of the other side of the street says less of a place than one of its own."""
NEAR_MISS: Final = -1.0
HALF_KNOWN: Final = -1.0
OFF_RANGE: Final = -2.5
NO_SUCH_NUMBER: Final = -6.5
NAME_OF_PLACE: Final = -3.0
"""A text without a number that reads like a place ('DUBOCE PARK') is seldom the street of that name."""
NOTHING_OF_IT: Final = -8.0
"""The chance that the reference does not have what was meant, whatever was found."""

DOUBTFUL: Final = -3.0
"""Below this, or with a posterior under SETTLED, names that are only like the typed one are looked at as well."""
SETTLED: Final = 0.97

TOGETHER_M: Final = 60.0
"""Places so near to one another are one answer."""
APART_M: Final = 120.0
"""Alternatives closer to the answer than this are not worth telling."""
WORTH_TELLING: Final = 0.05
MOST_ALTERNATIVES: Final = 5
MOST_NAMES: Final = 6
"""Candidates of each street of a crossing."""
MOST_HITS: Final = 26
"""Entries of one number on one street that are looked at: A to Z."""
LARGEST_NUMBER: Final = (1 << NUMBER_BITS) - 1
"""What is larger would spill over into the next street's keys."""
INSET_M: Final = 9.0
OFFSET_M: Final = 12.0
"""How far numbers stand from the ends of a block, and houses from the centerline."""
CROSSING_TOGETHER_M: Final = 90.0
SHORT_BLOCK_M: Final = 40.0
CORNER_M: Final = 40.0
"""Segments that end so near to a crossing say what ZIP codes and towns it is in."""
NEAR_MISS_M: Final = 80.0
"""Streets that do not meet, but come this close, are taken to cross there."""
HUNDRED: Final = 100
DOOR_M: Final = 15.0
"""How far the doors of one building, or of one range of numbers, lie from its point."""
NOUGHT_M: Final = 150.0
"""0 is no house number: systems write it for somewhere on a street, and may list it in more than one place."""
ONE_BLOCK_M: Final = 130.0
"""A street that reaches no farther than this from its middle is a block."""


@dataclass
class _Hits:
    """Places that were found for rows, in columns; `scale_m` is what the error grows with."""

    row: list[Ints]
    likelihood: list[Floats]
    x_m: list[Floats]
    y_m: list[Floats]
    method: list[NDArray[np.int8]]
    scale_m: list[Floats]
    zip: list[Ints]
    name: list[Ints]
    corrected: list[Bools]
    cross: list[Ints]

    @classmethod
    def none(cls) -> _Hits:
        return cls([], [], [], [], [], [], [], [], [], [])

    def add(
        self, row: Ints, likelihood: Floats, x: Floats, y: Floats, method: NDArray[np.int8] | int, scale: Floats | float,
        zips: Ints | int, name: Ints | int, corrected: Bools | bool, cross: int = -1,
    ) -> None:  # fmt: skip
        n = len(row)
        self.row.append(row)
        self.likelihood.append(likelihood)
        self.x_m.append(x)
        self.y_m.append(y)
        self.method.append(np.broadcast_to(np.asarray(method, dtype=np.int8), n))
        self.scale_m.append(np.broadcast_to(np.asarray(scale, dtype=np.float64), n))
        self.zip.append(np.broadcast_to(np.asarray(zips, dtype=np.int64), n))
        self.name.append(np.broadcast_to(np.asarray(name, dtype=np.int64), n))
        self.corrected.append(np.broadcast_to(np.asarray(corrected, dtype=bool), n))
        self.cross.append(np.broadcast_to(np.asarray(cross, dtype=np.int64), n))

    def columns(self) -> _Found:
        """All of them in one."""
        return _Found(
            row=_joined(self.row, np.int64),
            likelihood=_joined(self.likelihood, np.float64),
            x_m=_joined(self.x_m, np.float64),
            y_m=_joined(self.y_m, np.float64),
            method=_joined(self.method, np.int8),
            scale_m=_joined(self.scale_m, np.float64),
            zip=_joined(self.zip, np.int64),
            name=_joined(self.name, np.int64),
            corrected=_joined(self.corrected, np.bool_),
            cross=_joined(self.cross, np.int64),
        )


@dataclass(frozen=True)
class _Found:
    """Places that were found, one entry each, in no order."""

    row: Ints
    likelihood: Floats
    x_m: Floats
    y_m: Floats
    method: NDArray[np.int8]
    scale_m: Floats
    zip: Ints
    name: Ints
    corrected: Bools
    cross: Ints

    def take(self, which: Ints | Bools) -> _Found:
        return _Found(*(getattr(self, field)[which] for field in self.__dataclass_fields__))


@dataclass(frozen=True)
class _Asked:
    """What the rows ask for, beside their streets. `number` is -1 where there is none."""

    number: Ints
    high: Ints
    composite: Ints
    block: Bools
    suffix: Ints
    zip: Ints
    place: Ints
    rest: Ints


@dataclass(frozen=True)
class _Pairs:
    """A row and one of the streets that it may mean."""

    row: Ints
    instance: Ints
    number: Ints
    likelihood: Floats
    corrected: Bools

    def take(self, which: Ints | Bools) -> _Pairs:
        return _Pairs(*(getattr(self, field)[which] for field in self.__dataclass_fields__))


class _Spot(NamedTuple):
    """One place of one text; `cross` is the other street's name where it is a crossing, -1 elsewhere."""

    x_m: float
    y_m: float
    likelihood: float
    name: int
    corrected: bool
    cross: int = -1
    scale_m: float = 0.0


class _Neighbour(NamedTuple):
    """Where numbers lie by the points before and after them. `gap`: numbers from one to the other, 0 with only one."""

    entry: Ints
    x_m: Floats
    y_m: Floats
    gap: Ints
    step: Ints
    scale_m: Floats
    cost: Floats


class Matcher:
    """Finds addresses in an index. Reads only, so that threads may share it."""

    def __init__(self, index: Index, parser: Parser, passport: Passport) -> None:
        """Match with a city's index and the passport's calibration."""
        self._index, self._parser, self._passport = index, parser, passport

    def locate(
        self, texts: Sequence[str | None] | Objects, zips: Sequence[str] | None = None,
        places: Sequence[str] | None = None,
    ) -> Located:  # fmt: skip
        """Places for addresses; `zips` and `places` (town or neighborhood) as the source states them beside the text."""
        readings = self._parser.read_many(texts)
        asked = self._asked(readings, zips, places)
        n = len(readings)
        best = _Best.none(n)
        rows = np.arange(n)
        self._round(rows, readings, asked, best, near=False)
        doubtful = np.flatnonzero(
            (best.posterior < SETTLED) | (best.likelihood < DOUBTFUL) | (best.method > CODE["intersection"])
        )
        doubtful = (
            doubtful[[readings.rests[r].kind != "nothing" for r in asked.rest[doubtful]]] if len(doubtful) else doubtful
        )
        if len(doubtful):
            self._round(doubtful, readings, asked, best, near=True)
        return self._located(readings, asked, best)

    def _asked(self, readings: Readings, zips: Sequence[str] | None, places: Sequence[str] | None) -> _Asked:
        rests, rest = readings.rests, readings.rest
        index = self._index

        def each(values: list[int]) -> Ints:
            return np.array(values, dtype=np.int64)[rest] if len(values) else np.zeros(0, np.int64)

        inner = each([r.number for r in rests])
        number = np.where(readings.number >= 0, readings.number, inner)
        high = np.where(readings.number >= 0, readings.number_high, each([r.number_high for r in rests]))
        composite = np.where(
            readings.hyphen,
            readings.number_first * 10000 + readings.number_second,
            number // 100 * 10000 + number % 100,
        )
        suffix = np.where(
            readings.number_suffix == "",
            each([index.suffixes.get(folded(r.number_suffix), -1) for r in rests]),
            _lookup(readings.number_suffix, index.suffixes),
        )
        stated_zip = each([zip_code(r.zip) for r in rests])
        if zips is not None:
            given = _lookup(np.asarray(zips, dtype=object), None)
            stated_zip = np.where(given > 0, given, stated_zip)
        place = each([index.places.get(folded(r.city), 0) if r.city else 0 for r in rests])
        if places is not None:
            given = _lookup(np.asarray(places, dtype=object), index.places)
            place = np.where(given > 0, given, place)
        number, high, composite = (np.minimum(v, LARGEST_NUMBER) for v in (number, high, composite))
        return _Asked(number, high, composite, readings.block, suffix, stated_zip, place, rest)

    def _round(self, rows: Ints, readings: Readings, asked: _Asked, best: _Best, *, near: bool) -> None:
        """Find and choose for some rows, by plain names or by those that are near as well."""
        hits = _Hits.none()
        which, rest_rows = _grouped(asked.rest[rows])
        rests = [readings.rests[i] for i in which]
        numbered = np.array([r.street is not NO_STREET and r.street != NO_STREET for r in rests], dtype=bool)
        crossing = np.array([bool(r.cross) for r in rests], dtype=bool)
        with_number = asked.number[rows] >= 0
        self._streets(
            rows, rests, rest_rows, numbered[rest_rows] & ~(crossing[rest_rows] & ~with_number), asked, hits, near
        )
        unnumbered = np.flatnonzero(crossing[rest_rows] & ~with_number)
        for i, at in _groups(rest_rows[unnumbered]):
            self._crossing(rests[i], rows[unnumbered[at]], asked, hits, near)
        if near:
            settled = np.zeros(len(readings), dtype=bool)
            for part, method in zip(hits.row, hits.method, strict=True):
                settled[part[method <= CODE["block"]]] = True
            lost = np.flatnonzero(~settled[rows])
            for i, at in _groups(rest_rows[lost]):
                self._place(rests[i], rows[lost[at]], hits)
        best.choose(hits.columns())

    def _candidates(self, rest: Rest, near: bool) -> list[Candidate]:
        streets = self._index.streets
        return streets.near(rest.street, rest.others) if near else streets.plain(rest.street, rest.others)

    def _streets(
        self, rows: Ints, rests: Sequence[Rest], rest_rows: Ints, wanted: Bools, asked: _Asked, hits: _Hits, near: bool
    ) -> None:
        """Streets and numbers of the rows that have a street."""
        index = self._index
        rows, rest_rows = rows[wanted], rest_rows[wanted]
        if not len(rows):
            return
        memo: dict[tuple[object, object], list[Candidate]] = {}
        needed = np.zeros(len(rests), dtype=bool)
        needed[rest_rows] = True
        name: list[int] = []
        likelihood: list[float] = []
        corrected: list[bool] = []
        counts = np.zeros(len(rests), dtype=np.int64)
        for i in np.flatnonzero(needed):
            rest = rests[int(i)]
            key = (rest.street, rest.others)
            found = memo.get(key)
            if found is None:
                found = memo[key] = self._candidates(rest, near)
            counts[i] = len(found)
            for c in found:
                name.append(c.name)
                likelihood.append(c.likelihood)
                corrected.append(c.corrected)
        names = np.array(name, dtype=np.int64)
        first = index.instances.first
        per_name = first[names + 1] - first[names]
        candidate = np.repeat(np.arange(len(names)), per_name)
        instance = first[names[candidate]] + _ramp(per_name)
        per_rest = np.add.reduceat(np.append(per_name, 0), np.append(np.cumsum(counts) - counts, len(names))[:-1]) * (
            counts > 0
        )
        offset = np.cumsum(per_rest) - per_rest
        per_row = per_rest[rest_rows]
        pair_row = np.repeat(np.arange(len(rows)), per_row)
        at = offset[rest_rows[pair_row]] + _ramp(per_row)
        row = rows[pair_row]
        number = np.where(index.instances.hyphenated[instance[at]], asked.composite[row], asked.number[row])
        pairs = _Pairs(
            row,
            instance[at],
            number,
            np.array(likelihood)[candidate[at]],
            np.array(corrected, dtype=bool)[candidate[at]],
        )
        bare = asked.number[row] < 0
        blocks = asked.block[row] & ~bare
        of_place = np.array([r.kind == "place" for r in rests], dtype=bool)[rest_rows[pair_row]]
        self._street_level(pairs.take(bare & ~of_place), hits, 0.0)
        self._street_level(pairs.take(bare & of_place & (pairs.likelihood > SUFFIX_ADDED)), hits, NAME_OF_PLACE)
        if blocks.any():
            self._blocks(pairs.take(blocks), asked, hits)
        self._numbers(pairs.take(~bare & ~blocks), asked, hits)

    def _numbers(self, pairs: _Pairs, asked: _Asked, hits: _Hits) -> None:
        """Every place of every pair's number: points, ranges, between points, beside ranges, the street as a whole."""
        if not len(pairs.row):
            return
        best = np.full(len(asked.number), -np.inf)
        found = np.zeros(len(pairs.row), dtype=bool)
        for which in (self._at_points(pairs, asked, hits), self._in_ranges(pairs, asked, hits)):
            found[which] = True
        for row, likelihood in zip(hits.row[-2:], hits.likelihood[-2:], strict=True):
            np.maximum.at(best, row, likelihood)
        rest = pairs.take(~found & (best[pairs.row] < -1.0))
        if not len(rest.row):
            return
        found = np.zeros(len(rest.row), dtype=bool)
        for which in (self._between(rest, asked, hits), self._beside(rest, asked, hits)):
            found[which] = True
        self._street_level(rest.take(~found), hits, NO_SUCH_NUMBER)

    def _evidence(self, row: Ints, zips: Ints, places: Ints, asked: _Asked) -> Floats:
        """What ZIP code and town say of places."""
        stated = asked.zip[row]
        wrong_zip = (stated > 0) & (zips > 0) & (stated != zips)
        place = asked.place[row]
        wrong_place = (place > 0) & (places > 0) & (place != places)
        return ZIP_WRONG * wrong_zip + PLACE_WRONG * wrong_place

    def _at_points(self, pairs: _Pairs, asked: _Asked, hits: _Hits) -> Ints:
        numbers = self._index.numbers
        key = (pairs.instance << NUMBER_BITS) | pairs.number
        low = np.searchsorted(numbers.key, key, side="left")
        count = np.minimum(np.searchsorted(numbers.key, key, side="right") - low, MOST_HITS)
        pair = np.repeat(np.arange(len(key)), count)
        entry = low[pair] + _ramp(count)
        row = pairs.row[pair]
        suffix = asked.suffix[row]
        letter = np.where(suffix == numbers.suffix[entry], 0.0, LETTER_WRONG)
        listed = numbers.exact[entry] & (asked.number[row] == asked.high[row])
        listed |= numbers.high[entry] == np.where(asked.number[row] == asked.high[row], -1, asked.high[row])
        how = pairs.likelihood[pair] + letter + np.where(listed, 0.0, STANDS_IN_RANGE)
        how += self._evidence(row, numbers.zip[entry], numbers.place[entry], asked)
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

    def _in_ranges(self, pairs: _Pairs, asked: _Asked, hits: _Hits) -> Ints:
        ranges = self._index.ranges
        group = (pairs.instance * 2 + pairs.number % 2) << NUMBER_BITS
        pair, entry = self._containing(group, pairs.number)
        row = pairs.row[pair]
        how = pairs.likelihood[pair] + RANGE_NOT_POINT
        how += self._evidence(row, ranges.zip[entry], ranges.place[entry], asked)
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

    def _between(self, pairs: _Pairs, asked: _Asked, hits: _Hits) -> Ints:
        """Numbers that have no point of their own: between, or beside, points of the same street, best of its side."""
        if not len(self._index.numbers):
            return np.zeros(0, np.int64)
        own, across = self._neighbours(pairs, 0), self._neighbours(pairs, 1)
        better = across.cost + ACROSS < own.cost
        best = _Neighbour(*(np.where(better, b, a) for a, b in zip(own, across, strict=True)))
        numbers = self._index.numbers
        reach = self._index.instances.reach_m[pairs.instance]
        how = pairs.likelihood + UNLISTED_NUMBER - np.where(better, best.cost + ACROSS, best.cost)
        how += self._evidence(pairs.row, numbers.zip[best.entry], numbers.place[best.entry], asked)
        near = (best.gap <= 60) & (best.step <= np.where(best.gap > 0, 60, 6)) & ~better
        method = np.where(near, CODE["between_points"], np.where(best.step <= HUNDRED, CODE["block"], CODE["street"]))
        method = np.where(pairs.number == 0, CODE["street"], method)
        small = (method == CODE["street"]) & (reach <= ONE_BLOCK_M)
        method = np.where(small, CODE["block"], method).astype(np.int8)
        scale = np.where(method == CODE["street"], reach, best.scale_m + 15.0 * better)
        which = np.flatnonzero((best.step <= 4 * HUNDRED) & np.isfinite(best.cost))
        hits.add(
            pairs.row[which], how[which], best.x_m[which], best.y_m[which], method[which], scale[which],
            numbers.zip[best.entry[which]], self._names(pairs.instance[which]), pairs.corrected[which],
        )  # fmt: skip
        return which

    def _neighbours(self, pairs: _Pairs, across: int) -> _Neighbour:
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

    def _beside(self, pairs: _Pairs, asked: _Asked, hits: _Hits) -> Ints:
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
        which = np.flatnonzero(np.isfinite(best_cost) & (off <= 4 * HUNDRED))
        entry = best_entry[which]
        number = np.clip(pairs.number[which], ranges.low[entry], ranges.high[entry])
        side = np.where(across[which], -OFFSET_M, OFFSET_M) * ranges.side[entry].astype(np.float64)
        x, y = self._on_range(entry, number, side)
        how = pairs.likelihood[which] - np.minimum(best_cost[which], -NO_SUCH_NUMBER)
        how += self._evidence(pairs.row[which], ranges.zip[entry], ranges.place[entry], asked)
        small = self._index.instances.reach_m[pairs.instance[which]] <= ONE_BLOCK_M
        method = np.where((off[which] <= HUNDRED) | small, CODE["block"], CODE["street"]).astype(np.int8)
        length = self._index.lines.length_m[ranges.segment[entry]]
        scale = np.where(
            method == CODE["street"], self._index.instances.reach_m[pairs.instance[which]],
            length / 2 + np.where(small, 0.0, off[which]),
        )  # fmt: skip
        hits.add(
            pairs.row[which], how, x, y, method, scale, ranges.zip[entry], self._names(pairs.instance[which]),
            pairs.corrected[which],
        )  # fmt: skip
        return which

    def _blocks(self, pairs: _Pairs, asked: _Asked, hits: _Hits) -> None:
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
        reach = np.zeros(len(start))
        zips = np.where(count > 0, numbers.zip[np.minimum(low, max(len(numbers) - 1, 0))] if len(numbers) else 0, 0)
        length = np.zeros(len(start))
        for parity in (0, 1):
            group = (pairs.instance * 2 + parity) << NUMBER_BITS
            at = np.searchsorted(ranges.key, group | (start + HUNDRED - 1), side="right") - 1
            for back in range(4):
                entry = np.maximum(at - back, 0)
                if not len(ranges.key):
                    break
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
        how = pairs.likelihood[which] + self._evidence(
            pairs.row[which], zips[which], np.zeros(len(which), np.int64), asked
        )
        hits.add(
            pairs.row[which], how, x[which] / weight[which], y[which] / weight[which], CODE["block"], reach[which],
            zips[which], self._names(pairs.instance[which]), pairs.corrected[which],
        )  # fmt: skip
        self._street_level(pairs.take(weight == 0), hits, NO_SUCH_NUMBER)

    def _street_level(self, pairs: _Pairs, hits: _Hits, penalty: float) -> None:
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

    @cached_property
    def _nodes(self) -> dict[int, tuple[int, int]]:
        """First and last entry of each pair of streets that meet."""
        keys, first, count = np.unique(self._index.crossings.key, return_index=True, return_counts=True)
        return {int(k): (int(f), int(f + c)) for k, f, c in zip(keys, first, count, strict=True)}

    def _crossing(self, rest: Rest, rows: Ints, asked: _Asked, hits: _Hits, near: bool) -> None:
        """Where two streets meet; between two crossings of one street; else one of the streets."""
        find = self._index.streets.near if near else self._index.streets.plain
        mine = find(rest.street, rest.others)[:MOST_NAMES]
        theirs = [find(cross)[:MOST_NAMES] for cross in rest.cross[:2]]
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
            self._add(hits, rows, spot, method, self._said(spot, rows, asked) if len(told) > 1 else 0.0)
        if not told and near:
            instances = self._index.instances
            for candidate in [*mine[:3], *(c for other in theirs for c in other[:3])]:
                i, how = candidate.name, candidate.likelihood + NO_SUCH_NUMBER
                x, y, reach = instances.name_x_m[i], instances.name_y_m[i], instances.name_reach_m[i]
                self._add(
                    hits, rows, _Spot(float(x), float(y), how, i, candidate.corrected, -1, float(reach)), "street"
                )

    def _said(self, spot: _Spot, rows: Ints, asked: _Asked) -> Floats | float:
        """What ZIP code and town say of a crossing: they may be those of any segment that ends there."""
        zips, places = asked.zip[rows], asked.place[rows]
        if not ((zips > 0) | (places > 0)).any():
            return 0.0
        ends, order, sorted_segments = self._ends
        middle, reach = shapely.Point(spot.x_m, spot.y_m), CORNER_M + spot.scale_m
        segments = np.unique(ends.query(middle, predicate="dwithin", distance=reach) // 2)
        low = np.searchsorted(sorted_segments, segments)
        count = np.searchsorted(sorted_segments, segments, side="right") - low
        entries = order[np.repeat(low, count) + _ramp(count)]
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

    def _meeting(self, mine: Sequence[Candidate], theirs: Sequence[Candidate]) -> Iterator[_Spot]:
        """Every spot where two candidates meet, the likeliest first."""
        crossings, nodes = self._index.crossings, self._nodes
        found = []
        for a, b in product(mine, theirs):
            span = nodes.get((min(a.name, b.name) << 32) | max(a.name, b.name)) if a.name != b.name else None
            if span:
                how, corrected = a.likelihood + b.likelihood, a.corrected or b.corrected
                for x, y in _spots(crossings.x_m[slice(*span)], crossings.y_m[slice(*span)]):
                    found.append(_Spot(x, y, how, a.name, corrected, b.name))
        yield from sorted(found, key=lambda spot: -spot.likelihood)[:12]

    def _near_miss(self, a: Candidate, b: Candidate) -> Iterator[_Spot]:
        """Where two streets that do not meet come closest, if that is close."""
        one, other = self._shape(a.name), self._shape(b.name)
        if one is None or other is None:
            return
        line = shapely.shortest_line(one, other)
        if shapely.length(line) <= NEAR_MISS_M:
            (x0, y0), (x1, y1) = shapely.get_coordinates(line)
            how = a.likelihood + b.likelihood + NEAR_MISS
            yield _Spot((x0 + x1) / 2, (y0 + y1) / 2, how, a.name, a.corrected or b.corrected, b.name)

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

    def _add(self, hits: _Hits, rows: Ints, spot: _Spot, method: Method, said: Floats | float = 0.0) -> None:
        n = len(rows)
        hits.add(
            rows, np.full(n, spot.likelihood) + said, np.full(n, spot.x_m), np.full(n, spot.y_m), CODE[method],
            spot.scale_m, 0, spot.name, spot.corrected, spot.cross,
        )  # fmt: skip

    def _place(self, rest: Rest, rows: Ints, hits: _Hits) -> None:
        """A place or an area by its name, spelt nearly right."""
        named = self._index.named
        for text, doubt in ((rest.place, 0.0), (rest.city, -3.0)):
            wanted = folded(text)
            if len(wanted) < 3:
                continue
            whom, how = named.names.get(wanted), -0.5 + doubt
            if whom is None and len(wanted) >= 6 and text == rest.place:
                close = process.extractOne(wanted, named.names.keys(), scorer=fuzz.ratio, score_cutoff=88)
                if close:
                    whom, how = named.names[close[0]], -3.0
            for i in whom or ():
                at = (float(named.x_m[i]), float(named.y_m[i]))
                spot = _Spot(*at, how, -2 - i, False, -1, float(named.reach_m[i]))
                self._add(hits, rows, spot, "area" if named.area[i] else "place")
            if whom:
                return

    def _located(self, readings: Readings, asked: _Asked, best: _Best) -> Located:
        index = self._index
        method = best.method.copy()
        radius = self._passport.radius(best.method, best.scale_m)
        score = self._passport.score(best.posterior, radius)
        lon, lat = to_wgs84(best.x_m, best.y_m, index.crs)
        missing = method == 0
        lon[missing] = lat[missing] = np.nan
        score, radius = np.where(missing, 0.0, score), np.where(missing, np.nan, radius)
        matched = self._matched(readings, asked, best)
        alternatives = self._alternatives(readings, asked, best, score)
        zips = np.array([f"{z:05d}" if z else "" for z in np.unique(best.zip)] or [""], dtype=object)
        return Located(
            method=method,
            score=score,
            radius_m=radius,
            lon=lon,
            lat=lat,
            matched=matched,
            corrected=best.corrected,
            zip=zips[np.unique(best.zip, return_inverse=True)[1]],
            alternatives=alternatives,
        )

    def _matched(self, readings: Readings, asked: _Asked, best: _Best) -> Objects:
        index = self._index
        texts = np.array([*(name.text() for name in index.streets.names), None], dtype=object)
        matched = texts[np.where(best.name >= 0, best.name, len(texts) - 1)]
        numbered = np.flatnonzero(
            (best.method > 0) & (best.name >= 0) & (asked.number >= 0) & (best.method != CODE["street"])
        )
        for row in numbered:
            matched[row] = f"{self._number_text(readings, asked, int(row))} {matched[row]}"
        special = np.flatnonzero((best.cross >= 0) | (best.name < -1))
        parts = (special, best.method[special], best.name[special], best.cross[special])
        for at, method, name, cross in zip(*(part.tolist() for part in parts), strict=True):
            matched[at] = self._text(readings, asked, at, method, name, cross)
        return matched

    def _alternatives(
        self, readings: Readings, asked: _Asked, best: _Best, score: Floats
    ) -> dict[int, tuple[Alternative, ...]]:
        flat = [(row, other) for row, others in best.others.items() for other in others]
        x, y = np.array([o.x_m for _, o in flat]), np.array([o.y_m for _, o in flat])
        lon, lat = to_wgs84(x, y, self._index.crs)
        told: dict[int, list[Alternative]] = {}
        for (row, o), at_lon, at_lat in zip(flat, lon.tolist(), lat.tolist(), strict=True):
            text = self._text(readings, asked, row, o.method, o.name, o.cross)
            share = min(o.posterior, 1 - float(score[row]))
            told.setdefault(row, []).append(Alternative(text, METHODS[o.method], share, at_lon, at_lat))
        return {row: tuple(others) for row, others in told.items()}

    def _number_text(self, readings: Readings, asked: _Asked, row: int) -> str:
        if asked.block[row]:
            return f"{asked.number[row] // HUNDRED * HUNDRED} BLOCK OF"
        if readings.hyphen[row]:
            first, second = readings.number_first[row], readings.number_second[row]
            return f"{first}-{second:02d}" if second < 10 <= first else f"{first}-{second}"
        letter = readings.number_suffix[row] or readings.rests[readings.rest[row]].number_suffix
        return f"{asked.number[row]}{' ' if letter == '1/2' else ''}{letter}"

    def _text(self, readings: Readings, asked: _Asked, row: int, method: int, name: int, cross: int) -> str:
        """A place as the reference writes it."""
        names = self._index.streets.names
        if name < -1:
            return self._index.named.texts[-2 - name]
        if cross >= 0:
            return f"{names[name].text()} & {names[cross].text()}"
        if asked.number[row] >= 0 and method != CODE["street"]:
            return f"{self._number_text(readings, asked, row)} {names[name].text()}"
        return names[name].text()


@dataclass(frozen=True)
class _Other:
    """A place that an address may mean besides the likeliest."""

    x_m: float
    y_m: float
    method: int
    name: int
    cross: int
    posterior: float


@dataclass
class _Best:
    """The likeliest place of each row."""

    method: NDArray[np.int8]
    likelihood: Floats
    posterior: Floats
    x_m: Floats
    y_m: Floats
    scale_m: Floats
    zip: Ints
    name: Ints
    cross: Ints
    corrected: Bools
    others: dict[int, list[_Other]]

    @classmethod
    def none(cls, n: int) -> _Best:
        """Nothing found for any of n rows."""
        return cls(
            np.zeros(n, np.int8), np.full(n, -np.inf), np.zeros(n), np.full(n, np.nan), np.full(n, np.nan), np.zeros(n),
            np.zeros(n, np.int64), np.full(n, -1, np.int64), np.full(n, -1, np.int64), np.zeros(n, bool), {},
        )  # fmt: skip

    def choose(self, found: _Found) -> None:
        """Take for each row what is likeliest of what was found for it; a row without any stays as it is."""
        if not len(found.row):
            return
        order = np.lexsort((found.method, -found.likelihood, found.row))
        found = found.take(order)
        new = np.ones(len(order), dtype=bool)
        new[1:] = found.row[1:] != found.row[:-1]
        first = np.flatnonzero(new)
        group = np.cumsum(new) - 1
        top = found.likelihood[first]
        weight = np.exp(found.likelihood - top[group])
        apart = np.hypot(found.x_m - found.x_m[first][group], found.y_m - found.y_m[first][group])
        # The same place found twice counts once: only the likeliest of a cluster weighs.
        same = apart <= TOGETHER_M
        mass = np.where(same, 0.0, weight)
        doubles = _repeats(found, group)
        mass[doubles] = 0.0
        others = np.add.reduceat(mass, first)
        row = found.row[first]
        posterior = 1.0 / (1.0 + others + np.exp(NOTHING_OF_IT - top))
        self.method[row], self.likelihood[row], self.posterior[row] = found.method[first], top, posterior
        self.x_m[row], self.y_m[row], self.scale_m[row] = found.x_m[first], found.y_m[first], found.scale_m[first]
        self.zip[row], self.name[row], self.cross[row] = found.zip[first], found.name[first], found.cross[first]
        self.corrected[row] = found.corrected[first]
        for r in row[np.isin(row, list(self.others))] if self.others else ():
            self.others.pop(int(r), None)
        share = mass * posterior[group]
        told = np.flatnonzero((share >= WORTH_TELLING) & (apart > APART_M))
        for i in told:
            mine = self.others.setdefault(int(found.row[i]), [])
            near = any(np.hypot(o.x_m - found.x_m[i], o.y_m - found.y_m[i]) <= TOGETHER_M for o in mine)
            if len(mine) < MOST_ALTERNATIVES and not near:
                mine.append(
                    _Other(
                        float(found.x_m[i]),
                        float(found.y_m[i]),
                        int(found.method[i]),
                        int(found.name[i]),
                        int(found.cross[i]),
                        float(share[i]),
                    )
                )


def _repeats(found: _Found, group: Ints) -> Ints:
    """Entries that lie where a likelier entry of the same row lies already."""
    cell = (np.floor(found.x_m / TOGETHER_M).astype(np.int64) << 24) ^ np.floor(found.y_m / TOGETHER_M).astype(np.int64)
    frame = pd.DataFrame({"group": group, "cell": cell})
    return np.flatnonzero(frame.duplicated().to_numpy())


def _stretches(ones: Sequence[_Spot], others: Sequence[_Spot]) -> Iterator[_Spot]:
    """'A between B and C': the middles between crossings with B and with C that are each other's best, on one street."""

    def order(pair: tuple[_Spot, _Spot]) -> tuple[float, float]:
        b, c = pair
        return -b.likelihood - c.likelihood, float(np.hypot(b.x_m - c.x_m, b.y_m - c.y_m))

    pairs = sorted(((b, c) for b, c in product(ones, others) if b.name == c.name and b.cross != c.cross), key=order)
    taken: set[_Spot] = set()
    for b, c in pairs:
        if taken.isdisjoint((b, c)):
            taken |= {b, c}
            how, length = order((b, c))
            x, y = (b.x_m + c.x_m) / 2, (b.y_m + c.y_m) / 2
            yield _Spot(x, y, -how, b.name, b.corrected or c.corrected, -1, length / 2)


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


def _joined(parts: Sequence[NDArray[_T]], kind: type[_T]) -> NDArray[_T]:
    return np.concatenate(parts) if parts else np.zeros(0, kind)


def _ramp(counts: Ints) -> Ints:
    """0, 1, … for each count, one after the other."""
    return np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)


def _grouped(values: Ints) -> tuple[Ints, Ints]:
    """Distinct values and which of them each entry is."""
    codes, distinct = pd.factorize(values)
    return distinct, codes


def _groups(values: Ints) -> Iterator[tuple[int, Ints]]:
    """Each distinct value and the positions where it stands."""
    order = np.argsort(values, kind="stable")
    for positions in np.split(order, np.flatnonzero(np.diff(values[order])) + 1):
        if len(positions):
            yield int(values[positions[0]]), positions


def _lookup(texts: Objects, table: Mapping[str, int] | None) -> Ints:
    """Numbers of texts in a table (folded; -1 or 0 where unknown), or as ZIP codes without one."""
    codes, distinct = pd.factorize(texts)
    if table is None:
        numbers = [0 if pd.isna(t) else zip_code(t) for t in distinct]
    else:
        numbers = [0 if pd.isna(t) or t == "" else table.get(folded(str(t)), -1) for t in distinct]
    return np.array([*numbers, 0], dtype=np.int64)[codes]
