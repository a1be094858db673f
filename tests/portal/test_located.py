"""How requests were placed: counted for any selection, said near every figure, and shown with each uncertain one."""

from __future__ import annotations

import math
import re
from datetime import date

import pytest

from geo.tiles import Tile
from portal import queries
from portal.answers import LocatedBy
from portal.components.absent import placed
from portal.html import to_html
from portal.release import Release
from portal.routes import render
from portal.selection import Selection
from portal.text import speaking
from portal.tiles import tile

SELECTIONS = (
    Selection(),
    Selection(service=("pothole",)),
    Selection(status=("open",), from_date=date(2024, 1, 1)),
    Selection(area=(("district", "1"),)),
    Selection(service=("noise",), department=("(none)",)),
)


def tile_at(lat: float, long: float, z: int) -> Tile:
    y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2
    return Tile(z, int((long + 180) / 360 * 2**z), int(y * 2**z))


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


@pytest.mark.parametrize("selection", SELECTIONS)
def test_counts_are_those_of_the_rows(with_geocoder: Release, selection: Selection) -> None:
    found = queries.located(with_geocoder, selection)
    where, params = selection.where()
    rows = with_geocoder.query(
        f"SELECT location_source::VARCHAR, geocode_method::VARCHAR FROM requests WHERE {where}", params
    )
    assert found.requests == len(rows) == found.source + found.geocoder + found.none
    assert found.none == sum(source == "none" for source, _ in rows)
    for method, n in found.methods.items():
        wanted = None if method == "generalised" else method
        assert n == sum(source == "geocoder" and own == wanted for source, own in rows)
    assert sum(found.methods.values()) == found.geocoder


def test_a_release_from_before_tells_sources_and_no_methods(release: Release) -> None:
    found = queries.located(release)
    assert found.methods == {} and found.geocoder > 0
    assert queries.methods(release) == []
    totals = queries.totals(release)
    assert (found.source + found.geocoder, found.none) == (totals.located, totals.not_located)
    html = words(to_html(render(release, "/methods").body))
    assert "Places found from an address" not in html


def test_the_sentence_names_every_part() -> None:
    found = LocatedBy(1000, 780, 140, 80, {"address_point": 90, "block": 50})
    said = re.sub(r"<[^>]+>", "", to_html(placed(found)))
    assert "78% at the source's own point, 14% by their address (address point 9%, block 5%) and 8% not at all" in said
    assert placed(LocatedBy(0, 0, 0, 0, {})) is None
    assert "(" not in words(to_html(placed(LocatedBy(100, 50, 50, 0, {}))))
    with speaking("es"):
        assert "punto de dirección 9%" in re.sub(r"<[^>]+>", "", to_html(placed(found)))


@pytest.mark.parametrize(
    "path", ["/", "/map", "/trends", "/areas/district", "/areas/district/1", "/departments", "/departments/parks"]
)
def test_every_page_with_figures_says_it(with_geocoder: Release, release: Release, path: str) -> None:
    assert "by their address (" in words(to_html(render(with_geocoder, path).body))
    assert "by their address" in words(to_html(render(release, path).body))


def test_the_methods_page_has_the_release_s_own_figures(with_geocoder: Release) -> None:
    html = words(to_html(render(with_geocoder, "/methods").body))
    for row in queries.methods(with_geocoder):
        assert f"{row.requests:,}" in html
    assert "Nothing vaguer than a block is drawn as a point." in html
    assert "20 m" in html and "0.6" in html, "the calibration"


def test_the_list_tells_how_uncertain_a_place_is(with_geocoder: Release) -> None:
    latest = queries.latest(with_geocoder, limit=12)
    uncertain = [row for row in latest if row.location_source == "geocoder" and row.geocode_radius_m]
    assert uncertain, "the test's city has some among its latest"
    html = words(to_html(render(with_geocoder, "/map").body))
    assert f"within {uncertain[0].geocode_radius_m:.0f} m (found by" in html


def test_a_tile_tells_how_a_single_request_was_found(with_geocoder: Release, release: Release) -> None:
    lat, long = with_geocoder.query(
        """SELECT lat, long FROM requests WHERE lat IS NOT NULL GROUP BY ALL
           HAVING count(*) = 1 AND any_value(geocode_method) = 'block' ORDER BY ALL LIMIT 1"""
    )[0]
    at = tile_at(lat, long, 18)
    data = tile(with_geocoder, "requests", at.z, at.x, at.y)
    assert b"geocode_method" in data and b"geocode_radius_m" in data and b"block" in data
    old = release.query("SELECT lat, long FROM requests WHERE lat IS NOT NULL LIMIT 1")[0]
    at = tile_at(*old, 16)
    assert tile(release, "requests", at.z, at.x, at.y)
