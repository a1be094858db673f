"""Delimited text files (plain, gzip or in a zip) as a stream of Arrow tables of text.

Charter: from a path to chunks of strings, in flat memory, with one clear line
for every way in which a file can fail to be a table.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv

from etl.errors import SourceError
from etl.extract import tabular
from etl.extract.packed import GZIP_MAGIC, Content
from etl.extract.tabular import ROW_NUMBER as ROW_NUMBER  # noqa: PLC0414 - callers know it by this module

BLOCK_BYTES = 16 << 20
MAX_HEADER_BYTES = 1 << 20
MAX_ROWS = 1 << 17
WEB_PAGE = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype|html)\b", re.IGNORECASE)
KNOWN_BINARY = {
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"PAR1": "a Parquet file",
    b"SQLite format 3": "a database",
    b"%PDF": "a PDF document",
}


@dataclass
class MalformedRows:
    """Rows that could not be split into the header's columns: (row number, text)."""

    rows: list[tuple[int | None, str]] = field(default_factory=list)


@dataclass(frozen=True)
class DelimitedFile:
    """One readable delimited file; `open_delimited` makes it."""

    content: Content
    delimiter: str
    encoding: str
    header: tuple[str, ...]
    null_values: tuple[str, ...]
    bytes_total: int

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self.content.path

    def require(self, columns: Sequence[str]) -> None:
        """MappingError that names each of the columns that the header does not have, and those that it has."""
        tabular.require(self.content.name, columns, self.header)

    def chunks(
        self, columns: Sequence[str], malformed: MalformedRows, progress: Callable[[int], None] | None = None
    ) -> Iterator[pa.Table]:
        """Tables of the named columns, all text, nulls where the file is blank, plus `__row__` (the first well-formed record is 1).

        `progress` gets the number of bytes of the file taken so far. Rows with too many or too few fields go
        to `malformed`. MappingError names columns that are not there; SourceError a file that breaks off.
        """
        self.require(columns)

        def keep(row: pacsv.InvalidRow) -> str:
            malformed.rows.append((row.number, row.text or ""))
            return "skip"

        with self.content.opened() as (plain, taken):
            stream = pa.PythonFile(plain, "rb")
            if codecs.lookup(self.encoding).name == "utf-8":
                stream = pa.PythonFile(_CheckedUtf8(plain, self.content.name), "rb")
            try:
                reader = pacsv.open_csv(
                    stream,
                    read_options=pacsv.ReadOptions(block_size=BLOCK_BYTES, encoding=self.encoding, use_threads=True),
                    parse_options=pacsv.ParseOptions(
                        delimiter=self.delimiter, newlines_in_values=True, invalid_row_handler=keep
                    ),
                    convert_options=pacsv.ConvertOptions(
                        column_types=dict.fromkeys(self.header, pa.string()),
                        include_columns=list(columns),
                        null_values=list(self.null_values),
                        strings_can_be_null=True,
                        quoted_strings_can_be_null=True,
                    ),
                )
                row = 1
                for batch in reader:
                    table = pa.Table.from_batches([batch])
                    numbers = pa.array(range(row, row + len(table)), pa.int64())
                    row += len(table)
                    if progress:
                        progress(taken())
                    table = table.append_column(ROW_NUMBER, numbers)
                    for start in range(0, len(table), MAX_ROWS):
                        yield table.slice(start, MAX_ROWS)
            except (pa.ArrowInvalid, OSError) as error:
                raise SourceError(f"{self.content.name}: {_explain(error)}") from error


class _CheckedUtf8(io.RawIOBase):
    """Passes bytes on as they are, once they are known to be UTF-8; pyarrow would stumble over others unseen."""

    def __init__(self, stream: io.RawIOBase, name: str) -> None:
        self._stream = stream
        self._name = name
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._offset = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        data = self._stream.read(-1 if size is None else size) or b""
        try:
            self._decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            where = self._offset + error.start
            raise SourceError(
                f"{self._name}: is not valid UTF-8 (near byte {where:,}); set 'encoding' of the source "
                "(such as cp1252) or save the file as UTF-8"
            ) from error
        self._offset += len(data)
        return data


