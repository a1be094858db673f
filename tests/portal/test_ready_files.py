"""Ready files: the parts are the whole, cell by cell as downloads have them, and are served as they lie and as text."""

from __future__ import annotations

import csv
import gzip
import io
import json
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import geopandas
import httpx
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient

from etl.config.downloads import Downloads
from etl.publish import manifest, shelf
from portal import ready_routes
from portal.app import create_app
from portal.files import fixed, parted, poured
from portal.files.parted import slugs
from portal.ready import Ready, ready
from portal.settings import PortalSettings
from tests.portal.catalogue_schemas import CATALOG_1, CATALOG_3
from tests.portal.test_catalogue import got, path_of, valid
from tests.release_factory import build_release

WARDS = {"1": "../../etc/passwd", "2": "Back Bay", "3": "back-bay", "4": "x" * 100, "5": "東区", "7": "not-stated"}
"""Codes that no file may be called by; ward 6 becomes none."""


def hostile(db: Any) -> None:
    """Areas with codes that are no names, and texts with line ends, commas and quotes."""
    cases = " ".join(f"WHEN '{old}' THEN '{new}'" for old, new in WARDS.items())
    db.execute(f"ALTER TABLE requests ALTER COLUMN ward TYPE VARCHAR USING CASE ward::VARCHAR {cases} END")
    kind = "ENUM ({})".format(", ".join(f"'{name}'" for name in WARDS.values()))
    db.execute(f"ALTER TABLE requests ALTER COLUMN ward TYPE {kind}")
    db.execute("""UPDATE requests SET address = '1 "Main"' || chr(13) || chr(10) || 'St, rear' WHERE rid % 7 = 0""")


@dataclass
class Shelved:
    """A release with ready files, and the portal over it."""

    releases: Path
    folder: Path
    found: Ready
    client: TestClient

    def text(self, name: str) -> bytes:
        return gzip.decompress((self.folder / "files" / name).read_bytes())


