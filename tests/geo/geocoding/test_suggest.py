"""Search as you type: what each half of a text gives, in which order, and that it is found again where it was said to be."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from geo.geocoding.geocoder import Geocoder
from geo.geocoding.halftyped import half_typed, readings_of
from geo.geocoding.labels import block_text, number_text, readable
from geo.geocoding.model import LONGEST_TEXT, Reference, StreetName
from geo.geocoding.prefixes import Key, Keys
from geo.geocoding.suggest import MOST, Suggestion
from tests.geo.geocoding.small_city import ACROSS, ALONG, CRS, FAR, city, degrees, reference

TYPED = [
    "12 main st", "45 elm st", "main st & 16th st", "16th and guerrero", "golden gate ave", "golden bear park", "w broadway",
    "martin luther king jr blvd", "300 block of main st", "120-15 queens rd", "251 van ness ave", "westwood", "02118",
    "15a main st", "joe moakley pool", "north point st", "o'farrell st",
]  # fmt: skip


@cache
def _city() -> Geocoder:
    return city()


def _labels(text: str, limit: int = 8) -> list[str]:
    return [s.label for s in _city().suggest(text, limit)]


def _metres(one: Suggestion, lon: float, lat: float) -> float:
    return float(np.hypot((one.lon - lon) * np.cos(np.radians(lat)), one.lat - lat) * 111_195)


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("12 main", "12 Main St"),
        ("12 MAIN ST", "12 Main St"),
        ("12 main st apt", "12 Main St"),
        ("12 main st apt 4", "12 Main St"),
        ("12 main st, boston ma", "12 Main St"),
        ("12 mian", "12 Main St"),
        ("12 main ave", "12 Main St"),
        ("12 n main", "12 Main St"),
        ("15 main", "15A Main St"),
        ("main & 16", "Main St & 16th St"),
        ("main st and 17th", "Main St & 17th St"),
        ("16th and gue", "16th St & Guerrero St"),
        ("gerrero @ 17", "Guerrero St & 17th St"),
        ("golden g", "Golden Gate Ave"),
        ("golden b", "Golden Bear Park"),
        ("goldn bear", "Golden Bear Park"),
        ("gólden gâte", "Golden Gate Ave"),
        ("king", "Martin Luther King Jr Blvd"),
        ("mlk", "Martin Luther King Jr Blvd"),
        ("sixteen", "16th St"),
        ("16", "16th St"),
        ("vanness", "Van Ness Ave"),
        ("van nes av", "Van Ness Ave"),
        ("w br", "W Broadway"),
        ("broadw", "W Broadway"),
        ("o'far", "Ofarrell St"),
        ("mcal", "McAllister St"),
        ("division", "Golden Gate Ave"),
        ("moakley", "Joe Moakley Pool"),
        ("300 block of mai", "300 block of Main St"),
        ("300 blk elm", "300 block of Elm St"),
        ("120-15 que", "120-15 Queens Rd"),
        ("02118", "02118"),
        ("021", "02118"),
        ("westw", "Westwood"),
        ("999 main", "Main St"),
        ("7 guererro", "7 Guerrero St"),
        ("gairairo", "Guerrero St"),
        ("joe mokley", "Joe Moakley Pool"),
    ],
)
def test_half_a_text_gives_first(typed: str, first: str) -> None:
    assert _labels(typed)[:1] == [first]


def test_the_exact_number_comes_first_then_those_that_begin_with_it() -> None:
    assert _labels("12 main") == ["12 Main St", "120 Main St", "121 Main St", "122 Main St", "123 Main St"]


def test_a_number_alone_is_offered_on_streets_that_have_it() -> None:
    found = _city().suggest("12")
    assert {s.kind for s in found} == {"address"}
    assert {s.label for s in found[:3]} == {"12 Main St", "12 16th St", "12 Van Ness Ave"}


def test_a_number_and_a_letter_prefer_streets_that_have_the_number() -> None:
    assert _labels("14 v") == ["14 Van Ness Ave"]
    assert _labels("12 m")[0] == "12 Main St"  # the one with an address point
    assert set(_labels("12 m")[1:3]) == {"12 McAllister St", "12 Martin Luther King Jr Blvd"}


def test_a_number_without_a_point_but_in_a_range_is_offered_on_its_side() -> None:
    one = _city().suggest("150 elm st")[0]
    x, y = 300.0, ACROSS.index("ELM ST") * 200.0
    assert (one.label, one.kind) == ("150 Elm St", "address")
    even = _metres(one, *(float(v[0]) for v in degrees(x, y - 12.0)))
    assert even < 5


def test_a_block_alone_is_offered_where_there_is_one() -> None:
    assert "300 block of Main St" in _labels("300 block")
    assert _labels("900 block") == []


def test_streets_that_do_not_meet_are_not_a_crossing_but_the_first_is_told() -> None:
    assert _labels("main & elm") == ["Main St"]


def test_an_open_crossing_lists_what_meets_the_first_street() -> None:
    assert sorted(_labels("main & ")) == sorted(f"Main St & {readable_of(name)}" for name in ALONG)


def readable_of(name: str) -> str:
    return {"NORTH POINT ST": "N Point St"}.get(name, name.title().replace("Th ", "th "))


def test_equal_labels_are_told_apart_and_near_decides() -> None:
    found = _city().suggest("elm st")
    assert [(s.label, s.detail) for s in found[:2]] == [("Elm St", "02118"), ("Elm St", "02131")]
    lon, lat = (float(v[0]) for v in degrees(FAR, 0.0))
    assert _city().suggest("elm st", near=(lon, lat))[0].detail == "02131"
    assert _city().suggest("45 elm st", near=(lon, lat))[0].detail == "02131"


def test_a_stated_zip_code_decides() -> None:
    assert _city().suggest("45 elm st, 02131")[0].detail == "02131"
    assert _city().suggest("45 elm st 02131")[0].detail == "02131"
    assert _city().suggest("45 elm st, 02118")[0].detail == "02118"


def test_zip_codes_of_ranges_do_where_there_are_no_points() -> None:
    bare = Geocoder.build(dataclasses.replace(reference(), points=None))
    one = bare.suggest("0213")[0]
    assert (one.label, one.kind, one.detail) == ("02131", "place", "ZIP")
    lon, lat = (float(v[0]) for v in degrees(FAR + 100.0, 100.0))
    assert _metres(one, lon, lat) < 5


def test_a_number_between_two_points_is_offered_between_them() -> None:
    points_only = Geocoder.build(dataclasses.replace(reference(), segments=None, intersections=None))
    one = points_only.suggest("13 main")[0]
    assert one.label == "13 Main St"
    lon, lat = (float(v[0]) for v in degrees(26.0, 12.0))
    assert _metres(one, lon, lat) < 5


def test_a_blocks_detail_is_of_the_block() -> None:
    assert _city().suggest("0 block of elm", near=tuple(float(v[0]) for v in degrees(FAR, 0.0)))[0].detail == "02131"


def test_an_address_tells_neighborhood_and_zip() -> None:
    assert _city().suggest("12 main st")[0].detail == "South End, 02118"


def test_an_area_has_its_layer_and_code() -> None:
    one = _city().suggest("east")[0]
    assert (one.label, one.kind, one.layer, one.area) == ("Eastwood", "area", "neighborhood", "E1")
    assert all(s.layer == s.area == "" for s in _city().suggest("12 main"))


def test_near_that_is_no_place_changes_nothing() -> None:
    for near in ((np.nan, 0.0), (np.inf, 1.0), (500.0, 2.0)):
        assert _city().suggest("elm st", near=near) == _city().suggest("elm st")


@pytest.mark.parametrize(
    "text", ["", "   ", ",", "&", "#!?", "\x00", "\ud800", "x" * (LONGEST_TEXT + 1), "zzzzzzz", "💥"]
)
def test_what_is_nothing_gives_nothing(text: str) -> None:
    assert _city().suggest(text) == []


def test_limits() -> None:
    assert _city().suggest("12", 0) == []
    assert len(_city().suggest("12", 2)) == 2
    assert len(_city().suggest("1", 10**9)) <= MOST


def test_an_empty_city_suggests_nothing() -> None:
    empty = Geocoder.build(Reference(CRS))
    assert [empty.suggest(text) for text in (*TYPED, "12", "main & ", "400 block")] == [[]] * (len(TYPED) + 3)


def _found_again(one: Suggestion) -> None:
    zips = [one.detail[-5:]] if one.detail[-5:].isdigit() else [""]
    located = _city().locate([one.label], zips=zips)
    assert located.method[0] > 0, one
    # To `locate` all streets of one name are one, with a radius about them all; a suggestion is one of them.
    reach = max(one.radius_m, float(located.radius_m[0])) if one.kind == "street" else one.radius_m
    # Two addresses of one name are a tie to `locate`: the other one is among the alternatives.
    spots = [(float(located.lon[0]), float(located.lat[0])), *((a.lon, a.lat) for a in located.alternatives.get(0, ()))]
    assert min(_metres(one, *spot) for spot in spots) <= reach + 1.0, one


@given(st.sampled_from(TYPED), st.integers(1, 30), st.booleans())
@settings(deadline=None)
def test_every_suggestion_is_located_within_its_radius(text: str, length: int, upper: bool) -> None:
    typed = text[:length].upper() if upper else text[:length]
    for one in _city().suggest(typed, 20):
        assert one.radius_m > 0
        assert one.label
        if one.detail != "ZIP":  # a ZIP code alone is no address
            _found_again(one)


@given(st.text(max_size=60))
@settings(deadline=None)
def test_no_text_raises_and_the_same_text_gives_the_same(text: str) -> None:
    found = _city().suggest(text)
    assert found == _city().suggest(text)
    assert len({(s.label, s.detail, s.layer) for s in found}) == len(found) <= 8
    assert all(np.isfinite([s.lon, s.lat, s.radius_m]).all() for s in found)


@given(st.text(alphabet="0123456789-/&@ abST,#½é'", max_size=40))
@settings(deadline=None)
def test_no_text_of_an_addresss_letters_raises(text: str) -> None:
    assert len(_city().suggest(text, 3)) <= 3


@given(
    st.sampled_from([name for name in (*ACROSS, *ALONG) if name[0].isalpha() and name != "W BROADWAY"]),
    st.integers(1, 20), st.sampled_from("delete insert swap replace".split()),
)  # fmt: skip
@settings(deadline=None)
def test_one_slip_behind_the_first_letter_is_forgiven(name: str, at: int, slip: str) -> None:
    words = name.replace("'", "").lower().removesuffix(" jr blvd").removesuffix(" st").removesuffix(" ave")
    at = 1 + at % (len(words) - 1)
    head, rest = words[:at], words[at:]
    typed = {
        "delete": head + rest[1:], "insert": f"{head}x{rest}", "replace": f"{head}x{rest[1:]}",
        "swap": head + rest[1:2] + rest[:1] + rest[2:],
    }[slip]  # fmt: skip
    assume(len(typed.replace(" ", "")) >= 3)
    wanted = _labels(name)[0]
    assert wanted in _labels(typed), typed


def test_threads_may_share_it() -> None:
    fresh = city()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda text: [s.label for s in fresh.suggest(text)], TYPED * 3))
    assert found == [_labels(text) for text in TYPED * 3]


def test_keys_are_found_by_their_beginning_and_with_every_kind_of_slip() -> None:
    keys = Keys([Key("GUERRERO", 0, False), Key("GOUGH", 1, False), Key("KINGJR", 2, True), Key("", 3, False)])
    assert keys.starting("G").owner.tolist() == [1, 0]
    assert keys.starting("KING").inside.tolist() == [True]
    assert len(keys.starting("X").owner) == 0
    for typed in ("GERRERO", "GUUERRERO", "GEURRERO", "GUARRERO", "XUERRERO", "GUERREROX"):
        found = keys.nearly(typed)
        assert found.owner.tolist() == [0], typed
        assert found.left.tolist() == [0], typed
    assert keys.nearly("GUEERR").owner.tolist() == [0]
    assert keys.nearly("GXXRRERO").owner.tolist() == []
    assert keys.nearly("GO").owner.tolist() == []  # too short to be misspelt


@given(st.text(alphabet="ABC", min_size=1, max_size=8), st.text(alphabet="ABC", min_size=3, max_size=8))
def test_a_slip_is_found_exactly_where_a_beginning_is_one_edit_away(key: str, typed: str) -> None:
    from rapidfuzz.distance import OSA

    away = min(OSA.distance(typed, key[:n]) for n in range(len(key) + 1))
    found = Keys([Key(key, 7, False)]).nearly(typed)
    assert found.owner.tolist() == ([7] if away == 1 else [])


def test_half_typed_texts_are_taken_apart() -> None:
    one = half_typed("12a Main st apt 4, 02118")
    assert (one.number, one.letter, one.street, one.zip) == (12, "A", ("MAIN", "ST", "APT", "4"), 2118)
    assert half_typed("12 1/2 main").letter == "1/2"
    assert half_typed("400 block of elm").street == ("ELM",)
    assert half_typed("400 bl").block
    assert not half_typed("412 block").block
    assert half_typed("16th & gue").sides == (("16TH",), ("GUE",))
    assert half_typed("120-15 q").second == "15"
    assert {(r.base, r.closed) for r in readings_of(("MAIN", "STRE"))} >= {("MAINSTRE", False), ("MAIN", True)}


def test_labels() -> None:
    assert readable(StreetName("", "AVENUE OF THE AMERICAS", "", "")) == "Avenue of the Americas"
    assert readable(StreetName("N", "16TH", "ST", "NW")) == "N 16th St NW"
    assert readable(StreetName("", "US HIGHWAY 101", "", "")) == "US Highway 101"
    assert readable(StreetName("", "MCALLISTER", "ST", "")) == "McAllister St"
    assert (number_text(12, "1 2"), number_text(12, "A"), number_text(1_200_005, "", True)) == (
        "12 1/2",
        "12A",
        "120-05",
    )
    assert block_text(400, "Elm St") == "400 block of Elm St"
