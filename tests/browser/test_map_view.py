"""The way from the map to a list and to data of just what it shows, and back."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
import shapely
from playwright.sync_api import expect

from portal.outline import Outline
from tests.browser.test_map import frame_of
from tests.browser.test_map_tools import opened, shown

TOOL = "What the map shows"


def within(address: str) -> Outline:
    return Outline.read(parse_qs(urlsplit(address).query)["within"][0])


def seen(frame: Any) -> tuple[float, float, float, float]:
    """West, south, east and north of what is in view."""
    return tuple(float(part) for part in frame.evaluate("() => map_openward.getBounds().toBBoxString()").split(","))  # type: ignore[return-value]


def test_the_list_holds_just_what_is_in_view_and_leads_back_with_the_keyboard_alone(
    visit: Callable[[str], Any], page: Any, site: str
) -> None:
    frame = opened(visit, page, "/map?status=open")
    frame.evaluate("() => map_openward.setZoom(map_openward.getZoom() + 2, { animate: false })")
    west, south, east, north = seen(frame)
    frame.get_by_role("button", name=TOOL).focus()
    page.keyboard.press("Enter")
    expect(frame.get_by_role("link", name="As a list")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/map/list?**within=**")
    expect(page.locator("h1")).to_be_focused()
    assert "status=open" in page.url
    assert within(page.url).polygon.bounds == pytest.approx((west, south, east, north), abs=1.1e-5)
    text = page.request.get(f"{site}/download/requests.csv?status=open").text()
    at = [(float(row["long"]), float(row["lat"])) for row in csv.DictReader(io.StringIO(text)) if row["lat"]]
    assert 0 < shown(page) == sum(west < x < east and south < y < north for x, y in at) < len(at)
    page.locator(".page-head a.onward, main a.onward").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/map\?.*within="))
    page.wait_for_selector("iframe#map")
    again = frame_of(page)
    expect(again.locator("path.ow-outline")).not_to_have_count(0)
    assert shapely.box(*seen(again)).covers(shapely.box(west, south, east, north).buffer(-1e-5))


def test_the_ways_follow_the_map_and_escape_closes_them(visit: Callable[[str], Any], page: Any) -> None:
    frame = opened(visit, page, "/map?figure=count&layer=district&lang=es")
    button = frame.locator(".ow-tools button").nth(3)
    button.click()
    lists, data = frame.locator(".ow-panel a").nth(0), frame.locator(".ow-panel a").nth(1)
    before = within(lists.get_attribute("href"))
    frame.evaluate("() => map_openward.panBy([120, 40], { animate: false })")
    after = within(lists.get_attribute("href"))
    assert after != before and after == within(data.get_attribute("href"))
    asked = parse_qs(urlsplit(lists.get_attribute("href")).query)
    assert (asked["figure"], asked["layer"], asked["lang"]) == (["count"], ["district"], ["es"])
    assert urlsplit(data.get_attribute("href")).path == "/data"
    page.keyboard.press("Escape")
    expect(frame.locator(".ow-panel")).to_be_hidden()
    expect(button).to_be_focused()


def test_an_outline_in_use_is_cut_to_what_is_in_view(visit: Callable[[str], Any], page: Any) -> None:
    """By random outlines: what is cut is what both enclose; where that falls into parts the outline stays whole."""
    frame = opened(visit, page)
    west, south, east, north = seen(frame)
    view = shapely.box(*(round(edge, 5) for edge in (west, south, east, north)))
    dice = np.random.default_rng(3)
    outlines = []
    while len(outlines) < 150:
        points = dice.uniform((west - 0.03, south - 0.03), (east + 0.03, north + 0.03), (dice.integers(3, 8), 2))
        ring = tuple((round(float(x) * 1e5), round(float(y) * 1e5)) for x, y in points)
        if shapely.Polygon(ring).is_valid:
            outlines.append(Outline(ring))
    answers = frame.evaluate(
        """texts => texts.map(text => {
            window.openward_map.state.filters = new URLSearchParams({ within: text }).toString();
            return window.openward_map.inViewNow();
        })""",
        [outline.text() for outline in outlines],
    )
    kinds = set()
    for outline, answer in zip(outlines, answers, strict=True):
        both = shapely.intersection(outline.polygon, view)
        if answer is None:
            kinds.add("none")
            assert both.area == pytest.approx(0, abs=1e-9)
        elif answer["whole"]:
            kinds.add("whole")
            assert answer["text"] == outline.text()
        else:
            kinds.add("cut")
            assert Outline.read(answer["text"]).polygon.area == pytest.approx(both.area, abs=2e-5 * both.length + 1e-9)
    assert kinds >= {"whole", "cut"}


def test_a_map_beyond_the_world_is_cut_to_it(visit: Callable[[str], Any], page: Any) -> None:
    frame = opened(visit, page)
    frame.evaluate("() => { map_openward.setMinZoom(0); map_openward.setView([0, 0], 0, { animate: false }); }")
    frame.get_by_role("button", name=TOOL).click()
    outline = within(frame.get_by_role("link", name="As a list").get_attribute("href"))
    x0, y0, x1, y1 = outline.polygon.bounds
    assert -180 <= x0 < x1 <= 180 and -85 <= y0 < y1 <= 85


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_open_tool_has_no_violation_that_axe_knows(
    visit: Callable[[str], Any], axe: Callable[..., list[str]], page: Any, theme: str
) -> None:
    page.emulate_media(color_scheme=theme)
    frame = opened(visit, page)
    frame.get_by_role("button", name=TOOL).click()
    expect(frame.locator(".ow-panel")).to_be_visible()
    page.wait_for_timeout(500)
    assert axe(page, best_practice=True) == []
