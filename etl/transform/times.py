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
ISO = "ISO8601"
EPOCHS = {"epoch": 1, "epoch_ms": 1000}
"""Numbers since 1970-01-01 UTC: how many of them make a second."""
OFFSET = r":\d\d(\.\d+)?\s*(Z|[+-]\d\d(:?\d\d)?)$"
"""How an ISO 8601 time states its offset: after a time of day, so that the end of a date is none."""


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


@dataclass(frozen=True)
class ParsedTimes:
    """Text as times (datetime64[s]): `clock` by the clock of a place, `utc` where the text states its offset.

    Each is NaT where the other is known, and both where the text is blank or unreadable.
    """

    clock: Times
    utc: Times


def parse_times(table: pa.Table, columns: Mapping[str, tuple[str, tuple[str, ...]]]) -> dict[str, ParsedTimes]:
    """Text columns as times.

    `columns` maps a result's name to (column, formats); formats are strptime's, or ISO8601, tried in order.
    An ISO 8601 time that ends with Z or an offset is a moment, whatever the city's zone.
    """
    connection = duckdb.connect(config={"threads": 2})
    try:
        connection.register("source_rows", table)
        parts = []
        for name, (column, formats) in columns.items():
            text = 'trim("' + column.replace('"', '""') + '")'
            tries = [
                f"try_cast({text} AS TIMESTAMP)"
                if fmt == ISO
                else f"try_strptime({text}, '{fmt.replace(chr(39), chr(39) * 2)}')"
                for fmt in formats
                if fmt not in EPOCHS
            ]
            offset = f"regexp_matches({text}, '{OFFSET}')" if ISO in formats else "FALSE"
            whole = rf"regexp_replace({text}, '([T ]\d\d:\d\d)(Z|[+-])', '\1:00\2')"  # DuckDB wants the seconds
            moment = f"make_timestamp(epoch_us(try_cast({whole} AS TIMESTAMPTZ)))"
            clock = f"coalesce({', '.join(tries)})" if tries else "NULL"
            since = [
                f"make_timestamp(CAST(try_cast({text} AS DOUBLE) / {EPOCHS[f]} AS BIGINT) * 1000000)"
                for f in formats
                if f in EPOCHS
            ]
            parts.append(f'CASE WHEN NOT {offset} THEN {clock} END::TIMESTAMP_S AS "{name} clock"')
            moments = f"coalesce(CASE WHEN {offset} THEN {moment} END{''.join(f', {s}' for s in since)})"
            parts.append(f'CAST({moments} AS TIMESTAMP_S) AS "{name} utc"')
        got = connection.execute(f"SELECT {', '.join(parts)} FROM source_rows").to_arrow_table()  # noqa: S608
    finally:
        connection.close()

    def times(name: str) -> Times:
        found: Times = got[name].to_numpy().astype("datetime64[s]")
        return found

    return {name: ParsedTimes(times(f"{name} clock"), times(f"{name} utc")) for name in columns}


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
