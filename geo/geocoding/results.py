"""Lists of results: joined, taken apart, filled in.

Charter: Located in, Located out; nothing is looked up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from geo.geocoding.model import Alternative, Located

COLUMNS: Final = ("method", "score", "radius_m", "lon", "lat", "matched", "corrected", "zip")


def nothing(count: int) -> Located:
    """So many entries that were not found: NaN coordinates and radius, score 0."""
    return Located(
        method=np.zeros(count, dtype=np.int8),
        score=np.zeros(count),
        radius_m=np.full(count, np.nan),
        lon=np.full(count, np.nan),
        lat=np.full(count, np.nan),
        matched=np.full(count, None, dtype=object),
        corrected=np.zeros(count, dtype=bool),
        zip=np.full(count, "", dtype=object),
    )


def joined(parts: Sequence[Located]) -> Located:
    """Results of parts of a list as those of the whole."""
    alternatives: dict[int, tuple[Alternative, ...]] = {}
    before = 0
    for part in parts:
        alternatives |= {row + before: others for row, others in part.alternatives.items()}
        before += len(part)
    whole = {name: np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS}
    return Located(**whole, alternatives=alternatives)


def taken(found: Located, at: NDArray[Any]) -> Located:
    """The entries at these positions, in their order."""
    ties: dict[int, tuple[Alternative, ...]] = {}
    if found.alternatives:
        ties = {i: found.alternatives[row] for i, row in enumerate(at.tolist()) if row in found.alternatives}
    return Located(**{name: getattr(found, name)[at] for name in COLUMNS}, alternatives=ties)


def filled(first: Located, second: Located, at: Sequence[int]) -> Located:
    """`first` with the entries of `second` at the positions `at`, which were not found in `first`."""
    parts: dict[str, Any] = {}
    for name in COLUMNS:
        values = getattr(first, name).copy()
        values[list(at)] = getattr(second, name)
        parts[name] = values
    moved = {at[i]: others for i, others in second.alternatives.items()}
    return Located(**parts, alternatives={**first.alternatives, **moved})
