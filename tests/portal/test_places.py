"""The geocoder behind the portal: when it is there, what it answers over HTTP, and that it forgets what was asked."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from portal.app import create_app
from portal.errors import NotFound, NotReady
from portal.places import LONGEST_TYPED, Places, has_index
from portal.release import Release, Releases
from portal.settings import PortalSettings
from tests.release_factory import build_release

PREFIX = "/api/v1/places"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("places")
    build_release(root, rows=2000, geocoder=True)
    return root / "releases"


@pytest.fixture(scope="module")
def known(folder: Path) -> Iterator[Release]:
    """A release with an address index, read."""
    releases = Releases(folder)
    release = releases.current()
    release.places.at_hand(release)
    release.places.wait()
    yield release
    releases.close()


@pytest.fixture(scope="module")
def asked(folder: Path) -> Iterator[TestClient]:
    """The portal with its address index read."""
    app = create_app(PortalSettings(releases=folder))
    with TestClient(app, raise_server_exceptions=False) as client:
        client.get(f"{PREFIX}/suggest?q=main")
        app.state.releases.places.wait()
        yield client


def test_half_an_address_becomes_an_address_that_leads_to_its_page(asked: TestClient) -> None:
    answer = asked.get(f"{PREFIX}/suggest", params={"q": "51 mai"})
    rows = answer.json()["rows"]
    assert answer.status_code == 200
    assert (rows[0]["label"], rows[0]["kind"], rows[0]["url"]) == (
        "51 Main St",
        "address",
        "/places?q=51+Main+St,+02118",
    )
    assert rows[0]["lat"] == pytest.approx(42.3451, abs=1e-4) and rows[0]["radius_m"] > 0
    assert answer.json()["release_id"] in answer.headers["x-openward-release"]


@pytest.mark.parametrize(
    ("typed", "kind", "label"),
    [
        ("main st and harb", "intersection", "Main St & Harbor Ave"),
        ("guerero", "street", "Guerrero Ave"),
        ("mirror la", "place", "Mirror Lake Park"),
        ("sout", "area", "South"),
    ],
)
def test_every_kind_is_suggested(asked: TestClient, typed: str, kind: str, label: str) -> None:
    rows = asked.get(f"{PREFIX}/suggest", params={"q": typed}).json()["rows"]
    assert (kind, label) in [(row["kind"], row["label"]) for row in rows]


def test_an_area_leads_to_its_own_page(asked: TestClient) -> None:
    rows = asked.get(f"{PREFIX}/suggest", params={"q": "north"}).json()["rows"]
    area = next(row for row in rows if row["kind"] == "area")
    assert (area["layer"], area["area"], area["url"]) == ("district", "1", "/areas/district/1")


def test_what_is_suggested_is_found_where_it_was_suggested(asked: TestClient) -> None:
    for typed in ("51 mai", "main st and harb", "51 elm", "mirror"):
        row = asked.get(f"{PREFIX}/suggest", params={"q": typed}).json()["rows"][0]
        text = ", ".join(filter(None, (row["label"], row["detail"])))
        found = asked.get(f"{PREFIX}/locate", params={"address": text}).json()["result"]
        assert found["lat"] == pytest.approx(row["lat"], abs=2e-4), typed
        assert found["long"] == pytest.approx(row["long"], abs=2e-4), typed


def test_an_address_comes_with_its_passport_and_areas(asked: TestClient) -> None:
    found = asked.get(f"{PREFIX}/locate", params={"address": "51 Main Street"}).json()["result"]
    assert (found["method"], found["address"], found["zip"]) == ("address_point", "51 Main St", "02118")
    assert 0.9 < found["score"] <= 1
    assert found["radius_m"] == pytest.approx(0.6 * 20, abs=0.2), "the calibration is the release's own"
    areas = {row["layer"]: row for row in found["areas"]}
    assert list(areas) == ["district"], "a layer without boundaries says nothing"
    assert areas["district"]["assigned"] and areas["district"]["probability"] == 1
    assert areas["district"]["url"] == f"/areas/district/{areas['district']['area']}"


def test_a_point_beside_a_border_is_in_either_area_with_a_probability(known: Release) -> None:
    rows = known.places.ask(known).likely(known, 42.35, -71.05, 100.0)  # on the border of two quarters
    assert [row.assigned for row in rows] == [True, False]
    assert rows[0].probability == pytest.approx(0.5, abs=0.02) and rows[1].probability == pytest.approx(0.5, abs=0.02)


def test_a_point_in_no_area_is_told_to_be_outside(known: Release) -> None:
    rows = known.places.ask(known).likely(known, 42.5, -71.05, 30.0)
    assert [(row.area, row.probability, row.url) for row in rows] == [(None, 1.0, None)]


def test_looking_at_near_areas_only_changes_no_probability(known: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    from portal import places

    gazetteer = known.places.ask(known)
    spots = [(42.35, -71.1, 300.0), (42.3501, -71.1002, 20.0), (42.32, -71.05, 5000.0), (42.3003, -71.19, 60.0)]
    few = [gazetteer.likely(known, *spot) for spot in spots]
    monkeypatch.setattr(places, "_near", lambda vintage, *_: vintage)
    assert few == [gazetteer.likely(known, *spot) for spot in spots]


def test_another_way_to_read_an_address_is_an_alternative(asked: TestClient) -> None:
    found = asked.get(f"{PREFIX}/locate", params={"address": "nowhere at all 7"}).json()["result"]
    assert (found["method"], found["lat"], found["areas"], found["alternatives"]) == ("none", None, [], [])


def test_a_point_has_an_address_a_block_and_a_crossing(asked: TestClient) -> None:
    found = asked.get(f"{PREFIX}/reverse", params={"lat": 42.3451, "long": -71.1155}).json()["result"]
    assert found["address"].endswith("Main St") and found["block"] == "0 block of Main St"
    assert found["address_distance_m"] < 20
    assert found["areas"][0]["layer"] == "district"
    far = asked.get(f"{PREFIX}/reverse", params={"lat": 42.39, "long": -71.01}).json()["result"]
    assert far["address"] is None and far["address_distance_m"] is None


@pytest.mark.parametrize(
    ("path", "params", "word"),
    [
        ("suggest", {}, "q"),
        ("suggest", {"q": "x" * (LONGEST_TYPED + 1)}, "q"),
        ("suggest", {"q": "main", "limit": 99}, "limit"),
        ("suggest", {"q": "main", "lat": 42.0}, "lat and long"),
        ("suggest", {"q": "main", "lat": "nan", "long": 1}, "lat"),
        ("locate", {}, "address"),
        ("locate", {"address": "y" * 10_000}, "address"),
        ("reverse", {"lat": 42.3}, "long"),
        ("reverse", {"lat": "nan", "long": "nan"}, "lat"),
        ("reverse", {"lat": 10, "long": 10}, "Testville"),
    ],
)
def test_what_makes_no_sense_is_a_400_that_says_so(
    asked: TestClient, path: str, params: dict[str, Any], word: str
) -> None:
    answer = asked.get(f"{PREFIX}/{path}", params=params)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert word in answer.json()["detail"]
    assert "x" * 50 not in answer.text and "y" * 50 not in answer.text


@pytest.mark.parametrize(
    "typed", ["", " ", "'; DROP TABLE requests;--", "\x01\x07", "🏠🏠", "\u202e12 Main", "0", "%", "&", "/"]
)
def test_hostile_text_is_an_answer_like_any_other(asked: TestClient, typed: str) -> None:
    assert asked.get(f"{PREFIX}/suggest", params={"q": typed}).status_code == 200
    assert asked.get(f"{PREFIX}/locate", params={"address": typed or "?"}).status_code == 200


def test_what_no_text_can_hold_or_no_address_is_stops_at_the_border(asked: TestClient) -> None:
    for path, key in (("suggest", "q"), ("locate", "address")):
        assert asked.get(f"{PREFIX}/{path}", params={key: "\x00\x07"}).status_code == 400
        assert asked.get(f"{PREFIX}/{path}", params={key: "y" * 20_000}).status_code == 414


def test_answers_are_kept_by_who_asked_and_by_nobody_between(asked: TestClient) -> None:
    url = f"{PREFIX}/suggest?q=51+mai"
    first = asked.get(url)
    assert first.headers["cache-control"].startswith("private")
    again = asked.get(url, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304 and again.content == b""
    assert asked.get(f"{PREFIX}/suggest?q=52+mai").headers["etag"] != first.headers["etag"]


def test_the_page_of_a_place_is_kept_by_nobody_between_either(asked: TestClient) -> None:
    assert asked.get("/places?q=51+main+st").headers["cache-control"] == "private, no-cache"
    assert asked.get("/").headers["cache-control"] == "no-cache"


def test_the_server_writes_no_access_log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import uvicorn

    import openward

    told: dict[str, Any] = {}
    monkeypatch.setattr(uvicorn, "run", lambda *_, **options: told.update(options))
    monkeypatch.setenv("OPENWARD_RELEASES", "")
    openward._serve(tmp_path, "127.0.0.1", 1, 1)
    assert told["access_log"] is False


def test_the_routes_are_described(asked: TestClient) -> None:
    paths = asked.get("/api/v1/openapi.json").json()["paths"]
    for name in ("suggest", "locate", "reverse"):
        assert paths[f"{PREFIX}/{name}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]


def test_no_log_holds_what_was_typed(asked: TestClient, known: Release, caplog: pytest.LogCaptureFixture,
                                     monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    def fails(*_: Any) -> None:
        raise ValueError("could not read 77 Secret Lane")

    with caplog.at_level(logging.DEBUG, logger="openward"):
        asked.get(f"{PREFIX}/suggest", params={"q": "77 Secret Lane"})
        asked.get(f"{PREFIX}/locate", params={"address": "77 Secret Lane" * 20})
        gazetteer = known.places.ask(known)
        monkeypatch.setattr(type(gazetteer.geocoder), "locate", fails)
        answer = asked.get(f"{PREFIX}/locate", params={"address": "77 Secret Lane"})
    assert answer.status_code == 500 and "Secret" not in answer.text
    assert "ValueError" in caplog.text, "an error is told"
    assert "Secret" not in caplog.text and "Secret" not in json.dumps([str(r.exc_info) for r in caplog.records])


def test_a_release_without_an_index_has_no_places(client: TestClient, release: Release) -> None:
    assert not has_index(release)
    assert release.places.at_hand(release) is None
    for path in ("suggest?q=main", "locate?address=main", "reverse?lat=42.35&long=-71.1"):
        answer = client.get(f"{PREFIX}/{path}")
        assert answer.status_code == 404 and "no address index" in answer.json()["detail"]


def test_an_index_that_cannot_be_read_is_no_index(tmp_path: Path) -> None:
    broken = build_release(tmp_path, rows=200, geocoder=True)
    for name in ("address_points", "street_segments"):
        (broken / f"{name}.parquet").write_bytes(b"not parquet")
    releases = Releases(tmp_path / "releases")
    release = releases.current()
    with pytest.raises(NotReady):
        release.places.ask(release)
    release.places.wait()
    with pytest.raises(NotFound, match="cannot be read"):
        release.places.ask(release)
    releases.close()


def test_a_new_release_is_answered_by_the_old_index_until_the_new_one_is_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    from portal import places as module

    releases = Releases(tmp_path / "releases", PortalSettings(releases=tmp_path / "releases"))
    build_release(tmp_path, rows=200, geocoder=True)
    first = releases.current()
    first.places.at_hand(first)
    first.places.wait()
    old = first.places.ask(first)

    folder = build_release(tmp_path, rows=200, seed=2, geocoder=True)
    same = Release(folder, releases.settings, first.places)
    assert same.places.ask(same) is old, "the same streets are not read again"

    monkeypatch.setattr(module, "_key", lambda release: release.id)
    gate, made = threading.Event(), module.gazetteer

    def slow(release: Release) -> Any:
        gate.wait(30)
        return made(release)

    monkeypatch.setattr(module, "gazetteer", slow)
    assert same.places.ask(same) is old, "while the new one is made"
    gate.set()
    same.places.wait()
    assert same.places.ask(same) is not old
    releases.close()


def test_nothing_is_built_until_someone_asks(known: Release) -> None:
    fresh = Places()
    assert fresh._thread is None
    assert fresh.at_hand(known) is None, "the first one to ask starts it"
    fresh.wait()
    assert fresh.at_hand(known) is not None
