"""What happens near a place: every number is what its receipt makes, and links lead to the same requests."""

from __future__ import annotations

import re

import pytest
from fastapi.testclient import TestClient

from portal import queries
from portal.html import to_html
from portal.outline import Circle
from portal.pages.near import RADII
from portal.release import Release
from portal.routes import render
from portal.selection import Selection
from tests.portal.check_page import Receipts, page_of, wrong_marks
from tests.portal.page_shape import check_shape

AT = "42.345000,-71.108000"


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html)).replace(" .", ".")


def section(release: Release, path: str, query: str) -> str:
    page = render(release, path, query)
    html = to_html(page.body)
    assert page.status == 200
    check_shape(html)
    return html[html.index('id="near"') :].partition("</section>")[0].replace("&amp;", "&")


@pytest.mark.parametrize("page", ["/places?q=spruce+st", "/places?q=north",
                                  "/places?q=main+st+%26+harbor+ave", f"/places?at={AT},20&radius=1000",
                                  f"/map?at={AT},0&radius=250&service=pothole", f"/map?at={AT},0&status=open"])  # fmt: skip
def test_numbers_are_what_their_receipts_say(with_geocoder: Release, page: str) -> None:
    found = page_of(with_geocoder, page)
    assert found.marks
    assert wrong_marks(Receipts(with_geocoder), found) == []


@pytest.mark.parametrize("radius", RADII)
def test_it_counts_the_last_whole_year_within_the_radius(with_geocoder: Release, radius: int) -> None:
    here = queries.dated(with_geocoder, Selection(near=Circle(42.345, -71.108, radius)))
    said = section(with_geocoder, "/places", f"at={AT},20&radius={radius}")
    n = queries.totals(with_geocoder, here).requests
    distance = "1 km" if radius == 1000 else f"{radius} m"
    wanted = rf"{n:,} requests? (was|were) made within {distance} of .* from June 1, 2024 to May 31, 2025\."
    assert re.search(wanted, words(said)) or not n
    assert f'href="/map/list?{here.to_query()}&at=' in said
    assert f'href="/data?{here.to_query()}"' in said
    assert 'href="/expected?at=' in said
    waiting = Selection(near=here.near, status=("open",))
    n_open = queries.totals(with_geocoder, waiting).requests
    if n_open > 1:
        oldest = queries.oldest(with_geocoder, waiting, 1)[0]
        assert f"{n_open} requests here are open now" in words(said)
        assert f"/requests/{oldest.service_request_id}?" in said


def test_the_map_names_who_represents_the_place_and_keeps_the_filters(with_geocoder: Release) -> None:
    said = section(with_geocoder, "/map", f"at={AT},0&place=Here&service=pothole&figure=median")
    assert "Who represents this place" in said and 'href="/areas/district/' in said
    assert re.search(r'href="/map\?service=pothole&at=[^"]*&figure=median&place=Here&radius=250#near"', said)
    assert 'href="/departments/' in section(with_geocoder, "/map", f"at={AT},0&radius=1000")
    assert '<li><a href="/map' in said and 'aria-current="page">500 m' in said


def test_where_nothing_was_asked_for_it_says_so(release: Release) -> None:
    said = section(release, "/map", "at=41.000000,-70.000000,0")
    assert "Nothing was asked for within 500 m of this point" in words(said)
    assert "Nothing here is open now." in said


@pytest.mark.parametrize("query", ["radius=0", "radius=501", "radius=%2B500", "radius=500&at=90,0", "radius=x"])
def test_other_radii_and_far_points_are_answered_in_words(with_geocoder: Release, query: str) -> None:
    at = "" if "at=" in query else f"at={AT}&"
    for path in ("/map", "/places"):
        page = render(with_geocoder, path, at + query)
        assert page.status == (200 if "at=90" in query else 400)


def test_a_point_far_away_is_not_of_this_city(with_geocoder: Release) -> None:
    page = render(with_geocoder, "/places", "at=10.0,10.0,5")
    assert page.status == 200 and "not in or near Testville" in to_html(page.body)


def test_a_street_is_looked_at_along_its_lines(with_geocoder: Release) -> None:
    said = section(with_geocoder, "/places", "q=spruce+st")
    (within,) = set(re.findall(r'href="/feed\.atom\?([^"]*)"', said))
    along = Selection.from_query(within, with_geocoder)
    n = queries.totals(with_geocoder, queries.dated(with_geocoder, along)).requests
    assert along.within and re.search(
        rf"{n:,} requests? (was|were) made along Spruce St from June 1, 2024", words(said)
    )
    html = to_html(render(with_geocoder, "/places", "q=spruce+st").body)
    assert (
        f'src="/map/frame?{within}&amp;figure=requests"' in html
        or f'src="/map/frame?figure=requests&amp;{within}"' in html
    )
    assert "within 40 m of its middle line" in said and "How far around" not in said
    # Spruce Street runs along this latitude, and its blocks end at these longitudes.
    west, south, east, north = along.within.polygon.bounds
    assert (south, north) == pytest.approx((42.3546 - 40 / 111_200, 42.3546 + 40 / 111_200), abs=3e-5)
    assert (west, east) == pytest.approx((-71.118 - 40 / 82_300, -71.083 + 40 / 82_300), abs=4e-5)


def test_an_area_is_looked_at_as_a_whole_and_leads_to_its_page(with_geocoder: Release) -> None:
    html = to_html(render(with_geocoder, "/places", "q=north").body)
    said = section(with_geocoder, "/places", "q=north")
    here = queries.dated(with_geocoder, Selection(area=(("district", "1"),)))
    n = queries.totals(with_geocoder, here).requests
    assert f"{n:,} requests were made in North from June 1, 2024" in words(said)
    assert 'href="/areas/district/1"' in html and 'href="/feed.atom?area=district%3A1"' in said
    assert "near=" not in said and "What is asked for most here" in said


def test_no_cache_of_others_holds_where_someone_looks(client: TestClient) -> None:
    for path in ("/map?at=42.345,-71.108,20", "/map/list?near=42.345,-71.108,500", "/data?near=42.345,-71.108,500"):
        assert client.get(path).headers["cache-control"] == "private, no-cache"
    assert client.get("/map/list").headers["cache-control"] == "no-cache"
