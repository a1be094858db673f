"""Receipts of trends, standards, measures and feedback."""

# ruff: noqa: S608 - texts for readers, never run by the portal

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from portal.figures.kaplan_meier import Z95
from portal.queries.control import AGES_MONTHS, YOUNG
from portal.queries.measures import YEAR
from portal.queries.periods import dated, year_before
from portal.queries.standards import ALL, NINE_OF_TEN
from portal.receipts.model import Kind
from portal.receipts.parts import REQUESTS, condition, literal, moment, quantile, survival, wilson
from portal.receipts.words import EXACT, ROWS, SHARE, SHARE_BAND
from portal.selection import NOT_STATED, Selection
from portal.text import N_

if TYPE_CHECKING:
    from portal.release import Release

_SERVICE = f"coalesce(service_code::VARCHAR, {literal(NOT_STATED)})"
_STATES = """count(*) FILTER (on_time = 'on_time')::DOUBLE AS on_time,
         count(*) FILTER (on_time = 'late')::DOUBLE AS late,
         count(*) FILTER (on_time = 'pending')::DOUBLE AS pending"""


def standards(release: Release, selection: Selection, arguments: dict[str, str]) -> str:
    """What became of each service's standard, and how late the late ones are, a row each and one of all."""
    del arguments
    period = dated(release, selection)
    return f"""\
WITH chosen AS (
  -- each request in the row of its service and in the row of all
  SELECT unnest([{_SERVICE}, {literal(ALL)}]) AS key, status, on_time,
         date_diff('second', expected_datetime, coalesce(closed_datetime, {moment(release)})) // 3600 AS hours
  FROM {REQUESTS}
  WHERE {condition(period)}
), counted AS (
  SELECT key, count(*) AS requests, {_STATES},
         count(*) FILTER (on_time = 'no_standard') AS no_standard,
         count(*) FILTER (on_time = 'late' AND status = 'open') AS open_late
  FROM chosen GROUP BY key
), moments AS (
  -- whole hours past the due time; a late request that is still open has been late so far
  SELECT key, hours * 60 AS minutes, FALSE AS wide,
         count(*) FILTER (status = 'closed')::DOUBLE AS events, count(*) FILTER (status <> 'closed')::DOUBLE AS censored
  FROM chosen WHERE on_time = 'late' AND hours IS NOT NULL GROUP BY ALL
), {survival("key")}, times AS (
  SELECT key, {quantile(0.5, "lateness")}
  FROM band GROUP BY key
)
SELECT key, requests, on_time + late AS due, on_time, late, open_late, pending, no_standard,
       {wilson("on_time", "(on_time + late)", "on_time_share")},
       lateness_hours, lateness_low, lateness_high
FROM counted LEFT JOIN times USING (key)
ORDER BY due DESC, key;"""


