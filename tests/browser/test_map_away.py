"""The map away from its page, in a browser: in an article, as a file from a disk, and as views that a browser keeps."""

from __future__ import annotations

import re
import struct
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.test_map import painted

HEAVIEST = 250_000
"""Bytes over the wire of an embedded map with its first view."""


@pytest.fixture
def article() -> Iterator[Callable[[str], str]]:
    """`article(html)` serves a page with that in it, on another site than the portal's, and returns its address."""
    held = {"text": ""}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f"<!DOCTYPE html><title>News</title><h1>Article</h1>{held['text']}".encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def write(text: str) -> str:
        held["text"] = text
        return f"http://localhost:{server.server_port}/"

    yield write
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("query", "size"), [("", (800, 560)), ("figure=median", (800, 560)), ("", (1400, 900))])
def test_an_embedded_map_is_light_and_keeps_nothing(
    page: Any, site: str, query: str, size: tuple[int, int]
) -> None:  # fmt: skip
    page.set_viewport_size({"width": size[0], "height": size[1]})
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    received: list[float] = []
    network.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    page.goto(f"{site}/embed/map?layer=district&{query}")
    assert painted(page.main_frame, "base")
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(500)
    assert len(received) > 15 and 60_000 < sum(received) <= HEAVIEST
    print(f"embedded {query or 'requests'} {size}: {sum(received):,.0f} bytes")
    assert page.context.cookies() == []
    assert page.evaluate("Object.keys(localStorage).length + Object.keys(sessionStorage).length") == 0


def test_it_moves_in_an_article_of_another_site(page: Any, site: str, article: Callable[[str], str]) -> None:
    page.goto(f"{site}/map?service=pothole")
    code = page.locator("#first-answer .map-take pre, #site .map-take pre").first.text_content()
    page.goto(article(code))
    frame = page.frame_locator("iframe")
    expect(frame.locator("header")).to_contain_text("Pothole repair")
    expect(frame.locator("footer")).to_contain_text("Open the live map")
    inner = next(found for found in page.frames if "/embed/map" in found.url)
    assert painted(inner, "requests")
    frame.locator("#map_openward").focus()
    page.keyboard.press("Enter")
    links = frame.locator("footer a")
    assert {links.nth(i).get_attribute("target") for i in range(links.count())} == {"_blank"}


def test_a_card_in_an_article_opens_beside_it(page: Any, site: str) -> None:
    page.goto(f"{site}/embed/map?figure=count&layer=district")
    assert painted(page.main_frame, "areas")
    page.locator("#map_openward").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(500)
    page.keyboard.press("Enter")
    with page.context.expect_page() as opened:
        page.locator(".ow-card a").click()
    assert "/areas/district/" in opened.value.url and "/embed/map" in page.url


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [(800, 560), (360, 480), (320, 300)])
def test_it_is_there_for_all_at_any_size(
    page: Any, site: str, axe: Callable[..., list[str]], theme: str, size: tuple[int, int]
) -> None:
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(f"{site}/embed/map?figure=median&layer=district")
    assert painted(page.main_frame, "areas")
    assert page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    box = page.locator("#map_openward").bounding_box()
    assert box["height"] >= min(120, size[1] / 2) and box["width"] == size[0]
    assert axe(page) == []


def test_without_scripts_it_is_a_picture_and_words(browser: Any, site: str) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 600, "height": 500})
    page = context.new_page()
    page.goto(f"{site}/embed/map?service=pothole&layer=district")
    expect(page.locator("header")).to_contain_text(re.compile(r"[\d,]+ of [\d,]+ requests have a place on the map"))
    expect(page.locator("footer a", has_text="Open the live map")).to_be_visible()
    picture = page.locator("img.ow-still")
    expect(picture).to_be_visible()
    assert picture.bounding_box()["height"] > 150
    page.goto(f"{site}/map")
    expect(page.locator(".saved-views")).to_have_count(0)
    expect(page.locator(".map-take a", has_text="Follow this")).to_be_visible()
    context.close()


