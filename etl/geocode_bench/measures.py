"""From results and truth to figures: shares located, errors, wrong areas, confident mistakes, radii, calibration.

Charter: counts; the limits are those of the issue. Distances are metres on the sphere, good to half a percent.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from etl.geocode_bench.cases import Cases
from etl.geocode_bench.figures import Figure
from geo.crs import Floats
from geo.geocoding.model import METHODS, Located

WRONG_M: Final = 200.0
CONFIDENT: Final = 0.9
DRAWN: Final = 0.5
"""Results of a lower score get no point and no area by the default policy (min_score)."""
ADDRESS_LEVEL: Final = ("address_point", "address_range", "between_points")
BLOCK_OR_BETTER: Final = (*ADDRESS_LEVEL, "intersection", "block")
BINS: Final = (0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 1.0)
_FEW: Final = 200
"""Below so many results, the coverage of a radius says too little to be judged."""


class Answers(Protocol):
    """What is judged: anything that answers in the shape of Located."""

    def __call__(self, texts: list[str]) -> Located:
        """One result a text."""


@dataclass(frozen=True)
class Judged:
    """Cases beside their results. `error_m`: NaN where nothing was found; `at`: the results' methods by name."""

    cases: Cases
    found: Located
    error_m: Floats
    at: NDArray[np.object_]

    def within(self, methods: tuple[str, ...]) -> NDArray[np.bool_]:
        """Which results are by one of the methods."""
        return np.isin(self.at.astype(str), methods)

    def drawn(self) -> NDArray[np.bool_]:
        """Which results a release would use."""
        return self.found.score >= DRAWN

    def confident_wrong(self) -> NDArray[np.bool_]:
        """Which results claim a score of 0.9 or more and lie over 200 m off."""
        return (self.found.score >= CONFIDENT) & (self.error_m > WRONG_M)


def metres(lon: Floats, lat: Floats, to_lon: Floats, to_lat: Floats) -> Floats:
    """Great-circle distances in metres between points in EPSG:4326 (haversine, mean radius of the Earth 6,371,008.8 m)."""
    a, b = np.radians(lat), np.radians(to_lat)
    half = np.sin((b - a) / 2) ** 2 + np.cos(a) * np.cos(b) * np.sin(np.radians(to_lon - lon) / 2) ** 2
    distance: Floats = 2 * 6_371_008.8 * np.arcsin(np.sqrt(np.clip(half, 0, 1)))
    return distance


def judge(answers: Answers, cases: Cases) -> Judged:
    """Ask for all cases at once and measure how far the results lie from the truth."""
    found = answers(cases.text)
    if len(found) != len(cases):
        raise AssertionError(f"{len(found)} results for {len(cases)} addresses")
    return Judged(cases, found, metres(found.lon, found.lat, cases.lon, cases.lat), found.methods())


def share(yes: NDArray[np.bool_], of: NDArray[np.bool_] | None = None) -> float:
    """The share of `yes` among `of` (all); NaN of nothing."""
    chosen = yes if of is None else yes[of]
    return float(chosen.mean()) if chosen.size else math.nan


def _quantile(values: Floats, q: float) -> float:
    return float(np.quantile(values, q)) if values.size else math.nan


def located(section: str, mine: Judged, rival: Judged | None) -> Iterator[Figure]:
    """Shares located at block or better, by the kind of address."""
    cases, good = mine.cases, mine.within(BLOCK_OR_BETTER)
    other = rival.within(BLOCK_OR_BETTER) if rival else None

    def one(name: str, of: NDArray[np.bool_], low: float | None) -> Figure:
        instead = share(other, of) if other is not None else math.nan
        return Figure(section, name, share(good, of), "%", low=low, n=int(of.sum()), rival=instead)

    well, crossing = cases.well_formed, cases.kind == "intersection"
    yield one("located at block or better: well-formed", well, 0.995)
    yield one("located at block or better: all non-empty", np.ones(len(cases), dtype=bool), 0.95)
    if crossing.any():
        yield one("located: intersections", crossing, 0.97)
    for method in METHODS:
        here = mine.at == method
        if here.any():
            instead = share(rival.at == method) if rival else math.nan
            yield Figure(section, f"  method {method}", share(here), "%", n=int(here.sum()), rival=instead)


