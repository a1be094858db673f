"""Kaplan–Meier survival curves, their quantiles and restricted means, for many groups at once.

Kaplan & Meier (1958); variance by Greenwood; 95% bands on the log(-log) scale, which keeps them within 0…1;
a quantile's band is where the bands of the curve cross it (Brookmeyer & Crowley 1982), as lifelines does.

Counts are arrays of shape (…, times): how many had the event, and how many were censored, at each time.
A request censored at a time is still at risk of an event at that time.

Charter: how long until something happens when some still wait, and how sure that is; no SQL, no words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Z95 = 1.959963984540054
"""Two-sided 95% point of the normal distribution."""

TAIL = 0.025
"""What a 95% band leaves out on each side."""

TIE = 1e-12
"""A curve that equals a share but for rounding has reached it."""

CELLS = 400_000
"""Groups are taken in blocks of at most so many cells, so that memory stays flat."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """A survival curve with its band, each of the counts' shape."""

    survival: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class Steps:
    """What the estimators are made of, each of the counts' shape."""

    at_risk: Floats
    """How many could have the event at each time; with spans, those censored in one count half."""
    survival: Floats
    """The curve just after each time."""
    terms: Floats
    """Greenwood's d / (n (n - d)); 0 where nobody is left."""


def curve(events: NDArray[Any], censored: NDArray[Any]) -> Curve:
    """The curve just after each time. Without anyone at risk it stays where it was; before any event it is 1."""
    made = steps(events, censored)
    return Curve(made.survival, *_ends(*_log_log(made)))


