"""The demo's requests: the same for a seed, as dirty as stated, and with the planted effects in them."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from etl.config import load_city
from etl.demo import DemoFiles, generate
from etl.demo.plan import COMPOSITION_DISTRICT, DIRT, REPORTING_RATES, WORSE_DISTRICT
from etl.demo.services import DEPARTMENTS, SERVICES

REQUESTS = 30_000  # as in conftest.py
HOURS = "(epoch(closed_utc) - epoch(opened_utc)) / 3600"


def file_bytes(folder: Path) -> dict[str, bytes]:
    """Every file of ``folder`` but the GeoPackage, whose header holds the time of writing."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".gpkg")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_a_seed_always_gives_the_same_bytes_and_another_seed_others(demo: DemoFiles, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    generate(tmp_path / "again", requests=REQUESTS, seed=7)
    generate(tmp_path / "other", requests=500, seed=8, progress=lambda done, total: seen.append((done, total)))
    first = file_bytes(demo.city.parent)
    assert first == file_bytes(tmp_path / "again")
    other = file_bytes(tmp_path / "other")
    assert first.keys() == other.keys()
    same_for_any_seed = {name for name in first if first[name] == other[name]}
    assert same_for_any_seed <= {"demo.yaml", "water.geojson", "land.geojson"}
    assert seen[-1] == (500, 500)


def test_no_requests_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        generate(tmp_path, requests=0)


def test_the_configuration_says_what_the_simulation_does(demo: DemoFiles) -> None:
    config = load_city(demo.city)
    assert config.city.synthetic
    assert {code: d.name for code, d in config.departments.items()} == DEPARTMENTS
    assert len(DEPARTMENTS) == 8 and len(SERVICES) == 40
    stated = {code: (s.name, s.group, s.department, s.target_hours) for code, s in config.services.items()}
    assert stated == {s.code: (s.name, s.group, s.department, s.target_hours) for s in SERVICES}
    for layer in config.layers:
        assert all((demo.city.parent / file.path).exists() for file in layer.files)
    assert all((demo.city.parent / file.path).exists() for file in config.basemap)
    assert demo.city.parent / str(config.sources["requests"].connection.path) == demo.requests


def test_every_column_of_the_configuration_is_in_the_file(demo: DemoFiles, tables: duckdb.DuckDBPyConnection) -> None:
    header = {row[0] for row in tables.sql("DESCRIBE r").fetchall()}
    assert set(load_city(demo.city).sources["requests"].source_columns()) <= header


def test_statuses_and_channels_are_mapped_but_for_the_unknown_one(
    demo: DemoFiles, tables: duckdb.DuckDBPyConnection
) -> None:
    source = load_city(demo.city).sources["requests"]
    channels = {row[0] for row in tables.sql("SELECT DISTINCT lower(trim(CHANNEL)) FROM r").fetchall()}
    assert channels <= set(source.channels)
    statuses = {row[0] for row in tables.sql("SELECT DISTINCT lower(trim(STATUS)) FROM r").fetchall()}
    assert statuses - set(source.statuses) <= {"pending migration"}


def test_truth_has_a_row_for_each_record_with_its_id(tables: duckdb.DuckDBPyConnection) -> None:
    rows, same, missing = tables.sql(
        """SELECT count(*), count(*) FILTER (CAST(r.CASE_ID AS BIGINT) = t.case_id AND r.SERVICE_CODE = t.service_code),
                  count(*) FILTER (r.CASE_ID IS NULL) FROM r JOIN t USING (row)"""
    ).fetchone() or (0, 0, 0)
    assert rows == REQUESTS == same + missing
    assert 0 < missing < 40


def test_the_outcome_rules_read_the_true_outcome_from_every_note(
    demo: DemoFiles, tables: duckdb.DuckDBPyConnection
) -> None:
    rules = load_city(demo.city).sources["requests"].outcomes
    notes = tables.sql("SELECT DISTINCT CLOSURE_NOTE, outcome FROM r JOIN t USING (row) WHERE CLOSURE_NOTE IS NOT NULL")
    for note, outcome in notes.fetchall():
        read = next((rule.outcome for rule in rules if re.search(rule.match, note)), "unknown")
        assert read == outcome, note


def test_clean_records_say_the_true_times_in_local_clock(tables: duckdb.DuckDBPyConnection) -> None:
    wrong = tables.sql(
        """SELECT count(*) FROM r JOIN t USING (row) WHERE r.OPENED NOT LIKE '____-%'
           AND try_strptime(r.OPENED, '%m/%d/%Y %I:%M:%S %p') IS NOT NULL
           AND month(opened_utc) IN (6, 7)
           AND strptime(r.OPENED, '%m/%d/%Y %I:%M:%S %p') + INTERVAL 4 HOUR <> opened_utc"""
    ).fetchone()
    assert wrong == (0,)


