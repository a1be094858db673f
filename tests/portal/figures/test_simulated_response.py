"""Response times of simulated services, whose truth is known: the figures are nearly unbiased, their bands cover."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from scipy.special import ndtr

from etl.demo.services import SERVICES, TAIL_FACTOR
from portal.figures.kaplan_meier import closed_only_median, quantiles, restricted_mean, survival_at

REQUESTS = 300
SAMPLES = 2_000
"""Four times the 500 of the stated criterion, so that chance alone moves a coverage by 1% (two errors), not by 2%."""

CODES = [service.code for service in SERVICES if service.sigma >= 0.9][::4]
"""Some of the demo city's services, from hours to weeks, with tails from thin to thick."""


@dataclass(frozen=True)
class Simulation:
    """Samples of one service as counts, and the truth at each time of its grid."""

    times: np.ndarray
    events: np.ndarray
    censored: np.ndarray
    waiting: np.ndarray  # the true share still waiting just after each time
    median: float  # of the grid's distribution
    hours_median: float  # before rounding up to the grid


@cache
def simulated(code: str) -> Simulation:
    """Requests opened evenly over a period whose end leaves about a third open, closing as the demo city's do."""
    service = next(s for s in SERVICES if s.code == code)
    rng = np.random.default_rng(2026)
    scale, hours_median = service.hours_median(), service.quantile_hours(0.5)
    step = hours_median / 150

    def waiting(hours: np.ndarray) -> np.ndarray:
        z = np.log(hours / scale)
        late = ndtr((z - np.log(TAIL_FACTOR)) / service.sigma)
        return 1 - (1 - service.tail) * ndtr(z / service.sigma) - service.tail * late

    grid = step * np.arange(1, 20_000)
    open_share = np.cumsum(waiting(grid)) / np.arange(1, 20_000)
    last = int(np.argmax(open_share <= 1 / 3)) + 1
    times = grid[:last]

    shape = (SAMPLES, REQUESTS)
    late = rng.random(shape) < service.tail
    closing = scale * np.exp(service.sigma * rng.standard_normal(shape)) * np.where(late, TAIL_FACTOR, 1.0)
    ends, seen = np.ceil(closing / step), rng.integers(1, last + 1, shape)
    cell = np.arange(SAMPLES)[:, None] * last + np.minimum(ends, seen).astype(int) - 1
    events, censored = (
        np.bincount(cell[kind], minlength=SAMPLES * last).reshape(SAMPLES, last) for kind in (ends <= seen, ends > seen)
    )
    truth = waiting(times)
    return Simulation(times, events, censored, truth, float(times[np.argmax(truth <= 0.5)]), hours_median)


def covered(found: np.ndarray, truth: np.ndarray | float) -> np.ndarray:
    """The share of bands that hold the truth; an end that is not reached lies beyond all times."""
    low, high = (np.where(np.isnan(found[..., end]), np.inf, found[..., end]) for end in (1, 2))
    return ((low <= truth) & (truth <= high)).mean(axis=0)


@pytest.mark.parametrize("code", CODES)
def test_median_is_nearly_unbiased_and_its_band_covers(code: str) -> None:
    s = simulated(code)
    still_open = s.censored.sum() / (SAMPLES * REQUESTS)
    assert 0.31 < still_open < 0.35
    assert s.median == pytest.approx(s.hours_median, rel=0.01)
    found = quantiles(s.times, s.events, s.censored, [0.5])[:, 0]
    assert np.isfinite(found[:, 0]).all()
    bias = found[:, 0].mean() / s.median - 1
    closed_only = closed_only_median(s.times, s.events).mean() / s.median - 1
    coverage = covered(found, s.median)
    print(f"{code}: open {still_open:.1%}, median bias {bias:+.2%}, closed-only {closed_only:+.1%}, {coverage:.1%}")
    assert abs(bias) <= 0.02
    assert 0.93 <= coverage <= 0.97
    assert closed_only < -0.15 and abs(closed_only) > 10 * abs(bias)


@pytest.mark.parametrize("code", CODES)
def test_restricted_mean_is_nearly_unbiased_and_its_band_covers(code: str) -> None:
    s = simulated(code)
    for part in (0.3, 0.6, 0.75):  # of the 300, some 80, 22 and 11 are watched for so long
        last = int(part * len(s.times))
        horizon = s.times[last - 1]
        truth = s.times[0] * (1 + s.waiting[: last - 1].sum())
        found = restricted_mean(s.times, s.events, s.censored, horizon)
        told = np.isfinite(found[:, 0])
        assert told.mean() > 0.998
        bias, coverage = found[told, 0].mean() / truth - 1, covered(found[told], truth)
        print(f"{code}: mean within {horizon:.0f} h bias {bias:+.2%}, {coverage:.1%}")
        assert abs(bias) <= 0.005
        assert 0.93 <= coverage <= 0.97


@pytest.mark.parametrize("code", CODES)
def test_share_still_waiting_is_nearly_unbiased_and_its_band_covers(code: str) -> None:
    s = simulated(code)
    at = np.array([40, 150, 400])
    found = survival_at(s.times, s.events, s.censored, s.times[at])
    np.testing.assert_allclose(found[..., 0].mean(axis=0), s.waiting[at], atol=0.003)
    coverage = covered(found, s.waiting[at])
    assert ((coverage >= 0.93) & (coverage <= 0.97)).all(), coverage
