"""Receipt of equity: areas and fifths of their residents beside one measure of who lives there.

The slopes between areas, their intervals and those within single services are no part of it: they take turns between the
slope and the variance between areas until both stand still (`portal.figures.equity`), which SQL is no language for.
"""

# ruff: noqa: S608 - texts for readers, never run by the portal

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from portal.queries.equity import LEAST_RESIDENTS, MEDIAN_OF_FIFTHS, measure_of
from portal.queries.equity import equity as found_of
from portal.queries.scans import column
from portal.receipts.exact import poisson_ends
from portal.receipts.model import Kind
from portal.receipts.parts import BINS, COARSE, REQUESTS, condition, literal, waits
from portal.receipts.words import EXACT, ROWS, SHARE, TIMES
from portal.selection import COLUMNS, Selection, quoted
from portal.text import N_

if TYPE_CHECKING:
    from portal.release import Release

_SERVICE = f"{quoted(COLUMNS['service'])}::VARCHAR AS service"


def _people(layer: str, measure: str) -> str:
    """CTE `people`: area, value, moe, residents and fifth of those areas in which enough people live."""
    return f"""residents AS (
  SELECT area, any_value(value ORDER BY measure) AS n FROM 'demographics.parquet'
  WHERE layer = {literal(layer)} AND unit = 'people' GROUP BY area
), counted AS (
  SELECT area, any_value(population) AS n FROM 'areas.parquet'
  WHERE layer = {literal(layer)} AND valid_to IS NULL GROUP BY area
), every AS (
  SELECT d.area, d.value, d.moe, coalesce(r.n, c.n)::DOUBLE AS residents
  FROM 'demographics.parquet' d LEFT JOIN residents r USING (area) LEFT JOIN counted c USING (area)
  WHERE d.layer = {literal(layer)} AND d.measure = {literal(measure)}
), peopled AS (
  -- parks, docks and islands are left out: what is reported there is reported by visitors
  SELECT * FROM every
  WHERE residents IS NULL OR (residents > 0 AND residents >= {LEAST_RESIDENTS} * (SELECT median(residents) FROM every WHERE residents > 0))
), weighed AS (
  SELECT *, CASE WHEN count(*) OVER () = count(residents) OVER () THEN residents ELSE 1 END AS weight FROM peopled
), people AS (
  -- an area is where the middle one of its residents is
  SELECT area::VARCHAR AS area, value, moe, residents, weight,
         least(floor(5 * (sum(weight) OVER (ORDER BY value) - sum(weight) OVER (PARTITION BY value) / 2) / sum(weight) OVER ()), 4)::INT + 1
           AS fifth,
         sum(weight) OVER (ORDER BY value, area ROWS UNBOUNDED PRECEDING) / sum(weight) OVER () AS reached
  FROM weighed
)"""