def change(release: Release, selection: Selection, arguments: dict[str, str]) -> str:
    """Shares on time beside the same months of the year before, weighted alike, a row each."""
    del arguments
    now = dated(release, selection)
    before = year_before(release, now)
    both = now if before is None else now.replace(from_date=before.from_date)
    return f"""\
WITH chosen AS (
  -- each request in the row of its service and in the row of all
  SELECT unnest([{_SERVICE}, {literal(ALL)}]) AS key, date_trunc('month', requested_date)::DATE AS month, on_time
  FROM {REQUESTS}
  WHERE {condition(both)}
), months AS (
  SELECT key, month, {_STATES}
  FROM chosen GROUP BY ALL
), told AS (
  -- months of which nearly all have come due
  SELECT key, month, on_time, on_time + late AS due FROM months
  WHERE on_time + late > 0 AND pending <= {YOUNG} * (on_time + late + pending)
), pairs AS (
  SELECT a.key, a.on_time / a.due AS now, b.on_time / b.due AS before, a.due + b.due AS weight,
         a.due AS n1, b.due AS n0
  FROM told a JOIN told b ON a.key = b.key AND b.month = a.month - INTERVAL 1 YEAR
  WHERE a.month >= {literal(now.from_date)} AND b.month <= {literal((before or now).to_date)}
), sides AS (
  -- the number of requests that a weighted share is as sure as
  SELECT key, count(*) AS months, sum(weight * now) / sum(weight) AS now, sum(weight * before) / sum(weight) AS before,
         sum(weight) ** 2 / sum(weight ** 2 / n1) AS now_n, sum(weight) ** 2 / sum(weight ** 2 / n0) AS before_n
  FROM pairs GROUP BY key
), both_sides AS (
  SELECT key, months, {wilson("(now * now_n)", "now_n", "now")}, {wilson("(before * before_n)", "before_n", "before")}
  FROM sides
)
-- each end lies as far off as both sides' own ends do, squared (Newcombe)
SELECT *, now - before AS difference, now - before - sqrt((now - now_low) ** 2 + (before_high - before) ** 2) AS difference_low,
       now - before + sqrt((now_high - now) ** 2 + (before - before_low) ** 2) AS difference_high
FROM both_sides ORDER BY key;"""


def due_months(release: Release, selection: Selection, arguments: dict[str, str]) -> str:
    """What became of the standard, by month of request."""
    del release, arguments
    return f"""\
WITH counted AS (
  SELECT strftime(requested_date, '%Y-%m') AS key, {_STATES}
  FROM {REQUESTS}
  WHERE {condition(selection)}
  GROUP BY ALL
)
SELECT key, on_time + late AS due, on_time, late, pending,
       {wilson("late", "(on_time + late)", "late_share")},
       {wilson("on_time", "(on_time + late)", "on_time_share")}
FROM counted ORDER BY key;"""


def targets(release: Release, selection: Selection, arguments: dict[str, str]) -> str:
    """How long each service's requests have, over the whole record."""
    del release, selection, arguments
    low, middle, high = (
        f"quantile_disc(date_diff('second', requested_datetime, expected_datetime) // 60, {share}) / 60 AS {name}"
        for share, name in zip(NINE_OF_TEN, ("target_low", "hours", "target_high"), strict=True)
    )
    return f"""\
WITH stated AS (
  SELECT service_code::VARCHAR AS key,
         {low},
         {middle},
         {high}
  FROM {REQUESTS}
  WHERE expected_datetime >= requested_datetime
  GROUP BY ALL
)
SELECT key, target_low, hours, target_high FROM stated WHERE key IS NOT NULL
UNION ALL
SELECT service_code, target_hours, target_hours, target_hours FROM 'services.parquet'
WHERE target_hours IS NOT NULL AND service_code NOT IN (SELECT key FROM stated WHERE key IS NOT NULL)
ORDER BY key;"""


def open_ages(release: Release, selection: Selection, arguments: dict[str, str]) -> str:
    """What was open at the end of each month, by age in months."""
    del arguments
    zone = literal(release.city.timezone)
    edges = (0, *AGES_MONTHS, None)
    groups = "".join(
        f",\n       coalesce(sum(n) FILTER (age >= {start}" + ("" if end is None else f" AND age < {end}")
        + f"), 0) AS from_{start}_months"
        for start, end in pairwise(edges)
    )  # fmt: skip
    return f"""\
WITH flow AS (
  SELECT date_trunc('month', requested_date)::DATE AS asked,
         CASE WHEN status = 'closed'
              THEN date_trunc('month', (closed_datetime AT TIME ZONE 'UTC') AT TIME ZONE {zone})::DATE END AS left_in,
         count(*) AS n
  FROM {REQUESTS}
  WHERE {condition(selection)} AND (status = 'open' OR (status = 'closed' AND closed_datetime IS NOT NULL))
  GROUP BY ALL
), spans AS (
  SELECT unnest(generate_series(min(asked), greatest(max(asked), max(left_in)), INTERVAL 1 MONTH))::DATE AS month FROM flow
), waiting AS (
  -- asked for in the month or before, and closed after it or not at all
  SELECT month, date_diff('month', asked, month) AS age, n
  FROM spans LEFT JOIN flow ON asked <= month AND (left_in > month OR left_in IS NULL)
)
SELECT strftime(month, '%Y-%m') AS key, coalesce(sum(n), 0) AS open{groups}
FROM waiting GROUP BY month ORDER BY month;"""


