"""A city in operation: what runs say, what is held and accepted, what a replay needs, what a log holds and what it hides."""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from etl.errors import SourceUnavailable
from etl.intake import Intake
from etl.publish import chain
from etl.store.engine import exclusive, open_store
from etl.store.models import Run
from tests.etl.conftest import ROWS, TinyCity
from tests.etl.extract.servers import Answer, LocalServer
from tests.etl.operating import Operated, operate, unreachable

Rows = list[dict[str, str]]
REPO = Path(__file__).parents[2]


@pytest.fixture
def city(tiny: TinyCity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operated:
    return operate(tiny, tmp_path / "home", monkeypatch)


@pytest.fixture
def city_on(tiny_on: TinyCity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operated:
    return operate(tiny_on, tmp_path / "home", monkeypatch)


# --- limits -------------------------------------------------------------------------------------


def _falls(city: Operated) -> None:
    source = city.tiny.config["sources"]["calls"]
    source |= {"extract": "full", "limits": {"least_rows": 1, "rows_fall": 0.1, "withdrawn_rise": 1.0}}


def test_a_held_release_is_told_stored_and_let_through_by_someone_with_a_reason(city_on: Operated, rows: Rows) -> None:
    _falls(city_on)
    assert city_on.run(rows).code == 0
    before = city_on.current.name
    held = city_on.run(rows[2:])
    assert held.code == 9
    assert "calls: 2 rows read" in held.out and "2 withdrawn" in held.out
    assert f"the release is held; the current release is still {before}" in held.out
    assert "rows_fall" in held.named("refused")[0]["error"] and city_on.current.name == before
    assert "rows_fall" in city_on.json()["held"], "and it stays so until someone looks"
    again = city_on.run(rows[2:])
    assert again.code == 9 and city_on.current.name == before
    let = city_on.run(rows[2:], "--accept", "the old ones were moved", "--by", "A. Officer")
    assert let.code == 0 and city_on.current.name != before
    accepted = chain.read_package(city_on.current)["openward"]["accepted"]
    assert (accepted["by"], accepted["reason"]) == ("A. Officer", "the old ones were moved")
    assert let.named("release_accepted")[0]["by"] == "A. Officer"
    told = [run for run in city_on.json()["runs"] if run["accepted_by"]]
    assert [(run["accepted_by"], run["accepted_reason"]) for run in told] == [("A. Officer", "the old ones were moved")]
    assert "accepted by A. Officer: the old ones were moved" in city_on.etl("status").out
    assert city_on.json()["held"] is None


def test_a_reason_where_nothing_was_held_is_nobodys_acceptance(city: Operated, rows: Rows) -> None:
    assert city.run(rows, "--accept", "just in case").code == 0
    assert [run["accepted_by"] for run in city.json()["runs"]] == [None]


def test_the_default_name_is_the_users_own(city: Operated, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    _falls(city)
    monkeypatch.setattr(getpass, "getuser", lambda: "ann")
    city.run(rows)
    assert city.run(rows[2:]).code == 9
    city.run(rows[2:], "--accept", "known")
    assert chain.read_package(city.current)["openward"]["accepted"]["by"] == "ann"

    def nameless() -> str:
        raise OSError("no such user")

    monkeypatch.setattr(getpass, "getuser", nameless)
    refused = city.run(rows, "--accept", "known")
    assert refused.code == 2 and "--by NAME" in refused.err


@pytest.mark.parametrize("option", ["--accept", "--by"])
def test_an_empty_reason_is_refused_before_anything_is_done(city: Operated, rows: Rows, option: str) -> None:
    refused = city.run(rows, option, "  ")
    assert refused.code == 2 and "must say something" in refused.err
    assert not city.home.exists()


# --- sources ------------------------------------------------------------------------------------


def test_a_source_that_does_not_answer_ends_with_8_and_the_others_are_published(city_on: Operated, rows: Rows) -> None:
    unreachable(city_on.tiny.config)
    first = city_on.run(rows)
    assert first.code == 8
    assert "web: unavailable: http://127.0.0.1:1/" in first.out and "published " in first.out
    assert first.named("source_unavailable")[0]["source"] == "web"
    assert first.named("refused")[0]["exit_code"] == 8
    states = {one["source"]: one for one in city_on.json()["sources"]}
    assert states["calls"]["state"] == "loaded" and states["calls"]["rows"] == 4
    assert states["web"]["state"] == "unavailable" and states["web"]["answered"] is None


def test_an_input_may_be_an_address(city: Operated, rows: Rows) -> None:
    text = city.tiny.write(rows).read_bytes()
    with LocalServer(lambda _asked: Answer(text, type="text/csv")) as server:
        told = city.etl("run", "--input", f"calls={server.url}/export/calls.csv")
    assert told.code == 0, told.err
    assert "calls: 4 rows read: 4 new" in told.out
    assert [asked.path for asked in server.requests] == ["/export/calls.csv"]


def test_a_new_word_is_told_once_and_stays_in_the_status(city: Operated, rows: Rows) -> None:
    told = (
        "calls: new word that no rule maps: status 'waiting' (1 rows); "
        "it is shown as unmapped, map it under sources.calls.statuses"
    )
    assert told in city.run(rows).out
    assert "new word" not in city.run([*rows, rows[0] | {"ID": "5"}]).out
    assert "status 'waiting'" in city.etl("status").out


def test_a_new_column_is_told(city: Operated, rows: Rows) -> None:
    city.run(rows)
    path = city.tiny.folder / "calls.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([f"{lines[0]},PRIORITY", *(f"{line},high" for line in lines[1:])]) + "\n")
    told = city.etl("run", "--input", f"calls={path}")
    assert "calls: new column 'PRIORITY'" in told.out and "not read until it is mapped" in told.out


def test_a_second_run_at_the_same_time_ends_with_7(city_on: Operated, rows: Rows) -> None:
    city_on.run(rows)
    with exclusive(open_store(city_on.settings.store_of("twin")), "twin"):
        assert city_on.run(rows).code == 7


# --- replay -------------------------------------------------------------------------------------


def _empty(city: Operated) -> None:
    """The store is lost."""
    url = city.settings.store_of("twin")
    if url.startswith("sqlite"):
        for path in city.tiny.folder.glob("store.sqlite*"):
            path.unlink()
        return
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for statement in ("DROP SCHEMA public CASCADE", "CREATE SCHEMA public", "CREATE EXTENSION postgis"):
            connection.execute(sa.text(statement))
    engine.dispose()


def _tables(folder: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.glob("*.parquet"))}


def test_a_replay_into_an_empty_store_makes_the_same_tables_from_the_copies_alone(
    city_on: Operated, rows: Rows
) -> None:
    city_on.run([*rows, rows[0] | {"ID": ""}])
    first = _tables(city_on.current)
    (city_on.tiny.folder / "calls.csv").unlink()
    _empty(city_on)
    for path in city_on.releases.iterdir():
        path.unlink() if path.is_symlink() or path.is_file() else path.rename(city_on.home / path.name)
    told = city_on.etl("replay")
    assert told.code == 0, told.err
    assert "calls: 5 rows read: 4 new" in told.out
    assert _tables(city_on.current) == first and len(first) > 5
    stood = city_on.json()["sources"][0]
    assert stood["answered"] is None and stood["rows"] == 4, "nobody was asked"


def test_a_replay_of_several_copies_ends_where_their_loads_ended(city: Operated, rows: Rows) -> None:
    city.run(rows)
    later = [rows[0] | {"NOTE": "Fixed twice"}, rows[1] | {"STATUS": "closed", "CLOSED": "04/05/2024 09:00"}]
    city.run([*later, *rows[2:], rows[0] | {"ID": "5"}])
    last = _tables(city.current)
    assert len(chain.read_log(city.releases)) == 2
    (city.tiny.folder / "calls.csv").unlink()
    _empty(city)
    assert city.etl("replay").code == 0
    assert city.json()["requests"] == 5
    assert {k: v for k, v in _tables(city.current).items() if k != "changes.parquet"} == {
        k: v for k, v in last.items() if k != "changes.parquet"
    }


def test_a_replay_over_what_is_stored_changes_and_publishes_nothing(city: Operated, rows: Rows) -> None:
    city.run(rows)
    before = city.current.name
    (city.tiny.folder / "calls.csv").unlink()
    told = city.etl("replay")
    assert told.code == 0 and "4 rows read: 0 new, 0 changed, 4 unchanged" in told.out
    assert city.current.name == before


def test_a_replay_can_be_of_one_source_and_asks_none(city: Operated, rows: Rows) -> None:
    unreachable(city.tiny.config)
    city.run(rows)
    told = city.etl("replay", "--source", "web")
    assert told.code == 0 and "calls" not in told.out, "a source that is not named is not read"
    assert "4 rows read" in city.etl("replay", "--source", "calls").out
    wrong = city.etl("replay", "--source", "tickets")
    assert wrong.code == 2 and "is not a source of this city; it has calls, web" in wrong.err


def test_a_copy_that_was_a_file_is_replayed_as_one_whatever_the_source_is(city: Operated, rows: Rows) -> None:
    web = dict(city.tiny.config["sources"]["calls"])
    city.tiny.config["sources"]["calls"] = web | {"kind": "ckan", "url": "http://127.0.0.1:1", "resource": "0123456789"}
    assert city.run(rows).code == 0
    (city.tiny.folder / "calls.csv").unlink()
    told = city.etl("replay")
    assert told.code == 0 and "4 rows read" in told.out


# --- logs ---------------------------------------------------------------------------------------


def test_away_from_a_terminal_standard_error_is_one_event_a_line_and_has_no_bars(city: Operated, rows: Rows) -> None:
    told = city.run(rows)
    names = [entry["event"] for entry in told.events]
    assert names[0] == "run_started" and names[-1] == "run_finished"
    assert {"source_fetched", "source_loaded", "drift", "release_published"} <= set(names)
    assert all(entry["time"].endswith("Z") and entry["level"] for entry in told.events)
    assert told.named("run_finished")[0]["seconds"] >= 0
    assert "\x1b" not in told.err and "reading inputs" not in told.err


def test_plain_lines_away_from_a_terminal_are_for_people_and_have_no_bars(city: Operated, rows: Rows) -> None:
    told = city.run(rows, "--log", "plain")
    assert any(line.split()[1:3] == ["info", "run_started"] for line in told.err.splitlines())
    assert "\x1b" not in told.err and "{" not in told.err.replace('"', "")
    assert all("Z " in line for line in told.err.splitlines())


def _at_a_terminal(*arguments: str | Path) -> tuple[int, str]:
    """Exit code and what a terminal as standard error was shown."""
    ours, theirs = pty.openpty()
    env = {**os.environ, "PYTHONPATH": str(REPO), "TERM": "xterm"}
    command = [sys.executable, "-m", "openward", *map(str, arguments)]
    shown = b""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=theirs, env=env) as process:
        os.close(theirs)
        try:
            while block := os.read(ours, 65536):
                shown += block
        except OSError:  # the other end is closed
            pass
    os.close(ours)
    return process.returncode, shown.decode()


def test_at_a_terminal_there_are_bars_and_no_events(city: Operated, rows: Rows) -> None:
    file = city.tiny.write(rows)
    code, shown = _at_a_terminal("etl", "run", city.tiny.yaml, "--input", f"calls={file}")
    assert code == 0
    assert "\x1b[" in shown and "release: " in shown and '"event"' not in shown
    code, shown = _at_a_terminal("etl", "run", city.tiny.yaml, "--input", f"calls={file}", "--log", "json")
    assert code == 0 and "\x1b[" not in shown
    assert json.loads(shown.splitlines()[0])["event"] == "run_started"


def test_force_color_brings_no_bars_into_a_log(city: Operated, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b" not in city.run(rows, "--log", "plain").err


SECRET = "s3cret/of+the city"


@pytest.mark.parametrize("log", ["json", "plain"])
def test_no_secret_reaches_a_log_an_output_or_a_metric_whatever_a_message_holds(
    city: Operated, rows: Rows, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, log: str
) -> None:
    unreachable(city.tiny.config, app_token_env="CITY_TOKEN")
    monkeypatch.setenv("CITY_TOKEN", SECRET)
    fetch = Intake.fetch

    def careless(self: Intake, name: str, *rest: Any) -> Any:
        if name == "web":
            raise SourceUnavailable(f"GET /?token={SECRET} and s3cret%2Fof%2Bthe%20city failed")
        return fetch(self, name, *rest)

    monkeypatch.setattr(Intake, "fetch", careless)
    metrics = tmp_path / "openward.prom"
    told = city.run(rows, "--log", log, "--metrics-file", metrics)
    assert told.code == 8 and "source_unavailable" in told.err
    for text in (told.out, told.err, metrics.read_text()):
        assert SECRET not in text and "s3cret%2F" not in text
    assert "token=***" in told.out and "token=***" in told.err


# --- status and quarantine ----------------------------------------------------------------------


def test_status_tells_of_sources_rows_runs_and_durations(city_on: Operated, rows: Rows) -> None:
    city_on.run([*rows, rows[0] | {"ID": ""}])
    found = city_on.json()
    source = found["sources"][0]
    assert (source["source"], source["state"], source["rows"], source["quarantined"]) == ("calls", "loaded", 4, 1)
    assert source["as_of"] == "2024-04-05T14:00:00Z" and source["loaded"] and source["answered"]
    assert {(one["kind"], one["name"], one["rows"]) for one in source["drift"]} >= {("unmapped_status", "waiting", 1)}
    run = found["runs"][0]
    assert run["status"] == "published" and run["seconds"] >= 0 and run["sources"]["calls"]["read"] == 5
    lines = city_on.etl("status").out
    assert "source calls (file): loaded, as of 2024-04-05T14:00:00Z" in lines and "4 rows stored" in lines


def test_status_tells_of_sources_that_the_yaml_no_longer_names(city: Operated, rows: Rows) -> None:
    city.run(rows)
    city.tiny.config["sources"] = {"tickets": city.tiny.config["sources"]["calls"]}
    city.tiny.write(rows)
    assert "the store also holds sources that the YAML does not name: calls" in city.etl("status").out


def test_the_quarantine_is_counted_and_listed_by_source_and_reason(city_on: Operated, rows: Rows) -> None:
    bad = [rows[0] | {"ID": ""}, rows[0] | {"ID": "6", "OPENED": ""}, rows[0] | {"ID": "7", "OPENED": ""}]
    city_on.run([*rows, *bad])
    counts = [line.split() for line in city_on.etl("quarantine", "--count").out.splitlines()]
    assert counts == [["2", "calls", "requested_datetime_missing"], ["1", "calls", "service_request_id_missing"]]
    some = city_on.etl("quarantine", "--reason", "requested_datetime_missing", "--source", "calls").out
    assert [json.loads(line)["service_request_id"] for line in some.splitlines()] == ["6", "7"]
    assert len(city_on.etl("quarantine", "--limit", "1").out.splitlines()) == 1
    assert city_on.etl("quarantine", "--reason", "none_such", "--count").out == ""
    assert city_on.etl("quarantine", "--source", "tickets").code == 2


def test_raw_copies_lie_in_the_citys_home_also_where_releases_lie_elsewhere(city: Operated, tmp_path: Path) -> None:
    city.run([dict(row) for row in ROWS], "--releases", tmp_path / "public" / "releases")
    assert list((city.home / "twin" / "raw" / "calls").iterdir())
    assert [p.name for p in (tmp_path / "public").iterdir()] == ["releases"]


def test_a_failed_run_is_in_the_status_with_its_reason(city: Operated, rows: Rows) -> None:
    city.run(rows)
    (city.tiny.folder / "calls.csv").write_text("ID,OPENED\n1,x\n")
    path = city.tiny.folder / "calls.csv"
    assert city.etl("run", "--input", f"calls={path}").code == 4
    last = city.json()["runs"][0]
    assert last["status"] == "failed" and "STATUS" in last["message"]
    with open_store(city.settings.store_of("twin")).connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(Run)).scalar_one() == 2
