"""The same condition through every interface and format: the same rows, by SODA, CKAN, the API and files."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, datetime
from typing import Any

from fastapi.testclient import TestClient
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from portal.expressions import tree, written
from portal.filtered import Filter
from portal.release import Release
from portal.selection import Selection
from portal.selection_query import MAX_LONG_CHARS
from tests.portal.expressions.trees import TEXTS, conditions
from tests.portal.soda.soql_writer import soql

MANY = 10_000
Rows = set[tuple[str, str]]


def in_utc(of: tree.Condition) -> tree.Condition:
    """A day beside a time is the city's in SoQL, and UTC's in CQL2: told as a moment in UTC it is one."""
    match of:
        case tree.Compare(op, tree.Column("requested_datetime") as column, tree.Literal(date() as day)) if (
            not isinstance(day, datetime)
        ):
            return tree.Compare(op, column, tree.Literal(datetime(day.year, day.month, day.day)))
        case tree.And(parts):
            return tree.And(tuple(map(in_utc, parts)))
        case tree.Or(parts):
            return tree.Or(tuple(map(in_utc, parts)))
        case tree.Not(inner):
            return tree.Not(in_utc(inner))
    return of


def ids(records: Any) -> Rows:
    found = [(record["source"], record["service_request_id"]) for record in records]
    assert len(found) == len(set(found))
    return set(found)


def of_table(release: Release, condition: tree.Condition) -> Rows:
    """The rows as the plain SQL of the condition has them: no codes, no columns for counting."""
    where, params = Selection(filter=Filter.made(condition, release)).where()
    found = release.query(f"SELECT source::VARCHAR, service_request_id FROM requests WHERE {where}", params)
    return {(source, name) for source, name in found}


def by_soda(client: TestClient, where: str, form: str) -> Rows:
    params = {"$where": where, "$limit": str(MANY)}
    answer = client.get(f"/resource/requests.{form}", params=params)
    assert answer.status_code == 200, answer.text
    if form == "csv":
        return ids(csv.DictReader(io.StringIO(answer.text)))
    found = answer.json()
    return ids(found) if form == "json" else ids(feature["properties"] for feature in found["features"])


def by_ckan(client: TestClient, filters: dict[str, Any]) -> Rows:
    asked = {"resource_id": "requests", "filters": filters, "limit": MANY}
    found = client.post("/api/3/action/datastore_search", json=asked).json()["result"]
    assert found["total"] == len(found["records"])
    return ids(found["records"])


def by_api(client: TestClient, condition: tree.Condition) -> Rows:
    rows: list[Any] = []
    while True:
        params: dict[str, str | int] = {"filter": written.text(condition), "limit": 1000, "offset": len(rows)}
        found = client.get("/api/v1/requests", params=params).json()
        rows += found["rows"]
        if len(rows) >= found["total"]:
            return ids(rows)


def by_file(client: TestClient, condition: tree.Condition, form: str) -> Rows:
    answer = client.get(f"/download/requests.{form}", params={"filter": written.text(condition)})
    assert answer.status_code == 200, answer.text
    if form == "csv":
        return ids(csv.DictReader(io.StringIO(answer.text)))
    return ids(feature["properties"] for feature in answer.json()["features"])


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(condition=conditions.map(in_utc))
def test_any_condition(few_client: TestClient, few: Release, condition: tree.Condition) -> None:
    assume(len(written.text(condition)) < MAX_LONG_CHARS)
    meant = of_table(few, condition)
    said = soql(condition)
    for form in ("json", "csv", "geojson"):
        assert by_soda(few_client, said, form) == meant, said
    for form in ("csv", "geojson"):
        assert by_file(few_client, condition, form) == meant
    assert by_api(few_client, condition) == meant
    counted = few_client.get("/resource/requests.json", params={"$select": "count(*)", "$where": said}).json()
    assert counted == [{"count": str(len(meant))}]


def _filters() -> st.SearchStrategy[dict[str, Any]]:
    """Those that CKAN can say: fields and the values that they may have."""

    def of(name: str) -> st.SearchStrategy[tuple[str, Any]]:
        value = st.sampled_from([*TEXTS[name], "no such thing", "it's", None])
        return st.tuples(st.just(name), value | st.lists(value, min_size=1, max_size=4))

    return st.lists(st.sampled_from(sorted(TEXTS)).flatmap(of), min_size=1, max_size=3).map(dict)


def _meant(filters: dict[str, Any]) -> tree.Condition:
    made: list[tree.Condition] = []
    for name, value in filters.items():
        values = value if isinstance(value, list) else [value]
        any_of: list[tree.Condition] = [
            tree.Compare("=", tree.Column(name), tree.Literal(v)) for v in values if v is not None
        ]
        any_of += [tree.Null(tree.Column(name))] if None in values else []
        made.append(tree.Or(tuple(any_of)))
    return tree.And(tuple(made))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(filters=_filters())
def test_any_filter_that_ckan_can_say(few_client: TestClient, few: Release, filters: dict[str, Any]) -> None:
    condition = _meant(filters)
    meant = of_table(few, condition)
    assert by_ckan(few_client, filters) == meant, json.dumps(filters)
    assert by_soda(few_client, soql(condition), "json") == meant
    assert by_api(few_client, condition) == meant
    assert by_file(few_client, condition, "csv") == meant
