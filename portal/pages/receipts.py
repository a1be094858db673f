"""SQL that a reader can run over requests.parquet to get the portal's figures: shown on the methods page.

Charter: text for readers. The portal's own queries are in `portal.queries`; a
test runs each statement here and compares its answer with theirs.
"""

from __future__ import annotations

TOTALS = """\
SELECT count(*)                                     AS requests,
       count(*) FILTER (status = 'open')            AS still_open,
       count(*) FILTER (outcome = 'done')           AS work_done
FROM 'requests.parquet';"""

RESPONSE = """\
-- Kaplan-Meier: of those still waiting at each moment, which share is closed then?
WITH waits AS (
  SELECT date_diff('second', requested_datetime,
                   CASE WHEN status = 'closed' THEN closed_datetime ELSE TIMESTAMP '{as_of}' END) // 60 AS minutes,
         status = 'closed' AS closed
  FROM 'requests.parquet'
  WHERE status = 'open' OR response_hours IS NOT NULL
), moments AS (
  SELECT minutes, count(*) AS leaving, count(*) FILTER (closed) AS closed FROM waits GROUP BY minutes
), at_risk AS (
  SELECT *, sum(leaving) OVER (ORDER BY minutes DESC) AS waiting FROM moments
), still_open AS (
  SELECT minutes, product(1 - closed / waiting) OVER (ORDER BY minutes) AS share FROM at_risk
)
SELECT min(minutes) / 60 AS half_closed_within_hours FROM still_open WHERE share <= 0.5;"""

ON_TIME = """\
SELECT count(*) FILTER (on_time = 'on_time')                   AS on_time,
       count(*) FILTER (on_time IN ('on_time', 'late'))        AS come_due
FROM 'requests.parquet';"""

OUTCOMES = """\
SELECT outcome, count(*) AS requests
FROM 'requests.parquet' WHERE status = 'closed' GROUP BY outcome ORDER BY requests DESC;"""

LOCATED_BY = """\
SELECT geocode_method, count(*) AS requests, median(geocode_score) AS score, median(geocode_radius_m) AS radius_m
FROM 'requests.parquet' WHERE location_source = 'geocoder' GROUP BY geocode_method ORDER BY requests DESC;"""

LOCATED = """\
SELECT location_source, count(*) AS requests
FROM 'requests.parquet' GROUP BY location_source ORDER BY requests DESC;"""

BAND = """\
-- Of every area the requests that are surely there, and of the others the sum of their probabilities.
WITH unsure AS (SELECT * FROM 'area_probabilities.parquet' WHERE layer = '{layer}'),
certain AS (
  SELECT CAST("{layer}" AS VARCHAR) AS area, count(*) AS n FROM 'requests.parquet'
  ANTI JOIN unsure USING (source, service_request_id) GROUP BY 1
), perhaps AS (
  SELECT area, sum(probability) AS n FROM unsure GROUP BY area
)
SELECT area, coalesce(certain.n, 0) + coalesce(perhaps.n, 0) AS expected
FROM certain FULL JOIN perhaps USING (area) WHERE area IS NOT NULL ORDER BY area;"""
