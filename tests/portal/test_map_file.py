"""A view of the map as a file: nothing in it comes from elsewhere, and its figures are those of the page."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from importlib.resources import files
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import pytest
from fastapi.testclient import TestClient

from portal import map_values, queries
from portal.charts.map_classes import APART, DARK_APART, DARK_SEQUENCE, SEQUENCE
from portal.outline import Outline
from portal.pages.map_page import FIGURES
from portal.release import Release
from portal.selection import NOT_STATED, Selection
from portal.text import number

SVG = "{http://www.w3.org/2000/svg}"
LARGEST_FILE = 2_000_000
AROUND = Outline(((-7115000, 4232000), (-7105000, 4232000), (-7105000, 4238000))).text()
QUERIES = (
    "",
    "figure=count",
    "figure=median&service=pothole",
    "figure=open&lang=es",
    "figure=on_time&area=district:3",
    "area=district:2&status=open",
    "near=42.35,-71.1,800",
    urlencode({"within": AROUND, "figure": "count"}),
    "from=2019-01-01&to=2019-02-01",
    "service=%3Dheating",
    *(f"figure={figure}&service=pothole" for figure in FIGURES),
)


@pytest.mark.parametrize("query", QUERIES)
def test_the_page_needs_no_network_and_tells_what_it_is(portal: TestClient, release: Release, query: str) -> None:
    answer = portal.get(f"/map/standalone.html?{query}")
    assert answer.status_code == 200 and len(answer.content) < LARGEST_FILE
    assert "attachment" in answer.headers["content-disposition"]
    text = answer.text
    assert not re.search(
        r"<(script|link|img|iframe|object|embed)\b|\b(src|srcset|xlink:href)=|@import|url\((?!#)", text
    )
    assert not re.search(r"\son\w+=|\sstyle=", text)
    selection = Selection.from_query(query, release)
    total = queries.totals(release, selection)
    if total.requests:
        assert number(total.requests) in text and number(total.not_located) in text
    assert release.id in text and "https://data.example.org/map" in text
    assert release.city.license.title in text
    if "lang" not in query:
        assert selection.sentence(release).replace("<", "&lt;").replace(">", "&gt;") in text
    assert "<b>off" not in text


@pytest.mark.parametrize("query", QUERIES)
def test_its_table_is_that_of_the_figures_by_area(portal: TestClient, release: Release, query: str) -> None:
    text = portal.get(f"/map/standalone.html?{query}").text
    rows = queries.by(release, Selection.from_query(query, release), "district")
    told = re.findall(r'<tr><th scope="row">([^<]*)</th><td>([^<]*)</td>', text)
    assert dict(told) == {row.name: number(row.requests) for row in rows if row.key != NOT_STATED}


@pytest.mark.parametrize("query", QUERIES)
def test_the_picture_is_svg_that_paints_under_its_policy(portal: TestClient, query: str) -> None:
    answer = portal.get(f"/map/standalone.svg?{query}")
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("image/svg+xml")
    root = ET.fromstring(answer.content)  # noqa: S314 - our own
    assert root.tag == f"{SVG}svg" and len(answer.content) < LARGEST_FILE
    (style,) = root.iter(f"{SVG}style")
    digest = base64.b64encode(hashlib.sha256((style.text or "").encode()).digest()).decode()
    assert f"'sha256-{digest}'" in answer.headers["content-security-policy"]
    again = portal.get(f"/map/standalone.svg?{query}", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


def test_circles_stand_for_all_that_are_on_the_map(portal: TestClient, release: Release) -> None:
    root = ET.fromstring(portal.get("/map/standalone.svg?service=pothole").content)  # noqa: S314 - our own
    located = queries.totals(release, Selection(service=("pothole",))).located
    drawn = len(list(root.iter(f"{SVG}circle")))
    assert 10 < drawn <= located + 3


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("form", ["svg", "html"])
def test_every_colour_has_its_twin_for_a_dark_screen(portal: TestClient, query: str, form: str) -> None:
    text = portal.get(f"/map/standalone.{form}?{query}").text
    drawn = set(re.findall(r'(?:fill|stroke)="(#[0-9a-f]{6})"', text.split("</style>")[1]))
    style = re.findall(r"<style>(.*?)</style>", text)[0].replace("&quot;", '"')
    light, dark = style.split("@media screen and (prefers-color-scheme:dark){")
    assert drawn and "prefers-color-scheme" not in light
    for colour in drawn:
        assert f'[fill="{colour}"]{{fill:#' in dark and f'[stroke="{colour}"]{{stroke:#' in dark


def test_classes_are_coloured_as_on_the_live_map() -> None:
    script = files("assets").joinpath("js", "map-core.js").read_text()
    for name, sequence, apart in (("LIGHT", SEQUENCE, APART), ("DARK", DARK_SEQUENCE, DARK_APART)):
        block = script.split(f"const {name} = {{")[1].split("};")[0]
        found = {key: tuple(json.loads(f"[{values}]")) for key, values in re.findall(r"(\w+): \[([^\]]*)\]", block)}
        assert (found["classes"], found["apart"]) == (sequence, apart)


def test_every_figure_of_the_map_can_be_coloured() -> None:
    assert set(FIGURES) <= set(map_values.FIGURES) | {"requests"}


def test_nonsense_is_refused(portal: TestClient) -> None:
    for query in ("figure=no-such", "layer=ward", "at=1", "service=no-such", "near=1,2"):
        assert portal.get(f"/map/standalone.html?{query}").status_code == 400, query
    assert portal.get("/map/standalone.pdf").status_code in (400, 404)
