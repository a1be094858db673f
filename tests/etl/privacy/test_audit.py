"""The audit of places, and an attacker who joins a thousand releases of one city."""

from __future__ import annotations

import copy
import datetime as dt
import hashlib
import json
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pytest
from shapely import LineString, box

from etl.config import CityConfig
from etl.errors import ReleaseError
from etl.privacy.audit import AuditFigures, audit_locations, must_hold
from etl.privacy.locations import Anchors, LocationRules, apply, public_changes
from geo.boundaries import Vintage
from geo.crs import mercator_grid, to_wgs84
from geo.privacy import AREA, BLOCK_FACE, WITHHELD, generalise, metres_between
from geo.sorting import hilbert_key
from tests.etl.conftest import CITY

CRS = "EPSG:26986"
X0, Y0 = 234_000.0, 900_000.0
SIZE, BLOCK = 1200, 150
SERVICES = ("pothole", "noise", "needle", "shelter")
SCHEMA = pa.schema(
    [(n, pa.string()) for n in ("source", "service_request_id", "service_code", "service_group", "status")]
    + [(n, pa.string()) for n in ("status_notes", "agency_responsible", "address", "areas", "location_source")]
    + [(n, pa.string()) for n in ("location_note", "geocode_method", "geocode_address", "geocode_alternatives")]
    + [("nearest_address", pa.string()), ("geocode_score", pa.float64()), ("geocode_radius_m", pa.float64())]
    + [("lat", pa.float64()), ("long", pa.float64()), ("requested_datetime", pa.timestamp("s"))]
)


def _rules() -> LocationRules:
    config = copy.deepcopy(CITY)
    config["services"] = {code: {} for code in SERVICES}
    config["privacy"] = {
        "publish": ["address", "location", "agency_responsible", "status_notes"],
        "locations": {
            "services": {"noise": "block_face", "needle": "area", "shelter": "withheld"}, "area_layer": "district",
        },
    }  # fmt: skip
    steps = range(0, SIZE + 1, BLOCK)
    lines = {f"Street {i}": [(0, y), (SIZE, y)] for i, y in enumerate(steps)}
    lines |= {f"Avenue {i}": [(x, 0), (x, SIZE)] for i, x in enumerate(steps)}
    streets = gpd.GeoDataFrame(
        {"name": list(lines)}, geometry=[LineString([(X0 + x, Y0 + y) for x, y in c]) for c in lines.values()], crs=CRS
    )
    half = SIZE / 2 + 20
    quarters = [box(X0 + x, Y0 + y, X0 + x + half, Y0 + y + half) for x in (-40, half - 40) for y in (-40, half - 40)]
    areas = gpd.GeoDataFrame({"area": list("ABCD"), "name": list("ABCD")}, geometry=quarters, crs=CRS)
    layers = {"district": [Vintage("district", areas.to_crs("EPSG:4326"))]}
    return LocationRules(CityConfig.model_validate(config), streets, layers)


