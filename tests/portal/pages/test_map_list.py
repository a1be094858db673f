"""The list twin of the map: its order, its pages, its way back, and what it says of places."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from portal.answers import RequestRow
from portal.components import whereabouts
from portal.html import to_html
from portal.queries import latest
from portal.release import Release
from portal.routes import render


def shown(release: Release, query: str, path: str = "/map/list") -> str:
    page = render(release, path, query)
    assert page.status == 200, query
    return to_html(page.body).replace("&amp;", "&")


def test_the_map_leads_to_its_list_and_the_list_back_to_the_same_map(release: Release) -> None:
    view = "service=pothole&at=42.340000%2C-71.100000%2C0&figure=median&layer=district&place=Here"
    there = re.search(r'href="(/map/list\?[^"]+)" id="as-list"', shown(release, view, "/map"))
    assert there
    found = shown(release, there[1].partition("?")[2])
    assert f'href="/map?{view}"' in found
    assert "Pothole" in found


def test_heads_sort_and_say_how_it_is_sorted(release: Release) -> None:
    newest = shown(release, "status=open")
    assert re.findall(r'aria-sort="(\w+)"', newest) == ["descending"]
    assert 'href="/map/list?status=open&sort=oldest"' in newest
    for sort, way in (
        ("oldest", "ascending"),
        ("service", "ascending"),
        ("status", "ascending"),
        ("longest", "descending"),
    ):
        assert re.findall(r'aria-sort="(\w+)"', shown(release, f"sort={sort}")) == [way]


def test_pages_lead_to_one_another_and_keep_order_and_filters(release: Release) -> None:
    second = shown(release, "status=open&sort=longest&page=2")
    links = dict(re.findall(r'<a href="([^"]+)"[^>]*>(First|Previous|Next|Last) page', second))
    assert {words: address for address, words in links.items()}["Next"] == "/map/list?status=open&page=3&sort=longest"
    assert "26 to 50 of" in second
    last = shown(release, "status=open&page=9999")
    assert "Next page</span>" in last, "an address beyond the end shows the end"


def test_rows_lead_to_requests_and_a_part_of_a_page_is_no_nonsense(release: Release) -> None:
    row = latest(release, limit=1)[0]
    assert f'href="/requests/{row.service_request_id}?source={row.source}"' in shown(release, "")
    assert "No requests match these filters" in shown(release, "from=1990-01-01&to=1990-01-02")


@pytest.mark.parametrize(
    ("changes", "where", "exact"),
    [
        ({"location_precision": "withheld"}, "place withheld", "not on the map, to protect privacy"),
        ({"location_precision": "block_face"}, "5 Main St, somewhere on this block", "to its block, to protect privacy"),
        ({"location_precision": "area", "areas": {}}, "5 Main St, somewhere in this area", "to its area, to protect privacy"),
        ({"location_source": "none", "address": None, "areas": {}}, "not known", "not on the map"),
        ({"location_source": "geocoder", "geocode_radius_m": 31.0, "geocode_method": "block"},
         "5 Main St, within 31 m (found by block)", "from its address, within 31 m"),
        ({"flags": ("location_contradicts_address",)}, "5 Main St; its point and its address disagree",
         "point in doubt: its address is elsewhere"),
        ({}, "5 Main St", "point of its source"),
    ],
)  # fmt: skip
def test_less_than_exact_places_are_told_as_such(
    release: Release, changes: dict[str, object], where: str, exact: str
) -> None:
    plain = {"location_source": "source", "location_precision": "exact", "flags": (), "address": "5 Main St"}
    row: RequestRow = replace(latest(release, limit=1)[0], **(plain | changes))
    assert whereabouts.where(release, row) == where
    assert whereabouts.exactness(row) == exact
