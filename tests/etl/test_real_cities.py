"""The real records of three cities: every row loaded or accounted for, and the cities' own words met."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from etl.config import load_city
from etl.pipeline import Place, RunReport, prepare, run
from etl.publish import chain
from etl.store.engine import open_store

CITIES = Path(__file__).parents[2] / "cities"
NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
Ask = Callable[..., list[tuple[Any, ...]]]


def _run(city: str, data: Path, folder: Path, url: str | None = None) -> tuple[RunReport, Path]:
    path = CITIES / f"{city}.yaml"
    config = load_city(path)
    place = Place(config, open_store(url or f"sqlite:///{folder / 'store.sqlite'}"), folder / "releases")
    report = run(place, prepare(config, path, {"requests": data}), now=NOW)
    return report, folder / "releases" / str(report.release_id)


@pytest.fixture(scope="module")
def boston(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[RunReport, Path]:
    """One run over Boston's file."""
    return _run("boston", shared_data / "boston/requests_2015_jan_sep.csv.gz", tmp_path_factory.mktemp("boston"))


def test_every_one_of_bostons_rows_is_loaded(boston: tuple[RunReport, Path], ask: Ask) -> None:
    report, folder = boston
    counts = report.sources["requests"]
    assert (counts.read, counts.new, counts.quarantined) == (93_963, 93_963, 0)
    assert ask(folder, "SELECT count(*), count(DISTINCT service_request_id) FROM requests") == [(93_963, 93_963)]
    assert all(f.ok for f in chain.verify(folder.parent))


def test_city_hall_is_found_to_stand_for_unknown_places(boston: tuple[RunReport, Path], ask: Ask) -> None:
    """Nobody lists it: 13,425 rows share the point, 4,440 of them with a usable address elsewhere."""
    report, folder = boston
    (point,) = report.defaults["requests"]
    assert (round(point.lat, 4), round(point.lon, 4), point.rows) == (42.3594, -71.0587, 13_425)
    noted = "SELECT count(*) FROM requests WHERE location_note IN ('default_point', 'vague')"
    assert ask(folder, noted) == [(13_425,)]
    near = "SELECT count(*) FROM requests WHERE abs(lat - 42.3594) < 1e-6 AND abs(long + 71.0587) < 1e-6"
    assert ask(folder, near) == [(0,)]


def test_cases_on_the_default_point_that_have_an_address_are_placed_by_it(
    boston: tuple[RunReport, Path], ask: Ask
) -> None:
    _, folder = boston
    ((addressed, placed),) = ask(
        folder,
        """SELECT count(*), count(*) FILTER (location_source = 'geocoder') FROM requests
           WHERE location_note IN ('default_point', 'vague') AND address IS NOT NULL""",
    )
    assert addressed > 4_300
    assert placed >= 0.8 * addressed
    ((inside, rows),) = ask(
        folder,
        """SELECT count(*) FILTER (neighborhood IS NOT NULL), count(*) FROM requests WHERE location_source = 'geocoder'""",
    )
    assert inside >= 0.99 * rows
    assert ask(folder, "SELECT count(*) > 30000 FROM address_points") == [(True,)]
    assert chain.read_package(folder)["openward"]["geocoder"]["settings"]["parser"] == "us"


def test_wards_come_in_one_spelling(boston: tuple[RunReport, Path], ask: Ask) -> None:
    _, folder = boston
    wards = {row[0] for row in ask(folder, "SELECT DISTINCT ward FROM requests WHERE ward IS NOT NULL")}
    assert wards == {str(n) for n in range(1, 23)}


def test_on_time_agrees_with_the_citys_own_word_but_for_stated_rules(
    boston: tuple[RunReport, Path], ask: Ask, shared_data: Path
) -> None:
    """The city leaves 147 late requests blank, calls four late that fall due after the record's last time, and
    calls 56 on time that were closed before they were opened."""
    _, folder = boston
    ours = dict(ask(folder, "SELECT service_request_id, on_time FROM requests"))
    disagree: dict[tuple[str, str], int] = {}
    with gzip.open(shared_data / "boston/requests_2015_jan_sep.csv.gz", "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            mine, theirs = ours[row["CASE_ENQUIRY_ID"]], row["OnTime_Status"]
            agreed = {"on_time": "ONTIME", "late": "OVERDUE", "pending": "ONTIME", "no_standard": "ONTIME"}.get(mine)
            if agreed != theirs:
                disagree[mine, theirs] = disagree.get((mine, theirs), 0) + 1
    assert disagree == {("late", ""): 147, ("pending", "OVERDUE"): 4, (None, "ONTIME"): 56}


def test_boston_on_postgis_publishes_the_same_release(
    boston: tuple[RunReport, Path], shared_data: Path, tmp_path: Path, postgis_url: str
) -> None:
    _, folder = _run("boston", shared_data / "boston/requests_2015_jan_sep.csv.gz", tmp_path, postgis_url)
    mine = {r["name"]: r["hash"] for r in chain.read_package(folder)["resources"]}
    theirs = {r["name"]: r["hash"] for r in chain.read_package(boston[1])["resources"]}
    assert mine == theirs


@pytest.mark.parametrize(
    ("city", "file", "rows"),
    [
        ("san_francisco", "san_francisco/requests_sample.csv", 10_000),
        ("san_francisco", "san_francisco/requests_sample_with_tracts.csv", 4_984),
        ("new_york", "nyc/requests_2022-05-01.csv", 924),
    ],
)
def test_other_cities_load_whole(shared_data: Path, tmp_path: Path, city: str, file: str, rows: int) -> None:
    data = shared_data / file
    copy = tmp_path / data.name
    copy.symlink_to(data)
    for layer in (shared_data / "san_francisco").glob("*"):
        if layer.suffix in (".geojson", ".gpkg", ".csv") and layer.name != data.name:
            (tmp_path / layer.name).symlink_to(layer)
    report, folder = _run(city, copy, tmp_path)
    counts = report.sources["requests"]
    assert counts.read == counts.new == rows
    assert chain.read_package(folder)["openward"]["counts"]["located"] >= 0.97 * rows
