"""The policy on places: what it accepts, and what it leaves of stored requests and of their changes."""

from __future__ import annotations

import copy
import datetime as dt
import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pytest
import yaml
from shapely import LineString, box

from etl.config import CityConfig, load_city
from etl.errors import ConfigError
from etl.privacy.locations import (
    ANCHORS,
    Anchors,
    LocationRules,
    Streets,
    apply,
    past_levels,
    public_changes,
    rules_of,
)
from geo.boundaries import Vintage
from geo.crs import from_wgs84, to_wgs84
from tests.etl.conftest import CITY

CRS = "EPSG:26986"
X0, Y0 = 234_000.0, 900_000.0
STREETS = {"Main St": [(0, 0), (600, 0)], "Oak Ave": [(300, -300), (300, 300)], "Elm St": [(0, 200), (600, 200)]}
LEVELS = {
    "default": "exact",
    "services": {"needle": "area", "noise": "block_face", "shelter": "withheld"},
    "groups": {"Housing": "block_face"},
    "area_layer": "district",
}


def _config(**locations: Any) -> CityConfig:
    config = copy.deepcopy(CITY)
    config["services"] = {code: {} for code in ("pothole", "needle", "noise", "shelter", "heat")}
    publish = ["address", "location", "agency_responsible", "status_notes"]
    config["privacy"] = {"publish": publish, "locations": LEVELS | locations}
    return CityConfig.model_validate(config)


def _at(x: float, y: float) -> tuple[float, float]:
    lon, lat = to_wgs84(np.array([x + X0]), np.array([y + Y0]), CRS)
    return float(lat[0]), float(lon[0])


def _rules(config: CityConfig | None = None, shift: float = 0.0) -> LocationRules:
    lines = [LineString([(X0 + x + shift, Y0 + y) for x, y in c]) for c in STREETS.values()]
    streets = gpd.GeoDataFrame({"name": list(STREETS)}, geometry=lines, crs=CRS)
    halves = [box(X0 - 400, Y0 - 500, X0 + 150, Y0 + 500), box(X0 + 150, Y0 - 500, X0 + 900, Y0 + 500)]
    areas = gpd.GeoDataFrame({"area": ["W", "E"], "name": ["W", "E"]}, geometry=halves, crs=CRS).to_crs("EPSG:4326")
    return LocationRules(config or _config(), streets, {"district": [Vintage("district", areas)]})


def _rows(*rows: dict[str, Any]) -> pa.Table:
    base = {
        "source": "calls", "service_code": "pothole", "service_group": None, "agency_responsible": "North Yard",
        "status": "open", "status_notes": "at 412 Main St", "requested_datetime": dt.datetime(2024, 4, 1, 12),
        "address": "412 Main Street, Apt 3", "lat": _at(420, 10)[0], "long": _at(420, 10)[1],
        "location_source": "source", "location_note": None, "geocode_method": "interpolated", "geocode_score": 0.9,
        "geocode_radius_m": 12.0, "areas": json.dumps({"district": "E", "ward": "7"}),
    }  # fmt: skip
    filled = [base | {"service_request_id": str(i)} | row for i, row in enumerate(rows)]
    kinds = {"lat": pa.float64(), "long": pa.float64(), "requested_datetime": pa.timestamp("s")}
    kinds |= {"geocode_score": pa.float64(), "geocode_radius_m": pa.float64()}
    return pa.Table.from_pylist(filled, schema=pa.schema([(n, kinds.get(n, pa.string())) for n in filled[0]]))


NOWHERE = {"lat": None, "long": None, "location_source": "none", "location_note": "missing"}


def _one(row: dict[str, Any], **more: Any) -> dict[str, Any]:
    return apply(_rows(row), more.pop("rules", None) or _rules(), **more).rows.to_pylist()[0]


def _anchored(*rows: dict[str, Any], rules: LocationRules | None = None) -> Anchors:
    return Anchors(apply(_rows(*rows), rules or _rules()).anchors)


# --- the policy ----------------------------------------------------------------------------------


def test_the_strictest_of_code_and_group_holds() -> None:
    policy = _config(groups={"Housing": "block_face", "Health": "withheld"}, unmapped="withheld").privacy.locations
    assert policy.level_of("pothole", None) == "exact"
    assert policy.level_of("needle", "Housing") == "area"
    assert policy.level_of("noise", "Health") == "withheld"
    assert policy.level_of(" NEEDLE ", None) == "area"
    assert policy.level_of("new thing", None, registered=False) == "withheld"
    assert policy.level_of("new thing", "housing", registered=False) == "block_face"