def _degrees(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return to_wgs84(x + X0, y + Y0, CRS)


def _city(rows: int, seed: int = 7) -> pa.Table:
    """Requests along the streets, three in five of them sensitive, each with its address and closing text."""
    random = np.random.default_rng(seed)
    lon, lat = _degrees(random.uniform(5, SIZE - 5, rows), random.uniform(5, SIZE - 5, rows))
    codes = random.choice(SERVICES, rows, p=[0.4, 0.35, 0.2, 0.05])
    numbers = random.integers(1, 900, rows)
    columns: dict[str, Any] = {
        "source": ["calls"] * rows,
        "service_request_id": [f"{i:05d}" for i in range(rows)],
        "service_code": codes,
        "service_group": pa.nulls(rows),
        "status": ["open"] * rows,
        "status_notes": [f"seen at {n} Street 1" for n in numbers],
        "agency_responsible": [f"Yard {n % 3}" for n in numbers],
        "address": [f"{n} Street {n % 8}" for n in numbers],
        "areas": [json.dumps({"ward": str(n % 9)}) for n in numbers],
        "location_source": ["source"] * rows,
        "location_note": pa.nulls(rows),
        "geocode_method": ["address_point"] * rows,
        "geocode_address": [f"{n} STREET {n % 8}" for n in numbers],
        "geocode_alternatives": [json.dumps([{"address": f"{n} COURT", "lat": 1.0, "long": 2.0}]) for n in numbers],
        "nearest_address": [f"{n} Street {n % 8}" for n in numbers],
        "geocode_score": numbers / 1000,
        "geocode_radius_m": numbers / 10,
        "lat": lat,
        "long": lon,
        "requested_datetime": [dt.datetime(2024, 1, 1 + i % 28) for i in range(rows)],
    }
    return pa.table([pa.array(columns[name], kind) for name, kind in zip(SCHEMA.names, SCHEMA.types, strict=True)],
                    schema=SCHEMA)  # fmt: skip


def _put(table: pa.Table, name: str, values: Any) -> pa.Table:
    at = table.column_names.index(name)
    return table.set_column(at, name, pa.array(values, table.schema.field(name).type))


def _release(rows: pa.Table) -> pa.Table:
    """What the publisher makes of applied rows: layer columns, grid positions, the order of the file."""
    lat, lon = rows["lat"].to_numpy(), rows["long"].to_numpy()
    placed = np.isfinite(lat)
    gx, gy = mercator_grid(np.where(placed, lon, 0), np.where(placed, lat, 0))
    key = np.where(placed, hilbert_key(gx, gy), np.uint64(2**64 - 1))
    areas = [json.loads(text) for text in rows["areas"].to_pylist()]
    for layer in ("district", "ward"):
        rows = rows.append_column(layer, pa.array([a.get(layer) for a in areas], pa.string()))
    rows = rows.append_column("gx", pa.array(gx, pa.uint32(), mask=~placed))
    rows = rows.append_column("gy", pa.array(gy, pa.uint32(), mask=~placed))
    order = np.lexsort((rows["service_request_id"].to_pylist(), key))
    rows = rows.take(pa.array(order)).drop_columns(["areas", "requested_datetime"])
    return rows.append_column("rid", pa.array(np.arange(len(rows)), pa.uint32()))


def _audited(change: Any = None) -> AuditFigures:
    rules, stored = _rules(), _city(400)
    applied = apply(stored, rules)
    release = _release(applied.rows)
    if change is not None:
        release = change(release, stored)
    halves = [release.slice(0, 150), release.slice(150)]
    return audit_locations([stored.slice(200), stored.slice(0, 200)], halves, rules, anchors=Anchors(applied.anchors))


# --- the figures ---------------------------------------------------------------------------------


def test_a_release_made_by_the_policy_holds() -> None:
    got = _audited()
    must_hold(got)
    assert got.violations() == 0
    assert set(got.sensitive) == {"block_face", "area", "withheld"}
    assert sum(got.sensitive.values()) == sum(got.published.values())
    assert got.closest_m is not None
    assert got.closest_m >= 2
    assert got.places > 50
    assert got.shared_min >= 1
    told = got.released()
    assert told["closest_m_at_least"] == int(got.closest_m)
    json.dumps(told)


def _with(name: str, pick: Any) -> Any:
    def change(release: pa.Table, stored: pa.Table) -> pa.Table:
        truth = dict(zip(stored["service_request_id"].to_pylist(), stored.to_pylist(), strict=True))
        rows = release.to_pylist()
        for row in rows:
            pick(row, truth[row["service_request_id"]])
        return pa.Table.from_pylist(rows, schema=release.schema)

    change.__name__ = name
    return change


def _true_point(row: dict[str, Any], truth: dict[str, Any]) -> None:
    if row["location_precision"] == "block_face":
        row["lat"], row["long"] = truth["lat"], truth["long"]


def _called_exact(row: dict[str, Any], _truth: dict[str, Any]) -> None:
    if row["service_code"] == "needle":
        row["location_precision"] = "exact"


def _from_true(field: str, *precisions: str) -> Any:
    def pick(row: dict[str, Any], truth: dict[str, Any]) -> None:
        if row["location_precision"] in precisions:
            row[field] = truth[field]

    return pick


def _ward(row: dict[str, Any], _truth: dict[str, Any]) -> None:
    if row["location_precision"] == "area":
        row["ward"] = "3"


def _grid(row: dict[str, Any], _truth: dict[str, Any]) -> None:
    if row["gx"] is not None:
        row["gx"] += 1


def _shuffled(release: pa.Table, _stored: pa.Table) -> pa.Table:
    return release.take(pa.array(np.random.default_rng(1).permutation(len(release))))


def _needless(row: dict[str, Any], _truth: dict[str, Any]) -> None:
    if row["service_code"] == "pothole":
        row["location_precision"] = "area"


def test_other_tables_name_no_sensitive_request() -> None:
    """Where an exact place may lie else is told; of a generalised one it would tell the true place's surroundings."""
    rules, stored = _rules(), _city(60)
    applied = apply(stored, rules)
    precision = applied.rows["location_precision"].to_pylist()
    keys = applied.rows.select(["source", "service_request_id"])
    exact = keys.filter(pa.array([p == "exact" for p in precision]))
    anchors = Anchors(applied.anchors)
    right = audit_locations([stored], [_release(applied.rows)], rules, anchors=anchors, exact_only={"near": exact})
    assert right.violations() == 0
    for other in ("block_face", "area", "withheld"):
        some = keys.filter(pa.array([p == other for p in precision]))
        assert len(some)
        leaky = {"near": pa.concat_tables([exact, some])}
        wrong = audit_locations([stored], [_release(applied.rows)], rules, anchors=anchors, exact_only=leaky)
        with pytest.raises(ReleaseError, match=f"near {len(some)}"):
            must_hold(wrong)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_with("true point", _true_point), "within 2 m of their true place"),
        (_with("true point", _true_point), "stand on no block face"),
        (_with("called exact", _called_exact), "more exact than the policy"),
        (_with("address", _from_true("address", "block_face")), "address"),
        (_with("withheld address", _from_true("address", "withheld")), "address"),
        (_with("text", _from_true("status_notes", "area")), "status_notes"),
        (_with("crew", _from_true("agency_responsible", "area")), "agency_responsible"),
        (_with("geocoder", _from_true("geocode_method", "block_face")), "geocode_method"),
        *(
            (_with(name, _from_true(name, precision)), name)
            for name in (
                "geocode_score",
                "geocode_radius_m",
                "geocode_address",
                "geocode_alternatives",
                "nearest_address",
            )
            for precision in ("block_face", "area", "withheld")
        ),
        (_with("ward", _ward), "ward"),
        (_with("grid", _grid), "map positions"),
        (_shuffled, "order"),
        (_with("needless", _needless), "no policy generalises"),
    ],
)
def test_whatever_tells_more_holds_the_release_back_in_one_line(change: Any, told: str) -> None:
    figures = _audited(change)
    with pytest.raises(ReleaseError, match=told) as caught:
        must_hold(figures)
    assert "\n" not in str(caught.value)
    assert figures.violations() > 0


