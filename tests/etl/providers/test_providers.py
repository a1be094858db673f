"""Services as they are on a good day and on bad ones: what is asked, kept, located and told."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from etl.config.connections import Patience
from etl.config.providers import CensusProvider, NominatimProvider, PeliasProvider
from etl.errors import ConfigError, SourceUnavailable
from etl.providers.answers import GRADES
from etl.providers.chain import ProviderChain, chain_of
from geo.geocoding.model import METHODS, Located
from tests.etl.extract.servers import Answer, Cut, Doing, Hang, LocalServer, Page, Reset, Status, Truncated
from tests.etl.providers.services import (
    PLACES,
    TIED,
    CensusServer,
    NominatimServer,
    PeliasServer,
    feature,
    house,
)

QUICK = Patience(timeout_seconds=0.8, attempts=3, longest_wait_seconds=5)
KEY = "k3y/of+the city"
VARIABLE = "GEOCODER_KEY_OF_A_TEST"


class Day:
    """A clock that stands still but while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Desk:
    """A chain's surroundings in one test: its cache, its clock, what it told."""

    def __init__(self, folder: Path) -> None:
        self.cache = folder / "city" / "answers.sqlite"
        self.day = Day()
        self.told: list[str] = []

    def chain(self, *providers: Any, **more: Any) -> ProviderChain:
        return chain_of(
            providers,
            self.cache,
            tell=self.told.append,
            clock=lambda: self.day.now,
            sleep=self.day.sleep,
            jitter=lambda: 1.0,
            **more,
        )


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def census() -> Iterator[CensusServer]:
    with CensusServer() as server:
        yield server


@pytest.fixture
def nominatim() -> Iterator[NominatimServer]:
    with NominatimServer() as server:
        yield server


@pytest.fixture
def pelias(monkeypatch: pytest.MonkeyPatch) -> Iterator[PeliasServer]:
    monkeypatch.setenv(VARIABLE, KEY)
    with PeliasServer(KEY) as server:
        yield server


def of_census(server: LocalServer, **more: Any) -> CensusProvider:
    given = {"kind": "census", "url": server.url, "city": "Boston", "state": "MA", "patience": QUICK, **more}
    return CensusProvider.model_validate(given)


def of_nominatim(server: LocalServer, **more: Any) -> NominatimProvider:
    given = {"kind": "nominatim", "url": server.url, "city": "Boston", "state": "MA", "patience": QUICK, **more}
    return NominatimProvider.model_validate(given)


def of_pelias(server: LocalServer, **more: Any) -> PeliasProvider:
    given = {"kind": "pelias", "url": server.url, "api_key_env": VARIABLE, "patience": QUICK, **more}
    return PeliasProvider.model_validate(given)


MAKERS: dict[str, Callable[..., Any]] = {"census": of_census, "nominatim": of_nominatim, "pelias": of_pelias}


@pytest.fixture(params=list(MAKERS))
def one(request: pytest.FixtureRequest) -> Any:
    """Each service with what makes its settings."""
    return request.getfixturevalue(request.param), MAKERS[request.param]


def named(found: Located) -> list[str]:
    return [str(name) for name in found.methods()]


# --- what is found ---------------------------------------------------------------------------------


def test_census_matches_ties_and_no_matches(desk: Desk, census: CensusServer) -> None:
    texts = ["12 Elm St", "nothing of the kind", "9 Twin St", "14 Elm Street, Boston, MA 02108", "12 Elm St", ""]
    with desk.chain(of_census(census)) as chain:
        found = chain.locate(texts, zips=["02108-1234", "", "", "", "02108", ""])
    assert named(found) == ["address_range", "none", "address_range", "address_range", "address_range", "none"]
    assert (found.lon[0], found.lat[0]) == PLACES["12 ELM ST"]
    assert (found.lon[3], found.lat[3]) == PLACES["14 ELM ST"]
    assert found.matched[0] == "12 ELM ST, BOSTON, MA, 02108"
    assert list(found.zip) == ["02108", "", "02108", "02108", "02108", ""]
    assert list(found.corrected) == [False, False, False, True, False, False]
    assert found.score[0] > found.score[3] > found.score[2] > found.score[1] == 0
    assert np.isnan(found.lon[1])
    assert np.isnan(found.radius_m[1])
    assert found.matched[1] is None
    (other,) = found.alternatives[2]
    assert (other.lon, other.lat) == TIED["9 TWIN ST"][1][:2]
    assert other.score == found.score[2]
    assert list(found.alternatives) == [2]
    assert desk.told == []


