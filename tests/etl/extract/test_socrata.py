"""A Socrata data set that changes, breaks and hides things while it is read."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from etl.config.connections import SocrataConnection
from etl.errors import ConfigError, MappingError, SourceError, SourceUnavailable
from etl.extract.socrata import SocrataAdapter
from etl.extract.source import Known
from etl.extract.transport import Refused
from tests.etl.extract.servers import Cut, Doing, Page, SocrataServer, Status, Truncated
from tests.etl.extract.support import AT_ONCE, NOW, QUICK, TOKEN, column, fetching, holds, rows


def row(number: int, minute: int | None = None, **more: Any) -> dict[str, Any]:
    at = dt.datetime(2026, 1, 1) + dt.timedelta(minutes=number if minute is None else minute)
    stamp = at.isoformat(timespec="milliseconds") + "Z"
    return {":id": f"row-{number:04d}", ":updated_at": stamp, ":created_at": stamp, "key": f"K{number}", **more}


def adapter(server: SocrataServer, **more: Any) -> SocrataAdapter:
    settings = {"page_size": 10, "patience": QUICK, **more}
    connection = SocrataConnection(kind="socrata", url=server.url, dataset=server.dataset, **settings)
    return SocrataAdapter(connection, ("", "N/A"), transport=AT_ONCE)


def keys(count: int) -> set[str]:
    return {f"K{n}" for n in range(count)}


def test_all_rows_come_once_and_in_order(tmp_path: Path) -> None:
    with SocrataServer([row(n) for n in range(35)]) as server:
        source = adapter(server)
        copy = source.fetch(Known(), fetching(tmp_path))
        assert column(source, copy, "key") == [f"K{n}" for n in range(35)]
    assert copy is not None
    assert copy.whole
    assert copy.watermark == {"updated_at": "2026-01-01T00:34:00.000Z"}
    assert copy.as_of == dt.datetime(2026, 1, 1, 0, 34, tzinfo=dt.UTC)


def test_rows_of_one_bulk_load_share_their_time(tmp_path: Path) -> None:
    with SocrataServer([row(n, minute=0) for n in range(35)]) as server:
        source = adapter(server)
        assert sorted(column(source, source.fetch(Known(), fetching(tmp_path)), "key")) == sorted(keys(35))


def test_a_portal_may_send_fewer_rows_than_asked_for(tmp_path: Path) -> None:
    with SocrataServer([row(n) for n in range(35)], cap=4) as server:
        source = adapter(server)
        assert len(column(source, source.fetch(Known(), fetching(tmp_path)), "key")) == 35


def test_pages_that_shift_lose_nothing(tmp_path: Path) -> None:
    table = [row(n) for n in range(35)]

    def change() -> None:
        table[3] = row(3, minute=100, status="closed")  # a row that was read, another that was not, and a new one
        table[25] = row(25, minute=101, status="closed")
        table.insert(0, row(35, minute=102))

    with SocrataServer(table, kinds={"key": "text", "status": "text"}) as server:
        server.faults = [None, None, Doing(change)]
        source = adapter(server)
        found = rows(source, source.fetch(Known(), fetching(tmp_path)), ["key", "status"])
    assert {r["key"] for r in found} == keys(36)
    assert {r["key"]: r["status"] for r in found}["K3"] == "closed"
    assert {r["key"]: r["status"] for r in found}["K25"] == "closed"


def test_only_what_was_updated_since_with_an_overlap(tmp_path: Path) -> None:
    with SocrataServer([row(n) for n in range(35)]) as server:
        source = adapter(server, overlap_minutes=3)
        known = Known(watermark={"updated_at": "2026-01-01T00:30:00.000Z"}, whole_at=NOW)
        copy = source.fetch(known, fetching(tmp_path))
        assert column(source, copy, "key") == [f"K{n}" for n in range(27, 35)]
        assert copy is not None
        assert not copy.whole


def test_a_clock_that_goes_back_within_the_overlap_loses_nothing(tmp_path: Path) -> None:
    table = [row(n) for n in range(35)]
    with SocrataServer(table) as server:
        source = adapter(server, overlap_minutes=60)
        first = source.fetch(Known(), fetching(tmp_path))
        assert first is not None
        table[:] = [row(99, minute=5)]
        second = source.fetch(Known(watermark=first.watermark, whole_at=NOW), fetching(tmp_path))
        assert column(source, second, "key") == ["K99"]
        assert second is not None
        assert second.watermark == first.watermark


def test_nothing_new_is_none_and_leaves_nothing(tmp_path: Path) -> None:
    with SocrataServer([row(1)]) as server:
        known = Known(watermark={"updated_at": "2026-02-01T00:00:00.000Z"}, whole_at=NOW)
        assert adapter(server).fetch(known, fetching(tmp_path)) is None
    assert not (tmp_path / "raw" / "calls" / ".fetching").exists()


def test_a_refresh_is_whole_when_it_is_due(tmp_path: Path) -> None:
    with SocrataServer([row(n) for n in range(5)]) as server:
        watermark = {"updated_at": "2026-02-01T00:00:00.000Z"}
        for days, whole in ((6, False), (7, True)):
            known = Known(watermark=watermark, whole_at=NOW - dt.timedelta(days=days))
            copy = adapter(server, refresh_days=7).fetch(known, fetching(tmp_path))
            assert (copy is not None and copy.whole) == whole
            assert copy is None or copy.watermark == watermark


def test_the_filter_cannot_undo_the_paging(tmp_path: Path) -> None:
    table = [row(n, kind="a" if n % 2 else "b") for n in range(40)]
    with SocrataServer(table) as server:
        source = adapter(server, where="kind = 'a' OR kind = 'c'")
        assert column(source, source.fetch(Known(), fetching(tmp_path)), "kind") == ["a"] * 20


def test_a_killed_fetch_goes_on_after_the_pages_that_are_there(tmp_path: Path) -> None:
    with SocrataServer([row(n) for n in range(35)]) as server:
        source = adapter(server)
        server.faults = [None, None, None, *[Status(500)] * 3]
        with pytest.raises(SourceUnavailable):
            source.fetch(Known(), fetching(tmp_path))
        before = len(server.requests)
        copy = source.fetch(Known(), fetching(tmp_path, NOW + dt.timedelta(hours=1)))
        assert column(source, copy, "key") == [f"K{n}" for n in range(35)]
        asked = [r.params.get("$where", "") for r in server.requests[before:]]
    assert len(asked) == 3
    assert "row-0019" in asked[0]


@pytest.mark.parametrize("fault", [Status(429, "1"), Status(502), Page(), Truncated(), Cut()])
def test_faults_on_the_way_cost_no_row(tmp_path: Path, fault: Any) -> None:
    with SocrataServer([row(n) for n in range(35)]) as server:
        server.faults = [fault, None, fault, None, fault, fault]
        source = adapter(server)
        assert column(source, source.fetch(Known(), fetching(tmp_path)), "key") == [f"K{n}" for n in range(35)]


def test_null_fields_are_left_out_but_their_column_is_there(tmp_path: Path) -> None:
    table = [row(1, note=None), row(2, note="N/A"), row(3, note="x")]
    for view in (True, False):
        with SocrataServer(table, kinds={"key": "text", "note": "text", "empty": "number"}, view=view) as server:
            source = adapter(server)
            copy = source.fetch(Known(), fetching(tmp_path / str(view)))
            assert copy is not None
            assert source.columns(copy)["empty"] == "number"
            assert column(source, copy, "note") == [None, None, "x"]
            assert column(source, copy, "empty") == [None] * 3


def test_a_column_that_vanished_is_named(tmp_path: Path) -> None:
    with SocrataServer([row(1, status="open")]) as server:
        source = adapter(server)
        copy = source.fetch(Known(), fetching(tmp_path))
        with pytest.raises(MappingError, match=r"column 'closed_date' is missing; the source has key, status"):
            rows(source, copy, ["key", "closed_date"])


def test_values_are_as_the_source_writes_them(tmp_path: Path) -> None:
    place = {"latitude": "42.10", "longitude": "-71.0", "tags": ["a", 1]}
    table = [row(1, place=place, done=True, point={"type": "Point", "coordinates": [-71.5, 42.25]})]
    with SocrataServer(table) as server:
        source = adapter(server)
        wanted = ["place.latitude", "done", "place.tags", "point.coordinates.1", "point.coordinates"]
        (found,) = rows(source, source.fetch(Known(), fetching(tmp_path)), wanted)
    assert [found[name] for name in wanted] == ["42.10", "true", '["a",1]', "42.25", "[-71.5,42.25]"]


def test_the_app_token_is_sent_and_never_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with SocrataServer([row(n) for n in range(35)], token=TOKEN) as server:
        source = adapter(server, app_token_env="CITY_TOKEN")
        with pytest.raises(ConfigError, match="CITY_TOKEN"):
            source.fetch(Known(), fetching(tmp_path))
        monkeypatch.setenv("CITY_TOKEN", f"{TOKEN}x")
        with pytest.raises(Refused, match="Invalid app_token") as caught:
            source.fetch(Known(), fetching(tmp_path))
        assert TOKEN not in str(caught.value)
        monkeypatch.setenv("CITY_TOKEN", TOKEN)
        assert source.fetch(Known(), fetching(tmp_path)) is not None
    assert holds(tmp_path, TOKEN) == []


def test_what_is_no_data_set_is_terminal(tmp_path: Path) -> None:
    with SocrataServer([row(1)]) as server:
        server.dataset = "zzzz-9999"
        source = adapter(server)
        server.dataset = "abcd-1234"
        with pytest.raises(Refused, match="404") as caught:
            source.fetch(Known(), fetching(tmp_path))
        assert "\n" not in str(caught.value)
        bad = adapter(server, where="no such syntax ((")
        with pytest.raises(Refused, match="400"):
            bad.fetch(Known(), fetching(tmp_path))


def test_a_server_that_ignores_the_paging_is_refused(tmp_path: Path) -> None:
    class Deaf(SocrataServer):
        def _select(self, params: dict[str, str]) -> list[dict[str, Any]]:
            return super()._select({**params, "$where": "1=1"})

    with Deaf([row(n) for n in range(35)]) as server, pytest.raises(SourceError, match="do not follow one another"):
        adapter(server).fetch(Known(), fetching(tmp_path))
