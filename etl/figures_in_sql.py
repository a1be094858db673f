"""The portal's figures as plain SQL for PostgreSQL, as a city that serves them from its own database would write them.

Each statement scans `requests` once where that is possible, counts equal rows together first and works on the counts
after that, which is the quickest way that we found. They give estimates: bands, exact intervals and funnel limits,
which the portal's figures have as well, are left out in SQL's favour.

`{where}` is a condition over `requests`, `{key}` a column; `%(name)s` are parameters.

Charter: texts of statements only; nothing is run here.
"""

# ruff: noqa: S608 - the names in the SQL are those of the table that we make, every value is a parameter

from __future__ import annotations

from typing import Final

_LEFT: Final = """exp(sum(CASE WHEN d >= at_risk THEN '-Infinity'::float8 ELSE ln(1 - d / at_risk) END)
                      OVER (PARTITION BY k ORDER BY m))"""
"""Kaplan & Meier (1958): the product of the shares that were left at each time, as a sum of logarithms."""

_CURVES: Final = f"""
at_times AS (
  SELECT k, m, coalesce(sum(n) FILTER (WHERE e), 0) AS d, sum(n) AS n FROM t WHERE m IS NOT NULL GROUP BY k, m
), risk AS (
  SELECT k, m, d, sum(n) OVER (PARTITION BY k ORDER BY m DESC) AS at_risk FROM at_times
), curve AS (
  SELECT k, m, d, at_risk, {_LEFT} AS still FROM risk
)"""
"""From `t` (k, m: minutes, e: whether it was closed, n: requests): who still waits after each minute, by k."""

_TIMED: Final = """count(*)::float8 AS n FROM requests WHERE event IS NOT NULL AND {where}"""

_REACHED: Final = "min(m) FILTER (WHERE still <= {left} + 1e-9)"

TOTALS: Final = """
SELECT count(*), count(*) FILTER (WHERE status = 'open'), count(*) FILTER (WHERE status = 'closed'),
       count(*) FILTER (WHERE outcome = 'done'), count(*) FILTER (WHERE outcome = 'no_action'),
       count(*) FILTER (WHERE outcome = 'not_found'), count(*) FILTER (WHERE outcome = 'duplicate'),
       count(*) FILTER (WHERE outcome = 'referred'), count(*) FILTER (WHERE outcome = 'unknown'),
       count(*) FILTER (WHERE on_time = 'on_time'), count(*) FILTER (WHERE on_time = 'late'),
       count(*) FILTER (WHERE on_time = 'pending'), count(*) FILTER (WHERE on_time = 'no_standard'),
       count(*) FILTER (WHERE location_source <> 'none'), count(*) FILTER (WHERE event IS NULL)
FROM requests WHERE {where}"""

RESPONSE: Final = f"""
WITH t AS (
  SELECT 1 AS k, elapsed_minutes AS m, event AS e, {_TIMED} GROUP BY elapsed_minutes, event
), {_CURVES}, closed AS (
  SELECT m, sum(d) OVER (ORDER BY m) AS so_far, sum(d) OVER () AS events FROM curve
)
SELECT (SELECT sum(n) FROM t), (SELECT coalesce(sum(d), 0) FROM curve),
       {_REACHED.format(left="0.5")}, {_REACHED.format(left="0.25")}, {_REACHED.format(left="0.1")},
       (SELECT min(m) FROM closed WHERE events > 0 AND 2 * so_far >= events)
FROM curve"""

_GROUPED: Final = """
WITH t AS (
  SELECT {key} AS k, elapsed_minutes AS m, event AS e, count(*)::float8 AS n,
         count(*) FILTER (WHERE status = 'open') AS waiting, count(*) FILTER (WHERE status = 'closed') AS closed,
         count(*) FILTER (WHERE on_time = 'on_time') AS on_time, count(*) FILTER (WHERE on_time = 'late') AS late,
         count(*) FILTER (WHERE outcome = 'done') AS done
  FROM requests WHERE {where} GROUP BY 1, 2, 3
), counted AS (
  SELECT k, sum(n) AS requests, sum(waiting) AS waiting, sum(closed) AS closed, sum(on_time) AS on_time,
         sum(late) AS late, sum(done) AS done, coalesce(sum(n) FILTER (WHERE e), 0) AS events FROM t GROUP BY k
), """

