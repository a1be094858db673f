"""Downloads that are cut off go on where they were: ranges, ETags, and curl itself against a portal that is served."""

from __future__ import annotations

import gzip
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.app import create_app
from portal.files import built, pieces
from portal.files.wanted import wanted
from portal.queries import rows
from portal.release import Release
from portal.settings import PortalSettings

TEXTS = ("csv", "csv.gz", "csv.zst", "geojson", "geojsons", "jsonl", "jsonl.gz", "txt")
BUILT = ("parquet", "gpkg", "fgb", "shp.zip", "xlsx")


@pytest.fixture(autouse=True)
def _small_spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Several spans in a small release, and nothing kept from another test."""
    monkeypatch.setattr(rows, "ROWS_AT_ONCE", 250)
    monkeypatch.setattr(rows, "LEAST_SPAN", 64)
    pieces.forget()
    built.forget()
    yield
    pieces.forget()
    built.forget()


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(form=st.sampled_from([*TEXTS, *BUILT]), query=st.sampled_from(["service=parking", "service=tree", "service=%3Dheating"]),
       first=st.floats(0, 1.1), length=st.floats(0, 1), kept=st.booleans(), kind=st.sampled_from(["open", "both", "last"]))  # fmt: skip
def test_a_range_is_that_part_of_the_file(
    client: TestClient, form: str, query: str, first: float, length: float, kept: bool, kind: str
) -> None:
    address = f"/download/requests.{form}?{query}"
    whole = client.get(address)
    size = len(whole.content)
    if not kept:
        pieces.forget()
        built.forget()
    start, n = int(size * first), int(size * length) + 1
    asked = {"open": f"bytes={start}-", "both": f"bytes={start}-{start + n - 1}", "last": f"bytes=-{n}"}[kind]
    answer = client.get(address, headers={"Range": asked, "If-Range": whole.headers["etag"]})
    if kind != "last" and start >= size:
        assert answer.status_code == 416 and answer.headers["content-range"] == f"bytes */{size}"
        assert answer.headers["content-type"] == "application/problem+json"
        return
    begin, end = {"open": (start, size), "both": (start, min(size, start + n)), "last": (max(0, size - n), size)}[kind]
    assert answer.status_code == 206 and answer.content == whole.content[begin:end]
    assert answer.headers["content-range"] == f"bytes {begin}-{end - 1}/{size}"
    assert int(answer.headers["content-length"]) == end - begin
    assert answer.headers["etag"] == whole.headers["etag"] and answer.headers["accept-ranges"] == "bytes"


def test_what_a_range_is_not(client: TestClient) -> None:
    address = "/download/requests.csv?status=open"
    whole = client.get(address)
    for headers in (
        {"Range": "bytes=5-", "If-Range": '"another"'},
        {"Range": "bytes=5-", "If-Range": "Mon, 23 Nov 2026 19:00:00 GMT"},
        {"Range": "bytes=5-", "If-Range": f"W/{whole.headers['etag']}"},
        {"Range": "bytes=0-1,5-9"},
        {"Range": "lines=5-"},
        {"Range": "bytes=-"},
        {"Range": "bytes=9-3"},
        {"Range": "bytes=" + "9" * 4000 + "-"},
    ):
        answer = client.get(address, headers=headers)
        assert (answer.status_code, answer.content) == (200, whole.content), headers
    for asked in ("bytes=-0", f"bytes={len(whole.content)}-"):
        assert client.get(address, headers={"Range": asked}).status_code == 416, asked


def test_the_etag_is_the_files_own(client: TestClient, release: Release) -> None:
    seen = set()
    for table, query in (("requests", ""), ("requests", "status=open"), ("incidents", ""), ("areas", "")):
        for form in ("csv", "csv.gz", "geojson", "gpkg"):
            answer = client.head(f"/download/{table}.{form}?{query}")
            if answer.status_code == 404:
                continue
            etag = answer.headers["etag"]
            assert etag.startswith('"') and etag not in seen
            seen.add(etag)
            again = client.get(f"/download/{table}.{form}?{query}", headers={"If-None-Match": f'"x", W/{etag}'})
            assert (again.status_code, again.content) == (304, b"")
    assert len(seen) >= 12
    same = [
        client.head(f"/download/requests.csv?{q}").headers["etag"]
        for q in ("to=2024-05-01&status=open", "status=open&to=2024-05-01&x=")
    ]
    assert same[0] == same[1]
    assert (
        client.head("/download/requests.csv?status=open&compress=gzip").headers["etag"]
        == client.head("/download/requests.csv.gz?status=open").headers["etag"]
    )


def test_head_tells_the_length_once_it_is_known(client: TestClient) -> None:
    address = "/download/requests.csv?status=open"
    before = client.head(address)
    assert before.headers.get("content-length") in (None, "0") and before.headers["accept-ranges"] == "bytes"
    whole = client.get(address)
    assert int(client.head(address).headers["content-length"]) == len(whole.content)
    assert int(client.get(address).headers["content-length"]) == len(whole.content)


@pytest.mark.parametrize("compress", ["gzip", "zstd"])
def test_compressed_it_is_the_same_text(client: TestClient, compress: str) -> None:
    plain = client.get("/download/requests.jsonl?status=closed").content
    answer = client.get(
        f"/download/requests.jsonl?status=closed&compress={compress}", headers={"Accept-Encoding": "gzip"}
    )
    assert "content-encoding" not in answer.headers and len(answer.content) < len(plain) / 3
    if compress == "gzip":
        assert gzip.decompress(answer.content) == plain
    else:
        with pa.input_stream(pa.BufferReader(answer.content), compression="zstd") as read:
            assert read.read() == plain


def test_while_others_are_measured_one_is_asked_to_wait(client: TestClient) -> None:
    from portal.files import ranged

    with ranged._measuring, ranged._measuring:
        answer = client.get("/download/requests.csv?status=open", headers={"Range": "bytes=9-"})
    assert answer.status_code == 503 and answer.headers["retry-after"]


def test_pieces_are_the_table_in_its_order(release: Release) -> None:
    of = wanted(release, "requests.jsonl", "status=closed", "", "")
    spans = rows.spans(release, of.ask)
    assert len(spans) > 4 and all(0 < span.rows <= 250 + 64 for span in spans)
    where, params = of.ask.where(release)
    expected = release.query(f"SELECT service_request_id FROM requests WHERE {where} ORDER BY rowid", params)
    found = [
        (name,) for span in spans for name in rows.between(release, of.ask, ["service_request_id"], span)[0].to_pylist()
    ]
    assert found == expected


@pytest.fixture(scope="module")
def two_portals(serve: Callable[[Any], str], releases_path: Path) -> tuple[str, str]:
    """The same release, served twice: what one has open the other has not."""
    first, second = (serve(create_app(PortalSettings(releases=releases_path))) for _ in range(2))
    return first, second


@pytest.mark.parametrize("form", ["csv", "geojson", "csv.gz", "gpkg"])
@pytest.mark.parametrize("share", [0.01, 0.4, 0.97])
def test_curl_resumes_what_was_cut(two_portals: tuple[str, str], tmp_path: Path, form: str, share: float) -> None:
    """The client is killed in the middle; another portal, that knows of nothing, goes on from there."""
    first, second = two_portals
    curl = shutil.which("curl")
    assert curl, "curl is needed"
    address = f"/download/requests.{form}?status=closed"
    whole = httpx.get(first + address).content
    had = max(1, int(len(whole) * share))
    file = tmp_path / "had"
    with httpx.stream("GET", first + address) as answer, file.open("wb") as into:
        got = b""
        for chunk in answer.iter_raw():
            got += chunk
            if len(got) >= had:
                break
        into.write(got[:had])
    pieces.forget()
    built.forget()
    done = subprocess.run(
        [curl, "-sS", "--fail", "--noproxy", "*", "-C", "-", "-o", str(file), "-w", "%{http_code} %{size_download}", second + address],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.split() == ["206", str(len(whole) - had)]
    assert file.read_bytes() == whole
