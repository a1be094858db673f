"""Pages of any table in any order, each with the exact number of all rows: found in mapped columns where these tell them.

Charter: an ask and SQL of columns in, places and Arrow columns out, as `portal.queries.places` has them. Where mapped columns
tell the order a cursor is how many rows came before: a release never changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pyarrow as pa

from portal import cursors
from portal.errors import BadRequest
from portal.queries import stretched
from portal.queries.places import Places, columns_of, places
from portal.queries.tabled import MAX_ROWS, Ask, signed
from portal.release import Release

MOST_OFFSET: Final = 2**31 - 1
_COUNTED: Final = "t"
"""Marks a cursor that counts rows."""


def paged(release: Release, ask: Ask, columns: Sequence[str], limit: int, cursor: str = "", offset: int = 0) -> Places:
    """The next rows in order, with columns in SQL that the caller made; BadRequest for a cursor of something else."""
    if not 0 <= limit <= MAX_ROWS or not 0 <= offset <= MOST_OFFSET:
        raise BadRequest(f"limit must be 0 to {MAX_ROWS}, and offset 0 to {MOST_OFFSET}.")
    if cursor and offset:
        raise BadRequest("A page begins at a cursor or at an offset, not at both.")
    if stretched.told(release, ask):
        start = _read(release, ask, cursor) if cursor else offset
        at = stretched.stretch(release, ask, start, start + limit) if limit else []
        more = start + len(at) < total(release, ask) and bool(at)
        onward = cursors.written(signed(release, ask), _COUNTED, start + len(at)) if more else ""
        return Places(at, onward, columns_of(release, ask.table, at, columns))
    if not limit:
        return Places([], "", pa.table({}))
    return places(release, ask, limit, cursor, columns, offset)


def total(release: Release, ask: Ask) -> int:
    """How many rows there are in all."""
    return release.chosen(ask.selected(release)).n if stretched.told(release, ask) else ask.total(release)


def _read(release: Release, ask: Ask, cursor: str) -> int:
    told = cursors.read(cursor, signed(release, ask))
    start = told[1] if len(told) == 2 and told[0] == _COUNTED else None
    if not isinstance(start, int) or not 0 <= start <= MOST_OFFSET:
        raise cursors.refused()
    return start
