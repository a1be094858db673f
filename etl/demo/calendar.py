"""When requests come: how many of each service on each day, and at what time of the day.

Charter: seasons, weekdays, storms, hours. Days are local days; times within a day are seconds of the clock.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from etl.demo.frame import FIRST_DAY, LAST_DAY
from etl.demo.services import SERVICES

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

DAYS: Final = (LAST_DAY - FIRST_DAY).days + 1
_SEASON_PEAK: Final = {
    "even": (0.0, 0.0), "spring": (95.0, 0.9), "summer": (195.0, 0.55), "autumn": (310.0, 0.8), "heat": (205.0, 1.1),
    "ice": (20.0, 1.0), "snow": (30.0, 2.6),
}  # fmt: skip
"""Season -> (day of the year of its peak, strength of the wave on the log scale)."""
_WEEKDAY: Final = {
    "day": (1.18, 1.12, 1.08, 1.05, 1.0, 0.72, 0.6), "office": (1.35, 1.25, 1.2, 1.15, 1.05, 0.35, 0.22),
    "night": (0.85, 0.85, 0.88, 0.95, 1.2, 1.35, 1.15), "commute": (1.15, 1.12, 1.1, 1.08, 1.08, 0.7, 0.55),
}  # fmt: skip
_CLOCK: Final = {
    "day": (1, 1, 1, 1, 1, 2, 5, 14, 30, 38, 38, 36, 32, 33, 34, 32, 28, 22, 17, 13, 10, 7, 4, 2),
    "office": (0.3, 0.2, 0.2, 0.2, 0.3, 1, 3, 14, 40, 50, 50, 46, 36, 42, 44, 40, 28, 10, 6, 5, 4, 3, 2, 1),
    "night": (42, 32, 20, 9, 4, 3, 4, 8, 12, 13, 13, 12, 12, 12, 12, 13, 15, 18, 22, 28, 36, 46, 52, 50),
    "commute": (3, 2, 2, 2, 3, 7, 18, 38, 44, 36, 30, 28, 28, 28, 30, 36, 42, 40, 28, 18, 13, 10, 8, 5),
}
CLOCK_STEPS: Final = 8_192


def daily_counts(total: int, rng: np.random.Generator) -> Ints:
    """Requests per day and service, (DAYS, services), summing exactly to ``total``."""
    first = np.datetime64(FIRST_DAY, "D")
    day = first + np.arange(DAYS)
    of_year = (day - day.astype("datetime64[Y]")).astype(np.float64)
    weekday = (day.astype(np.int64) + 3) % 7
    growth = 1.0 + 0.05 * np.arange(DAYS) / 365.0
    busy = np.exp(rng.normal(0.0, 0.08, DAYS))
    storms = _storms(of_year, rng)
    rate = np.empty((DAYS, len(SERVICES)))
    for s, service in enumerate(SERVICES):
        peak, strength = _SEASON_PEAK[service.season]
        wave = np.exp(strength * (np.cos(2 * np.pi * (of_year - peak) / 365.25) - 1.0))
        rate[:, s] = wave / wave.mean() * np.asarray(_WEEKDAY[service.hours])[weekday] * growth * busy
        if service.season == "snow":
            rate[:, s] *= storms
        elif service.code in ("PK02", "WT02"):
            rate[:, s] *= 0.8 + 0.25 * storms
        rate[:, s] *= service.share / rate[:, s].sum()
    share = (rate / rate.sum()).ravel()
    return rng.multinomial(total, share / share.sum()).reshape(DAYS, len(SERVICES)).astype(np.int64)


def _storms(of_year: Floats, rng: np.random.Generator) -> Floats:
    """Most days quiet, a dozen storms a winter, each dying off over a few days."""
    level = np.full(len(of_year), 0.12)
    for at in np.flatnonzero(rng.random(len(of_year)) < 0.06):
        tail = level[at : at + 5]
        tail += rng.gamma(2.0, 2.0) * np.exp(-np.arange(len(tail)) / 1.6)
    return level


def clock_tables() -> npt.NDArray[np.int32]:
    """Inverse distribution of the second of the day per service, (services, CLOCK_STEPS)."""
    table = np.empty((len(SERVICES), CLOCK_STEPS), dtype=np.int32)
    at = (np.arange(CLOCK_STEPS) + 0.5) / CLOCK_STEPS
    for s, service in enumerate(SERVICES):
        share = np.asarray(_CLOCK[service.hours], dtype=np.float64)
        edges = np.concatenate([[0.0], np.cumsum(share) / share.sum()])
        table[s] = np.interp(at, edges, np.arange(25) * 3600.0)
    return table


CLOCK_STEP_SECONDS: Final = 60
"""Jitter added to a drawn second, so that the table's steps do not show."""


def chunks(counts: Ints, rows: int) -> list[tuple[int, int]]:
    """Consecutive days (from, to) that hold about ``rows`` requests each."""
    per_day = counts.sum(axis=1)
    label = (np.cumsum(per_day) - per_day // 2) // max(rows, 1)
    starts = np.flatnonzero(np.diff(label, prepend=-1))
    return [(int(a), int(b)) for a, b in zip(starts, [*starts[1:], len(per_day)], strict=True)]
