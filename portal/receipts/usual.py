"""Receipts of control charts: what is usual for a month, and by how much a shift moved that; of series by group and month.

The months of each shift are named by the query, as the portal found them (eight in a row on one side, see
`portal.figures.control_chart`); the sizes of the shifts and the limits are made again from the months' figures.
"""

# ruff: noqa: S608 - texts for readers, never run by the portal

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from portal.errors import BadRequest
from portal.figures.control_chart import YEAR, reach
from portal.figures.kaplan_meier import Z95
from portal.queries.control import BASELINE, LEAST_ERROR, YOUNG, late_control, median_control
from portal.queries.scans import column
from portal.receipts.counting import months
from portal.receipts.model import Kind
from portal.receipts.parts import BINS, COARSE, literal, quantile, survival, waits
from portal.receipts.standards import due_months
from portal.receipts.words import BAND, HOURS, ROWS, TIMES
from portal.selection import NOT_STATED, Selection
from portal.text import FEW, N_

if TYPE_CHECKING:
    from portal.answers_standards import Control
    from portal.release import Release


def usual_times(release: Release, selection: Selection, arguments: dict[str, str]) -> str:
    """What is usual for the median of each month, on the logarithmic scale, a row each."""
    control = _known(median_control(release, selection))
    error = f"greatest(CASE WHEN median_high IS NULL THEN 2 * ln(median_hours / median_low) ELSE ln(median_high / median_low) END / {2 * Z95!r}, {LEAST_ERROR!r})"  # noqa: E501
    told = f"""told AS (
  SELECT key, n, CASE WHEN n >= {FEW} AND median_hours > 0 THEN ln(median_hours) END AS y,
         CASE WHEN n >= {FEW} AND median_low > 0 THEN {error} END AS error
  FROM ({months(release, selection, arguments).rstrip(";")})
)"""
    return _usual(control, told, "exp", "exp(step)", ("0", "1e300"))


def usual_late(release: Release, selection: Selection, arguments: dict[str, str]) -> str:
    """What is usual for the share that is late of each month, a row each."""
    control = _known(late_control(release, selection))
    told = f"""due AS (
  SELECT *, due >= {FEW} AND pending <= {YOUNG} * (due + pending) AS known
  FROM ({due_months(release, selection, arguments).rstrip(";")})
), base AS (
  -- half a request more, so that a share of none has an error too
  SELECT (sum(late) + 0.5) / (sum(due) + 1) AS p FROM due
  WHERE known AND key < strftime(DATE '{control.rows[0].month}' + INTERVAL {BASELINE} MONTH, '%Y-%m')
), told AS (
  SELECT key, due AS n, CASE WHEN known THEN late / due END AS y, CASE WHEN known THEN sqrt(p * (1 - p) / due) END AS error
  FROM due, base
)"""
    return _usual(control, told, "", "step", ("0", "1"))


def _known(control: Control | None) -> Control:
    if control is None:
        raise BadRequest("There is no control chart: it takes more than two years of months with enough requests.")
    return control


