"""How readily people report what is wrong, from the duplicates: the rate of further reports of a thing already reported.

How many requests an area sends says both how much is wrong there and how readily people report it, and nothing tells
the two apart, for what nobody reports is not seen. Once a thing has been reported, it is known to be there: the reports
that follow until it is mended come at the rate at which people report such a thing. That rate is estimated without
knowing when the thing came to be, nor how many things nobody reported.

What must hold:
- Reports of one thing are a Poisson process while it lasts. The count starts after the first report, which is what
  makes the thing visible, and ends at a moment that does not look ahead: the closing, the as-of time, or a stated
  longest time of watching. That later reports may hasten the closing does no harm.
- The rate of a service is the same throughout the time watched; a closing ends the thing. Where reports come early and
  one area's things last longer, its rate comes out too low, for the later days bring little. `per_thing` counts reports
  for each thing, however long it was watched: it is right where all who report do so at once, and too high where reports
  keep coming while a thing lasts. So the two enclose the truth, and `lasting` says where they differ.
- Duplicates are found equally well everywhere. What was grouped by mistake raises the rate where many things lie near
  one another; duplicates that the city's own system drops before it publishes lower it.
- Services are alike in kind across areas: rates are compared within services (`stratum`), never over their mix.
Several reports of one person count as several. The exact intervals are of Poisson counts; where `dispersion` is well
above 1, things differ among themselves more than that, and the intervals are too narrow by about its root.

Sources: Liu, Bhandaram & Garg (2024), Quantifying spatial under-reporting disparities in resident crowdsourcing;
Breslow & Day (1987) on indirect standardisation and on multiplicative rates; Garwood (1936) on exact intervals.

Charter: arrays in, rates out; what an incident is was decided when the release was made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from portal.figures.poisson import Interval, exact_interval

WINDOW_DAYS: Final = 7.0
"""So long a thing is watched after its first report, unless the caller says otherwise."""
_ROUNDS: Final = 500
_SETTLED: Final = 1e-10

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class ReportingRates:
    """Of each area, all of shape (areas,) but `city` and `dispersion`.

    `further`: reports after the first; `days`: how long the things were watched, summed; `rate`: reports a day of a thing
    that is known (raw); `expected`: reports at the city's rates of the services; `ratio`: observed over expected, that is
    against the whole city, this area in it; `per_thing`: the same of reports for each thing instead of for each day;
    `lasting`: days watched over those expected of as many things of the services; `relative`: the area's factor in a
    model of area times service, 1 for the median of the areas with reports, so that two areas may be divided by one
    another; `city`: reports a day over all.
    """

    further: Ints
    days: Floats
    rate: Interval
    expected: Floats
    ratio: Interval
    per_thing: Interval
    lasting: Floats
    relative: Interval
    city: float
    dispersion: float


def tally(
    area: Ints,
    stratum: Ints,
    days: Floats,
    incident: Ints,
    lag_days: Floats,
    shape: tuple[int, int],
    window_days: float = WINDOW_DAYS,
) -> tuple[Ints, Floats, Ints]:
    """Further reports, days watched and things by area and stratum: three arrays of `shape` (areas, strata).

    `area`, `stratum`, `days` describe the things by their first reports, `days` from there to the closing or the as-of
    time; a thing of area or stratum -1, or of days that are unknown (NaN), is left out. `incident` (index of the thing)
    and `lag_days` (since its first report) describe the further reports; those after its end or after `window_days` are
    not counted, as they were not watched for. ValueError for times below 0.
    """  # fmt: skip
    if not window_days > 0 or (lag_days < 0).any() or (days < 0).any():
        raise ValueError("a thing is watched for more than no time, and nothing happens before its first report")
    known = (area >= 0) & (stratum >= 0) & np.isfinite(days)
    cell = np.where(known, area * shape[1] + stratum, 0)
    watched = np.where(known, np.minimum(np.where(known, days, 0.0), window_days), 0.0)
    counted = incident[known[incident] & (lag_days <= watched[incident])]
    size = shape[0] * shape[1]
    further = np.bincount(cell[counted], minlength=size).reshape(shape)
    exposure = np.bincount(cell, weights=watched, minlength=size).reshape(shape)
    things = np.bincount(cell[known], minlength=size).reshape(shape)
    return further.astype(np.int64), exposure.astype(np.float64), things.astype(np.int64)


def reporting_rates(further: Ints, days: Floats, things: Ints, level: float = 0.95) -> ReportingRates:
    """Rates of areas from further reports, days watched and things, all of shape (areas, strata).

    NaN where an area was not watched, or where nothing was to be expected of its services. `relative` has the strata's
    rates as known. ValueError for counts or days below 0, or reports without days.
    """
    count, time = np.asarray(further, np.int64), np.asarray(days, np.float64)
    known = np.asarray(things, np.int64)
    if not count.shape == time.shape == known.shape or count.ndim != 2:
        raise ValueError(f"reports {count.shape}, days {time.shape}, things {known.shape}: one shape, areas by strata")
    if (count < 0).any() or (time < 0).any() or (known < 0).any() or (count[(time == 0) | (known == 0)] > 0).any():
        raise ValueError("reports, days and things are never below 0, and no report comes when nobody watches")
    observed, watched = count.sum(axis=1), time.sum(axis=1)
    whole_count, whole_time = count.sum(axis=0), time.sum(axis=0)
    expected = time @ _over(whole_count, whole_time)
    whole_things = known.sum(axis=0)
    a_thing = known @ _over(whole_count, whole_things)
    lasts = known @ _over(whole_time, whole_things)
    area_factor, stratum_rate = _multiplicative(count, time)
    fitted = time * area_factor[:, None] * stratum_rate
    base = time @ stratum_rate
    told = area_factor[(base > 0) & (observed > 0)]
    middle = float(np.median(told)) if len(told) else np.nan
    relative = exact_interval(observed, base * middle, level)
    total = float(watched.sum())
    return ReportingRates(
        further=observed,
        days=watched,
        rate=exact_interval(observed, watched, level),
        expected=expected,
        ratio=exact_interval(observed, expected, level),
        per_thing=exact_interval(observed, a_thing, level),
        lasting=np.divide(watched, lasts, out=np.full(len(watched), np.nan), where=lasts > 0),
        relative=relative,
        city=float(observed.sum() / total) if total > 0 else float("nan"),
        dispersion=_dispersion(count, fitted),
    )


def _over(total: NDArray[Any], of: NDArray[Any]) -> Floats:
    """Each stratum's rate in the whole city, 0 where there is nothing to have one."""
    return np.divide(total, of, out=np.zeros(len(of)), where=of > 0)


def _multiplicative(count: Ints, time: Floats) -> tuple[Floats, Floats]:
    """The likeliest factors of areas and rates of strata, their product being a cell's rate; by turns until settled."""
    area = np.ones(len(count))
    by_area, by_stratum = count.sum(axis=1), count.sum(axis=0)
    stratum = np.zeros(count.shape[1])
    for _ in range(_ROUNDS):
        reach = area @ time
        stratum = np.divide(by_stratum, reach, out=np.zeros_like(reach), where=reach > 0)
        base = time @ stratum
        new = np.divide(by_area, base, out=np.zeros_like(base), where=base > 0)
        moved = np.abs(new - area).max(initial=0.0)
        area = new
        if moved <= _SETTLED * max(1.0, float(area.max(initial=0.0))):
            break
    return area, stratum


def _dispersion(count: Ints, fitted: Floats) -> float:
    """Pearson's chi-square over its degrees of freedom, of the cells where one report at least was to be expected."""
    told = fitted >= 1
    free = int(told.sum() - told.any(axis=1).sum() - told.any(axis=0).sum() + 1)
    if free < 1 or not told.any():
        return float("nan")
    return float((((count - fitted) ** 2)[told] / fitted[told]).sum() / free)
