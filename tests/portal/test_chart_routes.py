"""Charts away from their pages: files that stand alone, tables as CSV, embedded pages, and what may not be asked for."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit
from xml.etree import ElementTree as ET

import pytest
from fastapi.testclient import TestClient

from portal.app import create_app
from portal.chart_routes import HEAVIEST_EMBED, Chart, csv_of
from portal.charts.standalone import readable
from portal.components.take_chart import LONGEST
from portal.release import Release
from portal.settings import PortalSettings
from tests.browser.conftest import PATHS
from tests.release_factory import build_release, write_status

SVG = "{http://www.w3.org/2000/svg}"
FIGURE = re.compile(r'<figure class="chart-figure" aria-labelledby="([^"]+)">(.*?)</figure>', re.DOTALL)


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The release that the browser tests visit, with runs to draw."""
    root: Path = tmp_path_factory.mktemp("charts")
    build_release(root, rows=6000, geocoder=True)
    write_status(root / "releases", datetime.now(UTC))
    settings = PortalSettings(releases=root / "releases", public_url="https://data.example.org")
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client


def figures(client: TestClient, path: str) -> list[tuple[str, str]]:
    """(key, HTML) of every chart of a page, from the text that a reader's browser gets."""
    return FIGURE.findall(client.get(path).text)


def cells(html: str) -> list[list[str]]:
    """The words of the table in a chart's HTML, spaces left out."""
    table = html.split("<table", 1)[1].split("</table>", 1)[0]
    rows = re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)
    found = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]
    return [["".join(unescape(re.sub(r"<[^>]*>", "", cell)).split()) for cell in row] for row in found]


