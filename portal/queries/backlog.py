"""What is open, or was open at the end of a day, by how long it has waited; and the oldest of it."""

# ruff: noqa: S608 - the names in the SQL are the release's own columns, every value is a parameter

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from portal.answers import RequestRow
from portal.answers_figures import Backlog
from portal.queries.lists import rows_where
from portal.queries.scans import kept
from portal.release import Release
from portal.selection import Selection

AGES_DAYS: Final = (7, 30, 90, 180, 365)
"""Where one group of ages ends and the next begins."""


def end_of(release: Release, day: date) -> datetime:
    """The moment at which a local day is over, or the data were taken, whichever is first; UTC without zone."""
    midnight = datetime.combine(day + timedelta(days=1), time(), release.city.zone).astimezone(UTC)
    return min(midnight, release.as_of.astimezone(UTC)).replace(tzinfo=None)


@kept
def backlog(release: Release, selection: Selection, day: date) -> Backlog:
    """Requests that were open at the end of a local day, by age.

    A request that is not open, but of which nobody can say when it was closed, is not counted.
    """
    moment = end_of(release, day)
    where, params = release.where(selection)
    minutes = "date_diff('second', requested_datetime, ?::TIMESTAMP) // 60"
    group = " + ".join(f"(minutes >= {days * 24 * 60})::UTINYINT" for days in AGES_DAYS)
    found = dict(
        release.query(
            f"""SELECT {group} AS age, count(*) FROM (
                  SELECT {minutes} AS minutes FROM requests
                  WHERE requested_datetime <= ? AND (status = 'open' OR closed_datetime > ?) AND {where}
                ) GROUP BY 1""",
            [moment, moment, moment, *params],
        )
    )
    edges = (0, *AGES_DAYS, None)
    ages = tuple((edges[i] or 0, edges[i + 1], int(found.get(i, 0))) for i in range(len(AGES_DAYS) + 1))
    return Backlog(day, sum(n for _, _, n in ages), ages)


def oldest(release: Release, selection: Selection, limit: int = 10) -> list[RequestRow]:
    """Requests that are still open, the longest waiting first."""
    where, params = release.where(selection.replace(status=("open",)))
    return rows_where(release, f"{where} ORDER BY requested_datetime, rid LIMIT ?", [*params, limit])
