# ruff: noqa: S608 - names come from the release's own tables, every value is a parameter
"""What the mapped columns tell of the published fields of requests, and how exactly: looked at once for a release.

Charter: a release in, the fields that a column stands for out. What is asked of them is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from portal.columns import Column, Columns
from portal.expressions.fields import Fields
from portal.selection import quoted

if TYPE_CHECKING:
    from portal.release import Release

TIMES: Final = {"requested_datetime": "requested_at", "closed_datetime": "closed_at"}
"""Times of requests, and the columns of their seconds."""
DAY: Final = "requested_date"
HOURS: Final = "response_hours"
MOST_VALUES: Final = 40_000
"""Values of a column that something is worked out for one by one: a century of days."""
CODE: Final = '"#code"'
_FIRST, _LAST = "TIMESTAMP '1970-01-02'", "TIMESTAMP '2100-01-01'"

Query = Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]


@dataclass(frozen=True)
class Known:
    """What the mapped columns tell of a release: which times are whole seconds, whether days are days since 1970, and what
    hours of response are of seconds (None where they are something else)."""

    columns: Columns
    fields: Fields
    query: Query
    table: Callable[[str, Sequence[Any]], pa.Table]
    times: frozenset[str]
    day: bool
    hours: Callable[[int], float] | None

    def told(self, name: str) -> Column | None:
        """The mapped column whose codes tell a field: one of labels, or of days; None where there is none."""
        if name == DAY:
            found = self.columns["requested_day"] if self.day else None
        else:
            found = self.columns[name] if name in self.fields and self.columns.labelled(name) else None
        return found if found is not None and found.size <= MOST_VALUES else None

    def first(self, name: str) -> int:
        """The first second of a time; 0 where there is none."""
        return self._firsts[name]

    @cached_property
    def _firsts(self) -> dict[str, int]:
        columns = {name: self.columns[TIMES[name]].codes for name in self.times}
        return {name: int(np.min(codes, where=codes > 0, initial=2**32 - 1)) for name, codes in columns.items()}

    def values(self, name: str) -> tuple[str, list[Any]]:
        """SQL of what the codes of such a column stand for, with their number, from 0 on, as CODE."""
        column = quoted(name)
        if name == DAY:
            day = f"CASE WHEN {CODE} > 0 THEN DATE '1970-01-01' + {CODE}::INTEGER END AS {column}"
            return f"SELECT {day}, {CODE} FROM range(0, ?) AS codes({CODE})", [self.columns["requested_day"].size]
        labels = list(self.columns.labels(name))
        return f"SELECT unnest(?::VARCHAR[]) AS {column}, unnest(range(0, ?)) AS {CODE}", [labels, len(labels)]


def known(release: Release, fields: Fields) -> Known:
    """What is known of a release, whose published fields these are."""
    parts = {name: _odd_times(name) for name in TIMES if name in fields}
    parts |= {DAY: f"{DAY} < DATE '1970-01-02' OR {DAY} > DATE '2070-01-01'"} if DAY in fields else {}
    if HOURS in fields and "closed_datetime" in parts:
        seconds = "(epoch_us(closed_datetime) - epoch_us(requested_datetime)) / 3600000000"
        # Those that have hours are those whose time of response is an event.
        parts["misplaced"] = f"({HOURS} IS NOT NULL) <> (coalesce(elapsed_key % 2, 0) = 1) OR {HOURS} < 0"
        parts["not rounded"] = f"{HOURS} <> {seconds}"
        parts["rounded"] = f"{HOURS} <> round({seconds}, 4)"
    told = ", ".join(f"count(*) FILTER ({part})" for part in parts.values())
    odd = dict(zip(parts, release.query(f"SELECT {told} FROM requests")[0] if parts else (), strict=True))
    times = frozenset(name for name in TIMES if odd.get(name) == 0)
    hours: Callable[[int], float] | None = None
    if odd.get("misplaced") == 0 and times == set(TIMES):
        hours = _plain if odd["not rounded"] == 0 else _rounded if odd["rounded"] == 0 else None
    return Known(release.counting, fields, release.query, release.table, times, odd.get(DAY) == 0, hours)


def _odd_times(name: str) -> str:
    return f"epoch_us({name}) % 1000000 <> 0 OR {name} < {_FIRST} OR {name} > {_LAST}"


def _plain(seconds: int) -> float:
    return seconds / 3600


def _rounded(seconds: int) -> float:
    return round(seconds / 3600, 4)
