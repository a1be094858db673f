"""Receipt of a change against the same months of the year before: of numbers, of late shares, of times."""

# ruff: noqa: S608 - texts for readers, never run by the portal

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from portal.errors import BadRequest
from portal.figures.change import FEWEST
from portal.figures.kaplan_meier import Z95
from portal.queries.change import QUARTER_MONTHS, year_ago
from portal.queries.month_numbers import first_day, month_number
from portal.queries.periods import YEAR_MONTHS, last_months
from portal.queries.scans import column
from portal.queries.summary import period
from portal.receipts.exact import binomial_ends
from portal.receipts.model import Kind
from portal.receipts.parts import BINS, REQUESTS, binned_moments, condition, literal, survival, waits
from portal.receipts.words import EXACT, HOURS, ROWS, SHARE, TIMES
from portal.selection import NOT_STATED, Selection
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
), counts AS (
  SELECT now AS k, now + before AS n FROM numbers
), {binomial_ends("counts")}, shares AS (
  -- both years weighted by the due requests of each calendar month in both together
  SELECT sum((a.due + b.due) * a.late / a.due) / sum(a.due + b.due) AS now,
         sum((a.due + b.due) * b.late / b.due) / sum(a.due + b.due) AS before
  FROM compared_late c JOIN counted a ON a.month = c.month JOIN counted b ON b.month = c.month - 12
), {waits(release, both, f"{month} AS month")}, {BINS}, {binned_moments("month")}, {survival("month")}, watched AS (
  -- how long each month was watched by five at least, or by all of it
  SELECT month, sum(events + censored) AS n,
         greatest(max(minutes) FILTER (left_then >= {FEWEST}), coalesce(min(minutes) FILTER (censored > 0), 1e18)) AS until
  FROM (SELECT *, sum(events + censored) OVER (PARTITION BY month ORDER BY minutes DESC) AS left_then FROM moments)
  GROUP BY month
), weights AS (
  -- times likewise: a curve for each month, both years' curves weighted by the same weights
  SELECT c.month, count(*)::DOUBLE AS weight
  FROM compared_times c JOIN waits ON waits.month IN (c.month, c.month - 12) GROUP BY ALL
), grid AS (
  SELECT side, w.month - 12 * side AS month, weight, minutes
  FROM weights w CROSS JOIN (SELECT unnest([0, 1]) AS side) CROSS JOIN (SELECT DISTINCT minutes FROM moments)
), whole AS (
  SELECT side, grid.minutes, sum(weight * coalesce(curve.still_open, 1)) / sum(weight) AS still_open,
         sqrt(sum(weight ** 2 * coalesce(curve.still_open ** 2 * greenwood * coalesce(n / nullif(n - 1, 0), 1), 0))) / sum(weight)
           AS error
  FROM grid ASOF LEFT JOIN curve ON grid.month = curve.month AND grid.minutes >= curve.minutes
  LEFT JOIN watched ON watched.month = grid.month
  WHERE grid.minutes <= (SELECT min(until) FROM watched JOIN compared_times c ON watched.month IN (c.month, c.month - 12))
  GROUP BY ALL
), lines AS (
  SELECT *, ln(hazard) AS middle, {Z95!r} * error / (still_open * hazard) AS margin, ln(-ln(0.5)) - 1e-12 AS line
  FROM (SELECT *, CASE WHEN still_open > 0 AND still_open < 1 THEN -ln(still_open) END AS hazard FROM whole)
), sides AS (
  SELECT side, min(minutes) FILTER (still_open <= 0.5 + 1e-12) / 60 AS value,
         min(minutes) FILTER (still_open <= 0 OR middle + margin >= line) / 60 AS low,
         min(minutes) FILTER (still_open <= 0 OR middle - margin >= line) / 60 AS high
  FROM lines GROUP BY side
), medians AS (
  SELECT max(value) FILTER (side = 0) AS now, max(value) FILTER (side = 1) AS before, now - before AS difference,
         -- each end lies as far off as both sides' own ends do, squared (Newcombe)
         difference - sqrt((now - max(low) FILTER (side = 0)) ** 2 + (max(high) FILTER (side = 1) - before) ** 2) AS low,
         difference + sqrt((max(high) FILTER (side = 0) - now) ** 2 + (before - max(low) FILTER (side = 1)) ** 2) AS high
  FROM sides
)
SELECT numbers.now / nullif(numbers.before, 0) / exposure AS requests_ratio,
       CASE WHEN ends.low < 1 THEN ends.low / (1 - ends.low) / exposure END AS requests_ratio_low,
       CASE WHEN ends.high < 1 THEN ends.high / (1 - ends.high) / exposure END AS requests_ratio_high,
       (SELECT count(*) FROM compared) AS requests_months, (SELECT count(*) FROM compared_times) AS median_months,
       shares.now AS late_now, shares.before AS late_before, shares.now - shares.before AS late_difference,
       medians.now AS median_now, medians.before AS median_before, medians.difference AS median_difference,
       medians.low AS median_difference_low, medians.high AS median_difference_high
