"""Funnel plots: how far units may lie apart by chance alone, and which lie further.

Spiegelhalter (2005), "Funnel plots for comparing institutional performance". Limits come from the exact Poisson or
binomial distribution, interpolated between whole counts so that the funnel is a smooth line. They are taken from the
mid-P distribution (Lancaster 1961): a count at its own limit is half within, so both sides raise false alarms at the
stated rate on average, where limits from whole counts raise too many above and too few below.

The city that sets the target is taken as known. A unit that is a large part of it pulls the target towards itself,
so for a few large units alarms are rarer than stated.

Charter: no ranks, and no words: a unit is inside the limits, beyond the 95% or beyond the 99.8% ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binom, chi2, norm, poisson

Floats = NDArray[np.float64]

LEVELS = (0.95, 0.998)
"""Two-sided levels of the inner and of the outer limits."""

MIN_EXPECTED = 20.0
"""With fewer expected, chance alone spreads O/E over more than 0.6…1.5: too few to compare."""

MIN_UNITS = 10
"""Overdispersion is not estimated from fewer units: a tenth at either end is winsorised."""

WINSORISED = 0.1
"""The part at either end that is pulled in to its neighbours."""


class Position(IntEnum):
    """Where a unit lies in the funnel."""

    BELOW_998 = -2
    BELOW_95 = -1
    INSIDE = 0
    ABOVE_95 = 1
    ABOVE_998 = 2


@dataclass(frozen=True)
class Limits:
    """Control limits, each of the shape that was asked for; `low` is 0 where no count is improbably small."""

    low95: Floats
    high95: Floats
    low998: Floats
    high998: Floats

    def positions(self, values: ArrayLike) -> NDArray[np.int8]:
        """The `Position` of each value as a number; inside where a value or a limit is NaN."""
        found = np.asarray(values, np.float64)
        above = (found > self.high95).astype(np.int8) + (found > self.high998)
        below = (found < self.low95).astype(np.int8) + (found < self.low998)
        return np.asarray(above - below, np.int8)

    def widened(self, target: ArrayLike, phi: float, most: float = np.inf) -> Limits:
        """Limits for units that vary phi times as much as chance (variance): sqrt(phi) times as far from target."""
        middle, wider = np.asarray(target, np.float64), np.sqrt(phi)
        sides = (self.low95, self.high95, self.low998, self.high998)
        return Limits(*(np.clip(middle + (side - middle) * wider, 0.0, most) for side in sides))


@dataclass(frozen=True)
class Funnel:
    """Units in their funnel: against chance alone, and against limits widened by overdispersion.

    `phi` is 1 where units vary no more than chance explains; then both are the same. Where units are `too_few`,
    limits are stated but a position is not to be shown.
    """

    value: Floats
    target: Floats
    limits: Limits
    position: NDArray[np.int8]
    phi: float
    wide_limits: Limits
    wide_position: NDArray[np.int8]
    too_few: NDArray[np.bool_]


def too_few(expected: ArrayLike, minimum: float = MIN_EXPECTED) -> NDArray[np.bool_]:
    """Whether fewer than the minimum are expected, so that a comparison would show chance. NaN is too few."""
    return np.asarray(~(np.asarray(expected, np.float64) >= minimum), np.bool_)


def ratio_limits(expected: ArrayLike) -> Limits:
    """Limits of observed/expected about 1, for each expected count; NaN where it is not above 0."""
    mean = np.asarray(expected, np.float64)
    mean = np.where(mean > 0, mean, np.nan)
    sides = _sides(lambda x: poisson.cdf(x, mean), lambda p: poisson.ppf(p, mean), np.inf)
    return Limits(*(side / mean for side in sides))


def share_limits(n: ArrayLike, share: ArrayLike) -> Limits:
    """Limits of a share about its target, for each number n; shapes broadcast; NaN where n is 0.

    With an area's own expected share as target, the limits are those of a binomial count, which varies no less than
    a sum over strata of the same mean (Hoeffding 1956).
    """
    many, target = np.broadcast_arrays(np.asarray(n, np.float64), np.asarray(share, np.float64))
    many = np.where(many > 0, many, np.nan)
    sides = _sides(lambda x: binom.cdf(x, many, target), lambda p: binom.ppf(p, many, target), many)
    return Limits(*(side / many for side in sides))


def ratio_funnel(observed: ArrayLike, expected: ArrayLike, minimum: float = MIN_EXPECTED) -> Funnel:
    """Units by observed/expected against 1. Counts of one shape (units,)."""
    counts, mean = np.asarray(observed, np.float64), np.asarray(expected, np.float64)
    mean = np.where(mean > 0, mean, np.nan)
    few = too_few(mean, minimum)
    phi = overdispersion(((counts - mean) / np.sqrt(mean))[~few])
    return _funnel(counts / mean, np.ones_like(mean), ratio_limits(mean), phi, few, np.inf)


def share_funnel(k: ArrayLike, n: ArrayLike, target: ArrayLike, minimum: float = MIN_EXPECTED) -> Funnel:
    """Units by the share k/n against a target: the city's share, or the one expected of each unit's mix.

    Too few is told by the rarer of the two outcomes: at least `minimum` must be expected of it.
    """
    some, many = np.asarray(k, np.float64), np.asarray(n, np.float64)
    share = np.broadcast_to(np.asarray(target, np.float64), many.shape)
    many = np.where(many > 0, many, np.nan)
    few = too_few(many * np.minimum(share, 1 - share), minimum)
    with np.errstate(invalid="ignore", divide="ignore"):
        phi = overdispersion(((some - many * share) / np.sqrt(many * share * (1 - share)))[~few])
    return _funnel(some / many, share, share_limits(many, share), phi, few, 1.0)


def overdispersion(z: ArrayLike) -> float:
    """By how much the variance of units exceeds chance: phi ≥ 1, from their standardised differences.

    The lowest and highest tenth are pulled in to their neighbours (winsorised), so that units which truly differ do
    not widen the limits that they are held against (Spiegelhalter 2005). What winsorising takes from a normal
    distribution is given back, so phi is 1 on average under chance. 1 where the excess may be chance (the sum of
    squares within its 95% point), or with fewer than MIN_UNITS units.
    """
    scores = np.asarray(z, np.float64)
    scores = scores[np.isfinite(scores)]
    if scores.size < MIN_UNITS:
        return 1.0
    pulled = np.clip(scores, *np.quantile(scores, [WINSORISED, 1 - WINSORISED]))
    phi = float(np.mean(pulled**2) / normal_part())
    return phi if phi * scores.size > chi2.ppf(0.95, scores.size) else 1.0


def normal_part() -> float:
    """What winsorising leaves of the variance of a normal distribution."""
    cut = norm.isf(WINSORISED)
    return float(1 - 2 * WINSORISED - 2 * cut * norm.pdf(cut) + 2 * WINSORISED * cut**2)


def _funnel(value: Floats, target: Floats, limits: Limits, phi: float, few: NDArray[np.bool_], most: float) -> Funnel:
    wide = limits.widened(target, phi, most) if phi > 1 else limits
    return Funnel(value, target, limits, limits.positions(value), phi, wide, wide.positions(value), few)


def _sides(
    cdf: Callable[[Floats], Floats], ppf: Callable[[float], Floats], most: ArrayLike
) -> tuple[Floats, Floats, Floats, Floats]:
    """Low and high counts for 95% and for 99.8%, interpolated between whole counts."""
    tails = [(1 - level) / 2 for level in LEVELS]
    points = [point for tail in tails for point in (tail, 1 - tail)]
    low95, high95, low998, high998 = (np.clip(_interpolated(cdf, ppf, point), 0.0, most) for point in points)
    return low95, high95, low998, high998


def _interpolated(cdf: Callable[[Floats], Floats], ppf: Callable[[float], Floats], point: float) -> Floats:
    """Where the mid-P distribution function, drawn straight between whole counts, reaches a point."""

    def mid(x: Floats) -> Floats:
        return np.asarray((cdf(x) + cdf(x - 1)) / 2, np.float64)

    first = np.asarray(ppf(point), np.float64)
    upper = np.where(mid(first) >= point, first, first + 1)
    at, before = mid(upper), mid(upper - 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(upper - (at - point) / (at - before), np.float64)
