"""A query on somebody else's database."""

from __future__ import annotations

import datetime as dt
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from etl.config.connections import Patience, SqlConnection
from etl.errors import ConfigError, MappingError, SourceError, SourceUnavailable
from etl.extract import sql
from etl.extract.source import Known
from etl.extract.sql import SqlAdapter
from tests.etl.extract.support import NOW, column, fetching, holds, rows

SINCE = "SELECT id, opened, updated, note FROM calls WHERE updated >= :since"


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "crm.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE calls (id INTEGER, opened TEXT, updated TEXT, note TEXT, lat NUMERIC)")
        for n in range(50):
            at = f"2026-01-01 {n // 6:02d}:{n % 6}0:00"
            db.execute("INSERT INTO calls VALUES (?, ?, ?, ?, ?)", [n, at, at, None if n % 2 else 'a "b"\n', 42.5])
        db.commit()
    monkeypatch.setenv("CRM_URL", f"sqlite:///{path}")
    return path


def adapter(query: str = SINCE, **more: Any) -> SqlAdapter:
    slept = more.pop("slept", [])
    if ":since" in query:
        more = {"updated_column": "updated", **more}
    settings = {"url_env": "CRM_URL", "patience": Patience(attempts=3, timeout_seconds=0.1), "query": query, **more}
    return SqlAdapter(SqlConnection(kind="sql", **settings), ("",), sleep=slept.append)


def test_all_rows_come_in_parts(database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "ROWS_A_PART", 20)
    source = adapter()
    copy = source.fetch(Known(), fetching(tmp_path))
    assert column(source, copy, "id") == [str(n) for n in range(50)]
    assert column(source, copy, "note")[:2] == ['a "b"\n', None]
    assert copy is not None
    assert [part.note["rows"] for part in copy.parts] == [20, 20, 10]
    assert copy.whole
    assert copy.watermark == {"since": "2026-01-01 08:10:00"}
    assert source.columns(copy) == {"id": "int", "opened": "str", "updated": "str", "note": "str"}


def test_only_what_was_updated_since_with_an_overlap(database: Path, tmp_path: Path) -> None:
    source = adapter(overlap_minutes=20)
    known = Known(watermark={"since": "2026-01-01 08:00:00"}, whole_at=NOW)
    copy = source.fetch(known, fetching(tmp_path))
    assert column(source, copy, "id") == ["46", "47", "48", "49"]
    assert copy is not None
    assert not copy.whole
    assert source.fetch(Known(watermark={"since": "2027-01-01 00:00:00"}, whole_at=NOW), fetching(tmp_path)) is None


def test_a_clock_that_goes_back_within_the_overlap_loses_nothing(database: Path, tmp_path: Path) -> None:
    source = adapter(overlap_minutes=60)
    known = Known(watermark={"since": "2026-01-01 09:00:00"}, whole_at=NOW)
    copy = source.fetch(known, fetching(tmp_path))
    assert column(source, copy, "id") == ["48", "49"]
    assert copy is not None
    assert copy.watermark == known.watermark


def test_a_query_without_a_watermark_is_whole_each_time(database: Path, tmp_path: Path) -> None:
    source = adapter("SELECT id, '12:MM' AS format FROM calls")
    for _ in range(2):
        copy = source.fetch(Known(), fetching(tmp_path))
        assert copy is not None
        assert copy.whole
        assert set(column(source, copy, "format")) == {"12:MM"}


def test_numbers_can_be_watermarks(database: Path, tmp_path: Path) -> None:
    source = adapter("SELECT id FROM calls WHERE id > CAST(:since AS INTEGER)", updated_column="id", first_since="-1")
    first = source.fetch(Known(), fetching(tmp_path))
    assert first is not None
    assert first.watermark == {"since": 49}
    assert source.fetch(Known(watermark={"since": 47}, whole_at=NOW), fetching(tmp_path)) is not None
    assert source.fetch(Known(watermark=first.watermark, whole_at=NOW), fetching(tmp_path)) is None


