"""The map in a browser: it paints, follows the filters without being loaded again, and answers to the keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

PAINTED = """() => Array.from(document.querySelectorAll('.leaflet-ow-%s-pane canvas')).some(canvas => {
    if (!canvas.width) return false;
    const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    const seen = new Set();
    for (let i = 0; i < data.length; i += 4 * 7) seen.add(data[i] + ',' + data[i + 1] + ',' + data[i + 2] + ',' + data[i + 3]);
    return seen.size > 2;
})"""


def frame_of(page: Any) -> Any:
    page.wait_for_selector("iframe#map")
    for _ in range(400):
        found = next((frame for frame in page.frames if "/map/frame" in frame.url), None)
        if found:
            return found
        page.wait_for_timeout(50)
    raise AssertionError("the map's frame did not open")


def painted(frame: Any, pane: str) -> bool:
    for _ in range(400):
        if frame.evaluate(PAINTED % pane):
            return True
        frame.page.wait_for_timeout(100)
    return False


def test_the_map_paints_streets_and_requests(visit: Callable[[str], Any], page: Any) -> None:
    visit("/map")
    frame = frame_of(page)
    assert painted(frame, "base")
    assert painted(frame, "requests")
    expect(frame.locator(".ow-legend")).to_contain_text("Open")


def test_a_filter_changes_tiles_and_not_the_map(visit: Callable[[str], Any], page: Any) -> None:
    visit("/map")
    frame = frame_of(page)
    assert painted(frame, "requests")
    frame.evaluate("() => { window.same = true; }")
    page.locator(".filters > summary").click()
    page.select_option("#filter-status", "open") if page.locator("#filter-status").is_visible() else None
    page.select_option("#filter-service", "pothole")
    with page.expect_request(lambda request: "/requests/" in request.url and "service=pothole" in request.url):
        page.get_by_role("button", name="Apply filters").click()
    expect(page.locator(".chip")).to_have_count(1)
    assert frame.evaluate("() => window.same")


def test_areas_are_coloured_in_stated_classes_and_tell_their_figures(visit: Callable[[str], Any], page: Any) -> None:
    visit("/map?figure=count&layer=district")
    frame = frame_of(page)
    assert painted(frame, "areas")
    expect(frame.locator(".ow-legend")).to_contain_text("Requests by area")
    expect(frame.locator(".ow-legend")).to_contain_text("Hatched: none")
    assert frame.locator(".ow-legend li").count() >= 3
    page.locator("iframe#map").scroll_into_view_if_needed()  # a click that has to scroll first lands elsewhere
    frame.locator("#map_openward").click(position={"x": 330, "y": 250})
    expect(frame.locator(".ow-card h2")).to_have_count(1)
    expect(frame.locator(".ow-card a")).to_have_attribute("href", "/areas/district/3")


def test_the_keyboard_moves_the_map_and_asks_what_is_there(visit: Callable[[str], Any], page: Any) -> None:
    visit("/map?figure=count&layer=district")
    frame = frame_of(page)
    assert painted(frame, "areas")
    container = frame.locator("#map_openward")
    container.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(500)
    page.keyboard.press("Enter")
    expect(frame.locator(".ow-card h2")).to_be_focused()
    page.keyboard.press("Escape")
    expect(frame.locator(".ow-card")).to_be_hidden()
    expect(container).to_be_focused()


def test_the_map_takes_the_colours_of_the_page(visit: Callable[[str], Any], page: Any) -> None:
    page.emulate_media(color_scheme="light")
    visit("/map")
    frame = frame_of(page)
    assert painted(frame, "base")
    page.get_by_role("button", name="Dark").click()
    expect(frame.locator("html")).to_have_attribute("data-theme", "dark")


def test_a_mark_tells_which_request_it_is(visit: Callable[[str], Any], page: Any) -> None:
    visit("/map?service=%3Dheating&from=2025-01-01")
    frame = frame_of(page)
    assert painted(frame, "requests")
    at = frame.evaluate(
        """() => {
            const map = window.map_openward;
            let found = null;
            map.eachLayer(layer => {
                if (layer.options.pane !== 'ow-requests') return;
                layer.views.get('').tileCache.cache.forEach((entry, key) => {
                    const [x, y, z] = key.split(':').map(Number);
                    (entry.data.get('requests') || []).forEach(feature => {
                        const p = feature.geom[0][0];
                        if (found || !feature.props.status || p.x < 0 || p.y < 0 || p.x > 512 || p.y > 512) return;
                        const place = map.unproject([(x * 512 + p.x), (y * 512 + p.y)], z + 1);
                        const point = map.latLngToContainerPoint(place);
                        const size = map.getSize();
                        if (point.x > 80 && point.y > 80 && point.x < size.x - 300 && point.y < size.y - 200) {
                            found = { x: point.x, y: point.y, id: feature.props.service_request_id };
                        }
                    });
                });
            });
            return found;
        }"""
    )
    assert at, "no single request in view"
    frame.locator("#map_openward").click(position={"x": at["x"], "y": at["y"]})
    expect(frame.locator(".ow-card h2")).to_contain_text("Heating")
    expect(frame.locator(".ow-card")).to_contain_text("#R")
    expect(frame.locator(".ow-card a")).to_have_attribute("href", re.compile("^/requests/R"))


MARKS = """() => {
    const map = window.map_openward, size = map.getSize(), found = [];
    map.eachLayer(layer => {
        if (layer.options.pane !== 'ow-requests') return;
        const data = Math.min(map.getZoom() - 1, 16), scale = 2 ** (map.getZoom() - 1 - data);
        layer.views.get('').tileCache.cache.forEach((entry, key) => {
            const [x, y, z] = key.split(':').map(Number);
            if (z !== data) return;
            (entry.data.get('requests') || []).forEach(feature => {
                const p = feature.geom[0][0];
                const point = map.latLngToContainerPoint(map.unproject([x * 512 + p.x, y * 512 + p.y], z + 1));
                if (point.x > 80 && point.y > 80 && point.x < size.x - 300 && point.y < size.y - 200)
                    found.push({ x: point.x, y: point.y, id: feature.props.service_request_id || null });
            });
        });
    });
    return found;
}"""


def test_a_finger_beside_a_mark_finds_the_nearest_at_every_zoom(visit: Callable[[str], Any], page: Any) -> None:
    visit("/map?service=%3Dheating&from=2025-01-01")
    frame = frame_of(page)
    assert painted(frame, "requests")
    for zoom in (12, 15, 17, 19):
        frame.evaluate(
            "([zoom, marks]) => { const map = window.map_openward; const at = marks[0];"
            " map.setView(map.containerPointToLatLng([at.x, at.y]), zoom, {animate: false}); }",
            [zoom, frame.evaluate(MARKS)],
        )
        for _ in range(10):  # the first tiles of a zoom, and then those beside them
            frame.page.wait_for_timeout(1500)
            if marks := frame.evaluate(MARKS):
                break
        assert marks, zoom
        size = frame.evaluate("() => window.map_openward.getSize()")
        at = min(marks, key=lambda mark: abs(mark["x"] - size["x"] / 2) + abs(mark["y"] - size["y"] / 2))
        frame.locator("#map_openward").click(position={"x": at["x"] + 13, "y": at["y"] - 13})
        expect(frame.locator(".ow-card h2")).to_have_count(1)
        tapped = (at["x"] + 13, at["y"] - 13)
        near = min(marks, key=lambda mark: (mark["x"] - tapped[0]) ** 2 + (mark["y"] - tapped[1]) ** 2)
        if near["id"] and near == at and len([m for m in marks if (m["x"], m["y"]) == (at["x"], at["y"])]) == 1:
            expect(frame.locator(".ow-card")).to_contain_text(near["id"])
        frame.locator(".ow-close").click()
        frame.locator("#map_openward").focus()
        page.keyboard.press("Enter")
        expect(frame.locator(".ow-card h2")).to_be_focused()
        frame.locator(".ow-close").click()
