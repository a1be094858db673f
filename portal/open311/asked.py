"""What a query of GeoReport v2 asks for: numbers, or a condition and a page of it, bounded as the specification bounds it.

Charter: query parameters in, frozen values out; BadRequest, one line, for what cannot be read. No database, no HTTP.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from portal.errors import BadRequest
from portal.expressions import tree
from portal.outline import LARGEST_M

if TYPE_CHECKING:
    from portal.release import Release

DAYS: Final = 90
MOST_ROWS: Final = 1000
"""The specification's limits of an answer."""
SLACK: Final = timedelta(days=1)
"""Clients overlap their spans by a second, and count days across a change of the clock."""
MOST_NUMBERS: Final = 200
MOST_PAGES: Final = 1_000_000
LONGEST: Final = 200
MOST_CHARACTERS: Final = 20_000
STATUSES: Final = ("open", "closed")
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?", re.ASCII)

Given = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Span:
    """From one moment to another, both included (UTC, without a zone, as in the tables)."""

    first: datetime
    last: datetime


@dataclass(frozen=True)
class Wanted:
    """Which requests. `numbers` override all else, as the specification says."""

    numbers: tuple[str, ...] = ()
    requested: Span | None = None
    updated: Span | None = None
    services: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    around: tree.Around | None = None
    page: int = 1
    page_size: int = MOST_ROWS
    extensions: bool = False

    def condition(self) -> tree.Condition | None:
        """All that is asked of a request."""
        parts: list[tree.Condition] = []
        if self.requested:
            parts += _within("requested_datetime", self.requested)
        if self.updated:
            parts.append(_told_updated(self.updated))
        if self.services:
            parts.append(_one_of("service_code", self.services))
        if self.statuses and set(self.statuses) != set(STATUSES):
            parts.append(tree.Compare("=" if "closed" in self.statuses else "<>", _STATUS, _CLOSED))
        if self.around:
            parts.append(self.around)
        return tree.And(tuple(parts)) if parts else None


def read(given: Given, release: Release) -> Wanted:
    """What the parameters ask for; an empty parameter is one that is not given."""
    extensions = _last(given, "extensions").lower() in ("true", "1", "yes")
    numbers = _listed(given, "service_request_id")
    if len(numbers) > MOST_NUMBERS:
        raise BadRequest(f"service_request_id: at most {MOST_NUMBERS} at once, {len(numbers)} were given.")
    if numbers:
        return Wanted(numbers=numbers, extensions=extensions)
    as_of = _plain(release.as_of)
    updated = _span(given, "updated_after", "updated_before", as_of)
    requested = _span(given, "start_date", "end_date", as_of)
    if requested is None and updated is None:
        requested = Span(as_of - timedelta(days=DAYS), as_of)
    return Wanted(
        requested=requested,
        updated=updated,
        services=_services(given, release),
        statuses=_known(given, "status", STATUSES),
        around=_around(given, release),
        page=_whole(given, "page", 1, MOST_PAGES),
        page_size=_whole(given, "page_size", MOST_ROWS, MOST_ROWS),
        extensions=extensions,
    )


_STATUS: Final = tree.Column("status")
_CLOSED: Final = tree.Literal("closed")


def _within(column: str, span: Span) -> list[tree.Condition]:
    of = tree.Column(column)
    return [tree.Compare(">=", of, tree.Literal(span.first)), tree.Compare("<=", of, tree.Literal(span.last))]


def _told_updated(span: Span) -> tree.Condition:
    """Of the `updated_datetime` that is told (`portal.open311.told`): of a closed request the time of its closing."""
    known = tree.Not(tree.Null(tree.Column("closed_datetime")))
    closed = (tree.Compare("=", _STATUS, _CLOSED), known, *_within("closed_datetime", span))
    unknown = tree.Or((tree.Compare("<>", _STATUS, _CLOSED), tree.Null(tree.Column("closed_datetime"))))
    return tree.Or((tree.And(closed), tree.And((unknown, *_within("updated_datetime", span)))))