def equity(release: Release, selection: Selection, arguments: dict[str, str]) -> str:
    """Areas, fifths of residents ('fifth:1') and services ('service:…'), a row each."""
    layer, measure = arguments["layer"], arguments["measure"]
    measure_of(release, layer, measure)
    joined = found_of(release, selection, layer, measure).joined
    area = column(release, layer)
    figures = ", ".join(f"{name}, {name}_expected" for name in ("closings", "late"))
    return f"""\
WITH RECURSIVE {_people(layer, measure)}, chosen AS (
  SELECT area, {_SERVICE}, on_time FROM {REQUESTS} JOIN people ON {area}::VARCHAR = people.area WHERE {condition(selection)}
), {waits(release, selection, f"{area}::VARCHAR AS area", _SERVICE)}, {BINS}, {COARSE}, cells AS (
  SELECT area, service, coarse.bin // {joined} AS bin, count(*) FILTER (closed)::DOUBLE AS closings, count(*)::DOUBLE AS n
  FROM waits ASOF JOIN coarse ON waits.minutes >= coarse.first WHERE area IN (SELECT area FROM people)
  GROUP BY ALL
), closing AS (
  SELECT service, bin, sum(closings) AS closings FROM cells GROUP BY ALL HAVING sum(closings) > 0
), waited AS (
  -- who closes or is cut short within a span has waited through half of it
  SELECT cells.area, closing.service, closing.bin, any_value(closing.closings) AS closings,
         sum(n) FILTER (cells.bin >= closing.bin) - coalesce(sum(n) FILTER (cells.bin = closing.bin), 0) / 2 AS waited
  FROM cells JOIN closing ON cells.service IS NOT DISTINCT FROM closing.service GROUP BY ALL
), rates AS (
  SELECT area, waited * closings / sum(waited) OVER (PARTITION BY service, bin) AS expected FROM waited
), late_rates AS (
  SELECT area, due * sum(late) OVER (PARTITION BY service) / sum(due) OVER (PARTITION BY service) AS expected
  FROM (SELECT area, service, count(*) FILTER (on_time = 'late')::DOUBLE AS late,
               count(*) FILTER (on_time IN ('late', 'on_time'))::DOUBLE AS due FROM chosen GROUP BY ALL) WHERE due > 0
), areas AS (
  SELECT people.*, coalesce(requests, 0) AS requests, coalesce(due, 0) AS due, coalesce(late, 0) AS late,
         coalesce(closed.closings, 0) AS closings, coalesce(closed_expected.n, 0) AS closings_expected,
         coalesce(due_expected.n, 0) AS late_expected
  FROM people
  LEFT JOIN (SELECT area, count(*) AS requests, count(*) FILTER (on_time IN ('late', 'on_time')) AS due,
                    count(*) FILTER (on_time = 'late') AS late FROM chosen GROUP BY area) USING (area)
  LEFT JOIN (SELECT area, sum(closings) AS closings FROM cells GROUP BY area) AS closed USING (area)
  LEFT JOIN (SELECT area, sum(expected) AS n FROM rates GROUP BY area) AS closed_expected USING (area)
  LEFT JOIN (SELECT area, sum(expected) AS n FROM late_rates GROUP BY area) AS due_expected USING (area)
), rows AS (
  SELECT area AS key, value, value AS value_high, moe, 1 AS areas, residents, requests, due, {figures} FROM areas
  UNION ALL
  SELECT 'fifth:' || fifth, min(value), max(value), NULL, count(*), CASE WHEN count(*) = count(residents) THEN sum(residents) END,
         sum(requests), sum(due), sum(closings), sum(closings_expected), sum(late), sum(late_expected) FROM areas GROUP BY fifth
  UNION ALL
  SELECT 'service:' || service, NULL, NULL, NULL, NULL, NULL, count(*), NULL, NULL, NULL, NULL, NULL FROM chosen GROUP BY service
), asked AS (
  SELECT closings AS observed FROM rows UNION SELECT late FROM rows UNION SELECT requests FROM rows
), {poisson_ends("asked")}, whole AS (
  SELECT sum(late) / nullif(sum(due), 0) AS share FROM areas
)
SELECT key, value, value_high, moe, areas, round(residents) AS residents, requests, due,
       closings / nullif(closings_expected, 0) AS speed, closed.low / nullif(closings_expected, 0) AS speed_low,
       closed.high / nullif(closings_expected, 0) AS speed_high,
       late / nullif(late_expected, 0) AS late, delayed.low / nullif(late_expected, 0) AS late_low,
       delayed.high / nullif(late_expected, 0) AS late_high,
       CASE WHEN late_expected > 0 THEN least(late / late_expected * share, 1) END AS late_share,
       CASE WHEN late_expected > 0 THEN least(delayed.low / late_expected * share, 1) END AS late_share_low,
       CASE WHEN late_expected > 0 THEN least(delayed.high / late_expected * share, 1) END AS late_share_high,
       requests / residents * 1000 AS per_1000, made.low / residents * 1000 AS per_1000_low, made.high / residents * 1000 AS per_1000_high
FROM rows LEFT JOIN counts_ends AS closed ON closed.k = closings LEFT JOIN counts_ends AS delayed ON delayed.k = late
LEFT JOIN counts_ends AS made ON made.k = requests, whole
ORDER BY key;"""


