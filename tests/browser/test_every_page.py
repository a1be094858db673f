"""What must hold on every page: access for all, no overflow, nothing from elsewhere (the fixture `page` sees to that)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.browser.conftest import PATHS, PLAIN_PATHS, open_page
from tests.conftest import fresh_page


@pytest.fixture(scope="module", params=[*PATHS, *PLAIN_PATHS])
def opened(request: pytest.FixtureRequest, browser: Any, site: str, releases: dict[str, str]) -> Iterator[Any]:
    """Each page, opened once for all tests of it."""
    with fresh_page(browser) as page:
        yield open_page(page, site, releases, request.param)


@pytest.mark.parametrize("width", [360, 390, 1440])
def test_a_page_never_scrolls_sideways(opened: Any, width: int) -> None:
    opened.set_viewport_size({"width": width, "height": 900})
    overflow = opened.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0


def test_a_target_for_a_finger_is_at_least_24_pixels(opened: Any) -> None:
    opened.set_viewport_size({"width": 390, "height": 900})
    small = opened.evaluate(
        """() => Array.from(document.querySelectorAll('button, select, input:not([type=hidden]), summary, nav a'))
            .filter(node => node.checkVisibility())
            .filter(node => { const box = node.getBoundingClientRect(); return box.height < 24 || box.width < 24; })
            .map(node => node.outerHTML.slice(0, 80))"""
    )
    assert small == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_page_has_no_violation_that_axe_knows(opened: Any, axe: Callable[..., list[str]], theme: str) -> None:
    opened.set_viewport_size({"width": 1280, "height": 900})
    opened.emulate_media(color_scheme=theme)
    for summary in opened.locator("main details:not([open]) > summary").all():
        if summary.is_visible():
            summary.click()
    assert axe(opened, best_practice=True) == []


@pytest.mark.parametrize("path", ["/", "/trends", "/areas/district/1"])
def test_a_chart_is_shown_in_the_one_variant_that_fits(visit: Callable[[str], Any], page: Any, path: str) -> None:
    for width, kind in ((390, "narrow"), (1440, "wide")):
        page.set_viewport_size({"width": width, "height": 900})
        visit(path)
        shown = page.evaluate(
            "() => Array.from(document.querySelectorAll('.chart > svg.wide, .chart > svg.narrow'))"
            ".filter(svg => svg.checkVisibility()).map(svg => svg.getAttribute('class'))"
        )
        assert shown and set(shown) == {kind}


def test_a_page_made_for_paper_has_no_controls(visit: Callable[[str], Any], page: Any) -> None:
    visit("/areas/district/1")
    page.emulate_media(media="print")
    for hidden in (".site-nav", ".theme", ".filters", ".twin"):
        assert not page.locator(hidden).first.is_visible()
    assert page.locator("h1").is_visible()
