"""Control chart of a monthly series that marks a real shift and leaves ordinary ups and downs alone.

An individuals chart (Shewhart 1931; Wheeler 1993): the noise is measured from differences between neighbours, which a
slow drift hardly touches (von Neumann, Kent, Bellinson & Hart 1941). For a seasonal series the neighbours are the
same month of consecutive years, and the centre is each calendar month's own mean over the baseline. Such a
deseasonalised value is preferred to the ratio to the same month last year: that ratio carries the noise of two
months instead of one and a half (two years of baseline), and calls a shift over after twelve months though it stays.

Where each month's sampling error is known (a share of n, a count), the noise is a multiple of it, so limits are wider
in months with few requests (Laney's p' and u' charts, 2002); the multiple is never taken for less than 1.

A baseline is short, so the limits are prediction limits of Student's t, which hold 99.73% of months of a stable
series also when centre and noise are estimated from 24 months. Two rules, no more:

- `BEYOND`: one month outside the limits;
- `SHIFT`: eight months in a row on one side of the centre whose mean is itself outside its limits of 99.73%. The
  chart is then re-based: from the likeliest of their first five on, the centre moves by the mean since, and later
  months are judged by that. Their being beyond is explained by the shift, so these months are marked as that.

A month of a stable series is marked `BEYOND` falsely once in some 320, and a shift begins falsely once in some 2,500.

Charter: one series in; centre, limits and a mark for each month out. What is drawn or said of it is said elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

Floats = NDArray[np.float64]

IN_CONTROL, BEYOND, SHIFT, UNKNOWN = "in_control", "beyond", "shift", "unknown"

RUN = 8
"""So many months in a row on one side can be a shift."""

TAIL = 0.00135
"""The chance to be outside on one side: that of three standard deviations."""

YEAR = 12


@dataclass(frozen=True)
class Chart:
    """A chart, in the unit of the values; NaN where the baseline says nothing of a calendar month."""

    centre: Floats
    low: Floats
    high: Floats
    marks: tuple[str, ...]  # in_control, beyond, shift; unknown where there is no value or no limit
    shifts: tuple[int, ...]  # positions of the months at which a shift began
    sizes: tuple[float, ...]  # of each shift: the ratio of the new centre to the former one, or the difference
    runs: tuple[tuple[int, ...], ...]  # of each shift: positions of the months that tell how large it is
    noise: float  # standard deviation on the scale of the chart, or the multiple of the sampling error


@dataclass(frozen=True)
class _Level:
    """What the baseline tells: each month's centre, its variance, and the noise, on the scale of the chart."""

    centre: Floats
    variance: Floats
    noise: float  # variance, of months whose error is 1
    reach: float  # how many standard deviations hold 99.73%


def control_chart(
    values: NDArray[Any],
    errors: NDArray[Any] | None = None,
    *,
    seasonal: bool = True,
    baseline: int | None = None,
    logarithmic: bool = True,
) -> Chart:
    """The chart of `values`, one for each month without gaps, NaN where there is none.

    `logarithmic`: changes count as ratios, as fits times and numbers; without it as differences, as fits shares.
    Values that have no logarithm are taken as missing. `errors` are the months' sampling standard errors on that
    scale: of a number n per month 1/sqrt(n) (logarithmic), of a share sqrt(p(1-p)/n) with the p of the baseline, of a
    quantile of times the logarithm of its band's upper over its lower end, over 3.92 (logarithmic). Give them wherever
    some months have far fewer requests than others, or those months are marked too often.
    `baseline`: how many of the first months set centre and limits, by default 24 (seasonal: two of each calendar
    month) or 12. ValueError when there are too few to tell the noise (fewer than six differences between neighbours).
    """
    size = baseline if baseline is not None else (2 * YEAR if seasonal else YEAR)
    y = np.asarray(values, np.float64)
    if logarithmic:
        y = np.log(np.where(y > 0, y, np.nan))
    scale = np.ones_like(y) if errors is None else np.asarray(errors, np.float64)
    if y.ndim != 1 or scale.shape != y.shape:
        raise ValueError("a chart is of one series, and errors are one for each of its months")
    y = np.where(np.isfinite(scale) & (scale > 0), y, np.nan)
    known = scale[scale > 0]
    scale = np.where(np.isnan(y), np.median(known) if known.size else 1.0, scale)
    level = _level(y, scale, YEAR if seasonal else 1, min(size, y.size), floor=0.0 if errors is None else 1.0)
    return _judged(y, scale, level, min(size, y.size), logarithmic)


