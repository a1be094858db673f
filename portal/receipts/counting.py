"""Receipts of counts: totals, groups, months."""

# ruff: noqa: S608 - texts for readers, never run by the portal

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

from portal.errors import BadRequest
from portal.queries.backlog import AGES_DAYS, end_of
from portal.queries.months import covered_until
from portal.queries.scans import OUTCOMES, column
from portal.receipts.model import Kind
from portal.receipts.parts import (
    BINS,
    EXACT_MOMENTS,
    REQUESTS,
    binned_moments,
    condition,
    literal,
    quantile,
    survival,
    waits,
    wilson,
)
from portal.receipts.words import BAND, COUNTS, DONE, DUE, HOURS, ON_TIME, QUANTILES, ROWS, SHARE, TIMES, UNTOLD
from portal.selection import NOT_STATED, Selection
from portal.text import N_

if TYPE_CHECKING:
    from portal.release import Release

_COUNTED = """count(*)::DOUBLE AS requests,
         count(*) FILTER (status = 'open')::DOUBLE AS open,
         count(*) FILTER (status = 'closed')::DOUBLE AS closed,
         count(*) FILTER (status NOT IN ('open', 'closed') OR status IS NULL)::DOUBLE AS unmapped,
         count(*) FILTER (on_time = 'on_time')::DOUBLE AS on_time,
         count(*) FILTER (on_time = 'late')::DOUBLE AS late"""


def counts(release: Release, selection: Selection, arguments: dict[str, str]) -> str:
    """Counts and shares of a selection, as one row."""
    del release, arguments
    outcomes = "".join(
        f",\n         count(*) FILTER (status = 'closed' AND outcome = '{name}')::DOUBLE AS {name}" for name in OUTCOMES
    )
    shares = "".join(f", {name} / closed AS {name}_share" for name in OUTCOMES if name != "done")
    return f"""\
WITH counted AS (
  SELECT {_COUNTED},
         count(*) FILTER (location_source <> 'none')::DOUBLE AS located{outcomes}
  FROM {REQUESTS}
  WHERE {condition(selection)}
)
SELECT *, open / requests AS open_share, on_time + late AS due, requests - located AS not_located,
       located / requests AS located_share,
       {wilson("on_time", "(on_time + late)", "on_time_share")},
       {wilson("done", "closed", "done_share")}{shares}
FROM counted;"""


def response(release: Release, selection: Selection, arguments: dict[str, str]) -> str:
    """Kaplan-Meier quantiles exact to the minute, and the median of the closed ones alone, as one row."""
    del arguments
    return f"""\
WITH {waits(release, selection)}, {EXACT_MOMENTS}, {survival()}, closed_only AS (
  -- what most portals show: the closed ones alone
  SELECT min(minutes) / 60 AS closed_only_hours
  FROM (SELECT minutes, sum(events) OVER (ORDER BY minutes) AS done, sum(events) OVER () AS all_done FROM moments)
  WHERE 2 * done >= all_done AND all_done > 0
)
SELECT (SELECT count(*) FROM waits) AS n, (SELECT count(*) FROM waits WHERE closed) AS events,
       {quantile(0.5, "median")},
       {quantile(0.75, "p75")},
       {quantile(0.9, "p90")},
       (SELECT closed_only_hours FROM closed_only) AS closed_only_hours
FROM band;"""


