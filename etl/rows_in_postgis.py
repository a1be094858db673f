"""A release's requests in a PostGIS of their own: what Openward is measured beside.

The rows come as Arrow batches and are loaded by COPY. The table is set up as a careful administrator would: ENUM and
integer columns, an index on what is filtered by, vacuumed and analysed, memory for sorting, parallel workers.

Charter: rows in, a connection to them out. No timing, no comparison, no figure.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.csv as pa_csv
import sqlalchemy as sa

from etl.bench import fresh_database
from etl.duck import quoted
from etl.errors import StoreError

SETTINGS = ("work_mem = '256MB'", "maintenance_work_mem = '512MB'", "random_page_cost = 1.1", "timezone = 'UTC'")
TOLD_EVERY = 2_000_000

Connection = psycopg.Connection[Any]


@contextmanager
def rows_in_postgis(
    server: str, batches: pa.RecordBatchReader, indexes: Sequence[str], say: Callable[[str], Any] = print,
    derived: str = "",
) -> Iterator[Connection]:  # fmt: skip
    """Load `requests` into a new database on a server, which lasts as long as the block.

    `indexes`: what follows CREATE INDEX ON requests; `derived`: columns made from others, for which PostGIS is
    installed in the database. StoreError where the server cannot be used.
    """
    try:
        with fresh_database(server) as url:
            plain = sa.make_url(str(url)).set(drivername="postgresql").render_as_string(hide_password=False)
            with psycopg.connect(plain, autocommit=True) as connection:
                for setting in SETTINGS:
                    connection.execute(f"SET {setting}".encode())
                if derived:
                    connection.execute(b"CREATE EXTENSION postgis")
                _load(connection, batches, derived, say)
                _index(connection, indexes, say)
                yield connection
    except (psycopg.Error, sa.exc.DBAPIError) as error:
        reason = " ".join(str(getattr(error, "orig", error)).split())[:200]
        raise StoreError(f"the PostGIS to measure beside cannot be used ({reason})") from error


def by_column(names: Sequence[str], filtered: Sequence[str]) -> list[str]:
    """An index for each of the columns that are there."""
    return [f'("{name}")' for name in filtered if name in names]


def named(where: str, values: Sequence[Any]) -> tuple[str, dict[str, Any]]:
    """A condition with `?` for its values as one with named parameters, and these."""
    parts = where.split("?")
    if len(parts) - 1 != len(values):
        raise ValueError(f"{len(parts) - 1} places for {len(values)} values")
    condition = parts[0] + "".join(f"%(v{i})s{part}" for i, part in enumerate(parts[1:]))
    return condition, {f"v{i}": value for i, value in enumerate(values)}


def _load(connection: Connection, batches: pa.RecordBatchReader, derived: str, say: Callable[[str], Any]) -> None:
    coming = iter(batches)
    first = next(coming, None)
    kinds = [_kind(connection, field, first) for field in batches.schema]
    columns = [f'"{field.name}" {kind}' for field, kind in zip(batches.schema, kinds, strict=True)]
    connection.execute(f"CREATE UNLOGGED TABLE requests ({', '.join([*columns, *filter(None, [derived])])})".encode())
    names = ", ".join(f'"{name}"' for name in batches.schema.names)
    rows, told, copying = 0, TOLD_EVERY, f"COPY requests ({names}) FROM STDIN (FORMAT csv)"
    with connection.cursor() as cursor, cursor.copy(copying.encode()) as copy:
        while first is not None:
            copy.write(_csv(first))
            rows += first.num_rows
            if rows >= told:
                say(f"  {rows:,} rows copied into PostGIS")
                told += TOLD_EVERY
            first = next(coming, None)
    say(f"  {rows:,} rows copied into PostGIS, all")


def _kind(connection: Connection, field: pa.Field, batch: pa.RecordBatch | None) -> str:
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
        return {8: "smallint", 16: "smallint", 32: "integer"}.get(kind.bit_width, "bigint")  # months are small
    return "text"


def _csv(batch: pa.RecordBatch) -> bytes:
    columns = [column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column for column in batch.columns]
    sink = io.BytesIO()
    pa_csv.write_csv(
        pa.RecordBatch.from_arrays(columns, names=batch.schema.names), sink, pa_csv.WriteOptions(include_header=False)
    )
    return sink.getvalue()


def _index(connection: Connection, indexes: Sequence[str], say: Callable[[str], Any]) -> None:
    for index in indexes:
        connection.execute(f"CREATE INDEX ON requests {index}".encode())
    connection.execute(b"VACUUM (ANALYZE) requests")
    connection.execute(b"SELECT count(requested_date) FROM requests")  # read once, as ours were
    size, version = connection.execute(
        b"SELECT pg_size_pretty(pg_total_relation_size('requests')), current_setting('server_version')"
    ).fetchone() or ("", "")
    say(f"  indexed and analysed: {size}, PostgreSQL {version}")
