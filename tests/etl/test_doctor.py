"""The doctor: silent about what is well, and exact about each thing that is broken on purpose; it changes nothing."""

from __future__ import annotations

import copy
import datetime as dt
import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from etl import doctor, duck
from etl.doctor import Finding, check_clock, check_home, check_versions, examine
from etl.errors import ReleaseError
from etl.settings import EtlSettings
from etl.store.engine import exclusive, open_store
from tests.etl.conftest import CITY, ROWS, TinyCity, make_city
from tests.etl.extract.servers import Answer, LocalServer
from tests.etl.operating import Operated, operate, unreachable

Rows = list[dict[str, str]]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the tiny city, loaded and published, with its store and home: each test has a copy of its own."""
    folder = tmp_path_factory.mktemp("loaded")
    with pytest.MonkeyPatch.context() as patch:
        _load(make_city(folder, _sqlite(folder)), folder, patch, [dict(row) for row in ROWS])
    return folder


@pytest.fixture
def city(loaded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operated:
    """Loaded and published once; its source's file is in the YAML."""
    shutil.copytree(loaded, tmp_path, symlinks=True, dirs_exist_ok=True)
    tiny = TinyCity(tmp_path, _sqlite(tmp_path), copy.deepcopy(CITY))
    _configure(tiny)
    return operate(tiny, tmp_path / "home", monkeypatch)


@pytest.fixture
def city_on(tiny_on: TinyCity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: Rows) -> Operated:
    return _load(tiny_on, tmp_path, monkeypatch, rows)


def _sqlite(folder: Path) -> str:
    return f"sqlite:///{folder / 'store.sqlite'}"


def _load(tiny: TinyCity, folder: Path, monkeypatch: pytest.MonkeyPatch, rows: Rows) -> Operated:
    _configure(tiny)
    city = operate(tiny, folder / "home", monkeypatch)
    assert city.run(rows).code == 0
    return city


def _configure(tiny: TinyCity) -> None:
    tiny.config["sources"]["calls"]["path"] = "calls.csv"
    tiny.config["sources"]["calls"]["limits"] = {"newest_age_days": 5000}
    tiny.config["services"]["noise"] = {}
    tiny.config["departments"]["police"] = {"name": "Police"}
    tiny.config["sources"]["calls"]["statuses"]["waiting"] = "open"
    tiny.config["sources"]["calls"]["channels"]["pigeon"] = "phone"


def _look(city: Operated, **more: Any) -> dict[str, Finding]:
    """Findings by name; a second one of a name must be worse to be kept."""
    order = {"ok": 0, "warn": 1, "fail": 2}
    found: dict[str, Finding] = {}
    for finding in examine(city.tiny.yaml, EtlSettings(), timeout=10, **more):
        if finding.name not in found or order[finding.level] > order[found[finding.name].level]:
            found[finding.name] = finding
    return found


def _rewrite(city: Operated) -> None:
    import yaml

    city.tiny.yaml.write_text(yaml.safe_dump(city.tiny.config), encoding="utf-8")


def test_a_healthy_city_has_nothing_but_ok_and_is_left_as_it_was(city_on: Operated) -> None:
    def state() -> dict[str, bytes]:
        return {
            str(p): p.read_bytes()
            for folder in (city_on.home, city_on.tiny.folder)
            for p in sorted(folder.rglob("*"))
            if p.is_file() and not p.name.endswith(("-wal", "-shm"))
        }

    before = state()
    told = city_on.call("doctor", city_on.tiny.yaml)
    assert [line for line in told.out.splitlines() if not line.startswith("ok   ")] == []
    assert told.code == 0
    names = {line.split(":")[0].removeprefix("ok   ") for line in told.out.splitlines()}
    assert names >= {
        "versions", "home", "configuration", "layers", "source calls", "store", "schema", "lock", "clock", "city",
        "last run", "disk", "releases", "freshness", "raw copies of calls",
    }  # fmt: skip
    assert state() == before


