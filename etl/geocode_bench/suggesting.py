"""Search as you type over a million addresses: what each keystroke costs, and whether the wanted one is soon there.

Charter: seeded typings of addresses, crossings and places, a third of them with a slip; times and ranks of suggestions.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from etl.geocode_bench.city import CRS, City
from etl.geocode_bench.door import Ours
from etl.geocode_bench.figures import Figure
from etl.geocode_bench.measures import metres
from etl.geocode_bench.requests import crossings
from etl.geocode_bench.typos import EDITS, edit
from geo.geocoding.model import Reference

FIRST: Final = 5
_NEAR_M: Final = 60.0
_STOPS: Final = 4
"""Keystrokes that are asked for in each typing; all of them would only repeat their neighbours."""


@dataclass(frozen=True)
class Typing:
    """What somebody wants and types. `enough`: characters after which it should be among the first suggestions."""

    text: str
    enough: int
    kind: str
    slip: bool
    lon: float
    lat: float


def typings(city: City, count: int, seed: int) -> list[Typing]:
    """Seven of ten addresses, two crossings, one a place; a third of all with one slip in the name, after its first letter."""
    rng = random.Random(seed)  # noqa: S311 - a benchmark that must come out the same again
    homes, network = city.homes, city.network
    found = []
    for i in rng.sample(range(len(homes)), min(count * 7 // 10, len(homes))):
        name = str(network.street[homes.segment[i]])
        front = network.house(homes.segment[i], int(homes.number[i])) + " "
        slip = rng.random() < 1 / 3
        found.append(_typing("address", front, name, (homes.lon[i], homes.lat[i]), slip, rng))
    meet = crossings(city, count * 2, seed)
    plain = [i for i in range(len(meet)) if " & " in meet.text[i] and not meet.twin[i]][: count // 5]
    for i in plain:
        first, _, second = meet.text[i].removeprefix("corner of ").partition(" & ")
        slip = rng.random() < 1 / 3
        found.append(_typing("intersection", f"{first} & ", second, (meet.lon[i], meet.lat[i]), slip, rng))
    places = city.places
    for i in rng.sample(range(len(places)), min(count // 10, len(places))):
        slip = rng.random() < 1 / 3
        found.append(_typing("place", "", str(places.name[i]), (places.lon[i], places.lat[i]), slip, rng))
    return found


def _typing(kind: str, front: str, name: str, at: tuple[float, float], slip: bool, rng: random.Random) -> Typing:
    """Four letters of the name (six with a slip among them) are enough, its directional not counted.

    Of a place, whose first word streets have as well, four letters of the second word.
    """
    words = name.split(" ")
    skip = len(words[0]) + 1 if len(words[0]) <= 2 and len(words) > 2 else 0
    head, rest = name[:skip], name[skip:]
    letters = 6 if slip else 4
    beyond = len(words[0]) + 1 if kind == "place" else 0
    if slip:
        changed = edit(rest[1:letters], rng.choice(EDITS), rng)
        rest = rest[0] + (changed or rest[1:letters]) + rest[letters:]
    text = (front + head + rest).lower()
    return Typing(text, min(len(front) + skip + beyond + letters, len(text)), kind, slip, float(at[0]), float(at[1]))


def rank(suggestions: list[Any], wanted: Typing) -> int:
    """The place of the wanted one among the suggestions from 1, 0 where it is not there: one that lies where it does."""
    for place, one in enumerate(suggestions, 1):
        lon, lat = (np.array([float(getattr(one, name))]) for name in ("lon", "lat"))
        if metres(lon, lat, np.array([wanted.lon]), np.array([wanted.lat]))[0] <= _NEAR_M:
            return place
    return 0


def suggest(city: City, count: int, seed: int) -> Iterator[Figure]:
    """Milliseconds a keystroke and shares found, for so many typings."""
    section = f"Search as you type, {len(city.points):,} addresses"
    start = time.perf_counter()
    ours = Ours(Reference(crs=CRS, segments=city.segments, points=city.points, places=city.places))
    yield Figure(section, "built in (segments, points, places)", time.perf_counter() - start, "s")
    wanted = typings(city, count, seed)
    start = time.perf_counter()
    ours.suggest("1")
    yield Figure(section, "first suggestion of all", (time.perf_counter() - start) * 1000, "ms")
    rng = random.Random(seed)  # noqa: S311 - a benchmark that must come out the same again
    took: list[float] = []
    for one in wanted:
        stops = range(1, len(one.text) + 1)
        for length in rng.sample(stops, min(_STOPS, len(stops))):
            start = time.perf_counter()
            ours.suggest(one.text[:length], FIRST)
            took.append((time.perf_counter() - start) * 1000)
    places = np.array([rank(ours.suggest(one.text[: one.enough], FIRST), one) for one in wanted])
    for q in (0.5, 0.95, 0.99):
        high = 30.0 if q == 0.95 else None
        yield Figure(section, f"{q:.0%} of keystrokes within", float(np.quantile(took, q)), "ms", None, high, len(took))
    yield Figure(section, "slowest keystroke", max(took), "ms", n=len(took))
    for kind in ("address", "intersection", "place"):
        for slip in (False, True):
            here = np.array([w.kind == kind and w.slip == slip for w in wanted])
            if here.any():
                name = f"{kind}{', with a slip (6 letters)' if slip else ' (4 letters)'}: among the first {FIRST}"
                yield Figure(section, name, float((places[here] > 0).mean()), "%", n=int(here.sum()))