def by(release: Release, selection: Selection, arguments: dict[str, str]) -> str:
    """Counts and response times of each value of a dimension, a row each."""
    key = f"coalesce({column(release, arguments['dimension'])}::VARCHAR, {literal(NOT_STATED)}) AS key"
    return f"""\
WITH RECURSIVE {waits(release, selection, key)}, {BINS}, {binned_moments("key")}, {survival("key")}, times AS (
  SELECT key, {quantile(0.5, "median")},
       {quantile(0.9, "p90")}
  FROM band GROUP BY key
), timed AS (
  SELECT key, count(*) AS n, count(*) FILTER (closed) AS events FROM waits GROUP BY key
), counted AS (
  SELECT {key}, {_COUNTED},
         count(*) FILTER (status = 'closed' AND outcome = 'done')::DOUBLE AS done
  FROM {REQUESTS}
  WHERE {condition(selection)}
  GROUP BY ALL
)
SELECT key, requests, open, closed, coalesce(n, 0) AS n, coalesce(events, 0) AS events, open / requests AS open_share,
       on_time + late AS due, requests / sum(requests) FILTER (key <> {literal(NOT_STATED)}) OVER () AS share_of_stated,
       median_hours, median_low, median_high, p90_hours, p90_low, p90_high,
       {wilson("on_time", "(on_time + late)", "on_time_share")},
       {wilson("done", "closed", "done_share")}
FROM counted LEFT JOIN times USING (key) LEFT JOIN timed USING (key)
ORDER BY requests DESC, key;"""


def months(release: Release, selection: Selection, arguments: dict[str, str]) -> str:
    """What came in, was closed and was open at the end of each month, and how long requests of the month took."""
    del arguments
    zone, last = literal(release.city.timezone), last_day(release, selection)
    key = "strftime(requested_date, '%Y-%m') AS key"
    return f"""\
WITH RECURSIVE chosen AS (
  SELECT *, date_trunc('month', requested_date)::DATE AS asked,
         CASE WHEN status = 'closed'
              THEN date_trunc('month', (closed_datetime AT TIME ZONE 'UTC') AT TIME ZONE {zone})::DATE END AS left_in
  FROM {REQUESTS}
  WHERE {condition(selection)}
), spans AS (
  SELECT unnest(generate_series(min(asked), greatest(max(asked), max(left_in), {literal(last)}), INTERVAL 1 MONTH))::DATE AS month
  FROM chosen
), flow AS (
  SELECT month,
         (SELECT count(*) FROM chosen WHERE asked = month) AS requested,
         (SELECT count(*) FROM chosen WHERE left_in = month) AS closed,
         -- neither open nor closed at a known time: nobody can say when they left
         (SELECT count(*) FROM chosen WHERE asked = month AND left_in IS NULL AND status IS DISTINCT FROM 'open') AS untold,
         (SELECT count(*) FROM chosen WHERE asked = month AND on_time = 'on_time')::DOUBLE AS on_time,
         (SELECT count(*) FROM chosen WHERE asked = month AND on_time = 'late')::DOUBLE AS late
  FROM spans
), before AS (
  SELECT count(*) AS n FROM chosen WHERE left_in < (SELECT min(asked) FROM chosen)
), {waits(release, selection, key)}, {BINS}, {binned_moments("key")}, {survival("key")}, times AS (
  SELECT key, {quantile(0.5, "median")},
       {quantile(0.9, "p90")}
  FROM band GROUP BY key
), timed AS (
  SELECT key, count(*) AS n FROM waits GROUP BY key
)
SELECT strftime(month, '%Y-%m') AS key, requested, closed,
       sum(requested - untold - closed) OVER (ORDER BY month) - (SELECT n FROM before) AS open_at_end,
       median_hours, median_low, median_high, p90_hours, p90_low, p90_high,
       {wilson("on_time", "(on_time + late)", "on_time_share")}, coalesce(timed.n, 0) AS n
FROM flow LEFT JOIN times ON times.key = strftime(month, '%Y-%m') LEFT JOIN timed ON timed.key = strftime(month, '%Y-%m')
ORDER BY month;"""


def last_day(release: Release, selection: Selection) -> date:
    """The last day of the months that are told of: that of the record, or that which was asked for."""
    covered = covered_until(release)
    return min(covered, selection.to_date) if selection.to_date else covered


