"""What must hold on every page: access for all, no overflow, nothing from elsewhere (the fixture `page` sees to that)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.conftest import PATHS, PLAIN_PATHS


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", [*PATHS, *PLAIN_PATHS])
def test_a_page_has_no_violation_that_axe_knows(
    visit: Callable[[str], Any], axe: Callable[..., list[str]], page: Any, path: str, theme: str
) -> None:
    page.emulate_media(color_scheme=theme)
    visit(path)
    for summary in page.locator("main details:not([open]) > summary").all():
        if summary.is_visible():
            summary.click()
    assert axe(page, best_practice=True) == []


@pytest.mark.parametrize("width", [360, 390, 1440])
@pytest.mark.parametrize("path", [*PATHS, *PLAIN_PATHS])
def test_a_page_never_scrolls_sideways(visit: Callable[[str], Any], page: Any, path: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    visit(path)
    overflow = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0


@pytest.mark.parametrize("path", [*PATHS, *PLAIN_PATHS])
def test_a_target_for_a_finger_is_at_least_24_pixels(visit: Callable[[str], Any], page: Any, path: str) -> None:
    page.set_viewport_size({"width": 390, "height": 900})
    visit(path)
    small = page.evaluate(
        """() => Array.from(document.querySelectorAll('button, select, input:not([type=hidden]), summary, nav a'))
            .filter(node => node.checkVisibility())
            .filter(node => { const box = node.getBoundingClientRect(); return box.height < 24 || box.width < 24; })
            .map(node => node.outerHTML.slice(0, 80))"""
    )
    assert small == []


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
