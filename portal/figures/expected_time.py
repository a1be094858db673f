"""How long a new request will take: from recent similar ones, and how well such forecasts have held.

Similar requests are offered as a cascade of groups, narrowest first (same service, area and season; same service and
area; same service of late; same service). The first that has enough events is taken: its Kaplan–Meier times by which
half and nine tenths are closed. With n requests the level is raised to share · (n + 1) / n, so that a *next* request
is within the time with the stated chance (as in split conformal prediction; Papadopoulos et al. 2002).

Cities drift, so forecasts of former months are held against what is known by now. A request's time over its forecast
is a ratio, censored if it is still open; the Kaplan–Meier share of ratios up to 1 is the share that was within the
forecast (open ones count for as long as they have waited), and the ratio by which `share` were closed is the factor
that would have made the forecast right. Applied to the next month's forecast it takes out a drift that lasts longer
than a month (recalibration with a rolling origin; compare Kuleshov, Fenner & Ermon 2018).

Charter: arrays in, arrays out. Which groups there are, and how they are read, is the queries' business.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portal.figures.kaplan_meier import curve, quantiles

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SHARES = (0.5, 0.9)
ENOUGH = 100
"""So many events behind a forecast: the level that it really has then varies by ±3 points at 90%, ±5 at 50%."""

_LONGEST = 1e9
"""Ratios beyond are alike: a request that took minutes where none was expected."""


@dataclass(frozen=True)
class Expected:
    """Forecasts, for any number of requests or kinds of requests (…)."""

    times: Floats  # (…, shares), in the unit of the given times; NaN: not reached
    group: Ints  # (…): position in the cascade, -1 where no group has enough events
    requests: Ints  # (…): how many stand behind it
    events: Ints  # (…): of them closed


@dataclass(frozen=True)
class Held:
    """How forecasts held: the share within the stated time, its 95% interval, and how many it is of."""

    share: Floats  # (shares, 3): estimate, low, high; NaN without any
    n: Ints  # (shares,): requests with a forecast
    open: Ints  # (shares,): of them still open, and not yet at the stated time


def expected_times(
    times: NDArray[Any],
    events: NDArray[Any],
    censored: NDArray[Any],
    shares: Sequence[float] = SHARES,
    enough: int = ENOUGH,
    wide: NDArray[np.bool_] | None = None,
) -> Expected:
    """The times by which each share of requests like these are closed.

    Counts are of shape (…, groups, T), groups from the narrowest to the widest; `times` ascend, shape (T,), in any
    unit. The narrowest group with `enough` events *and* every share reached is taken; where no such group reaches
    every share, the narrowest with enough events, and what it does not reach is NaN. `wide` as in
    `kaplan_meier.quantiles`. `recalibrated` takes the last months' drift out of them.
    """
    return narrowest(group_times(times, events, censored, shares, wide), enough)


@dataclass(frozen=True)
class Groups:
    """What each group of a cascade says by itself, whether that is enough or not."""

    times: Floats  # (…, groups, shares): NaN where not reached
    requests: Ints  # (…, groups)
    events: Ints  # (…, groups)

    def joined(self, *others: Groups, axis: int) -> Groups:
        """These groups with those of others, along an axis that all have."""
        every = (self, *others)
        return Groups(
            np.concatenate([one.times for one in every], axis),
            np.concatenate([one.requests for one in every], axis),
            np.concatenate([one.events for one in every], axis),
        )

    def taken(self, which: Ints) -> Groups:
        """Entries of the first axis, in another order or more than once."""
        return Groups(self.times[which], self.requests[which], self.events[which])


def group_times(
    times: NDArray[Any],
    events: NDArray[Any],
    censored: NDArray[Any],
    shares: Sequence[float] = SHARES,
    wide: NDArray[np.bool_] | None = None,
) -> Groups:
    """What each group says by itself; arguments as in `expected_times`, which asks `narrowest` for the choice."""
    gone, out = np.asarray(events), np.asarray(censored)
    n_events = gone.sum(axis=-1).astype(np.int64)
    n = n_events + out.sum(axis=-1).astype(np.int64)
    return Groups(_next(np.asarray(times, np.float64), gone, out, shares, wide), n, n_events)


def narrowest(groups: Groups, enough: int = ENOUGH) -> Expected:
    """The forecasts of the groups that are taken, as `expected_times` says."""
    many: NDArray[np.bool_] = (groups.events >= enough) & (groups.events > 0)
    told: NDArray[np.bool_] = many & np.isfinite(groups.times).all(axis=-1)
    chosen = np.where(told.any(axis=-1), told.argmax(axis=-1), many.argmax(axis=-1))
    any_group = np.asarray(many.any(axis=-1))

    def of(array: Ints) -> Ints:
        return np.where(any_group, np.take_along_axis(array, chosen[..., None], axis=-1)[..., 0], 0)

    picked = np.take_along_axis(groups.times, chosen[..., None, None], axis=-2)[..., 0, :]
    picked = np.where(any_group[..., None], picked, np.nan)
    return Expected(picked, np.where(any_group, chosen, -1).astype(np.int64), of(groups.requests), of(groups.events))


def held_out(
    expected: NDArray[Any],
    waited: NDArray[Any],
    closed: NDArray[np.bool_],
) -> Held:
    """How many of the held-out requests were within their expected time.

    `expected` is of shape (N, shares); `waited`, shape (N,), in the same unit, until it was closed or, where
    `closed` is False, until the record ends. Requests without a forecast (NaN) are left out. The estimate is NaN
    where nobody has been followed as far as the forecast.
    """
    expected = np.asarray(expected, np.float64)
    shares = expected.shape[1]
    found, n, unknown = np.full((shares, 3), np.nan), np.zeros(shares, np.int64), np.zeros(shares, np.int64)
    for index in range(shares):
        ratios, events, censored = _counted(expected[:, index], waited, closed)
        n[index] = events.sum() + censored.sum()
        within = ratios <= 1
        unknown[index] = censored[within].sum()
        if not n[index] or (ratios[-1] < 1 and censored[-1]):
            continue
        if not within.any():
            found[index] = (0.0, 0.0, 0.0)
            continue
        fitted = curve(events, censored)
        last = int(within.sum()) - 1
        found[index] = [1 - fitted.survival[last], 1 - fitted.high[last], 1 - fitted.low[last]]
    return Held(found, n, unknown)


def factors(
    expected: NDArray[Any],
    waited: NDArray[Any],
    closed: NDArray[np.bool_],
    shares: Sequence[float] = SHARES,
) -> Floats:
    """By what to multiply forecasts so that those of former months would have held; shape (shares,).

    `expected`, `waited` and `closed` as in `held_out`, of former months (three serve well) as they were known when
    the new forecast is made, and as forecast then, without a factor. One that cannot be told is 1.

    One factor serves a whole city: factors of each service follow the last months' noise, and held less often in
    Boston's 2015.
    """
    expected = np.asarray(expected, np.float64)
    found = np.ones(len(shares))
    for index, share in enumerate(shares):
        ratios, events, censored = _counted(expected[:, index], waited, closed)
        if ratios.size:
            factor = float(quantiles(ratios, events, censored, [share])[0, 0])
            found[index] = factor if factor > 0 else 1.0
    return found


def recalibrated(expected: NDArray[Any], by: NDArray[Any]) -> Floats:
    """Forecasts times their factors: (…, shares) and (shares,), shares ascending; no share comes before a lesser."""
    scaled = np.asarray(expected, np.float64) * np.asarray(by, np.float64)
    return np.where(np.isnan(scaled), np.nan, np.fmax.accumulate(scaled, axis=-1))


def _next(
    times: Floats, events: NDArray[Any], censored: NDArray[Any], shares: Sequence[float], wide: NDArray[np.bool_] | None
) -> Floats:
    """Quantiles at the levels that hold for a next request: shape (…, groups, shares)."""
    groups = events.shape[:-1]
    found = np.full((*groups, len(shares)), np.nan)
    if times.size == 0:
        return found
    n = (events.sum(axis=-1) + censored.sum(axis=-1)).astype(np.float64)
    survival = _survival(events, censored, wide)
    for index, share in enumerate(shares):
        remaining = 1 - share * (n + 1) / np.maximum(n, 1)
        reached = survival <= remaining[..., None] + 1e-12
        found[..., index] = np.where(reached.any(axis=-1), times[reached.argmax(axis=-1)], np.nan)
    return found


def _survival(events: NDArray[Any], censored: NDArray[Any], wide: NDArray[np.bool_] | None) -> Floats:
    gone, out = np.asarray(events, np.float64), np.asarray(censored, np.float64)
    at_risk: Floats = np.cumsum((gone + out)[..., ::-1], axis=-1, dtype=np.float64)[..., ::-1]
    if wide is not None:
        at_risk = at_risk - np.where(wide, out / 2, 0.0)
    hazard = np.divide(gone, at_risk, out=np.zeros_like(gone), where=at_risk > 0)
    return np.cumprod(1 - hazard, axis=-1, dtype=np.float64)


def _counted(expected: Floats, waited: NDArray[Any], closed: NDArray[np.bool_]) -> tuple[Floats, Ints, Ints]:
    """Distinct ratios of time to forecast, and how many were closed and still open at each."""
    rows = np.isfinite(expected)
    time = np.asarray(waited, np.float64)[rows]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(time > 0, np.minimum(time / expected[rows], _LONGEST), 0.0)
    done = np.asarray(closed, bool)[rows]
    ratios, place = np.unique(ratio, return_inverse=True)
    events = np.bincount(place[done], minlength=ratios.size).astype(np.int64)
    return ratios, events, np.bincount(place[~done], minlength=ratios.size).astype(np.int64)
