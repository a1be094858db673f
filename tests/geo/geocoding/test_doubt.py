"""Default points found among real hot spots, mistaken coordinates mended, contradicted addresses told."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.crs import Floats, from_wgs84, to_wgs84
from geo.errors import CrsError
from geo.geocoding.doubt import DefaultPoint, PointTally, contradicts, default_points, mend
from geo.geocoding.model import Objects
from geo.points import believe

CRS = "EPSG:26986"
FEET = "EPSG:2249"
BBOX = (-71.2, 42.2, -70.9, 42.45)
MIDDLE = (-71.06, 42.33)
X0, Y0 = (float(v[0]) for v in from_wgs84(np.array([MIDDLE[0]]), np.array([MIDDLE[1]]), CRS))


class Rows(NamedTuple):
    """What default_points takes, row by row."""

    lon: Floats
    lat: Floats
    address: Objects
    located_lon: Floats
    located_lat: Floats
    radius_m: Floats

    def take(self, which: np.ndarray) -> Rows:
        return Rows(*(column[which] for column in self))

    def with_rows(self, *more: Rows) -> Rows:
        return Rows(*(np.concatenate(columns) for columns in zip(self, *more, strict=True)))


def found(rows: Rows) -> list[DefaultPoint]:
    return default_points(*rows, CRS)


def rows_at(x: Floats, y: Floats, address: list[str | None], true_x: Floats, true_y: Floats) -> Rows:
    """Rows with the source's point (metres from the middle) and the place where their address was located."""
    lon, lat = to_wgs84(X0 + x, Y0 + y, CRS)
    located_lon, located_lat = to_wgs84(X0 + true_x, Y0 + true_y, CRS)
    texts: Objects = np.array(address, dtype=object)
    return Rows(lon, lat, texts, located_lon, located_lat, np.full(len(x), 30.0))


def city(rows: int, seed: int = 1) -> Rows:
    """Requests over 8 by 8 km, some addresses often; a fifth is not located, sources are some metres off."""
    rng = np.random.default_rng(seed)
    places = rows // 3
    px, py = rng.uniform(-4000, 4000, (2, places))
    weight = 1 / np.arange(100, places + 100)
    which = rng.choice(places, rows, p=weight / weight.sum())
    jx, jy = rng.normal(0, 15, (2, places))
    made = rows_at(px[which], py[which], [f"{i} MAIN ST" for i in which], px[which] + jx[which], py[which] + jy[which])
    lost = (which % 5 == 0) | (rng.random(rows) < 0.02)
    made.located_lon[lost], made.located_lat[lost] = np.nan, np.nan
    return made


def planted(rows: Rows, share: float, x: float, y: float, seed: int = 2, unaddressed: float = 0.0) -> Rows:
    """The same with a share of the rows moved to one point, part of them without their address."""
    rng = np.random.default_rng(seed)
    moved = rng.random(len(rows.lon)) < share
    lon, lat = to_wgs84(np.array([X0 + x]), np.array([Y0 + y]), CRS)
    out = Rows(*(column.copy() for column in rows))
    out.lon[moved], out.lat[moved] = lon[0], lat[0]
    bare = moved & (rng.random(len(moved)) < unaddressed)
    out.address[bare] = None
    out.located_lon[bare] = np.nan
    return out


def park() -> Rows:
    """Requests on one spot without any address: 45, as many as a busy place has."""
    nowhere = np.full(45, np.nan)
    return rows_at(np.full(45, -900.0), np.full(45, 800.0), [None] * 45, nowhere, nowhere)


def hot_spots() -> Rows:
    """What is busy and real: a building, a crossing under two names, a park without address, an estate, a tower."""
    rng = np.random.default_rng(3)
    far = np.full(500, 1200.0)
    angle, reach = rng.uniform(0, 6.28, 120), rng.uniform(0, 420, 120)
    estate_x, estate_y = reach * np.cos(angle) + 2500, reach * np.sin(angle)
    return rows_at(far, far, ["1 CITY PLAZA"] * 500, far + 40, far).with_rows(
        # the building's address is located wrongly: many rows, but of one address
        rows_at(far - 3000, far, ["9 WRONG AVE"] * 500, far, far - 3000),
        rows_at(far, -far, ["A ST & B ST", "B ST & A ST"] * 250, far, -far + 5),
        park(),
        rows_at(np.full(120, 2500.0), np.zeros(120), [f"{i} ESTATE WAY" for i in range(120)], estate_x, estate_y),
        rows_at(far[:90] - 2000, -far[:90], [f"5 TOWER CT APT {i}" for i in range(90)], far[:90] - 2000, -far[:90]),
    )


