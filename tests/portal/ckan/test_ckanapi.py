"""CKAN's actions by the client that scripts use, ckanapi, against a portal that is served: by GET and by POST."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ckanapi
import pytest
import requests
from ckanapi import RemoteCKAN

from etl.config.connections import CkanConnection
from etl.extract.ckan import CkanAdapter
from etl.extract.source import Known
from portal.app import create_app
from portal.ckan import catalog
from portal.ckan.datastore import MOST_ROWS
from portal.release import Release
from portal.settings import PortalSettings
from portal.tables import table, tables
from tests.etl.extract.support import AT_ONCE, QUICK, fetching
from tests.etl.extract.support import rows as rows_of


@pytest.fixture(scope="module")
def site(serve: Callable[[Any], str], releases_path: Path) -> str:
    return serve(create_app(PortalSettings(releases=releases_path)))


@pytest.fixture(scope="module", params=["post", "get"])
def ckan(site: str, request: pytest.FixtureRequest) -> Iterator[RemoteCKAN]:
    with RemoteCKAN(site, get_only=request.param == "get") as client:
        yield client


def one(release: Release, sql: str) -> Any:
    return release.query(sql)[0][0]


def search(ckan: RemoteCKAN, **asked: Any) -> dict[str, Any]:
    """`datastore_search` of requests; by GET what is no text is sent as JSON."""
    if ckan.get_only:
        asked = {key: json.dumps(value) if isinstance(value, dict) else value for key, value in asked.items()}
        asked = {key: ",".join(value) if isinstance(value, list) else value for key, value in asked.items()}
    found: dict[str, Any] = ckan.action.datastore_search(**{"resource_id": "requests", **asked})
    return found


def test_the_one_dataset_and_its_files(ckan: RemoteCKAN, release: Release, site: str) -> None:
    (name,) = ckan.action.package_list()
    package = ckan.action.package_show(id=name)
    assert package == ckan.action.package_show(id=package["id"]) == ckan.action.current_package_list_with_resources()[0]
    assert package["version"] == release.id and package["num_resources"] == len(package["resources"])
    assert {r["name"] for r in package["resources"] if r["datastore_active"]} == set(tables(release))
    for resource in package["resources"]:
        assert (
            ckan.action.resource_show(id=resource["id"]) == ckan.action.resource_show(id=resource["name"]) == resource
        )
        file = requests.head(resource["url"], timeout=10)
        assert (file.status_code, int(file.headers["Content-Length"])) == (200, resource["size"])
    found = ckan.action.package_search(q="requests")
    assert (found["count"], found["results"]) == (1, [package])
    assert ckan.action.package_search(q="zebra")["count"] == 0
    assert ckan.action.package_search(q="*:*", rows=0)["results"] == []
    assert ckan.action.site_read() is True
    assert ckan.action.status_show()["site_url"] == site
    assert "table" in ckan.action.help_show(name="datastore_search")


def test_rows_are_those_of_the_release(ckan: RemoteCKAN, release: Release) -> None:
    found = search(
        ckan, filters={"status": "open", "ward": ["1", "2"]}, sort="response_hours desc, service_request_id", limit=30
    )
    names = [name for name in release.fields if name in table(release, "requests").filterable]
    shown = ", ".join(
        f"strftime({name}, '%Y-%m-%dT%H:%M:%S+00:00')" if release.types[name].startswith("TIMESTAMP") else name
        for name in names
    )
    where = "status = 'open' AND ward IN ('1', '2')"
    rows = release.query(
        f"SELECT rowid + 1, {shown} FROM requests WHERE {where} "
        "ORDER BY response_hours DESC NULLS LAST, service_request_id, rowid LIMIT 30"
    )
    assert [list(record.values()) for record in found["records"]] == [
        [value.isoformat() if hasattr(value, "isoformat") else value for value in row] for row in rows
    ]
    assert [list(record) for record in found["records"]] == [["_id", *names]] * 30
    assert found["total"] == one(release, f"SELECT count(*) FROM requests WHERE {where}") > 30
    assert [field["id"] for field in found["fields"]] == ["_id", *names]
    types = {field["id"]: field["type"] for field in found["fields"]}
    assert (types["lat"], types["requested_date"], types["requested_datetime"], types["synthetic"]) == (
        "float8", "date", "timestamptz", "bool",
    )  # fmt: skip


def test_pages_are_all_rows_once(ckan: RemoteCKAN, release: Release, site: str) -> None:
    seen: list[int] = []
    found = search(ckan, fields=["_id", "ward"], limit=1900, sort="ward")
    while found["records"]:
        seen += [record["_id"] for record in found["records"]]
        found = requests.get(site + found["_links"]["next"], timeout=10).json()["result"]
        assert found["total"] == release.rows
    assert sorted(seen) == list(range(1, release.rows + 1))
    assert search(ckan, limit=10**9, fields=["ward"])["limit"] == MOST_ROWS
    assert len(search(ckan)["records"]) == 100 and search(ckan, limit=0)["records"] == []


def test_formats_hold_the_same_rows(ckan: RemoteCKAN) -> None:
    asked = {"filters": {"department": [None, "parks"]}, "sort": "_id desc", "limit": 40, "offset": 3}
    objects = search(ckan, **asked)
    assert objects["offset"] == 3 and {record["department"] for record in objects["records"]} == {None, "parks"}
    assert search(ckan, **asked, records_format="lists")["records"] == [
        list(record.values()) for record in objects["records"]
    ]
    lines = list(csv.reader(io.StringIO(search(ckan, **asked, records_format="csv")["records"])))
    assert lines == [list(map(plain, record.values())) for record in objects["records"]]


def plain(value: Any) -> str:
    """A value as CSV has it."""
    if value is None or isinstance(value, bool):
        return "" if value is None else str(value).lower()
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else str(value)


def test_words_and_distinct_rows(ckan: RemoteCKAN, release: Release) -> None:
    found = search(ckan, q="LIGHT street", limit=MOST_ROWS)
    where = "service_code = 'streetlight'"
    assert found["total"] == len(found["records"]) == one(release, f"SELECT count(*) FROM requests WHERE {where}") > 0
    assert search(ckan, q={"service_name": "light"})["total"] == found["total"]
    assert search(ckan, q={"address": "light"})["total"] == 0
    wards = search(ckan, fields=["ward"], distinct=True, sort="ward desc")
    expected = [
        w for (w,) in release.query("SELECT DISTINCT ward::VARCHAR AS w FROM requests ORDER BY w DESC NULLS LAST")
    ]
    assert [record["ward"] for record in wards["records"]] == expected and wards["total"] == len(expected)
    assert "total" not in search(ckan, include_total=False, limit=1)


def test_filters_read_values_as_their_fields_have_them(ckan: RemoteCKAN, release: Release) -> None:
    day = one(release, "SELECT max(requested_date) FROM requests")
    time_, hours = release.query(
        "SELECT requested_datetime, response_hours FROM requests WHERE response_hours > 9 LIMIT 1"
    )[0]
    for filters, sql in (
        ({"requested_date": str(day)}, f"requested_date = DATE '{day}'"),
        ({"requested_datetime": time_.isoformat()}, f"requested_datetime = TIMESTAMP '{time_}'"),
        ({"response_hours": hours}, f"response_hours = {hours}"),
        ({"response_hours": str(hours)}, f"response_hours = {hours}"),
        ({"ward": 3}, "ward = '3'"),
        ({"synthetic": "true"}, "synthetic"),
        ({"synthetic": True, "department": None}, "synthetic AND department IS NULL"),
    ):
        assert (
            search(ckan, filters=filters, limit=0)["total"]
            == one(release, f"SELECT count(*) FROM requests WHERE {sql}")
            > 0
        )


def test_every_table_has_its_fields_told(ckan: RemoteCKAN, release: Release) -> None:
    for known in tables(release).values():
        told = ckan.action.datastore_info(id=known.name)
        rows = one(release, f"SELECT count(*) FROM {known.name}")
        assert told["meta"]["count"] == rows
        found = ckan.action.datastore_search(resource_id=told["meta"]["id"], limit=MOST_ROWS)
        assert found["total"] == rows and len(found["records"]) == min(rows, MOST_ROWS)
        assert [(f["id"], f["type"]) for f in told["fields"]] == [(f["id"], f["type"]) for f in found["fields"][1:]]


@pytest.mark.parametrize(
    ("action", "asked", "error"),
    [
        ("datastore_search", {"resource_id": "nope"}, ckanapi.NotFound),
        ("resource_show", {"id": "nope"}, ckanapi.NotFound),
        ("package_show", {"id": "nope"}, ckanapi.NotFound),
        ("datastore_search", {}, ckanapi.ValidationError),
        *(("datastore_search", {"resource_id": "requests", **bad}, ckanapi.ValidationError) for bad in (
            {"limit": -1}, {"limit": "x"}, {"offset": 1.5}, {"fields": ["nope"]}, {"fields": "rid"}, {"sort": "nope"},
            {"sort": "ward; DROP TABLE requests"}, {"sort": "ward desc nulls first"}, {"filters": "{"}, {"filters": '{"rid": 1}'},
            {"filters": '{"ward": []}'}, {"filters": '{"ward": {"a": 1}}'}, {"filters": '{"lat": "x"}'}, {"filters": '{"lat": true}'},
            {"filters": '{"requested_date": "x"}'}, {"filters": "[1]"}, {"q": "a b c d e f"}, {"q": '{"rid": "x"}'},
            {"records_format": "xml"}, {"distinct": "perhaps"}, {"bogus": 1}, {"filters": '{"ward": "\\u0000"}'},
            {"distinct": True, "fields": "ward", "sort": "status"}, {"q": "x" * 500}, {"filters": "[" * 9000},
            {"filters": '{"lat": 1e999}'}, {"fields": "ward," * 300},
        )),
        ("datastore_search_sql", {"sql": "SELECT 1"}, ckanapi.ValidationError),
        ("package_search", {"fq": "tags:x"}, ckanapi.ValidationError),
        ("package_create", {"name": "x"}, ckanapi.CKANAPIError),
    ],
)  # fmt: skip
def test_errors_are_those_that_the_client_knows(
    ckan: RemoteCKAN, action: str, asked: dict[str, Any], error: type[Exception]
) -> None:
    if ckan.get_only and asked.get("filters") == "[" * 9000:
        asked = {**asked, "filters": "[" * 900}  # an address may be no longer
    ckan.call_action("site_read")
    with pytest.raises(error) as refused:
        ckan.call_action(action, asked)
    if error is ckanapi.ValidationError:
        assert set(refused.value.error_dict) - {"__type"} <= {*asked, "resource_id", "query"}


@pytest.mark.parametrize(
    "body", [b"{", b"[1]", b'"x"', b"\xff", b"[" * 60_000, b'{"resource_id": ["requests"]}', b"x" * 70_000]
)
def test_bodies_of_any_shape_are_refused(site: str, body: bytes) -> None:
    answer = requests.post(f"{site}/api/3/action/datastore_search", data=body, timeout=10)
    assert answer.status_code in (400, 409, 413) and len(answer.text) < 1000


@pytest.mark.parametrize(
    "asked",
    [
        {"resource_id": "?"}, {"?": 1}, {"plain": "?"}, {"q": "?"}, {"q": {"address": "?"}}, {"fields": ["?"]},
        {"sort": ["?"]}, {"filters": {"?": 1}}, {"filters": {"status": "?"}}, {"filters": {"status": ["open", "?"]}},
        {"filters": '{"status": "?"}'}, {"filters": '{"?": 1}'}, {"q": '{"address": "?"}'},
    ],
)  # fmt: skip
def test_half_a_character_is_refused(site: str, asked: dict[str, Any]) -> None:
    body = json.dumps({"resource_id": "requests", "limit": 1} | asked)
    nested = isinstance(asked.get("filters", asked.get("q")), str) and "{" in str(asked.values())
    halved = body.replace("?", "\\\\ud800" if nested else "\\ud800")
    for action in ("datastore_search", "package_show"):
        if nested and action == "package_show":
            continue
        answer = requests.post(f"{site}/api/3/action/{action}", data=halved, timeout=10)
        assert answer.status_code == 409 and not answer.json()["success"], answer.text[:200]
    if nested:
        given = {"resource_id": "requests"} | {key: value.replace("?", "\\ud800") for key, value in asked.items()}
        answer = requests.get(f"{site}/api/3/action/datastore_search", params=given, timeout=10)
        assert answer.status_code == 409 and not answer.json()["success"], answer.text[:200]


def test_the_envelope_and_how_long_it_is_kept(site: str) -> None:
    answer = requests.get(f"{site}/api/3/action/datastore_search?resource_id=requests&limit=1", timeout=10)
    told = answer.json()
    assert list(told) == ["help", "success", "result"] and told["success"] is True
    assert requests.get(told["help"], timeout=10).json()["success"] is True
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    again = requests.get(answer.url, headers={"If-None-Match": answer.headers["ETag"]}, timeout=10)
    assert again.status_code == 304
    refused = requests.get(f"{site}/api/3/action/datastore_search", timeout=10)
    assert refused.status_code == 409 and refused.json()["error"]["__type"] == "Validation Error"
    assert requests.get(f"{site}/api/3/action/nope", timeout=10).json() == "Bad request - Action name not known: nope"


def test_our_own_source_reads_all_that_is_published(site: str, release: Release, tmp_path: Path) -> None:
    connection = CkanConnection(
        kind="ckan", url=site, resource=catalog.resource_id(release, "requests"), page_size=1900, patience=QUICK
    )
    source = CkanAdapter(connection, ("",), transport=AT_ONCE)
    copy = source.fetch(Known(), fetching(tmp_path, release.created))
    assert copy is not None and copy.whole
    names = ["service_request_id", "service_name", "status", "lat", "requested_datetime"]
    found = {row["service_request_id"]: tuple(row[name] for name in names) for row in rows_of(source, copy, names)}
    wanted = release.query(
        "SELECT service_request_id, service_name, status::VARCHAR, lat, "
        "strftime(requested_datetime, '%Y-%m-%dT%H:%M:%S+00:00') FROM requests"
    )
    assert found == {row[0]: tuple(None if value is None else str(value) for value in row) for row in wanted}
