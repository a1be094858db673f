"""The page of one request: what it says of each kind of request, that its numbers have receipts, and odd numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from portal.app import create_app
from portal.components.timeline import against_due
from portal.html import to_html
from portal.pages.request_page import page_address
from portal.queries.one_request import one_request
from portal.release import Release, Releases
from portal.routes import render
from portal.settings import PortalSettings
from tests.portal.check_page import wrong_numbers
from tests.portal.page_shape import check_shape
from tests.release_factory import build_release

NOTE = 'Filled. <script>alert(1)</script> & "thanks"'
ODD = (
    "a/b//c",
    "100%",
    "a%2Fb",
    "what?#now&lang=es",
    "<b>1</b>",
    "ñ 7+7",
    "trailing/",
    "..x",
    "'; DROP TABLE requests",
)
PASS = "location_precision = 'exact' AND requested_date > DATE '2024-01-01'"
KINDS = {
    "open": f"status = 'open' AND on_time = 'late' AND {PASS}",
    "pending": "status = 'open' AND on_time = 'pending'",
    "late": f"status = 'closed' AND on_time = 'late' AND event AND {PASS}",
    "on time": f"status = 'closed' AND on_time = 'on_time' AND event AND {PASS}",
    "geocoded": f"location_source = 'geocoder' AND {PASS}",
    "withheld": "location_precision = 'withheld'",
    "unlocated": "location_precision = 'none'",
    "block": "location_precision = 'block_face'",
    "contradictory": "event IS NULL",
    "first": "requested_date = (SELECT min(requested_date) FROM requests)",
    "unsure": "rid IN (SELECT rid FROM area_probabilities)",
    "edited": "rid < 30",
}


def changed(db: Any) -> None:
    db.execute("ALTER TABLE requests ALTER source TYPE VARCHAR")
    db.execute("ALTER TABLE requests ADD COLUMN status_notes VARCHAR")
    db.execute("UPDATE requests SET status_notes = ? WHERE status = 'closed' AND rid % 2 = 0", [NOTE])
    db.executemany(
        "UPDATE requests SET service_request_id = ? WHERE rid = ?", [[n, 200 + i] for i, n in enumerate(ODD)]
    )
    db.execute("UPDATE requests SET service_request_id = 'TWICE' WHERE rid IN (100, 101)")
    db.execute("UPDATE requests SET source = 'parks_crm' WHERE rid = 101")
    db.execute("""UPDATE requests SET geocode_alternatives = '[{"address": "9 <i>Elm</i> St", "method": "block", "score": 0.25}]',
        geocode_method = 'block', geocode_score = 0.4, location_source = 'geocoder' WHERE rid = 300""")
    db.execute("""INSERT INTO changes SELECT source, service_request_id, field, old, new, TIMESTAMP '2025-06-01 12:00', 'source'
        FROM requests, (VALUES ('outcome', 'done', 'unknown'), ('district', '1', '2'), ('address', NULL, '<b>5</b>'),
            ('updated_datetime', '2025-01-02 15:00:00', 'some day')) AS v (field, old, new) WHERE rid = 300""")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release with odd numbers, two sources, closing texts and histories."""
    root = tmp_path_factory.mktemp("requests")
    build_release(root, rows=8000, geocoder=True, change=changed)
    return root / "releases"


@pytest.fixture(scope="module")
def city(folder: Path) -> Iterator[Release]:
    releases = Releases(folder)
    yield releases.current()
    releases.close()


def one(release: Release, where: str) -> tuple[str, str]:
    """Number and source of one request."""
    rows = release.query(
        f"SELECT service_request_id, source::VARCHAR FROM requests WHERE {where} ORDER BY hash(rid) LIMIT 1"
    )
    assert rows, where
    return rows[0]


def shown(release: Release, where: str, query: str = "") -> str:
    page = render(release, page_address(one(release, where)[0]), query)
    assert page.status == 200
    return to_html(page.body)


