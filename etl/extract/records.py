"""Records as systems send them, kept as received and read as tables of text.

Charter: what the adapters of network systems share: JSON without loss, pages
in a raw copy, nested values by dotted names. No system's own rules.
"""

from __future__ import annotations

import datetime as dt
import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

import httpx
import pyarrow as pa

from etl.errors import MappingError, SourceError, SourceUnavailable
from etl.extract.files import ROW_NUMBER, MalformedRows
from etl.extract.raw import Part, RawCopy, RawWriter
from etl.extract.source import Fetching, Known, Progress
from etl.extract.transport import Garbled, Transport

Record = Mapping[str, Any]
COLUMNS_NOTED = 2_000
ISO = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:\.(\d+))?)?\s*(Z|[+-]\d\d:?\d\d)?$")


class Number(str):
    """A number as the source writes it: 1.10 stays 1.10, and no digit of a long one is lost."""

    __slots__ = ()


def parse_json(data: bytes) -> Any:
    """A JSON document whose numbers are kept as text; ValueError where it is none."""
    return json.loads(data, parse_float=Number, parse_int=Number, parse_constant=lambda _: None)


def get_json(
    transport: Transport,
    url: str,
    params: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    check: Callable[[Any], object] | None = None,
) -> tuple[httpx.Response, Any]:
    """An answer and the document in it; a document that breaks off, or that `check` calls Garbled, is asked again."""
    found: list[Any] = []

    def whole(response: httpx.Response) -> None:
        try:
            document = parse_json(response.content)
        except (ValueError, RecursionError) as error:
            # What begins like JSON broke off; anything else is another kind of thing.
            begun = response.content.lstrip()[:1] in (b"{", b"[", b"")
            if begun:
                raise Garbled("sends JSON that breaks off") from error
            raise Garbled("sends something that is not JSON", SourceError) from error
        if check:
            check(document)
        found[:] = [document]

    return transport.get(url, params, headers, whole), found[0]


def list_of_records(document: Any) -> list[dict[str, Any]]:
    """The document itself if it is a list of records, else Garbled."""
    if isinstance(document, list) and all(isinstance(record, dict) for record in document):
        return document
    raise Garbled("sends something that is not a list of records", SourceError)


# --- pages of a raw copy ---------------------------------------------------------------------


def compress(data: bytes) -> bytes:
    """Gzip without a time in it: the same bytes have the same checksum."""
    return gzip.compress(data, compresslevel=6, mtime=0)


def add_part(writer: RawWriter, name: str, body: bytes, note: Mapping[str, Any]) -> Part:
    """Keep a body as it was received, compressed."""
    return writer.add(f"{name}.gz", compress(body), note)


def read_part(copy: RawCopy, part: Part) -> bytes:
    """A part's body as it was received; SourceError if it is damaged."""
    path = copy.path(part)
    try:
        return unpack(path.read_bytes(), path)
    except OSError as error:
        raise SourceError(f"{path}: this part of a raw copy cannot be read; restore it from a backup") from error


def unpack(data: bytes, path: Path) -> bytes:
    """What `compress` made small."""
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(f"{path}: this part of a raw copy is damaged; restore it from a backup") from error


def names_in(records: Iterable[Record]) -> list[str]:
    """Names of the values in records, dotted where nested, in order of appearance."""
    names: dict[str, None] = {}
    for record in records:
        _names(record, "", names)
    return list(names)[:COLUMNS_NOTED]


def _names(record: Record, prefix: str, names: dict[str, None]) -> None:
    for key, value in record.items():
        if isinstance(value, dict) and value:
            _names(value, f"{prefix}{key}.", names)
        else:
            names[f"{prefix}{key}"] = None


def columns_of(parts: Iterable[Part], stated: Mapping[str, str]) -> dict[str, str]:
    """What a source states of its columns, and after these what its pages hold besides (their notes' `columns`)."""
    found = dict(stated)
    for part in parts:
        for name in part.note.get("columns", ()):
            found.setdefault(name, "")
    return found


def require(copy: RawCopy, columns: Sequence[str]) -> None:
    """MappingError that names each of the columns that a copy does not have, and those that it has."""
    there = copy.columns
    missing = [c for c in columns if not _has(there, c)]
    if missing:
        names = ", ".join(f"'{c}'" for c in missing)
        plural, verb = ("s", "are") if len(missing) > 1 else ("", "is")
        has = ", ".join(there) or "no columns at all"
        raise MappingError(f"{copy.source}: column{plural} {names} {verb} missing; the source has {has}")


def _has(there: Mapping[str, str], column: str) -> bool:
    """Also a value within a column, such as location.latitude in location, or point.coordinates.0."""
    if column in there or any(name.startswith(f"{column}.") for name in there):
        return True
    parts = column.split(".")
    return any(".".join(parts[:n]) in there for n in range(1, len(parts)))


C = TypeVar("C")
"""The model of a kind of connection."""


