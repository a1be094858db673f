"""The work bench of one load: clean records of a run, settled among themselves and compared with what is stored.

Charter: everything that can be decided before the store is touched, in a
DuckDB file that no one else sees and that a killed run leaves to the next one
to delete. The store itself is only read here; `load` writes what was decided.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from etl.duck import builder, quoted
from etl.records import QUARANTINE, Kind

CONFLICT = "conflicting_duplicate"


@dataclass(frozen=True)
class Generation:
    """One raw copy among those of a load: its place in their order, and what follows from it.

    `as_of` (UTC) is None where only the newest time of its rows tells it. `extract`: full, window or partial.
    """

    number: int
    as_of: dt.datetime | None
    extract: str


@dataclass(frozen=True)
class Decided:
    """What will become of the staged rows of a source, in rows; `superseded` were said again by a later copy."""

    new: int
    changed: int
    unchanged: int
    stale: int
    duplicates: int
    conflicts: int
    superseded: int
    withdrawn: int
    as_of: dt.datetime | None


class Staging:
    """The staged rows of one source of one kind, in memory up to a limit and beyond it in a spill file."""

    def __init__(self, folder: Path, kind: Kind, source: str) -> None:
        """Begin anew; `folder` is for what does not fit into memory, and the caller removes it."""
        folder.mkdir(parents=True, exist_ok=True)
        self.kind, self.source, self.folder = kind, source, folder
        self.db = builder(":memory:", temp=folder / "spill", spatial=False)
        self.rows = 0
        self._create("refused", QUARANTINE, "generation INTEGER")
        self.db.execute("CREATE TABLE generation (generation INTEGER, as_of TIMESTAMP_S, extract VARCHAR)")

    def close(self) -> None:
        """Let go of the file."""
        self.db.close()

    def add(self, records: pa.Table, generation: int) -> None:
        """Stage a chunk of clean records: a Parquet file, which costs a seventh of inserting it and no memory."""
        if not len(records):
            return
        seq = pa.array(range(self.rows, self.rows + len(records)), pa.int64())
        copy = pa.repeat(pa.scalar(generation, pa.int32()), len(records))
        file = self.folder / f"staged-{self.rows:012d}.parquet"
        table = records.append_column("generation", copy).append_column("seq", seq)
        if "lat" in self.kind.schema.names:
            table = table.append_column("geom", wkb_points(records["long"].to_numpy(), records["lat"].to_numpy()))
        pq.write_table(table, file, compression="none", store_schema=False)
        self.rows += len(records)

    def refuse(self, rows: pa.Table, generation: int) -> None:
        """Stage rows (etl.records.QUARANTINE) that cannot be trusted."""
        if not len(rows):
            return
        self.db.register("incoming", rows)
        self.db.execute("INSERT INTO refused SELECT *, ? FROM incoming", [generation])
        self.db.unregister("incoming")

    def commonest_refusal(self) -> str:
        """The reason for which most rows were refused."""
        row = self.db.execute("SELECT reason FROM refused GROUP BY reason ORDER BY count(*) DESC, reason").fetchone()
        return str(row[0]) if row else "nothing"

    def decide(self, generations: Sequence[Generation], stored_as_of: dt.datetime | None, now: dt.datetime) -> Decided:
        """Settle doubled rows and compare with the table `known`, which the caller has filled (`known_columns`).

        Afterwards `fresh` holds the rows to write (`is_new` tells inserts from updates) and `gone` the keys that a
        full extract, or a window of one, no longer has.
        """
        self._gather()
        self._time_generations(generations, now)
        duplicates, conflicts, superseded = self._settle()
        self._plan(stored_as_of)
        counts = dict(self.db.execute("SELECT what, count(*) FROM plan GROUP BY what").fetchall())
        withdrawn = self._find_gone(stored_as_of)
        as_of = self.db.execute("SELECT max(as_of) FROM generation").fetchone()
        self._freshen()
        return Decided(
            new=counts.get("new", 0),
            changed=counts.get("changed", 0),
            unchanged=counts.get("unchanged", 0),
            stale=counts.get("stale", 0),
            duplicates=duplicates,
            conflicts=conflicts,
            superseded=superseded,
            withdrawn=withdrawn,
            as_of=as_of[0].replace(tzinfo=dt.UTC) if as_of and as_of[0] else None,
        )

    def fresh_rows(self) -> int:
        """How many rows there are to write."""
        return self.count("plan WHERE what IN ('new', 'changed')")

    def count(self, table: str) -> int:
        """Rows of one of the tables of a decision, or of those of them that an SQL condition of ours picks."""
        row = self.db.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
        return int(row[0]) if row else 0

    def table(self, sql: str, params: Sequence[Any] = ()) -> pa.Table:
        """A query's whole result."""
        return self.db.execute(sql, list(params)).to_arrow_table()

    def _gather(self) -> None:
        """`staged`: all chunks as one table to look at, typed as the kind's schema even where there is none."""
        if not self.rows:
            geom = "geom BLOB, " if "lat" in self.kind.schema.names else ""
            self._create("staged", self.kind.schema, f"{geom}generation INTEGER, seq BIGINT")
            return
        columns = ", ".join(f'CAST("{f.name}" AS {_sql_type(f.type)}) AS "{f.name}"' for f in self.kind.schema)
        files = quoted(self.folder / "staged-*.parquet")
        if "lat" in self.kind.schema.names:
            columns += ", geom"
        self.db.execute(f"CREATE VIEW staged AS SELECT {columns}, generation, seq FROM read_parquet({files})")  # noqa: S608

    def _create(self, name: str, schema: pa.Schema, more: str) -> None:
        columns = ", ".join(f'"{field.name}" {_sql_type(field.type)}' for field in schema)
        self.db.execute(f"CREATE TABLE {name} ({columns}, {more})")

    def _time_generations(self, generations: Sequence[Generation], now: dt.datetime) -> None:
        """Each copy's moment: as stated, else the newest time among its rows that is not in the future."""
        limit = now.astimezone(dt.UTC).replace(tzinfo=None)
        newest = ", ".join(f"max({name}) FILTER ({name} <= $now)" for name in self.kind.newest)
        for g in generations:
            moment = g.as_of.astimezone(dt.UTC).replace(tzinfo=None) if g.as_of else None
            if moment is None:
                found = self.db.execute(
                    f"SELECT greatest({newest}) FROM staged WHERE generation = $g",  # noqa: S608
                    {"now": limit, "g": g.number},
                ).fetchone()
                moment = found[0] if found else None
            self.db.execute("INSERT INTO generation VALUES (?, ?, ?)", [g.number, moment, g.extract])

    def _settle(self) -> tuple[int, int, int]:
        """Of rows with one key keep the newest copy's, and in it the one updated last.

        Equal ones are counted, different ones of the same copy quarantined.
        """
        key = ", ".join(self.kind.key)
        newest = f"coalesce({', '.join(self.kind.newest)})"
        self.db.execute(
            f"""CREATE TABLE losers AS
                SELECT seq, generation <> top AS superseded, row_hash <> kept_hash AS different FROM (
                  SELECT seq, generation, row_hash, last_value(generation) OVER copies AS top,
                         row_number() OVER rows AS place, first_value(row_hash) OVER rows AS kept_hash
                  FROM staged JOIN generation USING (generation)
                  SEMI JOIN (SELECT {key} FROM staged GROUP BY {key} HAVING count(*) > 1) USING ({key})
                  WINDOW copies AS (PARTITION BY {key} ORDER BY as_of NULLS FIRST, generation
                                    ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING),
                         rows AS (PARTITION BY {key}, generation ORDER BY {newest} DESC NULLS LAST, seq DESC))
                WHERE generation <> top OR place > 1"""  # noqa: S608
        )
        told = ["status", "updated_datetime", "requested_datetime", "closed_datetime", "service_name"]
        told = [name for name in told if name in self.kind.schema.names] or list(self.kind.values)
        fields = ", ".join(f"{name} := CAST({name} AS VARCHAR)" for name in (*self.kind.key, *told))
        self.db.execute(
            f"""INSERT INTO refused
                SELECT source, NULL, {self.kind.ident("staged")}, '{CONFLICT}', 'another row with this id is newer and was kept',
                       CAST(to_json(struct_pack({fields})) AS VARCHAR), generation
                FROM staged JOIN losers USING (seq) WHERE different AND NOT superseded"""  # noqa: S608
        )
        counted = self.db.execute(
            """SELECT count(*) FILTER (NOT superseded AND NOT different), count(*) FILTER (NOT superseded AND different),
                      count(*) FILTER (superseded) FROM losers"""
        ).fetchone() or (0, 0, 0)
        return counted[0], counted[1], counted[2]

    def _plan(self, stored_as_of: dt.datetime | None) -> None:
        """What each kept row is to the store. A copy older than the stored one adds, and changes only what it can prove."""
        key = ", ".join(self.kind.key)
        moment = stored_as_of.astimezone(dt.UTC).replace(tzinfo=None) if stored_as_of else None
        newer = f"coalesce(s.{self.kind.updated} > k.updated, FALSE)" if self.kind.updated else "FALSE"
        self.db.execute(
            f"""CREATE TABLE plan AS
                SELECT s.seq, CASE
                    WHEN k.row_hash IS NULL THEN 'new'
                    WHEN k.row_hash = s.row_hash AND NOT k.gone THEN 'unchanged'
                    WHEN g.as_of < $stored AND NOT {newer} THEN 'stale'
                    ELSE 'changed' END AS what
                FROM (SELECT * FROM staged ANTI JOIN losers USING (seq)) s
                JOIN generation g USING (generation) LEFT JOIN known k USING ({key})""",  # noqa: S608
            {"stored": moment},
        )

    def _find_gone(self, stored_as_of: dt.datetime | None) -> int:
        """Stored keys that the newest full extract (or window) and what came after it do not have, quarantined rows aside."""
        key = ", ".join(self.kind.key)
        moment = stored_as_of.astimezone(dt.UTC).replace(tzinfo=None) if stored_as_of else None
        opened = self.kind.opened or "NULL"
        self.db.execute(
            f"""CREATE TABLE gone AS
                WITH base AS (SELECT generation, as_of, extract FROM generation
                              WHERE extract <> 'partial' AND ($stored IS NULL OR as_of >= $stored)
                              ORDER BY as_of DESC NULLS LAST, generation DESC LIMIT 1),
                     said AS (SELECT DISTINCT {key} FROM staged
                              WHERE generation >= (SELECT generation FROM base)),
                     reach AS (SELECT min({opened}) AS first, max({opened}) AS last FROM staged
                               WHERE generation = (SELECT generation FROM base))
                SELECT {key} FROM known k
                WHERE NOT k.gone AND EXISTS (SELECT 1 FROM base)
                  AND ((SELECT extract FROM base) = 'full'
                       OR k.opened BETWEEN (SELECT first FROM reach) AND (SELECT last FROM reach))
                  AND NOT EXISTS (SELECT 1 FROM said WHERE {_same("said", "k", self.kind.key)})
                  AND {self.kind.ident("k")} NOT IN
                      (SELECT service_request_id FROM refused WHERE service_request_id IS NOT NULL)""",  # noqa: S608
            {"stored": moment},
        )
        return self.count("gone")

    def _freshen(self) -> None:
        """`fresh`: what is to be written, in the order of the files: sorting wide rows costs more than it saves."""
        names = ", ".join(f's."{name}"' for name in self.kind.schema.names)
        located = "lat" in self.kind.schema.names
        self.db.execute(
            f"""CREATE VIEW fresh AS
                SELECT {names}{", s.geom" if located else ""}, p.what = 'new' AS is_new
                FROM staged s JOIN plan p USING (seq) WHERE p.what IN ('new', 'changed')"""  # noqa: S608
        )


