"""Fair comparison on its pages: marked numbers are the receipts', verdicts follow from intervals, marks from verdicts."""

from __future__ import annotations

import re
from itertools import combinations, pairwise
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal import queries
from portal.answers import GroupRow, Quantile, Share
from portal.answers_figures import Compared, Comparison, Estimate, Late, Times
from portal.charts.funnel import Lines, Unit, around_one, funnel, unseen
from portal.charts.svg import ratio_axis
from portal.components.fair import limit_lines, section_of
from portal.components.fair_table import Subject
from portal.components.verdicts import LATE, TIMES, Kind, Verdict, by_others, counted, said, verdict
from portal.figures.funnel import share_funnel, share_limits
from portal.html import to_html
from portal.pages import areas
from portal.release import Release
from portal.routes import render
from portal.selection import Selection
from portal.text import natural
from tests.portal.check_page import wrong_numbers

WIDE = re.compile(r'<svg class="wide".*?</svg>', re.DOTALL)


def fair_section(html: str) -> str:
    found = re.search(r'<section[^>]*aria-labelledby="fair".*?</section>', html, re.DOTALL)
    assert found
    return found.group()


def words_of(markup: str) -> str:
    return re.sub(r"<[^>]+>", "", markup)


@pytest.mark.parametrize(
    ("page", "rows"),
    [("/areas/district", 4), ("/areas/ward?service=pothole&service=parking", 7), ("/areas?from=2024-01-01&to=2024-06-30", 4),
     ("/areas/district?area=district:1", 4)],
)  # fmt: skip
def test_marked_numbers_are_the_receipts(release: Release, page: str, rows: int) -> None:
    wrong, looked_at = wrong_numbers(release, page)
    assert wrong == []
    assert looked_at >= 6 * rows, "late, due, expected, share and ratio of each, and how many times as long"


def test_the_comparison_stands_before_the_raw_figures(release: Release) -> None:
    for page in ("/areas/ward", "/departments"):
        html = to_html(render(release, page).body)
        assert 0 < html.index('id="fair"') < html.index('id="beside"')


def test_every_row_is_in_the_order_of_names_with_the_verdicts_of_its_figures(release: Release) -> None:
    found = queries.compare(release, Selection(), "ward")
    html = fair_section(to_html(render(release, "/areas/ward").body))
    body = html[html.index('id="fair-rows-caption"') :]
    rows = re.findall(r'<tr><th scope="row">(.*?)</th>(.*?)</tr>', body, re.DOTALL)
    assert [words_of(name) for name, _ in rows] == sorted((row.name for row in found.rows), key=natural)
    for name, cells in rows:
        row = next(row for row in found.rows if row.name == words_of(name))
        late = verdict(row.late.ratio, row.late.position, row.late.too_few, None, found.late_phi)
        times = verdict(row.times.time_ratio, -row.times.position, row.times.too_few, None, found.times_phi)
        assert said(late, LATE) in words_of(cells) and said(times, TIMES) in words_of(cells)


def test_markup_can_be_read_without_seeing_it(release: Release) -> None:
    html = fair_section(to_html(render(release, "/areas/district").body))
    levels = [int(level) for level in re.findall(r"<h([1-6])\b", html)]
    assert levels[0] == 2 and all(later <= earlier + 1 for earlier, later in pairwise(levels))
    tables = re.findall(r"<table.*?</table>", html, re.DOTALL)
    assert len(tables) == 3
    for table in tables:
        assert "<caption" in table
        columns = len(re.findall(r'<th [^>]*scope="col"', table))
        for row in re.findall(r"<tr>(.*?)</tr>", table.split("<tbody>")[1], re.DOTALL):
            assert len(re.findall(r'<th [^>]*scope="row"', row)) == 1 and row.count("<td") == columns - 1
    for svg in re.findall(r"<svg class=\"(?:wide|narrow)\".*?</svg>", html, re.DOTALL):
        element = ET.fromstring(svg)  # noqa: S314 - our own markup
        assert element.get("role") == "img"
        ids = {child.get("id") for child in element if child.tag in ("title", "desc")}
        assert set((element.get("aria-labelledby") or "").split()) == ids
    links = re.findall(r'<a [^>]*class="receipt"[^>]*>(.*?)</a>', html)
    assert len({words_of(link) for link in links}) == len(links) > 4, "links are told apart by their words"


