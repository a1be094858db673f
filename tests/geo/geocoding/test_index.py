"""What is built once: streets that hang together, sorted numbers and ranges, places by name."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.geocoding.index import NUMBER_BITS, Index, build_index, codes_of, folded, zip_code
from geo.geocoding.model import Reference
from geo.geocoding.parsers import parser_of
from tests.geo.geocoding.by_hand import Home, Line, city, street
from tests.geo.geocoding.small_city import areas, reference


def _index(made: Reference) -> Index:
    return build_index(made, parser_of("us"))


def test_a_name_that_stands_in_two_places_is_two_streets() -> None:
    index = _index(city([*street("HIGH ST", [(0, 0), (200, 0), (400, 0)]), Line("HIGH ST", (9000, 0), (9200, 0))]))
    assert len(index.streets.names) == 1
    assert len(index.instances) == 2
    assert sorted(index.segment_instance.tolist()) == [0, 0, 1]
    assert index.instances.reach_m.tolist() == pytest.approx([200, 100], abs=0.1)
    assert index.instances.name_reach_m.tolist() == pytest.approx([4600], abs=0.1)


def test_a_street_with_a_gap_of_a_block_is_one_street() -> None:
    index = _index(city([Line("HIGH ST", (0, 0), (200, 0)), Line("HIGH ST", (420, 0), (600, 0))]))
    assert len(index.instances) == 1


def test_a_long_line_hangs_together_and_points_join_their_lines() -> None:
    index = _index(city([Line("HIGH ST", (0, 0), (5000, 3000))], [Home("High Street", 12, 2500, 1510)]))
    assert len(index.instances) == 1
    assert index.numbers.instance.tolist() == [0]


@settings(deadline=None, max_examples=25)
@given(st.permutations(range(9)))
def test_instances_do_not_depend_on_the_order_of_the_file(order: list[int]) -> None:
    lines = [
        *street("A ST", [(200.0 * k, 0.0) for k in range(7)]),
        *street("A ST", [(0, 5000), (0, 5200), (0, 5400), (0, 5600)]),
    ]
    index = _index(city([lines[i] for i in order]))
    groups = {
        tuple(sorted(order[s] for s in np.flatnonzero(index.segment_instance == i)))
        for i in range(len(index.instances))
    }
    assert groups == {(0, 1, 2, 3, 4, 5), (6, 7, 8)}


def test_sides_without_numbers_have_no_ranges_and_mixed_ones_hold_both_parities() -> None:
    lines = [
        Line("ONE ST", (0, 0), (200, 0), (0, 0), (2, 98)),
        Line("MIX ST", (0, 500), (200, 500), (1, 100), (0, 0)),
        Line("NONE ST", (0, 900), (200, 900), (0, 0), (0, 0)),
    ]
    ranges = _index(city(lines)).ranges
    found = sorted(zip(ranges.segment.tolist(), ranges.side.tolist(), ranges.parity.tolist(), strict=True))
    assert found == [(0, -1, 0), (1, 1, 0), (1, 1, 1)]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60)), min_size=1, max_size=10), st.integers(1, 60))
def test_ranges_are_sorted_and_look_back_reaches_every_one_that_holds_a_number(
    sides: list[tuple[int, int]], number: int
) -> None:
    lines = [Line("LAP ST", (0, 0), (200, 0), (2 * a, 2 * b), (0, 0)) for a, b in sides]
    ranges = _index(city(lines)).ranges
    assert (np.diff(ranges.key) >= 0).all()
    asked = 2 * number
    holding = np.flatnonzero((ranges.low <= asked) & (ranges.high >= asked))
    at = int(np.searchsorted(ranges.key, (0 << NUMBER_BITS) | asked, side="right")) - 1
    if at >= 0 and len(holding):
        assert holding.min() >= at - ranges.back[at] or ranges.high[at] < asked


def test_a_range_of_one_point_holds_its_numbers_and_tells_its_ends() -> None:
    numbers = _index(city(homes=[Home("A ST", 12, 0, 0, high=18)])).numbers
    assert numbers.number.tolist() == [12, 14, 16, 18]
    assert numbers.exact.tolist() == [True, False, False, True]
    assert set(numbers.high.tolist()) == {18}


def test_of_a_very_long_range_only_the_ends_are_kept() -> None:
    assert _index(city(homes=[Home("A ST", 2, 0, 0, high=998)])).numbers.number.tolist() == [2, 998]


def test_numbers_too_large_for_the_keys_are_left_out() -> None:
    huge = 1 << NUMBER_BITS
    index = _index(
        city(
            [Line("A ST", (0, 0), (200, 0), (1, huge + 1), (2, 98)), Line("B ST", (0, 500), (200, 500))],
            [Home("A ST", huge + 12, 5, 5), Home("B ST", 12, 5, 500)],
        )
    )
    assert index.numbers.number.tolist() == [12]
    assert index.ranges.high.max() == 99
    assert set((index.ranges.key >> NUMBER_BITS).tolist()) == set(
        (index.ranges.instance * 2 + index.ranges.parity).tolist()
    )


def test_points_of_one_address_that_lie_together_are_one() -> None:
    homes = [Home("A ST", 12, 10.0 + k, 20.0, letter="") for k in range(5)] + [Home("A ST", 12, 900, 20)]
    numbers = _index(city(homes=homes)).numbers
    assert len(numbers) == 2
    assert len(_index(city(homes=[Home("A ST", 12, 0, 0, letter=c) for c in "AB"])).numbers) == 2


def test_numbers_are_sorted_by_parity_as_well() -> None:
    homes = [Home("A ST", n, float(n), 0) for n in (9, 2, 7, 4, 1)]
    numbers = _index(city(homes=homes)).numbers
    assert numbers.number[numbers.by_parity].tolist() == [2, 4, 1, 7, 9]
    assert (np.diff(numbers.parity_key) > 0).all()


def test_a_place_on_a_line_is_inset_offset_and_within_its_segment() -> None:
    lines = _index(city([Line("A ST", (0, 0), (200, 0)), Line("B ST", (0, 500), (0, 700))])).lines
    segment, share, side = np.array([0, 0, 1, 1]), np.array([0.0, 1.0, 0.5, 7.0]), np.array([12.0, -12.0, 12.0, 0.0])
    x, y = lines.at(segment, share, 9.0, side)
    left, bottom = x - lines.x_m[lines.first[0]], y - lines.y_m[lines.first[0]]
    np.testing.assert_allclose(left, [9, 191, -12, 0], atol=0.01)
    np.testing.assert_allclose(bottom, [12, -12, 600, 691], atol=0.01)


def test_areas_and_places_are_named_and_numbers_are_not() -> None:
    named = build_index(reference(), parser_of("us"), areas()).named
    assert {named.texts[i] for i in named.names["WESTWOOD"]} == {"Westwood"}
    (east,) = named.names["EASTWOOD"]
    assert named.area[east]
    assert named.reach_m[east] >= 250
    (park,) = named.names["GOLDEN BEAR PARK"]
    assert not named.area[park]
    numbered = _index(
        city([Line("A ST", (0, 0), (9, 0))], named=[("12", 0, 0, 5), ("!!", 0, 0, 5), ("Oak Park", 1, 1, 5)])
    )
    assert set(numbered.named.names) == {"OAK PARK"}


def test_an_empty_reference_is_an_empty_index() -> None:
    index = _index(city())
    assert (len(index.instances), len(index.numbers), len(index.ranges.key), len(index.crossings.key)) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("text", "code"), [("02118", 2118), ("02118-1234", 2118), ("2118", 0), ("", 0), (None, 0), ("ABCDE", 0)]
)
def test_zip_codes(text: object, code: int) -> None:
    assert zip_code(text) == code


def test_texts_are_numbered_as_they_are_compared() -> None:
    table = {"": 0}
    found = codes_of(np.array(["South End", "SOUTH-END", "", None, "Fenway"], dtype=object), table)
    assert found.tolist() == [1, 1, 0, 0, 2]
    assert folded(" o'farrell  st. ") == "O FARRELL ST"
