"""How long will mine take: what the page says is what is forecast, and it answers at once whatever the state of things."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from html import unescape
from urllib.parse import quote, urlencode

import pytest

from portal.answers_expected import Forecast
from portal.background import Background
from portal.components.expected import basis, expected_address, sentence
from portal.html import to_html
from portal.queries import expected as module
from portal.queries.expected import calibration, drawn_layer, expected, expected_all, wait
from portal.release import Release
from portal.routes import render
from portal.text import duration_words, number, speaking
from tests.portal.check_page import Receipts, page_of, wrong_marks, wrong_numbers
from tests.portal.conftest import city_with_geocoder
from tests.portal.page_shape import check_shape


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    """A city with a geocoder, and enough requests for areas to have forecasts of their own."""
    yield from city_with_geocoder(tmp_path_factory.mktemp("how-long"), 30_000)


def shown(release: Release, status: int = 200, **query: str) -> str:
    page = render(release, "/expected", urlencode(query))
    assert page.status == status, query
    return to_html(page.body)


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html))


def a_forecast(release: Release, *bases: str) -> tuple[str, str, Forecast]:
    """A service and an area whose forecast rests on one of the bases."""
    for area in release.allowed(drawn_layer(release) or ""):
        for service, found in expected_all(release, area).items():
            if found and found.basis in bases and found.most_hours:
                return service, area, found
    raise AssertionError(f"no forecast of {bases}")


@pytest.mark.parametrize("bases", [("season", "area"), ("recent", "service")])
def test_the_sentence_is_the_forecast(city: Release, bases: tuple[str, ...]) -> None:
    service, area, found = a_forecast(city, *bases)
    html = shown(city, service=service, area=f"district:{area}")
    said = words(html.split('id="answer"')[1].split("</section>")[0])
    assert (
        f"are closed within {duration_words(found.half_hours)}, 9 in 10 within {duration_words(found.most_hours)}."
        in said
    )
    assert f"the {number(found.requests)} requests for this service" in said
    assert f"Of them {number(found.events)} are closed" in said
    here = city.allowed("district")[area] if found.area else "the whole city"
    assert f"made in {here}" in said
    assert ("so this is of the whole city" in said) == (found.area is None)
    how = calibration(city)
    assert how and how.pooled and how.pooled.most.value
    assert f"{round(how.pooled.most.value * 100)} within the time stated for 9 in 10" in said
    assert f"{how.factors[0]:.2f} (half)" in said


@pytest.mark.parametrize("bases", [("season", "area"), ("recent", "service")])
def test_every_number_of_an_answer_is_its_receipts(city: Release, bases: tuple[str, ...]) -> None:
    service, area, _found = a_forecast(city, *bases)
    wrong, looked_at = wrong_numbers(city, f"/expected?service={quote(service)}&area=district:{area}")
    assert wrong == [] and looked_at > 20


def test_how_they_held_is_its_receipts(city: Release) -> None:
    found = page_of(city, "/methods")
    found.marks = [mark for mark in found.marks if mark["data-receipt"] == "/receipts/held"]
    assert wrong_marks(Receipts(city), found) == [] and len(found.marks) > 40


def test_the_table_has_every_service_once_and_by_name(city: Release) -> None:
    html = shown(city, area="district:2")
    names = [words(name) for name in re.findall(r'<th scope="row">(.*?)</th>', html.split('id="all"')[1])]
    known = [name for code, name in city.allowed("service").items() if expected(city, code, "2")]
    assert [unescape(name) for name in names] == known and len(known) > 5
    assert "rank" not in words(html).lower()


def test_the_form_needs_no_script_and_remembers(city: Release) -> None:
    html = shown(city, service="parking", area="district:2", lang="es")
    form = re.search(r'<form[^>]*class="filter-form expected-form".*?</form>', html, re.DOTALL)
    assert form and 'method="get"' in form[0] and 'action="/expected"' in form[0]
    assert re.search(r'<option[^>]*value="parking"[^>]* selected', form[0])
    assert re.search(r'<option[^>]*value="district:2"[^>]* selected', form[0])
    assert re.search(r'<input[^>]*name="lang"[^>]*value="es"', form[0]) and 'name="q"' in form[0]
    check_shape(html)


def test_an_address_leads_to_its_area(city: Release) -> None:
    html = shown(city, service="parking", q="51 main street")
    assert "51 Main St is in North." in words(html)
    assert re.search(r'<option[^>]*value="district:1"[^>]* selected', html)
    assert re.search(r'<input[^>]*name="shown"[^>]*value="district:1"', html), "what the next choice is held against"
    again = shown(city, service="parking", q="51 main street", area="district:1", shown="district:1")
    assert "51 Main St is in North." in words(again)
    for area in ("district:2", ""):  # another area was chosen beside an address that is still in its field
        other = shown(city, service="parking", q="51 main street", area=area, shown="district:1")
        assert "51 Main St" not in words(other)
        assert f"All services in {'South' if area else 'the whole city'}" in words(other)
    lost = words(shown(city, q="nowhere boulevard 99999 zz"))
    assert "Nothing in this city's list of addresses is like" in lost and "All services in the whole city" in lost


def test_a_point_leads_to_its_area(city: Release) -> None:
    html = words(shown(city, at="42.345100,-71.115450,12", place="51 Main St"))
    assert "51 Main St is in North." in html
    shown(city, status=400, at="here")


def test_a_place_beside_a_border_tells_the_other_area(city: Release) -> None:
    html = words(shown(city, at="42.35,-71.05,100"))
    assert re.search(r"which is (49|50|51)% sure; else it is in", html)


def test_an_area_of_another_layer_is_said_not_to_count(city: Release) -> None:
    assert "Forecasts are made by district only; this one is of the whole city." in words(shown(city, area="ward:3"))
    shown(city, status=400, area="district:99")
    shown(city, status=400, service="nonsense")


def test_what_is_not_reached_is_said(city: Release) -> None:
    known = Forecast(48.0, None, "recent", 300, 180, "tree", None, None, date(2024, 6, 1), None, date(2025, 6, 1))
    told = sentence(city, known)
    assert told.words.endswith("are closed within 2 days; when 9 in 10 are closed is not yet known.")
    assert words(to_html(told.nodes)) == told.words
    never = Forecast(None, None, "service", 300, 120, "tree", None, None, None, None, date(2025, 6, 1))
    assert sentence(city, never).words.startswith("Less than half of the requests for Tree request")
    season = Forecast(
        2.0, 9.0, "season", 300, 280, "tree", "district", "2", date(2024, 5, 1), date(2024, 7, 31), date(2025, 6, 1)
    )
    assert "made in South in June are closed within" in sentence(city, season).words
    assert "May 1, 2024 to July 31, 2024" in words(to_html(basis(city, season, "South")))


def test_while_they_are_worked_out_the_pages_answer_and_say_so(city: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    go = threading.Event()
    monkeypatch.setattr(module, "_answers", Background(lambda release: go.wait(30), "expected times", "wait", "failed"))
    try:
        html = words(shown(city, status=503, service="parking"))
        assert "Expected times are being worked out." in html and "What is it about?" in html
        methods = render(city, "/methods")
        assert methods.status == 200 and "takes a few seconds" in words(to_html(methods.body))
        number_of = open_request(city)
        assert render(city, f"/requests/{number_of}").status == 200
    finally:
        go.set()


def test_where_it_failed_the_pages_say_so(city: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(release: Release) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(module, "_answers", Background(broken, "expected times", "wait", "failed"))
    wait(city)
    assert "That is our fault and has been logged." in words(shown(city, status=500))
    assert "could not be worked out" in words(to_html(render(city, "/methods").body))
    assert render(city, "/").status == 200 and render(city, f"/requests/{open_request(city)}").status == 200


def open_request(release: Release) -> str:
    found = release.query("SELECT service_request_id FROM requests WHERE status = 'open' AND district = '2' LIMIT 1")
    return str(found[0][0])


def test_an_open_request_is_told_what_a_new_one_should_take(city: Release) -> None:
    service, request = city.query(
        "SELECT service_code, service_request_id FROM requests WHERE status = 'open' AND district = '2' "
        "AND service_code = 'tree' LIMIT 1"
    )[0]
    html = to_html(render(city, f"/requests/{request}").body)
    found = expected(city, service, "2")
    assert found is not None
    assert "For a new request made in June 2025, where this data ends, and so no promise for this one: " in words(html)
    assert sentence(city, found).words in words(html)
    assert expected_address(service, "district", "2").replace("&", "&amp;") in html
    closed = city.query("SELECT service_request_id FROM requests WHERE status = 'closed' LIMIT 1")[0][0]
    assert "For a new request" not in words(to_html(render(city, f"/requests/{closed}").body))


def test_the_methods_page_publishes_how_they_held(city: Release) -> None:
    html = to_html(render(city, "/methods").body)
    how = calibration(city)
    assert how and len(how.months) > 3
    part = words(html.split('id="expected-times"')[1].split("</section>")[0])
    for row in how.months:
        assert row.half.value is not None and row.most.value is not None
        assert f"{row.half.value * 100:.1f}%" in part and f"{row.most.value * 100:.1f}%" in part
        assert number(row.forecasts) in part
    assert 'aria-labelledby="held"' in html


def test_places_and_navigation_lead_here(city: Release) -> None:
    html = to_html(render(city, "/places", "q=51+main+street").body)
    assert expected_address("", "district", "1") in html
    with speaking("es", main="en"):
        assert expected_address("", "district", "1").endswith("&lang=es")
    assert 'href="/expected"' in to_html(render(city, "/").body)


def test_a_mark_on_the_map_leads_here(city: Release) -> None:
    html = to_html(render(city, "/map", "at=42.345100,-71.115450,12&place=51+Main+St").body)
    asked = re.search(r'href="(/expected\?at=[^"]*)"', html)
    assert asked
    answer = render(city, "/expected", unescape(asked[1]).partition("?")[2])
    assert answer.status == 200 and "51 Main St is in North." in words(to_html(answer.body))