def test_something_that_failed_ends_with_10_and_one_line_says_what_to_do(city: Operated) -> None:
    (city.tiny.folder / "calls.csv").unlink()
    told = city.call("doctor", city.tiny.yaml)
    assert told.code == 10
    bad = [line for line in told.out.splitlines() if not line.startswith("ok")]
    assert len(bad) == 1 and bad[0].startswith("FAIL source calls: ") and "calls.csv: cannot be read" in bad[0]
    assert "1 of " in told.err and "checks failed" in told.err
    found = json.loads(city.call("doctor", city.tiny.yaml, "--json").out)
    assert [one["name"] for one in found if one["level"] == "fail"] == ["source calls"]


def test_without_a_city_it_looks_at_the_machine(tmp_path: Path) -> None:
    names = [f.name for f in examine(None, EtlSettings(home=tmp_path))]
    assert names == ["versions", "home", "clock"]


# --- configuration ------------------------------------------------------------------------------


def test_a_yaml_that_cannot_be_used_is_the_only_finding_of_the_city(city: Operated) -> None:
    city.tiny.yaml.write_text("city: {id: Not An Id}")
    found = _look(city)
    assert found["configuration"].level == "fail" and "store" not in found


def test_a_box_that_holds_nothing_of_a_layer_is_told(city: Operated) -> None:
    city.tiny.config["city"]["bbox"] = [70.9, 42.2, 71.2, 42.5]
    _rewrite(city)
    found = _look(city)
    assert found["layers"].level == "fail" and "'district'" in found["layers"].what
    assert found["city"].level == "fail" and "lie outside of city.bbox" in found["city"].what


def test_a_layers_file_that_is_gone_is_told(city: Operated) -> None:
    (city.tiny.folder / "new.geojson").unlink()
    assert "new.geojson" in _look(city)["layers"].what


def test_what_addresses_are_looked_up_in_is_looked_at(city: Operated) -> None:
    assert "geocoder" not in _look(city)
    columns = {"number": "NUMBER", "street": "STREET", "lat": "LAT", "long": "LON"}
    city.tiny.config["geocoder"] = {"addresses": [{"path": "points.csv", **columns}]}
    _rewrite(city)
    assert "points.csv" in _look(city)["geocoder"].what
    points = city.tiny.folder / "points.csv"
    points.write_text("NUMBER,STREET,LAT,LON\n1,Main St,42.35,-71.1\n3,Main St,42.35,-71.09\n")
    assert (_look(city)["geocoder"].level, _look(city)["geocoder"].what) == ("ok", "2 address points")
    points.write_text("NUMBER,STREET,LAT,LON\n1,Main St,42.35,-71.1\n,Main St,42.35,-71.09\n5,,42.35,-71.09\n")
    assert _look(city)["geocoder"].level == "warn"
    points.write_text("NUMBER,ROAD,LAT,LON\n1,Main St,42.35,-71.1\n")
    assert _look(city)["geocoder"].level == "fail" and "STREET" in _look(city)["geocoder"].what
    city.tiny.config["geocoder"] = {"parser": "us"}
    _rewrite(city)
    assert _look(city)["geocoder"].level == "fail"


def test_parts_of_the_yaml_that_were_never_seen_are_told(city: Operated) -> None:
    city.tiny.config["services"]["graffitti"] = {}
    city.tiny.config["departments"]["XX"] = {"name": "Nobody"}
    _rewrite(city)
    found = _look(city)
    assert found["services"].level == "warn" and "1 of 3" in found["services"].what
    assert "'graffitti'" in found["services"].what and "'XX'" in found["departments"].what


def test_words_that_nobody_maps_are_told(city: Operated, rows: Rows) -> None:
    city.run([*rows, rows[0] | {"ID": "9", "STATUS": "Waiting on parts"}])
    found = _look(city)["words of status"]
    assert found.level == "warn" and "'Waiting on parts'" in found.what


