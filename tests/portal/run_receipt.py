"""Runs a receipt as its reader would: DuckDB alone, in the folder of the release's public files."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import duckdb

from portal.opened import spatial_extension
from portal.receipts import Receipt
from portal.release import Release

_folder = threading.Lock()


def run(release: Release, told: Receipt) -> dict[str, dict[str, Any]]:
    """Rows by their key ('' where the answer is one row), each as column -> value."""
    return rows_of(release.folder, told.sql, told.kind.keyed)


def rows_of(folder: Path, sql: str, keyed: bool) -> dict[str, dict[str, Any]]:
    """The same of any SQL that names the release's files."""
    with _folder, duckdb.connect() as reader:
        reader.execute("SET file_search_path = ?", [os.fspath(folder)])
        if "ST_" in sql:  # of an outline: a reader has the extension from DuckDB, this machine has it from a wheel
            reader.execute("LOAD '" + os.fspath(spatial_extension()).replace("'", "''") + "'")
        found = reader.execute(sql)
        names = [column[0] for column in found.description or []]
        rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    if keyed:
        return {str(row[names[0]]): row for row in rows}
    assert len(rows) == 1
    return {"": rows[0]}