_MEDIANS: Final = f"""quantiles AS (
  SELECT k, {_REACHED.format(left="0.5")} AS median, {_REACHED.format(left="0.1")} AS p90 FROM curve GROUP BY k
)"""

GROUPS: Final = f"""{_GROUPED}{_CURVES}, {_MEDIANS}
SELECT c.k::text, requests, waiting, closed, on_time, late, done, events, median, p90
FROM counted c LEFT JOIN quantiles q ON q.k IS NOT DISTINCT FROM c.k"""

MONTHLY: Final = f"""{_GROUPED}{_CURVES}, {_MEDIANS}, ended AS (
  SELECT closed_month, count(*) AS ended FROM requests WHERE closed_month IS NOT NULL AND {{where}} GROUP BY 1
)
SELECT c.k, requests, coalesce(ended, 0), on_time, late, events, median, p90
FROM counted c LEFT JOIN quantiles USING (k) LEFT JOIN ended ON closed_month = c.k"""

BACKLOG: Final = """
SELECT width_bucket(days, ARRAY[7, 30, 90, 180, 365]::float8[]) AS age, count(*) FROM (
  SELECT floor(extract(epoch FROM %(moment)s::timestamp - date_trunc('second', requested_datetime)) / 60) / 1440 AS days
  FROM requests WHERE requested_datetime < %(moment)s::timestamp
    AND (status = 'open' OR status = 'closed' AND closed_datetime >= %(moment)s::timestamp) AND {where}
) waiting GROUP BY 1"""

OLDEST: Final = """
SELECT service_request_id, requested_datetime FROM requests WHERE status = 'open' AND {where}
ORDER BY requested_datetime LIMIT 8"""

COMPARE: Final = """
WITH t AS (
  SELECT {key} AS area, service_code AS service, elapsed_minutes AS m, event AS e, count(*)::float8 AS n,
         count(*) FILTER (WHERE on_time = 'late') AS late, count(*) FILTER (WHERE on_time IN ('late', 'on_time')) AS due
  FROM requests WHERE {where} GROUP BY 1, 2, 3, 4
), city AS (
  SELECT service, sum(late)::float8 / nullif(sum(due), 0) AS late_share FROM t GROUP BY service
), mine AS (
  SELECT area, service, sum(late) AS late, sum(due) AS due FROM t GROUP BY area, service
), judged AS (
  SELECT area, sum(late) AS late, sum(due) AS due, sum(due * late_share) AS expected
  FROM mine JOIN city USING (service) GROUP BY area
), at_times AS (
  SELECT service, m, coalesce(sum(n) FILTER (WHERE e), 0) AS d, sum(n) AS n FROM t WHERE m IS NOT NULL GROUP BY 1, 2
), risk AS (
  SELECT service, m, d, sum(n) OVER (PARTITION BY service ORDER BY m DESC) AS at_risk FROM at_times
), hazard AS (
  SELECT service, m, sum(d / at_risk) OVER (PARTITION BY service ORDER BY m) AS so_far FROM risk
), timed AS (
  SELECT area, sum(n) FILTER (WHERE e) AS closings, sum(n * so_far) AS expected_closings
  FROM t JOIN hazard USING (service, m) GROUP BY area
)
SELECT area::text, late, due, coalesce(expected, 0), coalesce(closings, 0), coalesce(expected_closings, 0)
FROM judged LEFT JOIN timed USING (area) WHERE area IS NOT NULL"""
"""Observed and expected, service by service: of late requests, and of closings (the log-rank's, Peto & Peto 1972)."""

