"""A city's own calibration: made of results beside the truth, kept as text, read back, and used."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geo.geocoding.calibration import FEWEST, scores_of
from geo.geocoding.model import METHODS
from geo.geocoding.passport import SUREST, Passport

CODE = np.array([METHODS.index("block")], dtype=np.int8)


def test_a_passport_comes_back_as_it_was_written() -> None:
    made = Passport(factors={"block": 1.5}, scores=((0.0, 0.0), (0.5, 0.25), (0.9, 0.8)))
    text = made.to_json({"city": "town", "factors": {"block": 9}})
    assert json.loads(text)["city"] == "town"
    assert Passport.from_json(text) == made


def test_factors_and_scores_of_a_city_are_used() -> None:
    plain, own = Passport(), Passport(factors={"block": 2.0}, scores=((0.0, 0.0), (1.0, 0.5)))
    scale = np.array([100.0])
    assert own.radius(CODE, scale) == pytest.approx(2 * plain.radius(CODE, scale))
    near = np.array([10.0])
    assert own.score(np.array([0.8]), near) == pytest.approx([0.4])
    assert plain.score(np.array([0.8]), near) == pytest.approx([0.8])
    assert Passport(scores=((0.0, 1.0), (1.0, 1.0))).score(np.array([0.5]), near) == SUREST


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is not JSON"),
        ("[]", "must have 'factors' and 'scores'"),
        ('{"factors": {}}', "must have 'factors' and 'scores'"),
        ('{"factors": {"teleport": 1}, "scores": []}', "factors: must be numbers"),
        ('{"factors": {"block": 0}, "scores": []}', "factors: must be numbers"),
        ('{"factors": {"block": true}, "scores": []}', "factors: must be numbers"),
        ('{"factors": {"block": NaN}, "scores": []}', "factors: must be numbers"),
        ('{"factors": {}, "scores": [[0, 2]]}', "scores: must be pairs"),
        ('{"factors": {}, "scores": [[0.5, 0.5], [0.4, 0.6]]}', "scores: must rise"),
        ('{"factors": {}, "scores": [[0.4, 0.6], [0.5, 0.5]]}', "scores: must rise"),
    ],
)
def test_what_is_no_calibration_is_refused_in_one_line(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as error:
        Passport.from_json(text)
    assert "\n" not in str(error.value)


def test_scores_become_the_share_that_was_right() -> None:
    draw = np.random.default_rng(3)
    score = draw.uniform(0.2, 1.0, 20_000)
    right = draw.uniform(size=score.size) < score**2
    own = Passport(scores=scores_of(score, right))
    for said in (0.4, 0.6, 0.8):
        assert own.corrected(np.array([said]))[0] == pytest.approx(said**2, abs=0.05)


def test_too_few_results_make_no_table() -> None:
    assert scores_of(np.full(FEWEST - 1, 0.9), np.ones(FEWEST - 1, dtype=bool)) == ()


@settings(suppress_health_check=[HealthCheck.too_slow])  # hundreds of pairs an example
@given(
    st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=FEWEST, max_size=4 * FEWEST),
    st.floats(0, 1),
)
def test_every_table_can_be_read_back(results: list[tuple[float, bool]], said: float) -> None:
    score = np.array([s for s, _ in results] * 3)
    right = np.array([r for _, r in results] * 3)
    made = Passport(scores=scores_of(score, right))
    assert Passport.from_json(made.to_json()) == made
    assert 0 <= made.corrected(np.array([said]))[0] <= SUREST
