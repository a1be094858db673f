"""What the invented city reports of itself beside its requests: measures of departments, and answers of people who were asked.

Charter: invented figures and the truth behind them. They draw from a generator of their own, so that no request changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from etl.demo.frame import FIRST_DAY, LAST_DAY
from etl.demo.services import DEPARTMENTS

MEASURES_FILE: Final = "measures.csv"
ANSWERS_FILE: Final = "satisfaction.csv"
CALL_TARGET: Final = 85.0
"""Percent of calls to be answered within 20 seconds."""
CALLS_BEFORE: Final = 87.0
CALLS_AFTER: Final = 78.0
SHIFTED: Final = date(2025, 3, 1)
"""From this month on the call centre answers fewer in time."""
SATISFIED: Final = 3.7
"""Mean answer on a scale of 1 to 5."""
LESS_SATISFIED: Final = {"ISD": -0.5}
"""Department -> how much less people are satisfied with it."""
ANSWERS_A_DAY: Final = 4
ASKED_BY: Final = ("email", "text message", "telephone")


@dataclass(frozen=True)
class Reported:
    """Paths of both files."""

    measures: Path
    satisfaction: Path


def months() -> list[date]:
    """First days of the months of the record."""
    count = (LAST_DAY.year - FIRST_DAY.year) * 12 + LAST_DAY.month - FIRST_DAY.month + 1
    start = FIRST_DAY.year * 12 + FIRST_DAY.month - 1
    return [date((start + i) // 12, (start + i) % 12 + 1, 1) for i in range(count)]


def measures_table(seed: int) -> pa.Table:
    """measures.csv: a row for a measure, a department (empty: the city) and a month."""
    rng = np.random.default_rng([seed, 10])
    rows: list[tuple[str, str, str, float, int | None]] = []
    for month in months():
        level = CALLS_AFTER if month >= SHIFTED else CALLS_BEFORE
        winter = -3.0 if month.month in (1, 2) else 0.0
        answered = level + winter + 1.2 * float(rng.standard_normal())
        rows.append(
            ("calls_20s", "", f"{month:%Y-%m}", round(min(answered, 99.0), 1), int(rng.integers(21_000, 29_000)))
        )
        wait = 14.0 + 2.0 * (CALLS_BEFORE - answered) + 1.5 * abs(float(rng.standard_normal()))
        rows.append(("wait", "", f"{month:%Y-%m}", round(max(wait, 4.0), 1), None))
        planted = 0 if month.month in (12, 1, 2, 7, 8) else int(rng.integers(40, 140))
        rows.append(("trees", "PKS", f"{month:%Y-%m}", float(planted), None))
    names = ("MEASURE", "DEPARTMENT", "MONTH", "VALUE", "CASES")
    return pa.table({name: [row[i] for row in rows] for i, name in enumerate(names)})


def answers_table(seed: int) -> pa.Table:
    """satisfaction.csv: an answer a row, 1 (worst) to 5 (best), of a department; it is tied to no request."""
    rng = np.random.default_rng([seed, 11])
    count = ((LAST_DAY - FIRST_DAY).days + 1) * ANSWERS_A_DAY
    departments = np.array(list(DEPARTMENTS))[rng.integers(0, len(DEPARTMENTS), count)]
    less = np.array([LESS_SATISFIED.get(department, 0.0) for department in departments])
    stars = np.clip(np.round(SATISFIED + less + 1.1 * rng.standard_normal(count)), 1, 5).astype(np.int64)
    minutes = np.sort(rng.integers(0, count // ANSWERS_A_DAY * 1440, count))
    start = datetime.combine(FIRST_DAY, datetime.min.time())
    return pa.table(
        {
            "ANSWER": np.arange(1, count + 1),
            "DEPARTMENT": departments.tolist(),
            "ASKED_BY": np.array(ASKED_BY)[rng.choice(3, count, p=[0.5, 0.35, 0.15])].tolist(),
            "AT": [f"{start + timedelta(minutes=int(m)):%Y-%m-%dT%H:%M:00Z}" for m in minutes],
            "STARS": stars,
        }
    )


def write_reported(out: Path, seed: int) -> Reported:
    """Write both files into ``out``; returns their paths."""
    files = Reported(out / MEASURES_FILE, out / ANSWERS_FILE)
    pacsv.write_csv(measures_table(seed), files.measures)
    pacsv.write_csv(answers_table(seed), files.satisfaction)
    return files


def truth_of_reported() -> dict[str, Any]:
    """What truth.json says of them."""
    return {
        "calls_20s": {"target": CALL_TARGET, "mean_before": CALLS_BEFORE, "mean_after": CALLS_AFTER,
                      "since": SHIFTED.isoformat(), "less_in_january_and_february": 3.0},
        "satisfaction": {"mean_of_1_to_5_before_rounding": SATISFIED, "less": LESS_SATISFIED,
                         "asked_by": "has nothing to do with the answer"},
    }  # fmt: skip