def _level(y: Floats, scale: Floats, lag: int, size: int, floor: float) -> _Level:
    centre, variance = np.full(y.size, np.nan), np.full(y.size, np.nan)
    squares, free, differences = 0.0, 0.0, 0
    for phase in range(lag):
        base = np.arange(phase, size, lag)
        base = base[np.isfinite(y[base])]
        if not base.size:
            continue
        weight = 1 / scale[base] ** 2
        centre[phase::lag] = (weight * y[base]).sum() / weight.sum()
        variance[phase::lag] = 1 / weight.sum()
        if base.size > 1:
            steps = np.diff(y[base]) / np.hypot(scale[base][1:], scale[base][:-1])
            squares += float((steps**2).sum())
            differences += steps.size
            # Neighbouring differences share a month: worth so many independent ones.
            free += 2 * steps.size**2 / (3 * base.size - 4)
    if differences < 6:
        raise ValueError(f"{size} months of baseline tell too little: {differences} differences between neighbours")
    return _Level(centre, variance, max(squares / differences, floor), reach(free))


def reach(free: float) -> float:
    """How many standard deviations hold 99.73% of what is predicted from noise of so many degrees of freedom."""
    return -float(stdtrit(free, TAIL))


def _judged(y: Floats, scale: Floats, level: _Level, size: int, logarithmic: bool) -> Chart:
    centre = level.centre.copy()
    spread = scale**2 + level.variance
    marks = [UNKNOWN] * y.size
    shifts: list[int] = []
    sizes: list[float] = []
    runs: list[tuple[int, ...]] = []
    run: list[int] = []
    for month in range(y.size):
        away = y[month] - centre[month]
        if np.isnan(away):
            continue  # says nothing for or against a shift
        margin = level.reach * np.sqrt(level.noise * spread[month])
        marks[month] = BEYOND if abs(away) > margin else IN_CONTROL
        if month < size:
            continue  # the baseline cannot have shifted from itself
        run = [*run, month] if run and (y[run[-1]] - centre[run[-1]]) * away > 0 else [month]
        last = run[-RUN:]
        step = float((y[last] - centre[last]).mean())
        error = np.sqrt(level.noise * spread[last].sum()) / len(last)
        if len(last) < RUN or abs(step) <= level.reach * error:
            continue
        last = _since(last, y - centre)
        step = float((y[last] - centre[last]).mean())
        for one in last:
            marks[one] = SHIFT
        shifts.append(last[0])
        runs.append(tuple(last))
        sizes.append(float(np.exp(step)) if logarithmic else step)
        centre[last[0] :] += step
        spread[last[0] :] += (scale[last] ** 2).sum() / len(last) ** 2
        run = []
    margin = level.reach * np.sqrt(level.noise * spread)
    ends = (centre, centre - margin, centre + margin)
    drawn = [np.exp(line) if logarithmic else line for line in ends]
    return Chart(
        drawn[0],
        drawn[1],
        drawn[2],
        tuple(marks),
        tuple(shifts),
        tuple(sizes),
        tuple(runs),
        float(np.sqrt(level.noise)),
    )


def _since(run: list[int], away: Floats) -> list[int]:
    """The part of the run since the likeliest month for the shift to have begun, at least half of it.

    A month before the shift is on the same side every other time; to count it in would make the shift too small.
    """
    parts = [run[start:] for start in range(RUN // 2 + 1)]
    return max(parts, key=lambda part: float(away[part].sum() ** 2 / len(part)))
