"""Figures of areas on the map: their classes part at the value of all, which is the server's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.test_map import frame_of, painted

TOGETHER = "() => window.openward_map.state.classes.middle"
SHARES = {"on_time": "on_time_share", "done": "done_share"}


def answer(page: Any, site: str, path: str) -> Any:
    return page.request.get(f"{site}/api/v1/{path}").json()


@pytest.mark.parametrize("query", ["", "service=pothole", "from=2025-01-01"])
def test_classes_part_at_the_value_of_all_requests(
    visit: Callable[[str], Any], page: Any, site: str, query: str
) -> None:
    totals = answer(page, site, f"totals?{query}")["result"]
    times = answer(page, site, f"response?{query}")["result"]["quantiles"]
    expected = {
        "median": times["50"]["hours"], "p90": times["90"]["hours"], "open": totals["open"] / totals["requests"],
        **{key: totals[name]["share"] for key, name in SHARES.items()},
    }  # fmt: skip
    for figure, value in expected.items():
        visit(f"/map?figure={figure}&layer=district&{query}")
        frame = frame_of(page)
        assert painted(frame, "areas")
        frame.wait_for_function("() => window.openward_map.state.classes")
        assert frame.evaluate(TOGETHER) == pytest.approx(value), figure
        breaks = frame.evaluate("() => window.openward_map.state.classes.breaks")
        assert breaks == sorted(set(breaks)) and breaks[1] <= value <= breaks[2]
        expect(frame.locator(".ow-legend")).to_contain_text("All of these together")
        expect(frame.locator(".ow-legend")).to_contain_text("under 30 requests, too few to say")


def test_counts_have_a_sequence_of_classes_and_nothing_in_the_middle(visit: Callable[[str], Any], page: Any) -> None:
    visit("/map?figure=count&layer=district")
    frame = frame_of(page)
    assert painted(frame, "areas")
    assert frame.evaluate(TOGETHER) is None
    frame.locator(".ow-legend summary").click()
    expect(frame.locator(".ow-legend li").first).to_be_hidden()
