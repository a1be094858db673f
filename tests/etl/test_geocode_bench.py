"""The judge of the geocoder is judged: measures on results made by hand, typos, and the made-up city's own truth."""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import shapely

from etl.geocode_bench import measures, san_francisco, tables
from etl.geocode_bench.baseline import Lookup
from etl.geocode_bench.cases import Cases, cases_of, distinct, strict, strict_crossing
from etl.geocode_bench.city import CRS, HYPHEN, City, make_city
from etl.geocode_bench.figures import Figure, as_records, summary, table
from etl.geocode_bench.names import ordinal
from etl.geocode_bench.requests import blocks, clean, crossings, dirty, streets_of
from etl.geocode_bench.suggesting import rank, typings
from etl.geocode_bench.typos import EDITS, KINDS, Streets, base_of, edit, plant
from geo.crs import from_wgs84
from geo.geocoding.model import METHODS, Located, Method, Points, Segments


@pytest.fixture(scope="module")
def city() -> City:
    return make_city(segments=2_000, homes=6_000, seed=5)


def located(rows: list[tuple[Method, float, float, float, float]]) -> Located:
    """Results of (method, score, radius, lon, lat)."""
    method, score, radius, lon, lat = zip(*rows, strict=True)
    n = len(rows)
    return Located(
        np.array([METHODS.index(m) for m in method], dtype=np.int8),
        np.array(score),
        np.array(radius),
        np.array(lon),
        np.array(lat),
        np.full(n, None, dtype=object),
        np.zeros(n, dtype=bool),
        np.full(n, "", dtype=object),
    )


def five() -> measures.Judged:
    """Right at 10 m; 100 m off with a radius of 50; confident but 1 km off; a street; nothing. One degree is 111 km."""
    metre = 1 / 111_195
    cases = cases_of(
        ["1 A ST", "2 A ST", "Intersection of A ST and B ST", "somewhere", "3 A ST"], np.zeros(5), np.zeros(5)
    )
    nan = math.nan
    results = located(
        [
            ("address_point", 0.99, 20, 0, 10 * metre),
            ("address_range", 0.85, 50, 100 * metre, 0),
            ("intersection", 0.95, 30, 0, 1000 * metre),
            ("street", 0.3, 900, 0, 100 * metre),
            ("none", 0.0, nan, nan, nan),
        ]
    )
    return measures.judge(lambda _: results, cases)


def by_name(figures: list[Figure]) -> dict[str, Figure]:
    return {f.name.strip(): f for f in figures}


def test_shares_count_blocks_and_better_and_nothing_vaguer() -> None:
    found = by_name(list(measures.located("x", five(), None)))
    assert found["located at block or better: well-formed"].value == pytest.approx(3 / 4)
    assert found["located at block or better: all non-empty"].value == pytest.approx(3 / 5)
    assert found["located: intersections"].value == 1.0
    assert found["method street"].value == pytest.approx(1 / 5)


def test_errors_are_metres_of_address_level_results_alone() -> None:
    judged = five()
    assert judged.error_m[:4] == pytest.approx([10, 100, 1000, 100], rel=1e-3)
    assert math.isnan(judged.error_m[4])
    found = by_name(list(measures.errors("x", judged, None)))
    assert found["median error, address-level"].value == pytest.approx(55, rel=1e-3)
    assert found["median error, address-level"].n == 2


def test_confident_but_wrong_is_a_share_of_all_that_was_asked() -> None:
    found = by_name(list(measures.confident("x", five(), None)))
    assert found["score 0.9 or more, but over 200 m off"].value == pytest.approx(1 / 5)
    assert found["score 0.9 or more"].n == 2


def test_a_truth_that_contradicts_itself_is_counted_and_told_apart() -> None:
    judged = five()
    judged.cases.doubtful[2] = True
    found = by_name(list(measures.confident("x", judged, None)))
    assert found["score 0.9 or more, but over 200 m off"].value == pytest.approx(1 / 5)
    assert found["without truths that contradict their address"].value == 0


