"""From coordinates to words: address points, interpolated numbers on the right side, blocks, crossings; and back again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.geocoding.geocoder import Geocoder
from geo.geocoding.index import build_index
from geo.geocoding.model import METHODS, Reference
from geo.geocoding.parsers import parser_of
from geo.geocoding.reverse import AT_POINT_M, Reverse, Reversed
from tests.geo.geocoding.small_city import ACROSS, ALONG, CRS, STEP, city, degrees

INSIDE = st.floats(-300, 1_300, allow_nan=False)


@cache
def _city() -> Geocoder:
    return city()


def _at(x: float, y: float) -> Reversed:
    return _city().reverse(*degrees(x, y))


def test_at_an_address_point_it_is_that_address() -> None:
    found = _at(24.0, -12.0)
    assert found.address[0] == "12 Main St"
    assert found.address_distance_m[0] == pytest.approx(0.0, abs=0.01)
    assert not found.interpolated[0]
    assert (found.block[0], found.block_hundred[0], found.block_street[0]) == ("0 block of Main St", 0, "Main St")


def test_an_address_points_letter_is_told() -> None:
    assert _at(30.0, 12.0).address[0] == "15A Main St"


@pytest.mark.parametrize(("side", "parity"), [(10.0, 1), (-10.0, 0)])
def test_without_a_point_the_number_is_of_the_side_on_which_the_point_lies(side: float, parity: int) -> None:
    found = _at(300.0, ACROSS.index("ELM ST") * STEP + side)
    number, street = found.address[0].split(" ", 1)
    assert street == "Elm St"
    assert int(number) % 2 == parity
    assert 140 <= int(number) <= 160  # the middle of the block from 101 to 199
    assert found.interpolated[0]
    assert found.block[0] == "100 block of Elm St"
    assert found.block_distance_m[0] == pytest.approx(10.0, abs=0.1)


def test_numbers_rise_along_the_line() -> None:
    x = np.linspace(20, 780, 50)
    found = _city().reverse(*degrees(x, np.full(50, ACROSS.index("O'FARRELL ST") * STEP - 12.0)))
    numbers = [
        int(text.split()[0]) for text, street in zip(found.address, found.block_street, strict=True) if "far" in street
    ]
    assert len(numbers) > 35
    assert numbers == sorted(numbers)


def test_hyphenated_numbers_are_told_with_their_hyphen() -> None:
    found = _at(9_100.0, STEP - 12.0)
    assert found.address[0].startswith("120-")
    assert found.address[0].endswith(" Queens Rd")
    assert found.block[0] == "120-00 block of Queens Rd"


def test_a_point_farther_than_a_line_gives_way_to_the_line() -> None:
    # The nearest address point is at x=502 (251 Main St): some 60 m off, and the line of Main St is here.
    x = 502.0 + AT_POINT_M + 2
    found = _at(x, 12.0)
    assert found.interpolated[0]
    assert found.block_street[0] == "Main St"
    assert found.address_distance_m[0] < 10


def test_the_nearest_crossing_and_how_far_it_is() -> None:
    found = _at(203.0, 204.0)
    assert found.crossing[0] == "Elm St & 17th St"
    assert found.crossing_distance_m[0] == pytest.approx(5.0, abs=0.05)


@pytest.mark.parametrize(("lon", "lat"), [(np.nan, 42.3), (-71.0, np.nan), (np.inf, 42.3), (-71.0, 95.0), (1e9, 1e9)])
def test_what_is_no_coordinate_has_nothing_and_spoils_nothing(lon: float, lat: float) -> None:
    good = degrees(24.0, -12.0)
    found = _city().reverse(np.array([lon, good[0][0]]), np.array([lat, good[1][0]]))
    assert (found.address[0], found.block[0], found.crossing[0], found.block_street[0]) == (None, None, None, None)
    assert np.isnan([found.address_distance_m[0], found.block_distance_m[0], found.crossing_distance_m[0]]).all()
    assert found.block_hundred[0] == -1
    assert found.address[1] == "12 Main St"


def test_no_points_no_answers_and_lengths_must_agree() -> None:
    assert len(_city().reverse(np.zeros(0), np.zeros(0))) == 0
    with pytest.raises(ValueError, match="same length"):
        _city().reverse(np.zeros(2), np.zeros(3))


def test_an_empty_city_has_nothing() -> None:
    found = Reverse(build_index(Reference(CRS), parser_of("us")))(np.array([-71.0]), np.array([42.3]))
    assert (found.address[0], found.block[0], found.crossing[0]) == (None, None, None)


@given(st.lists(st.tuples(INSIDE, INSIDE), min_size=1, max_size=20))
def test_every_point_has_an_address_that_locate_puts_where_reverse_says(spots: list[tuple[float, float]]) -> None:
    x, y = np.array([s[0] for s in spots]), np.array([s[1] for s in spots])
    lon, lat = degrees(x, y)
    found = _city().reverse(lon, lat)
    back = _city().locate(found.address, zips=["02118"] * len(x))
    good = [METHODS[m] in {"address_point", "address_range"} for m in back.method]
    assert all(good)
    away = np.hypot((back.lon - lon) * np.cos(np.radians(lat)), back.lat - lat) * 111_195
    assert away == pytest.approx(found.address_distance_m, abs=3.0 + 0.003 * away.max())


@given(street=st.sampled_from([*ACROSS, *ALONG]), block=st.integers(0, 3), number=st.integers(1, 99), odd=st.booleans())
def test_reverse_of_a_located_address_gives_its_street_back(street: str, block: int, number: int, odd: bool) -> None:
    asked = block * 100 + max(number // 2 * 2, 2) - odd
    located = _city().locate([f"{asked} {street}"], zips=["02118"])
    assert METHODS[located.method[0]] in {"address_point", "address_range"}
    found = _city().reverse(located.lon, located.lat)
    if found.address_distance_m[0] < 1.0:
        same = _city().locate([found.address[0]], zips=["02118"]).matched[0].split(" ", 1)[1]
        assert same == located.matched[0].split(" ", 1)[1]
    else:  # an address point of a street near the corner was nearer than sixty metres
        assert not found.interpolated[0]


def test_many_at_once_are_as_one_by_one_also_in_threads() -> None:
    rng = np.random.default_rng(3)
    lon, lat = degrees(rng.uniform(-200, 1_200, 200), rng.uniform(-200, 1_500, 200))
    whole = _city().reverse(lon, lat)
    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(lambda i: _city().reverse(lon[i : i + 1], lat[i : i + 1]), range(200)))
    assert [p.address[0] for p in parts] == whole.address.tolist()
    assert [p.crossing[0] for p in parts] == whole.crossing.tolist()
