"""Charts and tables of a brief. Each draws from `y` down, is one element for a screen reader, and returns the y below it.

Charter: values and words in, ink out. Scales are those of the pages' charts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from portal.brief.sheet import INK, QUIET, RULE, WHITE, Sheet, leading, paler
from portal.charts.compare import Dot
from portal.charts.monthly import Band, Columns
from portal.charts.svg import Axis, count_axis, hours_axis, ratio_axis
from portal.text import _, date_words, duration_words, month_short

BODY: Final = 8.6
SMALL: Final = 7.4
HEADING: Final = 11.5
DOT_ROW_MM: Final = 7.3
BAR_ROW_MM: Final = 4.9
TABLE_ROW_MM: Final = 4.7
AXIS_MM: Final = 5.0


def heading(sheet: Sheet, x: float, y: float, width: float, words: str, about: str = "", lines: int = 2) -> float:
    """A section's title, and in small what it shows."""
    with sheet.artifact():
        sheet.stroke(x, y, x + width, y, INK, 0.35)
    y += 1.6
    y = sheet.paragraph(x, y, width, [(words, True)], HEADING, role="H2", lines=2)
    if about:
        y = sheet.paragraph(x, y, width, about, SMALL, QUIET, lines=lines)
    return y + 1.2


def dots(sheet: Sheet, x: float, y: float, width: float, rows: Sequence[Dot], unit: str, alt: str) -> float:
    """A dot with its 95% interval for each row, and an upright mark for what it is compared with."""
    told = [(r.value, r.low, r.high) for r in rows if r.value is not None]
    values = [v for v in (*(v for three in told for v in three), *(r.mark for r in rows)) if v is not None]
    left, right = x + 2, x + width - 2
    axis = ratio_axis(values, left, right) if unit == "ratio" else hours_axis(values, left, right)
    top, bottom = y + AXIS_MM, y + AXIS_MM + DOT_ROW_MM * len(rows)
    with sheet.tagged("Figure", alt):
        _scale(sheet, axis, y + 2.8)
        for i, row in enumerate(rows):
            _dot_row(sheet, axis, row, x, top + i * DOT_ROW_MM, width, 1.0 if unit == "ratio" else None)
    return bottom + 0.5


def _dot_row(sheet: Sheet, axis: Axis, row: Dot, x: float, y: float, width: float, same: float | None) -> None:
    """One row; `same` is where the axis says that there is no difference."""
    sheet.face(BODY, bold=row.value is not None)
    told = min(sheet.get_string_width(row.words) + 3, width * 0.6)
    sheet.line_of(x, y + 2.7, row.label, BODY, most=width - told)
    colour = INK if row.value is not None else QUIET
    sheet.line_of(x + width, y + 2.7, row.words, BODY, row.value is not None, colour, "end", most=told)
    middle = y + 4.7
    sheet.stroke(axis.start, middle, axis.end, middle, RULE, 0.15)
    for value, _tick in axis.ticks:
        sheet.stroke(axis.at(value), middle - 0.9, axis.at(value), middle + 0.9, RULE, 0.2)
    if same is not None:
        sheet.stroke(axis.at(same), middle - 1.5, axis.at(same), middle + 1.5, INK, 0.35)
    if row.mark is not None:
        sheet.stroke(axis.at(row.mark), middle - 1.5, axis.at(row.mark), middle + 1.5, INK, 0.55)
    if row.value is None:
        return
    low = row.value if row.low is None else row.low
    high = (axis.high if row.high is None else row.high) if row.low is not None else row.value
    sheet.stroke(axis.at(low), middle, axis.at(high), middle, sheet.accent, 0.75)
    sheet.dot(axis.at(row.value), middle, 1.05, WHITE)
    sheet.dot(axis.at(row.value), middle, 0.85, sheet.accent)


def _scale(sheet: Sheet, axis: Axis, baseline: float) -> None:
    """Words for the ticks that have room, the first and the last before the others."""
    taken: list[tuple[float, float]] = []
    final = len(axis.ticks) - 1
    for i in sorted(range(len(axis.ticks)), key=lambda i: (i not in (0, final), i)):
        value, words = axis.ticks[i]
        at = axis.at(value)
        sheet.face(6.6, colour=QUIET)
        wide = sheet.get_string_width(words)
        start = at - (0 if i == 0 else wide if i == final else wide / 2)
        if all(start > end + 1.5 or start + wide < begin - 1.5 for begin, end in taken):
            sheet.line_of(start, baseline, words, 6.6, colour=QUIET)
            taken.append((start, start + wide))