@pytest.mark.parametrize(("rows", "share"), [(3000, 0.02), (3000, 0.1), (20000, 0.005), (20000, 0.2)])
def test_a_planted_default_point_is_found_and_no_hot_spot(rows: int, share: float) -> None:
    got = found(planted(city(rows), share, 10.0, 20.0).with_rows(hot_spots()))
    assert len(got) == 1
    lon, lat = to_wgs84(np.array([X0 + 10]), np.array([Y0 + 20]), CRS)
    assert abs(got[0].lon - lon[0]) < 1e-5 and abs(got[0].lat - lat[0]) < 1e-5
    assert abs(got[0].rows - share * rows) < 0.25 * share * rows
    assert "lie elsewhere" in got[0].why and "\n" not in got[0].why


def test_a_default_point_without_addresses_is_found() -> None:
    got = found(planted(city(3000), 0.08, 0.0, 0.0, unaddressed=1.0).with_rows(park()))
    assert [p.contradicted for p in got] == [0]
    assert got[0].unaddressed == got[0].rows > 150
    assert "have no address" in got[0].why


def test_two_default_points_are_both_found_and_the_larger_told_first() -> None:
    rows = planted(planted(city(6000), 0.05, 0.0, 0.0, unaddressed=1.0), 0.15, 900.0, 900.0, seed=5, unaddressed=0.5)
    got = found(rows)
    assert len(got) == 2
    assert got[0].rows > got[1].rows


@pytest.mark.parametrize("seed", range(5))
def test_a_city_without_default_points_has_none(seed: int) -> None:
    assert found(city(4000, seed).with_rows(hot_spots())) == []


def test_a_tower_with_some_addresses_located_wrongly_is_real() -> None:
    x = np.full(60, 700.0)
    elsewhere = np.where(np.arange(60) < 20, 3000.0, 720.0)
    tower = rows_at(x, x, [f"{i} TOWER SQ" for i in range(60)], elsewhere, x)
    assert found(city(3000).with_rows(tower)) == []
    assert len(found(city(3000).with_rows(tower._replace(located_lon=tower.lon + 0.02)))) == 1


def test_a_large_park_in_a_city_without_busy_places_is_real() -> None:
    rng = np.random.default_rng(8)
    x, y = rng.uniform(-4000, 4000, (2, 12000))
    quiet = rows_at(x, y, [f"{i} QUIET ST" for i in range(12000)], x, y)
    assert found(quiet.with_rows(park(), park())) == []
    assert len(found(quiet.with_rows(*[park()] * 8))) == 1


def test_too_few_rows_are_not_judged() -> None:
    rows = city(3000)
    few = rows.take(np.arange(12))
    few.lon[:], few.lat[:] = MIDDLE
    assert found(rows.with_rows(few)) == []


def test_a_source_that_is_coarse_as_a_whole_has_no_default_points() -> None:
    rows = city(20000)
    x, y = from_wgs84(rows.lon, rows.lat, CRS)
    lon, lat = to_wgs84(np.round(x / 1500) * 1500, np.round(y / 1500) * 1500, CRS)
    assert found(rows._replace(lon=lon, lat=lat)) == []


def test_neither_order_nor_parts_matter() -> None:
    rows = planted(city(3000), 0.1, 0.0, 0.0, unaddressed=0.3)
    whole = PointTally.of(*rows, CRS)
    shuffled = PointTally.of(*rows.take(np.random.default_rng(9).permutation(3000)), CRS)
    pd.testing.assert_frame_equal(whole.table, shuffled.table)
    parts = PointTally.empty()
    for start in range(0, 3000, 700):
        parts = parts.merge(PointTally.of(*rows.take(np.arange(start, min(start + 700, 3000))), CRS))
    pd.testing.assert_frame_equal(whole.table, parts.table)
    assert whole.detect() == parts.detect() == found(rows) != []
    assert PointTally.empty().detect() == []


def test_what_was_counted_before_helps_a_small_run() -> None:
    rows = planted(city(3000), 0.02, 0.0, 0.0)
    early, late = rows.take(np.arange(2700)), rows.take(np.arange(2700, 3000))
    assert found(late) == []
    assert default_points(*late, CRS, before=PointTally.of(*early, CRS)) == found(rows) != []


def test_a_default_point_is_a_sentinel_for_believe() -> None:
    rows = planted(city(3000), 0.1, 0.0, 0.0)
    sentinels = [point.sentinel() for point in found(rows)]
    notes = believe(rows.lon, rows.lat, bbox=BBOX, crs=CRS, sentinels=sentinels).note
    assert (notes == "sentinel").sum() == found(rows)[0].rows


# --- real cities -----------------------------------------------------------------------------


