"""Figures by service, group, department, channel, status, outcome or area."""

from __future__ import annotations

from portal.answers import GroupRow
from portal.figures.kaplan_meier import closed_only_median, quantiles
from portal.queries.scans import ON_TIME, OUTCOMES, STATUSES, bin_minutes, binned, counted, counts, kept, wide_bins
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
    key = counted(release, dimension)
    c = counts(release, selection, key)
    requests = c.by_key()
    still_open, closed = (c.by_key(c.status == STATUSES.index(name)) for name in ("open", "closed"))
    in_time, late = (c.by_key(c.on_time == ON_TIME.index(name)) for name in ("on_time", "late"))
    done = c.by_key(c.outcome == OUTCOMES.index("done"))

    b = binned(release, selection, key)
    times = bin_minutes(release)
    figures = quantiles(times, b.events, b.censored, [0.5, 0.9], wide_bins(release))
    flattering = closed_only_median(times, b.events)
    events, censored = b.events.sum(axis=1), b.censored.sum(axis=1)
    place = {value: index for index, value in enumerate(b.keys)}
    labels = release.allowed(dimension)
    rows = []
    for i, value in enumerate(c.keys):
        at = place[value]
        rows.append(
            GroupRow(
                key=NOT_STATED if value is None else value,
                name=NOT_STATED if value is None else labels.get(value, value),
                requests=int(requests[i]),
                open=int(still_open[i]),
                closed=int(closed[i]),
                n=int(events[at] + censored[at]),
                events=int(events[at]),
                median=quantile(figures[at, 0]),
                p90=quantile(figures[at, 1]),
                closed_only_median_hours=hours(flattering[at]),
                on_time=share(int(in_time[i]), int(in_time[i] + late[i])),
                done=share(int(done[i]), int(closed[i])),
            )
        )
    rows.sort(key=lambda row: (-row.requests, row.key))
    return rows[:limit]
