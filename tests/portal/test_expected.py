"""Expected times: what is forecast is what the release's own past says, and past forecasts are held against what came."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import pytest
from fastapi.testclient import TestClient

from portal.background import Background, Failed
from portal.errors import NotReady
from portal.figures.expected_time import ENOUGH, expected_times
from portal.queries import expected as module
from portal.queries.expected import BASES, calibration, drawn_layer, expected, expected_all, wait
from portal.queries.expected_record import NEVER, forecasts, outcomes, read
from portal.queries.month_numbers import first_day
from portal.queries.scans import bin_minutes, wide_bins
from portal.release import Release, Releases
from tests.release_factory import build_release


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    """A release with enough requests for areas to have forecasts of their own, worked out."""
    root = tmp_path_factory.mktemp("expected")
    build_release(root, rows=30_000)
    releases = Releases(root / "releases")
    wait(releases.current())
    yield releases.current()
    releases.close()


@pytest.fixture
def ready(release: Release) -> Release:
    """The small release, its expected times worked out."""
    wait(release)
    return release


def newest_month(release: Release) -> int:
    return int(release.query("SELECT max(month) FROM requests")[0][0])


def test_forecasts_of_past_months_hold_in_a_city_that_does_not_drift(ready: Release) -> None:
    found = calibration(ready)
    assert found is not None and found.pooled is not None
    assert [row.month for row in found.months] == sorted(row.month for row in found.months if row.month)
    assert sum(row.requests for row in found.months) == found.pooled.requests > 500
    assert found.pooled.half.low is not None and found.pooled.half.low - 0.03 < 0.5 < found.pooled.half.high + 0.03  # type: ignore[operator]
    assert found.pooled.most.low is not None and found.pooled.most.low - 0.03 < 0.9 < found.pooled.most.high + 0.03  # type: ignore[operator]
    assert all(0.3 < factor < 3 for factor in found.factors)


def test_a_forecast_is_of_the_last_year_of_its_service(ready: Release) -> None:
    found = expected(ready, "parking", None)
    assert found is not None and found.basis in BASES[2:] and found.half_hours and found.most_hours
    assert found.half_hours < found.most_hours and found.area is None
    since = "month >= (SELECT max(month) FROM requests) - 12"
    hours = ready.query(
        f"SELECT median(elapsed_minutes) / 60 FROM requests WHERE service_code = 'parking' AND event AND {since}"
    )[0][0]
    assert found.half_hours == pytest.approx(hours, rel=0.25)
    assert expected(ready, "tree", None) != found


def test_all_services_of_an_area_are_the_single_ones(busy: Release) -> None:
    found = expected_all(busy, "2")
    assert list(found) == list(busy.allowed("service"))
    assert any(row and row.area == "2" for row in found.values()), "some rest on the area itself"
    for service, row in found.items():
        assert row == expected(busy, service, "2")
        if row and row.basis not in ("season", "area"):
            assert row == expected(busy, service, None) and row.area is None
    assert expected(busy, "parking", "no such area") == expected(busy, "parking", None)


def test_what_was_known_on_a_day_is_nothing_of_later(release: Release) -> None:
    """A request that was closed after a month began was still open then, however soon it was closed later."""
    month = newest_month(release) - 2
    record = read(release, drawn_layer(release), month)
    kept = f"month < {month} AND elapsed_bin IS NOT NULL"
    total = int((record.month < month).sum() + record.before.sum())
    assert total == release.query(f"SELECT count(*) FROM requests WHERE {kept}")[0][0]
    which, minutes, closed = outcomes(release, record, month - 3, month - 1, month)
    told = release.query(
        f"SELECT count(*), count(*) FILTER (event AND closed_month < {month}) FROM requests "
        f"WHERE {kept} AND month >= {month - 3}"
    )[0]
    assert (len(which), int(closed.sum())) == told and 0 < told[1] < told[0]
    begins = datetime.combine(first_day(month), datetime.min.time(), release.city.zone).astimezone(UTC)
    longest = (begins.timestamp() / 86400 - record.day[which[~closed]]) * 1440
    assert (minutes[~closed] <= longest).all() and (minutes[~closed] >= 1).all()
    now = outcomes(release, record, month - 3, month - 1, None)[2]
    assert now.sum() > closed.sum() and (now | ~closed).all()
    assert set(record.closed_month[which[~now]]) <= {NEVER}


@pytest.mark.parametrize("service", ["parking", "tree"])
def test_a_past_forecast_is_what_a_plain_count_gives(busy: Release, service: str) -> None:
    """The same from one row a request, without sorting, blocks or what is counted beforehand."""
    month = newest_month(busy) - 4
    record = read(busy, drawn_layer(busy), month - 2)
    found = forecasts(busy, record, month)
    rows = busy.query(
        "SELECT district, month, event AND closed_month < ?, elapsed_bin, requested_date FROM requests "
        "WHERE service_code = ? AND elapsed_bin IS NOT NULL AND month < ?",
        [month, service, month],
    )
    begins = datetime.combine(first_day(month), datetime.min.time(), busy.city.zone).astimezone(UTC)
    times = bin_minutes(busy)
    counts = np.zeros((2, 4, times.size), np.int64)
    for district, made, closed, place, day in rows:
        if not closed:
            noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
            waited = max((begins - noon).total_seconds() / 60, 1)
            place = max(np.searchsorted(times, waited, side="right") - 1, 0)
        member = (district == "1" and month - 13 <= made <= month - 11, district == "1" and made >= month - 12,
                  made >= month - 12, True)  # fmt: skip
        counts[0 if closed else 1, np.flatnonzero(member), place] += 1
    plain = expected_times(times, counts[0], counts[1], enough=ENOUGH, wide=wide_bins(busy))
    i = record.kinds.index((service, "1"))
    assert found.here.group[i] == plain.group and found.here.requests[i] == plain.requests
    assert found.here.times[i] == pytest.approx(plain.times, nan_ok=True)
    city = expected_times(times, counts[0, 2:], counts[1, 2:], enough=ENOUGH, wide=wide_bins(busy))
    at = record.services.index(service)
    assert found.city.group[at] == city.group
    assert found.city.times[at] == pytest.approx(city.times, nan_ok=True)


def test_the_api_tells_the_forecast_with_its_calibration(client: TestClient, ready: Release) -> None:
    layer = drawn_layer(ready)
    wait(client.app.state.releases.current())  # type: ignore[attr-defined]
    answer = client.get("/api/v1/expected/parking", params={"area": "2"})
    assert answer.status_code == 200 and layer == "district"
    told = answer.json()["result"]
    found = expected(ready, "parking", "2")
    assert found is not None and told["forecast"]["half_hours"] == pytest.approx(found.half_hours)
    assert told["forecast"]["basis"] == found.basis and told["forecast"]["area"] == found.area
    assert told["calibration"]["pooled"]["forecasts"] > 0 and answer.headers["X-Openward-Release"] == ready.id
    assert client.get("/api/v1/expected/nonsense").status_code == 404
    assert client.get("/api/v1/expected/parking?area=99").status_code == 404


def test_what_is_typed_into_the_page_is_kept_by_nobody_between(client: TestClient) -> None:
    assert client.get("/expected?q=51+main+st").headers["Cache-Control"] == "private, no-cache"


def held_up(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Expected times that are not there until the event is set."""
    go = threading.Event()

    def slow(release: Release) -> object:
        go.wait(30)
        return module._work_out(release)

    monkeypatch.setattr(module, "_answers", Background(slow, "expected times", "one moment", "it failed"))
    return go


