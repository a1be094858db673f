# ruff: noqa: S608 - names are checked against the files' own columns; every value and path is a parameter
"""Two releases' files of one table, row by row: which rows one has and the other has not, and which fields differ.

Charter: two Parquet files and a selection in; exact counts, and the rows a page at a time. Every value is compared as it
was published, none by a hash of it. It is done in a database of its own that can read these two files and nothing else,
has a bound of memory and lies on disk, so that neither the index nor the portal's memory is touched by it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal

import duckdb

from portal.errors import BadRequest, NotFound
from portal.opened import spatial_extension
from portal.package import Package
from portal.queries.texts import time_text
from portal.selection import Selection, quoted

MEMORY: Final = "1GB"
SPILLED: Final = "8GB"
THREADS: Final = 2
KINDS: Final = ("added", "removed", "changed")
Kind = Literal["added", "removed", "changed"]
KEYS: Final = {
    "requests": ("source", "service_request_id"),
    "areas": ("layer", "area", "valid_from"),
    "incidents": ("incident_id",),
    "services": ("service_code",),
    "departments": ("department",),
    "withdrawn": ("source", "service_request_id"),
}
"""Tables whose rows have names: others cannot be held against one another row by row."""


@dataclass(frozen=True)
class Side:
    """One release's file of the table, and what is asked of its rows."""

    package: Package
    path: Path
    selection: Selection

    def where(self) -> tuple[str, list[Any]]:
        """The condition on the file's rows; ages are as of that release."""
        chosen = self.selection
        if chosen.age:
            chosen = chosen.replace(age=replace(chosen.age, as_of=self.package.openward.as_of))
        return chosen.where()


@dataclass(frozen=True)
class Row:
    """One row that differs: its key, and of the fields that do the value before and after. Times are UTC."""

    kind: Kind
    key: dict[str, str | None]
    fields: list[tuple[str, str | None, str | None]]


@dataclass(frozen=True)
class Part:
    """Some rows in order, and where the next ones begin; None after the last."""

    rows: list[Row]
    after: int | None


