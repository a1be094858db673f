"""Requests placed by their addresses, and points that are not believed: what the store, its history and releases say."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import geopandas as gpd
import numpy as np
import pyarrow.parquet as pq
import pytest
import shapely
import sqlalchemy as sa
from frictionless import Package

from etl import pipeline
from etl.errors import ReleaseError
from etl.publish import chain, status
from etl.report import run_lines, status_lines, status_of
from etl.store.engine import open_store
from etl.store.models import Change, FoundDefault, GeocoderTable, Request
from geo.crs import from_wgs84
from geo.geocoding.geocoder import Geocoder
from geo.geocoding.tables import SCHEMAS, from_tables
from tests.etl.conftest import NOW, TinyCity, make_city

Ask = Callable[..., list[tuple[Any, ...]]]
Rows = list[dict[str, str]]
DAY = dt.timedelta(days=1)

STREETS = ("Ash", "Birch", "Cedar", "Elm", "Fir", "Linden", "Maple", "Oak", "Pine", "Spruce")
"""Streets that run north from Main Street, a hundredth of a degree apart, and meet Hill Street in the north."""
WEST, STEP, SOUTH, NORTH = -71.14, 0.012, 42.35, 42.3515
MIDDLE = (SOUTH + NORTH) / 2
HALL = (42.3507, -71.135)
"""Where the source puts what it cannot place: beside Ash Street."""


def _lon(street: str) -> float:
    return WEST + STEP * STREETS.index(street)


def _at(street: str, number: int) -> tuple[float, float]:
    """About where a number is, on the odd side."""
    return SOUTH + (NORTH - SOUTH) * number / 100, _lon(street) - 0.0001


def _centerlines(*, shifted: float = 0.0) -> gpd.GeoDataFrame:
    """Each street one block of numbers 1–99 (left, odd) and 2–98 (right, even); Main and Hill Street a block between each."""
    rows = [
        (f"{name} St", shapely.LineString([(_lon(name) + shifted, SOUTH), (_lon(name) + shifted, NORTH)]), 1)
        for name in STREETS
    ]
    for number, (west, east) in enumerate(pairwise(STREETS)):
        for name, lat in (("Main St", SOUTH), ("Hill St", NORTH)):
            line = shapely.LineString([(_lon(west) + shifted, lat), (_lon(east) + shifted, lat)])
            rows.append((name, line, 100 * number + 1))
    first = np.array([number for _, _, number in rows])
    return gpd.GeoDataFrame(
        {"name": [name for name, _, _ in rows], "lf": first, "lt": first + 98, "rf": first + 1, "rt": first + 97},
        geometry=[line for _, line, _ in rows],
        crs="EPSG:4326",
    )


def _with_geocoder(tiny: TinyCity, **settings: Any) -> TinyCity:
    _centerlines().to_file(tiny.folder / "centerlines.gpkg")
    columns = {"left_from": "lf", "left_to": "lt", "right_from": "rf", "right_to": "rt"}
    tiny.config["geocoder"] = {"streets": [{"path": "centerlines.gpkg", "name": "name", **columns}], **settings}
    tiny.config["sources"]["calls"]["sentinels"] = []
    return tiny


@pytest.fixture
def town(tiny_on: TinyCity) -> TinyCity:
    """The tiny city with streets to find addresses in, once in SQLite and once in PostGIS."""
    return _with_geocoder(tiny_on)


@pytest.fixture
def small(tmp_path: Path) -> TinyCity:
    """The same in SQLite only."""
    return _with_geocoder(make_city(tmp_path, f"sqlite:///{tmp_path / 'store.sqlite'}"))


def _row(ident: int | str, address: str = "", at: tuple[float, float] | None = None, **more: str) -> dict[str, str]:
    place = {"LAT": f"{at[0]:.6f}", "LON": f"{at[1]:.6f}"} if at else {}
    return {
        "ID": str(ident), "OPENED": "04/01/2024 10:00", "STATUS": "open", "SERVICE": "Pothole", "DEPT": "PW",
        "CHANNEL": "phone", "ADDRESS": address, **place, **more,
    }  # fmt: skip


def _stored(town: TinyCity) -> dict[str, Any]:
    with open_store(town.store_url).connect() as connection:
        return {row.service_request_id: row for row in connection.execute(sa.select(Request.__table__))}


def _query(town: TinyCity, query: sa.Select[Any]) -> list[Any]:
    with open_store(town.store_url).connect() as connection:
        return list(connection.execute(query).all())


def _metres(row: Any, lat: float, lon: float) -> float:
    return float(np.hypot((row.lat - lat) * 111_000, (row.long - lon) * 82_000))


def _folder(town: TinyCity) -> Path:
    folder = chain.current_folder(town.releases)
    assert folder is not None
    return folder


def test_what_has_no_point_is_placed_by_its_address(town: TinyCity, ask: Ask) -> None:
    town.run([
        _row(1, "51 Oak St"), _row(2, "Main St & Elm St"), _row(3, "50 oak street", (0.0, 0.0)), _row(4),
        _row(5, "51 Oak St", (MIDDLE, _lon("Oak"))), _row(6, "everywhere and nowhere"),
    ])  # fmt: skip
    got = _stored(town)
    assert (got["1"].location_source, got["1"].location_note, got["1"].geocode_method) == (
        "geocoder", "missing", "address_range",
    )  # fmt: skip
    assert _metres(got["1"], MIDDLE, _lon("Oak")) < 40
    assert got["1"].geocode_score > 0.9 and got["1"].geocode_radius_m > 0 and got["1"].geocode_address == "51 OAK ST"
    assert got["1"].long < _lon("Oak") < got["3"].long, "odd numbers are on the left side, even ones on the right"
    assert json.loads(got["1"].areas)["district"] == "2"
    assert got["2"].geocode_method == "intersection" and _metres(got["2"], SOUTH, _lon("Elm")) < 15
    assert (got["3"].location_source, got["3"].location_note, got["3"].source_lat) == ("geocoder", "sentinel", 0.0)
    assert (got["4"].location_source, got["4"].location_note, got["4"].lat) == ("none", "missing", None)
    assert (got["5"].location_source, got["5"].location_note, got["5"].geocode_method) == ("source", None, None)
    assert (got["6"].location_source, got["6"].geocode_method) == ("none", None)
    folder = _folder(town)
    assert ask(folder, "SELECT count(*) FROM requests WHERE location_source = 'geocoder' AND geometry IS NOT NULL") == [
        (3,)
    ]
    found = ask(folder, "SELECT method, note, rows, median_score FROM located_by ORDER BY 1, 2")
    assert [(m, n, k) for m, n, k, _ in found] == [
        ("address_range", "missing", 1), ("address_range", "sentinel", 1), ("intersection", "missing", 1),
        ("none", "missing", 2), ("source", None, 1),
    ]  # fmt: skip
    assert [score is None for *_, score in found] == [False, False, False, True, True]
    assert ask(folder, "SELECT reason, rows FROM exclusions WHERE kind = 'not_located'") == [("missing", 2)]


def test_what_is_too_vague_is_told_and_not_drawn(town: TinyCity, ask: Ask) -> None:
    town.config["geocoder"]["draw"] = "address"
    town.run([_row(1, "Main St"), _row(2, "51 Oak St"), _row(3, "Main St & Oak St")])
    got = _stored(town)
    assert (got["1"].location_source, got["1"].location_note, got["1"].lat) == ("none", "vague", None)
    assert got["1"].geocode_method == "street" and got["1"].geocode_radius_m > 100
    assert got["2"].location_source == "geocoder"
    assert (got["3"].location_note, got["3"].geocode_method) == ("vague", "intersection")
    town.config["geocoder"]["draw"] = "street"
    town.config["geocoder"]["min_score"] = 0
    town.run_again(now=NOW + DAY)
    assert {row.location_source for row in _stored(town).values()} == {"geocoder"}


@pytest.mark.parametrize("policy", ["flag", "replace", "off"])
def test_a_point_that_contradicts_its_address(small: TinyCity, ask: Ask, policy: str) -> None:
    small.config["geocoder"]["contradiction"] = policy
    far, near = _at("Ash", 60), (MIDDLE, _lon("Oak") + 0.0003)
    small.run([_row(1, "51 Oak St", far), _row(2, "51 Oak St", near), _row(3, "Oak St", far)])
    got = _stored(small)
    assert (got["1"].source_lat, got["1"].source_long) == pytest.approx(far)
    said = (got["1"].location_source, got["1"].location_note, got["1"].flags, got["1"].geocode_method)
    if policy == "replace":
        assert said == ("geocoder", "contradicts_address", None, "address_range")
        assert _metres(got["1"], MIDDLE, _lon("Oak")) < 40
    elif policy == "flag":
        assert said == ("source", None, "location_contradicts_address", "address_range")
    else:
        assert said == ("source", None, None, None)
    if policy != "replace":
        assert (got["1"].lat, got["1"].long) == pytest.approx(far)
    for other in ("2", "3"):  # as near as both may err; too vague to contradict anything
        assert (got[other].location_source, got[other].flags, got[other].geocode_method) == ("source", None, None)


def test_a_source_that_says_how_exact_it_is_is_contradicted_sooner(small: TinyCity) -> None:
    near = (MIDDLE, _lon("Oak") + 0.0036)  # 300 m
    rows = [_row(1, "51 Oak St", near)]
    small.config["sources"]["calls"]["locations"][0]["radius_m"] = 900
    small.run(rows)
    assert _stored(small)["1"].flags is None
    small.config["sources"]["calls"]["locations"][0]["radius_m"] = 5
    small.run_again(now=NOW + DAY)
    assert _stored(small)["1"].flags == "location_contradicts_address"


def test_swapped_and_projected_coordinates_are_mended_or_flagged(small: TinyCity) -> None:
    lat, lon = MIDDLE, _lon("Oak")
    swapped = _row(1, at=(lon, lat))
    (x,), (y,) = from_wgs84(np.array([lon]), np.array([lat]), "EPSG:2249")  # the state plane in feet
    feet = _row(2, at=(y, x))
    small.run([swapped, feet, _row(3, at=(10.0, 10.0))])
    got = _stored(small)
    assert (got["1"].lat, got["1"].long, got["1"].location_note) == (pytest.approx(lat), pytest.approx(lon), "swapped")
    assert (got["1"].source_lat, got["1"].location_source) == (pytest.approx(lon), "source")
    assert (got["2"].location_note, got["2"].location_source) == ("projected", "source")
    assert (got["2"].lat, got["2"].long) == (pytest.approx(lat, abs=1e-5), pytest.approx(lon, abs=1e-5))
    assert (got["3"].location_note, got["3"].location_source) == ("outside_city", "none")
    small.config["geocoder"]["swapped"] = "flag"
    small.run_again(now=NOW + DAY)
    got = _stored(small)
    assert (got["1"].location_note, got["1"].flags, got["1"].lat) == ("outside_city", "location_mistaken", None)


def _on_hall(first: int, count: int) -> Rows:
    """Requests on the hall whose addresses are all over the town."""
    streets = STREETS[3:]
    return [_row(first + i, f"{3 + 2 * (i % 45)} {streets[i % len(streets)]} St", HALL) for i in range(count)]


def _honest(first: int, count: int) -> Rows:
    return [
        _row(first + i, f"{3 + 2 * (i % 45)} {name} St", _at(name, 3 + 2 * (i % 45)))
        for i, name in ((i, STREETS[i % len(STREETS)]) for i in range(count))
    ]


def test_a_default_point_is_found_in_the_run_that_brings_the_evidence(town: TinyCity, ask: Ask) -> None:
    """Ten rows on it say little; with the thirty of the next file it is found, and the ten are put right as well."""
    town.config["geocoder"]["min_score"] = 0.3
    first = town.run([*_honest(1000, 100), *_on_hall(1, 10)])
    assert not first.defaults
    before = _stored(town)
    assert before["1"].location_source == "source" and before["1"].flags == "location_contradicts_address"
    second = town.run(_on_hall(11, 30), now=NOW + DAY)
    (point,) = second.defaults["calls"]
    assert (round(point.lat, 5), round(point.lon, 5), point.rows) == (*HALL, 40)
    after = _stored(town)
    for ident in (str(i) for i in range(1, 41)):
        assert (after[ident].location_source, after[ident].location_note) == ("geocoder", "default_point")
        assert (after[ident].source_lat, after[ident].source_long) == pytest.approx(HALL)
        assert after[ident].flags is None
    assert {after[str(i)].location_source for i in range(1000, 1100)} == {"source"}
    assert _metres(after["1"], *_at("Elm", 3)) < 60
    history = {
        (row.field, row.cause): (row.old, row.new)
        for row in _query(town, sa.select(Change.__table__).where(Change.service_request_id == "1"))
    }
    old, new = history["lat", "configuration"]
    assert (float(old), float(new)) == (pytest.approx(HALL[0]), pytest.approx(after["1"].lat)), "both places are kept"
    assert history["location_source", "configuration"] == ("source", "geocoder")
    assert history["location_note", "configuration"] == (None, "default_point")
    (kept,) = _query(town, sa.select(FoundDefault.__table__))
    assert (kept.source, kept.rows, kept.addresses) == ("calls", 40, point.addresses)
    told = json.loads((town.releases / status.STATUS).read_bytes())["sources"][0]["default_points"]
    assert [(t["lat"], t["long"], t["rows"]) for t in told] == [(kept.lat, kept.long, 40)]
    assert "lie elsewhere" in told[0]["why"]
    assert any(
        "42.35070, -71.13500 stands for 'unknown' from now on" in line for line in run_lines(second, town.releases)
    )
    lines = list(status_lines(status_of(town.place(), 1, NOW), NOW))
    assert any("42.35070, -71.13500 stands for 'unknown': 40 rows" in line for line in lines)
    changes = ask(_folder(town), "SELECT field, old FROM changes WHERE service_request_id = '1' AND field = 'lat'")
    assert [(field, float(value)) for field, value in changes] == [("lat", pytest.approx(HALL[0]))]


def test_a_default_point_is_found_although_its_rows_come_one_at_a_time(
    small: TinyCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "_publish", lambda *_: (None, None))  # 21 releases that nobody looks at
    small.run(_honest(1000, 100))
    for i, row in enumerate(_on_hall(1, 20)):
        report = small.run([row], now=NOW + (i + 1) * DAY)
        assert bool(report.defaults) == (i == 19), "twenty rows are enough to be judged"
    assert {_stored(small)[str(i)].location_note for i in range(1, 21)} == {"default_point"}


def test_what_is_known_is_not_found_again_and_nothing_changes_for_nothing(town: TinyCity) -> None:
    rows = [*_honest(1000, 100), *_on_hall(1, 40), _row(7000, "51 Oak St"), _row(7001, "Oak St")]
    assert town.run(rows).defaults
    before = _stored(town)
    forced = town.run(rows, now=NOW + DAY, force=True)
    assert (forced.release_id, forced.defaults, forced.sources["calls"].changed) == (None, {}, 0)
    replayed = town.replay(now=NOW + 2 * DAY)
    assert (replayed.release_id, replayed.sources["calls"].changed) == (None, 0)
    more = town.run([*rows, _row(8000, "51 Pine St", HALL)], now=NOW + 3 * DAY)
    assert (more.sources["calls"].new, more.sources["calls"].changed, more.defaults) == (1, 0, {})
    after = _stored(town)
    assert after.pop("8000").location_note == "default_point"
    assert after == before


def test_default_points_may_be_flagged_only_or_left_alone(small: TinyCity) -> None:
    rows = [*_honest(1000, 100), *_on_hall(1, 40)]
    small.config["geocoder"]["default_points"] = "off"
    assert not small.run(rows).defaults
    small.config["geocoder"]["default_points"] = "flag"
    report = small.run_again(now=NOW + DAY)
    assert len(report.defaults["calls"]) == 1, "all rows are read again by other rules, and looked through"
    got = _stored(small)
    assert (got["1"].location_source, got["1"].location_note) == ("source", None)
    assert got["1"].flags == "location_contradicts_address;location_default_point" and got["1000"].flags is None


def test_a_place_of_many_true_requests_is_no_default_point(small: TinyCity) -> None:
    spot = _at("Oak", 51)
    assert not small.run([*_honest(1000, 100), *(_row(i, "51 Oak St", spot) for i in range(1, 200))]).defaults
    assert _stored(small)["1"].location_source == "source"


def test_another_reference_places_again_and_both_places_are_in_the_history(town: TinyCity, ask: Ask) -> None:
    town.run([_row(1, "51 Oak St"), _row(2, "51 Oak St", (MIDDLE, _lon("Oak")))])
    before = _stored(town)["1"]
    _centerlines(shifted=0.004).to_file(town.folder / "centerlines.gpkg")
    report = town.run_again(now=NOW + DAY)
    after = _stored(town)["1"]
    assert report.release_id and after.long == pytest.approx(before.long + 0.004, abs=2e-5)
    query = sa.select(Change.old, Change.new, Change.cause).where(Change.field == "long")
    ((old, new, cause),) = _query(town, query.where(Change.service_request_id == "1"))
    assert (float(old), float(new), cause) == (pytest.approx(before.long), pytest.approx(after.long), "configuration")
    assert town.run_again(now=NOW + 2 * DAY).release_id is None
    del town.config["geocoder"]
    assert town.run_again(now=NOW + 3 * DAY).release_id
    assert _stored(town)["1"].location_source == "none"
    assert _query(town, sa.select(GeocoderTable.name)) == []
    assert not (_folder(town) / "street_segments.parquet").exists()


def test_a_point_without_an_address_gets_the_nearest_one(small: TinyCity) -> None:
    small.run([_row(1, at=_at("Oak", 51)), _row(2, at=(42.39, -71.01))])
    got = _stored(small)
    assert (got["1"].nearest_address or "").upper().endswith("OAK ST")
    assert got["2"].nearest_address is None


def test_the_release_holds_the_address_index_and_says_how_it_was_used(town: TinyCity, ask: Ask) -> None:
    town.run([_row(1, "51 Oak St"), _row(2, "99 Main St")])
    folder = _folder(town)
    package = chain.read_package(folder)
    names = {r["name"]: r for r in package["resources"]}
    assert names["street_segments"]["rows"] == len(_centerlines())
    assert ask(folder, "SELECT DISTINCT street FROM street_segments WHERE street LIKE 'O%'") == [("Oak St",)]
    lines = gpd.read_parquet(folder / "street_segments.parquet")
    assert lines.crs is not None and lines.crs.to_epsg() == 4326 and set(lines.geom_type) == {"LineString"}
    assert ask(folder, "SELECT count(*) > 0 FROM intersections WHERE street LIKE 'Oak%' OR \"cross\" LIKE 'Oak%'") == [
        (True,)
    ]
    told = package["openward"]["geocoder"]
    assert told["settings"]["draw"] == "block" and len(told["fingerprint"]) == 64
    assert told["calibration"]
    assert list(Package.metadata_validate(json.loads((folder / "datapackage.json").read_text()))) == []
    for name in ("street_segments", "intersections", "area_probabilities", "located_by"):
        assert all(field["description"] for field in names[name]["schema"]["fields"])
    assert all(f.ok for f in chain.verify(town.releases))


def test_the_address_index_of_a_release_makes_the_same_geocoder(small: TinyCity) -> None:
    small.config["geocoder"] |= {
        "aliases": {"Old Rd": "Oak St"},
        "named_places": {"Hall": {"lat": 42.35, "long": -71.1}},
    }
    small.run([_row(1, "51 Oak St"), _row(2, "Main St & Elm St"), _row(3, "51 Old Rd"), _row(4, "Hall")])
    folder = _folder(small)
    tables = {
        name: pq.read_table(folder / f"{name}.parquet") for name in SCHEMAS if (folder / f"{name}.parquet").exists()
    }
    assert tables.keys() == {"street_segments", "intersections", "place_names"}
    geocoder = Geocoder.build(from_tables(tables, "EPSG:26986"))
    asked = ["51 Oak St", "Main St & Elm St", "51 Old Rd", "Hall"]
    found = geocoder.locate(asked)
    got = _stored(small)
    for i, ident in enumerate("1234"):
        assert got[ident].geocode_method == found.methods()[i]
        assert (got[ident].lat, got[ident].long) == (
            pytest.approx(found.lat[i], abs=1e-6), pytest.approx(found.lon[i], abs=1e-6),
        )  # fmt: skip


def test_the_probability_of_each_area_is_told_near_a_border(town: TinyCity, ask: Ask) -> None:
    """The border of the districts is at -71.07: Linden Street is 10 m east of it, Oak Street a mile."""
    border = gpd.read_file(town.folder / "new.geojson")
    line = _lon("Linden") - 0.0001
    border.geometry = [shapely.box(-71.15, 42.3, line, 42.4), shapely.box(line, 42.3, -71.0, 42.4)]
    border.to_file(town.folder / "new.geojson")
    town.run([_row(1, "51 Linden St"), _row(2, "51 Oak St"), _row(3, at=(MIDDLE, line + 0.0001))])
    folder = _folder(town)
    found = ask(folder, "SELECT service_request_id, layer, area, probability FROM area_probabilities ORDER BY ALL")
    assert {(ident, layer, area) for ident, layer, area, _ in found} == {("1", "district", "1"), ("1", "district", "2")}
    assert sum(chance for *_, chance in found) == pytest.approx(1, abs=0.02)
    with duckdb.connect(str(folder / "serve.duckdb"), read_only=True) as db:
        served = db.execute(
            "SELECT r.service_request_id, p.area, p.probability FROM area_probabilities p JOIN requests r USING (rid)"
        ).fetchall()
    assert sorted(served) == sorted((ident, area, chance) for ident, _, area, chance in found)


PLACE = ("geocode_method", "geocode_score", "geocode_radius_m", "geocode_address", "geocode_alternatives",
         "nearest_address")  # fmt: skip


@pytest.mark.parametrize("level", ["block_face", "area", "withheld"])
def test_what_the_geocoder_found_does_not_give_a_sensitive_place_away(small: TinyCity, ask: Ask, level: str) -> None:
    small.config["privacy"]["locations"] = {"services": {"noise": level}, "area_layer": "district"}
    small.config["basemap"] = [{"kind": "street", "path": "centerlines.gpkg", "name": "name"}]
    rows = [
        _row(1, "51 Linden St", SERVICE="Noise"), _row(2, at=_at("Oak", 51), SERVICE="Noise"),
        _row(3, "51 Linden St"), _row(4, "Linden St", SERVICE="Noise"),
        _row(5, "51 Oak St", _at("Ash", 60), SERVICE="Noise"),
    ]  # fmt: skip
    border = gpd.read_file(small.folder / "new.geojson")
    line = _lon("Linden") - 0.0001
    border.geometry = [shapely.box(-71.15, 42.3, line, 42.4), shapely.box(line, 42.3, -71.0, 42.4)]
    border.to_file(small.folder / "new.geojson")
    small.run(rows)
    assert _stored(small)["1"].geocode_address == "51 LINDEN ST"
    folder = _folder(small)
    for name in PLACE:
        told = ask(folder, f"SELECT service_request_id FROM requests WHERE {name} IS NOT NULL")
        assert {ident for (ident,) in told} <= {"3"}
    assert {i for (i,) in ask(folder, "SELECT DISTINCT service_request_id FROM area_probabilities")} == {"3"}
    methods = ask(folder, "SELECT method, sum(rows) FROM located_by GROUP BY 1")
    assert dict(methods).keys() <= {"generalised", "source", "none", "address_range"}


def test_few_requests_are_not_counted_by_method_where_the_policy_hides_few(small: TinyCity, ask: Ask) -> None:
    small.config["privacy"]["small_cells"] = {"minimum": 4, "tables": ["exclusions"]}
    rows = [_row(i, "51 Oak St") for i in range(10)] + [_row(20 + i, "Main St & Elm St") for i in range(2)]
    rows += [_row(40 + i, at=_at("Ash", 3)) for i in range(9)] + [_row(60 + i) for i in range(5)]
    rows += [_row(80 + i, "Main St") for i in range(2)]
    small.run(rows)
    folder = _folder(small)
    counted = {(m, n): k for m, n, k in ask(folder, "SELECT method, note, rows FROM located_by")}
    assert counted["intersection", "missing"] is None
    assert ask(folder, "SELECT median_score FROM located_by WHERE method = 'intersection'") == [(None,)]
    told = dict(ask(folder, "SELECT reason, rows FROM exclusions WHERE kind = 'not_located'"))
    assert told["vague"] is None
    assert {note: k for (method, note), k in counted.items() if method == "none"} == told
    assert sum(k is None for (method, _), k in counted.items() if method != "none") >= 2, (
        "one alone could be worked out"
    )


def test_a_city_that_publishes_no_places_tells_nothing_of_the_geocoders(small: TinyCity, ask: Ask) -> None:
    small.config["privacy"] = {"publish": []}
    small.run([_row(1, "51 Oak St"), _row(2, at=(MIDDLE, _lon("Oak")))])
    folder = _folder(small)
    assert not {row[0] for row in ask(folder, "DESCRIBE requests")} & set(PLACE)
    assert not (folder / "area_probabilities.parquet").exists()
    small.config["privacy"] = {"publish": ["location"]}
    small.run_again(now=NOW + DAY)
    columns = {row[0] for row in ask(_folder(small), "DESCRIBE requests")}
    assert columns & set(PLACE) == {"geocode_method", "geocode_score", "geocode_radius_m"}


def test_the_audit_holds_a_release_whose_probabilities_name_a_sensitive_request(
    small: TinyCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    from etl.publish import tables

    small.config["privacy"]["locations"] = {"services": {"noise": "area"}, "area_layer": "district"}
    right = tables.area_probabilities

    def leaky(*args: Any) -> Any:
        found = right(*args)
        return type(found).from_pylist(
            [
                {
                    "rid": 0,
                    "source": "calls",
                    "service_request_id": "1",
                    "layer": "district",
                    "area": "1",
                    "probability": 0.5,
                }
            ],
            schema=found.schema,
        )

    monkeypatch.setattr(tables, "area_probabilities", leaky)
    with pytest.raises(ReleaseError, match="area_probabilities 1"):
        small.run([_row(1, "51 Oak St", SERVICE="Noise"), _row(2, "51 Oak St")])