def columns(sheet: Sheet, x: float, y: float, width: float, height: float, rows: Sequence[Columns], alt: str) -> float:
    """Columns of what was asked for and a line of what was closed, by month."""
    left, right, top, bottom = x + 8.5, x + width, y + 5.5, y + height - 7.5
    axis = count_axis(max(4, *(max(r.requested, r.closed) for r in rows)), bottom, top)
    step = (right - left) / max(len(rows), 1)
    with sheet.tagged("Figure", alt):
        sheet.box(left, y + 0.6, 2.4, 2.4, paler(sheet.accent, 0.42))
        at = left + 3.6 + sheet.line_of(left + 3.6, y + 2.7, _("Requested"), SMALL) + 5
        sheet.stroke(at, y + 1.8, at + 5, y + 1.8, INK, 0.5)
        sheet.line_of(at + 6.4, y + 2.7, _("Closed"), SMALL)
        _levels(sheet, axis, left, right)
        for i, row in enumerate(rows):
            height_of = bottom - axis.at(row.requested)
            colour = paler(sheet.accent, 0.42 if row.complete else 0.2)
            sheet.box(left + (i + 0.12) * step, bottom - height_of, step * 0.76, height_of, colour)
        line = [(left + (i + 0.5) * step, axis.at(row.closed)) for i, row in enumerate(rows) if row.complete]
        if len(line) > 1:
            sheet.shape([np.array(line)], line=INK, width=0.5, close=False)
        for at_x, at_y in line:
            sheet.dot(at_x, at_y, 0.5, INK)
        _months(sheet, [row.month for row in rows], left, step, bottom)
    return y + height


def band(sheet: Sheet, x: float, y: float, width: float, height: float, rows: Sequence[Band], alt: str) -> float:
    """A line of durations by month with its 95% band; where it breaks, so many are open that nobody knows."""
    left, right, top, bottom = x + 13.5, x + width, y + 2, y + height - 7.5
    known = [v for r in rows if r.hours is not None for v in (r.hours, min(r.high or r.hours, 3 * r.hours))]
    axis = hours_axis(known, bottom, top, may_log=False)
    step = (right - left) / max(len(rows), 1)
    with sheet.tagged("Figure", alt):
        _levels(sheet, axis, left, right)
        for run in _unbroken(rows):
            centre = [left + (i + 0.5) * step for i in run]
            upper = [axis.at(axis.high if rows[i].high is None else rows[i].high or 0.0) for i in run]
            lower = [axis.at(rows[i].low or 0.0) for i in run]
            ring = np.array([*zip(centre, upper, strict=True), *zip(centre[::-1], lower[::-1], strict=True)])
            points = [(at, axis.at(rows[i].hours or 0.0)) for at, i in zip(centre, run, strict=True)]
            if len(run) > 1:
                sheet.shape([ring], fill=paler(sheet.accent, 0.22))
                sheet.shape([np.array(points)], line=sheet.accent, width=0.6, close=False)
            else:
                sheet.stroke(centre[0], lower[0], centre[0], upper[0], paler(sheet.accent, 0.4), 0.8)
            for at_x, at_y in points:
                sheet.dot(at_x, at_y, 0.5, sheet.accent)
        _months(sheet, [row.month for row in rows], left, step, bottom)
    return y + height


def _unbroken(rows: Sequence[Band]) -> list[list[int]]:
    found: list[list[int]] = [[]]
    for i, row in enumerate(rows):
        if row.hours is None:
            found.append([])
        else:
            found[-1].append(i)
    return [run for run in found if run]


def _levels(sheet: Sheet, axis: Axis, left: float, right: float) -> None:
    for value, words in axis.ticks:
        y = axis.at(value)
        sheet.stroke(left, y, right, y, QUIET if value == axis.low else RULE, 0.15)
        sheet.line_of(left - 1.4, y + 0.9, words, 6.6, colour=QUIET, anchor="end")


def _months(sheet: Sheet, months: Sequence, left: float, step: float, bottom: float) -> None:  # type: ignore[type-arg]
    """Month names as often as they fit, and each year under its first month."""
    every = next((n for n in (1, 2, 3, 6) if n * step >= 7.5), 12)
    said = -100.0
    for i, month in enumerate(months):
        at = left + (i + 0.5) * step
        if (month.month - 1) % every == 0 and every < 12:
            sheet.line_of(at, bottom + 3.2, month_short(month), 6.6, colour=QUIET, anchor="middle")
        if (month.month == 1 or i == 0) and at - said > 12 and (i > 0 or len(months) < 14 or month.month < 10):
            sheet.line_of(max(at, left + 3), bottom + 6.2, str(month.year), 6.6, True, QUIET, "middle")
            said = at


