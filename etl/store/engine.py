"""Opening the record store: connection, schema version, and the lock that keeps two runs apart.

Charter: the only place that knows how the two databases differ before a
statement runs. What is loaded or read stays out.
"""

from __future__ import annotations

import fcntl
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError

from etl.errors import BusyError, StoreError

MIGRATIONS = Path(__file__).parent / "migrations"
WRITING = zlib.crc32(b"openward:writing")
"""The advisory lock that every writing transaction holds to its end in PostgreSQL, also one whose client was killed."""
LONGEST_WAIT = "60s"


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
            try:
                Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise StoreError(
                    f"{parsed.database}: cannot be made ({error.strerror}); free the disk or check the permissions"
                ) from error
        engine = create_engine(parsed)
        event.listen(engine, "connect", _tune_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        engine = create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            connect_args={"options": "-c timezone=UTC"},
            pool_pre_ping=True,
            pool_reset_on_return=None,  # `_let_go` does it
        )
        event.listen(engine, "connect", _tune_postgres)
        event.listen(engine, "reset", _let_go)
    try:
        migrate(engine)
    except (DBAPIError, sqlite3.Error, psycopg.Error) as error:
        reason = " ".join(str(getattr(error, "orig", error)).split())[:200]
        if "database is locked" in reason:  # a run that is halted while it closes the file holds it alone
            raise BusyError(
                f"{parsed.render_as_string()}: another run holds the store; try again when it ends"
            ) from error
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
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": WRITING})
        yield connection


def _tune_sqlite(connection: object, _record: object) -> None:
    connection.isolation_level = None  # type: ignore[attr-defined]  # SQLAlchemy's begin event opens transactions
    cursor = connection.cursor()  # type: ignore[attr-defined]
    for pragma in (
        "busy_timeout=10000",  # before the others: two processes may open a new file at the same moment
        "journal_mode=WAL",
        "synchronous=FULL",  # a release must not outlive the records that it was made of when the power fails
        "temp_store=FILE",
        "cache_size=-131072",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _tune_postgres(connection: object, _record: object) -> None:
    """A server that is busy for a client looks whether it still lives, so that a killed run is undone at once."""
    raw: psycopg.Connection = connection  # type: ignore[assignment]
    try:
        raw.execute("SET client_connection_check_interval = 1000")
        raw.commit()
    except psycopg.errors.DatabaseError:  # before PostgreSQL 14, or on a system that cannot tell
        raw.rollback()


def _let_go(connection: object, _record: object, _state: object) -> None:
    """Undo what a returned connection has open. One that is lost is closed without a word: whoever lost it has told."""
    raw: psycopg.Connection = connection  # type: ignore[assignment]
    try:
        raw.rollback()
    except psycopg.Error:
        raw.close()


def revisions() -> list[str]:
    """The schema versions that this code knows, the one that it writes last: migrations are named by theirs."""
    return sorted(path.name[1:5] for path in (MIGRATIONS / "versions").glob("v[0-9][0-9][0-9][0-9]_*.py"))


def revision(connection: Connection) -> str | None:
    """The schema version of a store; None where there is none yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def migrate(engine: Engine) -> None:
    """Bring the schema to the newest version; PostGIS is enabled where it is missing."""
    with engine.connect() as connection:
        if revision(connection) == revisions()[-1]:
            return
    from alembic import command  # slow to import, and hardly ever needed
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("CREATE EXTENSION IF NOT EXISTS postgis"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


class Lock:
    """A city's lock while a run holds it."""

    def __init__(self, session: Connection | None = None) -> None:
        """`session` is the one that holds an advisory lock; a lock file needs none."""
        self._session = session

    def must_be_held(self) -> None:
        """DBAPIError if the session with the lock is gone, as after a restart of the server: another run may go on."""
        if self._session is not None:
            self._session.execute(text("SELECT 1"))
            self._session.commit()


@contextmanager
def exclusive(engine: Engine, city: str, folder: Path | None = None) -> Iterator[Lock]:
    """Hold the city's lock: an advisory lock in PostgreSQL, a lock file beside a SQLite store. BusyError if taken.

    `folder` is the city's own; a lock file there keeps two runs on one machine apart even where the server forgot
    its locks in a restart.
    """
    busy = f"another run of '{city}' is under way; wait for it or look at 'openward etl status'"
    with ExitStack() as held:
        lock = Lock()
        if engine.dialect.name == "postgresql":
            lock = held.enter_context(_advisory(engine, city, busy))
        else:
            held.enter_context(_lock_file(Path(f"{engine.url.database}.lock"), busy))
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            held.enter_context(_lock_file(folder / "run.lock", busy))
        yield lock


@contextmanager
def _lock_file(path: Path, busy: str) -> Iterator[None]:
    with path.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BusyError(busy) from error
        yield


@contextmanager
def _advisory(engine: Engine, city: str, busy: str) -> Iterator[Lock]:
    key = zlib.crc32(f"openward:{city}".encode())
    with engine.connect() as connection:
        if not connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": key}).scalar():
            raise BusyError(busy)
        connection.commit()
        try:
            _let_the_dead_go(connection, busy)
            yield Lock(connection)
        finally:
            _unlock(connection, key)


def _let_the_dead_go(connection: Connection, busy: str) -> None:
    """Wait until the transaction of a killed run is undone: what it wrote must not appear after this run has read."""
    try:
        connection.execute(text(f"SET LOCAL lock_timeout = '{LONGEST_WAIT}'"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": WRITING})
        connection.commit()
    except OperationalError as error:
        if isinstance(error.orig, psycopg.errors.LockNotAvailable):
            connection.rollback()
            raise BusyError(busy) from error
        raise


def _unlock(connection: Connection, key: int) -> None:
    try:
        connection.rollback()
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": key})
        connection.commit()
    except DBAPIError:
        connection.invalidate()  # a lost session has lost its lock as well
