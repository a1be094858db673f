"""The page of a table in Chromium: its block of schema.org's data is there, and the page's own policy does not object to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest


@pytest.mark.parametrize("path", ["/data", "/data/requests"])
def test_the_block_of_data_is_read_and_not_held_back(visit: Callable[[str], Any], path: str) -> None:
    """The fixture `page` fails on any complaint of the Content Security Policy; a script without a hash makes one."""
    shown = visit(path)
    texts = shown.locator("script[type='application/ld+json']").all_text_contents()
    (about,) = [json.loads(text) for text in texts]
    assert about["@type"] == ("DataCatalog" if path == "/data" else "Dataset")


def test_a_script_that_runs_would_be_held_back(browser: Any, site: str) -> None:
    """What the test above relies on: the policy is there, and Chromium tells of what it blocks."""
    context = browser.new_context()
    page, told = context.new_page(), []
    page.on("console", lambda message: told.append(message.text))

    def spoilt(route: Any) -> None:
        answer = route.fetch()
        body = answer.text().replace('type="application/ld+json"', 'type="text/javascript"')
        route.fulfill(response=answer, body=body)

    page.route("**/data/requests", spoilt)
    page.goto(f"{site}/data/requests")
    page.wait_for_selector("#site > .site")
    context.close()
    assert any("Content Security Policy" in text for text in told)


def test_from_the_data_page_to_a_table_and_back(visit: Callable[[str], Any]) -> None:
    page = visit("/data")
    page.get_by_role("link", name="Services", exact=True).click()
    page.wait_for_selector("h1:text-is('Services')")
    assert page.locator("table code:text-is('target_hours')").count() == 1
    page.get_by_role("navigation", name="Breadcrumb").get_by_role("link", name="Data").click()
    page.wait_for_selector("h1:text-is('Data')")
