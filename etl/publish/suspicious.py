"""Closings that are worth a look: implausibly fast, many at one instant, or with one and the same text.

Each is a flag of a row and says nothing of anybody. All three hold the row against its own service, department or
source, so that what is usual there is not flagged:

- `fast`: sooner than a service of its median and upper quartile closes one request in a thousand, were its times
  lognormal, and within the hour. Only the slower half of the times is looked at, which hasty closings do not reach; a
  service that is closed in minutes by nature has a limit of less than a minute. Closings as a duplicate or by
  referring are decided at a desk: they are neither flagged nor looked at.
- `bulk`: one of many closings of a department within one minute of the clock. Times that stand for a whole day or a
  whole hour are no instants: those at a second of the day that many of the source's closings of many days have in
  common, and whole hours where many closings lie on them.
- `boilerplate`: its closing text is that of most of its service's closings. Where most services have such a text, the
  source closes with standard texts, and none is flagged.

Charter: SQL over the rows of a release in the making; limits are the city's (`etl.config.incidents`).
Source of `fast`: a lognormal fitted by quantiles, as robust as its upper half (after Tukey 1977 on fences).
"""

from __future__ import annotations

from statistics import NormalDist

import duckdb

from etl.config.incidents import Suspicious

FLAGS = ("fast", "bulk", "boilerplate")
DESK = "('duplicate', 'referred')"
LEAST_SIGMA = 0.5
"""A narrower spread is taken for this one: half a service closed at one moment is no law for the rest."""
STAMP_SHARE, STAMP_DAYS, HOUR_SHARE = 0.05, 10, 0.2


def flag(db: duckdb.DuckDBPyConnection, rules: Suspicious, into: str, *, texts: str) -> None:
    """Write the table `into` (n, suspicious): flags of rows of the view `raw` joined by ';', only rows that have any.

    `texts` is SQL over `raw`: of which rows the closing text (`note_hash`) may be looked at.
    """
    upper = NormalDist().inv_cdf(0.75)
    least = NormalDist().inv_cdf(rules.fast_chance)
    db.execute(
        f"""CREATE TABLE {into} AS
            WITH pace AS (
              SELECT service_code, median(ln(elapsed_minutes + 0.5)) AS middle,
                     quantile_cont(ln(elapsed_minutes + 0.5), 0.75) AS upper
              FROM raw WHERE event AND coalesce(outcome, '') NOT IN {DESK} GROUP BY 1 HAVING count(*) >= {rules.least_closings}),
            limits AS (
              SELECT service_code,
                     least(exp(middle + {least} * greatest((upper - middle) / {upper}, {LEAST_SIGMA})),
                           {rules.fast_minutes}) AS minutes FROM pace),
            moments AS (
              SELECT source, epoch(closed_datetime)::BIGINT % 86400 AS second, count(*) AS closings,
                     sum(closings) OVER (PARTITION BY source) AS of_all,
                     sum(closings) FILTER (second % 3600 = 0) OVER (PARTITION BY source) AS on_hours
              FROM raw WHERE event GROUP BY 1, 2),
            stamps AS (
              SELECT r.source, m.second FROM raw r JOIN moments m ON m.source = r.source AND r.event
               AND m.closings > {STAMP_SHARE} * m.of_all AND m.second = epoch(r.closed_datetime)::BIGINT % 86400
              GROUP BY 1, 2 HAVING count(DISTINCT r.closed_datetime::DATE) >= {STAMP_DAYS}
              UNION SELECT source, second FROM moments WHERE second % 3600 = 0 AND on_hours > {HOUR_SHARE} * of_all),
            crowds AS (
              SELECT r.department, date_trunc('minute', r.closed_datetime) AS minute FROM raw r
              ANTI JOIN stamps s ON s.source = r.source AND s.second = epoch(r.closed_datetime)::BIGINT % 86400
              WHERE r.event GROUP BY 1, 2 HAVING count(*) >= {rules.bulk_closings}),
            said AS (
              SELECT service_code, note_hash, count(*) AS closings, sum(closings) OVER (PARTITION BY service_code) AS of_all
              FROM raw WHERE event AND note_hash IS NOT NULL AND {texts} GROUP BY 1, 2),
            common AS (
              SELECT service_code, note_hash, closings >= {rules.boilerplate_share} * of_all AS is_common
              FROM said WHERE of_all >= {rules.least_closings}),
            standard AS (
              SELECT avg(is_there::INTEGER) > 0.5 AS is_usual
              FROM (SELECT bool_or(is_common) AS is_there FROM common GROUP BY service_code)),
            boilerplate AS (SELECT service_code, note_hash FROM common, standard WHERE is_common AND NOT is_usual),
            found AS (
              SELECT r.n, r.elapsed_minutes + 1 <= l.minutes AND coalesce(r.outcome, '') NOT IN {DESK} AS fast,
                     c.minute IS NOT NULL AND s.second IS NULL AS bulk,
                     b.note_hash IS NOT NULL AND {texts} AS boilerplate
              FROM raw r LEFT JOIN limits l USING (service_code)
              LEFT JOIN crowds c ON c.department = r.department AND c.minute = date_trunc('minute', r.closed_datetime)
              LEFT JOIN stamps s ON s.source = r.source AND s.second = epoch(r.closed_datetime)::BIGINT % 86400
              LEFT JOIN boilerplate b ON b.service_code = r.service_code AND b.note_hash = r.note_hash
              WHERE r.event)
            SELECT n, concat_ws(';', CASE WHEN fast THEN 'fast' END, CASE WHEN bulk THEN 'bulk' END,
                                CASE WHEN boilerplate THEN 'boilerplate' END) AS suspicious
            FROM found WHERE coalesce(fast, FALSE) OR bulk OR boilerplate"""  # noqa: S608
    )
