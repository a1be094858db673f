"""What was published stays provable: differences between releases, citations, fingerprints."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from portal import queries
from portal.app import create_app
from portal.queries.compared import Side, _restricted, compare
from portal.queries.diff import diff
from portal.release import Release, Releases
from portal.selection import Selection
from portal.settings import PortalSettings
from tests.release_factory import build_release

QUERIES = (
    "", "status=open", "service=pothole&service=litter", "area=district:2&from=2023-01-01", "age=30-",
    "department=(none)", "near=42.35,-71.1,2000", "on_time=late&channel=app",
    "filter=service_code+LIKE+'p%25'+AND+response_hours+%3E+20", "filter=S_INTERSECTS(geometry,+BBOX(-71.1,42.3,-71.0,42.36))",
)  # fmt: skip


def _edited(db: Any) -> None:
    """Five rows gone, seven closed again, two new, all of them known by their number."""
    db.execute("DELETE FROM requests WHERE rid < 5")
    db.execute("UPDATE requests SET address = '1 Other Street' WHERE rid BETWEEN 10 AND 16")
    db.execute("UPDATE requests SET service_request_id = 'NEW' || rid WHERE rid BETWEEN 20 AND 21")
    db.execute("UPDATE requests SET closed_datetime = closed_datetime - INTERVAL 2 HOUR WHERE rid = 4000")


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two releases; the second has lost seven rows, gained two, and differs in seven or eight."""
    root = tmp_path_factory.mktemp("two")
    build_release(root)
    build_release(root, change=_edited)
    return root / "releases"


@pytest.fixture(scope="module")
def now(two: Path) -> Iterator[Release]:
    """The current one of them."""
    releases = Releases(two)
    yield releases.current()
    releases.close()


@pytest.fixture(scope="module")
def web(two: Path) -> Iterator[TestClient]:
    """The portal over them."""
    settings = PortalSettings(releases=two, public_url="https://data.example.org")
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client


def _ids(two: Path) -> list[str]:
    return [json.loads(line)["release_id"] for line in (two / "chain.jsonl").read_text().splitlines()]


def _rows(path: Path) -> dict[tuple[Any, ...], dict[str, Any]]:
    import pyarrow.parquet as pq

    rows = pq.read_table(path).drop_columns(["geometry"]).to_pylist()
    return {(row["source"], row["service_request_id"]): row for row in rows}


def test_the_difference_is_what_the_files_themselves_say(two: Path, now: Release) -> None:
    old, new = _ids(two)
    found = diff(now, old, new)
    before, after = (_rows(two / name / "requests.parquet") for name in (old, new))
    changed = {key: {f for f in row if row[f] != after[key][f]} for key, row in before.items() if key in after}
    changed = {key: fields for key, fields in changed.items() if fields}
    assert found.counts == {
        "added": len(after.keys() - before.keys()), "removed": len(before.keys() - after.keys()), "changed": len(changed)
    }  # fmt: skip
    assert found.counts["added"] == 2 and found.counts["removed"] == 7 and found.counts["changed"] >= 7
    part = found.page(1000)
    assert part.after is None
    told = {tuple(row.key.values()): {name for name, _, _ in row.fields} for row in part.rows if row.kind == "changed"}
    assert told == changed
    assert found.changed_fields["address"] == 7
    back = diff(now, new, old)
    assert (back.counts["added"], back.counts["removed"]) == (found.counts["removed"], found.counts["added"])
    assert sum(diff(now, old, old).counts.values()) == 0


@pytest.mark.parametrize("query", QUERIES)
def test_a_filter_has_the_rows_that_the_release_itself_counts(now: Release, two: Path, query: str) -> None:
    old, new = _ids(two)
    selection = Selection.from_query(query, now)
    found = diff(now, old, new, selection=selection)
    assert found.after == queries.totals(now, selection).requests
    assert found.after == found.before + found.counts["added"] - found.counts["removed"]
    assert found.before > 0


def test_the_database_that_compares_can_read_those_two_files_and_nothing_else(two: Path, tmp_path: Path) -> None:
    import duckdb

    one, other = (two / name / "requests.parquet" for name in _ids(two))
    db = _restricted(tmp_path, [one])
    assert db.execute("SELECT count(*) FROM read_parquet(?)", [str(one.resolve())]).fetchone() == (5000,)
    for forbidden in (
        f"SELECT * FROM read_parquet('{other.resolve()}')", "SELECT * FROM read_text('/etc/passwd')", "INSTALL httpfs",
        "SET enable_external_access = true", f"COPY (SELECT 1) TO '{tmp_path / 'out.csv'}'", "ATTACH '/tmp/other.duckdb'",
    ):  # fmt: skip
        with pytest.raises(duckdb.Error):
            db.execute(forbidden)


