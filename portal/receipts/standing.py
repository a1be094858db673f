"""Receipt of a request's standing: what share of similar ones was closed by a time."""

# ruff: noqa: S608 - texts for readers, never run by the portal

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Final

from portal.errors import BadRequest
from portal.queries.similar import ROUND_HOURS
from portal.receipts.model import Kind
from portal.receipts.parts import EXACT_MOMENTS, survival, waits
from portal.receipts.words import EXACT, ROWS, SHARE, TIMES
from portal.selection import Selection
from portal.text import N_

if TYPE_CHECKING:
    from portal.release import Release

_SURE = "0.025 ** (1 / waiting)"


def key_of(minutes: float) -> str:
    """The row of a time.

    >>> key_of(60), key_of(1619.5)
    ('60.0', '1619.5')
    """
    return f"{minutes:.1f}"


def closed_by(release: Release, selection: Selection, arguments: dict[str, str]) -> str:
    """The share closed by some round times, and by the one that is asked for (in minutes), a row each."""
    try:
        own = float(arguments["minutes"])
    except ValueError:
        own = float("nan")
    if not isfinite(own):
        raise BadRequest(f"minutes: '{arguments['minutes'][:20]}' is not a number of minutes such as 90.5.")
    times = sorted({own, *(hours * 60 for hours in ROUND_HOURS)})
    asked = ", ".join(f"('{key_of(minutes)}', {minutes!r}::DOUBLE)" for minutes in times)
    return f"""\
WITH {waits(release, selection)}, {EXACT_MOMENTS}, {survival()}, ends AS (
  SELECT band.minutes, still_open, waiting,
         CASE WHEN still_open >= 1 - 1e-12 THEN {_SURE} WHEN still_open <= 1e-12 THEN 0 ELSE exp(-exp(middle + margin)) END AS low,
         CASE WHEN still_open >= 1 - 1e-12 THEN 1 WHEN still_open > 1e-12 THEN exp(-exp(middle - margin)) END AS high
  FROM band JOIN at_risk ON at_risk.minutes = band.minutes
), steps AS (
  -- where nobody waits any more, and nobody has been seen to be closed yet, the band is exact for those who were watched
  SELECT minutes, still_open, low, coalesce(high, coalesce(lag(high) OVER (ORDER BY minutes), 1) * (1 - {_SURE})) AS high FROM ends
), whole AS (
  SELECT max(minutes) AS last, min(still_open) AS left_open, (SELECT {_SURE} FROM at_risk ORDER BY minutes LIMIT 1) AS sure FROM steps
), asked AS (
  SELECT * FROM (VALUES {asked}) AS asked(key, time)
)
SELECT key, CASE WHEN told THEN 1 - coalesce(still_open, 1) END AS share, CASE WHEN told THEN 1 - coalesce(high, 1) END AS share_low,
       CASE WHEN told THEN 1 - coalesce(low, sure) END AS share_high
FROM (SELECT asked.*, steps.*, sure, time <= last OR left_open <= 0 AS told
      FROM asked ASOF LEFT JOIN steps ON asked.time >= steps.minutes, whole)
ORDER BY time;"""


KINDS: Final = (
    Kind(
        "closed-by",
        N_("What share was closed by a time"),
        N_("The share of the selected requests that was closed within a time, open ones counted for as long as they have been watched (Kaplan–Meier, to the minute), with its 95% band on the log(-log) scale. Of one that is closed the share is taken just before its own time. Nothing is told of times that nobody was watched for."),  # noqa: E501
        (TIMES, ROWS),
        {"key": N_("minutes since the request"), "share": SHARE, "share_low": EXACT, "share_high": EXACT},
        closed_by,
        arguments=("minutes",),
        keyed=True,
    ),
)  # fmt: skip
"""The kinds of figures that these receipts are of."""
