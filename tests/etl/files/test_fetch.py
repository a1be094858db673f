"""A file from disk, from the web and from an object store becomes one raw copy, or none where nothing is new."""

from __future__ import annotations

import gzip
import hashlib
import json
import logging
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from etl.config.connections import Patience
from etl.errors import ConfigError, SourceError, SourceUnavailable
from etl.extract import file_source, remote
from etl.extract.raw import RawArchive
from etl.extract.source import Known
from tests.etl.extract.servers import Answer, Asked, LocalServer, Page, Reset, Status, Truncated
from tests.etl.files import making as m

# --- disk -------------------------------------------------------------------------------------


def test_a_copy_is_the_file_byte_for_byte_and_knows_its_name(tmp_path: Path) -> None:
    data = m.csv_bytes()
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "March 2024.csv").write_bytes(data)
    seen: list[tuple[int, int | None]] = []
    copy = m.adapter("in/March 2024.csv").fetch(Known(), m.fetching(tmp_path, lambda d, t: seen.append((d, t))))
    assert copy is not None
    assert (copy.whole, copy.watermark, copy.as_of, copy.kind, copy.source) == (True, None, None, "file", "requests")
    (part,) = copy.parts
    assert (part.name, dict(part.note)) == ("March_2024.csv", {"name": "in/March 2024.csv"})
    assert copy.path(part).read_bytes() == data
    assert seen[-1] == (len(data), len(data))
    copy.verify()


