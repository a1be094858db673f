"""Similar requests: which are taken, that their figures are those of their receipt, and where a request stands."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal import queries
from portal.answers_request import OneRequest, Similar
from portal.figures.expected_time import ENOUGH
from portal.queries.one_request import one_request, withdrawn
from portal.queries.similar import POINTS, groups, season, similar
from portal.receipts import receipt
from portal.release import Release, Releases
from portal.selection import Selection
from portal.text import FEW
from tests.portal.run_receipt import run
from tests.release_factory import build_release


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    """Enough requests for every step of the cascade to be taken by some."""
    root = tmp_path_factory.mktemp("similar")
    build_release(root, rows=30_000)
    releases = Releases(root / "releases")
    yield releases.current()
    releases.close()


def numbers(release: Release, where: str, count: int = 4) -> list[str]:
    rows = release.query(f"SELECT service_request_id FROM requests WHERE {where} ORDER BY hash(rid) LIMIT {count}")
    assert rows, where
    return [number for (number,) in rows]


def both(release: Release, number: str) -> tuple[OneRequest, Similar | None]:
    (request,) = one_request(release, number)
    return request, similar(release, request)


def some(release: Release) -> list[str]:
    wheres = ("status = 'open'", "status = 'closed'", "service_code = 'rodent'", "lat IS NULL", "event IS NULL",
              "requested_date < DATE '2022-06-01'", "requested_date > DATE '2025-05-01'")  # fmt: skip
    return [number for where in wheres for number in numbers(release, where)]


def shares_closed(rows: list[tuple[int, bool]], before: float) -> float:
    """Kaplan–Meier's share closed before a time, by the book: one request after the other."""
    waiting, left = len(rows), 1.0
    for minute in sorted({m for m, _ in rows}):
        if minute >= before:
            break
        gone = sum(1 for m, closed in rows if m == minute and closed)
        left *= 1 - gone / waiting
        waiting -= sum(1 for m, _ in rows if m == minute)
    return 1 - left


def of(release: Release, selection: Selection) -> list[tuple[int, bool]]:
    where, params = selection.where()
    return release.query(f"SELECT elapsed_minutes, event FROM requests WHERE event IS NOT NULL AND {where}", params)


def test_the_figures_are_those_of_the_selection_and_of_its_receipt(many: Release) -> None:
    bases = set()
    for number in some(many):
        _request, found = both(many, number)
        if found is None:
            continue
        bases.add(found.basis)
        answer = queries.response(many, found.selection)
        assert (found.n, found.events) == (answer.n, answer.events)
        assert (found.median, found.p90) == (answer.quantiles[50], answer.quantiles[90])
        row = run(many, receipt(many, "response", found.selection, {}))[""]
        assert (row["n"], row["events"]) == (found.n, found.events)
        for name, told in (("median_hours", found.median.hours), ("p90_hours", found.p90.hours)):
            assert row[name] == (None if told is None else pytest.approx(told, rel=1e-9))
    assert {"season", "area", "recent"} <= bases, "the sample does not reach the steps of the cascade"


def test_only_requests_made_before_are_taken_and_the_narrowest_that_say_enough(many: Release) -> None:
    for number in some(many):
        request, found = both(many, number)
        day = request.row.requested_date
        assert day is not None
        steps = groups(many, request.row)
        assert [step.basis for step in steps][-2:] == ["recent", "service"]
        events = {step.basis: sum(closed for _, closed in of(many, step.selection)) for step in steps}
        if found is None:
            assert max(events.values()) < FEW
            continue
        assert found.last < day and found.first <= found.last
        assert found.events == events[found.basis]
        passed = [step.basis for step in steps][: [step.basis for step in steps].index(found.basis)]
        for basis in passed:
            rows = of(many, next(step.selection for step in steps if step.basis == basis))
            level = 0.9 * (len(rows) + 1) / len(rows) if rows else 1.0
            assert events[basis] < ENOUGH or shares_closed(rows, float("inf")) < level, (number, basis)
        assert found.events >= min(ENOUGH, max(events.values()))


def test_where_it_stands_is_kaplan_meier_at_its_own_time(many: Release) -> None:
    checked = {True: 0, False: 0}
    for number in some(many):
        request, found = both(many, number)
        if found is None or found.sooner is None or request.elapsed_minutes is None or request.closed is None:
            continue
        rows = of(many, found.selection)
        before = request.elapsed_minutes if request.closed else request.elapsed_minutes + 1
        assert found.sooner.share == pytest.approx(shares_closed(rows, before), abs=1e-9)
        assert 0 <= found.sooner.low <= found.sooner.share <= found.sooner.high <= 1
        assert found.sooner.hours == pytest.approx(request.elapsed_minutes / 60)
        checked[request.closed] += 1
    assert min(checked.values()) >= 3


def test_a_request_whose_times_contradict_one_another_stands_nowhere(many: Release) -> None:
    for number in numbers(many, "event IS NULL AND requested_date > DATE '2024-01-01'"):
        request, found = both(many, number)
        assert request.closed is None
        assert found is not None and found.sooner is None


def test_the_curve_rises_and_its_points_are_those_of_the_estimate(many: Release) -> None:
    _request, found = both(many, numbers(many, "requested_date > DATE '2025-05-01' AND service_code = 'pothole'")[0])
    assert found is not None
    assert 20 < len(found.curve) <= POINTS + 1
    rows = of(many, found.selection)
    for earlier, later in zip(found.curve, found.curve[1:], strict=False):
        assert earlier.hours < later.hours and earlier.share < later.share
    for point in (*found.curve[::20], found.curve[-1], *found.told):
        assert point.share == pytest.approx(shares_closed(rows, point.hours * 60 + 0.5), abs=1e-9)
        assert point.low <= point.share <= point.high
    assert found.reach_hours * 60 == max(minute for minute, _ in rows)