class Paged:
    """The reading half of an adapter whose copies are pages of records: parts whose note has `rows`."""

    def __init__(self, null_values: Sequence[str]) -> None:
        """Values that are one of `null_values` are read as blank."""
        self._blank = frozenset(null_values)

    def reader(self, copy: RawCopy) -> Callable[[bytes], Sequence[Record]]:
        """What makes records of the pages of a copy, called page by page; JSON lists unless a kind says otherwise."""
        del copy
        return parse_json

    def columns(self, copy: RawCopy) -> dict[str, str]:
        """As the source states them, with those that only its records show."""
        return dict(copy.columns)

    def tables(
        self,
        copy: RawCopy,
        columns: Sequence[str],
        malformed: MalformedRows,  # noqa: ARG002 - a page is well-formed as a whole or not kept
        progress: Progress,
    ) -> Iterator[pa.Table]:
        """The named columns of every page of a copy, one table a page."""
        require(copy, columns)
        row, done, read = 1, 0, self.reader(copy)
        for part in copy.parts:
            done += part.bytes
            if part.note.get("rows"):
                records = read(read_part(copy, part))
                data = {c: pa.array([self._text(pick(r, c)) for r in records], pa.string()) for c in columns}
                data[ROW_NUMBER] = pa.array(range(row, row + len(records)), pa.int64())
                row += len(records)
                if records:
                    yield pa.table(data)
            progress(done, copy.bytes)

    def _text(self, value: Any) -> str | None:
        found = text(value)
        return None if found is None or found in self._blank else found


class Asked(Paged, Generic[C]):
    """An adapter that asks a system by HTTP, as its connection says."""

    def __init__(
        self, connection: C, null_values: Sequence[str], transport: Callable[..., Transport] = Transport
    ) -> None:
        """`transport` makes the HTTP client, so that a test can do without waiting."""
        super().__init__(null_values)
        self._connection, self._transport = connection, transport


def pick(record: Record, column: str) -> Any:
    """A value by its name, or by its dotted name within nested records and lists."""
    if column in record:
        return record[column]
    found: Any = record
    for key in column.split("."):
        if isinstance(found, Mapping):
            found = found.get(key)
        elif isinstance(found, list) and key.isdecimal() and int(key) < len(found):
            found = found[int(key)]
        else:
            return None
    return found


def text(value: Any) -> str | None:
    """A value as the source writes it; lists and records as JSON."""
    if value is None or isinstance(value, str):
        return None if value is None else str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        return _json(value)
    return str(value)


def _json(value: Any) -> str:
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(k, ensure_ascii=False)}:{_json(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_json(v) for v in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def finish(
    writer: RawWriter,
    known: Known,
    *,
    whole: bool,
    watermark: Mapping[str, Any] | None,
    columns: Mapping[str, str],
    as_of: dt.datetime | None = None,
) -> RawCopy | None:
    """The finished copy; None, and nothing kept, where it brings nothing new.

    A source that held records and is empty now is most likely being loaded anew: taken as it stands, everything
    would be withdrawn, so that it is SourceUnavailable.
    """
    pages = [part for part in writer.parts if part.note.get("rows")]
    same = watermark is None and known.sha256 is not None and known.sha256 == _digest(writer)
    if same or not (pages or whole):
        writer.drop()
        return None
    if not pages and known.whole_at is not None:
        name = writer.folder.parent.name
        writer.drop()
        raise SourceUnavailable(
            f"{name}: the source is empty, though it was not before; look at it, or run again later"
        )
    return writer.finish(whole=whole, watermark=watermark, as_of=as_of, columns=columns)


def _digest(writer: RawWriter) -> str:
    now = dt.datetime.min.replace(tzinfo=dt.UTC)
    return RawCopy(writer.folder, "", "", now, writer.parts, True, None, None, {}).sha256


# --- from where on ---------------------------------------------------------------------------


def wants_whole(known: Known, fetching: Fetching, refresh_days: float | None) -> bool:
    """True before the first load, and when the last whole copy is older than the source may have it."""
    if known.watermark is None:
        return True
    if refresh_days is None:
        return False
    return known.whole_at is None or fetching.now - known.whole_at >= dt.timedelta(days=refresh_days)


def moment(value: object) -> dt.datetime | None:
    """An ISO 8601 time as UTC (a time without a zone is taken as UTC), None where it is none."""
    match = ISO.match(str(value).strip()) if value is not None else None
    if not match:
        return None
    day, clock, fraction, zone = match.groups()
    clock = clock or "00:00:00"
    micro = (fraction or "0")[:6].ljust(6, "0")
    try:
        found = dt.datetime.fromisoformat(
            f"{day}T{clock if len(clock) == 8 else f'{clock}:00'}.{micro}{'+00:00' if zone in (None, 'Z') else zone}"
        )
        return found.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None


def stamp(value: dt.datetime, timespec: str = "milliseconds") -> str:
    """A moment as ISO 8601 with Z."""
    return value.astimezone(dt.UTC).replace(tzinfo=None).isoformat(timespec=timespec) + "Z"


def before(value: dt.datetime, **much: float) -> dt.datetime:
    """So much before a moment, but not before the first year there is."""
    try:
        return value - dt.timedelta(**much)
    except OverflowError:
        return dt.datetime.min.replace(tzinfo=dt.UTC)