def test_the_file_that_was_loaded_last_is_not_copied_again(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(m.csv_bytes())
    made = m.adapter("a.csv")
    first = m.fetched(tmp_path, made)
    assert made.fetch(Known(sha256=first.sha256), m.fetching(tmp_path)) is None
    (tmp_path / "a.csv").write_bytes(m.csv_bytes() + b"5,,,,,,\n")
    second = made.fetch(Known(sha256=first.sha256), replace(m.fetching(tmp_path), now=m.NOW.replace(hour=13)))
    assert second is not None
    assert second.sha256 != first.sha256
    assert len(RawArchive(tmp_path / "raw").copies("requests")) == 2
    assert not (tmp_path / "raw" / "requests" / ".fetching").exists()


def test_a_shapefile_brings_its_parts_and_any_of_them_makes_it_new(tmp_path: Path) -> None:
    m.frame().drop(columns="opened").to_file(tmp_path / "new map.v2.shp")
    (tmp_path / "new map.v2.dbf").rename(tmp_path / "new map.v2.DBF")
    made = m.adapter("new map.v2.shp")
    copy = m.fetched(tmp_path, made)
    assert [p.name for p in copy.parts] == [f"new_map.v2.{e}" for e in ("shp", "shx", "dbf", "prj", "cpg")]
    assert made.fetch(Known(sha256=copy.sha256), m.fetching(tmp_path)) is None
    (tmp_path / "new map.v2.cpg").write_text("ISO-8859-1")
    assert made.fetch(Known(sha256=copy.sha256), m.fetching(tmp_path)) is not None


def test_file_urls_and_absolute_paths_are_paths(tmp_path: Path) -> None:
    path = tmp_path / "a b.csv"
    path.write_bytes(m.csv_bytes())
    for given in (path, path.as_uri()):
        made = m.adapter(given)
        assert m.rows(made, m.fetched(tmp_path, made), m.FIELDS) == m.EXPECTED


@pytest.mark.parametrize("name", ["manifest.json", "journal.jsonl", "..json", "___.json", "Übersicht.json"])
def test_no_name_harms_the_raw_copy(tmp_path: Path, name: str) -> None:
    assert m.read_file(tmp_path, name, m.json_bytes(), m.FIELDS) == m.EXPECTED


def test_a_file_that_changes_while_it_is_copied_is_for_a_later_run(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(m.csv_bytes())

    def writes(_done: int, _total: int | None) -> None:
        with path.open("ab") as file:
            file.write(b"5,,,,,,\n" if path.stat().st_size < 1000 else b"")

    with pytest.raises(SourceUnavailable, match=r"a\.csv: was written to while it was read"):
        m.adapter("a.csv").fetch(Known(), m.fetching(tmp_path, writes))
    assert RawArchive(tmp_path / "raw").copies("requests") == []


def test_a_fetch_that_was_killed_is_gone_on_with(tmp_path: Path) -> None:
    m.frame().drop(columns="opened").to_file(tmp_path / "a.shp")
    made = m.adapter("a.shp")

    def killed(done: int, total: int | None) -> None:
        if total and done > total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made.fetch(Known(), m.fetching(tmp_path, killed))
    assert (tmp_path / "raw" / "requests" / ".fetching" / "a.shp").exists()
    assert len(m.rows(made, m.fetched(tmp_path, made), ["id", "x"])) == 4


# --- the web ----------------------------------------------------------------------------------


class FileServer(LocalServer):
    """One file at any path, with an ETag."""

    def __init__(self, body: bytes, kind: str = "text/csv") -> None:
        super().__init__()
        self.body, self.kind = body, kind

    def answer(self, asked: Asked) -> Answer:
        etag = f'"{hashlib.sha256(self.body).hexdigest()[:12]}"'
        if asked.headers.get("If-None-Match") == etag:
            return Answer(status=304, headers={"ETag": etag})
        return Answer(self.body, type=self.kind, headers={"ETag": etag})


def test_a_web_file_is_asked_for_again_only_if_it_is_another(tmp_path: Path) -> None:
    with FileServer(m.csv_bytes()) as server:
        made = m.adapter(f"{server.url}/export/rows.csv?accessType=DOWNLOAD&key=s3cretvalue")
        first = m.fetched(tmp_path, made)
        assert m.rows(made, first, m.FIELDS) == m.EXPECTED
        known = Known(watermark=first.watermark, sha256=first.sha256)
        assert made.fetch(known, m.fetching(tmp_path)) is None
        assert server.requests[-1].headers.get("If-None-Match")
        server.body += b"5,,,,,,\n"
        assert made.fetch(known, m.fetching(tmp_path)) is not None
        # The same bytes at another address, whose ETag says nothing about this one.
        server.body = m.csv_bytes()
        assert m.adapter(f"{server.url}/other.csv").fetch(known, m.fetching(tmp_path)) is None
        assert "If-None-Match" not in server.requests[-1].headers
    kept = "".join(p.read_text() for p in (tmp_path / "raw").rglob("*.json*"))
    assert "s3cretvalue" not in kept
    assert not list((tmp_path / "raw").rglob(".download*"))


@pytest.mark.parametrize("packing", ["plain", "gz", "zip"])
def test_a_web_file_without_a_telling_address_is_told_by_its_content(tmp_path: Path, packing: str) -> None:
    _, body = m.pack("rows.csv", m.csv_bytes(), packing)
    with FileServer(body, "application/octet-stream") as server:
        made = m.adapter(f"{server.url}/download")
        assert m.rows(made, m.fetched(tmp_path, made), m.FIELDS) == m.EXPECTED


def test_what_passes_is_waited_for(tmp_path: Path) -> None:
    with FileServer(m.csv_bytes()) as server:
        made = m.adapter(f"{server.url}/rows.csv", patience=Patience(attempts=6, longest_wait_seconds=0))
        server.faults = [Status(503), Reset(), Truncated(), Page()]
        assert m.rows(made, m.fetched(tmp_path, made), m.FIELDS) == m.EXPECTED
        assert len(server.requests) == 5


@pytest.mark.parametrize(
    ("body", "path", "options", "error", "told"),
    [
        (b"<!doctype html><p>Sign in", "rows.csv", {}, SourceUnavailable, "a web page"),
        (
            b"<?xml version='1.0'?><Error/>",
            "rows.csv",
            {},
            SourceUnavailable,
            "answers with a page and not with a file",
        ),
        (
            b'{"error": "quota"}',
            "rows.csv",
            {},
            SourceUnavailable,
            r'answers with a JSON document .*\{"error": "quota"\}',
        ),
        (b'{"rows": []}', "rows", {"format": "excel"}, SourceUnavailable, "answers with a JSON document"),
        (b'{"message": "no such view"}', "rows", {}, SourceUnavailable, "answers with a JSON document"),
        (b"", "rows.csv", {}, SourceUnavailable, "answers with nothing"),
    ],
)
def test_an_answer_that_is_no_file_is_for_a_later_run(
    tmp_path: Path, body: bytes, path: str, options: dict[str, Any], error: type[SourceError], told: str
) -> None:
    with FileServer(body) as server, pytest.raises(error, match=told) as caught:
        m.adapter(f"{server.url}/{path}?token=abcdefgh123", **options).fetch(Known(), m.fetching(tmp_path))
    assert "abcdefgh123" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert RawArchive(tmp_path / "raw").copies("requests") == []


def test_one_small_record_is_no_error_document(tmp_path: Path) -> None:
    with FileServer(b'{"id": 1, "message": "a pothole"}\n') as server:
        made = m.adapter(f"{server.url}/rows.json")
        assert m.rows(made, m.fetched(tmp_path, made))[0]["message"] == "a pothole"


@pytest.mark.parametrize("status", [404, 403])
def test_a_refusal_is_final(tmp_path: Path, status: int) -> None:
    with FileServer(b"x") as server:
        server.faults = [Status(status)]
        with pytest.raises(SourceError, match=f"HTTP {status}") as caught:
            m.adapter(f"{server.url}/rows.csv").fetch(Known(), m.fetching(tmp_path))
        assert not isinstance(caught.value, SourceUnavailable)
        assert len(server.requests) == 1


def test_a_token_comes_from_the_environment_and_goes_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with FileServer(m.csv_bytes()) as server:
        made = m.adapter(f"{server.url}/rows.csv", token_env="CITY_TOKEN")
        with pytest.raises(ConfigError, match="CITY_TOKEN is not set"):
            made.fetch(Known(), m.fetching(tmp_path))
        monkeypatch.setenv("CITY_TOKEN", "t0ps3cret")
        m.fetched(tmp_path, made)
        assert server.requests[-1].headers["Authorization"] == "Bearer t0ps3cret"
    assert "t0ps3cret" not in caplog.text
    assert not [p for p in (tmp_path / "raw").rglob("*") if p.is_file() and b"t0ps3cret" in p.read_bytes()]


# --- an object store --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def s3() -> Iterator[tuple[str, Any]]:
    """Address of an S3-compatible server on this machine, and a client that fills it."""
    import boto3
    from moto.server import ThreadedMotoServer

    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "t3stsecret", "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }.items():  # fmt: skip
            patch.setenv(name, value)
        server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        server.start()
        url = f"http://127.0.0.1:{server.get_host_and_port()[1]}"
        client = boto3.client("s3", endpoint_url=url)
        client.create_bucket(Bucket="city")
        yield url, client
        server.stop()


@pytest.mark.parametrize("name", ["rows.csv", "rows.zip"])
def test_an_object_is_copied_once_for_each_version(tmp_path: Path, s3: tuple[str, Any], name: str) -> None:
    url, client = s3
    body = {
        "rows.csv": m.csv_bytes(), "rows.zip": m.zipped(a__csv=m.csv_bytes()),
    }[name]  # fmt: skip
    client.put_object(Bucket="city", Key=f"exports/{name}", Body=body)
    made = m.adapter(f"s3://city/exports/{name}", s3_endpoint=url)
    copy = m.fetched(tmp_path, made)
    assert copy.path(copy.parts[0]).read_bytes() == body
    assert copy.parts[0].note["name"] == f"s3://city/exports/{name}"
    assert m.rows(made, copy, m.FIELDS) == m.EXPECTED
    known = Known(watermark=copy.watermark, sha256=copy.sha256)
    assert made.fetch(known, m.fetching(tmp_path)) is None
    assert made.fetch(Known(sha256=copy.sha256), m.fetching(tmp_path)) is None
    client.put_object(Bucket="city", Key=f"exports/{name}", Body=body + b"\n")
    assert made.fetch(known, m.fetching(tmp_path)) is not None


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("s3://city/none.csv", "s3://city/none.csv: there is no such file; check the bucket and the key"),
        ("s3://nowhere/none.csv", "s3://nowhere/none.csv: there is no such file; check the bucket and the key"),
        ("https://key:word@city/a.csv", "https://city/a.csv: must not hold a name or a password"),
        ("s3://key:word@city/a.csv", "s3://city/a.csv: must not hold a name or a password"),
        ("gopher://city/a.csv", "gopher://city/a.csv: addresses of gopher:// cannot be read here"),
    ],
)
def test_what_is_not_in_the_store_is_told(tmp_path: Path, s3: tuple[str, Any], path: str, told: str) -> None:
    with pytest.raises(SourceError, match=f"^{told}") as caught:
        m.adapter(path, s3_endpoint=s3[0]).fetch(Known(), m.fetching(tmp_path))
    assert not isinstance(caught.value, SourceUnavailable)
    assert "\n" not in str(caught.value)