def test_only_the_address_is_sent(desk: Desk, census: CensusServer) -> None:
    with desk.chain(of_census(census)) as chain:
        chain.locate(["12 Elm St, Boston, MA 02108-0001, USA", '1 "Oak\x00\tAve'], zips=["", "02110"])
    assert census.bodies == ["1,12 Elm St,Boston,MA,02108\n2,1 Oak Ave,Boston,MA,02110\n"]
    assert census.fields == [{"benchmark": "Public_AR_Current"}]
    assert all("openward" in asked.headers["User-Agent"] for asked in census.requests)


def test_what_is_no_address_is_not_sent(desk: Desk, nominatim: NominatimServer) -> None:
    hostile = ["", "   ", "\x00\x07", "9" * 10_000_000, "!!!", "123", "x" * 301]
    with desk.chain(of_nominatim(nominatim)) as chain:
        found = chain.locate(hostile)
    assert named(found) == ["none"] * len(hostile)
    assert nominatim.requests == []


def test_more_than_one_batch(desk: Desk, census: CensusServer) -> None:
    census.most = 2
    texts = [*PLACES, "7 Nowhere Rd"]
    seen: list[tuple[int, int]] = []
    with desk.chain(of_census(census, batch_rows=2), progress=lambda done, of: seen.append((done, of))) as chain:
        found = chain.locate(texts)
    assert seen == [(2, 5), (4, 5), (5, 5)]
    assert [body.count("\n") for body in census.bodies] == [2, 2, 1]
    assert [(x, y) for x, y in zip(found.lon, found.lat, strict=True)][:4] == list(PLACES.values())
    assert named(found) == ["address_range"] * 4 + ["none"]


def test_nominatim_by_what_it_says(desk: Desk, nominatim: NominatimServer) -> None:
    here = (-71.06, 42.35)
    tiger = {"class": "place", "type": "house", "addresstype": "place"}
    road = {"class": "highway", "type": "residential", "addresstype": "road", "place_rank": 26, "address": {}}
    suburb = {"class": "boundary", "type": "administrative", "addresstype": "suburb", "place_rank": 18, "address": {}}
    park = {"class": "leisure", "type": "park", "addresstype": "leisure", "place_rank": 30, "address": {}}
    wide = {"boundingbox": ["42.2", "42.5", "-71.2", "-70.9"]}
    nominatim.found = {
        "12 Elm St, Boston, MA": [house(*here, "12 ELM ST", **tiger)],
        "13 Elm St, Boston, MA": [house(*here, "12 ELM ST")],
        "Elm St, Boston, MA": [house(*here, "0 ELM ST", **road)],
        "99 Elm St, Boston, MA": [house(*here, "0 ELM ST", **road)],
        "Back Bay, Boston, MA": [house(*here, "0 BACK BAY", **suburb, **wide)],
        "Elm Park, Boston, MA": [house(*here, "0 ELM PARK", **park)],
        "5 Elm St, Boston, MA": [house(-71.06, 42.35, "5 ELM ST"), house(-71.16, 42.3, "5 ELM ST"), house(0, 0, "5 X")],
    }
    texts = [question.removesuffix(", Boston, MA") for question in nominatim.found]
    with desk.chain(of_nominatim(nominatim, rate_per_second=1)) as chain:
        found = chain.locate(["14 Elm St", *texts])
    assert named(found) == [
        "address_point", "address_range", "street", "street", "street", "area", "place", "address_point",
    ]  # fmt: skip
    assert found.score[2] < found.score[3]
    assert found.radius_m[5] > 15_000
    assert [alternative.lon for alternative in found.alternatives[7]] == [-71.16]
    assert found.score[7] == pytest.approx(found.score[0] / 2)
    assert (found.score < 0.9).all()


def test_pelias_by_what_it_says(desk: Desk, pelias: PeliasServer) -> None:
    here = (-71.06, 42.35)
    pelias.found = {
        "12 Elm": [feature(*here, "12 ELM ST", match_type="interpolated", accuracy="point")],
        "13 Elm": [feature(*here, "12 ELM ST")],
        "Elm": [feature(*here, "ELM ST", layer="street", accuracy="centroid", match_type="exact")],
        "17 Elm": [
            feature(*here, "ELM ST", layer="street", accuracy="centroid", match_type="fallback", confidence=0.2)
        ],
        "Boston": [feature(*here, "BOSTON", layer="locality", accuracy="centroid")],
        "Elm Zoo": [feature(*here, "ELM ZOO", layer="venue")],
        "Elm & Oak": [feature(*here, "ELM & OAK", layer="intersection")],
    }
    with desk.chain(of_pelias(pelias)) as chain:
        found = chain.locate(["14 Elm St", *pelias.found])
    assert named(found) == [
        "address_point", "address_range", "street", "street", "street", "area", "place", "intersection",
    ]  # fmt: skip
    assert found.score[4] == 0.2
    assert found.corrected.tolist() == [False] * 4 + [True] + [False] * 3


