"""Excel workbooks: a sheet of rows, a sheet that says what the columns mean, a sheet about the file.

Charter: a `Wanted` and a path in, a workbook out, written row by row in constant memory. Texts are texts, never formulas.
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import xlsxwriter

from portal.files.about import dictionary, exclusions, facts, title
from portal.files.forms import EXCEL_ROWS
from portal.files.wanted import Wanted
from portal.queries import rows

MOST_ROWS: Final = EXCEL_ROWS - 1
MOST_CHARS: Final = 32_767
_DAY: Final = date(1900, 1, 1)
"""Excel knows no day before."""


def workbook(of: Wanted, path: Path) -> Path:
    """The selected rows first, so that programs that read one sheet find them."""
    book = xlsxwriter.Workbook(
        str(path), {"constant_memory": True, "tmpdir": str(path.parent), "default_date_format": "yyyy-mm-dd hh:mm:ss"}
    )
    book.use_zip64()
    book.set_properties({"title": title(of), "comments": f"Release {of.release.id}", "created": of.release.created})
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    sheet = book.add_worksheet(of.ask.table.name[:31])
    _row(sheet, 0, of.ask.table.fields, day)  # without outlines: they do not fit into a cell
    at = 1
    for batch in rows.batches(of.release, of.ask, rows.typed_columns(of.ask.table, geometry=False)):
        for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            _row(sheet, at, values, day)
            at += 1
    sheet.freeze_panes(1, 0)
    _table(book, "dictionary", dictionary(of))
    _table(book, "exclusions", exclusions(of))
    _table(book, "about", [{"what": name, "is": value} for name, value in facts(of)])
    book.close()
    return path


def _table(book: Any, name: str, records: list[dict[str, Any]]) -> None:
    sheet = book.add_worksheet(name if name not in book.sheetnames else f"all {name}")
    if records:
        _row(sheet, 0, list(records[0]), None)
    for at, record in enumerate(records, 1):
        _row(sheet, at, list(record.values()), None)


def _row(sheet: Any, at: int, values: Any, day: Any) -> None:
    for column, value in enumerate(values):
        if value is None:
            continue
        if isinstance(value, str):
            sheet.write_string(at, column, value[:MOST_CHARS])
        elif isinstance(value, bool):
            sheet.write_boolean(at, column, value)
        elif isinstance(value, datetime) and value.date() >= _DAY:
            sheet.write_datetime(at, column, value)
        elif isinstance(value, date) and not isinstance(value, datetime) and value >= _DAY:
            sheet.write_datetime(at, column, value, day)
        elif isinstance(value, int | float) and value == value and abs(value) != float("inf"):
            sheet.write_number(at, column, value)
        else:
            sheet.write_string(at, column, str(value))
