# ruff: noqa: S608 - the names in the SQL are the release's own columns, every value is a parameter
"""Whole rows of a table for files: as columns or as lines of text, by spans of the table, so that memory stays flat.

Charter: which spans of a table hold rows that are asked for, and what is in one of them. A span is a pure function of the
release: it can be asked for again, in any order, from any thread.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from portal.plain_texts import FORMULA
from portal.queries.instants import iso_utc
from portal.queries.tabled import PLACE, Ask
from portal.queries.texts import plain_column, time_text
from portal.release import Release
from portal.selection import quoted
from portal.tables import Table

ROWS_AT_ONCE: Final = 16_384
"""Of a span: some 5 MB of text. More in tables of over 15 million rows."""
SPANS: Final = 900
"""To find a span takes DuckDB the longer the larger the table (9 ms in 30 million rows): so there are no more than about so many."""
LEAST_SPAN: Final = 2_048
"""DuckDB reads so many rows at a time."""

_RISKY: Final = np.frombuffer("".join(FORMULA).encode(), np.uint8)
_WRITTEN: Final = pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed", eol="\r\n")


class Span(NamedTuple):
    """Rows of a table from one place to before another, and how many of them are asked for."""

    start: int
    stop: int
    rows: int


def spans(release: Release, ask: Ask) -> list[Span]:
    """Where the rows are that are asked for: spans with a few thousand of them at most, none without any."""
    where, params = ask.where(release)
    name, step = quoted(ask.table.name), LEAST_SPAN
    rows = int(release.query(f"SELECT count(*) FROM {name}")[0][0])
    most = ROWS_AT_ONCE * max(1, rows // (SPANS * ROWS_AT_ONCE))
    if where == "TRUE":
        return [Span(start, min(start + most, rows), min(most, rows - start)) for start in range(0, rows, most)]
    counted = release.query(
        f"SELECT {PLACE} // {step} AS part, count(*) FROM {name} WHERE {where} GROUP BY part ORDER BY part", params
    )
    found: list[Span] = []
    for part, n in counted:
        if found and found[-1].rows + n <= most:
            found[-1] = Span(found[-1].start, (part + 1) * step, found[-1].rows + n)
        else:
            found.append(Span(part * step, (part + 1) * step, n))
    return found


def between(release: Release, ask: Ask, columns: Sequence[str], span: Span) -> pa.Table:
    """The rows of a span in the table's order; `columns` are SQL that the caller made."""
    where, params = ask.where(release)
    # No ORDER BY, which would sort whole rows: DuckDB keeps the order of a table (preserve_insertion_order).
    # CASE: a plain condition would be pushed into the scan, and there be asked of the whole table for each span.
    sql = (
        f"SELECT {', '.join(columns)} FROM {quoted(ask.table.name)} WHERE {PLACE} >= ? AND {PLACE} < ? "
        f"AND CASE WHEN {where} THEN TRUE ELSE FALSE END"
    )
    return release.piece(sql, [span.start, span.stop, *params])


def batches(release: Release, ask: Ask, columns: Sequence[str]) -> pa.RecordBatchReader:
    """All rows in the table's order as a stream, ENUMs as plain texts."""
    parts = spans(release, ask)
    first = between(release, ask, columns, parts[0] if parts else Span(0, 0, 0))

    def each() -> Iterator[pa.RecordBatch]:
        yield from first.to_batches()
        for span in parts[1:]:
            yield from between(release, ask, columns, span).to_batches()

    return pa.RecordBatchReader.from_batches(first.schema, each())


# --- columns ------------------------------------------------------------------


def typed_columns(table: Table, geometry: bool = True, iso: bool = False) -> list[str]:
    """All published fields with their types, and `geometry` as WKB; `iso`: times as text."""
    columns = [
        f"{_iso(table, name) if iso else plain_column(table.types, name)} AS {quoted(name)}" for name in table.fields
    ]
    if geometry and table.geometry:
        columns.append(f"{_drawn(table, f'ST_AsWKB({table.geometry.sql})::BLOB', 'NULL')} AS geometry")
    return columns


