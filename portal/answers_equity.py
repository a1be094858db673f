"""What the queries of equity answer: response and reporting of areas beside who lives there. Frozen, units in the names."""

from __future__ import annotations

from dataclasses import dataclass

from portal.answers_figures import Estimate


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure of the areas of a layer, as the city supplies it."""

    layer: str
    measure: str
    title: str
    unit: str  # dollars, share (0…1), years or people
    year: int
    source: str
    license: str | None
    areas: int  # that have it


@dataclass(frozen=True, slots=True)
class EquityArea:
    """One area. `speed` and `late` are observed over expected given its mix of services, exact intervals."""

    area: str
    name: str
    value: float
    moe: float | None  # 90% margin, as the source states it
    residents: int | None
    fifth: int  # 1 has the lowest of the measure
    requests: int
    closings: int
    due: int  # that came due against a standard
    speed: Estimate  # closings: above 1 is faster than the same services elsewhere
    late: Estimate  # late requests: above 1 is more often late
    per_1000: Estimate  # requests for each 1,000 residents


@dataclass(frozen=True, slots=True)
class Fifth:
    """About a fifth of the residents, by the measure of their area; figures like those of EquityArea."""

    fifth: int
    low: float  # of the measure
    high: float
    areas: int
    residents: int | None
    requests: int
    closings: int
    due: int
    speed: Estimate
    late: Estimate
    late_share: Estimate  # 0…1, standardised: `late` times the share of all areas together
    per_1000: Estimate


@dataclass(frozen=True, slots=True)
class Contrast:
    """How a figure goes with the measure, within service type.

    `ratio`: the figure in areas at `high_value` of the measure over that in areas at `low_value`, from the slope.
    """

    figure: str  # speed, late or reports
    ratio: Estimate
    rank: Estimate  # Spearman's correlation of the areas' figures with the measure, -1…1
    between: float | None  # variance between areas, of the log, that neither chance nor the measure explains
    areas: int
    too_few: bool


@dataclass(frozen=True, slots=True)
class WithinService:
    """The contrast within one service; `closings` of it in areas with the measure."""

    key: str
    name: str
    requests: int
    closings: int
    speed: Estimate
    reports: Estimate


@dataclass(frozen=True, slots=True)
class Equity:
    """Areas of a layer beside one measure of who lives there."""

    measure: Measure
    low_value: float  # of the measure: where a tenth of the residents, from the lowest on, is reached
    high_value: float  # where nine tenths are
    logged: bool  # the slope is on the logarithm of the measure
    reliability: float | None  # share of the measure's variance that is no error of its survey; None: not told
    areas: tuple[EquityArea, ...]  # by ascending measure
    fifths: tuple[Fifth, ...]
    contrasts: tuple[Contrast, ...]
    services: tuple[WithinService, ...]  # the largest first
    requests: int  # in these areas
    elsewhere: int  # requests selected that are in none of them
    joined: int  # so many bins of waiting (each six of the 1% wide ones) are taken as one, in large cities
    unpeopled: int  # areas left out because next to nobody lives there
    too_few: bool  # areas, to say anything of an association
