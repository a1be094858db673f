"""Receipts of expected times: how long a request like the selected ones should take, and how such forecasts held."""

# ruff: noqa: S608 - texts for readers, never run by the portal

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from portal.errors import NotFound
from portal.figures.expected_time import ENOUGH
from portal.figures.kaplan_meier import Z95
from portal.queries.expected import DRIFT_MONTHS, calibration, drawn_layer, months
from portal.queries.expected_record import begins_utc
from portal.receipts.model import Kind
from portal.receipts.parts import BINS, binned_moments, literal, survival, waits
from portal.receipts.words import HOURS, ROWS, TIMES
from portal.selection import Selection, quoted
from portal.text import N_

if TYPE_CHECKING:
    from portal.release import Release


def _reached(share: float) -> str:
    """Minutes; the level is a little above the share, so that a next request is within the time with that chance."""
    return f"min(minutes) FILTER (still_open <= 1 - {share!r} * (n + 1) / n + 1e-12)"


def expected(release: Release, selection: Selection, arguments: dict[str, str]) -> str:
    """Times within which half and 9 in 10 of the next requests like the selected ones are closed, as one row."""
    del arguments
    held = calibration(release)
    half, most = held.factors if held else (1.0, 1.0)
    return f"""\
WITH RECURSIVE {waits(release, selection)}, {BINS}, {binned_moments()}, {survival()}, counted AS (
  SELECT count(*)::DOUBLE AS n, count(*) FILTER (closed)::DOUBLE AS events FROM waits
), plain AS (
  SELECT any_value(n) AS n, any_value(events) AS events, {_reached(0.5)} / 60 AS half,
         {_reached(0.9)} / 60 AS most
  FROM curve CROSS JOIN counted
), factors AS (
  -- by what the forecasts of the last three months would have to be multiplied to have held: the receipt 'held'
  -- makes them again, in its row 'now'
  SELECT {half!r}::DOUBLE AS half_factor, {most!r}::DOUBLE AS most_factor
)
SELECT n, events, half AS half_plain_hours, most AS most_plain_hours, half_factor, most_factor,
       half * half_factor AS half_hours,
       CASE WHEN most IS NOT NULL THEN greatest(most * most_factor, coalesce(half * half_factor, 0)) END AS most_hours
FROM plain CROSS JOIN factors;"""


def _month(day: str) -> str:
    """A day's month, counted from 1970-01."""
    return f"((year({day}) - 1970) * 12 + month({day}) - 1)"


