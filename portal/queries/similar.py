"""How similar requests went: earlier ones of the same service, as near and as recent as there are enough of.

Groups are asked from the narrowest: same area and season a year before, same area, the last twelve months, all before.
Each is a Selection of whole days before the request's own, so that a receipt can make its figures again. What became
of them is told as the release knows it, also what came after this request was made: that is what they took, and no
forecast that somebody could have made on that day.

Charter: one scan for all groups, figures from `portal.figures`; no words.
"""

# ruff: noqa: S608 - the names in the SQL are the release's own columns, every value is a parameter

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from portal.answers import RequestRow
from portal.answers_request import OneRequest, Point, Similar
from portal.figures.expected_time import ENOUGH, expected_times
from portal.figures.kaplan_meier import curve, quantiles, survival_at
from portal.queries.scans import ints
from portal.queries.summary import quantile
from portal.release import Release
from portal.selection import Selection
from portal.text import FEW

YEAR = timedelta(days=365)
POINTS = 160
"""A curve is drawn with at most so many steps: more would not be seen."""
ROUND_HOURS = (1, 6, 24, 72, 168, 336, 30.44 * 24, 91.3 * 24, 182.6 * 24, 365.25 * 24, 2 * 365.25 * 24)

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Group:
    """One way of being similar: what it is called, which requests, and the layer of the area they share."""

    basis: str
    selection: Selection
    layer: str | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """A group's times: minutes ascending, closed and still open at each."""

    group: Group
    first: date
    last: date
    minutes: Ints
    events: Ints
    censored: Ints


def groups(release: Release, row: RequestRow) -> list[Group]:
    """The ways of being similar to a request, narrowest first; none without a day."""
    day = row.requested_date
    if day is None:
        return []
    before = day - timedelta(days=1)
    service = Selection(service=(row.service_code,))
    found = []
    drawn = [layer.layer for layer in release.layers if layer.geometry and layer.layer in row.areas]
    if drawn:
        here = service.replace(area=((drawn[0], row.areas[drawn[0]]),))
        start, end = season(day)
        found = [
            Group("season", here.replace(from_date=start, to_date=end), drawn[0]),
            Group("area", here.replace(to_date=before), drawn[0]),
        ]
    return [
        *found,
        Group("recent", service.replace(from_date=day - YEAR, to_date=before)),
        Group("service", service.replace(to_date=before)),
    ]