def test_services_without_an_entry_are_withheld_where_the_policy_says_so() -> None:
    rules = _rules(_config(unmapped="withheld"))
    assert _one({"service_code": "brand_new"}, rules=rules)["location_precision"] == "withheld"
    assert _one({"service_code": "brand_new"})["location_precision"] == "exact"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"privacy": {"locations": {"default": "area"}}}, ["privacy.locations", "area_layer is required"]),
        ({"privacy": {"locations": {"area_layer": "ward"}}}, ["area_layer: 'ward'", "allowed: district"]),
        ({"privacy": {"locations": {"default": "blurred"}}}, ["privacy.locations.default", "'block_face'"]),
        ({"privacy": {"locations": {"default": "block_face"}}, "basemap": []}, ["block_face", "kind street"]),
        ({"privacy": {"locations": {"services": {"A b": "exact", "a  B": "exact"}}}}, ["services", "capitals"]),
        ({"privacy": {"small_cells": {"minimum": 1}}}, ["small_cells.minimum", "2"]),
        ({"privacy": {"small_cells": {"tables": ["weekly"]}}}, ["small_cells.tables.0", "'monthly'", "'weekly'"]),
        ({"privacy": {"publish": ["photo"]}}, ["privacy.publish.0", "'status_notes'", "'photo'"]),
    ],
)
def test_a_mistake_in_the_policy_is_told_in_one_line(tmp_path: Path, change: dict[str, Any], told: list[str]) -> None:
    file = tmp_path / "city.yaml"
    file.write_text(yaml.safe_dump(CITY | change), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_city(file)
    assert "\n" not in str(caught.value)
    for part in told:
        assert part in str(caught.value)


# --- records -------------------------------------------------------------------------------------


def test_exact_rows_stay_as_they_are() -> None:
    rows = _rows({}, NOWHERE)
    got = apply(rows, _rules())
    assert got.rows.drop_columns(["location_precision"]).equals(rows)
    assert got.rows["location_precision"].to_pylist() == ["exact", "none"]
    assert len(got.anchors) == len(got.protected) == 0


@pytest.mark.parametrize("who", [{"service_code": "noise"}, {"service_code": "heat", "service_group": "Housing"}])
def test_block_face(who: dict[str, Any]) -> None:
    got = _one(who)
    x, y = from_wgs84(np.array([got["long"]]), np.array([got["lat"]]), CRS)
    assert (x[0] - X0, y[0] - Y0) == pytest.approx((450, 8), abs=0.2)
    assert got["location_precision"] == "block_face"
    assert got["address"] == "Main St"
    assert json.loads(got["areas"]) == {"district": "E"}
    assert got["location_source"] == "source"
    for name in ("status_notes", "agency_responsible", "geocode_method", "geocode_score", "geocode_radius_m"):
        assert got[name] is None


def test_what_a_block_face_shows_is_the_same_for_all_of_its_points() -> None:
    """A corner house's own street and number, or its side of a border, would tell which point of the face it is."""
    west = {"lat": _at(120, 10)[0], "long": _at(120, 10)[1], "address": "99 Oak Avenue"}
    east = {"lat": _at(170, 10)[0], "long": _at(170, 10)[1], "address": "4 Main St", "areas": '{"district": "W"}'}
    got = apply(_rows(west | {"service_code": "noise"}, east | {"service_code": "noise"}), _rules()).rows
    one, other = ({k: v for k, v in row.items() if k in ("lat", "long", "address", "areas")} for row in got.to_pylist())
    assert one == other


def test_area_keeps_its_own_code_and_no_other() -> None:
    got = _one({"service_code": "needle"})
    assert got["location_precision"] == "area"
    assert got["areas"] == '{"district": "E"}'
    assert got["address"] is got["status_notes"] is got["agency_responsible"] is None
    assert (got["lat"], got["long"]) in zip(_rules().centres.lat, _rules().centres.lon, strict=True)


def test_withheld_tells_nothing() -> None:
    got = _one({"service_code": "shelter"})
    assert got["lat"] is got["long"] is got["address"] is None
    assert got["areas"] == "{}"
    assert (got["location_precision"], got["location_source"]) == ("withheld", "none")
    assert got["location_note"] == "withheld"


def test_an_address_is_a_place_too() -> None:
    rows = [NOWHERE | {"service_code": code} for code in ("noise", "needle", "shelter")]
    got = apply(_rows(*rows), _rules()).rows
    assert got["location_precision"].to_pylist() == ["none"] * 3
    assert got["address"].to_pylist() == ["400 block of Main St", None, None]
    assert got["areas"].to_pylist() == ["{}", '{"district": "E"}', "{}"]
    odd = apply(_rows(rows[1] | {"areas": '{"district": "at Joe\'s"}'}), _rules()).rows
    assert odd["areas"].to_pylist() == ["{}"]


@pytest.mark.parametrize(
    ("address", "block"),
    [
        ("412 MAIN STREET, PORT ALDER, ME 00308", "400 block of Main St"),
        ("412-418 Main St.", "400 block of Main St"),
        ("12A Main St Apt 4", "1-99 block of Main St"),
        ("Intersection of Oak Avenue and Main St", "Oak Ave"),
        ("3 5th Avenue", "1-99 block of 5th Ave"),
        ("5th Ave", "5th Ave"),
        ("Mary Smith's house, 4 Main St", None),
        ("412 Unheard Of Rd", None),
        ("", None),
        (None, None),
    ],
)
def test_addresses_become_blocks(address: str | None, block: str | None) -> None:
    assert Streets(["Main St", "Oak Ave", "5th Ave", None, " "]).block(address) == block


def test_a_city_that_publishes_no_points_publishes_none() -> None:
    config = _config()
    shut = config.model_copy(update={"privacy": config.privacy.model_copy(update={"publish": ("address",)})})
    got = apply(_rows({}, {"service_code": "noise"}, NOWHERE), _rules(shut)).rows
    assert got["lat"].null_count == got["long"].null_count == 3
    assert got["location_precision"].to_pylist() == ["withheld", "withheld", "none"]
    assert set(got["location_note"].to_pylist()) == {"withheld"}
    assert got["address"].to_pylist() == ["412 Main Street, Apt 3", "Main St", "412 Main Street, Apt 3"]


def test_rules_are_made_from_what_the_store_holds() -> None:
    config, rules = _config(), _rules()
    lines = gpd.GeoDataFrame(
        {"kind": ["street"] * 3, "name": list(STREETS), "rank": [1] * 3},
        geometry=[LineString([(X0 + x, Y0 + y) for x, y in c]) for c in STREETS.values()],
        crs=CRS,
    ).to_crs("EPSG:4326")
    areas = rules.layers["district"][0].areas.assign(layer="district", population=None, valid_from=None, valid_to=None)
    built = rules_of(config, lines, areas)
    assert _one({"service_code": "noise"}, rules=built) == _one({"service_code": "noise"})
    assert list(built.layers) == ["district"]


# --- what was published before -------------------------------------------------------------------


def test_a_new_street_layer_gives_no_second_sample() -> None:
    for row in ({"service_code": "noise"}, {"service_code": "needle"}, NOWHERE | {"service_code": "noise"}):
        before = _one(row)
        moved = {"lat": _at(428, 14)[0], "long": _at(428, 14)[1]} if "lat" not in row else {}
        after = _one(row | moved, rules=_rules(shift=40), anchors=_anchored(row))
        for name in ("lat", "long", "areas", "address", "location_precision"):
            assert after[name] == before[name], name


def test_another_request_at_the_same_place_gets_the_published_face() -> None:
    anchors = _anchored({"service_code": "noise"})
    again = {"service_code": "noise", "service_request_id": "99"}
    got = apply(_rows(again), _rules(shift=40), anchors=anchors)
    assert got.rows["long"].to_pylist() == anchors.table["long"].to_pylist()
    assert len(got.anchors) == 1


def test_a_place_found_later_adds_nothing_to_the_block_told_before() -> None:
    anchors = _anchored(NOWHERE | {"service_code": "noise"})
    got = _one({"service_code": "noise"}, anchors=anchors)
    assert got["lat"] is None
    assert (got["location_precision"], got["address"]) == ("none", "400 block of Main St")


def test_a_place_far_away_is_a_new_fact() -> None:
    anchors = _anchored({"service_code": "noise"})
    far = {"service_code": "noise", "lat": _at(100, 195)[0], "long": _at(100, 195)[1]}
    got = apply(_rows(far), _rules(), anchors=anchors)
    assert got.rows["address"].to_pylist() == ["Elm St"]
    # going back finds the first place again
    both = Anchors(pa.concat_tables([anchors.table, got.anchors]))
    assert _one({"service_code": "noise"}, anchors=both, rules=_rules(shift=40)) == _one({"service_code": "noise"})


def test_a_stricter_policy_reaches_back_and_a_looser_one_does_not() -> None:
    row = {"service_code": "noise"}
    strict = _rules(_config(services={"noise": "area"}))
    loose = _rules(_config(services={"noise": "exact"}))
    assert _one(row, rules=strict, anchors=_anchored(row))["location_precision"] == "area"
    assert _one(row, rules=loose, anchors=_anchored(row)) == _one(row)
    both = Anchors(pa.concat_tables([_anchored(row).table, _anchored(row, rules=strict).table]))
    assert _one(row, anchors=both)["location_precision"] == "area"
    # nothing was told of what was withheld, so there is nothing to keep
    assert len(_anchored({"service_code": "shelter"}).table) == 0


def test_a_point_mended_onto_its_published_place_falls_a_level_for_good() -> None:
    row = {"service_code": "noise"}
    anchors = _anchored(row)
    onto = {"lat": anchors.lat[0] + 5e-6, "long": anchors.lon[0]}
    fell = apply(_rows(row | onto), _rules(), anchors=anchors)
    assert fell.rows["location_precision"].to_pylist() == ["area"]
    later = Anchors(pa.concat_tables([anchors.table, fell.anchors]))
    assert _one(row, anchors=later)["location_precision"] == "area"
    centre = {"lat": later.lat[1], "long": later.lon[1] + 5e-6}
    again = apply(_rows(row | centre), _rules(), anchors=later)
    assert again.rows["location_precision"].to_pylist() in (["withheld"], ["area"])


def test_anchors_have_one_schema_and_hold_what_was_published() -> None:
    got = apply(_rows({"service_code": "noise"}, {}, {"service_code": "needle"}), _rules())
    assert got.anchors.schema == ANCHORS
    kept = got.rows.take([0, 2])
    for name in ("service_request_id", "lat", "long", "areas", "address"):
        assert got.anchors[name].to_pylist() == kept[name].to_pylist()
    assert got.protected["service_request_id"].to_pylist() == ["0", "2"]


# --- changes -------------------------------------------------------------------------------------


def _changes(*rows: tuple[str, str, str | None, str | None]) -> pa.Table:
    names = ["service_request_id", "field", "old", "new"]
    return pa.Table.from_pylist([{"source": "calls", **dict(zip(names, row, strict=True))} for row in rows])


def test_a_service_of_the_past_still_protects() -> None:
    history = _changes(("0", "service_code", "needle", "pothole"), ("1", "service_group", "Housing", "Roads"),
                       ("2", "service_code", "pothole", "heat"))  # fmt: skip
    past = past_levels(history, _rules())
    assert past.to_pylist() == [
        {"source": "calls", "service_request_id": "0", "level": 2},
        {"source": "calls", "service_request_id": "1", "level": 1},
    ]
    got = apply(_rows({}, {}, {}), _rules(), past=past)
    assert got.rows["location_precision"].to_pylist() == ["area", "block_face", "exact"]


def test_changes_show_no_place_of_a_protected_request_and_no_free_text_of_anybody() -> None:
    changes = _changes(
        ("0", "lat", "42.1", "42.2"), ("0", "status", "open", "closed"), ("0", "ward", "1", "2"),
        ("0", "agency_responsible", "North", "South"), ("0", "geocode_score", "1", "2"),
        ("1", "address", "1 A St", "2 A St"), ("1", "status_notes", "a", "b"), ("1", "lat", "1", "2"),
        ("2", "service_code", "needle", "pothole"), ("2", "long", "1", "2"), ("3", "zip", "1", "2"),
    )  # fmt: skip
    protected = pa.table({"source": ["calls"], "service_request_id": ["0"]})
    got = public_changes(changes, [protected], _rules())
    assert [(r["service_request_id"], r["field"]) for r in got.to_pylist()] == [
        ("0", "status"), ("1", "address"), ("1", "lat"), ("2", "service_code"), ("3", "zip"),
    ]  # fmt: skip
    assert len(public_changes(changes.slice(0, 0), [], _rules())) == 0
