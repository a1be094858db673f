"""What format a file has, and the reader for it.

Charter: content decides, then the name; what the city's YAML says wins. How a
format is read is its reader's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from etl.config.connections import FileConnection
from etl.errors import SourceError
from etl.extract import packed
from etl.extract.files import DelimitedFile, MalformedRows, open_content
from etl.extract.json_records import FEATURE, JsonRecords
from etl.extract.packed import Content

HEAD = 1 << 16
SIGNATURES: Mapping[bytes, str] = {
    b"PAR1": "parquet",
    b"SQLite format 3\x00": "geopackage",
    b"\x00\x00\x27\x0a": "shapefile",
    b"\xd0\xcf\x11\xe0": "excel",
    b"PK\x03\x04": "excel",  # `packed` has told archives of files apart from workbooks
}
JSON = re.compile(rb"(?:\xef\xbb\xbf)?[\s\x1e]*(?:\{\s*[\"}]|\[\s*[\[{\]])")


class TableFile(Protocol):
    """A reader: one file of one format."""

    def columns(self) -> dict[str, str]:
        """Names of the columns with the kind that the file states, '' where it states none."""
        ...

    def tables(
        self, columns: Sequence[str], malformed: MalformedRows, progress: Callable[[int], None]
    ) -> Iterator[pa.Table]:
        """Tables of text and `__row__`; `progress` gets the bytes of the packed file taken so far."""
        ...


@dataclass(frozen=True)
class _Delimited:
    file: DelimitedFile

    def columns(self) -> dict[str, str]:
        return dict.fromkeys(self.file.header, "")

    def tables(
        self, columns: Sequence[str], malformed: MalformedRows, progress: Callable[[int], None]
    ) -> Iterator[pa.Table]:
        return self.file.chunks(columns, malformed, progress)


def detect(content: Content) -> str:
    """The format of a file by its first bytes, else by its name, else csv."""
    head = content.head(HEAD)
    for signature, found in SIGNATURES.items():
        if head.startswith(signature):
            return found
    named = packed.TABLE_SUFFIXES.get(packed.suffix_of(content.inner_name))
    if JSON.match(head) and named != "csv":
        return "geojson" if named == "geojson" or FEATURE.search(head) else "json"
    # A text that calls itself a workbook is often a CSV that was made to open in one.
    text = b"\x00" not in head
    return named if named and not (text and named in ("excel", "parquet", "geopackage", "shapefile")) else "csv"


def open_table(path: Path, name: str, connection: FileConnection, null_values: Sequence[str]) -> TableFile:
    """The reader of a file; `name` is what its user calls it. SourceError in one line if there is none."""
    content = packed.unwrap(path, name, member=connection.member, wanted=connection.format)
    what: str = connection.format
    if what == "auto":
        what = detect(content)
        if what == "geojson" and connection.records:
            what = "json"  # whoever names the list wants its records as they are
    words = tuple(dict.fromkeys(("", *null_values)))
    return _reader(content, what, connection, words)


def _reader(content: Content, what: str, connection: FileConnection, words: tuple[str, ...]) -> TableFile:
    if what == "csv":
        stated = "delimiter" in connection.model_fields_set
        delimiter = connection.delimiter if stated else None
        file = open_content(content, delimiter=delimiter, encoding=connection.encoding, null_values=words)
        return _Delimited(file)
    if what in ("json", "geojson"):
        features = what == "geojson"
        return JsonRecords(content, connection.records, connection.encoding, words, features)
    if what == "excel":
        from etl.extract.workbook import Workbook

        return Workbook(content, connection.sheet, words)
    if what == "parquet":
        from etl.extract.columnar import ParquetTable

        return ParquetTable(content, words)
    if what in ("shapefile", "geopackage"):
        from etl.extract.spatial import Layer

        return Layer(content, what, connection.sheet, words)
    raise SourceError(f"{content.name}: '{what}' is not a format that can be read")
