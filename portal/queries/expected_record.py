"""What was known of requests when a month began, and what was forecast from it: the matter of `portal.queries.expected`.

The record is read once, as one row a request of the months that matter; requests that were closed long ago are only
counted. Every former month's forecast is then made of these arrays.

Charter: rows to counts to times; the forecasts themselves are `portal.figures.expected_time`'s.
"""

# ruff: noqa: S608 - the names in the SQL are the release's own columns, every value is a number of ours

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from portal.figures.expected_time import Expected, group_times, narrowest
from portal.queries.month_numbers import first_day
from portal.queries.scans import bin_minutes, distinct, ints, wide_bins
from portal.release import Release
from portal.selection import quoted

YEAR: Final = 12
REACH: Final = YEAR + 1
"""So many months before a month its forecast reaches back: to the month before the same one of the last year."""
NEVER: Final = 1 << 14
"""The month of closing of what is open, later than any."""
_BLOCK: Final = 500
"""Kinds of requests that are forecast at once, so that memory stays flat."""
_NOON: Final = 12 * 60
_DAY: Final = 24 * 60

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Kind = tuple[str, str | None]
"""A service and an area of the first drawn layer; None: the area is not known."""


@dataclass(frozen=True)
class Record:
    """Requests, sorted by kind; arrays of shape (requests,) unless they say otherwise.

    `bin` is that of the time to closing, or of the time waited until the release's as-of time.
    """

    services: list[str]
    kinds: list[Kind]
    service_of: Ints  # (kinds,): position in `services`
    kind: Ints
    month: Ints
    closed_month: Ints  # NEVER: still open
    bin: Ints
    day: Ints  # since 1970-01-01, of the city's own clock
    before: Ints  # (services, bins): closed before all months that are forecast, and made before all that are kept
    times: Floats  # (bins,): minutes
    wide: NDArray[np.bool_]  # (bins,)


@dataclass(frozen=True)
class Forecasts:
    """What was forecast when a month began, by kind, and by service in the whole city. Times are in minutes."""

    here: Expected  # (kinds,): from the cascade season, area, recent, service
    city: Expected  # (services,): from recent and service alone


