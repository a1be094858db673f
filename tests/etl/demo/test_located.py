"""The demo city through the ETL: what its source did not place is placed where it truly is."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import duckdb
import pytest

from etl.config import load_city
from etl.demo import DemoFiles
from etl.demo.plan import BITS
from etl.pipeline import Place, prepare, run
from etl.store.engine import open_store

NOW = dt.datetime(2026, 8, 1, tzinfo=dt.UTC)
METRES = """sqrt(pow((r.lat - t.lat) * 111194, 2) + pow((r.long - t.lon) * 111194 * cos(radians(t.lat)), 2))"""
UNPLACED = BITS["no_location"] | BITS["default_point"] | BITS["zero_point"] | BITS["outside_point"]
GARBLED = BITS["address_typo"] | BITS["address_block"]


@pytest.fixture(scope="module")
def both(demo: DemoFiles, tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    """The release's requests as ``r`` beside what is true of them, ``t``, joined as ``b`` with the error in metres."""
    folder: Path = tmp_path_factory.mktemp("located")
    config = load_city(demo.city)
    place = Place(config, open_store(f"sqlite:///{folder / 'store.sqlite'}"), folder / "releases")
    report = run(place, prepare(config, demo.city, {}), now=NOW)
    assert not report.defaults, "City Hall is listed in the demo's YAML"
    db = duckdb.connect()
    db.execute(
        f"""CREATE TABLE b AS SELECT r.*, t.dirt, {METRES} AS error_m
            FROM read_parquet(?) r JOIN read_parquet(?) t ON r.service_request_id = CAST(t.case_id AS VARCHAR)""",
        [str(folder / "releases" / str(report.release_id) / "requests.parquet"), str(demo.truth_requests)],
    )
    return db


def _one(db: duckdb.DuckDBPyConnection, sql: str) -> tuple[float, ...]:
    row = db.execute(sql).fetchone()
    assert row is not None
    return row


def test_what_has_an_address_and_no_place_is_placed(both: duckdb.DuckDBPyConnection) -> None:
    """But for names of large parks, which say too little to be drawn as a point."""
    located, rows = _one(
        both,
        f"""SELECT count(*) FILTER (location_source = 'geocoder'), count(*) FROM b
            WHERE dirt & {UNPLACED} > 0 AND dirt & {GARBLED} = 0 AND address IS NOT NULL
                  AND NOT (geocode_method IS NOT DISTINCT FROM 'place' AND location_source = 'none')""",
    )
    assert rows > 1000
    assert located >= 0.98 * rows
    garbled, rows = _one(
        both,
        f"""SELECT count(*) FILTER (location_source = 'geocoder'), count(*) FROM b
            WHERE dirt & {UNPLACED} > 0 AND dirt & {GARBLED} > 0 AND address IS NOT NULL""",
    )
    assert rows > 40 and garbled >= 0.8 * rows


def test_it_is_placed_where_it_truly_is(both: duckdb.DuckDBPyConnection) -> None:
    median, far, within = _one(
        both,
        """SELECT median(error_m), avg((error_m > 200)::INT), avg((error_m <= geocode_radius_m)::INT)
           FROM b WHERE location_source = 'geocoder'""",
    )
    assert median <= 15
    assert far <= 0.01
    assert within >= 0.93
    wrong, rows = _one(
        both,
        """SELECT count(*) FILTER (error_m > 200), count(*) FROM b
           WHERE location_source = 'geocoder' AND geocode_score >= 0.9""",
    )
    assert wrong <= 0.005 * rows


def test_swapped_coordinates_are_put_right(both: duckdb.DuckDBPyConnection) -> None:
    rows, error = _one(
        both, f"SELECT count(*), max(error_m) FROM b WHERE location_note = 'swapped' AND dirt & {BITS['gps_jitter']} = 0"
    )  # fmt: skip
    assert rows > 10 and error < 20
    left = _one(both, f"SELECT count(*) FROM b WHERE dirt & {BITS['swapped_point']} > 0 AND location_note <> 'swapped'")
    assert left == (0,)


def test_an_honest_point_is_rarely_doubted(both: duckdb.DuckDBPyConnection) -> None:
    doubted, rows = _one(
        both,
        f"""SELECT count(*) FILTER (flags LIKE '%location_contradicts_address%'), count(*) FROM b
            WHERE dirt & {UNPLACED} = 0 AND location_source = 'source'""",
    )
    assert doubted <= 0.002 * rows