def test_a_release_of_nothing_and_a_name_that_nobody_has() -> None:
    rules = _rules()
    got = audit_locations([], [], rules)
    must_hold(got)
    assert got.unheard_of == ("needle", "noise", "shelter")
    heard = audit_locations([_put(_city(9), "service_code", ["NOISE "] * 9)], [], rules)
    assert heard.unheard_of == ("needle", "shelter")
    assert got.released()["closest_m_at_least"] is None


# --- a thousand releases -------------------------------------------------------------------------

RELEASES, ROWS = 1000, 48
VIEW = ("lat", "long", "address", "district", "ward", "location_precision", "location_note", "location_source",
        "agency_responsible", "status_notes", "geocode_method", "geocode_score", "geocode_radius_m",
        "geocode_address", "geocode_alternatives", "nearest_address", "gx", "gy")  # fmt: skip


@dataclass
class Seen:
    """What an attacker has after all releases: a digest of each, and what was told of each sensitive request."""

    digests: list[str]
    told: dict[str, set[tuple[Any, ...]]]
    first: dict[str, tuple[float, float]]
    sums: dict[str, np.ndarray]
    changes: set[tuple[str, str]]


def _publish(base: pa.Table, rules: LocationRules, sensitive: np.ndarray) -> Seen:
    """A thousand nights: rows come, go and are reordered, are closed, edited and moved a little by their source."""
    random = np.random.default_rng(11)  # the same nights in every world
    anchors = Anchors.none()
    known = np.zeros(ROWS, dtype=bool)
    lat, lon = base["lat"].to_numpy(), base["long"].to_numpy()
    texts = base["status_notes"].to_pylist()
    seen = Seen([], {}, {}, {}, set())
    for night in range(RELEASES):
        present = np.flatnonzero((random.random(ROWS) < 0.8) & (np.arange(ROWS) < 24 + night))
        angle, reach = random.uniform(0, 2 * np.pi, ROWS), 4.5 * np.sqrt(random.random(ROWS))
        closed, edit = random.random(ROWS) < 0.5, random.integers(0, 99)
        new_lat = lat + np.where(known, reach * np.sin(angle) / 111_000, 0)
        new_lon = lon + np.where(known, reach * np.cos(angle) / 82_000, 0)
        rows = _put(_put(base, "lat", new_lat), "long", new_lon)
        rows = _put(rows, "status", np.where(closed, "closed", "open"))
        rows = _put(rows, "status_notes", [f"{edit} {text}" for text in texts])
        rows = rows.take(pa.array(random.permutation(present)))
        known[present] = True
        applied = apply(rows, rules, anchors=anchors)
        if len(applied.anchors):
            anchors = Anchors(pa.concat_tables([anchors.table, applied.anchors]))
        release = _release(applied.rows)
        mask = pa.array(sensitive[np.array([int(i) for i in release["service_request_id"].to_pylist()])])
        public = release.filter(mask)
        digest = hashlib.sha256(repr(public.to_pydict()).encode())
        moved = _moves(rows)
        told = public_changes(moved, [applied.protected], rules)
        digest.update(repr([r for r in told.to_pylist() if sensitive[int(r["service_request_id"])]]).encode())
        seen.changes |= {
            (r["service_request_id"], r["field"]) for r in told.to_pylist() if sensitive[int(r["service_request_id"])]
        }
        seen.digests.append(digest.hexdigest())
        columns = (public[name].to_pylist() for name in ("service_request_id", *VIEW))
        for key, *view in zip(*columns, strict=True):
            seen.told.setdefault(key, set()).add(tuple(view))
            if view[0] is not None:
                seen.first.setdefault(key, (view[1], view[0]))
                total = seen.sums.setdefault(key, np.zeros(3))
                total += (view[1], view[0], 1)
    return seen


