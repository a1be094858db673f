"""What holds for whole copies of every kind: nothing new is nothing, and an empty source withdraws nothing."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from etl.config.connections import ArcgisConnection, CkanConnection, Open311Connection, SocrataConnection, SqlConnection
from etl.errors import SourceUnavailable
from etl.extract.arcgis import ArcgisAdapter
from etl.extract.ckan import CkanAdapter
from etl.extract.open311 import Open311Adapter
from etl.extract.socrata import SocrataAdapter
from etl.extract.source import Adapter, Known
from etl.extract.sql import SqlAdapter
from tests.etl.extract.servers import ArcgisServer, CkanServer, Open311Server, SocrataServer
from tests.etl.extract.support import AT_ONCE, NOW, QUICK, fetching

LATER = NOW + dt.timedelta(days=8)


@contextmanager
def socrata(rows: list[dict[str, Any]], _folder: Path) -> Iterator[Adapter]:
    for row in rows:
        row |= {":id": f"row-{row['id']}", ":updated_at": "2026-01-01T00:00:00.000Z"}
    with SocrataServer(rows, kinds={"id": "number"}) as server:
        settings = {"url": server.url, "dataset": server.dataset, "refresh_days": 1, "patience": QUICK}
        yield SocrataAdapter(SocrataConnection(kind="socrata", **settings), ("",), AT_ONCE)


@contextmanager
def open311(rows: list[dict[str, Any]], _folder: Path) -> Iterator[Adapter]:
    for row in rows:
        row |= {
            "service_request_id": str(row["id"]),
            "status": "open",
            "requested_datetime": "2026-02-27T00:00:00+00:00",
        }
    with Open311Server(rows) as server:
        settings = {"url": server.base, "refresh_days": 1, "patience": QUICK, "since": "2026-02-20"}
        yield Open311Adapter(Open311Connection(kind="open311", **settings), ("",), AT_ONCE)


@contextmanager
def arcgis(rows: list[dict[str, Any]], _folder: Path) -> Iterator[Adapter]:
    for row in rows:
        row["OBJECTID"] = row["id"]
    with ArcgisServer(rows, {"OBJECTID": "OID", "id": "Integer"}, edit_field=None) as server:
        yield ArcgisAdapter(ArcgisConnection(kind="arcgis", url=server.layer, patience=QUICK), ("",), AT_ONCE)


@contextmanager
def ckan(rows: list[dict[str, Any]], _folder: Path) -> Iterator[Adapter]:
    for row in rows:
        row["_id"] = row["id"]
    with CkanServer(rows, {"_id": "int", "id": "int"}) as server:
        settings = {"url": server.url, "resource": server.resource, "patience": QUICK}
        yield CkanAdapter(CkanConnection(kind="ckan", **settings), ("",), AT_ONCE)


@contextmanager
def sql(rows: list[dict[str, Any]], folder: Path) -> Iterator[Adapter]:
    path = folder / "crm.sqlite"

    class Live(SqlAdapter):
        def fetch(self, known: Known, fetching: Any) -> Any:
            with closing(sqlite3.connect(path)) as db:
                db.execute("DROP TABLE IF EXISTS calls")
                db.execute("CREATE TABLE calls (id INTEGER)")
                db.executemany("INSERT INTO calls VALUES (?)", [(row["id"],) for row in rows])
                db.commit()
            return super().fetch(known, fetching)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRM_URL", f"sqlite:///{path}")
        yield Live(SqlConnection(kind="sql", url_env="CRM_URL", query="SELECT id FROM calls", patience=QUICK), ("",))


KINDS = [socrata, open311, arcgis, ckan, sql]


def names(make: Any) -> str:
    return str(make.__name__)


@pytest.mark.parametrize("make", KINDS, ids=names)
def test_a_source_that_is_empty_all_of_a_sudden_withdraws_nothing(tmp_path: Path, make: Any) -> None:
    rows: list[dict[str, Any]] = [{"id": n} for n in range(1, 6)]
    with make(rows, tmp_path) as source:
        first = source.fetch(Known(), fetching(tmp_path))
        assert first is not None
        assert first.whole
        rows.clear()
        known = Known(watermark=first.watermark, sha256=first.sha256, whole_at=NOW)
        with pytest.raises(SourceUnavailable, match="the source is empty, though it was not before"):
            source.fetch(known, fetching(tmp_path, LATER))
    assert [path.name for path in (tmp_path / "raw" / "calls").iterdir()] == [first.name]


@pytest.mark.parametrize("make", KINDS, ids=names)
def test_a_source_may_be_empty_at_first(tmp_path: Path, make: Any) -> None:
    with make([], tmp_path) as source:
        copy = source.fetch(Known(), fetching(tmp_path))
        assert copy is not None
        assert copy.whole


@pytest.mark.parametrize("make", [arcgis, ckan, sql], ids=names)
def test_the_same_bytes_as_before_are_nothing_new(tmp_path: Path, make: Any) -> None:
    rows: list[dict[str, Any]] = [{"id": n} for n in range(1, 6)]
    with make(rows, tmp_path) as source:
        first = source.fetch(Known(), fetching(tmp_path))
        assert first is not None
        known = Known(watermark=first.watermark, sha256=first.sha256, whole_at=NOW)
        assert source.fetch(known, fetching(tmp_path, LATER)) is None
        rows[2] |= {"id": 77, "OBJECTID": 77, "_id": 77}
        assert source.fetch(known, fetching(tmp_path, LATER)) is not None
