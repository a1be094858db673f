"""One small demo city, generated once for all tests of the demo."""

from __future__ import annotations

import json
from typing import Any

import duckdb
import pytest

from etl.demo import DemoFiles, generate
from etl.demo.city import SyntheticCity, build_city

REQUESTS = 30_000


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoFiles:
    return generate(tmp_path_factory.mktemp("demo"), requests=REQUESTS, seed=7)


@pytest.fixture(scope="session")
def city() -> SyntheticCity:
    return build_city(7)


@pytest.fixture(scope="session")
def facts(demo: DemoFiles) -> dict[str, Any]:
    return json.loads(demo.truth.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


@pytest.fixture(scope="session")
def tables(demo: DemoFiles) -> duckdb.DuckDBPyConnection:
    """requests.csv as ``r`` with its row number, truth as ``t``."""
    connection = duckdb.connect()
    connection.execute(
        "CREATE TABLE r AS SELECT row_number() OVER () - 1 AS row, * FROM read_csv(?, all_varchar=true, parallel=false)",
        [str(demo.requests)],
    )
    connection.execute("CREATE TABLE t AS SELECT * FROM read_parquet(?)", [str(demo.truth_requests)])
    return connection
