"""Workbooks (xlsx, xls, xlsb, ods) as tables of text.

Charter: one sheet, read whole: a workbook cannot be streamed, so its size is
bounded (`MAX_CELLS`, and the 1,048,576 rows that a sheet can have).
"""

from __future__ import annotations

import datetime as dt
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import python_calamine as calamine

from etl.errors import SourceError
from etl.extract import tabular
from etl.extract.files import MalformedRows
from etl.extract.packed import ZIP_ERRORS, Content

MAX_CELLS = 64_000_000
MAX_MEMBERS_BYTES = 2 << 30
CELL = re.compile(rb'<(?:\w+:)?c\s(?:[^>]*?\s)?r="([A-Z]+)([0-9]+)"')
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
OLD = b"\xd0\xcf\x11\xe0"


@dataclass(frozen=True)
class Workbook:
    """One sheet of a workbook."""

    content: Content
    sheet: str | None
    null_values: tuple[str, ...]

    @cached_property
    def _rows(self) -> tuple[tuple[str, ...], list[list[Any]]]:
        with self.content.unpacked() as path:
            rows = _cells(path, self.content.name, self.sheet)
        filled = [row for row in rows if any(cell != "" for cell in row)]
        if not filled:
            raise SourceError(f"{self.content.name}: its sheet is empty; there is nothing to load")
        names = tuple((_text(cell, whole_days=True) or "").strip() for cell in filled[0])
        doubled = sorted({n for n in names if n and names.count(n) > 1})
        if doubled:
            raise SourceError(
                f"{self.content.name}: column '{doubled[0]}' appears more than once in the header; rename one of them"
            )
        if len(filled) == 1:
            raise SourceError(f"{self.content.name}: holds a header and no records; nothing was loaded")
        return names, filled[1:]

    def columns(self) -> dict[str, str]:
        """Names of the columns with the kind that all their cells have; text where they differ."""
        names, rows = self._rows
        return {name: _kind(row[i] for row in rows) for i, name in enumerate(names) if name}

    def tables(
        self,
        columns: Sequence[str],
        malformed: MalformedRows,  # noqa: ARG002 - rows of a typed file cannot be cut wrongly
        progress: Callable[[int], None],
    ) -> Iterator[pa.Table]:
        """The named columns as text; rows without any cell are left out."""
        names, rows = self._rows
        tabular.require(self.content.name, columns, [n for n in names if n])
        places = [names.index(c) for c in columns]
        # A date with a time elsewhere in its column is midnight, not a day.
        days = [not any(type(row[i]) is dt.datetime for row in rows) for i in places]

        def made() -> Iterator[pa.Table]:
            for start in range(0, len(rows), tabular.BATCH_ROWS):
                block = rows[start : start + tabular.BATCH_ROWS]
                texts = [[_text(row[i], whole_days=d) for i, d in zip(places, days, strict=True)] for row in block]
                yield tabular.rows_to_table(columns, texts)
                progress(self.content.packed_bytes * (start + len(block)) // len(rows))

        yield from tabular.finished(made(), self.null_values)


def _cells(path: Path, name: str, sheet: str | None) -> list[list[Any]]:
    _refuse_monsters(path, name)
    try:
        with path.open("rb") as file, calamine.CalamineWorkbook.from_filelike(file) as book:
            if not book.sheet_names:
                raise SourceError(f"{name}: has no sheet; there is nothing to load")
            if sheet is not None and sheet not in book.sheet_names:
                there = ", ".join(f"'{s}'" for s in book.sheet_names)
                raise SourceError(f"{name}: has no sheet '{sheet}'; it has {there}")
            chosen = book.get_sheet_by_name(sheet if sheet is not None else book.sheet_names[0])
            if chosen.height * chosen.width > MAX_CELLS:
                raise SourceError(_too_large(name))
            return chosen.to_python(skip_empty_area=True)
    except calamine.PasswordError as error:
        raise SourceError(_locked(name)) from error
    except (calamine.CalamineError, OSError, ValueError) as error:
        raise SourceError(
            f"{name}: is not a workbook that can be read, or a damaged one ({' '.join(str(error).split())[:120]}); "
            "save it again as .xlsx, or export it as CSV"
        ) from error


def _refuse_monsters(path: Path, name: str) -> None:
    """A stray cell in a far corner makes the reader reserve memory for everything before it: look before."""
    with path.open("rb") as file:
        if file.read(4) == OLD:
            file.seek(0)
            if ENCRYPTED in file.read(1 << 20) or _at_end(file, ENCRYPTED):
                raise SourceError(_locked(name))
            return
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(i.file_size for i in archive.infolist()) > MAX_MEMBERS_BYTES:
                raise SourceError(_too_large(name))
            for info in archive.infolist():
                if info.filename.startswith("xl/worksheets/") and _span(archive, info) > MAX_CELLS:
                    raise SourceError(_too_large(name))
    except ZIP_ERRORS as error:
        raise SourceError(f"{name}: is a damaged workbook ({error}); fetch the file again") from error


def _at_end(file: Any, word: bytes) -> bool:
    file.seek(0, 2)
    file.seek(max(0, file.tell() - (1 << 20)))
    return word in file.read()


def _span(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> int:
    """Cells of the rectangle from the first to the last cell that a sheet's XML names."""
    low, high, widest, tail = 1 << 30, 0, 0, b""
    with archive.open(info) as stream:
        while block := stream.read(1 << 20):
            block = tail + block
            found = CELL.findall(block)
            if found:
                low, high = min(low, int(found[0][1])), max(high, int(found[-1][1]))
                widest = max(widest, *(_column(letters) for letters in {f[0] for f in found}))
            tail = block[-40:]
    return max(0, high - low + 1) * widest


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _locked(name: str) -> str:
    return f"{name}: is protected by a password; save it without one"


def _too_large(name: str) -> str:
    return (
        f"{name}: a sheet spans more than {MAX_CELLS:,} cells, or the workbook is too large to be read at once; "
        "delete stray cells far from the table, or export it as CSV"
    )


def _kind(cells: Iterator[Any]) -> str:
    kinds = {_cell_kind(cell) for cell in cells if cell != ""}
    if kinds == {"integer", "number"}:
        return "number"
    return kinds.pop() if len(kinds) == 1 else "text"


def _cell_kind(cell: Any) -> str:
    if isinstance(cell, bool):
        return "boolean"
    if isinstance(cell, int | float):
        return "integer" if cell == int(cell) else "number"
    return "text" if isinstance(cell, str) else "time"


def _text(cell: Any, *, whole_days: bool) -> str | None:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int | float):
        return tabular.number_text(cell)
    if isinstance(cell, dt.datetime):
        return _iso(cell)
    if isinstance(cell, dt.date):
        return cell.isoformat() if whole_days else f"{cell.isoformat()}T00:00:00"
    if isinstance(cell, dt.time):
        return cell.isoformat()
    return str(cell)


def _iso(moment: dt.datetime) -> str:
    """ISO 8601 to the millisecond: a sheet keeps days as floating-point numbers, which cannot say more."""
    moment += dt.timedelta(microseconds=500)
    text = moment.replace(microsecond=moment.microsecond // 1000 * 1000).isoformat()
    return text.rstrip("0").rstrip(".") if "." in text else text