FROM numbers LEFT JOIN ends ON true, shares, medians;"""


def quarters(release: Release, selection: Selection, arguments: dict[str, str]) -> str:
    """Requests of each group in the last quarter, the one before it, and the same one of the year before."""
    last = last_months(release, QUARTER_MONTHS, selection.to_date)
    ago = last_months(release, QUARTER_MONTHS, last[0] - timedelta(days=1))
    begun = period(release)[0]
    if begun is None or ago[0] < begun:
        raise BadRequest("There is no quarter before: the record begins later.")
    year = (
        last[0].replace(year=last[0].year - 1),
        first_day(month_number(last[1]) + 1 - YEAR_MONTHS) - timedelta(days=1),
    )
    spans = (last, ago, year if year[0] >= begun else None)
    key = f"coalesce({column(release, arguments['dimension'])}::VARCHAR, {literal(NOT_STATED)}) AS key"
    now, before, then = (
        "0" if span is None else f"count(*) FILTER (requested_date BETWEEN {literal(span[0])} AND {literal(span[1])})"
        for span in spans
    )
    days = [(span[1] - span[0]).days + 1 for span in (last, ago)]
    first = min(span[0] for span in spans if span)
    return f"""\
WITH counted AS (
  SELECT {key}, {now} AS now, {before} AS before, {then} AS year_ago
  FROM {REQUESTS}
  WHERE {condition(selection.replace(from_date=first, to_date=None))}
  GROUP BY ALL
)
SELECT *, CASE WHEN before > 0 THEN now / before * {days[1]} / {days[0]} END AS ratio FROM counted ORDER BY key;"""


KINDS: Final = (
    Kind(
        "quarters",
        N_("Requests of a quarter and of the one before"),
        N_("Requests of the last three whole months, of the three before them, and of the same ones a year before. Only what changed by more than chance is shown: where an exact interval of 99.8% leaves out 1."),  # noqa: E501
        (ROWS,),
        {
            "key": N_("the group"), "now": N_("requests in the last three months"), "before": N_("in the three before"),
            "year_ago": N_("in the same months of the year before"), "ratio": N_("now / before, by the day"),
        },
        quarters,
        arguments=("dimension",),
        keyed=True,
    ),
    Kind(
        "year-ago",
        N_("Change against the same months of the year before"),
        N_("Month by month, so that neither the season nor another number of requests per calendar month is taken for a change: both years are weighted by the same weights. Months that are too young to know how long their requests take are left out of both years; the query names those that were compared. Intervals: exact for numbers, Newcombe for shares, from both years' Kaplan–Meier bands for times."),  # noqa: E501
        (TIMES, ROWS),
        {
            "requests_ratio": N_("requests a day, now / before"), "requests_ratio_low": EXACT, "requests_ratio_high": EXACT,
            "requests_months": N_("months compared"), "median_months": N_("months whose times are compared"),
            "late_now": SHARE, "late_before": SHARE,
            "late_difference": N_("now - before"), "median_now": HOURS, "median_before": HOURS,
            "median_difference": N_("hours, now - before"), "median_difference_low": EXACT, "median_difference_high": EXACT,
        },
        changed,
    ),
)  # fmt: skip
"""The kinds of figures that these receipts are of."""