YEAR_AGO: Final = f"""
WITH t AS (
  SELECT month AS k, elapsed_minutes AS m, event AS e, count(*)::float8 AS n,
         count(*) FILTER (WHERE on_time = 'late')::float8 AS late,
         count(*) FILTER (WHERE on_time IN ('late', 'on_time'))::float8 AS due
  FROM requests WHERE month BETWEEN %(first)s - 12 AND %(last)s AND {{where}} GROUP BY 1, 2, 3
), counted AS (
  SELECT k, sum(n) AS n, sum(late) AS late, sum(due) AS due, sum(n) FILTER (WHERE m IS NOT NULL) AS timed
  FROM t GROUP BY k
), calendar AS (
  SELECT k %% 12 AS month, sum(timed) AS timed, sum(due) AS due, min(due) > 0 AS both_due
  FROM counted WHERE k >= %(first)s OR k <= %(last)s - 12 GROUP BY 1 HAVING count(*) = 2
), {_CURVES}, falls AS (
  SELECT k, m, coalesce(lag(still) OVER (PARTITION BY k ORDER BY m), 1) - still AS fall FROM curve
), side AS (
  SELECT k >= %(first)s AS now, m, sum(fall * timed) / (SELECT sum(timed) FROM calendar) AS fall
  FROM falls JOIN calendar ON month = k %% 12 WHERE fall > 0 GROUP BY 1, 2
), weighted AS (
  SELECT now, m, 1 - sum(fall) OVER (PARTITION BY now ORDER BY m) AS still FROM side
), medians AS (
  SELECT now, {_REACHED.format(left="0.5")} AS median FROM weighted GROUP BY now
)
SELECT k >= %(first)s AS now, sum(n), sum(late / nullif(c.due, 0) * p.due) FILTER (WHERE both_due)
         / nullif(sum(p.due) FILTER (WHERE both_due), 0), max(median)
FROM counted c JOIN calendar p ON month = k %% 12 LEFT JOIN medians ON medians.now = (k >= %(first)s) GROUP BY 1"""
"""Both years weighted by the calendar months' requests in both together (direct standardisation)."""

SHIFTED: Final = """
SELECT {key}::text, count(*) FILTER (WHERE month BETWEEN %(now)s AND %(now)s + 2),
       count(*) FILTER (WHERE month BETWEEN %(before)s AND %(before)s + 2),
       count(*) FILTER (WHERE month BETWEEN %(now)s - 12 AND %(now)s - 10)
FROM requests WHERE {where} GROUP BY 1"""

COURSE: Final = f"""
WITH by_outcome AS (
  SELECT CASE WHEN event THEN coalesce(outcome::text, 'unknown') END AS outcome, elapsed_minutes AS m, event AS e,
         {_TIMED} GROUP BY 1, 2, 3
), t AS (SELECT 1 AS k, m, e, n FROM by_outcome), {_CURVES}, steps AS (
  SELECT m, at_risk, coalesce(lag(still) OVER (ORDER BY m), 1) AS before FROM curve
), ended AS (
  SELECT outcome, m, n * before / at_risk AS share FROM by_outcome JOIN steps USING (m) WHERE e
)
SELECT days, outcome, sum(share) FROM unnest(ARRAY[1, 7, 30, 90, 180, 365]) AS days JOIN ended ON m <= days * 1440
GROUP BY 1, 2"""
"""Aalen & Johansen (1978): of those who still wait, the share that ends in each way, summed."""

LINKED: Final = """
SELECT count(incident_report), count(*) FILTER (WHERE incident_report = 1), count(repeat_of),
       count(*) FILTER (WHERE reopened), count(suspicious),
       count(*) FILTER (WHERE suspicious::text LIKE '%%fast%%'), count(*) FILTER (WHERE suspicious::text LIKE '%%bulk%%'),
       count(*) FILTER (WHERE suspicious::text LIKE '%%boilerplate%%')
FROM requests WHERE {where}"""

FIGURES: Final = {
    "totals": TOTALS,
    "response": RESPONSE,
    "by": GROUPS,
    "monthly": MONTHLY,
    "backlog": BACKLOG,
    "oldest": OLDEST,
    "compare": COMPARE,
    "year_ago": YEAR_AGO,
    "shifted": SHIFTED,
    "course": COURSE,
    "linked": LINKED,
}