@dataclass
class Compared:
    """What differs between two releases' files of a table."""

    table: str
    key: tuple[str, ...]
    fields: tuple[str, ...]
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]
    before: int
    after: int
    counts: dict[str, int]
    changed_fields: dict[str, int]
    _db: duckdb.DuckDBPyConnection = field(repr=False)
    _work: tempfile.TemporaryDirectory[str] = field(repr=False)

    @property
    def unchanged(self) -> int:
        """Rows that both have, alike in every field that both releases have."""
        return self.before - self.counts["removed"] - self.counts["changed"]

    def total(self, kind: str = "", name: str = "") -> int:
        """How many rows differ, of one kind or in one field."""
        if not name:
            return self.counts[kind] if kind else sum(self.counts.values())
        where, params = self._where(kind, name)
        return int(self._query(f"SELECT count(*) FROM differing WHERE {where}", params)[0][0])

    def page(self, limit: int, after: int = 0, kind: str = "", name: str = "") -> Part:
        """The next rows: those added first, then removed, then changed, each by their key."""
        where, params = self._where(kind, name)
        rows = self._query(
            f"SELECT place, kind, key, old, new FROM differing WHERE place > ? AND {where} ORDER BY place LIMIT ?",
            [after, *params, limit + 1],
        )
        told = [self._row(*row[1:]) for row in rows[:limit]]
        return Part(told, rows[limit - 1][0] if len(rows) > limit else None)

    def _where(self, kind: str, name: str) -> tuple[str, list[Any]]:
        clauses, params = ["TRUE"], []
        if kind:
            if kind not in KINDS:
                raise BadRequest(f"kind must be one of {', '.join(KINDS)}.")
            clauses.append("kind = ?")
            params.append(kind)
        if name:
            if name not in self.fields:
                raise BadRequest(f"There is no field '{name[:60]}' to compare; there are: {', '.join(self.fields)}.")
            at = self.fields.index(name) + 1
            clauses.append(f"kind = 'changed' AND old[{at}] IS DISTINCT FROM new[{at}]")
        return " AND ".join(clauses), params

    def _row(self, kind: Kind, key: list[str | None], old: list[Any] | None, new: list[Any] | None) -> Row:
        nothing = [None] * len(self.fields)
        pairs = zip(self.fields, old or nothing, new or nothing, strict=True)
        differing = [(name, was, now) for name, was, now in pairs if was != now]
        return Row(kind, dict(zip(self.key, key, strict=True)), differing)

    def _query(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._db.cursor() as cursor:
            return cursor.execute(sql, list(params)).fetchall()


def compare(table: str, before: Side, after: Side) -> Compared:
    """Read both files and keep what differs."""
    if table not in KEYS:
        raise NotFound(f"Rows of '{table[:60]}' have no name to be compared by; there are: {', '.join(KEYS)}.")
    key = KEYS[table]
    work = tempfile.TemporaryDirectory(prefix="openward-diff-")
    db = _restricted(Path(work.name), [before.path, after.path])
    columns = [_columns(db, side, table) for side in (before, after)]
    for name in key:
        if not all(name in of for of in columns):
            raise NotFound(f"One of the releases has no field '{name}' of {table} to compare rows by.")
    fields = tuple(name for name in columns[0] if name in columns[1] and name not in key)
    sides = [
        _Read(name, side, types, fields)
        for name, side, types in zip(("before", "after"), (before, after), columns, strict=True)
    ]
    counted = [_count(db, side, key) for side in sides]
    _join(db, sides[0], sides[1], key)
    counts = dict.fromkeys(KINDS, 0) | dict(db.execute("SELECT kind, count(*) FROM differing GROUP BY 1").fetchall())
    found = db.execute(
        "SELECT " + ", ".join(f"count(*) FILTER (old[{i}] IS DISTINCT FROM new[{i}])" for i in range(1, len(fields) + 1))
        + " FROM differing WHERE kind = 'changed'"
    ).fetchone() if fields else ()  # fmt: skip
    return Compared(
        table, key, fields,
        tuple(name for name in columns[0] if name not in columns[1]),
        tuple(name for name in columns[1] if name not in columns[0]),
        counted[0], counted[1], counts, {name: n for name, n in zip(fields, found or (), strict=True) if n}, db, work,
    )  # fmt: skip


def _restricted(work: Path, readable: Sequence[Path]) -> duckdb.DuckDBPyConnection:
    """A database that can read these files, and write beside itself, and nothing else."""
    db = duckdb.connect(
        str(work / "diff.duckdb"),
        config={
            "threads": THREADS, "memory_limit": MEMORY, "temp_directory": str(work / "spill"),
            "max_temp_directory_size": SPILLED, "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false", "allow_unsigned_extensions": "false", "preserve_insertion_order": "false",
        },
    )  # fmt: skip
    db.execute("LOAD '" + str(spatial_extension()).replace("'", "''") + "'")
    listed = ", ".join("'" + str(path.resolve()).replace("'", "''") + "'" for path in readable)
    db.execute(f"SET allowed_paths = [{listed}]")
    db.execute("SET enable_external_access = false")
    db.execute("SET lock_configuration = true")
    return db


def _columns(db: duckdb.DuckDBPyConnection, side: Side, table: str) -> dict[str, str]:
    """Published fields of the table that the file has, with their types. Of requests the point is in lat and long."""
    resource = side.package.resource(table)
    published = [one.name for one in resource.table.fields] if resource else []
    described = db.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(side.path.resolve())]).fetchall()
    types = {name: kind for name, kind, *_ in described}
    aside = "geometry" if {"lat", "long"} <= set(types) else ""
    return {name: types[name] for name in published if name in types and name != aside}


