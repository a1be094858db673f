"""How long a new request should take, and how well such forecasts have held on months that were held out.

All of it is worked out in the background when a release is opened, once for every service and area: one release has
one forecast of a thing, and nobody is told another one before.

Charter: questions of pages and clients; what was known on a day is `portal.queries.expected_record`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from portal.answers_expected import Calibration, Forecast, Held
from portal.background import Background
from portal.figures.expected_time import Expected, factors, held_out, recalibrated
from portal.queries.estimates import estimate, finite
from portal.queries.expected_record import YEAR, Forecasts, Kind, Record, forecasts, outcomes, read
from portal.queries.month_numbers import first_day, month_number
from portal.queries.months import covered_until
from portal.queries.summary import period
from portal.release import Release

BASES: Final = ("season", "area", "recent", "service")
"""The cascade, narrowest first."""
HELD_OUT_MONTHS: Final = 6
DRIFT_MONTHS: Final = 3

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _Ready:
    """All answers about a release; a forecast of a service in an area is only here where it rests on the area."""

    forecasts: Mapping[Kind, Forecast]
    calibration: Calibration | None


def prepare(release: Release) -> None:
    """Begin to work out the expected times of a release; returns at once."""
    _answers.start(release)


def wait(release: Release, seconds: float = 60) -> None:
    """Until the expected times of a release are there: for tests and measurements."""
    _answers.wait(release, seconds)


def calibration(release: Release) -> Calibration | None:
    """Forecasts of the last months held against what came; None where the record is too short for any.

    This and the other questions raise NotReady while the answers are being worked out, and Failed where that failed.
    """
    return _answers.ask(release).calibration


def expected(release: Release, service: str, area: str | None) -> Forecast | None:
    """The forecast of a request that is made now; None where too little is known. `area`: of the first drawn layer."""
    found = _answers.ask(release).forecasts
    return found.get((service, area)) or found.get((service, None))


def expected_all(release: Release, area: str | None) -> dict[str, Forecast | None]:
    """The same of every service, in the order of the release's own list."""
    return {choice: expected(release, choice, area) for choice in release.allowed("service")}


def drawn_layer(release: Release) -> str | None:
    """The layer whose areas forecasts are made for: the first that is drawn."""
    return next((layer.layer for layer in release.layers if layer.geometry), None)


@dataclass(frozen=True, slots=True)
class Months:
    """Months since 1970-01: those that are held out (`first` None: the record is too short), and that of a new request."""

    first: int | None
    last: int
    now: int

    @property
    def forecast(self) -> range:
        """The months that are forecast for it: the ones held out and those that the first factors are made of."""
        return range((self.first or self.now) - DRIFT_MONTHS, self.last + 1) if self.first else range(0)


def months(release: Release) -> Months:
    """Which months the expected times of a release are made of and held against."""
    last = month_number(covered_until(release))
    # A request is made when the data was taken, or right after the record: an extract may end long before.
    now = min(month_number(release.as_of.astimezone(release.city.zone).date()), last + 1)
    begun = period(release)[0]
    if begun is None:
        return Months(None, last, now)
    first = max(last - HELD_OUT_MONTHS + 1, month_number(begun) + DRIFT_MONTHS + 1)
    return Months(first if first <= last else None, last, now)


def _work_out(release: Release) -> _Ready:
    which, layer = months(release), drawn_layer(release)
    record = read(release, layer, min(which.forecast, default=which.now))
    held = _held(release, record, which.first, which.last) if which.first is not None else None
    by = held.factors if held else (1.0, 1.0)
    return _Ready(_told(record, forecasts(release, record, which.now, by_now=True), layer, which.now, by), held)


_answers: Background[_Ready] = Background(
    _work_out,
    "expected times",
    not_ready="Expected times are being worked out. Try again in a few seconds.",
    failed="Expected times of this release could not be worked out. That has been logged.",
)


def _held(release: Release, record: Record, first: int, last: int) -> Calibration:
    plain = {m: forecasts(release, record, m).here.times for m in range(first - DRIFT_MONTHS, last + 1)}
    rows, parts = [], []
    for month in range(first, last + 1):
        which, minutes, closed = outcomes(release, record, month, month, None)
        by = np.array(_factors(release, record, plain, month))
        parts.append((recalibrated(plain[month][record.kind[which]], by), minutes, closed))
        rows.append(_answer(first_day(month), *parts[-1]))
    pooled = _answer(None, *(np.concatenate([part[i] for part in parts]) for i in range(3)))
    return Calibration(tuple(rows), pooled, _factors(release, record, plain, last + 1, by_now=True))


def _factors(
    release: Release, record: Record, plain: dict[int, Floats], month: int, by_now: bool = False
) -> tuple[float, float]:
    """What the three months before would have needed, as known when `month` begins (`by_now`: as the record has it)."""
    earlier = [m for m in range(month - DRIFT_MONTHS, month) if m in plain]
    if not earlier:
        return 1.0, 1.0
    which, minutes, closed = outcomes(release, record, earlier[0], earlier[-1], None if by_now else month)
    stated = np.stack([plain[m] for m in earlier])[record.month[which] - earlier[0], record.kind[which]]
    by = factors(stated, minutes, closed)
    return float(by[0]), float(by[1])


def _answer(month: date | None, stated: Floats, waited: Floats, closed: NDArray[np.bool_]) -> Held:
    found = held_out(stated, waited, closed)
    forecast = int(np.isfinite(stated[:, 0]).sum())
    return Held(month, len(stated), forecast, estimate(found.share[0]), estimate(found.share[1]))


def _told(
    record: Record, found: Forecasts, layer: str | None, now: int, by: tuple[float, float]
) -> dict[Kind, Forecast]:
    """Forecasts as they are told: those of each service, and those of areas where they rest on the area."""
    windows: dict[str, tuple[date | None, date | None]] = {
        "season": (first_day(now - YEAR - 1), first_day(now - YEAR + 2) - timedelta(days=1)),
        "area": (first_day(now - YEAR), None),
        "recent": (first_day(now - YEAR), None),
        "service": (None, None),
    }

    def told(kind: Kind, times: Expected, i: int, bases: tuple[str, ...]) -> Forecast:
        half, most = recalibrated(times.times[i], np.array(by)) / 60
        basis = bases[int(times.group[i])]
        here = kind[1] if basis in BASES[:2] else None
        return Forecast(
            finite(half), finite(most), basis, int(times.requests[i]), int(times.events[i]), kind[0],
            layer if here else None, here, *windows[basis], first_day(now),
        )  # fmt: skip

    whole: dict[Kind, Forecast] = {
        (service, None): told((service, None), found.city, i, BASES[2:])
        for i, service in enumerate(record.services)
        if found.city.group[i] >= 0
    }
    here = {
        kind: told(kind, found.here, i, BASES)
        for i, kind in enumerate(record.kinds)
        if kind[1] is not None and 0 <= found.here.group[i] < 2
    }
    return {**whole, **here}
