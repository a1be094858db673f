"""Reporting rates: a planted ratio found again where the number of things is unknown, and the shape of the answers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.figures.reporting_rate import reporting_rates, tally

AREAS, STRATA = 12, 5
PLANTED = (2, 7)


def _city(
    seed: int, things: int = 24_000, spread: float = 0.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Things that come up, are reported at a rate that is three times as high in two areas, and are mended.

    What was never reported is not seen. The two areas have fewer things, and of services with other rates. Returns the
    tallies of what was seen, and the number of requests by area.
    """
    rng = np.random.default_rng(seed)
    weight = np.where(np.isin(np.arange(AREAS), PLANTED), 0.5, 1.0)
    area = rng.choice(AREAS, things, p=weight / weight.sum())
    mix = np.where(np.isin(area, PLANTED)[:, None], [0.4, 0.3, 0.1, 0.1, 0.1], [0.1, 0.1, 0.2, 0.3, 0.3])
    stratum = (rng.random(things)[:, None] > mix.cumsum(axis=1)[:, :-1]).sum(axis=1)
    rate = np.array([0.05, 0.1, 0.2, 0.4, 0.8])[stratum] * np.where(np.isin(area, PLANTED), 3.0, 1.0)
    if spread:
        rate = rate * rng.gamma(1 / spread, spread, things)
    life = rng.exponential(np.array([20.0, 10.0, 6.0, 4.0, 3.0])[stratum])
    many = rng.poisson(rate * life)
    owner = np.repeat(np.arange(things), many)
    at = rng.random(len(owner)) * life[owner]
    order = np.lexsort((at, owner))
    owner, at = owner[order], at[order]
    first = np.r_[True, owner[1:] != owner[:-1]] if len(owner) else np.zeros(0, bool)
    seen, start = owner[first], np.zeros(things)
    start[seen] = at[first]
    number = np.full(things, -1)
    number[seen] = np.arange(len(seen))
    further, days, known = tally(
        area[seen], stratum[seen], (life - start)[seen], number[owner[~first]], at[~first] - start[owner[~first]],
        (AREAS, STRATA), window_days=5.0,
    )  # fmt: skip
    return further, days, known, np.bincount(area[owner], minlength=AREAS)


def test_a_planted_ratio_of_three_is_found_within_15_percent() -> None:
    found = []
    for seed in range(20):
        further, days, things, _ = _city(seed)
        relative = reporting_rates(further, days, things).relative
        others = np.setdiff1d(np.arange(AREAS), PLANTED)
        found.append(relative.estimate[list(PLANTED)].mean() / relative.estimate[others].mean())
        assert (relative.low[list(PLANTED)] > 1.5).all()
    assert np.mean(found) == pytest.approx(3.0, rel=0.03)
    assert np.abs(np.array(found) / 3 - 1).max() < 0.15


@pytest.mark.parametrize("early", [False, True])
def test_where_things_last_longer_both_ways_of_counting_enclose_the_truth(early: bool) -> None:
    """All areas report alike, but things of area 0 last 1.6 times as long: by the day, it is right if reports keep coming."""
    by_day, by_thing, lasting = [], [], []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        area, stratum = rng.integers(0, 8, 30_000), rng.integers(0, 2, 30_000)
        life = rng.exponential(np.array([2.0, 5.0])[stratum]) * np.where(area == 0, 1.6, 1.0)
        # Early: so many report, most of them soon, however long the thing lasts. Else at one rate as long as it does.
        many = rng.poisson(np.full(len(area), 0.3) if early else 0.2 * life)
        owner = np.repeat(np.arange(len(area)), many)
        at = (
            np.minimum(life, 5.0)[owner] * rng.random(len(owner)) ** 2
            if early
            else rng.random(len(owner)) * life[owner]
        )
        found = reporting_rates(*tally(area, stratum, life, owner, at, (8, 2)))
        by_day.append(found.ratio.estimate[0])
        by_thing.append(found.per_thing.estimate[0])
        lasting.append(found.lasting[0])
        assert found.per_thing.low[0] < found.per_thing.estimate[0] < found.per_thing.high[0]
    assert 1.2 < np.mean(lasting) < 1.6
    assert np.mean(by_thing if early else by_day) == pytest.approx(1.0, abs=0.05)
    assert np.mean(by_day) < 0.85 if early else np.mean(by_thing) > 1.15


def test_counting_requests_would_not_have_found_it() -> None:
    *_, requests = _city(1)
    others = np.setdiff1d(np.arange(AREAS), PLANTED)
    assert requests[list(PLANTED)].mean() / requests[others].mean() < 2.0