def test_a_radius_is_judged_only_where_there_are_enough() -> None:
    found = by_name(list(measures.radii("x", five())))
    assert found["95% radius holds, address_point"].value == 1.0
    assert found["95% radius holds, address_range"].value == 0.0
    assert not found["95% radius holds, address_range"].judged
    n = 400
    asked = cases_of(["1 A ST"] * n, np.zeros(n), np.zeros(n))
    error = np.where(np.arange(n) < 0.9 * n, 1.0, 300.0) / 111_195
    often = measures.judge(lambda _: located([("block", 0.9, 100, 0, e) for e in error]), asked)
    figure = by_name(list(measures.radii("x", often)))["95% radius holds, block"]
    assert figure.value == pytest.approx(0.9) and figure.judged and not figure.holds


def test_calibration_sets_what_was_right_beside_what_was_claimed() -> None:
    found = by_name(list(measures.calibration("x", five())))
    assert found["right, score 0.95 to 0.98 (instead: claimed)"].value == 0.0
    assert found["right, score 0.98 to 1.00 (instead: claimed)"].value == 1.0
    gap = (0.01 + 0.15 + 0.95 + 0.7) / 4
    assert found["mean gap between claimed and right"].value == pytest.approx(gap)


def test_wrong_areas_leave_out_truths_outside_all_areas() -> None:
    def area(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
        return np.array([None if abs(y) > 1 else ("north" if y > 0.005 else "south") for y in lat], dtype=object)

    judged = five()
    judged.cases.lat[0] = 50.0
    found = by_name(list(measures.areas("x", judged, area, lambda lon, _: np.full(len(lon), 5.0))))
    assert found["wrong neighborhood"].value == pytest.approx(1 / 2)
    assert found["of the wrong, truth within 20 m of a border"].value == 1.0


def test_typos_are_judged_together_and_shown_by_kind() -> None:
    judged = five()
    judged.cases.label[:] = ["insert", "insert", "delete", "delete", "delete"]
    judged.cases.twin[2] = True
    found = by_name(list(measures.typos("x", judged, None)))
    assert found["located at block or better"].value == pytest.approx(3 / 5)
    assert found["score 0.9 or more, but over 200 m off"].value == pytest.approx(1 / 5)
    assert found["confident but wrong without these"].value == 0
    assert found["delete: located"].value == pytest.approx(1 / 3)


def test_the_worst_come_first_and_the_missed_are_named() -> None:
    judged = five()
    assert "Intersection of A ST and B ST" in next(iter(measures.worst(judged)))
    assert len(list(measures.worst(judged))) == 4 and len(list(measures.worst(judged, confident_only=True))) == 1
    assert [line.split(None, 1)[1] for line in measures.missed(judged)] == ["3 A ST"]


@pytest.mark.parametrize(
    ("value", "low", "high", "verdict"),
    [
        (0.96, 0.95, None, "pass"),
        (0.94, 0.95, None, "FAIL"),
        (0.96, 0.93, 0.95, "FAIL"),
        (math.nan, None, 30.0, "FAIL"),
        (math.nan, None, None, ""),
    ],
)
def test_a_figure_holds_within_its_bounds(value: float, low: float | None, high: float | None, verdict: str) -> None:
    assert Figure("s", "n", value, "%", low, high).verdict() == verdict


def test_figures_become_a_table_a_summary_and_json() -> None:
    figures = [Figure("one", "a", 0.5, "%", 0.9, None, 10, 0.25), Figure("two", "b", math.nan, "ms", None, 30.0)]
    lines = list(table(figures))
    assert any("50.00%" in line and "at least 90.00%" in line and "FAIL" in line and "25.00%" in line for line in lines)
    assert summary(figures) == "0 of 2 figures with a limit hold"
    assert json.loads(json.dumps(as_records(figures)))[1]["value"] is None


@pytest.mark.parametrize(
    ("text", "street", "low", "high"),
    [
        ("420 BERRY ST, SAN FRANCISCO, CA, 94107", "BERRY ST", 420, 420),
        ("  255 Woodside Ave, Apt 211, X, CA", "WOODSIDE AVE", 255, 255),
        ("686-692 Washington St", "WASHINGTON ST", 686, 692),
        ("12 HF Thacher St", "THACHER ST", 12, 12),
        ("9 N OLD MILL LN NW", "N OLD MILL LN NW", 9, 9),
    ],
)
def test_well_formed_addresses_are_read(text: str, street: str, low: int, high: int) -> None:
    parts = strict(text)
    assert parts is not None
    assert (parts.street(), parts.low, parts.high) == (street, low, high)


@pytest.mark.parametrize(
    "text", ["", "GOLDEN PARK", "BUILDING 345 HERRMAMM", "12 OAK", "OAK ST", "12 OAK ST near the bus"]
)
def test_what_needs_thought_is_not_well_formed(text: str) -> None:
    assert strict(text) is None


def test_a_crossing_needs_two_streets() -> None:
    assert strict_crossing("Intersection of 3RD ST and HARRISON ST") == ("3RD ST", "HARRISON ST")
    assert strict_crossing("Intersection of DELANCEY ST and ") is None
    assert strict_crossing("Intersection of OAK ST and OAK ST") is None


def test_of_several_places_the_middle_one_counts() -> None:
    text, lon, lat, torn = distinct(
        ["1 A ST", "1  a st ", "1 A ST", "2 A ST", ""], np.array([0, 0, 1, 5, 6.0]), np.zeros(5)
    )
    assert text == ["1 A ST", "2 A ST"]
    assert lon.tolist() == [0, 5] and lat.tolist() == [0, 0] and torn == 1


@pytest.mark.parametrize("kind", EDITS)
def test_an_edit_is_one_edit(kind: str) -> None:
    from rapidfuzz.distance import OSA

    rng = random.Random(1)  # noqa: S311 - a test that must come out the same again
    for word in ("MAPLE", "LITTLE CREEK", "25TH", "OAK"):
        for _ in range(50):
            changed = edit(word, kind, rng)
            assert changed and OSA.distance(word, changed) == 1
            assert changed.count(" ") == word.count(" ")


def test_planted_typos_are_seeded_and_keep_their_truth() -> None:
    text = [
        f"{n} {street}, TOWN, IA, 50001" for n in range(1, 60) for street in ("MAPLE ST", "E OAKTON AVE", "12TH CT")
    ]
    cases = cases_of(text, np.arange(len(text), dtype=float), np.zeros(len(text)))
    streets = Streets({"MAPLE ST": [(1, 99)], "MAPLE AVE": [(1, 99)], "E OAKTON AVE": [(1, 99)], "12TH CT": [(1, 99)]})
    one, again = (plant(cases, streets, 3, 20) for _ in range(2))
    assert one.text == again.text
    assert Counter(one.label.tolist()) == dict.fromkeys(KINDS, 20)
    for changed, lon, label, twin in zip(one.text, one.lon, one.label, one.twin, strict=True):
        original = text[int(lon)]
        assert changed != original
        assert changed.split()[0] == original.split()[0]
        if label == "missing suffix":
            assert bool(twin) == ("MAPLE" in original)
    assert all("TOWN" not in t for t in plant(cases, streets, 3, 5, tail=False).text)


def test_the_base_of_a_street_stays_where_it_is_all_there_is() -> None:
    assert [base_of(n) for n in ("W MAPLE ST", "N ST", "BROADMARCH", "OAK AVE NW", "AVENUE K")] == [
        "MAPLE", "ST", "BROADMARCH", "OAK", "AVENUE K",
    ]  # fmt: skip


def test_the_same_seed_gives_the_same_city(city: City) -> None:
    again = make_city(segments=2_000, homes=6_000, seed=5)
    assert again.segments.street.tolist() == city.segments.street.tolist()
    assert np.array_equal(again.homes.lon, city.homes.lon)
    assert make_city(segments=2_000, homes=6_000, seed=6).segments.street.tolist() != city.segments.street.tolist()


def test_the_city_has_the_size_that_was_asked_for(city: City) -> None:
    assert (len(city.segments), len(city.points), len(city.homes)) == (2_000, 6_000, 6_000)
    keys = set(zip(city.homes.segment, city.homes.side, city.homes.number, strict=True))
    assert len(keys) == len(city.homes)


def test_a_clean_addresss_truth_lies_beside_its_own_segment_on_its_side(city: City) -> None:
    """Read back from the centerline file alone: parity, range, side and distance."""
    segments, homes = city.segments, city.homes
    for i in range(0, len(homes), 7):
        s, number = homes.segment[i], int(homes.number[i])
        line = shapely.transform(segments.geometry[s], lambda p: np.stack(from_wgs84(p[:, 0], p[:, 1], CRS), axis=1))
        x, y = from_wgs84(homes.lon[i : i + 1], homes.lat[i : i + 1], CRS)
        at = shapely.Point(x[0], y[0])
        assert 3 < line.distance(at) < 40
        along = line.project(at)
        a, b = line.interpolate(max(along - 1, 0)), line.interpolate(along + 1)
        left = (b.x - a.x) * (at.y - a.y) - (b.y - a.y) * (at.x - a.x) > 0
        start, end = (segments.left_from, segments.left_to) if left else (segments.right_from, segments.right_to)
        low, high = sorted((int(start[s]), int(end[s])))
        assert low <= number <= high
        part = (number - start[s]) / max(end[s] - start[s], 1) if end[s] > start[s] else None
        if part is not None and high - low > 50:
            assert abs(line.project(at, normalized=True) - part) < 0.3
        code = (segments.left_zip if left else segments.right_zip)[s]
        assert city.points.zip[i] == code


def test_segments_meet_at_the_nodes_that_they_name(city: City) -> None:
    ends: dict[int, list[tuple[float, float]]] = {}
    segments = city.segments
    for line, start, end in zip(segments.geometry, segments.from_node, segments.to_node, strict=True):
        coordinates = shapely.get_coordinates(line)
        ends.setdefault(int(start), []).append(tuple(coordinates[0]))
        ends.setdefault(int(end), []).append(tuple(coordinates[-1]))
    assert all(np.ptp(np.array(places), axis=0).max() < 1e-9 for places in ends.values())


def test_the_city_has_every_awkward_thing(city: City) -> None:
    streets = set(city.segments.street.tolist())
    network = city.network
    assert any(s.startswith("SAINT ") or " SAINT " in s for s in streets)
    assert any("HIGHWAY" in s or "COUNTY ROAD" in s for s in streets)
    assert any(s.endswith((" NW", " SE")) for s in streets) and any(s.startswith("W ") for s in streets)
    assert city.segments.hyphenated.any() and not city.segments.hyphenated.all()
    assert (network.low[network.hyphen].max(axis=1) >= HYPHEN)[network.low[network.hyphen].max(axis=1) > 0].all()
    assert (network.step == 1).any() and ((network.low == 0).any(axis=1)).any()
    assert (city.segments.left_from > city.segments.left_to).any()
    assert (shapely.get_num_points(city.segments.geometry) > 2).any()
    assert (city.segments.alternates[0] != "").any()
    assert len({base_of(s) for s in streets}) < len(streets) * 0.9
    assert len(city.outside) > 0


def test_clean_requests_name_the_street_that_they_mean(city: City) -> None:
    asked = clean(city, 900, 1)
    assert len(set(asked.text)) == 900 and asked.well_formed.all()
    here = {(round(x, 9), round(y, 9)): i for i, (x, y) in enumerate(zip(city.homes.lon, city.homes.lat, strict=True))}
    for text, lon, lat in zip(asked.text, asked.lon, asked.lat, strict=True):
        i = here[round(lon, 9), round(lat, 9)]
        street = str(city.network.street[city.homes.segment[i]])
        assert text.upper().startswith(
            f"{city.network.house(city.homes.segment[i], int(city.homes.number[i]))} {street}"
        )
        assert text.endswith(str(city.points.zip[i]))


def test_crossings_lie_on_both_streets(city: City) -> None:
    asked = crossings(city, 60, 1)
    lines: dict[str, list[shapely.LineString]] = {}
    for street, line in zip(city.segments.street, city.segments.geometry, strict=True):
        lines.setdefault(street, []).append(line)
    for text, lon, lat in zip(asked.text, asked.lon, asked.lat, strict=True):
        named = [s for s in lines if f" {s} ".lower() in f" {text.replace('/', ' ').replace(',', ' ')} ".lower()]
        near = [s for s in named if min(shapely.distance(lines[s], shapely.Point(lon, lat))) < 1e-8]
        assert len(near) >= 2, text


def test_dirty_requests_are_distinct_and_of_every_kind(city: City) -> None:
    asked = dirty(city, 3_000, 2)
    assert len(set(asked.text)) == len(asked) > 2_500
    labels = set(asked.label.tolist())
    assert {*KINDS, "block", "unit", "no ZIP", "bare", "saint as st", "other name", "outside of ranges"} <= labels
    assert any(label.startswith("crossing") for label in labels)
    assert asked.text == dirty(city, 3_000, 2).text


def test_blocks_are_asked_for_by_their_hundred(city: City) -> None:
    for text in blocks(city, 50, 1).text:
        assert next(int(word) for word in text.split() if word.isdigit()) % 100 == 0


def test_the_plain_lookup_finds_the_made_up_city(city: City) -> None:
    asked = clean(city, 300, 3)
    lookup = Lookup(segments=city.segments)
    judged = measures.judge(lookup, asked.take(asked.kind == "address"))
    assert 0.6 < measures.share(judged.within(measures.BLOCK_OR_BETTER)) < 1
    good = np.isfinite(judged.error_m) & ~judged.confident_wrong()
    assert np.median(judged.error_m[good]) < 25
    fuzzy = measures.judge(Lookup(segments=city.segments, fuzzy=True), plant(asked, streets_of(city), 1, 20))
    assert measures.share(fuzzy.within(measures.BLOCK_OR_BETTER)) > 0.3


def test_tables_come_back_as_they_were(city: City, tmp_path: Path) -> None:
    tables.save(city.segments, tmp_path / "s.parquet")
    tables.save(city.points, tmp_path / "p.parquet")
    segments, points = tables.load(Segments, tmp_path / "s.parquet"), tables.load(Points, tmp_path / "p.parquet")
    assert segments.street.tolist() == city.segments.street.tolist()
    assert shapely.equals(segments.geometry, city.segments.geometry).all()
    assert segments.alternates[0].tolist() == city.segments.alternates[0].tolist()
    assert segments.hyphenated.dtype == np.bool_ and segments.left_from.dtype == np.int64
    assert points.zip.tolist() == city.points.zip.tolist() and np.array_equal(points.lon, city.points.lon)


def test_typings_stop_after_number_and_four_letters(city: City) -> None:
    wanted = typings(city, 200, 1)
    assert {w.kind for w in wanted} == {"address", "intersection", "place"}
    for one in wanted:
        if one.kind == "address" and not one.slip:
            typed = one.text[: one.enough].split(" ", 1)[1]
            assert 4 <= len(typed) <= 7 or one.enough == len(one.text)
    assert [w.text for w in wanted] == [w.text for w in typings(city, 200, 1)]


def test_a_suggestion_counts_where_it_lies_on_the_wanted_place(city: City) -> None:
    class At:
        def __init__(self, lon: float, lat: float) -> None:
            self.lon, self.lat = lon, lat

    one = typings(city, 20, 1)[0]
    assert rank([At(0, 0), At(one.lon, one.lat)], one) == 2
    assert rank([At(0, 0)], one) == 0


@pytest.mark.parametrize(
    ("n", "text"), [(1, "1ST"), (2, "2ND"), (3, "3RD"), (11, "11TH"), (112, "112TH"), (121, "121ST")]
)
def test_ordinals(n: int, text: str) -> None:
    assert ordinal(n) == text


def test_san_franciscos_cases_are_those_of_both_samples(shared_data: Path) -> None:
    segments = san_francisco.segments(shared_data)
    cases, said = san_francisco.cases(shared_data, segments)
    figures = by_name(said)
    assert figures["requests with an address"].value == 14_984
    assert len(cases) == 10_830 and int(cases.well_formed.sum()) == 10_583
    assert figures["left out: no place or 0,0"].value == 24
    assert 0 < cases.doubtful.sum() < 150
    wrong = {text.strip().split(",")[0] for text, odd in zip(cases.text, cases.doubtful, strict=True) if odd}
    assert "780 MISSION ST" in wrong  # put down where nine addresses of that street are, six kilometres away
    assert "1671 25TH AVE" not in wrong
    assert isinstance(cases, Cases)


def test_a_big_citys_five_digit_numbers_are_not_taken_for_hyphenated_ones() -> None:
    """A street of a hundred blocks has numbers beyond 9999."""
    big = make_city(segments=100_000, homes=100, seed=11)
    long = (big.network.low.max(axis=1) >= HYPHEN) & ~big.network.hyphen
    assert long.any()
    assert not big.segments.hyphenated[long].any()
    at = int(np.flatnonzero(long)[0])
    assert "-" not in big.network.house(at, int(big.network.low[at].max()))
