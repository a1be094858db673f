"""Writing what was decided: new rows, changed rows with their history, withdrawn rows, quarantined rows.

Charter: how rows get into the store. Everything of one run happens inside the
caller's transaction, so that a killed run leaves nothing behind.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb_extension_sqlite_scanner
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import sqlalchemy as sa
from sqlalchemy import Connection, Engine, Table, func, select
from sqlalchemy.dialects import postgresql, sqlite

from etl.duck import identifier, load_extension, quoted
from etl.records import FROM_OUR_RULES, QUARANTINE, SAID_OF_PLACE, Kind
from etl.store.engine import writing
from etl.store.models import Base, Change, Quarantined
from etl.store.staging import Staging

BLOCK = 1 << 20
FEW = 50_000
"""Rows below which an index is kept while they are written."""
ROWS_AT_ONCE = 100_000
EWKB_POINT = "0101000020E6100000"
"""How PostGIS' hex form of a little-endian point in EPSG:4326 begins; WKB's own point begins with ten digits."""


ARRIVED = "arrived"
"""Under which name SQLite attaches the file that `ship` wrote."""


def ship(staged: Sequence[Staging], file: Path) -> None:
    """Write the fresh rows of every source into one SQLite file, before the store is opened to write.

    DuckDB does it, row by row through Python would take many times as long; two SQLite libraries of one process
    never have the file open at once.
    """
    for staging in staged:
        load_extension(staging.db, duckdb_extension_sqlite_scanner, "sqlite_scanner")
        staging.db.execute(f"ATTACH {quoted(file)} AS fresh_file (TYPE sqlite)")
        name = identifier(staging.source)
        staging.db.execute(f"CREATE TABLE fresh_file.{name} AS SELECT * FROM fresh")  # noqa: S608
        staging.db.execute("DETACH fresh_file")


@contextmanager
def arrival(engine: Engine, staged: Sequence[Staging], folder: Path) -> Iterator[Connection]:
    """A transaction that will write, with the fresh rows of every source within reach of the store's own SQL."""
    if engine.dialect.name == "postgresql":
        with writing(engine) as connection:
            yield connection
        return
    file = folder / "fresh.sqlite"
    ship(staged, file)
    try:
        with writing(engine) as connection:
            connection.exec_driver_sql(f"ATTACH DATABASE ? AS {ARRIVED}", (str(file),))
            yield connection
    finally:
        engine.dispose()  # SQLite lets go of an attached file only with its connection


