"""A walk over the pages of a demo city and of Boston's real records: every number has a receipt, and is what it makes.

Both come through the real ETL. What has no receipt is in `UNMARKED` with the reason; a new number without one fails.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest

from etl.config import load_city
from etl.demo import generate
from etl.pipeline import Place, prepare, run
from etl.publish.figures import Estimators
from etl.store.engine import open_store
from portal import text
from portal.figures.rates import wilson
from portal.figures.tabled import hours
from portal.queries import by, monthly, oldest
from portal.queries.report import narrowed
from portal.receipts import RECEIPTS, receipt
from portal.release import Release, Releases
from portal.selection import EVERYTHING, NOT_STATED
from tests.portal.check_page import Receipts, page_of, wrong_marks
from tests.portal.check_sentences import wrong_sentences
from tests.portal.run_receipt import run as run_receipt

CITIES = Path(__file__).parents[2] / "cities"
NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)

DEMO = (
    "/", "/areas", "/areas/council_district", "/areas/council_district/4?beside=2", "/areas/neighborhood/N07?from=2026-01-01",
    "/areas/zip?service=PW04", "/departments", "/departments/PWD?beside=DOT", "/departments/SAN?area=council_district:3",
    "/trends", "/trends?by=council_district&department=PWD", "/standards", "/standards?department=SAN", "/equity",
    "/equity?layer=neighborhood&measure=age&department=SAN",
)  # fmt: skip
BOSTON = (
    "/", "/areas", "/areas/neighborhood/Dorchester?beside=Roxbury", "/areas/council_district", "/areas/council_district/7",
    "/departments", "/departments/PWDx", "/trends", "/trends?by=neighborhood&status=closed", "/standards",
)  # fmt: skip

LIST, CARD, EQUITY, REQUEST = r"/areas(/\w+)?(\?|$)", r"/areas/\w+/|/departments/", "/equity", "/requests/"
UNMARKED = (
    (".", r"^fair-(late|times) figure/figcaption", "how many rows of the table beneath it are judged so"),
    (".", r"^fair-late section/figure/p: .* lie beyond the picture", "how the chart is drawn"),
    ("/standards", r"\d+ more services with a standard$", "how many rows are folded away"),
    (".", r"^oldest-caption tbody/tr/td: ", "addresses"),
    (
        LIST,
        r"^groups-caption tbody/tr/td: [\d,]+ to [\d,]+$",
        "the range that uncertain locations leave a total: a convolution",
    ),
    (CARD, r"^ main/p/strong: [\d,]+$", "likewise"),
    (CARD, r"^done section/div/p: Of the first 90 days", "the horizon of the mean, which its receipt states"),
    (".", r"of \d+ months are compared; of the others", "the months of the period"),
    ("/trends", r"Grey: where 997 in 1,000 months like the first 24 lie", "how the chart is drawn"),
    (EQUITY, r"^said section/ul/li: ", "slopes between areas: found by iteration, as their receipt says"),
    (EQUITY, r"^equity-services-caption tbody/tr/td: \d+\.\d\d( to \d+\.\d\d)?$", "likewise, within services"),
    (EQUITY, r"^equity-\w+ section/figure/p: \d+ areas? lies? beyond", "how the chart is drawn"),
    (EQUITY, r"^sources main/section/p: [^:]+, \d{4}: ", "who made the measure, and its license"),
    (REQUEST, r"^ (main/div/p|dl/div/dd): ", "the request's own row: its number, place, times"),
    (REQUEST, r"^expected main/section/p: (The standard|Fewer than 30)", "likewise"),
    (REQUEST, r"^areas-of-request-caption tbody/tr/td: \d+%$", "likewise: the areas it may lie in"),
    (REQUEST, r"^place ", "likewise: where it is, and how surely"),
)
"""What has no receipt: pages, a pattern of the place on the page and of the words, and why."""


def published(city: Path, inputs: dict[str, Path], folder: Path) -> Release:
    """The release that the ETL makes of a city's files."""
    place = Place(load_city(city), open_store(f"sqlite:///{folder / 'store.sqlite'}"), folder / "releases")
    report = run(place, prepare(place.config, city, inputs), now=NOW, estimators=Estimators(hours, wilson))
    assert report.release_id
    return Releases(folder / "releases").current()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receipts]:
    """A demo city of 20,000 requests."""
    folder = tmp_path_factory.mktemp("demo")
    generate(folder / "city", requests=20_000, seed=1)
    release = published(folder / "city" / "demo.yaml", {}, folder)
    yield Receipts(release)
    release.close()


@pytest.fixture(scope="module")
def boston(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receipts]:
    """Every request of Boston's file: nine months."""
    folder, rows = tmp_path_factory.mktemp("boston"), shared_data / "boston/requests_2015_jan_sep.csv.gz"
    release = published(CITIES / "boston.yaml", {"requests": rows}, folder)
    yield Receipts(release)
    release.close()


