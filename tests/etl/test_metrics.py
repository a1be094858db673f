"""Prometheus' view of a city: every number against a run that is known, also where the run failed."""

from __future__ import annotations

import datetime as dt
import socket
import urllib.request
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from etl.errors import StoreError
from etl.metrics import Metrics, address_of
from tests.etl.conftest import NOW, TinyCity
from tests.etl.operating import Operated, operate, unreachable

Rows = list[dict[str, str]]
Numbers = dict[tuple[str, ...], float]


def _numbers(text: str) -> Numbers:
    """(name, label values but the city's …) -> value."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            assert sample.labels.pop("city") == "twin"
            found[sample.name, *(sample.labels[k] for k in sorted(sample.labels))] = sample.value
    return found


@pytest.fixture
def city(tiny: TinyCity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operated:
    return operate(tiny, tmp_path / "home", monkeypatch)


def test_every_number_of_a_run(tiny_on: TinyCity, rows: Rows) -> None:
    tiny_on.run([*rows, rows[0] | {"ID": ""}])
    metrics = Metrics(clock=lambda: NOW)
    place = tiny_on.place()
    metrics.read(place)
    got = _numbers(metrics.text())
    as_of = dt.datetime(2024, 4, 5, 14, tzinfo=dt.UTC)
    assert got["openward_source_freshness_seconds", "calls"] == (NOW - as_of).total_seconds()
    assert got["openward_source_as_of_timestamp_seconds", "calls"] == as_of.timestamp()
    assert got["openward_source_up", "calls"] == 1
    assert got["openward_requests_stored",] == 4
    rows_by = {key[1]: value for key, value in got.items() if key[0] == "openward_rows_total"}
    assert rows_by == {"read": 5, "new": 4, "changed": 0, "unchanged": 0, "stale": 0, "quarantined": 1, "withdrawn": 0}
    assert got["openward_quarantined_rows", "service_request_id_missing", "calls"] == 1
    assert got["openward_run_duration_seconds", "calls"] >= 0
    assert got["openward_release_timestamp_seconds",] == NOW.timestamp()
    assert got["openward_release_held",] == 0 and got["openward_store_up",] == 1
    statuses = {key[1]: value for key, value in got.items() if key[0] == "openward_run_last_status"}
    assert statuses == {"published": 1, "loaded": 0, "unchanged": 0, "held": 0, "failed": 0}
    place.engine.dispose()


def test_freshness_grows_between_runs_by_itself(tiny: TinyCity, rows: Rows) -> None:
    tiny.run(rows)
    now = [NOW]
    metrics = Metrics(clock=lambda: now[0])
    metrics.read(tiny.place())
    before = _numbers(metrics.text())["openward_source_freshness_seconds", "calls"]
    now[0] += dt.timedelta(hours=1)
    assert _numbers(metrics.text())["openward_source_freshness_seconds", "calls"] == before + 3600


def test_reasons_that_are_gone_are_no_longer_told(tiny: TinyCity, rows: Rows) -> None:
    metrics = Metrics(clock=lambda: NOW)
    tiny.run([*rows, rows[0] | {"ID": ""}])
    metrics.read(tiny.place())
    tiny.run(rows)
    metrics.read(tiny.place())
    assert not [key for key in _numbers(metrics.text()) if key[0] == "openward_quarantined_rows"]


def test_every_metric_says_what_it_is() -> None:
    text = Metrics().text()
    helps = {line.split()[2]: line.split(maxsplit=3)[3] for line in text.splitlines() if line.startswith("# HELP")}
    types = {line.split()[2]: line.split()[3] for line in text.splitlines() if line.startswith("# TYPE")}
    assert len(helps) >= 15 and set(types.values()) == {"gauge"}
    assert all(name.startswith("openward_") and len(told) > 20 for name, told in helps.items())


def test_the_file_is_written_after_a_good_a_partial_a_held_and_a_failed_run(
    city: Operated, rows: Rows, tmp_path: Path
) -> None:
    file = tmp_path / "collector" / "openward.prom"
    unreachable(city.tiny.config)
    source = city.tiny.config["sources"]["calls"]
    source |= {"extract": "full", "limits": {"least_rows": 1, "rows_fall": 0.1, "withdrawn_rise": 1.0}}
    assert city.run(rows, "--metrics-file", file).code == 8
    got = _numbers(file.read_text())
    assert got["openward_run_last_exit_code",] == 8
    assert got["openward_source_up", "web"] == 0 and got["openward_source_up", "calls"] == 1
    assert ("openward_source_last_success_timestamp_seconds", "web") not in got
    assert city.run(rows[2:], "--metrics-file", file).code == 9
    got = _numbers(file.read_text())
    assert got["openward_release_held",] == 1 and got["openward_run_last_exit_code",] == 9
    assert got["openward_rows_total", "withdrawn", "calls"] == 2
    (city.tiny.folder / "calls.csv").unlink()
    path = city.tiny.folder / "calls.csv"
    assert city.etl("run", "--input", f"calls={path}", "--metrics-file", file).code == 3
    got = _numbers(file.read_text())
    assert got["openward_run_last_exit_code",] == 3 and got["openward_run_last_status", "failed"] == 1
    assert [p.name for p in file.parent.iterdir()] == ["openward.prom"], "no half-written file is left"


def test_a_store_that_is_down_is_told(
    city: Operated, rows: Rows, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OPENWARD_STORE_URL", "postgresql+psycopg://user:hunter2@127.0.0.1:1/none")
    file = tmp_path / "openward.prom"
    assert city.run(rows, "--metrics-file", file).code == 5
    got = _numbers(file.read_text())
    assert got["openward_store_up",] == 0 and got["openward_run_last_exit_code",] == 5
    assert "hunter2" not in file.read_text()


def test_a_file_that_cannot_be_written_is_an_error_but_hides_no_other(
    city: Operated, rows: Rows, tmp_path: Path
) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("")
    told = city.run(rows, "--metrics-file", blocked / "openward.prom")
    assert told.code == 5 and "the metrics cannot be written" in told.err
    path = city.tiny.folder / "none.csv"
    told = city.etl("run", "--input", f"calls={path}", "--metrics-file", blocked / "openward.prom")
    assert told.code == 3 and told.named("metrics_not_written")


def test_the_page_is_served_on_loopback_until_it_is_stopped(tiny: TinyCity, rows: Rows) -> None:
    tiny.run(rows)
    metrics = Metrics()
    metrics.read(tiny.place())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StoreError, match=f"{port}: cannot be listened on"):
            metrics.serve("127.0.0.1", port)
    stop = metrics.serve("127.0.0.1", port)
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            assert _numbers(answer.read().decode())["openward_requests_stored",] == 4
    finally:
        stop()
    with pytest.raises(OSError):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5)


def test_addresses_are_on_loopback_unless_said_otherwise() -> None:
    assert address_of("9309") == ("127.0.0.1", 9309)
    assert address_of(":9309") == ("127.0.0.1", 9309)
    assert address_of("0.0.0.0:80") == ("0.0.0.0", 80)
    for wrong in ("", "host", "host:", "host:0", "host:70000", "a:b"):
        with pytest.raises(ValueError, match="is not HOST:PORT"):
            address_of(wrong)