def test_results_outside_of_the_city_are_not_taken(desk: Desk, nominatim: NominatimServer) -> None:
    with desk.chain(of_nominatim(nominatim), inside=(-71.0615, 42.3, -71.0, 42.4)) as chain:
        found = chain.locate(["12 Elm St", "14 Elm St"])
    assert named(found) == ["address_point", "none"]
    assert nominatim.requests[0].params["viewbox"] == "-71.0615,42.3,-71.0,42.4"
    assert nominatim.requests[0].params["bounded"] == "1"


def test_the_next_service_gets_only_what_was_not_found(
    desk: Desk, census: CensusServer, nominatim: NominatimServer
) -> None:
    nominatim.found["Elm Park, Boston, MA"] = [house(-71.0, 42.3, "0 ELM PARK", addresstype="park", address={})]
    with desk.chain(of_census(census), of_nominatim(nominatim)) as chain:
        found = chain.locate(["12 Elm St", "Elm Park", "nowhere", "9 Twin St"])
    assert named(found) == ["address_range", "place", "none", "address_range"]
    assert [asked.params["q"] for asked in nominatim.requests] == ["Elm Park, Boston, MA", "nowhere, Boston, MA"]
    assert list(found.alternatives) == [3]


def test_without_providers_nothing_happens(desk: Desk) -> None:
    with desk.chain() as chain:
        assert named(chain.locate(["12 Elm St"])) == ["none"]
    assert not desk.cache.exists()


def test_zips_of_another_length(desk: Desk, census: CensusServer) -> None:
    with desk.chain(of_census(census)) as chain, pytest.raises(ValueError, match="zips"):
        chain.locate(["12 Elm St"], zips=[])


# --- what goes wrong -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault", [Status(500), Status(429), Page(), Truncated(), Cut(), Reset(), Hang()], ids=lambda f: type(f).__name__
)
def test_what_passes_is_asked_again(desk: Desk, one: Any, fault: Any) -> None:
    server, settings = one
    server.faults = [fault]
    with desk.chain(settings(server)) as chain:
        found = chain.locate(["12 Elm St"])
    assert (found.lon[0], found.lat[0]) == PLACES["12 ELM ST"]
    assert len(server.requests) == 2
    assert desk.told == []


def test_retry_after_is_waited_for(desk: Desk, one: Any) -> None:
    server, settings = one
    server.faults = [Status(429, after="4")]
    with desk.chain(settings(server)) as chain:
        assert chain.locate(["12 Elm St"]).method[0] != 0
    assert 4.0 in desk.day.slept


@pytest.mark.parametrize(
    "fault",
    [Status(500), Status(429, after="900"), Status(403), Page(), Truncated(), Hang()],
    ids=lambda f: repr(f)[:40],
)
def test_not_a_single_answer_is_one_line(desk: Desk, one: Any, fault: Any) -> None:
    server, settings = one
    server.faults = [fault] * 20
    with desk.chain(settings(server)) as chain:
        for _ in range(2):
            with pytest.raises(SourceUnavailable) as caught:
                chain.locate(["12 Elm St", "14 Elm St"])
            assert "\n" not in str(caught.value)
            assert server.url in str(caught.value)
        asked = len(server.requests)
    assert asked <= QUICK.attempts
    assert len(desk.told) == 1


def test_nothing_answered_is_lost_when_a_service_goes_away(desk: Desk, nominatim: NominatimServer) -> None:
    nominatim.faults = [None, None, *[Status(503)] * 20]
    with desk.chain(of_nominatim(nominatim)) as chain:
        found = chain.locate(list(PLACES))
        again = chain.locate(list(PLACES))
        # The service did answer before: what it does not answer now is not located, and no error.
        assert named(chain.locate(["1 Oak Ave"])) == ["none"]
    assert named(found) == named(again) == ["address_point"] * 2 + ["none"] * 2
    assert len(desk.told) == 1
    assert len(nominatim.requests) == 2 + QUICK.attempts
    nominatim.faults = []
    with desk.chain(of_nominatim(nominatim)) as chain:
        assert named(chain.locate(list(PLACES))) == ["address_point"] * 4
    assert len(nominatim.requests) == 4 + QUICK.attempts