def test_nothing_is_told_of_too_few(many: Release) -> None:
    request, found = both(many, numbers(many, "requested_date = (SELECT min(requested_date) FROM requests)", 1)[0])
    assert found is None
    assert all(not of(many, step.selection) for step in groups(many, request.row))


@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)))
def test_a_season_is_three_months_around_the_day_a_year_before(day: date) -> None:
    start, end = season(day)
    assert start.day == 1 and (end + timedelta(days=1)).day == 1
    assert (end.year * 12 + end.month) - (start.year * 12 + start.month) == 2
    same = date(day.year - 1, day.month, min(day.day, 28))
    assert start <= same <= end < day
    assert (same - start).days >= 28 and (end - same).days >= 28


def changed(db: Any) -> None:
    """One number of two sources, history, other places, and numbers with every kind of character."""
    db.execute("ALTER TABLE requests ALTER source TYPE VARCHAR")
    db.execute("UPDATE requests SET service_request_id = 'TWICE' WHERE rid IN (100, 101)")
    db.execute("UPDATE requests SET source = 'parks_crm' WHERE rid = 101")
    db.execute(
        'UPDATE requests SET geocode_alternatives = \'[{"address": 7}, [], {"address": "9 Elm St", "score": 2}]\' WHERE rid = 102'
    )
    db.execute("UPDATE requests SET geocode_alternatives = '{not json' WHERE rid = 103")
    db.execute("""INSERT INTO changes SELECT source, service_request_id, 'outcome', 'done', 'unknown', TIMESTAMP '2025-06-01', 'source'
        FROM requests WHERE rid IN (3, 101)""")
    db.execute("""INSERT INTO changes SELECT source, service_request_id, field, old::VARCHAR, new::VARCHAR, first_seen, cause
        FROM retroactive_edits""")


def indexed(db: Any) -> None:
    changed(db)
    db.execute("""CREATE TABLE request_numbers AS SELECT md5_number_lower(service_request_id) AS number, rid
        FROM requests ORDER BY number, rid""")


@pytest.fixture(scope="module", params=[changed, indexed])
def histories(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    """Requests with histories, found by a scan and by the table of numbers."""
    root: Path = tmp_path_factory.mktemp("histories")
    build_release(root, rows=600, geocoder=True, change=request.param)
    releases = Releases(root / "releases")
    yield releases.current()
    releases.close()


def at(release: Release, rid: int) -> tuple[str, str]:
    return release.query("SELECT service_request_id, source::VARCHAR FROM requests WHERE rid = ?", [rid])[0]


def test_every_number_leads_to_its_request(histories: Release) -> None:
    for rid in range(0, 600, 37):
        number, source = at(histories, rid)
        (found,) = one_request(histories, number)
        assert found.row == queries.request(histories, number, source)
        assert one_request(histories, number, source) == (found,)
        assert one_request(histories, number, "elsewhere") == ()
    for number in ("", "R", "nothing", "R0000000", "' OR 1=1 --"):
        assert one_request(histories, number) == ()


def test_a_number_of_two_sources_is_two_requests(histories: Release) -> None:
    found = one_request(histories, "TWICE")
    assert sorted(each.row.source for each in found) == ["city_311", "parks_crm"]
    (crm,) = one_request(histories, "TWICE", "parks_crm")
    assert crm.row.source == "parks_crm" and [change.field for change in crm.changes] == ["outcome"]
    (city,) = one_request(histories, "TWICE", "city_311")
    assert city.changes == ()


def test_a_history_is_told_once_and_in_order(histories: Release) -> None:
    number, source = at(histories, 3)
    (request,) = one_request(histories, number, source)
    assert [(change.field, change.edit) for change in request.changes if change.edit is None] == [("outcome", None)]
    assert sum(change.edit is not None for change in request.changes) == 1
    seen = [change.first_seen for change in request.changes]
    assert seen == sorted(seen)


def test_other_places_of_another_shape_are_left_out(histories: Release) -> None:
    (odd,) = one_request(histories, *at(histories, 102))
    assert [(other.address, other.method, other.score) for other in odd.alternatives] == [("9 Elm St", None, None)]
    (broken,) = one_request(histories, *at(histories, 103))
    assert broken.alternatives == ()


def test_doubts_about_the_area_are_those_of_the_release(histories: Release) -> None:
    rows = histories.query("SELECT rid, layer, area, probability FROM area_probabilities")
    assert rows
    for rid in sorted({row[0] for row in rows})[:10]:
        (request,) = one_request(histories, *at(histories, rid))
        told = {(layer, area, p) for layer, areas in request.likely.items() for area, p in areas}
        assert told == {row[1:] for row in rows if row[0] == rid}
        assert all(list(areas) == sorted(areas, key=lambda area: -area[1]) for areas in request.likely.values()), (
            "likeliest first"
        )


def test_what_was_withdrawn_is_known(histories: Release) -> None:
    gone = withdrawn(histories, "W1")
    assert gone is not None and gone.service_name == "Litter, basket full"
    assert withdrawn(histories, "W1", "elsewhere") is None
    assert withdrawn(histories, "W9") is None
