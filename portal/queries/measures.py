"""What departments measure of themselves, and what people answered when they were asked."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, Final

import numpy as np

from portal.answers_figures import Estimate
from portal.answers_standards import Feedback, Measure, MeasureValue, Score
from portal.figures.mean_score import mean_interval
from portal.queries.month_numbers import first_day, month_number
from portal.queries.scans import once
from portal.release import Release
from portal.selection import NOT_STATED

CITY: Final = "city"
"""The department of a measure that is of the whole city."""
YEAR: Final = 12

Cell = tuple[str | None, str | None, date, int, float, float]


@once
def measures(release: Release) -> list[Measure]:
    """Every periodic measure as it was reported: the city's own first, then by department and name."""
    if "measures" not in release.tables:
        return []
    rows = release.query(
        """SELECT source, measure, department, period_start, period_end, measure_name, value, target, direction, unit,
                  responses FROM measures WHERE value IS NOT NULL ORDER BY source, measure, department, period_start"""
    )
    found: dict[tuple[str, str, str], list[tuple[Any, ...]]] = {}
    for row in rows:
        found.setdefault(row[:3], []).append(row)
    series = []
    for (source, measure, department), of in found.items():
        latest = of[-1]
        values = tuple(MeasureValue(r[3], r[4], float(r[6]), r[7], r[10]) for r in of)
        name, direction, unit = latest[5] or measure, latest[8] or "none", latest[9] or ""
        series.append(Measure(source, measure, department, name, unit, direction, values))
    return sorted(series, key=lambda m: (m.department != CITY, m.department, m.name))


@once
def feedback(release: Release, department: str | None = None) -> Feedback | None:
    """Satisfaction by department and channel in the last twelve months that have an answer, and by month; None: no answers.

    Means have the interval of Student's t. Months are of UTC, as in the published counts. Answers whose cell the
    city's privacy policy holds to be too small are not in the release, and so not here.
    """
    if "feedback" not in release.tables:
        return None
    rows: list[Cell] = release.query(
        """SELECT department, channel, date_trunc('month', received_datetime)::DATE, count(*), sum(score), sum(score * score)
           FROM feedback WHERE ?::VARCHAR IS NULL OR department = ? GROUP BY ALL ORDER BY 3, 1, 2""",
        [department, department],
    )
    if not rows:
        return None
    last = month_number(rows[-1][2])
    recent = [row for row in rows if month_number(row[2]) > last - YEAR]
    titles = {c.channel: c.title for c in release.package.openward.channels}
    return Feedback(
        start=first_day(last - YEAR + 1),
        end=first_day(last + 1),
        overall=_scores("", recent, {})[0],
        departments=tuple(_scores(0, recent, dict(release.query("SELECT department, name FROM departments")))),
        channels=tuple(_scores(1, recent, titles)),
        months=tuple((first_day(month), score) for month, score in _months(rows)),
    )


def _months(rows: list[Cell]) -> Iterable[tuple[int, Score]]:
    by: dict[int, list[Cell]] = {}
    for row in rows:
        by.setdefault(month_number(row[2]), []).append(row)
    for month, of in sorted(by.items()):
        yield month, _scores("", of, {})[0]


def _scores(by: int | str, rows: list[Cell], names: dict[str, str]) -> list[Score]:
    """Scores by a column (its position), or of all (a key), most answers first."""
    sums: dict[str, list[float]] = {}
    for row in rows:
        key = by if isinstance(by, str) else (row[by] or NOT_STATED)
        cell = sums.setdefault(str(key), [0.0, 0.0, 0.0])
        for i, part in enumerate(row[3:]):
            cell[i] += float(part)
    table = np.array(list(sums.values()))
    means = mean_interval(table[:, 0], table[:, 1], table[:, 2])
    scores = [
        Score(key, names.get(key, key), int(n[0]), Estimate(*map(float, mean)))
        for (key, n), mean in zip(sums.items(), means, strict=True)
    ]
    return sorted(scores, key=lambda score: -score.responses)