def words(html: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", re.sub(r"<svg.*?</svg>", "", html, flags=re.DOTALL))))


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_is_complete_and_its_numbers_are_those_of_their_receipts(city: Release, kind: str) -> None:
    where = KINDS[kind]
    html = shown(city, where)
    assert city.id in html
    check_shape(html)
    number, source = one(city, where)
    assert f"/api/v1/requests/{quote(number, safe='')}?source={source}" in unescape(html)
    wrong, looked_at = wrong_numbers(city, page_address(number))
    assert wrong == []
    assert looked_at >= 3 or "too few to say what it should take" in words(html)


def test_a_late_one_says_so_in_words(city: Release) -> None:
    number, _ = one(city, KINDS["late"])
    (request,) = one_request(city, number)
    row, text = request.row, words(shown(city, KINDS["late"]))
    assert row.closed_datetime and row.expected_datetime and row.response_hours
    assert "Late:" in text and "after it was due" in text and "Closed after" in text
    assert "such requests were closed sooner than this one" in text
    local = city.query(
        "SELECT strftime(timezone(?, requested_datetime AT TIME ZONE 'UTC'), '%Y-%m-%dT%H:%M') FROM requests "
        "WHERE service_request_id = ?", [city.city.timezone, number],
    )[0][0]  # fmt: skip
    assert f'datetime="{local}' in shown(city, KINDS["late"])


def test_an_open_one_is_past_due_or_not_yet(city: Release) -> None:
    late, pending = words(shown(city, KINDS["open"])), words(shown(city, KINDS["pending"]))
    assert "past due for" in late and "Still open when this data was taken" in late and "Was due" in late
    assert "due in" in pending and "Not yet due" in pending and "past due" not in pending
    assert "has no outcome yet" in late and "Closed" not in re.findall(
        r'class="figure">([^<]*)<', shown(city, KINDS["open"])
    )


def test_late_and_on_time_are_told_by_the_times(city: Release) -> None:
    as_of = datetime(2025, 6, 20, 16, tzinfo=UTC)
    for kind, said in (("late", "after it was due"), ("on time", "before it was due")):
        (request,) = one_request(city, one(city, KINDS[kind])[0])
        assert against_due(request, as_of).endswith(said)


def test_a_withheld_place_is_told_nowhere(city: Release) -> None:
    html = shown(city, KINDS["withheld"])
    assert "not told, to protect privacy" in words(html)
    assert "<iframe" not in html and "Main Street" not in html and "at=" not in html


def test_a_place_has_a_map_an_address_and_its_areas(city: Release) -> None:
    html = shown(city, KINDS["geocoded"])
    number, _ = one(city, KINDS["geocoded"])
    (request,) = one_request(city, number)
    radius = f"{request.row.geocode_radius_m:.0f}"
    assert f"{request.row.lat:.6f}%2C{request.row.long:.6f}%2C{radius}" in html and "<iframe" in html
    assert request.row.address in words(html) and f"within {radius} m in 95 of 100 cases" in words(html)
    for layer, code in request.row.areas.items():
        assert f'href="/areas/{layer}/{code}"' in html


def test_a_doubt_about_the_area_is_told_with_its_probability(city: Release) -> None:
    html = words(shown(city, KINDS["unsure"]))
    assert ", or else" in html and "A border is so near" in html and re.search(r"\d%", html)


def test_history_and_other_places_are_told_as_text(city: Release) -> None:
    html = shown(city, "rid = 300")
    text = words(html)
    assert "Outcome: from Done to Not said" in text.replace("outcome", "Outcome")
    assert "from nothing to <b>5</b>" in text and "<b>5</b>" not in html
    assert "9 <i>Elm</i> St" in text and "<i>Elm</i>" not in html and "block, 25%" in text
    assert "to some day" in text and "January 2, 2025, 10:00 a.m." in text
    district = city.allowed("district")
    assert f"from {district['1']} to {district['2']}" in text


def test_an_edited_time_is_told(city: Release) -> None:
    assert re.search(
        r"\((moved to another time|taken back|closed with an earlier date)\): from", words(shown(city, "rid = 5"))
    )


def test_a_closing_text_is_text(city: Release) -> None:
    html = shown(city, "status_notes IS NOT NULL AND event")
    assert NOTE in words(html) and "<script>alert" not in html


def test_an_unpublished_closing_text_is_no_error(release: Release) -> None:
    assert "status_notes" not in release.columns
    assert "closing-text" not in shown(release, "status = 'closed'")


def test_contradictory_times_are_said_to_be_so(city: Release) -> None:
    text = words(shown(city, KINDS["contradictory"]))
    assert "It is closed before it was made" in text and "how long that took cannot be told" in text
    assert "of such requests were closed sooner" not in text


@pytest.mark.parametrize("number", ODD)
def test_a_number_may_hold_any_character(folder: Path, city: Release, number: str) -> None:
    with TestClient(create_app(PortalSettings(releases=folder))) as client:
        answer = client.get(page_address(number))
        assert answer.status_code == 200, number
        assert f"Request {number}" in words(answer.text)
        data = re.search(r'href="(/api/v1/requests/[^"]+)"', answer.text)
        assert data
        if "%2F" in number:
            return  # the test client decodes paths twice, servers once
        told = client.get(unescape(data[1]))
        assert told.status_code == 200 and told.json()["result"]["service_request_id"] == number
    assert render(city, page_address(number)).status == 200, "as the browser's own navigation asks for it"


def test_a_number_of_two_sources_asks_which(city: Release) -> None:
    page = render(city, "/requests/TWICE")
    html = to_html(page.body)
    assert page.status == 200 and "More than one source" in words(html)
    links = [unescape(link) for link in re.findall(r'href="(/requests/TWICE[^"]*source=[^"]*)"', html)]
    assert sorted(links) == ["/requests/TWICE?source=city_311", "/requests/TWICE?source=parks_crm"]
    for link in links:
        path, _, query = link.partition("?")
        assert "More than one" not in words(to_html(render(city, path, query).body))
    assert render(city, "/requests/TWICE", "source=elsewhere").status == 404


@pytest.mark.parametrize("number", ["nothing", "%3Cscript%3E", "x" * 200, "x" * 300, "%00", "%FF"])
def test_an_unknown_number_is_a_page_in_words(city: Release, number: str) -> None:
    page = render(city, f"/requests/{number}")
    assert page.status == 404
    html = to_html(page.body)
    assert "<script>" not in html
    if len(number) <= 200:
        assert "There is no such request" in words(html) and "when this data was taken" in words(html)


def test_a_withdrawn_one_is_said_to_be_withdrawn(city: Release) -> None:
    page = render(city, "/requests/W1")
    assert page.status == 410
    text = words(to_html(page.body))
    assert "This request was withdrawn" in text and "Litter, basket full" in text
    assert "January 2, 2025, 10:00 a.m." in text and "February 2, 2025" in text


def test_links_keep_the_language(city: Release) -> None:
    html = shown(city, KINDS["geocoded"], "?lang=es")
    for link in re.findall(r'href="(/(?:areas|departments|methods|receipts)[^"]*)"', html):
        assert "lang=es" in link, link


def test_the_map_leads_to_the_page() -> None:
    script = (Path(__file__).parents[3] / "assets" / "js" / "map-card.js").read_text()
    assert '"/requests/" + encodeURIComponent(props.service_request_id)' in script
    assert "/api/v1/requests/" not in script
