"""Month by month on the map: tiles and figures of one month, the page as it was, until a month is taken over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import expect

from tests.browser.test_map import frame_of, painted

VALUES = "() => Object.values(window.openward_map.state.values).reduce((sum, row) => sum + row.requests, 0)"


def opened(visit: Callable[[str], Any], page: Any, path: str) -> Any:
    visit(path)
    frame = frame_of(page)
    assert painted(frame, "base")
    page.locator("iframe#map").scroll_into_view_if_needed()
    return frame


def test_a_month_narrows_tiles_and_the_page_only_when_it_is_taken_over(visit: Callable[[str], Any], page: Any) -> None:
    frame = opened(visit, page, "/map?from=2025-01-15&to=2025-04-10")
    before = page.url
    with page.expect_request(lambda request: "/requests/" in request.url and "from=2025-04-01" in request.url) as asked:
        frame.get_by_role("button", name="Month by month").click()
    assert parse_qs(urlsplit(asked.value.url).query)["to"] == ["2025-04-10"]
    slider = frame.get_by_role("slider", name="Month")
    expect(slider).to_have_attribute("aria-valuetext", "April 2025")
    slider.focus()
    page.keyboard.press("Home")
    expect(slider).to_have_attribute("aria-valuetext", "January 2025")
    page.keyboard.press("ArrowRight")
    expect(frame.locator(".ow-month")).to_have_text("February 2025")
    assert page.url == before
    frame.get_by_role("button", name="Use this month").click()
    page.wait_for_url("**from=2025-02-01&to=2025-02-28**")
    expect(frame.locator(".ow-panel")).to_be_hidden()


def test_the_months_add_up_to_the_whole(visit: Callable[[str], Any], page: Any) -> None:
    frame = opened(visit, page, "/map?figure=count&layer=district&from=2025-01-15&to=2025-04-10")
    frame.wait_for_function("() => window.openward_map.state.values")
    whole = frame.evaluate(VALUES)
    frame.get_by_role("button", name="Month by month").click()
    slider = frame.get_by_role("slider", name="Month")
    slider.focus()
    total = 0
    for key in ("Home", "ArrowRight", "ArrowRight", "ArrowRight"):
        with page.expect_response(lambda response: "/by/district" in response.url):
            page.keyboard.press(key)
        page.wait_for_timeout(300)
        total += frame.evaluate(VALUES)
    assert total == whole > 0
    frame.get_by_role("button", name="All months").click()
    expect(frame.get_by_role("button", name="Month by month")).to_be_focused()
    page.wait_for_timeout(500)
    assert frame.evaluate(VALUES) == whole


def test_playing_goes_on_by_itself_and_ends_with_the_last_month(visit: Callable[[str], Any], page: Any) -> None:
    frame = opened(visit, page, "/map?from=2025-01-15&to=2025-03-10")
    frame.get_by_role("button", name="Month by month").click()
    frame.get_by_role("button", name="Play the months").click()
    expect(frame.locator(".ow-month")).to_have_text("January 2025")
    expect(frame.get_by_role("button", name="Pause")).to_be_visible()
    expect(frame.locator(".ow-month")).to_have_text("March 2025")
    expect(frame.get_by_role("button", name="Play the months")).to_be_visible()
    expect(frame.locator(".ow-heard")).to_have_text("March 2025")


def test_who_wants_less_motion_goes_on_by_hand(visit: Callable[[str], Any], page: Any) -> None:
    page.emulate_media(reduced_motion="reduce")
    frame = opened(visit, page, "/map?from=2025-01-15&to=2025-03-10")
    frame.get_by_role("button", name="Month by month").click()
    frame.get_by_role("button", name="Next month").click()
    expect(frame.locator(".ow-heard")).to_have_text("January 2025")
    page.wait_for_timeout(2500)
    expect(frame.locator(".ow-month")).to_have_text("January 2025")
