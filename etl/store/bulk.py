"""Columns of a store's table into DuckDB, at the speed of the disk and in flat memory.

Charter: reading in bulk, the same for both databases. SQLite's file is read by
DuckDB itself, PostgreSQL through DuckDB's own reader. Neither goes row by row through Python.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import duckdb
import duckdb_extension_postgres_scanner
import duckdb_extension_sqlite_scanner
import sqlalchemy as sa
from sqlalchemy import Engine

from etl.duck import identifier, load_extension, quoted
from etl.errors import StoreError
from etl.store.models import Base


def fetch_into(
    db: duckdb.DuckDBPyConnection,
    engine: Engine,
    table: str,
    columns: Mapping[str, str],
    into: str,
    where: str = "",
) -> int:
    """Create `into` in `db` with `columns` (name -> SQL over the store's table) and return its rows.

    `where` is our own SQL. See `within_reach` for what it asks of SQLite.
    """
    with within_reach(db, engine, table, columns, where) as relation:
        db.execute(f"CREATE TABLE {into} AS SELECT * FROM {relation}")  # noqa: S608
    row = db.execute(f"SELECT count(*) FROM {into}").fetchone()  # noqa: S608
    return int(row[0]) if row else 0


@contextmanager
def within_reach(
    db: duckdb.DuckDBPyConnection,
    engine: Engine,
    table: str,
    columns: Mapping[str, str],
    where: str = "",
) -> Iterator[str]:
    """SQL of a relation with `columns` (name -> SQL over the store's table), to be read while the block lasts.

    For SQLite no connection of `engine` may be checked out: two SQLite libraries in one process must not hold one
    file (closing it in one drops the locks of the other), so the pool is emptied first.
    """
    picked = ", ".join(
        f"CAST({sql} AS {_duck_type(table, name, sql)}) AS {identifier(name)}" for name, sql in columns.items()
    )
    attach = _attach_postgres if engine.dialect.name == "postgresql" else _attach_sqlite
    schema = attach(db, engine)
    try:
        yield f'(SELECT {picked} FROM store_file.{schema}."{table}"' + (f" WHERE {where})" if where else ")")  # noqa: S608
    finally:
        db.execute("DETACH store_file")


def _attach_sqlite(db: duckdb.DuckDBPyConnection, engine: Engine) -> str:
    engine.dispose()
    if getattr(engine.pool, "checkedout", lambda: 0)():
        raise StoreError("the record store is still in use by this very run; this is a mistake in Openward")
    load_extension(db, duckdb_extension_sqlite_scanner, "sqlite_scanner")
    db.execute(f"ATTACH {quoted(str(engine.url.database))} AS store_file (TYPE sqlite, READ_ONLY)")
    return "main"


def _attach_postgres(db: duckdb.DuckDBPyConnection, engine: Engine) -> str:
    """DuckDB's own connections, several at once over one snapshot, binary: five times as fast as a COPY as text."""
    with engine.connect() as connection:
        schema = str(connection.execute(sa.text("SELECT current_schema()")).scalar())
    load_extension(db, duckdb_extension_postgres_scanner, "postgres_scanner")
    _, given = engine.dialect.create_connect_args(engine.url)
    secret = {"HOST": "host", "PORT": "port", "DATABASE": "dbname", "USER": "user", "PASSWORD": "password"}
    kept = {key: given.pop(name) for key, name in secret.items() if given.get(name) is not None}
    given.pop("options", None)
    # A secret of DuckDB is never part of a message, the text of ATTACH may be.
    stated = ", ".join(f"{key} {quoted(str(value))}" for key, value in kept.items())
    db.execute(f"CREATE OR REPLACE TEMPORARY SECRET store_secret (TYPE postgres, {stated})")
    rest = " ".join(f"{name}={value}" for name, value in given.items() if isinstance(value, str | int))
    db.execute("SET TimeZone = 'UTC'")
    db.execute(f"ATTACH {quoted(rest)} AS store_file (TYPE postgres, READ_ONLY, SECRET store_secret)")
    return identifier(schema)


def _duck_type(table: str, name: str, sql: str) -> str:
    """DuckDB's type of a column of ours; a condition is BOOLEAN."""
    if sql.upper().endswith(("IS NULL", "IS NOT NULL")):
        return "BOOLEAN"
    found = Base.metadata.tables[table].c.get(sql if sql in Base.metadata.tables[table].c else name)
    if found is None:
        return "VARCHAR"
    for kind, duck in (
        (sa.DateTime, "TIMESTAMP_S"),
        (sa.Date, "DATE"),
        (sa.Double, "DOUBLE"),
        (sa.BigInteger, "BIGINT"),
        (sa.Integer, "BIGINT"),
        (sa.LargeBinary, "BLOB"),
    ):
        if isinstance(found.type, kind):
            return duck
    return "VARCHAR"
