"""Where streets meet: nodes, touching ends, bridges, networks that are not split, node numbers, alternates."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo.crs import to_wgs84
from geo.geocoding.model import Intersections, Segments
from geo.geocoding.reference import SegmentColumns, read_table, segments_of
from geo.geocoding.topology import intersections_of

CRS = "EPSG:26986"
ORIGIN = np.array([236_000.0, 900_000.0])

Line = tuple[str, list[tuple[float, float]]]


def _network(*lines: Line, nodes: list[tuple[int, int]] | None = None, alternates: list[str] | None = None) -> Segments:
    def degrees(xy: np.ndarray) -> np.ndarray:
        return np.column_stack(to_wgs84(xy[:, 0] + ORIGIN[0], xy[:, 1] + ORIGIN[1], CRS))

    n = len(lines)
    geometry = np.empty(n, dtype=object)
    geometry[:] = [shapely.transform(shapely.LineString(points), degrees) for _, points in lines]
    blank, zero = np.full(n, "", dtype=object), np.zeros(n, dtype=np.int64)
    ends = np.array(nodes or [(-1, -1)] * n, dtype=np.int64).reshape(n, 2)
    return Segments(
        np.array([name for name, _ in lines], dtype=object), geometry, zero, zero, zero, zero,
        np.zeros(n, dtype=bool), blank, blank, blank, blank, ends[:, 0], ends[:, 1],
        (np.array(alternates, dtype=object),) if alternates else (),
    )  # fmt: skip


def _pairs(crossings: Intersections) -> list[tuple[str, str, int]]:
    return list(zip(crossings.street.tolist(), crossings.cross.tolist(), crossings.legs.tolist(), strict=True))


GRID: tuple[Line, ...] = (
    ("B ST", [(-100, 0), (0, 0)]),
    ("B ST", [(0, 0), (100, 0)]),
    ("A ST", [(0, -100), (0, 0)]),
    ("A ST", [(0, 0), (0, 100)]),
)


def test_two_streets_meet_once_where_their_ends_do() -> None:
    found = intersections_of(_network(*GRID), CRS)
    assert _pairs(found) == [("A ST", "B ST", 4)]
    lon, lat = to_wgs84(ORIGIN[:1], ORIGIN[1:], CRS)
    assert (found.lon[0], found.lat[0]) == (pytest.approx(lon[0], abs=1e-8), pytest.approx(lat[0], abs=1e-8))


def test_ends_within_a_metre_are_one_node_and_farther_ones_are_not() -> None:
    near = _network(("A ST", [(0, 0), (100, 0)]), ("B ST", [(100.6, 0.5), (100.6, 90)]))
    far = _network(("A ST", [(0, 0), (100, 0)]), ("B ST", [(103, 0), (103, 90)]))
    assert _pairs(intersections_of(near, CRS)) == [("A ST", "B ST", 2)]
    assert len(intersections_of(far, CRS)) == 0


def test_an_end_that_touches_the_inside_of_a_segment_meets_it() -> None:
    found = intersections_of(_network(("A ST", [(0, 0), (200, 0)]), ("B ST", [(90, 1.5), (90, 80)])), CRS)
    assert _pairs(found) == [("A ST", "B ST", 3)]


def test_three_streets_at_a_node_make_three_pairs() -> None:
    found = intersections_of(
        _network(("A", [(0, 0), (9, 0)]), ("B", [(0, 0), (0, 9)]), ("C", [(0, 0), (-9, -9)]), ("", [(0, 0), (9, 9)])),
        CRS,
    )
    assert _pairs(found) == [("A", "B", 4), ("A", "C", 4), ("B", "C", 4)]


def test_the_same_name_spelt_otherwise_is_no_crossing() -> None:
    assert len(intersections_of(_network(("A ST", [(0, 0), (9, 0)]), ("A  street", [(9, 0), (99, 0)])), CRS)) == 0


def test_offset_and_divided_crossings_keep_all_their_nodes() -> None:
    divided = _network(
        ("AVE", [(0, -50), (0, 0)]), ("AVE", [(0, 0), (0, 50)]), ("AVE", [(12, -50), (12, 0)]),
        ("AVE", [(12, 0), (12, 50)]), ("ST", [(-60, 0), (0, 0)]), ("ST", [(0, 0), (12, 0)]), ("ST", [(12, 0), (80, 0)]),
    )  # fmt: skip
    assert _pairs(intersections_of(divided, CRS)) == [("AVE", "ST", 4), ("AVE", "ST", 4)]


def test_a_bridge_crosses_without_meeting() -> None:
    found = intersections_of(_network(*GRID, ("C ST", [(100, 0), (100, 90)]), ("BRIDGE", [(-50, -50), (-50, 50)])), CRS)
    assert ("A ST", "B ST", 4) in _pairs(found)
    assert not any("BRIDGE" in pair for pair in _pairs(found))


def test_a_network_that_is_not_split_meets_where_it_crosses() -> None:
    streets = [(f"{k} ST", [(0.0, 100.0 * k), (500.0, 100.0 * k)]) for k in range(1, 4)]
    avenues = [(f"{k} AVE", [(100.0 * k, 0.0), (100.0 * k, 500.0)]) for k in range(1, 4)]
    found = intersections_of(_network(*streets, *avenues), CRS)
    assert len(found) == 9
    assert {frozenset(p[:2]) for p in _pairs(found)} == {
        frozenset((f"{a} AVE", f"{s} ST")) for a in (1, 2, 3) for s in (1, 2, 3)
    }
    assert set(found.legs) == {4}


def test_a_network_of_whole_streets_meets_at_its_few_crossings_too() -> None:
    side = [(f"{k} CT", [(100.0 * k, 0.0), (100.0 * k, 80.0)]) for k in range(1, 9)]
    found = intersections_of(
        _network(("MAIN ST", [(0, 0), (900, 0)]), *side, ("CROSS RD", [(450, -90), (450, 90)])), CRS
    )
    assert ("CROSS RD", "MAIN ST", 4) in _pairs(found)
    assert len(found) == 9


def test_a_bridge_in_a_split_network_of_side_streets_does_not_meet() -> None:
    main = [("MAIN ST", [(100.0 * k, 0.0), (100.0 * k + 100, 0.0)]) for k in range(9)]
    side = [(f"{k} CT", [(100.0 * k, 0.0), (100.0 * k, 80.0)]) for k in range(1, 9)]
    found = intersections_of(_network(*main, *side, ("BRIDGE", [(450, -90), (450, 90)])), CRS)
    assert len(found) == 8


def test_names_in_other_letters_meet_as_they_are() -> None:
    found = intersections_of(_network(("улица Мира", [(0, 0), (9, 0)]), ("Невский проспект", [(0, 0), (0, 9)])), CRS)
    assert {found.street[0], found.cross[0]} == {"улица Мира", "Невский проспект"}


def test_node_numbers_join_what_lies_a_little_apart_but_not_what_lies_far_apart() -> None:
    lines: tuple[Line, ...] = (
        ("A", [(0, 0), (100, 0)]), ("B", [(106, 0), (106, 90)]), ("C", [(106, 90), (9000, 90)]), ("D", [(0, 0), (0, -90)]),
    )  # fmt: skip
    found = intersections_of(_network(*lines, nodes=[(1, 2), (2, 3), (3, 4), (1, 4)]), CRS)
    assert [pair[:2] for pair in _pairs(found)] == [("A", "B"), ("A", "D"), ("B", "C")]


def test_good_node_numbers_tell_a_road_over_another() -> None:
    rows = [(("A ST", [(100.0 * k, 0.0), (100.0 * k + 100, 0.0)]), (k, k + 1)) for k in range(40)]
    rows += [(("B ST", [(500.0, -50.0), (500.0, 0.0)]), (90, 91)), (("B ST", [(500.0, 0.0), (500.0, 50.0)]), (91, 92))]
    rows += [(("C ST", [(700.0, 0.0), (700.0, 50.0)]), (7, 94))]
    lines, nodes = [line for line, _ in rows], [pair for _, pair in rows]
    network = _network(*lines, nodes=nodes)
    assert _pairs(intersections_of(network, CRS)) == [("A ST", "C ST", 3)]
    bare = dataclasses.replace(network, from_node=np.full(len(network), -1), to_node=np.full(len(network), -1))
    assert len(intersections_of(bare, CRS)) == 2


def test_alternate_names_meet_what_the_street_meets_but_not_the_street() -> None:
    network = _network(
        ("A ST", [(0, 0), (9, 0)]), ("A ST", [(9, 0), (99, 0)]), ("B ST", [(9, 0), (9, 50)]),
        alternates=["HWY 9", "HWY 9", ""],
    )  # fmt: skip
    assert _pairs(intersections_of(network, CRS)) == [("A ST", "B ST", 3), ("B ST", "HWY 9", 3)]


def test_no_streets_no_crossings() -> None:
    assert len(intersections_of(_network(), CRS)) == 0
    assert len(intersections_of(_network(("A", [(0, 0), (9, 0)])), CRS)) == 0


@given(st.permutations(range(len(GRID) + 2)), st.lists(st.booleans(), min_size=6, max_size=6))
def test_neither_order_nor_direction_changes_what_meets(order: list[int], turned: list[bool]) -> None:
    lines = [*GRID, ("C ST", [(100, 0), (180, 70)]), ("D ST", [(50, 1), (50, -80)])]
    moved = [(lines[k][0], lines[k][1][::-1] if turned[k] else lines[k][1]) for k in order]
    assert _pairs(intersections_of(_network(*moved), CRS)) == [
        ("A ST", "B ST", 4), ("B ST", "C ST", 2), ("B ST", "D ST", 3),
    ]  # fmt: skip


def test_san_franciscos_crossings_with_and_without_its_node_numbers(shared_data: Path) -> None:
    columns = SegmentColumns("STREETNAME", from_node="F_NODE_CNN", to_node="T_NODE_CNN")
    segments = segments_of(read_table(shared_data / "san_francisco/street_centerlines.gpkg"), columns)
    found = intersections_of(segments, "EPSG:26910")
    pairs = set(zip(found.street, found.cross, strict=True))
    assert ("16TH ST", "GUERRERO ST") in pairs
    assert len(pairs) > 8_600
    bare = dataclasses.replace(segments, from_node=np.full(len(segments), -1), to_node=np.full(len(segments), -1))
    again = intersections_of(bare, "EPSG:26910")
    assert len(pairs ^ set(zip(again.street, again.cross, strict=True))) < 5