def _explain(error: Exception) -> str:
    text = " ".join(str(error).split())
    if "straddling" in text:
        return f"a record is longer than {BLOCK_BYTES >> 20} MB; this is not a table of records (or a quote is never closed)"
    if "UTF8" in text or "UTF-8" in text:
        return "is not valid UTF-8; set 'encoding' of the source (such as cp1252) or save the file as UTF-8"
    if "Expected" in text and "columns" in text:
        return text[:200]
    return f"cannot be read as a delimited file ({text[:160]})"


def open_delimited(
    path: Path, *, delimiter: str = ",", encoding: str = "utf-8", null_values: Sequence[str] = ("",)
) -> DelimitedFile:
    """Look at the beginning of a plain or gzip file and accept it as a delimited table, or say in one line why not."""
    try:
        if path.is_dir():
            raise SourceError(f"{path}: is a folder; give the path of a file")
        with path.open("rb") as raw:
            magic = raw.read(2)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror}); check the path and its permissions") from error
    if not magic:
        raise SourceError(f"{path}: is empty; there is nothing to load")
    content = Content(path, str(path), gzipped=magic == GZIP_MAGIC)
    return open_content(content, delimiter=delimiter, encoding=encoding, null_values=null_values)


def open_content(
    content: Content, *, delimiter: str | None, encoding: str, null_values: Sequence[str] = ("",)
) -> DelimitedFile:
    """As `open_delimited`, of a file in any packing; `delimiter` None: a comma, or a tab where the header shows it."""
    name = content.name
    head = content.head(MAX_HEADER_BYTES)
    for signature, what in KNOWN_BINARY.items():
        if head.startswith(signature):
            raise SourceError(f"{name}: is {what}, not delimited text; export it as CSV")
    if WEB_PAGE.match(head):
        raise SourceError(f"{name}: is a web page (HTML), not delimited text; export it as CSV")
    if b"\x00" in head and not encoding.lower().startswith(("utf-16", "utf16", "utf-32", "utf32")):
        raise SourceError(f"{name}: holds binary data, not delimited text; export it as CSV")
    line = _first_line(name, head, encoding)
    if delimiter is None:
        delimiter = "\t" if line.count("\t") > line.count(",") else ","
    header = _split(name, line, delimiter)
    doubled = sorted({column for column in header if header.count(column) > 1})
    if doubled:
        raise SourceError(f"{name}: column '{doubled[0]}' appears more than once in the header; rename one of them")
    return DelimitedFile(content, delimiter, encoding, header, tuple(null_values), content.packed_bytes)


def _first_line(name: str, head: bytes, encoding: str) -> str:
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(head)
    except (LookupError, TypeError, ValueError) as error:
        if isinstance(error, UnicodeDecodeError):
            raise SourceError(
                f"{name}: is not valid {encoding.upper()} (byte {error.start}); "
                "set 'encoding' of the source or save it as UTF-8"
            ) from error
        raise SourceError(
            f"{name}: '{encoding}' is not an encoding that Python knows, such as utf-8 or cp1252"
        ) from error
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise SourceError(f"{name}: holds nothing but blanks; there is nothing to load")
    line, newline, rest = text.partition("\n")
    if not newline:
        if len(head) >= MAX_HEADER_BYTES:
            raise SourceError(
                f"{name}: line 1 is longer than {MAX_HEADER_BYTES >> 20} MB; this is not a table of records"
            )
        raise SourceError(f"{name}: holds a header and no records; nothing was loaded")
    if not rest.strip() and len(head) < MAX_HEADER_BYTES:
        raise SourceError(f"{name}: holds a header and no records; nothing was loaded")
    return line.rstrip("\r")


def _split(name: str, line: str, delimiter: str) -> tuple[str, ...]:
    try:
        return tuple(next(csv.reader([line], delimiter=delimiter)))
    except (csv.Error, StopIteration) as error:
        raise SourceError(f"{name}: the header cannot be split at '{delimiter}' ({error})") from error
