"""Code to copy from the data page: each of it is run as it stands, by the program that it is for, against a served portal."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import duckdb_extension_httpfs
import pytest

from portal import queries
from portal.app import create_app
from portal.components.copy_as import lines
from portal.opened import spatial_extension
from portal.release import Release
from portal.selection import Selection
from portal.settings import PortalSettings
from tests.conftest import unavailable

QUERIES = [
    "",
    "service=pothole&status=closed",
    "service=%3Dheating&from=2024-01-01",
    "near=42.35,-71.1,2500",
    "filter=CASEI(service_name)+LIKE+CASEI('%25''urgent''%25')+OR+response_hours+%3E+500",
]


@pytest.fixture(scope="module")
def base(serve: Callable[[Any], str], releases_path: Path) -> str:
    return serve(create_app(PortalSettings(releases=releases_path)))


def asked(release: Release, query: str, base: str, name: str) -> tuple[str, int]:
    selection = Selection.from_query(query, release)
    n = queries.totals(release, selection).requests
    assert n > 0
    return lines(release, selection, base)[name], n


def run(command: list[str], folder: Path) -> str:
    environment = {**os.environ, "HOME": str(folder), "no_proxy": "127.0.0.1"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("query", QUERIES)
def test_the_line_for_a_shell(release: Release, base: str, tmp_path: Path, query: str) -> None:
    text, n = asked(release, query, base, "curl")
    run(["sh", "-c", text], tmp_path)
    rows = duckdb.sql(
        f"SELECT count(*) FROM read_csv('{tmp_path / 'requests.csv'}', header = true, all_varchar = true)"
    )
    assert rows.fetchall() == [(n,)]


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("name", ["pandas", "geopandas"])
def test_python(release: Release, base: str, tmp_path: Path, query: str, name: str) -> None:
    text, n = asked(release, query, base, name)
    assert run([sys.executable, "-c", text], tmp_path).startswith(f"({n}, ")


@pytest.mark.parametrize("query", QUERIES)
def test_python_with_duckdb(release: Release, base: str, tmp_path: Path, query: str) -> None:
    text, n = asked(release, query, base, "duckdb")
    loaded = (
        f"import duckdb\nduckdb.sql({f'LOAD {_quoted(_httpfs())}'!r})\n"  # a reader's own DuckDB fetches it by itself
    )
    assert run([sys.executable, "-c", loaded + text], tmp_path).startswith(f"({n}, ")


@pytest.mark.parametrize("query", QUERIES)
def test_sql_over_the_parquet_address(release: Release, base: str, query: str) -> None:
    text, n = asked(release, query, base, "sql")
    assert ("LOAD spatial" in text) == ("ST_" in text.partition("WHERE")[2])
    with duckdb.connect() as reader:
        reader.execute(f"LOAD {_quoted(_httpfs())}; LOAD {_quoted(spatial_extension())}")
        found = reader.sql(text.removeprefix("INSTALL spatial; LOAD spatial;\n").rstrip(";"))
        assert len(found.fetchall()) == n


@pytest.mark.parametrize("query", QUERIES[:3])
def test_r(release: Release, base: str, tmp_path: Path, query: str) -> None:
    if shutil.which("Rscript") is None:
        unavailable("there is no Rscript (Debian: apt-get install r-base-core)")
    text, n = asked(release, query, base, "r")
    assert run(["Rscript", "-e", text], tmp_path).split()[1] == str(n)


def _httpfs() -> Path:
    root = Path(duckdb_extension_httpfs.__path__[0])
    return root / "extensions" / f"v{duckdb.__version__}" / "httpfs.duckdb_extension"


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