def test_an_empty_object_and_a_folder_are_told(tmp_path: Path, s3: tuple[str, Any]) -> None:
    url, client = s3
    client.put_object(Bucket="city", Key="void.csv", Body=b"")
    client.put_object(Bucket="city", Key="folder/a.csv", Body=b"a\n1\n")
    for path, told in (("void.csv", "is empty"), ("folder", "is a folder")):
        with pytest.raises(SourceError, match=told):
            m.adapter(f"s3://city/{path}", s3_endpoint=url).fetch(Known(), m.fetching(tmp_path))


class Refusing(BaseHTTPRequestHandler):
    """A store that answers everything with the status that its bucket's name states."""

    def do_HEAD(self) -> None:
        self.send_response(int(self.path.split("/")[1].removeprefix("status-")))
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_HEAD  # noqa: N815 - the name that http.server calls

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.mark.parametrize(
    ("status", "error", "told"),
    [
        (403, SourceError, "may not be read; check the credentials in the environment"),
        (400, SourceError, "the store refuses with HTTP 400"),
        (503, SourceUnavailable, r"answers with an error .* tried 2 times\); run again later"),
    ],
)
def test_refused_and_busy_stores_are_told_apart(
    tmp_path: Path, s3: tuple[str, Any], status: int, error: type[SourceError], told: str
) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    made = m.adapter(f"s3://status-{status}/a.csv", s3_endpoint=f"http://127.0.0.1:{server.server_address[1]}")
    try:
        with pytest.raises(SourceError, match=told) as caught:
            made.fetch(Known(), m.fetching(tmp_path))
    finally:
        server.shutdown()
        server.server_close()
    assert type(caught.value) is error
    assert "testing" not in str(caught.value)