def backlog(release: Release, selection: Selection, arguments: dict[str, str]) -> str:
    """What was open at the end of a day, by age, as one row."""
    try:
        day = date.fromisoformat(arguments["at"])
    except ValueError:
        raise BadRequest(f"at: '{arguments['at'][:20]}' is not a date such as 2025-01-31.") from None
    moment = f"TIMESTAMP '{end_of(release, day):%Y-%m-%d %H:%M:%S.%f}'"
    edges = (0, *AGES_DAYS, None)
    groups = "".join(
        f",\n       count(*) FILTER (minutes >= {edges[i]} * 1440"
        + ("" if edges[i + 1] is None else f" AND minutes < {edges[i + 1]} * 1440")
        + f") AS from_{edges[i]}_days"
        for i in range(len(AGES_DAYS) + 1)
    )
    return f"""\
SELECT count(*) AS open{groups}
FROM (
  SELECT date_diff('second', requested_datetime, {moment}) // 60 AS minutes
  FROM {REQUESTS}
  WHERE requested_datetime < {moment} AND (status = 'open' OR status = 'closed' AND closed_datetime >= {moment})
    AND {condition(selection)}
);"""


KINDS: Final = (
    Kind(
        "counts",
        N_("How many, and what became of them"),
        N_("Counts of the selected requests. On time is the share, of those whose standard has come due, that were closed within it; open ones that are past due count as late. Done is a share of the closed ones."),  # noqa: E501
        (ROWS,),
        {
            **COUNTS, "open_share": SHARE, "due": DUE, "not_located": N_("requests without a place"), "located_share": SHARE,
            **ON_TIME, **DONE,
        }
        | {name: N_("closed requests of this outcome") for name in OUTCOMES}
        | {f"{name}_share": N_("share of the closed ones, 0 to 1") for name in OUTCOMES},
        counts,
    ),
    Kind(
        "response",
        N_("How long it takes"),
        N_("The time from request to closing by which half, three quarters and nine tenths were closed, open requests counted as not closed yet (Kaplan–Meier), with 95% bands on the log(-log) scale. The last column leaves the open ones out, as most portals do, and flatters."),  # noqa: E501
        (TIMES, ROWS),
        {
            "n": N_("requests with times"), "events": N_("of them closed"),
            "median_hours": HOURS, "median_low": BAND, "median_high": BAND,
            "p75_hours": HOURS, "p75_low": BAND, "p75_high": BAND,
            "p90_hours": HOURS, "p90_low": BAND, "p90_high": BAND,
            "closed_only_hours": N_("hours, of the closed ones alone"),
        },
        response,
    ),
    Kind(
        "by",
        N_("Figures of each group"),
        N_("Counts and times of each group. Times are of bins (each minute its own up to two hours, then 1% wide), and so right within half a percent."),  # noqa: E501
        (TIMES, ROWS),
        {
            "key": N_("the group"), **COUNTS, "n": N_("requests with times"), "due": DUE,
            "share_of_stated": N_("share of those that state a group, 0 to 1"), **QUANTILES, **ON_TIME, **DONE,
        },
        by,
        arguments=("dimension",),
        keyed=True,
    ),
    Kind(
        "months",
        N_("Figures of each month"),
        N_("Requests made in a month, requests closed in it, and those open at its end; times are of the requests made in the month, in bins 1% wide. Months are of the city's own clock."),  # noqa: E501
        (TIMES, ROWS),
        {
            "key": N_("the month"), "requested": N_("requests made in it"), "closed": N_("requests closed in it"),
            "open_at_end": N_("open at its end"), "n": N_("requests with times"), **QUANTILES, **ON_TIME,
        },
        months,
        keyed=True,
    ),
    Kind(
        "backlog",
        N_("What was open at the end of a day"),
        N_("Requests that had been made and not been closed by the end of a day of the city's clock, by how long they had waited until then."),  # noqa: E501
        (UNTOLD, ROWS),
        {"open": N_("requests")} | {f"from_{days}_days": N_("requests that had waited so many days, or more, up to the next column") for days in (0, *AGES_DAYS)},  # noqa: E501
        backlog,
        arguments=("at",),
    ),
)  # fmt: skip
"""The kinds of figures that these receipts are of."""
