"""DuckDB as the release's builder: a connection with the spatial extension from its wheel, no network."""

from __future__ import annotations

from pathlib import Path

import duckdb
import duckdb_extension_spatial

from etl.errors import ReleaseError


def builder(
    path: Path | str, *, threads: int = 2, memory: str = "2GB", temp: Path | None = None
) -> duckdb.DuckDBPyConnection:
    """Open a database for building; ReleaseError if the spatial extension's wheel does not fit this DuckDB."""
    connection = duckdb.connect(str(path), config={"threads": threads, "memory_limit": memory})
    if temp is not None:
        connection.execute("SET temp_directory = ?", [str(temp)])
    root = Path(duckdb_extension_spatial.__path__[0]) / "extensions"
    extension = root / f"v{duckdb.__version__}" / "spatial.duckdb_extension"
    if not extension.exists():
        connection.close()
        raise ReleaseError(
            f"duckdb-extension-spatial has no build for DuckDB {duckdb.__version__}; install the same version of both"
        )
    connection.load_extension(str(extension))
    return connection


def quoted(path: Path) -> str:
    """A path as an SQL literal, for ATTACH and COPY, which take no parameter there."""
    return "'" + str(path).replace("'", "''") + "'"