def allowed_style(policy: str, text: str) -> bool:
    """Whether the one style element of a text is the one that its policy names."""
    (css,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    return f"'sha256-{base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()}'" in policy


@pytest.mark.parametrize("path", PATHS)
def test_every_chart_can_be_taken_away(portal: TestClient, path: str) -> None:
    for key, html in figures(portal, path):
        links = {urlsplit(unescape(a)).path: unescape(a) for a in re.findall(r'href="(/charts/[^"]*)"', html)}
        if "<svg" not in html.split("<details", 1)[0]:
            assert not links, "nothing is drawn, so there is nothing to take"
            continue
        svg, table = portal.get(links[f"/charts/{key}.svg"]), portal.get(links[f"/charts/{key}.csv"])
        assert svg.status_code == table.status_code == 200, (path, key)
        title = unescape(re.sub(r"<[^>]*>", "", html.split("</h", 1)[0]))
        release = svg.headers["x-openward-release"]
        root = ET.fromstring(svg.text)  # noqa: S314 - our own
        assert root.tag == f"{SVG}svg" and float(root.get("width", "")) > 900 and float(root.get("height", "")) > 100
        said = " ".join("".join(text.itertext()) for text in root.iter(f"{SVG}text"))
        assert title in said and ("made up" in said or "lang=es" in path)
        assert f"https://data.example.org{urlsplit(path).path}" in said.replace(" ", "")
        if not path.startswith("/sources"):
            assert release in said
        assert "var(" not in svg.text and "transparent" not in svg.text and 'class="narrow' not in svg.text
        assert allowed_style(svg.headers["content-security-policy"], svg.text)
        rows = list(csv.reader(io.StringIO(table.text, newline="")))
        assert [["".join(c.removeprefix("'").split()) for c in row] for row in rows] == cells(html)
        assert len(rows) > 1 and len({len(row) for row in rows}) == 1


@pytest.mark.parametrize("path", [*PATHS, "/departments/parks", "/standards", "/equity"])
def test_every_drawing_can_be_taken_away_or_says_why_not(portal: TestClient, path: str) -> None:
    """All drawings are charts with their files, but the site's mark, and bars beside numbers in tables that are files."""
    html = portal.get(path).text
    for key, chart in figures(portal, path):
        if "<svg" in chart.split("<details", 1)[0]:
            assert f'href="/charts/{key}.svg?' in chart and f'href="/charts/{key}.csv?' in chart, key
            assert f'href="/embed/charts/{key}' in chart or f"/embed/charts/{key}" in unescape(chart), key
            assert "<table" in chart and 'class="subtitle"' in chart, key
    rest = FIGURE.sub("", html)
    for region in re.findall(r'<div class="table-scroll"[^>]*>.*?</table></div>', rest, re.DOTALL):
        if "<svg" in region:
            key = re.search(r'<caption[^>]* id="([^"]+)-caption"', region)[1]  # type: ignore[index]
            link = re.search(rf'href="(/charts/{re.escape(key)}\.csv\?[^"]*)"', rest)
            assert link, f"the table {key} has bars and no file"
            table = portal.get(unescape(link[1]))
            assert table.status_code == 200
            rows = list(csv.reader(io.StringIO(table.text, newline="")))
            assert [["".join(c.removeprefix("'").split()) for c in row] for row in rows] == cells(region), key
        rest = rest.replace(region, "")
    left = [svg for svg in re.findall(r"<svg[^>]*>", rest) if 'class="logo"' not in svg]
    assert not left, left


def test_a_table_has_nothing_drawn(portal: TestClient) -> None:
    asked = {"page": "/trends"}
    assert portal.get("/charts/by-table.csv", params=asked).status_code == 200
    assert portal.get("/charts/by-table.svg", params=asked).status_code == 404
    assert portal.get("/embed/charts/by-table", params=asked).status_code == 404
    assert portal.get("/charts/no-table.csv", params=asked).status_code == 404


def test_the_bar_of_outcomes_brings_their_names_and_shares(portal: TestClient) -> None:
    table = list(csv.reader(io.StringIO(portal.get("/charts/outcomes.csv", params={"page": "/"}).text)))
    root = ET.fromstring(portal.get("/charts/outcomes.svg", params={"page": "/"}).text)  # noqa: S314 - our own
    said = [text.text for text in root.iter(f"{SVG}text")]
    assert {f"{name} {share}" for name, n, share in table[1:] if n != "0"} <= set(said)
    embedded = portal.get("/embed/charts/outcomes", params={"page": "/"}).text
    assert all(name in embedded for name, n, _share in table[1:] if n != "0")


def test_a_drawing_with_colours_brings_its_legend(portal: TestClient) -> None:
    asked = {"page": "/areas/district/1"}
    table = next(csv.reader(io.StringIO(portal.get("/charts/course.csv", params=asked).text)))
    root = ET.fromstring(portal.get("/charts/course.svg", params=asked).text)  # noqa: S314 - our own
    said = [text.text for text in root.iter(f"{SVG}text")]
    assert len(table) > 4 and set(table[2:]) <= set(said)
    embedded = portal.get("/embed/charts/course", params=asked).text
    assert all(words in embedded for words in table[2:])


def test_pages_with_charts_were_looked_at(portal: TestClient) -> None:
    keys = {key for path in PATHS for key, _html in figures(portal, path)}
    assert {"monthly", "course", "fair-late", "control-late", "beside-chart", "sooner", "open-ages", "outcomes"} <= keys
    assert {"multiples-months", "kept-months", "measures-chart"} <= keys


@pytest.mark.parametrize("path", ["/", "/trends", "/areas/district/2?beside=3&lang=es", "/requests/R00000012"])
def test_a_chart_can_be_put_into_any_page(portal: TestClient, path: str) -> None:
    for key, html in figures(portal, path):
        (code,) = re.findall(r"<code>(.*?)</code>", html)
        (source,) = re.findall(r'src="([^"]*)"', unescape(code))
        address = unescape(source)
        assert address.startswith(f"https://data.example.org/embed/charts/{key}?page=")
        answer = portal.get(address.removeprefix("https://data.example.org"))
        assert answer.status_code == 200 and len(answer.content) <= HEAVIEST_EMBED
        policy = answer.headers["content-security-policy"]
        assert "frame-ancestors *" in policy and "default-src 'none'" in policy and "script" not in policy
        assert "x-frame-options" not in answer.headers and "set-cookie" not in answer.headers
        assert allowed_style(policy, answer.text) and "<script" not in answer.text and "style=" not in answer.text
        assert '<html lang="es">' in answer.text if "lang=es" in path else '<html lang="en">' in answer.text
        page = parse_qs(urlsplit(address).query)["page"][0]
        assert page == path and f"#{key}" in answer.text
        assert "<svg" in answer.text or "<img" in answer.text


def test_only_embedded_charts_may_be_framed_elsewhere(portal: TestClient) -> None:
    for path in ("/", "/trends", "/charts/monthly.svg?page=/", "/charts/monthly.csv?page=/", "/embed/charts/x?page=/"):
        assert "frame-ancestors 'self'" in portal.get(path).headers["content-security-policy"], path


def test_a_file_speaks_the_language_of_its_address(portal: TestClient) -> None:
    spanish = {"Accept-Language": "es"}
    page = portal.get("/", headers=spanish).text
    assert f"/charts/monthly.svg?page={quote('/?lang=es', safe='')}" in page
    english = portal.get("/charts/monthly.csv?page=/")
    assert portal.get("/charts/monthly.csv?page=/", headers=spanish).text == english.text
    assert portal.get("/charts/monthly.csv?page=%2F%3Flang%3Des").text != english.text


def test_a_file_is_asked_again_and_named(portal: TestClient) -> None:
    first = portal.get("/charts/monthly.csv?page=/")
    assert first.headers["cache-control"] == "no-cache"
    assert first.headers["x-openward-release"] in first.headers["content-disposition"]
    assert "synthetic-monthly" in first.headers["content-disposition"]
    again = portal.get("/charts/monthly.csv?page=/", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304 and not again.content
    assert portal.head("/charts/monthly.svg?page=/").status_code == 200


@pytest.mark.parametrize(
    "page",
    ["", "https://evil.example/", "//evil.example/trends", "/\\evil.example", "trends", "javascript:alert(1)", "/#x",
     "/trends\r\nX: y", "/trends\x00", "/" + "x" * LONGEST, "/trends?service=no-such-service", "/ trends"],
)  # fmt: skip
@pytest.mark.parametrize("route", ["/charts/monthly.svg", "/charts/monthly.csv", "/embed/charts/monthly"])
def test_what_is_no_page_of_ours_is_refused(portal: TestClient, route: str, page: str) -> None:
    answer = portal.get(route, params={"page": page})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json" and "Traceback" not in answer.text


@pytest.mark.parametrize(
    ("route", "page", "status"),
    [
        ("/charts/monthly.svg", "/nope", 404), ("/charts/monthly.svg", "/api/v1/totals", 404),
        ("/charts/nope.svg", "/", 404), ("/charts/monthly.png", "/", 400), ("/charts/monthly", "/", 404),
        ("/charts/<b>.svg", "/", 404), ("/embed/charts/title", "/", 404), ("/embed/charts/nope", "/", 404),
        ("/charts/median.svg", "/trends?by=district&department=parks", 404), ("/charts/main.csv", "/", 404),
        ("/embed/charts/monthly", "/embed/charts/monthly?page=/", 404), ("/charts/monthly.svg", None, 400),
    ],
)  # fmt: skip
def test_where_there_is_no_chart(portal: TestClient, route: str, page: str | None, status: int) -> None:
    answer = portal.get(route, params={"page": page} if page is not None else {})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_query_cannot_write_markup(portal: TestClient) -> None:
    hostile = '/?x="><script>alert(1)</script>'.replace(" ", "%20")
    for route in ("/embed/charts/monthly", "/charts/monthly.svg"):
        answer = portal.get(route, params={"page": hostile})
        assert answer.status_code == 200 and "<script" not in answer.text
    assert "<script>alert" not in portal.get(f"/?x={quote('<script>alert(1)</script>')}").text


def test_an_address_too_long_to_pass_on_offers_no_files(portal: TestClient) -> None:
    assert "/charts/monthly.svg" in portal.get("/?x=" + "y" * 100).text
    assert "/charts/monthly.svg" not in portal.get("/?x=" + "y" * LONGEST).text


def test_a_spreadsheet_runs_nothing() -> None:
    row = ("=1+1", "+cmd", "-2.5%", "-x", "@a", 'say "a", b')
    text = csv_of(Chart("k", "t", "s", "", "", (), (row,), "en"))
    assert text == '\'=1+1,\'+cmd,-2.5%,\'-x,\'@a,"say ""a"", b"\r\n'


def test_a_light_accent_is_made_readable(release: Release) -> None:
    assert readable(release.city.accent) == release.city.accent
    assert readable("#ffee00") != "#ffee00" and re.fullmatch(r"#[0-9a-f]{6}", readable("#ffee00"))


def test_the_page_that_dash_draws_has_the_same_links(releases_path: Path) -> None:
    client = TestClient(create_app(PortalSettings(releases=releases_path)), base_url="https://city.example")
    asked = {
        "output": "page.children",
        "outputs": {"id": "page", "property": "children"},
        "inputs": [
            {"id": "address", "property": "pathname", "value": "/trends"},
            {"id": "address", "property": "search", "value": "?department=parks"},
        ],
        "changedPropIds": ["address.pathname"],
    }
    link = f"https://city.example/embed/charts/monthly?page={quote('/trends?department=parks', safe='')}"
    assert link in json.dumps(client.post("/_dash-update-component", json=asked).json())
    assert link in client.get("/trends?department=parks").text
