"""Figures by service, group, department, channel, status, outcome or area."""

# ruff: noqa: S608 - the names in the SQL are the release's own columns, every value is a parameter

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from portal.answers import GroupRow
from portal.figures.kaplan_meier import closed_only_median, quantiles
from portal.queries.scans import (
    ON_TIME,
    OUTCOMES,
    STATUSES,
    bin_minutes,
    binned,
    column,
    distinct,
    ints,
    kept,
    positions,
)
from portal.queries.summary import hours, quantile, share
from portal.release import Release
from portal.selection import NOT_STATED, Selection


@kept
def by(release: Release, selection: Selection, dimension: str, limit: int | None = None) -> list[GroupRow]:
    """One row a value that occurs, most requests first; the requests without a value have the key NOT_STATED.

    Groups with few requests are there too: `events` says how little their quantiles rest on. Quantiles are
    of 1% wide bins (each minute its own up to two hours): right within 0.5%. Raises NotFound for a
    dimension that the release does not have.
    """
    key = column(release, dimension)
    where, params = release.where(selection)
    found = release.table(
        f"SELECT {key} AS k, status, outcome, on_time, count(*) AS n FROM requests WHERE {where} GROUP BY ALL", params
    )
    keys, group = distinct(found["k"])
    n = ints(found["n"])

    def counted(rows: NDArray[np.bool_] | slice) -> list[int]:
        return [int(v) for v in np.bincount(group[rows], n[rows], minlength=len(keys))]

    status, outcome = positions(found["status"], STATUSES), positions(found["outcome"], OUTCOMES)
    on_time = positions(found["on_time"], ON_TIME)
    requests, still_open, closed = counted(slice(None)), counted(status == 0), counted(status == 1)
    done, in_time, late = counted(outcome == 0), counted(on_time == 0), counted(on_time == 1)

    b = binned(release, selection, key)
    times = bin_minutes(release)
    figures = quantiles(times, b.events, b.censored, [0.5, 0.9])
    flattering = closed_only_median(times, b.events)
    events, censored = b.events.sum(axis=1), b.censored.sum(axis=1)
    place = {value: index for index, value in enumerate(b.keys)}
    labels = release.allowed(dimension)
    rows = []
    for i, value in enumerate(keys):
        at = place[value]
        rows.append(
            GroupRow(
                key=NOT_STATED if value is None else value,
                name=NOT_STATED if value is None else labels.get(value, value),
                requests=requests[i],
                open=still_open[i],
                closed=closed[i],
                n=int(events[at] + censored[at]),
                events=int(events[at]),
                median=quantile(figures[at, 0]),
                p90=quantile(figures[at, 1]),
                closed_only_median_hours=hours(flattering[at]),
                on_time=share(in_time[i], in_time[i] + late[i]),
                done=share(done[i], closed[i]),
            )
        )
    rows.sort(key=lambda row: (-row.requests, row.key))
    return rows[:limit]
