"""From addresses to places, tier by tier, in cities built by hand."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.geocoding.geocoder import Geocoder
from geo.geocoding.model import METHODS, Located, Reference
from geo.geocoding.passport import SUREST, Passport
from tests.geo.geocoding.by_hand import Home, Line, city, crossings, spot, street
from tests.geo.geocoding.small_city import city as small_city
from tests.geo.geocoding.small_city import reference as small_reference

NEAR = 1.0


def _of(reference: Reference) -> Geocoder:
    return Geocoder.build(reference, passport=Passport())


def _one(geocoder: Geocoder, text: str, zip_: str | None = None, place: str | None = None) -> Located:
    return geocoder.locate([text], None if zip_ is None else [zip_], None if place is None else [place])


def _told(found: Located) -> tuple[str, str | None]:
    return str(found.methods()[0]), found.matched[0]


def _along(number: float, low: int, high: int, length: float = 200.0) -> float:
    """How far along its block a number stands: the first 9 m from one end, the last 9 m from the other."""
    return 9.0 + (number - low) / (high - low) * (length - 18.0)


# --- ranges of centerlines ---------------------------------------------------------------------


@cache
def _ranged() -> Geocoder:
    return _of(
        city(
            [
                *street("MAIN ST", [(0, 0), (200, 0), (400, 0)]),
                Line("BACK ST", (0, 500), (200, 500), (99, 1), (98, 2)),
                Line("BOTH ST", (0, 1000), (200, 1000), (1, 100), (0, 0)),
                Line("LAP ST", (0, 1500), (200, 1500), (0, 0), (2, 98)),
                Line("LAP ST", (200, 1500), (400, 1500), (0, 0), (50, 198)),
                Line("GAP ST", (0, 2000), (200, 2000)),
                Line("GAP ST", (200, 2000), (400, 2000), (301, 399), (302, 398)),
                Line("LONE ST", (0, 2500), (200, 2500), (7, 7), (0, 0)),
            ]
        )
    )


@pytest.mark.parametrize(
    ("text", "x", "y"),
    [
        ("1 MAIN ST", _along(1, 1, 99), 12.0),
        ("99 MAIN ST", _along(99, 1, 99), 12.0),
        ("50 MAIN ST", _along(50, 2, 98), -12.0),
        ("151 MAIN ST", 200 + _along(151, 101, 199), 12.0),
        ("11 BACK ST", 200 - _along(11, 1, 99), 512.0),
        ("12 BACK ST", 200 - _along(12, 2, 98), 488.0),
        ("31 BOTH ST", _along(31, 1, 100), 1012.0),
        ("32 BOTH ST", _along(32, 1, 100), 1012.0),
        ("7 LONE ST", 100.0, 2512.0),
        ("12-16 MAIN ST", _along(14, 2, 98), -12.0),
        ("50A MAIN ST", _along(50, 2, 98), -12.0),
        ("50 1/2 MAIN ST", _along(50, 2, 98), -12.0),
    ],
)
def test_a_number_stands_on_its_side_as_far_along_the_block_as_along_the_range(text: str, x: float, y: float) -> None:
    found = _one(_ranged(), text)
    assert found.methods()[0] == "address_range"
    assert spot(found) == pytest.approx((x, y), abs=NEAR)
    assert found.score[0] > 0.98
    assert not found.corrected[0]


def test_ranges_that_overlap_are_one_answer_and_one_alternative() -> None:
    found = _one(_ranged(), "74 LAP ST")
    first, second = 9 + (74 - 2) / 96 * 182, 209 + (74 - 50) / 148 * 182
    assert spot(found)[0] == pytest.approx(first, abs=NEAR) or spot(found)[0] == pytest.approx(second, abs=NEAR)
    assert found.score[0] < 0.6


@pytest.mark.parametrize("text", ["149 GAP ST", "150 GAP ST", "201 GAP ST"])
def test_a_number_in_a_gap_is_at_the_nearest_end_of_a_range_and_less_sure(text: str) -> None:
    found = _one(_ranged(), text)
    assert _told(found) == ("block", text)
    assert abs(spot(found)[0] - 200) <= 12
    listed = _one(_ranged(), "50 GAP ST")
    assert 0 < found.score[0] < listed.score[0]
    assert found.radius_m[0] > 1.5 * listed.radius_m[0]


def test_a_number_of_the_wrong_parity_is_across_the_street() -> None:
    found = _one(_ranged(), "51 LAP ST")
    assert found.methods()[0] == "block"
    assert spot(found)[1] == pytest.approx(1512.0, abs=NEAR)  # the even side is the right one, at -12
    assert found.score[0] < _one(_ranged(), "50 GAP ST").score[0]


@pytest.mark.parametrize(("number", "method"), [(249, "block"), (351, "street"), (2001, "street")])
def test_beyond_the_last_number_it_is_the_end_of_the_street_and_then_the_street(number: int, method: str) -> None:
    found = _one(_ranged(), f"{number} MAIN ST")
    assert found.methods()[0] == method
    assert found.score[0] < _one(_ranged(), "150 MAIN ST").score[0]
    assert found.radius_m[0] > 100


def test_a_street_that_no_one_knows_is_not_found() -> None:
    found = _one(_ranged(), "12 XYLOPHONE QUAY")
    assert _told(found) == ("none", None)
    assert found.score[0] == 0
    assert np.isnan([found.lon[0], found.lat[0], found.radius_m[0]]).all()


# --- address points ----------------------------------------------------------------------------


@cache
def _pointed() -> Geocoder:
    homes = [Home("OAK AVE", n, 4.0 * n, -15.0 if n % 2 == 0 else 15.0, zip="02118") for n in (2, 6, 20, 21, 25, 300)]
    homes += [Home("OAK AVE", 40, 160.0, -15.0, letter=c) for c in ("", "A", "B", "1/2")]
    homes += [Home("ROW ST", 10, 30.0 * k, 500.0, letter=chr(65 + k)) for k in range(12)]
    homes += [Home("PAIR ST", 12, 100.0, 900.0, high=16), Home("PAIR ST", 30, 200.0, 900.0)]
    homes += [Home("ODD ST", n, 4.0 * n, 1300.0) for n in (1, 11, 21, 31)]
    homes += [Home("NIL ST", 0, 100.0, 1700.0), Home("NIL ST", 12, 150.0, 1700.0)]
    return _of(city(homes=homes))


@pytest.mark.parametrize(
    ("text", "x", "y"),
    [
        ("20 OAK AVE", 80, -15), ("21 OAK AVE", 84, 15), ("40 OAK AVE", 160, -15), ("40A OAK AVE", 160, -15),
        ("40 1/2 OAK AVE", 160, -15), ("10A ROW ST", 0, 500), ("10C ROW ST", 60, 500), ("10L ROW ST", 330, 500),
        ("12-16 PAIR ST", 100, 900), ("12 PAIR ST", 100, 900), ("16 PAIR ST", 100, 900),
    ],
)  # fmt: skip
def test_a_listed_address_is_its_point(text: str, x: float, y: float) -> None:
    found = _one(_pointed(), text)
    assert _told(found) == ("address_point", text)
    assert spot(found) == pytest.approx((x, y), abs=0.1)


def test_a_number_within_a_range_of_one_point_is_there() -> None:
    found = _one(_pointed(), "14 PAIR ST")
    assert found.methods()[0] == "between_points"
    assert spot(found) == pytest.approx((100, 900), abs=0.1)
    assert found.score[0] > 0.9


def test_a_letter_that_is_not_listed_is_the_number_but_a_little_less_surely() -> None:
    found = _pointed().locate(["20 OAK AVE", "20C OAK AVE"])
    assert found.methods().tolist() == ["address_point", "between_points"]
    assert spot(found, 1) == pytest.approx((80, -15), abs=0.1)
    assert found.radius_m[1] > 0


def test_a_number_between_points_of_its_side_lies_between_them() -> None:
    found = _one(_pointed(), "10 OAK AVE")
    assert found.methods()[0] == "between_points"
    assert spot(found) == pytest.approx((24 + 4 / 14 * 56, -15), abs=NEAR)


def test_with_points_of_the_other_side_only_it_is_the_block() -> None:
    found = _one(_pointed(), "16 ODD ST")
    assert found.methods()[0] == "block"
    assert spot(found) == pytest.approx((64, 1300), abs=NEAR)
    assert found.radius_m[0] > _one(_pointed(), "15 ODD ST").radius_m[0]


@pytest.mark.parametrize(("number", "method"), [(304, "between_points"), (380, "block"), (9000, "street")])
def test_beyond_the_last_point_the_answer_gets_vaguer(number: int, method: str) -> None:
    found = _one(_pointed(), f"{number} OAK AVE")
    assert found.methods()[0] == method
    assert found.radius_m[0] > 28


def test_number_nought_is_never_an_address() -> None:
    listed, not_listed = (_one(_pointed(), f"0 {name}") for name in ("NIL ST", "OAK AVE"))
    assert listed.methods()[0] == "block"
    assert listed.radius_m[0] > 100
    assert not_listed.methods()[0] == "block"  # the stretch of Oak Ave from 2 to 40 is no longer than one
    assert not_listed.radius_m[0] > 2 * _one(_pointed(), "2 OAK AVE").radius_m[0]


@pytest.mark.parametrize("low", [0, 2])
def test_number_nought_on_ranges_is_anywhere_on_the_street(low: int) -> None:
    lines = street("LONG ST", [(200.0 * k, 0.0) for k in range(16)])
    lines[0] = lines[0]._replace(right=(low, 98))
    found = _one(_of(city(lines)), "0 LONG ST")
    assert _told(found) == ("street", "LONG ST")
    assert spot(found) == pytest.approx((1500, 0), abs=NEAR)
    assert found.radius_m[0] > 1500
    assert found.score[0] < 0.5


# --- hyphens -----------------------------------------------------------------------------------


@cache
def _hyphened() -> Geocoder:
    first = 120 * 10_000
    return _of(
        city(
            [
                Line("QUEENS RD", (0, 0), (200, 0), (first + 1, first + 99), (first + 2, first + 98), hyphenated=True),
                Line("PLAIN RD", (0, 500), (200, 500), (1, 99), (2, 98)),
            ],
            [Home("JAMAICA AVE", 88 * 10_000 + 7, 40.0, 900.0, hyphenated=True)],
        )
    )


@pytest.mark.parametrize("text", ["120-50 QUEENS RD", "12050 QUEENS RD"])
def test_numbers_of_queens_are_found_with_and_without_their_hyphen(text: str) -> None:
    found = _one(_hyphened(), text)
    assert found.methods()[0] == "address_range"
    assert spot(found) == pytest.approx((_along(50, 2, 98), -12.0), abs=NEAR)


def test_a_hyphen_on_an_ordinary_street_is_a_range() -> None:
    found = _one(_hyphened(), "12-16 PLAIN RD")
    assert spot(found) == pytest.approx((_along(14, 2, 98), 488.0), abs=NEAR)


def test_a_block_of_queens_is_its_first_part() -> None:
    found = _one(_hyphened(), "120-00 BLOCK OF QUEENS RD")
    assert _told(found) == ("block", "120-00 BLOCK OF QUEENS RD")
    assert spot(found) == pytest.approx((100, 0), abs=NEAR)


def test_hyphenated_points_are_listed() -> None:
    found = _one(_hyphened(), "88-07 JAMAICA AVE")
    assert _told(found) == ("address_point", "88-07 JAMAICA AVE")


@pytest.mark.parametrize("text", ["999999-99 QUEENS RD", "107374-1824 QUEENS RD", "999999-1 JAMAICA AVE"])
def test_a_number_too_large_for_the_keys_stays_on_its_own_street(text: str) -> None:
    found = _one(_hyphened(), text)
    assert found.methods()[0] in {"street", "block", "none"}
    assert found.score[0] < 0.9


# --- blocks ------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["100 BLOCK OF MAIN ST", "100 BLK MAIN ST", "THE 100 BLOCK OF MAIN STREET"])
def test_a_block_by_ranges_is_the_middle_of_its_centerline(text: str) -> None:
    found = _one(_ranged(), text)
    assert _told(found) == ("block", "100 BLOCK OF MAIN ST")
    assert spot(found) == pytest.approx((300, 0), abs=NEAR)
    assert found.score[0] > 0.9


def test_a_block_by_points_is_among_them() -> None:
    found = _one(_pointed(), "0 BLOCK OF ODD ST")
    assert found.methods()[0] == "block"
    assert spot(found) == pytest.approx((4 * 16, 1300), abs=NEAR)


def test_a_block_that_is_not_there_is_the_street() -> None:
    found = _one(_ranged(), "900 BLOCK OF MAIN ST")
    assert found.methods()[0] == "street"
    assert found.score[0] < 0.9
    assert found.radius_m[0] > 200


# --- crossings ---------------------------------------------------------------------------------


@cache
def _crossed() -> Geocoder:
    lines = street("MAIN ST", [(0, 0), (200, 0), (400, 0), (600, 0)])
    lines += street("ELM ST", [(200, -200), (200, 0), (200, 200)])
    lines += street("ASH ST", [(400, -200), (400, 0), (400, 200)])
    # A boulevard in two halves, 30 m apart.
    lines += [Line("GRAND BLVD", (600, 0), (600, 200)), Line("GRAND BLVD", (630, 200), (630, 0))]
    lines += [Line("MAIN ST", (600, 0), (630, 0), (301, 399), (302, 398))]
    # A crescent that leaves Main St and comes back to it far away.
    lines += [Line("MAIN ST", (630, 0), (2000, 0), (401, 499), (402, 498))]
    lines += [Line("LOOP CRES", (0, 0), (1000, 900)), Line("LOOP CRES", (1000, 900), (2000, 0), (101, 199), (102, 198))]
    # A street that ends 50 m short of Elm St.
    lines += [Line("SHORT RD", (250, 150), (400, 150), (0, 0), (0, 0))]
    return _of(city(lines, aliases={"ROUTE 9": "GRAND BLVD"}))


@pytest.mark.parametrize(
    "text",
    ["MAIN ST & ELM ST", "Elm St and Main St", "elm @ main", "ELM/MAIN", "MAIN ST AT ELM ST", "MIAN ST & ELM ST"],
)
def test_a_crossing_is_where_two_streets_meet(text: str) -> None:
    found = _one(_crossed(), text)
    assert found.methods()[0] == "intersection"
    assert set(str(found.matched[0]).split(" & ")) == {"MAIN ST", "ELM ST"}
    assert spot(found) == pytest.approx((200, 0), abs=NEAR)
    assert found.score[0] > 0.85


@pytest.mark.parametrize("text", ["MAIN ST & GRAND BLVD", "MAIN ST & ROUTE 9"])
def test_the_corners_of_a_divided_road_are_one_crossing(text: str) -> None:
    found = _one(_crossed(), text)
    assert spot(found) == pytest.approx((615, 0), abs=NEAR)
    assert found.score[0] > 0.9
    assert not found.alternatives


def test_streets_that_cross_twice_keep_both() -> None:
    found = _one(_crossed(), "MAIN ST & LOOP CRES")
    assert found.methods()[0] == "intersection"
    assert found.score[0] == pytest.approx(0.5, abs=0.03)
    (other,) = found.alternatives[0]
    assert other.method == "intersection"
    assert other.score == pytest.approx(0.5, abs=0.03)


def test_streets_that_come_close_cross_there() -> None:
    found = _one(_crossed(), "ELM ST & SHORT RD")
    assert found.methods()[0] == "intersection"
    assert spot(found) == pytest.approx((225, 150), abs=NEAR)


def test_streets_that_do_not_meet_are_one_of_them() -> None:
    found = _one(_crossed(), "SHORT RD & MAIN ST")
    assert found.methods()[0] in {"street", "block"}
    assert found.score[0] < 0.9


def test_a_crossing_with_an_unknown_street_is_the_known_one_and_not_sure() -> None:
    found = _one(_crossed(), "MAIN ST & XYLOPHONE QUAY")
    assert _told(found) == ("street", "MAIN ST")
    assert found.score[0] < 0.5


@pytest.mark.parametrize(
    "text", ["MAIN ST BETWEEN ELM ST AND ASH ST", "MAIN ST BTWN ASH & ELM", "MAIN ST FROM ELM ST TO ASH ST"]
)
def test_a_stretch_between_two_crossings_is_the_block_between_them(text: str) -> None:
    found = _one(_crossed(), text)
    assert found.methods()[0] == "block"
    assert spot(found) == pytest.approx((300, 0), abs=NEAR)
    assert found.radius_m[0] >= 100
    assert found.score[0] > 0.85


def test_a_stretch_to_a_street_that_crosses_twice_is_the_shorter_one() -> None:
    found = _one(_crossed(), "MAIN ST BETWEEN LOOP CRES AND ELM ST")
    assert spot(found) == pytest.approx((100, 0), abs=NEAR)


def test_a_stretch_with_one_known_end_is_no_crossing() -> None:
    found = _one(_crossed(), "MAIN ST BETWEEN ELM ST AND XYLOPHONE QUAY")
    assert found.methods()[0] == "block"
    assert spot(found) == pytest.approx((200, 0), abs=NEAR)
    assert found.radius_m[0] > _one(_crossed(), "MAIN ST & ELM ST").radius_m[0]


def test_zip_code_and_town_decide_between_crossings_of_the_same_names() -> None:
    lines = []
    for x, zip_, town in ((0.0, "02101", "ASHBY"), (9000.0, "02202", "BELTON")):
        lines += street("MAIN ST", [(x - 200, 0), (x, 0), (x + 200, 0)], zip=zip_, place=town)
        lines += street("ELM ST", [(x, -200), (x, 0), (x, 200)], zip=zip_, place=town)
    geocoder = _of(city(lines))
    alone = _one(geocoder, "MAIN ST & ELM ST")
    assert alone.score[0] == pytest.approx(0.5, abs=0.03)
    assert len(alone.alternatives[0]) == 1
    for text, x in (("02202", 9000.0), ("BELTON, MA", 9000.0), ("ASHBY, MA", 0.0), ("02101", 0.0)):
        found = _one(geocoder, f"MAIN ST & ELM ST, {text}")
        assert spot(found) == pytest.approx((x, 0), abs=NEAR)
        assert found.score[0] > 0.75
    assert spot(_one(geocoder, "MAIN ST & ELM ST", zip_="02202"))[0] == pytest.approx(9000, abs=NEAR)
    assert spot(_one(geocoder, "MAIN ST & ELM ST", place="Belton"))[0] == pytest.approx(9000, abs=NEAR)


# --- streets, places, areas --------------------------------------------------------------------


def test_a_street_alone_is_its_middle_with_a_radius_that_reaches_its_ends() -> None:
    found = _one(_ranged(), "MAIN ST")
    assert _told(found) == ("street", "MAIN ST")
    assert spot(found) == pytest.approx((200, 0), abs=NEAR)
    assert found.radius_m[0] >= 200


def test_a_small_street_is_as_good_as_a_block() -> None:
    found = _one(_ranged(), "BACK ST")
    assert _told(found) == ("block", "BACK ST")
    assert found.score[0] > 0.8


@cache
def _small() -> Geocoder:
    return small_city()


@pytest.mark.parametrize(
    ("text", "method", "matched"),
    [
        ("Golden Bear Park", "place", "Golden Bear Park"),
        ("Golden Bare Park", "place", "Golden Bear Park"),
        ("joe moakley pool", "place", "JOE MOAKLEY POOL"),
        ("Eastwood", "area", "Eastwood"),
    ],
)
def test_places_and_areas_are_found_by_name(text: str, method: str, matched: str) -> None:
    assert _told(_one(_small(), text)) == (method, matched)


# --- ties --------------------------------------------------------------------------------------


@cache
def _towns() -> Geocoder:
    lines = street("HIGH ST", [(0, 0), (200, 0)], zip="02101", place="ASHBY")
    lines += street("HIGH ST", [(9000, 0), (9200, 0)], zip="02202", place="BELTON")
    return _of(city(lines))


def test_a_street_of_two_towns_is_a_tie_with_an_alternative() -> None:
    found = _one(_towns(), "50 HIGH ST")
    assert found.score[0] == pytest.approx(0.5, abs=0.02)
    (other,) = found.alternatives[0]
    assert other.matched == "50 HIGH ST"
    assert other.score == pytest.approx(0.5, abs=0.02)
    assert other.score <= 1 - found.score[0]


@pytest.mark.parametrize(
    ("text", "zip_", "place", "x"),
    [
        ("50 HIGH ST, 02202", None, None, 9000), ("50 HIGH ST, BELTON, MA", None, None, 9000),
        ("50 HIGH ST", "02202", None, 9000), ("50 HIGH ST", None, "Belton", 9000), ("50 HIGH ST, ASHBY MA 02101", None, None, 0),
        ("50 HIGH ST, 02101", "02202", None, 9000),
    ],
)  # fmt: skip
def test_zip_code_or_town_decides(text: str, zip_: str | None, place: str | None, x: float) -> None:
    found = _one(_towns(), text, zip_, place)
    assert spot(found)[0] == pytest.approx(x + _along(50, 2, 98), abs=NEAR)
    assert found.score[0] > 0.75
    assert found.zip[0] == ("02202" if x else "02101")


def test_a_zip_code_that_contradicts_lowers_the_score() -> None:
    alone, right, wrong = (_one(_ranged_zip(), f"50 MAIN ST{tail}") for tail in ("", ", 02118", ", 94110"))
    assert right.score[0] >= alone.score[0] > wrong.score[0]
    assert spot(wrong) == spot(right)


@cache
def _ranged_zip() -> Geocoder:
    return _of(city(street("MAIN ST", [(0, 0), (200, 0)], zip="02118")))


def test_other_names_and_aliases_find_the_street() -> None:
    lines = [Line("DR KING BLVD", (0, 0), (200, 0), other="GROVE ST")]
    geocoder = _of(city(lines, aliases={"STATE ROUTE 12": "DR KING BLVD"}))
    want = _one(geocoder, "50 DR KING BLVD")
    for name in ("GROVE ST", "STATE ROUTE 12", "Route 12"):
        found = _one(geocoder, f"50 {name}")
        assert spot(found) == spot(want)
        assert found.matched[0] == want.matched[0]


# --- what a grid does --------------------------------------------------------------------------


@cache
def _grid() -> Geocoder:
    lines = []
    for half, sign in (("N", 1.0), ("S", -1.0)):
        lines += street(f"{half} CLARK ST", [(0, sign * 200 * k) for k in range(20)])
    for name, y in (("W 500 N", 1000.0), ("W 1200 N", 2400.0)):
        lines += street(name, [(10_000 - 200 * k, y) for k in range(15)])
    lines += street("N 500 W", [(9000, 200 * k) for k in range(15)])
    lines += street("N 1200 W", [(7600, 200 * k) for k in range(15)])
    return _of(city(lines))


@pytest.mark.parametrize("text", ["350 W 1200 N", "350 West 1200 North", "350 w. 1200 n."])
def test_a_coordinate_of_a_grid_is_not_its_mirror(text: str) -> None:
    found = _one(_grid(), text)
    assert spot(found)[1] == pytest.approx(2400, abs=15)
    assert spot(found)[0] == pytest.approx(9300, abs=15)
    assert found.score[0] > 0.9


@pytest.mark.parametrize(
    ("text", "sign"), [("1650 N CLARK ST", 1), ("1650 S Clark Street", -1), ("1650 SCLARK ST", -1)]
)
def test_halves_of_a_street_that_share_numbers_are_told_by_their_directional(text: str, sign: int) -> None:
    found = _one(_grid(), text)
    assert spot(found)[1] == pytest.approx(sign * 3300, abs=15)
    assert found.score[0] > 0.9


def test_without_a_directional_both_halves_are_told() -> None:
    found = _one(_grid(), "1650 CLARK ST")
    assert found.score[0] == pytest.approx(0.5, abs=0.03)
    assert len(found.alternatives[0]) == 1


# --- laws --------------------------------------------------------------------------------------


def _well_formed(found: Located, n: int) -> None:
    columns = (
        found.method,
        found.score,
        found.radius_m,
        found.lon,
        found.lat,
        found.matched,
        found.corrected,
        found.zip,
    )
    assert {len(column) for column in columns} == {n}
    assert ((found.score >= 0) & (found.score <= SUREST)).all()
    assert ((found.method >= 0) & (found.method < len(METHODS))).all()
    missing = found.method == 0
    for column in (found.lon, found.lat, found.radius_m):
        assert (np.isnan(column) == missing).all()
    assert (found.radius_m[~missing] > 0).all()
    assert (found.score[missing] == 0).all()
    assert all((text is None) == gone for text, gone in zip(found.matched, missing, strict=True))
    for row, others in found.alternatives.items():
        assert 0 <= row < n
        assert others
        assert all(0 < other.score <= 1 and np.isfinite([other.lon, other.lat]).all() for other in others)


WORDS = st.sampled_from(
    """MAIN ELM BROADWAY GUERRERO 16TH 17TH 5TH VAN NESS AVE ST ROAD BLVD N SOUTH W NE & AND AT BETWEEN BLOCK OF 0 1 12 15A 1/2
    120-50 99999 999999-99 , 02118 02131 BOSTON MA APT #4 CORNER PARK GOLDEN BEAR QUEENS RD POINT NORTH - / ( ) . SAINT""".split()
)
TEXTS = st.one_of(st.text(max_size=40), st.lists(WORDS, max_size=8).map(" ".join))