def known_columns(kind: Kind) -> Mapping[str, str]:
    """Columns of `known` (name -> SQL over the store's table) that `decide` compares with."""
    found = {name: name for name in kind.key}
    found |= {"row_hash": "row_hash", "gone": "withdrawn IS NOT NULL"}
    found["updated"] = kind.updated or "NULL"
    found["opened"] = kind.opened or "NULL"
    return found


def wkb_points(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> pa.Array:
    """Points (degrees, NaN: none) as little-endian WKB, null where there is no point."""
    parts = np.zeros(len(lon), dtype=[("order", "u1"), ("kind", "<u4"), ("x", "<f8"), ("y", "<f8")])
    parts["order"], parts["kind"], parts["x"], parts["y"] = 1, 1, lon, lat
    there = np.isfinite(lon) & np.isfinite(lat)
    fixed = pa.FixedSizeBinaryArray.from_buffers(pa.binary(21), len(lon), [None, pa.py_buffer(parts.tobytes())])
    points = pa.array(there)
    return pc.if_else(points, fixed, pa.scalar(None, pa.binary(21))).cast(pa.binary())


def _same(left: str, right: str, key: Sequence[str]) -> str:
    return " AND ".join(f"{left}.{name} = {right}.{name}" for name in key)


def _sql_type(kind: pa.DataType) -> str:
    if pa.types.is_timestamp(kind):
        return "TIMESTAMP_S"
    if pa.types.is_date(kind):
        return "DATE"
    if pa.types.is_floating(kind):
        return "DOUBLE"
    return "BIGINT" if pa.types.is_integer(kind) else "VARCHAR"
