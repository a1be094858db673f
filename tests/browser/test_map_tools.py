"""The map's tools in a browser: an area that is drawn or read from a file narrows the page; full screen; pictures."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from portal.errors import BadSelection
from portal.outline import Outline
from tests.browser.test_map import frame_of, painted


def opened(visit: Callable[[str], Any], page: Any, path: str = "/map") -> Any:
    visit(path)
    frame = frame_of(page)
    assert painted(frame, "base")
    page.locator("iframe#map").scroll_into_view_if_needed()
    return frame


def outline_of(page: Any) -> Outline:
    page.wait_for_url("**within=**")
    return Outline.read(parse_qs(urlsplit(page.url).query)["within"][0])


def shown(page: Any) -> int:
    return int(page.locator(".filter-count").inner_text().split()[1].replace(",", ""))


def test_an_area_drawn_with_the_pointer_narrows_the_page(visit: Callable[[str], Any], page: Any) -> None:
    frame = opened(visit, page)
    before = shown(page)
    frame.get_by_role("button", name="Draw an area").click()
    expect(frame.get_by_role("button", name="Finish")).to_be_disabled()
    size = frame.evaluate("() => window.map_openward.getSize()")
    x, y = size["x"] / 2, size["y"] / 2
    for dx, dy in ((-120, -100), (120, -100), (120, 100), (-120, 100)):
        frame.locator("#map_openward").click(position={"x": x + dx, "y": y + dy})
    expect(frame.locator(".ow-status")).to_have_text("Corner 4 is placed")
    expect(frame.locator(".ow-card")).to_be_hidden()
    frame.locator("#map_openward").click(position={"x": x - 118, "y": y - 102})  # the first corner again
    assert len(outline_of(page).corners) == 4
    expect(page.locator(".chip")).to_contain_text("In the outline that was drawn")
    assert 0 < shown(page) < before
    expect(frame.locator("path.ow-outline")).not_to_have_count(0)
    frame.get_by_role("button", name="Take the outline away").click()
    expect(page.locator(".chip")).to_have_count(0)
    assert shown(page) == before


def test_an_area_drawn_with_the_keyboard_alone(visit: Callable[[str], Any], page: Any) -> None:
    frame = opened(visit, page)
    frame.get_by_role("button", name="Draw an area").focus()
    page.keyboard.press("Enter")
    expect(frame.locator("#map_openward")).to_be_focused()

    def moved(key: str, times: int) -> None:
        for _ in range(times):
            page.keyboard.press(key)
            page.wait_for_timeout(330)  # a step of the map is over

    page.keyboard.press("Enter")
    expect(frame.locator(".ow-status")).to_have_text("Corner 1 is placed")
    moved("ArrowRight", 3)
    page.keyboard.press("Enter")
    moved("ArrowDown", 3)
    page.keyboard.press("Enter")
    expect(frame.locator(".ow-status")).to_have_text("Corner 3 is placed")
    page.keyboard.press("Backspace")
    expect(frame.locator(".ow-status")).to_have_text("Corners left: 2")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    frame.get_by_role("button", name="Finish").focus()
    page.keyboard.press("Enter")
    assert len(outline_of(page).corners) == 3


def test_escape_gives_the_drawing_up(visit: Callable[[str], Any], page: Any) -> None:
    frame = opened(visit, page)
    button = frame.get_by_role("button", name="Draw an area")
    button.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(frame.locator("path.ow-corner")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(button).to_be_focused()
    expect(frame.locator("path.ow-corner")).to_have_count(0)
    assert "within" not in page.url


def uploaded(page: Any, frame: Any, tmp_path: Path, text: str) -> None:
    file = tmp_path / "outline.geojson"
    file.write_text(text)
    with page.expect_file_chooser() as chooser:
        frame.get_by_role("button", name="Upload an outline").click()
    chooser.value.set_files(file)


def test_an_uploaded_outline_is_made_simple_and_used(visit: Callable[[str], Any], page: Any, tmp_path: Path) -> None:
    frame = opened(visit, page)
    west, south, east, north = frame.evaluate("() => window.openward_map.config.bbox")
    dice = np.random.default_rng(4)
    x, y = (west + east) / 2, (south + north) / 2
    wide, high = (east - west) / 4, (north - south) / 4
    ring = []
    for i in range(720):
        far = 1 + dice.uniform(-0.03, 0.03)
        ring.append([x + wide * far * math.cos(i * math.pi / 360), y + high * far * math.sin(i * math.pi / 360)])
    ring.append(ring[0])
    feature = {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    uploaded(page, frame, tmp_path, json.dumps({"type": "FeatureCollection", "features": [feature]}))
    expect(frame.locator(".ow-status")).to_have_text("The outline was simplified to 100 corners.")
    outline = outline_of(page)
    assert len(outline.corners) == 100
    assert outline.polygon.area == pytest.approx(math.pi * wide * high, rel=0.05)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("hello", "This file is no GeoJSON."),
        ('{"type": "Point", "coordinates": [1, 2]}', "There is no polygon in this file."),
        (
            '{"type": "Polygon", "coordinates": [[[230000, 900000], [230100, 900000], [230100, 900100]]]}',
            "no longitudes",
        ),
        ('{"type": "Polygon", "coordinates": [[[10, 50], [10.1, 50], [10.1, 50.1], [10, 50]]]}', "not in this city"),
        ('{"type": "Polygon", "coordinates": "nonsense"}', "There is no polygon in this file."),
    ],
)
def test_what_is_no_outline_is_told(
    visit: Callable[[str], Any], page: Any, tmp_path: Path, text: str, says: str
) -> None:
    frame = opened(visit, page)
    uploaded(page, frame, tmp_path, text)
    expect(frame.locator(".ow-status")).to_contain_text(says)
    assert "within" not in page.url


def test_the_browser_and_the_server_agree_on_outlines(visit: Callable[[str], Any], page: Any) -> None:
    """What the map lets someone draw the server takes, and what crosses itself neither does."""
    frame = opened(visit, page)
    dice = np.random.default_rng(7)
    rings = [
        [
            [42.3 + int(dice.integers(40)) / 1e5, -71.1 + int(dice.integers(40)) / 1e5]
            for _ in range(dice.integers(3, 8))
        ]
        for _ in range(400)
    ]
    answers = frame.evaluate(
        "rings => rings.map(r => [window.openward_map.crosses(r), window.openward_map.encoded(r)])", rings
    )
    kinds = set()
    for ring, (crosses, text) in zip(rings, answers, strict=True):
        try:
            outline = Outline.read(text)
        except BadSelection:
            outline = None
        kinds.add(crosses)
        if ring[0] != ring[-1]:
            assert (outline is None) == crosses, ring
        if outline:
            assert [[y / 1e5, x / 1e5] for x, y in outline.corners] == [pytest.approx(at) for at in ring]
    assert kinds == {True, False}


def test_the_map_is_saved_as_a_picture_with_its_legend_and_source(
    visit: Callable[[str], Any], page: Any, tmp_path: Path
) -> None:
    frame = opened(visit, page, "/map?figure=count&layer=district")
    assert painted(frame, "areas")
    with page.expect_download() as saved:
        frame.get_by_role("button", name="Save as a picture").click()
    assert saved.value.suggested_filename.endswith(".png") and "count" in saved.value.suggested_filename
    saved.value.save_as(tmp_path / "map.png")
    with Image.open(tmp_path / "map.png") as image:
        size = frame.evaluate("() => window.map_openward.getSize()")
        assert image.width == 2 * size["x"] and image.height > 2 * size["y"] + 100
        colours = image.convert("RGB").getcolors(1 << 24)
        below = image.crop((0, 2 * size["y"] + 60, image.width, image.height)).convert("RGB").getcolors(1 << 24)
    assert colours and len(colours) > 50
    assert below and len(below) > 10  # words and signs under the map


def test_the_picture_holds_the_outline_where_it_is(visit: Callable[[str], Any], page: Any, tmp_path: Path) -> None:
    page.emulate_media(color_scheme="light")
    frame = opened(visit, page)
    west, south, east, north = frame.evaluate("() => window.openward_map.config.bbox")
    corners = [(x, y) for x, y in ((0.3, 0.3), (0.7, 0.35), (0.6, 0.7))]
    ring = tuple(
        (round(1e5 * (west + x * (east - west))), round(1e5 * (south + y * (north - south)))) for x, y in corners
    )
    frame.evaluate("text => window.openward_map.narrow({ within: text })", Outline(ring).text())
    page.wait_for_url("**within=**")
    page.wait_for_timeout(2500)
    with page.expect_download() as saved:
        frame.get_by_role("button", name="Save as a picture").click()
    saved.value.save_as(tmp_path / "map.png")
    with Image.open(tmp_path / "map.png") as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    red = np.argwhere(np.abs(pixels[:, :, :] - (0xB3, 0x41, 0x0B)).max(axis=2) < 3)
    for x, y in ring:
        at = frame.evaluate("at => window.map_openward.latLngToContainerPoint(at)", [y / 1e5, x / 1e5])
        head = 2 * (16 + 26 + 20 + 6)  # the title and one line of filters
        assert np.hypot(red[:, 1] - 2 * at["x"], red[:, 0] - head - 2 * at["y"]).min() < 6


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("tool", ["Draw an area", "Month by month"])
def test_an_open_tool_has_no_violation_that_axe_knows(
    visit: Callable[[str], Any], axe: Callable[..., list[str]], page: Any, theme: str, tool: str
) -> None:
    page.emulate_media(color_scheme=theme)
    frame = opened(visit, page, "/map?figure=p90&layer=district&from=2024-06-01")
    frame.get_by_role("button", name=tool).click()
    expect(frame.locator(".ow-panel")).to_be_visible()
    page.wait_for_timeout(800)
    assert axe(page, best_practice=True) == []


def test_the_map_fills_the_screen_and_gives_it_back(visit: Callable[[str], Any], page: Any) -> None:
    frame = opened(visit, page)
    small = frame.evaluate("() => window.map_openward.getSize().y")
    button = frame.get_by_role("button", name="Full screen")
    button.focus()
    page.keyboard.press("Enter")
    leave = frame.get_by_role("button", name="Leave full screen")
    expect(leave).to_have_attribute("aria-pressed", "true")
    expect(leave).to_be_focused()
    assert page.evaluate("() => document.fullscreenElement.id") == "map"
    screen = page.evaluate("() => screen.height")
    page.wait_for_timeout(300)
    assert frame.evaluate("() => [innerHeight, window.map_openward.getSize().y]") == [screen, screen]
    page.keyboard.press("Enter")
    expect(frame.get_by_role("button", name="Full screen", exact=True)).to_have_attribute("aria-pressed", "false")
    page.wait_for_timeout(300)
    assert not page.evaluate("() => document.fullscreenElement")
    assert frame.evaluate("() => window.map_openward.getSize().y") == small


def test_on_a_phone_the_city_is_in_view_above_the_legend(visit: Callable[[str], Any], page: Any) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    for query in ("", "?figure=p90&layer=district"):
        frame = opened(visit, page, f"/map{query}")
        expect(frame.locator(".ow-legend li").first).to_be_visible()
        legend, scale, city = frame.evaluate(
            """() => {
                const [w, s, e, n] = window.openward_map.config.bbox;
                const at = point => window.map_openward.latLngToContainerPoint(point).y;
                const box = name => document.querySelector(name).getBoundingClientRect().toJSON();
                return [box('.ow-legend'), box('.leaflet-control-scale'), [at([n, w]), at([s, w])]];
            }"""
        )
        assert city[0] >= 0 and city[1] <= legend["top"] and legend["bottom"] <= scale["top"]
        assert legend["left"] >= 0 and legend["right"] <= 390


def test_holes_that_are_filled_are_told(visit: Callable[[str], Any], page: Any, tmp_path: Path) -> None:
    frame = opened(visit, page)
    west, south, east, north = frame.evaluate("() => window.openward_map.config.bbox")
    wide, high = east - west, north - south

    def ring(part: float) -> list[list[float]]:
        corners = [(part, part), (1 - part, part), (1 - part, 1 - part), (part, 1 - part), (part, part)]
        return [[west + x * wide, south + y * high] for x, y in corners]

    uploaded(page, frame, tmp_path, json.dumps({"type": "Polygon", "coordinates": [ring(0.2), ring(0.4)]}))
    expect(frame.locator(".ow-status")).to_have_text("Its holes are filled: what lies in them is counted as well.")
    assert outline_of(page).polygon.area == pytest.approx(0.36 * wide * high, rel=0.01)
    page.wait_for_timeout(1500)  # the map has loaded again, and the words are still there to be read
    expect(frame.locator(".ow-status")).to_contain_text("Its holes are filled")


def test_tools_are_large_enough_for_a_finger_and_within_a_narrow_frame(visit: Callable[[str], Any], page: Any) -> None:
    page.set_viewport_size({"width": 360, "height": 780})
    frame = opened(visit, page)
    for tool in ("Draw an area", "Month by month"):
        frame.get_by_role("button", name=tool).click()
        small = frame.evaluate(
            """() => Array.from(document.querySelectorAll('.ow-tools button, .ow-panel button, .ow-panel input, summary'))
                .filter(node => node.offsetParent)
                .map(node => [node.getAttribute('aria-label') || node.textContent, node.getBoundingClientRect()])
                .filter(([, box]) => box.height < 24 || box.width < 24 || box.left < 0 || box.right > innerWidth).map(([name]) => name)"""
        )
        assert small == []
