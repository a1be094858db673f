"""A release's requests in a PostGIS of their own, and the portal's figures asked of it: what Openward is measured beside.

The rows come as Arrow batches and are loaded by COPY. The table is set up as a careful administrator would: ENUM and
integer columns, an index on what is filtered by, vacuumed and analysed, memory for sorting, parallel workers.

Charter: rows in, a function that answers a named figure out. No timing, no comparison.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.csv as pa_csv
import sqlalchemy as sa

from etl.bench import fresh_database
from etl.duck import quoted
from etl.errors import StoreError
from etl.figures_in_sql import FIGURES

Ask = Callable[[str, str, Sequence[Any], Mapping[str, Any]], list[tuple[Any, ...]]]
"""figure, condition with `?` for its values, values, the figure's own column (`key`) and parameters -> rows."""

SETTINGS = ("work_mem = '256MB'", "maintenance_work_mem = '512MB'", "random_page_cost = 1.1", "timezone = 'UTC'")
TOLD_EVERY = 2_000_000


@contextmanager
def figures_in_postgis(
    server: str, batches: pa.RecordBatchReader, filtered: Sequence[str], say: Callable[[str], Any] = print
) -> Iterator[Ask]:
    """Load `requests` into a new database on a server, and answer figures of it while the block lasts.

    `filtered`: columns that get an index. StoreError where the server cannot be used.
    """
    try:
        with fresh_database(server) as url:
            plain = sa.make_url(str(url)).set(drivername="postgresql").render_as_string(hide_password=False)
            with psycopg.connect(plain, autocommit=True) as connection:
                for setting in SETTINGS:
                    connection.execute(f"SET {setting}".encode())
                _load(connection, batches, say)
                _index(connection, batches.schema.names, filtered, say)
                yield lambda *asked: _ask(connection, *asked)
    except (psycopg.Error, sa.exc.DBAPIError) as error:
        reason = " ".join(str(getattr(error, "orig", error)).split())[:200]
        raise StoreError(f"the PostGIS to measure beside cannot be used ({reason})") from error


def statement(figure: str, where: str, values: Sequence[Any], more: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """A figure's SQL and its parameters by name. KeyError for a figure that is not known here."""
    parts = where.split("?")
    condition = parts[0] + "".join(f"%(v{i})s{part}" for i, part in enumerate(parts[1:]))
    if len(parts) - 1 != len(values):
        raise ValueError(f"{len(parts) - 1} places for {len(values)} values")
    params = {name: value for name, value in more.items() if name != "key"}
    sql = FIGURES[figure].format(where=condition, key=more.get("key"))
    return sql, params | {f"v{i}": value for i, value in enumerate(values)}


def _ask(
    connection: psycopg.Connection[Any], figure: str, where: str, values: Sequence[Any], more: Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    sql, params = statement(figure, where, values, more)
    return connection.execute(sql.encode(), params).fetchall()


def _load(connection: psycopg.Connection[Any], batches: pa.RecordBatchReader, say: Callable[[str], Any]) -> None:
    coming = iter(batches)
    first = next(coming, None)
    kinds = [_kind(connection, field, first) for field in batches.schema]
    columns = ", ".join(f'"{field.name}" {kind}' for field, kind in zip(batches.schema, kinds, strict=True))
    connection.execute(f"CREATE UNLOGGED TABLE requests ({columns})".encode())
    rows, told = 0, TOLD_EVERY
    with connection.cursor() as cursor, cursor.copy(b"COPY requests FROM STDIN (FORMAT csv)") as copy:
        while first is not None:
            copy.write(_csv(first))
            rows += first.num_rows
            if rows >= told:
                say(f"  {rows:,} rows copied into PostGIS")
                told += TOLD_EVERY
            first = next(coming, None)
    say(f"  {rows:,} rows copied into PostGIS, all")


def _kind(connection: psycopg.Connection[Any], field: pa.Field, batch: pa.RecordBatch | None) -> str:
    """The column's type; a new ENUM for a dictionary."""
    kind = field.type
    if pa.types.is_dictionary(kind):
        labels = batch.column(field.name).dictionary.to_pylist() if batch is not None else []
        literals = ", ".join(map(quoted, labels))
        connection.execute(f'CREATE TYPE "kind_{field.name}" AS ENUM ({literals})'.encode())
        return f'"kind_{field.name}"'
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_timestamp(kind):
        return "timestamp"
    if pa.types.is_date(kind):
        return "date"
    if pa.types.is_integer(kind):
        return "smallint" if kind.bit_width <= 16 else "integer"  # months are small, minutes are int32
    return "text"


def _csv(batch: pa.RecordBatch) -> bytes:
    columns = [column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column for column in batch.columns]
    sink = io.BytesIO()
    pa_csv.write_csv(
        pa.RecordBatch.from_arrays(columns, names=batch.schema.names), sink, pa_csv.WriteOptions(include_header=False)
    )
    return sink.getvalue()


def _index(
    connection: psycopg.Connection[Any], names: Sequence[str], filtered: Sequence[str], say: Callable[[str], Any]
) -> None:
    for name in filtered:
        if name in names:
            connection.execute(f'CREATE INDEX ON requests ("{name}")'.encode())
    connection.execute(b"CREATE INDEX ON requests (requested_datetime) WHERE status = 'open'")
    connection.execute(b"VACUUM (ANALYZE) requests")
    connection.execute(b"SELECT count(month) FROM requests")  # read once, as ours were
    size, version = connection.execute(
        b"SELECT pg_size_pretty(pg_total_relation_size('requests')), current_setting('server_version')"
    ).fetchone() or ("", "")
    say(f"  indexed and analysed: {size}, PostgreSQL {version}")