def test_nobody_waits_while_they_are_worked_out(
    client: TestClient, release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = held_up(monkeypatch)
    try:
        answer = client.get("/api/v1/expected/parking")
        assert answer.status_code == 503 and answer.headers["Retry-After"] and answer.json()["detail"] == "one moment"
        with pytest.raises(NotReady):
            calibration(release)
    finally:
        go.set()
    wait(client.app.state.releases.current())  # type: ignore[attr-defined]
    assert client.get("/api/v1/expected/parking").status_code == 200


def test_a_failure_is_logged_once_and_breaks_nothing_else(
    client: TestClient, release: Release, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tried = []

    def broken(release: Release) -> object:
        tried.append(release.id)
        raise ZeroDivisionError("no such luck")

    monkeypatch.setattr(module, "_answers", Background(broken, "expected times", "one moment", "it failed"))
    with caplog.at_level(logging.WARNING, logger="openward.portal"):
        wait(release)
        for _ in range(3):
            with pytest.raises(Failed, match="it failed"):
                expected(release, "parking", None)
    assert tried == [release.id]
    assert "expected times" in caplog.text and "no such luck" in caplog.text
    wait(client.app.state.releases.current())  # type: ignore[attr-defined]
    assert client.get("/api/v1/expected/parking").status_code == 500
    assert client.get("/healthz").status_code == 200


def test_many_who_ask_at_once_have_it_made_once(release: Release) -> None:
    made, go = [], threading.Event()

    def make(of: Release) -> str:
        made.append(of.id)
        go.wait(30)
        return "made"

    once: Background[str] = Background(make, "a test", "one moment", "it failed")
    told: list[str] = []

    def ask() -> None:
        with pytest.raises(NotReady):
            once.ask(release)
        told.append("at once")

    asking = [threading.Thread(target=ask) for _ in range(8)]
    try:
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join(30)
        assert told == ["at once"] * 8
    finally:
        go.set()
    once.wait(release)
    assert once.ask(release) == "made" and made == [release.id]


def test_they_are_begun_when_a_release_is_opened(
    release: Release, settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = []
    releases = Releases(settings.releases, settings, opened=begun.append)  # type: ignore[attr-defined, arg-type]
    opened = releases.current()
    releases.current()
    assert begun == [opened], "once for each release, not for each question"
    releases.close()
