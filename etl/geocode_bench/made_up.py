"""The made-up city's own figures: addresses, crossings and dirt of known truth, against segments and against points.

Charter: the same measures as for real cities, on streets that nobody could tune to.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from etl.geocode_bench import measures
from etl.geocode_bench.baseline import Lookup
from etl.geocode_bench.cases import Cases
from etl.geocode_bench.city import CRS, City, Homes, points_of_homes
from etl.geocode_bench.door import Ours
from etl.geocode_bench.figures import Figure
from etl.geocode_bench.requests import beyond, clean, crossings, dirty, joined, streets_of
from etl.geocode_bench.typos import plant
from geo.geocoding.model import Reference

_RIVAL = 5_000
"""So many cases are enough to tell how the slow ways do that a user has instead."""


def accuracy(city: City, count: int, seed: int) -> Iterator[tuple[list[Figure], measures.Judged]]:
    """Addresses and crossings against segments, all ways of dirt against them, and a fifth of homes against the rest."""
    ours = Ours(Reference(crs=CRS, segments=city.segments, places=city.places))
    asked = joined([clean(city, count, seed), crossings(city, count // 2, seed), beyond(city, count // 100, seed)])
    yield _passport("Made-up city: clean addresses and crossings against segments", ours, city, asked)
    filthy = dirty(city, count, seed)
    mine = measures.judge(ours, filthy)
    yield list(_by_label("Made-up city: dirty addresses against segments, by what is wrong", mine)), mine
    homes = city.homes
    out = np.zeros(len(homes), dtype=bool)
    out[np.random.default_rng(seed).permutation(len(homes))[: len(homes) // 5]] = True
    points = points_of_homes(city.network, _some(homes, ~out))
    held = clean(replace(city, homes=_some(homes, out)), count, seed)
    with_points = Ours(Reference(crs=CRS, points=points))
    mine = measures.judge(with_points, held)
    yield list(measures.passport("Made-up city: a fifth of the address points held out", mine, None, real=False)), mine


def _some(homes: Homes, rows: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Homes:
    return Homes(homes.segment[rows], homes.side[rows], homes.number[rows], homes.lon[rows], homes.lat[rows])


def _passport(section: str, ours: Ours, city: City, asked: Cases) -> tuple[list[Figure], measures.Judged]:
    mine = measures.judge(ours, asked)
    few = asked.take(np.sort(np.random.default_rng(0).permutation(len(asked))[:_RIVAL]))
    rival = measures.judge(Lookup(segments=city.segments), few)
    figures = [
        *measures.passport(section, mine, None, real=False),
        *(
            replace(f, name=f"instead, of {len(few):,}: {f.name.strip()}", low=None, high=None)
            for f in [*measures.located(section, rival, None)][:3] + [*measures.errors(section, rival, None)][:2]
        ),
    ]
    return figures, mine


def _by_label(section: str, mine: measures.Judged) -> Iterator[Figure]:
    good, wrong = mine.within(measures.BLOCK_OR_BETTER), mine.confident_wrong()
    n = len(mine.cases)
    yield Figure(section, "located at block or better", measures.share(good), "%", 0.95, None, n)
    yield Figure(section, "score 0.9 or more, but over 200 m off", measures.share(wrong), "%", None, 0.01, n)
    yield Figure(section, "  fit another place as well", measures.share(mine.cases.twin), "%", n=n)
    for label in sorted(set(mine.cases.label.tolist())):
        here = mine.cases.label == label
        of = int(here.sum())
        yield Figure(section, f"  {label}: located", measures.share(good, here), "%", n=of)
        near = measures.share(mine.error_m <= measures.WRONG_M, here)
        yield Figure(section, f"  {label}: within 200 m", near, "%", n=of)
        yield Figure(section, f"  {label}: confident but wrong", measures.share(wrong, here), "%", n=of)
    yield from measures.radii(section, mine, judged=False)
    yield from measures.calibration(section, mine)


def typos(city: City, each: int, seed: int) -> Iterator[tuple[list[Figure], measures.Judged]]:
    """Planted typos, with town and ZIP behind the street and without; only the first is judged."""
    ours, streets = Ours(Reference(crs=CRS, segments=city.segments)), streets_of(city)
    rival = Lookup(segments=city.segments, fuzzy=True)
    asked = clean(city, min(20 * each, len(city.homes)), seed)
    for tail in (True, False):
        planted = plant(asked, streets, seed, each, tail=tail)
        mine = measures.judge(ours, planted)
        section = f"Made-up city: one typo each, {'with town and ZIP' if tail else 'without them'}"
        figures = list(measures.typos(section, mine, measures.judge(rival, planted)))
        yield (figures if tail else [replace(f, low=None, high=None) for f in figures]), mine