def stocked(releases: Path, **more: Any) -> shelf.Stocked | None:
    """Ready files of the current release, made of several spans and stretches."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fixed, "AT_ONCE", 500)
        patch.setattr(fixed, "STRETCH", 1000)
        patch.setattr(poured, "PIECE_BYTES", 20_000)
        patch.setattr(poured, "HELD_BYTES", 200_000)
        return shelf.stock(releases, Downloads(**more), fixed.make)


@pytest.fixture(scope="module")
def shelved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelved]:
    root = tmp_path_factory.mktemp("ready")
    folder = build_release(root, rows=2700, change=hostile)
    assert stocked(root / "releases") is not None
    found = ready(folder)
    assert found is not None
    settings = PortalSettings(releases=root / "releases", public_url="https://data.example.org")
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield Shelved(root / "releases", folder, found, client)


@pytest.fixture(scope="module")
def url(shelved: Shelved, serve: Callable[[Any], str]) -> str:
    """The same, on a port."""
    return serve(create_app(PortalSettings(releases=shelved.releases)))


# --- what is in them ------------------------------------------------------------------------------------------------


def test_every_part_is_the_download_of_its_filter_byte_by_byte(shelved: Shelved) -> None:
    texts = [file for file in shelved.found.files if file.format == "csv"]
    assert {file.part for file in texts if file.table == "requests"} == {"whole", "year", "department", "layer"}
    for file in texts:
        answer = shelved.client.get(f"/download/{file.table}.csv?{file.query}")
        assert answer.status_code == 200, (file.query, answer.text)
        assert shelved.text(file.path) == answer.content, file.path
        assert file.rows == len(list(csv.reader(io.StringIO(answer.text, newline="")))) - 1
        assert file.text_bytes == len(answer.content)


def test_the_parts_of_each_kind_add_up_to_the_whole(shelved: Shelved) -> None:
    whole = Counter(_rows(shelved.text("requests.csv.gz")))
    for part, layer in (("year", ""), ("department", ""), ("layer", "district"), ("layer", "ward")):
        files = shelved.found.of("requests", part, layer)
        told = Counter[tuple[str, ...]]()
        for file in files:
            if file.format == "csv":
                told += Counter(_rows(shelved.text(file.path)))
        assert told == whole, (part, layer)
        assert {file.key for file in files if file.format == "csv"} == {
            file.key for file in files if file.format == "parquet"
        }
        if part != "year":
            assert None in {file.key for file in files}, "those without one are a part of their own"


def test_parquet_is_the_download_of_its_filter_too(shelved: Shelved, tmp_path: Path) -> None:
    for file in shelved.found.files:
        if file.format != "parquet":
            continue
        path = tmp_path / "asked.parquet"
        path.write_bytes(shelved.client.get(f"/download/requests.parquet?{file.query}").content)
        made, asked = pq.read_table(shelved.found.path(file)), pq.read_table(path)
        assert made.schema.equals(asked.schema, check_metadata=True), file.path
        assert made.equals(asked) and made.num_rows == file.rows
    frame = geopandas.read_parquet(shelved.found.folder / "requests_year_2023.parquet")
    assert frame.crs == "OGC:CRS84" and {point.geom_type for point in frame.geometry.dropna()} == {"Point"}


def test_the_same_release_makes_the_same_bytes(shelved: Shelved, tmp_path: Path) -> None:
    for name in ("chain.jsonl", "current", shelved.folder.name):
        subprocess.run(["cp", "-a", shelved.releases / name, tmp_path], check=True)
    again = tmp_path / shelved.folder.name
    for path in (again / "files").iterdir():
        path.unlink()
    (again / "files").rmdir()
    assert stocked(tmp_path) is not None
    first = json.loads((shelved.folder / "files" / "files.json").read_text())
    second = json.loads((again / "files" / "files.json").read_text())
    assert first == second and len(first["files"]) > 40


def test_names_are_plain_and_no_two_the_same(shelved: Shelved) -> None:
    names = [file.path for file in shelved.found.files]
    assert len(set(names)) == len(names) and all(manifest.NAME.fullmatch(name) for name in names)
    assert sorted([*names, "files.json"]) == sorted(path.name for path in shelved.found.folder.iterdir())
    wards = {file.key: file.path for file in shelved.found.of("requests", "layer", "ward") if file.format == "csv"}
    assert wards["back-bay"] == "requests_ward_back-bay.csv.gz" and wards[None] == "requests_ward_not-stated.csv.gz"
    assert wards["../../etc/passwd"] == "requests_ward_etc-passwd.csv.gz"
    assert set(wards) == {*WARDS.values(), None}


def test_codes_that_look_alike_have_names_of_their_own() -> None:
    codes = ["A", "a", "Ä", "", "..", "a" * 300, "a" * 299, "not-stated", "a-559aead0", None]
    names = slugs(codes)
    assert len(set(names)) == len(codes) and names[1] == "a" and names[-1] == "not-stated" and names[8] == codes[8]
    assert slugs(codes[::-1]) == names[::-1], "whatever the order"
    assert slugs(["PWD", "Back Bay"]) == ["pwd", "back-bay"], "and plain where nothing is in the way"
    assert all(0 < len(name) <= 95 for name in names)


def test_a_layer_of_too_many_areas_is_left_out_and_that_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parted, "MOST_PARTS", 4)
    folder = build_release(tmp_path, rows=300)
    assert stocked(tmp_path / "releases", parts=["layers"], formats=["csv"]) is not None
    told = json.loads((folder / "files" / "files.json").read_text())
    assert told["left_out"] == [{"part": "layer", "layer": "ward", "why": "there are 7; files are made of at most 4"}]
    assert {file["layer"] for file in told["files"]} == {"district"} and {f["format"] for f in told["files"]} == {"csv"}


def _rows(text: bytes) -> list[tuple[str, ...]]:
    return [tuple(row) for row in csv.reader(io.StringIO(text.decode(), newline=""))][1:]


def test_years_are_left_out_where_days_are_older_than_the_index_tells(tmp_path: Path) -> None:
    old = "UPDATE requests SET requested_datetime = '1900-01-01', requested_date = '1900-01-01' WHERE rid % 50 = 0"
    build_release(tmp_path, rows=300, change=lambda db: db.execute(old))
    assert stocked(tmp_path / "releases", formats=["csv"])
    told = json.loads((tmp_path / "releases" / "current" / "files" / "files.json").read_text())
    assert [left["part"] for left in told["left_out"]] == ["year"] and "1970-01-01" in told["left_out"][0]["why"]
    assert {file["part"] for file in told["files"]} == {"whole", "department", "layer"}


# --- how they are had -----------------------------------------------------------------------------------------------


def test_a_file_is_sent_as_it_lies(shelved: Shelved) -> None:
    file = shelved.found.by_name["requests_year_2024.csv.gz"]
    address = f"/download/release/{shelved.folder.name}/files/{file.path}"
    raw = shelved.found.path(file).read_bytes()
    answer = shelved.client.get(address, headers={"Accept-Encoding": "gzip"})
    assert answer.content == raw and "content-encoding" not in answer.headers, "not packed a second time"
    assert answer.headers["etag"] == f'"{file.sha256}"' and "immutable" in answer.headers["cache-control"]
    assert answer.headers["access-control-allow-origin"] == "*" and answer.headers["content-type"] == "application/gzip"
    head = shelved.client.head(address)
    assert head.content == b"" and int(head.headers["content-length"]) == len(raw) == file.bytes
    part = shelved.client.get(address, headers={"Range": "bytes=100-199"})
    assert part.status_code == 206 and part.content == raw[100:200]
    assert shelved.client.get(address, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    about = [shelved.client.get(told.split(">")[0].strip(" <")) for told in answer.headers["link"].split(",")]
    assert [found.status_code for found in about] == [200, 200], "what it is stands beside it"
    requests = next(one for one in about[0].json()["resources"] if one["name"] == "requests")
    assert requests["schema"]["fields"] and about[1].json()["files"]
    listed = shelved.client.get(f"/download/release/{shelved.folder.name}/files/files.json")
    assert listed.json()["release_id"] == shelved.folder.name and listed.headers["etag"] == f'"{shelved.found.sha256}"'


def test_without_gz_it_is_text_for_everyone(shelved: Shelved, url: str) -> None:
    address = f"{url}/download/release/{shelved.folder.name}/files/requests_year_2024.csv"
    text = shelved.text("requests_year_2024.csv.gz")
    packed = httpx.get(address, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip" and packed.content == text, "one member: clients stop after it"
    plain = httpx.get(address, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers and plain.content == text
    assert plain.headers["etag"] != packed.headers["etag"]
    assert {answer.headers["vary"] for answer in (plain, packed)} == {"Accept-Encoding"}
    assert int(plain.headers["content-length"]) == len(text)
    for asked, status, expected in (
        ("bytes=1000-1999", 206, text[1000:2000]),
        (f"bytes={len(text) - 5}-", 206, text[-5:]),
        ("bytes=-7", 206, text[-7:]),
        ("bytes=0-1,5-9", 200, text),
        ("lines=1-2", 200, text),
    ):
        answer = httpx.get(address, headers={"Accept-Encoding": "identity", "Range": asked})
        assert (answer.status_code, answer.content) == (status, expected), asked
    beyond = httpx.get(address, headers={"Accept-Encoding": "identity", "Range": f"bytes={len(text)}-"})
    assert beyond.status_code == 416 and beyond.headers["content-range"] == f"bytes */{len(text)}"
    other = httpx.get(address, headers={"Accept-Encoding": "identity", "Range": "bytes=5-", "If-Range": '"another"'})
    assert other.status_code == 200
    head = httpx.head(address, headers={"Accept-Encoding": "identity"})
    assert int(head.headers["content-length"]) == len(text) and head.content == b""


@pytest.mark.parametrize("name", ["requests_year_2024.csv.gz", "requests_year_2024.csv"])
def test_curl_goes_on_where_it_was_cut(shelved: Shelved, url: str, tmp_path: Path, name: str) -> None:
    whole = tmp_path / "whole"
    address = f"{url}/download/current/files/{name}"
    subprocess.run(["curl", "-sfL", "-o", whole, address], check=True)
    cut = tmp_path / "cut"
    cut.write_bytes(whole.read_bytes()[:5000])
    subprocess.run(["curl", "-sfL", "-C", "-", "-o", cut, address], check=True)
    assert cut.read_bytes() == whole.read_bytes() and whole.stat().st_size > 5000
    if name.endswith(".gz"):
        with whole.open("rb") as packed:
            subprocess.run(["gzip", "-t"], check=True, stdin=packed)
    again = tmp_path / "unpacked"
    subprocess.run(
        ["curl", "-sfL", "--compressed", "-o", again, f"{url}/download/current/files/requests_year_2024.csv"],
        check=True,
    )
    assert again.read_bytes() == shelved.text("requests_year_2024.csv.gz")


@pytest.mark.parametrize(
    "name",
    ["requests_year_1900.csv", "..%2Fdatapackage.json", "..%2F..%2Fchain.jsonl", "%2e%2e%2fserve.duckdb", "serve.duckdb",
     "requests_year_2024.csv.gz.gz", "files.json.gz", "x" * 300, "%00", "requests_year_2024.parquet.gz"],
)  # fmt: skip
def test_what_is_not_listed_is_no_file(shelved: Shelved, name: str) -> None:
    for place in (f"release/{shelved.folder.name}", "current"):
        answer = shelved.client.get(f"/download/{place}/files/{name}", follow_redirects=False)
        assert answer.status_code in (400, 404), answer.text[:200]
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("name", ["requests_year_2024.csv.gz", "requests_year_2024.csv", "requests_year_2024.parquet"])
def test_ranges_of_files_that_lie_there(shelved: Shelved, name: str) -> None:
    address = f"/download/release/{shelved.folder.name}/files/{name}"
    whole = (shelved.folder / "files" / (name if not name.endswith(".csv") else f"{name}.gz")).read_bytes()

    def asked(given: str) -> tuple[int, bytes, Any]:
        with shelved.client.stream("GET", address, headers={"Accept-Encoding": "gzip", "Range": given}) as answer:
            return answer.status_code, b"".join(answer.iter_raw()), answer.headers

    for given in ("items=0-9", "bytes=9-5", "bytes=-", "bytes=a-b", "bytes=" + ",".join(["0-1"] * 30)):
        assert asked(given)[:2] == (200, whole), given
    status, refused, headers = asked(f"bytes={len(whole)}-")
    assert (status, headers["content-range"]) == (416, f"bytes */{len(whole)}")
    assert headers["content-type"] == "application/problem+json" and str(len(whole)).encode() in refused
    status, parts, headers = asked(f"bytes=0-3,10-12,{len(whole) + 5}-")
    if name.endswith(".csv"):
        assert (status, parts) == (200, whole), "parts of what is packed could not be unpacked"
    else:
        assert status == 206 and headers["content-type"].startswith("multipart/byteranges")
        assert whole[:4] in parts and whole[10:13] in parts


def test_who_reads_far_into_what_is_packed_waits_for_others(shelved: Shelved, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ready_routes, "FAR", 1000)
    address = f"/download/release/{shelved.folder.name}/files/requests_year_2024.csv"
    text = shelved.text("requests_year_2024.csv.gz")
    for _ in range(ready_routes.SOUGHT_AT_ONCE):
        assert ready_routes._seeking.acquire(blocking=False)
    try:
        for start, status in ((1000, 206), (1001, 503)):
            given = {"Accept-Encoding": "identity", "Range": f"bytes={start}-{start + 9}"}
            answer = shelved.client.get(address, headers=given)
            assert answer.status_code == status
        assert answer.headers["retry-after"]
    finally:
        for _ in range(ready_routes.SOUGHT_AT_ONCE):
            ready_routes._seeking.release()
    assert shelved.client.get(address, headers=given).content == text[1001:1011]


def test_the_address_for_scripts_leads_to_the_current_release(
    shelved: Shelved, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = shelved.client.get("/download/current/files/requests.csv.gz", follow_redirects=False)
    assert answer.status_code == 307 and answer.headers["cache-control"] == "no-cache"
    assert answer.headers["location"] == f"/download/release/{shelved.folder.name}/files/requests.csv.gz"
    assert shelved.client.get("/download/current/files/files.json").json()["release_id"] == shelved.folder.name
    build_release(tmp_path, rows=300)
    with TestClient(create_app(PortalSettings(releases=tmp_path / "releases"))) as client:
        assert client.get("/download/current/files/requests.csv.gz").status_code == 404, "none were ever made"
        assert client.get("/api/v1/files").json()["rows"] == []
        assert client.get("/data/requests/files").status_code == 404
        assert "/data/requests/files" not in client.get("/data").text
        stocked(tmp_path / "releases", parts=["whole"])
        assert client.get("/api/v1/files").json()["rows"], "seen as soon as they are there"
    build_release(tmp_path, rows=320)
    with TestClient(create_app(PortalSettings(releases=tmp_path / "releases"))) as client:
        assert client.get("/download/current/files/requests.csv").status_code == 404, "by now there would be some"
        monkeypatch.setattr(ready_routes, "MADE_WITHIN", timedelta(days=100_000))
        soon = client.get("/download/current/files/requests.csv")
        assert soon.status_code == 503 and soon.headers["retry-after"], "those of the new release are being made"
        assert client.get("/download/current/files/requests_year_2024.csv").status_code == 404


# --- how they are told of -------------------------------------------------------------------------------------------


def test_the_api_lists_them_with_addresses_that_hold(shelved: Shelved) -> None:
    answer = shelved.client.get("/api/v1/files")
    rows = answer.json()["rows"]
    assert [row["path"] for row in rows] == [file.path for file in shelved.found.files]
    for row in rows[:: len(rows) // 6]:
        taken = shelved.client.get(path_of(row["url"]))
        assert taken.status_code == 200 and len(taken.content) == row["bytes"]
        assert shelved.client.head(path_of(row["current"])).status_code == 200
    described = shelved.client.get("/api/v1/openapi.json").json()
    assert {"/api/v1/files", "/download/current/files/{name}"} <= set(described["paths"])


def test_the_page_has_every_file_before_javascript(shelved: Shelved) -> None:
    assert "/data/requests/files" in shelved.client.get("/data").text
    page = shelved.client.get("/data/requests/files")
    assert page.status_code == 200
    for file in shelved.found.files:
        assert f'href="/download/release/{shelved.folder.name}/files/{file.path}"' in page.text, file.path
        assert file.sha256 in page.text
    assert "https://data.example.org/data/requests/files" in shelved.client.get("/sitemap.xml").text


def test_catalogues_have_the_whole_and_the_years(shelved: Shelved) -> None:
    first = got(shelved.client, "/data.json", "application/json")
    third = got(shelved.client, "/dcat-us-3.jsonld", "application/ld+json")
    valid(first, CATALOG_1)
    valid(third, CATALOG_3)
    files = {d["downloadURL"]: d for of in third["dataset"] for d in of["distribution"]}
    known = [url for url in files if "/files/" in url]
    assert {Path(url).name for url in known} == {
        file.path for file in shelved.found.files if file.part in ("whole", "year")
    }
    for url in known:
        file = shelved.found.by_name[Path(url).name]
        assert files[url]["checksum"]["checksumValue"] == file.sha256 and files[url]["byteSize"] == str(file.bytes)


def test_ckan_has_them_as_resources(shelved: Shelved) -> None:
    name = shelved.client.get("/api/3/action/package_list").json()["result"][0]
    package = shelved.client.get("/api/3/action/package_show", params={"id": name}).json()["result"]
    listed = {found["name"]: found for found in package["resources"] if "/files/" in found["url"]}
    assert set(listed) == {file.path for file in shelved.found.in_outline()} and len(listed) > 5
    for file in shelved.found.in_outline():
        found = listed[file.path]
        assert found["hash"] == f"sha256:{file.sha256}" and not found["datastore_active"]
        sent = shelved.client.get(path_of(found["url"]), headers={"Accept-Encoding": "identity"})
        assert (len(sent.content), found["size"]) == (file.bytes, file.bytes)
        shown = shelved.client.get("/api/3/action/resource_show", params={"id": found["id"]}).json()["result"]
        assert shown == found
    assert [found["position"] for found in package["resources"]] == [*range(package["num_resources"])]


def test_a_fingerprint_is_recognised(shelved: Shelved) -> None:
    file = shelved.found.by_name["requests_district_2.parquet"]
    for digest, name in ((file.sha256, f"files/{file.path}"), (shelved.found.sha256, "files/files.json")):
        found = shelved.client.get(f"/api/v1/fingerprints/{digest}").json()["found"]
        assert [(f["release_id"], f["file"], f["kept"]) for f in found] == [(shelved.folder.name, name, True)]
        page = shelved.client.get(f"/verify?sha256={digest}").text
        assert f"/download/release/{shelved.folder.name}/{name}" in page


def test_a_list_that_cannot_be_read_is_no_list(tmp_path: Path) -> None:
    folder = tmp_path / "release"
    (folder / "files").mkdir(parents=True)
    assert ready(folder) is None
    good = {"path": "a.csv.gz", "table": "requests", "part": "whole", "key": None, "title": "x", "query": "", "format": "csv",
            "rows": 1, "bytes": 1, "sha256": "0" * 64}  # fmt: skip
    for wrong in ({"path": "../a.csv"}, {"path": "a/b.csv"}, {"path": ".a.csv"}, {"sha256": "x"}, {"rows": "many"}):
        text = json.dumps({"release_id": "r", "files": [good | wrong]})
        (folder / "files" / "files.json").write_text(text)
        assert ready(folder) is None, wrong
    (folder / "files" / "files.json").write_text(json.dumps({"release_id": "r", "files": [good]}))
    assert ready(folder) is not None
