"""What a release adds to a record: event, minutes, bins, on time."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa

from etl.config import CityConfig
from etl.publish.derive import Derivation, elapsed_bins
from etl.records import RECORD
from tests.etl.conftest import CITY

AS_OF = dt.datetime(2024, 5, 1, tzinfo=dt.UTC)
T = dt.datetime


def _derive(**columns: list[object]) -> dict[str, list[object]]:
    rows = len(columns["status"])
    filled = {
        f.name: pa.array(columns[f.name], f.type) if f.name in columns else pa.nulls(rows, f.type) for f in RECORD
    }
    filled["areas"] = pa.array(['{"district": "1"}'] * rows)
    filled["service_code"] = pa.array(columns.get("service_code", ["noise"] * rows), pa.string())
    derivation = Derivation(CityConfig.model_validate(CITY), AS_OF, {"pothole": 48.0})
    out = derivation.columns(pa.table(filled))
    return {name: out[name].to_pylist() for name in out.column_names}


def test_open_requests_wait_until_as_of_and_contradictions_and_unmapped_words_say_nothing() -> None:
    got = _derive(
        status=["closed", "open", "closed", "closed", "unmapped", "unmapped"],
        requested_datetime=[T(2024, 4, 1)] * 6,
        closed_datetime=[T(2024, 4, 2), None, T(2024, 3, 1), None, T(2024, 4, 3), None],
    )
    assert got["event"] == [True, False, None, None, None, None]
    assert got["elapsed_minutes"] == [1440, 30 * 1440, None, None, None, None]
    assert got["response_hours"] == [24.0, None, None, None, None, None]


def test_on_time_counts_open_past_due_as_late_and_uses_the_citys_standard_where_the_source_has_none() -> None:
    got = _derive(
        status=["closed", "closed", "open", "open", "closed", "open", "closed"],
        service_code=["noise", "noise", "noise", "noise", "pothole", "noise", "noise"],
        requested_datetime=[T(2024, 4, 1)] * 7,
        closed_datetime=[T(2024, 4, 2), T(2024, 4, 9), None, None, T(2024, 4, 2), None, None],
        expected_datetime=[T(2024, 4, 2), T(2024, 4, 2), T(2024, 4, 2), T(2024, 6, 1), None, None, T(2024, 4, 2)],
    )
    assert got["on_time"] == ["on_time", "late", "late", "pending", "on_time", "no_standard", None]
    assert got["expected_datetime"][4] == T(2024, 4, 3)


def test_times_that_cannot_be_believed_are_neither_on_time_nor_late_nor_closed_in_a_month() -> None:
    got = _derive(
        status=["closed", "unmapped", "open"],
        requested_datetime=[T(2024, 4, 2)] * 3,
        closed_datetime=[T(2024, 4, 1), T(2024, 4, 3), T(2024, 4, 3)],
        expected_datetime=[T(2024, 4, 4)] * 3,
    )
    assert got["on_time"] == [None, None, "late"]
    april = (2024 - 1970) * 12 + 3
    assert got["closed_month"] == [april - 1 if T(2024, 4, 1).hour < 4 else april, None, None]


def test_bins_are_minutes_up_to_two_hours_and_then_one_percent_wide() -> None:
    edges = elapsed_bins()
    assert list(edges[:121]) == list(range(121))
    wide = np.diff(edges) / edges[:-1].clip(1)
    assert (wide[120:] <= 0.01 + 1e-9).all()
    assert (np.diff(edges) > 0).all()
    assert edges[-1] > 60 * 365 * 1440


def test_local_days_and_months_follow_the_citys_clock() -> None:
    got = _derive(status=["open"], requested_datetime=[T(2024, 3, 1, 3)])
    assert got["requested_date"] == [dt.date(2024, 2, 29)]
    assert got["month"] == [(2024 - 1970) * 12 + 1]
    assert got["district"] == ["1"]