def test_what_is_open_is_what_closes_after_the_extract(tables: duckdb.DuckDBPyConnection) -> None:
    as_of = "TIMESTAMP '2026-07-01 04:00:00'"
    wrong = tables.sql(
        f"""SELECT count(*) FROM r JOIN t USING (row)
            WHERE (r.CLOSED IS NULL) <> coalesce(closed_utc > {as_of}, true)"""
    ).fetchone() or (0,)
    share = tables.sql("SELECT avg(open_at_as_of::INT) FROM t").fetchone() or (0,)
    conflicting = tables.sql(f"SELECT count(*) FROM t WHERE dirt & {1 << list(DIRT).index('copy_conflicting')} > 0")
    assert wrong[0] <= (conflicting.fetchone() or (0,))[0]
    assert 0.02 < share[0] < 0.08


def test_the_really_worse_district_takes_its_factor_within_services(tables: duckdb.DuckDBPyConnection) -> None:
    ratio = _within_services(tables)
    assert ratio[WORSE_DISTRICT] == pytest.approx(1.6, abs=0.12)
    others = [ratio[d] for d in range(1, 10) if d != WORSE_DISTRICT]
    assert np.allclose(others, 1.0, atol=0.09)


def test_the_composition_district_looks_bad_and_is_not(tables: duckdb.DuckDBPyConnection) -> None:
    raw = dict(tables.sql(f"SELECT district, median({HOURS}) FROM t GROUP BY 1").fetchall())
    ordinary = [hours for d, hours in raw.items() if d not in (WORSE_DISTRICT, COMPOSITION_DISTRICT)]
    assert raw[COMPOSITION_DISTRICT] > 1.3 * float(np.median(ordinary))
    assert _within_services(tables)[COMPOSITION_DISTRICT] == pytest.approx(1.0, abs=0.09)


def _within_services(tables: duckdb.DuckDBPyConnection) -> dict[int, float]:
    """District -> geometric mean of its services' mean log hours against the other places', own closings."""
    rows = tables.sql(
        f"""WITH own AS (SELECT *, ln({HOURS}) AS h FROM t WHERE process = 'own' AND closed_utc IS NOT NULL),
                 usual AS (SELECT service_code, avg(h) AS h FROM own WHERE factor = 1 GROUP BY 1)
            SELECT district, avg(own.h - usual.h) FROM own JOIN usual USING (service_code) GROUP BY 1"""
    ).fetchall()
    return {district: math.exp(gap) for district, gap in rows}


def test_some_neighborhoods_report_the_same_thing_three_times_as_often(
    tables: duckdb.DuckDBPyConnection, facts: dict[str, Any]
) -> None:
    code = {name: code for code, name in facts["neighborhoods"].items()}
    many = tuple(code[name] for name in REPORTING_RATES)
    rate = dict(
        tables.sql(
            f"""SELECT neighborhood IN {many}, count(*) FILTER (process <> 'own') / count(*) FILTER (process = 'own')
                FROM t GROUP BY 1"""
        ).fetchall()
    )
    assert rate[True] / rate[False] == pytest.approx(3.0, rel=0.12)


def test_further_reports_are_at_the_place_and_after_the_first(tables: duckdb.DuckDBPyConnection) -> None:
    wrong = tables.sql(
        """SELECT count(*) FROM t JOIN (SELECT DISTINCT ON (case_id) * FROM t) f ON t.incident = f.case_id
           WHERE t.place <> f.place OR t.service_code <> f.service_code OR t.opened_utc < f.opened_utc
              OR t.opened_utc > f.closed_utc OR f.process <> 'own'"""
    ).fetchone()
    repeats = tables.sql(
        """SELECT count(*), min(t.opened_utc - f.closed_utc), max(t.opened_utc - f.closed_utc)
           FROM t JOIN (SELECT DISTINCT ON (case_id) * FROM t) f ON t.repeat_of = f.case_id"""
    ).fetchone()
    assert wrong == (0,)
    assert repeats is not None and repeats[0] > 100
    assert repeats[1].total_seconds() > 0 and repeats[2].days < 14


def test_hours_to_close_follow_the_stated_distribution(
    tables: duckdb.DuckDBPyConnection, facts: dict[str, Any]
) -> None:
    """The share below the stated quantile, over all services at once, is the quantile's."""
    for percent in ("50", "75", "90"):
        limits = ",".join(f"('{c}', {s['quantile_hours'][percent]})" for c, s in facts["services"].items())
        share = tables.sql(
            f"""SELECT avg(({HOURS} <= q * factor)::INT) FROM t JOIN (VALUES {limits}) v(service_code, q)
                USING (service_code) WHERE process = 'own' AND closed_utc IS NOT NULL"""
        ).fetchone() or (0,)
        assert share[0] == pytest.approx(int(percent) / 100, abs=0.01)


@pytest.mark.parametrize(
    "kind", ["no_location", "default_point", "zero_point", "swapped_point", "outside_point", "iso_opened",
             "unknown_status", "copy_identical", "copy_conflicting", "missing_id", "unparseable_opened"]
)  # fmt: skip
def test_dirt_is_there_in_its_stated_share(facts: dict[str, Any], kind: str) -> None:
    expected = DIRT[kind] * REQUESTS
    assert abs(facts["dirt"][kind]["rows"] - expected) < 4.5 * math.sqrt(expected) + 2