def _bostons_rows(folder: Path) -> Rows:
    """Boston's requests; their addresses located from the address points that are not on the default point."""
    names = ["LOCATION_STREET_NAME", "LOCATION_ZIPCODE", "LATITUDE", "LONGITUDE"]
    requests = pd.read_csv(folder / "boston/requests_2015_jan_sep.csv.gz", usecols=names)
    points = pd.read_csv(folder / "boston/address_points.csv.gz", usecols=names)
    points = points[(points["LATITUDE"] != 42.3594) | (points["LONGITUDE"] != -71.0587)]
    for frame in (requests, points):
        frame["key"] = (
            frame["LOCATION_STREET_NAME"].str.upper() + "|" + frame["LOCATION_ZIPCODE"].astype(str).fillna("")
        )
    place = points.drop_duplicates("key").set_index("key")
    return Rows(
        requests["LONGITUDE"].to_numpy(),
        requests["LATITUDE"].to_numpy(),
        requests["key"].to_numpy(dtype=object),
        requests["key"].map(place["LONGITUDE"]).to_numpy(dtype=float),
        requests["key"].map(place["LATITUDE"]).to_numpy(dtype=float),
        np.full(len(requests), 30.0),
    )


def test_bostons_default_point_is_found_and_nothing_else(shared_data: Path) -> None:
    rows = _bostons_rows(shared_data)
    got = found(rows)
    assert [(p.lon, p.lat) for p in got] == [(-71.0587, 42.3594)]
    assert (got[0].rows, got[0].unaddressed) == (13425, 8987)
    assert got[0].contradicted > 200
    some = np.random.default_rng(4).choice(len(rows.lon), 2000, replace=False)
    assert [(p.lon, p.lat) for p in found(rows.take(some))] == [(-71.0587, 42.3594)]
    with_address = rows.take(np.flatnonzero(pd.notna(rows.address)))
    assert [(p.lon, p.lat) for p in found(with_address)] == [(-71.0587, 42.3594)]
    elsewhere = rows.take(np.flatnonzero((rows.lat != 42.3594) | (rows.lon != -71.0587)))
    assert found(elsewhere) == []


def test_san_franciscos_sample_has_none(shared_data: Path) -> None:
    """Its busiest point with many addresses is a housing estate, all of whose doors have one coordinate."""
    frame = pd.read_csv(shared_data / "san_francisco/requests_sample.csv", usecols=["Address", "Point"])
    point = frame["Point"].str.extract(r"\(([-\d.]+), ([-\d.]+)\)").astype(float)
    streets = gpd.read_file(shared_data / "san_francisco/street_centerlines.gpkg")
    middle = middles(streets)
    sides = pd.concat(
        pd.DataFrame(
            {
                "street": streets["STREETNAME"],
                "low": streets[f"{side}_FADD"],
                "high": streets[f"{side}_TOADD"],
                "lon": middle[:, 0],
                "lat": middle[:, 1],
            }
        )
        for side in ("LF", "RT")
    )
    read = frame["Address"].str.extract(r"^(?P<number>\d+) (?P<street>.*?)(?:,|$)").reset_index().dropna()
    read["number"] = read["number"].astype(int)
    pairs = read.merge(sides, on="street").query("low <= number <= high and high > 0").drop_duplicates("index")
    lon, lat = np.full((2, len(frame)), np.nan)
    lon[pairs["index"]], lat[pairs["index"]] = pairs["lon"], pairs["lat"]
    assert np.isfinite(lon).mean() > 0.4
    source = (point[1].to_numpy(), point[0].to_numpy(), frame["Address"].to_numpy(dtype=object))
    assert default_points(*source, lon, lat, np.full(len(frame), 100.0), "EPSG:26910") == []


def middles(lines: gpd.GeoDataFrame) -> Floats:
    bounds = lines.geometry.bounds.to_numpy()
    return np.column_stack([bounds[:, [0, 2]].mean(axis=1), bounds[:, [1, 3]].mean(axis=1)])


def test_new_yorks_day_has_none(shared_data: Path) -> None:
    frame = pd.read_csv(shared_data / "nyc/requests_2022-05-01.csv", low_memory=False)
    nowhere = np.full(len(frame), np.nan)
    got = default_points(
        frame["Longitude"].to_numpy(float),
        frame["Latitude"].to_numpy(float),
        frame["Incident Address"].to_numpy(dtype=object),
        nowhere,
        nowhere,
        nowhere,
        "EPSG:32118",
    )
    assert got == []


# --- mending and contradiction ---------------------------------------------------------------


