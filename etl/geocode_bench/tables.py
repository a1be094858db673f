"""Reference tables and texts as Parquet files, so that a measured process does nothing but what is measured.

Charter: writing and reading of the contract's dataclasses of arrays; the files live in a temporary folder.
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from geo.geocoding.model import Places, Points, Segments

Table = TypeVar("Table", Segments, Points, Places)


def save(table: Segments | Points | Places, file: Path) -> None:
    """Write one of the contract's tables."""
    columns: dict[str, Any] = {}
    for field in fields(table):
        value = getattr(table, field.name)
        if field.name == "alternates":
            columns |= {f"alternates_{k}": pa.array(column) for k, column in enumerate(value)}
        else:
            columns[field.name] = pa.array(shapely.to_wkb(value) if field.name == "geometry" else value)
    pq.write_table(pa.table(columns), file)


def load(kind: type[Table], file: Path) -> Table:
    """Read one of the contract's tables."""
    columns = pq.read_table(file)
    values: dict[str, Any] = {}
    for field in fields(kind):
        if field.name == "alternates":
            names = [n for n in columns.column_names if n.startswith("alternates_")]
            values["alternates"] = tuple(_array(columns[n]) for n in names)
        else:
            value = _array(columns[field.name])
            values[field.name] = shapely.from_wkb(value) if field.name == "geometry" else value
    return kind(**values)


def _array(column: pa.ChunkedArray) -> Any:
    values = column.to_numpy()
    return values if values.dtype != object else np.asarray(column.to_pandas(deduplicate_objects=True), dtype=object)


def save_texts(texts: list[str], file: Path) -> None:
    """Write texts, one a row."""
    pq.write_table(pa.table({"text": texts}), file)


def load_texts(file: Path) -> list[str]:
    """Read texts."""
    texts: list[str] = pq.read_table(file)["text"].to_pylist()
    return texts
