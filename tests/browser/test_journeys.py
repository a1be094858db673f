"""What people do: filter, go back, use the keyboard, choose colours and language, do without JavaScript."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect


def focused(page: Any) -> str:
    return str(page.evaluate("() => document.activeElement.id || document.activeElement.textContent.trim()"))


def test_a_link_changes_the_page_without_loading_it_and_moves_the_focus(
    visit: Callable[[str], Any], page: Any, site: str
) -> None:
    visit("/")
    page.evaluate("() => { window.same = true; }")
    page.get_by_role("link", name="Trends", exact=True).click()
    expect(page.locator("h1")).to_have_text("Trends")
    expect(page).to_have_title(re.compile("^Trends"))
    assert page.url == site + "/trends"
    assert page.evaluate("() => window.same")
    assert focused(page) == "title"
    expect(page.get_by_role("navigation", name="Main").locator("[aria-current]")).to_have_text("Trends")


def test_filters_change_address_and_content_and_can_be_taken_back(visit: Callable[[str], Any], page: Any) -> None:
    visit("/areas")
    before = page.locator(".filter-count").inner_text()
    page.locator(".filters > summary").click()
    page.select_option("#filter-service", "pothole")
    page.fill("#filter-from", "2024-01-01")
    page.get_by_role("button", name="Apply filters").click()
    expect(page.locator(".chip")).to_have_count(2)
    assert page.url.endswith("/areas/district?from=2024-01-01&service=pothole") or "service=pothole" in page.url
    after = page.locator(".filter-count").inner_text()
    assert after != before
    expect(page.locator("[role=status]").first).to_have_text(after)
    assert focused(page) == "Apply filters"

    page.get_by_role("link", name="Remove filter: Service: Pothole repair").click()
    expect(page.locator(".chip")).to_have_count(1)
    assert focused(page) == "filters"
    assert page.locator("#filter-service").input_value() == ""

    page.go_back()
    expect(page.locator(".chip")).to_have_count(2)
    expect(page.locator(".filter-count")).to_have_text(after)
    assert page.locator("#filter-service").input_value() == "pothole"
    page.go_back()
    expect(page.locator(".filter-count")).to_have_text(before)


def test_an_address_with_filters_opens_the_same_page_again(visit: Callable[[str], Any], page: Any) -> None:
    visit("/trends?department=parks&by=district")
    expect(page.locator(".chip")).to_have_text(re.compile("Parks & Recreation"))
    assert page.locator("#by").input_value() == "district"
    assert page.locator("#filter-department").input_value() == "parks"


def test_the_keyboard_alone_reaches_content_navigation_and_form(visit: Callable[[str], Any], page: Any) -> None:
    visit("/areas")
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the main content"
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.id") == "main"
    for _ in range(4):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.tagName") == "SUMMARY":
            break
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert focused(page) == "filter-service"
    page.keyboard.press("p")
    while focused(page) != "Apply filters":
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".chip")).to_have_count(1)


def test_colours_follow_the_readers_choice_and_stay(visit: Callable[[str], Any], page: Any) -> None:
    page.emulate_media(color_scheme="light")
    visit("/")
    paper = "() => getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    page.get_by_role("button", name="Dark").click()
    dark = page.evaluate(paper)
    assert dark != light
    visit("/methods")
    assert page.evaluate(paper) == dark
    expect(page.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Automatic").click()
    assert page.evaluate(paper) == light


def test_the_language_is_kept_from_page_to_page(visit: Callable[[str], Any], page: Any) -> None:
    visit("/trends?department=parks")
    page.get_by_role("link", name="Español").click()
    expect(page.locator("html")).to_have_attribute("lang", "es")
    assert "department=parks" in page.url and "lang=es" in page.url
    page.get_by_role("navigation").first.get_by_role("link").nth(1).click()
    expect(page.locator("h1")).to_have_text("Mapa")
    page.get_by_role("link", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_without_javascript_everything_can_be_read_and_filtered(browser: Any, site: str) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 800})
    page = context.new_page()
    page.goto(site + "/trends")
    assert page.locator("h1").inner_text() == "Trends"
    assert page.locator(".chart svg.narrow").first.is_visible()
    page.locator(".filters > summary").click()
    page.locator("#filter-department").select_option("parks")
    page.get_by_role("button", name="Apply filters").click()
    assert "department=parks" in page.url
    assert "Parks & Recreation" in page.locator(".chip").inner_text()
    page.get_by_role("link", name="Areas", exact=True).click()
    assert page.locator("h1").inner_text() == "Districts"
    assert page.get_by_role("table", name="In the order of their names", exact=True).is_visible()
    context.close()


def test_what_was_typed_before_the_page_was_ready_is_kept(browser: Any, site: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    held: list[Any] = []

    def hold(route: Any) -> None:
        held.append(route)

    page.route("**/_dash-update-component**", hold)
    page.goto(site + "/areas", wait_until="domcontentloaded")
    page.locator(".filters > summary").click()
    page.locator("#filter-service").select_option("pothole")
    page.locator("#filter-service").focus()
    for _ in range(100):
        if held:
            break
        page.wait_for_timeout(50)
    held[0].continue_()
    page.wait_for_selector("#site > .site")
    assert page.locator("#first-answer").count() == 0
    assert page.locator("#filter-service").input_value() == "pothole"
    assert focused(page) == "filter-service"
    assert page.locator(".filters").get_attribute("open") is not None
    context.close()


def test_the_overview_is_light(page: Any, site: str) -> None:
    received = 0

    def count(event: dict[str, Any]) -> None:
        nonlocal received
        received += int(event["encodedDataLength"])

    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.on("Network.loadingFinished", count)
    page.goto(site + "/", wait_until="load")
    page.wait_for_selector("#site > .site")
    page.wait_for_timeout(500)
    assert 10_000 < received <= 700_000


def test_after_the_skip_link_a_link_still_moves_to_the_top_of_the_next_page(
    visit: Callable[[str], Any], page: Any
) -> None:
    visit("/areas")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.evaluate("() => window.scrollTo(0, 300)")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Trends").click()
    expect(page.locator("h1")).to_have_text("Trends")
    page.wait_for_timeout(200)
    assert focused(page) == "title"
    assert page.evaluate("() => window.scrollY") == 0


def test_clearing_all_filters_keeps_the_focus_at_the_filter(visit: Callable[[str], Any], page: Any) -> None:
    visit("/departments/parks?status=open")
    assert page.locator("#filter-department").count() == 0
    page.get_by_role("link", name="Clear all", exact=True).click()
    expect(page.locator(".chip")).to_have_count(0)
    page.wait_for_timeout(200)
    assert page.evaluate("() => document.activeElement.id") == "filter-summary"


def test_print_is_light_whatever_the_colours_are(visit: Callable[[str], Any], page: Any) -> None:
    page.emulate_media(color_scheme="dark", media="print")
    visit("/")
    look = (
        "() => [document.body, document.querySelector('.chart-figure')].map(n => getComputedStyle(n).backgroundColor)"
    )
    assert page.evaluate(look) == ["rgb(255, 255, 255)"] * 2
    page.evaluate("() => { document.documentElement.dataset.theme = 'dark'; }")
    assert page.evaluate(look) == ["rgb(255, 255, 255)"] * 2
