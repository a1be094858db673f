"""A city's own calibration against simulated results whose truth is known, and on a made-up city."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from geo.geocoding.calibration import (
    FEWEST,
    HIGHEST,
    LOWEST,
    calibrated,
    factors_of,
    held_out,
    scores_of,
    texts_of,
)
from geo.geocoding.geocoder import Geocoder
from geo.geocoding.model import METHODS, Located, Reference
from geo.geocoding.passport import Passport
from tests.geo.geocoding.by_hand import CRS, Home, Line, city, degrees, metres, points

CODE = {name: code for code, name in enumerate(METHODS)}


def _simulated(
    n: int, method: str, times: float, seed: int, wrong: float = 0.0
) -> tuple[Located, np.ndarray, np.ndarray]:
    """Results whose errors are `times` what the default radius says, with guesses of a wrong street among them."""
    rng = np.random.default_rng(seed)
    scale = rng.uniform(20, 300, n)
    radius = Passport().radius(np.full(n, CODE[method], np.int8), scale)
    # Of a circular normal of deviation s, 95 of 100 lie within s * sqrt(-2 ln 0.05).
    error = rng.normal(0, radius / np.sqrt(-2 * np.log(0.05)) * times, (2, n))
    guess = rng.random(n) < wrong
    error[0] += np.where(guess, 9000.0, 0.0)
    x, y = rng.uniform(0, 5000, n), rng.uniform(0, 5000, n)
    lon, lat = degrees(x, y)
    true_lon, true_lat = degrees(x + error[0], y + error[1])
    texts = np.full(n, "12 MAIN ST", dtype=object)
    found = Located(
        np.full(n, CODE[method], np.int8), np.where(guess, 0.1, 0.97), radius, lon, lat, texts, np.zeros(n, bool), texts
    )
    return found, true_lon, true_lat


def _coverage(found: Located, lon: np.ndarray, lat: np.ndarray, factor: float) -> float:
    x, y = metres(found.lon, found.lat)
    tx, ty = metres(lon, lat)
    sure = found.score > 0.5
    return float((np.hypot(x - tx, y - ty) <= factor * found.radius_m)[sure].mean())


@pytest.mark.parametrize("times", [0.5, 1.0, 2.5])
@pytest.mark.parametrize("method", ["between_points", "address_range", "block"])
def test_a_factor_makes_the_radius_hold_95_of_100_on_fresh_data(method: str, times: float) -> None:
    factors = factors_of(*_simulated(4000, method, times, 1, wrong=0.05), CRS)
    assert set(factors) == {method}
    assert factors[method] == pytest.approx(times, rel=0.07)
    fresh = _simulated(4000, method, times, 2, wrong=0.05)
    assert 0.93 <= _coverage(*fresh, factors[method]) <= 0.97


def test_factors_rest_on_enough_results_and_stay_within_bounds() -> None:
    assert factors_of(*_simulated(FEWEST - 1, "block", 1.0, 3), CRS) == {}
    assert factors_of(*_simulated(1000, "block", 50.0, 3), CRS) == {"block": HIGHEST}
    assert factors_of(*_simulated(1000, "block", 0.001, 3), CRS) == {"block": LOWEST}


def test_what_was_not_found_has_no_factor() -> None:
    found, lon, lat = _simulated(1000, "block", 1.0, 4)
    nan = np.full(len(found), np.nan)
    nothing = replace(found, method=np.zeros(len(found), np.int8), lon=nan, lat=nan, radius_m=nan)
    assert factors_of(nothing, lon, lat, CRS) == {}


def test_a_table_of_scores_is_right_on_fresh_data() -> None:
    rng = np.random.default_rng(5)

    def draw(n: int) -> tuple[np.ndarray, np.ndarray]:
        score = rng.uniform(0, 1, n)
        return score, rng.random(n) < score**2  # overconfident

    passport = Passport(scores=scores_of(*draw(20_000)))
    score, right = draw(20_000)
    corrected = passport.corrected(score)
    for low in np.arange(0.05, 0.95, 0.1):
        mine = (corrected >= low) & (corrected < low + 0.1)
        assert corrected[mine].mean() == pytest.approx(right[mine].mean(), abs=0.05)


def test_a_table_of_scores_rises_and_needs_enough() -> None:
    rng = np.random.default_rng(6)
    table = scores_of(rng.uniform(0, 1, 5000), rng.random(5000) < 0.5)
    assert all(a[0] < b[0] and a[1] <= b[1] for a, b in pairwise(table))
    assert scores_of(np.full(FEWEST - 1, 0.5), np.ones(FEWEST - 1, bool)) == ()


def _town(streets: int = 60, seed: int = 7) -> Reference:
    """Parallel streets with a house every four numbers or so, near their place but for a few metres."""
    rng = np.random.default_rng(seed)
    lines, homes = [], []
    for row in range(streets):
        name = f"{'BCDFGHJKLM'[row % 10]}{'AEIOU'[row // 10 % 5]}{'LNRST'[row // 12 % 5]}ANDER{'BCDFGH'[row // 10]} ST"
        for block in range(5):
            a, b = (200.0 * block, 150.0 * row), (200.0 * block + 200, 150.0 * row)
            lines.append(Line(name, a, b, (100 * block + 1, 100 * block + 99), (100 * block + 2, 100 * block + 98)))
            for number in rng.choice(np.arange(1, 99), 25, replace=False):
                x = 200.0 * block + 10 + 1.8 * number + rng.normal(0, 6)
                y = 150.0 * row + (15.0 if number % 2 else -15.0) + rng.normal(0, 4)
                homes.append(Home(name, int(number) + 100 * block, float(x), float(y)))
    return city(lines, homes)


@pytest.mark.parametrize(("away", "method"), [("segments", "between_points"), ("points", "address_range")])
def test_a_city_calibrates_itself_and_its_radii_then_hold(away: str, method: str) -> None:
    reference, fresh = _town(), _town(seed=8).points
    assert fresh is not None
    # Ranges are calibrated by the points, even where these are not there in the end.
    own = reference if away == "points" else replace(reference, segments=None)
    passport = Geocoder.build(own).passport
    assert method in passport.factors
    assert "address_point" not in passport.factors
    found = Geocoder.build(replace(reference, **{away: None}), passport=passport).locate(texts_of(fresh))
    x, y = metres(found.lon, found.lat)
    tx, ty = metres(fresh.lon, fresh.lat)
    mine = (found.methods() == method) & (found.score > 0.5)
    assert mine.sum() > 1000
    assert 0.93 <= (np.hypot(x - tx, y - ty) <= found.radius_m)[mine].mean() <= 0.97


def test_a_city_without_enough_points_keeps_the_default() -> None:
    builds: list[Reference] = []

    def build(reference: Reference) -> Geocoder:
        builds.append(reference)
        return Geocoder.build(reference, passport=Passport())

    assert calibrated(city([Line("A ST", (0, 0), (200, 0))]), build) == Passport()
    assert calibrated(city(homes=[Home("A ST", n, float(n), 0) for n in range(1, 50)]), build) == Passport()
    assert builds == []


def test_held_out_are_whole_addresses_and_the_same_ones_every_time() -> None:
    homes = [Home("A ST", n, float(n), 0.0, letter=letter) for n in range(1, 3000) for letter in ("", "A")]
    made = points(homes)
    left, out = held_out(made)
    assert len(left) + len(out) == len(made)
    assert set(left.number.tolist()).isdisjoint(out.number.tolist())
    assert 0.07 < len(out) / len(made) < 0.13
    assert held_out(made)[1].number.tolist() == out.number.tolist()


def test_texts_of_points_are_as_they_would_be_written() -> None:
    homes = [
        Home("MAIN ST", 12, 0, 0), Home("MAIN ST", 12, 0, 0, high=16), Home("MAIN ST", 12, 0, 0, letter="A"),
        Home("QUEENS RD", 120 * 10_000 + 5, 0, 0, hyphenated=True),
    ]  # fmt: skip
    assert texts_of(points(homes)).tolist() == ["12 MAIN ST", "12-16 MAIN ST", "12A MAIN ST", "120-05 QUEENS RD"]
