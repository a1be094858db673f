"""serve.counting: the small columns of the serving index as plain numbers in a file that is mapped into memory.

Charter: what is in the file and how it is filled. Its contract with the portal is docs/architecture.md, why it exists
docs/decisions/0012-counting-in-mapped-columns.md.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa

from etl.duck import identifier, quoted

FILE: Final = "serve.counting"
LABELLED: Final = (
    "service_code", "service_group", "department", "status", "outcome", "channel", "on_time", "source",
    "location_source", "location_precision", "geocode_method", "location_note", "flags",
)  # fmt: skip
"""Columns whose values have labels; the boundary layers are others."""
MONTHS: Final = ("month", "closed_month")
"""Columns whose labels are months since 1970-01, every one from the first to the last."""
NUMBERS: Final = {
    "facet": "facet",
    "requested_day": "requested_date - DATE '1970-01-01'",
    "requested_at": "epoch_us(requested_datetime) // 1000000",
    "closed_at": "epoch_us(closed_datetime) // 1000000",
    "gx": "gx",
    "gy": "gy",
    "cell": "cell + 1",
    "radius_m": "round(geocode_radius_m)",
    "elapsed_key": "elapsed_key + 1",
    "elapsed_code": "elapsed_code + 1",
}
"""The other columns, as SQL. Nothing known is 0, and so what may be 0 itself is one more; `facet` is always known."""
TEXT: Final = "service_request_id"
"""The one column of text: what a single point on the map is called by."""
_BATCH: Final = 250_000
_MOST: Final = 2**32 - 1
_MOST_DAYS: Final = 36_500
_DAY_US: Final = 86_400_000_000
_UNSIGNED: Final = {
    2**8 - 1: ("UTINYINT", pa.uint8()),
    2**16 - 1: ("USMALLINT", pa.uint16()),
    _MOST: ("UINTEGER", pa.uint32()),
}


def write_counting(db: duckdb.DuckDBPyConnection, path: Path, layers: Sequence[str]) -> None:
    """Write one number a row and column of `requests`, in the order of `rid`: an Arrow file of one record batch.

    Each column has the narrowest unsigned type that holds its numbers; none has a NULL. The schema's metadata holds
    `labels`: column -> what 1, 2, 3… stand for, and `sizes`: column -> one more than its greatest number, as JSON.
    """
    known = _columns_of(db)
    labels, values = _labelled_columns(db, layers, known)
    most = [len(several) for several in labels.values()]
    numbers = {
        name: number if name != "radius_m" or "geocode_radius_m" in known else "0" for name, number in NUMBERS.items()
    }
    numbers["age_days"] = _age_days(db)
    told = ", ".join(f"greatest(coalesce(max({number}), 0), 0)" for number in numbers.values())
    most += [min(int(n), _MOST) for n in db.execute(f"SELECT {told} FROM requests").fetchone() or ()]  # noqa: S608
    values |= {name: f"greatest(least(coalesce({number}, 0), {_MOST}), 0)" for name, number in numbers.items()}
    kinds = [next(kind for limit, kind in _UNSIGNED.items() if n <= limit) for n in most]
    schema = pa.schema(
        [
            *(pa.field(name, arrow, nullable=False) for name, (_, arrow) in zip(values, kinds, strict=True)),
            pa.field(TEXT, pa.large_utf8(), nullable=False),
        ],
        {
            "labels": json.dumps(labels, ensure_ascii=False),
            "sizes": json.dumps({name: n + 1 for name, n in zip(values, most, strict=True)}),
        },
    )
    read = ", ".join(f"coalesce({value}, 0)::{sql}" for value, (sql, _) in zip(values.values(), kinds, strict=True))
    table = pa.Table.from_batches(_batches(db, f"{read}, {TEXT}", schema), schema)
    whole = (
        pa.record_batch([pa.concat_arrays(column.chunks) for column in table.columns], schema) if len(table) else None
    )
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, schema) as writer:
        writer.write_batch(whole or pa.record_batch([pa.array([], field.type) for field in schema], schema))


def _batches(db: duckdb.DuckDBPyConnection, columns: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The rows as they lie, which is the order of `rid` and which DuckDB keeps."""
    for batch in db.execute(f"SELECT {columns} FROM requests").to_arrow_reader(_BATCH):  # noqa: S608
        arrays = [column.cast(field.type) for column, field in zip(batch.columns, schema, strict=True)]
        yield pa.record_batch(arrays, schema)


def _labelled_columns(
    db: duckdb.DuckDBPyConnection, layers: Sequence[str], kinds: Mapping[str, str]
) -> tuple[dict[str, list[Any]], dict[str, str]]:
    """The labels of those columns that have some, and their numbers as SQL: NULL or the place among them, from 1 on."""
    labels: dict[str, list[Any]] = {}
    values: dict[str, str] = {}
    for name in (*LABELLED, *layers):
        labels[name], values[name] = _labelled(db, name, kinds.get(name))
    for name in MONTHS:
        first, last = db.execute(f"SELECT min({name}), max({name}) FROM requests").fetchone() or (None, None)  # noqa: S608
        labels[name] = [] if first is None else list(range(first, last + 1))
        values[name] = f"{name}::INTEGER - {(first or 0) - 1}"
    return labels, values


def _age_days(db: duckdb.DuckDBPyConnection) -> str:
    """Whole days from the report to the closing, or to the as-of time, and 1 more; all beyond a century are one."""
    found = db.execute("SELECT value FROM meta WHERE key = 'as_of'").fetchone()
    as_of = round(dt.datetime.fromisoformat(json.loads(found[0])).timestamp()) * 1_000_000 if found else "NULL"
    open_us = (
        f"(CASE WHEN status = 'open' THEN {as_of} ELSE epoch_us(closed_datetime) END - epoch_us(requested_datetime))"
    )
    return f"CASE WHEN {open_us} >= 0 THEN least({open_us} // {_DAY_US}, {_MOST_DAYS}) + 1 END"


def _columns_of(db: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Names and types of the index's columns of requests."""
    sql = "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = 'requests'"
    return dict(db.execute(sql).fetchall())


def _labelled(db: duckdb.DuckDBPyConnection, name: str, kind: str | None) -> tuple[list[str], str]:
    """A column's labels, and its number as SQL: the place among them, from 1 on."""
    column = identifier(name)
    if kind is None:  # not published
        return [], "NULL"
    if kind.startswith("ENUM"):
        found = db.execute(f"SELECT enum_range(NULL::{kind})").fetchone()
        return list(found[0] if found else []), f"enum_code({column})::UINTEGER + 1"
    found = db.execute(f"SELECT list(DISTINCT {column} ORDER BY {column}) FROM requests").fetchone()  # noqa: S608
    labels = [value for value in (found[0] if found and found[0] else []) if value is not None]
    places: Mapping[str, int] = {label: i + 1 for i, label in enumerate(labels)}
    told = " ".join(f"WHEN {quoted(label)} THEN {place}" for label, place in places.items())
    return labels, f"CASE {column} {told} END" if told else "NULL"