def measure(release: Release, selection: Selection, arguments: dict[str, str]) -> str:
    """The ends of the measure, and what is left out, as one row."""
    layer, name = arguments["layer"], arguments["measure"]
    about = measure_of(release, layer, name)
    low, high = MEDIAN_OF_FIFTHS
    scale, error = ("ln(value)", "moe / value") if about.unit == "dollars" else ("value", "moe")
    return f"""\
WITH {_people(layer, name)}, told AS (
  SELECT {scale} AS x, {error} / 1.6448536269514722 AS error FROM people WHERE moe IS NOT NULL
)
SELECT min(value) FILTER (reached >= {low} - 1e-12) AS low_value, min(value) FILTER (reached >= {high} - 1e-12) AS high_value,
       (SELECT count(*) FROM every) - count(*) AS unpeopled, count(*) AS areas,
       -- of the differences between areas, the part that is no error of the survey
       (SELECT CASE WHEN count(*) >= 0.8 * (SELECT count(*) FROM people) THEN greatest(0, 1 - avg(error ** 2) / var_samp(x)) END FROM told)
         AS reliability,
       (SELECT count(*) FROM {REQUESTS} WHERE {condition(selection)}
          AND coalesce({column(release, layer)}::VARCHAR NOT IN (SELECT area FROM people), TRUE)) AS elsewhere
FROM people;"""


_NOT_SLOPES = N_(
    "The slopes between areas and their intervals: they are found by iteration, and in no SQL; the method is under Methods."
)

KINDS: Final = (
    Kind(
        "equity",
        N_("Areas beside who lives there"),
        N_("Closings and late requests of each area, beside what its own mix of services leads one to expect at the rates of all these areas together, and its requests for each 1,000 residents. Fifths hold about equal numbers of residents. Intervals are exact (Poisson), for chance alone."),  # noqa: E501
        (_NOT_SLOPES, TIMES, ROWS),
        {
            "key": N_("the area's code, a fifth of the residents, or a service"), "value": N_("the measure"),
            "value_high": N_("the highest of the measure, of a fifth"), "moe": N_("90% margin, as its source states it"),
            "areas": N_("areas"), "residents": N_("residents"), "requests": N_("requests"),
            "due": N_("requests whose standard has come due: closed, or past it"),
            "speed": N_("closings / expected"), "speed_low": EXACT, "speed_high": EXACT,
            "late": N_("late requests / expected"), "late_low": EXACT, "late_high": EXACT,
            "late_share": SHARE, "late_share_low": EXACT, "late_share_high": EXACT,
            "per_1000": N_("requests for each 1,000 residents"), "per_1000_low": EXACT, "per_1000_high": EXACT,
        },
        equity,
        arguments=("layer", "measure"),
        keyed=True,
        files=("requests.parquet", "demographics.parquet", "areas.parquet"),
    ),
    Kind(
        "equity-measure",
        N_("A measure of who lives in an area"),
        N_("The measure of the areas in which a tenth of the residents, and nine tenths, are reached from the lowest on; how many areas and requests are left out; and what part of the differences between areas is no error of the survey (Fuller)."),  # noqa: E501
        (_NOT_SLOPES, ROWS),
        {
            "low_value": N_("the measure at a tenth of the residents"), "high_value": N_("at nine tenths"),
            "unpeopled": N_("areas left out because next to nobody lives there"), "areas": N_("areas"),
            "reliability": SHARE, "elsewhere": N_("requests in none of these areas"),
        },
        measure,
        arguments=("layer", "measure"),
        files=("requests.parquet", "demographics.parquet", "areas.parquet"),
    ),
)  # fmt: skip
"""The kinds of figures that these receipts are of."""