def _moves(rows: pa.Table) -> pa.Table:
    """The night's true changes of a few requests, as the store's history has them."""
    some = rows.slice(0, 6)
    fields = ("lat", "long", "address", "status_notes", "status")
    found = [
        {"source": "calls", "service_request_id": row["service_request_id"], "field": name, "old": "x",
         "new": str(row[name])}
        for row in some.to_pylist() for name in fields
    ]  # fmt: skip
    return pa.Table.from_pylist(found)


@pytest.fixture(scope="module")
def worlds() -> tuple[pa.Table, np.ndarray, Seen, Seen]:
    """Two cities that differ only in where, within its face or area, each sensitive request truly is."""
    rules, base = _rules(), _city(ROWS)
    first = apply(base, rules)
    precision = np.array(first.rows["location_precision"].to_pylist())
    sensitive = precision != "exact"
    other = _elsewhere(base, rules, first.rows, sensitive)
    return base, sensitive, _publish(base, rules, sensitive), _publish(other, rules, sensitive)


def _elsewhere(base: pa.Table, rules: LocationRules, told: pa.Table, sensitive: np.ndarray) -> pa.Table:
    """Every sensitive request at another point that generalises to the same, with another address and text."""
    random = np.random.default_rng(5)
    lat, lon = base["lat"].to_numpy().copy(), base["long"].to_numpy().copy()
    new_lon, new_lat = _degrees(*random.uniform(5, SIZE - 5, (2, 30_000)))
    for service, level in (("noise", BLOCK_FACE), ("needle", AREA), ("shelter", WITHHELD)):
        got = generalise(
            new_lon, new_lat, np.full(new_lon.shape, level, np.int8), faces=rules.faces, areas=rules.centres,
            days=np.full(new_lon.shape, "2024-01-01", "datetime64[D]"),
        )  # fmt: skip
        for i in np.flatnonzero(np.array(base["service_code"].to_pylist()) == service):
            # rows that fell a level because they stand near a place are exchanged for others that fell
            same = got.precision == told["location_precision"][i].as_py()
            if told["lat"][i].is_valid:
                same &= (got.lon == told["long"][i].as_py()) & (got.lat == told["lat"][i].as_py())
            moved = metres_between(lon[i : i + 1], lat[i : i + 1], new_lon, new_lat) > 15
            at = np.flatnonzero(same & moved)[0]
            lat[i], lon[i] = new_lat[at], new_lon[at]
    other = _put(_put(base, "lat", lat), "long", lon)
    for name in ("address", "status_notes", "agency_responsible", "areas"):
        texts = np.array(base[name].to_pylist(), dtype=object)
        texts[sensitive] = random.permutation(texts[sensitive])
        other = _put(other, name, texts)
    return other


