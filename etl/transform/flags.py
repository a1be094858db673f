"""Data-quality flags of a request, as bits while working and as text in the record.

Charter: the names of the flags and what each means. A flag never removes a
row; it says why a figure may leave it out.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

FLAGS = {
    "closed_before_requested": "The closing time is before the opening time; left out of response times.",
    "closed_without_time": "Closed, but the source gives no closing time; left out of response times.",
    "open_with_closed_time": "The status says open although a closing time is given; counted as open.",
    "unreadable_closed_datetime": "The closing time could not be read.",
    "unreadable_updated_datetime": "The time of the last update could not be read.",
    "unreadable_expected_datetime": "The due time could not be read.",
    "repeated_hour": "A clock time in the hour that daylight saving repeats; the first of the two was taken, "
    "or the second where the first would close the request before it was opened.",
    "skipped_hour": "A clock time in the hour that daylight saving skips; it was moved one hour forward.",
    "unmapped_status": "The source's status is not in the city's configuration.",
    "unmapped_channel": "The source's channel is not in the city's configuration.",
    "location_contradicts_address": "The source's point and its address lie farther apart than both can err; the point was kept.",
    "location_default_point": "The source's point is one that it writes where it does not know the place; it was kept.",
    "location_mistaken": "The source's point lies outside the city and would lie inside it if its coordinates were "
    "swapped, signed or read as metres; it was left alone.",
}
_BIT = {name: np.int64(1 << i) for i, name in enumerate(FLAGS)}


class FlagSet:
    """Bits for a chunk of rows."""

    def __init__(self, rows: int) -> None:
        """Start with no flag on any of `rows` rows."""
        self._bits = np.zeros(rows, dtype=np.int64)

    def mark(self, name: str, rows: NDArray[np.bool_]) -> None:
        """Set a flag on the rows of a mask."""
        self._bits |= np.where(rows, _BIT[name], np.int64(0))

    def text(self) -> pa.ChunkedArray:
        """The flags of each row joined by ';', null where there are none."""
        distinct, index = np.unique(self._bits, return_inverse=True)
        words = [";".join(n for n, bit in _BIT.items() if bits & bit) or None for bits in distinct]
        return pa.chunked_array([pa.array(words, pa.string()).take(pa.array(index))])
