"""Changes against the same months of the year before: what is planted is found, and what is none is called none."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from portal.figures.change import Change, quantile_change, rate_change, share_change
from portal.figures.kaplan_meier import quantiles

DAY = 1440.0
TIMES = np.unique(np.concatenate([np.arange(0, 120), np.exp(np.arange(np.log(120), np.log(2e6), 0.01))]))
WIDE = np.diff(np.append(TIMES, TIMES[-1] * 1.01)) > 1
SEASON = 3 * DAY * (1 + 0.6 * np.sin(np.arange(12) / 12 * 2 * np.pi))
Counts = tuple[np.ndarray, np.ndarray]


def city(rng: np.random.Generator, n: np.ndarray, median: np.ndarray, days: np.ndarray) -> Counts:
    """Counts (…, months, T) of requests that take lognormal times; month m began `days[m]` before the record ends."""
    events = np.zeros((*n.shape, TIMES.size), np.int32)
    censored = np.zeros_like(events)
    for at, size in np.ndenumerate(n):
        took = median[at[-1]] * np.exp(rng.normal(0, 1.1, size))
        took[rng.random(size) < 0.012] = np.inf
        seen = (days[at[-1]] - 30 * rng.random(size)) * DAY
        place = np.searchsorted(TIMES, np.minimum(took, seen)).clip(max=TIMES.size - 1)
        closed = took <= seen
        np.add.at(events[at], place[closed], 1)
        np.add.at(censored[at], place[~closed], 1)
    return events, censored


def years(seed: int, now: list[int], before: list[int], factor: float, samples: int) -> Change:
    """So many samples of two years, the later one slower by `factor`: a hundred at a time, to keep memory small."""
    rng = np.random.default_rng(seed)
    days = 30 * np.arange(len(now), 0, -1)
    median = SEASON[-len(now) :]
    parts = []
    for size in np.diff([*range(0, samples, 100), samples]):
        n_now, n_before = (rng.poisson(np.broadcast_to(n, (size, len(n)))) for n in (now, before))
        sides = (city(rng, n_now, median * factor, days), city(rng, n_before, median, days + 365))
        parts.append(quantile_change(TIMES, *sides, [0.5, 0.9], WIDE))
    return Change(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Change)))


def covered(found: np.ndarray, truth: float) -> float:
    """An end that is not reached excludes nothing."""
    told = ~np.isnan(found[:, 0])
    outside = (found[told, 1] > truth) | (found[told, 2] < truth)
    return float(1 - outside.mean())


def test_a_stable_city_has_no_change_at_the_stated_rate_however_its_requests_are_spread_over_the_months() -> None:
    summer, winter = [25] * 6 + [90] * 6, [90] * 6 + [25] * 6
    found = years(1, summer, winter, 1.0, 1500)
    for index in range(2):
        assert 0.93 <= covered(found.difference[:, index], 0.0) <= 0.97
        assert 0.93 <= covered(found.ratio[:, index], 1.0) <= 0.97
    assert abs(np.median(found.ratio[:, 0, 0]) - 1) < 0.03
    # Without weights the other spread alone would pass for a change, nearly every time.
    rng = np.random.default_rng(1)
    n = rng.poisson(np.broadcast_to(summer, (60, 12))), rng.poisson(np.broadcast_to(winter, (60, 12)))
    pooled = [quantiles(TIMES, *(c.sum(axis=1) for c in city(rng, one, SEASON, np.full(12, 900))), [0.5]) for one in n]
    assert np.median(pooled[0][:, 0, 0] / pooled[1][:, 0, 0]) < 0.75


def test_a_planted_slowdown_is_recovered_with_its_interval() -> None:
    found = years(2, [60] * 12, [40] * 12, 1.3, 1500)
    assert np.median(found.ratio[:, 0, 0]) == pytest.approx(1.3, abs=0.02)
    assert 0.93 <= covered(found.ratio[:, 0], 1.3) <= 0.97
    assert 0.93 <= covered(found.ratio[:, 1], 1.3) <= 0.97
    assert (found.difference[:, 0, 1] > 0).mean() > 0.75  # it is seen as slower, not only estimated so
    np.testing.assert_allclose(found.difference[..., 0], found.now[..., 0] - found.before[..., 0])


def test_the_youngest_months_are_left_out_where_nobody_can_know_yet() -> None:
    found = years(3, [200] * 3, [200] * 3, 1.0, 20)
    assert found.months[:, 0].all()  # 30 days show when half of the last month's were closed
    found = years(3, [200] * 12, [200] * 12, 4.0, 20)
    late = found.months[:, 1]
    assert not late[:, -1].any() and late[:, 0].all()
    assert np.isfinite(found.difference[:, 1, 0]).all()


def test_what_is_not_reached_is_nan_and_not_the_last_time_seen() -> None:
    times = np.arange(1.0, 11)
    still_open = (np.zeros((3, 10), int), np.tile(np.eye(10, dtype=int)[-1] * 50, (3, 1)))
    all_closed = (still_open[1], still_open[0])
    found = quantile_change(times, still_open, all_closed, [0.5])
    assert np.isnan(found.now).all() and np.isnan(found.difference).all() and np.isnan(found.ratio).all()
    assert found.before[0, 0] == 10


def test_a_month_of_too_few_requests_is_compared_with_nothing() -> None:
    times = np.arange(1.0, 11)
    events = np.full((2, 10), 3)
    few = events.copy()
    few[1] = 0
    few[1, 0] = 4
    none = np.zeros_like(events)
    found = quantile_change(times, (few, none), (events, none), [0.5])
    assert found.months.tolist() == [[True, False]]
    assert found.difference[0, 0] == 0
    nobody = quantile_change(times, (none, none), (events, none), [0.5])
    assert np.isnan(nobody.difference).all() and not nobody.months.any()
    assert quantile_change(times[:0], (none[:, :0],) * 2, (none[:, :0],) * 2, [0.5]).now.shape == (1, 3)


def test_one_month_has_the_quantile_of_kaplan_and_meier() -> None:
    rng = np.random.default_rng(4)
    events, censored = rng.integers(0, 20, (2, 5, 1, 40))
    times = np.arange(40.0)
    found = quantile_change(times, (events, censored), (events, censored), [0.25, 0.5])
    plain = quantiles(times, events[:, 0], censored[:, 0], [0.25, 0.5])
    np.testing.assert_array_equal(found.now[..., 0], plain[..., 0])
    np.testing.assert_allclose(found.now, plain, atol=1)
    assert (found.difference[..., 0] == 0).all()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000))
def test_now_and_before_swapped_turn_the_change_round(seed: int) -> None:
    rng = np.random.default_rng(seed)
    now, before = (tuple(rng.integers(0, 9, (2, 4, 30))) for _ in range(2))
    one = quantile_change(np.arange(1.0, 31), now, before, [0.4])
    other = quantile_change(np.arange(1.0, 31), before, now, [0.4])
    np.testing.assert_allclose(one.difference, -other.difference[:, [0, 2, 1]])
    np.testing.assert_allclose(one.ratio, 1 / other.ratio[:, [0, 2, 1]])


def test_the_interval_of_a_share_in_one_month_is_that_of_newcombe() -> None:
    found = share_change(([56], [70]), ([48], [80]))  # the first example of his table II
    np.testing.assert_allclose(found.difference, [0.2, 0.0524, 0.3339], atol=5e-5)
    nothing = share_change(([0, 0], [0, 5]), ([1, 0], [5, 0]))
    assert np.isnan(nothing.difference).all() and not nothing.months.any()
    with pytest.raises(ValueError, match="more than all"):
        share_change(([6], [5]), ([1], [5]))


def test_shares_are_compared_month_by_month() -> None:
    rng = np.random.default_rng(5)
    late = np.linspace(0.1, 0.6, 12)
    n_now, n_before = np.linspace(10, 80, 12).astype(int), np.linspace(80, 10, 12).astype(int)
    now, before = rng.binomial(n_now, late, (4000, 12)), rng.binomial(n_before, late, (4000, 12))
    found = share_change((now, np.broadcast_to(n_now, now.shape)), (before, np.broadcast_to(n_before, now.shape)))
    assert abs(found.difference[:, 0].mean()) < 0.003
    assert 0.93 <= covered(found.difference, 0.0) <= 0.97
    pooled = now.sum(axis=1) / n_now.sum() - before.sum(axis=1) / n_before.sum()
    assert pooled.mean() > 0.15
    worse = rng.binomial(n_now, late + 0.1, (4000, 12))
    found = share_change((worse, np.broadcast_to(n_now, now.shape)), (before, np.broadcast_to(n_before, now.shape)))
    assert found.difference[:, 0].mean() == pytest.approx(0.1, abs=0.003)
    assert 0.93 <= covered(found.difference, 0.1) <= 0.97


def test_the_ratio_of_numbers_is_exact_and_covers() -> None:
    found = rate_change(([30], [30]), ([20], [30]))
    assert found.ratio[0] == pytest.approx(1.5) and found.difference[0] == pytest.approx(1 / 3)
    for end, tail in ((found.ratio[1], binom.sf(29, 50, found.ratio[1] / (1 + found.ratio[1]))),
                      (found.ratio[2], binom.cdf(30, 50, found.ratio[2] / (1 + found.ratio[2])))):  # fmt: skip
        assert tail == pytest.approx(0.025, abs=1e-6), end
    rng = np.random.default_rng(6)
    now, before = rng.poisson(36, (5000, 3)), rng.poisson(30, (5000, 3))
    days = np.full((5000, 3), 30)
    found = rate_change((now, days), (before, days))
    assert 0.95 <= covered(found.ratio, 1.2) <= 0.975  # exact: never under
    assert 0.93 <= covered(found.difference, 6 / 30) <= 0.97


def test_half_a_busy_month_is_no_decline() -> None:
    rng = np.random.default_rng(7)
    daily = np.array([10.0, 40.0])
    now = rng.poisson(daily * [30, 15], (4000, 2))
    before = rng.poisson(daily * [30, 30], (4000, 2))
    found = rate_change((now, np.broadcast_to([30, 15], now.shape)), (before, np.broadcast_to([30, 30], now.shape)))
    assert found.ratio[:, 0].mean() == pytest.approx(1, abs=0.01)
    assert 0.93 <= covered(found.ratio, 1.0) <= 0.975
    assert found.before[:, 0].mean() == pytest.approx(20, abs=0.1)  # (30·10 + 15·40) / 45


def test_storms_and_repeated_reports_widen_the_interval() -> None:
    rng = np.random.default_rng(8)
    spread = 6.0
    now, before = rng.negative_binomial(900 / (spread - 1), 1 / spread, (2, 4000, 1))
    days = np.full((4000, 1), 90)
    assert covered(rate_change((now, days), (before, days)).ratio, 1.0) < 0.7
    assert 0.93 <= covered(rate_change((now, days), (before, days), dispersion=spread).ratio, 1.0) <= 0.975
    with pytest.raises(ValueError, match="dispersion"):
        rate_change(([1], [1]), ([1], [1]), dispersion=0.5)


def test_none_before_gives_no_ratio_but_a_difference() -> None:
    found = rate_change(([12], [30]), ([0], [30]))
    assert np.isnan(found.ratio[0]) and np.isnan(found.ratio[2]) and found.ratio[1] > 2
    assert found.difference[0] == pytest.approx(0.4) and found.difference[1] > 0