def held(release: Release, selection: Selection, arguments: dict[str, str]) -> str:
    """Forecasts of past months, made of what was known as each began, held against what came: a row a month."""
    del selection, arguments
    which, layer = months(release), drawn_layer(release)
    if which.first is None:
        raise NotFound("The record of this release is too short to hold forecasts against it.")
    zone = literal(release.city.timezone)
    ended = _month(f"((closed_datetime AT TIME ZONE 'UTC') AT TIME ZONE {zone})")
    begins = ", ".join(f"({m}, TIMESTAMP '{begins_utc(release, m):%Y-%m-%d %H:%M:%S}')" for m in which.forecast)
    area = "NULL::VARCHAR" if layer is None else f"{quoted(layer)}::VARCHAR"
    request = waits(
        release, Selection(), "service_code::VARCHAR AS service", f"{area} AS area",
        f"{_month('requested_date')} AS month", f"{ended} AS closed_in", "requested_date AS day",
    )  # fmt: skip
    return f"""\
WITH RECURSIVE {request}, {BINS}, places AS (
  SELECT (first + after - 1) / 2 AS middle, after - first > 1 AS wide, first FROM bins
), timed AS (
  -- months are counted from 1970-01; what is open is closed in a month that never comes
  SELECT service, area, month, day, middle, CASE WHEN closed THEN closed_in ELSE 99999 END AS closed_in
  FROM waits ASOF JOIN places ON waits.minutes >= places.first WHERE service IS NOT NULL
), days(made, begins) AS (
  -- the moments at which forecasts are made: the first of each month
  VALUES {begins}
), known AS (
  -- the requests made before, as they stood then; what was open has waited since noon of its day
  SELECT made, service, area, month, closed_in < made AS closed,
         CASE WHEN closed_in < made THEN middle
              ELSE greatest(date_diff('second', day::TIMESTAMP, begins) / 60 - 720, 1) END AS waited
  FROM timed JOIN days ON month < made
), cells AS (
  SELECT made, service, area, month BETWEEN made - 13 AND made - 11 AS season, month >= made - 12 AS year,
         places.middle AS minutes, places.wide AS wide,
         count(*) FILTER (closed)::DOUBLE AS events, count(*) FILTER (NOT closed)::DOUBLE AS censored
  FROM known ASOF JOIN places ON known.waited >= places.middle
  GROUP BY ALL
), moments AS (
  -- the groups that a forecast may rest on, the narrowest first
  SELECT made, 0 AS base, service, area, minutes, wide, sum(events) AS events, sum(censored) AS censored
  FROM cells WHERE season AND area IS NOT NULL GROUP BY ALL
  UNION ALL
  SELECT made, 1, service, area, minutes, wide, sum(events), sum(censored)
  FROM cells WHERE year AND area IS NOT NULL GROUP BY ALL
  UNION ALL
  SELECT made, 2, service, NULL, minutes, wide, sum(events), sum(censored) FROM cells WHERE year GROUP BY ALL
  UNION ALL
  SELECT made, 3, service, NULL, minutes, wide, sum(events), sum(censored) FROM cells GROUP BY ALL
), sizes AS (
  SELECT made, base, service, area, sum(events + censored) AS n, sum(events) AS events FROM moments GROUP BY ALL
), {survival("made", "base", "service", "area")}, groups AS (
  SELECT made, base, service, area, {_reached(0.5)} AS half,
         {_reached(0.9)} AS most
  FROM (SELECT curve.*, n FROM curve JOIN sizes
        ON curve.made = sizes.made AND curve.base = sizes.base AND curve.service = sizes.service
           AND curve.area IS NOT DISTINCT FROM sizes.area
        WHERE events >= {ENOUGH})
  GROUP BY ALL
), stated AS (
  -- for each kind of request and month the narrowest group that says both times, else the narrowest
  SELECT DISTINCT ON (kinds.made, kinds.service, kinds.area) kinds.made, kinds.service, kinds.area, half, most
  FROM (SELECT DISTINCT month AS made, service, area FROM timed WHERE month >= {which.forecast[0]}) AS kinds
  JOIN groups ON groups.made = kinds.made AND groups.service = kinds.service AND (base >= 2 OR groups.area = kinds.area)
  ORDER BY half IS NULL OR most IS NULL, base
), outcomes AS (
  -- the requests of each month with the times that were stated for them
  SELECT timed.month, closed_in, middle, day, half, most
  FROM timed JOIN stated ON timed.month = stated.made AND timed.service = stated.service
                            AND timed.area IS NOT DISTINCT FROM stated.area
), lately AS (
  -- the three months before each month, as they stood when it began; those before a request of now, as they stand
  SELECT days.made AS upto, half, most, closed_in < days.made AS closed,
         CASE WHEN closed_in < days.made THEN middle
              ELSE greatest(date_diff('second', day::TIMESTAMP, begins) / 60 - 720, 1) END AS waited
  FROM outcomes JOIN days ON month BETWEEN days.made - {DRIFT_MONTHS} AND days.made - 1
  WHERE days.made >= {which.first}
  UNION ALL
  SELECT {which.last + 1}, half, most, closed_in < 99999, middle
  FROM outcomes WHERE month BETWEEN {which.last + 1 - DRIFT_MONTHS} AND {which.last}
), needed AS (
  -- by what the stated time would have to be multiplied
  SELECT upto, 0.5::DOUBLE AS share, {_ratio("waited", "half")} AS ratio, closed FROM lately WHERE half IS NOT NULL
  UNION ALL
  SELECT upto, 0.9::DOUBLE, {_ratio("waited", "most")}, closed FROM lately WHERE most IS NOT NULL
), factors AS (
  SELECT upto, min(ratio) FILTER (share = 0.5 AND still_open <= 0.5 + 1e-12) AS half_factor,
         min(ratio) FILTER (share = 0.9 AND still_open <= 1 - 0.9 + 1e-12) AS most_factor
  FROM ({_ratios("needed", "upto", "share")}) GROUP BY upto
), promised AS (
  SELECT month, middle, closed_in < 99999 AS closed, half * coalesce(half_factor, 1) AS half,
         CASE WHEN most IS NOT NULL
              THEN greatest(most * coalesce(most_factor, 1), coalesce(half * coalesce(half_factor, 1), 0)) END AS most
  FROM outcomes JOIN factors ON upto = month
), kept AS (
  -- each request in the row of its month and in the row of all
  SELECT unnest([month::VARCHAR, 'all']) AS key, 0.5::DOUBLE AS share, {_ratio("middle", "half")} AS ratio, closed
  FROM promised WHERE half IS NOT NULL
  UNION ALL
  SELECT unnest([month::VARCHAR, 'all']), 0.9::DOUBLE, {_ratio("middle", "most")}, closed FROM promised WHERE most IS NOT NULL
), ends AS (
  -- the curve of the ratios where it passes 1; nobody knows where none was watched for so long
  SELECT key, share, sum(here) AS n, max(ratio) < 1 AND arg_max(open_here, ratio) > 0 AS unknown,
         coalesce(arg_max(still_open, ratio) FILTER (ratio <= 1), 1) AS waiting,
         arg_max(greenwood, ratio) FILTER (ratio <= 1) AS greenwood
  FROM ({_ratios("kept", "key", "share")}) GROUP BY key, share
), bands AS (
  SELECT *, CASE WHEN waiting > 0 AND waiting < 1 THEN exp({Z95!r} * sqrt(greenwood) / -ln(waiting)) END AS spread FROM ends
), shares AS (
  SELECT key, any_value(n) FILTER (share = 0.5) AS forecasts, {_share(0.5, "half")},
         {_share(0.9, "most")}
  FROM bands GROUP BY key
)
SELECT CASE WHEN key = 'all' THEN key ELSE strftime(make_date(1970 + key::BIGINT // 12, 1 + key::BIGINT % 12, 1), '%Y-%m') END AS key,
       forecasts, half_share, half_low, half_high, most_share, most_low, most_high,
       coalesce(half_factor, 1) AS half_factor, coalesce(most_factor, 1) AS most_factor
FROM shares LEFT JOIN factors ON key = upto::VARCHAR
UNION ALL
SELECT 'now', NULL, NULL, NULL, NULL, NULL, NULL, NULL, coalesce(half_factor, 1), coalesce(most_factor, 1)
FROM factors WHERE upto = {which.last + 1}
ORDER BY key;"""