def measures(release: Release, selection: Selection, arguments: dict[str, str]) -> str:
    """Periodic measures as they were reported."""
    del release, selection, arguments
    return """\
SELECT source || ' ' || measure || ' ' || department || ' ' || period_start::VARCHAR AS key,
       measure_name, value, target, direction, unit, responses
FROM 'measures.parquet' WHERE value IS NOT NULL ORDER BY key;"""


_Z = repr(Z95)


def _student(free: str) -> str:
    """The upper 2.5% point of Student's t, as SQL: right within 1e-6 from 10 degrees of freedom on (Fisher & Cornish 1960)."""
    z = Z95
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return "(" + " + ".join([repr(z), *(f"{term!r} / {free} ** {i}" for i, term in enumerate(terms, 1))]) + ")"


def feedback(release: Release, selection: Selection, arguments: dict[str, str]) -> str:
    """Satisfaction of all, by department and by channel, in the last twelve months that have an answer."""
    del release, arguments
    of = f"department IN ({', '.join(map(literal, selection.department))})" if selection.department else "TRUE"
    none = literal(NOT_STATED)
    return f"""\
WITH answers AS (
  SELECT *, date_trunc('month', received_datetime)::DATE AS month FROM 'feedback.parquet' WHERE {of}
), recent AS (
  SELECT unnest(['all', 'department:' || coalesce(department, {none}), 'channel:' || coalesce(channel, {none})]) AS key, score
  FROM answers WHERE month > (SELECT max(month) FROM answers) - INTERVAL {YEAR} MONTH
  UNION ALL SELECT strftime(month, '%Y-%m'), score FROM answers
), summed AS (
  SELECT key, count(*) AS responses, avg(score) AS mean, stddev_samp(score) AS deviation FROM recent GROUP BY key
), told AS (
  -- Student's t, from the normal quantile (Fisher & Cornish)
  SELECT *, CASE WHEN deviation ** 2 <= 1e-9 THEN 100 * {_Z} ** 2 / (responses + {_Z} ** 2)
                 ELSE {_student("(responses - 1)")} * deviation / sqrt(responses) END AS margin
  FROM summed
)
SELECT key, responses, mean, deviation, greatest(mean - margin, 0) AS mean_low, least(mean + margin, 100) AS mean_high
FROM told ORDER BY key;"""


_REQUESTS = N_("requests")
_HOURS = N_("hours")
_STATE_COLUMNS: Final = {
    "due": N_("requests whose standard has come due: closed, or past it"), "on_time": N_("of them closed within it"),
    "late": N_("of them closed late, or open past due"), "pending": N_("requests that are open and not yet due"),
}  # fmt: skip

