"""What the queries of honest figures answer: backlog, change, fair comparison. Frozen, with units in their names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from portal.answers import GroupRow, RequestRow, ResponseTime, Totals

if TYPE_CHECKING:
    from portal.selection import Selection


@dataclass(frozen=True, slots=True)
class Backlog:
    """What was open at the end of a local day, by how long it had waited: (days from, days to, requests)."""

    day: date
    open: int
    ages: tuple[tuple[int, int | None, int], ...]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95% interval; None where it is not known or not reached."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Late:
    """Requests closed late (or open past due) of those that came due, beside what the city's pace leads one to expect.

    Shares are 0…1. `expected` counts what would be late if each service were as often late here as in the whole city;
    `mix` is the part of the gap to the city's share that the mix of services explains, `rest` the other part.
    """

    observed: int
    n: int
    expected: float
    ratio: Estimate  # observed / expected
    raw: Estimate
    city: float | None
    adjusted: Estimate
    mix: float | None
    rest: float | None
    position: int  # in the funnel: -2, -1 below its 99.8% and 95% limits, 0 inside, 1, 2 above
    too_few: bool


@dataclass(frozen=True, slots=True)
class Times:
    """Response times beside those of the same services in the city; hours. `mix_share`: the part of the gap between raw
    and city median that the mix of services explains (above 1: better than it looks; below 0: worse)."""

    n: int
    observed: int  # closings
    expected: float  # closings, had each service been closed here at the city's pace
    speed: Estimate  # observed / expected: above 1 is faster
    time_ratio: Estimate  # how many times as long as the same services take in the rest of the city
    raw_median: float | None
    city_median: float | None
    adjusted_median: Estimate  # if this area asked for what the city asks for
    mix_share: float | None
    position: int
    too_few: bool


@dataclass(frozen=True, slots=True)
class Compared:
    """One area, or department, beside the whole city."""

    key: str
    name: str
    late: Late
    times: Times


@dataclass(frozen=True, slots=True)
class Comparison:
    """All areas of a layer (or departments) beside the city. phi above 1: they vary more than chance explains, and the
    positions are against limits that are widened by it."""

    rows: tuple[Compared, ...]
    late_phi: float
    times_phi: float


@dataclass(frozen=True, slots=True)
class Changed:
    """A figure now, before, and what lies between: ratio now / before and difference, each with its 95% interval.

    `months`: how many were compared; `compared`: their first days, where they are known.
    """

    now: Estimate
    before: Estimate
    difference: Estimate
    ratio: Estimate
    months: int
    compared: tuple[date, ...] = ()


@dataclass(frozen=True, slots=True)
class YearAgo:
    """A period beside the same months a year earlier; None where the record does not reach back."""

    requests: Changed  # per day
    late: Changed  # a share
    median: Changed  # hours


@dataclass(frozen=True, slots=True)
class Shifted:
    """One group's requests in a quarter beside the quarter before; the ratio with its 99.8% interval.

    `year_ago`: in the same quarter of the year before, None where the record does not reach back.
    """

    key: str
    name: str
    now: int
    before: int
    year_ago: int | None
    ratio: Estimate


@dataclass(frozen=True)
class Report:
    """`base` selects the city in the report's period, `here` the place in it, `ever` the place at any time."""

    dimension: str
    key: str
    base: Selection
    here: Selection
    ever: Selection
    totals: Totals
    city: Totals
    response: ResponseTime
    city_response: ResponseTime
    compared: Compared | None
    late_phi: float
    year_ago: YearAgo | None
    backlog: Backlog
    backlog_before: Backlog
    oldest: list[RequestRow]
    services: list[GroupRow]
    city_services: dict[str, GroupRow]
    departments: list[GroupRow]
    shifted: list[Shifted]
