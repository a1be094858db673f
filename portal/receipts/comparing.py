"""Receipts of fair comparison: observed beside expected, service by service, for every area or department."""

# ruff: noqa: S608 - texts for readers, never run by the portal

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from portal.queries.scans import column
from portal.receipts.exact import binomial_ends, funnel, poisson_ends, too_few
from portal.receipts.model import Kind
from portal.receipts.parts import BINS, COARSE, REQUESTS, condition, literal, waits
from portal.receipts.words import EXACT, NOT_DUE, ROWS, SHARE, TIMES
from portal.selection import COLUMNS, Selection, quoted
from portal.text import N_

if TYPE_CHECKING:
    from portal.release import Release

BINOMIAL = "exp(lgamma(n + 1) - lgamma(j + 1) - lgamma(n - j + 1) + j * ln(target) + (n - j) * ln(1 - target))"
POISSON = "exp(j * ln(mean) - mean - lgamma(j + 1))"
_SERVICE = f"{quoted(COLUMNS['service'])}::VARCHAR AS service"
_CELLS = """cells AS (
  SELECT key, service, coarse.bin, count(*) FILTER (closed)::DOUBLE AS events, count(*) FILTER (NOT closed)::DOUBLE AS censored
  FROM waits ASOF JOIN coarse ON waits.minutes >= coarse.first
  GROUP BY ALL
)"""
_CITY = """city AS (
  SELECT service, bin, sum(events) AS events, sum(censored) AS censored FROM cells GROUP BY ALL
), city_at_risk AS (
  SELECT *, sum(events + censored) OVER (PARTITION BY service ORDER BY bin DESC) - censored / 2 AS at_risk FROM city
), hazard AS (
  SELECT service, bin, CASE WHEN at_risk > 0 THEN events / at_risk ELSE 0 END AS hazard FROM city_at_risk WHERE events > 0
)"""


def late(release: Release, selection: Selection, arguments: dict[str, str]) -> str:
    """Late of due, and what the mix of services leads one to expect, a row each."""
    key, units = column(release, arguments["dimension"]), len(release.allowed(arguments["dimension"]))
    return f"""\
WITH RECURSIVE due AS (
  SELECT {key}::VARCHAR AS key, {_SERVICE}, (on_time = 'late')::DOUBLE AS late
  FROM {REQUESTS}
  WHERE on_time IN ('on_time', 'late') AND {condition(selection)}
), city AS (
  SELECT service, avg(late) AS late_in_city FROM due GROUP BY service
), compared AS (
  SELECT key, sum(late) AS observed, count(*) AS n, sum(late_in_city) AS expected
  FROM due JOIN city ON due.service IS NOT DISTINCT FROM city.service GROUP BY key
), whole AS (
  SELECT avg(late) AS city FROM due
), units AS (
  SELECT key, n, observed AS x, expected / n AS target, expected AS mean,
         {too_few("least(expected, n - expected)")} AS few
  FROM compared WHERE key IS NOT NULL
), {binomial_ends("compared", "observed", "n")}, {funnel("units", BINOMIAL, "(mean * (1 - target))", "n", units)}
SELECT compared.key, observed, compared.n, expected, expected / compared.n AS expected_share, observed / compared.n AS raw, city,
       CASE WHEN expected > 0 THEN observed / expected END AS ratio,
       CASE WHEN expected > 0 THEN ends.low * compared.n / expected END AS ratio_low,
       CASE WHEN expected > 0 THEN ends.high * compared.n / expected END AS ratio_high,
       CASE WHEN expected > 0 THEN least(observed / expected * city, 1) END AS adjusted,
       expected / compared.n - city AS mix, (observed - expected) / compared.n AS rest, position, phi
FROM compared JOIN ends ON ends.k = observed AND ends.n = compared.n JOIN judged ON judged.key = compared.key, whole
ORDER BY compared.key;"""


