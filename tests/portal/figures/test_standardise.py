"""Fair comparison: gaps that only the mix makes go away, gaps that are real are found, in simulations with known truth."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from portal.figures.kaplan_meier import quantiles
from portal.figures.standardise import StandardisedTimes, standardised_share, standardised_times

HORIZON = 700.0
EDGES = np.concatenate([[0.0], np.geomspace(0.01, HORIZON + 1, 190)])
MEDIANS = np.geomspace(0.3, 60, 12)
"""Days that half of each service take in the city of the simulations."""

counts = arrays(np.int64, (3, 2, 4), elements=st.integers(0, 6))


def city(
    rng: np.random.Generator, mixes: np.ndarray, sizes: list[int], factors: list[float], medians: np.ndarray = MEDIANS
) -> tuple[np.ndarray, np.ndarray]:
    """Counts of a city of lognormal times with a long tail, some never closed, cut off at an as-of time."""
    shape = (len(sizes), len(medians), EDGES.size - 1)
    events, censored = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for area, (mix, size, factor) in enumerate(zip(mixes, sizes, factors, strict=True)):
        stratum = rng.choice(len(medians), size, p=mix)
        days = medians[stratum] * np.exp(rng.normal(0, 1.0, size)) * np.where(rng.random(size) < 0.08, 9.0, 1.0)
        days = np.where(rng.random(size) < 0.012, np.inf, days * factor)
        cut = rng.uniform(0, HORIZON, size)
        bin_ = np.searchsorted(EDGES, np.minimum(days, cut), side="right") - 1
        closed = days <= cut
        np.add.at(events, (area, stratum[closed], bin_[closed]), 1)
        np.add.at(censored, (area, stratum[~closed], bin_[~closed]), 1)
    return events, censored


def slow_mix(times: float) -> np.ndarray:
    """Shares of the services, the slow half named so many times as often."""
    mix = np.where(np.arange(len(MEDIANS)) >= len(MEDIANS) // 2, times, 1.0)
    return mix / mix.sum()


def test_a_gap_that_only_the_mix_makes_is_removed() -> None:
    left: list[np.ndarray] = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        mixes = np.array([slow_mix(1.0), slow_mix(4.0), slow_mix(1.0), slow_mix(0.7)])
        found = standardised_times(EDGES, *city(rng, mixes, [40_000, 25_000, 30_000, 20_000], [1.0] * 4))
        raw, adjusted = found.raw[1] - found.raw[0], found.adjusted[1, :, 0] - found.adjusted[0, :, 0]
        assert (raw > 5).all()
        left.append(np.abs(adjusted) / raw)
        assert found.mix_share[1] == pytest.approx([1, 1], abs=0.1)
        assert found.time_ratio.estimate == pytest.approx(np.ones(4), abs=0.05)
        assert found.speed.estimate == pytest.approx(np.ones(4), abs=0.04)
    assert np.mean(left) < 0.03
    assert (np.mean(left, axis=0) <= 0.05).all()
    assert np.quantile(left, 0.9) <= 0.05


@pytest.mark.parametrize("factor", [0.6, 1.6, 3.0])
def test_a_gap_within_types_is_recovered(factor: float) -> None:
    for seed in range(6):
        rng = np.random.default_rng(100 + seed)
        mixes = np.array([slow_mix(1.0), slow_mix(2.0), slow_mix(0.5), slow_mix(1.0)])
        found = standardised_times(EDGES, *city(rng, mixes, [6_000, 5_000, 9_000, 9_000], [1.0, factor, 1.0, 1.0]))
        assert found.time_ratio.estimate[1] == pytest.approx(factor, rel=0.1)
        assert (found.speed.estimate[1] < 1) == (factor > 1)
        # Against an area of the same pace, the adjusted times stand as the planted factor.
        assert found.adjusted[1, 0, 0] / found.adjusted[0, 0, 0] == pytest.approx(factor, rel=0.15)


def test_a_real_gap_that_the_mix_hides_is_found() -> None:
    rng = np.random.default_rng(7)
    mixes = np.array([slow_mix(1.0), slow_mix(0.12), slow_mix(1.0)])
    found = standardised_times(EDGES, *city(rng, mixes, [30_000, 15_000, 30_000], [1.0, 1.6, 1.0]))
    assert found.raw[1, 0] < found.city[0] < found.adjusted[1, 0, 1]
    assert found.time_ratio.low[1] > 1.5
    assert found.mix_share[1, 0] > 1.2


@pytest.mark.parametrize(("services", "size"), [(12, 250), (40, 150)])
def test_bands_cover_the_truth_at_their_level_in_a_small_area(services: int, size: int) -> None:
    """Few requests, 1.6 times as long, beside a city of 6,000: several services are asked for hardly ever."""
    rng, medians = np.random.default_rng(21), np.geomspace(0.3, 60, services)
    mix = np.full((2, services), 1 / services)
    long = city(rng, mix[:1], [services * 40_000], [1.6], medians)
    true = np.array([quantile_curve(long[0][:, stratum], long[1][:, stratum]) for stratum in range(services)])
    ratios, bands, estimates = [], [], []
    for _ in range(200):
        events, censored = city(rng, mix, [6_000, size], [1.0, 1.6], medians)
        found = standardised_times(EDGES, events, censored)
        share = (events + censored).sum(axis=(0, 2)) / (events + censored).sum()
        truth = np.interp([-0.5, -0.1], -(share @ true), EDGES)
        ratios.append(found.time_ratio.low[1] <= 1.6 <= found.time_ratio.high[1])
        estimates.append([found.time_ratio.estimate[1] / 1.6, *(found.adjusted[1, :, 0] / truth)])
        bands.append((found.adjusted[1, :, 1] <= truth) & ~(found.adjusted[1, :, 2] < truth))
    assert np.mean(ratios) == pytest.approx(0.95, abs=0.035)
    assert np.nanmedian(estimates, axis=0) == pytest.approx([1.0, 1.0, 1.0], rel=0.05)
    assert (np.nanstd(estimates, axis=0) < 0.16).all()
    assert ((np.mean(bands, axis=0) >= 0.92) & (np.mean(bands, axis=0) <= 0.995)).all()


def quantile_curve(events: np.ndarray, censored: np.ndarray) -> np.ndarray:
    """Kaplan–Meier at the edges, by a loop."""
    open_, curve = 1.0, [1.0]
    left = float((events + censored).sum())
    for gone, cut in zip(events[0], censored[0], strict=True):
        open_ *= 1 - gone / (left - cut / 2) if left - cut / 2 > 0 else 1
        curve.append(open_)
        left -= gone + cut
    return np.array(curve)


@settings(max_examples=100, deadline=None)
@given(counts, counts)
def test_expected_closings_are_those_of_a_loop_and_sum_to_the_observed(
    events: np.ndarray, censored: np.ndarray
) -> None:
    found = standardised_times(np.arange(5.0), events, censored)
    expected = np.zeros(3)
    for stratum in range(2):
        for bin_ in range(4):
            later = (events + censored)[:, stratum, bin_:].sum(axis=1) - censored[:, stratum, bin_] / 2
            if later.sum():
                expected += later * events[:, stratum, bin_].sum() / later.sum()
    np.testing.assert_allclose(found.expected, expected, atol=1e-9)
    assert found.expected.sum() == pytest.approx(found.observed.sum())
    assert found.n.tolist() == (events + censored).sum(axis=(1, 2)).tolist()
    known = np.isfinite(found.adjusted).all(axis=2)
    low, high = found.adjusted[..., 1][known], found.adjusted[..., 2][known]
    assert (low <= found.adjusted[..., 0][known] + 1e-9).all() and (found.adjusted[..., 0][known] <= high + 1e-9).all()


@settings(max_examples=60, deadline=None)
@given(arrays(np.int64, (2, 6), elements=st.integers(0, 9)), st.integers(1, 4))
def test_areas_alike_are_at_par(base: np.ndarray, times: int) -> None:
    """An area with the same counts, or a multiple, is as fast as the city whatever the counts are."""
    base[:, 2] += 1
    events = np.stack([base, times * base])
    found = standardised_times(np.arange(7.0), events, events // 9)
    assert found.speed.estimate == pytest.approx([1, 1], abs=0.15)
    same = standardised_times(np.arange(7.0), events, np.zeros_like(events))
    assert same.speed.estimate == pytest.approx([1, 1])
    assert same.time_ratio.estimate == pytest.approx([1, 1], rel=1e-6)
    np.testing.assert_allclose(same.adjusted[:, :, 0], np.stack([same.city, same.city]), atol=1e-6)


def test_raw_quantiles_are_those_of_the_kaplan_meier_of_the_portal() -> None:
    events, censored = city(np.random.default_rng(5), np.array([slow_mix(1), slow_mix(3)]), [5_000, 5_000], [1.0, 1.2])
    found = standardised_times(EDGES, events, censored)
    ends = quantiles(EDGES[1:], events.sum(axis=1), censored.sum(axis=1), [0.5, 0.9], np.ones(EDGES.size - 1, bool))
    starts = EDGES[np.searchsorted(EDGES, ends[..., 0]) - 1]
    assert ((starts <= found.raw) & (found.raw <= ends[..., 0])).all()


def test_what_cannot_be_told_is_not_told() -> None:
    events, censored = np.zeros((4, 2, 3), int), np.zeros((4, 2, 3), int)
    events[0], censored[1], events[3, 1] = 5, 5, 4  # area 1 has closed nothing, area 2 has nobody
    found = standardised_times(np.arange(4.0), events, censored)
    assert found.observed.tolist() == [30, 0, 0, 12]
    assert found.time_ratio.estimate[1] == np.inf and found.time_ratio.low[1] > 1
    assert found.speed.estimate[1] == 0 and found.speed.high[1] > 0
    assert np.isnan(found.speed.estimate[2]) and np.isnan(found.time_ratio.estimate[2])
    assert np.isnan(found.raw[[1, 2]]).all() and np.isnan(found.adjusted[2]).all()
    empty = standardised_times(np.arange(4.0), events[2:3], censored[2:3])
    assert np.isnan(empty.city).all() and np.isnan(empty.adjusted).all() and empty.expected[0] == 0
    alone = standardised_times(np.arange(4.0), events[:1], censored[:1])
    assert np.isnan(alone.time_ratio.estimate[0]) and alone.speed.estimate[0] == pytest.approx(1)


def test_the_city_may_be_more_than_its_areas_but_not_less() -> None:
    events, censored = city(np.random.default_rng(6), np.array([slow_mix(1)] * 3), [900] * 3, [1, 1, 1.6])
    whole = standardised_times(EDGES, events, censored)
    two = standardised_times(
        EDGES, events[:2], censored[:2], city_events=events.sum(axis=0), city_censored=censored.sum(axis=0)
    )
    for name in StandardisedTimes.__dataclass_fields__:
        mine, theirs = getattr(two, name), getattr(whole, name)
        if isinstance(mine, np.ndarray) and name != "city":
            np.testing.assert_array_equal(mine, theirs[:2])
    with pytest.raises(ValueError, match="at least"):
        standardised_times(EDGES, events, censored, city_events=events[0], city_censored=censored[0])
    with pytest.raises(ValueError, match="edges"):
        standardised_times(EDGES[1:], events, censored)


def test_memory_stays_flat_over_many_areas() -> None:
    events = np.ones((150, 30, EDGES.size - 1), np.int16)
    tracemalloc.start()
    standardised_times(EDGES, events, events)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < events.size * 8 / 3


shares = arrays(np.int64, (4, 3), elements=st.integers(0, 30)).flatmap(
    lambda n: st.tuples(arrays(np.float64, (4, 3), elements=st.floats(0, 1)), st.just(n))
)


@settings(max_examples=150, deadline=None)
@given(shares)
def test_the_parts_of_a_share_gap_sum_to_it(case: tuple[np.ndarray, np.ndarray]) -> None:
    part, n = case
    k = np.floor(part * n).astype(int)
    found = standardised_share(k, n)
    some = found.n > 0
    np.testing.assert_allclose((found.mix + found.rest)[some], (found.raw.estimate - found.city)[some], atol=1e-12)
    assert found.expected.sum() == pytest.approx(k.sum())
    told = np.isfinite(found.adjusted.estimate)
    assert (found.adjusted.estimate[told] <= 1).all() and (found.adjusted.low[told] >= 0).all()
    assert (found.ratio.low[told] <= found.ratio.estimate[told]).all()
    assert (found.ratio.estimate[told] <= found.ratio.high[told]).all()
    assert found.strata_left_out == np.count_nonzero(n.sum(axis=0) == 0)


def test_a_share_gap_of_mix_alone_is_removed_and_a_real_one_recovered() -> None:
    rng = np.random.default_rng(8)
    true = np.linspace(0.03, 0.6, len(MEDIANS))
    n = np.stack([rng.multinomial(30_000, mix) for mix in (slow_mix(1), slow_mix(4), slow_mix(1), slow_mix(0.5))])
    fair = standardised_share(rng.binomial(n, true), n)
    raw, adjusted = (x[1] - x[0] for x in (fair.raw.estimate, fair.adjusted.estimate))
    assert raw > 0.08 and abs(adjusted) <= 0.05 * raw
    late = np.stack([true, true, 1.5 * true, true])
    unfair = standardised_share(rng.binomial(n, late), n)
    elsewhere = unfair.ratio.estimate[[0, 1, 3]].mean()
    assert unfair.ratio.estimate[2] / elsewhere == pytest.approx(1.5, rel=0.1)
    assert unfair.rest[2] > 0.09 and abs(unfair.mix[2]) < 0.03


def test_the_interval_of_a_share_ratio_holds_its_level() -> None:
    rng = np.random.default_rng(9)
    true = np.array([0.05, 0.4, 0.9])
    n = np.array([[60, 30, 25]])
    whole = 1_000_000
    covers = []
    for _ in range(2_000):
        found = standardised_share(rng.binomial(n, true), n, (true * whole).astype(int), np.full(3, whole))
        covers.append(found.ratio.low[0] <= 1 <= found.ratio.high[0])
    assert 0.95 <= np.mean(covers) <= 0.999


def test_strata_without_anyone_in_the_city_are_left_out_and_counted() -> None:
    found = standardised_share(
        np.array([[3, 1], [2, 0]]), np.array([[4, 5], [4, 0]]), np.array([6, 0]), np.array([10, 0])
    )
    assert found.strata_left_out == 1 and found.n_left_out.tolist() == [5, 0]
    assert found.n.tolist() == [4, 4] and found.expected == pytest.approx([2.4, 2.4])
    nobody = standardised_share(np.zeros((2, 0), int), np.zeros((2, 0), int))
    assert np.isnan(nobody.city) and np.isnan(nobody.adjusted.estimate).all()
    with pytest.raises(ValueError, match="within 0"):
        standardised_share(np.array([[3]]), np.array([[2]]))
