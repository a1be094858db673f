"""Which adapter serves which kind of source.

Charter: the one place that knows all kinds. Their modules are imported when a
source of the kind is asked for: a city of files needs no HTTP client.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from etl.errors import ConfigError
from etl.extract.source import Adapter


class Sourced(Protocol):
    """A part of the city's YAML that says how a source is reached and what stands for blank."""

    @property
    def connection(self) -> Any:
        """One of etl.config.connections."""

    @property
    def null_values(self) -> tuple[str, ...]:
        """Values that mean nothing."""


def adapter_of(source: Sourced) -> Adapter:
    """The adapter for a source, by its connection's kind."""
    kind = str(source.connection.kind)
    if kind not in _MAKERS:
        raise ConfigError(f"kind: '{kind}' is not a kind of source; allowed: {', '.join(_MAKERS)}")
    return _MAKERS[kind]()(source.connection, source.null_values)


def _file() -> Callable[..., Adapter]:
    from etl.extract.file_source import FileAdapter

    return FileAdapter


def _socrata() -> Callable[..., Adapter]:
    from etl.extract.socrata import SocrataAdapter

    return SocrataAdapter


def _open311() -> Callable[..., Adapter]:
    from etl.extract.open311 import Open311Adapter

    return Open311Adapter


def _arcgis() -> Callable[..., Adapter]:
    from etl.extract.arcgis import ArcgisAdapter

    return ArcgisAdapter


def _ckan() -> Callable[..., Adapter]:
    from etl.extract.ckan import CkanAdapter

    return CkanAdapter


def _sql() -> Callable[..., Adapter]:
    from etl.extract.sql import SqlAdapter

    return SqlAdapter


_MAKERS: dict[str, Callable[[], Callable[..., Adapter]]] = {
    "file": _file,
    "socrata": _socrata,
    "open311": _open311,
    "arcgis": _arcgis,
    "ckan": _ckan,
    "sql": _sql,
}
