"""What the queries of trends, standards, measures and feedback answer. Frozen, with units in their names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from portal.answers import Quantile, Share
from portal.answers_figures import Changed, Estimate

if TYPE_CHECKING:
    from portal.selection import Selection


@dataclass(frozen=True, slots=True)
class ControlMonth:
    """One month of a control chart: the value, and between what a month that is like those before lies.

    None where it is not known: a value of too few requests, or a calendar month that the first months say nothing of.
    """

    month: date
    value: float | None
    centre: float | None
    low: float | None
    high: float | None
    mark: str  # of portal.figures.control_chart: in_control, beyond, shift, unknown
    n: int  # requests that the value is of


@dataclass(frozen=True, slots=True)
class Shift:
    """A lasting change of level: its first month, and the new level over the former one (or less it, of shares)."""

    month: date
    size: float


@dataclass(frozen=True, slots=True)
class Control:
    """A control chart of a monthly series; `months` of the first ones set what is usual."""

    rows: tuple[ControlMonth, ...]
    shifts: tuple[Shift, ...]
    baseline: int
    runs: tuple[tuple[date, ...], ...] = ()  # of each shift: the months that tell how large it is


@dataclass(frozen=True, slots=True)
class AgesRow:
    """What was open at the end of a month, by how many months before it was asked for: positions of `AGES_MONTHS`."""

    month: date
    open: int
    ages: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DueMonth:
    """Requests of one month that have a standard, by what became of it."""

    month: date
    on_time: int
    late: int
    pending: int  # open, and not yet due
    young: bool  # so many are pending that the share of the others flatters

    @property
    def due(self) -> int:
        """Those that count in the share."""
        return self.on_time + self.late


@dataclass(frozen=True, slots=True)
class Target:
    """How long a service's requests have: hours from request to the due time, over the whole record.

    `low` and `high`: nine of ten due times lie between them; equal (nearly) where the standard is one number.
    """

    hours: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Standard:
    """One service in the register of standards, over the period; the months are those of the period and the year before."""

    service: str
    name: str
    target: Target | None
    requests: int
    no_standard: int
    pending: int
    open_late: int  # of the late ones, still open
    on_time: Share
    before: Share | None  # in the same months of the year before
    change: Changed | None  # of the share on time; None where the record does not reach back
    lateness: Quantile  # hours past the due time by which half of the late ones were closed
    late: int
    months: tuple[DueMonth, ...]


@dataclass(frozen=True, slots=True)
class Register:
    """The standards of the selected services: those that have one, most requests due first, and those that have none."""

    period: Selection
    before: Selection | None
    rows: tuple[Standard, ...]
    without: tuple[tuple[str, str, int], ...]  # service, name, requests
    total: Standard


@dataclass(frozen=True, slots=True)
class MeasureValue:
    """One period of a measure; the last day of it is the one before `end`."""

    start: date
    end: date
    value: float
    target: float | None
    responses: int | None

    def met(self, direction: str) -> bool | None:
        """Whether the target was reached; None where there is none, or no direction."""
        if self.target is None or direction not in ("higher", "lower"):
            return None
        return self.value >= self.target if direction == "higher" else self.value <= self.target


@dataclass(frozen=True, slots=True)
class Measure:
    """A periodic measure as it was reported, oldest first."""

    source: str
    measure: str
    department: str  # 'city': of the whole city
    name: str
    unit: str
    direction: str  # higher, lower or none is better
    values: tuple[MeasureValue, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """Answers of a department or channel: how many, and their mean with its 95% interval, 0 (worst) to 100 (best)."""

    key: str
    name: str
    responses: int
    mean: Estimate


@dataclass(frozen=True, slots=True)
class Feedback:
    """Satisfaction in a period of whole months (UTC)."""

    start: date
    end: date  # the first day not in it
    overall: Score
    departments: tuple[Score, ...]
    channels: tuple[Score, ...]
    months: tuple[tuple[date, Score], ...]  # of the whole record
