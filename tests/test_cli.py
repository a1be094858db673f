"""The command line as a data officer meets it: help, one line for each mistake, exit codes, nothing half-done."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import openward
from tests.etl.conftest import TinyCity, make_city

ROOT = Path(__file__).parents[1]


def _leaves(command: click.Command, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], click.Command]]:
    if not isinstance(command, click.Group):
        return [(path, command)]
    return [leaf for name, sub in command.commands.items() for leaf in _leaves(sub, (*path, name))]


@pytest.mark.parametrize("path", [path for path, _ in _leaves(openward.main)], ids=" ".join)
def test_every_command_has_help_with_examples(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(openward.main, [*path, "--help"])
    assert result.exit_code == 0
    assert "Examples:" in result.output
    assert f"openward {' '.join(path)}" in result.output


@pytest.fixture
def city(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows_of_city: list[dict[str, str]]) -> TinyCity:
    """The tiny city with its rows written, loaded and published once by the command line."""
    folder = tmp_path / "city"
    folder.mkdir()
    tiny = make_city(folder, "")
    tiny.write(rows_of_city)
    monkeypatch.setenv("OPENWARD_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("OPENWARD_STORE_URL", raising=False)
    return tiny


@pytest.fixture
def rows_of_city() -> list[dict[str, str]]:
    """Four rows, one of them without a number."""
    from tests.etl.conftest import ROWS

    return [*map(dict, ROWS), ROWS[0] | {"ID": ""}]


def _call(*arguments: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(openward.main, [str(a) for a in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def test_a_city_is_loaded_listed_and_verified(city: TinyCity, tmp_path: Path) -> None:
    code, out, _ = _call("etl", "run", city.yaml, "--input", f"calls={city.folder / 'calls.csv'}")
    assert code == 0
    assert "calls: 5 rows read: 4 new, 0 changed, 0 unchanged, 0 stale, 0 doubled, 1 quarantined; 0 withdrawn" in out
    name = out.split("published ")[1].split()[0]
    code, out, _ = _call("etl", "run", city.yaml, "--input", f"calls={city.folder / 'calls.csv'}")
    assert code == 0 and "nothing changed" in out and f"the current release is {name}" in out
    assert f"* {name}" in _call("release", "list", "twin")[1]
    assert _call("release", "verify", "twin")[1].startswith("ok: 1 releases")
    assert "4 requests stored, 1 rows quarantined" in _call("etl", "status", city.yaml)[1]
    assert "service_request_id_missing" in _call("etl", "quarantine", city.yaml, "--count")[1]
    assert '"reason": "service_request_id_missing"' in _call("etl", "quarantine", city.yaml)[1]
    victim = tmp_path / "home" / "twin" / "releases" / name / "services.parquet"
    victim.write_bytes(victim.read_bytes() + b" ")
    code, out, err = _call("release", "verify", "twin")
    assert code == 6 and "BAD" in out and "services.parquet" in out and "1 of" in err


BAD_FILES = {
    "not there": None,
    "empty": b"",
    "binary": bytes(range(256)) * 64,
    "wrong encoding": b"ID,OPENED\n\xe9,x\n",
    "missing column": b"ID,OPENED\n1,x\n",
    "one line": b"x" * (3 << 20),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_input_is_one_line_and_leaves_records_and_releases_as_they_were(
    city: TinyCity, tmp_path: Path, name: str
) -> None:
    _call("etl", "run", city.yaml, "--input", f"calls={city.folder / 'calls.csv'}")
    home = tmp_path / "home" / "twin"

    def state() -> tuple[dict[str, bytes], list[object]]:
        releases = home / "releases"
        with sqlite3.connect(home / "store.sqlite") as store:
            records = store.execute("SELECT * FROM request ORDER BY service_request_id").fetchall()
            records += store.execute("SELECT * FROM quarantine").fetchall()
        # What became of the run is told beside the releases, not in them.
        files = [p for p in sorted(releases.rglob("*")) if p.is_file() and p.name != "status.json"]
        return {str(p.relative_to(releases)): p.read_bytes() for p in files}, records

    before = state()
    content = BAD_FILES[name]
    bad = city.folder / "bad.csv"
    if content is not None:
        bad.write_bytes(content)
    code, out, err = _call("etl", "run", city.yaml, "--input", f"calls={bad}")
    told = [entry for entry in map(json.loads, err.splitlines()) if entry["event"] == "refused"]
    assert code in (3, 4)
    assert len(told) == 1 and str(bad) in told[0]["error"] and told[0]["exit_code"] == code
    assert "Traceback" not in out + err
    assert state() == before


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["etl", "run", "none.yaml"], 2, "none.yaml: cannot be read"),
        (["etl", "run", "CITY", "--input", "calls"], 2, "is not NAME=FILE"),
        (["etl", "run", "CITY", "--input", "tickets=x.csv"], 2, "'tickets' is not a source"),
        (["etl", "run", "CITY"], 2, "give one with --input calls=FILE"),
        (["release", "verify", "nowhere"], 6, "no release has been published here yet"),
        (["serve", "nowhere"], 6, "there are no releases"),
    ],
)
def test_mistakes_are_told_with_what_to_do(city: TinyCity, arguments: list[str], code: int, told: str) -> None:
    got, out, err = _call(*(str(city.yaml) if a == "CITY" else a for a in arguments))
    assert got == code
    assert told in out + err
    assert "Traceback" not in out + err


def test_a_password_never_reaches_a_message(city: TinyCity, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENWARD_STORE_URL", "postgresql+psycopg://user:hunter2@127.0.0.1:1/none")
    code, out, err = _call("etl", "status", city.yaml)
    assert code == 5 and "cannot be used as a record store" in err
    assert "hunter2" not in out + err


def test_the_installed_program_answers_quickly_without_loading_the_world() -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    code = "import sys, openward; openward.main(['--help'], standalone_mode=False); print(sorted(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True).stdout
    assert "'pandas'" not in out and "'dash'" not in out
