"""Files hold every selected row and nothing that runs."""

from __future__ import annotations

import csv
import errno
import hashlib
import io
import json
import re
from pathlib import Path

import geopandas
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient

from portal import queries
from portal.files import built
from portal.release import Release
from portal.selection import Selection
from tests.portal.test_queries import QUERIES


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("query", QUERIES, ids=lambda q: q or "all")
def test_every_format_has_as_many_rows_as_the_totals_say(
    client: TestClient, release: Release, tmp_path: Path, query: str
) -> None:
    n = queries.totals(release, Selection.from_query(query, release)).requests
    assert len(table(client.get(f"/download/requests.csv?{query}").text)) == n
    assert len(client.get(f"/download/requests.geojson?{query}").json()["features"]) == n
    path = tmp_path / "x.parquet"
    path.write_bytes(client.get(f"/download/requests.parquet?{query}").content)
    assert pq.read_table(path).num_rows == n


def test_csv_has_the_published_fields_and_utc_times(client: TestClient, release: Release) -> None:
    rows = table(client.get("/download/requests.csv?status=closed").text)
    assert tuple(rows[0]) == release.fields
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", rows[0]["closed_datetime"])
    assert {row["synthetic"] for row in rows} == {"true"}
    by_id = {row["service_request_id"]: row for row in rows}
    row = queries.latest(release, Selection(status=("closed",)), limit=1)[0]
    assert by_id[row.service_request_id]["requested_datetime"] == f"{row.requested_datetime:%Y-%m-%dT%H:%M:%SZ}"
    assert by_id[row.service_request_id]["long"] == ("" if row.long is None else repr(row.long))


def test_csv_cells_cannot_be_formulas(client: TestClient) -> None:
    rows = table(client.get("/download/requests.csv?service=%3Dheating").text)
    assert {row["service_code"] for row in rows} == {"'=heating"}
    everything = table(client.get("/download/requests.csv").text)
    numbers = {"lat", "long", "response_hours"}
    assert not [
        v for row in everything for k, v in row.items() if k not in numbers and v[:1] in tuple("=+-@\t\r") and v
    ]


def test_geojson_says_what_it_is(client: TestClient, release: Release, tmp_path: Path) -> None:
    answer = client.get("/download/requests.geojson?area=district:2")
    about = answer.json()
    assert about["synthetic"] is True and about["release_id"] == release.id and about["query"] == "area=district%3A2"
    feature = about["features"][0]
    west, south, east, north = release.city.bbox
    assert (
        west <= feature["geometry"]["coordinates"][0] <= east
        and south <= feature["geometry"]["coordinates"][1] <= north
    )
    assert feature["properties"]["synthetic"] is True and feature["properties"]["district"] == "2"
    everything = client.get("/download/requests.geojson").json()["features"]
    assert sum(f["geometry"] is None for f in everything) == queries.totals(release).not_located


def test_a_filtered_parquet_is_geoparquet(client: TestClient, release: Release, tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    path.write_bytes(client.get("/download/requests.parquet?service=tree").content)
    frame = geopandas.read_parquet(path)
    assert frame.crs.to_epsg() in (4326, None) or "CRS84" in str(frame.crs)
    assert frame.geometry.notna().sum() == frame.lat.notna().sum()
    assert (frame.geometry.x.dropna() == frame.long.dropna()).all()
    metadata = pq.read_schema(path).metadata
    assert json.loads(metadata[b"openward"])["synthetic"] is True
    assert list(frame.columns) == [*release.fields, "geometry"]


def test_all_of_it_as_parquet_is_the_release_s_own_file(client: TestClient, release: Release) -> None:
    content = client.get("/download/requests.parquet").content
    assert content == (release.folder / "requests.parquet").read_bytes()


def test_the_name_tells_city_release_and_that_it_is_synthetic(client: TestClient, release: Release) -> None:
    answer = client.get("/download/requests.csv?status=open")
    assert answer.headers["x-openward-release"] == release.id
    name = answer.headers["content-disposition"]
    assert f"testville-synthetic-requests-{release.id}-selection.csv" in name
    assert "selection" not in client.head("/download/requests.csv").headers["content-disposition"]


@pytest.mark.parametrize("form", ["parquet", "gpkg", "fgb", "shp.zip", "xlsx"])
def test_temporary_files_do_not_stay(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    built.forget()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for asked in ({}, {"Range": "bytes=abc"}, {"Range": "bytes=99999999999-"}, {"Range": "bytes=0-3"}):
        answer = client.get(f"/download/requests.{form}?status=open", headers=asked)
        assert answer.status_code == {"bytes=99999999999-": 416, "bytes=0-3": 206}.get(asked.get("Range", ""), 200)
        assert int(answer.headers["content-length"]) == len(answer.content)
        assert list(tmp_path.iterdir()) == []
    whole = client.get(f"/download/requests.{form}?status=open")
    assert whole.content[:4] == answer.content and len(answer.content) == 4


def test_a_third_file_built_at_once_is_asked_to_wait(client: TestClient) -> None:
    built.forget()
    address = "/download/requests.parquet?status=open"
    with built.building, built.building:
        answer = client.get(address)
    assert answer.status_code == 503 and int(answer.headers["retry-after"]) > 0
    assert answer.headers["content-type"] == "application/problem+json" and "CSV" in answer.json()["detail"]
    assert client.get(address).status_code == 200


def test_a_full_disk_is_said_and_leaves_nothing_behind(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: object, **_more: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    built.forget()
    address = "/download/requests.parquet?status=open"
    with monkeypatch.context() as patched:
        patched.setattr("tempfile.tempdir", str(tmp_path))
        patched.setattr("pyarrow.parquet.ParquetWriter.write_batch", full)
        for _ in range(built.AT_ONCE + 1):
            answer = client.get(address)
            assert answer.status_code == 503 and "no room" in answer.json()["detail"]
        assert list(tmp_path.iterdir()) == []
    assert client.get(address).status_code == 200


def test_release_files_are_what_the_package_says(client: TestClient, release: Release) -> None:
    base = f"/download/release/{release.id}"
    assert client.get(f"{base}/datapackage.json").json()["openward"]["release_id"] == release.id
    for file in queries.files(release):
        answer = client.get(f"{base}/{file.path}")
        assert hashlib.sha256(answer.content).hexdigest() == file.sha256
        assert "immutable" in answer.headers["cache-control"]
    part = client.get(f"{base}/requests.parquet", headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, b"PAR1")
    etag = client.head(f"{base}/requests.parquet").headers["etag"]
    assert client.get(f"{base}/requests.parquet", headers={"If-None-Match": etag}).status_code == 304


@pytest.mark.parametrize(
    "path",
    [
        "{id}/serve.duckdb", "{id}/../chain.jsonl", "{id}/..%2fchain.jsonl", "{id}/%2e%2e/chain.jsonl", "current/datapackage.json",
        "..%2f..%2fetc/passwd", "x/datapackage.json", "{id}/",
    ],
)  # fmt: skip
def test_nothing_else_can_be_fetched(client: TestClient, release: Release, path: str) -> None:
    answer = client.get("/download/release/" + path.format(id=release.id))
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
