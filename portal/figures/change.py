"""Change against the same months of the year before: of a quantile of times, of a share, of a number per day.

A period is compared with the same calendar months a year earlier, month by month, so that neither the season nor
another number of requests per calendar month is taken for a change: both years' figures are weighted by the same
weights, the requests of each calendar month in both years together (direct standardisation).

- Times: a Kaplan–Meier curve for each month; the weighted mean of the months' curves has the variance
  sum of weight² · Greenwood's; a quantile's band is where the band of that curve (on the log(-log) scale) crosses it,
  which needs no density (Woodruff 1952; Brookmeyer & Crowley 1982).
- Shares: the score interval (Wilson 1927) of the weighted share, at the effective number 1 / sum(weight² / n).
- Numbers per day: the exact conditional interval of a ratio (Przyborowski & Wilenski 1940; Clopper & Pearson 1934),
  and exact intervals of each number (Garwood 1936).
- The interval of a difference is made of both sides' own (Newcombe 1998, method 10; Zou & Donner 2008), and that of
  a ratio of times likewise on the logarithmic scale. With one month the share's is Newcombe's own.

Results end in an axis of three: estimate, lower and upper end of the 95% interval; NaN for what is not reached.
Intervals of shares and numbers take requests as independent; reports of one incident are not (see `dispersion`).

Charter: counts by month in, a change and its interval out; no choice of periods, no words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portal.figures.kaplan_meier import Z95, quantiles
from portal.figures.poisson import exact_interval, exact_share

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

FEWEST = 5
"""A month with fewer requests, in either year, is compared with nothing; a curve ends when fewer are at risk."""

_TIE = 1e-12


@dataclass(frozen=True)
class Change:
    """Now, the year before, and what lies between: each of shape (…, 3)."""

    now: Floats
    before: Floats
    difference: Floats  # now - before, in the unit of both
    ratio: Floats  # now / before
    months: Bools  # (…, months): which were compared


@dataclass(frozen=True)
class _Side:
    """One year's curves by month, each of shape (…, months, T)."""

    survival: Floats
    variance: Floats
    known: Bools  # the curve is known up to here
    n: Floats  # (…, months)


def quantile_change(
    times: NDArray[Any],
    now: tuple[NDArray[Any], NDArray[Any]],
    before: tuple[NDArray[Any], NDArray[Any]],
    shares: Sequence[float],
    wide: Bools | None = None,
) -> Change:
    """The change of the time by which each share has had the event; the results have shape (…, shares, 3).

    `now` and `before` are (events, censored), each of shape (…, months, T), with the same calendar months in the
    same order; `times` ascend, shape (T,), in any unit, which is the unit of the difference. `wide` as in
    `kaplan_meier.quantiles`.

    The weighted curve ends where the first of its months' ends. So that the youngest months, of which nobody can
    yet know how long theirs take, do not hide the others, a month that either year has not followed up to the
    quantile of both years' pooled curve (to the upper end of its band, if that is reached) is left out of both.
    `months`, of shape (…, shares, months), tells which were compared. Weighted curves that do not get there are NaN.
    """
    times = np.asarray(times, np.float64)
    sides = [_side(events, censored, wide) for events, censored in (now, before)]
    enough = np.all([side.n >= FEWEST for side in sides], axis=0)
    groups = enough.shape[:-1]
    found = [np.full((*groups, len(shares), 3), np.nan) for _ in sides]
    used = np.zeros((*groups, len(shares), enough.shape[-1]), dtype=bool)
    if times.size == 0:
        return Change(found[0], found[1], _difference(*found), _ratio(*found), used)
    known = np.logical_and(sides[0].known, sides[1].known)
    horizon = _horizon(times, now, before, shares, wide)
    for index, share in enumerate(shares):
        at = horizon[..., index]
        months = enough & np.take_along_axis(known, at[..., None, None], axis=-1)[..., 0]
        used[..., index, :] = months
        weights = _weights(np.where(months, sides[0].n + sides[1].n, 0.0))
        valid = np.all(known | ~months[..., None], axis=-2) & months.any(axis=-1)[..., None]
        for side, result in zip(sides, found, strict=True):
            result[..., index, :] = _weighted_quantile(times, side, weights, valid, share)
    return Change(found[0], found[1], _difference(*found), _ratio(*found), used)


