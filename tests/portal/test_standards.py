"""Standards, control charts, ages, measures and feedback: against plain counting, and against a change that was planted."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from portal import queries
from portal.components.change_words import MANY, late_shifts, on_time_words, points, sure, time_shifts
from portal.components.measures import measures_section
from portal.components.receipt import Figures
from portal.html import to_html
from portal.queries.control import due_months, late_control, median_control, open_ages
from portal.queries.measures import feedback, measures
from portal.queries.periods import dated, year_before
from portal.queries.standards import ALL, has_standards, standards, targets, total_change
from portal.receipts import receipt
from portal.release import Release, Releases
from portal.routes import render
from portal.selection import Selection
from tests.portal.check_page import wrong_numbers
from tests.portal.page_shape import check_shape
from tests.portal.run_receipt import run
from tests.release_factory import build_release

QUERIES = (
    "",
    "department=public_works",
    "service=pothole&area=district:1",
    "from=2024-01-01&to=2024-06-30",
    "channel=app",
)
SINCE = (2024 - 1970) * 12 + 6
"""July 2024, as the index counts months: from then on the quick half of the requests is thinned out."""


def _changed(db: Any) -> None:
    """Plants a slower city, and fills the tables of measures and feedback."""
    db.execute(f"""DELETE FROM requests WHERE month >= {SINCE} AND rid % 3 <> 0 AND elapsed_minutes <
                   (SELECT median(elapsed_minutes) FROM requests r WHERE r.service_code = requests.service_code)""")
    db.execute("DELETE FROM measures")
    db.execute("""INSERT INTO measures SELECT 'calls', 'sl20', 'city', m::DATE, (m + INTERVAL 1 MONTH)::DATE,
        'Calls answered within 20 seconds', 80 + month(m), 85, 'higher', 'percent', 9000
        FROM generate_series(DATE '2024-01-01', DATE '2024-12-01', INTERVAL 1 MONTH) t(m)""")
    db.execute("""INSERT INTO measures VALUES ('kpi', 'wait', 'parks', DATE '2025-01-01', DATE '2025-04-01', 'Mean wait',
        31.5, 30, 'lower', 'minutes', NULL)""")
    db.execute("DELETE FROM feedback")
    db.execute("""INSERT INTO feedback SELECT 'survey', 'F' || n, ['parks', 'transport', NULL][1 + n % 3], 'main',
        ['web', 'phone'][1 + n % 2], TIMESTAMP '2024-01-01' + to_hours((n * 12)::INT), (25 * (n % 5))::DOUBLE
        FROM range(1000) t(n)""")


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    """A city that got slower in July 2024, with measures and answers."""
    root: Path = tmp_path_factory.mktemp("planted")
    build_release(root, rows=40_000, change=_changed)
    releases = Releases(root / "releases")
    yield releases.current()
    releases.close()


@pytest.mark.parametrize("query", QUERIES)
def test_the_register_is_what_counting_says(release: Release, query: str) -> None:
    selection = Selection.from_query(query, release)
    register = standards(release, selection)
    now = dated(release, selection)
    before = year_before(release, now)
    assert (register.period, register.before) == (now, before) and before is not None
    for period, of in ((now, "on_time"), (before, "before")):
        where, params = release.where(period)
        counted = {
            key: rest
            for key, *rest in release.query(
                f"""SELECT service_code::VARCHAR, count(*) FILTER (on_time = 'on_time'),
                           count(*) FILTER (on_time IN ('on_time', 'late')),
                           count(*) FILTER (on_time = 'late' AND status = 'open') FROM requests WHERE {where} GROUP BY 1""",
                params,
            )
        }
        for row in register.rows:
            share = getattr(row, of)
            kept, due, open_late = counted.get(row.service, (0, 0, 0))
            assert (share.k, share.n) == (kept, due), row.service
            assert of == "before" or row.open_late == open_late
        assert getattr(register.total, of).n == sum(due for _kept, due, _open in counted.values())
    assert {row[0] for row in register.without} <= {"tree", "noise"}


@pytest.mark.parametrize("query", QUERIES)
def test_receipts_of_the_register(release: Release, query: str) -> None:
    selection = Selection.from_query(query, release)
    register = standards(release, selection)
    told, change = (
        run(release, receipt(release, name, register.period, {})) for name in ("standards", "standards-change")
    )
    for row in (*register.rows, register.total):
        if not row.requests:
            continue
        figures = told[row.service]
        for name in ("requests", "open_late", "pending", "late", "no_standard"):
            assert figures[name] == getattr(row, name), (row.service, name)
        assert figures["on_time_share"] == pytest.approx(row.on_time.share)
        assert figures["lateness_hours"] == (None if row.lateness.hours is None else pytest.approx(row.lateness.hours))
        if row.change and row.change.difference.value is not None:
            assert change[row.service]["difference"] == pytest.approx(row.change.difference.value, abs=1e-12)
            assert change[row.service]["months"] == row.change.months
        else:
            assert row.service not in change


def test_targets(release: Release) -> None:
    found = targets(release)
    told = run(release, receipt(release, "targets", Selection(), {}))
    assert {key: row["hours"] for key, row in told.items()} == {key: target.hours for key, target in found.items()}
    assert found["pothole"].hours == found["pothole"].low == found["pothole"].high == 72
    assert "tree" not in found and has_standards(release)


def test_months_that_are_not_due_are_left_out(release: Release) -> None:
    """Street lights have ten days: June 2025, twenty days old when the data was taken, flatters."""
    months = due_months(release, Selection(service=("streetlight",)))
    assert months[-1].month == date(2025, 6, 1) and months[-1].young and not months[-4].young
    register = standards(release, Selection.from_query("from=2025-01-01&to=2025-06-30&service=streetlight", release))
    change = register.rows[0].change
    assert change is not None and change.months < 6
    assert total_change(release, register.period) == register.total.change


@pytest.mark.parametrize(
    "query", ["", "service=pothole", "status=open", "area=district:1&channel=app", "to=2024-06-30"]
)
def test_ages_add_up_to_the_backlog_of_the_day(release: Release, query: str) -> None:
    selection = Selection.from_query(query, release)
    rows = open_ages(release, selection)
    told = run(release, receipt(release, "open-ages", selection, {}))
    assert len(rows) > 12
    for row in rows[:: max(len(rows) // 5, 1)]:
        day = row.month.replace(day=calendar.monthrange(row.month.year, row.month.month)[1])
        assert row.open == sum(row.ages) == queries.backlog(release, selection, day).open
    for row in rows:
        key = f"{row.month:%Y-%m}"
        if key in told:
            assert tuple(int(n) for n in list(told[key].values())[1:]) == (row.open, *row.ages)


def test_a_planted_shift_is_found_where_it_was_planted(planted: Release) -> None:
    median, late = median_control(planted, Selection()), late_control(planted, Selection())
    assert median is not None and late is not None
    assert [shift.month for shift in median.shifts] == [date(2024, 7, 1)] and median.shifts[0].size > 1.5
    assert [shift.month for shift in late.shifts] == [date(2024, 7, 1)] and late.shifts[0].size > 0.05
    usual = Figures("usual-times", Selection())
    assert "From July 2024 on it took <data" in to_html(time_shifts(median, usual)) and "longer" in to_html(
        time_shifts(median, usual)
    )
    assert "From July 2024 on <data" in to_html(late_shifts(late, usual)) and "more were late" in to_html(
        late_shifts(late, usual)
    )
    chart = to_html(render(planted, "/trends").body)
    assert "July 2024: " in chart and "No lasting shift" not in chart


@pytest.mark.parametrize("query", ["", "service=pothole", "department=public_works", "area=district:1&to=2025-03-15"])
@pytest.mark.parametrize(("name", "control_of"), [("usual-times", median_control), ("usual-late", late_control)])
def test_what_is_usual_and_the_shifts_are_made_again_in_sql(
    planted: Release, query: str, name: str, control_of: Any
) -> None:
    selection = Selection.from_query(query, planted)
    control = control_of(planted, selection)
    assert control is not None
    told = run(planted, receipt(planted, name, selection, {}))
    for row in control.rows:
        made = told[f"{row.month:%Y-%m}"]
        for column, value in (("usual", row.centre), ("usual_low", row.low), ("usual_high", row.high)):
            assert made[column] is None if value is None else made[column] == pytest.approx(value, rel=1e-9, abs=1e-12)
    sizes = {shift.month: shift.size for shift in control.shifts}
    assert {key: row["shift"] for key, row in told.items() if row["shift"] is not None} == pytest.approx(
        {f"{month:%Y-%m}": size for month, size in sizes.items()}
    )
    assert sizes or query != ""


def test_an_unchanged_city_has_no_shift(release: Release) -> None:
    median, late = median_control(release, Selection()), late_control(release, Selection())
    assert median is not None and median.shifts == () and late is not None and late.shifts == ()
    assert "No lasting shift" in time_shifts(median, Figures("usual-times", Selection()))[0]
    assert median_control(release, Selection(from_date=date(2024, 1, 1))) is None, "less than two years tell no season"


def test_what_is_said_follows_the_interval(planted: Release) -> None:
    register = standards(planted, Selection())
    assert register.total.change is not None
    assert sure(register.total.change) == sure(register.total.change, MANY) == -1
    words = to_html(on_time_words(register.total.change, 12, Figures("standards-change", register.period)))
    assert "less than in the same months" in words
    assert points(0.0214) == "2.1 percentage points"


def test_measures_and_their_targets(planted: Release) -> None:
    city, parks = measures(planted)
    assert (city.department, parks.department) == ("city", "parks") and len(city.values) == 12
    assert [value.met(city.direction) for value in city.values[3:6]] == [False, True, True]
    assert parks.values[0].met(parks.direction) is False
    told = run(planted, receipt(planted, "measures", Selection(), {}))
    assert told["calls sl20 city 2024-05-01"]["value"] == 85 and len(told) == 13


def test_satisfaction(planted: Release) -> None:
    found = feedback(planted)
    assert found is not None and (found.start, found.end) == (date(2024, 6, 1), date(2025, 6, 1))
    scores = np.array(planted.query("SELECT score FROM feedback WHERE received_datetime >= DATE '2024-06-01'")).ravel()
    assert found.overall.responses == len(scores) and found.overall.mean.value == pytest.approx(scores.mean())
    assert (
        sum(row.responses for row in found.departments) == sum(row.responses for row in found.channels) == len(scores)
    )
    told = run(planted, receipt(planted, "feedback", Selection(), {}))
    for kind, rows in (("department", found.departments), ("channel", found.channels)):
        for row in rows:
            figures = told[f"{kind}:{row.key}"]
            assert figures["responses"] == row.responses and figures["mean"] == pytest.approx(row.mean.value)
    parks = feedback(planted, "parks")
    assert parks is not None and parks.overall.responses < found.overall.responses
    assert feedback(planted, "inspection") is None


@pytest.mark.parametrize(
    "page",
    ["/trends", "/trends?service=pothole&by=district", "/trends?from=2024-01-01&to=2024-12-31", "/standards",
     "/standards?department=public_works", "/standards?from=2024-01-15&to=2024-03-14", "/standards?service=tree"],
)  # fmt: skip
def test_every_number_is_what_its_receipt_says(planted: Release, page: str) -> None:
    wrong, looked_at = wrong_numbers(planted, page)
    assert wrong == [] and looked_at > 5


def test_the_section_of_a_department(planted: Release) -> None:
    text = to_html(measures_section(planted, "parks", "Release."))
    assert "Mean wait" in text and "31.5 minutes" in text and "not reached" in text and 'id="satisfaction"' in text
    assert measures_section(planted, "inspection", "") is None


@pytest.mark.parametrize(
    "query", ["", "service=tree", "from=1990-01-01&to=1990-01-02", "lang=es", "status=open", "on_time=late"]
)
def test_the_page_of_standards_is_complete(release: Release, query: str) -> None:
    page = render(release, "/standards", query)
    text = to_html(page.body)
    assert page.status == 200 and 'href="/standards' in text
    check_shape(text)


def test_a_city_without_standards_has_no_way_to_them(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.components.shell.has_standards", lambda _release: False)
    assert 'href="/standards' not in to_html(render(release, "/methods").body)


@pytest.mark.parametrize("path", ["/standards", "/trends"])
def test_markup_holds_together(planted: Release, path: str) -> None:
    check_shape(to_html(render(planted, path).body))


def test_a_part_of_a_month_is_not_held_against_a_whole_one(release: Release) -> None:
    """Standards and the change in numbers and times speak of the same months, and their receipt of no others."""
    selection = Selection(from_date=date(2024, 9, 10), to_date=date(2025, 2, 20))
    before = year_before(release, selection)
    assert before == Selection(from_date=date(2023, 10, 1), to_date=date(2024, 1, 31))
    register, ago = standards(release, selection), queries.year_ago(release, selection)
    assert register.before == before and ago is not None and register.total.change is not None
    months = [date(2024, 10, 1), date(2024, 11, 1), date(2024, 12, 1), date(2025, 1, 1)]
    assert list(ago.requests.compared) == months and register.total.change.months <= len(months)
    told = run(release, receipt(release, "standards-change", selection, {}))[ALL]
    assert told["months"] == register.total.change.months
    assert told["difference"] == pytest.approx(register.total.change.difference.value, abs=1e-9)


def test_dates_that_nobody_named_are_those_of_the_record(release: Release) -> None:
    first, last = queries.period(release)
    assert first is not None and last is not None
    year = dated(release, Selection())
    assert (year.from_date, year.to_date) == (date(2024, 6, 1), date(2025, 5, 31))
    assert dated(release, Selection(to_date=date(2023, 3, 31))) == Selection(from_date=first, to_date=date(2023, 3, 31))
    assert dated(release, Selection(from_date=date(2025, 1, 5))).to_date == queries.covered_until(release)
    assert year_before(release, dated(release, Selection(from_date=date(2023, 1, 1)))) is None, "more than a year"
    assert year_before(release, Selection(from_date=date(2022, 3, 1), to_date=date(2022, 4, 30))) is None
    assert year_before(release, Selection(from_date=date(2024, 3, 5), to_date=date(2024, 3, 30))) is None
