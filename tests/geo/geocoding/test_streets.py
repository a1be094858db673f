"""Which of a city's streets a typed name may mean, and in what order."""

from __future__ import annotations

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.geocoding.model import NO_STREET, StreetName
from geo.geocoding.names import street_name
from geo.geocoding.streets import (
    DIRECTION_ADDED,
    DIRECTION_MISSING,
    DIRECTION_MOVED,
    DIRECTION_WRONG,
    DIRECTIONS_SWAPPED,
    ENOUGH,
    FAR_BEHIND,
    HOPELESS,
    ONE_EDIT,
    SUFFIX_ADDED,
    SUFFIX_MISSING,
    SUFFIX_WRONG,
    Candidate,
    Streets,
    affixes,
    ordinal,
)

NAMES = """GUERRERO ST|GUERRERO CT|VAN NESS AVE|S VAN NESS AVE|MISSION ST|N CLARK ST|S CLARK ST|BAY VIEW AVE E|43RD ST|3RD ST
3RD AVE|13TH ST|SAINT LOUIS AVE|SAINT FRANCIS BLVD|MARTIN LUTHER KING JR BLVD|BROADWAY|W 500 N|N 500 W|ELM ST|OAK ST|PEAK ST
GREENE ST|PHELPS ST|LA PLAYA ST|AVENUE A|KEARNY ST|ALPHONSE FITZWILLIAM PKWY|S HILL BLVD""".replace("\n", "|").split(
    "|"
)
STREETS = Streets([street_name(name) for name in NAMES], {street_name("ARMY ST"): [4], street_name("ROUTE 7"): [2, 3]})


def _near(text: str) -> list[tuple[str, bool]]:
    return [(STREETS.names[c.name].text(), c.corrected) for c in STREETS.near(street_name(text))]


def _best(text: str) -> str:
    found = _near(text)
    return found[0][0] if found else ""


@pytest.mark.parametrize("name", NAMES)
def test_every_name_finds_itself_uncorrected_and_first(name: str) -> None:
    asked = street_name(name)
    first = STREETS.plain(asked)[0]
    assert (STREETS.names[first.name], first.likelihood, first.corrected) == (asked, 0.0, False)
    assert STREETS.near(asked)[0] == first


@pytest.mark.parametrize(
    ("asked", "known", "expected"),
    [
        ("MAIN ST", "MAIN ST", 0.0),
        ("MAIN", "MAIN ST", SUFFIX_MISSING),
        ("MAIN ST", "MAIN", SUFFIX_ADDED),
        ("MAIN AVE", "MAIN ST", SUFFIX_WRONG),
        ("MAIN ST", "N MAIN ST", DIRECTION_MISSING),
        ("N MAIN ST", "MAIN ST", DIRECTION_ADDED),
        ("N MAIN ST", "S MAIN ST", DIRECTION_WRONG),
        ("MAIN ST N", "N MAIN ST", DIRECTION_MOVED),
        ("W 500 N", "N 500 W", DIRECTIONS_SWAPPED),
        ("500 N", "W 500 N", DIRECTION_MISSING),
        ("MAIN", "N MAIN ST", SUFFIX_MISSING + DIRECTION_MISSING),
    ],
)
def test_what_affixes_cost(asked: str, known: str, expected: float) -> None:
    assert affixes(street_name(asked), street_name(known)) == expected


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("GUERERO ST", "GUERRERO ST"), ("GUERREROO ST", "GUERRERO ST"), ("GUERRXRO ST", "GUERRERO ST"),
        ("GUERRREO ST", "GUERRERO ST"), ("GUERRERO", "GUERRERO ST"), ("GUERRERO AVE", "GUERRERO ST"),
        ("VANNESS AVE", "VAN NESS AVE"), ("MIS SION ST", "MISSION ST"), ("MISSIONST", "MISSION ST"),
        ("CLARK ST N", "N CLARK ST"), ("SOUTH CLARK ST", "S CLARK ST"), ("SCLARK ST", "S CLARK ST"),
        ("BAY VIEW EAST AVE", "BAY VIEW AVE E"), ("SOUTHHILL BLVD", "S HILL BLVD"),
        ("43TH ST", "43RD ST"), ("03RD ST", "3RD ST"), ("3TH AVE", "3RD AVE"), ("13 ST", "13TH ST"),
        ("ST LOUIS AVE", "SAINT LOUIS AVE"), ("STLOUIS AVE", "SAINT LOUIS AVE"), ("ST FRANCIS BLVD", "SAINT FRANCIS BLVD"),
        ("SAN FRANCIS BLVD", "SAINT FRANCIS BLVD"),
        ("DR MARTIN LUTHER KING JR BLVD", "MARTIN LUTHER KING JR BLVD"), ("LUTHER KING BLVD", "MARTIN LUTHER KING JR BLVD"),
        ("DR MATRIN LUTHER KING JR BLVD", "MARTIN LUTHER KING JR BLVD"),
        ("FELPS ST", "PHELPS ST"), ("ALFONS FITZWILIAM PKWY", "ALPHONSE FITZWILLIAM PKWY"),
        ("ARMY ST", "MISSION ST"), ("AMRY ST", "MISSION ST"),
    ],
)  # fmt: skip
def test_what_people_do_to_names_is_undone(typed: str, meant: str) -> None:
    assert _best(typed).replace("500TH", "500") == meant


