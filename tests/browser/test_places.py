"""The address box in a browser: keyboard, touch, what a screen reader is told, and no JavaScript at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.test_map import frame_of


def typed(page: Any, text: str) -> Any:
    """Type into the box once it can suggest."""
    field = page.get_by_role("combobox", name="Find a place")
    field.click()
    page.keyboard.type(text, delay=15)
    return field


def test_keys_choose_a_place_and_lead_to_its_page(visit: Callable[[str], Any], page: Any) -> None:
    visit("/")
    page.evaluate("() => { window.same = true; }")
    field = typed(page, "5 mai")
    expect(page.locator(".address-field [role=option]").first).to_be_visible()
    assert field.get_attribute("aria-expanded") == "true"
    page.keyboard.press("ArrowDown")
    first = page.locator(".address-field [role=option]").first
    assert field.get_attribute("aria-activedescendant") == first.get_attribute("id")
    assert first.get_attribute("aria-selected") == "true"
    label = first.locator(".address-label").inner_text()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text(label)
    assert "/places?q=" in page.url
    assert page.evaluate("() => window.same"), "the page was not loaded again"
    assert page.evaluate("() => document.activeElement.id") == "title"


def test_arrows_go_around_and_escape_closes_and_then_clears(visit: Callable[[str], Any], page: Any) -> None:
    visit("/")
    field = typed(page, "main st & ")
    expect(page.locator(".address-field [role=option]").nth(1)).to_be_visible()
    last = page.locator(".address-field [role=option]").count() - 1
    page.keyboard.press("ArrowUp")
    assert field.get_attribute("aria-activedescendant") == f"place-q-list-{last}"
    page.keyboard.press("ArrowDown")
    assert field.get_attribute("aria-activedescendant") is None, "back to what was typed"
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()
    assert field.input_value() == "main st & "
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("listbox")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    assert field.input_value() == ""


def test_the_number_of_suggestions_is_announced(visit: Callable[[str], Any], page: Any) -> None:
    visit("/")
    field = typed(page, "51 main")
    said = page.locator(".address-field [aria-live=polite]")
    expect(said).to_contain_text("fits. Arrow keys choose.")
    field.fill("zzyzx qq")
    expect(said).to_have_text("No place fits yet.")
    expect(said).to_be_visible()
    expect(page.get_by_role("listbox")).to_be_hidden()


def test_the_open_list_has_no_violation_that_axe_knows(
    visit: Callable[[str], Any], page: Any, axe: Callable[..., list[str]]
) -> None:
    visit("/")
    typed(page, "main st")
    expect(page.locator(".address-field [role=option]").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    assert axe(page, best_practice=True) == []


def test_what_is_typed_is_asked_once_and_superseded_questions_are_given_up(
    visit: Callable[[str], Any], page: Any
) -> None:
    visit("/")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/places/suggest" in request.url else None)
    page.get_by_role("combobox", name="Find a place").click()
    page.keyboard.type("51 main", delay=5)
    expect(page.locator(".address-field [role=option]").first).to_be_visible()
    assert len(asked) < len("51 main") - 1, "one question for each key"
    assert asked[-1].endswith("q=51%20main")


def test_on_the_map_a_choice_marks_the_place_and_keeps_the_filters(visit: Callable[[str], Any], page: Any) -> None:
    visit("/map?status=open")
    frame = frame_of(page)
    frame.evaluate("() => { window.same = true; }")
    typed(page, "main st & harb")
    page.locator(".address-field [role=option]").first.click()
    expect(page.locator("#marked")).to_contain_text("Main St & Harbor Ave")
    assert "status=open" in page.url and "at=42.345" in page.url
    expect(frame.locator(".ow-spot-name")).to_have_text("Main St & Harbor Ave")
    expect(frame.locator("path.ow-spot-circle")).to_have_count(1)
    expect(frame.locator(".ow-legend")).to_contain_text("The place you looked for")
    frame.wait_for_function("() => window.map_openward.getZoom() >= 16")
    middle = frame.evaluate("() => { const c = window.map_openward.getCenter(); return [c.lat, c.lng]; }")
    assert middle == pytest.approx([42.345, -71.108], abs=2e-3)
    assert frame.evaluate("() => window.same"), "the map was not loaded again"
    assert page.evaluate("() => document.activeElement.id") == "marked"

    page.get_by_role("link", name="Take the mark away").click()
    expect(frame.locator(".ow-spot-name")).to_have_count(0)
    assert "at=" not in page.url and "status=open" in page.url
    page.go_back()
    expect(frame.locator(".ow-spot-name")).to_have_count(1)


@pytest.mark.parametrize("path", ["/map?at=42.345,-71.108,25&place=Here", "/places?q=main+st+%26+harbor+ave"])
def test_an_address_with_a_mark_opens_the_map_there(visit: Callable[[str], Any], page: Any, path: str) -> None:
    visit(path)
    page.locator("iframe#map").scroll_into_view_if_needed()
    frame = frame_of(page)
    frame.wait_for_function("() => window.map_openward && window.map_openward.getZoom() >= 16")
    middle = frame.evaluate("() => { const c = window.map_openward.getCenter(); return [c.lat, c.lng]; }")
    assert middle == pytest.approx([42.345, -71.108], abs=2e-3)
    expect(frame.locator("path.ow-spot-circle")).to_have_count(1)


def test_a_frame_of_its_own_opens_there_too(page: Any, site: str) -> None:
    page.goto(site + "/map/frame?at=42.345,-71.108,25")
    page.wait_for_function("() => window.map_openward && window.map_openward.getZoom() >= 16")


def test_who_wants_no_motion_sees_no_flight(visit: Callable[[str], Any], page: Any) -> None:
    page.emulate_media(reduced_motion="reduce")
    visit("/map")
    frame = frame_of(page)
    frame.wait_for_function("() => window.map_openward")
    frame.evaluate("() => { window.map_openward.flyToBounds = () => { window.flew = true; }; }")
    typed(page, "51 main")
    page.locator(".address-field [role=option]").first.click()
    frame.wait_for_function("() => window.map_openward.getZoom() >= 16")
    assert not frame.evaluate("() => window.flew")


def test_a_finger_can_choose(browser: Any, site: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(site + "/")
    page.wait_for_selector("#site > .site")
    page.get_by_role("combobox", name="Find a place").tap()
    page.keyboard.type("51 main")
    option = page.locator(".address-field [role=option]").first
    expect(option).to_be_visible()
    box = option.bounding_box()
    assert box["height"] >= 44 and box["x"] >= 0 and box["x"] + box["width"] <= 390
    for name in ("Find",):
        assert page.get_by_role("button", name=name, exact=True).bounding_box()["height"] >= 44
    option.tap()
    expect(page.locator("h1")).to_have_text("51 Main St")
    context.close()


def test_without_javascript_the_form_leads_to_the_place(browser: Any, site: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site + "/")
    page.get_by_label("Find a place").last.fill("51 main st")
    page.get_by_role("button", name="Find", exact=True).click()
    assert page.url == site + "/places?q=51+main+st"
    expect(page.locator("h1")).to_have_text("51 Main St")
    page.get_by_role("link", name="Open the map here").click()
    expect(page.locator("#marked")).to_contain_text("51 Main St")
    context.close()


def test_enter_without_a_choice_looks_for_what_is_typed(visit: Callable[[str], Any], page: Any) -> None:
    visit("/?lang=es")
    field = page.get_by_role("combobox").first
    field.fill("main st & harbor ave")
    field.press("Enter")
    expect(page.locator("h1")).to_have_text("Main St & Harbor Ave")
    assert "lang=es" in page.url
