"""Words that receipts share: what figures leave out, and what their columns are.

Charter: words marked for translation, and nothing else. What only one kind of figure says stands beside its SQL.
"""

from __future__ import annotations

from typing import Final

from portal.text import N_

TIMES = N_(
    "Requests whose times contradict one another (closed before they were made, or after the data was taken) are left out "
    "of times, and counted everywhere else."
)
ROWS = N_(
    "Rows that could not be trusted and rows that their source withdrew are in no figure; they are listed under Sources "
    "and runs."
)
NOT_DUE = N_("Requests without a standard, and those whose standard has not come due, are in neither number.")
VAGUE = N_(
    "Requests without a place, with one that is not published exactly, or one that is known only to a block or worse, are "
    "held against no other request."
)
UNTOLD = N_(
    "Requests that are closed, but of which nobody can say when (no time, or one that contradicts the others), are not in "
    "the backlog of any day."
)
HOURS = N_("hours; empty: not yet reached")
BAND = N_("end of the 95% band, hours")
DUE = N_("requests whose standard has come due: closed, or past it")
SHARE = N_("a share, 0 to 1")
SHARE_BAND = N_("end of its 95% interval (Wilson)")

EXACT = N_("end of its 95% interval")

COUNTS: Final = {
    "requests": N_("requests"),
    "open": N_("requests that are still open"),
    "closed": N_("requests that are closed"),
}
QUANTILES: Final = {
    "median_hours": HOURS, "median_low": BAND, "median_high": BAND,
    "p90_hours": HOURS, "p90_low": BAND, "p90_high": BAND,
}  # fmt: skip
ON_TIME: Final = {"on_time_share": SHARE, "on_time_share_low": SHARE_BAND, "on_time_share_high": SHARE_BAND}
DONE: Final = {"done_share": SHARE, "done_share_low": SHARE_BAND, "done_share_high": SHARE_BAND}
