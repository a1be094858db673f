"""Receipts of what requests say of one another: incidents, repeats, flags; reporting rates."""

# ruff: noqa: S608 - texts for readers, never run by the portal

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from portal.errors import NotFound
from portal.queries.record import ENDED, FLAGS, FURTHER, THINGS, has_links
from portal.queries.scans import column
from portal.receipts.exact import poisson_ends
from portal.receipts.model import PACKAGE, Kind
from portal.receipts.parts import REQUESTS, condition, moment
from portal.receipts.words import EXACT, ROWS, VAGUE
from portal.selection import Selection
from portal.text import N_

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
WITH RECURSIVE {things}, {FURTHER.format(requests=REQUESTS)}, cells AS (
  SELECT area, service, sum(days) AS days, count(*) AS things
  FROM things WHERE days IS NOT NULL AND area IS NOT NULL GROUP BY ALL
), counted AS (
  SELECT area, service, days, things, coalesce(further, 0) AS further
  FROM cells LEFT JOIN further USING (area, service) WHERE days > 0
), city AS (
  SELECT service, sum(further) / sum(days) AS city, sum(further) / sum(things) AS of_a_thing, sum(days) / sum(things) AS lasts
  FROM counted GROUP BY service
), told AS (
SELECT area AS key, sum(further) AS further, sum(days) AS days, sum(further) / sum(days) AS rate,
       sum(days * city) AS expected, CASE WHEN sum(days * city) > 0 THEN sum(further) / sum(days * city) END AS ratio,
       sum(things) AS things,
       CASE WHEN sum(things * of_a_thing) > 0 THEN sum(further) / sum(things * of_a_thing) END AS per_thing,
       sum(days) / sum(things * lasts) AS lasting
FROM counted JOIN city USING (service) GROUP BY area
), {poisson_ends("told", "further")}
SELECT told.*, low / nullif(expected, 0) AS ratio_low, high / nullif(expected, 0) AS ratio_high
FROM told JOIN counts_ends ON k = further ORDER BY key;"""


def left_out(release: Release, selection: Selection, arguments: dict[str, str]) -> str:
    """Rows of requests that no figure counts, as one row."""
    del selection, arguments
    sources = " UNION ".join(
        f"SELECT source FROM '{name}.parquet'"
        for name in ("measures", "feedback")
        if {"measures", "feedback"} <= release.tables
    )
    elsewhere = "0"
    if sources:
        elsewhere = f"""coalesce((SELECT sum(rows) FROM 'exclusions.parquet'
         WHERE kind = 'quarantined' AND source IN ({sources})
           AND NOT list_contains(json_keys(openward->'profile'), source)), 0)"""
    return f"""\
-- rows of measures and of feedback are in no figure of requests anyway
SELECT greatest((openward->'counts'->>'quarantined')::BIGINT - {elsewhere}, 0) AS quarantined,
       (openward->'counts'->>'withdrawn')::BIGINT AS withdrawn
FROM read_json('{PACKAGE}', columns = {{openward: 'JSON'}});"""


KINDS: Final = (
    Kind(
        "left-out",
        N_("Rows that no figure counts"),
        N_("In the whole record, whatever is selected: rows that could not be trusted, and rows that their source withdrew. The reasons are listed under Sources and runs."),  # noqa: E501
        (),
        {"quarantined": N_("rows that could not be trusted"), "withdrawn": N_("rows that their source withdrew")},
        left_out,
        files=(PACKAGE, "exclusions.parquet"),
    ),
    Kind(
        "linked",
        N_("Reports and things, repeats, closings worth a look"),
        N_("Requests that report one thing (same service, near, while it was open, sooner and nearer than chance) are one incident; the release says which. A repeat is the same service asked for again within 14 days of a closing and 50 m, unless the city states other limits. Flags are questions, never accusations: implausibly fast for the service, many at one instant, a text that nearly all closings share."),  # noqa: E501
        (VAGUE, ROWS),
        {
            "looked_at": N_("requests whose place is known well enough"), "incidents": N_("things that they report"),
            "repeats": N_("requests that repeat one that was closed"), "reopened": N_("requests that were closed and are not"),
            "flagged": N_("closings with a flag"), "fast": N_("implausibly fast for the service"),
            "bulk": N_("many closed at one instant"), "boilerplate": N_("a text that nearly all closings share"),
        },
        linked,
    ),
    Kind(
        "reporting",
        N_("How readily people report what is known already"),
        N_("Once a thing has been reported it is known to be there: the further reports that come until it is closed, or for seven days, tell how readily people report, whatever nobody reported (after Liu, Bhandaram & Garg). Expected is what the city's rates of the same services would give in as many days. It takes reports as independent, and duplicates as found equally well everywhere. A rate by the day comes out too low where things last longer and reports come early, one by the thing too high where they keep coming."),  # noqa: E501
        (VAGUE, ROWS),
        {
            "key": N_("the area's code"), "further": N_("reports after the first"), "days": N_("days watched"),
            "rate": N_("reports a day of a known thing"), "expected": N_("reports expected"),
            "ratio": N_("observed / expected"), "ratio_low": EXACT, "ratio_high": EXACT, "things": N_("things that were reported"),
            "per_thing": N_("observed / expected of as many things"),
            "lasting": N_("days watched / days expected of as many things"),
        },
        reporting,
        arguments=("layer",),
        keyed=True,
        files=("requests.parquet", "incidents.parquet"),
    ),
)  # fmt: skip
"""The kinds of figures that these receipts are of."""
