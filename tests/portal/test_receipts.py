"""Receipts, run by a stranger over a release's public files, make the figures that the portal shows."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

import pytest

from portal import queries
from portal.answers import Quantile, Share
from portal.errors import BadRequest, NotFound
from portal.receipts import RECEIPTS, receipt
from portal.receipts.parts import condition, literal
from portal.release import Release
from portal.selection import NOT_STATED, Selection
from tests.portal.run_receipt import run

QUERIES = (
    "", "service=pothole", "area=district:1&area=district:2&service=parking&service=%3Dheating", "status=open",
    "status=closed&outcome=done&on_time=late", "from=2024-01-01&to=2024-06-30&channel=app", "department=(none)",
    "age=7-30", "near=42.35,-71.1,2500&status=closed",
    "filter=response_hours+%3E+24+OR+NOT+CASEI(service_name)+LIKE+CASEI('%25street%25')",
    "filter=S_INTERSECTS(geometry,BBOX(-71.12,42.33,-71.05,42.37))+AND+requested_datetime+%3E+TIMESTAMP('2024-01-01T05:00:00Z')",
)  # fmt: skip


def same(told: Any, answer: float | None) -> bool:
    return told is None if answer is None else told == pytest.approx(answer, rel=1e-9)


def quantile_agrees(row: dict[str, Any], name: str, value: Quantile) -> bool:
    return (
        same(row[f"{name}_hours"], value.hours)
        and same(row[f"{name}_low"], value.low)
        and same(row[f"{name}_high"], value.high)
    )


def share_agrees(row: dict[str, Any], name: str, value: Share) -> bool:
    return (
        same(row[name], value.share) and same(row[f"{name}_low"], value.low) and same(row[f"{name}_high"], value.high)
    )


@pytest.mark.parametrize("query", QUERIES)
def test_counts(release: Release, query: str) -> None:
    selection = Selection.from_query(query, release)
    row = run(release, receipt(release, "counts", selection, {}))[""]
    totals = queries.totals(release, selection)
    assert totals.requests > 0
    for name in ("requests", "open", "closed", "unmapped", "on_time", "late", "located"):
        assert row[name] == getattr(totals, name), name
    assert {name: row[name] for name in totals.outcomes} == dict(totals.outcomes)
    assert share_agrees(row, "on_time_share", totals.on_time_share) and share_agrees(
        row, "done_share", totals.done_share
    )


@pytest.mark.parametrize("query", QUERIES)
def test_response(release: Release, query: str) -> None:
    selection = Selection.from_query(query, release)
    row = run(release, receipt(release, "response", selection, {}))[""]
    found = queries.response(release, selection)
    assert (row["n"], row["events"]) == (found.n, found.events)
    for share, name in ((50, "median"), (75, "p75"), (90, "p90")):
        assert quantile_agrees(row, name, found.quantiles[share]), (name, row, found)
    assert same(row["closed_only_hours"], found.closed_only_median_hours)


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("dimension", ["service", "district", "department", "channel"])
def test_groups(release: Release, query: str, dimension: str) -> None:
    selection = Selection.from_query(query, release)
    told = run(release, receipt(release, "by", selection, {"dimension": dimension}))
    found = queries.by(release, selection, dimension)
    assert list(told) == [row.key for row in found]
    for row in found:
        figures = told[row.key]
        for name in ("requests", "open", "closed", "n", "events"):
            assert figures[name] == getattr(row, name), (row.key, name)
        assert quantile_agrees(figures, "median", row.median) and quantile_agrees(figures, "p90", row.p90), row.key
        assert share_agrees(figures, "on_time_share", row.on_time) and share_agrees(figures, "done_share", row.done)


@pytest.mark.parametrize("query", QUERIES)
def test_months(release: Release, query: str) -> None:
    selection = Selection.from_query(query, release)
    told = run(release, receipt(release, "months", selection, {}))
    found = queries.monthly(release, selection)
    assert found
    for row in found:
        key = f"{row.month:%Y-%m}"
        if key not in told:  # a quiet month after the last request
            assert row.requested == row.closed == 0
            continue
        for name in ("requested", "closed", "open_at_end"):
            assert told[key][name] == getattr(row, name), (key, name)
        assert quantile_agrees(told[key], "median", row.median) and quantile_agrees(told[key], "p90", row.p90), key


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("day", [date(2022, 3, 31), date(2024, 11, 3), date(2025, 6, 20), date(2030, 1, 1)])
def test_backlog(release: Release, query: str, day: date) -> None:
    selection = Selection.from_query(query, release)
    found = queries.backlog(release, selection, day)
    row = run(release, receipt(release, "backlog", selection, {"at": day.isoformat()}))[""]
    assert row["open"] == found.open == sum(n for _, _, n in found.ages)
    assert {f"from_{low}_days": n for low, _, n in found.ages} == {k: v for k, v in row.items() if k != "open"}
    if day.year == 2030 and "status=closed" not in query:
        assert found.open == queries.totals(release, selection).open > 0


def test_the_oldest_are_open_and_in_order(release: Release) -> None:
    rows = queries.oldest(release, Selection(service=("tree",)), 7)
    assert (
        len(rows) == 7 and {row.status for row in rows} == {"open"} and {row.service_code for row in rows} == {"tree"}
    )
    times = [row.requested_datetime for row in rows]
    assert times == sorted(times)
    where = "service_code = 'tree' AND status = 'open' AND requested_datetime < ?"
    assert release.query(f"SELECT count(*) FROM requests WHERE {where}", [times[0]])[0][0] == 0
    assert queries.oldest(release, Selection(service=("tree",), status=("closed",)), 7) == []


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("dimension", ["district", "ward", "department", "channel"])
def test_comparison(release: Release, query: str, dimension: str) -> None:
    selection = Selection.from_query(query, release)
    found = queries.compare(release, selection, dimension)
    late, speed = (
        run(release, receipt(release, name, selection, {"dimension": dimension})) for name in ("late", "speed")
    )
    assert set(speed) <= {row.key for row in found.rows} and set(late) <= set(speed) | {row.key for row in found.rows}
    for row in found.rows:
        mine = late.get(row.key, {"observed": 0, "n": 0, "expected": 0, "raw": None, "ratio": None, "adjusted": None})
        assert (mine["observed"], mine["n"]) == (row.late.observed, row.late.n)
        assert mine["expected"] == pytest.approx(row.late.expected)
        assert same(mine["raw"], row.late.raw.value) and same(mine["ratio"], row.late.ratio.value), row
        assert same(mine["adjusted"], row.late.adjusted.value)
        if row.late.mix is not None:
            assert (mine["mix"], mine["rest"]) == pytest.approx((row.late.mix, row.late.rest), abs=1e-9)
        pace = speed.get(row.key, {"n": 0, "observed": 0, "expected": 0.0, "ratio": None})
        assert (pace["n"], pace["observed"]) == (row.times.n, row.times.observed)
        assert pace["expected"] == pytest.approx(row.times.expected) and same(pace["ratio"], row.times.speed.value)


@pytest.mark.parametrize("query", ["", "from=2024-01-01&to=2024-06-30", "service=pothole&service=tree"])
@pytest.mark.parametrize("key", ["1", "4"])
def test_time_ratio(release: Release, query: str, key: str) -> None:
    selection = Selection.from_query(query, release)
    row = next(row for row in queries.compare(release, selection, "district").rows if row.key == key)
    told = run(release, receipt(release, "time-ratio", selection, {"dimension": "district", "key": key}))[""]
    assert row.times.time_ratio.value is not None
    assert told["time_ratio"] == pytest.approx(row.times.time_ratio.value, rel=1e-4)


@pytest.mark.parametrize("query", QUERIES)
def test_course(release: Release, query: str) -> None:
    selection = Selection.from_query(query, release)
    found = queries.course(release, selection)
    told = run(release, receipt(release, "course", selection, {}))
    for mark in found.marks:
        if mark.waiting.value is None:
            continue
        row = told[str(mark.days)]
        assert row["waiting"] == pytest.approx(mark.waiting.value, abs=1e-9)
        for name, share in mark.outcomes.items():
            assert row[name] == pytest.approx(share.value, abs=1e-9), (mark.days, name)
        assert row["waiting"] + sum(row[name] for name in mark.outcomes) == pytest.approx(1)
    mean = run(release, receipt(release, "mean", selection, {}))[""]["mean_hours"]
    if found.mean_hours.value is not None:
        assert mean == pytest.approx(found.mean_hours.value)
    assert list(found.closed) == sorted(found.closed) and len(found.hours) == len(found.low) == len(found.high)
    if query == "":
        assert found.mean_hours.value and found.marks[2].waiting.value
        assert all(a <= c <= b for a, c, b in zip(found.low, found.closed, found.high, strict=True))


@pytest.mark.parametrize("more", ["", "&service=pothole", "&area=district:2&status=closed", "&department=parks"])
@pytest.mark.parametrize(
    "dates", ["from=2024-01-01&to=2024-12-31", "from=2024-06-01&to=2025-05-31", "from=2025-02-01&to=2025-02-28"]
)
def test_change_against_the_year_before(release: Release, dates: str, more: str) -> None:
    selection = Selection.from_query(dates + more, release)
    found = queries.year_ago(release, selection)
    assert found is not None and found.requests.compared
    row = run(release, receipt(release, "year-ago", selection, {}))[""]
    assert row["requests_ratio"] == pytest.approx(found.requests.ratio.value)
    for name, changed in (("late", found.late), ("median", found.median)):
        for column, value in (("now", changed.now), ("before", changed.before), ("difference", changed.difference)):
            assert same(row[f"{name}_{column}"], value.value) or row[f"{name}_{column}"] == pytest.approx(
                value.value, abs=1e-9
            )


def test_there_is_no_change_without_a_year_before(release: Release) -> None:
    for query in (
        "",
        "from=2022-01-01&to=2022-12-31",
        "from=2022-01-01&to=2024-12-31",
        "from=2024-01-05&to=2024-01-20",
    ):
        selection = Selection.from_query(query, release)
        assert queries.year_ago(release, selection) is None
        with pytest.raises(BadRequest, match="year before"):
            receipt(release, "year-ago", selection, {})


def test_literals_cannot_end_their_quotes(release: Release) -> None:
    assert literal("O'Brien'; DROP TABLE x; --") == "'O''Brien''; DROP TABLE x; --'"
    told = condition(Selection(service=("a'b", "c?d"), department=(NOT_STATED,)))
    assert told == "\"service_code\" IN ('a''b', 'c?d') AND \"department\" IS NULL"


def test_what_is_wrong_is_said(release: Release) -> None:
    with pytest.raises(NotFound, match="there are: counts"):
        receipt(release, "nonsense", Selection(), {})
    with pytest.raises(NotFound, match="area_probabilities"):
        receipt(release, "expected-totals", Selection(), {"layer": "district"})
    with pytest.raises(BadRequest, match="dimension"):
        receipt(release, "by", Selection(), {})
    with pytest.raises(NotFound, match="no dimension"):
        receipt(release, "by", Selection(), {"dimension": 'x" FROM y'})


ELSEWHERE = ("linked", "reporting", "equity", "equity-measure")
"""Their columns are held in test_record.py and test_all_pages.py: this release has neither incidents nor demographics."""


@pytest.mark.parametrize("kind", [k for k in RECEIPTS.values() if k.name not in ELSEWHERE], ids=lambda kind: kind.name)
def test_every_column_is_explained(with_geocoder: Release, kind: Any) -> None:
    arguments = {"dimension": "service", "layer": "district", "at": "2025-01-31", "minutes": "90.5", "key": "2"}
    arguments |= {"dimension": "district"} if kind.name == "time-ratio" else {}
    year = Selection(from_date=date(2024, 1, 1), to_date=date(2024, 12, 31))
    selection = Selection() if kind.name.startswith("usual") else year  # a control chart takes more than two years
    row = next(iter(run(with_geocoder, receipt(with_geocoder, kind.name, selection, arguments)).values()))
    assert set(kind.columns) <= set(row), "a column that the query does not have"
    assert not any(isinstance(value, float) and math.isnan(value) for value in row.values())


def test_where_places_come_from(release: Release) -> None:
    told = run(release, receipt(release, "located", Selection(), {}))
    assert {k: row["requests"] for k, row in told.items()} == {
        k: n for k, n in queries.quality(release).located.items() if n
    }


def test_methods_of_the_geocoder(with_geocoder: Release) -> None:
    told = run(with_geocoder, receipt(with_geocoder, "methods", Selection(), {}))
    assert len(told) > 3
    for row in queries.methods(with_geocoder):
        figures = told[row.method]
        assert (figures["requests"], figures["score"], figures["radius_m"]) == (
            row.requests, row.median_score, row.median_radius_m
        )  # fmt: skip


@pytest.mark.parametrize("query", ["", "service=pothole"])
def test_expected_totals_of_areas(with_geocoder: Release, query: str) -> None:
    selection = Selection.from_query(query, with_geocoder)
    bands = queries.location_bands(with_geocoder, "district", selection)
    told = run(with_geocoder, receipt(with_geocoder, "expected-totals", selection, {"layer": "district"}))
    assert bands and {area: row["expected"] for area, row in told.items()} == pytest.approx(
        {area: band.expected for area, band in bands.items()}
    )
