"""serve.counting: the small columns of the serving index as plain numbers in a file that is mapped into memory.

Charter: what is in the file and how it is filled. Its contract with the portal is docs/architecture.md, why it exists
docs/decisions/0012-counting-in-mapped-columns.md.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from etl.duck import identifier

FILE: Final = "serve.counting"
LABELLED: Final = ("service_code", "service_group", "department", "channel")
"""Columns whose values have labels; the boundary layers are others."""
MONTHS: Final = ("month", "closed_month")
"""Columns whose labels are months since 1970-01, every one from the first to the last."""
NUMBERS: Final = {
    "facet": "facet",
    "requested_day": "requested_date - DATE '1970-01-01'",
    "requested_at": "epoch_us(requested_datetime) // 1000000",
    "closed_at": "epoch_us(closed_datetime) // 1000000",
    "elapsed_key": "elapsed_key + 1",
    "elapsed_code": "elapsed_code + 1",
}
"""The other columns, as SQL. Nothing known is 0, and so what may be 0 itself is one more; `facet` is always known."""
_BATCH: Final = 500_000
_UNSIGNED: Final = (np.uint8, np.uint16, np.uint32)


def write_counting(db: duckdb.DuckDBPyConnection, path: Path, layers: Sequence[str]) -> None:
    """Write one number a row and column of `requests`, in the order of `rid`: an Arrow file of one record batch.

    Each column has the narrowest unsigned type that holds its numbers; none has a NULL. The schema's metadata holds
    `labels`: column -> what 1, 2, 3… stand for, and `sizes`: column -> one more than its greatest number, as JSON.
    """
    columns: dict[str, NDArray[Any]] = {}
    labels: dict[str, list[Any]] = {}
    kinds = dict(
        db.execute("SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = 'requests'").fetchall()
    )
    rows = int((db.execute("SELECT count(*) FROM requests").fetchone() or (0,))[0])
    for name in (*LABELLED, *layers):
        kind = kinds.get(name, "")
        if kind.startswith("ENUM"):
            labels[name] = list((db.execute(f"SELECT enum_range(NULL::{kind})").fetchone() or ([],))[0])
            columns[name] = _numbers(db, f"enum_code({identifier(name)})::UINTEGER + 1", rows)
        else:  # a column without any value
            labels[name], columns[name] = [], np.zeros(rows, np.uint8)
    for name in MONTHS:
        first, last = db.execute(f"SELECT min({name}), max({name}) FROM requests").fetchone() or (None, None)  # noqa: S608
        labels[name] = [] if first is None else list(range(first, last + 1))
        columns[name] = _numbers(db, f"{name}::INTEGER - {first or 0} + 1", rows)
    for name, value in NUMBERS.items():
        columns[name] = _numbers(db, value, rows)
    schema = pa.schema(
        [pa.field(name, pa.from_numpy_dtype(values.dtype), nullable=False) for name, values in columns.items()],
        {
            "labels": json.dumps(labels, ensure_ascii=False),
            "sizes": json.dumps({name: int(values.max(initial=0)) + 1 for name, values in columns.items()}),
        },
    )
    batch = pa.record_batch([pa.array(values) for values in columns.values()], schema=schema)
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, schema) as writer:
        writer.write_batch(batch)


def _numbers(db: duckdb.DuckDBPyConnection, value: str, rows: int) -> NDArray[Any]:
    """A column in the order of `rid` (as rows lie, which DuckDB keeps), 0 for NULL, in the narrowest type."""
    greatest = np.iinfo(np.uint32).max
    sql = f"SELECT greatest(least(coalesce({value}, 0), {greatest}), 0)::UINTEGER AS v FROM requests"  # noqa: S608 - rows come as they lie
    found = np.empty(rows, np.uint32)
    at = 0
    for batch in db.execute(sql).to_arrow_reader(_BATCH):
        found[at : at + len(batch)] = batch.column(0).to_numpy()
        at += len(batch)
    most = int(found.max(initial=0))
    return found.astype(next(kind for kind in _UNSIGNED if most <= np.iinfo(kind).max))
