"""Search as you type: addresses, crossings, streets, places and areas that a text may become.

Charter: an Index and half a text in, a few suggestions out, the likeliest first and always the same. Streets are found
by name first (they are few), house numbers then by search in the index's sorted arrays, for many streets at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final, Literal, NamedTuple

import jellyfish
import numpy as np
from numpy.typing import NDArray

from geo.boundaries import Vintage
from geo.crs import Floats, from_wgs84, to_wgs84
from geo.geocoding.halftyped import HalfTyped, StreetReading, half_typed, may_be_ordinal, readings_of
from geo.geocoding.index import NUMBER_BITS, Index, Numbers, Ranges, folded
from geo.geocoding.labels import HYPHEN_UNIT, block_text, number_text, readable, readable_words, zip_text
from geo.geocoding.matching import CODE, CROSSING_TOGETHER_M, HUNDRED, INSET_M, OFFSET_M
from geo.geocoding.model import Ints, StreetName
from geo.geocoding.names import fold
from geo.geocoding.passport import Passport
from geo.geocoding.prefixes import LEAST_WITH_SLIP, Found, Key, Keys
from geo.geocoding.streets import loose
from geo.geocoding.words import DIRECTIONS, ORDINALS, ordinal

Kind = Literal["address", "intersection", "street", "place", "area"]

MOST: Final = 50
"""Suggestions that one call gives at most."""

# What matches are worth, as log-likelihoods beside those of `streets`; importance and nearness add up to two.
NOT_WHOLE: Final = -0.4
CLOSED_NOT_WHOLE: Final = -2.4
INSIDE: Final = -0.9
SLIP: Final = -3.0
FIRST_LETTER: Final = -1.2
SHORT_SLIP: Final = -1.0
SOUNDS: Final = -3.8
SUFFIX_OTHER: Final = -2.6
SUFFIX_ABSENT: Final = -1.8
DIRECTION_OTHER: Final = -3.0
DIRECTION_ABSENT: Final = -1.5
DIRECTION_UNTYPED: Final = -0.1
DROPPED: Final = -1.5
"""For each word at the end that had to be passed over."""
OTHER_NAME: Final = -0.2
GOOD: Final = -2.0
ENOUGH: Final = -8.4
"""Where something is at least so good, words at the end are not passed over."""
IN_RANGE: Final = -0.3
UNLISTED: Final = -0.8
WIDEST_GAP: Final = 60
"""Numbers between those of two points on the same side that are not too unlikely to exist."""
NOT_HYPHENATED: Final = -1.5
NUMBER_BEGUN: Final = -0.9
LETTER_OTHER: Final = -0.6
ZIP_OTHER: Final = -2.5
NO_SUCH_NUMBER: Final = -3.0
NO_CROSSING: Final = -3.0
PLACE_WORTH: Final = 0.6
AREA_WORTH: Final = 0.9
IMPORTANCE: Final = 1.0
NEARNESS: Final = 1.0
NEAR_M: Final = 2000.0
MORE_OF_A_KIND: Final = 0.25
HOPELESS: Final = 4.0
"""Options that are so much worse than the best are not told."""
MOST_STREETS: Final = 4000
UNLISTED_STREETS: Final = 1000
MOST_AT_NUMBER: Final = 6
COMPLETED_STREETS: Final = 12
CROSSED_STREETS: Final = 25


class Suggestion(NamedTuple):
    """What a text may become. `detail` tells equal labels apart; lon, lat in EPSG:4326; `layer` and `area` of an area."""

    label: str
    kind: Kind
    detail: str
    lon: float
    lat: float
    radius_m: float
    layer: str = ""
    area: str = ""


class _Option(NamedTuple):
    score: float
    kind: Kind
    label: str
    detail: str
    x_m: float
    y_m: float
    radius_m: float
    layer: str = ""
    area: str = ""


class _Streets(NamedTuple):
    """Instances of streets and how well each suits what was typed."""

    instance: Ints
    score: Floats


POINT, RANGE, BETWEEN = 0, 1, 2


class _Numbered(NamedTuple):
    """Places of a house number: entries of `numbers` (POINT), of `ranges`, or of `numbers.by_parity`, the one after it."""

    instance: Ints
    score: Floats
    entry: Ints
    number: Ints
    how: NDArray[np.int8]


class Suggester:
    """Suggests from an index. Reads only, so that threads may share it."""

    def __init__(self, index: Index, areas: Iterable[Vintage] = (), passport: Passport | None = None) -> None:
        """Sort the names; `areas` are the vintages that the index was built with, in the same order."""
        self._index, self._passport = index, passport or Passport()
        known = [*index.streets.known()]
        bases = sorted({name.base for name, _ in known})
        number = {base: at for at, base in enumerate(bases)}
        self._keys = Keys(key for base, at in number.items() for key in _keys_of(base, at))
        self._bases = bases
        base = np.array([number[name.base] for name, _ in known], dtype=np.int64)
        order = np.argsort(base, kind="stable")
        self._entry_first = np.searchsorted(base[order], np.arange(len(bases) + 1))
        suffixes = sorted({name.suffix for name, _ in known})
        directions = sorted({(name.predir, name.postdir) for name, _ in known})
        self._suffixes, self._directions = suffixes, directions
        suffix_at = {suffix: at for at, suffix in enumerate(suffixes)}
        direction_at = {both: at for at, both in enumerate(directions)}
        ordered = [known[i] for i in order]
        self._entry_name = np.array([whom for _, whom in ordered], dtype=np.int64)
        self._entry_suffix = np.array([suffix_at[name.suffix] for name, _ in ordered], dtype=np.int64)
        self._entry_direction = np.array([direction_at[n.predir, n.postdir] for n, _ in ordered], dtype=np.int64)
        self._entry_cost = np.array(
            [0.0 if index.streets.names[whom] == name else OTHER_NAME for name, whom in ordered], dtype=np.float64
        )
        count = len(index.instances)
        weight = np.bincount(index.numbers.instance, minlength=count).astype(np.float64)
        weight += 5.0 * np.bincount(index.ranges.instance, minlength=count)
        self._importance = IMPORTANCE * np.log1p(weight) / np.log1p(weight.max(initial=1.0))
        self._places = {code: readable_words(text) for text, code in index.places.items()}
        self._letters = {code: text for text, code in index.suffixes.items()}
        self._zips = self._zips_of()
        self._meets = _meets(index.crossings.key, len(index.streets.names))
        self._name_importance = np.zeros(len(index.streets.names))
        np.maximum.at(self._name_importance, index.instances.name, self._importance)
        self._sounds = Keys(
            Key(jellyfish.metaphone(base), at, False) for at, base in enumerate(bases) if base[:1].isalpha()
        )
        self._areas = _areas(index, tuple(areas))
        self._place_keys = Keys(
            key
            for i, text in enumerate(index.named.texts)
            for key in _keys_of(folded(text), i)
            if not key.text.isdigit() or len(key.text) == 5
        )

    def _zips_of(self) -> tuple[Ints, Floats, Floats, Floats]:
        """ZIP codes of address points, or of ranges where there are none: codes, middles and reaches."""
        numbers, ranges = self._index.numbers, self._index.ranges
        stated, x_m, y_m = numbers.zip, numbers.x_m, numbers.y_m
        if not stated.any():
            stated, half = ranges.zip, np.full(len(ranges.zip), 0.5)
            x_m, y_m = self._index.lines.at(ranges.segment, half, 0.0, half * 0) if len(half) else (half, half)
        some = np.flatnonzero(stated)
        codes, which = np.unique(stated[some], return_inverse=True)
        count = np.maximum(np.bincount(which, minlength=len(codes)), 1)
        x = np.bincount(which, x_m[some], len(codes)) / count
        y = np.bincount(which, y_m[some], len(codes)) / count
        reach = np.zeros(len(codes))
        np.maximum.at(reach, which, np.hypot(x_m[some] - x[which], y_m[some] - y[which]))
        return codes, x, y, reach

    def suggest(self, text: str, limit: int = 8, near: tuple[float, float] | None = None) -> list[Suggestion]:
        """At most `limit` suggestions for what is typed so far; `near` (lon, lat): those nearer come earlier."""
        limit = min(int(limit), MOST)
        if limit <= 0 or not isinstance(text, str):
            return []
        typed = half_typed(text)
        if not typed.words:
            return []
        at = self._at(near)
        options: list[_Option] = []
        if typed.sides is not None:
            options += self._crossings(typed.sides, limit, at)
        else:
            if typed.number >= 0 and (typed.number == 0 or not typed.digits.startswith("0")):
                options += self._addresses(typed, limit, at)
            bare = typed.number < 0 or not typed.street or may_be_ordinal(typed.words[0])
            if bare and not typed.block:
                options += self._streets(typed, limit, at)
        if not typed.block:
            options += self._named(text, limit, at)
        if len(typed.words) == 1 and typed.digits == typed.words[0]:
            options += self._zip_codes(typed.digits, limit)
        return self._told(options, limit)

    def _at(self, near: tuple[float, float] | None) -> tuple[float, float] | None:
        if near is None or not (abs(near[0]) <= 180 and abs(near[1]) <= 90):
            return None
        x, y = from_wgs84(np.array([near[0]]), np.array([near[1]]), self._index.crs)
        return (float(x[0]), float(y[0])) if np.isfinite(x[0]) and np.isfinite(y[0]) else None

    def _told(self, options: list[_Option], limit: int) -> list[Suggestion]:
        """The best options, each label with its detail once, and not all of one kind."""
        options = _mixed(options)
        options.sort(key=lambda o: (-round(o.score, 9), len(o.label), o.label, o.detail, o.layer, o.area, o.x_m, o.y_m))
        seen: set[tuple[str, str, str]] = set()
        kept: list[_Option] = []
        for option in options:
            if option.score < options[0].score - HOPELESS:
                break
            mark = (option.label, option.detail, option.layer)
            if mark not in seen:
                seen.add(mark)
                kept.append(option)
                if len(kept) == limit:
                    break
        if not kept:
            return []
        lon, lat = to_wgs84(np.array([o.x_m for o in kept]), np.array([o.y_m for o in kept]), self._index.crs)
        return [
            Suggestion(o.label, o.kind, o.detail, x, y, o.radius_m, o.layer, o.area)
            for o, x, y in zip(kept, lon.tolist(), lat.tolist(), strict=True)
        ]

    # Streets by name

    def _by_name(self, words: tuple[str, ...], *, loosely: bool = True, slips: bool = False) -> Floats:
        """How well each street's name suits the words: log-likelihoods, -inf where not at all.

        Loosely: with slips where nothing is good (`slips`: in any case), and with words at the end passed over.
        """
        quality = np.full(len(self._index.streets.names), -np.inf)
        doubt = 0.0
        for last in range(len(words), max(len(words) - (4 if loosely else 1), 0), -1):
            readings = readings_of(words[:last])
            for reading in readings:
                self._weigh(quality, reading, self._keys.starting(reading.base), doubt)
            best = quality.max(initial=-np.inf)
            if slips or (loosely and best < GOOD + doubt):
                for reading in {r.base: r for r in reversed(readings)}.values():
                    self._weigh(quality, reading, self._keys.nearly(reading.base), doubt)
                self._by_sound(quality, readings, doubt)
                best = quality.max(initial=-np.inf)
            if best >= ENOUGH + doubt or all(word in DIRECTIONS for word in words[: last - 1]):
                break
            doubt += DROPPED
        return quality

    def _by_sound(self, quality: Floats, readings: Sequence[StreetReading], doubt: float) -> None:
        for reading in readings:
            sound = jellyfish.metaphone(reading.base) if reading.base[:1].isalpha() else ""
            if len(sound) >= 2 and len(reading.base) > LEAST_WITH_SLIP:
                found = self._sounds.starting(sound)
                # A short sound is the beginning of too many.
                keep = found.left <= (0 if len(sound) == 2 else 2)
                few = Found(found.owner[keep], found.left[keep], found.inside[keep], found.slip[keep])
                self._weigh(quality, reading, few, doubt + SOUNDS)

    def _weigh(self, quality: Floats, reading: StreetReading, found: Found, doubt: float) -> None:
        """Raise the quality of names to what a reading and the bases that were found for it say."""
        base, worth = found.owner, np.full(len(found.owner), reading.doubt + doubt)
        worth += np.where(found.left > 0, CLOSED_NOT_WHOLE if reading.closed else NOT_WHOLE, 0.0)
        worth += INSIDE * found.inside
        slipped = found.slip >= 0
        if slipped.any():
            short = SHORT_SLIP if len(reading.base) <= 4 else 0.0
            worth += np.where(slipped, SLIP + short, 0.0) + np.where(found.slip == 0, FIRST_LETTER, 0.0)
            # Another digit is another street.
            digits = len(reading.base) - len(reading.base.lstrip("0123456789"))
            keep = (found.slip >= digits) | ~slipped
            base, worth = base[keep], worth[keep]
        if not len(base):
            return
        count = self._entry_first[base + 1] - self._entry_first[base]
        which = np.repeat(np.arange(len(base)), count)
        entry = self._entry_first[base][which] + np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
        worth = worth[which] + self._entry_cost[entry]
        if reading.suffixes is not None:
            table = np.array([_suffix_worth(suffix, reading.suffixes) for suffix in self._suffixes])
            worth += table[self._entry_suffix[entry]]
        table = np.array([_direction_worth(own, reading.directions) for own in self._directions])
        worth += table[self._entry_direction[entry]]
        np.maximum.at(quality, self._entry_name[entry], worth)

    def _instances(self, quality: Floats, at: tuple[float, float] | None) -> _Streets:
        """The streets of names that suit, with what importance and nearness add."""
        instances = self._index.instances
        name = np.flatnonzero(quality > -np.inf)
        count = instances.first[name + 1] - instances.first[name]
        which = np.repeat(np.arange(len(name)), count)
        instance = instances.first[name][which] + np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
        score = quality[name[which]] + self._importance[instance]
        if at is not None:
            away = np.hypot(instances.x_m[instance] - at[0], instances.y_m[instance] - at[1])
            away = np.maximum(away - instances.reach_m[instance] / 2, 0.0)
            score = score + _nearness(away)
        return _some(_Streets(instance, score), MOST_STREETS)

    def _name(self, instance: int) -> StreetName:
        return self._index.streets.names[int(self._index.instances.name[instance])]

    def _radius(self, method: str, scale_m: float) -> float:
        return float(self._passport.radius(np.array([CODE[method]], dtype=np.int8), np.array([scale_m]))[0])  # type: ignore[index]

    def _detail(self, place: int, code: int) -> str:
        return ", ".join(part for part in (self._places.get(place, ""), zip_text(code)) if part)

    def _street_detail(self, instance: int) -> str:
        """Neighborhood and ZIP code of the middle house."""
        for keys, table, shift in (
            (self._index.numbers.key, self._index.numbers, NUMBER_BITS),
            (self._index.ranges.key, self._index.ranges, NUMBER_BITS + 1),
        ):
            low, high = np.searchsorted(keys, [instance << shift, (instance + 1) << shift])
            if high > low:
                middle = (low + high) // 2
                return self._detail(int(table.place[middle]), int(table.zip[middle]))
        return ""

    def _street_option(self, instance: int, score: float) -> _Option:
        instances = self._index.instances
        return _Option(
            score, "street", readable(self._name(instance)), self._street_detail(instance), float(instances.x_m[instance]),
            float(instances.y_m[instance]), self._radius("street", float(instances.reach_m[instance])),
        )  # fmt: skip

    def _streets(self, typed: HalfTyped, limit: int, at: tuple[float, float] | None) -> list[_Option]:
        found = self._instances(self._by_name(typed.words, loosely=typed.number < 0), at)
        keep = _best(found.score, found.instance, limit * 2)
        return [self._street_option(int(found.instance[i]), float(found.score[i])) for i in keep]

    # House numbers

    def _addresses(self, typed: HalfTyped, limit: int, at: tuple[float, float] | None) -> list[_Option]:
        """The number on the streets that suit, or those streets where none has it."""
        if typed.street:
            streets = self._instances(self._by_name(typed.street), at)
        else:
            streets = self._instances(np.full(len(self._index.streets.names), NOT_WHOLE), at)
        if not len(streets.instance):
            return []
        if typed.block:
            return self._blocks(typed, streets, limit)
        if typed.second:
            # '204-21' is hardly the range from 204 to 21 of a street without hyphens.
            odd = ~self._index.instances.hyphenated[streets.instance] & (int(typed.second) <= typed.number)
            streets = streets._replace(score=streets.score + np.where(odd, NOT_HYPHENATED, 0.0))
        found = [self._exact(typed, streets)]
        for way in (self._in_ranges, self._between):
            seen = np.isin(streets.instance, np.concatenate([part.instance for part in found]))
            found.append(way(typed, _some(_Streets(streets.instance[~seen], streets.score[~seen]), UNLISTED_STREETS)))
        if not typed.letter:
            found.append(self._begun(typed, streets, limit))
        all_of = _Numbered(*(np.concatenate(columns) for columns in zip(*found, strict=True)))
        all_of.score[:] += self._zip_worth(all_of, typed.zip)
        keep = _best(all_of.score, all_of.number, limit * 2)
        options = [self._number_option(all_of, int(i)) for i in keep]
        if typed.street:
            has = np.isin(streets.instance, all_of.instance)
            rest = _best(np.where(has, -np.inf, streets.score), streets.instance, limit)
            options += [
                self._street_option(int(streets.instance[i]), float(streets.score[i]) + NO_SUCH_NUMBER)
                for i in rest
                if not has[i]
            ]
        return options

    def _asked(self, typed: HalfTyped, instance: Ints) -> Ints:
        """The number as streets of each kind store it."""
        second = int(typed.second or 0)
        plain = np.full(len(instance), typed.number, dtype=np.int64)
        # '1052' is what some write for 10-52.
        first, last = (typed.number, second) if typed.second else divmod(typed.number, HUNDRED)
        composite = first * HYPHEN_UNIT + last
        composite = min(composite, (1 << NUMBER_BITS) - 1)
        return np.where(self._index.instances.hyphenated[instance], composite, plain)

    def _exact(self, typed: HalfTyped, streets: _Streets) -> _Numbered:
        numbers = self._index.numbers
        number = self._asked(typed, streets.instance)
        key = (streets.instance << NUMBER_BITS) | number
        low = np.searchsorted(numbers.key, key, side="left")
        hit = np.flatnonzero(numbers.key[np.minimum(low, len(numbers) - 1)] == key) if len(numbers) else low[:0]
        count = np.zeros(len(key), dtype=np.int64)
        count[hit] = np.minimum(np.searchsorted(numbers.key, key[hit], side="right") - low[hit], MOST_AT_NUMBER)
        which = np.repeat(np.arange(len(key)), count)
        entry = low[which] + np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
        letter = self._index.suffixes.get(folded(typed.letter), -1)
        score = streets.score[which] + np.where(numbers.suffix[entry] == letter, 0.0, LETTER_OTHER)
        return _Numbered(streets.instance[which], score, entry, number[which], _all(POINT, which))

    def _in_ranges(self, typed: HalfTyped, streets: _Streets) -> _Numbered:
        """Where a range of the number's side holds it."""
        ranges = self._index.ranges
        instance, score = streets.instance, streets.score
        number = self._asked(typed, instance)
        if not len(ranges.key) or not typed.number:
            return _none_numbered()
        group = (instance * 2 + number % 2) << NUMBER_BITS
        last = np.searchsorted(ranges.key, group | number, side="right") - 1
        entry = np.full(len(instance), -1, dtype=np.int64)
        look = np.flatnonzero((last >= 0) & (ranges.key[last] >= group))
        depth = 0
        while len(look):
            tried = last[look] - depth
            holds = ranges.high[tried] >= number[look]
            entry[look[holds]] = tried[holds]
            depth += 1
            look = look[~holds & (ranges.back[last[look]] >= depth)]
        good = np.flatnonzero(entry >= 0)
        return _Numbered(instance[good], score[good] + IN_RANGE, entry[good], number[good], _all(RANGE, good))

    def _between(self, typed: HalfTyped, streets: _Streets) -> _Numbered:
        """Where the number lies between numbers of its side that have points, neither far from the other."""
        numbers = self._index.numbers
        number = self._asked(typed, streets.instance)
        group = (streets.instance * 2 + number % 2) << NUMBER_BITS
        after = np.searchsorted(numbers.parity_key, group | number)
        good = np.flatnonzero((after > 0) & (after < len(numbers)))
        a, b = numbers.by_parity[after[good] - 1], numbers.by_parity[after[good]]
        side = group[good] >> NUMBER_BITS
        same = (numbers.parity_key[after[good] - 1] >> NUMBER_BITS == side) & (
            numbers.parity_key[after[good]] >> NUMBER_BITS == side
        )
        gap = numbers.number[b] - numbers.number[a]
        apart = np.hypot(numbers.x_m[b] - numbers.x_m[a], numbers.y_m[b] - numbers.y_m[a])
        good = good[same & (gap <= WIDEST_GAP) & (apart <= 60.0 + 8.0 * gap)]
        return _Numbered(
            streets.instance[good], streets.score[good] + UNLISTED, after[good], number[good], _all(BETWEEN, good)
        )

    def _begun(self, typed: HalfTyped, streets: _Streets, limit: int) -> _Numbered:
        """Numbers that go on from the typed digits, on the streets that suit best."""
        numbers = self._index.numbers
        keep = _best(streets.score, streets.instance, COMPLETED_STREETS)
        entries: list[Ints] = []
        scores: list[Floats] = []
        for i in keep if typed.number else ():
            instance = int(streets.instance[i])
            for more, (low, high) in enumerate(self._spans(typed, instance), 1):
                own = instance << NUMBER_BITS
                first, last = np.searchsorted(numbers.key, [own | low, own | high])
                entry = np.arange(first, last)[: 4 * limit]
                entry = entry[numbers.exact[entry] & (numbers.suffix[entry] == 0)][:limit]
                entries.append(entry)
                scores.append(streets.score[i] + NUMBER_BEGUN - 0.1 * more - 0.01 * np.arange(len(entry)))
        if not entries:
            return _none_numbered()
        entry = np.concatenate(entries)
        return _Numbered(
            numbers.instance[entry], np.concatenate(scores), entry, numbers.number[entry], _all(POINT, entry)
        )

    def _spans(self, typed: HalfTyped, instance: int) -> Iterable[tuple[int, int]]:
        """Numbers [low, high) that begin with the typed digits and have more of them."""
        most = 1 << NUMBER_BITS
        if not self._index.instances.hyphenated[instance]:
            if not typed.second:
                yield from ((typed.number * t, (typed.number + 1) * t) for t in (10, 100) if typed.number * t < 10**6)
            return
        first = typed.number * HYPHEN_UNIT
        if typed.second and len(typed.second) == 1 and first < most - HYPHEN_UNIT:
            yield first + int(typed.second) * 10, first + int(typed.second) * 10 + 10
        elif not typed.second and first < most - HYPHEN_UNIT:
            yield first, first + HYPHEN_UNIT

    def _zip_worth(self, found: _Numbered, code: int) -> Floats | float:
        if not code:
            return 0.0
        own = np.zeros(len(found.entry), dtype=np.int64)
        for how, zips in ((POINT, self._index.numbers.zip), (RANGE, self._index.ranges.zip)):
            own[found.how == how] = zips[found.entry[found.how == how]]
        between = found.entry[found.how == BETWEEN]
        own[found.how == BETWEEN] = self._index.numbers.zip[self._index.numbers.by_parity[between]]
        return np.where((own != code) & (own > 0), ZIP_OTHER, 0.0)

    def _number_option(self, found: _Numbered, i: int) -> _Option:
        index, entry, instance = self._index, int(found.entry[i]), int(found.instance[i])
        hyphenated = bool(index.instances.hyphenated[instance])
        numbers, ranges, number, letter = index.numbers, index.ranges, int(found.number[i]), ""
        table: Numbers | Ranges = numbers
        if found.how[i] == POINT:
            letter = self._letters[int(numbers.suffix[entry])]
            x, y = numbers.x_m[entry], numbers.y_m[entry]
            radius = self._radius("address_point", 0.0 if numbers.exact[entry] else 15.0)
        elif found.how[i] == BETWEEN:
            a, entry = numbers.by_parity[entry - 1], int(numbers.by_parity[entry])
            share = (number - numbers.number[a]) / max(numbers.number[entry] - numbers.number[a], 1)
            dx, dy = numbers.x_m[entry] - numbers.x_m[a], numbers.y_m[entry] - numbers.y_m[a]
            x, y = numbers.x_m[a] + share * dx, numbers.y_m[a] + share * dy
            radius = self._radius("between_points", float(np.hypot(dx, dy)))
        else:
            table = ranges
            start, end, segment = int(ranges.start[entry]), int(ranges.end[entry]), ranges.segment[entry : entry + 1]
            part = np.array([(number - start) / (end - start) if end != start else 0.5])
            (x,), (y,) = index.lines.at(
                segment, part, INSET_M, ranges.side[entry : entry + 1].astype(np.float64) * OFFSET_M
            )
            radius = self._radius("address_range", float(index.lines.length_m[segment[0]]))
        return _Option(
            float(found.score[i]), "address", f"{number_text(number, letter, hyphenated)} {readable(self._name(instance))}",
            self._detail(int(table.place[entry]), int(table.zip[entry])), float(x), float(y), radius,
        )  # fmt: skip

    def _blocks(self, typed: HalfTyped, streets: _Streets, limit: int) -> list[_Option]:
        """'400 block of Main St': where streets have numbers from 400 to 499."""
        numbers, ranges = self._index.numbers, self._index.ranges
        low = self._asked(typed, streets.instance) // HUNDRED * HUNDRED
        own = streets.instance << NUMBER_BITS
        first, last = np.searchsorted(numbers.key, own | low), np.searchsorted(numbers.key, own | (low + HUNDRED))
        held = last > first
        parts = []
        for parity in (0, 1):
            group = (streets.instance * 2 + parity) << NUMBER_BITS
            entry = np.searchsorted(ranges.key, group | (low + HUNDRED - 1), side="right") - 1
            good = (
                (entry >= 0) & (ranges.key[np.maximum(entry, 0)] >= group)
                if len(ranges.key)
                else np.zeros(len(low), bool)
            )
            good[good] = ranges.high[entry[good]] >= low[good]
            held |= good
            parts.append(np.where(good, entry, -1))
        good = np.flatnonzero(held)
        good = good[_best(streets.score[good], streets.instance[good], limit * 2)]
        options = []
        for i in good.tolist():
            instance, hundred = int(streets.instance[i]), int(low[i])
            x, y, reach = numbers.x_m[first[i] : last[i]], numbers.y_m[first[i] : last[i]], 60.0
            if len(x):
                detail = self._detail(int(numbers.place[first[i]]), int(numbers.zip[first[i]]))
            else:
                entry = np.array([part[i] for part in parts if part[i] >= 0])
                segment, half = ranges.segment[entry], np.full(len(entry), 0.5)
                x, y = self._index.lines.at(segment, half, 0.0, half * 0)
                reach = float(self._index.lines.length_m[segment].max()) / 2
                detail = self._detail(int(ranges.place[entry[0]]), int(ranges.zip[entry[0]]))
            mid_x, mid_y = float(np.mean(x)), float(np.mean(y))
            reach = max(reach, float(np.hypot(x - mid_x, y - mid_y).max()))
            hyphenated = bool(self._index.instances.hyphenated[instance])
            label = block_text(hundred, readable(self._name(instance)), hyphenated)
            options.append(
                _Option(
                    float(streets.score[i]), "address", label, detail, mid_x, mid_y,
                    self._radius("block", reach),
                )
            )  # fmt: skip
        return options

    # Crossings

    def _crossings(
        self, sides: tuple[tuple[str, ...], tuple[str, ...]], limit: int, at: tuple[float, float] | None
    ) -> list[_Option]:
        """Streets that meet the first one and suit what is typed of the second."""
        index = self._index
        _, other, pair = self._meets
        mine, slot, score, owner = self._meeting(sides)
        if not len(slot):
            mine, slot, score, owner = self._meeting(sides, slips=True)
        low = np.searchsorted(index.crossings.key, pair[slot])
        if at is not None and len(slot):
            score = score + _nearness(np.hypot(index.crossings.x_m[low] - at[0], index.crossings.y_m[low] - at[1]))
        options = []
        for i in _best(score, slot, limit * 2).tolist():
            label = f"{readable(index.streets.names[owner[i]])} & {readable(index.streets.names[other[slot[i]]])}"
            x, y = self._spot(int(pair[slot[i]]), at)
            options.append(_Option(float(score[i]), "intersection", label, "", x, y, self._radius("intersection", 0.0)))
        if not options:
            found = self._instances(mine, at)
            keep = _best(found.score, found.instance, limit)
            options = [self._street_option(int(found.instance[i]), float(found.score[i]) + NO_CROSSING) for i in keep]
        return options

    def _meeting(
        self, sides: tuple[tuple[str, ...], tuple[str, ...]], *, slips: bool = False
    ) -> tuple[Floats, Ints, Floats, Ints]:
        """How well streets suit the first side; pairs that meet (positions in `_meets`), their scores, the first's name."""
        mine = self._by_name(sides[0], slips=slips)
        theirs = self._by_name(sides[1], slips=slips) if sides[1] else np.zeros(len(mine))
        first, other, _ = self._meets
        names = np.flatnonzero(mine > -np.inf)
        names = names[_best(mine[names] + self._name_importance[names], names, CROSSED_STREETS)]
        count = first[names + 1] - first[names]
        which = np.repeat(np.arange(len(names)), count)
        slot = first[names][which] + np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
        score = mine[names[which]] + theirs[other[slot]]
        score += (self._name_importance[names[which]] + self._name_importance[other[slot]]) / 2
        good = np.flatnonzero(score > -np.inf)
        return mine, slot[good], score[good], names[which[good]]

    def _spot(self, key: int, at: tuple[float, float] | None) -> tuple[float, float]:
        """Where two streets meet: the middle of the nodes of one crossing, the nearest one or else the first."""
        crossings = self._index.crossings
        low, high = np.searchsorted(crossings.key, [key, key + 1])
        x, y = crossings.x_m[low:high], crossings.y_m[low:high]
        seed = int(np.argmin(np.hypot(x - at[0], y - at[1]))) if at is not None else 0
        together = np.hypot(x - x[seed], y - y[seed]) <= CROSSING_TOGETHER_M
        return float(x[together].mean()), float(y[together].mean())

    # Places, areas, ZIP codes

    def _named(self, text: str, limit: int, at: tuple[float, float] | None) -> list[_Option]:
        """Places and areas by their names."""
        named = self._index.named
        typed = loose(_ascii(text))
        if not typed or not named.texts:
            return []
        found = self._place_keys.starting(typed)
        worth = np.where(found.left > 0, NOT_WHOLE, 0.0) + INSIDE * found.inside
        if not len(found.owner):
            found = self._place_keys.nearly(typed)
            worth = SLIP + np.where(found.left > 0, NOT_WHOLE, 0.0) + INSIDE * found.inside
            worth += np.where(found.slip == 0, FIRST_LETTER, 0.0)
        owner = found.owner
        score = worth + np.where(named.area[owner], AREA_WORTH, PLACE_WORTH)
        if at is not None:
            score = score + _nearness(np.hypot(named.x_m[owner] - at[0], named.y_m[owner] - at[1]))
        options = []
        for j in _best(score, owner, limit * 3).tolist():
            i = int(owner[j])
            layer, area, current = self._areas.get(i, ("", "", True))
            is_area = bool(named.area[i])
            options.append(
                _Option(
                    float(score[j]) - (0.0 if current else 0.5), "area" if is_area else "place", readable_words(named.texts[i]),
                    readable_words(layer.replace("_", " ").upper()) if is_area else "", float(named.x_m[i]), float(named.y_m[i]),
                    self._radius("area" if is_area else "place", float(named.reach_m[i])), layer, area,
                )
            )  # fmt: skip
        return options

    def _zip_codes(self, digits: str, limit: int) -> list[_Option]:
        """ZIP codes of the city that begin with three digits or more."""
        if not 3 <= len(digits) <= 5:
            return []
        codes, x, y, reach = self._zips
        scale = 10 ** (5 - len(digits))
        low, high = np.searchsorted(codes, [int(digits) * scale, (int(digits) + 1) * scale])
        worth = PLACE_WORTH + (NOT_WHOLE if len(digits) < 5 else 0.5)
        drawn = (
            {text for i, text in enumerate(self._index.named.texts) if self._index.named.area[i]}
            if high > low
            else set()
        )
        return [
            _Option(worth, "place", zip_text(int(codes[i])), "ZIP", float(x[i]), float(y[i]), float(reach[i]))
            for i in range(low, min(high, low + limit))
            if zip_text(int(codes[i])) not in drawn
        ]