def _ratio(time: str, stated: str) -> str:
    """A time over the one that was stated; what took any time where none was stated is as late as can be."""
    return f"CASE WHEN {time} > 0 THEN coalesce(least({time} / nullif({stated}, 0), 1e9), 1e9) ELSE 0 END"


def _ratios(table: str, *keys: str) -> str:
    """Kaplan-Meier over the ratios of a table, by `keys`: a row for each ratio."""
    names = ", ".join(keys)
    return f"""
    SELECT {names}, ratio, here, open_here,
           product(CASE WHEN waiting > 0 THEN (waiting - gone) / waiting ELSE 1 END) OVER upto_here AS still_open,
           sum(CASE WHEN waiting > gone THEN gone / (waiting * (waiting - gone)) ELSE 0 END) OVER upto_here AS greenwood
    FROM (SELECT {names}, ratio, gone, here, here - gone AS open_here,
                 sum(here) OVER (PARTITION BY {names} ORDER BY ratio DESC) AS waiting
          FROM (SELECT {names}, ratio, count(*)::DOUBLE AS here,
                       count(*) FILTER (closed)::DOUBLE AS gone
                FROM {table} GROUP BY ALL))
    WINDOW upto_here AS (PARTITION BY {names} ORDER BY ratio)
  """


def _share(share: float, name: str) -> str:
    """Columns `name`_share, `name`_low, `name`_high from `bands`."""
    of = f"FILTER (share = {share!r} AND NOT unknown)"
    return f"""any_value(1 - waiting) {of} AS {name}_share,
         any_value(1 - waiting ** (1 / spread)) {of} AS {name}_low, any_value(1 - waiting ** spread) {of} AS {name}_high"""


KINDS: Final = (
    Kind(
        "expected",
        N_("How long a request that is made now should take"),
        N_("The time within which half, and 9 in 10, of the next requests like the selected ones are closed: Kaplan–Meier with open requests counted, in bins 1% wide, at a level a little above the share, so that a next one is within it with that chance. Both are then multiplied by a factor: what the forecasts of the last three months would have needed to hold. The factors stand in the query as they were worked out of the whole record; the receipt 'held' makes them again."),  # noqa: E501
        (TIMES, ROWS),
        {
            "n": N_("requests with times"), "events": N_("of them closed"),
            "half_plain_hours": N_("hours for half, before the factor; empty: not yet reached"),
            "most_plain_hours": N_("hours for 9 in 10, before the factor; empty: not yet reached"),
            "half_factor": N_("the factor for half"), "most_factor": N_("the factor for 9 in 10"),
            "half_hours": HOURS, "most_hours": HOURS,
        },
        expected,
    ),
    Kind(
        "held",
        N_("How expected times held on months that were held out"),
        N_("For each of the last months every request gets the times that could have been stated as its month began, from what was known then, times the factor that the three months before would have needed. Of these it is the share that was closed within them, open ones counted as long as they have waited (Kaplan–Meier over time / stated time), with 95% bands on the log(-log) scale. It is of the whole record, whatever is selected; the row 'now' has the factors of a request that is made now."),  # noqa: E501
        (TIMES, ROWS),
        {
            "key": N_("the month of the request; all: all of them; now: a request that is made now"),
            "forecasts": N_("requests that there was a forecast for"),
            "half_share": N_("closed within the time stated for half, 0 to 1"),
            "half_low": N_("end of its 95% band, 0 to 1"), "half_high": N_("end of its 95% band, 0 to 1"),
            "most_share": N_("closed within the time stated for 9 in 10, 0 to 1"),
            "most_low": N_("end of its 95% band, 0 to 1"), "most_high": N_("end of its 95% band, 0 to 1"),
            "half_factor": N_("the factor for half"), "most_factor": N_("the factor for 9 in 10"),
        },
        held,
        keyed=True,
    ),
)  # fmt: skip