def share_change(
    now: tuple[NDArray[Any], NDArray[Any]],
    before: tuple[NDArray[Any], NDArray[Any]],
) -> Change:
    """The change of a share k/n, such as late of due: `now` and `before` are (k, n), each of shape (…, months).

    Months without any n in either year are left out of both; without any month all is NaN. The ratio's interval
    is on the logarithmic scale, and its upper end NaN where the share before may be 0.
    """
    (k1, n1), (k0, n0) = (tuple(np.asarray(part, np.float64) for part in side) for side in (now, before))
    months = (n1 > 0) & (n0 > 0)
    weights = _weights(np.where(months, n1 + n0, 0.0))
    sides = []
    for k, n in ((k1, n1), (k0, n0)):
        if np.any((k < 0) | (k > n)):
            raise ValueError("more than all, or fewer than none")
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(months, weights * k / n, 0.0).sum(axis=-1)
            effective = 1 / np.where(months, weights**2 / n, 0.0).sum(axis=-1)
        sides.append(_wilson(np.where(months.any(axis=-1), share, np.nan), effective))
    return Change(sides[0], sides[1], _difference(*sides), _ratio(*sides), months)


def rate_change(
    now: tuple[NDArray[Any], NDArray[Any]],
    before: tuple[NDArray[Any], NDArray[Any]],
    dispersion: float = 1.0,
) -> Change:
    """The change of a number per day: `now` and `before` are (count, days), each of shape (…, months).

    A month that is not over has fewer days: the year before is taken at the days of now, month by month, so that
    half a busy month is no decline; `before` is that number per day. `dispersion` is the variance of a count over
    its mean, 1 where requests come independently of one another; real ones come in storms and in several reports
    of one incident, and the interval is then wider (quasi-Poisson). Months without days in either year are left out.
    """
    if dispersion < 1:
        raise ValueError(f"a dispersion of {dispersion} is below that of independent requests")
    (k1, d1), (k0, d0) = (tuple(np.asarray(part, np.float64) for part in side) for side in (now, before))
    months = (d1 > 0) & (d0 > 0)
    k1, d1, k0, d0 = (np.where(months, part, 0.0) for part in (k1, d1, k0, d0))
    with np.errstate(divide="ignore", invalid="ignore"):
        daily = np.where(months, (k1 + k0) / (d1 + d0), 0.0)
        # What the mix of months makes of a like number of days: 1 / 1 where both have the same days of each month.
        exposure = (daily * d1).sum(axis=-1) / (daily * d0).sum(axis=-1)
        days = d1.sum(axis=-1)
        total1, total0 = k1.sum(axis=-1), k0.sum(axis=-1)
        rate1 = _garwood(total1, dispersion) / days[..., None]
        rate0 = _garwood(total0, dispersion) * (exposure / days)[..., None]
        ratio = _conditional(total1 / dispersion, total0 / dispersion) / exposure[..., None]
    return Change(rate1, rate0, _difference(rate1, rate0), ratio, months)


def _side(events: NDArray[Any], censored: NDArray[Any], wide: Bools | None) -> _Side:
    gone, out = np.asarray(events, np.float64), np.asarray(censored, np.float64)
    n: Floats = np.asarray((gone + out).sum(axis=-1), np.float64)
    present = np.cumsum((gone + out)[..., ::-1], axis=-1)[..., ::-1]
    at_risk = present if wide is None else present - np.where(wide, out / 2, 0.0)
    left = at_risk - gone
    with np.errstate(divide="ignore", invalid="ignore"):
        survival: Floats = np.cumprod(np.where(at_risk > 0, left / at_risk, 1.0), axis=-1, dtype=np.float64)
        terms = np.where(left > 0, gone / (at_risk * left), 0.0)
        # Greenwood's is p(1-p)/n where nobody is censored; over many small months the missing n/(n-1) adds up.
        correction = np.where(n > 1, n / (n - 1), 1.0)[..., None]
    variance = survival**2 * np.cumsum(terms, axis=-1) * correction
    censored_before = np.cumsum(out, axis=-1) - out
    # With nobody censored so far the curve is a plain share and known however few are left.
    return _Side(survival, variance, (present >= FEWEST) | (censored_before == 0), n)