def _mixed(options: list[_Option]) -> list[_Option]:
    """The more of a kind there are before an option, the less it is worth: a park is seen beside ten streets of its name."""
    before: dict[str, int] = {}
    mixed = []
    for option in sorted(options, key=lambda o: -o.score):
        count = before.get(option.kind, 0)
        before[option.kind] = count + 1
        mixed.append(option._replace(score=option.score - MORE_OF_A_KIND * count))
    return mixed


def _ascii(text: str) -> str:
    """A typed name as `folded` writes those of places, accents dropped."""
    return folded(fold(text))


def _keys_of(name: str, owner: int) -> Iterable[Key]:
    """A name from each of its words on, without blanks; an ordinal also in words."""
    words = name.split()
    for at in range(len(words)):
        yield Key("".join(words[at:]), owner, at > 0)
    if words and words[0][0].isdigit() and words[0] in _spelt():
        for spelt in _spelt()[words[0]]:
            yield Key("".join([spelt, *words[1:]]), owner, False)


@lru_cache(maxsize=1)
def _spelt() -> dict[str, list[str]]:
    """'16TH' -> ['SIXTEENTH']."""
    found: dict[str, list[str]] = {}
    for word, number in ORDINALS.items():
        found.setdefault(ordinal(number), []).append(word)
    return found


