"""How response and reporting of areas go with who lives there, within service type.

Areas are compared within cells: a cell is a service type, or a service type at one span of waiting. The events of a
cell (closings, late requests, requests) happen at a rate of its own, times exp(slope * measure) of the area, times what
makes an area differ for reasons that nobody measured. So no area is compared with another one for asking for other
services, and open requests count for as long as they have waited.

Sources: Holford (1980) for closings as events per time at risk; Breslow (1984) for the variance between areas beyond
chance, Carroll & Ruppert (1982) for finding it; Liang & Zeger (1986) for the variance of the slope; Bonett & Wright
(2000) for the interval of a rank correlation; Fuller (1987) for what an uncertain measure does to a slope; Robinson
(1950) for why none of this tells about single people.

Charter: counts by area and cell in, figures out. An area is described, nobody who lives in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from scipy.stats import t as student

from portal.figures.kaplan_meier import Z95

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MIN_AREAS = 8
"""Below this many areas nothing is said of an association."""

Z90 = 1.6448536269514722
"""Two-sided 90% point of the normal distribution: the level of a census's margins of error."""

_ROUNDS = 60
_STEEPEST = 5.0
"""A slope beyond this, for one standard deviation, is of areas that are told apart without overlap: it has no end."""

_FARTHEST = 30.0
"""No exponent is let further from 0."""


@dataclass(frozen=True)
class Slope:
    """Log of the ratio of events for one unit more of the measure, with its 95% interval; NaN where it cannot be told.

    `between` is the variance between areas, of the log of their ratios, that neither chance nor the measure explains.
    """

    slope: float
    low: float
    high: float
    between: float
    areas: int

    @property
    def known(self) -> bool:
        """Whether there is a slope to show."""
        return bool(np.isfinite([self.slope, self.low, self.high]).all())


@dataclass(frozen=True)
class Correlation:
    """Spearman's rank correlation with its 95% interval; NaN where it cannot be told."""

    rho: float
    low: float
    high: float


def expected_events(events: NDArray[Any], exposure: NDArray[Any]) -> Floats:
    """Events that each area would have at the rates of all of them together: shape (areas,), same total as `events`.

    Both of shape (areas, cells); `exposure` is what the events come from: time at risk, requests that came due, people.
    """
    happened, at_risk = _checked(events, exposure)
    total = at_risk.sum(axis=0)
    rate = np.divide(happened.sum(axis=0), total, out=np.zeros_like(total), where=total > 0)
    expected: Floats = at_risk @ rate
    return expected


def association(events: NDArray[Any], exposure: NDArray[Any], measure: NDArray[Any], shares: bool = False) -> Slope:
    """The slope of the log of events on a measure of the areas, within cells.

    `events`, `exposure` of shape (areas, cells), `measure` of shape (areas,); areas with an exposure only. `shares`:
    events are some of the exposure (late of due), so that chance is binomial; else it is Poisson. Each cell has a rate
    of its own, so that it needs no areas of its own kind: one that all areas ask for alike tells most. The interval has
    areas - 2 degrees of freedom. NaN under MIN_AREAS areas, without events, or where the measure does not vary.
    """
    happened, at_risk = _checked(events, exposure)
    kept = at_risk.sum(axis=1) > 0
    happened, at_risk = happened[kept], at_risk[kept]
    x = np.asarray(measure, np.float64)[kept]
    areas = len(x)
    cells = happened.sum(axis=0)
    used = cells > 0
    happened, at_risk, cells = happened[:, used], at_risk[:, used], cells[used]
    nothing = Slope(np.nan, np.nan, np.nan, np.nan, areas)
    spread = float(x.std()) if areas else 0.0
    if areas < MIN_AREAS or not cells.sum() or not spread > 1e-12 * max(1.0, float(np.abs(x).max())):
        return nothing
    scaled = (x - x.mean()) / spread
    model = _Model(happened.sum(axis=1), at_risk, cells, scaled, shares)
    slope, between = 0.0, 0.0
    for _ in range(_ROUNDS):
        before = slope, between
        slope = model.solve(slope, between)
        between = model.between(slope)
        if not np.isfinite(slope):
            return nothing
        if abs(slope - before[0]) < 1e-7 and abs(between - before[1]) < 1e-6 * (1 + between):
            break
    error = model.error(slope, between)
    if not np.isfinite(error) or abs(slope) > _STEEPEST or error > _STEEPEST:
        return nothing
    margin = float(student.ppf(0.975, areas - 2)) * error
    return Slope(slope / spread, (slope - margin) / spread, (slope + margin) / spread, between, areas)


