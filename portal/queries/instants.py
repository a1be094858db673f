"""Moments of columns as texts, many at once.

Charter: a column of times in, the texts of `time_text` out, without asking the database, which writes them one by one: a table of
days and one of the seconds of a day are looked up instead.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from portal.plain_texts import ISO_UTC

_SECONDS: Final = 86_400
_FIRST, _LAST = np.datetime64("1900-01-01", "D"), np.datetime64("2100-01-01", "D")
"""Days of the table. Others are told by Arrow, one by one."""
_TEXT: Final = np.dtype([("day", "S11"), ("clock", "S9")])


def iso_utc(times: pa.Array) -> pa.Array:
    """Times, which are in UTC, in ISO 8601 with Z and in whole seconds; null stays null."""
    micro = times.cast(pa.timestamp("us", tz=times.type.tz)).cast(pa.int64())
    seconds = pc.fill_null(micro, 0).to_numpy(zero_copy_only=False) // 1_000_000
    days = seconds // _SECONDS
    known, first = _days(), int(_FIRST.astype(np.int64))
    if not seconds.size or int(days.min()) < first or int(days.max()) - first >= known.size:
        missing = pc.is_null(times).to_numpy(zero_copy_only=False)
        return pc.strftime(pa.array(seconds, pa.int64(), mask=missing).cast(pa.timestamp("s")), format=ISO_UTC)
    texts = np.empty(seconds.size, _TEXT)
    texts["day"] = known[days - first]
    texts["clock"] = _clock()[seconds - days * _SECONDS]
    ends = np.arange(seconds.size + 1, dtype=np.int32) * np.int32(_TEXT.itemsize)
    there = pc.is_valid(times).buffers()[1] if times.null_count else None
    return pa.StringArray.from_buffers(seconds.size, pa.py_buffer(ends), pa.py_buffer(texts), there, times.null_count)


@cache
def _days() -> NDArray[np.bytes_]:
    days = np.datetime_as_string(np.arange(_FIRST, _LAST))
    return np.char.add(days, "T").astype("S11")


@cache
def _clock() -> NDArray[np.bytes_]:
    return np.array([f"{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}Z" for s in range(_SECONDS)], "S9")