def _areas(index: Index, vintages: Sequence[Vintage]) -> dict[int, tuple[str, str, bool]]:
    """Layer and code of each area among the names, and whether it is in force still."""
    codes = [(v.layer, str(code), v.valid_to is None) for v in vintages for code in v.areas["area"]]
    where = np.flatnonzero(index.named.area).tolist()
    return dict(zip(where, codes, strict=True)) if codes else {}


def _meets(keys: Ints, names: int) -> tuple[Ints, Ints, Ints]:
    """For each name n (first[n] to first[n + 1]) the names that it meets, and their pair's key."""
    keys = np.unique(keys)
    one, other = keys >> 32, keys & 0xFFFFFFFF
    mine, theirs, pair = np.concatenate([one, other]), np.concatenate([other, one]), np.concatenate([keys, keys])
    order = np.lexsort((theirs, mine))
    return np.searchsorted(mine[order], np.arange(names + 1)), theirs[order], pair[order]


def _suffix_worth(own: str, typed: frozenset[str]) -> float:
    if own in typed:
        return 0.0
    return SUFFIX_OTHER if own else SUFFIX_ABSENT


def _direction_worth(own: tuple[str, str], typed: frozenset[str] | None) -> float:
    mine = {*own} - {""}
    if typed is None:
        return DIRECTION_UNTYPED if mine else 0.0
    if not mine:
        return DIRECTION_ABSENT
    return 0.0 if mine & typed else DIRECTION_OTHER


