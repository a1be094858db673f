"""Pages of a list of requests in some order, however far down: only the rows of the page are sorted and read.

Rows are first counted by a small column that follows the order (a service, a day, a span of time). Those counts tell which
of its values lie on the page; only rows of these are looked at closer.

Charter: an order and a page in, rows out. Rows that are equal in an order come as they lie in the release, so that pages
never overlap.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from portal.answers import Page, RequestRow
from portal.asked import Test
from portal.errors import BadRequest, BadSelection
from portal.queries.lists import rows_at
from portal.queries.scans import kept_scans
from portal.release import Release
from portal.selection import EVERYTHING, Selection
from portal.tally import Ints, Rows
from portal.text import natural

MAX_ROWS: Final = 1000
MAX_OFFSET: Final = 100_000
FEW_ROWS: Final = 40_000
"""So many rows are sorted at once; more are counted by their next column first."""


@dataclass(frozen=True)
class Key:
    """A column to sort by: `rank` gives each of its codes a place (the codes' own order without it)."""

    column: str
    descending: bool = False
    rank: Callable[[Release], Ints] | None = None
    small: bool = True  # few enough codes to be counted

    def order(self, release: Release, codes: NDArray[Any]) -> Ints:
        """Numbers that rise in this order."""
        found = codes.astype(np.int64) if self.rank is None else self.rank(release)[codes]
        return -found if self.descending else found


def _service_rank(release: Release) -> Ints:
    """By the services' names; those without one last."""
    codes, names = release.counting.labels("service_code"), release.allowed("service")
    named = sorted(range(1, len(codes)), key=lambda code: (natural(names.get(codes[code], codes[code])), codes[code]))
    rank = np.full(len(codes), len(codes), np.int64)
    rank[named] = np.arange(len(named))
    return rank


def _status_rank(release: Release) -> Ints:
    """Open before closed before what is neither."""
    places = {"open": 0, "closed": 1}
    return np.array([places.get(label, 2) for label in release.counting.labels("status")], np.int64)


_NEWEST = (Key("requested_day", descending=True), Key("requested_at", descending=True, small=False))
_OLDEST = (Key("requested_day"), Key("requested_at", small=False))
_TOOK = (Key("elapsed_code", descending=True), Key("elapsed_key", descending=True, small=False))
_STATUS = Key("status", rank=_status_rank)
ORDERS: Final[dict[str, tuple[Key, ...]]] = {
    "newest": _NEWEST,
    "oldest": _OLDEST,
    "longest": (_STATUS,),
    "service": (Key("service_code", rank=_service_rank), *_NEWEST),
    "status": (_STATUS, *_NEWEST),
}
"""Names of orders. `longest`: what is still open, the longest waiting first; then the closed that took longest."""
TOLD: Final = frozenset(
    (
        "source service_request_id service_code service_name status outcome requested_datetime response_hours address "
        "location_source geocode_radius_m location_precision nearest_address flags"
    ).split()
)
"""What a row of a list tells beside its areas: each column more takes a third of a millisecond."""
_LONGEST = (_OLDEST, _TOOK, _NEWEST)
"""How the open, the closed and the others are sorted in the order `longest`."""


def latest(release: Release, selection: Selection = EVERYTHING, limit: int = 25, offset: int = 0) -> list[RequestRow]:
    """The selected requests, newest first; at most 1,000 at once and the first 100,000 (then download them)."""
    if not (0 <= limit <= MAX_ROWS and 0 <= offset <= MAX_OFFSET):
        raise BadRequest(
            f"limit must be 0 to {MAX_ROWS} and offset 0 to {MAX_OFFSET}; "
            "for more, download the selection as a file: /download/requests.csv"
        )
    return rows_at(release, _part(release, release.chosen(selection), _NEWEST, offset, offset + limit))


def page(release: Release, selection: Selection = EVERYTHING, limit: int = 25, offset: int = 0) -> Page:
    """`latest` with the total."""
    rows = latest(release, selection, limit, offset)
    return Page(tuple(rows), release.chosen(selection).n, limit, offset)


def oldest(release: Release, selection: Selection, limit: int = 10) -> list[RequestRow]:
    """Selected requests that are still open, the longest waiting first."""
    if selection.status and "open" not in selection.status:
        return []
    return rows_at(release, _part(release, release.chosen(selection.replace(status=("open",))), _OLDEST, 0, limit))


def ordered(release: Release, selection: Selection, order: str, number: int, size: int) -> Page:
    """One page (`number` counts from 1) of the selected requests; a page after the last one is empty."""
    if order not in ORDERS:
        raise BadSelection("sort", order, list(ORDERS))
    rows = release.chosen(selection)
    start = (max(number, 1) - 1) * size
    stop = min(start + size, rows.n)
    found = np.empty(0, np.int64)
    if start < stop:
        first = ORDERS[order][0].column
        counts = kept_scans(release, selection).get(("ordered", selection, first), lambda: _counted(rows, first))
        made = _longest if order == "longest" else _slice
        found = made(release, rows, ORDERS[order], start, stop, counts)
    return Page(tuple(rows_at(release, found.tolist(), TOLD)), rows.n, size, start)


Counts = tuple[Ints, Ints]
"""Codes of a column, and how many rows have each."""


def _counted(rows: Rows, column: str) -> Counts:
    tally = rows.tally(column)
    return tally.codes[0], tally.n


def _part(release: Release, rows: Rows, keys: Sequence[Key], start: int, stop: int) -> list[int]:
    """`_slice`, as far as there are rows."""
    stop = min(stop, rows.n)
    return _slice(release, rows, keys, start, stop).tolist() if start < stop else []


def _slice(
    release: Release, rows: Rows, keys: Sequence[Key], start: int, stop: int, counts: Counts | None = None
) -> Ints:
    """Positions in the release of the rows from `start` to `stop` in the order of the keys."""
    if not keys[0].small or rows.n <= FEW_ROWS:
        places = rows.places()
        orders = [key.order(release, release.counting[key.column].read(places)) for key in keys]
        return places[np.lexsort((places, *reversed(orders)))][start:stop]
    codes, n = counts or _counted(rows, keys[0].column)
    in_order = np.argsort(keys[0].order(release, codes), kind="stable")
    codes, n = codes[in_order], n[in_order]
    ends = np.cumsum(n)
    begins = ends - n
    on_page = np.flatnonzero((ends > start) & (begins < stop))
    # Those in the middle are on the page as a whole, so they are few; the first and the last may be many.
    found = []
    for part in filter(len, (on_page[:1], on_page[1:-1], on_page[1:][-1:])):
        begin, end = int(begins[part[0]]), int(ends[part[-1]])
        wanted = np.zeros(release.counting[keys[0].column].size, bool)
        wanted[codes[part]] = True
        some = rows.that([Test(release.counting[keys[0].column], wanted)])
        low, high = max(start, begin) - begin, min(stop, end) - begin
        found.append(_slice(release, some, keys[1:] if part.size == 1 else keys, low, high))
    return np.concatenate(found)


def _longest(release: Release, rows: Rows, keys: Sequence[Key], start: int, stop: int, counts: Counts) -> Ints:
    """`_slice` of the order `longest`, whose keys differ from status to status."""
    codes, n = counts
    rank = keys[0].order(release, codes)
    found, begin = [np.empty(0, np.int64)], 0
    for place, keys_then in enumerate(_LONGEST):
        end = begin + int(n[rank == place].sum())
        low, high = max(start, begin), min(stop, end)
        if low < high:
            wanted = _status_rank(release) == place
            some = rows.that([Test(release.counting["status"], wanted)])
            found.append(_slice(release, some, keys_then, low - begin, high - begin))
        begin = end
    return np.concatenate(found)
