"""Builds a small release by the contract of docs/architecture.md, without the ETL.

What is true of it: the layout, names, types, hashes and the chain are those of a published release, and
every derived column (`on_time`, `event`, `elapsed_*`, `month`, `gx`…) follows from the raw ones by the
contract's rules. What is not: the city is invented, streets are a grid, districts are rectangles, closing
times are drawn from a lognormal per service, and nothing was geocoded. No figure of it means anything.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import shutil
import struct
import tempfile
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import duckdb_extension_spatial
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from etl.publish.counting import write_counting
from tests import figures_factory, geocoder_factory, incident_factory

BBOX = (-71.20, 42.30, -71.00, 42.40)
ZONE = "America/New_York"
FIRST = datetime(2022, 1, 1, 5)
AS_OF = datetime(2025, 6, 20, 16)
NEW_DISTRICTS = date(2024, 1, 1)

# code, name, group, department, target hours, median hours, sigma, weight
SERVICES = [
    ("pothole", "Pothole repair", "Streets", "public_works", 72.0, 30.0, 1.2, 5),
    ("streetlight", "Street light out", "Streets", "public_works", 240.0, 120.0, 1.5, 4),
    ("graffiti", "Graffiti", "Cleanliness", "property", 120.0, 60.0, 1.8, 3),
    ("litter", "Litter, basket full", "Cleanliness", "public_works", 24.0, 10.0, 1.0, 5),
    ("parking", "Parking enforcement", "Vehicles", "transport", 24.0, 4.0, 0.8, 9),
    ("signal", "Traffic signal", "Vehicles", "transport", 24.0, 12.0, 1.4, 2),
    ("tree", "Tree request", "Parks", "parks", None, 2000.0, 1.6, 3),
    ("noise", "Noise", "Other", None, None, 3.0, 1.0, 2),
    ("rodent", "Rodent activity", "Housing", "inspection", 168.0, 90.0, 1.3, 2),
    ("=heating", "Heating <b>off</b>, 'urgent'", "Housing", "inspection", 24.0, 20.0, 1.1, 1),
]
DEPARTMENTS = {
    "public_works": "Public Works",
    "property": "Property Management",
    "transport": "Transport",
    "parks": "Parks & Recreation",
    "inspection": "Inspectional Services",
}
CHANNELS = {"app": "Mobile app", "phone": "Phone", "web": "Web form", "employee": "City worker"}
OUTCOMES = ["done", "no_action", "not_found", "duplicate", "referred", "unknown"]
ON_TIME = ["on_time", "late", "pending", "no_standard"]
WARDS = [str(n) for n in range(1, 8)]
DISTRICTS = [("1", "North"), ("2", "South"), ("3", "East"), ("4", "West")]
ENUMS = {
    "source": ["city_311"],
    "service_code": [s[0] for s in SERVICES],
    "service_group": sorted({s[2] for s in SERVICES}),
    "department": list(DEPARTMENTS),
    "agency_responsible": ["Contractor A", "Crew B"],
    "status": ["open", "closed"],
    "outcome": OUTCOMES,
    "channel": list(CHANNELS),
    "location_source": ["source", "geocoder", "none"],
    "location_note": ["sentinel", "outside_city", "missing", "withheld"],
    "location_precision": ["exact", "block_face", "area", "withheld", "none"],
    "on_time": ON_TIME,
    "district": [code for code, _ in DISTRICTS],
    "ward": WARDS,
}
PRIVACY = {
    "published": ["address", "location", "agency_responsible"],
    "locations": {
        "sensitive": {"block_face": 200, "area": 180, "withheld": 12}, "published": {"block_face": 200, "area": 180, "withheld": 12},
        "closest_m_at_least": 10, "places": 90, "true_places_per_published": {"min": 2, "median": 4.0},
        "policy_names_without_requests": [], "violations": 0,
    },
    "text": None,
}  # fmt: skip
PUBLISHED = (
    "source service_request_id service_code service_name service_group department agency_responsible status "
    "outcome channel requested_datetime updated_datetime expected_datetime closed_datetime requested_date "
    "address lat long location_source location_note location_precision geocode_method geocode_score geocode_radius_m district "
    "ward response_hours on_time flags synthetic"
).split()


def build_release(
    root: Path,
    rows: int = 5000,
    seed: int = 1,
    files: bool = True,
    geocoder: bool = False,
    change: Any = None,
    incidents: bool = False,
) -> Path:
    """Publish a release of `rows` requests under `root/releases` and promote it; returns its folder.

    Called again it publishes the next release of the chain. `files=False` leaves out requests.parquet
    (for benchmarks of many millions of rows): such a release is valid but for that one file. `geocoder` adds what a
    city with a geocoder publishes, `incidents` what is found by holding requests against one another, either of them
    the tables of figures too;
    `change(db)` may change the index before the files are written. One that was built before by the same words, on the
    same chain, is copied: it would be the same.
    """
    if change is not None or rows > LARGEST_KEPT:
        return _build(root, rows, seed, files, geocoder, change, incidents)
    releases = Path(root) / "releases"
    releases.mkdir(parents=True, exist_ok=True)
    chain_file = releases / "chain.jsonl"
    chain = chain_file.read_text() if chain_file.exists() else ""
    key = (chain, rows, seed, files, geocoder, incidents)
    if key not in _built:
        apart = Path(_apart()) / str(len(_built)) / "releases"
        apart.mkdir(parents=True)
        (apart / "chain.jsonl").write_text(chain)
        _built[key] = _build(apart.parent, rows, seed, files, geocoder, None, incidents)
    made = _built[key]
    folder = shutil.copytree(made, releases / made.name)
    chain_file.write_text((made.parent / "chain.jsonl").read_text())
    _promote(releases, made.name)
    return folder


LARGEST_KEPT = 8000
_built: dict[tuple[Any, ...], Path] = {}


@cache
def _apart() -> str:
    """A folder for what is copied; gone at the end."""
    folder = tempfile.mkdtemp(prefix="openward-factory-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _promote(releases: Path, release_id: str) -> None:
    link = releases / ".current"
    link.symlink_to(release_id)
    link.replace(releases / "current")


def _build(
    root: Path, rows: int, seed: int, files: bool, geocoder: bool, change: Any, incidents: bool
) -> Path:  # fmt: skip
    releases = Path(root) / "releases"
    releases.mkdir(parents=True, exist_ok=True)
    chain_file = releases / "chain.jsonl"
    chain = [json.loads(line) for line in chain_file.read_text().splitlines()] if chain_file.exists() else []
    created = datetime(2025, 6, 20, 18, tzinfo=UTC) + timedelta(days=len(chain))
    building = releases / ".building"
    building.mkdir()
    with duckdb.connect(str(building / "serve.duckdb")) as db:
        spatial = Path(duckdb_extension_spatial.__path__[0]) / "extensions" / f"v{duckdb.__version__}"
        db.execute(f"LOAD '{spatial / 'spatial.duckdb_extension'}'")
        _requests(db, rows, seed)
        _bins(db)
        _places(db)
        _small_tables(db)
        if geocoder:
            geocoder_factory.located(db)
        if incidents:
            incident_factory.linked(db)
        if geocoder or incidents:
            figures_factory.told(db, ["district", "ward"], AS_OF.date())
        if change is not None:
            change(db)
            if db.execute("SELECT max(rid) + 1 <> count(*) FROM requests").fetchone() == (True,):  # rows were taken out
                db.execute(
                    "CREATE OR REPLACE TABLE requests AS SELECT * REPLACE ((row_number() OVER () - 1)::UINTEGER AS rid) FROM requests"
                )
        counts = dict(
            zip(
                ("requests", "open", "located"),
                db.execute("SELECT count(*), count(*) FILTER (status = 'open'), count(lat) FROM requests").fetchall()[
                    0
                ],
                strict=True,
            )
        )
        more = ["geocode_address", "geocode_alternatives", "nearest_address"] if geocoder else []
        more += incident_factory.COLUMNS if incidents else []
        resources = _write_files(db, building, files, [*PUBLISHED, *more])
        if geocoder:
            resources += geocoder_factory.resources(db, building)
        previous = {k: chain[-1][k] for k in ("release_id", "sha256")} if chain else None
        digest = hashlib.sha256("".join(r["hash"] for r in resources).encode())
        digest.update((previous["sha256"] if previous else "").encode())
        release_id = f"{created:%Y%m%dT%H%M%SZ}-{digest.hexdigest()[:8]}"
        openward = {
            "release_id": release_id,
            "format": 1,
            "created": f"{created:%Y-%m-%dT%H:%M:%SZ}",
            "as_of": f"{AS_OF:%Y-%m-%dT%H:%M:%SZ}",
            "previous": previous,
            "city": _city(),
            "layers": [
                {"layer": "district", "title": "District", "plural": "Districts", "geometry": True,
                 "located_by": "boundary"},
                {"layer": "ward", "title": "Ward", "plural": "Wards", "geometry": False, "located_by": "source"},
            ],
            "channels": [{"channel": k, "title": v} for k, v in CHANNELS.items()],
            "counts": {**counts, "quarantined": 15, "withdrawn": 3},
            "standards": "config",
            "profile": {"city_311": {"rows": counts["requests"], "withdrawn": 3, "quarantined": 12}},
            "privacy": PRIVACY,
            "accepted": None,
        }  # fmt: skip
        if incidents:
            openward |= incident_factory.facts(db)
        if geocoder:
            openward["geocoder"] = geocoder_factory.ABOUT
        db.execute("CREATE TABLE meta (key VARCHAR, value VARCHAR)")
        db.executemany("INSERT INTO meta VALUES (?, ?)", [[k, json.dumps(v)] for k, v in openward.items()])
        db.execute("INSERT INTO meta SELECT 'bins', count(*)::VARCHAR FROM elapsed_bins")
        write_counting(db, building / "serve.counting", ["district", "ward"])
    openward["index"] = {
        "path": "serve.duckdb", "sha256": _sha256(building / "serve.duckdb"),
        "counting": "serve.counting", "counting_sha256": _sha256(building / "serve.counting"),
    }  # fmt: skip
    package = {
        "name": "testville-requests",
        "title": "Testville service requests",
        "created": openward["created"],
        "licenses": [openward["city"]["license"]],
        "resources": resources,
        "openward": openward,
    }
    (building / "datapackage.json").write_text(json.dumps(package, indent=1))
    folder = releases / release_id
    building.rename(folder)
    chain.append(
        {
            "release_id": release_id,
            "sha256": _sha256(folder / "datapackage.json"),
            "previous": previous["release_id"] if previous else None,
        }
    )
    chain_file.write_text("".join(json.dumps(line) + "\n" for line in chain))
    _promote(releases, release_id)
    return folder


def write_status(releases: Path, now: datetime, **changes: Any) -> Path:
    """Write status.json as the ETL does: a source that answered 12 minutes ago, and one that has not for two days."""
    requests = [
        _run(now - timedelta(minutes=12 + 60 * i), read=5000, new=12 * i, changed=3 * i, unchanged=5000 - 15 * i)
        if i % 4 != 3 else _run(now - timedelta(minutes=12 + 60 * i), status="unchanged")
        for i in range(20)
    ]  # fmt: skip
    survey = [_run(now - timedelta(hours=1 + 24 * i), status="unavailable") for i in range(2)]
    survey.append(_run(now - timedelta(hours=49), read=9, new=6, quarantined=3))
    document = {
        "written": _moment(now),
        "city": "testville",
        "release": None,
        "last_run": "published",
        "sources": [
            {
                "source": "city_311", "kind": "socrata", "state": "loaded", "as_of": _moment(now - timedelta(hours=3)),
                "loaded": _moment(now - timedelta(minutes=12)), "answered": _moment(now - timedelta(minutes=12)),
                "quarantined": 12, "reasons": {"requested_datetime_missing": 12}, "runs": requests,
            },
            {
                "source": "survey", "kind": "file", "state": "unavailable", "as_of": _moment(now - timedelta(hours=50)),
                "loaded": _moment(now - timedelta(hours=49)), "answered": _moment(now - timedelta(hours=49)),
                "quarantined": 3, "reasons": {"score_out_of_range": 2, "quite_new": 1}, "runs": survey,
            },
            {
                "source": "trees", "kind": "arcgis", "state": "never", "as_of": None, "loaded": None, "answered": None,
                "quarantined": 0, "reasons": {}, "runs": [],
            },
        ],
    }  # fmt: skip
    path = releases / "status.json"
    half = releases / ".status.json"
    half.write_text(json.dumps(document | changes))
    return half.replace(path)


def _run(started: datetime, status: str = "loaded", **counts: int) -> dict[str, Any]:
    told = ("read", "new", "changed", "unchanged", "stale", "quarantined", "withdrawn") if status == "loaded" else ()
    return {"started": _moment(started), "seconds": 41.5, "status": status, **{k: counts.get(k, 0) for k in told}}


def _moment(value: datetime) -> str:
    return f"{value:%Y-%m-%dT%H:%M:%SZ}"


def _city() -> dict[str, Any]:
    return {
        "id": "testville", "name": "Testville", "region": "MA", "timezone": ZONE, "crs": "EPSG:26986",
        "bbox": list(BBOX), "synthetic": True, "languages": ["en", "es"],
        "title": "Testville service requests", "contact": "data@example.org", "accent": "#0b5cad",
        "license": {"name": "CC0-1.0", "title": "CC0 1.0",
                    "path": "https://creativecommons.org/publicdomain/zero/1.0/"},
        "attribution": "Invented for tests",
    }  # fmt: skip


def _requests(db: duckdb.DuckDBPyConnection, rows: int, seed: int) -> None:
    """The raw columns by numpy, spatially sorted; what follows from them by SQL, as the contract says."""
    rng = np.random.default_rng(seed)
    weights = np.array([s[7] for s in SERVICES], float)
    service = rng.choice(len(SERVICES), rows, p=weights / weights.sum()).astype(np.int8)
    minutes = int((AS_OF - FIRST).total_seconds() // 60)
    requested = rng.integers(0, minutes, rows).astype(np.int32)
    median = np.array([s[5] for s in SERVICES])[service] * 60
    sigma = np.array([s[6] for s in SERVICES])[service]
    needed = np.maximum(1, np.exp(np.log(median) + sigma * rng.standard_normal(rows)))
    never = rng.random(rows) < 0.02
    closes = np.where(never, 1e9, requested + needed)
    closed = closes <= minutes
    contradictory = closed & (rng.random(rows) < 0.01)
    closes = np.where(contradictory, requested - 60, np.minimum(closes, 2e9)).astype(np.int32)

    # Clustered like a city, a third of it on shared addresses; 8% without a point.
    centers = rng.uniform(0.1, 0.9, (40, 2))
    xy = np.clip(centers[rng.integers(0, 40, rows)] + rng.normal(0, 0.06, (rows, 2)), 0.001, 0.999)
    shared = rng.random(rows) < 0.33
    addresses = rng.uniform(0.05, 0.95, (max(rows // 20, 5), 2))
    xy[shared] = addresses[rng.integers(0, len(addresses), shared.sum())]
    lon = np.round(BBOX[0] + xy[:, 0] * (BBOX[2] - BBOX[0]), 6)
    lat = np.round(BBOX[1] + xy[:, 1] * (BBOX[3] - BBOX[1]), 6)
    located = rng.random(rows) >= 0.08
    gx = np.floor((lon + 180) / 360 * 2**32).astype(np.uint32)
    gy = np.floor((1 - np.arcsinh(np.tan(np.radians(lat))) / np.pi) / 2 * 2**32).astype(np.uint32)
    order = np.argsort(np.where(located, _morton(gx, gy), np.uint64(2**64 - 1)), kind="stable")

    def nullable(values: Any, keep: Any, dtype: str) -> pd.Series:
        return pd.Series(values).where(pd.Series(keep)).astype(dtype).iloc[order].reset_index(drop=True)

    frame = pd.DataFrame(
        {
            "n": np.arange(rows, dtype=np.uint32)[order],
            "s": service[order],
            "req": requested[order],
            "clo": closes[order],
            "closed": closed[order],
            "contra": contradictory[order],
            "o": rng.choice(6, rows, p=[0.62, 0.12, 0.06, 0.08, 0.05, 0.07]).astype(np.int8)[order],
            "c": nullable(rng.choice(4, rows, p=[0.45, 0.3, 0.2, 0.05]), rng.random(rows) > 0.01, "Int8"),
            "lat": nullable(lat, located, "float64"),
            "long": nullable(lon, located, "float64"),
            "gx": nullable(gx, located, "UInt32"),
            "gy": nullable(gy, located, "UInt32"),
            "geocoded": (rng.random(rows) < 0.2)[order],
            "w": nullable(rng.integers(0, len(WARDS), rows), rng.random(rows) > 0.1, "Int8"),
            "a": nullable(rng.integers(0, 2, rows), rng.random(rows) > 0.5, "Int8"),
        }
    )
    services = pd.DataFrame(SERVICES, columns=["code", "name", "grp", "dept", "target", "m", "sg", "wt"])
    services["s"] = np.arange(len(services), dtype=np.int8)
    db.register("frame", frame)
    db.register("svc", services[["s", "code", "name", "grp", "dept", "target"]])
    enum = {k: "ENUM(" + ", ".join("'" + v.replace("'", "''") + "'" for v in vs) + ")" for k, vs in ENUMS.items()}

    def pick(name: str, index: str) -> str:
        values = ", ".join("'" + v.replace("'", "''") + "'" for v in ENUMS[name])
        return f"(['{values[1:-1]}'])[{index} + 1]::{enum[name]} AS {name}"

    west, south, east, north = BBOX
    db.execute(f"""
        CREATE TABLE requests AS
        WITH times AS (
            SELECT *, TIMESTAMP '{FIRST}' + to_minutes(req) AS requested,
                CASE WHEN closed THEN TIMESTAMP '{FIRST}' + to_minutes(clo) END AS closing,
                TIMESTAMP '{FIRST}' + to_minutes(req + (target * 60)::INTEGER) AS expected,
                (long - {west}) / {east - west} AS x, (lat - {south}) / {north - south} AS y
            FROM frame JOIN svc USING (s)
        ), located AS (
            SELECT *, timezone('{ZONE}', requested AT TIME ZONE 'UTC') AS local,
                timezone('{ZONE}', closing AT TIME ZONE 'UTC') AS local_closing
            FROM times
        )
        SELECT {pick("source", "0")}, 'R' || lpad(n::VARCHAR, 8, '0') AS service_request_id,
            code::{enum["service_code"]} AS service_code, name AS service_name,
            grp::{enum["service_group"]} AS service_group, dept::{enum["department"]} AS department,
            {pick("agency_responsible", "a")}, {pick("status", "closed::INTEGER")},
            CASE WHEN closed THEN ([{", ".join(f"'{o}'" for o in OUTCOMES)}])[o + 1] END::{enum["outcome"]} AS outcome,
            {pick("channel", "c")},
            requested AS requested_datetime, greatest(requested, coalesce(closing, requested)) AS updated_datetime,
            expected AS expected_datetime, closing AS closed_datetime, local::DATE AS requested_date,
            CASE WHEN lat IS NOT NULL THEN (1 + n % 200) || ' Main Street' END AS address, lat, long,
            CASE WHEN lat IS NULL THEN 'none' WHEN geocoded THEN 'geocoder' ELSE 'source' END
                ::{enum["location_source"]} AS location_source,
            CASE WHEN lat IS NOT NULL THEN CASE WHEN geocoded THEN 'sentinel' END WHEN code = '=heating' THEN 'withheld'
                WHEN n % 3 = 0 THEN 'sentinel' ELSE 'missing' END::{enum["location_note"]} AS location_note,
            CASE WHEN lat IS NULL AND code = '=heating' THEN 'withheld' WHEN lat IS NULL THEN 'none'
                WHEN code = 'rodent' THEN 'block_face' WHEN code = 'noise' THEN 'area' ELSE 'exact' END AS location_precision,
            CASE WHEN geocoded AND lat IS NOT NULL THEN 'address' END AS geocode_method,
            CASE WHEN geocoded AND lat IS NOT NULL THEN 0.9::DOUBLE END AS geocode_score,
            CASE WHEN geocoded AND lat IS NOT NULL THEN 15.0::DOUBLE END AS geocode_radius_m,
            CASE WHEN x IS NULL THEN NULL
                WHEN local::DATE < DATE '{NEW_DISTRICTS}' THEN least(floor(x * 4), 3)::INTEGER + 1
                ELSE floor(x * 2)::INTEGER + 2 * floor(y * 2)::INTEGER + 1 END::VARCHAR::{enum["district"]} AS district,
            {pick("ward", "w")},
            CASE WHEN closed AND NOT contra THEN (clo - req) / 60.0 END AS response_hours,
            CASE WHEN target IS NULL THEN 'no_standard'
                WHEN closing <= expected THEN 'on_time'
                WHEN closing > expected OR expected < TIMESTAMP '{AS_OF}' THEN 'late'
                ELSE 'pending' END::{enum["on_time"]} AS on_time,
            CASE WHEN contra THEN 'closed_before_requested' END AS flags, TRUE AS synthetic,
            (row_number() OVER () - 1)::UINTEGER AS rid,
            ((year(local) - 1970) * 12 + month(local) - 1)::USMALLINT AS month,
            ((year(local_closing) - 1970) * 12 + month(local_closing) - 1)::USMALLINT AS closed_month,
            CASE WHEN contra THEN NULL ELSE closed END AS event,
            CASE WHEN contra THEN NULL WHEN closed THEN clo - req
                ELSE date_diff('minute', requested, TIMESTAMP '{AS_OF}') END::INTEGER AS elapsed_minutes,
            0::USMALLINT AS elapsed_bin, gx, gy
        FROM located ORDER BY rid""")
    steps = pd.DataFrame({"m": np.arange(bin_edges()[-1]), "b": 0})
    steps["b"] = np.searchsorted(bin_edges(), steps["m"], side="right") - 1
    db.register("steps", steps)
    db.execute("CREATE TABLE bins_of AS SELECT m::INTEGER AS m, b::USMALLINT AS b FROM steps")
    db.execute("UPDATE requests SET elapsed_bin = b FROM bins_of WHERE m = elapsed_minutes")
    db.execute("UPDATE requests SET elapsed_bin = NULL WHERE elapsed_minutes IS NULL")
    db.execute("DROP TABLE bins_of")
    for name, kind, of in (
        ("elapsed_key", "INTEGER", "elapsed_minutes"),
        ("elapsed_code", "USMALLINT", "elapsed_bin"),
        ("elapsed_coarse", "USMALLINT", "elapsed_bin // 6"),
    ):
        db.execute(f"ALTER TABLE requests ADD COLUMN {name} {kind}")
        db.execute(f"UPDATE requests SET {name} = 2 * ({of}) + event::INTEGER")
    db.execute("""CREATE TABLE facets AS
        SELECT (row_number() OVER (ORDER BY status, outcome, on_time, minor) - 1)::USMALLINT AS facet,
            status, outcome, on_time, location_source, excluded
        FROM (SELECT DISTINCT status, outcome, on_time FROM requests)
        CROSS JOIN (VALUES (0, 'source', FALSE), (1, 'source', TRUE), (2, 'geocoder', FALSE), (3, 'geocoder', TRUE),
            (4, 'none', FALSE), (5, 'none', TRUE), (6, NULL, FALSE), (7, NULL, TRUE))
            AS minors (minor, location_source, excluded)""")
    db.execute("ALTER TABLE requests ADD COLUMN facet USMALLINT")
    db.execute("""UPDATE requests SET facet = f.facet FROM facets f WHERE f.status = requests.status
        AND f.outcome IS NOT DISTINCT FROM requests.outcome AND f.on_time IS NOT DISTINCT FROM requests.on_time
        AND f.location_source = requests.location_source::VARCHAR AND f.excluded = (requests.elapsed_bin IS NULL)""")
    db.execute("""CREATE TABLE map_cells AS
        SELECT (row_number() OVER () - 1)::UINTEGER AS cell, any_value(gx >> 16) AS c, any_value(gy >> 16) AS r,
            avg(gx) AS gx, avg(gy) AS gy FROM requests WHERE gx IS NOT NULL GROUP BY gx >> 16, gy >> 16""")
    db.execute("ALTER TABLE requests ADD COLUMN cell UINTEGER")
    db.execute(
        "UPDATE requests SET cell = m.cell FROM map_cells m WHERE m.c = requests.gx >> 16 AND m.r = requests.gy >> 16"
    )
    db.execute("ALTER TABLE map_cells DROP c")
    db.execute("ALTER TABLE map_cells DROP r")
    db.unregister("frame")
    db.execute("CHECKPOINT")


def bin_edges() -> list[int]:
    """Lower edges of elapsed_bins in minutes, and the end of the last."""
    edges = list(range(121))
    while edges[-1] < 5 * 366 * 1440:
        edges.append(max(edges[-1] + 1, int(edges[-1] * 1.01)))
    return edges


def _bins(db: duckdb.DuckDBPyConnection) -> None:
    edges = bin_edges()
    bins = pd.DataFrame({"bin": range(len(edges) - 1), "lo": edges[:-1], "hi": edges[1:]})
    db.execute("""CREATE TABLE elapsed_bins AS SELECT bin::USMALLINT AS bin, lo::INTEGER AS from_minutes,
        hi::INTEGER AS to_minutes, (bin // 6)::USMALLINT AS coarse FROM bins""")
    assert len(bins) < 65536


def _morton(gx: Any, gy: Any) -> Any:
    def spread(v: Any) -> Any:
        v = v.astype(np.uint64)
        for shift, mask in ((16, 0x0000FFFF0000FFFF), (8, 0x00FF00FF00FF00FF), (4, 0x0F0F0F0F0F0F0F0F),
                            (2, 0x3333333333333333), (1, 0x5555555555555555)):  # fmt: skip
            v = (v | (v << np.uint64(shift))) & np.uint64(mask)
        return v

    return spread(gx) | (spread(gy) << np.uint64(1))


def _places(db: duckdb.DuckDBPyConnection) -> None:
    """Districts (old stripes, new quarters), wards without geometry, a grid of streets, a lake, a park."""
    w, s, e, n = BBOX
    rows = []
    for i, (code, name) in enumerate(DISTRICTS):
        step = (e - w) / 4
        rows.append((code, name, None, NEW_DISTRICTS, False, (w + i * step, s, w + (i + 1) * step, n)))
        cx, cy = (w + e) / 2, (s + n) / 2
        quarter = ((w, s, cx, cy), (cx, s, e, cy), (w, cy, cx, n), (cx, cy, e, n))[i]
        rows.append((code, name, NEW_DISTRICTS, None, True, quarter))
    db.execute("""CREATE TABLE areas (layer VARCHAR, area VARCHAR, name VARCHAR, valid_from DATE, valid_to DATE,
        population INTEGER, current BOOLEAN, geom_3857 GEOMETRY, geom_4326 GEOMETRY)""")
    for code, name, start, end, current, box in rows:
        db.execute(
            """INSERT INTO areas SELECT 'district', ?, ?, ?, ?, 25000, ?,
            ST_Transform(ST_MakeEnvelope(?, ?, ?, ?), 'EPSG:4326', 'EPSG:3857', always_xy := true),
            ST_MakeEnvelope(?, ?, ?, ?)""",
            [code, name, start, end, current, *box, *box],
        )
    db.executemany(
        "INSERT INTO areas VALUES ('ward', ?, ?, NULL, NULL, NULL, TRUE, NULL, NULL)",
        [[ward, f"Ward {ward}"] for ward in WARDS],
    )
    shapes: list[tuple[str, str, int, str]] = []
    for i in range(41):
        x, y = w + (e - w) * i / 40, s + (n - s) * i / 40
        rank = 1 if i % 20 == 0 else 2 if i % 10 == 0 else 3 if i % 5 == 0 else 4
        shapes.append(("street", f"{i} Avenue", rank, f"LINESTRING ({x} {s}, {x} {n})"))
        shapes.append(("street", f"{i} Street", rank, f"LINESTRING ({w} {y}, {e} {y})"))
    shapes.append(("water", "Mirror Lake", 1, f"POLYGON (({w} {s}, {w + 0.02} {s}, {w} {s + 0.02}, {w} {s}))"))
    shapes.append(("park", "Common", 2, f"POLYGON (({e} {n}, {e - 0.01} {n}, {e} {n - 0.01}, {e} {n}))"))
    db.execute("CREATE TEMP TABLE shapes (kind VARCHAR, name VARCHAR, rank INTEGER, wkt VARCHAR)")
    db.executemany("INSERT INTO shapes VALUES (?, ?, ?, ?)", shapes)
    db.execute("""CREATE TABLE basemap AS
        SELECT kind, name, rank, geom_3857, ST_XMin(geom_3857) AS minx, ST_YMin(geom_3857) AS miny,
            ST_XMax(geom_3857) AS maxx, ST_YMax(geom_3857) AS maxy
        FROM (SELECT *, ST_Transform(ST_GeomFromText(wkt), 'EPSG:4326', 'EPSG:3857', always_xy := true) AS geom_3857
              FROM shapes) ORDER BY minx, miny""")


def _small_tables(db: duckdb.DuckDBPyConnection) -> None:
    db.execute("""CREATE TABLE services (service_code VARCHAR, service_name VARCHAR, service_group VARCHAR,
        department VARCHAR, target_hours DOUBLE)""")
    db.executemany("INSERT INTO services VALUES (?, ?, ?, ?, ?)", [list(s[:5]) for s in SERVICES])
    db.execute("CREATE TABLE departments (department VARCHAR, name VARCHAR)")
    db.executemany("INSERT INTO departments VALUES (?, ?)", [list(d) for d in DEPARTMENTS.items()])
    db.execute("CREATE TABLE exclusions (kind VARCHAR, reason VARCHAR, source VARCHAR, rows BIGINT)")
    db.execute("""INSERT INTO exclusions VALUES ('quarantined', 'requested_datetime_missing', 'city_311', 12),
        ('quarantined', 'score_out_of_range', 'survey', 3), ('withdrawn', 'withdrawn_by_source', 'city_311', 3)""")
    db.execute("""INSERT INTO exclusions SELECT 'flagged', flags, 'city_311', count(*) FROM requests
        WHERE flags IS NOT NULL GROUP BY ALL""")
    db.execute("""INSERT INTO exclusions SELECT 'not_located', location_note, 'city_311', count(*) FROM requests
        WHERE lat IS NULL GROUP BY ALL""")
    db.execute("""CREATE TABLE changes (source VARCHAR, service_request_id VARCHAR, field VARCHAR, old VARCHAR,
        new VARCHAR, first_seen TIMESTAMP, cause VARCHAR)""")
    db.execute("""CREATE TABLE retroactive_edits AS
        SELECT source::VARCHAR AS source, service_request_id,
            CASE WHEN rid % 2 = 0 THEN 'closed_datetime' ELSE 'requested_datetime' END AS field,
            CASE WHEN rid % 3 = 0 THEN 'removed' WHEN rid % 2 = 0 THEN 'backdated' ELSE 'moved' END AS edit,
            CASE WHEN rid % 3 = 0 OR rid % 2 = 1 THEN requested_datetime END AS old,
            CASE WHEN rid % 3 <> 0 THEN requested_datetime - to_hours(rid::INTEGER + 1) END AS new,
            CASE WHEN rid % 3 <> 0 THEN -(rid + 1.0)::DOUBLE END AS moved_hours, NULL::TIMESTAMP AS last_seen,
            requested_datetime + INTERVAL 30 DAY AS first_seen, 'source' AS cause
        FROM requests WHERE rid < 30 ORDER BY service_request_id""")
    db.execute("""CREATE TABLE withdrawn AS
        SELECT 'city_311' AS source, 'W' || n AS service_request_id, 'litter' AS service_code,
            'Litter, basket full' AS service_name, TIMESTAMP '2025-01-02 15:00' AS requested_datetime,
            TIMESTAMP '2025-02-02 15:00' AS withdrawn_datetime FROM range(3) t(n)""")
    db.execute("""CREATE TABLE measures AS SELECT 'survey' AS source, 'answered_in_30s' AS measure, 'city' AS department,
        DATE '2025-05-01' AS period_start, DATE '2025-06-01' AS period_end, 'Calls answered in 30 seconds' AS measure_name,
        91.5::DOUBLE AS value, 90.0::DOUBLE AS target, 'higher' AS direction, 'percent' AS unit, 4000::BIGINT AS responses""")
    db.execute("""CREATE TABLE feedback AS SELECT 'survey' AS source, 'F' || n AS feedback_id, 'parks' AS department,
        'main' AS counter, 'web' AS channel, TIMESTAMP '2025-05-03 15:00' AS received_datetime, (n * 20.0)::DOUBLE AS score
        FROM range(6) t(n)""")


def _write_files(
    db: duckdb.DuckDBPyConnection, folder: Path, files: bool, published: list[str]
) -> list[dict[str, Any]]:
    geometries = {
        "requests": f"SELECT {', '.join(published)}, CASE WHEN lat IS NOT NULL THEN "
        "ST_AsWKB(ST_Point(long, lat)) END::BLOB AS geometry FROM requests ORDER BY rid",
        "areas": "SELECT layer, area, name, valid_from, valid_to, population, ST_AsWKB(geom_4326)::BLOB AS geometry "
        "FROM areas",
        "basemap": "SELECT kind, name, rank, ST_AsWKB(ST_Transform(geom_3857, 'EPSG:3857', 'EPSG:4326', "
        "always_xy := true))::BLOB AS geometry FROM basemap",
        "services": "FROM services",
        "departments": "FROM departments",
        "changes": "FROM changes",
        "retroactive_edits": "FROM retroactive_edits",
        "withdrawn": "FROM withdrawn",
        "measures": "FROM measures",
        "feedback": "FROM feedback",
        "exclusions": "FROM exclusions",
    }
    there = {name for (name,) in db.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    geometries |= {name: f"FROM {name}" for name in ("incidents", *figures_factory.NAMES) if name in there}
    resources = []
    for name, sql in geometries.items():
        if name == "requests" and not files:
            continue
        reader = db.execute(sql).to_arrow_reader(100_000)
        types = {field.name: str(field.type) for field in reader.schema}
        schema, path, count = reader.schema, folder / f"{name}.parquet", 0
        if "geometry" in types:
            geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {
                "geometry": {"encoding": "WKB", "geometry_types": []}}}  # fmt: skip
            schema = schema.with_metadata({"geo": json.dumps(geo)})
        with pq.ParquetWriter(path, schema) as writer:
            for batch in reader:
                count += batch.num_rows
                writer.write_table(pa.Table.from_batches([batch]).cast(schema))
        resources.append(
            {
                "name": name, "path": path.name, "title": name.capitalize(), "description": f"All {name}.",
                "format": "parquet", "mediatype": "application/vnd.apache.parquet",
                "bytes": path.stat().st_size, "hash": "sha256:" + _sha256(path), "rows": count,
                "schema": {"fields": [_field(column, kind) for column, kind in types.items()]},
            }
        )  # fmt: skip
    if not files:
        resources.insert(
            0,
            {
                "name": "requests", "path": "requests.parquet", "hash": "sha256:" + "0" * 64,
                "schema": {"fields": [{"name": name, "type": "string"} for name in published]},
            },
        )  # fmt: skip
    return resources


def _field(name: str, arrow: str) -> dict[str, Any]:
    kinds = {"double": "number", "int32": "integer", "int64": "integer", "bool": "boolean", "date32[day]": "date",
             "timestamp[us]": "datetime", "binary": "string"}  # fmt: skip
    field: dict[str, Any] = {"name": name, "type": kinds.get(arrow, "string"), "title": name.replace("_", " "),
                             "description": f"The {name.replace('_', ' ')}."}  # fmt: skip
    if name in ENUMS and name not in ("service_code", "district", "ward"):
        field["constraints"] = {"enum": ENUMS[name]}
    if name == "response_hours":
        field["unit"] = "h"
    return field


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def wkb_point(long: float, lat: float) -> bytes:
    """Little-endian WKB of a point."""
    return struct.pack("<BIdd", 1, 1, long, lat)