def quantiles(
    times: NDArray[Any],
    events: NDArray[Any],
    censored: NDArray[Any],
    shares: Sequence[float],
    wide: NDArray[np.bool_] | None = None,
) -> Floats:
    """The time by which each share has had the event, and its 95% band.

    `times` ascend, shape (T,); counts are of shape (…, T); the result has shape (…, shares, 3) with the
    estimate, the lower and the upper end in the unit of `times`, NaN for what is not reached.

    `wide`, shape (T,), marks times that stand for a span: there those censored are taken to have been at risk for
    half of it, as in a life table (the actuarial estimator); at a single moment they all were (Kaplan–Meier).
    """
    times = np.asarray(times, np.float64)
    groups = events.shape[:-1]
    found = np.full((*groups, len(shares), 3), np.nan)
    if times.size == 0:
        return found
    flat = found.reshape(-1, len(shares), 3)
    events, censored = events.reshape(-1, times.size), censored.reshape(-1, times.size)
    block = max(1, CELLS // times.size)
    for start in range(0, len(flat), block):
        rows = slice(start, start + block)
        made = steps(events[rows], censored[rows], wide)
        survival, (center, margin) = made.survival, _log_log(made)
        for index, share in enumerate(shares):
            remaining = 1 - share
            line = np.log(-np.log(remaining))
            flat[rows, index, 0] = _first(times, survival <= remaining + TIE)
            flat[rows, index, 1] = _first(times, center + margin >= line - TIE)
            flat[rows, index, 2] = _first(times, center - margin >= line - TIE)
    return found


def closed_only_median(times: NDArray[Any], events: NDArray[Any], total: int | None = None) -> Floats:
    """The time by which half of the events happened, censored ones left out: biased, shown beside the estimate.

    Counts of shape (…, T) give a result of shape (…); NaN without events. `total` is how many events there
    were in all, if not all of them are within `times`.
    """
    times = np.asarray(times, np.float64)
    if times.size == 0:
        return np.full(events.shape[:-1], np.nan)
    done = np.cumsum(events, axis=-1, dtype=np.int64)
    everyone = done[..., -1:] if total is None else np.full_like(done[..., -1:], total)
    return _first(times, (2 * done >= everyone) & (everyone > 0))


def survival_at(
    times: NDArray[Any],
    events: NDArray[Any],
    censored: NDArray[Any],
    at: Sequence[float] | NDArray[Any],
    wide: NDArray[np.bool_] | None = None,
) -> Floats:
    """The share that still waits at given times, with its 95% band: shape (…, len(at), 3).

    `times` ascend, shape (T,), in the unit of `at`; counts are of shape (…, T); `wide` as for `quantiles`. An event at
    the very time has happened. NaN where nobody was watched for so long and some still waited when last seen: there
    the data say nothing. The band is that of `curve`, but for a share of 1 or 0, see `open_ends`.
    """
    times, at = np.asarray(times, np.float64), np.asarray(at, np.float64)
    found = np.full((*events.shape[:-1], at.size, 3), np.nan)
    if times.size == 0:
        return found
    flat = found.reshape(-1, at.size, 3)
    events, censored = events.reshape(-1, times.size), censored.reshape(-1, times.size)
    block = max(1, CELLS // times.size)
    for start in range(0, len(flat), block):
        rows = slice(start, start + block)
        made = steps(events[rows], censored[rows], wide)
        low, high = open_ends(made.survival, *_ends(*_log_log(made)), made.at_risk, made.at_risk)
        everyone = made.at_risk[:, :1]
        first = np.concatenate([np.ones_like(everyone), sure_share(everyone), np.ones_like(everyone)], axis=-1)
        read = read_at(times, np.stack([made.survival, low, high], axis=-1), first[:, None, :], at)
        flat[rows] = np.where(watched(times, made, at)[..., None], read, np.nan)
    return found


def restricted_mean(
    times: NDArray[Any],
    events: NDArray[Any],
    censored: NDArray[Any],
    horizon: float,
    wide: NDArray[np.bool_] | None = None,
) -> Floats:
    """The mean time to the event when whoever takes longer than `horizon` counts as `horizon`: shape (…, 3).

    The area under the curve from 0 to the horizon, with the Greenwood-type variance
    Σ (area from tᵢ to the horizon)² dᵢ / (nᵢ (nᵢ - dᵢ)) (Irwin 1949; Kaplan & Meier 1958; Royston & Parmar 2013). The
    95% band is normal on the logit of mean / horizon, which keeps it within 0…horizon and covers better in small
    groups. `times` ascend from 0 or later, shape (T,); counts are of shape (…, T); `wide` as for `quantiles`. All in
    the unit of `times`. A horizon that few were watched for is a poor one: with 20 requests, a third of them open and
    the horizon at three quarters of the period, the band covers about 90%; with 300, 94%.

    All NaN where nobody was watched up to the horizon while some still waited. The band alone is NaN where the
    variance is 0 although events happened (all at one moment). Where none happened its lower end rests on
    `sure_share`. Raises ValueError for a horizon that is not above 0.
    """
    if not horizon > 0:
        raise ValueError(f"a mean up to {horizon} is none")
    times = np.asarray(times, np.float64)
    found = np.full((*events.shape[:-1], 3), np.nan)
    if times.size == 0:
        return found
    flat = found.reshape(-1, 3)
    events, censored = events.reshape(-1, times.size), censored.reshape(-1, times.size)
    inside = np.minimum(times, horizon)
    before, widths = inside[0], np.diff(inside, append=horizon)
    end = int(np.searchsorted(times, horizon))  # an event at the horizon itself moves nothing
    block = max(1, CELLS // times.size)
    for start in range(0, len(flat), block):
        rows = slice(start, start + block)
        made = steps(events[rows], censored[rows], wide)
        beyond = np.cumsum((made.survival * widths)[:, ::-1], axis=-1)[:, ::-1]
        mean = before + beyond[:, 0]
        error = np.sqrt((beyond**2 * made.terms).sum(axis=-1))
        none = (made.survival[:, end - 1] == 1) | (end == 0)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            odds = (horizon - mean) / mean
            spread = np.where(error > 0, np.exp(Z95 * error * horizon / (mean * (horizon - mean))), np.nan)
            low, high = horizon / (1 + odds * spread), horizon / (1 + odds / spread)
        low = np.where(none, horizon * sure_share(made.at_risk[:, min(end, times.size - 1)]), low)
        high = np.where(none, horizon, high)
        seen = watched(times, made, np.array([horizon]))
        flat[rows] = np.where(seen, np.stack([mean, low, high], axis=-1), np.nan)
    return found


def steps(events: NDArray[Any], censored: NDArray[Any], wide: NDArray[np.bool_] | None = None) -> Steps:
    """Who is at risk at each time, the curve just after it, and Greenwood's terms."""
    gone: Floats = np.asarray(events, np.float64)
    at_risk: Floats = np.cumsum((gone + censored)[..., ::-1], axis=-1)[..., ::-1]
    if wide is not None:
        at_risk = at_risk - np.where(wide, np.asarray(censored, np.float64) / 2, 0.0)
    left = at_risk - gone
    with np.errstate(divide="ignore", invalid="ignore"):
        survival: Floats = np.cumprod(np.where(at_risk > 0, left / at_risk, 1.0), axis=-1, dtype=np.float64)
        terms = np.where(left > 0, gone / (at_risk * left), 0.0)
    return Steps(at_risk, survival, terms)


def sure_share(n: Floats) -> Floats:
    """The lower 95% end of a share of n in n (Clopper & Pearson 1934); 0 of nobody."""
    with np.errstate(divide="ignore"):
        share: Floats = TAIL ** (1 / np.asarray(n, np.float64))
    return share


def open_ends(survival: Floats, low: Floats, high: Floats, known: Floats, at_risk: Floats) -> tuple[Floats, Floats]:
    """The band with its ends opened where the variance is 0 and says "sure" of a handful of requests.

    At a share of 1 the lower end is exact for the `known` ones, none of whom had the event. At 0 the upper end is
    the one just before, times the upper end of a share of none among those who were then at risk: a cautious end.
    """
    low = np.where(survival >= 1 - TIE, sure_share(known), low)
    gone = survival <= TIE
    if gone.any():
        last = gone.argmax(axis=-1)[..., None]
        before = np.where(last > 0, np.take_along_axis(high, np.maximum(last - 1, 0), axis=-1), 1.0)
        high = np.where(gone, before * (1 - sure_share(np.take_along_axis(at_risk, last, axis=-1))), high)
    return low, high


def watched(times: Floats, made: Steps, at: Floats) -> NDArray[np.bool_]:
    """Whether the data reach to the times `at`, shape (…, len(at)): someone was seen for so long, or nobody waits."""
    last = (made.at_risk > 0).sum(axis=-1) - 1
    seen = np.where(last >= 0, times[last], -np.inf)
    over = np.where((last >= 0) & (made.survival[..., -1] == 0), np.inf, seen)
    reached: NDArray[np.bool_] = at <= over[..., None]
    return reached


def read_at(times: Floats, values: Floats, first: Floats, at: Floats) -> Floats:
    """Step functions of shape (…, T, k) at the times `at`, (…, len(at), k); before the first time they are `first`."""
    index = np.searchsorted(times, at, side="right") - 1
    return np.where(index[:, None] < 0, first, values[..., np.maximum(index, 0), :])


def _log_log(made: Steps) -> tuple[Floats, Floats]:
    """log(-log(curve)) and z times its standard error; -inf and 0 while the curve is 1."""
    with np.errstate(divide="ignore", invalid="ignore"):
        hazard: Floats = -np.log(made.survival)
        center: Floats = np.log(hazard)
        margin: Floats = Z95 * np.sqrt(np.cumsum(made.terms, axis=-1)) / hazard
    margin[hazard == 0] = 0.0
    return center, margin


def _ends(center: Floats, margin: Floats) -> tuple[Floats, Floats]:
    """The band, back from the log(-log) scale."""
    with np.errstate(over="ignore"):
        return np.exp(-np.exp(center + margin)), np.exp(-np.exp(center - margin))


def _first(times: Floats, reached: NDArray[np.bool_]) -> Floats:
    """The first time at which something holds along the last axis; NaN if never."""
    index = reached.argmax(axis=-1)
    hit = np.take_along_axis(reached, index[..., None], axis=-1)[..., 0]
    return np.where(hit, times[index], np.nan)