def walk(receipts: Receipts, page: str) -> None:
    found = page_of(receipts.release, page)
    assert wrong_marks(receipts, found) == []
    assert wrong_sentences(receipts, found)[0] == []
    told = [words for pages, words, _why in UNMARKED if re.match(pages, page)]
    assert [words for words in found.bare if not any(re.search(pattern, words) for pattern in told)] == []
    assert found.marks or page.startswith("/requests/")


@pytest.mark.parametrize("page", DEMO)
def test_the_demo_city_says_what_its_receipts_say(demo: Receipts, page: str) -> None:
    walk(demo, page)


def test_the_tables_of_figures_say_what_the_pages_say(demo: Receipts) -> None:
    release, wrong, seen = demo.release, [], 0
    rows = release.table("SELECT * FROM figures").to_pylist()
    for (dimension, key), group in groupby(rows, key=lambda row: (row["dimension"], row["key"])):
        of = {"service_group": "group"}.get(dimension, dimension)
        chosen = EVERYTHING if of == "city" else narrowed(EVERYTHING, of, NOT_STATED if key is None else key)
        months = {row.month: row for row in monthly(release, chosen)}
        for row in group:
            page = months[row["month"]]
            there = [
                page.requested,
                page.closed,
                page.complete,
                page.n,
                page.on_time.share,
                page.on_time.low,
                page.on_time.high,
            ]
            there += [end for one in (page.median, page.p90) for end in (one.hours, one.low, one.high)]
            names = "requests closed_in_month complete timed on_time_share on_time_lower on_time_upper".split()
            names += [f"{name}_hours{end}" for name in ("median", "p90") for end in ("", "_lower", "_upper")]
            seen += 1
            if [row[name] for name in names] != there:
                wrong.append((dimension, key, row["month"]))
    assert seen > 3000 and wrong == []
    by_service = {row.key: row for row in by(release, EVERYTHING, "service")}
    for row in release.table("SELECT * FROM standards").to_pylist():
        page_row = by_service[row["service_code"]]
        assert (row["requests"], row["on_time_share"]) == (page_row.requests, page_row.on_time.share)


def test_many_kinds_of_sentences_are_met(demo: Receipts) -> None:
    """Else the rules would hold of pages that say nothing."""
    pages = ["/areas/council_district", "/areas/neighborhood", "/trends", "/standards", "/equity"]
    pages += [f"/areas/council_district/{i}" for i in range(1, 6)]
    met = set().union(*(wrong_sentences(demo, page_of(demo.release, page))[1] for page in pages))
    assert len(met) >= 15, sorted(met)


@pytest.mark.parametrize(
    ("page", "true", "false"),
    [
        ("/areas/council_district/1", "{n} more than three months before.", "{n} fewer than three months before."),
        ("/areas/council_district", "as expected", "more late than chance explains"),
        ("/areas/neighborhood", "as long as elsewhere", "longer, but others differ as much"),
        ("/areas/neighborhood", "longer, but others differ as much", "shorter, but others differ as much"),
        ("/standards", "That is about the same share as in the same months of the year before.",
         "That is 2 percentage points less than in the same months of the year before."),
    ],
)  # fmt: skip
def test_a_sentence_that_says_more_than_its_figures_would_be_found(
    demo: Receipts, monkeypatch: pytest.MonkeyPatch, page: str, true: str, false: str
) -> None:
    spoken = text._catalogue("en").one
    monkeypatch.setitem(spoken, true, false)
    monkeypatch.setitem(spoken, false, true)
    try:
        assert wrong_sentences(demo, page_of(demo.release, page))[0]
    except AssertionError as error:  # or a number that such a sentence would need is not there
        assert "is marked in" in str(error)


@pytest.mark.parametrize("name", ["equity", "equity-measure", "reporting", "linked", "left-out"])
def test_columns_that_only_a_whole_city_has_are_explained(demo: Receipts, name: str) -> None:
    arguments = {"layer": "neighborhood", "measure": "income"}
    rows = run_receipt(demo.release, receipt(demo.release, name, EVERYTHING, arguments))
    assert all(set(row) == set(RECEIPTS[name].columns) for row in rows.values()) and rows


@pytest.mark.parametrize("page", BOSTON)
def test_boston_says_what_its_receipts_say(boston: Receipts, page: str) -> None:
    walk(boston, page)


@pytest.mark.parametrize("which", ["demo", "boston"])
def test_pages_of_requests_say_what_their_receipts_say(which: str, request: pytest.FixtureRequest) -> None:
    receipts: Receipts = request.getfixturevalue(which)
    for row in oldest(receipts.release, EVERYTHING, 3):
        walk(receipts, f"/requests/{row.service_request_id}")