def speed(release: Release, selection: Selection, arguments: dict[str, str]) -> str:
    """Closings, and what the city's pace for the same services leads one to expect, a row each."""
    key, units = column(release, arguments["dimension"]), len(release.allowed(arguments["dimension"]))
    return f"""\
WITH RECURSIVE {waits(release, selection, f"{key}::VARCHAR AS key", _SERVICE)}, {BINS}, {COARSE}, {_CELLS}, {_CITY}, own AS (
  -- an area's requests are at risk in every bin up to the one in which they leave
  SELECT keys.key, hazard.service, hazard.bin, hazard.hazard,
         sum(events + censored) FILTER (cells.bin >= hazard.bin) - coalesce(sum(censored) FILTER (cells.bin = hazard.bin), 0) / 2 AS at_risk
  FROM (SELECT DISTINCT key FROM cells WHERE key IS NOT NULL) AS keys
  JOIN cells USING (key) JOIN hazard ON cells.service IS NOT DISTINCT FROM hazard.service
  GROUP BY ALL
), expected AS (
  SELECT key, sum(at_risk * hazard) AS expected FROM own GROUP BY key
), observed AS (
  SELECT key, sum(events) AS observed, sum(events + censored) AS n FROM cells WHERE key IS NOT NULL GROUP BY key
), units AS (
  SELECT key, observed AS x, coalesce(expected, 0) AS mean, {too_few("expected")} AS few
  FROM observed LEFT JOIN expected USING (key)
), {poisson_ends("observed")}, {funnel("units", POISSON, "mean", "1e18", units)}
SELECT observed.key, n, observed, coalesce(expected, 0) AS expected,
       CASE WHEN expected > 0 THEN observed / expected END AS ratio,
       CASE WHEN expected > 0 THEN counts_ends.low / expected END AS ratio_low,
       CASE WHEN expected > 0 THEN counts_ends.high / expected END AS ratio_high, position, phi
FROM observed LEFT JOIN expected USING (key) JOIN counts_ends ON k = observed JOIN judged ON judged.key = observed.key
ORDER BY observed.key;"""


def _expected(factors: str) -> str:
    """CTE of the closings expected when the rest's times are stretched by each factor, with the next factor's."""
    return f"""asked_{factors} AS (
  SELECT factor, middle, middle / factor AS time FROM {factors} CROSS JOIN (SELECT DISTINCT middle FROM mine)
), expected_of_{factors} AS (
  SELECT factor, expected, lead(factor) OVER along_{factors} AS next_factor, lead(expected) OVER along_{factors} AS next_expected
  FROM (SELECT factor, sum(hazard + CASE WHEN after IS NULL THEN 0
                                         ELSE (hazard_after - hazard) * (time - edge) / (after - edge) END) AS expected
        FROM asked_{factors} AS asked ASOF JOIN spans ON asked.middle = spans.middle AND asked.time >= spans.edge
        GROUP BY factor)
  WINDOW along_{factors} AS (ORDER BY factor)
)"""


def time_ratio(release: Release, selection: Selection, arguments: dict[str, str]) -> str:
    """The factor by which the times of the rest of the city have to be stretched to expect an area's closings."""
    key, own = column(release, arguments["dimension"]), literal(arguments["key"])
    return f"""\
WITH RECURSIVE {waits(release, selection, f"({key}::VARCHAR = {own}) IS TRUE AS own", _SERVICE)}, {BINS}, {COARSE}, cells AS (
  SELECT own, service, coarse.bin, count(*) FILTER (closed)::DOUBLE AS events, count(*)::DOUBLE AS n
  FROM waits ASOF JOIN coarse ON waits.minutes >= coarse.first GROUP BY ALL
), shared AS (
  SELECT service FROM cells GROUP BY service HAVING bool_or(own) AND bool_or(NOT own)
), used AS (
  SELECT * FROM coarse WHERE bin <= (SELECT max(bin) FROM cells)
), rest AS (
  SELECT shared.service, used.bin, used.first, used.after, coalesce(events, 0) AS events, coalesce(n, 0) AS n
  FROM shared CROSS JOIN used LEFT JOIN cells
    ON NOT own AND cells.bin = used.bin AND cells.service IS NOT DISTINCT FROM shared.service
), at_risk AS (
  SELECT *, sum(n) OVER (PARTITION BY service ORDER BY bin DESC) - (n - events) / 2 AS at_risk FROM rest
), gathered AS (
  -- hazard that a request of a service has gathered by the end of each bin
  SELECT service, after AS edge, sum(CASE WHEN at_risk > 0 THEN events / at_risk / (1 - events / at_risk / 2) ELSE 0 END)
         OVER (PARTITION BY service ORDER BY bin) AS hazard
  FROM at_risk
), mine AS (
  SELECT cells.service, cells.bin, n, events, (first + after) / 2 AS middle
  FROM cells JOIN used USING (bin) JOIN shared ON cells.service IS NOT DISTINCT FROM shared.service WHERE own
), weighed AS (
  -- the same for all that left in a bin, whatever their service
  SELECT middle, edge, sum(n * hazard) AS hazard FROM mine JOIN gathered ON mine.service IS NOT DISTINCT FROM gathered.service
  GROUP BY ALL
  UNION ALL SELECT DISTINCT middle, 0, 0 FROM mine
), spans AS (
  SELECT *, lead(edge) OVER along AS after, lead(hazard) OVER along AS hazard_after
  FROM weighed WINDOW along AS (PARTITION BY middle ORDER BY edge)
), steps AS (
  SELECT exp(step * 0.02) AS factor FROM range(-208, 209) AS t(step)
), {_expected("steps")}, seen AS (
  SELECT sum(events) AS observed FROM mine
), {poisson_ends("seen")}, targets AS (
  SELECT unnest(['estimate', 'fewest', 'most']) AS which, unnest([k, high, low]) AS target FROM counts_ends
), brackets AS (
  SELECT which, target, max(factor) FILTER (expected > target AND next_expected <= target) AS low,
         max(next_factor) FILTER (expected > target AND next_expected <= target) AS high, max(expected) > target AS reached
  FROM expected_of_steps, targets GROUP BY which, target
), finer AS (
  SELECT DISTINCT low * (high / low) ** (part / 40) AS factor FROM brackets, range(0, 41) AS t(part) WHERE low IS NOT NULL
), {_expected("finer")}, solved AS (
  -- between two of the finer steps the factor is taken from a straight line: right within 0.01%
  SELECT which, any_value(reached) AS reached,
         max(exp(ln(factor) + (ln(next_factor) - ln(factor)) * (expected - target) / (expected - next_expected)))
         FILTER (expected > target AND next_expected <= target) AS factor
  FROM brackets LEFT JOIN expected_of_finer ON factor BETWEEN low * (1 - 1e-9) AND high
  GROUP BY which
), estimates AS (
  SELECT max(factor) FILTER (which = 'estimate') AS estimate,
         coalesce(max(factor) FILTER (which = 'fewest'), CASE WHEN NOT bool_and(reached) THEN 0 END) AS fewest,
         max(factor) FILTER (which = 'most') AS most
  FROM solved
), exposed AS (
  -- how much of the rest's hazard each bin lends, for the chance in it
  SELECT at_risk.service, at_risk.bin, any_value(CASE WHEN at_risk > 0 THEN at_risk.events / at_risk ** 2 ELSE 0 END) AS spread,
         sum(mine.n * least(greatest((middle / estimate - at_risk.first) / (at_risk.after - at_risk.first), 0), 1)) AS exposed
  FROM at_risk JOIN mine ON mine.service IS NOT DISTINCT FROM at_risk.service, estimates GROUP BY ALL
), widened AS (
  SELECT sqrt(1 + sum(exposed ** 2 * spread) / any_value(observed)) AS wider FROM exposed, seen
)
SELECT estimate AS time_ratio, estimate * (fewest / estimate) ** wider AS time_ratio_low,
       estimate * (most / estimate) ** wider AS time_ratio_high
FROM estimates, widened;"""


