"""Months as numbers, counted from 1970-01: what the index's columns `month` and `closed_month` hold."""

from __future__ import annotations

import calendar
from datetime import date, timedelta


def month_number(day: date) -> int:
    """The month of a day.

    >>> month_number(date(1970, 1, 31)), month_number(date(2025, 3, 1))
    (0, 662)
    """
    return (day.year - 1970) * 12 + day.month - 1


def first_day(number: int) -> date:
    """The first day of a month.

    >>> first_day(662)
    datetime.date(2025, 3, 1)
    """
    year, month = divmod(number, 12)
    return date(1970 + year, month + 1, 1)


def ends_month(day: date) -> bool:
    """Whether it is the last of its month."""
    return (day + timedelta(days=1)).day == 1


def days_in(number: int) -> int:
    """How many days a month has."""
    day = first_day(number)
    return calendar.monthrange(day.year, day.month)[1]
