"""Classes of a map's colours read apart, wherever the values lie."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from portal.charts.map_classes import classes
from portal.text import duration_words


@given(st.floats(0.2, 50_000), st.lists(st.floats(0.5, 2), min_size=2, max_size=40))
def test_times_part_at_breaks_that_read_apart_and_hold_the_middle(middle: float, ratios: list[float]) -> None:
    found = classes([middle * ratio for ratio in ratios], duration_words, middle, "high", True)
    assert list(found.breaks) == sorted(set(found.breaks)) and len(found.breaks) == 4
    assert len({duration_words(at) for at in found.breaks}) == 4
    assert found.breaks[1] <= middle <= found.breaks[2], "the middle class holds what it parts at"
    again = classes([middle * ratio for ratio in ratios], duration_words, middle, "low", True)
    assert again.breaks == found.breaks and again.colours == found.colours[::-1]


@given(st.floats(0.05, 0.95), st.lists(st.floats(0, 1), min_size=2, max_size=40))
def test_shares_part_by_points(middle: float, values: list[float]) -> None:
    found = classes(values, lambda value: f"{value * 100:.0f}%", middle, "low", False)
    assert len({f"{at * 100:.0f}%" for at in found.breaks}) == 4