def test_the_bits_name_what_the_record_shows(tables: duckdb.DuckDBPyConnection, facts: dict[str, Any]) -> None:
    def rows(kind: str, condition: str) -> tuple[int, int]:
        bit = facts["dirt"][kind]["bit"]
        found = tables.sql(
            f"SELECT count(*), count(*) FILTER ({condition}) FROM r JOIN t USING (row) WHERE dirt & {bit} > 0"
        ).fetchone()
        assert found is not None and found[0] > 0, kind
        return found

    other = sum(facts["dirt"][kind]["bit"] for kind in ("iso_opened", "unparseable_opened", "copy_conflicting"))
    parsed = "try_strptime({}, '%m/%d/%Y %I:%M:%S %p')"
    for kind, condition in (
        ("no_location", "r.LAT IS NULL AND r.LON IS NULL"),
        ("default_point", "r.LAT = '43.390400' AND r.LON = '-70.371700'"),
        ("zero_point", "r.LAT = '0.0' AND r.LON = '0.0'"),
        ("swapped_point", "CAST(r.LAT AS DOUBLE) < -70 AND CAST(r.LON AS DOUBLE) > 43"),
        ("outside_point", "CAST(r.LON AS DOUBLE) < -70.8"),
        ("no_address", "ADDRESS IS NULL"),
        ("unknown_status", "STATUS = 'Pending Migration'"),
        ("blank_note", "CLOSURE_NOTE IS NULL"),
        ("missing_id", "r.CASE_ID IS NULL"),
        ("iso_opened", "regexp_matches(OPENED, '^\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d$')"),
        ("unparseable_opened", f"{parsed.format('OPENED')} IS NULL"),
        ("closed_before_opened", f"{parsed.format('CLOSED')} < {parsed.format('OPENED')} OR dirt & {other} > 0"),
        ("clock_gap", "OPENED LIKE '% 02:__:__ AM'"),
        ("stale_district", "CAST(regexp_extract(r.DISTRICT, '([0-9]+)(\\.0)?$', 1) AS INT) = district_former"),
    ):  # fmt: skip
        total, shown = rows(kind, condition)
        assert shown == total, kind


def test_copies_repeat_a_record_or_contradict_it(tables: duckdb.DuckDBPyConnection, facts: dict[str, Any]) -> None:
    same, other = facts["dirt"]["copy_identical"]["bit"], facts["dirt"]["copy_conflicting"]["bit"]
    identical = tables.sql(
        f"""SELECT count(*), count(*) FILTER (a.CASE_ID IS NOT DISTINCT FROM b.CASE_ID AND a.OPENED = b.OPENED
              AND a.CLOSED IS NOT DISTINCT FROM b.CLOSED AND a.UPDATED = b.UPDATED AND a.STATUS = b.STATUS
              AND a.ADDRESS IS NOT DISTINCT FROM b.ADDRESS AND a.LAT IS NOT DISTINCT FROM b.LAT
              AND a.CLOSURE_NOTE IS NOT DISTINCT FROM b.CLOSURE_NOTE)
            FROM r a JOIN r b ON a.row = b.row + 1 JOIN t ON t.row = a.row WHERE dirt & {same} > 0"""
    ).fetchone()
    assert identical is not None and identical[0] == identical[1] > 0
    conflicting = tables.sql(
        f"""SELECT count(*), count(*) FILTER (a.STATUS = 'Open' AND a.CLOSED IS NULL)
            FROM r a JOIN t USING (row) WHERE dirt & {other} > 0"""
    ).fetchone()
    assert conflicting is not None and conflicting[0] == conflicting[1] > 0


def test_personal_details_are_fictitious(tables: duckdb.DuckDBPyConnection) -> None:
    notes = " ".join(
        row[0] for row in tables.sql("SELECT DISTINCT CLOSURE_NOTE FROM r WHERE CLOSURE_NOTE IS NOT NULL").fetchall()
    )
    phones = re.findall(r"\d{3}-\d{4}", notes)
    assert phones and all(phone.startswith("555-01") for phone in phones)
    mails = re.findall(r"\S+@([\w.]+\w)", notes)
    assert mails and set(mails) == {"example.org"}


def test_seasons_show(tables: duckdb.DuckDBPyConnection) -> None:
    by_month = dict(
        tables.sql("SELECT month(opened_utc), count(*) FROM t WHERE service_code = 'PW05' GROUP BY 1").fetchall()
    )
    assert by_month[1] > 20 * by_month.get(7, 0)
    holes = dict(
        tables.sql("SELECT month(opened_utc), count(*) FROM t WHERE service_code = 'PW01' GROUP BY 1").fetchall()
    )
    assert holes[4] > 2 * holes[10]
