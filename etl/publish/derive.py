"""What a release adds to stored records: local days, durations, on time, areas, grid positions.

Charter: Arrow batches of the store in, Arrow batches for the release out.
Every figure's raw material is defined here, once.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from etl.config import CityConfig
from etl.transform.times import utc_to_local_days
from geo.crs import mercator_grid
from geo.sorting import hilbert_key

COARSE = 6
"""Bins that go into one coarse bin, for many survival curves at once."""
SIXTY_YEARS_MINUTES = 60 * 366 * 24 * 60
UNLOCATED_KEY = np.uint64(2**64 - 1)


def elapsed_bins() -> NDArray[np.int64]:
    """Lower edges (minutes) of the duration bins: one minute each up to two hours, then 1% wide."""
    edges = list(range(121))
    while edges[-1] < SIXTY_YEARS_MINUTES:
        edges.append(max(edges[-1] + 1, int(edges[-1] * 1.01)))
    return np.array(edges, dtype=np.int64)


@dataclass(frozen=True)
class Derivation:
    """How to derive the columns of one release: the city, its standards and the as-of time (UTC)."""

    config: CityConfig
    as_of: dt.datetime
    targets: dict[str, float]

    def columns(self, batch: pa.Table) -> pa.Table:
        """A stored batch with every derived column; rows and their order stay."""
        city = self.config.city
        rows = len(batch)
        requested, closed = _times(batch, "requested_datetime"), _times(batch, "closed_datetime")
        expected = self._expected(batch, requested)
        status = batch["status"].to_numpy(zero_copy_only=False)
        as_of = np.datetime64(self.as_of.replace(tzinfo=None), "s")
        day = utc_to_local_days(requested, city.timezone)
        closed_day = utc_to_local_days(closed, city.timezone)
        event, minutes = _survival(status, requested, closed, as_of)
        edges = elapsed_bins()
        bins = np.searchsorted(edges, minutes, side="right") - 1
        hours = (closed - requested).astype("timedelta64[s]").astype(np.float64) / 3600
        believed = event == 1
        lat, lon = batch["lat"].to_numpy(), batch["long"].to_numpy()
        located = np.isfinite(lat) & np.isfinite(lon)
        gx, gy = mercator_grid(np.where(located, lon, 0.0), np.where(located, lat, 0.0))
        key = np.where(located, hilbert_key(gx, gy), UNLOCATED_KEY)
        added: dict[str, pa.Array | pa.ChunkedArray] = {
            "expected_datetime": pa.array(expected, pa.timestamp("s")),
            "requested_date": pa.array(day, pa.date32()),
            "month": _months(day),
            "closed_month": _months(np.where(status == "closed", closed_day, np.datetime64("NaT", "D"))),
            "response_hours": pa.array(np.round(hours, 4), pa.float64(), mask=~believed),
            "on_time": pa.array(_on_time(status, event, closed, expected, as_of), pa.string()),
            "event": pa.array(event == 1, pa.bool_(), mask=event < 0),
            "elapsed_minutes": pa.array(minutes, pa.int32(), mask=event < 0),
            "elapsed_bin": pa.array(bins, pa.uint16(), mask=event < 0),
            "elapsed_key": pa.array(2 * minutes + (event == 1), pa.int32(), mask=event < 0),
            "elapsed_code": pa.array(2 * bins + (event == 1), pa.uint16(), mask=event < 0),
            "elapsed_coarse": pa.array(2 * (bins // COARSE) + (event == 1), pa.uint16(), mask=event < 0),
            "gx": pa.array(gx, pa.uint32(), mask=~located),
            "gy": pa.array(gy, pa.uint32(), mask=~located),
            "hilbert": pa.array(key, pa.uint64()),
        }
        added |= _areas(batch["areas"], [layer.layer for layer in self.config.layers])
        if city.synthetic:
            added["synthetic"] = pa.array(np.ones(rows, dtype=bool))
        for name, values in added.items():
            column = batch.column_names.index(name) if name in batch.column_names else None
            batch = batch.append_column(name, values) if column is None else batch.set_column(column, name, values)
        return batch.drop_columns(["areas"])

    def _expected(self, batch: pa.Table, requested: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
        stated = _times(batch, "expected_datetime")
        if not self.targets:
            return stated
        codes = batch["service_code"].combine_chunks().dictionary_encode()
        hours = np.array([self.targets.get(c, np.nan) for c in codes.dictionary.to_pylist()])
        seconds = hours[codes.indices.to_numpy()] * 3600
        by_standard = requested + np.where(np.isfinite(seconds), seconds, 0).astype("timedelta64[s]")
        by_standard[~np.isfinite(seconds)] = np.datetime64("NaT")
        return np.where(np.isnat(stated), by_standard, stated)


def _times(batch: pa.Table, name: str) -> NDArray[np.datetime64]:
    times: NDArray[np.datetime64] = batch[name].to_numpy().astype("datetime64[s]")
    return times


def _months(days: NDArray[np.datetime64]) -> pa.Array:
    missing = np.isnat(days)
    months = np.where(missing, np.datetime64("1970-01"), days.astype("datetime64[M]")).astype(np.int64)
    return pa.array(np.clip(months, 0, 65535), pa.uint16(), mask=missing)


def _survival(
    status: NDArray[np.object_],
    requested: NDArray[np.datetime64],
    closed: NDArray[np.datetime64],
    as_of: np.datetime64,
) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
    """1 = closed at a believable time, 0 = open and censored at as_of, -1 = says nothing; and the minutes."""
    ended = (status == "closed") & ~np.isnat(closed) & (closed >= requested) & (closed <= as_of)
    waiting = (status == "open") & (requested <= as_of)
    event = np.where(ended, 1, np.where(waiting, 0, -1)).astype(np.int8)
    until = np.where(ended, closed, as_of)
    minutes = (until - requested).astype("timedelta64[s]").astype(np.int64) // 60
    return event, np.where(event >= 0, minutes, 0)


def _on_time(
    status: NDArray[np.object_],
    event: NDArray[np.int8],
    closed: NDArray[np.datetime64],
    expected: NDArray[np.datetime64],
    as_of: np.datetime64,
) -> NDArray[np.object_]:
    result = np.full(len(status), None, dtype=object)
    is_open = status == "open"
    result[is_open] = np.where(expected[is_open] < as_of, "late", "pending")
    timed = event == 1
    result[timed] = np.where(closed[timed] <= expected[timed], "on_time", "late")
    result[np.isnat(expected)] = "no_standard"
    return result


def _areas(column: pa.ChunkedArray, layers: list[str]) -> dict[str, pa.Array]:
    encoded = column.combine_chunks().dictionary_encode()
    parsed = [json.loads(text) for text in encoded.dictionary.to_pylist()]
    return {
        layer: pa.array([found.get(layer) for found in parsed], pa.string()).take(encoded.indices) for layer in layers
    }