def test_rows_of_a_batch_that_breaks_off_are_kept(desk: Desk, census: CensusServer) -> None:
    census.faults = [Cut()] * 20
    with desk.chain(of_census(census)) as chain:
        found = chain.locate(list(PLACES))
    # Answered last to first: half of the rows came whole.
    assert named(found)[0] == "none"
    assert named(found)[3] == "address_range"
    assert "of 4 addresses" in desk.told[0]
    census.faults = []
    with desk.chain(of_census(census)) as chain:
        assert named(chain.locate(list(PLACES))) == ["address_range"] * 4
    assert census.bodies[-1].count("\n") == named(found).count("none")


def test_a_tie_that_cannot_be_asked_loses_no_match(desk: Desk, census: CensusServer) -> None:
    census.faults = [None, *[Status(500)] * 20]
    with desk.chain(of_census(census)) as chain:
        found = chain.locate(["12 Elm St", "9 Twin St"])
    assert named(found) == ["address_range", "none"]
    assert len(desk.told) == 1


def test_the_next_service_stands_in(desk: Desk, census: CensusServer, nominatim: NominatimServer) -> None:
    census.faults = [Status(503)] * 20
    with desk.chain(of_census(census), of_nominatim(nominatim)) as chain:
        found = chain.locate(["12 Elm St", "nowhere"])
    assert named(found) == ["address_point", "none"]
    assert len(desk.told) == 1


def test_an_address_that_is_refused_does_not_end_the_asking(desk: Desk, nominatim: NominatimServer) -> None:
    nominatim.faults = [Status(400), None, Status(400), Status(400)]
    with desk.chain(of_nominatim(nominatim)) as chain:
        found = chain.locate(list(PLACES))
    assert named(found) == ["none", "address_point", "none", "none"]
    assert desk.told == []
    nominatim.faults = [Status(400)] * 3
    with desk.chain(of_nominatim(nominatim)) as chain:
        chain.locate([*list(PLACES), "1 More Rd"])
    assert len(desk.told) == 1


@pytest.mark.parametrize(
    "document",
    [
        {"error": "x"},
        "text",
        [1],
        [{}],
        [{"lat": "NaN", "lon": []}],
        [{"lat": 900, "lon": 1}],
        [{"address": 3}],
        7,
        None,
    ],
)
def test_answers_of_another_form(desk: Desk, nominatim: NominatimServer, document: Any) -> None:
    nominatim.found["5 Odd St, Boston, MA"] = document
    with desk.chain(of_nominatim(nominatim)) as chain:
        found = chain.locate(["12 Elm St", "5 Odd St"])
    assert named(found) == ["address_point", "none"]


def test_a_redirected_batch_goes_nowhere(desk: Desk, census: CensusServer) -> None:
    with LocalServer(lambda asked: Answer(b"", 307, headers={"Location": census.url + asked.path})) as server:
        server._httpd.RequestHandlerClass.do_POST = server._httpd.RequestHandlerClass.do_GET  # type: ignore[attr-defined]
        with desk.chain(of_census(server)) as chain, pytest.raises(SourceUnavailable, match="redirects"):
            chain.locate(["12 Elm St"])
    assert census.bodies == []


# --- the cache -------------------------------------------------------------------------------------


def test_what_is_kept_is_never_asked_again(desk: Desk, one: Any) -> None:
    server, settings = one
    texts = ["12 Elm St", "nowhere at all"]
    with desk.chain(settings(server)) as chain:
        first = chain.locate(texts)
    asked = len(server.requests)
    with desk.chain(settings(server)) as chain:
        again = chain.locate(["12  ELM st", texts[1]])
    assert len(server.requests) == asked
    assert (again.method == first.method).all()
    assert again.matched[0] == first.matched[0]


