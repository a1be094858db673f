"""What requests say of one another: counted from the release, shown with receipts, absent where nothing is known."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from portal import queries
from portal.components.record import linked_section, reporting_section
from portal.errors import NotFound
from portal.html import to_html
from portal.receipts import RECEIPTS, receipt
from portal.release import Release, Releases
from portal.selection import Selection
from tests.portal.page_numbers import read
from tests.portal.run_receipt import run
from tests.release_factory import build_release


@pytest.fixture(scope="module")
def with_incidents(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    root = tmp_path_factory.mktemp("incidents")
    build_release(root, incidents=True)
    releases = Releases(root / "releases")
    yield releases.current()
    releases.close()


@pytest.mark.parametrize(
    "query", ["", "service=pothole", "area=district:2&status=closed", "from=2024-01-01&to=2024-12-31"]
)
def test_counts_are_what_their_receipt_makes(with_incidents: Release, query: str) -> None:
    selection = Selection.from_query(query, with_incidents)
    found = queries.linked(with_incidents, selection)
    assert (
        found is not None
        and 0 < found.incidents < found.looked_at <= queries.totals(with_incidents, selection).requests
    )
    row = run(with_incidents, receipt(with_incidents, "linked", selection, {}))[""]
    named = {
        "looked_at": found.looked_at,
        "incidents": found.incidents,
        "repeats": found.repeats,
        "reopened": found.reopened,
    }
    assert named | dict(found.flags) | {"flagged": found.flagged} == row
    shown = read(to_html(linked_section(found, selection)), with_incidents).marks
    assert {mark["data-item"]: float(mark["value"]) for mark in shown}.items() <= row.items()
    assert {"looked_at", "incidents", "repeats"} <= {mark["data-item"] for mark in shown}


@pytest.mark.parametrize("query", ["", "service=pothole&service=litter"])
@pytest.mark.parametrize("layer", ["district", "ward"])
def test_reporting_rates_are_what_their_receipt_makes(with_incidents: Release, query: str, layer: str) -> None:
    selection = Selection.from_query(query, with_incidents)
    rows = queries.reporting(with_incidents, selection, layer)
    assert sum(row.further for row in rows) > 0
    told = run(with_incidents, receipt(with_incidents, "reporting", selection, {"layer": layer}))
    for row in rows:
        made = told[row.key]
        assert made["further"] == row.further and made["days"] == pytest.approx(row.days)
        assert made["expected"] == pytest.approx(row.expected) and made["rate"] == pytest.approx(row.rate.value)
    html = to_html(reporting_section(rows, selection, layer, "District", "Release."))
    for mark in read(html, with_incidents).marks:
        key, _, column = mark["data-item"].rpartition("/")
        assert float(mark["value"]) == pytest.approx(told[key][column])


def test_further_reports_never_outnumber_those_after_the_first(with_incidents: Release) -> None:
    rows = queries.reporting(with_incidents, Selection(), "district")
    found = queries.linked(with_incidents, Selection())
    assert found is not None
    assert sum(row.further for row in rows) <= found.looked_at - found.incidents


@pytest.mark.parametrize("name", ["linked", "reporting"])
def test_every_column_is_explained(with_incidents: Release, name: str) -> None:
    row = next(iter(run(with_incidents, receipt(with_incidents, name, Selection(), {"layer": "district"})).values()))
    assert set(row) == set(RECEIPTS[name].columns)


def test_a_release_that_does_not_say_shows_nothing(release: Release) -> None:
    assert queries.linked(release, Selection()) is None and linked_section(None, Selection()) is None
    assert queries.reporting(release, Selection(), "district") == []
    with pytest.raises(NotFound, match="no incidents"):
        receipt(release, "reporting", Selection(), {"layer": "district"})
    with pytest.raises(NotFound):
        receipt(release, "linked", Selection(), {})
