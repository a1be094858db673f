"""Local clock and UTC, and clock times as text, for millions of rows at once.

Charter: arithmetic on seconds and bytes; no Python object per row.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from etl.demo.frame import AS_OF_LOCAL, FIRST_DAY, TIMEZONE

Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

DAY_S: Final = 86_400
EPOCH_DAY: Final = FIRST_DAY.toordinal() - datetime(1970, 1, 1).toordinal()
"""First day of the period, in days since 1970-01-01."""
TABLE_FIRST: Final = EPOCH_DAY - 400
TABLE_DAYS: Final = 4_400
"""The days that can be written as text: from before the period to years after it (due times)."""


def _transitions() -> tuple[Ints, Ints]:
    """UTC seconds at which the zone's offset changes, and the offset (seconds) from then on."""
    zone = ZoneInfo(TIMEZONE)
    first = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=TABLE_FIRST)
    hours = [first + timedelta(hours=6 + 24 * k) for k in range(TABLE_DAYS)]
    at, offset = [int(first.timestamp())], [_offset(zone, first)]
    for low, high in pairwise(hours):
        if _offset(zone, low) != _offset(zone, high):
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) / 2
                middle = middle.replace(microsecond=0)
                low, high = (middle, high) if _offset(zone, middle) == _offset(zone, low) else (low, middle)
            at.append(int(high.timestamp()))
            offset.append(_offset(zone, high))
    return np.array(at, dtype=np.int64), np.array(offset, dtype=np.int64)


def _offset(zone: ZoneInfo, moment: datetime) -> int:
    shift = moment.astimezone(zone).utcoffset()
    return int(shift.total_seconds()) if shift else 0


class Clock:
    """The city's zone with its changes looked up once."""

    def __init__(self) -> None:
        self.changes_utc, self.offsets = _transitions()
        spring = np.flatnonzero(np.diff(self.offsets) > 0) + 1
        self.gap_days = (self.changes_utc[spring] + self.offsets[spring]) // DAY_S
        """Local days since 1970 whose clocks skip 02:00–03:00."""
        self.as_of_utc = int(AS_OF_LOCAL.replace(tzinfo=ZoneInfo(TIMEZONE)).timestamp())

    def to_local(self, utc_s: Ints) -> Ints:
        """Seconds of the local clock (since 1970 as if UTC)."""
        return np.asarray(utc_s + self.offsets[np.searchsorted(self.changes_utc, utc_s, side="right") - 1])

    def to_utc(self, local_s: Ints) -> Ints:
        """The reverse; of two moments with one clock time the later, and a time in the gap moves on an hour."""
        naive_changes = self.changes_utc + self.offsets
        which = np.searchsorted(naive_changes, local_s, side="right") - 1
        return np.asarray(local_s - self.offsets[which])


def _day_table(pattern: str) -> Bytes:
    day = np.datetime64(0, "D") + (TABLE_FIRST + np.arange(TABLE_DAYS))
    texts = [d.strftime(pattern) for d in day.astype(object)]
    return np.frombuffer("".join(texts).encode(), dtype=np.uint8).reshape(TABLE_DAYS, -1).copy()


def _second_table(twelve_hours: bool) -> Bytes:
    second = np.arange(DAY_S)
    hour, minute, rest = second // 3600, second // 60 % 60, second % 60
    shown = (hour + 11) % 12 + 1 if twelve_hours else hour
    table = np.full((DAY_S, 11 if twelve_hours else 8), ord(" "), dtype=np.uint8)
    for column, value in ((0, shown), (3, minute), (6, rest)):
        table[:, column] = value // 10 + 48
        table[:, column + 1] = value % 10 + 48
    table[:, [2, 5]] = ord(":")
    if twelve_hours:
        table[:, 9] = np.where(hour < 12, ord("A"), ord("P"))
        table[:, 10] = ord("M")
    return table


class ClockText:
    """Writes seconds of the local clock as text: '03/10/2024 02:05:33 PM' or '2024-03-10 14:05:33'."""

    def __init__(self) -> None:
        self._american = _day_table("%m/%d/%Y "), _second_table(True)
        self._iso = _day_table("%Y-%m-%d "), _second_table(False)

    def write(self, local_s: Ints, iso: bool = False, valid: npt.NDArray[np.bool_] | None = None) -> pa.Array:
        """A string array; rows that are not ``valid`` are null."""
        days, seconds = self._iso if iso else self._american
        day = local_s // DAY_S
        second = (local_s - day * DAY_S).astype(np.int32)
        row = np.clip(day - TABLE_FIRST, 0, TABLE_DAYS - 1).astype(np.int32)
        width = days.shape[1]
        text = np.empty((len(local_s), width + seconds.shape[1]), dtype=np.uint8)
        text[:, :width] = days[row]
        text[:, width:] = seconds[second]
        return fixed_width(text, valid)


def fixed_width(text: Bytes, valid: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    """Rows of bytes (n, width), UTF-8, as an Arrow string array without a copy per row."""
    count, width = text.shape
    offsets = np.arange(0, (count + 1) * width, width, dtype=np.int32)
    mask = None
    nulls = 0
    if valid is not None:
        mask = pa.py_buffer(np.packbits(valid, bitorder="little").tobytes())
        nulls = int(count - valid.sum())
    buffers = [mask, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(text))]
    return pa.Array.from_buffers(pa.string(), count, buffers, null_count=nulls)


_FOUR: Final = np.array([list(f"{i:04d}".encode()) for i in range(10_000)], dtype=np.uint8)


def degrees(micro: npt.NDArray[np.int32], sign: str, valid: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    """Positive millionths of a degree (8 digits) as text such as ``-70.123456``, with ``sign`` before it."""
    lead = len(sign)
    text = np.empty((len(micro), 9 + lead), dtype=np.uint8)
    text[:, :lead] = np.frombuffer(sign.encode(), dtype=np.uint8)
    high, low = _FOUR[micro // 10_000], _FOUR[micro % 10_000]
    text[:, lead : lead + 2] = high[:, :2]
    text[:, lead + 2] = ord(".")
    text[:, lead + 3 : lead + 5] = high[:, 2:]
    text[:, lead + 5 :] = low
    return fixed_width(text, valid)
