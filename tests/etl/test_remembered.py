"""Answers of the geocoder that are kept during a run: the same as if each address were looked up anew."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from etl.locating import Asked, Remembered
from geo.geocoding.model import Alternative, Located
from geo.geocoding.results import COLUMNS


def _look_up(keys: list[Asked]) -> Located:
    """A geocoder whose answer is told by the key alone."""
    numbers = np.array([int(text or 0) for text, _, _ in keys], dtype=np.float64)
    texts: Any = np.array([f"{text}/{zip_}" for text, zip_, _ in keys], dtype=object)
    ties = {i: (Alternative(f"not {n:g}", "block", 0.1, n, n),) for i, n in enumerate(numbers) if n % 2}
    return Located(
        method=(numbers % 9).astype(np.int8), score=numbers / 10, radius_m=numbers, lon=numbers, lat=-numbers,
        matched=texts, corrected=numbers > 4, zip=texts, alternatives=ties,
    )  # fmt: skip


@given(st.lists(st.lists(st.tuples(st.integers(0, 9).map(str), st.sampled_from(["", "02118"]), st.just("")), min_size=1)),
       st.integers(0, 6))  # fmt: skip
def test_what_is_remembered_is_what_was_found(chunks: list[list[Asked]], most: int) -> None:
    memory = Remembered(most)
    looked_up = 0
    for keys in chunks:
        missing = memory.missing(keys)
        assert len(missing) == len(set(missing))
        looked_up += len(missing)
        got = memory.answer(keys, missing, _look_up(missing) if missing else None)
        right = _look_up(keys)
        for name in COLUMNS:
            assert getattr(got, name).tolist() == getattr(right, name).tolist()
        assert got.alternatives == right.alternatives
    if most >= 6 and chunks and len({key for keys in chunks for key in keys}) <= most:
        assert looked_up == len({key for keys in chunks for key in keys})