class _Model:
    """Rates of cells times exp(slope * x) of areas. All that is asked of (areas, cells) are products with vectors."""

    def __init__(self, observed: Floats, at_risk: Floats, cells: Floats, x: Floats, shares: bool) -> None:
        self.observed, self.at_risk, self.cells, self.x, self.shares = observed, at_risk, cells, x, shares

    def _fit(self, slope: float) -> tuple[Floats, Floats, Floats]:
        """exp(slope * x), the rates of the cells, and what is expected of each area."""
        lift = np.exp(np.clip(slope * self.x, -_FARTHEST, _FARTHEST))
        rate = self.cells / (lift @ self.at_risk)
        return lift, rate, lift * (self.at_risk @ rate)

    def _chance(self, lift: Floats, rate: Floats, mu: Floats) -> Floats:
        """Variance over mean of an area's events by chance alone."""
        if not self.shares:
            return np.ones_like(mu)
        ratio = np.divide(lift * (self.at_risk @ (rate * (1 - np.minimum(rate, 1)))), mu, where=mu > 0, out=mu * 0 + 1)
        return np.maximum(ratio, 0.02)

    def _pull(self, slope: float, between: float) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """The fit and how much each area's events pull at the slope."""
        lift, rate, mu = self._fit(slope)
        chance = self._chance(lift, rate, mu)
        return lift, rate, mu, chance, self.x / (chance + between * mu)

    def solve(self, slope: float, between: float) -> float:
        """The slope at which what is observed and what is expected pull alike (Newton's method, steps bounded)."""
        for _ in range(_ROUNDS):
            lift, rate, mu, _chance, pull = self._pull(slope, between)
            step = float(pull @ (self.observed - mu)) / self._bend(lift, rate, mu, pull)
            if not np.isfinite(step):
                return float("nan")
            slope += float(np.clip(step, -1.0, 1.0))
            if abs(step) < 1e-9:
                break
        return slope

    def _bend(self, lift: Floats, rate: Floats, mu: Floats, pull: Floats) -> float:
        """How fast the expected pull changes with the slope, the cells' rates following it."""
        mean = ((lift * self.x) @ self.at_risk) / (lift @ self.at_risk)
        return float(pull @ (self.x * mu - lift * (self.at_risk @ (rate * mean))))

    def between(self, slope: float) -> float:
        """The variance at which squared residuals are as large as they should be; never below 0.

        Each residual counts by what it tells of the variance (Carroll & Ruppert 1982): one request more where next to
        none are expected tells nothing.
        """
        lift, rate, mu = self._fit(slope)
        chance = self._chance(lift, rate, mu)
        some = mu > 0
        # What an area adds to the common rates takes a part of its own residual away, and so does the slope.
        left = 1 - self._own(lift, rate)[some]
        areas = len(left)
        squares = (self.observed - mu)[some] ** 2 * areas / (areas - 1)
        mu, chance = mu[some], chance[some]

        def excess(variance: float) -> float:
            weight = 1 / (chance + variance * mu) ** 2
            return float((weight * (squares - mu * chance * left - variance * (mu * left) ** 2)).sum())

        low, high = 0.0, 1.0
        if excess(0.0) <= 0:
            return 0.0
        while excess(high) > 0 and high < 1e4:
            high *= 4
        for _ in range(_ROUNDS):
            middle = (low + high) / 2
            low, high = (middle, high) if excess(middle) > 0 else (low, middle)
        return (low + high) / 2

    def _own(self, lift: Floats, rate: Floats) -> Floats:
        """The part of its cells' rates that each area makes itself."""
        mine = lift[:, None] * self.at_risk * rate
        total = mine.sum(axis=1)
        part = np.divide((mine**2) @ (1 / self.cells), total, where=total > 0, out=np.zeros_like(total))
        return np.minimum(part, 0.9)

    def error(self, slope: float, between: float) -> float:
        """The slope's standard error: chance within cells and the variance between areas, the cells' rates estimated."""
        lift, rate, mu, _chance, pull = self._pull(slope, between)
        mean = ((lift * pull) @ self.at_risk) / (lift @ self.at_risk)
        thinned = rate * (1 - np.minimum(rate, 1)) if self.shares else rate
        squares = ((lift * pull**2) @ self.at_risk) - (lift @ self.at_risk) * mean**2
        chance = float(thinned @ squares)
        area = pull * mu - lift * (self.at_risk @ (rate * mean))
        variance = max(chance, 0.0) + between * float((area**2).sum())
        bend = self._bend(lift, rate, mu, pull)
        return float(np.sqrt(variance)) / bend if bend > 0 else float("nan")


