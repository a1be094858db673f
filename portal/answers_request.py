"""What is asked of a single request: the request with all that the release says of it, and how similar ones went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from portal.answers import Quantile, RequestRow
from portal.selection import Selection


@dataclass(frozen=True, slots=True)
class Change:
    """A field of a request that changed between two readings of its source. Values are as the release tells them."""

    field: str
    old: str | datetime | None
    new: str | datetime | None
    first_seen: datetime  # UTC without zone
    cause: str  # source or configuration
    edit: str | None = None  # moved, removed or backdated: a time that was changed after the fact
    moved_hours: float | None = None


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another place that an address may mean."""

    address: str
    method: str | None
    score: float | None  # 0…1


@dataclass(frozen=True, slots=True)
class OneRequest:
    """A request with its history and the doubts about its place."""

    row: RequestRow
    agency: str | None
    notes: str | None  # the closing text, where the release publishes it
    target_hours: float | None  # the standard that the city states for the service
    closed: bool | None  # an event for response figures; None: its times contradict one another
    elapsed_minutes: int | None  # until closed, or until the release's as-of time
    changes: tuple[Change, ...] = ()  # oldest first
    alternatives: tuple[Alternative, ...] = ()
    likely: Mapping[str, tuple[tuple[str | None, float], ...]] = field(default_factory=dict)
    """Layer -> areas (None: outside of all) with their probabilities, likeliest first; only where that is in doubt."""


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A request that its source no longer has. Times are UTC without zone."""

    source: str
    service_request_id: str
    service_name: str | None
    requested: datetime | None
    withdrawn: datetime | None


@dataclass(frozen=True, slots=True)
class Point:
    """The share of requests that were closed by a time, 0…1, and its 95% band."""

    hours: float
    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Similar:
    """Earlier requests of the same service, and where one request stands among them."""

    basis: str  # season, area, recent or service: how alike they are
    selection: Selection  # which ones, exactly
    layer: str | None  # of the area that they share
    first: date  # day of the first of them
    last: date
    n: int
    events: int  # of them closed by the release's as-of time
    median: Quantile
    p90: Quantile
    sooner: (
        Point | None
    )  # closed sooner than this one, or by its age if it is open; None where nobody was seen for so long
    curve: tuple[Point, ...]  # the share closed after each of some moments, ascending
    told: tuple[Point, ...]  # the same at round times
    reach_hours: float  # for so long were they watched