@dataclass(frozen=True)
class _Read:
    """One side as it is read: a view of its file by that name, the types of its columns, and the fields to compare."""

    name: str
    side: Side
    types: dict[str, str]
    fields: tuple[str, ...]

    def texts(self) -> str:
        """The fields as a list of texts."""
        return f"[{', '.join(_text(f'{self.name}.{quoted(one)}', self.types[one]) for one in self.fields)}]::VARCHAR[]"

    def rows(self, key: Sequence[str]) -> tuple[str, list[Any]]:
        """The rows that are asked for, with their keys as texts, by names that no field has."""
        keys = ", ".join(f"{_text(quoted(part), self.types[part])} AS _k{i}" for i, part in enumerate(key))
        fields = "".join(f", {quoted(one)}" for one in self.fields)
        where, params = self.side.where()
        return f"(SELECT TRUE AS _there, {keys}{fields} FROM {self.name}_file WHERE {where})", params


def _count(db: duckdb.DuckDBPyConnection, of: _Read, key: Sequence[str]) -> int:
    """How many rows one side has, each of a name of its own."""
    told = of.side.package.openward.release_id
    db.execute(
        f"CREATE VIEW {of.name}_file AS SELECT * FROM read_parquet('"
        + str(of.side.path.resolve()).replace("'", "''")
        + "')"
    )
    rows, params = of.rows(key)
    try:
        found = db.execute(
            f"SELECT sum(n)::BIGINT, max(n) FROM (SELECT count(*) AS n FROM {rows} GROUP BY {_keys(len(key))})", params
        ).fetchone()
    except (duckdb.BinderException, duckdb.CatalogException):
        raise BadRequest(f"This filter names what the release {told} does not have.") from None
    n, most = found or (0, 0)
    if (most or 0) > 1:
        raise BadRequest(f"The release {told} has two rows of one name in this table.")
    return int(n or 0)


def _keys(n: int) -> str:
    return ", ".join(f"_k{i}" for i in range(n))


def _text(column: str, kind: str) -> str:
    """A value as text: the same text for the same value, whatever its type was in either release."""
    if kind.startswith("TIMESTAMP"):
        return time_text(column)
    if kind.startswith("GEOMETRY"):
        return f"ST_AsText({column})"
    return f"{column}::VARCHAR"


def _differ(name: str, before: str, after: str) -> str:
    """Whether a field differs: as the values that they are, or as texts where the releases have it of different types."""
    sides = [f"before.{quoted(name)}", f"after.{quoted(name)}"]
    if before != after or before.startswith("GEOMETRY"):
        sides = [_text(side, kind) for side, kind in zip(sides, (before, after), strict=True)]
    return " IS DISTINCT FROM ".join(sides)


def _join(db: duckdb.DuckDBPyConnection, before: _Read, after: _Read, key: Sequence[str]) -> None:
    """Keep what differs: values become texts only there."""
    keys = range(len(key))
    same = " AND ".join(f"before._k{i} IS NOT DISTINCT FROM after._k{i}" for i in keys)
    told = ", ".join(f"coalesce(before._k{i}, after._k{i})" for i in keys)
    order = ", ".join(f"key[{i + 1}]" for i in keys)
    differ = [_differ(name, before.types[name], after.types[name]) for name in before.fields]
    only = ["before._there IS NULL", "after._there IS NULL"]
    (rows, params), (others, bound) = before.rows(key), after.rows(key)
    db.execute(
        f"""CREATE TABLE differing AS
            SELECT row_number() OVER (ORDER BY list_position(['added', 'removed', 'changed'], kind), {order}) AS place, *
            FROM (SELECT CASE WHEN before._there IS NULL THEN 'added' WHEN after._there IS NULL THEN 'removed'
                              ELSE 'changed' END AS kind, [{told}] AS key,
                         CASE WHEN before._there THEN {before.texts()} END AS old,
                         CASE WHEN after._there THEN {after.texts()} END AS new
                  FROM {rows} AS before FULL JOIN {others} AS after ON {same}
                  WHERE {" OR ".join([*only, *differ])})""",
        [*params, *bound],
    )