def _one_of(column: str, values: Sequence[str]) -> tree.Condition:
    return tree.OneOf(tree.Column(column), tuple(tree.Literal(value) for value in values))


def _last(given: Given, key: str) -> str:
    return next((value for value in reversed(given.get(key, ())) if value), "")


def _listed(given: Given, key: str) -> tuple[str, ...]:
    """Values that may be repeated, and delimited by commas."""
    found = {part.strip(): None for value in given.get(key, ()) for part in value.split(",") if part.strip()}
    for value in found:
        _sound(key, value)
    return tuple(found)


def _sound(key: str, value: str) -> None:
    if len(value) > LONGEST or "\0" in value:
        raise BadRequest(f"{key}: '{value[:40]}' is not a value that anything could have.")


def _known(given: Given, key: str, allowed: Sequence[str]) -> tuple[str, ...]:
    found = _listed(given, key)
    for value in found:
        if value not in allowed:
            raise BadRequest(f"{key}: there is no '{value[:40]}'; there are for example {', '.join(allowed[:8])}.")
    return found


def _services(given: Given, release: Release) -> tuple[str, ...]:
    """Codes of services; one with a comma in it is taken as it is."""
    allowed = list(release.allowed("service"))
    whole = [value for value in given.get("service_code", ()) if value in allowed]
    rest = {"service_code": [value for value in given.get("service_code", ()) if value not in allowed]}
    return tuple(dict.fromkeys([*whole, *_known(rest, "service_code", allowed)]))


def _whole(given: Given, key: str, default: int, most: int) -> int:
    text = _last(given, key)
    if not text:
        return default
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII) or not 1 <= int(text) <= most:
        raise BadRequest(f"{key}: '{text[:20]}' is not a whole number from 1 to {most}.")
    return int(text)


def _span(given: Given, first: str, last: str, as_of: datetime) -> Span | None:
    """90 days at most: where one end is given alone, those from it on or up to it."""
    start, end = _moment(given, first), _moment(given, last, ends=True)
    if start is None and end is None:
        return None
    try:
        if end is None and start is not None:
            end = start + timedelta(days=DAYS)
        elif start is None and end is not None:
            start = end - timedelta(days=DAYS)
    except OverflowError:
        start = end = as_of
    assert start is not None  # noqa: S101
    assert end is not None  # noqa: S101
    if start > end:
        raise BadRequest(f"{first} is after {last}.")
    if end - start > timedelta(days=DAYS) + SLACK:
        raise BadRequest(f"{first} and {last} may not span more than {DAYS} days.")
    return Span(start, end)


def _moment(given: Given, key: str, ends: bool = False) -> datetime | None:
    """A time of the W3C's note, UTC where it names no zone; a day alone is all of it."""
    text = _last(given, key)
    if not text:
        return None
    # In an address '+' is a blank, and many a client forgets to escape it.
    text = re.sub(r" (?=\d\d:?\d\d$)", "+", text.strip())
    try:
        if _DAY.fullmatch(text):
            day = datetime.fromisoformat(text)
            return day + timedelta(days=1, microseconds=-1) if ends else day
        if not _MOMENT.fullmatch(text):
            raise ValueError
        return _plain(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        raise BadRequest(f"{key}: '{text[:40]}' is not a time such as 2010-01-01T00:00:00Z.") from None


def _plain(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _around(given: Given, release: Release) -> tree.Around | None:
    """A circle: `lat`, `long`, and `radius` in metres, which several endpoints take."""
    texts = [_last(given, key) for key in ("lat", "long", "radius")]
    if not any(texts):
        return None
    if "lat" not in release.columns:
        raise BadRequest("lat: this city publishes no points.")
    if not all(texts):
        raise BadRequest("lat, long and radius (in metres) go together.")
    try:
        lat, long, radius = (float(text) for text in texts)
    except ValueError:
        lat = math.nan
    if not (math.isfinite(lat) and -90 <= lat <= 90 and -180 <= long <= 180 and 1 <= radius <= LARGEST_M):
        raise BadRequest(f"lat and long are degrees, radius is 1 to {LARGEST_M} metres.")
    return tree.Around("geometry", lat, long, round(radius))