def test_pages_by_cursor_neither_overlap_nor_leave_out_and_csv_says_the_same(web: TestClient, two: Path) -> None:
    old, new = _ids(two)
    url = f"/api/v1/diff/{old}/{new}"
    whole = web.get(url, params={"limit": 1000}).json()
    seen, cursor = [], ""
    while True:
        page = web.get(url, params={"limit": 3, "cursor": cursor}).json()
        seen += page["rows"]
        cursor = page["cursor"]
        if not cursor:
            break
    assert seen == whole["rows"] and len(seen) == whole["total"] == whole["added"] + whole["removed"] + whole["changed"]
    text = web.get(url, params={"limit": 1000, "format": "csv"})
    lines = list(csv.DictReader(io.StringIO(text.text)))
    assert len(lines) == sum(len(row["fields"]) for row in whole["rows"])
    assert {line["change"] for line in lines} == {"added", "removed", "changed"}
    only = web.get(url, params={"field": "address"}).json()
    assert only["total"] == 7 and all(any(f["field"] == "address" for f in r["fields"]) for r in only["rows"])
    first = web.get(url, params={"limit": 1})
    assert web.get(url, params={"limit": 1}, headers={"If-None-Match": first.headers["etag"]}).status_code == 304


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/diff/{old}/nope", 404), ("/api/v1/diff/..%2f..%2fetc/{new}", 404), ("/api/v1/diff/{old}/current", 404),
        ("/api/v1/diff/{old}/{new}?table=changes", 404), ("/api/v1/diff/{old}/{new}?table=areas&status=open", 400),
        ("/api/v1/diff/{old}/{new}?cursor=AAAA", 400), ("/api/v1/diff/{old}/{new}?field=x%27%3B--", 400),
        ("/api/v1/diff/{old}/{new}?limit=100000", 400), ("/api/v1/diff/{old}/{new}?kind=all", 400),
        ("/api/v1/fingerprints/xyz", 400), ("/cite?release=nope", 404), ("/cite?format=doc", 400),
        ("/cite?status=ajar", 400), ("/r/nope", 404), ("/releases/{old}/nope", 404), ("/releases/{old}/{new}?kind=x", 400),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(web: TestClient, two: Path, path: str, status: int) -> None:
    old, new = _ids(two)
    answer = web.get(path.format(old=old, new=new))
    assert answer.status_code == status
    assert len(answer.text) < 60_000


def test_a_citation_in_every_format_leads_to_what_was_cited(web: TestClient, two: Path) -> None:
    old, _ = _ids(two)
    asked = {"release": old, "department": "parks", "status": "open"}
    url = f"https://data.example.org/r/{old}?department=parks&status=open"
    day = dt.datetime.strptime(old[:8], "%Y%m%d").date()
    text = web.get("/cite", params=asked).text
    assert url in text and old in text and "made-up data" in text and "Parks &" in text
    item = json.loads(web.get("/cite", params={**asked, "format": "csl"}).text)[0]
    assert item["URL"] == url and item["version"] == old and item["type"] == "dataset"
    assert item["issued"] == {"date-parts": [[day.year, day.month, day.day]]}
    ris = web.get("/cite", params={**asked, "format": "ris"}).text.split("\r\n")
    assert ris[0] == "TY  - DATA" and f"UR  - {url}" in ris and ris[-2] == "ER  - "
    bib = web.get("/cite", params={**asked, "format": "bibtex"}).text
    assert bib.startswith("@misc{") and f"url = {{{url}}}" in bib and r"Parks \& Recreation" in bib
    assert bib.count("{") == bib.count("}")
    page = web.get(f"/r/{old}?department=parks&status=open")
    assert page.status_code == 200 and "Parks &amp; Recreation" in page.text
    assert f"/releases/{old}/" in web.get(f"/r/{old}").text, "the way to every row that changed"


def test_then_and_now_are_told_and_what_is_gone_as_gone(tmp_path: Path, two: Path) -> None:
    root = tmp_path / "releases"
    shutil.copytree(two, root, symlinks=True)
    old, new = _ids(two)
    with TestClient(create_app(PortalSettings(releases=root)), raise_server_exceptions=False) as web:
        assert "5,000" in web.get(f"/r/{old}").text and "4,995" in web.get(f"/r/{old}").text
        digest = hashlib.sha256((root / old / "requests.parquet").read_bytes()).hexdigest()
        assert web.get(f"/api/v1/fingerprints/{digest}").json()["found"][0]["kept"] is True
        for path in (root / old).iterdir():
            if path.name != "datapackage.json":
                path.unlink()
    with TestClient(create_app(PortalSettings(releases=root)), raise_server_exceptions=False) as web:
        page = web.get(f"/r/{old}")
        assert page.status_code == 200 and "no longer kept" in page.text and digest in page.text
        found = web.get(f"/api/v1/fingerprints/{digest}").json()
        assert [(one["release_id"], one["file"], one["kept"]) for one in found["found"]] == [
            (old, "requests.parquet", False)
        ]
        assert web.get(f"/api/v1/diff/{old}/{new}").status_code == 404
        assert web.get(f"/releases/{old}/{new}").status_code == 404
    shutil.rmtree(root / old)
    with TestClient(create_app(PortalSettings(releases=root)), raise_server_exceptions=False) as web:
        sha256 = json.loads((root / "chain.jsonl").read_text().splitlines()[0])["sha256"]
        assert sha256 in web.get(f"/r/{old}").text
        assert old in web.get("/cite", params={"release": old}).text