@pytest.mark.parametrize("query", ["", "figure=median&layer=district", "near=42.35,-71.1,800&lang=es"])
def test_a_file_opens_from_a_disk_and_asks_for_nothing(
    page: Any, site: str, axe: Callable[..., list[str]], tmp_path: Path, query: str
) -> None:
    file = tmp_path / "map.html"
    file.write_bytes(page.request.get(f"{site}/map/standalone.html?{query}").body())
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_viewport_size({"width": 360, "height": 800})
    page.goto(file.as_uri())
    assert asked == [file.as_uri()]
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 360
    assert page.locator("main svg path").count() > 5
    for scheme, dark in (("light", False), ("dark", True)):
        page.emulate_media(color_scheme=scheme)
        assert axe(page) == []
        paints = page.evaluate(
            """() => [document.body, ...document.querySelectorAll('main svg rect, main svg path')].map(node => {
                const style = getComputedStyle(node);
                return node === document.body ? style.backgroundColor : style.fill;
            })"""
        )
        light = [sum(map(float, re.findall(r"\d+", paint)[:3])) > 600 for paint in paints[:3] if "rgb" in paint]
        assert light and any(light) is not dark
    page.emulate_media(color_scheme="dark", media="print")
    assert page.evaluate("() => getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_the_map_is_downloaded_as_a_picture(visit: Callable[[str], Any], page: Any) -> None:
    visit("/map?service=pothole")
    page.locator(".map-take summary", has_text="Take this map").click()
    with page.expect_download() as told:
        page.locator(".map-take button.png").click()
    head = Path(told.value.path()).read_bytes()
    assert head.startswith(b"\x89PNG\r\n") and len(head) > 20_000
    assert struct.unpack(">II", head[16:24])[0] == 2 * 1020


@pytest.mark.parametrize("figure", ["count", "median", "p90", "open", "on_time", "done"])
def test_a_file_colours_areas_in_the_classes_of_the_live_map(page: Any, site: str, figure: str) -> None:
    query = f"figure={figure}&layer=district"
    page.goto(f"{site}/embed/map?{query}")
    assert painted(page.main_frame, "areas")
    live = page.locator(".ow-legend li").all_inner_texts()[:-1]
    picture = page.request.get(f"{site}/map/standalone.svg?{query}").text()
    told = re.findall(r"<text [^>]*>([^<]*)</text>", picture)
    assert len(live) >= 2
    assert [words for words in live if words not in told] == []


def opened(page: Any) -> Any:
    summary = page.locator(".saved-views summary")
    summary.focus()
    if page.locator(".saved-views[open]").count() == 0:
        page.keyboard.press("Enter")
    return page.locator("#saved-views-name")


def test_a_view_is_saved_opened_and_deleted_with_keys_alone(visit: Callable[[str], Any], page: Any) -> None:
    visit("/map?service=pothole&status=open")
    sent: list[str] = []
    field = opened(page)
    page.on("request", lambda request: sent.append(request.url) if request.method != "GET" else None)
    assert field.input_value().startswith("Requests for Pothole repair")
    field.focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("Holes <b>near</b> me")
    page.keyboard.press("Enter")
    expect(page.locator(".saved-views [role=status]")).to_have_text("Saved: Holes <b>near</b> me")
    assert sent == [], "nothing leaves the browser"
    visit("/map")
    field = opened(page)
    link = page.locator(".view-list a")
    expect(link).to_have_text("Holes <b>near</b> me")
    expect(page.locator(".saved-views summary")).to_contain_text("(1)")
    field.fill("All of it")
    page.locator(".view-form button").click()
    expect(link).to_have_count(2)
    expect(page.locator(".view-list a[aria-current]")).to_have_text("All of it")
    link.nth(1).focus()
    page.keyboard.press("Enter")
    expect(page.locator(".chip")).to_have_count(2)
    opened(page)
    page.get_by_role("button", name="Delete All of it").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Delete Holes <b>near</b> me")).to_be_focused()
    page.keyboard.press("Enter")
    expect(field).to_be_focused()
    expect(page.locator(".saved-views")).to_contain_text("No views are saved yet.")


def test_a_view_needs_a_name_and_storage_that_is_damaged_is_no_view(visit: Callable[[str], Any], page: Any) -> None:
    visit("/map")
    page.evaluate(
        "localStorage.setItem('openward-views', JSON.stringify([1, null, {name: 'x'}, {name: 5, query: ''},"
        " {name: 'good', query: 'status=open'}, {name: 'bad', query: {}}]))"
    )
    visit("/map")
    field = opened(page)
    expect(page.locator(".view-list a")).to_have_text(["good"])
    field.fill("   ")
    page.locator(".view-form button").click()
    expect(page.locator(".saved-views [role=alert]")).to_have_text("Give the view a name.")
    expect(field).to_be_focused()
    page.evaluate("localStorage.setItem('openward-views', '{')")
    visit("/map")
    opened(page)
    expect(page.locator(".saved-views")).to_contain_text("No views are saved yet.")
