"""The API of honest figures: the portal's own answers, cited, bounded, and problems for what makes no sense."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from typing import Any, NoReturn

import pytest
from fastapi.testclient import TestClient

from portal import queries
from portal.queries.report import report
from portal.receipts import receipt
from portal.release import Release
from portal.selection import Selection
from tests.portal.run_receipt import rows_of, run

RECEIPTS_OF = {
    "counts": "", "response": "", "months": "", "located": "", "methods": "", "by": "dimension=ward",
    "late": "dimension=district", "speed": "dimension=department", "time-ratio": "dimension=district&key=2",
    "backlog": "at=2024-11-03",
}  # fmt: skip


def strict(text: str) -> Any:
    """JSON without the NaN and Infinity that Python would let pass."""

    def refuse(name: str) -> NoReturn:
        raise AssertionError(f"{name} is not JSON")

    return json.loads(text, parse_constant=refuse)


def get(client: TestClient, path: str) -> Any:
    answer = client.get(f"/api/v1/{path}")
    assert answer.status_code == 200, answer.text
    return strict(answer.text)


@pytest.mark.parametrize("dimension", ["district", "ward", "department", "channel"])
@pytest.mark.parametrize("query", ["", "service=pothole&from=2024-01-01"])
def test_compare_is_the_portals_own_answer(client: TestClient, release: Release, dimension: str, query: str) -> None:
    told = get(client, f"compare/{dimension}?{query}")
    selection = Selection.from_query(query, release)
    found = queries.compare(release, selection, dimension)
    assert told["rows"] == strict(json.dumps([asdict(row) for row in found.rows])) and told["rows"]
    assert (told["late_phi"], told["times_phi"]) == (found.late_phi, found.times_phi)
    assert (told["release_id"], told["query"]) == (release.id, selection.to_query())


def test_each_is_held_against_all(client: TestClient) -> None:
    whole, one = (get(client, f"compare/district{query}") for query in ("?status=open", "?status=open&area=district:1"))
    assert one == whole and one["query"] == "status=open"


@pytest.mark.parametrize("dimension", ["service", "status", "on_time", "outcome", "group", "moon", "a" * 81])
def test_what_cannot_be_compared_is_said(client: TestClient, dimension: str) -> None:
    for path in (f"compare/{dimension}", f"report/{dimension}/1"):
        answer = client.get(f"/api/v1/{path}")
        assert answer.status_code in (400, 404) and answer.headers["content-type"] == "application/problem+json"
        if len(dimension) < 80:
            assert answer.status_code == 404 and "district, ward, department, channel" in answer.json()["detail"]


def test_backlog_of_a_day(client: TestClient, release: Release) -> None:
    told = get(client, "backlog?at=2024-11-03&department=parks")
    found = queries.backlog(release, Selection(department=("parks",)), date(2024, 11, 3))
    assert told["result"]["open"] == found.open > 0 and told["result"]["day"] == "2024-11-03"
    assert told["result"]["ages"] == [list(age) for age in found.ages] and told["query"] == "department=parks"
    assert get(client, "backlog?at=2025-06-20")["result"]["open"] == queries.totals(release, Selection()).open


@pytest.mark.parametrize(
    "at", ["", "2025-13-01", "20250101", "2025-W01-1", "0001-01-01", "1899-12-31", "2025-06-21", "9999-12-31", "x" * 11]
)
def test_a_day_that_is_none_is_refused(client: TestClient, at: str) -> None:
    for path in ("backlog", "receipts/backlog", "receipts/backlog.sql"):
        answer = client.get(f"/api/v1/{path}", params={"at": at})
        assert answer.status_code == 400 and "at" in answer.json()["detail"], path
    assert client.get("/api/v1/backlog").status_code == 400


@pytest.mark.parametrize(("dimension", "key"), [("district", "3"), ("ward", "2"), ("department", "parks")])
def test_a_report_card_is_the_portals_own(client: TestClient, release: Release, dimension: str, key: str) -> None:
    told = get(client, f"report/{dimension}/{key}")["result"]
    found = report(release, Selection(), dimension, key)
    assert found.compared is not None
    assert (told["dimension"], told["key"], told["name"]) == (dimension, key, release.allowed(dimension)[key])
    assert told["totals"]["requests"] == found.totals.requests > 0
    assert told["response"]["quantiles"]["50"] == asdict(found.response.quantiles[50])
    assert told["compared"] == strict(json.dumps(asdict(found.compared)))
    assert told["backlog"]["open"] == found.backlog.open
    assert {name: told[name] for name in ("base", "here", "ever")} == {
        name: getattr(found, name).to_query() for name in ("base", "here", "ever")
    }
    assert Selection.from_query(told["here"], release) == found.here
    assert [row["service_request_id"] for row in told["oldest"]] == [row.service_request_id for row in found.oldest]
    assert all(row["requested_datetime"].endswith("Z") for row in told["oldest"])


@pytest.mark.parametrize("key", ["99", "(none)", "3/4", "'; DROP TABLE requests; --"])
def test_a_report_of_nobody_is_not_found(client: TestClient, key: str) -> None:
    assert client.get(f"/api/v1/report/district/{key}").status_code == 404


@pytest.mark.parametrize("figure", RECEIPTS_OF)
def test_a_receipt_can_be_run_as_it_is_sent(client: TestClient, release: Release, figure: str) -> None:
    query = f"{RECEIPTS_OF[figure]}&service=pothole"
    doc = get(client, f"receipts/{figure}?{query}")["result"]
    sent = client.get(f"/api/v1/receipts/{figure}.sql?{query}")
    assert sent.status_code == 200 and sent.headers["content-type"] == "text/plain; charset=utf-8"
    assert sent.headers["content-disposition"] == f'attachment; filename="{figure}.sql"'
    assert sent.text == doc["sql"] + "\n"
    told = receipt(release, figure, Selection(service=("pothole",)), doc["arguments"])
    assert doc["sql"] == told.sql and doc["title"] == told.kind.title and doc["excluded"] == list(told.kind.excluded)
    rows = rows_of(release.folder, sent.text, told.kind.keyed)
    again = run(release, told)
    assert set(rows) == set(again)
    for key, row in rows.items():
        assert row == pytest.approx(again[key]), "sums of floats come in any order"
    assert set(doc["columns"]) <= set(next(iter(rows.values()), doc["columns"]))
    assert doc["files"] == [f"/download/release/{release.id}/requests.parquet"]
    assert client.get(doc["files"][0]).status_code == 200


@pytest.mark.parametrize("ending", ["", ".sql"])
@pytest.mark.parametrize(
    ("path", "status"),
    [("receipts/nonsense", 404), ("receipts/by", 400), ("receipts/late?dimension=moon", 404),
     ("receipts/expected-totals?layer=district", 404), ("receipts/time-ratio?dimension=ward", 400),
     ("receipts/counts?service=nothing", 400)],
)  # fmt: skip
def test_a_receipt_of_nothing_is_a_problem(client: TestClient, path: str, status: int, ending: str) -> None:
    name, mark, query = path.partition("?")
    answer = client.get(f"/api/v1/{name}{ending}{mark}{query}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json" and answer.json()["detail"]


@pytest.mark.parametrize(
    "path", ["compare/ward", "backlog?at=2025-01-31", "report/ward/1", "receipts/counts", "receipts/counts.sql"]
)
def test_answers_name_their_release_and_may_be_kept_for_a_minute(
    client: TestClient, release: Release, path: str
) -> None:
    answer = client.get(f"/api/v1/{path}")
    assert answer.headers["x-openward-release"] == release.id
    assert answer.headers["cache-control"] == "public, max-age=60"


def test_the_description_has_them_all(client: TestClient) -> None:
    paths = client.get("/api/v1/openapi.json").json()["paths"]
    for path in (
        "compare/{dimension}",
        "backlog",
        "report/{dimension}/{key}",
        "receipts/{figure}",
        "receipts/{figure}.sql",
    ):
        assert paths[f"/api/v1/{path}"]["get"]["description"]