def test_variables_are_looked_for_and_never_shown(city: Operated, monkeypatch: pytest.MonkeyPatch) -> None:
    unreachable(city.tiny.config, app_token_env="CITY_TOKEN")
    _rewrite(city)
    monkeypatch.delenv("CITY_TOKEN", raising=False)
    assert _look(city)["variable CITY_TOKEN"].level == "fail"
    monkeypatch.setenv("CITY_TOKEN", "hunter2hunter2")
    found = _look(city)
    assert found["variable CITY_TOKEN"].level == "ok"
    assert "hunter2" not in str(found)


# --- sources ------------------------------------------------------------------------------------


def test_a_file_that_lacks_a_mapped_column_is_told_with_what_it_has(city: Operated) -> None:
    (city.tiny.folder / "calls.csv").write_text("ID,OPENED\n1,x\n")
    found = _look(city)["source calls"]
    assert found.level == "fail" and "and 6 more; it has 'ID', 'OPENED'" in found.what
    assert found.advice == "correct sources.calls.columns in the YAML"


def test_a_source_without_a_file_of_its_own_is_asked_for_one(city: Operated) -> None:
    file = city.tiny.folder / "calls.csv"
    del city.tiny.config["sources"]["calls"]["path"]
    _rewrite(city)
    found = _look(city)["source calls"]
    assert found.level == "warn" and "--input calls=FILE" in found.advice
    assert _look(city, inputs={"calls": file})["source calls"].level == "ok"


def test_a_file_on_the_web_is_not_fetched_whole(city: Operated) -> None:
    asked: list[str] = []

    def answer(request: Any) -> Answer:
        asked.append(request.path)
        return Answer(b"ID,OPENED\n" + b"x" * 5_000_000, type="text/csv")

    with LocalServer(answer) as server:
        city.tiny.config["sources"]["calls"]["path"] = f"{server.url}/calls.csv?key=hunter2hunter2"
        _rewrite(city)
        found = _look(city)["source calls"]
    assert found.level == "ok" and "5,000,010 bytes" in found.what and asked == ["/calls.csv"]
    assert "hunter2" not in str(found)


def test_a_system_that_does_not_answer_is_told(city: Operated) -> None:
    unreachable(city.tiny.config)
    _rewrite(city)
    found = _look(city)["source web"]
    assert found.level == "fail" and "cannot be reached (tried once)" in found.what


@pytest.mark.parametrize("broken", ["error", "page"])
@pytest.mark.parametrize("kind", ["socrata", "open311", "arcgis", "ckan"])
def test_a_system_that_answers_with_something_else_is_told(city: Operated, kind: str, broken: str) -> None:
    body = {"error": b'{"error": {"code": 499, "message": "Token Required"}}', "page": b"<!doctype html><p>Sign in"}
    status = 403 if kind in ("socrata", "open311") and broken == "error" else 200
    with LocalServer(lambda _asked: Answer(body[broken], status=status)) as server:
        _asking(city, kind, server.url)
        found = _look(city)["source web"]
    assert found.level == "fail", found
    assert "Token Required" in found.what or "web page" in found.what


FIELDS = ["id", "opened", "status", "service"]
CKAN = {"success": True, "result": {"records": [], "fields": [{"id": name} for name in FIELDS]}}
ANSWERS: dict[str, tuple[bytes, dict[str, str]]] = {
    "socrata": (b'[{"id": "1"}]', {"X-SODA2-Fields": json.dumps(FIELDS)}),
    "open311": (b"[]", {}),
    "arcgis": (json.dumps({"fields": [{"name": name} for name in FIELDS]}).encode(), {}),
    "ckan": (json.dumps(CKAN).encode(), {}),
}


def _asking(city: Operated, kind: str, url: str, **columns: str) -> None:
    unreachable(city.tiny.config, url=url, kind=kind)
    web = city.tiny.config["sources"]["web"]
    del web["dataset"]
    web |= {"socrata": {"dataset": "abcd-1234"}, "ckan": {"resource": "0123456789"}}.get(kind, {})
    web["columns"] = web["columns"] | columns
    _rewrite(city)