def test_an_alias_of_two_streets_gives_both_as_equals() -> None:
    found = STREETS.plain(street_name("ROUTE 7"))
    assert {STREETS.names[c.name].text() for c in found} == {"VAN NESS AVE", "S VAN NESS AVE"}
    assert {c.likelihood for c in found} == {0.0}


def test_without_a_directional_both_halves_are_equals() -> None:
    found = {STREETS.names[c.name].text(): c.likelihood for c in STREETS.plain(street_name("CLARK ST"))}
    assert found == {"N CLARK ST": DIRECTION_MISSING, "S CLARK ST": DIRECTION_MISSING}


def test_one_edit_from_two_streets_is_a_tie() -> None:
    found = STREETS.near(street_name("OEAK ST"))
    names = [STREETS.names[c.name].text() for c in found]
    assert {"OAK ST", "PEAK ST"} <= set(names[:2])


def test_a_wrong_suffix_costs_no_respacing() -> None:
    found = {STREETS.names[c.name].text(): c.likelihood for c in STREETS.near(street_name("MISSION AVE"))}
    assert found["MISSION ST"] == SUFFIX_WRONG


def test_an_edit_costs_what_it_should() -> None:
    found = {STREETS.names[c.name].text(): c.likelihood for c in STREETS.near(street_name("GUERERO ST"))}
    assert found["GUERRERO ST"] == ONE_EDIT
    assert found["GUERRERO CT"] == ONE_EDIT + SUFFIX_WRONG


def test_an_edit_among_digits_is_less_likely_than_among_letters() -> None:
    digits = {STREETS.names[c.name].text(): c.likelihood for c in STREETS.near(street_name("143RD ST"))}
    assert digits["43RD ST"] < ONE_EDIT


@pytest.mark.parametrize("text", ["XYLOPHONE QUAY", "ZZ", "QQQQQQQQQQQQQQ ST"])
def test_what_is_like_nothing_finds_nothing(text: str) -> None:
    assert STREETS.near(street_name(text)) == []


def test_a_correct_ordinal_is_not_another_one() -> None:
    assert [name.base for name in ordinal(street_name("13TH ST"))] == []
    assert [name.base for name in ordinal(StreetName("", "011ST", "AVE", ""))] == ["11TH"]


WORDS = st.one_of(st.sampled_from(NAMES), st.text(string.ascii_uppercase + string.digits + " ", max_size=20))


@settings(deadline=None, max_examples=200)
@given(WORDS)
def test_candidates_are_few_distinct_ordered_and_none_hopeless(text: str) -> None:
    asked = street_name(text)
    if asked == NO_STREET:
        return
    for found in (STREETS.plain(asked), STREETS.near(asked)):
        _well_formed(found)


def _well_formed(found: list[Candidate]) -> None:
    assert len(found) <= ENOUGH
    assert len({c.name for c in found}) == len(found)
    likelihoods = [c.likelihood for c in found]
    assert likelihoods == sorted(likelihoods, reverse=True)
    assert all(0 >= how >= max(HOPELESS, likelihoods[0] - FAR_BEHIND) for how in likelihoods)


@settings(deadline=None, max_examples=200)
@given(st.sampled_from([n for n in NAMES if len(street_name(n).base) >= 6]), st.integers(0, 40), st.sampled_from("XQ"))
def test_any_one_slip_in_a_longer_name_still_finds_it(name: str, at: int, letter: str) -> None:
    asked = street_name(name)
    at %= len(asked.base)
    for base in (asked.base[:at] + asked.base[at + 1 :], asked.base[:at] + letter + asked.base[at:]):
        if base.strip() == base and "  " not in base:
            found = [STREETS.names[c.name] for c in STREETS.near(asked._replace(base=base))]
            assert asked in found
