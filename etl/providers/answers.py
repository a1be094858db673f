"""What services answer, and what that is worth: from candidates to Located.

Charter: the table of grades and how several candidates become one result with alternatives. The grades are NOT
calibrated on the city's records, as those of the city's own geocoder are: they are careful guesses by what each service
says of its own match, and all stay below the 0.9 from which a result counts as confident. The radius is never smaller
than what the service says the thing found extends to. Candidates are kept ungraded, so that better grades need no
asking again.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from geo.geocoding.model import METHODS, Alternative, Located, Method
from geo.geocoding.results import nothing

Box = tuple[float, float, float, float]
"""West, south, east, north in degrees."""

METRES_A_DEGREE: Final = 111_195.0
APART_M: Final = 100.0
"""Candidates of one kind that lie nearer than this are the same place."""
MOST_CANDIDATES: Final = 10
LONGEST_MATCHED: Final = 300


class Candidate(NamedTuple):
    """A place that a service offers. `kind`: a key of GRADES for that service; `reach_m`: how far it extends, 0 unknown.

    `trust`: what the service itself gives it, 1 where it says nothing; `lon`, `lat` in EPSG:4326.
    """

    kind: str
    matched: str
    lon: float
    lat: float
    zip: str = ""
    reach_m: float = 0.0
    trust: float = 1.0


Answer = tuple[Candidate, ...]
"""Candidates, best first; empty: the service knows no such address."""


class Grade(NamedTuple):
    """What a kind of match is worth; `corrected`: the service changed the address to find it."""

    method: Method
    score: float
    radius_m: float
    corrected: bool = False


GRADES: Final[Mapping[str, Mapping[str, Grade]]] = {
    "census": {
        "exact": Grade("address_range", 0.85, 300),
        "non_exact": Grade("address_range", 0.6, 800, corrected=True),
        "tie": Grade("address_range", 0.8, 500),
    },
    "nominatim": {
        "house": Grade("address_point", 0.85, 100),
        "interpolated": Grade("address_range", 0.7, 300),
        "place": Grade("place", 0.6, 300),
        "street": Grade("street", 0.5, 1_000),
        "other_number": Grade("street", 0.3, 1_500),
        "area": Grade("area", 0.3, 5_000),
    },
    "pelias": {
        "house": Grade("address_point", 0.85, 100),
        "centroid": Grade("address_point", 0.7, 200),
        "interpolated": Grade("address_range", 0.7, 300),
        "intersection": Grade("intersection", 0.7, 200),
        "place": Grade("place", 0.6, 300),
        "street": Grade("street", 0.5, 1_000),
        "fallback_street": Grade("street", 0.4, 1_000, corrected=True),
        "other_number": Grade("street", 0.3, 1_500),
        "area": Grade("area", 0.3, 5_000),
    },
}
"""By service and kind of match: method, score and radius in metres. Ties share the score between them."""


def usable(lon: Any, lat: Any) -> tuple[float, float] | None:
    """The coordinates as numbers; None if they are none, lie outside the world, or are the null point."""
    if isinstance(lon, bool) or isinstance(lat, bool):
        return None
    try:
        x, y = float(lon), float(lat)
    except (TypeError, ValueError, OverflowError):
        return None
    inside = math.isfinite(x) and math.isfinite(y) and abs(x) <= 180 and abs(y) <= 90
    return (x, y) if inside and (x, y) != (0.0, 0.0) else None


def reach(west: Any, south: Any, east: Any, north: Any) -> float:
    """Half the diagonal of a box in metres; 0 if it is not a box."""
    low, high = usable(west, south), usable(east, north)
    return apart(low, high) / 2 if low and high else 0.0


def apart(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Metres between two points (lon, lat), well enough for a city."""
    east = (one[0] - other[0]) * math.cos(math.radians((one[1] + other[1]) / 2))
    return METRES_A_DEGREE * math.hypot(east, one[1] - other[1])


def written(answer: Answer) -> str:
    """An answer as text for the cache."""
    return json.dumps([list(c) for c in answer[:MOST_CANDIDATES]], ensure_ascii=False, separators=(",", ":"))


def read(text: str) -> Answer | None:
    """An answer from its text; None if it is not one."""
    try:
        return tuple(_candidate(*fields) for fields in json.loads(text))
    except (ValueError, TypeError, RecursionError):
        return None


def _candidate(kind: str, matched: str, lon: float, lat: float, zip: str, reach_m: float, trust: float) -> Candidate:
    if usable(lon, lat) is None or not all(isinstance(s, str) for s in (kind, matched, zip)):
        raise ValueError("not a candidate")
    return Candidate(kind, matched, float(lon), float(lat), zip, float(reach_m), float(trust))


def located(service: str, answers: Sequence[Answer | None], inside: Box | None = None) -> Located:
    """Results of one service, one entry an answer; None and () are not found. Candidates outside of `inside` are dropped.

    The service's own order counts, but a surer method goes before a vaguer one. Others of the same kind that lie
    elsewhere are alternatives, and the score is shared between them all.
    """
    found = nothing(len(answers))
    alternatives: dict[int, tuple[Alternative, ...]] = {}
    for i, answer in enumerate(answers):
        graded = [(c, g) for c in answer or () if (g := GRADES[service].get(c.kind)) and _within(c, inside)]
        if not graded:
            continue
        best = min(graded, key=lambda pair: METHODS.index(pair[1].method))
        tied = _tied(best, graded)
        (first, grade), *others = tied
        found.method[i] = METHODS.index(grade.method)
        found.score[i] = _score(first, grade, len(tied))
        found.radius_m[i] = max(grade.radius_m, first.reach_m)
        found.lon[i], found.lat[i] = first.lon, first.lat
        found.matched[i], found.zip[i] = first.matched, first.zip
        found.corrected[i] = grade.corrected
        if others:
            alternatives[i] = tuple(
                Alternative(c.matched, g.method, _score(c, g, len(tied)), c.lon, c.lat) for c, g in others
            )
    return Located(
        found.method, found.score, found.radius_m, found.lon, found.lat, found.matched, found.corrected, found.zip,
        alternatives,
    )  # fmt: skip


def _within(candidate: Candidate, box: Box | None) -> bool:
    return box is None or (box[0] <= candidate.lon <= box[2] and box[1] <= candidate.lat <= box[3])


def _tied(best: tuple[Candidate, Grade], graded: Sequence[tuple[Candidate, Grade]]) -> list[tuple[Candidate, Grade]]:
    kept = [best]
    for candidate, grade in graded:
        here = (candidate.lon, candidate.lat)
        if grade.method == best[1].method and all(apart(here, (c.lon, c.lat)) > APART_M for c, _ in kept):
            kept.append((candidate, grade))
    return kept


def _score(candidate: Candidate, grade: Grade, among: int) -> float:
    trust = candidate.trust if 0 <= candidate.trust <= 1 else 0.0
    return min(grade.score, trust) / among
