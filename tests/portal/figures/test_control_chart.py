"""Control charts: quiet where nothing happens, awake where something does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.figures.control_chart import BEYOND, IN_CONTROL, RUN, SHIFT, UNKNOWN, control_chart


def series(rng: np.random.Generator, months: int, noise: float, shift: float = 1.0, since: int = 24) -> np.ndarray:
    at = np.arange(months)
    season = 50 * (1 + 0.4 * np.sin(at / 12 * 2 * np.pi))
    return season * np.where(at >= since, shift, 1.0) * np.exp(rng.normal(0, noise, months))


def noticed(values: np.ndarray, since: int, **how: bool) -> int:
    """After how many months somebody who looks every month sees a mark."""
    for seen in range(since + 1, len(values) + 1):
        if any(mark != IN_CONTROL for mark in control_chart(values[:seen], **how).marks[since:]):
            return seen - since
    return 99


@pytest.mark.parametrize(("seasonal", "since"), [(True, 24), (False, 12)])
def test_false_alarms_of_stable_series_are_as_rare_as_stated(seasonal: bool, since: int) -> None:
    rng = np.random.default_rng(1)
    beyond = shifts = months = 0
    for _ in range(3000):
        values = series(rng, since + 24, 0.07) if seasonal else np.exp(rng.normal(0, 0.07, since + 24))
        chart = control_chart(values, seasonal=seasonal)
        beyond += sum(mark == BEYOND for mark in chart.marks[since:])
        shifts += len(chart.shifts)
        months += 24
    assert 1 / 800 < beyond / months < 1 / 250
    assert shifts / months < 1 / 800


@pytest.mark.parametrize("shift", [0.75, 1.25, 1.3])
def test_a_shift_of_a_quarter_is_noticed_within_a_few_months(shift: float) -> None:
    rng = np.random.default_rng(2)
    after = [noticed(series(rng, 36, 0.05, shift), 24) for _ in range(150)]
    assert np.median(after) <= 2
    assert np.mean(np.array(after) <= 4) > 0.75
    assert np.mean(np.array(after) <= RUN) > 0.97


@pytest.mark.parametrize(("shift", "noise"), [(1.2, 0.05), (0.7, 0.07)])
def test_a_lasting_shift_is_dated_measured_and_becomes_the_new_level(shift: float, noise: float) -> None:
    rng = np.random.default_rng(3)
    first, sizes, later = [], [], []
    again = 0
    for _ in range(200):
        values = series(rng, 52, noise, shift, since=28)
        chart = control_chart(values)
        assert chart.shifts
        first.append(chart.shifts[0])
        sizes.append(chart.sizes[0])
        began = chart.shifts[0]
        assert set(chart.marks[began : began + RUN // 2]) == {SHIFT} and chart.marks[began - 1] != SHIFT
        later += [mark != IN_CONTROL for mark in chart.marks[36:]]
        again += len(chart.shifts) - 1
        centre = (
            chart.centre[began + 1] / control_chart(values[:28]).centre[began % 12 + 1]
        )  # of the same calendar month
        assert len(chart.shifts) > 1 or centre == pytest.approx(chart.sizes[0])
    assert np.mean(np.array(first) == 28) > 0.8 and np.mean(np.abs(np.array(first) - 28) <= 3) > 0.95
    assert np.median(sizes) == pytest.approx(shift, abs=0.02)
    assert again <= 10 and np.mean(later) < 0.02  # the new level is no alarm


def test_one_odd_month_is_beyond_and_no_shift() -> None:
    values = series(np.random.default_rng(4), 36, 0.03)
    values[30] *= 1.5
    chart = control_chart(values)
    assert chart.marks[30] == BEYOND and chart.shifts == ()
    assert values[30] > chart.high[30]
    assert sum(mark != IN_CONTROL for mark in chart.marks) == 1


def test_the_season_is_no_alarm() -> None:
    values = series(np.random.default_rng(5), 48, 0.03)
    assert set(control_chart(values).marks) == {IN_CONTROL}
    assert any(mark != IN_CONTROL for mark in control_chart(values, seasonal=False).marks)


def test_limits_are_wider_in_months_with_few_requests() -> None:
    rng = np.random.default_rng(6)
    false = months = 0
    for _ in range(1500):
        n = rng.choice([60, 2000], 48)
        late = rng.binomial(n, 0.3) / n
        chart = control_chart(late, np.sqrt(0.3 * 0.7 / n), logarithmic=False)
        few = n == 60
        assert (chart.high - chart.low)[few].min() > (chart.high - chart.low)[~few].max()
        assert chart.noise >= 1
        false += sum(mark == BEYOND for mark, is_few in zip(chart.marks[24:], few[24:], strict=True) if is_few)
        months += few[24:].sum()
    assert false / months < 1 / 250  # limits of equal width would call many of these beyond


def test_more_noise_than_sampling_alone_widens_limits() -> None:
    rng = np.random.default_rng(7)
    false = months = 0
    for _ in range(1000):
        n = np.full(48, 5000)
        p = np.clip(0.3 + rng.normal(0, 0.03, 48), 0.01, 0.99)
        chart = control_chart(rng.binomial(n, p) / n, np.sqrt(0.21 / n), logarithmic=False)
        false += sum(mark == BEYOND for mark in chart.marks[24:])
        months += 24
    assert 1 / 1000 < false / months < 1 / 220


def test_missing_months_are_unknown_and_break_nothing() -> None:
    values = series(np.random.default_rng(8), 40, 0.02, 1.3, since=26)
    values[[3, 30]] = np.nan
    values[15] = 0.0  # has no logarithm; the calendar month of position 3 has no baseline then
    chart = control_chart(values)
    assert [chart.marks[at] for at in (3, 15, 30, 27, 39)] == [UNKNOWN] * 5
    assert np.isnan(chart.centre[[3, 15, 27, 39]]).all() and np.isfinite(chart.centre[30])
    assert chart.shifts[0] == 26 and chart.sizes[0] == pytest.approx(1.3, abs=0.03)


def test_too_short_a_baseline_is_refused() -> None:
    with pytest.raises(ValueError, match="too little"):
        control_chart(np.arange(1.0, 15))
    with pytest.raises(ValueError, match="one series"):
        control_chart(np.ones((2, 30)))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.01, 1000))
def test_the_unit_makes_no_difference(seed: int, unit: float) -> None:
    values = series(np.random.default_rng(seed), 40, 0.1, 1.3, since=27)
    one, other = control_chart(values), control_chart(values * unit)
    assert one.marks == other.marks and one.shifts == other.shifts
    np.testing.assert_allclose(one.high * unit, other.high)
    known = ~np.isnan(one.centre)
    assert (one.low[known] <= one.centre[known]).all() and (one.centre[known] <= one.high[known]).all()
