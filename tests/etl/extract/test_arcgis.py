"""A layer that answers errors with status 200, cuts its answers and changes while it is read."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from etl.config.connections import ArcgisConnection
from etl.errors import MappingError, SourceError, SourceUnavailable
from etl.extract.arcgis import ArcgisAdapter
from etl.extract.source import Known
from tests.etl.extract.servers import ArcgisServer, Cut, Doing, Page, Status, Truncated
from tests.etl.extract.support import AT_ONCE, NOW, QUICK, TOKEN, column, fetching, holds, rows

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
FIELDS = {"OBJECTID": "OID", "KEY": "String", "STATUS": "SmallInteger", "OPENED": "Date", "EditDate": "Date"}


def milliseconds(minutes: float) -> int:
    return int((START + dt.timedelta(minutes=minutes)).timestamp() * 1000)


def feature(number: int, edited: float | None = None, **more: Any) -> dict[str, Any]:
    edit = milliseconds(number if edited is None else edited)
    return {
        "OBJECTID": number,
        "KEY": f"K{number}",
        "STATUS": 1,
        "OPENED": edit,
        "EditDate": edit,
        "x": -71.10,
        "y": 42.3,
        **more,
    }


def adapter(server: ArcgisServer, **more: Any) -> ArcgisAdapter:
    settings = {"page_size": 10, "patience": QUICK, "url": server.layer, **more}
    return ArcgisAdapter(ArcgisConnection(kind="arcgis", **settings), ("",), transport=AT_ONCE)


def keys(source: ArcgisAdapter, copy: Any) -> set[str | None]:
    return set(column(source, copy, "KEY"))


def expected(*numbers: int) -> set[str]:
    return {f"K{n}" for n in numbers}


def test_all_features_come_in_pages(tmp_path: Path) -> None:
    with ArcgisServer([feature(n) for n in range(35)], FIELDS) as server:
        source = adapter(server)
        copy = source.fetch(Known(), fetching(tmp_path))
        assert column(source, copy, "KEY") == [f"K{n}" for n in range(35)]
    assert copy is not None
    assert copy.whole
    assert copy.watermark == {"edited": "2026-01-01T00:34:00.000Z"}
    assert source.columns(copy)["OPENED"] == "Date"


def test_a_layer_that_sends_fewer_than_asked_for(tmp_path: Path) -> None:
    with ArcgisServer([feature(n) for n in range(35)], FIELDS, most=4) as server:
        source = adapter(server)
        assert keys(source, source.fetch(Known(), fetching(tmp_path))) == expected(*range(35))


def test_a_layer_that_cannot_order_is_completed_by_its_ids(tmp_path: Path) -> None:
    table = [feature(n) for n in reversed(range(35))]
    with ArcgisServer(table, FIELDS, ordered=False) as server:
        source = adapter(server)
        assert keys(source, source.fetch(Known(), fetching(tmp_path))) == expected(*range(35))


def test_values_are_what_they_stand_for(tmp_path: Path) -> None:
    fields = {**FIELDS, "x": "Double", "BIG": "Double"}
    table = [feature(1, STATUS=2, OPENED=milliseconds(0.5) + 7, BIG=1e22, x=-71.25), feature(2, STATUS=9, OPENED=None)]
    del table[1]["x"], table[1]["y"]
    with ArcgisServer(table, fields, domains={"STATUS": {1: "Open", 2: "Closed"}}) as server:
        source = adapter(server)
        found = rows(
            source, source.fetch(Known(), fetching(tmp_path)), ["STATUS", "OPENED", "x", "y", "attributes.x", "BIG"]
        )
    assert [r["STATUS"] for r in found] == ["Closed", "9"]
    assert [r["OPENED"] for r in found] == ["2026-01-01T00:00:30.007Z", None]
    assert [(r["x"], r["y"]) for r in found] == [("-71.25", "42.3"), (None, None)]
    assert found[0]["attributes.x"] == "-71.25"
    assert found[0]["BIG"] == "1e+22"


def test_only_what_was_edited_since_with_an_overlap(tmp_path: Path) -> None:
    with ArcgisServer([feature(n) for n in range(35)], FIELDS) as server:
        known = Known(watermark={"edited": "2026-01-01T00:30:00.000Z"}, whole_at=NOW)
        source = adapter(server, overlap_minutes=3)
        copy = source.fetch(known, fetching(tmp_path))
        assert keys(source, copy) == expected(*range(27, 35))
        assert copy is not None
        assert not copy.whole
        later = Known(watermark={"edited": "2026-02-01T00:00:00.000Z"}, whole_at=NOW)
        assert source.fetch(later, fetching(tmp_path)) is None


def test_a_clock_that_goes_back_within_the_overlap_loses_nothing(tmp_path: Path) -> None:
    with ArcgisServer([feature(99, edited=5)], FIELDS) as server:
        source = adapter(server, overlap_minutes=60)
        known = Known(watermark={"edited": "2026-01-01T00:34:00.000Z"}, whole_at=NOW)
        copy = source.fetch(known, fetching(tmp_path))
        assert keys(source, copy) == {"K99"}
        assert copy is not None
        assert copy.watermark == known.watermark


def test_a_field_of_ones_own_may_be_in_the_servers_zone_and_blank(tmp_path: Path) -> None:
    about = {"dateFieldsTimeReference": {"timeZone": "Pacific Standard Time"}}
    table = [
        feature(1, OPENED=milliseconds(-60 * 10)),
        feature(2, OPENED=None),
        feature(3, OPENED=milliseconds(-60 * 20)),
    ]
    with ArcgisServer(table, FIELDS, edit_field=None, about=about) as server:
        source = adapter(server, edit_field="opened", overlap_minutes=0)
        known = Known(watermark={"edited": "2026-01-01T00:00:00.000Z"}, whole_at=NOW)
        assert keys(source, source.fetch(known, fetching(tmp_path))) == {"K1", "K2"}
        with pytest.raises(SourceError, match="no 'nothing'; it has OBJECTID, KEY"):
            adapter(server, edit_field="nothing").fetch(Known(), fetching(tmp_path))


def test_without_edit_dates_every_fetch_is_whole(tmp_path: Path) -> None:
    with ArcgisServer([feature(n) for n in range(5)], FIELDS, edit_field=None) as server:
        source = adapter(server)
        copy = source.fetch(Known(), fetching(tmp_path))
        assert copy is not None
        assert copy.whole
        assert copy.watermark is None


def test_features_that_come_and_go_while_they_are_read(tmp_path: Path) -> None:
    table = [feature(n) for n in range(35)]

    def change() -> None:
        del table[2:5]
        table.insert(0, feature(40))

    with ArcgisServer(table, FIELDS) as server:
        server.faults = [None, None, None, None, Doing(change)]
        source = adapter(server)
        assert keys(source, source.fetch(Known(), fetching(tmp_path))) == expected(*range(35), 40)


def test_features_that_are_counted_but_not_sent(tmp_path: Path) -> None:
    with ArcgisServer([feature(n) for n in range(35)], FIELDS) as server:
        server.hidden = {7, 8}
        with pytest.raises(SourceUnavailable, match="counts 2 features that it does not send"):
            adapter(server).fetch(Known(), fetching(tmp_path))


def test_the_filter_cannot_undo_the_paging(tmp_path: Path) -> None:
    with ArcgisServer([feature(n, STATUS=n % 3) for n in range(60)], FIELDS) as server:
        source = adapter(server, where="STATUS = 1 OR STATUS = 2")
        assert keys(source, source.fetch(Known(), fetching(tmp_path))) == expected(*(n for n in range(60) if n % 3))


def test_a_killed_fetch_goes_on_after_the_pages_that_are_there(tmp_path: Path) -> None:
    with ArcgisServer([feature(n) for n in range(35)], FIELDS) as server:
        source = adapter(server)
        server.faults = [None, None, None, None, *[Status(500)] * 3]
        with pytest.raises(SourceUnavailable):
            source.fetch(Known(), fetching(tmp_path))
        before = len(server.requests)
        copy = source.fetch(Known(), fetching(tmp_path))
        assert column(source, copy, "KEY") == [f"K{n}" for n in range(35)]
        asked = [r.params["where"] for r in server.requests[before:] if "orderByFields" in r.params]
    assert asked == [f"(1=1) AND (OBJECTID > {n})" for n in (19, 29, 34)]


@pytest.mark.parametrize("fault", [Status(429, "1"), Status(503), Page(), Truncated(), Cut()])
def test_faults_on_the_way_cost_no_feature(tmp_path: Path, fault: Any) -> None:
    with ArcgisServer([feature(n) for n in range(35)], FIELDS) as server:
        server.faults = [fault, None, None, fault, None, fault, fault]
        source = adapter(server)
        assert keys(source, source.fetch(Known(), fetching(tmp_path))) == expected(*range(35))


def test_errors_with_status_200(tmp_path: Path) -> None:
    busy = Status(200, body=b'{"error": {"code": 504, "message": "Timeout", "details": []}}')
    with ArcgisServer([feature(1)], FIELDS) as server:
        server.faults = [busy, busy]
        assert adapter(server).fetch(Known(), fetching(tmp_path)) is not None
        server.faults = [busy] * 3
        with pytest.raises(SourceUnavailable, match="error 504"):
            adapter(server).fetch(Known(), fetching(tmp_path))
        before = len(server.requests)
        with pytest.raises(SourceError, match=r"error 400 .*no such column: NO_SUCH") as caught:
            adapter(server, where="NO_SUCH = 1").fetch(Known(), fetching(tmp_path))
        assert not isinstance(caught.value, SourceUnavailable)
        assert len(server.requests) == before + 2


def test_a_column_that_vanished_is_named(tmp_path: Path) -> None:
    with ArcgisServer([feature(1)], FIELDS) as server:
        source = adapter(server)
        copy = source.fetch(Known(), fetching(tmp_path))
        with pytest.raises(MappingError, match=r"column 'CLOSED' is missing; the source has OBJECTID, KEY, STATUS"):
            rows(source, copy, ["KEY", "CLOSED"])


def test_the_token_is_sent_and_never_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITY_TOKEN", f"{TOKEN}x")
    with ArcgisServer([feature(n) for n in range(5)], FIELDS, token=TOKEN) as server:
        source = adapter(server, token_env="CITY_TOKEN")
        with pytest.raises(SourceError, match=r"error 498 .*check the token") as caught:
            source.fetch(Known(), fetching(tmp_path))
        assert TOKEN not in str(caught.value)
        monkeypatch.setenv("CITY_TOKEN", TOKEN)
        assert len(keys(source, source.fetch(Known(), fetching(tmp_path)))) == 5
    assert holds(tmp_path, TOKEN) == []
