"""Charts away from their pages, in a browser: the picture that is painted here, and files under their own policy."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any


def test_a_chart_is_downloaded_as_a_picture_twice_as_large(visit: Callable[[str], Any], page: Any, site: str) -> None:
    visit("/")
    disclosure = page.locator("details.take").first
    disclosure.locator("summary").click()
    with page.expect_download() as told:
        disclosure.locator("button.png").click()
    assert told.value.suggested_filename.endswith(".png") and "monthly" in told.value.suggested_filename
    head = Path(told.value.path()).read_bytes()
    assert head.startswith(b"\x89PNG\r\n")
    width, height = struct.unpack(">II", head[16:24])
    assert width == 2 * 1020 and height > 2 * 400
    assert len(head) > 20_000, "something is painted"


def test_files_are_painted_under_their_own_policy(page: Any, site: str) -> None:
    fill = "getComputedStyle(document.querySelector('.bar')).fill"
    page.goto(f"{site}/embed/charts/monthly?page=%2F")
    assert page.evaluate(fill) == "rgb(11, 92, 173)"
    assert (
        page.evaluate("Array.from(document.querySelectorAll('.chart > svg')).filter(s => s.checkVisibility()).length")
        == 1
    )
    page.set_viewport_size({"width": 390, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert (
        page.evaluate("Array.from(document.querySelectorAll('.chart > svg')).filter(s => s.checkVisibility()).length")
        == 1
    )
    # A file that is handed over as a download is looked at as a picture would be.
    page.goto(f"{site}/")
    page.evaluate(
        "async () => { const image = new Image(); image.src = '/charts/monthly.svg?page=%2F'; await image.decode(); }"
    )
