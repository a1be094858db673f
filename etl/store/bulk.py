"""Columns of a store's table into DuckDB, at the speed of the disk and in flat memory.

Charter: reading in bulk, the same for both databases. SQLite's file is read by
DuckDB itself; PostgreSQL sends a COPY. Neither goes row by row through Python.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb
import sqlalchemy as sa
from sqlalchemy import Engine

from etl.duck import identifier, quoted
from etl.errors import StoreError
from etl.store.models import Base

BLOCK = 1 << 20


def fetch_into(
    db: duckdb.DuckDBPyConnection,
    engine: Engine,
    table: str,
    columns: Mapping[str, str],
    into: str,
    folder: Path,
    where: str = "",
    catalog: str = "",
) -> int:
    """Create `into` in `db` with `columns` (name -> SQL over the store's table) and return its rows.

    For SQLite no connection of `engine` may be checked out: two SQLite libraries in one process must not hold one
    file (closing it in one drops the locks of the other), so the pool is emptied first. `where` is our own SQL.
    """
    target = f"{catalog}.{into}" if catalog else into
    if engine.dialect.name == "postgresql":
        _from_postgres(db, engine, table, columns, target, folder, where)
    else:
        _from_sqlite(db, engine, table, columns, target, where)
    row = db.execute(f"SELECT count(*) FROM {target}").fetchone()  # noqa: S608
    return int(row[0]) if row else 0


def _from_sqlite(
    db: duckdb.DuckDBPyConnection, engine: Engine, table: str, columns: Mapping[str, str], target: str, where: str
) -> None:
    engine.dispose()
    if getattr(engine.pool, "checkedout", lambda: 0)():
        raise StoreError("the record store is still in use by this very run; this is a mistake in Openward")
    picked = ", ".join(
        f"CAST({sql} AS {_duck_type(table, name, sql)}) AS {identifier(name)}" for name, sql in columns.items()
    )
    db.execute(f"ATTACH {quoted(str(engine.url.database))} AS store_file (TYPE sqlite, READ_ONLY)")
    try:
        db.execute(
            f'CREATE TABLE {target} AS SELECT {picked} FROM store_file.main."{table}"'  # noqa: S608
            + (f" WHERE {where}" if where else "")
        )
    finally:
        db.execute("DETACH store_file")


def _from_postgres(
    db: duckdb.DuckDBPyConnection,
    engine: Engine,
    table: str,
    columns: Mapping[str, str],
    target: str,
    folder: Path,
    where: str,
) -> None:
    kinds = {name: _duck_type(table, name, sql) for name, sql in columns.items()}
    picked = ", ".join(
        f"({sql}) AT TIME ZONE 'UTC' AS {identifier(name)}"
        if kinds[name] == "TIMESTAMP_S"
        else f"{sql} AS {identifier(name)}"
        for name, sql in columns.items()
    )
    file = folder / f"{table}.csv"
    query = f'COPY (SELECT {picked} FROM "{table}"' + (f" WHERE {where}" if where else "") + ") TO STDOUT (FORMAT csv)"  # noqa: S608
    with engine.connect() as connection:
        raw = connection.connection.driver_connection
        with file.open("wb", buffering=BLOCK) as out, raw.cursor() as cursor, cursor.copy(query) as copy:  # type: ignore[union-attr]
            for data in copy:
                out.write(data)
    stated = ", ".join(f"{quoted(name)}: {quoted(kind)}" for name, kind in kinds.items())
    db.execute(
        f"""CREATE TABLE {target} AS SELECT * FROM read_csv({quoted(file)}, columns = {{{stated}}}, header = false,
            auto_detect = false, delim = ',', quote = '"', escape = '"', allow_quoted_nulls = false,
            max_line_size = 20000000, buffer_size = 40000000)"""  # noqa: S608
    )
    file.unlink()


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