def errors(section: str, mine: Judged, rival: Judged | None) -> Iterator[Figure]:
    """Median and 90% error of address-level results; that of crossings and blocks to inform."""
    level = mine.error_m[mine.within(ADDRESS_LEVEL)]
    other = rival.error_m[rival.within(ADDRESS_LEVEL)] if rival else np.empty(0)
    yield Figure(section, "median error, address-level", _quantile(level, 0.5), "m", None, 15.0, level.size,
                 _quantile(other, 0.5))  # fmt: skip
    yield Figure(section, "90% of errors within, address-level", _quantile(level, 0.9), "m", None, 35.0, level.size,
                 _quantile(other, 0.9))  # fmt: skip
    for method in METHODS[1:]:
        values = mine.error_m[mine.at == method]
        if values.size:
            yield Figure(section, f"  median error, {method}", _quantile(values, 0.5), "m", n=values.size)
            yield Figure(section, f"  95% of errors within, {method}", _quantile(values, 0.95), "m", n=values.size)


def confident(section: str, mine: Judged, rival: Judged | None, high: float = 0.005) -> Iterator[Figure]:
    """Confident but wrong, among all cases; and without those whose truth contradicts the address by itself."""
    wrong = mine.confident_wrong()
    instead = share(rival.confident_wrong()) if rival else math.nan
    yield Figure(section, "score 0.9 or more, but over 200 m off", share(wrong), "%", None, high, len(mine.cases),
                 instead)  # fmt: skip
    fair = ~mine.cases.doubtful
    if not fair.all():
        yield Figure(section, "  without truths that contradict their address", share(wrong, fair), "%", None, high,
                     int(fair.sum()))  # fmt: skip
    sure = mine.found.score >= CONFIDENT
    yield Figure(section, "  score 0.9 or more", share(sure), "%", n=int(sure.sum()))


def radii(section: str, mine: Judged, *, judged: bool = True) -> Iterator[Figure]:
    """How often the truth lies within the stated radius, by method; judged where there are enough results.

    Judged are the results that are drawn: what radius holds 95% of guesses of a wrong street, no radius can say. Where
    the errors of the truth are made up, they can only inform: `judged` is False.
    """
    for method in METHODS[1:]:
        here = mine.at == method
        n = int(here.sum())
        if n:
            used = here & mine.drawn()
            inside = share(mine.error_m <= mine.found.radius_m, used)
            low, high = (0.93, 0.97) if judged and used.sum() >= _FEW else (None, None)
            yield Figure(section, f"95% radius holds, {method}", inside, "%", low, high, int(used.sum()))
            if used.sum() < n:
                every = share(mine.error_m <= mine.found.radius_m, here)
                yield Figure(section, f"  scores under {DRAWN} among them, {method}", every, "%", n=n)
            radius = _quantile(mine.found.radius_m[here], 0.5)
            yield Figure(section, f"  median radius, {method}", radius, "m", n=n)


def calibration(section: str, mine: Judged) -> Iterator[Figure]:
    """By bins of the score: the share right (within 200 m) beside the score that was claimed, which stands as 'instead'."""
    score, right = mine.found.score, mine.error_m <= WRONG_M
    answered = mine.at != "none"
    gap, total = 0.0, int(answered.sum())
    for low, high in itertools.pairwise(BINS):
        here = answered & (score >= low) & ((score < high) if high < 1 else (score <= 1))
        n = int(here.sum())
        if n:
            claimed = float(score[here].mean())
            gap += n / total * abs(share(right, here) - claimed)
            name = f"  right, score {low:.2f} to {high:.2f} (instead: claimed)"
            yield Figure(section, name, share(right, here), "%", n=n, rival=claimed)
    yield Figure(section, "mean gap between claimed and right", gap if total else math.nan, "%", n=total)


AreaOf = Callable[[Floats, Floats], NDArray[np.object_]]
"""Points in EPSG:4326 to the codes of their areas, None outside."""