@pytest.mark.parametrize("kind", list(ANSWERS))
def test_each_kind_of_system_is_asked_once_and_its_columns_are_compared(city: Operated, kind: str) -> None:
    body, headers = ANSWERS[kind]
    with LocalServer(lambda _asked: Answer(body, headers=headers)) as server:
        _asking(city, kind, server.url)
        assert _look(city)["source web"].level == "ok"
        assert len(server.requests) == 1
        _asking(city, kind, server.url, address="street")
        found = _look(city)["source web"]
    if kind == "open311":
        assert found.level == "ok", "its list of services tells no columns"
    else:
        assert found.level == "fail" and "has no column 'street'" in found.what


def test_a_database_is_asked_without_telling_its_address(
    city: Operated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    web = {"kind": "sql", "url_env": "CRM_URL", "query": "SELECT 1"}
    unreachable(city.tiny.config)
    old = city.tiny.config["sources"]["web"]
    city.tiny.config["sources"]["web"] = web | {k: old[k] for k in ("columns", "statuses")}
    _rewrite(city)
    sqlite3.connect(tmp_path / "crm.sqlite").close()
    monkeypatch.setenv("CRM_URL", f"sqlite:///{tmp_path / 'crm.sqlite'}")
    (tmp_path / "crm.sqlite").write_bytes(b"")
    assert _look(city)["source web"].level == "ok"
    monkeypatch.setenv("CRM_URL", f"sqlite:///{tmp_path / 'none.sqlite'}")
    assert _look(city)["source web"].level == "fail" and not (tmp_path / "none.sqlite").exists()
    monkeypatch.setenv("CRM_URL", "postgresql+psycopg://ann:hunter2@127.0.0.1:1/crm")
    found = _look(city)["source web"]
    assert found.level == "fail" and "the database of CRM_URL: does not answer" in found.what
    assert "hunter2" not in str(found)


# --- store --------------------------------------------------------------------------------------


def test_a_store_that_does_not_answer_is_told_without_its_password(
    city: Operated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENWARD_STORE_URL", "postgresql+psycopg://ann:hunter2@127.0.0.1:1/openward")
    found = _look(city)
    assert found["store"].level == "fail" and "does not answer" in found["store"].what
    assert "hunter2" not in str(found)


def test_a_store_that_is_not_there_is_not_made(city: Operated, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OPENWARD_STORE_URL", f"sqlite:///{tmp_path / 'new.sqlite'}")
    assert _look(city)["store"].level == "warn"
    assert not (tmp_path / "new.sqlite").exists()


def test_a_damaged_sqlite_file_is_told(city: Operated) -> None:
    file = city.tiny.folder / "store.sqlite"
    with sqlite3.connect(file) as store:
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = store.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'request'").fetchone()
    with file.open("r+b") as raw:
        raw.seek((page - 1) * 4096)
        raw.write(b"\xff" * 4096)
    found = _look(city)["store"]
    assert found.level == "fail" and ("damaged" in found.what or "malformed" in found.what)


def test_an_older_and_an_unknown_schema_are_told(city_on: Operated) -> None:
    engine = open_store(city_on.settings.store_of("twin"))

    def at(version: str) -> Finding:
        with engine.begin() as connection:
            connection.execute(sa.text("UPDATE alembic_version SET version_num = :v"), {"v": version})
        return _look(city_on)["schema"]

    older, other = at("0001"), at("9999")
    engine.dispose()
    assert older.level == "warn" and "back the store up" in older.advice
    assert other.level == "fail" and "update Openward" in other.advice


def test_a_held_lock_is_no_fault(city_on: Operated) -> None:
    engine = open_store(city_on.settings.store_of("twin"))
    with exclusive(engine, "twin"):
        assert _look(city_on)["lock"] == Finding("ok", "lock", "is held: a run is under way")
    assert _look(city_on)["lock"].what == "is free"
    engine.dispose()


def test_a_store_of_another_city_is_told(city: Operated) -> None:
    city.tiny.config["sources"] = {"tickets": city.tiny.config["sources"]["calls"]}
    _rewrite(city)
    found = _look(city)["city"]
    assert found.level == "fail" and "'calls'" in found.what


def test_releases_of_another_city_are_told(city: Operated) -> None:
    city.tiny.config["city"]["id"] = "other"
    _rewrite(city)
    found = _look(city, releases=city.releases)["releases"]
    assert found.level == "fail" and "holds the releases of 'twin'" in found.what


def test_a_failed_run_and_a_held_release_are_told_with_why(city: Operated, rows: Rows) -> None:
    source = city.tiny.config["sources"]["calls"]
    source |= {"extract": "full", "limits": {"least_rows": 1, "rows_fall": 0.1, "withdrawn_rise": 1.0}}
    city.run(rows)
    assert city.run(rows[2:]).code == 9
    found = _look(city)["release"]
    assert found.level == "warn" and "rows_fall" in found.what and "--accept REASON" in found.what
    (city.tiny.folder / "calls.csv").write_text("ID,OPENED\n1,x\n")
    assert city.etl("run").code == 4
    found = _look(city)["last run"]
    assert found.level == "fail" and "STATUS" in found.what


# --- disk, releases, raw copies, clock ----------------------------------------------------------


def test_a_disk_that_is_too_full_is_told_with_what_a_run_needs(city: Operated, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type(shutil.disk_usage("/"))

    def free(size: int) -> Callable[[object], object]:
        return lambda _path: usage(10**12, 10**12 - size, size)

    needed = 2 * sum(p.stat().st_size for p in city.current.rglob("*") if p.is_file())
    monkeypatch.setattr(doctor.shutil, "disk_usage", free(needed // 2))
    assert _look(city)["disk"].level == "fail"
    monkeypatch.setattr(doctor.shutil, "disk_usage", free(needed * 2))
    found = _look(city)["disk"]
    assert found.level == "warn" and f"a run needs about {needed / 1e6:,.1f} MB" in found.what


def test_a_release_that_was_tampered_with_is_told(city: Operated) -> None:
    victim = city.current / "services.parquet"
    victim.write_bytes(victim.read_bytes() + b" ")
    found = _look(city)["releases"]
    assert found.level == "fail" and "services.parquet differs from its hash" in found.what


def test_a_release_that_is_gone_is_told(city: Operated) -> None:
    shutil.rmtree(city.current)
    found = _look(city)
    assert found["releases"].level == "fail" and "which is gone" in found["releases"].what


def test_an_old_release_is_told(city: Operated) -> None:
    city.tiny.config["sources"]["calls"]["limits"]["newest_age_days"] = 10
    _rewrite(city)
    assert _look(city)["freshness"].level == "warn"
    soon = dt.datetime(2024, 4, 7, tzinfo=dt.UTC)
    assert _look(city, now=soon)["freshness"].level == "ok"


def test_a_raw_copy_that_is_not_what_was_fetched_is_told(city: Operated) -> None:
    victim = next((city.home / "twin" / "raw" / "calls").glob("*/calls.csv"))
    victim.chmod(0o644)
    victim.write_bytes(victim.read_bytes() + b"\n")
    found = _look(city)["raw copies of calls"]
    assert found.level == "fail" and "checksum differs" in found.what


def test_a_clock_behind_the_last_run_is_told(city: Operated) -> None:
    before = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
    assert _look(city, now=before)["clock"].level == "fail"
    assert [f.level for f in check_clock(dt.datetime(1970, 1, 1, tzinfo=dt.UTC), None)] == ["fail"]


def test_extensions_that_do_not_fit_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*_args: object, **_more: object) -> None:
        raise ReleaseError("duckdb_extension_spatial has no build for DuckDB 9")

    monkeypatch.setattr(duck, "load_extension", wrong)
    assert [f.level for f in check_versions()] == ["fail"]


def test_a_home_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [f.level for f in check_home(EtlSettings(home=tmp_path / "not" / "yet"))] == ["ok"]
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert [f.level for f in check_home(EtlSettings(home=tmp_path))] == ["fail"]
