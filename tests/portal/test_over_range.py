"""Readers that take of a file only what they need, over HTTP: DuckDB, GDAL, geopandas and pandas against a served portal.

The server counts what it sends: a reader that fetched the whole file would be found out.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb
import duckdb_extension_httpfs
import geopandas
import httpx
import pandas as pd
import pyogrio
import pytest

from portal.app import create_app
from portal.opened import spatial_extension
from portal.settings import PortalSettings
from tests.release_factory import build_release

PLACED = "filter=" + quote("lat IS NOT NULL")
"""Requests with a place: FlatGeobuf has an index of space where all have one."""


@dataclass
class Answer:
    """What was sent to one question."""

    ranged: bool
    status: int = 0
    length: int = 0


class Sent:
    """An app that remembers what it sent: whether a part was asked for, the status, and how many bytes."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.answers: list[Answer] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if not scope.get("path", "").startswith("/download/"):
            await self.app(scope, receive, send)
            return
        answer = Answer(ranged=any(name == b"range" for name, _ in scope["headers"]))
        self.answers.append(answer)

        async def counting(message: Any) -> None:  # before it is sent: the reader may be done before we are
            answer.status = message.get("status", answer.status)
            answer.length += len(message.get("body", b""))
            await send(message)

        await self.app(scope, receive, counting)

    @contextmanager
    def fewer_than(self, whole: int) -> Iterator[None]:
        """What is read within the block must be read by ranges, and be less than half of the file."""
        self.answers.clear()
        yield
        parts = [answer for answer in self.answers if answer.ranged]
        assert {answer.status for answer in parts} == {206}, self.answers
        assert 0 < sum(answer.length for answer in self.answers) < whole / 2, self.answers


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Sent:
    root = tmp_path_factory.mktemp("ranged")
    build_release(root, rows=20_000)
    return Sent(create_app(PortalSettings(releases=root / "releases")))


@pytest.fixture(scope="module")
def base(serve: Callable[[Any], str], sent: Sent) -> str:
    return serve(sent)


@pytest.fixture
def reader() -> duckdb.DuckDBPyConnection:
    """A reader's own DuckDB, which fetches its extension by itself where there is a network."""
    connection = duckdb.connect(config={"allow_unsigned_extensions": "false"})
    root = Path(duckdb_extension_httpfs.__path__[0]) / "extensions" / f"v{duckdb.__version__}"
    connection.execute(f"LOAD '{root / 'httpfs.duckdb_extension'}'")
    connection.execute(f"LOAD '{spatial_extension()}'")
    return connection


def size_of(address: str) -> int:
    return int(httpx.head(address).headers["content-length"])


def totals(base: str, query: str = "") -> int:
    return int(httpx.get(f"{base}/api/v1/totals?{query}").json()["result"]["requests"])


@pytest.mark.parametrize("query", ["", "status=closed"])
def test_duckdb_reads_one_column_of_a_parquet_file(
    sent: Sent, base: str, reader: duckdb.DuckDBPyConnection, query: str
) -> None:
    address = f"{base}/download/requests.parquet?{query}".rstrip("?")
    whole = size_of(address)
    with sent.fewer_than(whole):
        found = reader.execute("SELECT count(*) FROM read_parquet(?) WHERE service_code = 'pothole'", [address])
        [counted] = found.fetchone() or ()
    assert counted == totals(base, f"service=pothole&{query}") > 0
    [release] = httpx.get(f"{base}/api/v1/releases").json()["rows"][:1]
    with sent.fewer_than(whole):  # the same bytes under an address that never changes
        own = f"{base}/download/release/{release['release_id']}/requests.parquet"
        assert reader.execute("SELECT count(*), max(requested_date) FROM read_parquet(?)", [own]).fetchone()


GDAL = """
import json, sys, pyogrio
address, layer, box = json.loads(sys.argv[1])
found = pyogrio.read_dataframe("/vsicurl/" + address, layer=layer, bbox=tuple(box), columns=["service_request_id"])
print(json.dumps(list(found["service_request_id"])))
"""


def read_by_gdal(address: str, layer: str, box: tuple[float, ...]) -> list[str]:
    """The numbers of the requests in a box, in a process of its own: GDAL holds Python's lock, which the server needs."""
    asked = json.dumps([address, layer, box])
    done = subprocess.run([sys.executable, "-c", GDAL, asked], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return list(json.loads(done.stdout))


@pytest.mark.parametrize("form", ["fgb", "gpkg"])
def test_gdal_reads_a_box_of_a_file_in_place(sent: Sent, base: str, form: str, tmp_path: Path) -> None:
    address = f"{base}/download/requests.{form}?{PLACED}"
    local = tmp_path / f"whole.{form}"
    local.write_bytes(httpx.get(address).content)
    every = pyogrio.read_dataframe(local)
    west, south, east, north = every.total_bounds
    box = (west, south, west + (east - west) / 8, south + (north - south) / 8)
    layer = pyogrio.list_layers(local)[0][0]
    with sent.fewer_than(local.stat().st_size):
        there = read_by_gdal(address, layer, box)
    here = every.cx[box[0] : box[2], box[1] : box[3]]
    assert sorted(there) == sorted(here["service_request_id"])
    assert 0 < len(there) < len(every) / 2


def test_geopandas_reads_geoparquet_by_its_address(base: str) -> None:
    found = geopandas.read_parquet(f"{base}/download/requests.parquet?status=open", columns=["status", "geometry"])
    assert len(found) == totals(base, "status=open") > 0
    assert set(found["status"]) == {"open"} and found.crs == "OGC:CRS84"


@pytest.mark.parametrize(("ending", "compression"), [("csv", None), ("csv.gz", "gzip"), ("csv.gz", "infer")])
def test_pandas_reads_csv_by_its_address(base: str, ending: str, compression: str | None) -> None:
    address = f"{base}/download/requests.{ending}"
    found = pd.read_csv(address, compression=compression, parse_dates=["requested_datetime"])
    assert len(found) == totals(base) and found["requested_datetime"].dtype.kind == "M"
    assert found["service_request_id"].is_unique
