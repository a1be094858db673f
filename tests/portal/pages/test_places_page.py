"""The page of a place and the address box: what they say without JavaScript, and where they are not."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from portal.components.spot import Spot
from portal.errors import BadSelection
from portal.html import to_html
from portal.places import Gazetteer
from portal.release import Release, Releases
from portal.routes import render
from tests.release_factory import build_release


def shown(release: Release, path: str, query: str = "") -> str:
    page = render(release, path, query)
    assert page.status == 200, (path, query)
    return to_html(page.body)


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_the_box_is_a_form_that_needs_no_script(with_geocoder: Release) -> None:
    for path in ("/", "/map", "/places"):
        html = shown(with_geocoder, path)
        form = re.search(r'<form[^>]*class="address-box".*?</form>', html, re.DOTALL)
        assert form, path
        assert 'action="/places"' in form[0] and 'method="get"' in form[0] and 'role="search"' in form[0]
        assert re.search(r'<input[^>]*name="q"', form[0]) and 'type="submit"' in form[0]
        assert 'maxlength="200"' in form[0]


def test_in_another_language_the_form_stays_in_it(with_geocoder: Release) -> None:
    html = shown(with_geocoder, "/", "?lang=es")
    form = re.search(r'<form[^>]*class="address-box".*?</form>', html, re.DOTALL)
    assert form and re.search(r'<input[^>]*name="lang"[^>]*value="es"', form[0])
    assert "?lang=es" in shown(with_geocoder, "/places", "?q=51+Main+St&lang=es")


def test_an_address_is_a_page_with_areas_and_doubt(with_geocoder: Release) -> None:
    html = shown(with_geocoder, "/places", "?q=51+main+street")
    assert '<h1 id="title" tabindex="-1">51 Main St</h1>' in html
    assert 'href="/areas/district/1"' in html and "certain" in words(html)
    assert "address point" in words(html) and "12 m" in words(html)
    assert "/map?at=42.345100,-71.115450,12&amp;place=51+Main+St".replace(",", "%2C") in html


def test_a_place_beside_a_border_tells_both_areas(with_geocoder: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Gazetteer.likely
    monkeypatch.setattr(Gazetteer, "likely", lambda self, release, *_: asked(self, release, 42.35, -71.05, 100.0))
    html = words(shown(with_geocoder, "/places", "?q=51+main+street"))
    assert len(re.findall(r"\b(?:49|50|51)%", html)) == 2 and "or else" in html and " certain " not in html
    assert "A border is so near" in html


def test_a_guess_is_called_one(with_geocoder: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "only a guess" not in shown(with_geocoder, "/places", "?q=51+main+street")
    asked = Gazetteer.locate
    monkeypatch.setattr(Gazetteer, "locate", lambda self, *args: replace(asked(self, *args), score=0.07))
    html = words(shown(with_geocoder, "/places", "?q=51+main+street"))
    assert "This is only a guess. Of results as unsure as this one, 7% are right." in re.sub(r" +", " ", html)


def test_an_area_leads_to_its_page_and_is_no_guess(with_geocoder: Release) -> None:
    html = shown(with_geocoder, "/places", "?q=south")
    assert 'href="/areas/district/2"' in html and "with a page of its own" in html
    assert "only a guess" not in html and "Which areas it is in" not in html


def test_a_street_is_no_single_place(with_geocoder: Release) -> None:
    html = words(shown(with_geocoder, "/places", "?q=guerrero+ave"))
    assert "This is no single place. Only the street is known" in re.sub(r" +", " ", html)


def test_what_is_not_found_is_asked_back(with_geocoder: Release) -> None:
    html = shown(with_geocoder, "/places", "?q=51+mai")
    assert "51 Main St" in words(html)
    html = words(shown(with_geocoder, "/places", "?q=xyzzy+plugh+42"))
    assert "Nothing" in html


def test_a_word_that_names_two_places_leads_to_each(with_geocoder: Release) -> None:
    gazetteer = with_geocoder.places.ask(with_geocoder)
    crossing = gazetteer.locate(with_geocoder, "51 Main St")
    assert crossing.alternatives == ()
    other = gazetteer._other(with_geocoder, "Elm St", next(iter([_meant()])))
    assert other.url == "/places?q=Elm+St&at=42.34700,-71.10000"
    assert other.where == "North"


def _meant() -> object:
    from portal.places import _Meant

    return _Meant("ELM ST", "street", 0.4, 42.347, -71.1, 300.0)


def test_text_of_a_visitor_stays_text(with_geocoder: Release) -> None:
    html = shown(with_geocoder, "/places", "?q=%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script>alert" not in html
    html = shown(with_geocoder, "/map", "?at=42.35,-71.1,20&place=%3Cimg%20src%3Dx%3E")
    assert "<img" not in html and "&lt;img" in html


@pytest.mark.parametrize(
    "at", ["x", "1", "91,0", "0,181", "nan,0", "42,-71,-3", "42,-71,1e9", "1,2,3,4", "4" * 100 + ",1"]
)
def test_a_mark_that_is_none_is_refused(with_geocoder: Release, at: str) -> None:
    assert render(with_geocoder, "/map", f"?at={at}").status == 400
    with pytest.raises(BadSelection):
        Spot.read(at)


def test_the_map_says_what_is_marked_and_keeps_it_while_filtering(with_geocoder: Release) -> None:
    html = shown(with_geocoder, "/map", "?at=42.345,-71.108,25&place=Main+St+%26+Harbor+Ave&status=open")
    assert "Marked: Main St &amp; Harbor Ave" in re.sub(r"</?strong>", "", html)
    assert "within 25 m" in words(html)
    assert re.search(r'<input[^>]*name="at"[^>]*value="42.345000,-71.108000,25"', html)
    assert 'src="/map/frame?' in html and "at=42.345000%2C-71.108000%2C25" in html


def test_a_release_without_an_index_has_no_box_and_says_why(release: Release) -> None:
    for path in ("/", "/map"):
        assert "address-box" not in shown(release, path)
    page = render(release, "/places", "?q=main")
    assert page.status == 404 and "no address index" in words(to_html(page.body))


def test_while_the_index_is_read_the_page_says_to_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    from portal import places

    gate = threading.Event()
    monkeypatch.setattr(places, "gazetteer", lambda release: gate.wait(30))
    build_release(tmp_path, rows=200, geocoder=True)
    releases = Releases(tmp_path / "releases")
    page = render(releases.current(), "/places", "?q=main")
    assert page.status == 503 and "Try again" in words(to_html(page.body))
    assert render(releases.current(), "/").status == 200
    gate.set()
    releases.close()
