"""A city as it is operated: by the command line, with its settings from the environment."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import openward
from etl.settings import EtlSettings
from tests.etl.conftest import TinyCity


@dataclass
class Called:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        """Standard error as events: fails if any line of it is something else."""
        return [json.loads(line) for line in self.err.splitlines()]

    def named(self, event: str) -> list[dict[str, Any]]:
        return [entry for entry in self.events if entry["event"] == event]


@dataclass
class Operated:
    """The tiny city with shortcuts to call commands on it."""

    tiny: TinyCity
    home: Path

    def call(self, *arguments: str | Path) -> Called:
        result = CliRunner().invoke(openward.main, [str(a) for a in arguments])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Called(result.exit_code, result.stdout, result.stderr)

    def etl(self, command: str, *arguments: str | Path) -> Called:
        return self.call("etl", command, self.tiny.yaml, *arguments)

    def run(self, rows: list[dict[str, str]] | None, *arguments: str | Path) -> Called:
        """`etl run` over these rows; None: with the YAML as it is and no file of ours."""
        if rows is None:
            return self.etl("run", *arguments)
        return self.etl("run", "--input", f"calls={self.tiny.write(rows)}", *arguments)

    @property
    def settings(self) -> EtlSettings:
        return EtlSettings()

    @property
    def releases(self) -> Path:
        return self.settings.releases_of("twin")

    @property
    def current(self) -> Path:
        return (self.releases / "current").resolve()

    def json(self, *arguments: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.etl("status", "--json", *arguments).out)
        return found


def operate(tiny: TinyCity, home: Path, monkeypatch: pytest.MonkeyPatch) -> Operated:
    """Commands find the city's store and home by the environment."""
    monkeypatch.setenv("OPENWARD_HOME", str(home))
    monkeypatch.delenv("OPENWARD_RELEASES", raising=False)
    if tiny.store_url:
        monkeypatch.setenv("OPENWARD_STORE_URL", tiny.store_url)
    else:
        monkeypatch.delenv("OPENWARD_STORE_URL", raising=False)
    return Operated(tiny, home)


def unreachable(config: dict[str, Any], name: str = "web", **more: Any) -> None:
    """Give the city a second source at an address where nobody listens."""
    config["sources"][name] = {
        "kind": "socrata",
        "url": "http://127.0.0.1:1",
        "dataset": "abcd-1234",
        "patience": {"attempts": 1, "timeout_seconds": 1},
        "columns": {
            "service_request_id": "id",
            "requested_datetime": {"column": "opened", "formats": ["ISO8601"]},
            "status": "status",
            "service_name": "service",
        },
        "statuses": {"open": "open"},
        **more,
    }
