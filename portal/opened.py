"""Opens a release's index read-only, with no way to any other file or host: once for questions, once apart for streams.

Charter: DuckDB's settings. Streams read through a small cache of their own, so that a download of all rows neither grows
the process nor pushes out what pages are answered from (5 million rows through the one cache: 800 MB more from a cold
start; apart: 105).
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, cast

import duckdb
import duckdb_extension_spatial
import pyarrow as pa

from portal.errors import NoRelease
from portal.settings import PortalSettings

_NO_WAY_OUT: Final[dict[str, Any]] = {
    "allow_unsigned_extensions": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "temp_directory": "",
}
_opening = threading.Lock()


def connect(index: Path, settings: PortalSettings) -> duckdb.DuckDBPyConnection:
    """For questions. Within a process DuckDB shares one instance per file. NoRelease if it cannot be opened."""
    if not index.is_file():
        raise NoRelease(f"The release {index.parent.name} has no {index.name}: publish it again.")
    options: dict[str, Any] = {
        "threads": settings.duckdb_threads,
        "memory_limit": settings.memory_limit,
        # Group-bys over small-integer and ENUM columns then use a plain array of 2^24 cells:
        # 10-40 ms on 10 million rows instead of 60-400.
        "perfect_ht_threshold": 24,
        # Rows looked up by their places: up to so many, only the parts of the table that hold them are read
        # (100 of 10 million, all fields: 34 ms of the processor instead of 410).
        "dynamic_or_filter_threshold": 1000,
    }
    try:
        with _opening:
            connection = duckdb.connect(str(index), read_only=True, config=options | _NO_WAY_OUT)
            # The instance may have been shut in already.
            if not connection.execute("SELECT current_setting('lock_configuration')").fetchall()[0][0]:
                _shut_in(connection)
    except duckdb.Error as error:
        raise NoRelease(f"The release {index.parent.name} cannot be opened: {error}") from error
    return connection


class Apart:
    """The same index through an instance of its own, opened when it is first needed. Safe to use from several threads."""

    def __init__(self, index: Path, settings: PortalSettings) -> None:
        self._index, self._settings = index, settings
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._lock = threading.Lock()

    def table(self, sql: str, params: Sequence[Any]) -> pa.Table:
        """The columns of a query."""
        with self._cursor() as cursor:
            return cursor.execute(sql, list(params)).to_arrow_table()

    def close(self) -> None:
        """Close it; queries under way are interrupted."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        with self._lock:
            if self._connection is None:
                self._connection = self._open()
            cursor = self._connection.cursor()
        cursor.execute("USE release")  # it is not handed on to a cursor
        return cursor

    def _open(self) -> duckdb.DuckDBPyConnection:
        options: dict[str, Any] = {
            "threads": self._settings.duckdb_threads,
            "memory_limit": self._settings.stream_memory_limit,
        }
        connection = duckdb.connect(":memory:", config=options | _NO_WAY_OUT)
        # The path is the release's own folder; ATTACH takes no parameters.
        connection.execute(f"ATTACH {_text(self._index)} AS release (READ_ONLY)")
        _shut_in(connection)
        return connection


def spatial_extension() -> Path:
    """The spatial extension's file inside its wheel, so that nothing is ever fetched; DuckDB checks its signature."""
    root = Path(cast(str, duckdb_extension_spatial.__path__[0]))
    path = root / "extensions" / f"v{duckdb.__version__}" / "spatial.duckdb_extension"
    if not path.is_file():
        raise NoRelease(
            f"duckdb {duckdb.__version__} and duckdb-extension-spatial do not match: install the same version of both."
        )
    return path


def _shut_in(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(f"LOAD {_text(spatial_extension())}")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _text(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
