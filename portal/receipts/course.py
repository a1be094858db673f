"""Receipts of what became of requests as time went on: Kaplan-Meier, Aalen-Johansen, restricted mean."""

# ruff: noqa: S608 - texts for readers, never run by the portal

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from portal.figures.kaplan_meier import Z95
from portal.queries.course import HORIZON_DAYS, MARKS_DAYS
from portal.queries.scans import OUTCOMES
from portal.receipts.model import Kind
from portal.receipts.parts import BINS, waits
from portal.receipts.words import BAND, ROWS, SHARE, TIMES
from portal.selection import Selection
from portal.text import N_

if TYPE_CHECKING:
    from portal.release import Release


def _steps(release: Release, selection: Selection) -> str:
    """CTE `steps`: at each time the share that waited before it and after it, closings of each outcome, those at risk."""
    known = ", ".join(f"'{name}'" for name in OUTCOMES)
    outcome = f"CASE WHEN outcome IN ({known}) THEN outcome ELSE 'unknown' END AS outcome"
    columns = "".join(
        f",\n         count(*) FILTER (closed AND outcome = '{name}')::DOUBLE AS {name}" for name in OUTCOMES
    )
    return f"""{waits(release, selection, outcome)}, {BINS}, moments AS (
  SELECT (first + after - 1) / 2 AS minutes, after - first > 1 AS wide,
         count(*) FILTER (closed)::DOUBLE AS events, count(*) FILTER (NOT closed)::DOUBLE AS censored{columns}
  FROM waits ASOF JOIN bins ON waits.minutes >= bins.first
  GROUP BY ALL
), at_risk AS (
  SELECT *, sum(events + censored) OVER (ORDER BY minutes DESC) - CASE WHEN wide THEN censored / 2 ELSE 0 END AS waiting
  FROM moments
), curve AS (
  SELECT *, product(CASE WHEN waiting > 0 THEN (waiting - events) / waiting ELSE 1 END) OVER (ORDER BY minutes) AS still_open
  FROM at_risk
), steps AS (
  SELECT *, coalesce(lag(still_open) OVER (ORDER BY minutes), 1) AS open_before FROM curve
)"""


def course(release: Release, selection: Selection, arguments: dict[str, str]) -> str:
    """Shares that wait, and of each outcome, so many days after they were made: a row each."""
    del arguments
    days = ", ".join(str(day) for day in MARKS_DAYS)
    shares = "".join(
        f",\n       coalesce(sum(open_before * {name} / waiting) FILTER (minutes <= days * 1440 AND waiting > 0), 0) AS {name}"
        for name in OUTCOMES
    )
    return f"""\
WITH RECURSIVE {_steps(release, selection)}, marks AS (
  SELECT unnest([{days}]) AS days
)
-- Aalen-Johansen: the share that still waits, times the share of those at risk that end so
SELECT days AS key, coalesce(min(still_open) FILTER (minutes <= days * 1440), 1) AS waiting{shares}
FROM marks, steps GROUP BY days ORDER BY days;"""


def mean(release: Release, selection: Selection, arguments: dict[str, str]) -> str:
    """The area under the curve up to the horizon, as one row."""
    del arguments
    end = HORIZON_DAYS * 24 * 60
    return f"""\
WITH RECURSIVE {_steps(release, selection)}, spans AS (
  SELECT minutes, still_open, waiting, events, coalesce(lead(minutes) OVER (ORDER BY minutes), {end}) AS until FROM steps
), areas AS (
  -- the area under the curve from each moment to the horizon
  SELECT *, sum(still_open * (least(until, {end}) - minutes)) OVER (ORDER BY minutes DESC) AS beyond FROM spans WHERE minutes < {end}
), whole AS (
  SELECT least((SELECT min(minutes) FROM spans), {end}) + coalesce(max(beyond), 0) AS mean, coalesce(min(still_open), 1) = 1 AS none,
         sqrt(sum(CASE WHEN waiting > events THEN beyond ** 2 * events / (waiting * (waiting - events)) ELSE 0 END)) AS error,
         (SELECT sum(events + CASE WHEN minutes = (SELECT min((first + after - 1) / 2) FROM bins WHERE (first + after - 1) / 2 >= {end})
                          THEN censored / 2 ELSE censored END) FROM steps WHERE minutes >= {end}) AS left_then
  FROM areas
), told AS (
  -- on the logit of mean / horizon
  SELECT *, ({end} - mean) / mean AS odds,
         CASE WHEN error > 0 AND mean < {end} THEN exp({Z95!r} * error * {end} / (mean * ({end} - mean))) END AS spread
  FROM whole
)
SELECT mean / 60 AS mean_hours, CASE WHEN none THEN {end} * 0.025 ** (1 / left_then) ELSE {end} / (1 + odds * spread) END / 60 AS mean_low,
       CASE WHEN none THEN {end} ELSE {end} / (1 + odds / spread) END / 60 AS mean_high
FROM told;"""


KINDS: Final = (
    Kind(
        "course",
        N_("What became of requests as time went on"),
        N_("So many days after they were made: the share that still waits, and the share that ended in each way (competing risks, Aalen–Johansen), open requests counted for as long as they have been watched. Times are of bins 1% wide. A share is shown only while anybody was watched for so long."),  # noqa: E501
        (TIMES, ROWS),
        {"key": N_("days since the request"), "waiting": SHARE} | dict.fromkeys(OUTCOMES, SHARE),
        course,
        keyed=True,
    ),
    Kind(
        "mean",
        N_("The mean time to closing, up to a horizon"),
        N_("The mean time from request to closing when whoever takes longer than 90 days counts as 90 days (restricted mean: the area under the Kaplan–Meier curve). Without a horizon there is no mean while anything is open."),  # noqa: E501
        (TIMES, ROWS),
        {"mean_hours": N_("hours"), "mean_low": BAND, "mean_high": BAND},
        mean,
    ),
)  # fmt: skip
"""The kinds of figures that these receipts are of."""
