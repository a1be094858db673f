"""Equity: response and reporting of areas beside who lives there, compared within service type."""

# ruff: noqa: S608 - the names in the SQL are the release's own columns, every value is a parameter

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from portal.answers_equity import Contrast, Equity, EquityArea, Fifth, Measure, WithinService
from portal.answers_figures import Estimate
from portal.errors import NotFound
from portal.figures.equity import (
    MIN_AREAS,
    association,
    expected_events,
    fifths,
    middles,
    rank_correlation,
    reliability,
)
from portal.figures.poisson import exact_interval
from portal.queries.estimates import estimate, finite
from portal.queries.lists import areas as areas_of
from portal.queries.scans import Ints, column, distinct, ints, kept, once
from portal.release import Release
from portal.selection import COLUMNS, Selection, quoted

Floats = NDArray[np.float64]
TABLE: Final = "demographics"
STRATUM: Final = quoted(COLUMNS["service"])
MEDIAN_OF_FIFTHS: Final = (0.1, 0.9)
SERVICES_SHOWN: Final = 8
LEAST_EVENTS: Final = 50
"""A service with fewer requests in these areas says nothing of its own."""
_CELLS: Final = 6_000_000
"""Spans of waiting are joined until areas, services and spans make no more cells than this."""
LEAST_RESIDENTS: Final = 0.1
"""An area with less than this part of the median area's residents is left out: what is reported there is visitors'."""
_Person = tuple[str, float, float | None, float | None]
UNKNOWN: Final = Estimate(None, None, None)


@once
def measures(release: Release) -> list[Measure]:
    """What the city supplies of its areas, by layer in the release's order; the number of residents is not compared."""
    if TABLE not in release.tables:
        return []
    rows = release.query(
        f"""SELECT layer, measure, any_value(title), any_value(unit), max(year), any_value(source), any_value(license),
                   count(*)
            FROM {TABLE} WHERE unit <> 'people' GROUP BY layer, measure ORDER BY layer, measure"""
    )
    order = [layer.layer for layer in release.layers]
    found = [Measure(*row) for row in rows if row[0] in order]
    ranks = {"dollars": 0, "share": 1, "years": 2}
    return sorted(found, key=lambda m: (order.index(m.layer), ranks.get(m.unit, 3), m.title))


def measure_of(release: Release, layer: str, measure: str) -> Measure:
    """One of them; raises NotFound, naming those that there are."""
    release.layer(layer)
    known = [m for m in measures(release) if m.layer == layer]
    for one in known:
        if one.measure == measure:
            return one
    names = ", ".join(m.measure for m in known) or "none"
    raise NotFound(f"There is no measure '{measure[:40]}' of the layer '{layer}' in this release; there are: {names}.")


@kept
def equity(release: Release, selection: Selection, layer: str, measure: str) -> Equity:
    """The areas of a layer beside one measure. Raises NotFound for a layer or a measure that there is not."""
    about = measure_of(release, layer, measure)
    people, unpeopled = _peopled(_people(release, layer, measure))
    counted = _count(release, selection, layer, [area for area, *_ in people])
    x = np.array([value for _, value, _, _ in people], np.float64)
    moe = np.array([np.nan if margin is None else margin for _, _, margin, _ in people], np.float64)
    residents = np.array([np.nan if n is None else n for *_, n in people], np.float64)
    weights = residents if np.isfinite(residents).all() and residents.sum() > 0 else np.ones(len(x))
    group = fifths(x, weights)
    low, high = (float(v) for v in middles(x, weights, MEDIAN_OF_FIFTHS))
    logged = about.unit == "dollars" and bool((x > 0).all())
    scale = np.log(x) if logged else x
    step = float(np.log(high / low)) if logged else high - low
    expected = expected_events(counted.closings, counted.waited)
    late_expected = expected_events(counted.late, counted.due)
    told = counted.reports(residents)
    found = [
        _contrast("speed", counted.closings, counted.waited, scale, step, expected),
        _contrast("late", counted.late, counted.due, scale, step, late_expected, shares=True),
        _contrast("reports", *told, scale, step, told[1].sum(axis=1)),
    ]
    names = {area.area: area.name for area in areas_of(release, layer)}
    rows = [
        EquityArea(
            area=code, name=names.get(code, code), value=value, moe=margin,
            residents=None if n is None else round(n), fifth=int(group[i]) + 1, requests=int(counted.requests[i].sum()),
            closings=int(counted.closings[i].sum()), due=int(counted.due[i].sum()),
            speed=_ratio(counted.closings[i].sum(), expected[i]), late=_ratio(counted.late[i].sum(), late_expected[i]),
            per_1000=_ratio(counted.requests[i].sum(), _thousands(residents[i])),
        )
        for i, (code, value, margin, n) in enumerate(people)
    ]  # fmt: skip
    part = reliability(scale, moe / x if logged else moe)
    return Equity(
        measure=about,
        low_value=low,
        high_value=high,
        logged=logged,
        reliability=finite(part),
        areas=tuple(rows),
        fifths=tuple(_fifth(k, group == k, x, residents, counted, expected, late_expected) for k in np.unique(group)),
        contrasts=tuple(found),
        services=tuple(_services(release, counted, residents, scale, step)),
        requests=int(counted.requests.sum()),
        elsewhere=counted.elsewhere,
        joined=counted.joined,
        unpeopled=unpeopled,
        too_few=len(rows) < MIN_AREAS,
    )


