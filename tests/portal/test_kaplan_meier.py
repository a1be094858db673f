"""Survival figures agree with lifelines, and with what is plain to see."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines import KaplanMeierFitter
from lifelines.utils import median_survival_times

from portal.figures.kaplan_meier import closed_only_median, curve, quantiles


def counts(durations: np.ndarray, observed: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    times = np.unique(durations)
    index = np.searchsorted(times, durations)
    return (
        times,
        np.bincount(index[observed], minlength=len(times)),
        np.bincount(index[~observed], minlength=len(times)),
    )


samples = st.lists(st.tuples(st.integers(1, 40), st.booleans()), min_size=1, max_size=80)


@settings(max_examples=120, deadline=None)
@given(samples)
def test_curve_and_band_equal_those_of_lifelines(sample: list[tuple[int, bool]]) -> None:
    durations, observed = np.array([s[0] for s in sample], float), np.array([s[1] for s in sample])
    times, events, censored = counts(durations, observed)
    ours = curve(events, censored)
    fitted = KaplanMeierFitter().fit(durations, observed)
    theirs = fitted.survival_function_.iloc[:, 0].loc[times].to_numpy()
    np.testing.assert_allclose(ours.survival, theirs, atol=1e-9)
    band = fitted.confidence_interval_.loc[times].to_numpy()
    np.testing.assert_allclose(ours.low, band[:, 0], atol=1e-9)
    np.testing.assert_allclose(ours.high, band[:, 1], atol=1e-9)


@settings(max_examples=120, deadline=None)
@given(samples)
def test_median_and_its_band_equal_those_of_lifelines(sample: list[tuple[int, bool]]) -> None:
    durations, observed = np.array([s[0] for s in sample], float), np.array([s[1] for s in sample])
    fitted = KaplanMeierFitter().fit(durations, observed)
    curves = np.column_stack([fitted.survival_function_, fitted.confidence_interval_])
    if np.any(np.abs(curves - 0.5) < 1e-9):
        return  # lifelines decides such a tie by the rounding of exp(sum(log)), we say it is reached
    ours = quantiles(*counts(durations, observed), [0.5])[0]
    band = median_survival_times(fitted.confidence_interval_).to_numpy()[0]
    theirs = np.array([fitted.median_survival_time_, *band])
    theirs[np.isinf(theirs)] = np.nan
    np.testing.assert_array_equal(ours, theirs)


def test_without_censoring_the_median_is_where_half_have_happened() -> None:
    times = np.arange(1, 11)
    found = quantiles(times, np.ones(10, int), np.zeros(10, int), [0.5, 0.9])
    assert found[0, 0] == 5 and found[1, 0] == 9
    assert closed_only_median(times, np.ones(10, int)) == 5


def test_no_events_reach_nothing() -> None:
    found = quantiles(np.arange(5), np.zeros(5, int), np.ones(5, int), [0.5])
    assert np.isnan(found).all()
    assert np.isnan(closed_only_median(np.arange(5), np.zeros(5, int)))
    np.testing.assert_array_equal(curve(np.zeros(5, int), np.ones(5, int)).survival, 1)


def test_nobody_at_all_reaches_nothing() -> None:
    assert np.isnan(quantiles(np.arange(3), np.zeros(3), np.zeros(3), [0.5, 0.75])).all()
    assert quantiles(np.array([]), np.zeros((4, 0)), np.zeros((4, 0)), [0.5]).shape == (4, 1, 3)


def test_groups_at_once_equal_groups_one_by_one() -> None:
    rng = np.random.default_rng(3)
    events, censored = rng.poisson(0.5, (700, 900)), rng.poisson(0.2, (700, 900))
    events[:, 500:] = 0
    times = np.arange(900)
    together = quantiles(times, events, censored, [0.5, 0.9])
    for group in (0, 1, 350, 699):
        alone = quantiles(times, events[group], censored[group], [0.5, 0.9])
        np.testing.assert_array_equal(together[group], alone)


def test_censoring_at_random_does_not_move_the_median_but_the_closed_only_one() -> None:
    rng = np.random.default_rng(11)
    closing = rng.exponential(100, 200_000)
    seen = rng.uniform(0, 150, 200_000)
    times, events, censored = counts(np.ceil(np.minimum(closing, seen)), closing <= seen)
    truth = 100 * np.log(2)
    estimate, low, high = quantiles(times, events, censored, [0.5])[0]
    assert estimate == pytest.approx(truth, abs=1.5) and low <= estimate <= high
    assert closed_only_median(times, events) < 0.7 * truth
