"""Fair comparison: each area (or department) beside what its mix of services leads one to expect at the city's pace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np

from portal.answers_figures import Compared, Comparison, Late, Times
from portal.figures.funnel import Funnel, ratio_funnel, share_funnel
from portal.figures.poisson import Interval
from portal.figures.standardise import StandardisedShare, StandardisedTimes, standardised_share, standardised_times
from portal.queries.estimates import estimate, estimate_of, finite
from portal.queries.scans import Ints, bin_edges, counted, kept, kept_scans, timing, told
from portal.release import Release
from portal.selection import COLUMNS, Selection

STRATUM: Final = COLUMNS["service"]
_CELLS: Final = 8_000_000
"""Areas are taken in blocks of at most so many cells (area, service, bin), so that memory stays flat."""


@kept
def compare(release: Release, selection: Selection, dimension: str, only: str | None = None) -> Comparison:
    """Every value of a dimension beside the whole of the selection, service by service.

    The selection should not name the dimension itself. Requests that state no value are part of the city only.
    `only` one value: the others are not compared in their times, which takes most of the time; its own late requests
    are still judged among those of all.
    """
    key = counted(release, dimension)
    scans = kept_scans(release, selection)  # shared by all values of the dimension
    dued = scans.get(("due", selection, key), lambda: _due(release, selection, key))
    cells = scans.get(("cells", selection, key), lambda: _cells(release, selection, key))
    labels = release.allowed(dimension)
    keys = [value for value in cells.keys if value is not None]
    late, late_funnel = _late(dued, keys)
    late_keys = keys
    if only is not None:
        keys = [value for value in keys if value == only]
    times = _times(release, cells, keys)
    speed_funnel = ratio_funnel(times.observed, times.expected)
    rows = [
        Compared(
            key=value,
            name=labels.get(value, value),
            late=_late_answer(late, late_funnel, late_keys.index(value)),
            times=_times_answer(times, speed_funnel, i),
        )
        for i, value in enumerate(keys)
    ]
    rows.sort(key=lambda row: list(labels).index(row.key) if row.key in labels else len(labels))
    return Comparison(tuple(rows), late_funnel.phi, speed_funnel.phi)


@dataclass(frozen=True)
class _Due:
    """Late and due requests by key and service: of shape (keys, services)."""

    keys: list[Any]
    late: Ints
    due: Ints


def _due(release: Release, selection: Selection, key: str) -> _Due:
    found = release.chosen(selection).tally(key, STRATUM, "on_time")
    keys, group = told(release, key, found.codes[0])
    services, stratum = told(release, STRATUM, found.codes[1])
    names = np.array(release.counting.labels("on_time"), dtype=object)[found.codes[2]]
    n, shape = found.n, (len(keys), len(services))

    def dense(rows: Any) -> Ints:
        flat = np.bincount(group[rows] * shape[1] + stratum[rows], n[rows], minlength=shape[0] * shape[1])
        return flat.astype(np.int64).reshape(shape)

    late = dense(names == "late")
    return _Due(keys, late, late + dense(names == "on_time"))


@dataclass(frozen=True)
class _Cells:
    """Requests by key, service and coarse bin, as a list of the cells that are not empty."""

    keys: list[Any]
    services: int
    group: Ints
    stratum: Ints
    bin: Ints
    closed: np.ndarray[Any, np.dtype[np.bool_]]
    n: Ints


def _cells(release: Release, selection: Selection, key: str) -> _Cells:
    found = release.chosen(selection).tally(key, STRATUM, "elapsed_coarse")
    keys, group = told(release, key, found.codes[0])
    services, stratum = told(release, STRATUM, found.codes[1])
    place, closed, timed = timing(found.codes[2])
    return _Cells(keys, len(services), group[timed], stratum[timed], place[timed], closed[timed], found.n[timed])


def coarse_edges(release: Release) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Minutes at which the coarse bins begin, and at which the last ends: shape (bins + 1,)."""
    edges = bin_edges(release)
    rows = release.query("SELECT coarse FROM elapsed_bins ORDER BY bin")
    coarse = np.array([row[0] for row in rows], np.int64)
    first = np.unique(coarse, return_index=True)[1]
    return np.append(edges[first, 0], edges[-1, 1]).astype(np.float64)


