"""Kaplan–Meier survival curves and their quantiles, for many groups at once.

Kaplan & Meier (1958); variance by Greenwood; 95% bands on the log(-log) scale, which keeps them within 0…1;
a quantile's band is where the bands of the curve cross it (Brookmeyer & Crowley 1982), as lifelines does.

Counts are arrays of shape (…, times): how many had the event, and how many were censored, at each time.
A request censored at a time is still at risk of an event at that time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Z95 = 1.959963984540054
"""Two-sided 95% point of the normal distribution."""

_TIE = 1e-12
"""A curve that equals the quantile but for rounding has reached it."""

_CELLS = 400_000
"""Groups are taken in blocks of at most so many cells, so that memory stays flat."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """A survival curve with its band, each of the counts' shape."""

    survival: Floats
    low: Floats
    high: Floats


def curve(events: NDArray[Any], censored: NDArray[Any]) -> Curve:
    """The curve just after each time. Without anyone at risk it stays where it was; before any event it is 1."""
    survival, center, margin = _log_log(events, censored)
    with np.errstate(over="ignore"):
        low = np.exp(-np.exp(center + margin))
        high = np.exp(-np.exp(center - margin))
    return Curve(survival, low, high)


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
    block = max(1, _CELLS // times.size)
    for start in range(0, len(flat), block):
        rows = slice(start, start + block)
        survival, center, margin = _log_log(events[rows], censored[rows], wide)
        for index, share in enumerate(shares):
            remaining = 1 - share
            line = np.log(-np.log(remaining))
            flat[rows, index, 0] = _first(times, survival <= remaining + _TIE)
            flat[rows, index, 1] = _first(times, center + margin >= line - _TIE)
            flat[rows, index, 2] = _first(times, center - margin >= line - _TIE)
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


def _log_log(
    events: NDArray[Any], censored: NDArray[Any], wide: NDArray[np.bool_] | None = None
) -> tuple[Floats, Floats, Floats]:
    """The curve, log(-log(curve)) and z times its standard error; -inf and 0 while the curve is 1."""
    gone: Floats = np.asarray(events, np.float64)
    at_risk = np.cumsum((gone + censored)[..., ::-1], axis=-1)[..., ::-1]
    if wide is not None:
        at_risk = at_risk - np.where(wide, np.asarray(censored, np.float64) / 2, 0.0)
    left = at_risk - gone
    with np.errstate(divide="ignore", invalid="ignore"):
        survival: Floats = np.cumprod(np.where(at_risk > 0, left / at_risk, 1.0), axis=-1, dtype=np.float64)
        terms = np.where(left > 0, gone / (at_risk * left), 0.0)
        hazard: Floats = -np.log(survival)
        center: Floats = np.log(hazard)
        margin: Floats = Z95 * np.sqrt(np.cumsum(terms, axis=-1)) / hazard
    margin[hazard == 0] = 0.0
    return survival, center, margin


def _first(times: Floats, reached: NDArray[np.bool_]) -> Floats:
    """The first time at which something holds along the last axis; NaN if never."""
    index = reached.argmax(axis=-1)
    hit = np.take_along_axis(reached, index[..., None], axis=-1)[..., 0]
    return np.where(hit, times[index], np.nan)