def season(day: date) -> tuple[date, date]:
    """The month of the day with the one before and the one after it, a year earlier: first and last day."""
    months = (day.year - 1) * 12 + day.month - 1
    start, after = months - 1, months + 2
    return date(start // 12, start % 12 + 1, 1), date(after // 12, after % 12 + 1, 1) - timedelta(days=1)


def similar(release: Release, request: OneRequest) -> Similar | None:
    """The narrowest group that says enough, and where the request stands in it; None where all are too few.

    Enough is a hundred closed ones and a time by which nine tenths are closed; where no group has that, FEW will do.
    """
    found = _kept_group(release, request.row)
    if found is None:
        return None
    minutes = found.minutes.astype(np.float64)
    half, most = quantiles(minutes, found.events, found.censored, (0.5, 0.9))
    reach = float(minutes[-1])
    return Similar(
        basis=found.group.basis,
        selection=found.group.selection,
        layer=found.group.layer,
        first=found.first,
        last=found.last,
        n=int(found.events.sum() + found.censored.sum()),
        events=int(found.events.sum()),
        median=quantile(half),
        p90=quantile(most),
        sooner=_sooner(found, request),
        curve=_curve(found),
        told=_at(found, [hours * 60 for hours in ROUND_HOURS if hours * 60 <= reach]),
        reach_hours=reach / 60,
    )


def _sooner(found: Counted, request: OneRequest) -> Point | None:
    """The share closed before this one was, or by the age of one that is open."""
    if request.closed is None or request.elapsed_minutes is None:
        return None
    own = float(request.elapsed_minutes)
    told = _at(found, [own - 0.5 if request.closed else own])
    return Point(own / 60, told[0].share, told[0].low, told[0].high) if told else None


def _at(found: Counted, at_minutes: list[float]) -> tuple[Point, ...]:
    """The share closed by each of some times, without those that nobody was watched for."""
    waiting = survival_at(found.minutes.astype(np.float64), found.events, found.censored, at_minutes)
    return tuple(
        Point(at / 60, 1 - float(s), 1 - float(high), 1 - float(low))
        for at, (s, low, high) in zip(at_minutes, waiting, strict=True)
        if np.isfinite(s)
    )


def _curve(found: Counted) -> tuple[Point, ...]:
    """The steps that matter: so many of them, evenly over the shares, and the last."""
    fitted = curve(found.events, found.censored)
    closed = 1 - fitted.survival
    moments = np.flatnonzero(found.events)
    if moments.size > POINTS:
        wanted = np.linspace(closed[moments[0]], closed[moments[-1]], POINTS)
        moments = np.unique(moments[np.clip(np.searchsorted(closed[moments], wanted), 0, moments.size - 1)])
    return tuple(
        Point(float(found.minutes[i]) / 60, float(closed[i]), 1 - float(fitted.high[i]), 1 - float(fitted.low[i]))
        for i in moments
    )


def _kept_group(release: Release, row: RequestRow) -> Counted | None:
    asked = tuple(groups(release, row))
    if not asked:
        return None
    return release.scans.get(("similar", asked), lambda: _cascade(release, asked))


def _cascade(release: Release, asked: tuple[Group, ...]) -> Counted | None:
    """The group of a cascade that is taken; each lies within the last one."""
    counted = _scan(release, asked)
    times = np.unique(np.concatenate([one.minutes for one in counted]))
    if not times.size:
        return None
    events, censored = np.zeros((2, len(counted), times.size), np.int64)
    for place, one in enumerate(counted):
        index = np.searchsorted(times, one.minutes)
        events[place, index], censored[place, index] = one.events, one.censored
    for enough in (ENOUGH, FEW):
        chosen = int(expected_times(times, events, censored, enough=enough).group)
        if chosen >= 0:
            return counted[chosen]
    return None


def _scan(release: Release, asked: tuple[Group, ...]) -> list[Counted]:
    """The times of every group by one scan of the widest: which groups a row belongs to is counted as a bit each."""
    widest = asked[-1].selection
    where, wanted = release.where(widest)
    bits, params = [], []
    for place, group in enumerate(asked):
        test, bound = release.where(group.selection.replace(service=()))
        bits.append(f"CASE WHEN {test} THEN {1 << place} ELSE 0 END")
        params += bound
    found = release.table(
        f"""SELECT elapsed_key AS k, ({" + ".join(bits)})::UTINYINT AS g, count(*) AS n,
                   min(requested_date) AS first, max(requested_date) AS last
            FROM requests WHERE elapsed_key IS NOT NULL AND {where} GROUP BY ALL""",
        [*params, *wanted],
    )
    key, member, n = ints(found["k"]), ints(found["g"]), ints(found["n"])
    first, last = (np.asarray(found[name].to_numpy(), "datetime64[D]") for name in ("first", "last"))
    counted = []
    for place, group in enumerate(asked):
        rows = (member >> place & 1).astype(bool)
        minutes, index = np.unique(key[rows] >> 1, return_inverse=True)
        closed, many = (key[rows] & 1) == 1, n[rows]
        events, censored = (
            np.bincount(index[which], many[which], minlength=minutes.size).astype(np.int64)
            for which in (closed, ~closed)
        )
        start, end = (first[rows].min().item(), last[rows].max().item()) if minutes.size else (date.max, date.min)
        counted.append(Counted(group, start, end, minutes, events, censored))
    return counted
