"""Means of bounded scores: the interval holds the true mean as often as it says, and says that few answers are few."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.figures.mean_score import mean_interval


def sums(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Number, sum and sum of squares along the last axis."""
    return np.full(scores.shape[:-1], scores.shape[-1]), scores.sum(axis=-1), (scores**2).sum(axis=-1)


@pytest.mark.parametrize(
    ("n", "shares"),
    [(30, (0.1, 0.1, 0.2, 0.3, 0.3)), (30, (0.05, 0.05, 0.1, 0.3, 0.5)), (200, (0.02, 0.03, 0.05, 0.2, 0.7)),
     (1000, (0.3, 0.0, 0.0, 0.0, 0.7))],
)  # fmt: skip
def test_the_interval_holds_the_true_mean_19_times_in_20(n: int, shares: tuple[float, ...]) -> None:
    rng = np.random.default_rng(11)
    stars = np.array([0.0, 25.0, 50.0, 75.0, 100.0])
    found = mean_interval(*sums(rng.choice(stars, (4000, n), p=shares)))
    truth = float(stars @ shares)
    held = ((found[:, 1] <= truth) & (truth <= found[:, 2])).mean()
    assert 0.93 <= held <= 0.97


def test_answers_that_are_all_alike_do_not_pretend_to_know() -> None:
    alike = mean_interval([5, 50, 5000], [500.0, 5000.0, 500_000.0], [50_000.0, 500_000.0, 50_000_000.0])
    assert np.allclose(alike[:, 0], 100) and np.allclose(alike[:, 2], 100)
    assert alike[0, 1] < 60 < 90 < alike[1, 1] < alike[2, 1] < 100


def test_one_answer_and_none() -> None:
    found = mean_interval([1, 0], [75.0, 0.0], [5625.0, 0.0])
    assert found[0].tolist() == [75.0, 0.0, 100.0] and np.isnan(found[1]).all()
    with pytest.raises(ValueError, match="between 0 and 100"):
        mean_interval([2], [300.0], [50_000.0])


@given(st.lists(st.floats(0, 100), min_size=1, max_size=60))
def test_it_stays_on_the_scale_and_around_the_mean(scores: list[float]) -> None:
    mean, low, high = mean_interval(len(scores), sum(scores), sum(s * s for s in scores))
    assert 0 <= low <= mean + 1e-9 and mean - 1e-9 <= high <= 100
    assert mean == pytest.approx(np.mean(scores))
