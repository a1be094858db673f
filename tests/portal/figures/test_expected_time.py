"""Expected times: the right group, and the stated share within them, also in a city that drifts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines import KaplanMeierFitter

from portal.figures.expected_time import SHARES, expected_times, factors, held_out, recalibrated
from portal.figures.kaplan_meier import quantiles

HOURS = np.exp(np.arange(-3, 11, 0.02))


def binned(group: np.ndarray, groups: int, hours: np.ndarray, closed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Counts (groups, T) of requests closed and still open after so many hours."""
    place = group * HOURS.size + np.searchsorted(HOURS, hours).clip(max=HOURS.size - 1)
    both = (np.bincount(place[rows], minlength=groups * HOURS.size) for rows in (closed, ~closed))
    return tuple(count.reshape(groups, HOURS.size) for count in both)  # type: ignore[return-value]


class City:
    """Requests of 6 services in 10 areas over some months of 30 days; their times grow by `drift` each month."""

    def __init__(self, seed: int, drift: float, months: int = 24, per_month: int = 3000) -> None:
        rng = np.random.default_rng(seed)
        size = months * per_month
        self.day = rng.uniform(0, months * 30, size)
        self.month = (self.day // 30).astype(int)
        self.service, self.area = rng.integers(0, 6, size), rng.choice(10, size, p=np.arange(1, 11) / 55)
        pace = np.exp(np.linspace(1, 5.5, 6))[self.service] * (1 + 0.1 * self.area) * drift ** (self.day / 30)
        self.hours = pace * np.exp(rng.normal(0, 1, size))
        self.hours[rng.random(size) < 0.01] = np.inf

    def known(self, rows: np.ndarray, day: float) -> tuple[np.ndarray, np.ndarray]:
        """How long they had waited by a day, and whether they were closed."""
        seen = (day - self.day[rows]) * 24
        return np.minimum(self.hours[rows], seen), self.hours[rows] <= seen

    def forecast(self, month: int) -> tuple[np.ndarray, np.ndarray]:
        """The rows of a month, and the times expected of them on its first day."""
        past = np.flatnonzero(self.month < month)
        hours, closed = self.known(past, month * 30)
        late = self.month[past] >= month - 12
        local = self.service[past] * 10 + self.area[past]
        near = binned(local[late], 60, hours[late], closed[late])
        recent = binned(self.service[past][late], 6, hours[late], closed[late])
        every = binned(self.service[past], 6, hours, closed)
        events, censored = (
            np.stack([near[side], np.repeat(recent[side], 10, 0), np.repeat(every[side], 10, 0)], axis=1)
            for side in range(2)
        )
        found = expected_times(HOURS, events, censored, wide=np.ones(HOURS.size, bool))
        rows = np.flatnonzero(self.month == month)
        return rows, found.times[self.service[rows] * 10 + self.area[rows]]

    def held(self, first: int, last: int, back: int = 3) -> tuple[np.ndarray, np.ndarray]:
        """The shares within the forecasts of all months, without and with the factor known at the time."""
        made = {month: self.forecast(month) for month in range(first - back, last)}
        plain, mended = [], []
        for month in range(first, last):
            before = [made[earlier] for earlier in range(month - back, month)]
            told = np.concatenate([times for _, times in before])
            factor = factors(told, *self.known(np.concatenate([rows for rows, _ in before]), month * 30))
            rows, times = made[month]
            plain.append(times)
            mended.append(recalibrated(times, factor))
        rows = np.concatenate([made[month][0] for month in range(first, last)])
        outcome = self.known(rows, self.month.max() * 30 + 30)
        return tuple(held_out(np.concatenate(one), *outcome).share[:, 0] for one in (plain, mended))  # type: ignore[return-value]


@pytest.mark.parametrize("drift", [1.05, 0.95])
def test_in_a_drifting_city_plain_forecasts_miss_and_recalibrated_ones_hold(drift: float) -> None:
    plain, mended = City(1, drift).held(16, 24)
    assert abs(plain[0] - 0.5) > 0.06 and abs(plain[1] - 0.9) > 0.015
    assert abs(mended[0] - 0.5) < 0.03 and abs(mended[1] - 0.9) < 0.03


def test_in_a_stable_city_both_hold() -> None:
    for held in City(2, 1.0).held(16, 24):
        np.testing.assert_allclose(held, SHARES, atol=0.015)


def test_the_narrowest_group_that_can_tell_is_taken() -> None:
    times = np.arange(1.0, 11)
    one = np.ones(10, int)
    none = np.zeros(10, int)
    events = np.array([[none, 2 * one, 30 * one], [12 * one, 20 * one, 30 * one], [none, none, one]])
    found = expected_times(times, events, np.zeros_like(events), enough=100)
    assert found.group.tolist() == [2, 0, -1]
    assert found.requests.tolist() == found.events.tolist() == [300, 120, 0]
    assert np.isnan(found.times[2]).all() and found.times[0].tolist() == [6, 10]
    # Enough events, but nine tenths not reached: a wider group tells more.
    censored = np.zeros_like(events)
    censored[1, 0, -1] = 30
    assert expected_times(times, events, censored).group[1] == 1
    # No group reaches it: the narrowest stays, and says what it knows.
    censored[1, :, -1] = 200
    found = expected_times(times, events[1], censored[1])
    assert found.group == 0 and found.requests == 320 and np.isnan(found.times[1])
    assert expected_times(times[:0], events[..., :0], censored[..., :0]).group.tolist() == [-1, -1, -1]


def test_with_few_behind_it_the_time_holds_for_the_next_one_all_the_same() -> None:
    rng = np.random.default_rng(3)
    times = np.sort(rng.exponential(10, (20_000, 20)))
    following = rng.exponential(10, 20_000)
    within = np.zeros(2)
    plain = 0.0
    for sample, new in zip(times, following, strict=True):
        one, none = np.ones(20, int), np.zeros(20, int)
        within += new <= expected_times(sample, one[None], none[None], enough=1).times
        plain += new <= quantiles(sample, one, none, [0.9])[0, 0]
    assert within[1] / 20_000 == pytest.approx(19 / 21, abs=0.007) and within[0] / 20_000 == pytest.approx(
        0.524, abs=0.01
    )
    assert plain / 20_000 < 0.87


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30), st.booleans()), min_size=1, max_size=60))
def test_the_share_within_is_that_of_lifelines(sample: list[tuple[int, int, bool]]) -> None:
    expected, waited = (np.array([s[at] for s in sample], float) for at in (0, 1))
    closed = np.array([s[2] for s in sample])
    held = held_out(expected[:, None], waited, closed)
    fitted = KaplanMeierFitter().fit(waited / expected, closed)
    assert held.n.tolist() == [len(sample)]
    assert held.open.tolist() == [int((~closed & (waited <= expected)).sum())]
    ratios = waited / expected
    if ratios.max() < 1 and not closed[ratios == ratios.max()].all():
        assert np.isnan(held.share[0, 0])
    else:
        assert held.share[0, 0] == pytest.approx(1 - fitted.predict(1.0), abs=1e-9)
        assert held.share[0, 1] - 1e-9 <= held.share[0, 0] <= held.share[0, 2] + 1e-9


