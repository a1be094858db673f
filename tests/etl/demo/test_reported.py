"""What the demo city reports of itself: the same for the same seed, and what its truth says of it."""

from __future__ import annotations

import json

import numpy as np
import pyarrow.csv as pacsv

from etl.config import load_city
from etl.demo import DemoFiles, reported


def test_the_call_centre_gets_worse_when_its_truth_says_so(demo: DemoFiles) -> None:
    truth = json.loads(demo.truth.read_text())["reported"]["calls_20s"]
    table = pacsv.read_csv(demo.measures, convert_options=pacsv.ConvertOptions(column_types={"MONTH": "string"}))
    rows = [row for row in table.to_pylist() if row["MEASURE"] == "calls_20s"]
    winter = {"01", "02"}
    before = [row["VALUE"] for row in rows if row["MONTH"] < truth["since"][:7] and row["MONTH"][5:] not in winter]
    after = [row["VALUE"] for row in rows if row["MONTH"] >= truth["since"][:7] and row["MONTH"][5:] not in winter]
    assert len(rows) == 36
    assert abs(np.mean(before) - truth["mean_before"]) < 1.5 and abs(np.mean(after) - truth["mean_after"]) < 1.5


def test_people_are_less_satisfied_where_the_truth_says_so(demo: DemoFiles) -> None:
    truth = json.loads(demo.truth.read_text())["reported"]["satisfaction"]
    rows = pacsv.read_csv(demo.satisfaction).to_pylist()
    stars = {
        d: np.mean([row["STARS"] for row in rows if row["DEPARTMENT"] == d]) for d in {r["DEPARTMENT"] for r in rows}
    }
    worst = min(stars, key=lambda department: stars[department])
    assert list(truth["less"]) == [worst] and max(stars.values()) - stars[worst] < 0.8
    assert len({row["ANSWER"] for row in rows}) == len(rows)


def test_the_same_seed_gives_the_same_tables() -> None:
    assert reported.measures_table(7).equals(reported.measures_table(7)) and not reported.answers_table(7).equals(
        reported.answers_table(8)
    )


def test_the_city_knows_their_columns(demo: DemoFiles) -> None:
    config = load_city(demo.city)
    assert set(config.measures) == {"reports"} and set(config.feedback) == {"survey"}
    header = demo.measures.read_text().splitlines()[0].replace('"', "").split(",")
    assert set(config.measures["reports"].source_columns()) <= set(header)