def areas(
    section: str, mine: Judged, area_of: AreaOf, border_m: Callable[[Floats, Floats], Floats]
) -> Iterator[Figure]:
    """Wrong areas among results at block or better whose truth is in an area; and how many of those are at a border."""
    truth = area_of(mine.cases.lon, mine.cases.lat)
    there = area_of(mine.found.lon, mine.found.lat)
    inside = np.array([t is not None for t in truth], dtype=bool)
    located = mine.within(BLOCK_OR_BETTER) & inside
    asked = located & mine.drawn()
    wrong = located & np.array([t != f for t, f in zip(truth, there, strict=True)], dtype=bool)
    yield Figure(section, "wrong neighborhood", share(wrong, asked), "%", None, 0.007, int(asked.sum()))
    yield Figure(section, f"  scores under {DRAWN} among them", share(wrong, located), "%", n=int(located.sum()))
    wrong &= asked
    near = border_m(mine.cases.lon[wrong], mine.cases.lat[wrong]) <= 20
    yield Figure(section, "  of the wrong, truth within 20 m of a border", share(near), "%", n=int(wrong.sum()))
    fair = asked & ~mine.cases.doubtful
    if fair.sum() < asked.sum():
        yield Figure(
            section,
            "  without truths that contradict their address",
            share(wrong, fair),
            "%",
            None,
            0.007,
            int(fair.sum()),
        )


def passport(section: str, mine: Judged, rival: Judged | None, *, real: bool = True) -> Iterator[Figure]:
    """All figures of one set of cases but those of areas; `real`: the errors of its truth are those of a real city."""
    yield from located(section, mine, rival)
    yield from errors(section, mine, rival)
    yield from confident(section, mine, rival)
    yield from radii(section, mine, judged=real)
    yield from calibration(section, mine)


def typos(section: str, mine: Judged, rival: Judged | None) -> Iterator[Figure]:
    """Located and confidently wrong, together and by the kind of mistake; cases that name a twin are counted in all."""
    good, wrong, twin, label = mine.within(BLOCK_OR_BETTER), mine.confident_wrong(), mine.cases.twin, mine.cases.label
    other = rival.within(BLOCK_OR_BETTER) if rival else None
    other_wrong = rival.confident_wrong() if rival else None
    instead = share(other) if other is not None else math.nan
    instead_wrong = share(other_wrong) if other_wrong is not None else math.nan
    n = len(mine.cases)
    yield Figure(section, "located at block or better", share(good), "%", 0.95, None, n, instead)
    yield Figure(section, "score 0.9 or more, but over 200 m off", share(wrong), "%", None, 0.01, n, instead_wrong)
    yield Figure(section, "  within 200 m of the truth", share(mine.error_m <= WRONG_M), "%", n=n)
    yield Figure(section, "  typos that name another real street with the number", share(twin), "%", n=n)
    yield Figure(section, "  confident but wrong without these", share(wrong, ~twin), "%", n=int((~twin).sum()))
    for kind in dict.fromkeys(label.tolist()):
        here = label == kind
        of = int(here.sum())
        alike = share(other, here) if other is not None else math.nan
        yield Figure(section, f"  {kind}: located", share(good, here), "%", n=of, rival=alike)
        yield Figure(section, f"  {kind}: confident but wrong", share(wrong, here), "%", n=of)
        yield Figure(section, f"  {kind}: names a twin", share(twin, here), "%", n=of)


def worst(mine: Judged, count: int = 40, *, confident_only: bool = False) -> Iterator[str]:
    """The results farthest from their truth, as lines to be checked by hand; or only those of a score of 0.9 or more."""
    apart = np.flatnonzero(mine.confident_wrong() if confident_only else np.isfinite(mine.error_m))
    for i in apart[np.argsort(-mine.error_m[apart], kind="stable")][:count]:
        truth = f"{mine.cases.lat[i]:.5f},{mine.cases.lon[i]:.5f}"
        result = f"{mine.found.lat[i]:.5f},{mine.found.lon[i]:.5f} {mine.at[i]} {mine.found.score[i]:.2f}"
        mark = " (truth contradicts address)" if mine.cases.doubtful[i] else ""
        text = mine.cases.text[i].strip()[:90]
        yield f"{mine.error_m[i]:>9,.0f} m  {text}  truth {truth}  found {result} {mine.found.matched[i]}{mark}"


def missed(mine: Judged, count: int = 40) -> Iterator[str]:
    """Well-formed addresses that were not located at block or better."""
    rows = np.flatnonzero(mine.cases.well_formed & ~mine.within(BLOCK_OR_BETTER))[:count]
    yield from (f"{mine.at[i]:>9}  {mine.cases.text[i].strip()[:100]}" for i in rows)