def test_the_exact_interval_of_a_rate_holds_its_level() -> None:
    rng = np.random.default_rng(3)
    days = rng.uniform(20, 400, (2000, 1))
    found = reporting_rates(rng.poisson(0.05 * days), days, np.ones((2000, 1), int)).rate
    assert 0.945 <= np.mean((found.low <= 0.05) & (found.high >= 0.05)) <= 0.995


def test_dispersion_tells_when_things_differ_among_themselves() -> None:
    alike = reporting_rates(*_city(5)[:3]).dispersion
    unlike = reporting_rates(*_city(5, spread=2.0)[:3]).dispersion
    assert alike == pytest.approx(1.0, abs=0.5)
    assert unlike > alike + 0.3


def test_only_what_was_watched_for_is_counted() -> None:
    area, stratum = np.array([0, 0, 1, -1, 1]), np.array([0, 1, 0, 0, 1])
    days = np.array([2.0, 30.0, 4.0, 9.0, np.nan])
    incident, lag = np.array([0, 0, 1, 1, 3, 4]), np.array([1.0, 2.5, 7.0, 7.1, 1.0, 1.0])
    further, watched, things = tally(area, stratum, days, incident, lag, (2, 2), window_days=7.0)
    np.testing.assert_array_equal(further, [[1, 1], [0, 0]])
    np.testing.assert_array_equal(watched, [[2.0, 7.0], [4.0, 0.0]])
    np.testing.assert_array_equal(things, [[1, 1], [1, 0]])


def test_the_ratio_is_against_the_services_of_the_area() -> None:
    # Both areas report alike within each service; only their mix differs.
    days = np.array([[900.0, 100.0], [100.0, 900.0]])
    found = reporting_rates((days * [0.1, 1.0]).astype(int), days, days.astype(int))
    np.testing.assert_allclose(found.ratio.estimate, 1.0)
    np.testing.assert_allclose(found.relative.estimate, 1.0, atol=1e-8)
    assert found.rate.estimate[1] > 4 * found.rate.estimate[0]


def test_where_nothing_was_watched_nothing_is_told() -> None:
    found = reporting_rates(np.array([[0, 0], [3, 0]]), np.array([[0.0, 0.0], [2.0, 1.0]]), np.array([[0, 0], [1, 1]]))
    assert (
        np.isnan(found.rate.estimate[0])
        and np.isnan(found.lasting[0])
        and np.isnan(found.ratio.low[0])
        and np.isnan(found.relative.high[0])
    )
    assert found.rate.estimate[1] == pytest.approx(1.0)
    empty = reporting_rates(np.zeros((2, 3), int), np.zeros((2, 3)), np.zeros((2, 3), int))
    assert np.isnan(empty.city) and np.isnan(empty.dispersion)


@pytest.mark.parametrize(
    ("further", "days"),
    [([[-1]], [[1.0]]), ([[1]], [[-1.0]]), ([[1]], [[0.0]]), ([[1, 2]], [[1.0]]), ([1], [1.0])],
)
def test_what_cannot_be_is_refused(further: list[list[int]], days: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="reports"):
        reporting_rates(np.array(further), np.array(days), np.ones_like(np.array(further)))


def test_times_before_the_first_report_are_refused() -> None:
    zero, one = np.zeros(1, np.int64), np.ones(1)
    with pytest.raises(ValueError, match="first report"):
        tally(zero, zero, one, zero, -one, (1, 1))
    with pytest.raises(ValueError, match="first report"):
        tally(zero, zero, one, zero, one, (1, 1), window_days=0.0)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(1, 5))
def test_the_city_is_as_expected_and_the_median_area_is_one(seed: int, areas: int, strata: int) -> None:
    rng = np.random.default_rng(seed)
    days = rng.uniform(0.1, 50, (areas, strata))
    further = rng.poisson(days * rng.uniform(0, 1, strata))
    things = rng.integers(1, 20, (areas, strata))
    found = reporting_rates(further, days, things)
    assert (found.lasting * (things @ (days.sum(axis=0) / things.sum(axis=0)))).sum() == pytest.approx(days.sum())
    assert found.expected.sum() == pytest.approx(further.sum())
    told = found.relative.estimate[found.relative.estimate > 0]
    if len(told):
        assert np.median(told) == pytest.approx(1.0, rel=1e-6)
    assert (found.rate.low <= found.rate.estimate).all() and (found.rate.estimate <= found.rate.high).all()
