"""The list twin in a browser, and the way of someone who has only a keyboard, or no JavaScript."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

MOST_KEYS = 200
NAME = (
    "() => { const n = document.activeElement; return n.getAttribute('aria-label') || n.textContent.trim() || n.id; }"
)


def tab_to(page: Any, wanted: str, back: bool = False) -> None:
    """Press Tab until something is focused whose words or id match; each stop can be seen."""
    for _ in range(MOST_KEYS):
        page.keyboard.press("Shift+Tab" if back else "Tab")
        seen = page.evaluate(
            "() => { const box = document.activeElement.getBoundingClientRect(); return box.width > 0 && box.height > 0; }"
        )
        assert seen, "the focus is nowhere to be seen"
        names = [page.evaluate(NAME), page.evaluate("() => document.activeElement.id")]
        if any(re.fullmatch(wanted, " ".join(name.split())) for name in names):
            return
    raise AssertionError(f"no Tab leads to {wanted}")


def shown(page: Any) -> int:
    return int(re.sub(r"\D", "", page.locator(".filter-count").inner_text()))


def test_with_keys_alone_from_an_address_to_a_request_and_its_data(
    visit: Callable[[str], Any], page: Any, tmp_path: Path
) -> None:
    page.emulate_media(reduced_motion="reduce")
    visit("/map")

    tab_to(page, "place-q")  # find an address
    page.keyboard.type("51 main", delay=15)
    expect(page.locator(".address-field [role=option]").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#marked")).to_be_focused()
    expect(page.locator("#marked")).to_contain_text("51 Main St")

    tab_to(page, "filter-summary", back=True)  # filter
    before = shown(page)
    if page.locator(".filters").get_attribute("open") is None:
        page.keyboard.press("Enter")
    tab_to(page, "filter-service")
    page.keyboard.type("Pothole")
    tab_to(page, "Apply filters")
    page.keyboard.press("Enter")
    expect(page.locator(".chip")).to_have_count(1)
    assert 0 < shown(page) < before
    total = shown(page)

    tab_to(page, "as-list")  # the same as a list
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("The map as a list")
    expect(page.locator("#title")).to_be_focused()
    assert shown(page) == total
    tab_to(page, "Asked for.*")
    page.keyboard.press("Enter")
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("Asked for")
    expect(page.locator("#list")).to_be_focused()

    tab_to(page, "Pothole repair R.*")  # open a request
    number = page.evaluate("() => document.activeElement.querySelector('.hint').textContent")
    page.keyboard.press("Enter")
    expect(page.locator(".kicker").first).to_contain_text(number)

    page.go_back()  # and take the data
    page.wait_for_selector("#site > .site")
    expect(page.locator("#map-list-caption")).to_be_visible()
    page.locator("#list").focus()
    tab_to(page, "Download all of them")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Data")
    tab_to(page, "Download CSV.*")
    with page.expect_download() as taken:
        page.keyboard.press("Enter")
    file = tmp_path / "requests.csv"
    taken.value.save_as(file)
    with file.open(newline="", encoding="utf-8") as text:
        rows = list(csv.DictReader(text))
    assert len(rows) == total
    assert number in [row["service_request_id"] for row in rows]


def test_the_list_works_without_javascript(browser: Any, site: str) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(site + "/map")
    page.locator("#as-list").click()
    total = shown(page)
    page.locator(".filters > summary").click()
    page.locator("#filter-service").select_option("pothole")
    page.get_by_role("button", name="Apply filters").click()
    assert page.url.startswith(site + "/map/list?") and "service=pothole" in page.url
    assert 0 < shown(page) < total
    page.get_by_role("link", name=re.compile("^How long")).last.click()
    expect(page.locator("th[aria-sort]")).to_contain_text("How long")
    assert "sort=longest" in page.url and "service=pothole" in page.url
    first = page.locator(".map-list tbody th").first.inner_text()
    page.get_by_role("link", name="Next page").click()
    assert "page=2" in page.url and page.locator(".map-list tbody th").first.inner_text() != first
    page.get_by_role("link", name="First page").click()
    assert page.locator(".map-list tbody th").first.inner_text() == first
    page.locator(".map-list tbody a").first.click()
    assert "/requests/" in page.url
    page.go_back()
    page.get_by_role("link", name="On the map").click()
    assert "service=pothole" in page.url and page.locator("h1").inner_text() == "Map"
    context.close()


def test_pages_bring_the_reader_to_the_top_of_the_list(visit: Callable[[str], Any], page: Any) -> None:
    visit("/map/list")
    page.evaluate("() => { window.same = true; }")
    page.get_by_role("link", name="Next page").click()
    expect(page.locator("#map-list-caption")).to_contain_text("26 to 50 of")
    expect(page.locator("#list")).to_be_focused()
    assert page.evaluate("() => document.getElementById('list').getBoundingClientRect().top >= 0")
    assert page.evaluate("() => window.same"), "the page was not loaded again"


@pytest.mark.parametrize("width", [360, 1280])
def test_there_is_one_way_to_sort_at_every_width(visit: Callable[[str], Any], page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    visit("/map/list?sort=service")
    heads, orders = page.locator("thead .sorts").first, page.get_by_role("navigation", name="Order")
    assert heads.is_visible() == (width > 640)
    assert orders.is_visible() == (width <= 640)
    if width <= 640:
        expect(orders.locator("[aria-current]")).to_have_text("By service")