def _nearness(away_m: Floats) -> Floats:
    """From NEARNESS at a place to nothing far from it."""
    return NEARNESS / (1.0 + away_m / NEAR_M)


def _best(score: Floats, tie: Ints, most: int) -> Ints:
    """Positions of the highest scores, the best first; of equal ones those with the lower `tie`."""
    if len(score) > 4 * most:
        # Everything that may tie with the last one stays in.
        least = np.partition(score, len(score) - most)[len(score) - most]
        some = np.flatnonzero(score >= least)
    else:
        some = np.arange(len(score))
    order = np.lexsort((tie[some], -score[some]))[:most]
    chosen: Ints = some[order]
    return chosen


def _some(streets: _Streets, most: int) -> _Streets:
    """The best of many streets, in the index's order: searches that follow one another then find their way in the cache."""
    if len(streets.instance) <= most:
        return streets
    keep = np.sort(_best(streets.score, streets.instance, most))
    return _Streets(streets.instance[keep], streets.score[keep])


def _none_numbered() -> _Numbered:
    none = np.zeros(0, dtype=np.int64)
    return _Numbered(none, np.zeros(0), none, none, _all(POINT, none))


def _all(how: int, like: Ints) -> NDArray[np.int8]:
    return np.full(len(like), how, dtype=np.int8)
