"""Every marked number of every page is what its receipt makes, when a stranger runs it over the public files."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from portal.html import to_html
from portal.receipts import receipt
from portal.release import Release
from portal.routes import render
from portal.selection import Selection
from tests.portal.run_receipt import run

MARK = re.compile(r"<data (?P<attributes>[^>]*)>(?P<words>[^<]*)</data>")
ATTRIBUTE = re.compile(r'([a-z-]+)="([^"]*)"')
CLOSE = {"time_ratio": 1e-4}
"""Items that a receipt interpolates."""

PAGES = (
    "/areas/district/1", "/areas/district/4?beside=2", "/areas/ward/3?service=pothole&service=tree",
    "/areas/district/2?from=2024-01-01&to=2024-06-30", "/areas/district/3?status=open", "/departments/parks",
    "/departments/public_works?area=district:1&beside=transport", "/areas/district", "/areas/ward", "/departments",
)  # fmt: skip


def marks(html: str) -> list[dict[str, str]]:
    """The attributes of every marked number, with its words."""
    found = []
    for match in MARK.finditer(html):
        attributes = {name: unescape(value) for name, value in ATTRIBUTE.findall(match["attributes"])}
        found.append(attributes | {"words": unescape(match["words"])})
    return found


def wrong_numbers(release: Release, page: str) -> tuple[list[str], int]:
    """What a page says that its receipts do not, and how many numbers were looked at."""
    path, _, query = page.partition("?")
    shown = render(release, path, query)
    assert shown.status == 200, page
    found, answers = marks(to_html(shown.body)), {}
    wrong = []
    for mark in found:
        address = mark["data-receipt"]
        if address not in answers:
            parts = urlsplit(address)
            arguments = {key: values[0] for key, values in parse_qs(parts.query).items()}
            name = unquote(parts.path.removeprefix("/receipts/"))
            told = receipt(release, name, Selection.from_query(parts.query, release), arguments)
            answers[address] = run(release, told)
        row, _, column = mark["data-item"].rpartition("/")
        value = answers[address][row][column]
        said = float(mark["value"]) if mark["value"] else None
        near = CLOSE.get(column, 1e-9)
        if (said is None) != (value is None) or (
            said is not None and said != pytest.approx(value, rel=near, abs=1e-12)
        ):
            wrong.append(f"{page}: '{mark['words']}' is {said}, but {address} says {mark['data-item']} = {value}")
    return wrong, len(found)


@pytest.mark.parametrize("page", PAGES)
def test_numbers_are_what_their_receipts_say(release: Release, page: str) -> None:
    wrong, looked_at = wrong_numbers(release, page)
    assert wrong == []
    if page.count("/") == 3 or page.startswith("/departments/"):
        assert looked_at > 15, "a report card marks its numbers"


def test_a_wrong_number_would_be_found(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    from portal.components import receipt as marking

    honest = marking.Figures.told
    monkeypatch.setattr(
        marking.Figures, "told", lambda self, words, item, value: honest(self, words, item, (value or 0) + 1)
    )
    assert wrong_numbers(release, "/areas/district/1")[0]


def test_receipt_pages_are_pages(release: Release) -> None:
    page = render(release, "/receipts/response", "service=pothole")
    html = to_html(page.body)
    assert page.status == 200 and "service_code" in html and f"/download/release/{release.id}/requests.parquet" in html
    assert render(release, "/receipts/nonsense").status == 404
    assert render(release, "/receipts/by").status == 400