def test_resumed_with_the_server_gone(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with NominatimServer() as server:
        settings = of_nominatim(server)
        with desk.chain(settings) as chain:
            chain.locate(["12 Elm St", "nowhere"])
    with desk.chain(settings) as chain:
        assert named(chain.locate(["12 Elm St", "nowhere"])) == ["address_point", "none"]
        assert desk.told == []
        assert named(chain.locate(["14 Elm St", "12 Elm St"])) == ["none", "address_point"]
        assert len(desk.told) == 1


def test_what_another_process_asked_meanwhile_is_not_asked_again(desk: Desk, nominatim: NominatimServer) -> None:
    settings = of_nominatim(nominatim, patience=Patience(timeout_seconds=30))  # the first answer waits for another's

    def meanwhile() -> None:
        with desk.chain(settings) as other:
            other.locate(["14 Elm St"])

    nominatim.faults = [Doing(meanwhile)]
    with desk.chain(settings) as chain:
        found = chain.locate(["12 Elm St", "14 Elm St"])
    assert named(found) == ["address_point"] * 2
    assert len(nominatim.requests) == 2


def test_no_match_is_kept_for_a_shorter_time(desk: Desk, nominatim: NominatimServer) -> None:
    settings = of_nominatim(nominatim, keep_days=100, keep_nothing_days=10)
    for days, asked in ((0, 2), (9, 2), (11, 3), (101, 5)):
        desk.day.now = 1_800_000_000.0 + days * 86_400
        with desk.chain(settings) as chain:
            chain.locate(["12 Elm St", "nowhere"])
        assert len(nominatim.requests) == asked


def test_one_run_asks_for_so_many(desk: Desk, nominatim: NominatimServer) -> None:
    settings = of_nominatim(nominatim, most_per_run=3)
    with desk.chain(settings) as chain:
        assert named(chain.locate(list(PLACES))).count("none") == 1
        assert named(chain.locate(["1 Other St"])) == ["none"]
    assert len(nominatim.requests) == 3
    assert len(desk.told) == 1
    with desk.chain(settings) as chain:
        assert named(chain.locate(list(PLACES))).count("none") == 0


# --- pace, secrets, settings -----------------------------------------------------------------------


def test_the_rate_holds_for_every_try_and_both_processes(desk: Desk, nominatim: NominatimServer) -> None:
    moments: list[float] = []
    answer = nominatim.answer
    nominatim.answer = lambda asked: (moments.append(desk.day.now), answer(asked))[1]  # type: ignore[method-assign]
    nominatim.faults = [None, Status(500, after="0")]
    settings = of_nominatim(nominatim, rate_per_second=0.5)
    # Two chains on one file, as two processes have them.
    with desk.chain(settings) as chain, desk.chain(settings) as other:
        chain.locate(["12 Elm St", "14 Elm St"])
        other.locate(["16 Elm St"])
        chain.locate(["1 Oak Ave"])
    assert np.diff(moments).tolist() == [2.0, 2.0, 2.0, 2.0]


def test_the_key_is_sent_and_never_told(
    desk: Desk, pelias: PeliasServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    with desk.chain(of_pelias(pelias)) as chain:
        assert chain.locate(["12 Elm St"]).method[0] != 0
    assert pelias.requests[-1].params["api_key"] == KEY
    pelias.key = "another"
    with desk.chain(of_pelias(pelias)) as chain:
        assert named(chain.locate(["12 Elm St", "14 Elm St"])) == ["address_point", "none"]
        assert any("api" in r.name or r.name in ("httpx", "geopy") for r in caplog.records)
    monkeypatch.setenv(VARIABLE, KEY + "2")
    with desk.chain(of_pelias(pelias, url=pelias.url + "/x")) as chain, pytest.raises(SourceUnavailable) as caught:
        chain.locate(["14 Elm St"])
    left = "\n".join([caplog.text, *desk.told, str(caught.value)])
    for secret in (KEY, "k3y%2Fof%2Bthe+city", "k3y/of", "Elm+St", "12 Elm", "14 Elm"):
        assert secret not in left
    for file in desk.cache.parent.iterdir():
        assert b"k3y" not in file.read_bytes()


def test_a_key_that_is_not_set(desk: Desk, pelias: PeliasServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE)
    with pytest.raises(ConfigError, match=VARIABLE):
        desk.chain(of_pelias(pelias))
    assert not desk.cache.exists()


def test_who_asks_is_told_to_nominatim(desk: Desk, nominatim: NominatimServer) -> None:
    settings = of_nominatim(nominatim, url=nominatim.url + "/prefix/", email="maps@boston.example", countries=["us"])
    with desk.chain(settings) as chain:
        chain.locate(["12 Elm St"])
    (asked,) = nominatim.requests
    assert asked.path == "/prefix/search"
    assert asked.headers["User-Agent"] == "openward (open-data portal of a city; maps@boston.example)"
    assert asked.params["countrycodes"] == "us"


def test_methods_are_those_of_the_model() -> None:
    for table in GRADES.values():
        assert all(grade.method in METHODS and grade.score < 0.9 for grade in table.values())
