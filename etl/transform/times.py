"""Clock times as cities write them, to UTC.

Charter: parse text by stated formats, then leave the city's clock, including
the hour that daylight saving skips in spring and the one it repeats in autumn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

Times = NDArray[np.datetime64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class UtcTimes:
    """UTC times (datetime64[s], NaT where unknown) and what daylight saving did to them.

    `repeated`: the clock time happened twice; the first one was taken. `second` holds the other one there.
    `skipped`: the clock time never happened; it was moved forward by the length of the gap.
    """

    utc: Times
    repeated: Mask
    skipped: Mask
    second: Times


def parse_clock_times(table: pa.Table, columns: Mapping[str, tuple[str, tuple[str, ...]]]) -> dict[str, Times]:
    """Text columns as clock times (datetime64[s], NaT where blank or unreadable).

    `columns` maps a result's name to (column, formats); formats are strptime's, or ISO8601, tried in order.
    """
    connection = duckdb.connect(config={"threads": 2})
    try:
        connection.register("source_rows", table)
        parts = []
        for name, (column, formats) in columns.items():
            quoted = '"' + column.replace('"', '""') + '"'
            tries = [
                f"try_cast(trim({quoted}) AS TIMESTAMP)"
                if fmt == "ISO8601"
                else f"try_strptime(trim({quoted}), '{fmt.replace(chr(39), chr(39) * 2)}')"
                for fmt in formats
            ]
            parts.append(f'coalesce({", ".join(tries)})::TIMESTAMP_S AS "{name}"')
        got = connection.execute(f"SELECT {', '.join(parts)} FROM source_rows").to_arrow_table()  # noqa: S608
    finally:
        connection.close()
    return {name: got[name].to_numpy().astype("datetime64[s]") for name in columns}


def clock_to_utc(clock: Times, zone: str) -> UtcTimes:
    """Clock times of an IANA zone as UTC."""
    index = pd.DatetimeIndex(clock)
    plain = index.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
    odd = np.isnat(_naive_utc(plain)) & ~np.isnat(clock)
    utc = _naive_utc(plain)
    second = utc.copy()
    repeated = np.zeros(len(index), dtype=bool)
    skipped = np.zeros(len(index), dtype=bool)
    if odd.any():
        rows = np.flatnonzero(odd)
        some = index[rows]
        first = _naive_utc(some.tz_localize(zone, ambiguous=np.ones(len(some), bool), nonexistent=pd.Timedelta("1h")))
        later = _naive_utc(some.tz_localize(zone, ambiguous=np.zeros(len(some), bool), nonexistent=pd.Timedelta("1h")))
        utc[rows], second[rows] = first, later
        repeated[rows] = first != later
        skipped[rows] = first == later
    return UtcTimes(utc, repeated, skipped, second)


def _naive_utc(index: pd.DatetimeIndex) -> Times:
    return index.tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[s]")


def utc_to_local_days(utc: Times, zone: str) -> NDArray[np.datetime64]:
    """UTC times as the city's calendar days (datetime64[D], NaT stays NaT)."""
    local = pd.DatetimeIndex(utc).tz_localize("UTC").tz_convert(zone).tz_localize(None)
    return local.to_numpy().astype("datetime64[D]")
