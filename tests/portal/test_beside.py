"""Two on the map: what an address sets beside, and that every figure told of both is what its receipt makes."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from portal import queries
from portal.beside import KEYS, PREFIX, Beside, overlap
from portal.errors import BadSelection
from portal.html import to_html
from portal.pages.map_beside import period_before, ready, year_before
from portal.pages.map_beside_told import MEASURES, days_of
from portal.release import Release
from portal.routes import render
from portal.selection import COLUMNS, NOT_STATED, Selection
from tests.portal.check_page import Receipts, page_of, wrong_marks
from tests.portal.page_shape import check_shape

YEARS = "from=2025-01-01&to=2025-03-31&beside_from=2024-01-01&beside_to=2024-03-31"
UNEVEN = "from=2025-02-01&to=2025-02-28&beside_from=2024-01-01&beside_to=2024-12-31"
DAYS = st.dates(date(2022, 1, 1), date(2025, 6, 20))


def read(release: Release, query: str) -> tuple[Selection, Selection | None]:
    selection = Selection.from_query(query, release)
    return selection, Beside.read(query, release).other(selection)


def page(release: Release, query: str) -> str:
    shown = render(release, "/map", query)
    assert shown.status == 200
    return to_html(shown.body)


def section_of(html: str) -> str:
    found = re.search(r'<section[^>]*aria-labelledby="beside".*?</section>', html, re.DOTALL)
    assert found
    return found[0]


def numbers(html: str, table: str) -> list[list[str]]:
    """The cells of a table without its head, as text."""
    found = re.search(rf'<caption[^>]*id="{table}-caption".*?</table>', html, re.DOTALL)
    assert found
    rows = re.findall(r"<tr>(.*?)</tr>", found[0].split("<tbody>")[1], re.DOTALL)
    return [
        [re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)]
        for row in rows
    ]


# --- the other selection ----------------------------------------------------------------------


def test_what_is_not_named_stays_as_it_is(release: Release) -> None:
    one, other = read(release, "service=pothole&status=open&area=district:1&from=2025-01-01&beside_service=tree")
    assert other == one.replace(service=("tree",))


def test_dates_are_replaced_as_one(release: Release) -> None:
    _one, other = read(release, "from=2025-01-01&to=2025-02-01&beside_to=2024-06-30")
    assert other == Selection(to_date=date(2024, 6, 30))


@pytest.mark.parametrize("query", ["", "service=tree", "service=tree&beside_service=tree", "beside_service=", "beside_area=district:1",
                                   "beside_=1", "beside=1"])  # fmt: skip
def test_nothing_is_beside_where_nothing_else_is_asked_for(release: Release, query: str) -> None:
    assert read(release, query)[1] is None
    assert 'id="map-2"' not in page(release, query)


@pytest.mark.parametrize(
    ("query", "key"),
    [
        ("beside_service=no-such", "beside_service"),
        ("beside_status=x&status=open", "beside_status"),
        ("beside_age=old", "beside_age"),
        ("beside_from=yesterday", "beside_from"),
        ("beside_from=2025-01-01&beside_from=2025-01-02", "beside_from"),
        ("beside_from=2025-01-02&beside_to=2025-01-01", "beside_from"),
        ("beside_service=" + "x" * 300, "beside_service"),
        ("&".join(["beside_service=tree"] * 51), "beside_service"),
        ("&".join(["beside_service=tree"] * 500), "query"),
    ],
)
def test_nonsense_is_refused_by_the_name_of_its_key(release: Release, query: str, key: str) -> None:
    with pytest.raises(BadSelection) as error:
        Beside.read(query, release)
    assert error.value.key == key
    assert str(error.value).startswith(f"{key}: ")
    shown = render(release, "/map", query)
    assert shown.status == 400
    assert "<script" not in to_html(shown.body)


def test_a_value_that_does_not_exist_is_shown_escaped(release: Release) -> None:
    shown = to_html(render(release, "/map", "beside_service=%3Cscript%3E").body)
    assert "&lt;script&gt;" in shown
    assert "<script>" not in shown


@given(st.data())
def test_an_address_says_again_what_was_read_from_it(release: Release, data: st.DataObject) -> None:
    named: dict[str, Any] = {}
    for key in data.draw(st.sets(st.sampled_from(sorted(COLUMNS)))):
        values = [*sorted(set(release.allowed(key)) - {NOT_STATED}), NOT_STATED]
        named[key] = tuple(data.draw(st.sets(st.sampled_from(values), min_size=1)))
    first, last = sorted((data.draw(DAYS), data.draw(DAYS)))
    if data.draw(st.booleans()):
        named |= {"from_date": first, "to_date": last}
    beside = Beside.of(**named)
    query = "&".join(f"{key}={value}" for key, values in beside.kept().items() for value in values)
    assert Beside.read(query, release) == beside
    assert {key.removeprefix(PREFIX) for key in beside.kept()} <= set(KEYS)


@given(DAYS, DAYS, DAYS, DAYS)
def test_periods_overlap_where_they_share_a_day(a: date, b: date, c: date, d: date) -> None:
    (a, b), (c, d) = sorted((a, b)), sorted((c, d))
    one, other = (Selection(from_date=start, to_date=end) for start, end in ((a, b), (c, d)))
    assert overlap(one, other) == (max(a, c) <= min(b, d)) == overlap(other, one)


# --- ready links ------------------------------------------------------------------------------


@given(DAYS, DAYS)
def test_ready_periods_are_as_long_as_the_first(a: date, b: date) -> None:
    start, end = sorted((a, b))
    since, until = period_before(start, end)
    assert until == start - timedelta(days=1)
    whole = start.day == 1 and (end + timedelta(days=1)).day == 1
    assert since.day == 1 if whole else until - since == end - start
    since, until = year_before(start, end)
    assert since <= until
    assert abs((until - since) - (end - start)) <= timedelta(days=1)
    assert 364 <= (start - since).days <= 367


def test_links_lead_only_to_what_the_record_covers(release: Release) -> None:
    begun = queries.period(release)[0]
    assert begun
    offers = ready(release, Selection(from_date=date(2025, 1, 1), to_date=date(2025, 3, 31)))
    assert [offer[2:] for offer in offers] == [
        (date(2024, 1, 1), date(2024, 3, 31)),
        (date(2024, 10, 1), date(2024, 12, 31)),
    ]
    assert ready(release, Selection(from_date=begun, to_date=begun + timedelta(days=30))) == []
    assert len(ready(release, Selection())) == 1


# --- the page ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query", [YEARS, UNEVEN, "service=pothole&beside_service=tree", "beside_service=noise&lang=es"]
)
@pytest.mark.parametrize("figure", ["requests", *MEASURES, "rate"])
def test_every_number_told_of_both_is_what_its_receipt_makes(release: Release, query: str, figure: str) -> None:
    html = page(release, f"{query}&figure={figure}")
    check_shape(html)
    if "lang" in query:  # numbers are read in English
        return
    found = page_of(release, f"/map?{query}&figure={figure}")
    assert wrong_marks(Receipts(release), found) == []
    assert section_of(html).count("data-receipt") >= 8


@pytest.mark.parametrize("query", [YEARS, "service=pothole&from=2024-01-01&beside_service=tree"])
def test_areas_add_up_to_the_totals_of_both(release: Release, query: str) -> None:
    rows = numbers(page(release, query + "&layer=district"), "beside-areas")
    one, other = read(release, query)
    assert other
    for column, selection in ((1, one), (2, other)):
        total = sum(int(row[column].replace(",", "")) for row in rows)
        assert total == queries.totals(release, selection).requests > 0
    for row in rows:
        gap = int(row[3].replace(",", "").replace("−", "-"))
        assert gap == int(row[1].replace(",", "")) - int(row[2].replace(",", ""))


def test_periods_of_unequal_length_are_told_by_the_day(release: Release) -> None:
    told = section_of(page(release, UNEVEN))
    assert "not equally long: 28 and 366 days" in told
    assert "times as many" not in told
    one, other = read(release, UNEVEN)
    assert other
    rates = [queries.totals(release, each).requests / days_of(release, each) for each in (one, other)]
    assert f"For each day that is {rates[0]:.1f} beside {rates[1]:.1f}." in re.sub(r"<[^>]+>", "", told)
    head = re.findall(r"<th[^>]*>([^<]*)</th>", told)
    assert [words for words in head if words.endswith(", a day")]


def test_uneven_periods_are_said_to_be_so_under_the_maps(release: Release) -> None:
    assert 'id="beside-uneven"' in page(release, UNEVEN)
    assert 'id="beside-uneven"' not in page(release, YEARS)
    assert 'id="beside-uneven"' not in page(release, UNEVEN + "&figure=median")  # a time is not of so many days


def test_ages_are_set_beside_as_well(release: Release) -> None:
    told = section_of(page(release, "age=7-30&beside_age=30-90"))
    assert "Open for 7 to 30 days" in told
    assert "Open for 30 to 90 days" in told
    assert "may be in both" not in told
    assert "may be in both" in section_of(page(release, "age=7-30&beside_age=1-14"))


def test_what_the_record_does_not_cover_is_said(release: Release) -> None:
    told = section_of(page(release, "from=2025-01-01&to=2025-01-31&beside_from=2019-01-01&beside_to=2019-12-31"))
    assert "The record covers no day of this: 2019." in told
    told = section_of(page(release, "from=2025-06-01&to=2025-12-31&beside_from=2024-06-01&beside_to=2024-12-31"))
    assert "covers only a part of this: June 2025 to December 2025" in told


def test_both_periods_in_one_another_are_said_to_be(release: Release) -> None:
    assert "Some requests may be in both" in section_of(page(release, "from=2024-01-01&beside_from=2024-06-01"))
    assert "Some requests may be in both" not in section_of(page(release, YEARS))


def test_few_requests_get_no_ratio_and_no_time(release: Release) -> None:
    told = section_of(
        page(release, "from=2025-03-03&to=2025-03-03&beside_from=2025-03-04&beside_to=2025-03-04&figure=median")
    )
    assert "times as many." not in told
    assert "too few to say" in told


def test_the_map_leads_on_with_both(release: Release) -> None:
    html = page(release, YEARS + "&figure=median&beside_channel=app&beside_channel=web")
    assert html.count('name="beside_channel"') == 4  # two in the filter form, two in the other form
    for form in re.findall(r"<form.*?</form>", html, re.DOTALL):
        if "data-filter" in form and "address-box" not in form:
            assert 'value="2024-01-01"' in form
    query = re.search(r'id="map-2"[^>]* src="/map/frame\?([^"]+)"', html)
    assert query
    assert "beside_from=2024-01-01" in query[1]
    back = re.search(r'id="as-list" href="([^"]+)"', html) or re.search(r'href="([^"]+)" id="as-list"', html)
    assert back
    assert "beside_from=2024-01-01" in back[1]
    listed = to_html(render(release, "/map/list", back[1].partition("?")[2].replace("&amp;", "&")).body)
    assert re.search(r'href="/map\?[^"]*beside_from=2024-01-01', listed)


def test_the_form_says_so_where_both_would_be_the_same(release: Release) -> None:
    html = page(release, "service=tree&beside_service=tree")
    assert "That is what the first map shows already" in html
    assert "Take the second map away" in html


def test_files_and_the_embedded_map_show_the_first(client: TestClient, release: Release) -> None:
    html = page(release, YEARS)
    assert "show the first of the two" in html
    assert "show the first of the two" not in page(release, "")
    for path in ("/embed/map", "/map/standalone.svg", "/map/standalone.html", "/map/frame"):
        assert client.get(f"{path}?{YEARS}").status_code == 200
    for link in re.findall(r'href="(/map/standalone[^"]+)"', html):
        assert "beside_" not in link
