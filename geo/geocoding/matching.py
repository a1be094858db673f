"""From readings to places: every street that a text may mean, every place where its number may be, and the likeliest.

Charter: plain names first, names that are only like the typed one for what is doubtful after that; composes `streets`,
`housenumbers`, `meetings` and `hits`, and says in words what was found.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import pandas as pd
from rapidfuzz import fuzz, process

from geo.crs import Floats, to_wgs84
from geo.geocoding.asked import Asked, asked_of
from geo.geocoding.hits import CODE, Best, Bools, Hits, Spot
from geo.geocoding.housenumbers import HUNDRED, INSET_M, NAME_OF_PLACE, OFFSET_M, HouseNumbers, Pairs, ramp
from geo.geocoding.index import Index, folded
from geo.geocoding.meetings import CROSSING_TOGETHER_M, Meetings
from geo.geocoding.model import METHODS, NO_STREET, Alternative, Ints, Located, Objects, Readings, Rest
from geo.geocoding.parsers import Parser
from geo.geocoding.passport import Passport
from geo.geocoding.results import joined
from geo.geocoding.streets import SUFFIX_ADDED, Candidate

__all__ = ["CODE", "CROSSING_TOGETHER_M", "HUNDRED", "INSET_M", "OFFSET_M", "Matcher"]

DOUBTFUL: Final = -3.0
"""Below this, or with a posterior under SETTLED, names that are only like the typed one are looked at as well."""
SETTLED: Final = 0.97

AT_ONCE: Final = 50_000
"""Addresses worked on together: memory stays flat however long the list, and shorter arrays stay in the cache."""


class Matcher:
    """Finds addresses in an index. Reads only, so that threads may share it."""

    def __init__(self, index: Index, parser: Parser, passport: Passport) -> None:
        """Match with a city's index and the passport's calibration."""
        self._index, self._parser, self._passport = index, parser, passport
        self._numbers, self._meetings = HouseNumbers(index), Meetings(index)

    def locate(
        self, texts: Sequence[str | None] | Objects, zips: Sequence[str] | None = None,
        places: Sequence[str] | None = None,
    ) -> Located:  # fmt: skip
        """Places for addresses; `zips` and `places` (town or neighborhood) as the source states them beside the text."""
        if len(texts) <= AT_ONCE:
            return self._locate(texts, zips, places)
        parts = [slice(first, first + AT_ONCE) for first in range(0, len(texts), AT_ONCE)]
        return joined(
            [
                self._locate(texts[p], None if zips is None else zips[p], None if places is None else places[p])
                for p in parts
            ]
        )

    def _locate(
        self, texts: Sequence[str | None] | Objects, zips: Sequence[str] | None, places: Sequence[str] | None
    ) -> Located:
        readings = self._parser.read_many(texts)
        asked = asked_of(self._index, readings, zips, places)
        n = len(readings)
        best = Best.none(n)
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

    def _round(self, rows: Ints, readings: Readings, asked: Asked, best: Best, *, near: bool) -> None:
        """Find and choose for some rows, by plain names or by those that are near as well."""
        hits = Hits.none()
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
            self._meetings.find(rests[i], rows[unnumbered[at]], asked, hits, near)
        if near:
            lost = np.flatnonzero(~hits.settled(len(readings))[rows])
            for i, at in _groups(rest_rows[lost]):
                self._place(rests[i], rows[lost[at]], hits)
        best.choose(hits.columns())

    def _candidates(self, rest: Rest, near: bool) -> list[Candidate]:
        streets = self._index.streets
        return streets.near(rest.street, rest.others) if near else streets.plain(rest.street, rest.others)

    def _streets(
        self, rows: Ints, rests: Sequence[Rest], rest_rows: Ints, wanted: Bools, asked: Asked, hits: Hits, near: bool
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
        instance = first[names[candidate]] + ramp(per_name)
        per_rest = np.add.reduceat(np.append(per_name, 0), np.append(np.cumsum(counts) - counts, len(names))[:-1]) * (
            counts > 0
        )
        offset = np.cumsum(per_rest) - per_rest
        per_row = per_rest[rest_rows]
        pair_row = np.repeat(np.arange(len(rows)), per_row)
        at = offset[rest_rows[pair_row]] + ramp(per_row)
        row = rows[pair_row]
        number = np.where(index.instances.hyphenated[instance[at]], asked.composite[row], asked.number[row])
        pairs = Pairs(
            row,
            instance[at],
            number,
            np.array(likelihood)[candidate[at]],
            np.array(corrected, dtype=bool)[candidate[at]],
        )
        bare = asked.number[row] < 0
        blocks = asked.block[row] & ~bare
        of_place = np.array([r.kind == "place" for r in rests], dtype=bool)[rest_rows[pair_row]]
        self._numbers.street_level(pairs.take(bare & ~of_place), hits, 0.0)
        self._numbers.street_level(pairs.take(bare & of_place & (pairs.likelihood > SUFFIX_ADDED)), hits, NAME_OF_PLACE)
        if blocks.any():
            self._numbers.blocks(pairs.take(blocks), asked, hits)
        self._numbers.find(pairs.take(~bare & ~blocks), asked, hits)

    def _place(self, rest: Rest, rows: Ints, hits: Hits) -> None:
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
                spot = Spot(*at, how, -2 - i, False, -1, float(named.reach_m[i]))
                hits.spot(rows, spot, "area" if named.area[i] else "place")
            if whom:
                return

    def _located(self, readings: Readings, asked: Asked, best: Best) -> Located:
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

    def _matched(self, readings: Readings, asked: Asked, best: Best) -> Objects:
        index = self._index
        texts = np.array([*(name.text() for name in index.streets.names), None], dtype=object)
        matched = texts[np.where(best.name >= 0, best.name, len(texts) - 1)]
        numbered = np.flatnonzero(
            (best.method > 0) & (best.name >= 0) & (asked.number >= 0) & (best.method != CODE["street"])
        )
        suffixed = np.array([bool(rest.number_suffix) for rest in readings.rests], dtype=bool)[readings.rest]
        unusual = asked.block | readings.hyphen | (readings.number_suffix != "") | suffixed
        bare = numbered[~unusual[numbered]]
        matched[bare] = [
            f"{number} {name}" for number, name in zip(asked.number[bare].tolist(), matched[bare].tolist(), strict=True)
        ]
        for row in numbered[unusual[numbered]].tolist():
            matched[row] = f"{self._number_text(readings, asked, row)} {matched[row]}"
        special = np.flatnonzero((best.cross >= 0) | (best.name < -1))
        parts = (special, best.method[special], best.name[special], best.cross[special])
        for at, method, name, cross in zip(*(part.tolist() for part in parts), strict=True):
            matched[at] = self._text(readings, asked, at, method, name, cross)
        return matched

    def _alternatives(
        self, readings: Readings, asked: Asked, best: Best, score: Floats
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

    def _number_text(self, readings: Readings, asked: Asked, row: int) -> str:
        if asked.block[row]:
            if readings.hyphen[row] and readings.number_second[row] == 0:
                return f"{readings.number_first[row]}-00 BLOCK OF"  # of a street with numbers like 120-55
            return f"{asked.number[row] // HUNDRED * HUNDRED} BLOCK OF"
        if readings.hyphen[row]:
            first, second = readings.number_first[row], readings.number_second[row]
            return f"{first}-{second:02d}" if second < 10 <= first else f"{first}-{second}"
        letter = readings.number_suffix[row] or readings.rests[readings.rest[row]].number_suffix
        return f"{asked.number[row]}{' ' if letter == '1/2' else ''}{letter}"

    def _text(self, readings: Readings, asked: Asked, row: int, method: int, name: int, cross: int) -> str:
        """A place as the reference writes it."""
        names = self._index.streets.names
        if name < -1:
            return self._index.named.texts[-2 - name]
        if cross >= 0:
            return f"{names[name].text()} & {names[cross].text()}"
        if asked.number[row] >= 0 and method != CODE["street"]:
            return f"{self._number_text(readings, asked, row)} {names[name].text()}"
        return names[name].text()


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
