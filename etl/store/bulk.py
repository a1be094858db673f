"""Columns of a store's table into DuckDB, at the speed of the disk and in flat memory.

Charter: reading in bulk, the same for both databases. SQLite's file is read by
DuckDB itself; PostgreSQL sends a COPY. Neither goes row by row through Python.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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
) -> int:
    """Create `into` in `db` with `columns` (name -> SQL over the store's table) and return its rows.

    `where` is our own SQL. See `within_reach` for what it asks of SQLite.
    """
    with within_reach(db, engine, table, columns, folder, where) as relation:
        db.execute(f"CREATE TABLE {into} AS SELECT * FROM {relation}")  # noqa: S608
    row = db.execute(f"SELECT count(*) FROM {into}").fetchone()  # noqa: S608
    return int(row[0]) if row else 0


@contextmanager
def within_reach(
    db: duckdb.DuckDBPyConnection,
    engine: Engine,
    table: str,
    columns: Mapping[str, str],
    folder: Path,
    where: str = "",
) -> Iterator[str]:
    """SQL of a relation with `columns` (name -> SQL over the store's table), to be read while the block lasts.

    For SQLite no connection of `engine` may be checked out: two SQLite libraries in one process must not hold one
    file (closing it in one drops the locks of the other), so the pool is emptied first.
    """
    if engine.dialect.name == "postgresql":
        file = folder / f"{table}.csv"
        try:
            yield _copied_out(engine, table, columns, file, where)
        finally:
            file.unlink(missing_ok=True)
        return
    engine.dispose()
    if getattr(engine.pool, "checkedout", lambda: 0)():
        raise StoreError("the record store is still in use by this very run; this is a mistake in Openward")
    picked = ", ".join(
        f"CAST({sql} AS {_duck_type(table, name, sql)}) AS {identifier(name)}" for name, sql in columns.items()
    )
    db.execute(f"ATTACH {quoted(str(engine.url.database))} AS store_file (TYPE sqlite, READ_ONLY)")
    try:
        yield f'(SELECT {picked} FROM store_file.main."{table}"' + (f" WHERE {where})" if where else ")")  # noqa: S608
    finally:
        db.execute("DETACH store_file")


def _copied_out(engine: Engine, table: str, columns: Mapping[str, str], file: Path, where: str) -> str:
    """A COPY of the table as a file, which DuckDB reads with all cores."""
    kinds = {name: _duck_type(table, name, sql) for name, sql in columns.items()}
    picked = ", ".join(
        f"({sql}) AT TIME ZONE 'UTC' AS {identifier(name)}"
        if kinds[name] == "TIMESTAMP_S"
        else f"{sql} AS {identifier(name)}"
        for name, sql in columns.items()
    )
    query = f'COPY (SELECT {picked} FROM "{table}"' + (f" WHERE {where}" if where else "") + ") TO STDOUT (FORMAT csv)"  # noqa: S608
    with engine.connect() as connection:
        raw = connection.connection.driver_connection
        with file.open("wb", buffering=BLOCK) as out, raw.cursor() as cursor, cursor.copy(query) as copy:  # type: ignore[union-attr]
            for data in copy:
                out.write(data)
    stated = ", ".join(f"{quoted(name)}: {quoted(kind)}" for name, kind in kinds.items())
    # COPY writes a null as nothing and an empty text as "": the reader keeps them apart.
    return f"""read_csv({quoted(file)}, columns = {{{stated}}}, header = false, auto_detect = false, delim = ',',
               quote = '"', escape = '"', allow_quoted_nulls = false, max_line_size = 20000000, buffer_size = 40000000)"""


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