def _usual(control: Control, told: str, back: str, size: str, ends: tuple[str, str]) -> str:
    """The chart from `told`(key, n, y, error); `back` leads from its scale to that of the figure."""
    first = control.rows[0].month
    shifts, last = [], "level"
    for number, run in enumerate(control.runs, 1):
        named = ", ".join(literal(f"{month:%Y-%m}") for month in run)
        shifts.append(
            f"""shift_{number} AS (
  SELECT avg(y - centre) AS step, sum(error ** 2) / count(*) ** 2 AS variance, min(i) AS since FROM {last} WHERE key IN ({named})
), level_{number} AS (
  -- from the shift on the level is the new one
  SELECT {last}.* REPLACE (centre + CASE WHEN i >= since THEN step ELSE 0 END AS centre,
         spread + CASE WHEN i >= since THEN shift_{number}.variance ELSE 0 END AS spread,
         CASE WHEN i = since THEN {size} ELSE shift END AS shift) FROM {last}, shift_{number}
)"""
        )
        last = f"level_{number}"
    chain = "".join(f", {one}" for one in shifts)
    reaches = ", ".join(repr(reach(free)) for free in range(1, YEAR + 1))
    return f"""\
WITH {told}, months AS (
  SELECT strftime(month, '%Y-%m') AS key, date_diff('month', DATE '{first}', month) AS i
  FROM (SELECT unnest(generate_series(DATE '{first}', DATE '{control.rows[-1].month}', INTERVAL 1 MONTH))::DATE AS month)
), series AS (
  SELECT months.key, i, coalesce(n, 0) AS n, CASE WHEN error > 0 THEN y END AS y,
         CASE WHEN y IS NOT NULL AND error > 0 THEN error ELSE median(error) FILTER (error > 0) OVER () END AS error
  FROM months LEFT JOIN told USING (key)
), calendar AS (
  -- each calendar month's own mean over the first {BASELINE} months
  SELECT i % {YEAR} AS phase, sum(y / error ** 2) / sum(1 / error ** 2) AS centre, 1 / sum(1 / error ** 2) AS variance
  FROM series WHERE i < {BASELINE} AND y IS NOT NULL GROUP BY ALL
), noise AS (
  -- how much more than by sampling the same month of two years differs, never taken for less
  SELECT greatest(avg((b.y - a.y) ** 2 / (a.error ** 2 + b.error ** 2)), 1) AS noise, [{reaches}][count(*)] AS reach
  FROM series a JOIN series b ON b.i = a.i + {YEAR} WHERE b.i < {BASELINE} AND a.y IS NOT NULL AND b.y IS NOT NULL
), level AS (
  SELECT series.*, centre, error ** 2 + variance AS spread, NULL::DOUBLE AS shift FROM series LEFT JOIN calendar ON phase = i % {YEAR}
){chain}
SELECT key, n, {back}(centre) AS usual, greatest({back}(centre - reach * sqrt(noise * spread)), {ends[0]}) AS usual_low,
       least({back}(centre + reach * sqrt(noise * spread)), {ends[1]}) AS usual_high, shift
FROM {last}, noise ORDER BY key;"""


def series(release: Release, selection: Selection, arguments: dict[str, str]) -> str:
    """The median of each group in each month, a row for each of both."""
    group = f"coalesce({column(release, arguments['dimension'])}::VARCHAR, {literal(NOT_STATED)})"
    key = f"{group} || ' ' || strftime(requested_date, '%Y-%m') AS key"
    return f"""\
WITH RECURSIVE {waits(release, selection, key)}, {BINS}, {COARSE}, moments AS (
  SELECT key, (first + after - 1) / 2 AS minutes, TRUE AS wide,
         count(*) FILTER (closed)::DOUBLE AS events, count(*) FILTER (NOT closed)::DOUBLE AS censored
  FROM waits ASOF JOIN coarse ON waits.minutes >= coarse.first
  GROUP BY ALL
), {survival("key")}
SELECT key, {quantile(0.5, "median")}
FROM band GROUP BY key ORDER BY key;"""


_ROUND = N_("Without months that are not over.")
_LIMITS = {
    "key": N_("the month"), "n": N_("requests"), "usual": N_("what is usual for the month"),
    "usual_low": N_("where nearly all months (997 in 1,000) begin"), "usual_high": N_("where they end"),
}  # fmt: skip

KINDS: Final = (
    Kind(
        "usual-times",
        N_("What is usual for a month: times"),
        N_("Each month's median beside the same calendar months of the first two years, on the logarithmic scale. The limits are prediction limits of Student's t, made as wide as these months differ from year to year. The query names the months of each shift (eight in a row on one side); how large it is follows from them."),  # noqa: E501
        (_ROUND, TIMES, ROWS),
        _LIMITS | {"shift": N_("the new level, as a multiple of the former one, in the month it begins")},
        usual_times,
        keyed=True,
    ),
    Kind(
        "usual-late",
        N_("What is usual for a month: late"),
        N_("Each month's share late of those due, beside the same calendar months of the first two years. The limits are prediction limits of Student's t, made as wide as these months differ from year to year. The query names the months of each shift (eight in a row on one side); how large it is follows from them."),  # noqa: E501
        (_ROUND, ROWS),
        _LIMITS | {"shift": N_("the new level less the former one, in the month it begins")},
        usual_late,
        keyed=True,
    ),
    Kind(
        "series",
        N_("Times of each group, month by month"),
        N_("The time within which half of a group's requests of a month were closed, open ones counted. Times are of wide bins (six of the 1% wide ones), and so right within three percent."),  # noqa: E501
        (TIMES, ROWS),
        {"key": N_("the group and the month"), "median_hours": HOURS, "median_low": BAND, "median_high": BAND},
        series,
        arguments=("dimension",),
        keyed=True,
    ),
)  # fmt: skip
"""The kinds of figures that these receipts are of."""