def test_a_fingerprint_works_without_scripts(web: TestClient, two: Path) -> None:
    for name in _ids(two):
        digest = hashlib.sha256((two / name / "areas.parquet").read_bytes()).hexdigest()
        page = web.get("/verify", params={"sha256": f"{digest.upper()}  areas.parquet"}).text
        assert "Yes: not a byte" in page and name in page
    assert "No: it is no file" in web.get("/verify", params={"sha256": "0" * 64}).text
    assert "This is no fingerprint" in web.get("/verify", params={"sha256": "<script>"}).text


def test_two_rows_of_one_name_are_refused_and_not_counted_wrongly(tmp_path: Path, two: Path, now: Release) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from portal.errors import BadRequest

    path = two / _ids(two)[0] / "requests.parquet"
    rows = pq.read_table(path)
    doubled = tmp_path / "requests.parquet"
    pq.write_table(pa.concat_tables([rows, rows.slice(0, 1)]), doubled)
    sides = [Side(now.package, one, Selection()) for one in (path, doubled)]
    with pytest.raises(BadRequest, match="two rows of one name"):
        compare("requests", *sides)


# --- a citation outlives what it names ---------------------------------------------------------


def _without_parks(db: Any) -> None:
    """A city that has given up a department, and whoever did its work."""
    db.execute("DELETE FROM requests WHERE department = 'parks'")
    db.execute("DELETE FROM departments WHERE department = 'parks'")
    db.execute("UPDATE services SET department = 'streets' WHERE department = 'parks'")


@pytest.fixture(scope="module")
def given_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two releases: the second has no department of parks any more."""
    root = tmp_path_factory.mktemp("given_up")
    build_release(root, rows=1500)
    build_release(root, rows=1500, change=_without_parks)
    return root / "releases"


@pytest.fixture(scope="module")
def after(given_up: Path) -> Iterator[TestClient]:
    with TestClient(create_app(PortalSettings(releases=given_up)), raise_server_exceptions=False) as client:
        yield client


def test_what_was_cited_of_a_department_that_is_gone_is_told(given_up: Path, after: TestClient) -> None:
    old, new = _ids(given_up)
    then = sum(row["department"] == "parks" for row in _rows(given_up / old / "requests.parquet").values())
    assert then > 0 and after.get("/data?department=parks").status_code == 400
    page = after.get(f"/r/{old}?department=parks")
    assert page.status_code == 200
    assert "The current release no longer has “parks”, which this citation names." in page.text
    text = re.sub(r"<[^>]+>", " ", page.text)
    for words, n in (("Requests then", then), ("Requests now", 0), ("Added", 0), ("Removed", then), ("Changed", 0)):
        assert re.search(rf"{words}\s+{n}\b", text), words
    package = given_up / old / "datapackage.json"
    assert hashlib.sha256(package.read_bytes()).hexdigest() in page.text
    for file in ("datapackage.json", "requests.parquet"):
        assert f'href="/download/release/{old}/{file}"' in page.text
    found = after.get(f"/api/v1/diff/{old}/{new}", params={"department": "parks"}).json()
    assert (found["removed"], found["rows_before"], found["rows_after"]) == (then, then, 0)
    assert after.get(f"/releases/{old}/{new}?department=parks").status_code == 200
    cited = after.get("/cite", params={"release": old, "department": "parks"})
    assert cited.status_code == 200 and "parks" in cited.text
    for link in re.findall(r'href="(/[^"#]*)"', page.text):
        assert after.get(link.replace("&amp;", "&")).status_code == 200, link


@pytest.mark.parametrize(
    "query", ["department=never", "area=district:never", "area=never:1", "service=never", "status=parks"]
)
def test_what_no_release_had_is_refused_as_ever(given_up: Path, after: TestClient, query: str) -> None:
    old, new = _ids(given_up)
    for path in (f"/r/{old}", f"/releases/{old}/{new}", f"/api/v1/diff/{old}/{new}"):
        assert after.get(f"{path}?{query}").status_code == 400, path
    assert after.get(f"/cite?release={old}&{query}").status_code == 400
    assert after.get("/cite?department=parks").status_code == 400  # of the current release


def test_a_citation_whose_files_are_gone_says_what_it_names(given_up: Path, tmp_path: Path) -> None:
    kept = tmp_path / "releases"
    shutil.copytree(given_up, kept, symlinks=True)
    old, _ = _ids(kept)
    for file in (kept / old).iterdir():
        if file.name != "datapackage.json":
            file.unlink()
    with TestClient(create_app(PortalSettings(releases=kept)), raise_server_exceptions=False) as client:
        page = client.get(f"/r/{old}?department=parks&area=village:9&status=open")
        assert page.status_code == 200 and "cannot be told" in page.text
        for said in (
            "parks",
            "village:9",
            "open",
            hashlib.sha256((kept / old / "datapackage.json").read_bytes()).hexdigest(),
        ):
            assert said in page.text
        assert client.get(f"/r/{old}?status=open").status_code == 200
        assert client.get("/r/20200101T000000Z-00000000?department=parks").status_code in (400, 404)
