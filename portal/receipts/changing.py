"""Receipt of a change against the same months of the year before: of numbers, of late shares, of times."""

# ruff: noqa: S608 - texts for readers, never run by the portal

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from portal.errors import BadRequest
from portal.queries.change import year_ago
from portal.receipts.model import Kind
from portal.receipts.parts import BINS, REQUESTS, binned_moments, condition, survival, waits
from portal.receipts.words import HOURS, ROWS, SHARE, TIMES
from portal.selection import Selection
from portal.text import N_

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from portal.release import Release


def _months(name: str, first_days: Sequence[date]) -> str:
    """CTE of months: `month` as a number that grows by one a month."""
    numbers = ", ".join(str(day.year * 12 + day.month - 1) for day in first_days)
    return f"{name} AS (SELECT unnest([{numbers}]::INTEGER[]) AS month)"


def changed(release: Release, selection: Selection, arguments: dict[str, str]) -> str:
    """Now, before and the change of three figures, as one row."""
    del arguments
    found = year_ago(release, selection)
    if found is None:
        raise BadRequest(
            "There is no year before: select whole months, at most twelve, that the record also has a year earlier."
        )
    first = min(found.requests.compared, default=selection.from_date)
    both = selection.replace(from_date=first.replace(year=first.year - 1) if first else None)
    month = "year(requested_date) * 12 + month(requested_date) - 1"
    return f"""\
WITH RECURSIVE {_months("compared", found.requests.compared)}, {_months("compared_late", found.late.compared)},
{_months("compared_times", found.median.compared)}, counted AS (
  SELECT {month} AS month, count(*)::DOUBLE AS requests, count(*) FILTER (on_time = 'late')::DOUBLE AS late,
         count(*) FILTER (on_time IN ('late', 'on_time'))::DOUBLE AS due
  FROM {REQUESTS}
  WHERE {condition(both)}
  GROUP BY ALL
), days AS (
  SELECT month, date_diff('day', first, first + INTERVAL 1 MONTH) AS days
  FROM (SELECT month, make_date(month // 12, month % 12 + 1, 1) AS first
        FROM (SELECT month FROM compared UNION SELECT month - 12 FROM compared))
), numbers AS (
  -- each year's requests a day, month by month, at the days that the months have now
  SELECT sum(now) AS now, sum(before) AS before, sum((now + before) / (d1 + d0) * d1) / sum((now + before) / (d1 + d0) * d0) AS exposure
  FROM (SELECT coalesce(a.requests, 0) AS now, coalesce(b.requests, 0) AS before, x.days AS d1, y.days AS d0
        FROM compared c JOIN days x ON x.month = c.month JOIN days y ON y.month = c.month - 12
        LEFT JOIN counted a ON a.month = c.month LEFT JOIN counted b ON b.month = c.month - 12)
), shares AS (
  -- both years weighted by the due requests of each calendar month in both together
  SELECT sum((a.due + b.due) * a.late / a.due) / sum(a.due + b.due) AS now,
         sum((a.due + b.due) * b.late / b.due) / sum(a.due + b.due) AS before
  FROM compared_late c JOIN counted a ON a.month = c.month JOIN counted b ON b.month = c.month - 12
), {waits(release, both, f"{month} AS month")}, {BINS}, {binned_moments("month")}, {survival("month")}, weights AS (
  -- times likewise: a curve for each month, both years' curves weighted by the same weights
  SELECT c.month, count(*)::DOUBLE AS weight
  FROM compared_times c JOIN waits ON waits.month IN (c.month, c.month - 12) GROUP BY ALL
), grid AS (
  SELECT side, w.month - 12 * side AS month, weight, minutes
  FROM weights w CROSS JOIN (SELECT unnest([0, 1]) AS side) CROSS JOIN (SELECT DISTINCT minutes FROM moments)
), whole AS (
  SELECT side, grid.minutes, sum(weight * coalesce(curve.still_open, 1)) / sum(weight) AS still_open
  FROM grid ASOF LEFT JOIN curve ON grid.month = curve.month AND grid.minutes >= curve.minutes
  GROUP BY ALL
), medians AS (
  SELECT min(minutes) FILTER (side = 0 AND still_open <= 0.5 + 1e-12) / 60 AS now,
         min(minutes) FILTER (side = 1 AND still_open <= 0.5 + 1e-12) / 60 AS before
  FROM whole
)
SELECT numbers.now / nullif(numbers.before, 0) / exposure AS requests_ratio,
       shares.now AS late_now, shares.before AS late_before, shares.now - shares.before AS late_difference,
       medians.now AS median_now, medians.before AS median_before, medians.now - medians.before AS median_difference
FROM numbers, shares, medians;"""


KINDS: Final = (
    Kind(
        "year-ago",
        N_("Change against the same months of the year before"),
        N_("Month by month, so that neither the season nor another number of requests per calendar month is taken for a change: both years are weighted by the same weights. Months that are too young to know how long their requests take are left out of both years; the query names those that were compared. Intervals: exact for numbers, Newcombe for shares, from both years' Kaplan–Meier bands for times."),  # noqa: E501
        (TIMES, ROWS),
        {
            "requests_ratio": N_("requests a day, now / before"), "late_now": SHARE, "late_before": SHARE,
            "late_difference": N_("now - before"), "median_now": HOURS, "median_before": HOURS,
            "median_difference": N_("hours, now - before"),
        },
        changed,
    ),
)  # fmt: skip
"""The kinds of figures that these receipts are of."""