@pytest.mark.parametrize("query", ["status=open", "outcome=done", "on_time=late"])
def test_a_selection_by_what_is_compared_is_not_compared(release: Release, query: str) -> None:
    html = fair_section(to_html(render(release, "/areas/district", query + "&service=pothole").body))
    assert "<svg" not in html and 'href="/areas/district?service=pothole"' in html


def test_many_areas_are_compared_on_request(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(areas, "FAIR_AREAS", 5)
    html = fair_section(to_html(render(release, "/areas/ward", "channel=app").body))
    assert "<table" not in html and 'href="/areas/ward?channel=app&amp;fair=1#fair"' in html
    assert "<table" in fair_section(to_html(render(release, "/areas/ward", "channel=app&fair=1").body))
    assert "<table" in fair_section(to_html(render(release, "/areas/district").body))


def test_departments_that_share_no_service_are_not_compared(release: Release) -> None:
    html = fair_section(to_html(render(release, "/departments").body))
    assert "no other department does the same things" in words_of(html)
    assert "<svg" not in html and "as expected" not in words_of(html)


def group(key: str, due: int, n: int) -> GroupRow:
    none, nothing = Quantile(None, None, None), Share(0, 0, None, None, None)
    return GroupRow(key, key, n, 0, n, n, n, none, none, None, Share(0, due, None, None, None), nothing)


def test_what_others_do_of_the_same_work() -> None:
    own = {"a": [group("x", 90, 100), group("y", 10, 0)], "b": [group("x", 0, 300)], "c": [group("z", 5, 5)], "d": []}
    city = [group("x", 90, 400), group("y", 40, 0), group("z", 5, 5)]
    found = by_others(own, city)
    assert found["a"] == pytest.approx((0.1 * 0.75, 0.75))
    assert found["b"] == pytest.approx((0.0, 0.25))
    assert found["c"] == found["d"] == (0.0, 0.0)


@pytest.mark.parametrize(
    ("ratio", "position", "few", "others", "phi", "expected"),
    [
        ((1.2, 1.1, 1.3), 2, False, None, 1.0, Verdict(Kind.SURE, 1)),
        ((1.2, 1.1, 1.3), 1, False, None, 1.0, Verdict(Kind.PERHAPS, 1)),
        ((0.8, 0.7, 0.9), -2, False, None, 1.0, Verdict(Kind.SURE, -1)),
        ((0.0, 0.0, 0.1), -2, False, None, 1.0, Verdict(Kind.SURE, -1)),
        ((1.2, 0.9, 1.5), 0, False, None, 1.0, Verdict(Kind.EXPECTED)),
        ((1.2, 0.9, None), 2, False, None, 1.0, Verdict(Kind.EXPECTED)),
        ((1.2, 1.1, 1.3), 0, False, None, 40.0, Verdict(Kind.USUAL, 1)),
        ((1.2, 1.1, 1.3), 1, False, None, 40.0, Verdict(Kind.UNUSUAL, 1)),
        ((0.5, 0.4, 0.6), -2, False, None, 40.0, Verdict(Kind.EXCEPTIONAL, -1)),
        ((1.9, 1.7, 2.1), 2, True, None, 1.0, Verdict(Kind.FEW)),
        ((1.0, 0.99, 1.01), 0, False, 0.1, 1.0, Verdict(Kind.ALONE)),
        ((None, None, None), 0, False, 0.9, 1.0, Verdict(Kind.UNKNOWN)),
    ],
)
def test_verdicts(
    ratio: tuple[float | None, ...], position: int, few: bool, others: float | None, phi: float, expected: Verdict
) -> None:
    found = verdict(Estimate(*ratio), position, few, others, phi)
    assert found == expected
    assert said(found, LATE) and said(found, TIMES)


@settings(deadline=None)
@given(
    st.tuples(st.floats(0.01, 9), st.floats(0.1, 1), st.floats(1, 9)), st.integers(-2, 2), st.booleans(),
    st.none() | st.floats(0, 1), st.sampled_from([1.0, 30.0]),
)  # fmt: skip
def test_nothing_is_said_beyond_the_interval(
    shape: tuple[float, float, float], position: int, few: bool, others: float | None, phi: float
) -> None:
    ratio = Estimate(shape[0], shape[0] * shape[1], shape[0] * shape[2])
    found = verdict(ratio, position, few, others, phi)
    if found.side:
        assert not few and (ratio.low > 1 if found.side > 0 else ratio.high < 1)  # type: ignore[operator]
    if found.position:
        assert found.position * position > 0 or (abs(found.position) == 1 and phi == 1), "sure only as the funnel says"
    assert abs(found.position) <= max(abs(position), 1)


def test_counts_of_verdicts_are_said_in_one_order() -> None:
    verdicts = [
        Verdict(Kind.FEW),
        Verdict(Kind.SURE, -1),
        Verdict(Kind.EXPECTED),
        Verdict(Kind.SURE, 1),
        Verdict(Kind.EXPECTED),
    ]
    told = counted(verdicts, LATE)
    assert (
        told
        == "2 as expected; 1 more late than chance explains; 1 fewer late than chance explains; 1 too few to compare"
    )
    assert counted([Verdict(Kind.ALONE)], LATE) == "1 whose work no other department does"


# --- the funnel ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("phi", [1.0, 9.0])
def test_limits_are_those_of_the_share_about_the_citys(phi: float) -> None:
    chance, wide = limit_lines(3000.0, 0.3, phi)
    for i in (10, 40, len(chance.expected) - 1):
        n = chance.expected[i] / 0.3
        assert n == pytest.approx(round(n))
        exact = share_limits(n, 0.3)
        assert chance.high998[i] * 0.3 == pytest.approx(float(exact.high998))
        assert chance.low95[i] * 0.3 == pytest.approx(float(exact.low95))
        assert wide.high95[i] - 1 == pytest.approx(min(np.sqrt(phi) * (chance.high95[i] - 1), 1 / 0.3 - 1))
        assert 0 <= wide.low998[i] <= wide.low95[i] <= 1 <= wide.high95[i] <= wide.high998[i]
    assert max(chance.expected) >= 3000


def test_a_planted_late_area_is_a_diamond_with_its_name_and_the_others_are_dots() -> None:
    """Twelve areas at the city's pace by chance, one at twice it, one with next to nothing."""
    generator = np.random.default_rng(1)
    n = np.array([*generator.integers(800, 6000, 12), 2000, 30])
    late = generator.binomial(n, np.array([0.2] * 12 + [0.4, 0.2]))
    placed = share_funnel(late, n, np.full(n.size, 0.2))
    rows = []
    for i, name in enumerate([*(f"Ward {k}" for k in range(1, 13)), "Slow", "Tiny"]):
        value, half = late[i] / (n[i] * 0.2), 1.96 * np.sqrt(0.8 / (0.2 * n[i]))
        ratio, none = Estimate(value, value - half, value + half), Estimate(None, None, None)
        mine = Late(int(late[i]), int(n[i]), n[i] * 0.2, ratio, Estimate(late[i] / n[i], 0.0, 1.0), 0.2, ratio, 0.0,
                    late[i] / n[i] - 0.2, int(placed.wide_position[i]), bool(placed.too_few[i]))  # fmt: skip
        rows.append(Compared(name, name, mine, Times(0, 0, 0.0, none, none, None, None, none, None, 0, True)))
    subject = Subject("ward", "Ward", "Wards", Selection(), "S")
    html = to_html(section_of(Comparison(tuple(rows), placed.phi, 1.0), subject, lambda key: f"/{key}", {}))
    chart = WIDE.search(html)
    assert chart and placed.phi == 1.0
    svg = ET.fromstring(chart.group())  # noqa: S314 - our own markup
    outside = [mark for mark in svg.iter("path") if mark.get("class") == "dot outside"]
    assert [(mark.findtext("title") or "").split(":")[0] for mark in outside] == ["Slow"]
    assert "more late than chance explains" in (outside[0].findtext("title") or "")
    dots = {(dot.findtext("title") or "").split(":")[0]: dot.get("class") for dot in svg.iter("circle")}
    assert dots.pop("Tiny", "dot hollow few") == "dot hollow few"
    assert set(dots) == {f"Ward {k}" for k in range(1, 13)} and set(dots.values()) <= {"dot inside", "dot beyond"}
    labels = [text.text for text in svg.iter("text") if text.get("class") == "label"]
    assert "Slow" in labels and not [label for label in labels if label and label.startswith("Ward")]
    assert "How many times as long" not in html, "nothing can be said of times, so nothing is drawn"


LINES, _WIDENED = limit_lines(5000.0, 0.25, 1.0)
UNITS = st.builds(
    Unit, st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=40), st.floats(0.1, 5000),
    st.floats(0, 4), st.integers(-2, 2), st.booleans(), st.just("w"),
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(UNITS, min_size=1, max_size=25))
def test_any_units_make_a_funnel_whose_names_do_not_overlap(units: list[Unit]) -> None:
    drawn = ET.fromstring(f"<all>{funnel(units, LINES, LINES, 'n', 't', 'd', 'a', 'u')}</all>")  # noqa: S314
    for svg in drawn:
        marks = [m for m in svg.iter() if (m.get("class") or "").startswith("dot ")]
        assert len(marks) == len(units) - unseen(units, LINES)
        boxes = []
        for text in svg.iter("text"):
            if text.get("class") == "label" and text.text not in ("a", "u"):
                x, y, width = float(text.get("x") or 0), float(text.get("y") or 0), 6.9 * len(text.text or "")
                left = x - {"start": 0, "middle": width / 2, "end": width}[text.get("text-anchor") or "start"]
                boxes.append((left, y - 11, left + width, y + 2))
        for a, b in combinations(boxes, 2):
            assert a[0] >= b[2] or b[0] >= a[2] or a[1] >= b[3] or b[1] >= a[3]


