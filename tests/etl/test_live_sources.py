"""Systems that are asked, through the whole pipeline: increments, closings, failures beside one another, replays."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from etl.errors import MappingError, SourceUnavailable
from etl.pipeline import Options, prepare, run
from etl.publish import chain, status
from tests.etl.conftest import NOW, TinyCity
from tests.etl.extract.servers import Open311Server, Page, SocrataServer, Status

Ask = Callable[..., list[tuple[Any, ...]]]
HOUR = dt.timedelta(hours=1)


def _run(tiny: TinyCity, now: dt.datetime = NOW, **options: Any) -> Any:
    tiny.write([])
    place = tiny.place()
    return run(place, prepare(place.config, tiny.yaml, {}), now=now, options=Options(**options))


def _released(tiny: TinyCity, ask: Ask, sql: str) -> list[tuple[Any, ...]]:
    return ask(tiny.releases / str(tiny.current()), sql)


def _row(number: int, moment: str, **more: Any) -> dict[str, Any]:
    ours = {
        "ID": str(number),
        "OPENED": "2024-05-01T10:00:00.000",
        "STATUS": "open",
        "SERVICE": "Pothole",
        "DEPT": "PW",
    }
    return {":id": f"row-{number:04d}", ":updated_at": moment, **ours, **more}


def _socrata(tiny: TinyCity, server: SocrataServer) -> None:
    source = tiny.config["sources"]["calls"]
    columns = source["columns"] | {
        "requested_datetime": {"column": "OPENED"}, "closed_datetime": {"column": "CLOSED"},
    }  # fmt: skip
    for name in ("expected_datetime", "channel", "address", "status_notes"):
        columns.pop(name, None)
    tiny.config["sources"]["calls"] = {
        "kind": "socrata", "url": server.url, "dataset": server.dataset, "page_size": 3,
        "patience": {"attempts": 1, "timeout_seconds": 2}, "columns": columns, "statuses": source["statuses"],
    }  # fmt: skip
    server.kinds = dict.fromkeys(["ID", "OPENED", "CLOSED", "STATUS", "SERVICE", "DEPT"], "text")


def test_a_data_set_is_read_by_increments_and_a_closing_becomes_a_change(tiny_on: TinyCity, ask: Ask) -> None:
    with SocrataServer([_row(n, f"2024-05-{n + 1:02d}T12:00:00.000Z") for n in range(7)]) as server:
        _socrata(tiny_on, server)
        assert _run(tiny_on).sources["calls"].new == 7
        asked = len(server.requests)
        server.table[4] = _row(4, "2024-06-01T12:30:00.000Z", STATUS="closed", CLOSED="2024-05-03T10:00:00.000")
        server.table.append(_row(9, "2024-06-01T12:31:00.000Z"))
        second = _run(tiny_on, now=NOW + HOUR)
        counts = second.sources["calls"]
        assert (counts.new, counts.changed) == (1, 1)
        assert counts.read < 8, "what was read before is not read again"
        assert len(server.requests) > asked
    got = _released(tiny_on, ask, "SELECT status, count(*) FROM requests GROUP BY 1 ORDER BY 1")
    assert got == [("closed", 1), ("open", 7)]
    assert _released(tiny_on, ask, "SELECT DISTINCT cause FROM changes") == [("source",)]
    assert tiny_on.package()["openward"]["as_of"] == f"{NOW + HOUR:%Y-%m-%dT%H:%M:%SZ}"


def test_a_system_that_fails_keeps_none_of_the_others_from_being_loaded(tiny_on: TinyCity, ask: Ask) -> None:
    healthy = {
        "service_request_id": "7", "service_code": "006", "service_name": "Curb", "status": "open",
        "requested_datetime": "2024-05-30T10:00:00Z", "updated_datetime": "2024-05-30T10:00:00Z",
        "lat": 42.35, "long": -71.1, "address": "7 Main St",
    }  # fmt: skip
    with SocrataServer([_row(1, "2024-05-01T12:00:00.000Z")]) as bad, Open311Server([healthy]) as good:
        _socrata(tiny_on, bad)
        tiny_on.config["sources"]["open"] = {
            "kind": "open311", "url": good.base, "since": "2024-05-01", "patience": {"attempts": 1},
        }  # fmt: skip
        tiny_on.config["layers"] = tiny_on.config["layers"][:1]
        bad.faults += [Page()] * 9
        report = _run(tiny_on)
        assert set(report.unavailable) == {"calls"} and report.sources["open"].new == 1
        assert "\n" not in report.unavailable["calls"]
        assert _released(tiny_on, ask, "SELECT source, service_request_id FROM requests") == [("open", "7")]
        told = {s["source"]: s["state"] for s in _status(tiny_on)["sources"]}
        assert told == {"calls": "unavailable", "open": "loaded"}
        bad.faults.clear()
        good.faults += [Status(503)] * 99
        report = _run(tiny_on, now=NOW + HOUR)
        assert report.sources["calls"].new == 1 and set(report.unavailable) == {"open"}
    assert _released(tiny_on, ask, "SELECT count(*) FROM requests") == [(2,)]
    assert {s["source"]: s["state"] for s in _status(tiny_on)["sources"]}["open"] == "unavailable"


def _status(tiny: TinyCity) -> dict[str, Any]:
    import json

    found: dict[str, Any] = json.loads((tiny.releases / status.STATUS).read_text())
    return found


def test_where_no_source_ever_answered_the_run_says_so(tiny: TinyCity) -> None:
    with SocrataServer([_row(1, "2024-05-01T12:00:00.000Z")]) as server:
        _socrata(tiny, server)
        server.faults += [Status(503)] * 9
        with pytest.raises(SourceUnavailable):
            _run(tiny)
    assert tiny.current() is None
    assert _status(tiny)["sources"][0]["state"] == "unavailable"


def test_a_source_that_cannot_be_used_is_told_as_refused(tiny_on: TinyCity, rows: list[dict[str, str]]) -> None:
    tiny_on.run(rows)
    path = tiny_on.write(rows)
    path.write_text(path.read_text().replace("STATUS", "STATE", 1))
    with pytest.raises(MappingError):
        tiny_on.run_again(now=NOW + HOUR)
    assert _status(tiny_on)["sources"][0]["state"] == "refused"
    assert _status(tiny_on)["last_run"] == "failed"


def test_a_replay_into_an_empty_store_gives_the_same_tables(tiny: TinyCity) -> None:
    with SocrataServer([_row(n, f"2024-05-{n + 1:02d}T12:00:00.000Z") for n in range(7)]) as server:
        _socrata(tiny, server)
        _run(tiny)
        server.table[2] = _row(2, "2024-06-01T12:30:00.000Z", STATUS="closed", CLOSED="2024-05-03T10:00:00.000")
        _run(tiny, now=NOW + HOUR)
    before = {r["name"]: r["hash"] for r in tiny.package()["resources"]}
    for file in tiny.folder.glob("store.sqlite*"):
        file.unlink()
    report = tiny.replay(now=NOW + 2 * HOUR)
    assert report.sources["calls"].new == 7
    after = {r["name"]: r["hash"] for r in tiny.package()["resources"]}
    history = {"changes", "retroactive_edits"}  # a new store has seen no change
    assert {k: v for k, v in after.items() if k not in history} == {k: v for k, v in before.items() if k not in history}
    assert all(f.ok for f in chain.verify(tiny.releases))
