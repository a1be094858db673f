"""A datastore whose offsets shift while it is read."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from etl.config.connections import CkanConnection
from etl.errors import MappingError, SourceError, SourceUnavailable
from etl.extract.ckan import CkanAdapter
from etl.extract.source import Known
from etl.extract.transport import Refused
from tests.etl.extract.servers import CkanServer, Cut, Doing, Page, Status, Truncated
from tests.etl.extract.support import AT_ONCE, NOW, QUICK, TOKEN, column, fetching, holds, rows

FIELDS = {"_id": "int", "key": "text", "updated": "timestamp", "lat": "numeric"}


def row(number: int, minute: int | None = None, **more: Any) -> dict[str, Any]:
    at = dt.datetime(2026, 1, 1) + dt.timedelta(minutes=number if minute is None else minute)
    return {"_id": number, "key": f"K{number}", "updated": at.isoformat(), "lat": 42.10, **more}


def adapter(server: CkanServer, **more: Any) -> CkanAdapter:
    settings = {"page_size": 10, "patience": QUICK, "resource": server.resource, **more}
    return CkanAdapter(CkanConnection(kind="ckan", url=server.url, **settings), ("",), transport=AT_ONCE)


def table_of(count: int) -> list[dict[str, Any]]:
    return [row(n) for n in range(1, count + 1)]


@pytest.mark.parametrize("cap", [32_000, 4])
def test_all_rows_come_once(tmp_path: Path, cap: int) -> None:
    with CkanServer(table_of(35), FIELDS, cap=cap) as server:
        source = adapter(server)
        copy = source.fetch(Known(), fetching(tmp_path))
        assert column(source, copy, "key") == [f"K{n}" for n in range(1, 36)]
    assert copy is not None
    assert copy.whole
    assert copy.watermark is None
    assert source.columns(copy) == FIELDS


@pytest.mark.parametrize("gone", [slice(2, 4), slice(2, 15), slice(0, 20)])
def test_pages_that_shift_lose_nothing(tmp_path: Path, gone: slice) -> None:
    table = table_of(35)
    left = {r["key"] for i, r in enumerate(table) if i not in range(35)[gone]}

    def change() -> None:
        del table[gone]
        table.append(row(36))

    with CkanServer(table, FIELDS) as server:
        server.faults = [None, None, Doing(change)]
        source = adapter(server)
        found = set(column(source, source.fetch(Known(), fetching(tmp_path)), "key"))
    assert found >= left | {"K36"}


def test_a_resource_that_is_loaded_anew_while_it_is_read(tmp_path: Path) -> None:
    table = table_of(35)

    def change() -> None:
        table[:] = [row(n, key=f"N{n}") for n in range(101, 136)]

    with CkanServer(table, FIELDS) as server:
        server.faults = [None, None, Doing(change)]
        source = adapter(server)
        found = set(column(source, source.fetch(Known(), fetching(tmp_path)), "key"))
    assert found >= {f"N{n}" for n in range(101, 136)}


def test_rows_that_are_counted_but_not_sent(tmp_path: Path) -> None:
    with CkanServer(table_of(35), FIELDS) as server:
        server.lost = 3
        with pytest.raises(SourceUnavailable, match=r"counts 35 rows .* sends 32"):
            adapter(server).fetch(Known(), fetching(tmp_path))


def test_only_what_was_updated_since(tmp_path: Path) -> None:
    with CkanServer([row(n, minute=10 * n) for n in range(1, 36)], FIELDS) as server:
        source = adapter(server, updated_field="updated")
        first = source.fetch(Known(), fetching(tmp_path))
        assert first is not None
        assert first.watermark == {"updated": "2026-01-01T05:50:00"}
        known = Known(watermark={"updated": "2026-01-01T04:00:00"}, whole_at=NOW)
        copy = source.fetch(known, fetching(tmp_path))
        # From an hour before the watermark on.
        assert column(source, copy, "key") == [f"K{n}" for n in range(18, 36)]
        assert copy is not None
        assert not copy.whole
        later = Known(watermark={"updated": "2026-02-01T00:00:00"}, whole_at=NOW)
        assert source.fetch(later, fetching(tmp_path)) is None


def test_a_clock_that_goes_back_within_the_overlap_loses_nothing(tmp_path: Path) -> None:
    with CkanServer([row(99, minute=5)], FIELDS) as server:
        source = adapter(server, updated_field="updated")
        known = Known(watermark={"updated": "2026-01-01T00:34:00"}, whole_at=NOW)
        copy = source.fetch(known, fetching(tmp_path))
        assert column(source, copy, "key") == ["K99"]
        assert copy is not None
        assert copy.watermark == known.watermark


def test_where_sql_is_not_allowed_all_is_fetched(tmp_path: Path) -> None:
    with CkanServer(table_of(25), FIELDS, sql=False) as server:
        source = adapter(server, updated_field="updated")
        copy = source.fetch(Known(watermark={"updated": "2026-01-01T04:00:00"}, whole_at=NOW), fetching(tmp_path))
        assert len(column(source, copy, "key")) == 25
        assert copy is not None
        assert copy.whole


def test_a_column_that_does_not_grow_gives_no_watermark(tmp_path: Path) -> None:
    with CkanServer([row(1, updated="12/31/2025"), row(2, updated="01/01/2026")], FIELDS) as server:
        copy = adapter(server, updated_field="updated").fetch(Known(), fetching(tmp_path))
        assert copy is not None
        assert copy.watermark is None


@pytest.mark.parametrize("known", [Known(), Known(watermark={"updated": "2026-01-01T00:00:00"}, whole_at=NOW)])
def test_a_killed_fetch_goes_on_after_the_pages_that_are_there(tmp_path: Path, known: Known) -> None:
    with CkanServer(table_of(35), FIELDS) as server:
        source = adapter(server, updated_field="updated")
        server.faults = [None, None, *([None] if known.watermark else []), *[Status(500)] * 3]
        with pytest.raises(SourceUnavailable):
            source.fetch(known, fetching(tmp_path))
        before = len(server.requests)
        copy = source.fetch(known, fetching(tmp_path))
        assert column(source, copy, "key") == [f"K{n}" for n in range(1, 36)]
        asked = [r for r in server.requests[before:] if not r.params.get("sql", "").endswith("LIMIT 1")]
        assert len(asked) == 3
        first = asked[0].params
        assert first.get("offset") == "19" or "\"_id\" > '20'" in first["sql"]


@pytest.mark.parametrize("fault", [Status(429, "1"), Status(503), Page(), Truncated(), Cut()])
def test_faults_on_the_way_cost_no_row(tmp_path: Path, fault: Any) -> None:
    with CkanServer(table_of(35), FIELDS) as server:
        server.faults = [fault, None, None, fault, fault]
        source = adapter(server)
        assert column(source, source.fetch(Known(), fetching(tmp_path)), "key") == [f"K{n}" for n in range(1, 36)]


def test_refusals_say_why(tmp_path: Path) -> None:
    with CkanServer(table_of(5), FIELDS) as server:
        with pytest.raises(Refused, match=r"404 .*Resource was not found"):
            adapter(server, resource="00000000-0000").fetch(Known(), fetching(tmp_path))
        server.faults = [Status(200, body=b'{"success": false, "error": {"message": "Bad\\nsort"}}')]
        with pytest.raises(SourceError, match="Bad sort"):
            adapter(server).fetch(Known(), fetching(tmp_path))
        server.faults = [Status(200, body=b'{"something": "else"}')] * 3
        with pytest.raises(SourceError, match="no CKAN portal"):
            adapter(server).fetch(Known(), fetching(tmp_path))


def test_a_column_that_vanished_is_named(tmp_path: Path) -> None:
    with CkanServer(table_of(5), FIELDS) as server:
        source = adapter(server)
        copy = source.fetch(Known(), fetching(tmp_path))
        assert column(source, copy, "lat") == ["42.1"] * 5
        with pytest.raises(MappingError, match="column 'closed' is missing; the source has _id, key, updated, lat"):
            rows(source, copy, ["key", "closed"])


def test_the_token_is_sent_and_never_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITY_TOKEN", f"{TOKEN}x")
    with CkanServer(table_of(5), FIELDS, token=TOKEN) as server:
        source = adapter(server, token_env="CITY_TOKEN")
        with pytest.raises(Refused, match="403") as caught:
            source.fetch(Known(), fetching(tmp_path))
        assert TOKEN not in str(caught.value)
        monkeypatch.setenv("CITY_TOKEN", TOKEN)
        assert len(column(source, source.fetch(Known(), fetching(tmp_path)), "key")) == 5
    assert holds(tmp_path, TOKEN) == []
