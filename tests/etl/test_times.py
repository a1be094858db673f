"""Clock times to UTC: formats, zones, and the two hours a year that do not behave."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.transform.times import clock_to_utc, parse_times, utc_to_local_days

ZONES = ["America/New_York", "America/Los_Angeles", "Europe/London", "Australia/Lord_Howe", "UTC"]


@given(
    st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2037, 12, 31)).map(lambda t: t.replace(microsecond=0)),
    st.sampled_from(ZONES),
)
def test_a_clock_time_comes_back_from_utc_as_it_was_or_is_marked(clock: dt.datetime, zone: str) -> None:
    got = clock_to_utc(np.array([clock], "datetime64[s]"), zone)
    back = got.utc[0].item().replace(tzinfo=dt.UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    if got.skipped[0]:
        assert back > clock
    else:
        assert back == clock
    if got.repeated[0]:
        assert got.second[0] > got.utc[0]
    day = utc_to_local_days(got.utc, zone)[0].item()
    assert day == back.date()


def test_the_skipped_hour_moves_forward_and_the_repeated_one_is_the_first() -> None:
    clock = np.array(["2024-03-10T02:30", "2024-11-03T01:30", "NaT"], "datetime64[s]")
    got = clock_to_utc(clock, "America/New_York")
    assert str(got.utc[0]) == "2024-03-10T07:30:00"
    assert str(got.utc[1]) == "2024-11-03T05:30:00"
    assert str(got.second[1]) == "2024-11-03T06:30:00"
    assert np.isnat(got.utc[2])
    assert list(got.skipped) == [True, False, False]
    assert list(got.repeated) == [False, True, False]


@pytest.mark.parametrize(
    ("text", "formats", "expected"),
    [
        ("01/02/2015 03:04:05 PM", ("%m/%d/%Y %I:%M:%S %p",), "2015-01-02T15:04:05"),
        (" 2012-12-04 15:21:00 ", ("ISO8601",), "2012-12-04T15:21:00"),
        ("2012-12-04T15:21", ("%m/%d/%Y", "ISO8601"), "2012-12-04T15:21:00"),
        ("31/31/2015", ("%m/%d/%Y", "ISO8601"), "NaT"),
        ("soon'; DROP TABLE request; --", ("ISO8601",), "NaT"),
        (None, ("ISO8601",), "NaT"),
    ],
)
def test_text_is_read_by_the_first_format_that_fits(text: str | None, formats: tuple[str, ...], expected: str) -> None:
    table = pa.table({'when "it\'s"': pa.array([text], pa.string())})
    got = parse_times(table, {"t": ('when "it\'s"', formats)})
    assert str(got["t"].clock[0]) == expected
    assert np.isnat(got["t"].utc[0])


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00"),
        ("2024-01-01 00:00:00-05:00", "2024-01-01T05:00:00"),
        ("2024-01-01T12:30:00.250+0530", "2024-01-01T07:00:00"),
        ("2024-01-01T00:00+01", "2023-12-31T23:00:00"),
    ],
)
def test_a_time_that_states_its_offset_is_a_moment_whatever_the_zone(text: str, moment: str) -> None:
    got = parse_times(pa.table({"when": [text]}), {"t": ("when", ("ISO8601",))})["t"]
    assert np.isnat(got.clock[0])
    assert str(got.utc[0]) == moment
