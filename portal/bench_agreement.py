"""Whether another database's rows say the same as the portal's answers: without that their times compare nothing.

Counts must be equal. Times exact to the minute must be equal to the minute; times that the portal takes from bins
(1% wide, and those censored in one at risk for half of it) may differ by a bin, and are held against each other only
in groups of FEWEST closings or more, as in smaller ones a step of the curve is longer than a bin.

Charter: answers and rows in, differences in words out; no queries.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, Final

from portal.answers import GroupRow, MonthRow, Quantile, RequestRow, ResponseTime, Totals
from portal.answers_course import Course
from portal.answers_figures import Backlog, Comparison, Shifted, YearAgo
from portal.answers_record import Linked
from portal.queries.month_numbers import month_number
from portal.queries.scans import OUTCOMES
from portal.selection import NOT_STATED

Rows = Sequence[tuple[Any, ...]]

FEWEST: Final = 300
BIN: Final = 0.015
"""One bin, and half of one for the middle that stands for it."""
COARSE: Final = 0.03
"""Closings expected from coarse bins (six fine ones each) beside those expected minute by minute."""
SHARE: Final = 0.01
"""A share closed by a moment that lies within a bin."""


def differences(figure: str, ours: Any, rows: Rows) -> list[str]:
    """What differs, in words; empty where both say the same. KeyError for a figure that is not known here."""
    return [found for found in _CHECKS[figure](ours, rows) if found]


def _totals(ours: Totals, rows: Rows) -> list[str]:
    mine = [
        ours.requests, ours.open, ours.closed, *(ours.outcomes[name] for name in OUTCOMES),
        ours.on_time, ours.late, ours.pending, ours.no_standard, ours.located, ours.excluded_from_response,
    ]  # fmt: skip
    return [_equal("counts", mine, list(rows[0]))]


def _response(ours: ResponseTime, rows: Rows) -> list[str]:
    n, events, *quantiles, closed_only = rows[0]
    found = [_equal("requests and closings", [ours.n, ours.events], [n or 0, events])]
    pairs = [*zip(ours.quantiles.values(), quantiles, strict=True)]
    found += [_to_the_minute(f"quantile {i}", mine.hours, theirs) for i, (mine, theirs) in enumerate(pairs)]
    return [*found, _to_the_minute("closed-only median", ours.closed_only_median_hours, closed_only)]


def _by(ours: list[GroupRow], rows: Rows) -> list[str]:
    theirs = {NOT_STATED if row[0] is None else row[0]: row[1:] for row in rows}
    found = []
    for mine in ours:
        counts = [mine.requests, mine.open, mine.closed, mine.on_time.k, mine.on_time.n, mine.done.k, mine.events]
        requests, waiting, closed, on_time, late, done, events, median, p90 = theirs.get(mine.key, (0,) * 9)
        found.append(_equal(mine.key, counts, [requests, waiting, closed, on_time, on_time + late, done, events]))
        found += _quantiles(mine.key, mine.events, [mine.median, mine.p90], [median, p90])
    return found


def _monthly(ours: list[MonthRow], rows: Rows) -> list[str]:
    theirs, found = {row[0]: row[1:] for row in rows}, []
    for mine in ours:
        number = month_number(mine.month)
        if not mine.requested:
            continue
        requests, closed, on_time, late, events, median, p90 = theirs.get(number, (0,) * 7)
        counts = [mine.requested, mine.closed, mine.on_time.k, mine.on_time.n, mine.events]
        found.append(_equal(str(mine.month), counts, [requests, closed, on_time, on_time + late, events]))
        found += _quantiles(str(mine.month), mine.events, [mine.median, mine.p90], [median, p90])
    return found


def _backlog(ours: Backlog, rows: Rows) -> list[str]:
    theirs: dict[int, int] = dict(rows)
    return [_equal("open by age", [n for _, _, n in ours.ages], [theirs.get(age, 0) for age in range(len(ours.ages))])]


def _oldest(ours: list[RequestRow], rows: Rows) -> list[str]:
    # Of those made at one moment, any may stand last.
    return [_equal("times of the oldest", [row.requested_datetime for row in ours], [row[1] for row in rows])]


def _compare(ours: Comparison, rows: Rows) -> list[str]:
    theirs, found = {row[0]: row[1:] for row in rows}, []
    for mine in ours.rows:
        late, due, expected, closings, expected_closings = theirs.get(mine.key, (0,) * 5)
        counts = [mine.late.observed, mine.late.n, mine.times.observed]
        found.append(_equal(mine.key, counts, [late, due, closings]))
        found.append(_near(f"{mine.key}: late expected", mine.late.expected, expected, 1e-6))
        if mine.times.observed >= FEWEST:
            found.append(_near(f"{mine.key}: closings expected", mine.times.expected, expected_closings, COARSE))
    return found


def _year_ago(ours: YearAgo | None, rows: Rows) -> list[str]:
    if ours is None:
        return []
    theirs = {row[0]: row[1:] for row in rows}
    found = []
    if ours.late.months and theirs:
        sides = ((True, ours.late.now.value), (False, ours.late.before.value))
        found += [_near("share late", value or 0, theirs[now][1] or 0, 1e-6) for now, value in sides]
    if ours.median.months == ours.requests.months and theirs:  # else months were left out of both years
        days = sum(_days(month) for month in ours.requests.compared)
        found.append(_near("requests", (ours.requests.now.value or 0) * days, theirs[True][0], 1e-9))
        for now, value in ((True, ours.median.now.value), (False, ours.median.before.value)):
            if value is not None and theirs[now][0] >= 12 * FEWEST:
                found.append(_near("median", value * 60, theirs[now][2], BIN))
    return found


def _shifted(ours: list[Shifted], rows: Rows) -> list[str]:
    theirs = {NOT_STATED if row[0] is None else row[0]: list(row[1:]) for row in rows}
    none = [0, 0, 0]
    mine = [(row, [row.now, row.before, *([] if row.year_ago is None else [row.year_ago])]) for row in ours]
    return [_equal(row.key, counts, theirs.get(row.key, none)[: len(counts)]) for row, counts in mine]


def _course(ours: Course, rows: Rows) -> list[str]:
    theirs = {(row[0], row[1]): row[2] for row in rows}
    if ours.events < FEWEST:
        return []
    found = []
    for mark in ours.marks:
        for name, share in mark.outcomes.items():
            difference = abs((share.value or 0) - theirs.get((mark.days, name), 0))
            if share.value is not None and difference > SHARE:
                found.append(f"{name} within {mark.days} days differ by {difference:.3f}")
    return found


def _linked(ours: Linked | None, rows: Rows) -> list[str]:
    if ours is None:
        return []
    mine = [ours.looked_at, ours.incidents, ours.repeats, ours.reopened, ours.flagged]
    return [_equal("links", [*mine, *(ours.flags[name] for name in ("fast", "bulk", "boilerplate"))], list(rows[0]))]


_CHECKS: Final[dict[str, Callable[[Any, Rows], list[str]]]] = {
    "totals": _totals,
    "response": _response,
    "by": _by,
    "monthly": _monthly,
    "backlog": _backlog,
    "oldest": _oldest,
    "compare": _compare,
    "year_ago": _year_ago,
    "shifted": _shifted,
    "course": _course,
    "linked": _linked,
}


def _quantiles(what: str, events: int, mine: list[Quantile], theirs: list[float | None]) -> list[str]:
    if events < FEWEST:
        return []
    return [
        _near(what, -1 if own.hours is None else own.hours * 60, -1 if other is None else other, BIN)
        for own, other in zip(mine, theirs, strict=True)
        if own.high is not None  # else the curve ends about here, by a few who are left
    ]


def _equal(what: str, mine: list[Any], theirs: list[Any]) -> str:
    return "" if mine == theirs else f"{what}: {mine} here, {theirs} there"


def _to_the_minute(what: str, hours: float | None, minutes: int | None) -> str:
    mine = None if hours is None else round(hours * 60, 6)
    return "" if mine == minutes else f"{what}: {mine} minutes here, {minutes} there"


def _near(what: str, mine: float, theirs: float, part: float) -> str:
    """Within a part of the larger one, or a minute's half where the times are of minutes."""
    slack = max(part * max(abs(mine), abs(float(theirs))), 0.5 if part == BIN else 1e-9)
    return "" if abs(mine - float(theirs)) <= slack else f"{what}: {mine:.6g} here, {theirs:.6g} there"


def _days(month: date) -> int:
    return calendar.monthrange(month.year, month.month)[1]
