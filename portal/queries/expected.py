"""How long a new request should take, and how well such forecasts have held on months that were held out.

Charter: what was known on a day, as counts; the forecasts and their calibration are `portal.figures.expected_time`'s.
"""

# ruff: noqa: S608 - the names in the SQL are the release's own columns, every value is a parameter

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from portal.answers_expected import Calibration, Forecast, Held
from portal.figures import expected_time
from portal.figures.expected_time import expected_times, factors, held_out, recalibrated
from portal.queries.estimates import estimate, finite
from portal.queries.month_numbers import first_day, month_number
from portal.queries.months import covered_until
from portal.queries.scans import bin_minutes, kept, once, wide_bins
from portal.queries.summary import period
from portal.release import Release
from portal.selection import Selection, quoted

BASES: Final = ("season", "area", "recent", "service")
"""The cascade, narrowest first."""
HELD_OUT_MONTHS: Final = 6
DRIFT_MONTHS: Final = 3
YEAR: Final = 12
_BLOCK: Final = 500
"""Kinds of requests (service and area) that are forecast at once, so that memory stays flat."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Kind = tuple[str, str | None]


@dataclass(frozen=True)
class _Known:
    """What is known at a moment, in cells of (kind, window, bin): closed and still open. A kind is a service and an area."""

    kinds: list[Kind]
    kind: Ints
    season: NDArray[np.bool_]
    year: NDArray[np.bool_]
    bin: Ints
    closed: NDArray[np.bool_]
    n: Ints


@dataclass(frozen=True)
class _Outcomes:
    """What came of the requests of some months, as known at a moment: minutes waited, and whether it was closed."""

    kinds: list[Kind]
    kind: Ints
    month: Ints
    minutes: Floats
    closed: NDArray[np.bool_]
    n: Ints

    def stated(self, plain: dict[int, dict[Kind, Floats]]) -> Floats:
        """What was forecast for each cell, in the month of its request: shape (cells, 2), NaN where nothing was."""
        months, place = np.unique(self.month, return_inverse=True)
        table = np.full((len(months), len(self.kinds), 2), np.nan)
        for i, month in enumerate(months.tolist()):
            forecasts = plain.get(month, {})
            for j, kind in enumerate(self.kinds):
                if kind in forecasts:
                    table[i, j] = forecasts[kind]
        return np.asarray(table[place, self.kind])


@once
def calibration(release: Release) -> Calibration | None:
    """Forecasts of the last months held against what came; None where the record is too short for any."""
    last = month_number(covered_until(release))
    begun = period(release)[0]
    if begun is None:
        return None
    first = max(last - HELD_OUT_MONTHS + 1, month_number(begun) + DRIFT_MONTHS + 1)
    if first > last:
        return None
    plain = {month: _forecasts(release, month) for month in range(first - DRIFT_MONTHS, last + 1)}
    rows, parts = [], []
    for month in range(first, last + 1):
        came = _outcomes(release, month, month, None)
        stated = recalibrated(came.stated(plain), np.array(_factors(release, plain, month)))
        each = np.repeat(np.arange(len(stated)), came.n)
        parts.append((stated[each], came.minutes[each], came.closed[each]))
        rows.append(_answer(first_day(month), *parts[-1]))
    pooled = _answer(None, *(np.concatenate([part[i] for part in parts]) for i in range(3)))
    return Calibration(tuple(rows), pooled, _factors(release, plain, last + 1, as_of=True))


@kept
def expected(release: Release, service: str, area: str | None) -> Forecast | None:
    """The forecast of a request that is made now; None where too little is known. `area`: of the first drawn layer."""
    known = _known(release, month_number(covered_until(release)) + 1, None, service)
    found = _of_kinds(release, known, [(service, area)])
    if found.group[0] < 0:
        return None
    held = calibration(release)
    hours = recalibrated(found.times, np.array(held.factors if held else (1.0, 1.0)))[0] / 60
    return Forecast(
        finite(hours[0]), finite(hours[1]), BASES[int(found.group[0])], int(found.requests[0]), int(found.events[0])
    )


def drawn_layer(release: Release) -> str | None:
    """The layer whose areas forecasts are made for: the first that is drawn."""
    return next((layer.layer for layer in release.layers if layer.geometry), None)


def _factors(
    release: Release, plain: dict[int, dict[Kind, Floats]], month: int, as_of: bool = False
) -> tuple[float, float]:
    """What the three months before would have needed, as known when `month` begins."""
    earlier = [m for m in range(month - DRIFT_MONTHS, month) if m in plain]
    if not earlier:
        return 1.0, 1.0
    came = _outcomes(release, earlier[0], earlier[-1], None if as_of else month)
    each = np.repeat(np.arange(len(came.n)), came.n)
    by = factors(came.stated(plain)[each], came.minutes[each], came.closed[each])
    return float(by[0]), float(by[1])


def _forecasts(release: Release, month: int) -> dict[Kind, Floats]:
    """Minutes within which half and 9 in 10 are closed, by service and area, from what was known when a month began."""
    known = _known(release, month, month)
    found: dict[Kind, Floats] = {}
    for start in range(0, len(known.kinds), _BLOCK):
        block = known.kinds[start : start + _BLOCK]
        found |= dict(zip(block, _of_kinds(release, known, block).times, strict=True))
    return found


def _answer(month: date | None, stated: Floats, waited: Floats, closed: NDArray[np.bool_]) -> Held:
    found = held_out(stated, waited, closed)
    forecasts = int(np.isfinite(stated[:, 0]).sum())
    return Held(month, len(stated), forecasts, estimate(found.share[0]), estimate(found.share[1]))


def _of_kinds(release: Release, known: _Known, kinds: list[Kind]) -> expected_time.Expected:
    """Forecasts of kinds of requests from the cascade of groups."""
    times = bin_minutes(release)[: int(known.bin.max(initial=0)) + 1]
    services = {service: i for i, service in enumerate(dict.fromkeys(service for service, _ in kinds))}
    of_service = np.array([services.get(service, -1) for service, _ in known.kinds], np.int64)
    place = {kind: i for i, kind in enumerate(kinds)}
    of_kind = np.array([place.get(kind, -1) if kind[1] is not None else -1 for kind in known.kinds], np.int64)

    def counted(group: Ints, size: int, rows: NDArray[np.bool_]) -> Ints:
        rows = rows & (group >= 0)
        flat = np.bincount(group[rows] * times.size + known.bin[rows], known.n[rows], minlength=size * times.size)
        return flat.astype(np.int64).reshape(size, times.size)

    counts = np.zeros((2, len(kinds), len(BASES), times.size), np.int64)
    kind, service = of_kind[known.kind], of_service[known.kind]
    back = np.array([services[service] for service, _ in kinds], np.int64)
    for side, rows in enumerate((known.closed, ~known.closed)):
        counts[side, :, 0] = counted(kind, len(kinds), rows & known.season)
        counts[side, :, 1] = counted(kind, len(kinds), rows & known.year)
        counts[side, :, 2] = counted(service, len(services), rows & known.year)[back]
        counts[side, :, 3] = counted(service, len(services), rows)[back]
    return expected_times(times, counts[0], counts[1], wide=wide_bins(release)[: times.size])


def _known(release: Release, month: int, at: int | None, service: str | None = None) -> _Known:
    """Requests of the months before `month`, as they stood when the month `at` began (None: as the record has them)."""
    window = f"(month BETWEEN {month - YEAR - 1} AND {month - YEAR + 1}) AS season, (month >= {month - YEAR}) AS year"
    frame = _read(release, f"month < {month}", at, window, service)
    bins = frame["bin"].to_numpy(np.int64, na_value=-1)
    waited = np.searchsorted(bin_minutes(release), frame["minutes"].to_numpy(float), side="right") - 1
    kinds, kind = _kinds(frame)
    return _Known(
        kinds, kind, frame["season"].to_numpy(bool), frame["year"].to_numpy(bool),
        np.where(bins >= 0, bins, np.clip(waited, 0, None)), bins >= 0, frame["n"].to_numpy(np.int64),
    )  # fmt: skip


def _outcomes(release: Release, first: int, last: int, at: int | None) -> _Outcomes:
    """What came of the requests of months first to last, as known when month `at` began (None: by now)."""
    frame = _read(release, f"month BETWEEN {first} AND {last}", at, "month")
    bins = frame["bin"].to_numpy(np.int64, na_value=-1)
    minutes = np.where(bins >= 0, bin_minutes(release)[np.clip(bins, 0, None)], frame["minutes"].to_numpy(float))
    kinds, kind = _kinds(frame)
    return _Outcomes(kinds, kind, frame["month"].to_numpy(np.int64), minutes, bins >= 0, frame["n"].to_numpy(np.int64))


def _read(release: Release, which: str, at: int | None, more: str, service: str | None = None) -> pd.DataFrame:
    """Cells of requests as they stood when month `at` began (None: by now), months being of the city's own clock.

    `bin` of those that were closed by then, `minutes` waited of the others: by their day, and so within half a day.
    """
    layer = drawn_layer(release)
    area = "NULL::VARCHAR" if layer is None else quoted(layer)
    keys = f"service_code AS service, {area} AS area, {more}"
    ended, waiting = "event", "NOT event"
    if at is not None:
        ended = f"event AND closed_month < {int(at)}"
        waiting = f"(NOT event OR closed_month >= {int(at)} OR closed_month IS NULL)"
    moment = release.as_of.astimezone(UTC).replace(tzinfo=None) if at is None else _begins(release, at)
    where, params = release.where(Selection(service=(service,)) if service else Selection())
    closed = release.table(
        f"""SELECT {keys}, elapsed_bin AS bin, count(*) AS n FROM requests
            WHERE {which} AND {ended} AND {where} GROUP BY ALL""", params,
    ).to_pandas()  # fmt: skip
    still = release.table(
        f"""SELECT {keys}, requested_date AS day, count(*) AS n FROM requests
            WHERE {which} AND elapsed_bin IS NOT NULL AND {waiting} AND {where} GROUP BY ALL""", params,
    ).to_pandas()  # fmt: skip
    day = pd.to_datetime(still.pop("day"))
    still["minutes"] = ((pd.Timestamp(moment) - day).dt.total_seconds() / 60 - 12 * 60).clip(lower=1.0)
    frame = pd.concat([closed.assign(minutes=np.nan), still.assign(bin=pd.NA)], ignore_index=True)
    frame["bin"] = frame["bin"].astype("Int64")
    return frame


def _kinds(frame: pd.DataFrame) -> tuple[list[Kind], Ints]:
    """The kinds of requests in a frame, and each row's position among them."""
    service, services = pd.factorize(frame["service"])
    area, areas = pd.factorize(frame["area"])  # -1: no area is known
    code = service.astype(np.int64) * (len(areas) + 1) + area + 1
    found, kind = np.unique(code, return_inverse=True)
    whole, part = found // (len(areas) + 1), found % (len(areas) + 1)
    names = [None, *(str(name) for name in areas)]
    return [(str(services[s]), names[a]) for s, a in zip(whole, part, strict=True)], kind.astype(np.int64)


def _begins(release: Release, month: int) -> datetime:
    local = datetime.combine(first_day(month), time(), release.city.zone)
    return local.astimezone(UTC).replace(tzinfo=None)
