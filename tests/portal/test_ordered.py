"""Pages of a list in every order: each request once, in the order that Python makes of it, whatever is selected."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest

from portal import queries
from portal.errors import BadSelection
from portal.pages import map_list
from portal.queries.ordered import ORDERS
from portal.release import Release
from portal.selection import Selection
from portal.text import natural

MODULE = import_module("portal.queries.ordered")  # its name is the function's, seen from outside
SELECTIONS = (
    Selection(),
    Selection(status=("open",)),
    Selection(service=("pothole", "tree"), status=("closed",)),
    Selection(department=("(none)",)),
)


@pytest.fixture(params=[40, 40_000], ids=["counted first", "sorted at once"])
def few(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways: as in a small city, and as in one of millions."""
    monkeypatch.setattr(MODULE, "FEW_ROWS", request.param)


def in_order(release: Release, selection: Selection, order: str) -> list[tuple[Any, ...]]:
    """What a row is sorted by, of all rows in the order that Python makes of it."""
    where, params = release.where(selection)
    rows = release.query(
        f"SELECT rid, status, requested_datetime, elapsed_key, service_code, service_request_id, source FROM requests WHERE {where}",
        params,
    )
    names = release.allowed("service")
    places = {"open": 0, "closed": 1}

    def key(row: tuple[Any, ...]) -> tuple[Any, ...]:
        rid, status, asked, took, service, *_rest = row
        newest = (-asked.timestamp(), rid)
        state = places.get(str(status), 2)
        if order == "newest":
            return newest
        if order == "oldest":
            return (-newest[0], rid)
        if order == "status":
            return (state, *newest)
        if order == "service":
            name = names.get(str(service), str(service))
            return (service is None, natural(name), str(service), *newest)
        within = ((-newest[0], rid), (-int(took or 0), rid), newest)[state]
        return (state, *within)

    return sorted(rows, key=key)


@pytest.mark.parametrize("selection", SELECTIONS, ids=lambda selection: selection.to_query() or "all")
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.usefixtures("few")
def test_all_pages_together_are_all_rows_in_order(release: Release, order: str, selection: Selection) -> None:
    release.forget()
    wanted = in_order(release, selection, order)
    total = len(wanted)
    size = 311  # divides nothing, so that pages begin and end within days and services
    shown = []
    for number in range(1, -(-total // size) + 1):
        page = queries.ordered(release, selection, order, number, size)
        assert page.total == total and page.offset == (number - 1) * size
        shown += [(row.source, row.service_request_id) for row in page.rows]
    assert shown == [(row[6], row[5]) for row in wanted]


def test_what_is_beyond_the_last_page_is_nothing(release: Release) -> None:
    assert queries.ordered(release, Selection(), "newest", 10**8, 25).rows == ()
    assert queries.ordered(release, Selection(outcome=("done",), status=("open",)), "longest", 1, 25).total == 0


def test_an_order_that_there_is_not_is_refused(release: Release) -> None:
    with pytest.raises(BadSelection, match="sort"):
        queries.ordered(release, Selection(), "price", 1, 25)


def test_every_order_has_its_words() -> None:
    assert list(map_list.ORDERS) == list(ORDERS)


def test_places_are_counted_by_how_they_are_told(release: Release, with_geocoder: Release) -> None:
    for each in (release, with_geocoder):
        places = queries.told_places(each, Selection())
        totals = queries.totals(each, Selection())
        assert (places.requests, places.none) == (totals.requests, totals.not_located)
        assert places.geocoder == queries.located(each, Selection()).geocoder
        told = queries.precision(each) or {}
        for name in ("withheld", "block_face", "area"):
            assert getattr(places, name) == told.get(name, 0)
