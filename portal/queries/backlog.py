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
    """The first moment after a local day, or after the data were taken, whichever is first; UTC without zone.

    What happens at midnight is of the day that begins, as in the months of the index.
    """
    midnight = datetime.combine(day + timedelta(days=1), time(), release.city.zone).astimezone(UTC)
    return min(midnight, release.as_of.astimezone(UTC) + timedelta(microseconds=1)).replace(tzinfo=None)


@kept
def backlogs(release: Release, selection: Selection, days: tuple[date, ...]) -> tuple[Backlog, ...]:
    """What was open at the end of each of some local days, by age: one scan.

    A request that is not open, but of which nobody can say when it was closed, is not counted; nor is one whose status
    is unmapped, of which nobody can say that it was closed at all.
    """
    moments = [end_of(release, day) for day in days]
    where, params = release.where(selection)
    open_then = "requested_datetime < ?::TIMESTAMP AND (status = 'open' OR closed_datetime >= ?::TIMESTAMP)"
    minutes = "date_diff('second', requested_datetime, ?::TIMESTAMP) // 60"
    group = " + ".join(f"({{minutes}} >= {limit * 24 * 60})::UTINYINT" for limit in AGES_DAYS)
    at = range(len(days))
    waited = ", ".join(f"CASE WHEN {open_then} THEN {minutes} END AS m{i}" for i in at)
    ages = ", ".join(f"CASE WHEN m{i} IS NOT NULL THEN {group.format(minutes=f'm{i}')} END AS a{i}" for i in at)
    rows = release.query(
        f"""SELECT {ages}, count(*) FROM (
              SELECT {waited} FROM requests
              WHERE requested_datetime < ? AND (status = 'open' OR status = 'closed' AND closed_datetime >= ?) AND {where}
            ) GROUP BY ALL""",
        [*(moment for moment in moments for _ in range(3)), max(moments), min(moments), *params],
    )
    edges = (0, *AGES_DAYS, None)
    found = []
    for i, day in enumerate(days):
        counted = [sum(row[-1] for row in rows if row[i] == age) for age in range(len(AGES_DAYS) + 1)]
        groups = tuple((edges[age] or 0, edges[age + 1], int(n)) for age, n in enumerate(counted))
        found.append(Backlog(day, sum(n for _, _, n in groups), groups))
    return tuple(found)


def backlog(release: Release, selection: Selection, day: date) -> Backlog:
    """What was open at the end of a local day, by age."""
    return backlogs(release, selection, (day,))[0]


def oldest(release: Release, selection: Selection, limit: int = 10) -> list[RequestRow]:
    """Selected requests that are still open, the longest waiting first."""
    if selection.status and "open" not in selection.status:
        return []
    where, params = release.where(selection.replace(status=("open",)))
    found = release.query(
        f"SELECT rid FROM requests WHERE {where} ORDER BY requested_datetime, rid LIMIT ?", [*params, limit]
    )
    if not found:
        return []
    # Rows are read by their place: wide rows of all that is open would take several times as long.
    places = [rid for (rid,) in found]
    return rows_where(release, f"rid IN ({', '.join('?' * len(places))}) ORDER BY requested_datetime, rid", places)
