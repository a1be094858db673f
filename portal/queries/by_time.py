"""Where rows of requests are in the order of the time they were made at, however far down: found in the mapped columns.

Rows are counted by day, which tells the days that a page lies on; only rows of these are sorted. Orders that go on with
other columns after the time sort those rows in the database that share a time with some row of the page.

Charter: a selection, a direction and a stretch of the order in, places of rows out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from portal.asked import Test
from portal.queries.scans import kept_scans
from portal.release import Release
from portal.selection import Selection
from portal.tally import Ints, Rows

TIME = "requested_datetime"


@dataclass(frozen=True)
class Around:
    """Rows in the order of time: from `first` (counted from 0) on, the whole of each group of equal times that the
    stretch touches. Where times are equal rows come as they lie."""

    first: int
    places: Ints


def exact(release: Release) -> bool:
    """Whether days and whole seconds tell the order of times: none missing, no parts of a second, no day that overlaps
    another (as days of a clock that is put back at midnight do). Looked at once for a release."""

    def found() -> bool:
        (odd,) = release.query(
            f"""SELECT count(*) FROM requests WHERE {TIME} IS NULL OR requested_date IS NULL
                OR epoch_us({TIME}) % 1000000 <> 0 OR {TIME} < TIMESTAMP '1970-01-02'
                OR {TIME} > TIMESTAMP '2100-01-01'"""  # noqa: S608 - a name of ours
        )[0]
        (overlaps,) = release.query(
            f"""SELECT count(*) FROM (SELECT min({TIME}) <= lag(max({TIME})) OVER (ORDER BY requested_date) AS early
                FROM requests GROUP BY requested_date) WHERE early"""  # noqa: S608
        )[0]
        return not odd and not overlaps

    return bool(release.constants.get(("times in order",), found))


def around(release: Release, selection: Selection, descending: bool, start: int, stop: int) -> Around:
    """The stretch from `start` to `stop` of the selected rows in the order of their times, whole at both ends."""
    rows = release.chosen(selection)
    stop = min(stop, rows.n)
    if start >= stop:
        return Around(start, np.empty(0, np.int64))
    days, begins, ends = _days(release, rows, selection, descending)
    on_page = (ends > start) & (begins < stop)
    wanted = np.zeros(release.counting["requested_day"].size, bool)
    wanted[days[on_page]] = True
    places = rows.few([Test(release.counting["requested_day"], wanted)]).places()
    times = release.counting["requested_at"].read(places).astype(np.int64)
    times = -times if descending else times
    in_order = np.lexsort((places, times))
    places, times = places[in_order], times[in_order]
    first = int(begins[on_page][0])
    low = int(np.searchsorted(times, times[start - first], "left"))
    high = int(np.searchsorted(times, times[stop - 1 - first], "right"))
    return Around(first + low, places[low:high])


def _days(release: Release, rows: Rows, selection: Selection, descending: bool) -> tuple[Ints, Ints, Ints]:
    """Days in order, and where in the order of all rows each begins and ends."""

    def counted() -> tuple[Ints, Ints]:
        tally = rows.tally("requested_day")
        return tally.codes[0], tally.n

    # As the lists of pages keep it (portal.queries.ordered).
    codes, n = kept_scans(release, selection).get(("ordered", selection, "requested_day"), counted)
    in_order = np.argsort(-codes if descending else codes, kind="stable")
    ends = np.cumsum(n[in_order])
    return codes[in_order], ends - n[in_order], ends