def _people(release: Release, layer: str, measure: str) -> list[_Person]:
    """Area, value, margin and residents, by ascending value. Residents are a measure of people, else those of `areas`."""
    rows = release.query(
        f"""WITH residents AS (
                SELECT area, any_value(value ORDER BY measure) AS n FROM {TABLE} WHERE layer = ? AND unit = 'people' GROUP BY area
            ), counted AS (
                SELECT area, any_value(population) AS n FROM areas WHERE layer = ? AND current GROUP BY area
            )
            SELECT d.area, d.value, d.moe, coalesce(r.n, c.n) AS n
            FROM {TABLE} d LEFT JOIN residents r USING (area) LEFT JOIN counted c USING (area)
            WHERE d.layer = ? AND d.measure = ? ORDER BY d.value, d.area""",
        [layer, layer, layer, measure],
    )
    return [(str(area), float(value), moe, n) for area, value, moe, n in rows]


def _peopled(people: list[_Person]) -> tuple[list[_Person], int]:
    """Those in which enough people live, and how many others there are: parks, docks, islands."""
    known = [n for *_, n in people if n is not None and n > 0]
    least = LEAST_RESIDENTS * float(np.median(known)) if known else 0.0
    kept = [one for one in people if one[3] is None or (one[3] > 0 and one[3] >= least)]
    return kept, len(people) - len(kept)


@dataclass(frozen=True)
class _Counted:
    """Counts by area and cell: `closings` and `waited` by service and span of waiting, the rest by service."""

    services: list[Any]
    stratum: Ints  # of each cell of closings
    closings: Floats
    waited: Floats
    requests: Floats
    late: Floats
    due: Floats
    elsewhere: int
    joined: int  # so many coarse bins are one span of waiting

    def reports(self, residents: Floats) -> tuple[Floats, Floats]:
        """Requests and residents by area; no exposure, and no events, where nobody knows how many live there."""
        known = np.isfinite(residents)
        total = np.where(known, self.requests.sum(axis=1), 0.0)
        return total[:, None], np.where(known, residents, 0.0)[:, None]


def _count(release: Release, selection: Selection, layer: str, areas: list[str]) -> _Counted:
    """One scan for how long requests waited, and one for how many there were and whether they were late."""
    key = column(release, layer)
    where, params = release.where(selection)
    waits = release.table(
        f"SELECT {key} AS k, {STRATUM} AS s, elapsed_coarse AS c, count(*) AS n FROM requests WHERE {where} GROUP BY ALL",
        params,
    )
    every = release.table(
        f"SELECT {key} AS k, {STRATUM} AS s, on_time, count(*) AS n FROM requests WHERE {where} GROUP BY ALL", params
    )
    place = {area: i for i, area in enumerate(areas)}

    def placed(table: Any) -> tuple[Ints, Ints, list[Any]]:
        keys, group = distinct(table["k"])
        services, stratum = distinct(table["s"])
        return np.array([place.get(str(k), -1) for k in keys] or [-1], np.int64)[group], stratum, services

    area, stratum, services = placed(every)
    n = ints(every["n"]).astype(np.float64)
    state = np.array(every["on_time"].cast("string").to_pylist(), dtype=object)
    shape = (len(areas), len(services))

    def dense(rows: Any) -> Floats:
        rows = rows & (area >= 0)
        flat = np.bincount(area[rows] * shape[1] + stratum[rows], n[rows], minlength=shape[0] * shape[1])
        return flat.reshape(shape).astype(np.float64)

    late = dense(state == "late")
    closings, waited, of, joined = _waits(waits, *placed(waits)[:2], shape)
    return _Counted(
        services, of, closings, waited, dense(np.ones(len(n), bool)), late, late + dense(state == "on_time"),
        int(n[area < 0].sum()), joined,
    )  # fmt: skip


