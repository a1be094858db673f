"""A query on any database that SQLAlchemy reaches.

Charter: one SELECT as a stream, kept as lines of JSON, without leaving a trace
in the database. Its answer is one piece: it has no pages to go on after, so a
query that broke off begins anew.
"""

from __future__ import annotations

import datetime as dt
import decimal
import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    DisconnectionError,
    InterfaceError,
    InternalError,
    NoSuchModuleError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from etl.config.connections import SqlConnection
from etl.errors import ConfigError, EtlError, SourceError, SourceUnavailable
from etl.extract import records
from etl.extract.raw import Part, RawCopy, RawWriter
from etl.extract.source import Fetching, Known
from etl.extract.transport import secret_of

ROWS_A_PART = 20_000
ROWS_AT_ONCE = 2_000
SELECTS = re.compile(r"\s*(?:--[^\n]*\n\s*|/\*.*?\*/\s*)*(?:select|with|values|table)\b", re.IGNORECASE | re.DOTALL)
# What looks like a parameter to SQLAlchemy but is a word of the query's own, such as in '12:MM'.
NOT_OURS = re.compile(r"(?<![:\w\\]):(?!since\b)(?=\w)")
LASTING = (
    "no such table", "no such column", "no such function", "syntax error", "unable to open database file",
    "password authentication failed", "access denied", "permission denied", "does not exist", "readonly", "read-only",
)  # fmt: skip


