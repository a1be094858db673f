"""Survival figures agree with lifelines, and with what is plain to see."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines import KaplanMeierFitter
from lifelines.utils import median_survival_times, qth_survival_times, restricted_mean_survival_time

from portal.figures.kaplan_meier import Z95, closed_only_median, curve, quantiles, restricted_mean, survival_at


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


def drawn(seed: int, n: int, tied: bool, heavy: bool) -> tuple[np.ndarray, np.ndarray]:
    """Durations and whether their end was seen: in exact minutes or tied by the day, 30% or 84% still waiting."""
    rng = np.random.default_rng(seed)
    closing = rng.lognormal(np.log(7_000), 1.3, n)
    seen = rng.uniform(0, 4_000 if heavy else 40_000, n)
    durations = np.minimum(closing, seen)
    return (np.ceil(durations / 1440) * 1440 if tied else durations), closing <= seen


def logit(share: np.ndarray) -> np.ndarray:
    return np.log(share / (1 - share))


@pytest.mark.filterwarnings("ignore::lifelines.exceptions.ApproximationWarning")
@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("heavy", [False, True])
def test_quantiles_and_bands_equal_those_of_lifelines(tied: bool, heavy: bool) -> None:
    compared = 0
    for seed in range(25):
        durations, observed = drawn(seed, 20 + 30 * seed, tied, heavy)
        fitted = KaplanMeierFitter().fit(durations, observed)
        band = fitted.confidence_interval_
        ours = quantiles(*counts(durations, observed), [0.1, 0.5, 0.75, 0.9])
        for share, row in zip((0.1, 0.5, 0.75, 0.9), ours, strict=True):
            theirs = np.array([fitted.percentile(1 - share), *qth_survival_times(1 - share, band).to_numpy()[0]])
            if np.any(np.abs(np.column_stack([fitted.survival_function_, band]) - (1 - share)) < 1e-9):
                continue  # a tie with the share itself: see above
            theirs[np.isinf(theirs)] = np.nan
            np.testing.assert_allclose(row, theirs, rtol=1e-9)
            compared += int(np.isfinite(theirs).sum())
    assert compared > 50  # not all is skipped or never reached


@settings(max_examples=120, deadline=None)
@given(samples, st.floats(0.05, 1))
def test_restricted_mean_equals_that_of_lifelines(sample: list[tuple[int, bool]], part: float) -> None:
    durations, observed = np.array([s[0] for s in sample], float), np.array([s[1] for s in sample])
    horizon = part * durations.max()
    ours = restricted_mean(*counts(durations, observed), horizon)
    theirs = restricted_mean_survival_time(KaplanMeierFitter().fit(durations, observed), t=horizon)
    assert ours[0] == pytest.approx(theirs, rel=1e-9)
    assert np.isnan(ours[1:]).all() or 0 <= ours[1] <= ours[0] <= ours[2] <= horizon


@pytest.mark.parametrize("tied", [False, True])
def test_restricted_mean_of_long_samples_equals_that_of_lifelines(tied: bool) -> None:
    for seed in range(10):
        durations, observed = drawn(seed, 400, tied, heavy=False)
        fitted = KaplanMeierFitter().fit(durations, observed)
        for horizon in (1_440.0, 10_000.0, 33_333.3):
            ours = restricted_mean(*counts(durations, observed), horizon)[0]
            assert ours == pytest.approx(restricted_mean_survival_time(fitted, t=horizon), rel=1e-9)


def test_without_censoring_the_restricted_mean_and_its_error_are_those_of_a_plain_mean() -> None:
    durations = np.random.default_rng(5).integers(0, 60, 200).astype(float)  # many ties, some at 0
    times, events, censored = counts(durations, np.ones(200, bool))
    for horizon in (7.0, 30.5, 500.0):
        cut = np.minimum(durations, horizon)
        mean, low, high = restricted_mean(times, events, censored, horizon)
        error = (logit(high / horizon) - logit(low / horizon)) / (2 * Z95) * mean * (1 - mean / horizon)
        assert mean == pytest.approx(cut.mean(), rel=1e-12)
        assert error == pytest.approx(cut.std() / np.sqrt(200), rel=1e-9)


def test_restricted_mean_says_nothing_beyond_what_was_watched() -> None:
    times = np.array([1.0, 4.0, 9.0])
    some_wait = (
        np.array([[2, 1, 0], [2, 1, 0], [0, 0, 0], [0, 0, 0], [3, 0, 0]]),
        np.array([[0, 0, 1], [0, 1, 0], [0, 0, 5], [0, 0, 0], [0, 0, 0]]),
    )
    found = restricted_mean(times, *some_wait, horizon=8.0)
    assert found[0, 0] == pytest.approx(1 + 3 * 0.5 + 4 * 0.25) and np.isfinite(found[0]).all()
    assert np.isnan(found[1]).all()  # one was still waiting when last seen at 4
    assert found[2, 0] == found[2, 2] == 8 and found[2, 1] == pytest.approx(8 * 0.025 ** (1 / 5))
    assert np.isnan(found[3]).all()  # nobody
    assert found[4, 0] == 1 and np.isnan(found[4, 1:]).all()  # all at once: known, but not how surely
    assert np.isnan(restricted_mean(np.array([]), np.zeros((2, 0)), np.zeros((2, 0)), 5.0)).all()
    with pytest.raises(ValueError, match="up to 0"):
        restricted_mean(times, *some_wait, horizon=0)


def test_an_event_at_or_after_the_horizon_does_not_move_the_mean() -> None:
    times = np.array([2.0, 5.0, 7.0])
    for horizon in (5.0, 4.0, 2.0, 1.5):
        none_yet = restricted_mean(times, np.array([0, 3, 2]), np.array([0, 0, 1]), horizon)
        np.testing.assert_allclose(none_yet, [horizon, horizon * 0.025 ** (1 / 6), horizon])


def test_restricted_mean_of_one_percent_bins_is_that_of_the_minutes() -> None:
    durations, observed = drawn(1, 20_000, tied=False, heavy=False)
    edges = np.unique(np.round(np.concatenate([np.arange(120), 120 * 1.01 ** np.arange(1, 800)])))
    middles = (edges[:-1] + edges[1:] - 1) / 2
    index = np.searchsorted(edges, durations, side="right") - 1
    events, censored = (np.bincount(index[kind], minlength=len(middles)) for kind in (observed, ~observed))
    binned = restricted_mean(middles, events, censored, 30_000.0, np.diff(edges) > 1)
    np.testing.assert_allclose(binned, restricted_mean(*counts(durations, observed), 30_000.0), rtol=2e-3)


@settings(max_examples=120, deadline=None)
@given(samples)
def test_survival_at_equals_the_curve_of_lifelines(sample: list[tuple[int, bool]]) -> None:
    durations, observed = np.array([s[0] for s in sample], float), np.array([s[1] for s in sample])
    at = np.arange(0, 41, 0.5)
    ours = survival_at(*counts(durations, observed), at)
    fitted = KaplanMeierFitter().fit(durations, observed)
    told = (at <= durations.max()) | (fitted.survival_function_.iloc[-1, 0] == 0)
    np.testing.assert_array_equal(np.isnan(ours).any(axis=-1), ~told)
    np.testing.assert_allclose(ours[told, 0], fitted.predict(at[told]), atol=1e-9)
    inside = told & (ours[:, 0] > 1e-9) & (ours[:, 0] < 1 - 1e-9)
    band = fitted.confidence_interval_.reindex(at, method="ffill").to_numpy()
    np.testing.assert_allclose(ours[inside, 1:], band[inside], atol=1e-9)
    assert (ours[told, 1] <= ours[told, 0]).all() and (ours[told, 0] <= ours[told, 2]).all()


def test_a_share_of_all_or_none_of_a_few_is_not_called_sure() -> None:
    times = np.array([3.0, 6.0])
    found = survival_at(times, np.array([[0, 4], [0, 0]]), np.array([[0, 0], [4, 0]]), [1, 3, 6, 7])
    exact = 0.025 ** (1 / 4)  # Clopper and Pearson's end for 4 of 4
    np.testing.assert_allclose(found[0], [[1, exact, 1], [1, exact, 1], [0, 0, 1 - exact], [0, 0, 1 - exact]])
    np.testing.assert_allclose(found[1, :2], [[1, exact, 1], [1, exact, 1]])
    assert np.isnan(found[1, 2:]).all()


def test_means_and_shares_of_groups_at_once_equal_groups_one_by_one() -> None:
    rng = np.random.default_rng(4)
    events, censored = rng.poisson(0.5, (2, 350, 900)), rng.poisson(0.2, (2, 350, 900))
    times = np.arange(900)
    means, shares = restricted_mean(times, events, censored, 400.0), survival_at(times, events, censored, [0, 5, 400])
    assert means.shape == (2, 350, 3) and shares.shape == (2, 350, 3, 3)
    for group in ((0, 0), (1, 7), (1, 349)):
        one = times, events[group], censored[group]
        np.testing.assert_array_equal(means[group], restricted_mean(*one, 400.0))
        np.testing.assert_array_equal(shares[group], survival_at(*one, [0, 5, 400]))


def test_the_last_one_of_a_few_leaves_an_end_no_higher_than_the_share_just_before() -> None:
    times, events = np.array([3.0, 6.0]), np.array([3, 1])
    found = survival_at(times, events, np.zeros(2), [3, 6])
    assert found[1, 0] == found[1, 1] == 0
    assert found[1, 2] == pytest.approx(found[0, 2] * 0.975)
