"""What a user would do instead: parse with usaddress, look the street and the number up; rapidfuzz for a bad spelling.

Charter: a fair, short script of some twenty lines' worth of thought; it answers in the shape of Located so that it is
judged by the same measures. It claims a score of 1 for all that it finds, as a plain lookup does.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final

import numpy as np
import shapely
import usaddress
from rapidfuzz import process

from etl.geocode_bench.cases import SUFFIXES, strict_crossing, tidy
from geo.geocoding.model import METHODS, Located, Points, Segments

_SHORT: Final = {full: short for short, full in SUFFIXES.items()}
_STREET_TAGS: Final = (
    "StreetNamePreDirectional", "StreetNamePreType", "StreetName", "StreetNamePostType", "StreetNamePostDirectional",
)  # fmt: skip
_Hit = tuple[str, float, float]


def key(street: str) -> str:
    """A street's name in upper case with the short form of its last word, where that is a suffix."""
    words = tidy(street).replace(".", "").replace(",", "").split()
    if words:
        words[-1] = _SHORT.get(words[-1], words[-1])
    return " ".join(words)


class Lookup:
    """usaddress, then an exact dictionary of streets; with `fuzzy`, the nearest full name by rapidfuzz where there is none."""

    def __init__(self, *, segments: Segments | None = None, points: Points | None = None, fuzzy: bool = False) -> None:
        self.fuzzy = fuzzy
        self._ranges: dict[str, list[tuple[int, int, int, bool]]] = defaultdict(list)
        self._points: dict[tuple[str, int], int] = {}
        self._ends: dict[str, set[tuple[float, float]]] = defaultdict(set)
        self._segments, self._of_points = segments, points
        if segments is not None:
            self._read_segments(segments)
        if points is not None:
            for i, (street, number) in enumerate(zip(points.street, points.number, strict=True)):
                self._points.setdefault((key(street), int(number)), i)
        self._names = sorted({*self._ranges, *(name for name, _ in self._points)})
        self._known = set(self._names)

    def _read_segments(self, segments: Segments) -> None:
        for i in range(len(segments)):
            name = key(segments.street[i])
            ends = shapely.get_coordinates(segments.geometry[i])[[0, -1]]
            self._ends[name] |= {(round(float(x), 6), round(float(y), 6)) for x, y in ends}
            for start, end in ((segments.left_from, segments.left_to), (segments.right_from, segments.right_to)):
                a, b = int(start[i]), int(end[i])
                if a or b:
                    self._ranges[name].append((min(a, b), max(a, b), i, a > b))

    def __call__(self, texts: list[str]) -> Located:
        """One result a text."""
        n = len(texts)
        method = np.zeros(n, dtype=np.int8)
        lon, lat, radius = np.full(n, np.nan), np.full(n, np.nan), np.full(n, np.nan)
        for i, text in enumerate(texts):
            hit = self._one(text)
            if hit is not None:
                method[i], lon[i], lat[i] = METHODS.index(hit[0]), hit[1], hit[2]
        none, no = np.full(n, None, dtype=object), np.zeros(n, dtype=bool)
        return Located(method, (method > 0).astype(float), radius, lon, lat, none, no, np.full(n, "", dtype=object))

    def _one(self, text: str) -> _Hit | None:
        pair = strict_crossing(text)
        if pair is not None:
            common = self._ends.get(key(pair[0]), set()) & self._ends.get(key(pair[1]), set())
            return ("intersection", *min(common)) if common else None
        try:
            tags: dict[str, Any] = usaddress.tag(text)[0]
        except usaddress.RepeatedLabelError:
            return None
        digits = str(tags.get("AddressNumber", "")).split("-")[0]
        street = key(" ".join(str(tags[t]) for t in _STREET_TAGS if t in tags))
        if not digits.isdigit() or not street or len(digits) > 9:
            return None
        if street not in self._known and self.fuzzy:
            near = process.extractOne(street, self._names, score_cutoff=70)
            street = near[0] if near else street
        return self._at(street, int(digits))

    def _at(self, street: str, number: int) -> _Hit | None:
        point = self._points.get((street, number))
        if point is not None and self._of_points is not None:
            return "address_point", float(self._of_points.lon[point]), float(self._of_points.lat[point])
        for low, high, i, down in self._ranges.get(street, ()):
            if low <= number <= high and self._segments is not None and (number - low) % 2 == 0:
                part = (number - low) / (high - low) if high > low else 0.5
                line = self._segments.geometry[i]
                at = shapely.line_interpolate_point(line, 1 - part if down else part, normalized=True)
                return "address_range", float(at.x), float(at.y)
        return None
