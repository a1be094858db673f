"""`/api/v1/tables`: the rows, totals and figures of any table are those of plain SQL, by whatever pages they are read."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from portal.expressions import tree, written
from portal.filtered import Filter
from portal.release import Release
from portal.selection import Selection
from portal.selection_query import MAX_LONG_CHARS
from portal.tables import tables
from tests.portal.expressions.trees import conditions

ROWS = "/api/v1/tables/requests/rows"
GROUPS = "/api/v1/tables/requests/groups"


def whole(client: TestClient, address: str, **params: Any) -> tuple[list[dict[str, Any]], int]:
    """All rows by following the links from page to page."""
    rows: list[dict[str, Any]] = []
    answer = client.get(address, params=params or None)
    while True:
        assert answer.status_code == 200, answer.text
        found = answer.json()
        rows += found["rows"]
        assert ('rel="next"' in answer.headers.get("link", "")) == (found["next"] is not None)
        if found["next"] is None:
            return rows, found["total"]
        assert found["next"] in answer.headers["link"]
        answer = client.get(found["next"])


def test_every_table_is_listed_and_all_its_rows_are_told(client: TestClient, release: Release) -> None:
    listed = {of["table"]: of for of in client.get("/api/v1/tables").json()["rows"]}
    assert list(listed) == list(tables(release))
    for name, of in tables(release).items():
        about = client.get(f"/api/v1/tables/{name}").json()["result"]
        assert [field["name"] for field in about["fields"] if field["name"] != "geometry"] == list(of.fields)
        [(n,)] = release.query(f'SELECT count(*) FROM "{name}"')
        found = client.get(f"/api/v1/tables/{name}/rows?limit=10000").json()
        assert about["rows"] == listed[name]["rows"] == found["total"] == len(found["rows"]) == n
        assert all(set(row) == set(of.fields) for row in found["rows"])


ORDERS = (
    "", "requested_datetime", "-requested_datetime", "-requested_datetime,service_code", "requested_datetime,-response_hours",
    "service_code,-closed_datetime", "-response_hours",
)  # fmt: skip


@pytest.mark.parametrize("sort", ORDERS)
@pytest.mark.parametrize("query", ["", "status=open", "service=pothole&filter=response_hours>24"])
def test_pages_in_any_order_are_what_sql_has(client: TestClient, release: Release, sort: str, query: str) -> None:
    keys = []
    for part in filter(None, sort.split(",")):
        keys.append(f"{part.lstrip('-')}::VARCHAR" if "code" in part else part.lstrip("-"))
        keys[-1] += f" {'DESC' if part[0] == '-' else 'ASC'} NULLS LAST"
    where, params = Selection.from_query(query, release).where()
    sql = (
        f"SELECT source::VARCHAR, service_request_id FROM requests WHERE {where} ORDER BY {', '.join([*keys, 'rowid'])}"
    )
    meant = release.query(sql, params)
    address = f"{ROWS}?{query}" if query else ROWS
    asked = {"fields": "source,service_request_id", "limit": "700"} | ({"sort": sort} if sort else {})
    rows, total = whole(client, f"{address}{'&' if query else '?'}" + "&".join(f"{k}={v}" for k, v in asked.items()))
    assert [(row["source"], row["service_request_id"]) for row in rows] == meant
    assert total == len(meant) > 0
    if sort:
        old, n = whole(client, f"/api/v1/requests?{query}&sort={sort}&limit=900")
        assert [(row["source"], row["service_request_id"]) for row in old] == meant and n == total
    at = len(meant) // 2
    some = client.get(f"{address}{'&' if query else '?'}sort={sort}&offset={at}&limit=5").json()["rows"]
    assert [row["service_request_id"] for row in some] == [name for _, name in meant[at : at + 5]]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(condition=conditions, order=st.sampled_from(ORDERS), form=st.sampled_from(["json", "csv"]))
def test_any_condition(few_client: TestClient, few: Release, condition: tree.Condition, order: str, form: str) -> None:
    text = written.text(condition)
    assume(len(text) < MAX_LONG_CHARS)
    where, params = Selection(filter=Filter.made(condition, few)).where()
    meant = few.query(f"SELECT source::VARCHAR, service_request_id FROM requests WHERE {where}", params)
    answer = few_client.get(ROWS, params={"filter": text, "sort": order, "limit": 10_000, "format": form})
    assert answer.status_code == 200, answer.text
    rows = answer.json()["rows"] if form == "json" else list(csv.DictReader(io.StringIO(answer.text)))
    assert sorted((row["source"], row["service_request_id"]) for row in rows) == sorted(meant)
    assert int(answer.headers["x-total-count"]) == len(meant)


def test_cql2_as_json_is_the_same_condition(client: TestClient) -> None:
    said = {"op": "=", "args": [{"property": "status"}, "open"]}
    found = client.get(ROWS, params={"filter": json.dumps(said), "filter-lang": "cql2-json", "limit": 0}).json()
    assert found["total"] == client.get(ROWS, params={"status": "open", "limit": 0}).json()["total"] > 0


def test_groups_are_what_sql_has(client: TestClient, release: Release) -> None:
    meant = release.query(
        """SELECT service_code::VARCHAR, strftime(date_trunc('month', requested_datetime), '%Y-%m-%dT00:00:00Z'), count(*),
                  count(response_hours), avg(response_hours), median(response_hours), quantile_cont(response_hours, 0.9)
           FROM requests WHERE status = 'closed' GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2"""
    )
    asked = {
        "by": "service_code,month_start(requested_datetime)", "status": "closed", "sort": "-count", "limit": 40,
        "figures": "count,count(response_hours),avg(response_hours),median(response_hours),p90(response_hours)",
    }  # fmt: skip
    rows, total = whole(client, GROUPS, **asked)
    assert total == len(meant) > 80
    assert list(rows[0]) == [*asked["by"].split(","), *asked["figures"].split(",")]
    for row, sql in zip(rows, meant, strict=True):
        assert list(row.values())[:4] == list(sql[:4])
        assert list(row.values())[4:] == pytest.approx(list(sql[4:]))
    text = client.get(GROUPS, params=asked | {"limit": 10_000}, headers={"Accept": "text/csv"}).text
    assert [int(row["count"]) for row in csv.DictReader(io.StringIO(text))] == [row[2] for row in meant]
    [one] = client.get(GROUPS, params={"figures": "count,max(response_hours)"}).json()["rows"]
    assert one["count"] == release.rows
    zone = client.get(GROUPS, params={"by": "hour_of(at_zone(requested_datetime, 'America/New_York'))"}).json()
    assert sum(row["count"] for row in zone["rows"]) == release.rows and zone["total"] == len(zone["rows"])


HAVING = (
    ("count > 100", "count(*) > 100"),
    ("count BETWEEN 20 AND 60 AND NOT service_code LIKE 'p%'", "count(*) between 20 and 60 and service_code not like 'p%'"),
    ("median(response_hours) > 48 OR count < 10", "median(response_hours) > 48 or count(*) < 10"),
    ("avg( response_hours ) * 2 < median(response_hours) + 100", "avg(response_hours)*2 < median(response_hours) + 100"),
    ("median(response_hours) IS NULL", "median(response_hours) is null"),
    ("count = -1", "count(*) = -1"),
)  # fmt: skip


@pytest.mark.parametrize(("having", "soql"), HAVING)
def test_groups_that_meet_a_condition_are_those_of_soda(client: TestClient, having: str, soql: str) -> None:
    keys = {"by": "service_code,year_start(requested_date)"}
    asked = keys | {"figures": "count,avg(response_hours),median(response_hours)", "having": having, "status": "closed"}
    rows, total = whole(client, GROUPS, **asked, limit=7)
    soda = client.get(
        "/resource/requests.json",
        params={
            "$select": "service_code, date_trunc_y(requested_date) as y, count(*), avg(response_hours), "
            "median(response_hours)",
            "$group": "service_code, y", "$order": "service_code, y", "$having": soql, "$where": "status = 'closed'",
        },
    ).json()  # fmt: skip
    assert total == len(rows) == len(soda)
    none = client.get(GROUPS, params=asked | {"limit": 0}).json()
    assert (none["total"], none["rows"]) == (total, [])
    every = client.get(GROUPS, params={name: value for name, value in asked.items() if name != "having"}).json()
    assert total < every["total"] and (total > 0) == (having in [first for first, _ in HAVING[:-2]])
    for row, other in zip(rows, soda, strict=True):
        assert row["service_code"] == other["service_code"] and row["count"] == int(other["count"])
        told = [row["avg(response_hours)"], row["median(response_hours)"]]
        assert told == pytest.approx([float(other["avg_response_hours"]), float(other["median_response_hours"])])


def test_a_condition_on_all_rows_leaves_one_group_or_none(client: TestClient, release: Release) -> None:
    for having, total in (("count > 0", 1), ("count < 0", 0)):
        found = client.get(GROUPS, params={"having": having}).json()
        assert (found["total"], found["rows"]) == (total, [{"count": release.rows}] * total)


def test_geometries_and_formulas(client: TestClient, release: Release) -> None:
    found = client.get(ROWS, params={"fields": "lat,long,geometry", "filter": "lat IS NOT NULL", "limit": 3}).json()
    for row in found["rows"]:
        assert row["geometry"] == {"type": "Point", "coordinates": [row["long"], row["lat"]]}
    none = client.get(ROWS, params={"fields": "geometry", "filter": "lat IS NULL", "limit": 1}).json()
    assert none["rows"] == [{"geometry": None}]
    text = client.get(ROWS, params={"format": "csv", "limit": 10_000}).text
    for row in csv.DictReader(io.StringIO(text)):
        assert not any(value.startswith(("=", "+", "@", "\t")) for value in row.values() if value)


def test_answers_are_cited_named_and_open_to_any_page(client: TestClient, release: Release) -> None:
    document = client.get("/api/v1/openapi.json").json()
    plain = [path for path, of in document["paths"].items() if path.startswith("/api/v1/") and "{" not in path]
    asked = {"/api/v1/backlog": "?at=2025-01-31"}
    seen = 0
    for path in [*plain, "/api/v1/tables/requests/rows", "/api/v1/by/service", "/api/v1/tables/areas"]:
        answer = client.get(path + asked.get(path, ""))
        if answer.status_code != 200:  # places of a release without a geocoder, and the status of one that never ran
            assert answer.headers["content-type"] == "application/problem+json", path
            continue
        seen += 1
        assert answer.headers["access-control-allow-origin"] == "*"
        assert path == "/api/v1/status" or answer.headers["x-openward-release"] == release.id, path
        again = client.get(path + asked.get(path, ""), headers={"If-None-Match": f'"x", W/{answer.headers["etag"]}'})
        assert (again.status_code, again.content) == (304, b""), path
        assert again.headers["etag"] == answer.headers["etag"]
        before = client.options(
            path, headers={"Origin": "https://example.org", "Access-Control-Request-Method": "GET",
                           "Access-Control-Request-Headers": "if-none-match"}
        )  # fmt: skip
        assert before.status_code == 204 and before.headers["access-control-allow-origin"] == "*"
        assert "GET" in before.headers["access-control-allow-methods"]
        assert before.headers["access-control-allow-headers"] == "if-none-match"
    assert seen >= 12
    for method, path, status in (("POST", ROWS, 405), ("GET", "/api/v1/nothing", 404), ("GET", f"{ROWS}?limit=x", 400)):
        answer = client.request(method, path)
        assert (answer.status_code, answer.json()["status"]) == (status, status)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["access-control-allow-origin"] == "*"
        assert status != 405 or "GET" in answer.headers["allow"]


DEEP = '{"op":"not","args":[' * 700 + "true" + "]}" * 700
HOSTILE: list[tuple[str, dict[str, str]]] = [
    (ROWS, {"filter": "x" * 60_000}), (ROWS, {"filter": "(" * 3000}), (ROWS, {"filter": DEEP, "filter-lang": "cql2-json"}),
    (ROWS, {"filter": "[" * 3000, "filter-lang": "cql2-json"}), (ROWS, {"filter": "1=1; DROP TABLE requests"}),
    (ROWS, {"filter": "read_text('/etc/passwd') = 'x'"}), (ROWS, {"filter": "response_hours > 1e999"}),
    (ROWS, {"limit": "9" * 400}), (ROWS, {"limit": "-1"}), (ROWS, {"limit": "10001"}), (ROWS, {"offset": "9" * 30}),
    (ROWS, {"cursor": "A" * 1500}), (ROWS, {"cursor": "W10"}), (ROWS, {"cursor": "bnVsbA", "sort": "-requested_datetime"}),
    (ROWS, {"cursor": "WyJ0IiwxLDFd", "sort": "-requested_datetime"}), (ROWS, {"sort": "status;DROP TABLE requests"}),
    (ROWS, {"sort": "-" * 400}), (ROWS, {"sort": "rid"}), (ROWS, {"fields": "rid"}), (ROWS, {"fields": "," * 900}),
    (ROWS, {"fields": '"'}), (ROWS, {"service": "a\0b"}), (ROWS, {"servce": "pothole"}), (ROWS, {"format": "xml"}),
    (ROWS, {"filter-lang": "sql"}), (ROWS, {f"p{i}": "1" for i in range(300)}),
    (GROUPS, {"by": "rid"}), (GROUPS, {"by": "geometry"}), (GROUPS, {"by": "'x'"}), (GROUPS, {"by": "(" * 900}),
    (GROUPS, {"by": "sum(response_hours)"}), (GROUPS, {"by": "status,status"}), (GROUPS, {"by": "," * 10}),
    (GROUPS, {"figures": "count(*)"}), (GROUPS, {"figures": "sum(status)"}), (GROUPS, {"figures": "avg(rid)"}),
    (GROUPS, {"figures": "version()"}), (GROUPS, {"figures": "median(a,b)"}), (GROUPS, {"figures": "max(geometry)"}),
    (GROUPS, {"having": "status = 'open'"}), (GROUPS, {"having": "count > 'x'"}), (GROUPS, {"having": "count >"}),
    (GROUPS, {"having": "avg(response_hours) > 1"}), (GROUPS, {"having": "(" * 1900}), (GROUPS, {"having": "x" * 2001}),
    (GROUPS, {"having": "count > 0) --"}), (GROUPS, {"having": "S_WITHIN(geometry, POINT(0 0))"}), (GROUPS, {"having": "\0"}),
    (GROUPS, {"having": "NOT " * 400 + "count > 1"}), (GROUPS, {"having": " AND ".join(["count > 1"] * 170)}), (ROWS, {"having": "1=1"}),
    (GROUPS, {"sort": "nothing"}), (GROUPS, {"by": "lower(" * 100 + "status" + ")" * 100}),
    ("/api/v1/tables/areas/rows", {"service": "pothole"}), ("/api/v1/tables/meta/rows", {}), ("/api/v1/tables/x'y", {}),
    ("/api/v1/requests", {"sort": "rid"}), ("/api/v1/requests", {"fields": "gx"}), ("/api/v1/requests", {"cursor": "x"}),
    ("/api/v1/totals", {"filter": "x" * 60_000}), ("/api/v1/totals?x=%ff", {}), ("/api/v1/requests/%00", {}),
    ("/api/v1/choices/%ff", {}), ("/api/v1/totals?near=nan,nan,1", {}),
]  # fmt: skip


@pytest.mark.parametrize(("path", "params"), HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_input_is_refused(client: TestClient, path: str, params: dict[str, str]) -> None:
    answer = client.send(client.build_request("GET", path, params=params or None))
    assert 400 <= answer.status_code < 500, answer.text[:300]
    assert answer.headers["content-type"] == "application/problem+json"
    assert "\n" not in answer.json()["detail"] and len(answer.json()["detail"]) < 2_000