def test_a_query_that_broke_off_begins_anew(database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "ROWS_A_PART", 20)
    source = adapter()

    def killed(done: int, _total: int | None) -> None:
        if done >= 40:
            raise KeyboardInterrupt

    under = fetching(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        source.fetch(Known(), type(under)(under.archive, under.source, under.now, under.base, killed))
    copy = source.fetch(Known(), fetching(tmp_path))
    assert column(source, copy, "id") == [str(n) for n in range(50)]


def test_a_database_that_is_busy_is_asked_again(database: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(database)) as other:
        other.execute("BEGIN EXCLUSIVE")
        slept: list[float] = []
        with pytest.raises(SourceUnavailable, match=r"the database of CRM_URL: database is locked \(tried 3 times\)"):
            adapter(slept=slept).fetch(Known(), fetching(tmp_path))
        assert slept == [1.0, 2.0]
        other.rollback()
    assert adapter().fetch(Known(), fetching(tmp_path)) is not None


@pytest.mark.parametrize(
    ("query", "error", "said"),
    [
        ("SELECT * FROM nowhere", SourceError, "no such table: nowhere"),
        ("SELECT no_such FROM calls", SourceError, "no such column: no_such"),
        ("SELECT id, note AS id FROM calls", SourceError, "'id' comes twice"),
        (
            "SELECT id FROM calls WHERE updated > :since",
            SourceError,
            "updated_column 'updated' is not in the result; it has id",
        ),
        ("DELETE FROM calls", ConfigError, "must be one SELECT"),
        ("WITH x AS (SELECT 1) DELETE FROM calls RETURNING id", SourceError, "readonly"),
    ],
)
def test_queries_that_cannot_work(
    database: Path, tmp_path: Path, query: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said) as caught:
        adapter(query).fetch(Known(), fetching(tmp_path))
    assert "\n" not in str(caught.value)
    with closing(sqlite3.connect(database)) as db:
        assert db.execute("SELECT count(*) FROM calls").fetchone() == (50,)


@pytest.mark.parametrize(
    ("url", "error", "said"),
    [
        ("", ConfigError, "CRM_URL is not set"),
        ("no url with pa55word", ConfigError, "CRM_URL does not hold a SQLAlchemy URL"),
        ("nosuch://me:pa55word@127.0.0.1/x", ConfigError, "driver 'nosuch' is not installed"),
        ("mysql+nosuchdriver://me:pa55word@127.0.0.1/x", ConfigError, "is not installed"),
        ("sqlite:////nowhere/pa55word.sqlite", SourceError, "file does not exist"),
        ("postgresql+psycopg://me:pa55word@127.0.0.1:1/x", SourceUnavailable, "tried 3 times"),
    ],
)
def test_urls_that_cannot_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, error: type[Exception], said: str
) -> None:
    monkeypatch.setenv("CRM_URL", url)
    with pytest.raises(error, match=said) as caught:
        adapter().fetch(Known(), fetching(tmp_path))
    assert "pa55word" not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_column_that_vanished_is_named_and_the_url_is_not_kept(database: Path, tmp_path: Path) -> None:
    source = adapter()
    copy = source.fetch(Known(), fetching(tmp_path))
    with pytest.raises(MappingError, match="column 'closed' is missing; the source has id, opened, updated, note"):
        rows(source, copy, ["id", "closed"])
    assert holds(tmp_path / "raw", str(database)) == []


def test_postgres_streams_and_refuses_to_write(
    postgis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_URL", postgis_url)
    engine = sa.create_engine(postgis_url)
    with engine.begin() as db:
        db.execute(sa.text("CREATE SEQUENCE numbers"))
        db.execute(
            sa.text("CREATE TABLE calls (id bigint, updated timestamptz, lat numeric(9,6), flags text[], done boolean)")
        )
        db.execute(
            sa.text("INSERT INTO calls VALUES (:id, :at, 42.100000, ARRAY['a', 'b'], true)"),
            [{"id": 2**60 + n, "at": dt.datetime(2026, 1, 1, n, tzinfo=dt.UTC)} for n in range(5)],
        )
    engine.dispose()
    source = adapter("SELECT * FROM calls WHERE updated >= :since ORDER BY id")
    copy = source.fetch(Known(), fetching(tmp_path))
    found = rows(source, copy, ["id", "updated", "lat", "flags", "done"])
    assert found[0] == {
        "id": str(2**60),
        "updated": "2026-01-01T00:00:00Z",
        "lat": "42.100000",
        "flags": '["a","b"]',
        "done": "true",
        "__row__": 1,
    }
    assert copy is not None
    second = source.fetch(Known(watermark=copy.watermark, whole_at=NOW), fetching(tmp_path))
    assert len(rows(source, second, ["id"])) == 2
    writes = adapter("SELECT nextval('numbers') AS id")
    with pytest.raises(SourceError, match="read-only transaction"):
        writes.fetch(Known(), fetching(tmp_path))