def test_each_mistake_is_mended_and_named() -> None:
    lon, lat = MIDDLE
    x, y = X0, Y0
    feet_x, feet_y = (float(v[0]) for v in from_wgs84(np.array([lon]), np.array([lat]), FEET))
    web_x, web_y = (float(v[0]) for v in from_wgs84(np.array([lon]), np.array([lat]), "EPSG:3857"))
    cases = [
        (lon, lat, None), (lat, lon, "swapped"), (-lon, lat, "sign"), (lon, -lat, "sign"), (lat, -lon, "swapped"),
        (x, y, "projected"), (y, x, "projected"), (feet_x, feet_y, "projected"), (web_x, web_y, "projected"),
        (round(lon * 1e6), round(lat * 1e6), "scaled"), (round(lon * 1e7), round(lat * 1e7), "scaled"),
    ]  # fmt: skip
    got = mend(np.array([c[0] for c in cases]), np.array([c[1] for c in cases]), BBOX, [CRS, FEET, "EPSG:3857"])
    assert list(got.note) == [c[2] for c in cases]
    np.testing.assert_allclose(got.lon, lon, atol=1e-6)
    np.testing.assert_allclose(got.lat, lat, atol=1e-6)


def test_new_yorks_feet_are_read_as_feet() -> None:
    got = mend(np.array([983015.0]), np.array([199623.0]), (-74.3, 40.4, -73.6, 41.0), ["EPSG:32118", "EPSG:2263"])
    assert got.note[0] == "projected"
    assert abs(got.lon[0] + 74.0) < 0.1 and abs(got.lat[0] - 40.71) < 0.1


def test_what_cannot_be_mended_stays_as_it_is() -> None:
    lon = np.array([0.0, np.nan, -80.0, 1e300, np.inf, -71.06, 12.0])
    lat = np.array([0.0, 42.3, 42.3, -1e300, 42.3, np.nan, 13.0])
    got = mend(lon, lat, BBOX, [CRS, FEET, "EPSG:3857"])
    assert list(got.note) == [None] * 7
    np.testing.assert_array_equal(got.lon, lon)
    np.testing.assert_array_equal(got.lat, lat)


def test_two_possible_repairs_are_none() -> None:
    """A box around the equator: swapped and sign-mended both land inside, in different places."""
    box = (-12.0, -8.0, -2.0, 12.0)
    got = mend(np.array([7.0]), np.array([-5.0]), box, [])
    assert got.note[0] is None and got.lon[0] == 7.0


def test_two_readings_of_one_projection_are_one_repair() -> None:
    """The two kinds of feet put the same numbers half a metre apart."""
    x, y = from_wgs84(np.array([MIDDLE[0]]), np.array([MIDDLE[1]]), FEET)
    other_feet = (
        "+proj=lcc +lat_0=41 +lon_0=-71.5 +lat_1=42.6833333333333 +lat_2=41.7166666666667 "
        "+x_0=200000 +y_0=750000 +datum=NAD83 +units=ft"
    )
    got = mend(x, y, BBOX, [FEET, other_feet])
    assert got.note[0] == "projected"
    assert abs(got.lon[0] - MIDDLE[0]) < 1e-7


def test_a_bad_candidate_is_named() -> None:
    with pytest.raises(CrsError, match="EPSG:1"):
        mend(np.array([X0]), np.array([Y0]), BBOX, ["EPSG:1"])


@settings(max_examples=60, deadline=None)
@given(st.floats(), st.floats())
def test_mending_only_ever_moves_into_the_box(lon: float, lat: float) -> None:
    west, south, east, north = BBOX
    got = mend(np.array([lon]), np.array([lat]), BBOX, [CRS, FEET, "EPSG:3857"])
    if got.note[0] is None:
        np.testing.assert_array_equal([got.lon[0], got.lat[0]], [lon, lat])
    else:
        assert west <= got.lon[0] <= east and south <= got.lat[0] <= north
        assert not (west <= lon <= east and south <= lat <= north)


def test_points_contradict_beyond_both_radii() -> None:
    apart = np.array([149.0, 151.0, 151.0, 239.0, np.nan])
    rows = rows_at(np.zeros(5), np.zeros(5), [None] * 5, apart, np.zeros(5))
    radius = np.array([50.0, 50.0, 60.0, 140.0, 50.0])
    places = (rows.located_lon, rows.located_lat, radius, CRS)
    assert contradicts(rows.lon, rows.lat, None, *places).tolist() == [False, True, False, False, False]
    assert contradicts(rows.lon, rows.lat, 102.0, *places).tolist() == [False, False, False, False, False]
    own = np.array([np.nan, 20.0, 20.0, 20.0, 20.0])
    assert contradicts(rows.lon, rows.lat, own, *places).tolist() == [False, True, True, True, False]