@settings(deadline=None)
@given(st.lists(UNITS, min_size=1, max_size=25))
def test_only_what_is_too_few_may_lie_beyond_the_picture(units: list[Unit]) -> None:
    y = around_one(units, LINES, 0, 1)
    assert y.low <= 1 <= y.high
    assert all(y.low <= unit.ratio <= y.high for unit in units if not unit.few)
    assert all(y.low <= mark <= y.high for mark, _ in y.ticks) and len(y.ticks) >= 2


@settings(deadline=None)
@given(st.lists(st.floats(0, 50), max_size=20))
def test_a_ratio_axis_has_one_on_it_and_is_even_about_it(values: list[float]) -> None:
    axis = ratio_axis(values, 0, 100)
    assert 0.125 <= axis.low < 1 < axis.high <= 8
    assert "1" in [words for _, words in axis.ticks]
    if axis.low <= 0.5 and axis.high >= 2:
        assert axis.at(1) - axis.at(0.5) == pytest.approx(axis.at(2) - axis.at(1))


def test_a_line_never_runs_along_the_edge_of_the_picture() -> None:
    lines = Lines([1, 10, 100], [0.0, 0.2, 0.8], [9.0, 1.8, 1.2], [0.0, 0.1, 0.7], [12.0, 2.0, 1.3])
    svg = funnel([Unit("a", 90, 1.1, 0, False, "w")], lines, None, "n", "t", "d", "a", "u")
    found = re.search(r'<path class="limit" d="([^"]*)"', svg)
    y = around_one([Unit("a", 90, 1.1, 0, False, "w")], lines, 470 - 54, 34)
    assert found
    heights = [float(point.split()[1]) for point in found.group(1)[1:].split("L")]
    assert all(34 < height < 470 - 54 for height in heights)
    assert heights[-1] == pytest.approx(y.at(0.8), abs=0.1)
