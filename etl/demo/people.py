"""Who lives where in the invented city: income, language and age by neighborhood, as a census would tell them.

Charter: invented figures and the truth behind them. They draw from a generator of their own, so that no request changes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from etl.demo import plan
from etl.demo.areas import Areas
from etl.demo.truth import area_code

FILE: Final = "demographics.csv"
INCOME_MEDIAN: Final = 41_000.0
INCOME_SIGMA: Final = 0.35
INCOME_ERROR: Final = 0.06
"""Standard error of a neighborhood's income as the survey states it, of its value."""
LANGUAGE_BASE: Final = 0.12
LANGUAGE_IN_WORSE: Final = 0.45
"""Share of people who speak another language at home: elsewhere, and what District 6 adds for those who live in it."""
LANGUAGE_NOISE: Final = 0.04
Z90: Final = 1.645


def people_table(areas: Areas, seed: int) -> pa.Table:
    """demographics.csv: a row for each neighborhood."""
    rng = np.random.default_rng([seed, 9])
    count = len(areas.neighborhood_names)
    residents = np.bincount(areas.neighborhood, weights=areas.population, minlength=count)
    true_income = INCOME_MEDIAN * np.exp(INCOME_SIGMA * rng.standard_normal(count))
    error = INCOME_ERROR * true_income
    income = true_income + error * rng.standard_normal(count)
    share = LANGUAGE_BASE + LANGUAGE_IN_WORSE * worse_share(areas) + LANGUAGE_NOISE * rng.standard_normal(count)
    people = np.round(residents).astype(np.int64)
    return pa.table(
        {
            "code": [area_code(i) for i in range(count)],
            "neighborhood": list(areas.neighborhood_names),
            "residents": people,
            "income_per_head": np.round(income, -1).astype(np.int64),
            "income_margin": np.round(Z90 * error, -1).astype(np.int64),
            "other_language": np.round(np.clip(share, 0.01, 0.95) * people).astype(np.int64),
            "median_age": np.round(38.0 + 4.0 * rng.standard_normal(count), 1),
        }
    )


def worse_share(areas: Areas) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Share of each neighborhood's people who live in the worse served district, over both maps."""
    count = len(areas.neighborhood_names)
    people = np.bincount(areas.neighborhood, weights=areas.population, minlength=count)
    inside = np.zeros(count)
    for index in (areas.district_former, areas.district_current):
        here = areas.population * (index + 1 == plan.WORSE_DISTRICT)
        inside += np.bincount(areas.neighborhood, weights=here, minlength=count) / 2
    found: np.ndarray[Any, np.dtype[np.float64]] = inside / np.maximum(people, 1e-9)
    return found


def write_people(areas: Areas, out: Path, seed: int) -> Path:
    """Write demographics.csv into ``out``; returns its path."""
    path = out / FILE
    pacsv.write_csv(people_table(areas, seed), path)
    return path


def truth_of_people(areas: Areas) -> dict[str, Any]:
    """What truth.json says of them."""
    return {
        "income_per_head": "drawn without regard to the requests: no association with them",
        "median_age": "drawn without regard to the requests: no association with them",
        "other_language": f"{LANGUAGE_BASE} and {LANGUAGE_IN_WORSE} more for people of the worse district: response is "
        "slower where it is higher, by that district's factor",
        "income_standard_error": INCOME_ERROR,
        "share_in_worse_district": {area_code(i): round(float(s), 4) for i, s in enumerate(worse_share(areas))},
    }
