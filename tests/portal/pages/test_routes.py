"""Every address answers with a complete page, whatever is asked for."""

from __future__ import annotations

import re

import pytest

from portal.html import to_html
from portal.release import Release
from portal.routes import render
from tests.portal.page_shape import check_shape

PATHS = ("/", "/map", "/map/list", "/expected",
         "/trends", "/areas", "/areas/ward", "/areas/district/1", "/departments", "/departments/parks",
         "/data", "/data/areas", "/verify", "/r/{release}", "/releases/{release}/{release}", "/sources", "/methods")  # fmt: skip
QUERIES = ("", "?department=parks", "?service=%3Dheating&status=open", "?from=1990-01-01&to=1990-01-02", "?lang=es")


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("path", PATHS)
def test_a_page_is_complete_in_every_selection_and_language(release: Release, path: str, query: str) -> None:
    page = render(release, path.format(release=release.id), query)
    text = to_html(page.body)
    assert page.status == 200
    assert page.title.endswith("Testville service requests") or "Testville" in page.title
    assert page.description
    assert text.count("<main") == 1
    check_shape(text)
    assert 'class="synthetic"' in text, "made-up data says so on every page"
    assert release.id in text


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("/nowhere", "", 404),
        ("/map/list", "page=0", 400),
        ("/map/list", "page=%C2%B2", 400),
        ("/map/list", "page=9999999999", 400),
        ("/map/list", "page=99999999", 200),
        ("/map/list", "sort=price", 400),
        ("/areas/galaxy", "", 404),
        ("/areas/district/99", "", 404),
        ("/departments/nobody", "", 404),
        ("/areas/district/1/more", "", 404),
        ("/trends", "?service=nothing", 400),
        ("/trends", "?by=moon", 400),
        ("/map", "?figure=moon", 400),
        ("/map", "?layer=ward", 400),
        ("/", "?from=yesterday", 400),
        ("/trends/", "", 200),
        ("", "", 200),
        ("/areas/district/1", "?area=ward:3", 200),
    ],
)
def test_an_address_has_the_status_it_deserves(release: Release, path: str, query: str, status: int) -> None:
    page = render(release, path, query)
    assert page.status == status
    assert "<h1" in to_html(page.body)


def test_what_a_stranger_put_in_the_address_comes_back_as_text(release: Release) -> None:
    page = render(release, "/trends", "?service=%3Cscript%3Ealert(1)%3C/script%3E")
    text = to_html(page.body)
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_names_from_the_data_are_text(release: Release) -> None:
    text = to_html(render(release, "/trends").body)
    assert "Heating <b>off</b>" not in text
    assert "Heating &lt;b&gt;off&lt;/b&gt;" in text


def test_an_area_stays_with_the_filters_of_the_address(release: Release) -> None:
    text = to_html(render(release, "/areas/district/1", "?department=parks").body)
    dates = "&amp;from=2024-06-01&amp;to=2025-05-31"  # the report card's own: the last twelve whole months
    assert f'href="/map?area=district%3A1&amp;department=parks{dates}"' in text
    assert f'href="/data?area=district%3A1&amp;department=parks{dates}"' in text


def test_links_keep_the_language(release: Release) -> None:
    text = to_html(render(release, "/", "?lang=es").body)
    assert 'href="/trends?lang=es"' in text
    assert 'lang="es"' in text
    assert 'href="/trends"' in to_html(render(release, "/", "", "en").body)


def test_the_browsers_language_is_answered(release: Release) -> None:
    assert render(release, "/", "", "es-MX,es;q=0.9").title.startswith("Resumen")
    assert render(release, "/", "?lang=en", "es-MX").title.startswith("Overview")


def test_the_current_page_is_marked_once(release: Release) -> None:
    text = to_html(render(release, "/departments").body)
    assert re.findall(r'aria-current="(?:page|true)"[^>]*>([^<]+)', text) == ["Departments"]
