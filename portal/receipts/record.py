"""Receipts of what requests say of one another: incidents, repeats, flags; reporting rates."""

# ruff: noqa: S608 - texts for readers, never run by the portal

from __future__ import annotations

from typing import TYPE_CHECKING

from portal.errors import NotFound
from portal.queries.record import ENDED, FLAGS, FURTHER, THINGS, has_links
from portal.queries.scans import column
from portal.receipts.parts import REQUESTS, condition, moment
from portal.selection import Selection

if TYPE_CHECKING:
    from portal.release import Release


def linked(release: Release, selection: Selection, arguments: dict[str, str]) -> str:
    """Counts of the selection, as one row."""
    del arguments
    if not has_links(release):
        raise NotFound("This release does not say which requests report one thing.")
    flags = "".join(f",\n       count(*) FILTER (contains(suspicious, '{flag}')) AS {flag}" for flag in FLAGS)
    return f"""\
SELECT count(incident_report) AS looked_at,
       count(*) FILTER (incident_report = 1) AS incidents,
       count(repeat_of) AS repeats,
       count(*) FILTER (reopened) AS reopened,
       count(suspicious) AS flagged{flags}
FROM {REQUESTS}
WHERE {condition(selection)};"""


def reporting(release: Release, selection: Selection, arguments: dict[str, str]) -> str:
    """Further reports, days watched, and what the city's rates lead one to expect, a row for each area."""
    things = THINGS.format(
        area=column(release, arguments["layer"]) + "::VARCHAR", requests=REQUESTS, incidents="'incidents.parquet'",
        where=condition(selection), ended=ENDED.format(as_of=moment(release)),
    )  # fmt: skip
    return f"""\
WITH {things}, {FURTHER.format(requests=REQUESTS)}, cells AS (
  SELECT area, service, sum(days) AS days FROM things WHERE days IS NOT NULL AND area IS NOT NULL GROUP BY ALL
), counted AS (
  SELECT area, service, days, coalesce(further, 0) AS further
  FROM cells LEFT JOIN further USING (area, service) WHERE days > 0
), city AS (
  SELECT service, sum(further) / sum(days) AS city FROM counted GROUP BY service
)
SELECT area AS key, sum(further) AS further, sum(days) AS days, sum(further) / sum(days) AS rate,
       sum(days * city) AS expected, CASE WHEN sum(days * city) > 0 THEN sum(further) / sum(days * city) END AS ratio
FROM counted JOIN city USING (service) GROUP BY area ORDER BY area;"""
