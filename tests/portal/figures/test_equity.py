"""Equity's figures against cities whose truth is known: no association, a planted one, and one by mix alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import minimize_scalar
from scipy.stats import spearmanr

from portal.figures.equity import (
    MIN_AREAS,
    association,
    expected_events,
    fifths,
    middles,
    rank_correlation,
    reliability,
)

AREAS, TYPES = 24, 10


def city(
    rng: np.random.Generator, slope: float = 0.0, between: float = 0.15, mix: float = 0.6, areas: int = AREAS,
    size: float = 800.0, shares: bool = False, tilt: bool = False,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """Events, exposure and measure: areas of unequal size, whose mix of types goes with the measure (by `mix`).

    `tilt`: types that are asked for where the measure is high have high rates, so that the crude rates go with it.
    """
    x = rng.normal(size=areas)
    people = np.exp(0.7 * rng.normal(size=areas))
    lean = mix * np.linspace(-1, 1, TYPES)
    wanted = np.exp(np.outer(x, lean) + 0.3 * rng.normal(size=(areas, TYPES)))
    wanted /= wanted.sum(axis=1, keepdims=True)
    exposure = rng.poisson(size * people[:, None] * wanted).astype(float)
    rate = np.exp(np.linspace(-2.2, -0.9, TYPES) if tilt else rng.normal(-1.5, 0.4, TYPES))
    lift = np.exp(slope * x + between * rng.normal(size=areas) - between**2 / 2)
    chance = rate * lift[:, None]
    if shares:
        return rng.binomial(exposure.astype(int), np.clip(chance, 0, 0.9)), exposure, x
    return rng.poisson(exposure * chance), exposure, x


@pytest.mark.parametrize(("shares", "areas", "between"), [(False, 24, 0.15), (True, 24, 0.1), (False, 60, 0.25)])
def test_without_an_association_the_interval_holds_none_19_times_in_20(
    shares: bool, areas: int, between: float
) -> None:
    rng = np.random.default_rng(11)
    runs = 1200
    held = 0
    for _ in range(runs):
        found = association(*city(rng, between=between, areas=areas, shares=shares), shares=shares)
        held += found.low <= 0 <= found.high
    assert 0.93 <= held / runs <= 0.97


def test_a_planted_association_is_recovered_and_its_interval_holds_it() -> None:
    rng = np.random.default_rng(12)
    found = [association(*city(rng, slope=0.25, between=0.1)) for _ in range(600)]
    assert np.mean([f.slope for f in found]) == pytest.approx(0.25, rel=0.03)
    assert 0.93 <= np.mean([f.low <= 0.25 <= f.high for f in found]) <= 0.97


def test_the_variance_between_areas_is_found() -> None:
    rng = np.random.default_rng(13)
    found = [association(*city(rng, between=0.3, areas=60)).between for _ in range(200)]
    assert np.mean(found) == pytest.approx(np.exp(0.3**2) - 1, rel=0.1)


def test_an_association_by_mix_alone_is_seen_crude_and_gone_within_types() -> None:
    rng = np.random.default_rng(14)
    crude, within = [], []
    for _ in range(300):
        events, exposure, x = city(rng, between=0.05, mix=0.9, tilt=True)
        crude.append(association(events.sum(axis=1)[:, None], exposure.sum(axis=1)[:, None], x))
        within.append(association(events, exposure, x))
    assert np.mean([f.low > 0 for f in crude]) > 0.95, "the crude rates must look unfair, or the test tests nothing"
    assert abs(np.mean([f.slope for f in within])) < 0.05 * np.mean([f.slope for f in crude])
    assert 0.93 <= np.mean([f.low <= 0 <= f.high for f in within]) <= 0.97


def test_waits_cut_short_do_not_hide_that_an_area_is_slower() -> None:
    """Closings by span of waiting: half of the requests are young, and areas are slower the higher their measure."""
    rng = np.random.default_rng(15)
    slopes = []
    for _ in range(60):
        x = rng.normal(size=20)
        spans = np.linspace(0, 60, 61)
        closings, waited = np.zeros((20, 60)), np.zeros((20, 60))
        for area in range(20):
            needs = rng.exponential(10 * np.exp(0.3 * x[area]), 800)
            seen = np.minimum(rng.uniform(0, 30, 800), 59.9)
            ends, closed = np.minimum(needs, seen), needs <= seen
            left = np.histogram(ends, spans)[0]
            closings[area] = np.histogram(ends[closed], spans)[0]
            waited[area] = np.cumsum(left[::-1])[::-1] - left / 2
        slopes.append(association(closings, waited, x).slope)
    assert np.mean(slopes) == pytest.approx(-0.3, abs=0.01)


def test_one_cell_equals_the_poisson_regression_that_an_optimiser_finds() -> None:
    events = np.array([[12], [18], [25], [31], [40], [52], [66], [85], [110], [140]])
    exposure = np.linspace(500.0, 1500.0, 10)[:, None]
    x = np.arange(10.0)

    def likelihood(slope: float) -> float:
        mean = exposure[:, 0] * np.exp(slope * x)
        return -float((events[:, 0] * np.log(mean / mean.sum())).sum())

    found = association(events, exposure, x)
    assert found.between == 0
    assert found.slope == pytest.approx(minimize_scalar(likelihood, bounds=(-1, 1), method="bounded").x, abs=1e-4)


def test_expected_events_have_the_total_of_the_observed() -> None:
    events, exposure, _ = city(np.random.default_rng(16))
    assert expected_events(events, exposure).sum() == pytest.approx(events.sum())


@pytest.mark.parametrize("why", ["few areas", "no events", "one value", "all events in one area"])
def test_nothing_is_said_where_nothing_can_be(why: str) -> None:
    events, exposure, x = city(np.random.default_rng(17), areas=MIN_AREAS - 1 if why == "few areas" else AREAS)
    if why == "no events":
        events = events * 0
    if why == "one value":
        x = np.full_like(x, 3.0)
    if why == "all events in one area":
        events[1:] = 0
        found = association(events, exposure, x)
        assert not found.known or found.low < 0 < found.high
        return
    assert not association(events, exposure, x).known


@settings(deadline=None)
@given(
    arrays(np.int64, (9, 3), elements=st.integers(0, 40)), arrays(np.int64, 9, elements=st.integers(-50, 50)),
    st.floats(0.01, 100), st.floats(-1000, 1000),
)  # fmt: skip
def test_the_measures_unit_changes_nothing_but_the_unit(
    events: np.ndarray, x: np.ndarray, scale: float, shift: float
) -> None:
    exposure = np.full((9, 3), 50.0)
    first = association(events, exposure, x.astype(float))
    second = association(events, exposure, x * scale + shift)
    if abs(first.slope) * x.std() < 4:
        assert first.known == second.known
        assert second.slope * scale == pytest.approx(first.slope, rel=1e-3, abs=1e-5)
        assert (second.high - second.low) * scale == pytest.approx(first.high - first.low, rel=1e-2)


def test_rank_correlation_is_scipys_and_its_interval_holds() -> None:
    rng = np.random.default_rng(18)
    a, b = rng.normal(size=30), rng.normal(size=30)
    assert rank_correlation(a, b).rho == pytest.approx(spearmanr(a, b)[0])
    held = 0
    for _ in range(1500):
        x = rng.normal(size=24)
        found = rank_correlation(rng.normal(size=24), x)
        held += found.low <= 0 <= found.high
    assert 0.93 <= held / 1500 <= 0.97


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 500)), min_size=1, max_size=60))
def test_fifths_ascend_with_the_measure_and_hold_about_a_fifth(rows: list[tuple[int, int]]) -> None:
    x, people = (np.array(column, float) for column in zip(*rows, strict=True))
    group = fifths(x, people)
    order = np.argsort(x, kind="stable")
    assert (np.diff(group[order]) >= 0).all()
    assert group.min() >= 0 and group.max() <= 4
    for value in np.unique(x):
        assert len(set(group[x == value])) == 1
    if people.sum() > 0:
        largest = max(people[x == value].sum() for value in np.unique(x)) / people.sum()
        for k in range(5):
            assert people[group == k].sum() / people.sum() <= 0.2 + largest + 1e-9


def test_middles_are_where_that_share_of_residents_is_reached() -> None:
    assert middles(np.array([5.0, 1.0, 9.0]), np.array([10.0, 80.0, 10.0])).tolist() == [1.0, 5.0]
    assert middles(np.array([5.0, 1.0, 9.0]), np.zeros(3), (0.5,)).tolist() == [5.0]


def test_an_uncertain_measure_flattens_the_slope_by_its_reliability() -> None:
    rng = np.random.default_rng(19)
    told, found = [], []
    for _ in range(200):
        events, exposure, x = city(rng, slope=0.3, between=0.05, areas=60, mix=0.2)
        seen = x + 0.5 * rng.normal(size=60)
        told.append(reliability(seen, np.full(60, 0.5 * 1.645)))
        found.append(association(events, exposure, seen).slope)
    assert np.mean(told) == pytest.approx(0.8, abs=0.02)
    assert np.mean(found) == pytest.approx(0.3 * np.mean(told), rel=0.05)


def test_counts_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="no event without an exposure"):
        expected_events(np.array([[1]]), np.array([[0]]))
    with pytest.raises(ValueError, match="areas, cells"):
        association(np.array([1]), np.array([1]), np.array([1]))