KINDS: Final = (
    Kind(
        "standards",
        N_("Standards: how often they were kept"),
        N_("Of the requests whose standard has come due, those that were closed within it; open ones that are past due are late. Lateness is the time past the due time by which half of the late ones were closed (Kaplan–Meier, whole hours, those still open counted as late so far). Without dates: of the last twelve whole months."),  # noqa: E501
        (ROWS,),
        {
            "key": N_("the service, or all"), "requests": _REQUESTS, **_STATE_COLUMNS,
            "open_late": N_("late requests that are still open"), "no_standard": N_("requests without a standard"),
            "on_time_share": SHARE, "on_time_share_low": SHARE_BAND, "on_time_share_high": SHARE_BAND,
            "lateness_hours": N_("hours past the due time; empty: not yet reached"),
        },
        standards,
        keyed=True,
    ),
    Kind(
        "standards-change",
        N_("Standards: beside the same months of the year before"),
        N_("The shares on time of both years, month by month, each calendar month weighted by its requests in both years together, so that neither the season nor a busier month is taken for a change. Months of which more than 2% are not yet due are left out of both. The interval on the page is made of both sides' score intervals (Newcombe)."),  # noqa: E501
        (ROWS,),
        {
            "key": N_("the service, or all"), "months": N_("calendar months that were compared"), "now": SHARE,
            "before": SHARE, "now_low": SHARE_BAND, "now_high": SHARE_BAND, "before_low": SHARE_BAND, "before_high": SHARE_BAND,
            "difference": N_("now less before"), "difference_low": EXACT, "difference_high": EXACT,
        },
        change,
        keyed=True,
    ),
    Kind(
        "due-months",
        N_("On time and late, by month"),
        N_("What became of the standard of the requests of each month. Young months flatter: what is closed already counts, what is open and not yet due does not."),  # noqa: E501
        (ROWS,),
        {
            "key": N_("the month"), **_STATE_COLUMNS, "late_share": SHARE, "late_share_low": SHARE_BAND,
            "late_share_high": SHARE_BAND, "on_time_share": SHARE, "on_time_share_low": SHARE_BAND,
            "on_time_share_high": SHARE_BAND,
        },
        due_months,
        keyed=True,
    ),
    Kind(
        "targets",
        N_("How long a service has"),
        N_("Hours from request to the due time that stands in the record, over the whole record, whatever is selected: the middle one, and the two between which nine of ten lie. A service without such a time in the record has the target that the city states for it."),  # noqa: E501
        (ROWS,),
        {"key": N_("the service"), "hours": _HOURS, "target_low": _HOURS, "target_high": _HOURS},
        targets,
        keyed=True,
        files=("requests.parquet", "services.parquet"),
    ),
    Kind(
        "open-ages",
        N_("Open at the end of each month, by age"),
        N_("Requests of a month or an earlier one that were closed after it, or not at all, by the number of months from that of the request to it. Months are of the city's own clock."),  # noqa: E501
        (
            N_("Requests that are closed, but of which nobody can say when (no time, or a contradicting one), are in no month."),
            ROWS,
        ),
        {"key": N_("the month"), "open": _REQUESTS}
        | {f"from_{months}_months": N_("requests so many months old, or more, up to the next column") for months in (0, *AGES_MONTHS)},
        open_ages,
        keyed=True,
    ),
    Kind(
        "measures",
        N_("Measures that departments report"),
        N_("As they were reported, whatever is selected: they are not made from the requests."),
        (),
        {
            "key": N_("source, measure, department and first day of the period"), "value": N_("in its unit"),
            "target": N_("in the same unit"), "responses": N_("cases behind it"),
        },
        measures,
        keyed=True,
        files=("measures.parquet",),
    ),
    Kind(
        "feedback",
        N_("Satisfaction"),
        N_("The mean of the answers, from 0 (worst) to 100 (best), in the last twelve months (UTC) that have one. Of the other filters only the department counts. The 95% interval on the page is Student's t, cut at 0 and 100; where all answers are alike, as far as a share of which none was seen may reach (Wilson)."),  # noqa: E501
        (N_("Where the city's privacy policy holds a month's answers of a department and channel to be too few, they are not published."),),
        {
            "key": N_("all, a department, a channel or a month"), "responses": N_("answers"), "mean": N_("0 to 100"),
            "deviation": N_("standard deviation of the answers"), "mean_low": EXACT, "mean_high": EXACT,
        },
        feedback,
        keyed=True,
        files=("feedback.parquet",),
    ),
)  # fmt: skip
"""The kinds of figures that these receipts are of."""
