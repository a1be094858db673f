"""Every marked number of every page is what its receipt makes, when a stranger runs it over the public files."""

from __future__ import annotations

import pytest

from portal.html import to_html
from portal.release import Release
from portal.routes import render
from tests.portal.check_page import Receipts, page_of, wrong_marks

PAGES = (
    "/", "/?service=pothole&from=2024-03-01&to=2024-03-03", "/areas/district/1", "/areas/district/4?beside=2",
    "/areas/ward/3?service=pothole&service=tree", "/areas/district/2?from=2024-01-01&to=2024-06-30",
    "/areas/district/3?status=open", "/departments/parks", "/departments/public_works?area=district:1&beside=transport",
    "/areas/district", "/areas/ward", "/departments", "/trends", "/trends?by=district&department=parks&to=2023-07-15",
    "/standards", "/standards?department=parks",
)  # fmt: skip


@pytest.fixture(scope="module")
def receipts(release: Release) -> Receipts:
    return Receipts(release)


@pytest.mark.parametrize("page", PAGES)
def test_numbers_are_what_their_receipts_say(release: Release, receipts: Receipts, page: str) -> None:
    found = page_of(release, page)
    assert wrong_marks(receipts, found) == []
    assert len(found.marks) > 20, "a page marks its numbers"


@pytest.mark.parametrize("how", ["the value", "the words", "the receipt's item"])
def test_a_wrong_number_would_be_found(
    release: Release, receipts: Receipts, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    from portal.components import receipt as marking

    honest = marking.Figures.told

    def told(self: marking.Figures, words: object, item: str, value: float | None, **more: str) -> object:
        if how == "the value":
            value = (value or 0) + 1
        elif how == "the words" and item == "requests":
            words = f"{(value or 0) + 1:,.0f}"
        elif how == "the receipt's item" and item == "requests":
            item = "closed"
        return honest(self, words, item, value, **more)

    monkeypatch.setattr(marking.Figures, "told", told)
    assert wrong_marks(receipts, page_of(release, "/areas/district/1"))


def test_a_wrong_end_of_an_interval_would_be_found(
    release: Release, receipts: Receipts, monkeypatch: pytest.MonkeyPatch
) -> None:
    from portal.components import receipt as marking

    honest = marking.Figures.band
    monkeypatch.setattr(
        marking.Figures, "band", lambda self, words, item, low, high: honest(self, words, item, low, (high or 0) * 1.01)
    )
    assert wrong_marks(receipts, page_of(release, "/areas/district/1"))


def test_receipt_pages_are_pages(release: Release) -> None:
    page = render(release, "/receipts/response", "service=pothole")
    html = to_html(page.body)
    assert page.status == 200 and "service_code" in html and f"/download/release/{release.id}/requests.parquet" in html
    assert render(release, "/receipts/nonsense").status == 404
    assert render(release, "/receipts/by").status == 400
