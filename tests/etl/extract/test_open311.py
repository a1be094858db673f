"""An Open311 endpoint that never says what it left out."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from etl.config.connections import Open311Connection
from etl.errors import MappingError, SourceError, SourceUnavailable
from etl.extract.open311 import Open311Adapter
from etl.extract.source import Known
from etl.extract.transport import Refused
from tests.etl.extract.servers import Answer, Cut, LocalServer, Open311Server, Page, Status, Truncated
from tests.etl.extract.support import AT_ONCE, NOW, QUICK, TOKEN, column, fetching, holds, rows

COLUMNS = ["service_request_id", "status", "requested_datetime", "address", "lat", "description"]


def request(number: int, minutes_ago: float, **more: Any) -> dict[str, Any]:
    at = NOW - dt.timedelta(minutes=minutes_ago)
    return {
        "service_request_id": str(number),
        "status": "open",
        "service_code": "006",
        "service_name": "Curb",
        "description": None,
        "requested_datetime": at.isoformat(),
        "address": "8TH AVE & JUDAH ST",
        "lat": 37.10,
        "long": -122.5,
        **more,
    }


def spread(count: int, days: float = 20) -> list[dict[str, Any]]:
    """Unevenly: ever denser towards now."""
    return [request(n, days * 1440 * (1 - n / count) ** 2) for n in range(count)]


def adapter(server: Any, **more: Any) -> Open311Adapter:
    settings = {"since": "2026-01-20", "patience": QUICK, "url": getattr(server, "base", server.url), **more}
    return Open311Adapter(Open311Connection(kind="open311", **settings), ("",), transport=AT_ONCE)


def numbers(source: Open311Adapter, copy: Any) -> list[int]:
    return sorted(int(str(n)) for n in column(source, copy, "service_request_id"))


@pytest.mark.parametrize("form", ["json", "xml"])
@pytest.mark.parametrize("limit", [10, 50, 73])
@pytest.mark.parametrize("told", [True, False])
def test_every_request_comes_though_answers_are_cut(tmp_path: Path, form: str, limit: int, told: bool) -> None:
    with Open311Server(spread(700), row_limit=limit) as server:
        source = adapter(server, format=form, row_limit=limit if told else None)
        copy = source.fetch(Known(), fetching(tmp_path))
        assert numbers(source, copy) == list(range(700))
        assert len(server.requests) < 250
    assert copy is not None
    assert copy.whole
    assert copy.as_of == NOW
    assert copy.watermark == {"until": "2026-03-01T12:00:00Z"}
    assert copy.parts[0].name == f"services.{form}.gz"


def test_values_of_both_formats_are_the_same_text(tmp_path: Path) -> None:
    table = [request(1, 60, description="a <b> & ünï"), request(2, 50, lat=None)]
    found = []
    for form in ("json", "xml"):
        with Open311Server(table) as server:
            source = adapter(server, format=form)
            found.append(rows(source, source.fetch(Known(), fetching(tmp_path / form)), COLUMNS))
    assert found[0] == found[1]
    assert [r["lat"] for r in found[0]] == [None, "37.1"]
    assert found[0][1]["description"] == "a <b> & ünï"


def test_requests_on_the_border_of_two_spans_come_once(tmp_path: Path) -> None:
    borders = [request(n, 7 * 1440 * n) for n in range(4)]
    with Open311Server(borders) as server:
        source = adapter(server, since="2026-02-01")
        server.table = [
            {**r, "requested_datetime": f"2026-02-{d:02d}T00:00:00+00:00"}
            for r, d in zip(borders, (1, 8, 15, 22), strict=True)
        ]
        assert numbers(source, source.fetch(Known(), fetching(tmp_path))) == [0, 1, 2, 3]


@pytest.mark.parametrize("pages", [True, False])
def test_more_within_a_minute_than_an_answer_holds(tmp_path: Path, pages: bool) -> None:
    table = [*spread(100), *(request(1000 + n, 100) for n in range(120))]
    with Open311Server(table, pages=pages) as server:
        source = adapter(server)
        copy = source.fetch(Known(), fetching(tmp_path))
        found = numbers(source, copy)
    assert copy is not None
    warnings = [part.note["warning"] for part in copy.parts if "warning" in part.note]
    if pages:
        assert set(found) == {*range(100), *range(1000, 1120)}
        assert warnings == []
        assert copy.whole
    else:
        assert set(range(100)) <= set(found)
        assert len(found) >= 150
        assert "50 requests within one minute" in warnings[0]
        assert not copy.whole


def test_an_import_of_one_minute_is_complete_where_the_limit_is_known_to_be_higher(tmp_path: Path) -> None:
    with Open311Server([*spread(100), *(request(1000 + n, 100) for n in range(120))], row_limit=1000) as server:
        source = adapter(server, window_days=1)
        copy = source.fetch(Known(), fetching(tmp_path))
        assert len(numbers(source, copy)) == 220
    assert copy is not None
    assert copy.whole


def test_a_wide_span_shows_that_an_import_of_one_minute_is_complete(tmp_path: Path) -> None:
    table = [*(request(n, 20_000) for n in range(30)), *(request(100 + n, 60 * n) for n in range(80))]
    with Open311Server(table, row_limit=1000) as server:
        source = adapter(server, window_days=1)
        copy = source.fetch(Known(), fetching(tmp_path))
        assert len(numbers(source, copy)) == 110
    assert copy is not None
    assert copy.whole
    assert [part.note["warning"] for part in copy.parts if "warning" in part.note] == []


def test_what_was_closed_is_seen_by_its_number(tmp_path: Path) -> None:
    table = [request(n, 1440 * (60 - n), status="closed" if n % 2 else "open") for n in range(60)]
    asked: list[dt.datetime] = []

    def open_ids(since: dt.datetime) -> list[str]:
        asked.append(since)
        return ["1", "2", "3", "4", "77"]

    for lists in (True, False):
        with Open311Server(table, lists=lists) as server:
            source = adapter(server, overlap_days=3)
            known = Known(watermark={"until": "2026-02-27T00:00:00Z"}, whole_at=NOW, open_ids=open_ids)
            copy = source.fetch(known, fetching(tmp_path / str(lists)))
            states = {r["service_request_id"]: r["status"] for r in rows(source, copy, COLUMNS)}
        assert states == {"1": "closed", "2": "open", "3": "closed", "4": "open"} | {
            str(n): "closed" if n % 2 else "open" for n in range(55, 60)
        }
        assert copy is not None
        assert not copy.whole
    assert asked == [NOW - dt.timedelta(days=90)] * 2


def test_numbers_are_asked_for_in_batches_that_fit(tmp_path: Path) -> None:
    table = [request(n, 1440 * 50) for n in range(1000, 1130)]
    with Open311Server(table, row_limit=40) as server:
        known = Known(
            watermark={"until": "2026-02-27T00:00:00Z"},
            whole_at=NOW,
            open_ids=lambda _: [str(n) for n in range(1000, 1130)],
        )
        source = adapter(server, row_limit=40)
        copy = source.fetch(known, fetching(tmp_path))
        assert numbers(source, copy) == list(range(1000, 1130))
        assert sum("service_request_id" in r.params for r in server.requests) == 4


def test_a_watermark_never_goes_back(tmp_path: Path) -> None:
    with Open311Server([request(1, 60)]) as server:
        known = Known(watermark={"until": "2026-03-02T00:00:00Z"}, whole_at=NOW)
        copy = adapter(server).fetch(known, fetching(tmp_path))
        assert copy is not None
        assert copy.watermark == {"until": "2026-03-02T00:00:00Z"}


def test_a_killed_fetch_goes_on_after_the_spans_that_are_there(tmp_path: Path) -> None:
    with Open311Server(spread(300)) as server:
        source = adapter(server)
        server.faults = [None] * 12 + [Status(500)] * 3
        with pytest.raises(SourceUnavailable):
            source.fetch(Known(), fetching(tmp_path))
        before = len(server.requests)
        copy = source.fetch(Known(), fetching(tmp_path))
        assert numbers(source, copy) == list(range(300))
        earlier = [r.params.get("start_date", r.path) for r in server.requests[: before - 3]]
        later = [r.params.get("start_date", r.path) for r in server.requests[before:]]
    assert min(later) >= max(earlier)


@pytest.mark.parametrize("form", ["json", "xml"])
@pytest.mark.parametrize("fault", [Status(429, "2"), Page(), Truncated(), Cut()])
def test_faults_on_the_way_cost_no_request(tmp_path: Path, fault: Any, form: str) -> None:
    with Open311Server(spread(120)) as server:
        server.faults = [fault, None, fault, fault, None, fault]
        source = adapter(server, format=form)
        assert numbers(source, source.fetch(Known(), fetching(tmp_path))) == list(range(120))


@pytest.mark.parametrize("form", ["json", "xml"])
def test_nothing_found_may_be_a_404(tmp_path: Path, form: str) -> None:
    with Open311Server([request(1, 60)], nothing_is_404=True) as server:
        source = adapter(server, format=form)
        assert numbers(source, source.fetch(Known(), fetching(tmp_path))) == [1]
        wrong = adapter(server, url=f"{server.url}/elsewhere", format=form)
        with pytest.raises(Refused, match=r"404 .*check the address"):
            wrong.fetch(Known(), fetching(tmp_path / "wrong"))


def test_nothing_at_all_is_an_empty_whole_or_none(tmp_path: Path) -> None:
    with Open311Server([]) as server:
        source = adapter(server)
        copy = source.fetch(Known(), fetching(tmp_path))
        assert rows(source, copy, COLUMNS) == []
        assert copy is not None
        known = Known(watermark=copy.watermark, whole_at=NOW)
        assert source.fetch(known, fetching(tmp_path)) is None


@pytest.mark.parametrize("form", ["json", "xml"])
def test_discovery_finds_the_production_endpoint(tmp_path: Path, form: str) -> None:
    with Open311Server([request(1, 60)]) as server:
        source = adapter(server, discovery=True, url=f"{server.url}/discovery.{form}", format=form)
        copy = source.fetch(Known(), fetching(tmp_path))
        assert numbers(source, copy) == [1]
        assert copy is not None
        assert [p.name for p in copy.parts][:2] == [f"discovery.{form}.gz", f"services.{form}.gz"]


def test_a_request_that_has_only_a_token_is_not_lost(tmp_path: Path) -> None:
    waiting = request(1, 60, token="tok-1")
    del waiting["service_request_id"]
    with Open311Server([waiting, request(2, 50)]) as server:
        source = adapter(server)
        found = rows(source, source.fetch(Known(), fetching(tmp_path)), ["service_request_id", "token"])
    assert [(r["service_request_id"], r["token"]) for r in found] == [("2", None), (None, "tok-1")]


def test_standard_columns_may_be_left_out_but_not_the_core(tmp_path: Path) -> None:
    bare = {
        "service_request_id": "1",
        "requested_datetime": request(1, 60)["requested_datetime"],
        "extra": {"a": [1.50]},
    }
    with Open311Server([bare]) as server:
        source = adapter(server)
        copy = source.fetch(Known(), fetching(tmp_path))
        (found,) = rows(source, copy, ["media_url", "extra.a"])
        assert (found["media_url"], found["extra.a"]) == (None, "[1.5]")
        with pytest.raises(MappingError, match="column 'status' is missing"):
            rows(source, copy, COLUMNS)


def test_errors_with_status_200_are_errors(tmp_path: Path) -> None:
    body = b'{"errors": [{"code": 500, "description": "jurisdiction_id\\nis unknown"}]}'
    with (
        LocalServer(lambda asked: Answer(body)) as server,
        pytest.raises(SourceError, match="jurisdiction_id is unknown"),
    ):
        adapter(server).fetch(Known(), fetching(tmp_path))


def test_entities_are_not_expanded(tmp_path: Path) -> None:
    body = b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "aaaa">]><service_requests>&a;</service_requests>'
    with LocalServer(lambda asked: Answer(body)) as server, pytest.raises(SourceError, match="entities"):
        adapter(server, format="xml").fetch(Known(), fetching(tmp_path))


def test_the_key_is_sent_and_never_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITY_KEY", f"{TOKEN}x")
    with Open311Server(spread(20), key=TOKEN) as server:
        source = adapter(server, api_key_env="CITY_KEY")
        with pytest.raises(Refused, match="Invalid api_key") as caught:
            source.fetch(Known(), fetching(tmp_path))
        assert TOKEN not in str(caught.value)
        monkeypatch.setenv("CITY_KEY", TOKEN)
        assert len(numbers(source, source.fetch(Known(), fetching(tmp_path)))) == 20
    assert holds(tmp_path, TOKEN) == []


def test_real_documents_are_read(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "open311"

    def answer(asked: Any) -> Answer:
        if asked.path.endswith("services.xml"):
            return Answer((folder / "services.xml").read_bytes(), 200, "text/xml")
        if asked.path.endswith("requests.xml") and asked.params["end_date"] >= "2010-05-01":
            return Answer((folder / "service_requests.xml").read_bytes(), 200, "text/xml")
        if asked.path.endswith("requests.xml"):
            return Answer((folder / "service_requests_empty.xml").read_bytes(), 200, "text/xml")
        return Answer((folder / "get_service_request_not_found.xml").read_bytes(), 404, "text/xml")

    with LocalServer(answer) as server:
        source = adapter(server, format="xml", since="2010-04-01", window_days=31)
        now = dt.datetime(2010, 5, 2, tzinfo=dt.UTC)
        found = rows(source, source.fetch(Known(), fetching(tmp_path, now)), [*COLUMNS, "media_url"])
    assert [(r["service_request_id"], r["status"], r["lat"]) for r in found] == [
        ("638344", "closed", "37.762221815"),
        ("638349", "open", "37.762221815"),
    ]
    assert found[0]["description"] is None
    assert str(found[0]["media_url"]).endswith("638344.rss")
