"""Exact intervals: against their definition, against scipy's own, and against repeated draws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, chi2, poisson

from portal.figures.poisson import exact_interval, exact_share


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 5_000), st.floats(0.01, 5_000), st.sampled_from([0.8, 0.95, 0.998]))
def test_count_interval_is_where_the_tails_are_of_the_stated_size(count: int, expected: float, level: float) -> None:
    found, tail = exact_interval(count, expected, level), (1 - level) / 2
    assert found.estimate == pytest.approx(count / expected)
    assert poisson.cdf(count, found.high * expected) == pytest.approx(tail, rel=1e-6)
    if count:
        assert poisson.sf(count - 1, found.low * expected) == pytest.approx(tail, rel=1e-6)
    else:
        assert found.low == 0


def test_count_interval_equals_the_chi_square_form() -> None:
    counts = np.array([1, 2, 7, 100, 10_000])
    found = exact_interval(counts)
    np.testing.assert_allclose(found.low, chi2.ppf(0.025, 2 * counts) / 2)
    np.testing.assert_allclose(found.high, chi2.ppf(0.975, 2 * counts + 2) / 2)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 2_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_share_interval_equals_that_of_scipy(case: tuple[int, int]) -> None:
    k, n = case
    found, theirs = exact_share(k, n), binomtest(k, n).proportion_ci(method="exact")
    assert found.low == pytest.approx(theirs.low, abs=1e-9)
    assert found.high == pytest.approx(theirs.high, abs=1e-9)


@pytest.mark.parametrize("mean", [0.5, 3.0, 20.0, 150.0])
def test_count_interval_covers_at_its_level(mean: float) -> None:
    counts = np.arange(int(mean + 20 * np.sqrt(mean) + 20))
    found = exact_interval(counts)
    covers = (found.low <= mean) & (mean <= found.high)
    assert 0.95 <= poisson.pmf(counts, mean)[covers].sum() <= 0.995


@pytest.mark.parametrize("share", [0.02, 0.3, 0.95])
def test_share_interval_covers_at_its_level(share: float) -> None:
    k = np.arange(121)
    found = exact_share(k, 120)
    covers = (found.low <= share) & (share <= found.high)
    assert 0.95 <= binom.pmf(k, 120, share)[covers].sum() <= 0.99


def test_nothing_is_told_of_nothing() -> None:
    found = exact_interval([[3, 0]], [[0.0, np.nan]])
    assert np.isnan(found.estimate).all() and np.isnan(found.low).all() and np.isnan(found.high).all()
    nobody = exact_share([0, 1], [0, 2])
    assert np.isnan([nobody.estimate[0], nobody.low[0], nobody.high[0]]).all() and nobody.estimate[1] == 0.5


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="below 0"):
        exact_interval(-1)
    with pytest.raises(ValueError, match="within 0"):
        exact_share(3, 2)
    with pytest.raises(ValueError, match="level"):
        exact_interval(3, level=95)
