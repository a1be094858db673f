"""Bulk reading: stored requests, changes and counts, as Arrow, in flat memory.

Charter: what a release is built from. Shaping it is etl.publish's business.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
from sqlalchemy import Connection, func, select

from etl.records import RECORD
from etl.store.models import Change, Quarantined, Request, Run

BATCH_ROWS = 131_072


def read_requests(connection: Connection, fields: Sequence[str]) -> Iterator[pa.Table]:
    """Every stored request, the named fields only, as tables typed like etl.records.RECORD, in no order."""
    schema = pa.schema([RECORD.field(name) for name in fields])
    if connection.dialect.name == "postgresql":
        yield from _copy_out(connection, fields, schema)
        return
    columns = ", ".join(f'"{name}"' for name in fields)
    cursor = connection.connection.driver_connection.execute(f"SELECT {columns} FROM request")  # type: ignore[union-attr]  # noqa: S608
    while rows := cursor.fetchmany(BATCH_ROWS):
        arrays = []
        for field, values in zip(schema, zip(*rows, strict=True), strict=True):
            if pa.types.is_timestamp(field.type):
                # stored text is 'YYYY-MM-DD HH:MM:SS' with or without a fraction that is always zero
                text = pc.utf8_slice_codeunits(pa.array(values, pa.string()), 0, 19)
                arrays.append(pc.strptime(text, format="%Y-%m-%d %H:%M:%S", unit="s"))
            else:
                arrays.append(pa.array(values, field.type))
        yield pa.table(arrays, schema=schema)


def _copy_out(connection: Connection, fields: Sequence[str], schema: pa.Schema) -> Iterator[pa.Table]:
    times = {f.name for f in schema if pa.types.is_timestamp(f.type)}
    columns = ", ".join(f"\"{n}\" AT TIME ZONE 'UTC'" if n in times else f'"{n}"' for n in fields)
    raw = connection.connection.driver_connection
    read = pacsv.ReadOptions(column_names=list(fields))
    parse = pacsv.ParseOptions(newlines_in_values=True)
    convert = pacsv.ConvertOptions(
        column_types=schema, strings_can_be_null=True, quoted_strings_can_be_null=False, null_values=[""]
    )
    with raw.cursor() as cursor, cursor.copy(f"COPY (SELECT {columns} FROM request) TO STDOUT (FORMAT csv)") as copy:  # type: ignore[union-attr]  # noqa: S608
        buffer, rows = io.BytesIO(), 0
        for line in copy:  # PostgreSQL sends one row a message, so a batch never cuts a row
            buffer.write(line)
            rows += 1
            if rows == BATCH_ROWS:
                yield pacsv.read_csv(pa.py_buffer(buffer.getvalue()), read, parse, convert)
                buffer, rows = io.BytesIO(), 0
        if rows:
            yield pacsv.read_csv(pa.py_buffer(buffer.getvalue()), read, parse, convert)


def count_requests(connection: Connection) -> int:
    """How many requests are stored."""
    return connection.execute(select(func.count()).select_from(Request)).scalar_one()


def newest_time(connection: Connection, now: dt.datetime) -> dt.datetime | None:
    """The newest opening, update or closing time not after `now` (UTC); due times do not count."""
    newest: dt.datetime | None = None
    for column in (Request.requested_datetime, Request.updated_datetime, Request.closed_datetime):
        value = connection.execute(select(func.max(column)).where(column <= now)).scalar()
        if value is not None:
            value = value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)
            newest = value if newest is None or value > newest else newest
    return newest


def quarantine_counts(connection: Connection) -> list[tuple[str, str, int]]:
    """(source, reason, rows) of what is quarantined, ordered."""
    query = (
        select(Quarantined.source, Quarantined.reason, func.count())
        .group_by(Quarantined.source, Quarantined.reason)
        .order_by(Quarantined.source, Quarantined.reason)
    )
    return [(row[0], row[1], row[2]) for row in connection.execute(query)]


def changes_after(connection: Connection, run_id: int, fields: Sequence[str]) -> pa.Table:
    """Field changes of later runs, the named fields only, ordered."""
    query = (
        select(Change.source, Change.service_request_id, Change.field, Change.old, Change.new, Change.first_seen)
        .where(Change.run_id > run_id, Change.field.in_(fields))
        .order_by(Change.source, Change.service_request_id, Change.field, Change.change_id)
    )
    rows = connection.execute(query).all()
    names = ["source", "service_request_id", "field", "old", "new"]
    arrays = [pa.array([row[i] for row in rows], pa.string()) for i in range(5)]
    seen = [
        row[5].replace(tzinfo=None) if row[5].tzinfo is None else row[5].astimezone(dt.UTC).replace(tzinfo=None)
        for row in rows
    ]
    return pa.table([*arrays, pa.array(seen, pa.timestamp("s"))], names=[*names, "first_seen"])


def data_version(connection: Connection) -> int:
    """The last run that changed what a release is made of; 0 before any did."""
    changed = select(func.max(Run.run_id)).where(Run.status.in_(["loaded", "published"]))
    return connection.execute(changed).scalar() or 0
