"""Which dates a page speaks of where its reader named none, and which months of the year before stand beside them.

Charter: one rule each, for report cards, standards, trends and their receipts. Months are whole: a part of a month is
never held against a whole one.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from portal.queries.month_numbers import first_day, month_number
from portal.queries.months import covered_until
from portal.queries.summary import period
from portal.release import Release
from portal.selection import Selection

YEAR_MONTHS: Final = 12


def last_months(release: Release, months: int, ending: date | None = None) -> tuple[date, date]:
    """First and last day of so many whole months that the record covers, or that end before `ending`."""
    last = covered_until(release) if ending is None else ending
    end = month_number(last) if (last + timedelta(days=1)).month != last.month else month_number(last) - 1
    return first_day(end - months + 1), first_day(end + 1) - timedelta(days=1)


def dated(release: Release, selection: Selection) -> Selection:
    """The selection with both dates.

    Where it names none: the last twelve whole months, or fewer where the record begins within them; else what is missing
    is the record's own begin or end.
    """
    begun, until = period(release)[0], covered_until(release)
    if selection.from_date is None and selection.to_date is None:
        start, end = last_months(release, YEAR_MONTHS)
        if begun is not None and start < begun:
            start = begun.replace(day=1)
        if end < start:  # the record is of one month, and that is not over
            end = until
        return selection.replace(from_date=start, to_date=end)
    since, end = selection.from_date or begun, selection.to_date or until
    return selection.replace(from_date=since, to_date=end if since is None else max(since, end))


def last_year(release: Release, selection: Selection) -> Selection | None:
    """The selection in the last twelve whole months of its dates, or of the record; None where its dates hold none."""
    covered = covered_until(release)
    start, end = last_months(release, YEAR_MONTHS, min(selection.to_date or covered, covered))
    if selection.from_date and selection.from_date > start:
        start = selection.from_date
    return selection.replace(from_date=start, to_date=end) if start <= end else None


def compared_months(release: Release, selection: Selection) -> list[int]:
    """The whole months within a selection's dates, from 1970-01, that can be held against the year before.

    None at all where the selection lacks a date, holds no whole month or more than twelve, or where the record does not
    reach back to the first of them a year earlier.
    """
    first, last, begun = selection.from_date, selection.to_date, period(release)[0]
    if first is None or last is None or begun is None:
        return []
    start = month_number(first) + (first.day > 1)
    end = month_number(last) - ((last + timedelta(days=1)).month == last.month)
    months = list(range(start, end + 1))
    if not months or len(months) > YEAR_MONTHS or first_day(start - YEAR_MONTHS) < begun:
        return []
    return months


def year_before(release: Release, selection: Selection) -> Selection | None:
    """The selection in the same months of the year before; None where there are none to compare."""
    months = compared_months(release, selection)
    if not months:
        return None
    start, end = first_day(months[0] - YEAR_MONTHS), first_day(months[-1] - YEAR_MONTHS + 1) - timedelta(days=1)
    return selection.replace(from_date=start, to_date=end)
