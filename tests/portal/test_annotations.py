"""Events that a city lists: which of them a selection is told, where charts draw them, and that words say them too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from portal.app import create_app
from portal.charts import events
from portal.charts.events import Event
from portal.charts.monthly import Columns, requested_and_closed
from portal.charts.svg import Canvas
from portal.components.happened import with_events
from portal.components.parts import Column
from portal.html import to_html
from portal.queries.annotations import happened
from portal.release import Release, Releases
from portal.routes import render
from portal.selection import Selection
from portal.settings import PortalSettings
from tests.portal.page_shape import check_shape
from tests.release_factory import build_release

LISTED = [
    ("2023-03-10", None, "Work orders <move>", None, "public_works", None, None, "https://example.org/a"),
    ("2023-11-20", "2024-01-14", "Snow emergency", "pothole", None, None, None, None),
    ("2024-06-01", None, "Yard moves", None, None, "district", "1", "javascript:alert(1)"),
    ("2024-09-02", None, "All of it", None, None, None, None, None),
]


@pytest.fixture(scope="module")
def settings_of(tmp_path_factory: pytest.TempPathFactory) -> PortalSettings:
    """A release of a city that lists four events."""
    root: Path = tmp_path_factory.mktemp("events")
    build_release(root, rows=4000)
    releases = Releases(root / "releases")
    index = Path(releases.current().folder) / releases.current().package.openward.index.path
    releases.close()
    with duckdb.connect(str(index)) as db:
        db.execute("""CREATE TABLE annotations (first_day DATE, last_day DATE, text VARCHAR, service_code VARCHAR,
                      department VARCHAR, layer VARCHAR, area VARCHAR, link VARCHAR)""")
        db.executemany("INSERT INTO annotations VALUES (?, ?, ?, ?, ?, ?, ?, ?)", LISTED)
    return PortalSettings(releases=root / "releases")


@pytest.fixture(scope="module")
def listed(settings_of: PortalSettings) -> Iterator[Release]:
    """That release, open."""
    releases = Releases(settings_of.releases, settings_of)
    yield releases.current()
    releases.close()


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("", [0, 1, 2, 3]),
        ("service=pothole", [0, 1, 2, 3]),
        ("service=graffiti", [2, 3]),  # of another department
        ("department=public_works", [0, 1, 2, 3]),  # the service is the department's
        ("department=parks", [2, 3]),
        ("group=Streets", [0, 1, 2, 3]),
        ("group=Vehicles", [0, 2, 3]),
        ("area=district:1", [0, 1, 2, 3]),
        ("area=district:2", [0, 1, 3]),
        ("area=ward:2", [0, 1, 2, 3]),
        ("from=2024-01-14", [1, 2, 3]),
        ("from=2024-01-15", [2, 3]),
        ("to=2023-11-20", [0, 1]),
        ("to=2023-11-19", [0]),
    ],
)
def test_a_selection_is_told_what_touched_it(listed: Release, query: str, told: list[int]) -> None:
    found = happened(listed, Selection.from_query(query, listed))
    assert [one.text for one in found] == [LISTED[i][2] for i in told]


def test_a_release_without_events_has_none(release: Release) -> None:
    assert happened(release, Selection()) == []
    assert 'id="happened"' not in to_html(render(release, "/trends").body)


def test_the_page_says_each_event_in_words_and_marks_the_charts(listed: Release) -> None:
    html = to_html(render(listed, "/trends").body)
    check_shape(html)
    part = html[html.index('id="happened"') :].split("</section>")[0]
    items = re.findall(r"<li>(.*?)</li>", part)
    assert len(items) == 4
    assert '<a href="https://example.org/a">Work orders &lt;move&gt;</a>' in items[0] and "Public Works" in items[0]
    assert "November 20, 2023 to January 14, 2024" in items[1] and "Pothole repair" in items[1]
    assert "javascript" not in html and "North" in items[2]
    for key in ("monthly", "open-ages", "median", "p90", "control-median", "control-late"):
        figure = html[html.index(f'aria-labelledby="{key}"') :].split("</figure>")[0]
        assert figure.count('class="event"') == 2 * 4, key  # in the wide and in the narrow drawing
        assert figure.count('class="event-span"') == 2 * 1, key
        assert "<th" in figure and "What happened" in figure, key
        assert re.search(r"January 2024</th>.*?Snow emergency</td></tr>", figure), key


def test_files_of_a_chart_carry_the_events(settings_of: PortalSettings) -> None:
    with TestClient(create_app(settings_of), raise_server_exceptions=False) as client:
        drawn = client.get("/charts/monthly.svg?page=/trends").text
        table = client.get("/charts/monthly.csv?page=/trends").text
        framed = client.get("/embed/charts/monthly?page=/trends").text
    assert "Snow emergency" in drawn and "Work orders &lt;move&gt;" in drawn and ".event-span" in drawn
    assert "Snow emergency" in framed
    rows = {line.split(",")[0]: line for line in table.splitlines()}
    assert rows["December 2023"].endswith("Snow emergency") and rows["February 2024"].endswith(",")


@given(st.dates(date(2023, 1, 1), date(2024, 12, 31)), st.integers(0, 400))
def test_a_mark_lies_where_its_day_does(first: date, days: int) -> None:
    last = date.fromordinal(first.toordinal() + days)
    months = [date(2023 + m // 12, m % 12 + 1, 1) for m in range(24)]
    event = Event(first, last if days else None, "x" * 60, "said")
    canvas = Canvas(1000, 300, "wide")
    events.draw(canvas, events.within([event], months), months, 100.0, 20.0, 60.0, 250.0)
    drawn = "".join(canvas.parts)
    x = float(re.search(r'class="event" x1="([\d.]+)"', drawn)[1])  # type: ignore[index]
    month = (first.year - 2023) * 12 + first.month - 1
    assert 100 + 20 * month <= x < 100 + 20 * (month + 1) + 0.06
    if days:
        start, wide = (float(v) for v in re.search(r'event-span" x="([\d.]+)".*?width="([\d.]+)"', drawn).groups())  # type: ignore[union-attr]
        assert start == x and start + wide <= 100 + 20 * 24 + 2.1
        if last.year < 2025:
            assert wide == pytest.approx(days / 30.44 * 20, abs=3)
    words = re.search(r'text class="label event-words" x="([\d.]+)".*?text-anchor="(\w+)">(.*?)<', drawn)
    assert words is not None and len(words[3]) <= 60
    reach = float(words[1]) + (1 if words[2] == "start" else -1) * 6.7 * len(words[3])
    assert 90 <= reach <= 590


def test_what_lies_outside_is_not_drawn_and_many_need_no_more_room() -> None:
    months = [date(2024, m, 1) for m in range(1, 7)]
    outside = [Event(date(2023, 12, 31), None, "before", ""), Event(date(2024, 7, 1), None, "after", "")]
    over = Event(date(2023, 1, 1), date(2025, 1, 1), "all along", "")
    assert events.within([*outside, over], months) == [over]
    assert events.within([over], []) == []
    many = [Event(date(2024, 3, day), None, f"event {day}", "") for day in range(1, 13)]
    assert events.room(many) == events.room(many[: events.LABELLED]) and events.room([]) == 0
    svg = requested_and_closed([Columns(m, 3, 2) for m in months], "k", "t", "d", many)
    assert svg.count('class="event"') == 24 and svg.count("event-words") == 2 * events.LABELLED


def test_a_table_has_the_column_only_where_something_happened() -> None:
    columns, cells, months = [Column("Month")], [["March"], ["February"]], [date(2024, 3, 1), date(2024, 2, 1)]
    assert with_events(columns, cells, months, []) == (columns, cells)
    event = Event(date(2024, 2, 28), date(2024, 3, 2), "Flood", "")
    told, rows = with_events(columns, cells, months, [event])
    assert [c.title for c in told] == ["Month", "What happened"] and [row[-1] for row in rows] == ["Flood", "Flood"]