@settings(deadline=None, max_examples=150)
@given(st.lists(st.one_of(st.none(), TEXTS), max_size=12))
def test_no_text_raises_and_results_are_well_formed(texts: list[str | None]) -> None:
    _well_formed(_small().locate(texts), len(texts))


@settings(deadline=None, max_examples=60)
@given(st.lists(TEXTS, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_a_list_gives_what_each_text_gives_alone_in_any_order(texts: list[str], random: object) -> None:
    together = _small().locate(texts)
    order = list(range(len(texts)))
    random.shuffle(order)  # type: ignore[attr-defined]
    shuffled = _small().locate([texts[i] for i in order])
    for row, i in enumerate(order):
        _same(together, i, shuffled, row)
        _same(together, i, _small().locate([texts[i]]), 0)


def _same(a: Located, i: int, b: Located, j: int) -> None:
    assert (a.method[i], a.matched[i], a.corrected[i], a.zip[i]) == (
        b.method[j],
        b.matched[j],
        b.corrected[j],
        b.zip[j],
    )
    for left, right in ((a.lon, b.lon), (a.lat, b.lat), (a.score, b.score), (a.radius_m, b.radius_m)):
        assert left[i] == pytest.approx(right[j], nan_ok=True, abs=1e-9)
    assert [o.matched for o in a.alternatives.get(i, ())] == [o.matched for o in b.alternatives.get(j, ())]


def test_every_listed_address_locates_to_itself() -> None:
    points = small_reference().points
    assert points is not None
    texts = [f"{n}{c} {s}" for n, c, s in zip(points.number, points.number_suffix, points.street, strict=True)]
    found = _small().locate(texts)
    assert set(found.methods()) == {"address_point"}
    np.testing.assert_allclose(found.lon, points.lon, atol=1e-6)
    np.testing.assert_allclose(found.lat, points.lat, atol=1e-6)
    assert (found.score > 0.9).all()


ADDRESSES = st.tuples(
    st.sampled_from(["MAIN ST", "MAIN AVE", "N MAIN ST", "MAINE ST", "3RD ST", "ELM CT"]),
    st.integers(1, 400),
    st.sampled_from(["", "", "A", "B", "1/2"]),
)


@settings(deadline=None, max_examples=60)
@given(st.sets(ADDRESSES, min_size=1, max_size=30), st.booleans())
def test_every_address_of_any_list_locates_to_its_own_point(addresses: set[tuple[str, int, str]], lined: bool) -> None:
    homes = [Home(s, n, 5.0 * n + 60 * len(c), 900.0 * len(s), letter=c) for s, n, c in sorted(addresses)]
    lines = [Line(s, (0, 900.0 * len(s)), (2000, 900.0 * len(s)), (1, 399), (2, 398)) for s, _, _ in sorted(addresses)]
    found = _of(city(lines if lined else (), homes)).locate(
        [f"{h.number}{' 1/2' if h.letter == '1/2' else h.letter} {h.street}" for h in homes]
    )
    assert set(found.methods()) == {"address_point"}
    for row, home in enumerate(homes):
        x, y = spot(found, row)
        assert np.hypot(x - home.x, y - home.y) <= found.radius_m[row]
        assert found.matched[row].endswith(home.street)


def test_threads_that_share_a_geocoder_find_the_same() -> None:
    geocoder = small_city()  # fresh: its keys for misspelt names are made by whoever comes first
    texts = [
        "12 MIAN ST",
        "MAIN & 16TH",
        "VANNES AVE & ELM",
        "50 GUERERO ST",
        "Golden Bare Park",
        "14 MAIN ST 02118",
    ] * 5
    want = _small().locate(texts)
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(geocoder.locate, [texts] * 16):
            for row in range(len(texts)):
                _same(want, row, found, row)


def test_nothing_asked_is_nothing_found_and_an_empty_city_finds_nothing() -> None:
    assert len(_small().locate([])) == 0
    empty = _of(city())
    _well_formed(empty.locate(["12 MAIN ST", "MAIN & ELM", "MAIN ST", None, "PARK"]), 5)
    assert set(empty.locate(["12 MAIN ST", "MAIN & ELM"]).methods()) == {"none"}


def test_a_crossing_of_streets_without_lines_is_found() -> None:
    reference = Reference(city().crs, intersections=crossings([("A ST", "B ST", 5.0, 7.0)]))
    found = _one(_of(reference), "A ST & B ST")
    assert spot(found) == pytest.approx((5, 7), abs=0.1)
    _well_formed(_of(reference).locate(["12 A ST", "A ST", "A ST & C ST", "A ST & B ST, 02118"]), 4)
