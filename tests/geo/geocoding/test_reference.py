"""Files of streets, addresses and places as tables: numbers, ZIPs, geometry, and what must be left out."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import LayerError
from geo.geocoding.model import Points, Segments
from geo.geocoding.reference import (
    PlaceColumns,
    PointColumns,
    SegmentColumns,
    join_segments,
    places_of_frame,
    points_and_dropped,
    points_of,
    read_table,
    segments_of,
    zip_of,
)

ADDRESS = PointColumns(address="address", lat="lat", lon="lon")
PARTS = PointColumns(number="number", street="street", lat="lat", lon="lon")


def _addresses(*texts: str) -> pd.DataFrame:
    return pd.DataFrame({"address": texts, "lat": 42.0 + np.arange(len(texts)) / 1000, "lon": -71.0}, dtype=object)


def _read(text: str) -> tuple[str, int, int, str]:
    points = points_of(_addresses(text), ADDRESS)
    return points.street[0], int(points.number[0]), int(points.number_high[0]), points.number_suffix[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12 Main St", ("Main St", 12, 12, "")),
        ("  12   Main   St ", ("Main St", 12, 12, "")),
        ("686-692 Washington St", ("Washington St", 686, 692, "")),
        ("221 -225 Neponset Ave", ("Neponset Ave", 221, 225, "")),
        ("115-111 Park St", ("Park St", 111, 115, "")),
        ("1220-30 Adams St", ("Adams St", 1220, 1230, "")),
        ("501-501 Boylston St", ("Boylston St", 501, 501, "")),
        ("1125A Main St", ("Main St", 1125, 1125, "A")),
        ("7-7A Harvard St", ("Harvard St", 7, 7, "")),
        ("11 HF-13 Thacher St", ("Thacher St", 11, 13, "1/2")),
        ("110hf Old Harbor St", ("Old Harbor St", 110, 110, "1/2")),
        ("9 1/2 Elm St", ("Elm St", 9, 9, "1/2")),
        ("9½ Elm St", ("Elm St", 9, 9, "1/2")),
        ("190 A-192  Sydney St", ("Sydney St", 190, 192, "A")),
        ("36 A St", ("A St", 36, 36, "")),
        ("160H H St", ("H St", 160, 160, "H")),
        ("20 E Brookline St", ("E Brookline St", 20, 20, "")),
        ("12 1st Ave", ("1st Ave", 12, 12, "")),
        ("99-1001 Dorchester Ave", ("Dorchester Ave", 99, 99, "")),
        ("12 Main St, Boston, MA 02111", ("Main St", 12, 12, "")),
        ("12 Calle Ñandú", ("Calle Ñandú", 12, 12, "")),
    ],
)
def test_an_address_is_split_into_number_and_street(text: str, expected: tuple[str, int, int, str]) -> None:
    assert _read(text) == expected


def test_number_and_street_may_be_columns_and_the_street_may_be_in_parts() -> None:
    frame = pd.DataFrame(
        {
            "n": [12.0, 13.0, np.nan],
            "half": ["1/2", None, None],
            "pre": ["N", None, "S"],
            "name": ["Oak", "Elm", "Elm"],
            "type": ["St", "Ave", None],
            "zip": ["2111.0", "02111-1234", "x"],
            "lat": [42.0, 42.1, 42.2],
            "lon": [-71.0, -71.1, -71.2],
        }
    )
    columns = PointColumns(
        number="n", number_suffix="half", street=("pre", "name", "type"), zip="zip", lat="lat", lon="lon"
    )
    points, dropped = points_and_dropped(frame, columns)
    assert points.street.tolist() == ["N Oak St", "Elm Ave"]
    assert points.number.tolist() == [12, 13]
    assert points.number_suffix.tolist() == ["1/2", ""]
    assert points.zip.tolist() == ["02111", "02111"]
    assert (dropped.no_number, dropped.total) == (1, 1)


def test_a_street_whose_numbers_are_hyphenated_has_no_ranges() -> None:
    queens = [f"{a}-{b:02d} 120th St" for a in (41, 43, 45, 120) for b in (5, 19, 31)]
    boston = ["686-692 Washington St", "115-111 Washington St", "700 Washington St"]
    points = points_of(_addresses(*queens, *boston), ADDRESS)
    assert points.hyphenated.tolist() == [True] * 12 + [False] * 3
    assert points.number[0] == 410_005
    assert points.number[11] == points.number_high[11] == 1_200_031
    assert points.number[12:].tolist() == [686, 111, 700]


def test_one_number_written_downwards_does_not_make_a_street_hyphenated() -> None:
    points = points_of(_addresses("80-78 Short Ct", "2-4 Long St", "6-10 Long St", "12-14 Long St"), ADDRESS)
    assert not points.hyphenated.any()
    assert (points.number[0], points.number_high[0]) == (78, 80)


def test_a_default_point_shared_by_many_streets_is_left_out_and_counted() -> None:
    streets = [f"{10 + k} Street{k} Ave" for k in range(12)]
    frame = pd.concat([_addresses(*streets), _addresses("1 Real St", "2 Real St")], ignore_index=True)
    frame.loc[:11, ["lat", "lon"]] = [42.3594, -71.0587]
    points, dropped = points_and_dropped(frame, ADDRESS)
    assert points.street.tolist() == ["Real St", "Real St"]
    assert dropped.shared_point == 12


def test_many_addresses_of_one_street_may_share_a_point() -> None:
    frame = _addresses(*[f"{n} Tower Pl" for n in range(1, 31)])
    frame["lat"] = 42.0
    assert len(points_of(frame, ADDRESS)) == 30


def test_entries_without_location_number_or_street_are_left_out_and_counted() -> None:
    frame = _addresses("1 Elm St", "2 Elm St", "3 Elm St", "Elm St", "4 Elm St")
    frame["lat"] = ["0", "north", "2954321.5", "42.1", "42.2"]
    frame["lon"] = ["0", "-71", "-71", "-71", "-71"]
    points, dropped = points_and_dropped(frame, ADDRESS)
    assert points.number.tolist() == [4]
    assert (dropped.no_location, dropped.no_number, dropped.no_street) == (3, 1, 0)


def test_a_file_without_usable_entries_is_refused_with_counts() -> None:
    with pytest.raises(LayerError, match=r"no usable address points \(without location: 0, number: 1"):
        points_of(_addresses("Elm St"), ADDRESS)


def test_geometry_of_another_crs_is_reprojected_and_shapes_give_a_point_inside() -> None:
    lot = gpd.GeoSeries([shapely.box(-71.001, 42.0, -71.0, 42.001)], crs=4326).to_crs(26986)
    frame = gpd.GeoDataFrame({"number": ["5"], "street": ["Elm St"]}, geometry=lot)
    points = points_of(frame, PointColumns(number="number", street="street"))
    assert points.lon[0] == pytest.approx(-71.0005, abs=2e-4)
    assert points.lat[0] == pytest.approx(42.0005, abs=2e-4)


def test_what_is_missing_is_said() -> None:
    with pytest.raises(LayerError, match="column 'adress' is missing; the file has address, lat, lon"):
        points_of(_addresses("1 Elm St"), PointColumns(address="adress", lat="lat", lon="lon"))
    with pytest.raises(LayerError, match="has no geometry"):
        points_of(_addresses("1 Elm St"), PointColumns(address="address"))
    with pytest.raises(LayerError, match="'address', or both 'number' and 'street'"):
        points_of(_addresses("1 Elm St"), PointColumns(lat="lat", lon="lon"))
    bare = gpd.GeoDataFrame({"name": ["A"]}, geometry=[shapely.LineString([(0, 0), (1, 1)])])
    with pytest.raises(LayerError, match="no coordinate reference system"):
        segments_of(bare, SegmentColumns(name="name"))
    with pytest.raises(LayerError, match="column 'old' is missing"):
        segments_of(bare, SegmentColumns(name="name", alternates=("old",)))


RANGES = SegmentColumns(name="name", left_from="lf", left_to="lt", right_from="rf", right_to="rt")


def _streets(*geometries: object, **columns: list[object]) -> gpd.GeoDataFrame:
    base = {
        "name": ["Elm St"] * len(geometries),
        **{c: [0.0] * len(geometries) for c in ("lf", "lt", "rf", "rt")},
        **columns,
    }
    return gpd.GeoDataFrame(base, geometry=list(geometries), crs=4326)


def test_segments_keep_ranges_names_zips_and_nodes() -> None:
    line = shapely.LineString([(-71, 42, 3), (-71.001, 42, 3)])
    frame = _streets(
        line, line,
        lf=[101, None], lt=[199.0, None], rf=["100", "120-02"], rt=["198", "120-98"],
        pre=["N", None], old=["Old Rd", None], zip=[2111.0, 0], f=[7, 8], t=[8, 0], area=["Hill", " "],
    )  # fmt: skip
    columns = SegmentColumns(
        name=("pre", "name"), alternates=("old",), left_from="lf", left_to="lt", right_from="rf", right_to="rt",
        left_zip="zip", left_place="area", from_node="f", to_node="t",
    )  # fmt: skip
    segments = segments_of(frame, columns)
    assert segments.street.tolist() == ["N Elm St", "Elm St"]
    assert segments.alternates[0].tolist() == ["Old Rd", ""]
    assert list(zip(segments.left_from, segments.left_to, strict=True)) == [(101, 199), (0, 0)]
    assert segments.right_from.tolist() == [100, 1_200_002]
    assert segments.right_to.tolist() == [198, 1_200_098]
    assert segments.hyphenated.tolist() == [False, True]
    assert segments.left_zip.tolist() == segments.right_zip.tolist() == ["02111", ""]
    assert segments.left_place.tolist() == ["Hill", ""]
    assert (segments.from_node.tolist(), segments.to_node.tolist()) == ([7, 8], [8, -1])
    assert not shapely.has_z(segments.geometry).any()


def test_parts_that_continue_each_other_are_one_segment_and_others_share_the_range() -> None:
    joined = shapely.MultiLineString([[(0, 0), (1, 0)], [(1, 0), (2, 0)]])
    gap = shapely.MultiLineString([[(0, 0), (1, 0)], [(3, 0), (4, 0)]])
    frame = _streets(
        joined, gap, lf=[1, 1], lt=[99, 99], rf=[98, 98], rt=[2, 2], f=[1, 5], t=[2, 6], name=["Elm St", "Oak St"]
    )
    columns = SegmentColumns(
        name="name", left_from="lf", left_to="lt", right_from="rf", right_to="rt", from_node="f", to_node="t"
    )
    s = segments_of(frame, columns)
    assert s.street.tolist() == ["Elm St", "Oak St", "Oak St"]
    assert list(zip(s.left_from, s.left_to, strict=True)) == [(1, 99), (1, 47), (49, 99)]
    assert list(zip(s.right_from, s.right_to, strict=True)) == [(98, 2), (98, 52), (50, 2)]
    assert (s.from_node.tolist(), s.to_node.tolist()) == ([1, 5, -1], [2, -1, 6])


def test_empty_geometry_and_what_is_no_line_is_left_out() -> None:
    line = shapely.LineString([(0, 0), (1, 0)])
    frame = _streets(shapely.LineString(), None, shapely.Point(0, 0), line, name=["a", "b", "c", "d"])
    assert segments_of(frame, RANGES).street.tolist() == ["d"]
    with pytest.raises(LayerError, match="no lines"):
        segments_of(_streets(shapely.Point(0, 0)), RANGES)


def test_node_numbers_of_one_file_do_not_meet_anothers() -> None:
    line = shapely.LineString([(0, 0), (1, 0)])
    columns = SegmentColumns(name="name", from_node="f", to_node="t")
    one = segments_of(_streets(line, f=[1], t=[2]), columns)
    both = join_segments([one, segments_of(_streets(line, f=["1"], t=["B"]), columns)])
    assert both.from_node.tolist() == [1, -1]
    assert len(both) == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2111.0", "02111"), ("02111-1234", "02111"), ("021111234", "02111"), ("0", ""), ("", ""), ("K1A 0B1", "")],
)
def test_zips_have_five_digits(text: str, expected: str) -> None:
    assert zip_of(text) == expected


@given(st.text(max_size=40))
def test_any_text_is_a_zip_of_five_digits_or_none(text: str) -> None:
    assert zip_of(text) == "" or (len(zip_of(text)) == 5 and zip_of(text).isascii() and zip_of(text).isdigit())


@given(st.lists(st.text(max_size=30), min_size=1, max_size=12))
def test_any_texts_as_addresses_are_read_or_counted(texts: list[str]) -> None:
    frame = _addresses("1 Elm St", *texts)
    points, dropped = points_and_dropped(frame, ADDRESS)
    assert len(points) + dropped.total == len(frame)
    assert (points.number >= 0).all()
    assert (points.number_high >= points.number).all()
    assert all(points.street)


@given(st.integers(1, 99_999), st.integers(0, 99), st.sampled_from(["Elm St", "1st Ave", "O'Farrell Pl"]))
def test_a_range_holds_its_ends(low: int, wide: int, street: str) -> None:
    assert _read(f"{low}-{low + wide} {street}") == (street, low, low + wide, "")


def test_places_from_points_and_shapes() -> None:
    park = gpd.GeoSeries([shapely.box(0, 0, 0.01, 0.01), shapely.Point(1, 1)], crs=4326)
    places = places_of_frame(
        gpd.GeoDataFrame({"name": ["Park", "Station"]}, geometry=park, crs=4326), PlaceColumns("name")
    )
    assert places.name.tolist() == ["Park", "Station"]
    assert places.radius_m[0] == pytest.approx(787, rel=0.02)
    assert places.radius_m[1] == 50
    table = pd.DataFrame({"name": ["A", None], "y": ["1", "1"], "x": ["2", "2"], "r": ["80", ""]})
    places = places_of_frame(table, PlaceColumns("name", lat="y", lon="x", radius_m="r"))
    assert (len(places), places.radius_m[0]) == (1, 80)


def test_tables_are_read_as_text_and_bad_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "points.csv.gz"
    pd.DataFrame({"zip": ["02111"], "street": ["NA St"]}).to_csv(path, index=False)
    assert read_table(path).to_numpy().tolist() == [["02111", "NA St"]]
    frame = _streets(shapely.LineString([(0, 0), (1, 0)]))
    frame.to_parquet(tmp_path / "streets.parquet")
    assert isinstance(read_table(tmp_path / "streets.parquet"), gpd.GeoDataFrame)
    (tmp_path / "bad.parquet").write_bytes(b"no")
    with pytest.raises(LayerError, match=r"bad\.parquet: cannot be read as a table"):
        read_table(tmp_path / "bad.parquet")
    (tmp_path / "empty.csv").write_text("a,b\n")
    with pytest.raises(LayerError, match="holds no rows"):
        read_table(tmp_path / "empty.csv")


@pytest.fixture(scope="module")
def boston(shared_data: Path) -> Points:
    """Boston's address points."""
    frame = read_table(shared_data / "boston/address_points.csv.gz")
    return points_of(
        frame, PointColumns(address="LOCATION_STREET_NAME", zip="LOCATION_ZIPCODE", lat="LATITUDE", lon="LONGITUDE")
    )


def test_every_one_of_bostons_addresses_is_read(boston: Points) -> None:
    assert len(boston) == 36_760
    assert not boston.hyphenated.any()
    assert (boston.number_high > boston.number).sum() > 4_500
    assert sum(len(zip_) == 5 for zip_ in boston.zip) == 36_755


@pytest.fixture(scope="module")
def san_francisco(shared_data: Path) -> Segments:
    """San Francisco's centerlines."""
    columns = SegmentColumns("STREETNAME", left_from="LF_FADD", left_to="LF_TOADD", left_zip="ZIP_CODE")
    return segments_of(read_table(shared_data / "san_francisco/street_centerlines.gpkg"), columns)


def test_every_one_of_san_franciscos_segments_is_read(san_francisco: Segments) -> None:
    assert len(san_francisco) == 15_602
    assert not san_francisco.hyphenated.any()
    assert (san_francisco.left_zip != "").all()
