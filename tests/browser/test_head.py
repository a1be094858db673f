"""The head of a page that changed without a new load is that of the page as it is loaded anew."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any

from playwright.sync_api import expect

Links = set[tuple[str, str]]

TOLD = (
    """() => Array.from(document.head.querySelectorAll('link[rel="alternate"]')).map(link => [link.type, link.href])"""
)


def anew(page: Any) -> Links:
    """The links that the address gives as a first answer."""
    head = page.request.get(page.url).text().split("</head>")[0]
    found = re.findall(r'<link rel="alternate" type="([^"]+)"(?: title="[^"]*")? href="([^"]+)">', head)
    return {(kind, unescape(href)) for kind, href in found}


def told(page: Any) -> Links:
    return {(kind, href) for kind, href in page.evaluate(TOLD)}


def arrived(page: Any, title: str) -> None:
    expect(page).to_have_title(re.compile(f"^{title} "))


def test_the_links_of_the_head_follow_the_page(visit: Callable[[str], Any], page: Any) -> None:
    visit("/map?status=open")
    first = told(page)
    assert first == anew(page) and len(first) == 3
    page.evaluate("() => { window.stays = true; }")
    page.get_by_role("link", name="Departments", exact=True).first.click()
    arrived(page, "Departments")
    assert told(page) == anew(page) != first
    page.get_by_role("link", name="Data", exact=True).first.click()
    arrived(page, "Data")
    assert told(page) == anew(page) == set()
    page.get_by_role("link", name="Map", exact=True).first.click()
    arrived(page, "Map")
    page.evaluate(
        """() => window.dispatchEvent(new CustomEvent("openward:go", { detail: { url: "/map?status=closed", focus: null } }))"""
    )
    page.wait_for_url("**status=closed**")
    page.wait_for_selector("link[href*='status%3Dclosed']", state="attached")
    assert told(page) == anew(page)
    for _ in range(4):
        page.go_back()
    page.wait_for_selector("link[href*='status%3Dopen']", state="attached")
    assert told(page) == first
    assert page.evaluate("() => window.stays")