def test_open_requests_count_for_as_long_as_they_waited() -> None:
    rng = np.random.default_rng(4)
    hours, seen = rng.exponential(10, 40_000), rng.uniform(0, 30, 40_000)
    stated = np.tile(10 * -np.log1p(-np.array(SHARES)), (40_000, 1))
    held = held_out(stated, np.minimum(hours, seen), hours <= seen)
    np.testing.assert_allclose(held.share[:, 0], SHARES, atol=0.01)
    assert (held.share[:, 1] < SHARES).all() and (held.share[:, 2] > SHARES).all()
    done = hours <= seen
    assert (hours[done] <= stated[done, 0]).mean() > 0.6  # of the closed ones alone it would be too many
    assert (hours[done, None] <= stated[done])[:, 1].mean() > 0.95


def test_requests_without_a_forecast_are_left_out_and_counted_so() -> None:
    expected = np.array([[1.0, np.nan], [np.nan, np.nan], [2.0, np.nan]])
    held = held_out(expected, np.array([0.5, 9.0, 3.0]), np.array([True, True, True]))
    assert held.n.tolist() == [2, 0]
    assert held.share[0, 0] == 0.5 and np.isnan(held.share[1]).all()
    assert factors(expected, np.array([0.5, 9.0, 3.0]), np.array([False, False, False])).tolist() == [1, 1]
    assert held_out(expected[:1] * 0, np.array([3.0]), np.array([True])).share[0, 0] == 0
    assert held_out(expected[:1], np.array([0.0]), np.array([True])).share[0, 0] == 1


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.2, 5))
def test_factors_make_former_forecasts_right(seed: int, wrong: float) -> None:
    rng = np.random.default_rng(seed)
    hours = rng.exponential(10, 500)
    seen = rng.uniform(20, 60, 500)
    stated = np.full((500, 2), 10 * wrong) * [1, 3]
    outcome = np.minimum(hours, seen), hours <= seen
    mended = stated * factors(stated, *outcome)
    np.testing.assert_allclose(held_out(mended * (1 + 1e-12), *outcome).share[:, 0], SHARES, atol=0.01)


def test_recalibrated_times_stay_in_order() -> None:
    found = recalibrated(np.array([[1.0, 2.0], [3.0, np.nan], [np.nan, 2.0]]), np.array([3.0, 1.0]))
    np.testing.assert_array_equal(found, [[3, 3], [9, np.nan], [np.nan, 2]])