class SqlAdapter(records.Paged):
    """A query: whole, or since a watermark where it has a place for one."""

    def __init__(
        self, connection: SqlConnection, null_values: Sequence[str], sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """`sleep` waits between two tries."""
        super().__init__(null_values)
        self._connection, self._sleep = connection, sleep

    def fetch(self, known: Known, fetching: Fetching) -> RawCopy | None:
        """The rows of the query."""
        c = self._connection
        database = _Database(secret_of(c.url_env) or "", c.url_env)
        if not SELECTS.match(c.query):
            raise ConfigError(f"query: must be one SELECT; this one begins with '{c.query.split()[0][:20]}'")
        old = (known.watermark or {}).get("since")
        whole = c.updated_column is None or old is None or records.wants_whole(known, fetching, c.refresh_days)
        since = c.first_since if whole or old is None else _earlier(old, c.overlap_minutes)
        key = json.dumps([c.url_env, hashlib.sha256(c.query.encode()).hexdigest(), whole])
        engine = database.engine(c.patience.timeout_seconds)
        try:
            writer, columns = self._persist(database, lambda: self._run(engine, since, fetching, key))
        finally:
            engine.dispose()
        pages = [part for part in writer.parts if part.note.get("rows")]
        mark = _greatest([old, *(part.note.get("since") for part in pages)]) if c.updated_column else None
        return records.finish(
            writer, known, whole=whole, watermark=None if mark is None else {"since": mark}, columns=columns
        )

    def reader(self, copy: RawCopy) -> Callable[[bytes], Sequence[records.Record]]:
        """Lines of JSON."""
        del copy
        return lambda body: [records.parse_json(line) for line in body.splitlines()]

    def _persist(
        self, database: _Database, once: Callable[[], tuple[RawWriter, dict[str, str]]]
    ) -> tuple[RawWriter, dict[str, str]]:
        patience = self._connection.patience
        for attempt in range(1, patience.attempts + 1):
            try:
                return once()
            except EtlError:
                raise
            except (SQLAlchemyError, UnicodeError) as error:
                said = database.clean(getattr(error, "orig", None) or error)
                if not _passes(error):
                    raise SourceError(f"{database.place}: {said}; check the query and the database's URL") from None
                if attempt == patience.attempts:
                    raise SourceUnavailable(
                        f"{database.place}: {said} (tried {attempt} times); run again later"
                    ) from None
            self._sleep(min(patience.longest_wait_seconds, 2.0 ** (attempt - 1)))
        raise AssertionError("attempts is at least 1")

    def _run(self, engine: Engine, since: object, fetching: Fetching, key: str) -> tuple[RawWriter, dict[str, str]]:
        c = self._connection
        writer = fetching.archive.begin(fetching.source, c.kind, key, fetching.now)
        if writer.parts:
            writer.drop()
            writer = fetching.archive.begin(fetching.source, c.kind, key, fetching.now)
        with engine.connect() as connection:
            try:
                _read_only(connection)
                query = sa.text(NOT_OURS.sub(r"\:", c.query))
                values = {"since": since} if c.updated_column else {}
                result = connection.execution_options(stream_results=True, yield_per=ROWS_AT_ONCE).execute(
                    query, values
                )
                names = self._names(list(result.keys()))
                kinds: dict[str, str] = dict.fromkeys(names, "")
                done = 0
                for rows in result.partitions(ROWS_A_PART):
                    self._keep(writer, names, rows, kinds)
                    done += len(rows)
                    fetching.progress(done, None)
            finally:
                connection.rollback()
        return writer, kinds

    def _names(self, names: list[str]) -> list[str]:
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise SourceError(f"query: the column '{twice[0]}' comes twice; give one of them another name with AS")
        wanted = self._connection.updated_column
        if wanted is not None and wanted not in names:
            raise SourceError(f"query: updated_column '{wanted}' is not in the result; it has {', '.join(names)}")
        return names

    def _keep(self, writer: RawWriter, names: list[str], rows: Sequence[Any], kinds: dict[str, str]) -> Part:
        updated = self._connection.updated_column
        note: dict[str, Any] = {"rows": len(rows)}
        if updated is not None:
            place = names.index(updated)
            note["since"] = _greatest([_mark(row[place]) for row in rows])

        def lines() -> Iterator[str]:
            for row in rows:
                for name, value in zip(names, row, strict=True):
                    if value is not None and not kinds[name]:
                        kinds[name] = type(value).__name__
                record = {name: _plain(value) for name, value in zip(names, row, strict=True)}
                yield json.dumps(record, ensure_ascii=False) + "\n"

        body = "".join(lines()).encode("utf-8", "replace")
        return records.add_part(writer, f"rows-{len(writer.parts) + 1:05d}.jsonl", body, note)


@dataclass(frozen=True)
class _Database:
    """A URL that is never shown, only the name of the variable that holds it."""

    text: str
    variable: str

    @property
    def place(self) -> str:
        """How messages call it."""
        return f"the database of {self.variable}"

    def _url(self) -> URL:
        try:
            return make_url(self.text)
        except (ArgumentError, ValueError):
            raise ConfigError(
                f"environment variable {self.variable} does not hold a SQLAlchemy URL, such as postgresql+psycopg://…"
            ) from None

    def engine(self, timeout: float) -> Engine:
        """An engine that does not keep connections; ConfigError where its driver is not installed."""
        url = self._url()
        try:
            named = url.get_backend_name()
            if named == "sqlite" and url.database and url.database != ":memory:" and not Path(url.database).exists():
                # SQLite would make an empty one.
                raise SourceError(f"{self.place}: its file does not exist; check the path")
            wait = {"sqlite": {"timeout": timeout}, "postgresql": {"connect_timeout": max(1, int(timeout))}}.get(
                named, {}
            )
            return sa.create_engine(url, poolclass=sa.NullPool, hide_parameters=True, connect_args=wait)
        except (NoSuchModuleError, ImportError) as error:
            missing = getattr(error, "name", None) or url.drivername
            raise ConfigError(
                f"{self.place}: the driver '{missing}' is not installed; install it where Openward runs"
            ) from None
        except (ArgumentError, TypeError, ValueError):
            raise ConfigError(f"{self.place}: SQLAlchemy does not accept the URL; check it") from None

    def clean(self, error: object) -> str:
        """The driver's words in one line, without what the URL holds."""
        line = " ".join(str(error).split())
        url = self._url()
        secret = [self.text, url.password, url.username, url.host, url.database, *map(str, url.query.values())]
        for text in sorted((str(s) for s in secret if s and len(str(s)) > 2), key=len, reverse=True):
            line = line.replace(text, "***")
        return line[:200]


def _read_only(connection: Connection) -> None:
    """Ask the database to refuse writing, where it can be asked; the rollback at the end serves everywhere."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA query_only = ON")
    elif connection.dialect.name in ("postgresql", "mysql", "mariadb"):
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")


def _passes(error: BaseException) -> bool:
    """Whether asking again may help."""
    if isinstance(error, (DisconnectionError, PoolTimeout)):
        return True
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    return isinstance(error, (OperationalError, InterfaceError, InternalError)) and not any(
        words in str(error).lower() for words in LASTING
    )


def _plain(value: Any) -> Any:
    """A value as JSON without loss; numbers that JSON readers would round are text."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, dt.datetime):
        if value.tzinfo is not None:
            return value.astimezone(dt.UTC).replace(tzinfo=None).isoformat() + "Z"
        return value.isoformat()
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return format(value, "f") if value.is_finite() else None
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex()
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return str(value)


# --- watermarks: numbers stay numbers, times are text as databases read it --------------------


def _mark(value: Any) -> int | str | None:
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ")
    return str(value)


def _greatest(marks: Sequence[int | str | None]) -> int | str | None:
    """The last of numbers or of times; of texts that are neither, the greatest."""
    found = [mark for mark in marks if mark is not None and mark != ""]
    numbers = [mark for mark in found if isinstance(mark, int)]
    if numbers:
        return max(numbers)
    texts = [str(mark) for mark in found]
    moments = [(at, text) for text in texts if (at := records.moment(text))]
    if moments:
        return max(moments)[1]
    return max(texts, default=None)


def _earlier(mark: int | str, minutes: float) -> int | str:
    """A watermark less the overlap, written as it was; what is no time has no overlap."""
    if isinstance(mark, int):
        return mark
    text = mark.strip()
    at = records.moment(text)
    if at is None:
        return mark
    zoned = text.endswith("Z") or re.search(r"[+-]\d\d:?\d\d$", text[10:]) is not None
    earlier = records.before(at, minutes=minutes).replace(tzinfo=None)
    written = earlier.isoformat(sep="T" if "T" in text else " ")
    return f"{written}{'Z' if text.endswith('Z') else '+00:00'}" if zoned else written
