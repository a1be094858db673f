"""Pieces of SQL that receipts are made of, for a reader with DuckDB and the release's files in one folder.

Charter: text in, text out. Values of a selection are written as literals, quoted here and nowhere else; this text is
never run by the portal.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from portal.figures.kaplan_meier import Z95
from portal.selection import Selection

if TYPE_CHECKING:
    from portal.release import Release

REQUESTS = "'requests.parquet'"


def literal(value: Any) -> str:
    """A value as SQL: text in quotes, a date as DATE, a time as TIMESTAMP, a number as it is, None as NULL."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, datetime):
        return f"TIMESTAMP '{value.isoformat(sep=' ')}'"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, date):
        return f"DATE '{value.isoformat()}'"
    return "'" + str(value).replace("'", "''") + "'"


def condition(selection: Selection) -> str:
    """The selection's WHERE with its values written out; TRUE for all requests."""
    clause, params = selection.where()
    pieces = clause.split("?")
    if len(pieces) != len(params) + 1:
        raise ValueError("a column's name has a question mark")
    told = [literal(value) for value in params]
    return "".join(piece + value for piece, value in zip(pieces, [*told, ""], strict=True))


def moment(release: Release) -> str:
    """The as-of time as a literal."""
    return f"TIMESTAMP '{release.as_of:%Y-%m-%d %H:%M:%S}'"


def waits(release: Release, selection: Selection, *keys: str) -> str:
    """CTE `waits`: minutes from request to closing, or to the as-of time of those that are open, and whether it was closed.

    `keys`: further columns, as SQL. Rows whose times contradict one another are left out.
    """
    more = "".join(f", {key}" for key in keys)
    return f"""waits AS (
  -- whole minutes from request to closing; an open request has waited until the release's as-of time
  SELECT date_diff('second', requested_datetime,
                   CASE WHEN status = 'closed' THEN closed_datetime ELSE {moment(release)} END) // 60 AS minutes,
         status = 'closed' AS closed{more}
  FROM {REQUESTS}
  WHERE {condition(selection)}
    AND ((status = 'open' AND requested_datetime <= {moment(release)}) OR response_hours IS NOT NULL)
)"""  # noqa: S608 - a text for readers


BINS = """edges(first) AS (
  -- bins of the times: each minute its own up to two hours, then 1% wide
  SELECT 0::BIGINT UNION ALL
  SELECT CASE WHEN first < 120 THEN first + 1 ELSE greatest(first + 1, floor(first * 1.01::DOUBLE)::BIGINT) END
  FROM edges WHERE first < 31622400
), bins AS (
  SELECT first, coalesce(lead(first) OVER (ORDER BY first), first + 1) AS after FROM edges
)"""


COARSE = """coarse AS (
  -- six bins make a coarse one
  SELECT bin // 6 AS bin, min(first) AS first, max(after) AS after
  FROM (SELECT *, row_number() OVER (ORDER BY first) - 1 AS bin FROM bins) GROUP BY 1
)"""


def binned_moments(*keys: str) -> str:
    """CTE `moments`, from `waits` and `bins`: the middle of each bin, closed and still waiting, by `keys`."""
    names = "".join(f"{key}, " for key in keys)
    return f"""moments AS (
  SELECT {names}(first + after - 1) / 2 AS minutes, after - first > 1 AS wide,
         count(*) FILTER (closed)::DOUBLE AS events, count(*) FILTER (NOT closed)::DOUBLE AS censored
  FROM waits ASOF JOIN bins ON waits.minutes >= bins.first
  GROUP BY ALL
)"""  # noqa: S608


EXACT_MOMENTS = """moments AS (
  SELECT minutes, FALSE AS wide, count(*) FILTER (closed)::DOUBLE AS events, count(*) FILTER (NOT closed)::DOUBLE AS censored
  FROM waits GROUP BY minutes
)"""


def survival(*keys: str) -> str:
    """CTEs `at_risk`, `curve` and `band`, from `moments`: Kaplan-Meier with its 95% band on the log-log scale, by `keys`."""
    names = "".join(f"{key}, " for key in keys)
    split = f"PARTITION BY {', '.join(keys)} " if keys else ""
    return f"""at_risk AS (
  SELECT {names}minutes, events,
         sum(events + censored) OVER ({split}ORDER BY minutes DESC) - CASE WHEN wide THEN censored / 2 ELSE 0 END AS waiting
  FROM moments
), curve AS (
  -- Kaplan-Meier: the share that is still open just after each moment; Greenwood's sum for its variance
  SELECT {names}minutes,
         product(CASE WHEN waiting > 0 THEN (waiting - events) / waiting ELSE 1 END) OVER upto AS still_open,
         sum(CASE WHEN waiting > events THEN events / (waiting * (waiting - events)) ELSE 0 END) OVER upto AS greenwood
  FROM at_risk WINDOW upto AS ({split}ORDER BY minutes)
), hazard AS (
  SELECT *, CASE WHEN still_open > 0 AND still_open < 1 THEN -ln(still_open) END AS hazard FROM curve
), band AS (
  SELECT {names}minutes, still_open, ln(hazard) AS middle, {Z95!r} * sqrt(greenwood) / hazard AS margin FROM hazard
)"""  # noqa: S608


def quantile(share: float, name: str) -> str:
    """Columns `name_hours`, `name_low`, `name_high` from `band`: the time by which that share is closed."""
    line = f"ln(-ln({1 - share!r})) - 1e-12"
    return f"""min(minutes) FILTER (still_open <= {1 - share!r} + 1e-12) / 60 AS {name}_hours,
       min(minutes) FILTER (still_open <= 0 OR middle + margin >= {line}) / 60 AS {name}_low,
       min(minutes) FILTER (still_open <= 0 OR middle - margin >= {line}) / 60 AS {name}_high"""


def wilson(k: str, n: str, name: str) -> str:
    """Columns `name`, `name_low`, `name_high`: a share with its 95% interval (Wilson)."""
    z = repr(Z95)
    middle = f"({k} + {z} * {z} / 2) / ({n} + {z} * {z})"
    margin = f"{z} * sqrt({k} * ({n} - {k}) / {n} + {z} * {z} / 4) / ({n} + {z} * {z})"
    return f"""CASE WHEN {n} > 0 THEN {k} / {n} END AS {name},
       CASE WHEN {n} > 0 THEN greatest({middle} - {margin}, 0) END AS {name}_low,
       CASE WHEN {n} > 0 THEN least({middle} + {margin}, 1) END AS {name}_high"""