def csv_columns(table: Table) -> list[str]:
    """All published fields as they are kept."""
    return [quoted(name) for name in table.fields]


def feature_column(table: Table) -> str:
    """Each row as the text of a GeoJSON feature, in one column; geometry null where there is none."""
    point = """'{"type":"Point","coordinates":[' || long || ',' || lat || ']}'"""
    shape = "'null'"
    if table.geometry:
        drawn = point if table.geometry.point else f"ST_AsGeoJSON({table.geometry.sql})::VARCHAR"
        shape = _drawn(table, drawn, "'null'")
    return f"""'{{"type":"Feature","geometry":' || {shape} || ',"properties":' || {_members(table)} || '}}'"""


def record_column(table: Table) -> str:
    """Each row as the text of a JSON object, with the geometry where lat and long do not tell it."""
    if table.geometry and not table.geometry.point:
        shape = _drawn(table, f"ST_AsGeoJSON({table.geometry.sql})::VARCHAR", "'null'")
        return f"""left({_members(table)}, -1) || ',"geometry":' || {shape} || '}}'"""
    return _members(table)


def _members(table: Table) -> str:
    return f"to_json({{{', '.join(f'{quoted(name)}: {_time(table, name)}' for name in table.fields)}}})::VARCHAR"


def _drawn(table: Table, there: str, otherwise: str) -> str:
    assert table.geometry is not None  # noqa: S101 - asked for tables with one only
    known = "lat IS NOT NULL AND long IS NOT NULL" if table.geometry.point else f"{table.geometry.sql} IS NOT NULL"
    return f"CASE WHEN {known} THEN {there} ELSE {otherwise} END"


def _time(table: Table, name: str) -> str:
    return time_text(quoted(name)) if table.types[name].startswith("TIMESTAMP") else quoted(name)


def _iso(table: Table, name: str) -> str:
    return _time(table, name) if table.types[name].startswith("TIMESTAMP") else plain_column(table.types, name)


# --- text ---------------------------------------------------------------------


def csv_lines(rows: pa.Table) -> memoryview:
    """Lines of CSV (RFC 4180) as a spreadsheet may safely open them, times in ISO 8601 with Z.

    A text that begins with = + - @, a tab or a carriage return is given a ' in front: spreadsheets would run
    it as a formula.
    """
    columns = [_told(column) for column in rows.columns]
    part = pa.BufferOutputStream()
    pyarrow.csv.write_csv(pa.Table.from_arrays(columns, names=rows.column_names), part, _WRITTEN)
    return memoryview(part.getvalue())  # as it is: copies of some MB each leave holes in the heap


def _told(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column as CSV has it, but for its quotes."""
    if pa.types.is_timestamp(column.type):
        return pa.chunked_array([iso_utc(part) for part in column.chunks], type=pa.string())
    return pa.chunked_array([harmless(part) for part in column.chunks], type=column.type)


def harmless(texts: pa.Array) -> pa.Array:
    """Texts with a ' before what would be a formula; anything but texts as it is."""
    if pa.types.is_dictionary(texts.type):
        return pa.DictionaryArray.from_arrays(texts.indices, harmless(texts.dictionary))
    if not pa.types.is_string(texts.type) or not len(texts) or texts.buffers()[2] is None:
        return texts
    ends = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset : texts.offset + len(texts) + 1]
    begins = ends[:-1][np.diff(ends) > 0]
    if not np.isin(np.frombuffer(texts.buffers()[2], np.uint8)[begins], _RISKY).any():
        return texts
    risky = pc.match_substring_regex(texts, r"\A[=+\-@\t\r]")
    return pc.if_else(risky, pc.binary_join_element_wise("'", texts, ""), texts)


def joined(rows: pa.Table) -> bytes:
    """The texts of the first column, one after the other."""
    parts = []
    for texts in rows.column(0).chunks:
        if len(texts):
            ends = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset : texts.offset + len(texts) + 1]
            parts.append(memoryview(texts.buffers()[2])[ends[0] : ends[-1]])
    return b"".join(parts)
