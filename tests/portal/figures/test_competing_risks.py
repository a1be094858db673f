"""Cumulative incidence agrees with lifelines, with plain counting, and with simulations whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from lifelines import AalenJohansenFitter
from scipy.special import ndtr

from portal.figures.competing_risks import Incidence, incidence, incidence_at
from portal.figures.kaplan_meier import Z95, curve

counts = st.tuples(st.integers(1, 4), st.integers(1, 12)).flatmap(
    lambda shape: st.tuples(
        arrays(np.int64, (3, *shape), elements=st.integers(0, 6)),
        arrays(np.int64, (3, shape[1]), elements=st.integers(0, 6)),
    )
)


def errors(found: Incidence) -> np.ndarray:
    """The standard errors that the bands were made of, where a cause has had some but not all."""
    with np.errstate(divide="ignore", invalid="ignore"):
        width = np.log(-np.log1p(-found.high)) - np.log(-np.log1p(-found.low))
        return width / (2 * Z95) * (1 - found.share) * -np.log1p(-found.share)


@settings(max_examples=150, deadline=None)
@given(counts)
def test_causes_and_those_who_wait_sum_to_one(sample: tuple[np.ndarray, np.ndarray]) -> None:
    events, censored = sample
    found = incidence(events, censored)
    waiting = curve(events.sum(axis=-2), censored).survival
    np.testing.assert_allclose(found.share.sum(axis=-2) + waiting, 1, atol=1e-12)
    assert (np.diff(found.share, axis=-1) >= 0).all()
    assert (found.low <= found.share + 1e-12).all() and (found.share <= found.high + 1e-12).all()
    assert (found.low >= 0).all() and (found.high <= 1).all()


@settings(max_examples=150, deadline=None)
@given(counts)
def test_a_single_cause_is_one_minus_the_curve_with_its_band(sample: tuple[np.ndarray, np.ndarray]) -> None:
    events, censored = sample
    single = events.sum(axis=-2)
    found, plain = incidence(single[..., None, :], censored), curve(single, censored)
    np.testing.assert_allclose(found.share[..., 0, :], 1 - plain.survival, atol=1e-12)
    inside = (plain.survival > 1e-9) & (plain.survival < 1)
    np.testing.assert_allclose(found.low[..., 0, :][inside], 1 - plain.high[inside], atol=1e-9)
    np.testing.assert_allclose(found.high[..., 0, :][inside], 1 - plain.low[inside], atol=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_shares_and_variances_equal_those_of_lifelines(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 120
    durations = rng.exponential(50, n)  # without ties, which lifelines would jitter
    cause = rng.choice(4, n, p=[0.35, 0.4, 0.2, 0.05])  # 0: censored
    times = np.sort(durations)
    by_time = cause[np.argsort(durations)]
    events = np.stack([by_time == which for which in (1, 2, 3)]).astype(int)
    found = incidence(events, (by_time == 0).astype(int))
    own = np.stack([found.share, found.low, found.high], axis=-1)
    np.testing.assert_array_equal(incidence_at(times, events, (by_time == 0).astype(int), times), own)
    error = errors(found)
    for which in (1, 2, 3):
        fitted = AalenJohansenFitter().fit(durations, cause, event_of_interest=which)
        theirs = fitted.cumulative_density_.loc[times].to_numpy()[:, 0]
        np.testing.assert_allclose(found.share[which - 1], theirs, atol=1e-9)
        some = theirs > 0
        variance = fitted.variance_.loc[times].to_numpy()
        np.testing.assert_allclose(error[which - 1][some] ** 2, variance[some], atol=1e-9, rtol=1e-7)


def test_without_censoring_shares_and_errors_are_those_of_plain_counting_also_with_ties() -> None:
    rng = np.random.default_rng(8)
    n, length = 400, 25
    ends, cause = rng.integers(0, length, n), rng.choice(3, n, p=[0.6, 0.3, 0.1])
    events = np.stack([np.bincount(ends[cause == which], minlength=length) for which in range(3)])
    found = incidence(events, np.zeros(length, int))
    plain = np.cumsum(events, axis=-1) / n
    np.testing.assert_allclose(found.share, plain, atol=1e-12)
    assert (plain == 0).sum() < 5
    some = plain > 0
    np.testing.assert_allclose(errors(found)[some], np.sqrt(plain * (1 - plain) / n)[some], rtol=1e-7)


def test_an_outcome_taken_as_censoring_of_the_others_would_overstate_them() -> None:
    events = np.array([[10, 10, 10], [30, 10, 5]])
    found = incidence(events, np.array([0, 0, 25]))
    alone = 1 - curve(events[0], events[1] + np.array([0, 0, 25])).survival[-1]
    assert found.share[0, -1] == pytest.approx(0.3) and alone > 0.4


def test_none_or_all_of_a_few_is_not_called_sure() -> None:
    events = np.array([[0, 0, 0], [0, 2, 3]])
    found = incidence(events, np.zeros(3, int))
    exact = 1 - 0.025 ** (1 / 5)  # Clopper and Pearson's end for none of 5; the others' ends are known
    np.testing.assert_allclose(found.high[0], exact)
    np.testing.assert_array_equal(found.low[0], 0)
    assert found.share[1, -1] == found.high[1, -1] == 1 and found.low[1, -1] < 0.5
    leaving = incidence(events, np.array([3, 0, 0]))
    np.testing.assert_allclose(leaving.high[0], 1 - 0.025 ** (1 / np.array([8, 5, 5])))


def test_shares_at_times_say_nothing_beyond_what_was_watched() -> None:
    times = np.array([2.0, 4.0, 8.0])
    events = np.array([[[1, 1, 0], [1, 0, 0]], [[1, 1, 0], [1, 1, 0]], [[0, 0, 0], [0, 0, 0]]])
    censored = np.array([[0, 1, 0], [0, 0, 0], [0, 0, 0]])
    found = incidence_at(times, events, censored, [0, 2, 3.9, 4, 5])
    assert found.shape == (3, 2, 5, 3)
    np.testing.assert_allclose(found[0, :, :4, 0], [[0, 0.25, 0.25, 0.5], [0, 0.25, 0.25, 0.25]])
    assert np.isnan(found[0, :, 4]).all()  # one was still waiting when last seen at 4
    np.testing.assert_allclose(found[1, :, 4, 0], 0.5)  # here nobody was
    assert np.isnan(found[2]).all()
    np.testing.assert_allclose(found[0, :, 0, 2], 1 - 0.025 ** (1 / 4))
    assert np.isnan(incidence_at(np.array([]), np.zeros((2, 0)), np.zeros(0), [1.0])).all()


def test_groups_at_once_equal_groups_one_by_one() -> None:
    rng = np.random.default_rng(6)
    events, censored = rng.poisson(0.3, (2, 200, 3, 700)), rng.poisson(0.2, (2, 200, 700))
    times, at = np.arange(700), [0, 10, 650]
    together = incidence_at(times, events, censored, at)
    for group in ((0, 0), (1, 3), (1, 199)):
        np.testing.assert_array_equal(together[group], incidence_at(times, events[group], censored[group], at))


def test_spans_take_half_of_those_who_leave_in_them_and_still_sum_to_one() -> None:
    events, censored = np.array([[2, 3, 1], [1, 0, 2]]), np.array([4, 4, 4])
    found = incidence(events, censored, np.array([False, True, True]))
    assert found.share[0, 0] == pytest.approx(2 / 21)
    assert found.share[0, 1] - found.share[0, 0] == pytest.approx(18 / 21 * 3 / (14 - 2))
    waiting = 18 / 21 * (9 / 12) * (1 - 3 / 5)
    assert found.share[:, -1].sum() == pytest.approx(1 - waiting)


def test_bands_of_simulated_outcomes_cover_and_shares_are_unbiased() -> None:
    rng = np.random.default_rng(2026)
    samples, n, last = 2_000, 300, 150
    shares, middles, sigmas = np.array([0.6, 0.28, 0.12]), np.array([60, 25, 90.0]), np.array([1.1, 0.9, 1.0])
    cause = rng.choice(3, (samples, n), p=shares)
    ends = np.ceil(middles[cause] * np.exp(sigmas[cause] * rng.standard_normal((samples, n))))
    seen = rng.integers(1, last + 1, (samples, n))
    cell = np.arange(samples)[:, None] * last + np.minimum(ends, seen).astype(int) - 1

    def count(kind: np.ndarray) -> np.ndarray:
        return np.bincount(cell[kind], minlength=samples * last).reshape(samples, last)

    events = np.stack([count((cause == which) & (ends <= seen)) for which in range(3)], axis=1)
    at = np.array([20.0, 60.0, 120.0])
    truth = shares[:, None] * ndtr(np.log(at / middles[:, None]) / sigmas[:, None])
    found = incidence_at(np.arange(1, last + 1), events, count(ends > seen), at)
    bias = found[..., 0].mean(axis=0) - truth
    coverage = ((found[..., 1] <= truth) & (truth <= found[..., 2])).mean(axis=0)
    print("truth", truth.round(3).tolist(), "bias", bias.round(5).tolist(), "coverage", coverage.round(3).tolist())
    assert (np.abs(bias) < 0.003).all()
    # A share of under 1% of 300 is a matter of two or three requests, where a band of whole counts covers more.
    common = truth > 0.01
    assert common.sum() >= 8
    assert ((coverage[common] >= 0.93) & (coverage[common] <= 0.97)).all()
    assert (coverage >= 0.93).all()
