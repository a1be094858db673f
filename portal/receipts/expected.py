"""Receipts of expected times: how long a request like the selected ones should take."""

# ruff: noqa: S608 - texts for readers, never run by the portal

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from portal.queries.expected import calibration
from portal.receipts.model import Kind
from portal.receipts.parts import BINS, binned_moments, survival, waits
from portal.receipts.words import HOURS, ROWS, TIMES
from portal.selection import Selection
from portal.text import N_

if TYPE_CHECKING:
    from portal.release import Release


def _reached(share: float) -> str:
    """The level is a little above the share, so that a next request is within the time with that chance."""
    return f"min(minutes) FILTER (still_open <= 1 - {share!r} * (n + 1) / n + 1e-12) / 60"


def expected(release: Release, selection: Selection, arguments: dict[str, str]) -> str:
    """Times within which half and 9 in 10 of the next requests like the selected ones are closed, as one row."""
    del arguments
    held = calibration(release)
    half, most = held.factors if held else (1.0, 1.0)
    return f"""\
WITH RECURSIVE {waits(release, selection)}, {BINS}, {binned_moments()}, {survival()}, counted AS (
  SELECT count(*)::DOUBLE AS n, count(*) FILTER (closed)::DOUBLE AS events FROM waits
), plain AS (
  SELECT any_value(n) AS n, any_value(events) AS events, {_reached(0.5)} AS half,
         {_reached(0.9)} AS most
  FROM curve CROSS JOIN counted
), factors AS (
  -- by what the forecasts of the last three months would have to be multiplied to have held
  SELECT {half!r}::DOUBLE AS half_factor, {most!r}::DOUBLE AS most_factor
)
SELECT n, events, half AS half_plain_hours, most AS most_plain_hours, half_factor, most_factor,
       half * half_factor AS half_hours,
       CASE WHEN most IS NOT NULL THEN greatest(most * most_factor, coalesce(half * half_factor, 0)) END AS most_hours
FROM plain CROSS JOIN factors;"""


KINDS: Final = (
    Kind(
        "expected",
        N_("How long a request that is made now should take"),
        N_("The time within which half, and 9 in 10, of the next requests like the selected ones are closed: Kaplan–Meier with open requests counted, in bins 1% wide, at a level a little above the share, so that a next one is within it with that chance. Both are then multiplied by a factor: what the forecasts of the last three months would have needed to hold. The factors stand in the query as they were worked out of the whole record; the page of methods says how."),  # noqa: E501
        (TIMES, ROWS),
        {
            "n": N_("requests with times"), "events": N_("of them closed"),
            "half_plain_hours": N_("hours for half, before the factor; empty: not yet reached"),
            "most_plain_hours": N_("hours for 9 in 10, before the factor; empty: not yet reached"),
            "half_factor": N_("the factor for half"), "most_factor": N_("the factor for 9 in 10"),
            "half_hours": HOURS, "most_hours": HOURS,
        },
        expected,
    ),
)  # fmt: skip
