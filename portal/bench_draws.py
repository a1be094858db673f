"""What the benchmarks of the portal ask for: random selections, and tiles at places where requests are.

Charter: random draws from what a release has; nothing is timed here.
"""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any, Final

from geo.tiles import GRID_BITS, Tile
from portal import queries
from portal.age import USUAL, Age
from portal.release import Release
from portal.selection import COLUMNS, Selection

MAX_KEYS: Final = 4
_SAMPLE: Final = 2000

Places = list[tuple[int, int]]
"""`gx, gy` of requests."""


def random_selection(release: Release, rng: random.Random, age: bool = False) -> Selection:
    """A selection of zero to four keys, weak ones (a status) and strong ones (a service) alike, values that occur.

    `age`: that too, which SQL of another database does not know.
    """
    layers_ = [layer.layer for layer in release.layers]
    changes: dict[str, Any] = {}
    for key in rng.sample([*COLUMNS, *layers_, "dates", *(["age"] if age else [])], rng.randint(0, MAX_KEYS)):
        if key == "dates":
            end = release.as_of.date() - timedelta(days=rng.randint(0, 700))
            changes |= {"from_date": end - timedelta(days=rng.choice([30, 365, 1000])), "to_date": end}
            continue
        if key == "age":
            changes["age"] = Age.read(rng.choice(USUAL), release.as_of)
            continue
        values = [choice.value for choice in queries.choices(release, key) if choice.requests]
        if not values:
            continue
        chosen = tuple(rng.sample(values, min(rng.choice([1, 1, 1, 2, 5]), len(values))))
        if key in COLUMNS:
            changes[key] = chosen
        else:
            changes["area"] = (*changes.get("area", ()), *((key, value) for value in chosen))
    return Selection(**changes)


def places(release: Release, seed: int) -> Places:
    """Where some of the requests are; empty where none has a place."""
    return release.query(
        f"SELECT gx, gy FROM requests WHERE gx IS NOT NULL USING SAMPLE {_SAMPLE} ROWS (reservoir, {seed})"  # noqa: S608
    )


def random_tile(known: Places, z: int, rng: random.Random) -> Tile:
    """A tile that holds requests, more often one where there are more."""
    gx, gy = rng.choice(known)
    return Tile(z, gx >> (GRID_BITS - z), gy >> (GRID_BITS - z))
