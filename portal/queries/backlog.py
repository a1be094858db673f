"""What is open, or was open at the end of a day, by how long it has waited."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

import numpy as np

from portal.answers_figures import Backlog
from portal.asked import Between, OneOf, Test
from portal.queries.scans import is_status, kept
from portal.release import Release
from portal.selection import Selection

AGES_DAYS: Final = (7, 30, 90, 180, 365)
"""Where one group of ages ends and the next begins."""


def end_of(release: Release, day: date) -> datetime:
    """The first moment after a local day, or after the data were taken, whichever is first; UTC without zone.

    What happens at midnight is of the day that begins, as in the months of the index.
    """
    midnight = datetime.combine(day + timedelta(days=1), time(), release.city.zone).astimezone(UTC)
    return min(midnight, release.as_of.astimezone(UTC) + timedelta(microseconds=1)).replace(tzinfo=None)


@kept
def backlogs(release: Release, selection: Selection, days: tuple[date, ...]) -> tuple[Backlog, ...]:
    """What was open at the end of each of some local days, by age.

    A request that is not open, but of which nobody can say when it was closed, is not counted; nor is one whose status
    is unmapped, of which nobody can say that it was closed at all.
    """
    ends = [end_of(release, day).replace(tzinfo=UTC) for day in days]
    # Whole seconds, as in the columns: until when is waited, and from when on all is later.
    moments = [(int(end.timestamp()), int(end.timestamp()) + (end.microsecond > 0)) for end in ends]
    first = min(after for _, after in moments)
    limits = np.array([limit * 24 * 60 for limit in AGES_DAYS])
    counted = np.zeros((len(days), len(AGES_DAYS) + 1), np.int64)
    counting = release.counting
    is_open, is_closed = is_status(release, "open"), is_status(release, "closed")
    later = Between(counting["closed_at"], first, 2**32)
    rows = release.chosen(selection).that([OneOf((Test(counting["status"], is_open), later))])
    for requested, closed, status in rows.pieces("requested_at", "closed_at", "status"):
        asked, still = requested.astype(np.int64), is_open[status]
        for i, (moment, after) in enumerate(moments):
            then = (asked < after) & (still | (is_closed[status] & (closed >= after)))
            age = np.searchsorted(limits, (moment - asked[then]) // 60, side="right")
            counted[i] += np.bincount(age, minlength=len(AGES_DAYS) + 1)
    edges = (0, *AGES_DAYS, None)
    return tuple(
        Backlog(day, int(row.sum()), tuple((edges[i] or 0, edges[i + 1], int(n)) for i, n in enumerate(row)))
        for day, row in zip(days, counted, strict=True)
    )


def backlog(release: Release, selection: Selection, day: date) -> Backlog:
    """What was open at the end of a local day, by age."""
    return backlogs(release, selection, (day,))[0]
