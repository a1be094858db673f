"""Funnels: limits against their definition, alarms at the stated rate under chance, wider limits where units vary."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, poisson

from portal.figures.funnel import (
    MIN_EXPECTED,
    Position,
    overdispersion,
    ratio_funnel,
    ratio_limits,
    share_funnel,
    share_limits,
    too_few,
)
from portal.figures.standardise import standardised_share


@settings(max_examples=150, deadline=None)
@given(st.floats(0.05, 20_000))
def test_ratio_limits_lie_about_the_target_and_within_a_count_of_the_quantiles(expected: float) -> None:
    found = ratio_limits(expected)
    assert 0 <= found.low998 <= found.low95 < 1 < found.high998
    assert found.high95 <= found.high998
    for side, point in ((found.low95, 0.025), (found.high95, 0.975), (found.low998, 0.001), (found.high998, 0.999)):
        assert abs(side * expected - poisson.ppf(point, expected)) <= 1 + 1e-6


def test_limits_approach_the_normal_ones_and_never_jump() -> None:
    found = ratio_limits(1e6)
    np.testing.assert_allclose([found.low95, found.high95], [1 - 1.96e-3, 1 + 1.96e-3], atol=2e-6)
    np.testing.assert_allclose([found.low998, found.high998], [1 - 3.09e-3, 1 + 3.09e-3], atol=6e-6)
    line = ratio_limits(np.linspace(20, 60, 4_001))
    for side in (line.low95, line.high95, line.low998, line.high998):
        assert np.abs(np.diff(side)).max() < 0.004
        assert abs(side[-1] - 1) < abs(side[0] - 1)


@pytest.mark.parametrize("low", [MIN_EXPECTED, 100.0, 1_000.0])
def test_under_chance_counts_raise_alarms_at_the_stated_rates(low: float) -> None:
    rng = np.random.default_rng(11)
    expected = rng.uniform(low, 3 * low, 2_000)
    position = ratio_limits(expected).positions(rng.poisson(expected, (200, 2_000)) / expected)
    assert np.mean(position != 0) == pytest.approx(0.05, abs=0.003)
    assert np.mean(np.abs(position) == 2) == pytest.approx(0.002, abs=0.0005)
    assert np.mean(position > 0) == pytest.approx(0.025, abs=0.002)
    assert np.mean(position < 0) == pytest.approx(0.025, abs=0.002)


@pytest.mark.parametrize("share", [0.08, 0.5, 0.93])
def test_under_chance_shares_raise_alarms_at_the_stated_rates(share: float) -> None:
    rng = np.random.default_rng(12)
    n = rng.integers(int(MIN_EXPECTED / min(share, 1 - share)) + 1, 2_000, 2_000)
    position = share_limits(n, share).positions(rng.binomial(n, share, (200, 2_000)) / n)
    assert np.mean(position != 0) == pytest.approx(0.05, abs=0.003)
    assert np.mean(np.abs(position) == 2) == pytest.approx(0.002, abs=0.0005)


def test_under_chance_standardised_areas_raise_alarms_at_no_more_than_the_stated_rates() -> None:
    """The whole way: 300 areas of unlike mix, no area differs; the binomial takes unlike strata as one."""
    rng = np.random.default_rng(13)
    true = rng.beta(2, 6, 15)
    inner = outer = units = 0
    for _ in range(40):
        n = rng.poisson(rng.uniform(5, 60, 300)[:, None] * rng.dirichlet(np.full(15, 2.0), 300) * 15)
        found = standardised_share(rng.binomial(n, true), n)
        funnel = share_funnel(found.observed, found.n, found.expected / found.n)
        shown = ~funnel.too_few
        inner += np.count_nonzero(funnel.position[shown])
        outer += np.count_nonzero(np.abs(funnel.position[shown]) == 2)
        units += np.count_nonzero(shown)
    assert units > 8_000
    assert 0.025 < inner / units < 0.053
    assert outer / units < 0.003


def test_a_unit_that_differs_is_found_and_the_rest_are_not() -> None:
    expected = np.full(40, 400.0)
    observed = np.full(40, 400.0)
    observed[[3, 4, 5, 6]] = [480, 445, 355, 320]
    found = ratio_funnel(observed, expected)
    assert found.position[[3, 4, 5, 6]].tolist() == [
        Position.ABOVE_998, Position.ABOVE_95, Position.BELOW_95, Position.BELOW_998,
    ]  # fmt: skip
    assert np.count_nonzero(found.position) == 4
    assert found.phi == 1 and (found.wide_position == found.position).all()


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 3_000), st.floats(0.01, 0.99))
def test_share_limits_mirror_when_the_other_outcome_is_counted(n: int, share: float) -> None:
    one, other = share_limits(n, share), share_limits(n, 1 - share)
    np.testing.assert_allclose(one.low95, 1 - other.high95, atol=1e-6)
    np.testing.assert_allclose(one.high998, 1 - other.low998, atol=1e-6)
    assert abs(one.high95 * n - binom.ppf(0.975, n, share)) <= 1 + 1e-6
    assert 0 <= one.low998 <= one.low95 <= one.high95 <= one.high998 <= 1


@pytest.mark.parametrize("planted", [2.0, 5.0])
def test_variance_beyond_chance_is_recovered_and_widens_the_limits(planted: float) -> None:
    rng = np.random.default_rng(14)
    found, inner, wide = [], [], []
    for _ in range(200):
        expected = rng.uniform(80, 800, 200)
        rate = rng.gamma(expected / (planted - 1), planted - 1)  # a count's variance is then planted × its mean
        funnel = ratio_funnel(rng.poisson(rate), expected)
        found.append(funnel.phi)
        inner.append(np.mean(funnel.position != 0))
        wide.append(np.mean(funnel.wide_position != 0))
    assert np.median(found) == pytest.approx(planted, rel=0.1)
    assert np.mean(inner) > 0.12
    assert np.mean(wide) == pytest.approx(0.05, abs=0.015)


def test_a_few_units_that_truly_differ_do_not_hide_themselves() -> None:
    rng = np.random.default_rng(15)
    z = rng.normal(size=200)
    plain = overdispersion(z)
    z[:8] = 15.0
    assert overdispersion(z) < 1.35
    assert plain == 1.0
    assert np.mean(z**2) > 8


def test_under_chance_limits_are_seldom_widened() -> None:
    rng = np.random.default_rng(16)
    phi = np.array([overdispersion(rng.normal(size=60)) for _ in range(2_000)])
    assert np.mean(phi > 1) < 0.12
    assert np.quantile(phi, 0.99) < 1.8


def test_too_few_is_told_and_does_not_steer_the_limits() -> None:
    assert too_few([19.9, 20.0, np.nan, 0.0]).tolist() == [True, False, True, True]
    assert too_few(5.0, minimum=4.0) == np.False_
    expected = np.concatenate([np.full(20, 100.0), np.full(20, 1.0), [0.0]])
    observed = np.concatenate([np.full(20, 100.0), np.full(20, 9.0), [0.0]])
    found = ratio_funnel(observed, expected)
    assert found.too_few.tolist() == [False] * 20 + [True] * 21
    assert found.phi == 1
    assert np.isnan(found.limits.high95[-1]) and found.position[-1] == Position.INSIDE
    rare = share_funnel([990, 30], [1_000, 60], 0.99)
    assert rare.too_few.tolist() == [True, True]


def test_few_units_do_not_estimate_overdispersion() -> None:
    assert overdispersion(np.full(9, 6.0)) == 1.0
    assert overdispersion(np.full(10, 6.0)) > 30
