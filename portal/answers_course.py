"""What became of requests as time went on: shares by time since they were made, with 95% bands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from portal.answers_figures import Estimate


@dataclass(frozen=True, slots=True)
class Mark:
    """So many days after they were made: the share that still waits, and of each outcome (they sum to 1).

    A share is None where nobody was watched for so long.
    """

    days: int
    waiting: Estimate
    outcomes: Mapping[str, Estimate]


@dataclass(frozen=True, slots=True)
class Course:
    """The course of the selected requests.

    `hours` and the shares closed by then are a curve to draw: `outcomes` sum to `closed`. `mean_hours` is the mean time
    to closing when whoever takes longer than `horizon_days` counts as that long (restricted mean).
    """

    n: int
    events: int
    hours: tuple[float, ...]
    closed: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    outcomes: Mapping[str, tuple[float, ...]]
    marks: tuple[Mark, ...]
    horizon_days: int
    mean_hours: Estimate
