"""One small question to a source: does it answer, and with the columns that the city's YAML maps?

Charter: asking without fetching. Nothing is kept, nothing is tried twice, and
no answer is waited for longer than a few seconds.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from etl.config.connections import (
    ArcgisConnection,
    CkanConnection,
    FileConnection,
    Open311Connection,
    Patience,
    SocrataConnection,
    SqlConnection,
)
from etl.errors import ConfigError, SourceError, SourceUnavailable
from etl.extract import formats, records
from etl.extract.transport import Transport, secret_of

WEB = ("http://", "https://")


@dataclass(frozen=True)
class Answer:
    """What a source said. `columns` is None where one small question cannot tell them."""

    told: str
    columns: frozenset[str] | None = None


class _Enough(Exception):
    """The first bytes of a download are there: that is all a probe wants."""


def probe(source: Any, base: Path, timeout: float) -> Answer:
    """Ask a source (a part of the YAML) once; any EtlError says what keeps it from answering. `base` is the YAML's folder."""
    connection = source.connection
    patience = Patience(timeout_seconds=timeout, attempts=1, longest_wait_seconds=0)
    if isinstance(connection, FileConnection):
        return _file(connection, source.null_values, base, patience)
    return _SYSTEMS[connection.kind](connection, patience)


def missing_columns(source: Any, answer: Answer) -> list[str]:
    """Mapped columns that the source does not have; a nested one (location.latitude) counts by its first part."""
    if answer.columns is None:
        return []
    nested = not isinstance(source.connection, FileConnection)
    there = answer.columns | {name.partition(".")[0] for name in answer.columns}
    return [
        name
        for name in source.source_columns()
        if name not in answer.columns and not (nested and name.partition(".")[0] in there)
    ]


def _file(connection: FileConnection, null_values: tuple[str, ...], base: Path, patience: Patience) -> Answer:
    path = connection.path
    if not path:
        raise ConfigError("has no file of its own; every run needs --input for it")
    if path.lower().startswith(WEB):
        return _download(path, connection, patience)
    if "://" in path and not path.lower().startswith("file://"):
        from etl.extract.remote import RemoteFile

        shown = path.partition("?")[0]
        _, size = RemoteFile(path, shown, connection.model_copy(update={"patience": patience})).version()
        return Answer(f"{shown} is there{f', {size:,} bytes' if size is not None else ''}")
    local = base / path.removeprefix("file://")
    try:
        with local.open("rb") as file:
            empty = not file.read(1)
    except OSError as error:
        raise SourceError(f"{local}: cannot be read ({error.strerror}); check the path and its permissions") from error
    if empty:
        raise SourceError(f"{local}: is empty; there is nothing to load")
    columns = formats.open_table(local, str(local), connection, null_values).columns()
    return Answer(f"{local} can be read, {local.stat().st_size:,} bytes", frozenset(columns))


def _download(url: str, connection: FileConnection, patience: Patience) -> Answer:
    """The first bytes of a file on the web: a server that knows no ranges would send all of it."""
    token = secret_of(connection.token_env)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    values = [pair.partition("=")[2] for pair in url.partition("?")[2].split("&")]
    secrets = [secret for secret in (token, *values) if secret]
    shown = url.partition("?")[0]
    sizes: list[int | None] = []

    def enough(_done: int, total: int | None) -> None:
        sizes.append(total)
        raise _Enough

    with (
        tempfile.TemporaryDirectory() as folder,
        Transport(patience, headers=headers, secrets=secrets) as transport,
    ):
        try:
            transport.download(url, Path(folder) / "head", progress=enough)
        except _Enough:
            size = f", {sizes[0]:,} bytes" if sizes[0] is not None else ""
            return Answer(f"{shown} is there{size}")
    raise SourceUnavailable(f"{shown}: answers with nothing; run again later")


def _socrata(connection: SocrataConnection, patience: Patience) -> Answer:
    token = secret_of(connection.app_token_env)
    headers = {"Accept": "application/json", **({"X-App-Token": token} if token else {})}
    url = f"{connection.url}/resource/{connection.dataset}.json"
    with Transport(patience, headers=headers, secrets=[token] if token else []) as transport:
        answer, rows = records.get_json(transport, url, {"$limit": "1"})
    if not isinstance(rows, list):
        raise SourceError(f"{url}: sends something else than rows; check the address and the kind of the source")
    try:
        columns = frozenset(map(str, json.loads(answer.headers["x-soda2-fields"])))
    except (KeyError, ValueError, TypeError):
        return Answer(
            f"{url} answers"
        )  # a row leaves out what is blank in it, so that it tells no column to be missing
    return Answer(f"{url} answers", columns)


