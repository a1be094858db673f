"""DuckDB as the ETL's work bench: connections with extensions from their wheels, and no network.

Charter: opening, and the little that both the store's bulk moves and the release's builder need.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import duckdb
import duckdb_extension_spatial

from etl.errors import ReleaseError


def builder(
    path: Path | str, *, threads: int = 2, memory: str = "700MB", temp: Path | None = None, spatial: bool = True
) -> duckdb.DuckDBPyConnection:
    """Open a database for building; ReleaseError if an extension's wheel does not fit this DuckDB.

    `spatial` is False where no geometry is made: the extension takes a fifth of a second to load.
    """
    connection = duckdb.connect(str(path), config={"threads": threads, "memory_limit": memory})
    if temp is not None:
        connection.execute("SET temp_directory = ?", [str(temp)])
    connection.execute("SET autoinstall_known_extensions = false")
    connection.execute("SET autoload_known_extensions = false")
    try:
        if spatial:
            load_extension(connection, duckdb_extension_spatial, "spatial")
    except ReleaseError:
        connection.close()
        raise
    return connection


def load_extension(connection: duckdb.DuckDBPyConnection, wheel: ModuleType, name: str) -> None:
    """Load an extension's signed binary out of its wheel."""
    file = Path(wheel.__path__[0]) / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"
    if not file.exists():
        raise ReleaseError(
            f"{wheel.__name__} has no build for DuckDB {duckdb.__version__}; install the same version of both"
        )
    connection.load_extension(str(file))


def quoted(path: Path | str) -> str:
    """A path or a word as an SQL literal, for ATTACH and COPY, which take no parameter there."""
    return "'" + str(path).replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
