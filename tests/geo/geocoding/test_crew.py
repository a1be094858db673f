"""A crew of processes gives what one process gives, in the same order."""

from __future__ import annotations

import numpy as np
import pytest

from geo.geocoding import matching
from geo.geocoding.crew import WORTH_SHARING, Crew
from geo.geocoding.geocoder import Geocoder
from geo.geocoding.model import Points, Reference
from geo.geocoding.results import joined

STREETS = ("OAK ST", "OAK AVE", "ELM ST", "MARTIN LUTHER KING BLVD")


def _city() -> Geocoder:
    n = 400
    number = np.arange(n) // len(STREETS) * 2 + 100
    blank = np.full(n, "", dtype=object)
    points = Points(
        street=np.array(STREETS, dtype=object)[np.arange(n) % len(STREETS)],
        number=number, number_high=number, number_suffix=blank, hyphenated=np.zeros(n, bool),
        zip=np.full(n, "05001", dtype=object), place=blank,
        lon=-72.6 + (np.arange(n) % len(STREETS)) * 0.01, lat=44.2 + number * 1e-5,
    )  # fmt: skip
    return Geocoder.build(Reference(crs="EPSG:32145", points=points))


def test_many_addresses_are_shared_out_and_come_back_in_order() -> None:
    city = _city()
    some = ["100 Oak", "102 OAK ST", "104 King Luther Blvd", "nowhere", "106 Elmm St", "108 OAK AV"]
    texts = [f"{100 + 2 * (i % 90)} {some[i % len(some)].split(' ', 1)[-1]}" for i in range(WORTH_SHARING + 1)]
    with Crew(city, workers=2) as crew:
        shared = crew.locate(texts, ["05001"] * len(texts))
    alone = city.locate(texts, ["05001"] * len(texts))
    for name in ("method", "score", "lon", "matched", "corrected"):
        np.testing.assert_array_equal(getattr(shared, name), getattr(alone, name))
    assert shared.alternatives == alone.alternatives
    assert len(alone.alternatives) > 0 and (alone.method > 0).mean() > 0.5


@pytest.mark.parametrize("at_once", [1, 7, 59, 60])
def test_a_long_list_is_worked_on_in_parts_and_means_the_same(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    city, names = _city(), ("Oak", "ELMM ST", "Oak Av", "nowhere", "King Luther Blvd & Oak St", "")
    texts = [f"{100 + 2 * i} {names[i % len(names)]}" for i in range(60)]
    zips, places = ["05001", ""] * 30, [""] * 60
    whole = city.locate(texts, zips, places)
    monkeypatch.setattr(matching, "AT_ONCE", at_once)
    for given in ((texts, zips, places), (np.array(texts, dtype=object), np.array(zips), None)):
        found = city.locate(*given)
        for name in ("method", "score", "radius_m", "lon", "lat", "matched", "corrected", "zip"):
            np.testing.assert_array_equal(getattr(found, name), getattr(whole, name))
        assert found.alternatives == whole.alternatives
    assert len(whole.alternatives) > 5


def test_few_addresses_stay_here() -> None:
    with Crew(_city(), workers=2) as crew:
        assert crew.locate(["102 OAK ST"]).matched[0] == "102 OAK ST"
        assert crew._pool is None


def test_parts_are_joined_with_their_alternatives() -> None:
    city = _city()
    one, other = city.locate(["100 OAK"]), city.locate(["102 ELM ST", "104 OAK"])
    whole = joined([one, other])
    assert list(whole.matched) == [*one.matched, *other.matched]
    assert {row: len(told) for row, told in whole.alternatives.items()} == {
        0: len(one.alternatives[0]), 2: len(other.alternatives[1])
    }  # fmt: skip
