"""Functions that a condition can call, by our own names: each language maps its own to them.

Charter: what a function takes and gives and its SQL; no tree is walked here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from portal.expressions import tree
from portal.expressions.fields import BadExpression, Kind


@dataclass(frozen=True)
class Function:
    """What a function takes and gives; `sql` has a `{}` for each argument."""

    takes: tuple[tuple[Kind, ...], ...]
    gives: Kind
    sql: str


_TIMED: Final[tuple[Kind, ...]] = ("time", "date")
FUNCTIONS: Final[Mapping[str, Function]] = {
    "lower": Function((("text",),), "text", "lower({})"),
    "upper": Function((("text",),), "text", "upper({})"),
    "length": Function((("text",),), "number", "length({})"),
    "starts_with": Function((("text",), ("text",)), "bool", "starts_with({}, {})"),
    "contains": Function((("text",), ("text",)), "bool", "contains({}, {})"),
    "without_accents": Function((("text",),), "text", "strip_accents({})"),
    "year_start": Function((_TIMED,), "time", "date_trunc('year', {})::TIMESTAMP"),
    "month_start": Function((_TIMED,), "time", "date_trunc('month', {})::TIMESTAMP"),
    "day_start": Function((_TIMED,), "time", "date_trunc('day', {})::TIMESTAMP"),
    "year_of": Function((_TIMED,), "number", "year({})"),
    "month_of": Function((_TIMED,), "number", "month({})"),
    "day_of": Function((_TIMED,), "number", "day({})"),
    "hour_of": Function((_TIMED,), "number", "hour({})"),
    "minute_of": Function((_TIMED,), "number", "minute({}::TIMESTAMP)"),
    "second_of": Function((_TIMED,), "number", "second({}::TIMESTAMP)"),
    "week_of": Function((_TIMED,), "number", "week({})"),
    "weekday_of": Function((_TIMED,), "number", "dayofweek({})"),
    "at_zone": Function((("time",), ("text",)), "time", "timezone({1}, timezone('UTC', {0}::TIMESTAMP))"),
}
"""Functions of the tree, by our own names: each language maps its own to them. `at_zone` tells a time (UTC) as clocks in a
zone showed it."""

_ZONE: Final = re.compile(r"UTC|[A-Z][A-Za-z]+(?:/[A-Z][A-Za-z_-]+){1,2}", re.ASCII)
"""Names of zones that both Python and DuckDB know."""


def zone_named(node: tree.Expression) -> str:
    """A zone that exists: the database fails at others."""
    zone = node.value if isinstance(node, tree.Literal) else None
    try:
        if not isinstance(zone, str) or not _ZONE.fullmatch(zone):
            raise ValueError
        return ZoneInfo(zone).key
    except (KeyError, ValueError, OSError):
        raise BadExpression("at_zone takes the name of a time zone, such as 'America/New_York'.") from None


_FROM: Final = datetime(2010, 1, 1, tzinfo=UTC)
_UNTIL: Final = datetime(2037, 1, 1, tzinfo=UTC)


def on_clocks(column: str, zone: str) -> str:
    """A column of times (UTC) as clocks of a zone showed them. Changes of the clocks are listed: a tenth of what DuckDB's own
    reckoning takes, which is left those before 2010 and from 2037 on."""
    cases = "".join(f" WHEN {column} >= TIMESTAMP '{since}' THEN {seconds}" for since, seconds in _changes(zone))
    return (
        f"CASE WHEN {column} < TIMESTAMP '{_FROM:%Y-%m-%d}' OR {column} >= TIMESTAMP '{_UNTIL:%Y-%m-%d}' "
        f"THEN timezone('{zone}', timezone('UTC', {column}::TIMESTAMP)) "
        f"ELSE {column}::TIMESTAMP + to_seconds(CASE{cases} END) END"
    )


@lru_cache(16)
def _changes(zone: str) -> tuple[tuple[str, int], ...]:
    """Since when (UTC) the clocks of a zone are so many seconds ahead, the newest first."""
    clocks = ZoneInfo(zone)

    def ahead(time: datetime) -> int:
        offset = time.astimezone(clocks).utcoffset()
        return int((offset or timedelta()).total_seconds())

    found, time = [(_FROM, ahead(_FROM))], _FROM
    while time < _UNTIL:
        low, high = time, time + timedelta(days=7)  # clocks change at most once a week
        time = high
        if ahead(high) == found[-1][1]:
            continue
        while high - low > timedelta(seconds=1):
            middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
            low, high = (middle, high) if ahead(middle) == found[-1][1] else (low, middle)
        found.append((high, ahead(high)))
    return tuple((f"{since:%Y-%m-%d %H:%M:%S}", seconds) for since, seconds in reversed(found))