def test_no_attacker_can_tell_two_places_of_one_face_apart(worlds: tuple[pa.Table, np.ndarray, Seen, Seen]) -> None:
    """All that is published of sensitive requests in 1,000 releases is the same in both worlds, byte by byte:
    averages, joins, orders, changes and any cleverer attack start from equal data."""
    _, _, one, other = worlds
    assert len(one.digests) == RELEASES
    assert one.digests == other.digests


def test_a_thousand_releases_tell_what_one_tells(worlds: tuple[pa.Table, np.ndarray, Seen, Seen]) -> None:
    base, sensitive, seen, _ = worlds
    assert set(seen.told) == {f"{i:05d}" for i in np.flatnonzero(sensitive)}
    # one row of areas, address and place for each request, ever: nothing to intersect
    assert {len(views) for views in seen.told.values()} == {1}
    assert {field for _, field in seen.changes} == {"status"}
    lat, lon = base["lat"].to_numpy(), base["long"].to_numpy()
    for key, (x, y, n) in seen.sums.items():
        at = np.array([int(key)])
        single = metres_between(lon[at], lat[at], *(np.array([v]) for v in seen.first[key]))[0]
        averaged = metres_between(lon[at], lat[at], np.array([x / n]), np.array([y / n]))[0]
        assert averaged >= single - 1e-6
        assert single >= 2


def test_the_attack_would_find_places_that_noise_hides() -> None:
    """The power of the test above: averaging 1,000 noisy points of 200 m comes within a few metres."""
    random = np.random.default_rng(2)
    noisy = random.normal(0, 200, (1000, 2))
    assert np.hypot(*noisy.mean(axis=0)) < 25 < 0.2 * np.median(np.hypot(*noisy.T))
