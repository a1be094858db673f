"""How long a new request should take, and how well such forecasts have held."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from portal.answers_figures import Estimate


@dataclass(frozen=True, slots=True)
class Held:
    """Of the requests made in a month (or in several), the share closed within their stated times of half and of 9 in 10.

    None where nobody has been followed as far as the forecast. `forecasts`: requests that there was a forecast for.
    """

    month: date | None  # None: all months together
    requests: int
    forecasts: int
    half: Estimate
    most: Estimate


@dataclass(frozen=True, slots=True)
class Calibration:
    """Forecasts of past months, made of what was known on each month's first day, held against what came.

    `factors`: by what a forecast made now is multiplied, from the last three months' drift: (half, 9 in 10).
    """

    months: tuple[Held, ...]
    pooled: Held | None
    factors: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Forecast:
    """A new request of a service: half are closed within `half_hours`, 9 of 10 within `most_hours`; None: not reached.

    `basis` is the group that it rests on: season (same area, the same season a year before), area (same area, the last
    twelve months), recent (the whole city, the last twelve months) or service (all of them). They are `requests`, of
    which `events` are closed, made in `area` of `layer` (None: in the whole city) from `first` to `last` (None: from
    the first to the last of the record). It is for a request made in `month` (its first day): that in which the data was
    taken or, where the record ends before, the one after its last.
    """

    half_hours: float | None
    most_hours: float | None
    basis: str
    requests: int
    events: int
    service: str
    layer: str | None
    area: str | None
    first: date | None
    last: date | None
    month: date
