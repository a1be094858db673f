"""What requests say of one another: reports and incidents, repeats, closings worth a look; how readily people report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from portal.answers_figures import Estimate


@dataclass(frozen=True, slots=True)
class Linked:
    """Counts of the selected requests. `looked_at`: those whose place is known well enough to be held against others."""

    looked_at: int
    incidents: int  # things that were reported, of the requests looked at
    repeats: int  # asked for again within days of a closing, near the same place
    reopened: int
    flags: Mapping[str, int]  # fast, bulk, boilerplate: closings worth a look, never accusations
    flagged: int  # requests with one flag at least


@dataclass(frozen=True, slots=True)
class Reporting:
    """One area: further reports of things that were known, the days those were watched, and the rate beside the city's.

    `ratio` is to the city's rates of the same services a day, `per_thing` to those for each thing; `lasting` says how many
    times as long things were watched here as those of the same services; `relative` is to the area in the middle.
    """

    key: str
    name: str
    further: int
    days: float
    rate: Estimate  # reports a day of a thing that is known
    expected: float
    ratio: Estimate
    things: int
    per_thing: Estimate
    lasting: float
    relative: Estimate
