"""Near me in a browser: the location button asks only when it is pressed, and tells nobody but the address bar."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

HERE = {"latitude": 42.3412345, "longitude": -71.1056789, "accuracy": 20}


@pytest.fixture
def asked(page: Any) -> Any:
    """Counts how often a page asks for the location."""
    page.add_init_script(
        """window.asked = 0;
        const honest = navigator.geolocation.getCurrentPosition.bind(navigator.geolocation);
        navigator.geolocation.getCurrentPosition = (...given) => { window.asked += 1; honest(...given); };
        navigator.geolocation.watchPosition = () => { window.asked += 100; };"""
    )
    return lambda: page.evaluate("() => window.asked")


def test_the_device_is_asked_only_at_a_press_and_the_place_is_rounded(
    visit: Callable[[str], Any], page: Any, site: str, asked: Callable[[], int]
) -> None:
    page.context.grant_permissions(["geolocation"], origin=site)
    page.context.set_geolocation(HERE)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url + (request.post_data or "")))
    visit("/")
    page.wait_for_timeout(300)
    assert asked() == 0
    page.get_by_role("button", name="Use my location").focus()
    page.keyboard.press("Enter")
    expect(page.locator("h2#near")).to_be_visible()
    assert asked() == 1
    assert "at=42.3412%2C-71.1057%2C28" in page.url
    expect(page.locator("h1")).to_have_text(re.compile("Near|42.3412"))
    assert not [url for url in sent if "42.34123" in url or "105678" in url], "no more digits than the address shows"
    kept = page.evaluate("() => JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    assert "42.3" not in kept


def test_on_the_map_it_marks_the_place_and_keeps_the_filters(visit: Callable[[str], Any], page: Any, site: str) -> None:
    page.context.grant_permissions(["geolocation"], origin=site)
    page.context.set_geolocation(HERE)
    visit("/map?status=open")
    page.get_by_role("button", name="Use my location").click()
    expect(page.locator("#marked")).to_be_focused()
    expect(page.locator("#near")).to_be_attached()
    assert "status=open" in page.url and "at=42.3412%2C-71.1057%2C28" in page.url


def test_who_does_not_allow_it_is_told_what_to_do(visit: Callable[[str], Any], page: Any) -> None:
    page.context.clear_permissions()
    visit("/places")
    page.get_by_role("button", name="Use my location").click()
    expect(page.locator(".locate-said")).to_contain_text("Type an address instead.")
    assert page.url.endswith("/places")


def test_the_radius_is_chosen_by_links(visit: Callable[[str], Any], page: Any) -> None:
    visit("/places?at=42.3412,-71.1057,28")
    counts = page.locator("#near ~ .plainly data").first
    before = counts.inner_text()
    page.get_by_role("link", name="1 km", exact=True).click()
    expect(page.get_by_role("navigation", name="How far around").locator("[aria-current]")).to_have_text("1 km")
    assert "radius=1000" in page.url
    assert int(counts.inner_text().replace(",", "")) > int(before.replace(",", ""))


def test_without_javascript_there_is_no_button_but_all_that_happens_near_an_address(browser: Any, site: str) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 800})
    page = context.new_page()
    page.goto(site + "/places?q=51+main+st")
    assert not page.get_by_role("button", name="Use my location").is_visible()
    page.get_by_role("link", name="250 m", exact=True).click()
    assert "radius=250" in page.url
    expect(page.locator("#near ~ .plainly")).to_contain_text("within 250 m of 51 Main St")
    context.close()