def _open311(connection: Open311Connection, patience: Patience) -> Answer:
    key = secret_of(connection.api_key_env)
    url = connection.url if connection.discovery else f"{connection.url}/services.{connection.format}"
    common = {"jurisdiction_id": connection.jurisdiction_id, "api_key": key}
    params = {} if connection.discovery else {name: value for name, value in common.items() if value}
    with Transport(patience, secrets=[key] if key else []) as transport:
        transport.get(url, params)
    return Answer(f"{url} answers")


def _arcgis(connection: ArcgisConnection, patience: Patience) -> Answer:
    token = secret_of(connection.token_env)
    params = {"f": "json", **({"token": token} if token else {})}
    with Transport(patience, secrets=[token] if token else []) as transport:
        _, document = records.get_json(transport, connection.url, params)
        _must_be_document(connection.url, document, transport)
    fields = [f for f in document.get("fields") or () if isinstance(f, dict)]
    if not fields:
        raise SourceError(f"{connection.url}: is no layer with fields; the address must end with the layer's number")
    return Answer(
        f"{connection.url} answers", frozenset([*(str(f.get("name")) for f in fields), "x", "y", "attributes"])
    )


def _ckan(connection: CkanConnection, patience: Patience) -> Answer:
    token = secret_of(connection.token_env)
    api = connection.url if connection.url.endswith("/api/3/action") else f"{connection.url}/api/3/action"
    url = f"{api}/datastore_search"
    headers = {"Authorization": token} if token else {}
    with Transport(patience, headers=headers, secrets=[token] if token else []) as transport:
        _, document = records.get_json(transport, url, {"resource_id": connection.resource, "limit": "1"})
        _must_be_document(url, document, transport)
    result = document.get("result")
    fields = result.get("fields") if isinstance(result, dict) else None
    if not isinstance(fields, list):
        raise SourceError(f"{url}: sends something that no CKAN portal sends; check the address")
    return Answer(f"{url} answers", frozenset(str(f.get("id")) for f in fields if isinstance(f, dict)))


def _must_be_document(url: str, document: Any, transport: Transport) -> None:
    if not isinstance(document, dict):
        raise SourceError(f"{url}: sends something else than a description; check the kind of the source")
    if document.get("error"):
        said = transport.clean(json.dumps(document["error"], ensure_ascii=False))[:200]
        raise SourceError(f"{url}: answers with an error ({said}); check the source's settings and its token")


def _sql(connection: SqlConnection, patience: Patience) -> Answer:
    address = secret_of(connection.url_env) or ""
    place = f"the database of {connection.url_env}"
    try:
        url = sa.make_url(address)
        if url.get_backend_name() == "sqlite" and url.database and not Path(url.database).exists():
            raise SourceError(f"{place}: its file does not exist; check the path")  # SQLite would make an empty one
        wait = {"connect_timeout": max(1, int(patience.timeout_seconds))} if _is_postgres(url) else {}
        engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args=wait)
    except (ArgumentError, NoSuchModuleError, ImportError, ValueError) as error:
        raise ConfigError(
            f"{place}: cannot be opened ({type(error).__name__}); check the URL and that its driver is installed"
        ) from None
    try:
        with engine.connect() as database:
            database.execute(sa.select(sa.literal(1)))
    except SQLAlchemyError as error:
        # The driver's words may hold the address: only its kind of trouble is told.
        raise SourceUnavailable(
            f"{place}: does not answer ({type(error).__name__}); check the URL, the password and the network"
        ) from None
    return Answer(f"{place} answers")


def _is_postgres(url: sa.URL) -> bool:
    return url.get_backend_name() == "postgresql"


_SYSTEMS: Mapping[str, Callable[[Any, Patience], Answer]] = {
    "socrata": _socrata,
    "open311": _open311,
    "arcgis": _arcgis,
    "ckan": _ckan,
    "sql": _sql,
}