def _waits(table: Any, area: Ints, stratum: Ints, shape: tuple[int, int]) -> tuple[Floats, Floats, Ints, int]:
    """Closings, and how many waited through each span, by area and (service, span); cells without a closing are left out.

    Who closes or is cut short within a span has waited through half of it.
    """
    code, n = ints(table["c"]), ints(table["n"]).astype(np.float64)
    timed = (code >= 0) & (area >= 0)
    area, stratum, code, n = area[timed], stratum[timed], code[timed], n[timed]
    spans = int((code >> 1).max(initial=0)) + 1
    joined = max(1, -(-shape[0] * shape[1] * spans // _CELLS))
    spans = -(-spans // joined)
    place = (area * shape[1] + stratum) * spans + (code >> 1) // joined
    size, closed = shape[0] * shape[1] * spans, (code & 1) == 1
    closings = np.bincount(place[closed], n[closed], minlength=size).astype(np.float64).reshape(*shape, spans)
    left = np.bincount(place, n, minlength=size).reshape(*shape, spans)
    waited = np.cumsum(left[..., ::-1], axis=2)[..., ::-1] - left / 2
    cells = closings.sum(axis=0).reshape(-1) > 0
    of = np.repeat(np.arange(shape[1]), spans)[cells]
    return closings.reshape(shape[0], -1)[:, cells], waited.reshape(shape[0], -1)[:, cells], of, joined


def _contrast(
    figure: str, events: Floats, exposure: Floats, scale: Floats, step: float, base: Floats, shares: bool = False
) -> Contrast:
    """The slope between the two ends of the measure, and the rank correlation of observed over `base`."""
    found = association(events, exposure, scale, shares) if step > 0 else None
    with np.errstate(invalid="ignore", divide="ignore"):
        figures = np.where(base > 0, events.sum(axis=1) / base, np.nan)
    rank = rank_correlation(figures, scale)
    ratio = _lifted(found.slope, found.low, found.high, step) if found is not None and found.known else UNKNOWN
    return Contrast(
        figure=figure,
        ratio=ratio,
        rank=estimate((rank.rho, rank.low, rank.high)),
        between=None if found is None else finite(found.between),
        areas=int((exposure.sum(axis=1) > 0).sum()),
        too_few=ratio.value is None,
    )


def _services(
    release: Release, counted: _Counted, residents: Floats, scale: Floats, step: float
) -> list[WithinService]:
    """The contrast within each of the largest services alone."""
    total = counted.requests.sum(axis=0)
    labels = release.allowed("service")
    known = np.isfinite(residents)
    people = np.where(known, residents, 0.0)[:, None]
    found = []
    for i in np.argsort(-total, kind="stable")[:SERVICES_SHOWN]:
        cells = counted.stratum == i
        closings = counted.closings[:, cells]
        if total[i] < LEAST_EVENTS or step <= 0:
            continue
        speed = association(closings, counted.waited[:, cells], scale)
        reports = association(np.where(known[:, None], counted.requests[:, [i]], 0.0), people, scale)
        key = str(counted.services[i])
        found.append(
            WithinService(
                key=key, name=labels.get(key, key), requests=int(total[i]), closings=int(closings.sum()),
                speed=_lifted(speed.slope, speed.low, speed.high, step) if closings.sum() >= LEAST_EVENTS else UNKNOWN,
                reports=_lifted(reports.slope, reports.low, reports.high, step),
            )
        )  # fmt: skip
    return found


def _fifth(
    k: int, rows: NDArray[np.bool_], x: Floats, residents: Floats, counted: _Counted, expected: Floats, late: Floats
) -> Fifth:
    people = residents[rows].sum()
    ratio = _ratio(counted.late[rows].sum(), late[rows].sum())
    due = counted.due.sum()
    share = counted.late.sum() / due if due else None
    return Fifth(
        fifth=int(k) + 1,
        low=float(x[rows].min()),
        high=float(x[rows].max()),
        areas=int(rows.sum()),
        residents=round(float(people)) if np.isfinite(people) else None,
        requests=int(counted.requests[rows].sum()),
        closings=int(counted.closings[rows].sum()),
        due=int(counted.due[rows].sum()),
        speed=_ratio(counted.closings[rows].sum(), expected[rows].sum()),
        late=ratio,
        late_share=_times(ratio, share),
        per_1000=_ratio(counted.requests[rows].sum(), _thousands(people)),
    )


def _times(ratio: Estimate, share: float | None) -> Estimate:
    if share is None or ratio.value is None or ratio.low is None or ratio.high is None:
        return UNKNOWN
    return Estimate(*(min(1.0, float(end * share)) for end in (ratio.value, ratio.low, ratio.high)))


def _ratio(observed: float, expected: float) -> Estimate:
    """Observed over expected with its exact interval (Garwood 1936); unknown without anything expected."""
    if not expected > 0:
        return UNKNOWN
    found = exact_interval(observed, expected)
    return Estimate(float(found.estimate), float(found.low), float(found.high))


def _thousands(residents: float) -> float:
    return residents / 1000 if np.isfinite(residents) else 0.0


def _lifted(slope: float, low: float, high: float, step: float) -> Estimate:
    """A slope as the ratio of the two ends of the measure."""
    ends = [float(np.exp(np.clip(s * step, -50, 50))) for s in (slope, low, high)]
    return Estimate(*ends) if np.isfinite(ends).all() else UNKNOWN