def _horizon(
    times: Floats,
    now: tuple[NDArray[Any], NDArray[Any]],
    before: tuple[NDArray[Any], NDArray[Any]],
    shares: Sequence[float],
    wide: Bools | None,
) -> NDArray[np.intp]:
    """Up to which time months must be known, as a position in `times`: shape (…, shares)."""
    each = []
    for events, censored in (now, before):
        pooled = quantiles(times, np.asarray(events).sum(axis=-2), np.asarray(censored).sum(axis=-2), shares, wide)
        estimate, upper = pooled[..., 0], pooled[..., 2]
        # Not reached at all: every month stays, and the weighted curve tells that it is not reached.
        each.append(np.where(np.isnan(upper), np.where(np.isnan(estimate), times[0], estimate), upper))
    return np.searchsorted(times, np.maximum(*each)).clip(max=times.size - 1)


def _weights(n: Floats) -> Floats:
    total = n.sum(axis=-1, keepdims=True)
    return np.divide(n, total, out=np.zeros_like(n), where=total > 0)


def _weighted_quantile(times: Floats, side: _Side, weights: Floats, valid: Bools, share: float) -> Floats:
    survival = (weights[..., None] * side.survival).sum(axis=-2)
    error = np.sqrt((weights[..., None] ** 2 * side.variance).sum(axis=-2))
    line = np.log(-np.log(1 - share))
    with np.errstate(divide="ignore", invalid="ignore"):
        hazard = -np.log(survival)
        center = np.log(hazard)
        margin = np.where((hazard > 0) & (survival > 0), Z95 * error / (survival * hazard), 0.0)
    reached = (survival <= 1 - share + _TIE, center + margin >= line - _TIE, center - margin >= line - _TIE)
    return np.stack([_first(times, hit & valid) for hit in reached], axis=-1)


def _first(times: Floats, reached: Bools) -> Floats:
    return np.where(reached.any(axis=-1), times[reached.argmax(axis=-1)], np.nan)


def _difference(now: Floats, before: Floats) -> Floats:
    """Each end lies as far from the difference as both sides' ends on that way lie from their estimates, squared."""
    estimate = now[..., 0] - before[..., 0]
    low = estimate - np.hypot(now[..., 0] - now[..., 1], before[..., 2] - before[..., 0])
    high = estimate + np.hypot(now[..., 2] - now[..., 0], before[..., 0] - before[..., 1])
    return np.stack([estimate, low, high], axis=-1)


def _ratio(now: Floats, before: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.exp(_difference(np.log(now), np.log(before)))
    return np.where(np.isfinite(ratio), ratio, np.nan)


def _wilson(share: Floats, n: Floats) -> Floats:
    scale = 1 + Z95**2 / n
    middle = (share + Z95**2 / (2 * n)) / scale
    margin = Z95 / scale * np.sqrt(share * (1 - share) / n + Z95**2 / (4 * n * n))
    low = np.where(share <= 0, 0.0, np.maximum(middle - margin, 0.0))
    high = np.where(share >= 1, 1.0, np.minimum(middle + margin, 1.0))
    return np.stack([share, low + 0 * share, high + 0 * share], axis=-1)


def _garwood(count: Floats, dispersion: float) -> Floats:
    found = exact_interval(count / dispersion)
    return np.stack([found.estimate, found.low, found.high], axis=-1) * dispersion


def _conditional(k1: Floats, k0: Floats) -> Floats:
    """The ratio of two Poisson means: k1 of k1 + k0 is binomial, and the ratio is the odds of its share."""
    found = exact_share(k1, k1 + k0)
    shares = np.stack([found.estimate, found.low, found.high], axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(shares < 1, shares / (1 - shares), np.nan)