class Writer:
    """Writes one source's staged decisions through a connection that is in the run's transaction."""

    def __init__(self, connection: Connection, staging: Staging, run_id: int, now: dt.datetime) -> None:
        """`now` (UTC) is when the changes were first seen."""
        self._connection, self._staging, self._run_id, self._now = connection, staging, run_id, now
        self._kind: Kind = staging.kind
        self._table: Table = Base.metadata.tables[staging.kind.table]
        self._postgres = connection.dialect.name == "postgresql"

    def write(self, cause: str, last_seen: dt.datetime | None) -> int:
        """Insert, update with history, mark what is gone; returns the number of fields that changed.

        `cause` is `source` or `configuration`; `last_seen` the moment of the extract that the old values are from.
        """
        if not self._staging.fresh_rows():
            return self._mark_gone(last_seen)
        changes = 0
        with self._arrived() as stage:
            changed = select(func.count()).select_from(stage).where(stage.c.is_new.is_(False))
            if self._connection.execute(changed).scalar_one():
                changes = self._keep_history(stage, cause, last_seen)
                self._update(stage)
            if not self._postgres:
                self._insert(stage)
        return changes + self._mark_gone(last_seen)

    @contextmanager
    def _arrived(self) -> Iterator[Table]:
        """The fresh rows where the store's own SQL can reach them; PostgreSQL gets new rows straight into their table."""
        if self._postgres:
            yield self._copy_in()
            return
        columns = [sa.Column(name, self._table.c[name].type) for name in self._names()]
        yield Table(self._staging.source, sa.MetaData(), *columns, sa.Column("is_new", sa.Boolean), schema=ARRIVED)

    def _names(self) -> list[str]:
        return [*self._kind.schema.names, *(["geom"] if "geom" in self._table.c else [])]

    def _copy_in(self) -> Table:
        columns = [sa.Column(name, self._table.c[name].type) for name in self._names()]
        stage = Table("fresh", sa.MetaData(), *columns, sa.Column("is_new", sa.Boolean), prefixes=["TEMPORARY"])
        stage.metadata.drop_all(self._connection)
        stage.metadata.create_all(self._connection)
        names = [*self._kind.schema.names]
        picked = [f'"{name}"' for name in names]
        if "geom" in self._table.c:
            names.append("geom")
            picked.append(f"'{EWKB_POINT}' || substr(hex(geom), 11) AS geom")
        new = [*picked, f"{self._run_id} AS first_run", f"{self._run_id} AS last_run"]
        insert = f"SELECT {', '.join(new)} FROM fresh WHERE is_new"  # noqa: S608
        with self._index_made_anew():
            self._copy(self._table.name, [*names, "first_run", "last_run"], insert)
        self._copy("fresh", [*names, "is_new"], f"SELECT {', '.join(picked)}, is_new FROM fresh WHERE NOT is_new")  # noqa: S608
        self._connection.execute(sa.text("ANALYZE fresh"))
        return stage

    @contextmanager
    def _index_made_anew(self) -> Iterator[None]:
        """A load that more than doubles the table makes its spatial index afterwards: sorted, in a fraction of the time."""
        known, fresh = (self._staging.count(name) for name in ("known", "fresh"))
        if "geom" not in self._table.c or fresh < max(known, FEW):
            yield
            return
        index = f"{self._table.name}_geom"
        self._connection.execute(sa.text(f'DROP INDEX IF EXISTS "{index}"'))
        yield
        self._connection.execute(sa.text(f'CREATE INDEX "{index}" ON "{self._table.name}" USING gist (geom)'))

    def _copy(self, table: str, names: list[str], query: str) -> None:
        """Rows by way of a CSV file that DuckDB writes with all cores and PostgreSQL reads."""
        file = self._staging.folder / "fresh.csv"
        self._staging.db.execute(
            f"COPY ({query}) TO {quoted(file)} (FORMAT csv, HEADER false, FORCE_QUOTE *, NULLSTR '\\N')"
        )
        columns = ", ".join(f'"{name}"' for name in names)
        raw: Any = self._connection.connection.driver_connection
        statement = f"COPY \"{table}\" ({columns}) FROM STDIN (FORMAT csv, NULL '\\N')"
        with file.open("rb") as data, raw.cursor() as cursor, cursor.copy(statement) as copy:
            while block := data.read(BLOCK):
                copy.write(block)
        Path(file).unlink()

    def _keep_history(self, stage: Table, cause: str, last_seen: dt.datetime | None) -> int:
        """One row for each field that is not what it was."""
        kept, run = self._as_it_was(stage), self._connection
        same_key = sa.and_(*(stage.c[k] == kept.c[k] for k in self._kind.key))
        before = run.execute(select(func.coalesce(func.max(Change.change_id), 0))).scalar_one()
        both = stage.join(kept, same_key)
        # The literal names are bound, so that `withdrawn` of a row that came back is told like any other field.
        fields: list[tuple[str, Any, Any]] = [(f, stage.c[f], kept.c[f]) for f in self._kind.values]
        fields.append(("withdrawn", sa.literal(None, kept.c.withdrawn.type), kept.c.withdrawn))
        ours = self._by_our_rules(stage, kept, cause)
        for field, new, old in fields:
            rows = (
                select(
                    sa.literal(self._kind.table), stage.c.source, self._ident(stage), sa.literal(field),
                    self._as_text(old), self._as_text(new), *self._moments(last_seen),
                    ours if field in FROM_OUR_RULES else sa.literal(cause), sa.literal(self._run_id),
                )
                .select_from(both)
                .where(stage.c.is_new.is_(False), old.is_distinct_from(new))
            )  # fmt: skip
            run.execute(sa.insert(Change).from_select(CHANGE_COLUMNS, rows))
        return run.execute(select(func.count()).select_from(Change).where(Change.change_id > before)).scalar_one()

    @staticmethod
    def _by_our_rules(stage: Table, kept: Table, cause: str) -> sa.ColumnElement[str]:
        """The cause of another place: our own rules where the source says of it what it said before."""
        if not all(name in stage.c for name in SAID_OF_PLACE):
            return sa.literal(cause)
        said = sa.or_(*(stage.c[name].is_distinct_from(kept.c[name]) for name in SAID_OF_PLACE))
        return sa.case((said, sa.literal(cause)), else_=sa.literal("configuration"))

    def _as_it_was(self, stage: Table) -> Table:
        """The stored rows that will change, by themselves: millions of others are looked through once, not for each field."""
        kept, names = self._table, [*self._kind.key, *self._kind.values, "withdrawn"]
        columns = [sa.Column(n, kept.c[n].type, primary_key=n in self._kind.key) for n in names]
        was = Table("as_it_was", sa.MetaData(), *columns, prefixes=["TEMPORARY"])
        was.metadata.drop_all(self._connection)
        was.metadata.create_all(self._connection)
        same_key = sa.and_(*(stage.c[k] == kept.c[k] for k in self._kind.key))
        rows = select(*(kept.c[n] for n in names)).select_from(stage.join(kept, same_key))
        self._connection.execute(sa.insert(was).from_select(names, rows.where(stage.c.is_new.is_(False))))
        if self._postgres:
            self._connection.execute(sa.text("ANALYZE as_it_was"))
        return was

    def _moments(self, last_seen: dt.datetime | None) -> list[sa.ColumnElement[Any]]:
        kind = Change.__table__.c.first_seen.type
        return [sa.literal(self._now, kind), sa.literal(last_seen, kind)]

    def _ident(self, table: Any) -> sa.ColumnElement[str]:
        return sa.literal_column(self._kind.ident(table.fullname if table.schema else table.name), sa.Text)

    def _as_text(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """Times as ISO 8601 text in UTC on both databases, everything else as it casts."""
        if isinstance(column.type, sa.DateTime):
            if self._postgres:
                return func.to_char(column, 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
            return func.strftime("%Y-%m-%dT%H:%M:%SZ", column)
        return sa.cast(column, sa.Text)

    def _update(self, stage: Table) -> None:
        names = [*self._names(), "first_run", "last_run"]
        columns = [stage.c[n] for n in self._names()]
        rows = (
            select(*columns, sa.literal(self._run_id), sa.literal(self._run_id))
            .where(stage.c.is_new.is_(False))
            .order_by(*(stage.c[k] for k in self._kind.key))
        )
        dialect = postgresql if self._postgres else sqlite
        insert: Any = dialect.insert(self._table).from_select(names, rows)
        renewed = [n for n in names if n not in (*self._kind.key, "first_run")]
        update: dict[str, Any] = {n: insert.excluded[n] for n in renewed} | {"withdrawn": None}
        self._connection.execute(insert.on_conflict_do_update(index_elements=list(self._kind.key), set_=update))

    def _insert(self, stage: Table) -> None:
        columns = [stage.c[n] for n in self._names()]
        rows = select(*columns, sa.literal(self._run_id), sa.literal(self._run_id)).where(stage.c.is_new.is_(True))
        self._connection.execute(sa.insert(self._table).from_select([*self._names(), "first_run", "last_run"], rows))

    def _mark_gone(self, last_seen: dt.datetime | None) -> int:
        """Rows that their source no longer has keep their values, get a time, and a line in the history."""
        gone = self._staging.table(f"SELECT {', '.join(self._kind.key)} FROM gone ORDER BY ALL").to_pylist()  # noqa: S608
        if not gone:
            return 0
        key = [self._table.c[k] for k in self._kind.key]
        mark = (
            sa.update(self._table)
            .where(*(c == sa.bindparam(f"key_{c.name}") for c in key))
            .values(withdrawn=self._now, last_run=self._run_id)
        )
        self._connection.execute(mark, [{f"key_{k}": v for k, v in row.items()} for row in gone])
        moment = f"{self._now.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"
        self._connection.execute(
            sa.insert(Change),
            [
                {
                    "kind": self._kind.table, "source": row["source"], "field": "withdrawn", "old": None, "new": moment,
                    "service_request_id": " ".join(str(row[k]) for k in self._kind.key if k != "source"),
                    "first_seen": self._now, "last_seen": last_seen, "cause": "source", "run_id": self._run_id,
                }
                for row in gone
            ],
        )  # fmt: skip
        return len(gone)

    def quarantine(self, origins: dict[int, str], whole: bool) -> int:
        """Keep the refused rows in place of those that they stand for, forget those that are trusted now; returns all kept.

        `origins`: generation -> the file that it was. `whole`: nothing older of this source counts any more.
        """
        source = self._staging.source
        mine = Quarantined.source == source
        if whole:
            self._connection.execute(sa.delete(Quarantined).where(mine))
        else:
            named = [origin for origin in origins.values() if origin]
            self._connection.execute(sa.delete(Quarantined).where(mine, Quarantined.origin.in_(named)))
            self._forget_trusted(mine)
        refused = self._staging.table(
            f"""SELECT r.* FROM refused r
                WHERE NOT EXISTS (SELECT 1 FROM staged WHERE {self._kind.ident("staged")} = r.service_request_id
                                  AND staged.generation > r.generation)
                QUALIFY generation = max(generation) OVER (PARTITION BY coalesce(service_request_id, raw))"""  # noqa: S608
        )
        for batch in refused.sort_by([("generation", "ascending"), ("row_number", "ascending")]).to_batches(
            ROWS_AT_ONCE
        ):
            rows = pa.Table.from_batches([batch])
            origin = pa.array([origins.get(g, "") for g in rows["generation"].to_pylist()], pa.string())
            table = rows.drop_columns(["generation"]).cast(QUARANTINE).append_column("origin", origin)
            run = pa.array([self._run_id] * len(table), pa.int64())
            insert_rows(self._connection, "quarantine", table.append_column("run_id", run))
        return self._connection.execute(select(func.count()).select_from(Quarantined).where(mine)).scalar_one()

    def _forget_trusted(self, mine: sa.ColumnElement[bool]) -> None:
        """Rows in quarantine whose number or text has come again: as a record, or to be refused anew."""
        ident = self._kind.ident("staged")
        known = self._connection.execute(
            select(Quarantined.quarantine_id, Quarantined.service_request_id, Quarantined.raw).where(mine)
        ).all()
        if not known:
            return
        table = pa.table(
            {
                "quarantine_id": pa.array([row[0] for row in known], pa.int64()),
                "ident": pa.array([row[1] for row in known], pa.string()),
                "raw": pa.array([row[2] for row in known], pa.string()),
            }
        )
        self._staging.db.register("kept", table)
        again = self._staging.db.execute(
            f"""SELECT quarantine_id FROM kept WHERE ident IN (SELECT {ident} FROM staged)
                OR ident IN (SELECT service_request_id FROM refused) OR raw IN (SELECT raw FROM refused)"""  # noqa: S608
        ).fetchall()
        self._staging.db.unregister("kept")
        for start in range(0, len(again), 500):
            part = [row[0] for row in again[start : start + 500]]
            self._connection.execute(sa.delete(Quarantined).where(Quarantined.quarantine_id.in_(part)))


CHANGE_COLUMNS = [
    "kind", "source", "service_request_id", "field", "old", "new", "first_seen", "last_seen", "cause", "run_id",
]  # fmt: skip


def insert_rows(connection: Connection, table: str, rows: pa.Table) -> None:
    """An Arrow table into a table of the store, on either database; blank text stays blank and null stays null."""
    if not len(rows):
        return
    columns = ", ".join(f'"{name}"' for name in rows.column_names)
    raw: Any = connection.connection.driver_connection
    if connection.dialect.name == "postgresql":
        buffer = io.BytesIO()
        pacsv.write_csv(rows, buffer, pacsv.WriteOptions(include_header=False, quoting_style="all_valid"))
        with raw.cursor() as cursor, cursor.copy(f'COPY "{table}" ({columns}) FROM STDIN (FORMAT csv)') as copy:
            copy.write(buffer.getbuffer())
        return
    marks = ", ".join("?" * rows.num_columns)
    values = [_sqlite_values(rows[name]) for name in rows.column_names]
    raw.executemany(f'INSERT INTO "{table}" ({columns}) VALUES ({marks})', zip(*values, strict=True))  # noqa: S608


def _sqlite_values(column: pa.ChunkedArray) -> list[Any]:
    if pa.types.is_timestamp(column.type):
        column = pc.strftime(pc.cast(column, pa.timestamp("us")), format="%Y-%m-%d %H:%M:%S")
    values: list[Any] = column.to_pylist()
    return values
