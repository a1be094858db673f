"""Measures and feedback: the same promises as for requests, from file to release."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from etl.config import load_city
from etl.errors import ConfigError, SourceError
from etl.pipeline import Options, prepare, run
from etl.store.engine import open_store
from etl.store.models import Change, Quarantined
from tests.etl.conftest import NOW, TinyCity

Ask = Callable[..., list[tuple[Any, ...]]]
Rows = list[dict[str, str]]
DAY = dt.timedelta(days=1)
MEASURES = {
    "path": "measures.csv",
    "columns": {
        "measure": "KPI",
        "department": "DEPT",
        "period_start": {"column": "MONTH", "formats": ["%Y-%m"]},
        "value": "VALUE",
        "target": "GOAL",
        "responses": "N",
    },
    "measures": {
        "SL20": {"name": "Calls answered within 20 s", "unit": "percent", "target": 85},
        "Wait": {"name": "Mean wait", "unit": "seconds", "direction": "lower"},
    },
}
FEEDBACK = {
    "path": "survey.csv",
    "columns": {
        "feedback_id": "NO",
        "service_request_id": "CASE",
        "department": "DEPT",
        "counter": "DESK",
        "channel": "HOW",
        "score": "STARS",
        "received_datetime": {"column": "AT"},
    },
    "scale": [1, 5],
    "channels": {"E-mail": "email", "Text": "sms"},
}
COLUMNS = {
    "survey.csv": [{"CASE": "", "DEPT": "", "DESK": "", "HOW": ""}],
    "measures.csv": [{"DEPT": "", "GOAL": "", "N": ""}],
}


def _write(path: Path, rows: list[dict[str, str]]) -> None:
    names = list(dict.fromkeys(name for row in [*rows, *COLUMNS[path.name]] for name in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, restval="")
        writer.writeheader()
        writer.writerows(rows)


def _run(tiny: TinyCity, rows: Rows, now: dt.datetime = NOW, **options: Any) -> Any:
    path = tiny.write(rows)
    place = tiny.place()
    return run(place, prepare(place.config, tiny.yaml, {"calls": path}), now=now, options=Options(**options))


@pytest.fixture
def both(tiny_on: TinyCity) -> TinyCity:
    """The tiny city with a table of measures and one of answers."""
    tiny_on.config |= {"measures": {"kpi": MEASURES}, "feedback": {"survey": FEEDBACK}}
    _write(
        tiny_on.folder / "measures.csv",
        [
            {"KPI": "SL20", "DEPT": "", "MONTH": "2024-01", "VALUE": "81.5%", "N": "1,204"},
            {"KPI": "wait", "DEPT": "public works", "MONTH": "2024-01", "VALUE": "33"},
            {"KPI": "Survey index", "DEPT": "PW", "MONTH": "2024-02", "VALUE": "64", "GOAL": "70"},
            {"KPI": "SL20", "DEPT": "", "MONTH": "2024-02", "VALUE": "108"},
            {"KPI": "SL20", "DEPT": "", "MONTH": "soon", "VALUE": "80"},
            {"KPI": "SL20", "DEPT": "", "MONTH": "2024-03", "VALUE": "n/k"},
            {"KPI": "", "DEPT": "", "MONTH": "2024-03", "VALUE": "80"},
            {"KPI": "SL20", "DEPT": "", "MONTH": "2029-03", "VALUE": "80"},
        ],
    )
    _write(
        tiny_on.folder / "survey.csv",
        [
            {"NO": "a", "CASE": "1", "HOW": "e-mail", "STARS": "5", "AT": "2024-02-03T10:00:00Z"},
            {"NO": "b", "DEPT": "PW", "HOW": "Text", "STARS": "2", "AT": "2024-02-03 10:00"},
            {"NO": "c", "DESK": "City Hall", "HOW": "kiosk", "STARS": "1", "AT": "2024-02-04 10:00"},
            {"NO": "d", "DEPT": "PW", "STARS": "6", "AT": "2024-02-03 10:00"},
            {"NO": "e", "STARS": "3", "AT": "2024-02-03 10:00"},
            {"NO": "f", "DEPT": "PW", "STARS": "", "AT": "2024-02-03 10:00"},
            {"NO": "", "DEPT": "PW", "STARS": "3", "AT": "2024-02-03 10:00"},
            {"NO": "g", "DEPT": "PW", "STARS": "3", "AT": "never"},
        ],
    )
    return tiny_on


def test_measures_and_answers_get_into_the_release(both: TinyCity, rows: Rows, ask: Ask) -> None:
    report = _run(both, rows)
    folder = both.releases / str(report.release_id)
    got = ask(
        folder,
        """SELECT measure, department, period_start::VARCHAR, period_end::VARCHAR, measure_name, value, target, direction,
                  unit, responses FROM measures ORDER BY measure""",
    )
    assert got == [
        (
            "sl20",
            "city",
            "2024-01-01",
            "2024-02-01",
            "Calls answered within 20 s",
            81.5,
            85.0,
            "higher",
            "percent",
            1204,
        ),
        ("survey_index", "PW", "2024-02-01", "2024-03-01", "Survey index", 64.0, 70.0, "none", "count", None),
        ("wait", "PW", "2024-01-01", "2024-02-01", "Mean wait", 33.0, None, "lower", "seconds", None),
    ]
    answers = ask(folder, "SELECT * EXCLUDE (source) FROM feedback ORDER BY feedback_id")
    assert answers == [
        ("a", None, None, "email", dt.datetime(2024, 2, 3, 10), 100.0),
        ("b", "PW", None, "sms", dt.datetime(2024, 2, 3, 15), 25.0),
        ("c", None, "City Hall", "unmapped", dt.datetime(2024, 2, 4, 15), 0.0),
    ], "tied to a request only where the policy says so"
    cells = ask(
        folder, "SELECT department, channel, month::VARCHAR, responses, mean_score, suppressed FROM feedback_monthly"
    )
    assert ("PW", "sms", "2024-02-01", 1, 25.0, False) in cells


def test_rows_of_measures_and_feedback_that_cannot_be_trusted_are_quarantined(both: TinyCity, rows: Rows) -> None:
    report = _run(both, rows)
    with open_store(both.store_url).connect() as connection:
        found = connection.execute(sa.select(Quarantined.source, Quarantined.reason)).all()
    assert sorted(tuple(row) for row in found) == [
        ("kpi", "measure_missing"),
        ("kpi", "period_start_in_future"),
        ("kpi", "period_start_unreadable"),
        ("kpi", "value_out_of_range"),
        ("kpi", "value_unreadable"),
        ("survey", "feedback_id_missing"),
        ("survey", "received_datetime_unreadable"),
        ("survey", "score_out_of_range"),
        ("survey", "score_unreadable"),
        ("survey", "tied_to_nothing"),
    ]
    for counts in report.sources.values():
        kept = counts.new + counts.changed + counts.unchanged + counts.stale + counts.duplicates + counts.superseded
        assert counts.read == kept + counts.quarantined


def test_a_measure_that_is_corrected_keeps_what_it_was(both: TinyCity, rows: Rows) -> None:
    first = _run(both, rows)
    path = both.folder / "measures.csv"
    path.write_text(path.read_text().replace("81.5%", "79.9%"))
    second = _run(both, rows, now=NOW + DAY)
    assert second.release_id not in (None, first.release_id)
    assert second.sources["kpi"].changed == 1
    with open_store(both.store_url).connect() as connection:
        change = connection.execute(
            sa.select(Change.kind, Change.source, Change.service_request_id, Change.field, Change.old, Change.new)
        ).all()
    assert [tuple(row) for row in change] == [("measure", "kpi", "sl20 city 2024-01-01", "value", "81.5", "79.9")]


def test_answers_too_few_to_be_told_are_told_neither_as_counts_nor_one_by_one(
    both: TinyCity, rows: Rows, ask: Ask
) -> None:
    both.config["privacy"] = {"publish": ["location"], "small_cells": {"minimum": 3, "tables": ["feedback"]}}
    answers = [
        {"NO": str(n), "DEPT": "PW", "HOW": "Text", "STARS": "4", "AT": f"2024-02-{n + 1:02d} 10:00"} for n in range(9)
    ]
    few = [
        {"NO": f"x{n}", "DEPT": d, "HOW": "Text", "STARS": "1", "AT": "2024-02-03 10:00"} for n, d in enumerate("AB")
    ]
    _write(both.folder / "survey.csv", answers + few)
    report = _run(both, rows)
    folder = both.releases / str(report.release_id)
    told = dict(ask(folder, "SELECT department, responses FROM feedback_monthly"))
    assert told["a"] is None and told["b"] is None
    shown = {row[0] for row in ask(folder, "SELECT DISTINCT department FROM feedback")}
    assert "a" not in shown and "b" not in shown
    assert ask(folder, "SELECT count(*) FROM feedback_monthly WHERE suppressed AND mean_score IS NOT NULL") == [(0,)]


@pytest.mark.parametrize(
    ("part", "key", "value", "told"),
    [
        ("measures", "columns", {"measure": "K", "value": "V"}, "'period_start' is required"),
        ("feedback", "scale", [3, 3], "worst and the best answer must differ"),
        ("feedback", "columns", {"feedback_id": "N", "score": "S", "received_datetime": {"column": "A"}}, "is tied to"),
    ],
)
def test_a_mistake_in_their_mapping_is_told_in_one_line(
    tiny: TinyCity, part: str, key: str, value: Any, told: str
) -> None:
    tiny.config[part] = {"t": (MEASURES if part == "measures" else FEEDBACK) | {key: value}}
    tiny.write([])
    with pytest.raises(ConfigError, match=told):
        load_city(tiny.yaml)


def test_a_source_that_is_missing_stops_the_run_before_anything_is_touched(both: TinyCity, rows: Rows) -> None:
    (both.folder / "survey.csv").unlink()
    with pytest.raises(SourceError, match=r"survey\.csv: cannot be read"):
        _run(both, rows)
    assert both.current() is None