def test_a_store_that_is_not_there_is_for_a_later_run(tmp_path: Path, s3: tuple[str, Any]) -> None:
    with pytest.raises(SourceUnavailable, match="cannot be reached"):
        m.adapter("s3://city/a.csv", s3_endpoint="http://127.0.0.1:9").fetch(Known(), m.fetching(tmp_path))


def test_without_credentials_an_object_is_asked_for_without_a_signature(
    tmp_path: Path, s3: tuple[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, client = s3
    client.put_object(Bucket="city", Key="open.csv", Body=m.csv_bytes(), ACL="public-read")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    made = m.adapter("s3://city/open.csv", s3_endpoint=url)
    assert m.rows(made, m.fetched(tmp_path, made), m.FIELDS) == m.EXPECTED


class Breaking:
    """A file system whose connections break after some bytes, as often as it is told."""

    def __init__(self, data: bytes, breaks: int, at: int) -> None:
        self.data, self.breaks, self.at, self.opened, self.etag = data, breaks, at, 0, "v1"

    def _strip_protocol(self, url: str) -> str:
        return url

    def info(self, _path: str) -> dict[str, Any]:
        return {"size": len(self.data), "ETag": self.etag, "type": "file"}

    def open(self, _path: str, _mode: str) -> Any:
        import io

        self.opened += 1
        outer = self

        class Handle(io.BytesIO):
            def read(self, size: int | None = -1) -> bytes:
                if outer.breaks and self.tell() >= outer.at:
                    outer.breaks -= 1
                    raise ConnectionResetError("gone")
                return super().read(size)

        return Handle(self.data)


def _remote(system: Breaking, monkeypatch: pytest.MonkeyPatch) -> remote.RemoteFile:
    monkeypatch.setattr(remote, "BLOCK", 10)
    monkeypatch.setattr(remote.RemoteFile, "_system", lambda _self: system)
    connection = m.adapter("s3://b/k").connection
    return remote.RemoteFile("s3://b/k", "s3://b/k", connection, sleep=lambda _s: None)


def test_a_broken_connection_is_taken_up_where_it_broke(monkeypatch: pytest.MonkeyPatch) -> None:
    system = Breaking(bytes(range(100)), 1, 30)
    assert b"".join(_remote(system, monkeypatch).blocks("v1", lambda _d, _t: None)) == bytes(range(100))
    assert system.opened == 2
    with pytest.raises(SourceUnavailable, match="breaks off after 30 bytes"):
        list(_remote(Breaking(bytes(100), 99, 30), monkeypatch).blocks("v1", lambda _d, _t: None))


def test_two_versions_of_an_object_are_never_mixed(monkeypatch: pytest.MonkeyPatch) -> None:
    system = Breaking(bytes(100), 1, 30)

    def changes(done: int, _total: int | None) -> None:
        system.etag = "v2" if done >= 30 else "v1"

    with pytest.raises(SourceUnavailable, match="has changed while it was read"):
        list(_remote(system, monkeypatch).blocks("v1", changes))


def test_any_other_store_that_fsspec_knows_is_read(tmp_path: Path) -> None:
    import fsspec

    with fsspec.open("memory://exports/rows.csv", "wb") as file:
        file.write(m.csv_bytes())
    made = m.adapter("memory://exports/rows.csv")
    copy = m.fetched(tmp_path, made)
    assert m.rows(made, copy, m.FIELDS) == m.EXPECTED


# --- memory -----------------------------------------------------------------------------------

MEASURE = """
import resource, sys
from pathlib import Path
from etl.config.connections import FileConnection
from etl.extract.files import MalformedRows
from etl.extract.formats import open_table

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10

def read(name, columns):
    table = open_table(Path(sys.argv[1]) / name, name, FileConnection(path=name), ("",))
    return sum(len(t) for t in table.tables(columns, MalformedRows(), lambda _: None))

read("small" + sys.argv[2], ["n"])
before = peak()
rows = read("large" + sys.argv[2], ["n"])
print(rows, peak() - before)
"""


def _rows(count: int, kind: str) -> Iterator[bytes]:
    pad = hashlib.sha256(b"x").hexdigest() * 15
    if kind == ".zip":
        yield b"n,pad\n"
    for i in range(count):
        yield f"{i},{pad}\n".encode() if kind == ".zip" else json.dumps({"n": i, "pad": pad}).encode() + b"\n"


def _expanding(path: Path, count: int) -> None:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            archive.writestr("rows.csv", b"".join(_rows(count, ".zip")))
    else:
        with gzip.open(path, "wb", compresslevel=1) as file:
            file.write(b"".join(_rows(count, ".jsonl")))


@pytest.mark.skipif(sys.platform == "win32", reason="there is no getrusage")
@pytest.mark.parametrize("kind", [".zip", ".jsonl.gz"])
def test_a_file_that_expands_to_200_mb_is_read_in_flat_memory(tmp_path: Path, kind: str) -> None:
    _expanding(tmp_path / f"small{kind}", 2)
    _expanding(tmp_path / f"large{kind}", 210_000)
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path), kind],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(file_source.__file__).parents[2],
    )
    rows, megabytes = map(int, done.stdout.split())
    assert rows == 210_000
    assert megabytes < 150
    shutil.rmtree(tmp_path)
