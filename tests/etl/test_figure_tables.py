"""The tables of figures: what they count, by hand; what they estimate, beside the pages: tests/portal/test_all_pages.py."""

from __future__ import annotations

import datetime as dt
from typing import Any

import duckdb
import geopandas as gpd
import numpy as np
import pyarrow as pa
import pytest

from etl.publish import figures
from etl.publish.derive import elapsed_bins
from etl.publish.fields import FIGURE_FIELDS, STANDARD_FIELDS
from portal.figures.rates import wilson
from portal.figures.tabled import hours

MARCH, APRIL = 12 * 55 + 2, 12 * 55 + 3  # of 2025, since 1970-01
ROWS = [
    # service, department, district, month, closed_month, status, on_time, event, minutes, given hours
    ("pothole", "works", "1", MARCH, MARCH, "closed", "on_time", 1, 60, 24.0),
    ("pothole", "works", "1", MARCH, APRIL, "closed", "late", 1, 40_000, 24.0),
    ("pothole", "works", None, MARCH, None, "open", "late", 0, 50_000, 24.0),
    ("pothole", "works", "2", APRIL, None, "open", "pending", 0, 600, 30.0),
    ("lamp", "light", "2", MARCH, APRIL, "closed", "on_time", 1, 30_000, 900.0),
    ("tree", None, "2", MARCH, None, "closed", "no_standard", None, None, None),  # nobody can say when
]
SERVICES = pa.table(
    {
        "service_code": ["lamp", "pothole", "tree", "unused"],
        "service_name": ["Lamp out", "Pothole", "Tree", "Unused"],
        "department": ["light", "works", None, "works"],
        "target_hours": pa.array([None, 24.0, None, 5.0]),
    }
)
ESTIMATORS = figures.Estimators(hours, wilson)


@pytest.fixture
def index() -> duckdb.DuckDBPyConnection:
    db = duckdb.connect()
    db.execute(
        """CREATE TABLE requests (service_code VARCHAR, service_group VARCHAR, department VARCHAR, district VARCHAR,
           month USMALLINT, closed_month USMALLINT, status VARCHAR, on_time VARCHAR, event UTINYINT, elapsed_bin USMALLINT,
           requested_datetime TIMESTAMP, expected_datetime TIMESTAMP)"""
    )
    made = dt.datetime(2025, 3, 2)
    edges = elapsed_bins()
    for service, department, district, month, closed, status, on_time, event, minutes, given in ROWS:
        place = None if minutes is None else int(np.searchsorted(edges, minutes, side="right")) - 1
        due = made + dt.timedelta(hours=given) if given else None
        values = [service, "All", department, district, month, closed, status, on_time, event, place, made, due]
        db.execute(f"INSERT INTO requests VALUES ({', '.join('?' * len(values))})", values)
    return db


def table(index: duckdb.DuckDBPyConnection) -> dict[tuple[Any, ...], dict[str, Any]]:
    small = {
        "services": SERVICES,
        "departments": pa.table({"department": ["works", "light"], "name": ["Works", "Light"]}),
    }
    areas = gpd.GeoDataFrame({"layer": ["district"], "area": ["1"], "name": ["North"], "valid_to": [None]})
    names = figures.names_of("Testville", small, areas)
    found = figures.monthly_figures(index, ["district"], names, dt.date(2025, 4, 20), ESTIMATORS)
    assert found.column_names == [field.name for field in FIGURE_FIELDS]
    return {(row["dimension"], row["key"], row["month"].month): row for row in found.to_pylist()}


def test_each_month_is_counted_for_the_city_and_for_all_of_its_parts(index: duckdb.DuckDBPyConnection) -> None:
    found = table(index)
    march = found["city", None, 3]
    assert march["name"] == "Testville" and march["complete"] and not found["city", None, 4]["complete"]
    assert [march[name] for name in ("requests", "open", "closed", "on_time", "late", "pending", "no_standard")] == [
        5, 1, 4, 2, 2, 0, 1,
    ]  # fmt: skip
    assert (march["timed"], march["closed_in_month"], found["city", None, 4]["closed_in_month"]) == (4, 1, 2)
    assert (march["on_time_share"], march["on_time_lower"]) == (0.5, pytest.approx(wilson(2, 4)[0]))  # type: ignore[index]
    assert found["department", "works", 3]["requests"] == 3 and found["department", "works", 3]["name"] == "Works"
    assert found["department", None, 3]["requests"] == 1 and found["department", None, 3]["name"] is None
    assert found["district", "1", 3]["name"] == "North" and found["district", "2", 3]["name"] == "2"
    for dimension in {key[0] for key in found}:
        rows = [row for key, row in found.items() if key[0] == dimension]
        assert sum(row["requests"] for row in rows) == len(ROWS)
        assert sum(row["closed_in_month"] for row in rows) == 3


def test_a_month_in_which_something_was_only_closed_has_a_row(index: duckdb.DuckDBPyConnection) -> None:
    row = table(index)["service", "lamp", 4]
    assert (row["requests"], row["closed_in_month"], row["median_hours"], row["on_time_share"]) == (0, 1, None, None)


def test_what_is_still_open_counts_as_not_closed_yet(index: duckdb.DuckDBPyConnection) -> None:
    row = table(index)["service", "pothole", 3]
    assert row["median_hours"] == pytest.approx(40_000 / 60, rel=0.006)  # of three: 1 h, 667 h, and one still open
    assert row["p90_hours"] is None


def test_standards_say_who_set_them_and_how_they_are_kept(index: duckdb.DuckDBPyConnection) -> None:
    found = figures.standards(index, SERVICES, ESTIMATORS)
    assert found.column_names == [field.name for field in STANDARD_FIELDS]
    rows = {row["service_code"]: row for row in found.to_pylist()}
    assert {code: row["set_by"] for code, row in rows.items()} == {
        "lamp": "source", "pothole": "both", "tree": "none", "unused": "configuration",
    }  # fmt: skip
    pothole = rows["pothole"]
    assert [pothole[name] for name in ("hours_min", "hours_median", "hours_max")] == [24, 24, 30]
    assert [pothole[name] for name in ("requests", "on_time", "late", "pending")] == [4, 1, 2, 1]
    assert pothole["on_time_share"] == pytest.approx(1 / 3)
    assert rows["unused"]["requests"] == 0 and rows["unused"]["on_time_share"] is None
