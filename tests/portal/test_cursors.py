"""Cursors: short whatever rows hold, and of use to nobody who makes them up."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import duckdb
import pytest
from fastapi.testclient import TestClient

from portal.app import create_app
from portal.queries import paged
from portal.settings import PortalSettings
from tests.release_factory import build_release

DOORS = {
    "/api/v1/tables/requests/rows": "sort",
    "/api/v1/requests": "sort",
    "/ogc/collections/requests/items": "sortby",
}
LONG = 1600


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The portal over 60 requests whose addresses are long, some of them equal and one missing."""

    def change(db: duckdb.DuckDBPyConnection) -> None:
        db.execute(f"UPDATE requests SET address = repeat('é', {LONG}) || lpad((rid // 3)::VARCHAR, 3, '0')")
        db.execute("UPDATE requests SET address = NULL WHERE rid = 7")
        db.execute("UPDATE requests SET geocode_score = CASE WHEN rid % 2 = 0 THEN 0.1 * rid END")

    root = tmp_path_factory.mktemp("long")
    build_release(root, rows=60, change=change)
    with TestClient(create_app(PortalSettings(releases=root / "releases")), raise_server_exceptions=False) as client:
        yield client


def following(answer: Any) -> str | None:
    told = answer.json()
    links = [link["href"] for link in told.get("links", ()) if link["rel"] == "next"]
    return links[0] if links else told.get("next")


def told(answer: Any) -> list[tuple[str, str | None]]:
    rows = answer.json().get("rows") or [feature["properties"] for feature in answer.json()["features"]]
    return [(row["service_request_id"], row["address"]) for row in rows]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("sort", ["address", "-address", "-address,geocode_score"])
def test_pages_that_end_on_a_long_text_are_gone_on_from(client: TestClient, door: str, sort: str) -> None:
    keys = {DOORS[door]: sort}
    whole = told(client.get(door, params={"limit": "1000"} | keys))
    texts = [address for _, address in whole]
    assert len(whole) == 60 and texts[-1] is None
    assert texts[:-1] == sorted((text for text in texts if text), reverse=sort.startswith("-"))
    answer = client.get(door, params={"limit": "7"} | keys)
    found = told(answer)
    while address := following(answer):
        assert len(address) < 300
        answer = client.get(address)
        assert answer.status_code == 200, answer.text[:200]
        found += told(answer)
    assert found == whole


MADE_UP: list[list[Any]] = [
    [], [True], [-1], [10**40], [2**62], [1.0], ["5"], [None], [[5]], [{"t": "2025-01-01"}], [10_000], [5, []],
    [5, ["abc"]], [5, [[1]]], [5, [{"t": "2025-01-01"}]], [5, ["\ud800"]], [5, [1e400]], ["t", 1], ["t", True],
]  # fmt: skip


@pytest.mark.parametrize("door", DOORS)
def test_made_up_cursors_are_refused(client: TestClient, door: str) -> None:
    keys = {DOORS[door]: "geocode_score", "limit": "1"}
    [cursor] = parse_qs(urlsplit(following(client.get(door, params=keys)) or "").query)["cursor"]
    mark, *_ = json.loads(base64.urlsafe_b64decode(cursor + "==="))
    assert client.get(door, params=keys | {"cursor": cursor}).status_code == 200
    for said in MADE_UP:
        forged = base64.urlsafe_b64encode(json.dumps([mark, *said]).encode()).decode().rstrip("=")
        answer = client.get(door, params=keys | {"cursor": forged})
        assert answer.status_code == 400, (said, answer.text[:200])
        assert "The cursor is not of" in answer.json()["detail"]


def test_the_address_of_the_next_page_is_taken_however_much_was_asked(client: TestClient) -> None:
    """As it was sent, in few bytes, and as it comes back."""
    numbers = ",".join(f"'R{i:08d}'" for i in range(240))
    texts = ",".join(f"'{',(:)' * 45}{i:02d}'" for i in range(40))
    long = f"status+IS+NOT+NULL+OR+address+IN+({texts})"
    assert 7000 < len(long) < 8000
    for door in DOORS:
        for said in (f"status+IS+NOT+NULL+OR+service_request_id+IN+({numbers})", long):
            if said == long and door == "/api/v1/requests":
                continue
            answer = client.get(f"{door}?limit=2&filter={said}")
            assert answer.status_code == 200, answer.text[:300]
            address = following(answer)
            assert address and client.get(address).status_code == 200


def test_what_is_too_much_to_be_sorted_is_refused(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not called an error of ours, whatever the door."""

    def out_of_memory(*_: Any) -> None:
        raise duckdb.OutOfMemoryException("Out of Memory Error: failed to pin block")

    monkeypatch.setattr(paged, "places", out_of_memory)
    for door, key in DOORS.items():
        answer = client.get(door, params={key: "address", "limit": "3"})
        assert answer.status_code == 400 and "more than can be worked out" in answer.json()["detail"], door
