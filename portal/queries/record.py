"""What requests say of one another, as the release derived it; and the reporting rates that duplicates allow."""

# ruff: noqa: S608 - the names in the SQL are the release's own columns, every value is a parameter

from __future__ import annotations

from typing import Final

import numpy as np

from portal.answers_record import Linked, Reporting
from portal.figures.reporting_rate import WINDOW_DAYS, reporting_rates
from portal.queries.estimates import estimate_of
from portal.queries.scans import column, kept
from portal.release import Release
from portal.selection import Selection

FLAGS: Final = ("fast", "bulk", "boilerplate")


def has_links(release: Release) -> bool:
    """Whether the release says which requests report one thing."""
    return "incidents" in release.tables and "incident_report" in release.columns


@kept
def linked(release: Release, selection: Selection) -> Linked | None:
    """Counts of the selection; None where the release does not say."""
    if not has_links(release):
        return None
    where, params = release.where(selection)
    flags = "".join(f", count(*) FILTER (contains(suspicious::VARCHAR, '{flag}'))" for flag in FLAGS)
    row = release.query(
        f"""SELECT count(incident_report), count(*) FILTER (incident_report = 1), count(repeat_of),
                   count(*) FILTER (reopened), count(suspicious){flags} FROM requests WHERE {where}""",
        params,
    )[0]
    looked_at, incidents, repeats, reopened, flagged, *counted = (int(n or 0) for n in row)
    return Linked(looked_at, incidents, repeats, reopened, dict(zip(FLAGS, counted, strict=True)), flagged)


THINGS: Final = f"""things AS (
  SELECT {{area}} AS area, service_code::VARCHAR AS service, incident_id,
         least({WINDOW_DAYS!r}, greatest(0, date_diff('second', requested_datetime, {{ended}}) / 86400)) AS days,
         requested_datetime AS began
  FROM {{requests}} LEFT JOIN (SELECT incident_id AS thing, status AS state, closed_datetime AS ended FROM {{incidents}})
    ON incident_id = thing
  WHERE incident_report = 1 AND {{where}}
)"""
"""Things that were reported, by their first report: how many days each was watched, at most WINDOW_DAYS."""
ENDED: Final = (
    """CASE WHEN coalesce(state, status::VARCHAR) = 'closed' THEN coalesce(ended, closed_datetime) ELSE {as_of} END"""
)
FURTHER: Final = """further AS (
  SELECT area, service, count(*) AS further
  FROM things JOIN (SELECT incident_id AS thing, requested_datetime AS reported FROM {requests} WHERE incident_report > 1)
    ON incident_id = thing
  WHERE date_diff('second', began, reported) / 86400 <= days GROUP BY ALL
)"""


@kept
def reporting(release: Release, selection: Selection, layer: str) -> list[Reporting]:
    """How readily the areas of a layer report what is known already; empty where the release does not say.

    Things are selected by their first report. Within services: an area's rate is held against the city's rates of the
    same services.
    """
    if not has_links(release):
        return []
    where, params = release.where(selection)
    things = THINGS.format(
        area=column(release, layer) + "::VARCHAR", requests="requests", incidents="incidents", where=where,
        ended=ENDED.format(as_of="?::TIMESTAMP"),
    )  # fmt: skip
    rows = release.query(
        f"""WITH {things}, {FURTHER.format(requests="requests")}, watched AS (
              SELECT area, service, sum(days) AS days, count(*) AS things FROM things WHERE days IS NOT NULL GROUP BY ALL
            )
            SELECT area, service, days, things, coalesce(further, 0) FROM watched LEFT JOIN further USING (area, service)
            WHERE area IS NOT NULL AND service IS NOT NULL AND days > 0""",
        [release.as_of.replace(tzinfo=None), *params],
    )
    if not rows:
        return []
    labels = release.allowed(layer)
    keys = [key for key in labels if any(row[0] == key for row in rows)]
    services = sorted({row[1] for row in rows})
    days = np.zeros((len(keys), len(services)))
    further, things_of = np.zeros_like(days, np.int64), np.zeros_like(days, np.int64)
    for key, service, watched, n, more in rows:
        if key in labels:
            cell = keys.index(key), services.index(service)
            days[cell], things_of[cell], further[cell] = watched, n, more
    found = reporting_rates(further, days, things_of)
    return [
        Reporting(
            key=key,
            name=labels[key],
            further=int(found.further[i]),
            days=float(found.days[i]),
            rate=estimate_of(found.rate, i),
            expected=float(found.expected[i]),
            ratio=estimate_of(found.ratio, i),
            things=int(things_of[i].sum()),
            per_thing=estimate_of(found.per_thing, i),
            lasting=float(found.lasting[i]),
            relative=estimate_of(found.relative, i),
        )
        for i, key in enumerate(keys)
    ]
