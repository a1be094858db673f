"""Pieces of SQL for exact intervals and for the limits of a funnel, with nothing but DuckDB's own functions.

An end of an exact interval is where a tail of the binomial (Clopper & Pearson 1934) or Poisson distribution (Garwood
1936) is 2.5%. It is found by Newton's method on the logarithms of both, from the start of Wilson & Hilferty (1931): the
tail is its largest term times the sum of the others beside it, and that sum is the slope as well.

Charter: text in, text out, as in `parts`.
"""

from __future__ import annotations

from scipy.stats import chi2

from portal.figures.funnel import LEVELS, MIN_EXPECTED, MIN_UNITS, WINSORISED, normal_part
from portal.figures.kaplan_meier import Z95

_STEPS = 10
_NEXT = "t - (log_term + ln(others) - ln(0.025)) * others / k"


def binomial_ends(source: str, k: str = "k", n: str = "n", name: str = "ends") -> str:
    """Recursive CTEs that end in `name`(k, n, low, high): the 95% interval of a share k/n, for each pair in `source`.

    A share of none begins at 0, one of all ends at 1. Needs WITH RECURSIVE; relative error under 1e-7.
    """
    return f"""{name}_pairs AS (
  SELECT DISTINCT {k}::DOUBLE AS k, {n}::DOUBLE AS n FROM {source} WHERE {n} > 0
), {name}_newton AS (
  -- the lower end of k of n, as a logarithm; the upper one is that of the other n - k, taken from 1
  SELECT k, n, 0 AS step, ln(k * (1 - 1 / (9 * k) - {Z95!r} / (3 * sqrt(k))) ** 3 / n) AS t
  FROM (SELECT k, n FROM {name}_pairs UNION SELECT n - k, n FROM {name}_pairs) WHERE k > 0
  UNION ALL
  SELECT k, n, step + 1, least({_NEXT}, 0)
  FROM (SELECT *, lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * t + (n - k) * rest AS log_term,
               list_sum(list_transform(range(k::BIGINT, least(n, k + 12 * sqrt(k) + 40)::BIGINT + 1), lambda j:
                 exp(lgamma(k + 1) - lgamma(j + 1) + lgamma(n - k + 1) - lgamma(n - j + 1) + (j - k) * (t - rest)))) AS others
        FROM (SELECT *, ln(greatest(1 - exp(t), 1e-300)) AS rest FROM {name}_newton WHERE step < {_STEPS}))
), {name} AS (
  SELECT pairs.k, pairs.n, coalesce(exp(one.t), 0) AS low, 1 - coalesce(exp(other.t), 0) AS high
  FROM {name}_pairs AS pairs
  LEFT JOIN {name}_newton AS one ON one.k = pairs.k AND one.n = pairs.n AND one.step = {_STEPS}
  LEFT JOIN {name}_newton AS other ON other.k = pairs.n - pairs.k AND other.n = pairs.n AND other.step = {_STEPS}
)"""  # noqa: S608 - a text for readers


def poisson_ends(source: str, k: str = "observed", name: str = "counts_ends") -> str:
    """Recursive CTEs that end in `name`(k, low, high): the 95% interval of a count, for each in `source`."""
    return f"""{name}_counts AS (
  SELECT DISTINCT {k}::DOUBLE AS k FROM {source} WHERE {k} IS NOT NULL
), {name}_below AS (
  -- the lower end of a count, as a logarithm
  SELECT k, 0 AS step, ln(k * (1 - 1 / (9 * k) - {Z95!r} / (3 * sqrt(k))) ** 3) AS t FROM {name}_counts WHERE k > 0
  UNION ALL
  SELECT k, step + 1, {_NEXT}
  FROM (SELECT *, k * t - exp(t) - lgamma(k + 1) AS log_term,
               list_sum(list_transform(range(k::BIGINT, (k + 12 * sqrt(k) + 40)::BIGINT), lambda j:
                 exp(lgamma(k + 1) - lgamma(j + 1) + (j - k) * t))) AS others
        FROM {name}_below WHERE step < {_STEPS})
), {name}_above AS (
  -- and the upper one
  SELECT k, 0 AS step, ln((k + 1) * (1 - 1 / (9 * (k + 1)) + {Z95!r} / (3 * sqrt(k + 1))) ** 3) AS t FROM {name}_counts
  UNION ALL
  SELECT k, step + 1, t + (log_term + ln(others) - ln(0.025)) * others / exp(t)
  FROM (SELECT *, k * t - exp(t) - lgamma(k + 1) AS log_term,
               list_sum(list_transform(range(greatest(k - 12 * sqrt(k) - 40, 0)::BIGINT, k::BIGINT + 1), lambda j:
                 exp(lgamma(k + 1) - lgamma(j + 1) - (k - j) * t))) AS others
        FROM {name}_above WHERE step < {_STEPS})
), {name} AS (
  SELECT counts.k, coalesce(exp(below.t), 0) AS low, exp(above.t) AS high
  FROM {name}_counts AS counts
  LEFT JOIN {name}_below AS below ON below.k = counts.k AND below.step = {_STEPS}
  JOIN {name}_above AS above ON above.k = counts.k AND above.step = {_STEPS}
)"""  # noqa: S608