_RATIO: Final = {"ratio": N_("observed / expected"), "ratio_low": EXACT, "ratio_high": EXACT}
_PLACE: Final = {
    "position": N_("in the funnel: 1 above its 95% limits, 2 above the 99.8% ones, -1 and -2 below, 0 within"),
    "phi": N_("how many times as much as by chance they vary (variance); the limits are widened by that"),
}

KINDS: Final = (
    Kind(
        "late",
        N_("Late, beside what the mix of services leads one to expect"),
        N_("Expected is what would be late if each service were as often late here as in the whole selection (indirect standardisation). The ratio of observed to expected is above 1 where more is late than for the same services elsewhere; adjusted is this ratio times the city's share. Intervals are exact (Clopper–Pearson for the observed count, divided by the expected one)."),  # noqa: E501
        (NOT_DUE, ROWS),
        {
            "key": N_("the group"), "observed": N_("late requests"), "n": N_("requests whose standard has come due"),
            "expected": N_("late requests expected"), "raw": SHARE, "city": N_("the city's share, 0 to 1"),
            "expected_share": SHARE, **_RATIO, "adjusted": N_("the adjusted share, 0 to 1"),
            "mix": N_("part of the gap to the city that the mix of services explains"), "rest": N_("the other part"), **_PLACE,
        },
        late,
        arguments=("dimension",),
        keyed=True,
    ),
    Kind(
        "speed",
        N_("Closings, beside what the same services lead one to expect"),
        N_("Expected closings are those of the requests at risk here at the pace of the whole selection for the same service at the same age (as in a log-rank test), open requests counted. Above 1 is faster. Intervals are exact (Poisson)."),  # noqa: E501
        (TIMES, ROWS),
        {
            "key": N_("the group"), "n": N_("requests with times"), "observed": N_("of them closed"),
            "expected": N_("closings expected"), **_RATIO, **_PLACE,
        },
        speed,
        arguments=("dimension",),
        keyed=True,
    ),
    Kind(
        "time-ratio",
        N_("How many times as long as the same services elsewhere"),
        N_("The factor by which the times of the rest of the city have to be stretched, in every service alike, to expect as many closings as there were here. 1.5: the same things take one and a half times as long."),  # noqa: E501
        (TIMES, ROWS),
        {"time_ratio": N_("a factor"), "time_ratio_low": EXACT, "time_ratio_high": EXACT},
        time_ratio,
        arguments=("dimension", "key"),
    ),
)  # fmt: skip
"""The kinds of figures that these receipts are of."""