def _late(dued: _Due, keys: list[Any]) -> tuple[StandardisedShare, Funnel]:
    at = [dued.keys.index(value) for value in keys]
    found = standardised_share(dued.late[at], dued.due[at], dued.late.sum(axis=0), dued.due.sum(axis=0))
    with np.errstate(invalid="ignore", divide="ignore"):
        target = found.expected / found.n
    return found, share_funnel(found.observed, found.n, np.nan_to_num(target))


def _times(release: Release, cells: _Cells, keys: list[Any]) -> StandardisedTimes:
    edges = release.constants.get("coarse_edges", lambda: coarse_edges(release))
    used = int(cells.bin.max(initial=0)) + 1  # later bins are empty, and would only take time
    edges = edges[: used + 1]
    shape = (cells.services, used)
    size = cells.services * used

    def dense(rows: Any, groups: Ints | None, count: int) -> Ints:
        place = cells.stratum[rows] * used + cells.bin[rows]
        if groups is not None:
            place = groups * size + place
        flat = np.bincount(place, cells.n[rows], minlength=count * size)
        return flat.astype(np.int64).reshape((count, *shape))

    everyone = (dense(cells.closed, None, 1)[0], dense(~cells.closed, None, 1)[0])
    at = np.full(len(cells.keys), -1)
    at[[cells.keys.index(value) for value in keys]] = np.arange(len(keys))
    mine = at[cells.group]
    block, parts = max(1, _CELLS // max(size, 1)), []
    for start in range(0, max(len(keys), 1), block):
        here = (mine >= start) & (mine < start + block)
        count = min(block, len(keys) - start)
        events, censored = (
            dense(rows, mine[rows] - start, count) for rows in (here & cells.closed, here & ~cells.closed)
        )
        parts.append(standardised_times(edges, events, censored, (0.5,), *everyone))
    return _joined(parts)


def _joined(parts: Sequence[StandardisedTimes]) -> StandardisedTimes:
    """Figures of blocks of areas as those of all; what is of the city is the same in each block."""

    def joined(name: str) -> Any:
        several = [getattr(part, name) for part in parts]
        if name == "city":
            return several[0]
        if isinstance(several[0], Interval):
            ends = [np.concatenate([getattr(i, end) for i in several]) for end in ("estimate", "low", "high")]
            return Interval(*ends)
        return np.concatenate(several)

    return StandardisedTimes(**{field.name: joined(field.name) for field in fields(StandardisedTimes)})


def _late_answer(found: StandardisedShare, funnel: Funnel, i: int) -> Late:
    return Late(
        observed=int(found.observed[i]),
        n=int(found.n[i]),
        expected=float(found.expected[i]),
        ratio=estimate_of(found.ratio, i),
        raw=estimate_of(found.raw, i),
        city=finite(found.city),
        adjusted=estimate_of(found.adjusted, i),
        mix=finite(found.mix[i]),
        rest=finite(found.rest[i]),
        position=int(funnel.wide_position[i]),
        too_few=bool(funnel.too_few[i]),
    )


def _times_answer(found: StandardisedTimes, funnel: Funnel, i: int) -> Times:
    return Times(
        n=int(found.n[i]),
        observed=int(found.observed[i]),
        expected=float(found.expected[i]),
        speed=estimate_of(found.speed, i),
        time_ratio=estimate_of(found.time_ratio, i),
        raw_median=finite(found.raw[i, 0] / 60),
        city_median=finite(found.city[0] / 60),
        adjusted_median=estimate(found.adjusted[i, 0] / 60),
        mix_share=finite(found.mix_share[i, 0]),
        position=int(funnel.wide_position[i]),
        too_few=bool(funnel.too_few[i]),
    )
