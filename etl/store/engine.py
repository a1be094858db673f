"""Opening the record store: connection, schema version, and the lock that keeps two runs apart.

Charter: the only place that knows how the two databases differ before a
statement runs. What is loaded or read stays out.
"""

from __future__ import annotations

import fcntl
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError

from etl.errors import BusyError, StoreError

MIGRATIONS = Path(__file__).parent / "migrations"


def open_store(url: str | URL, *, existing: bool = False) -> Engine:
    """An engine on `sqlite:///…` or `postgresql+psycopg://…`, migrated to the newest schema.

    StoreError says what cannot be reached or used; a password never appears in it. `existing`: a SQLite file that
    is not there is an error, so that looking at a store never makes one.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreError("OPENWARD_STORE_URL: not a database URL, such as sqlite:///store.sqlite") from error
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise StoreError(f"{parsed.render_as_string()}: the record store is sqlite:// or postgresql+psycopg://")
    if parsed.get_backend_name() == "sqlite":
        if existing and parsed.database and not Path(parsed.database).exists():
            raise StoreError(
                f"{parsed.database}: nothing has been loaded here yet; run 'openward etl run', or check --home"
            )
        if parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(parsed)
        event.listen(engine, "connect", _tune_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        engine = create_engine(parsed.set(drivername="postgresql+psycopg"), connect_args={"options": "-c timezone=UTC"})
    try:
        migrate(engine)
    except DBAPIError as error:
        reason = " ".join(str(error.orig).split())[:200]
        raise StoreError(f"{parsed.render_as_string()}: cannot be used as a record store ({reason})") from error
    return engine


def _begin_sqlite(connection: Connection) -> None:
    """Writers say so at once (`writing`), so that two of them meet at the start; readers never wait for one."""
    writing = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that will write: committed at the end of the block, undone by an error."""
    with engine.connect().execution_options(writing=True) as connection, connection.begin():
        yield connection


def _tune_sqlite(connection: object, _record: object) -> None:
    connection.isolation_level = None  # type: ignore[attr-defined]  # SQLAlchemy's begin event opens transactions
    cursor = connection.cursor()  # type: ignore[attr-defined]
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "temp_store=FILE",
        "cache_size=-131072",
        "busy_timeout=10000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def migrate(engine: Engine) -> None:
    """Bring the schema to the newest version; PostGIS is enabled where it is missing."""
    config = AlembicConfig()
    config.set_main_option("script_location", str(MIGRATIONS))
    head = ScriptDirectory.from_config(config).get_current_head()
    with engine.connect() as connection:
        if MigrationContext.configure(connection).get_current_revision() == head:
            return
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("CREATE EXTENSION IF NOT EXISTS postgis"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@contextmanager
def exclusive(engine: Engine, city: str) -> Iterator[None]:
    """Hold the city's lock: an advisory lock in PostgreSQL, a lock file beside a SQLite store. BusyError if taken."""
    busy = f"another run of '{city}' is under way; wait for it or look at 'openward etl status'"
    if engine.dialect.name == "postgresql":
        key = zlib.crc32(f"openward:{city}".encode())
        with engine.connect() as connection:
            if not connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": key}).scalar():
                raise BusyError(busy)
            connection.commit()
            try:
                yield
            finally:
                _unlock(connection, key)
        return
    path = Path(f"{engine.url.database}.lock")
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BusyError(busy) from error
        yield


def _unlock(connection: Connection, key: int) -> None:
    try:
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": key})
        connection.commit()
    except OperationalError:
        connection.invalidate()  # a lost session has lost its lock as well
