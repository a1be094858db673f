"""Two maps side by side: they look at the same place, in one scale, each with its own requests, and neither holds the other up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.test_map import painted

YEARS = "from=2025-01-01&to=2025-05-31&beside_from=2024-01-01&beside_to=2024-05-31"
VIEW = "() => { const map = window.map_openward, at = map.getCenter(); return [at.lat, at.lng, map.getZoom()]; }"
ASKED = "() => window.openward_map.asking()"
CLASSES = "() => JSON.stringify(window.openward_map.state.classes)"
COUNT_MOVES = "() => { window.moves = 0; window.map_openward.on('move', () => { window.moves += 1; }); }"
SUM = "() => Object.values(window.openward_map.state.values).reduce((sum, row) => sum + row.requests, 0)"


def frame(page: Any, name: str) -> Any:
    found = page.wait_for_selector(f"#site iframe#{name}").content_frame()
    found.wait_for_function(
        "() => window.openward_map && window.openward_map.refresh && window.openward_map.state.filters !== undefined",
        polling=100,  # a frame below the fold of a busy machine may not be drawn for long
    )
    return found


def both(visit: Callable[[str], Any], page: Any, query: str, pane: str = "base") -> tuple[Any, Any]:
    visit(f"/map?{query}")
    frames = frame(page, "map"), frame(page, "map-2")
    assert all(painted(each, pane) for each in frames)
    page.locator("#maps").scroll_into_view_if_needed()
    return frames


def same_view(page: Any, one: Any, other: Any) -> bool:
    for _ in range(200):
        a, b = one.evaluate(VIEW), other.evaluate(VIEW)
        if a[2] == b[2] and max(abs(a[0] - b[0]), abs(a[1] - b[1])) < 1e-4:
            return True
        page.wait_for_timeout(100)
    return False


def test_each_asks_for_its_own_requests(visit: Callable[[str], Any], page: Any) -> None:
    one, other = both(visit, page, f"service=pothole&{YEARS}", "requests")
    assert one.evaluate(ASKED) == "from=2025-01-01&service=pothole&to=2025-05-31"
    assert other.evaluate(ASKED) == "from=2024-01-01&service=pothole&to=2024-05-31"
    expect(page.locator("#map-title-1")).to_have_text("January 2025 to May 2025")
    expect(page.locator("#map-title-2")).to_have_text("January 2024 to May 2024")


@pytest.mark.parametrize("leader", ["map", "map-2"])
def test_both_move_together_by_pointer_and_by_keyboard(visit: Callable[[str], Any], page: Any, leader: str) -> None:
    one, other = both(visit, page, YEARS)
    leads = one if leader == "map" else other
    before = one.evaluate(VIEW)
    box = page.locator(f"iframe#{leader}").bounding_box()
    page.mouse.move(box["x"] + 250, box["y"] + 150)
    page.mouse.down()
    page.mouse.move(box["x"] + 190, box["y"] + 190, steps=6)
    page.mouse.up()
    page.wait_for_timeout(600)
    assert same_view(page, one, other)
    moved = one.evaluate(VIEW)
    assert moved != before
    leads.locator("#map_openward").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(600)
    assert same_view(page, one, other)
    assert one.evaluate(VIEW)[1] > moved[1]
    page.keyboard.press("+")
    page.wait_for_timeout(900)
    assert same_view(page, one, other)
    assert one.evaluate(VIEW)[2] == before[2] + 1


def test_what_is_followed_is_not_told_back(visit: Callable[[str], Any], page: Any) -> None:
    one, other = both(visit, page, YEARS, "requests")
    page.wait_for_timeout(500)
    for each in (one, other):
        each.evaluate(COUNT_MOVES)
    one.evaluate("() => window.map_openward.panBy([40, 25], { animate: false })")
    assert same_view(page, one, other)
    page.wait_for_timeout(500)
    counted = [each.evaluate("() => window.moves") for each in (one, other)]
    page.wait_for_timeout(700)
    assert [each.evaluate("() => window.moves") for each in (one, other)] == counted
    assert max(counted) <= 3


def test_circles_have_one_scale(visit: Callable[[str], Any], page: Any) -> None:
    one, other = both(
        visit, page, "from=2024-01-01&to=2024-12-31&beside_from=2025-03-01&beside_to=2025-03-31", "requests"
    )
    page.wait_for_timeout(1500)
    peaks = [each.evaluate("() => window.openward_map.peak()") for each in (one, other)]
    assert peaks[0] == peaks[1] > 1
    expect(one.locator(".ow-legend")).to_contain_text("One scale for both maps.")
    expect(other.locator(".ow-legend")).to_be_hidden()


@pytest.mark.parametrize("figure", ["count", "median", "on_time"])
def test_classes_of_areas_are_of_both(visit: Callable[[str], Any], page: Any, site: str, figure: str) -> None:
    one, other = both(visit, page, f"{YEARS}&figure={figure}&layer=district", "areas")
    assert one.evaluate(CLASSES) == other.evaluate(CLASSES) != "null"
    for each in (one, other):
        answer = page.request.get(f"{site}/api/v1/by/district?{each.evaluate(ASKED)}").json()
        assert each.evaluate(SUM) == sum(row["requests"] for row in answer["rows"]) > 0
    assert one.evaluate(SUM) != other.evaluate(SUM)
    expect(one.locator(".ow-legend")).to_contain_text("One scale for both maps.")
    if figure != "count":
        expect(one.locator(".ow-legend")).to_contain_text("All of the first map together")


def test_the_second_map_comes_and_goes_and_the_first_stays(visit: Callable[[str], Any], page: Any) -> None:
    visit("/map?from=2025-01-01&to=2025-05-31")
    one = frame(page, "map")
    assert painted(one, "requests")
    one.evaluate("() => { window.same = true; }")
    zoom = one.evaluate(VIEW)[2]
    one.locator("#map_openward").focus()
    page.keyboard.press("+")
    page.wait_for_timeout(700)
    page.locator("#beside-summary").click()
    page.get_by_role("link", name="The same dates a year before").click()
    other = frame(page, "map-2")
    assert painted(other, "requests")
    assert one.evaluate("() => window.same")
    assert same_view(page, one, other)
    assert one.evaluate(VIEW)[2] == zoom + 1
    expect(one.get_by_role("button", name="Month by month")).to_be_hidden()
    with page.expect_request(
        lambda request: "/requests/" in request.url and "service=pothole" in request.url and "from=2024" in request.url
    ):
        page.locator("#filter-service").select_option("pothole")
        page.get_by_role("button", name="Apply filters").click()
    assert other.evaluate("() => !window.gone")
    page.get_by_role("link", name="Take the second map away").click()
    expect(page.locator("iframe#map-2")).to_have_count(0)
    assert one.evaluate("() => window.same")
    expect(one.get_by_role("button", name="Month by month")).to_be_visible()
    expect(one.locator(".ow-legend")).not_to_contain_text("One scale")
    expect(page.locator("#beside")).to_have_count(0)
    assert "beside_" not in page.url


def test_the_form_sets_a_service_beside(visit: Callable[[str], Any], page: Any) -> None:
    visit("/map?service=pothole")
    page.locator("#beside-summary").click()
    page.get_by_label("Service beside").select_option("tree")
    page.get_by_role("button", name="Set beside").click()
    other = frame(page, "map-2")
    assert other.evaluate(ASKED) == "service=tree"
    expect(page.locator("#beside-told")).to_contain_text("Pothole repair")
    expect(page.locator("#beside-told")).to_contain_text("Tree request")


def test_the_second_map_has_only_what_is_for_looking(visit: Callable[[str], Any], page: Any) -> None:
    one, other = both(visit, page, YEARS)
    expect(one.get_by_role("button", name="Draw an area")).to_be_visible()
    for name in ("Draw an area", "Month by month", "Save as a picture (PNG)"):
        expect(other.get_by_role("button", name=name)).to_have_count(0)
    expect(other.get_by_role("button", name="Zoom in")).to_be_visible()


def test_messages_of_others_move_nothing(visit: Callable[[str], Any], page: Any) -> None:
    one, other = both(visit, page, YEARS)
    before = one.evaluate(VIEW)
    told = "{ type: 'openward:view', lat: 42.31, lng: -71.19, zoom: 17, moved: true }"
    page.evaluate(
        f"() => document.getElementById('map').contentWindow.postMessage({told}, location.origin)"
    )  # not the other map
    other.evaluate(
        "() => window.parent.document.getElementById('map').contentWindow"
        ".postMessage({ type: 'openward:view', lat: 'x', lng: null, zoom: NaN }, location.origin)"
    )
    page.wait_for_timeout(500)
    assert one.evaluate(VIEW) == before


@pytest.mark.parametrize("width", [360, 390, 1440])
def test_two_maps_fit_the_page(visit: Callable[[str], Any], page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    visit(f"/map?{YEARS}&figure=median")
    overflow = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0
    boxes = [page.locator(f"#site iframe#{name}").bounding_box() for name in ("map", "map-2")]
    assert boxes[0]["height"] == boxes[1]["height"] >= 280
    if width == 1440:
        assert boxes[0]["y"] == boxes[1]["y"]
    else:
        assert boxes[1]["y"] >= boxes[0]["y"] + boxes[0]["height"]
        assert boxes[0]["height"] <= 500


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_two_maps_have_no_violation_that_axe_knows(
    visit: Callable[[str], Any], axe: Callable[..., list[str]], page: Any, theme: str
) -> None:
    page.emulate_media(color_scheme=theme)
    both(visit, page, f"{YEARS}&figure=median")
    page.locator("#beside-summary").click()
    assert axe(page, best_practice=True) == []


def test_all_of_it_is_told_without_scripts(browser: Any, site: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site}/map?service=pothole")
    page.locator("#beside-summary").click()
    page.get_by_label("From date, beside").fill("2024-01-01")
    page.get_by_label("To date, beside").fill("2024-12-31")
    page.get_by_role("button", name="Set beside").click()
    assert "service=pothole" in page.url
    assert "beside_from=2024-01-01" in page.url
    expect(page.locator("#beside-told")).to_contain_text("2024")
    expect(page.locator("#beside-areas-caption")).to_be_visible()
    context.close()
