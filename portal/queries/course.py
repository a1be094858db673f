"""What became of requests as time went on: the survival curve, and the outcomes as competing risks."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from portal.answers_course import Course, Mark
from portal.figures.competing_risks import incidence, incidence_at
from portal.figures.kaplan_meier import curve, restricted_mean, survival_at
from portal.queries.estimates import estimate
from portal.queries.scans import OUTCOMES, bin_minutes, binned, counted, kept, wide_bins
from portal.release import Release
from portal.selection import Selection

MARKS_DAYS: Final = (1, 7, 30, 90, 180, 365)
HORIZON_DAYS: Final = 90
"""The restricted mean is told up to here: few services take longer, and nearly all requests of a year were watched so long."""
POINTS: Final = 160
"""A curve is drawn with at most so many points."""
FEWEST_WATCHED: Final = 20
"""The drawn curve ends where fewer are still watched: its steps would be chance."""
DAY: Final = 24 * 60.0


@kept
def course(release: Release, selection: Selection) -> Course:
    """Shares by time since the request was made; closings without a stated outcome count as 'unknown'."""
    b = binned(release, selection, counted(release, "outcome"))
    times, wide = bin_minutes(release), wide_bins(release)
    causes = np.zeros((len(OUTCOMES), times.size), np.int64)
    for key, events in zip(b.keys, b.events, strict=True):
        causes[OUTCOMES.index(key) if key in OUTCOMES else OUTCOMES.index("unknown")] += events
    censored = b.censored.sum(axis=0, dtype=np.int64)
    events = causes.sum(axis=0)
    used = int(np.flatnonzero(events + censored).max(initial=0)) + 1
    times, wide, causes, censored, events = times[:used], wide[:used], causes[:, :used], censored[:used], events[:used]
    at = np.array(MARKS_DAYS) * DAY
    waiting, ended = survival_at(times, events, censored, at, wide), incidence_at(times, causes, censored, at, wide)
    points = _points(events, censored)
    whole, shares = curve(events, censored), incidence(causes, censored, wide)
    return Course(
        n=int(events.sum() + censored.sum()),
        events=int(events.sum()),
        hours=_rounded(times[points] / 60),
        closed=_rounded(shares.share.sum(axis=0)[points]),
        low=_rounded(1 - whole.high[points]),
        high=_rounded(1 - whole.low[points]),
        outcomes={name: _rounded(shares.share[i][points]) for i, name in enumerate(OUTCOMES)},
        marks=tuple(
            Mark(days, estimate(waiting[i]), {name: estimate(ended[c, i]) for c, name in enumerate(OUTCOMES)})
            for i, days in enumerate(MARKS_DAYS)
        ),
        horizon_days=HORIZON_DAYS,
        mean_hours=estimate(restricted_mean(times, events, censored, HORIZON_DAYS * DAY, wide) / 60),
    )


def _points(events: NDArray[np.int64], censored: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which bins to draw: where something happened, while enough are watched, thinned out evenly in the share closed."""
    at_risk = np.cumsum((events + censored)[::-1])[::-1]
    happened = np.flatnonzero((events > 0) & (at_risk >= FEWEST_WATCHED))
    if happened.size <= POINTS:
        return happened
    return np.unique(happened[np.linspace(0, happened.size - 1, POINTS).astype(np.int64)])


def _rounded(values: NDArray[Any]) -> tuple[float, ...]:
    return tuple(float(v) for v in np.round(values, 6))
