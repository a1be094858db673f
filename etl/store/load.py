"""Bulk loading: chunks of clean records into a staging table, then one merge with history.

Charter: how rows get into the store. Everything of one load happens inside
the caller's transaction, so that a killed run leaves nothing behind.
"""

from __future__ import annotations

import datetime as dt
import io
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import shapely
import sqlalchemy as sa
from sqlalchemy import Connection, Table, func, select
from sqlalchemy.dialects import postgresql, sqlite

from etl.records import KEY, QUARANTINE, RECORD, VALUE_FIELDS
from etl.store.models import Change, Quarantined, Request

DUPLICATE = "duplicate_row"
CONFLICT = "conflicting_duplicate"


@dataclass(frozen=True)
class MergeCounts:
    """What a merge did with the staged rows: they add up to the rows staged."""

    new: int
    changed: int
    unchanged: int
    duplicates: int
    conflicts: int
    field_changes: int


class Staging:
    """A temporary table of the connection that chunks are copied into and merged from."""

    def __init__(self, connection: Connection) -> None:
        """Create the empty staging table in the connection's transaction."""
        self._connection = connection
        self._postgres = connection.dialect.name == "postgresql"
        metadata = sa.MetaData()
        columns = [sa.Column(name, Request.__table__.c[name].type) for name in RECORD.names]
        self._names = list(RECORD.names)
        if not self._postgres:
            columns.append(sa.Column("geom", sa.LargeBinary))
            self._names.append("geom")
        self.table = Table("stage", metadata, *columns, sa.Column("seq", sa.BigInteger), prefixes=["TEMPORARY"])
        self._names.append("seq")
        self._rows = 0
        metadata.drop_all(connection)
        metadata.create_all(connection)

    @property
    def rows(self) -> int:
        """Rows staged so far."""
        return self._rows

    def add(self, records: pa.Table) -> None:
        """Copy a chunk (etl.records.RECORD) into the staging table."""
        seq = pa.array(np.arange(self._rows, self._rows + len(records)))
        self._rows += len(records)
        if self._postgres:
            copy_rows(self._connection, "stage", records.append_column("seq", seq))
            return
        table = records.append_column("geom", _wkb_points(records)).append_column("seq", seq)
        insert_rows(self._connection, "stage", table)

    def merge(self, run_id: int, now: dt.datetime) -> MergeCounts:
        """Upsert the staged rows, keep every field change, quarantine rows that contradict one another."""
        # In the order of the key everything below is a walk along one index instead of a search for each row.
        self._connection.execute(sa.schema.CreateIndex(sa.Index("stage_key", *(self.table.c[k] for k in KEY))))
        if self._postgres:
            self._connection.execute(sa.text("ANALYZE stage"))
        duplicates, conflicts = self._settle_duplicates(run_id)
        stage, request = self.table, Request.__table__
        same_key = sa.and_(*(stage.c[k] == request.c[k] for k in KEY))
        known = self._connection.execute(select(func.count()).select_from(stage.join(request, same_key))).scalar_one()
        changed, field_changes = 0, 0
        if known:
            changed, field_changes = self._keep_history(run_id, now)
        kept = self._rows - duplicates - conflicts
        if kept - known or changed:
            self._upsert(run_id)
        return MergeCounts(kept - known, changed, known - changed, duplicates, conflicts, field_changes)

    def _settle_duplicates(self, run_id: int) -> tuple[int, int]:
        """Of rows with one id keep the one updated last; equal ones are counted, different ones quarantined."""
        stage, run = self.table, self._connection
        key = [stage.c[k] for k in KEY]
        doubled = select(*key).group_by(*key).having(func.count() > 1).subquery()
        same_key = sa.and_(*(stage.c[k] == doubled.c[k] for k in KEY))
        newest = func.coalesce(stage.c.updated_datetime, stage.c.closed_datetime, stage.c.requested_datetime)
        window: dict[str, Any] = {"partition_by": key, "order_by": [newest.desc(), stage.c.seq.desc()]}
        ranked = (
            select(
                stage.c.seq,
                func.row_number().over(**window).label("place"),
                (stage.c.row_hash == func.first_value(stage.c.row_hash).over(**window)).label("equal"),
            )
            .select_from(stage.join(doubled, same_key))
            .subquery()
        )
        losers = select(ranked.c.seq, ranked.c.equal).where(ranked.c.place > 1)
        found = run.execute(losers).all()
        different = [row.seq for row in found if not row.equal]
        for part in _parts(different):
            rows = run.execute(
                select(
                    stage.c.seq,
                    stage.c.source,
                    stage.c.service_request_id,
                    stage.c.status,
                    stage.c.updated_datetime,
                    stage.c.requested_datetime,
                    stage.c.closed_datetime,
                    stage.c.service_name,
                ).where(stage.c.seq.in_(part))
            ).mappings()
            run.execute(
                sa.insert(Quarantined),
                [
                    {
                        "source": row["source"],
                        "row_number": None,
                        "service_request_id": row["service_request_id"],
                        "reason": CONFLICT,
                        "detail": "another row with this id is newer and was kept",
                        "raw": _json_row(dict(row)),
                        "run_id": run_id,
                    }
                    for row in rows
                ],
            )
        for part in _parts([row.seq for row in found]):
            run.execute(sa.delete(stage).where(stage.c.seq.in_(part)))
        return len(found) - len(different), len(different)

    def _keep_history(self, run_id: int, now: dt.datetime) -> tuple[int, int]:
        stage, request, run = self.table, Request.__table__, self._connection
        same_key = sa.and_(*(stage.c[k] == request.c[k] for k in KEY))
        differs = stage.c.row_hash.is_distinct_from(request.c.row_hash)
        both = stage.join(request, same_key)
        changed = run.execute(select(func.count()).select_from(both).where(differs)).scalar_one()
        if not changed:
            return 0, 0
        of_this_run = select(func.count()).select_from(Change).where(Change.run_id == run_id)
        before = run.execute(of_this_run).scalar_one()
        for field in VALUE_FIELDS:
            old, new = request.c[field], stage.c[field]
            rows = (
                select(
                    stage.c.source,
                    stage.c.service_request_id,
                    sa.literal(field),
                    self._as_text(old),
                    self._as_text(new),
                    sa.literal(now, Request.__table__.c.requested_datetime.type),
                    sa.literal(run_id),
                )
                .select_from(both)
                .where(differs, old.is_distinct_from(new))
            )
            names = ["source", "service_request_id", "field", "old", "new", "first_seen", "run_id"]
            run.execute(sa.insert(Change).from_select(names, rows))
        return changed, run.execute(of_this_run).scalar_one() - before

    def _as_text(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """Times as ISO 8601 text in UTC on both databases, everything else as it casts."""
        if isinstance(column.type, sa.DateTime):
            if self._postgres:
                return func.to_char(column, 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
            return func.strftime("%Y-%m-%dT%H:%M:%SZ", column)
        return sa.cast(column, sa.Text)

    def _upsert(self, run_id: int) -> None:
        stage, request = self.table, Request.__table__
        names = [*RECORD.names, "geom", "first_run", "last_run"]
        geom: sa.ColumnElement[Any] = (
            sa.case((stage.c.lat.is_not(None), func.ST_SetSRID(func.ST_MakePoint(stage.c.long, stage.c.lat), 4326)))
            if self._postgres
            else stage.c.geom
        )
        rows = (
            select(*(stage.c[n] for n in RECORD.names), geom, sa.literal(run_id), sa.literal(run_id))
            .where(sa.true())  # SQLite needs a WHERE to tell ON CONFLICT from a join's ON
            .order_by(*(stage.c[k] for k in KEY))
        )
        insert: Any = (postgresql.insert if self._postgres else sqlite.insert)(Request).from_select(names, rows)
        update = {n: insert.excluded[n] for n in (*VALUE_FIELDS, "row_hash", "geom", "last_run")}
        self._connection.execute(
            insert.on_conflict_do_update(
                index_elements=list(KEY),
                set_=update,
                where=request.c.row_hash.is_distinct_from(insert.excluded.row_hash),
            )
        )


def quarantine(connection: Connection, rows: pa.Table, run_id: int) -> None:
    """Keep rows (etl.records.QUARANTINE) that could not be trusted."""
    if not len(rows):
        return
    table = rows.cast(QUARANTINE).append_column("run_id", pa.array(np.full(len(rows), run_id)))
    if connection.dialect.name == "postgresql":
        copy_rows(connection, "quarantine", table)
    else:
        insert_rows(connection, "quarantine", table)


def copy_rows(connection: Connection, table: str, rows: pa.Table) -> None:
    """COPY an Arrow table into PostgreSQL; blank text stays blank and null stays null."""
    buffer = io.BytesIO()
    pacsv.write_csv(rows, buffer, pacsv.WriteOptions(include_header=False, quoting_style="all_valid"))
    columns = ", ".join(f'"{name}"' for name in rows.column_names)
    raw: Any = connection.connection.driver_connection
    with raw.cursor() as cursor, cursor.copy(f'COPY "{table}" ({columns}) FROM STDIN (FORMAT csv)') as copy:
        copy.write(buffer.getbuffer())


def insert_rows(connection: Connection, table: str, rows: pa.Table) -> None:
    """Insert an Arrow table into SQLite in one prepared statement."""
    columns = ", ".join(f'"{name}"' for name in rows.column_names)
    marks = ", ".join("?" * rows.num_columns)
    values = [_sqlite_values(rows[name]) for name in rows.column_names]
    raw: Any = connection.connection.driver_connection
    raw.executemany(f'INSERT INTO "{table}" ({columns}) VALUES ({marks})', zip(*values, strict=True))  # noqa: S608


def _sqlite_values(column: pa.ChunkedArray) -> list[Any]:
    if pa.types.is_timestamp(column.type):
        column = pc.cast(column, pa.timestamp("us"))
        column = pc.strftime(column, format="%Y-%m-%d %H:%M:%S")
    values: list[Any] = column.to_pylist()
    return values


def _wkb_points(records: pa.Table) -> pa.Array:
    lat = records["lat"].to_numpy()
    lon = records["long"].to_numpy()
    wkb = shapely.to_wkb(shapely.points(lon, lat), byte_order=1)
    return pa.array(wkb, pa.binary(), mask=~(np.isfinite(lat) & np.isfinite(lon)))


def _parts(values: list[int], size: int = 500) -> list[list[int]]:
    return [values[i : i + size] for i in range(0, len(values), size)]


def _json_row(row: dict[str, Any]) -> str:
    return json.dumps({k: str(v) for k, v in row.items() if v is not None and k != "seq"}, ensure_ascii=False)
