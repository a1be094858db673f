"""Charts: well-formed, described, and with the same values in the table beside them."""

from __future__ import annotations

import re
from datetime import date
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from portal import queries
from portal.charts import compare, monthly, multiples
from portal.charts.svg import hours_axis, nice_ticks
from portal.components import figure_words, figures
from portal.components.receipt import Figures
from portal.html import to_html
from portal.release import Release
from portal.selection import Selection
from portal.text import number

MONTHS = [date(2024, m, 1) for m in range(1, 13)]


def parsed(svg: str) -> list[ET.Element]:
    return list(ET.fromstring(f"<all>{svg}</all>"))  # noqa: S314 - our own markup


def table_of(markup: str) -> list[list[str]]:
    rows = re.findall(r"<tr>(.*?)</tr>", markup, re.DOTALL)
    return [[re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)] for row in rows]


def test_the_monthly_chart_and_its_table_say_the_same(release: Release) -> None:
    rows = queries.monthly(release, Selection())
    markup = to_html(figures.requested_and_closed(rows, "S", Figures("months", Selection())))
    table = table_of(markup)[1:]
    assert [row[1:] for row in table] == [
        [number(r.requested), number(r.closed), number(r.open_at_end)] for r in reversed(rows)
    ]
    hovers = re.findall(r": ([\d,]+) requested, ([\d,]+) closed", markup.split("<details")[0])
    assert hovers == [(number(r.requested), number(r.closed)) for r in rows] * 2


def test_the_comparison_and_its_table_say_the_same(release: Release) -> None:
    rows = queries.by(release, Selection(), "district")
    markup = to_html(
        figures.medians(
            rows,
            queries.response(release, Selection()),
            "T",
            "S",
            Figures("by", Selection(), dimension="district"),
            "k",
            "District",
        )
    )
    table = table_of(markup)[1:]
    assert [row[0] for row in table] == [r.name for r in rows]
    assert [row[2] for row in table] == [figure_words.quantile_words(r.median, r.n) for r in rows]
    for row in rows:
        assert f"{row.name}: {figure_words.quantile_words(row.median, row.n)}" in markup


def test_fewer_than_thirty_are_too_few_to_say(release: Release) -> None:
    rows = queries.by(release, Selection(service=("=heating",), department=("inspection",)), "ward")
    few = [row for row in rows if row.n < 30]
    assert few
    of = Figures("by", Selection(), dimension="ward")
    markup = to_html(figures.medians(few, None, "T", "S", of, "k", "Ward"))
    assert markup.count("too few to say") >= len(few)
    assert "<circle" not in markup


def test_a_month_without_an_answer_says_so() -> None:
    rows = [monthly.Band(m, 5.0 if m.month < 10 else None, 4.0, 6.0) for m in MONTHS]
    svg = monthly.duration_band(rows, "n", "t", "d")
    assert "not yet reached" in svg
    wide = parsed(svg)[0]
    assert len(wide.findall("circle")) == 9


def test_an_incomplete_month_gets_no_line() -> None:
    rows = [monthly.Columns(m, 10, 9, complete=m.month < 12) for m in MONTHS]
    wide = parsed(monthly.requested_and_closed(rows, "n", "t", "d"))[0]
    line = next(p for p in wide.findall("path") if p.get("class") == "line ink")
    assert line.get("d", "").count("L") == 10
    assert len([r for r in wide.findall("rect") if r.get("class") == "bar part"]) == 1


@given(st.lists(st.tuples(st.text(min_size=1, max_size=60), st.one_of(st.none(), st.floats(0.01, 1e5))), max_size=12))
def test_any_rows_make_two_well_formed_described_charts(rows: list[tuple[str, float | None]]) -> None:
    safe = [("".join(c for c in label if c.isprintable()), value) for label, value in rows]
    dots = [compare.Dot(label, value, value and value / 2, None, "w") for label, value in safe]
    drawn = parsed(compare.dots(dots, "hours", "n", "<t>", "&d"))
    assert [svg.get("class") for svg in drawn] == ["wide", "narrow"]
    for svg in drawn:
        title, desc = svg.find("title"), svg.find("desc")
        assert title is not None and title.text == "<t>" and desc is not None and desc.text == "&d"
        assert svg.get("aria-labelledby") == f"{title.get('id')} {desc.get('id')}"
        assert svg.get("role") == "img"
        _, _, width, height = map(float, (svg.get("viewBox") or "").split())
        for circle in svg.findall("circle"):
            assert 0 <= float(circle.get("cx", "")) <= width and 0 <= float(circle.get("cy", "")) <= height


@given(st.floats(1e-6, 1e9))
def test_ticks_start_at_nothing_and_reach_the_top(top: float) -> None:
    ticks = nice_ticks(top)
    assert ticks[0] == 0 and ticks[-1] >= top * 0.999 and 2 <= len(ticks) <= 7


@given(st.lists(st.floats(0.01, 1e5), min_size=1, max_size=8))
def test_a_longer_time_is_never_drawn_before_a_shorter_one(values: list[float]) -> None:
    axis = hours_axis(values, 0, 100)
    places = [axis.at(v) for v in sorted(values)]
    assert places == sorted(places)
    assert all(-1e-6 <= place <= 100 + 1e-6 for place in places)


def test_parts_of_a_bar_are_as_wide_as_their_shares() -> None:
    wide, narrow = parsed(multiples.stacked([("a", 0.6, "x"), ("b", 0.4, "y"), ("c", 0.0, "z")], "n", "t", "d"))
    assert [float(r.get("width", "0")) for r in wide.findall("rect")] == [588, 392]
    assert [float(r.get("width", "0")) for r in narrow.findall("rect")] == [216, 144]


def test_a_panel_s_line_breaks_where_nothing_is_known() -> None:
    panel = multiples.Panel("p", "s", [1, 2, None, 3, 4], [], 4)
    for svg in parsed(multiples.multiples([panel], "n", "t", "d")):
        assert len([p for p in svg.findall("path") if p.get("class") == "line accent"]) == 2


@given(st.lists(st.text("Wi x", min_size=0, max_size=70), min_size=1, max_size=13), st.booleans())
def test_panels_stand_apart_and_within_the_drawing(titles: list[str], scaled: bool) -> None:
    panels = [multiples.Panel(t, "said", [1.0, 3.0], [2.0], 3.0, "to 3" if scaled else "") for t in titles]
    for svg in parsed(multiples.multiples(panels, "n", "t", "d")):
        width, height = (float(v) for v in svg.get("viewBox", "").split()[2:])
        boxes = [tuple(float(r.get(k, "0")) for k in ("x", "y", "width", "height")) for r in svg.findall("rect")]
        assert len(boxes) == len(panels)
        for i, (x, y, wide, high) in enumerate(boxes):
            assert x >= 0 and x + wide <= width + 0.11 and y >= 0 and y + high <= height
            for left, top, broad, tall in boxes[:i]:
                assert x >= left + broad - 0.11 or left >= x + wide - 0.11 or y >= top + tall + 5
        # Each word stands within its panel, what tells the scale beneath it.
        for text in svg.findall("text"):
            assert float(text.get("y", "0")) <= height - 4