def funnel(source: str, mass: str, spread: str, most: str, units: int) -> str:
    """CTEs that end in `judged`(key, phi, position), from `source`: key, x (a count), target, mean, few.

    `mass`: the probability of a count j, as SQL over the columns of `source`; `spread`: its variance by chance; `most`: the
    largest count; `units`: how many there may be. A limit lies where the mid-P distribution, straight between whole counts,
    reaches 2.5%, 0.1% and the like (Spiegelhalter 2005); where units vary more than chance, limits are widened (phi).
    """
    tails = [side for level in LEVELS for side in ((1 - level) / 2, 1 - (1 - level) / 2)]
    names = ("low95", "high95", "low998", "high998")
    # where the line between two whole counts crosses; the first that does is the limit
    crossed = ",\n         ".join(
        f"first(j - (mid - {tail!r}) / (mid - before) ORDER BY j) FILTER (mid >= {tail!r}) AS {name}"
        for tail, name in zip(tails, names, strict=True)
    )
    points = ", ".join(repr(float(chi2.ppf(0.95, m))) for m in range(1, max(units, 1) + 1))
    clipped = ", ".join(
        f"CASE WHEN {name} IS NOT NULL THEN "
        f"least(greatest(mean + (least(greatest({name}, 0), {most}) - mean) * sqrt(phi), 0), {most}) END AS {name}"
        for name in names
    )
    return f"""masses AS (
  SELECT key, unnest(range(greatest(floor(mean - 12 * sqrt({spread}) - 30), 0)::BIGINT,
                           least(ceil(mean + 12 * sqrt({spread}) + 30), {most} + 1)::BIGINT + 1)) AS j
  FROM {source} WHERE mean > 0 AND {spread} > 0
), mids AS (
  SELECT key, j, sum(p) OVER (PARTITION BY key ORDER BY j) - p / 2 AS mid
  FROM (SELECT key, j, CASE WHEN j > {most} THEN 0 ELSE {mass} END AS p FROM masses JOIN {source} USING (key))
), crossings AS (
  SELECT key, {crossed}
  FROM (SELECT *, lag(mid, 1, 0) OVER (PARTITION BY key ORDER BY j) AS before FROM mids) GROUP BY key
), scores AS (
  SELECT (x - mean) / sqrt({spread}) AS z FROM {source} WHERE NOT few
), pulled AS (
  -- the lowest and the highest tenth are pulled in to their neighbours
  SELECT avg(least(greatest(z, low), high) ** 2) / {normal_part()!r} AS phi, count(*) AS units
  FROM scores, (SELECT quantile_cont(z, {WINSORISED}) AS low, quantile_cont(z, {1 - WINSORISED!r}) AS high FROM scores)
), excess AS (
  SELECT CASE WHEN units >= {MIN_UNITS} AND phi * units > [{points}][units] THEN phi ELSE 1 END AS phi FROM pulled
), limits AS (
  SELECT key, phi, x, {clipped} FROM {source} LEFT JOIN crossings USING (key), excess
), judged AS (
  SELECT key, phi, coalesce((x > high95)::INT + (x > high998)::INT - (x < low95)::INT - (x < low998)::INT, 0) AS position FROM limits
)"""  # noqa: S608


def too_few(expected: str) -> str:
    """Whether fewer are expected than a comparison needs, as SQL."""
    return f"NOT coalesce({expected} >= {MIN_EXPECTED!r}, FALSE)"