def bars(sheet: Sheet, x: float, y: float, width: float, head: tuple[str, str, str],
         rows: Sequence[tuple[str, int, str, str]], alt: str) -> float:  # fmt: skip
    """Label, bar with its number, and the number of before; `head` names the three."""
    label, now, before = (width * share for share in (0.34, 0.46, 0.2))
    most = max((value for _label, value, _now, _before in rows), default=1) or 1
    with sheet.tagged("Figure", alt):
        sheet.line_of(x, y + 2.6, head[0], SMALL, colour=QUIET, most=label - 2)
        sheet.line_of(x + label, y + 2.6, head[1], SMALL, colour=QUIET, most=now - 2)
        sheet.line_of(x + width, y + 2.6, head[2], SMALL, colour=QUIET, anchor="end", most=before + 8)
        y += 4.2
        for words, value, said, then in rows:
            sheet.line_of(x, y + 3.1, words, BODY, most=label - 2)
            long = (now - 14) * value / most
            sheet.box(x + label, y + 0.7, max(long, 0.3 if value else 0), 3.1, paler(sheet.accent, 0.55))
            sheet.line_of(x + label + long + 1.2, y + 3.1, said, BODY, True)
            sheet.line_of(x + width, y + 3.1, then, BODY, anchor="end", colour=QUIET)
            y += BAR_ROW_MM
    return y


def table(sheet: Sheet, x: float, y: float, widths: Sequence[float], head: Sequence[str],
          rows: Sequence[Sequence[str]], words: int = 1) -> float:  # fmt: skip
    """The first `words` columns to the left, the others are numbers; a row is read as one sentence of its cells."""
    ends = np.cumsum(widths)
    lines = max(
        (len(sheet.broken(text, wide - 1.5, SMALL)) for text, wide in zip(head, widths, strict=True)), default=1
    )
    lines = min(lines, 3)
    with sheet.tagged("P"):
        for i, text in enumerate(head):
            broken = sheet.broken(text, widths[i] - 1.5, SMALL)[:3]
            for j, line in enumerate(broken):
                at_y = y + leading(SMALL) * (lines - len(broken) + j + 0.74)
                left = x + ends[i] - widths[i] if i < words else x + ends[i]
                said = "".join(word for word, _bold in line)
                sheet.line_of(left, at_y, said, SMALL, colour=QUIET, anchor="start" if i < words else "end",
                              most=widths[i] - 1)  # fmt: skip
    y += leading(SMALL) * lines + 0.8
    for row in rows:
        with sheet.tagged("P"):
            sheet.stroke(x, y, x + float(ends[-1]), y, RULE, 0.15)
            for i, text in enumerate(row):
                left = x + ends[i] - widths[i] if i < words else x + ends[i]
                sheet.line_of(left, y + 3.4, text, BODY, colour=INK, anchor="start" if i < words else "end",
                              most=widths[i] - (1.5 if i < words else 0.5))  # fmt: skip
        y += TABLE_ROW_MM
    return y


def table_height(sheet: Sheet, widths: Sequence[float], head: Sequence[str], rows: int) -> float:
    """How high `table` would be."""
    lines = max(
        (len(sheet.broken(text, wide - 1.5, SMALL)) for text, wide in zip(head, widths, strict=True)), default=1
    )
    return leading(SMALL) * min(lines, 3) + 0.8 + TABLE_ROW_MM * rows


def months_alt(title: str, rows: Sequence[Columns]) -> str:
    """The chart in words, for those who do not see it."""
    said = _("{month}: {requested} requested, {closed} closed")
    parts = [said.format(month=date_words(r.month), requested=r.requested, closed=r.closed) for r in rows]
    return f"{title}. {'; '.join(parts)}."


def band_alt(title: str, rows: Sequence[Band]) -> str:
    """The same for durations."""
    parts = [
        _("{month}: {time}").format(month=date_words(r.month), time=duration_words(r.hours)) for r in rows
    ]  # fmt: skip
    return f"{title}. {'; '.join(parts)}."


def dots_alt(title: str, rows: Sequence[Dot]) -> str:
    """The same for rows with intervals."""
    return f"{title}. {'; '.join(f'{r.label}: {r.words}' for r in rows)}."