def read(release: Release, layer: str | None, first: int) -> Record:
    """What the forecasts of month `first` and later are made of; `layer` is that of the areas."""
    area = "NULL::VARCHAR" if layer is None else quoted(layer)
    start = first - REACH
    known = "elapsed_bin IS NOT NULL AND service_code IS NOT NULL"
    old = f"month < {start} AND event AND closed_month < {first}"
    rows = release.table(
        f"""SELECT service_code AS service, {area} AS area, month, CASE WHEN event THEN closed_month END AS closed_month,
                   elapsed_bin AS bin, requested_date AS day
            FROM requests WHERE {known} AND NOT coalesce({old}, FALSE)"""
    )
    counted = release.table(
        f"""SELECT service_code AS service, elapsed_bin AS bin, count(*) AS n FROM requests
            WHERE {known} AND {old} GROUP BY ALL"""
    )
    names, service = distinct(rows["service"])
    old_names, old_service = distinct(counted["service"])
    services = sorted({*names, *old_names})
    areas, area_of = distinct(rows["area"])
    width = max(len(areas), 1)
    code = _places(names, services)[service] * width + area_of
    found, kind = np.unique(code, return_inverse=True)
    kinds = [(services[c // width], areas[c % width]) for c in found.tolist()]
    order = np.argsort(kind, kind="stable")
    times = bin_minutes(release)
    before = np.zeros((len(services), times.size), np.int64)
    np.add.at(before, (_places(old_names, services)[old_service], ints(counted["bin"])), ints(counted["n"]))
    closed = ints(rows["closed_month"])
    return Record(
        services, kinds, found // width, kind[order], ints(rows["month"])[order],
        np.where(closed < 0, NEVER, closed)[order], ints(rows["bin"])[order], _days(rows["day"])[order],
        before, times, wide_bins(release),
    )  # fmt: skip


def forecasts(release: Release, record: Record, month: int, by_now: bool = False) -> Forecasts:
    """Times within which half and 9 in 10 of a month's requests should be closed, from what was known as it began.

    `by_now`: of all that the record has, the month's own requests included.
    """
    rows = np.flatnonzero(record.month <= (month if by_now else month - 1))
    closed, place = _as_known(release, record, rows, None if by_now else month)
    kind, when = record.kind[rows], record.month[rows]
    season, year = (when >= month - YEAR - 1) & (when <= month - YEAR + 1), when >= month - YEAR
    sides = (closed, ~closed)
    size = int(max(place.max(initial=0), np.flatnonzero(record.before.any(axis=0)).max(initial=0))) + 1
    times, wide = record.times[:size], record.wide[:size]
    service, many = record.service_of[kind], len(record.services)
    events, censored = (
        np.stack([_counts(service, place, side & year, many, size), _counts(service, place, side, many, size)], axis=1)
        for side in sides
    )
    events[:, 1] += record.before[:, :size]
    of_service = group_times(times, events, censored, wide=wide)
    parts = []
    for start in range(0, len(record.kinds), _BLOCK):
        end = min(start + _BLOCK, len(record.kinds))
        low, high = np.searchsorted(kind, (start, end))
        at, bins, within = kind[low:high] - start, place[low:high], (season[low:high], year[low:high])
        events, censored = (
            np.stack([_counts(at, bins, side[low:high] & window, end - start, size) for window in within], axis=1)
            for side in sides
        )
        parts.append(group_times(times, events, censored, wide=wide))
    if not parts:
        return Forecasts(narrowest(of_service), narrowest(of_service))
    of_kind = parts[0].joined(*parts[1:], axis=0)
    nowhere = np.array([area is None for _, area in record.kinds])
    of_kind.events[nowhere] = 0  # an area that is not known is none
    return Forecasts(narrowest(of_kind.joined(of_service.taken(record.service_of), axis=1)), narrowest(of_service))


def outcomes(
    release: Release, record: Record, first: int, last: int, at: int | None
) -> tuple[Ints, Floats, NDArray[np.bool_]]:
    """What came of the requests of months first to last, as known when month `at` began (None: by now).

    Their positions, minutes until closed or waited so far, and whether they were closed.
    """  # fmt: skip
    rows = np.flatnonzero((record.month >= first) & (record.month <= last))
    closed, place = _as_known(release, record, rows, at)
    minutes = record.times[place]
    if at is not None:
        minutes = np.where(closed, minutes, _waited(release, record.day[rows], at))
    return rows, minutes, closed


def _as_known(release: Release, record: Record, rows: Ints, at: int | None) -> tuple[NDArray[np.bool_], Ints]:
    """Whether requests were closed when month `at` began (None: by now), and the bin of the time until then.

    What was open then has waited since noon of its day, and so its time is right within half a day.
    """
    if at is None:
        return record.closed_month[rows] < NEVER, record.bin[rows]
    closed = record.closed_month[rows] < at
    waited = np.searchsorted(record.times, _waited(release, record.day[rows[~closed]], at), side="right") - 1
    place = record.bin[rows]
    place[~closed] = np.clip(waited, 0, None)
    return closed, place


def _waited(release: Release, day: Ints, at: int) -> Floats:
    """Minutes from noon of a day to the beginning of a month, at least one."""
    begins = begins_utc(release, at).replace(tzinfo=UTC).timestamp() / 60
    return np.maximum(begins - day * float(_DAY) - _NOON, 1.0)


def begins_utc(release: Release, month: int) -> datetime:
    """When a month begins in the city, as UTC without zone."""
    local = datetime.combine(first_day(month), time(), release.city.zone)
    return local.astimezone(UTC).replace(tzinfo=None)


def _counts(group: Ints, place: Ints, rows: NDArray[np.bool_], groups: int, size: int) -> Ints:
    flat = np.bincount(group[rows] * size + place[rows], minlength=groups * size)
    return flat.astype(np.int64).reshape(groups, size)


def _places(names: list[Any], among: list[str]) -> Ints:
    at = {name: i for i, name in enumerate(among)}
    return np.array([at[name] for name in names], np.int64)


def _days(values: Any) -> Ints:
    return np.asarray(values.to_numpy(), "datetime64[D]").astype(np.int64)
