"""Moments as texts, many at once, are what the database writes of each."""

from __future__ import annotations

from datetime import UTC, datetime

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.queries.instants import iso_utc
from portal.queries.texts import time_text

MOMENTS = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59))
USUAL = st.datetimes(datetime(1900, 1, 1), datetime(2099, 12, 31, 23, 59, 59, 999_999))


def told(times: pa.Array) -> list[str | None]:
    texts = iso_utc(times)
    texts.validate(full=True)
    assert texts.type == pa.string()
    found: list[str | None] = texts.to_pylist()
    return found


def of_database(times: pa.Array) -> list[str | None]:
    given = pa.table({"moment": times})  # noqa: F841 - DuckDB finds it by its name
    with duckdb.connect() as connection:
        rows = connection.execute(f"SELECT {time_text('moment')} FROM given").fetchall()
    return [text for (text,) in rows]


@given(
    st.lists(st.none() | USUAL, max_size=20) | st.lists(st.none() | MOMENTS, max_size=5),
    st.sampled_from(["s", "ms", "us"]),
)
def test_times_are_those_of_the_database(times: list[datetime | None], unit: str) -> None:
    column = pa.array(times, pa.timestamp("us")).cast(pa.timestamp(unit), safe=False)
    assert told(column) == of_database(column)


@pytest.mark.parametrize("start", [0, 1, 3])
def test_a_part_of_a_column_is_read_from_where_it_begins(start: int) -> None:
    times = pa.array([None, datetime(2024, 2, 29, 23, 59, 59), None, datetime(1969, 12, 31), None], pa.timestamp("us"))
    expected = [None, "2024-02-29T23:59:59Z", None, "1969-12-31T00:00:00Z", None]
    assert told(times.slice(start)) == expected[start:]


def test_a_column_that_knows_its_zone_is_in_utc() -> None:
    times = pa.array([datetime(2024, 7, 1, 12, tzinfo=UTC)], pa.timestamp("us", tz="America/New_York"))
    assert told(times) == ["2024-07-01T12:00:00Z"]


@pytest.mark.parametrize("moment", [datetime(1899, 12, 31, 23, 59, 59), datetime(2100, 1, 1), datetime(9999, 12, 31)])
def test_moments_beyond_the_table_of_days_are_told_too(moment: datetime) -> None:
    assert told(pa.array([moment, None], pa.timestamp("us"))) == [f"{moment:%Y-%m-%dT%H:%M:%SZ}", None]