def rank_correlation(values: NDArray[Any], measure: NDArray[Any]) -> Correlation:
    """Spearman's correlation of two figures of areas, each of shape (areas,), every area counting the same.

    Chance in small areas' figures draws it towards 0. NaN under MIN_AREAS areas or where one of them does not vary.
    """
    first, second = np.asarray(values, np.float64), np.asarray(measure, np.float64)
    kept = np.isfinite(first) & np.isfinite(second)
    first, second = rankdata(first[kept]), rankdata(second[kept])
    n = len(first)
    if n < MIN_AREAS or not first.std() > 0 or not second.std() > 0:
        return Correlation(np.nan, np.nan, np.nan)
    rho = float(np.clip(np.corrcoef(first, second)[0, 1], -1, 1))
    if abs(rho) >= 1 - 1e-12:
        return Correlation(rho, rho, rho)
    center, margin = np.arctanh(rho), Z95 * np.sqrt((1 + rho**2 / 2) / (n - 3))
    return Correlation(rho, float(np.tanh(center - margin)), float(np.tanh(center + margin)))


def fifths(measure: NDArray[Any], residents: NDArray[Any], groups: int = 5) -> Ints:
    """The group of each area, 0 the lowest of the measure: as near to equal numbers of residents as whole areas allow.

    Areas of the same measure are in the same group; an area is where the middle one of its residents is.
    """
    x, people = np.asarray(measure, np.float64), np.maximum(np.asarray(residents, np.float64), 0.0)
    total = people.sum()
    if not total > 0:
        people, total = np.ones_like(x), float(len(x))
    levels, place = np.unique(x, return_inverse=True)
    held = np.bincount(place, people, minlength=len(levels))
    middle = (np.cumsum(held) - held / 2) / total
    group: Ints = np.minimum((middle * groups).astype(np.int64), groups - 1)[place]
    return group


def middles(measure: NDArray[Any], residents: NDArray[Any], shares: tuple[float, ...] = (0.1, 0.9)) -> Floats:
    """The measure of the area in which that share of the residents, by ascending measure, is reached."""
    x, people = np.asarray(measure, np.float64), np.maximum(np.asarray(residents, np.float64), 0.0)
    order = np.argsort(x, kind="stable")
    weights = people[order] if people.sum() > 0 else np.ones(len(x))
    reached = np.cumsum(weights) / weights.sum()
    place = np.searchsorted(reached, np.asarray(shares) - 1e-12)
    found: Floats = x[order][np.minimum(place, len(x) - 1)]
    return found


def reliability(measure: NDArray[Any], margin: NDArray[Any]) -> float:
    """The share of a measure's variance between areas that is no error of its survey, 0…1; NaN without margins.

    `margin` are 90% margins of error, NaN where there is none. A slope comes out flatter by about this factor.
    """
    x, error = np.asarray(measure, np.float64), np.asarray(margin, np.float64) / Z90
    told = np.isfinite(x) & np.isfinite(error)
    if told.sum() < MIN_AREAS or told.sum() < 0.8 * np.isfinite(x).sum():
        return float("nan")
    spread = float(x[told].var(ddof=1))
    return max(0.0, 1 - float((error[told] ** 2).mean()) / spread) if spread > 0 else float("nan")


def _checked(events: NDArray[Any], exposure: NDArray[Any]) -> tuple[Floats, Floats]:
    happened, at_risk = np.asarray(events, np.float64), np.asarray(exposure, np.float64)
    if happened.shape != at_risk.shape or happened.ndim != 2:
        raise ValueError(f"events {happened.shape} and exposure {at_risk.shape} must both be (areas, cells)")
    if (happened < 0).any() or (at_risk < 0).any() or ((happened > 0) & (at_risk <= 0)).any():
        raise ValueError("counts are never below 0, and there is no event without an exposure")
    return happened, at_risk
