"""Ready files of a release: whole tables as CSV, the requests by year, department and area as CSV and Parquet.

Charter: a release and a folder in, files in it and what they are out. Cells are those that downloads have; the rows are read
once, in the order in which they are served, whatever the number of parts. Where the folder goes is the caller's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from portal.files.about import about
from portal.files.built import parquet_metadata
from portal.files.forms import FORMS
from portal.files.parted import Division, Part, divisions
from portal.files.poured import Bytes, Pouring, Table, Text
from portal.files.wanted import Wanted
from portal.memory import give_back
from portal.queries import rows
from portal.queries.tabled import Ask
from portal.release import Release
from portal.settings import PortalSettings
from portal.tables import Table as Source
from portal.tables import tables

AT_ONCE: Final = 32_768
"""Rows whose text is made at once: some 12 MB."""
STRETCH: Final = 8 * AT_ONCE
"""Rows that are divided into Parquet at once, some 100 MB: each part of a stretch is a row group."""
CSV, PARQUET = FORMS["csv"], FORMS["parquet"]
Progress = Callable[[int, int], None]


def make(
    release: Path, into: Path, parts: Sequence[str], formats: Sequence[str], progress: Progress
) -> dict[str, list[dict[str, Any]]]:
    """Write the files; `parts` are any of whole, year, department and layers, `formats` of csv and parquet.

    Returns what they are (`files`, in a fixed order) and which parts there are too many of (`left_out`).
    """
    opened = Release(release, PortalSettings(releases=release.parent, cache_entries=0))
    try:
        return _made(opened, into, parts, formats, progress)
    finally:
        opened.close()


def _made(
    release: Release, into: Path, parts: Sequence[str], formats: Sequence[str], progress: Progress
) -> dict[str, list[dict[str, Any]]]:
    whole = "whole" in parts
    ways, left_out = divisions(release, parts)
    found: list[dict[str, Any]] = []
    with Pouring() as pouring:
        for name, table in tables(release).items():
            if name == "requests":
                requests = _Requests(release, table, pouring, into, ways, formats, whole=whole)
                requests.run(progress)
                found += requests.files()
            elif whole:
                found.append(_whole(release, table, pouring, into))
    return {"files": found, "left_out": left_out}


def _whole(release: Release, table: Source, pouring: Pouring, into: Path) -> dict[str, Any]:
    """A table as one CSV."""
    ask, text = Ask(table), pouring.text(into / f"{table.name}.csv.gz")
    pouring.pour(text, _names(table))
    count = 0
    for span in rows.spans(release, ask):
        piece = rows.between(release, ask, rows.csv_columns(table), span)
        pouring.pour(text, rows.csv_lines(piece))
        count += piece.num_rows
    pouring.end()
    return _of_whole(table, text, count)


class _Requests:
    """The requests on their way into their files."""

    def __init__(
        self, release: Release, table: Source, pouring: Pouring, into: Path, ways: Sequence[Division],
        formats: Sequence[str], *, whole: bool,
    ) -> None:  # fmt: skip
        self._release, self._table, self._pouring, self._ways = release, table, pouring, ways
        self._whole = pouring.text(into / f"{table.name}.csv.gz") if whole else None
        every = [part for way in ways for part in way.parts]
        csv, parquet = "csv" in formats, "parquet" in formats
        self._texts = {part.stem: pouring.text(into / f"{part.stem}.csv.gz") for part in every if csv}
        self._tables: dict[str, Table] = {}
        self._ask = Ask(table)
        if parquet:
            schemas = self._schemas(every)
            self._tables = {part.stem: Table(into / f"{part.stem}.parquet", schemas[part.stem]) for part in every}
        self._waiting: list[pa.Table] = []

    def run(self, progress: Progress) -> None:
        """All rows into all files."""
        release = self._release
        for text in (self._whole, *self._texts.values()):
            if text is not None:
                self._pouring.pour(text, _names(self._table))
        progress(0, release.rows)
        begun = 0
        for start in range(0, release.rows if self._whole or self._ways else 0, AT_ONCE):
            stop = min(start + AT_ONCE, release.rows)
            self._take(start, stop)
            if self._waiting and (stop - begun >= STRETCH or stop == release.rows):
                self._divide(begun, stop)
                begun = stop
            progress(stop, release.rows)
            pa.default_memory_pool().release_unused()
            give_back()
        self._pouring.end()
        for table in self._tables.values():
            table.end()

    def files(self) -> list[dict[str, Any]]:
        """What was written."""
        found = [] if self._whole is None else [_of_whole(self._table, self._whole, self._release.rows)]
        for part in (part for way in self._ways for part in way.parts):
            told = {"table": self._table.name, **part.told(), "rows": part.rows}
            if part.stem in self._texts:
                text = self._texts[part.stem]
                found.append({"path": text.path.name, **told, "format": CSV.key, "text_bytes": text.bytes})
            if part.stem in self._tables:
                found.append({"path": f"{part.stem}.parquet", **told, "format": PARQUET.key})
        return found

    def _take(self, start: int, stop: int) -> None:
        """The rows of a span: their text now, the rows themselves, values of few kinds still by their numbers, with those of its
        stretch."""
        fields = self._table.fields
        columns = rows.csv_columns(self._table)
        if self._tables and self._table.geometry is not None:
            columns += [rows.typed_columns(self._table)[-1]]
        found = rows.between(self._release, self._ask, columns, rows.Span(start, stop, stop - start))
        if found.num_rows != stop - start:
            raise ValueError(f"{found.num_rows} rows at {start} of the requests, not {stop - start}")
        if self._whole is not None or self._texts:
            data = rows.csv_lines(found.select(range(len(fields))))
            if self._whole is not None:
                self._pouring.pour(self._whole, data)
            if self._texts:
                lines = _lines(data, found.num_rows)
                for way in self._ways:
                    self._distribute(way, lines, start, stop)
        if self._tables:
            self._waiting.append(found)

    def _distribute(self, way: Division, lines: pa.LargeBinaryArray, start: int, stop: int) -> None:
        for part, places in way.split(start, stop):
            chosen = lines.take(pa.array(places))
            ends = np.frombuffer(chosen.buffers()[1], np.int64)
            self._pouring.pour(
                self._texts[part.stem], bytes(memoryview(chosen.buffers()[2])[ends[0] : ends[places.size]])
            )

    def _divide(self, start: int, stop: int) -> None:
        """A stretch into the Parquet files of all parts."""
        stretch = pa.concat_tables(self._waiting).combine_chunks()
        self._waiting = []
        for way in self._ways:
            self._pouring.each([self._job(part, stretch, places) for part, places in way.split(start, stop)])

    def _job(self, part: Part, stretch: pa.Table, places: NDArray[np.int64]) -> Callable[[], None]:
        return lambda: self._tables[part.stem].take(stretch, places)

    def _schemas(self, every: Sequence[Part]) -> dict[str, pa.Schema]:
        """The columns, and what each file says of itself."""
        none = rows.Span(0, 0, 0)
        schema = rows.between(self._release, self._ask, rows.typed_columns(self._table), none).schema
        whole = Wanted(self._release, self._ask, PARQUET, "")
        told, metadata = about(whole), parquet_metadata(whole)
        found = {}
        for part in every:
            said = json.dumps({**told, "query": part.selection.to_query()}, ensure_ascii=False)
            found[part.stem] = schema.with_metadata({**metadata, "openward": said})
        return found


def _of_whole(table: Source, text: Text, count: int) -> dict[str, Any]:
    told: Mapping[str, Any] = {"part": "whole", "key": None, "title": table.title, "query": "", "rows": count}
    return {"path": text.path.name, "table": table.name, **told, "format": CSV.key, "text_bytes": text.bytes}


def _names(table: Source) -> bytes:
    return ",".join(table.fields).encode() + b"\r\n"


def _lines(data: Bytes, count: int) -> pa.LargeBinaryArray:
    """The rows of a CSV, each with its end: line ends within quotes are of the text."""
    letters = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(letters == ord("\n"))
    quotes = np.flatnonzero(letters == ord('"'))
    ends = ends[np.searchsorted(quotes, ends) % 2 == 0] + 1
    if ends.size != count:
        raise ValueError(f"{count} rows became {ends.size} lines of CSV")
    offsets = np.concatenate(([0], ends)).astype(np.int64)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(data)]
    return pa.LargeBinaryArray.from_buffers(pa.large_binary(), count, buffers)
