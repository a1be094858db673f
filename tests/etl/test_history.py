"""What the store makes of sources that go on: older files, rows that vanish, times that move, rules that change."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from etl.errors import HeldError, MappingError
from etl.publish.limits import Acceptance
from etl.store.engine import open_store
from etl.store.models import Change, Drift, Quarantined, Request, Run
from tests.etl.conftest import NOW, TinyCity

Ask = Callable[..., list[tuple[Any, ...]]]
Rows = list[dict[str, str]]
DAY = dt.timedelta(days=1)


def _all(tiny: TinyCity, query: sa.Select[Any]) -> list[tuple[Any, ...]]:
    with open_store(tiny.store_url).connect() as connection:
        return [tuple(row) for row in connection.execute(query).all()]


def _status(tiny: TinyCity) -> dict[str, str]:
    return dict(_all(tiny, sa.select(Request.service_request_id, Request.status)))


def _with_updates(tiny: TinyCity) -> None:
    """Use the column DUE as the time of the last update."""
    columns = tiny.config["sources"]["calls"]["columns"]
    columns["updated_datetime"] = columns.pop("expected_datetime")


def test_a_file_older_than_what_is_stored_adds_but_does_not_overwrite(tiny_on: TinyCity, rows: Rows) -> None:
    newest = dict(rows[1], ID="9", OPENED="05/20/2024 10:00")
    tiny_on.run([*rows, newest])
    older = [dict(rows[0], STATUS="open", CLOSED="", NOTE=""), dict(rows[0], ID="0")]
    report = tiny_on.run(older, now=NOW + DAY)
    counts = report.sources["calls"]
    assert (counts.stale, counts.new, counts.changed) == (1, 1, 0)
    assert _status(tiny_on)["1"] == "closed"
    assert _all(tiny_on, sa.select(Change.change_id)) == []


def test_a_row_of_an_older_file_that_proves_to_be_newer_does_overwrite(tiny_on: TinyCity, rows: Rows) -> None:
    _with_updates(tiny_on)
    newest = dict(rows[1], ID="9", OPENED="05/20/2024 10:00")
    tiny_on.run([dict(rows[0], DUE="02/03/2024 10:00"), newest])
    older = dict(rows[0], DUE="02/02/2024 09:00", STATUS="open")
    assert tiny_on.run([older], now=NOW + DAY).sources["calls"].stale == 1
    later = dict(rows[0], DUE="02/05/2024 09:00", STATUS="open", CLOSED="")
    assert tiny_on.run([later], now=NOW + 2 * DAY).sources["calls"].changed == 1
    assert _status(tiny_on)["1"] == "open"


def test_what_a_full_extract_no_longer_has_is_withdrawn_and_may_return(tiny_on: TinyCity, rows: Rows, ask: Ask) -> None:
    tiny_on.config["sources"]["calls"]["extract"] = "full"
    tiny_on.run(rows)
    second = tiny_on.run([rows[0], rows[2], rows[3]], now=NOW + DAY)
    assert second.sources["calls"].withdrawn == 1
    folder = tiny_on.releases / str(second.release_id)
    assert ask(folder, "SELECT service_request_id FROM requests ORDER BY 1") == [("1",), ("3",), ("4",)]
    assert ask(folder, "SELECT service_request_id, withdrawn_datetime FROM withdrawn") == [
        ("2", (NOW + DAY).replace(tzinfo=None))
    ]
    assert ask(folder, "SELECT rows FROM exclusions WHERE kind = 'withdrawn'") == [(1,)]
    assert ask(folder, "SELECT field, old, new FROM changes") == [("withdrawn", None, "2024-06-02T12:00:00Z")]
    third = tiny_on.run(rows, now=NOW + 2 * DAY)
    assert third.sources["calls"].changed == 1
    folder = tiny_on.releases / str(third.release_id)
    assert ask(folder, "SELECT count(*) FROM requests") == [(4,)]
    assert ask(folder, "SELECT field, old, new FROM changes") == [("withdrawn", "2024-06-02T12:00:00Z", None)]
    assert ask(folder, "SELECT count(*) FROM withdrawn") == [(0,)]


def test_a_partial_extract_withdraws_nothing_and_a_window_only_within_itself(tiny_on: TinyCity, rows: Rows) -> None:
    tiny_on.run(rows)
    assert tiny_on.run(rows[3:], now=NOW + DAY).sources["calls"].withdrawn == 0
    tiny_on.config["sources"]["calls"]["extract"] = "window"
    first, last = rows[1], rows[3]  # row 3 lies between them, row 1 long before
    report = tiny_on.run([first, last], now=NOW + 2 * DAY)
    assert report.sources["calls"].withdrawn == 1
    gone = _all(tiny_on, sa.select(Request.service_request_id).where(Request.withdrawn.is_not(None)))
    assert gone == [("3",)]


def test_a_row_that_is_quarantined_is_not_a_row_that_vanished(tiny_on: TinyCity, rows: Rows) -> None:
    tiny_on.config["sources"]["calls"]["extract"] = "full"
    tiny_on.run(rows)
    report = tiny_on.run([rows[0] | {"OPENED": "soon"}, *rows[1:]], now=NOW + DAY)
    assert (report.sources["calls"].quarantined, report.sources["calls"].withdrawn) == (1, 0)


def test_times_that_were_edited_after_the_fact_are_a_table_of_their_own(
    tiny_on: TinyCity, rows: Rows, ask: Ask
) -> None:
    newest = dict(rows[1], ID="9", OPENED="05/20/2024 10:00")
    tiny_on.run([*rows, newest])
    edited = [
        rows[0] | {"CLOSED": "02/01/2024 12:00"},  # closed a day earlier than was said
        rows[1] | {"STATUS": "closed", "CLOSED": "04/02/2024 10:00"},  # weeks before it was still shown open
        rows[2] | {"STATUS": "open", "CLOSED": ""},
        rows[3],
        newest | {"STATUS": "closed", "CLOSED": "05/21/2024 10:00"},  # an ordinary closing
    ]
    report = tiny_on.run(edited, now=NOW + DAY)
    folder = tiny_on.releases / str(report.release_id)
    got = ask(
        folder,
        "SELECT service_request_id, field, edit, moved_hours, cause FROM retroactive_edits ORDER BY 1",
    )
    assert got == [
        ("1", "closed_datetime", "moved", -22.0, "source"),
        ("2", "closed_datetime", "backdated", -48.0 * 24, "source"),
        ("3", "closed_datetime", "removed", None, "source"),
    ]


def test_when_the_rules_change_everything_is_read_again_and_quarantined_rows_are_tried_again(
    tiny_on: TinyCity, rows: Rows, ask: Ask
) -> None:
    tiny_on.run([*rows, rows[0] | {"ID": "5", "OPENED": "2024-05-01 10:00"}])
    assert _all(tiny_on, sa.select(Quarantined.reason)) == [("requested_datetime_unreadable",)]
    (tiny_on.folder / "calls.csv").unlink()
    source = tiny_on.config["sources"]["calls"]
    source["columns"]["requested_datetime"]["formats"].append("%Y-%m-%d %H:%M")
    source["statuses"]["waiting"] = "open"
    report = tiny_on.replay(now=NOW + DAY)
    assert (report.sources["calls"].new, report.sources["calls"].changed) == (1, 1)
    assert _all(tiny_on, sa.select(Quarantined.reason)) == []
    folder = tiny_on.releases / str(report.release_id)
    causes = ask(folder, "SELECT service_request_id, field, old, new, cause FROM changes ORDER BY field")
    assert ("4", "status", "unmapped", "open", "configuration") in causes
    assert {row[4] for row in causes} == {"configuration"}


def test_quarantined_rows_outlive_their_raw_copies_and_are_tried_again(tiny_on: TinyCity, rows: Rows) -> None:
    path = tiny_on.write(
        [*rows, rows[0] | {"ID": "5", "OPENED": "2024-05-01 10:00"}, rows[0] | {"ID": "6", "OPENED": "?"}]
    )
    path.write_text(path.read_text() + "9,too few\n")
    tiny_on.run_again()
    for copy in tiny_on.place().archive.copies("calls"):
        shutil.rmtree(copy.folder)
    tiny_on.config["sources"]["calls"]["columns"]["requested_datetime"]["formats"].append("%Y-%m-%d %H:%M")
    rows[1]["STATUS"] = "closed"
    path = tiny_on.write(rows).rename(tiny_on.folder / "later.csv")
    report = tiny_on.run_again(now=NOW + DAY, path=path)  # another file, by other rules
    assert (report.sources["calls"].changed, report.sources["calls"].new) == (1, 1), "row 5 is trusted now"
    reasons = sorted(_all(tiny_on, sa.select(Quarantined.service_request_id, Quarantined.reason)), key=str)
    assert reasons == [("6", "requested_datetime_unreadable"), (None, "wrong_number_of_fields")]


def test_a_missing_mapped_column_stops_the_run_and_is_fetched_again_when_it_is_back(
    tiny_on: TinyCity, rows: Rows
) -> None:
    first = tiny_on.run(rows)
    path = tiny_on.write(rows)
    path.write_text(path.read_text().replace("STATUS", "STATE", 1))
    with pytest.raises(MappingError, match="column 'STATUS' is missing"):
        tiny_on.run_again(now=NOW + DAY)
    assert tiny_on.current() == first.release_id
    rows[1]["STATUS"] = "closed"
    report = tiny_on.run(rows, now=NOW + 2 * DAY)
    assert report.sources["calls"].changed == 1


def test_what_drifts_is_reported_once_and_never_dropped(tiny_on: TinyCity, rows: Rows) -> None:
    many = [dict(rows[0], ID=str(n)) for n in range(100, 130)]
    tiny_on.run(many)
    path = tiny_on.write([*(dict(row, ADDRESS=str(n)) for n, row in enumerate(many)), dict(rows[3], ID="77")])
    head, _, body = path.read_text().partition("\n")
    path.write_text(f"{head},EXTRA\n" + body.replace("\n", ",x\n"))
    report = tiny_on.run_again(now=NOW + DAY)
    found = {(d.kind, d.name) for d in report.drift["calls"]}
    assert ("new_column", "EXTRA") in found and ("unmapped_status", "waiting") in found
    assert ("type", "ADDRESS") in found
    assert {row[0] for row in _all(tiny_on, sa.select(Request.status))} == {"closed", "unmapped"}
    again = tiny_on.run_again(now=NOW + 2 * DAY, force=True)
    assert not again.drift.get("calls")
    assert ("unmapped_status", "waiting") in set(_all(tiny_on, sa.select(Drift.kind, Drift.name)))


def test_a_broken_limit_keeps_the_release_back_but_not_the_records(tiny_on: TinyCity, rows: Rows, ask: Ask) -> None:
    limits = tiny_on.config["sources"]["calls"].setdefault("limits", {})
    limits |= {"least_rows": 2, "unlocated_rise": 0.1}
    first = tiny_on.run(rows)
    lost = [dict(row, LAT="", LON="") for row in rows]
    for _ in range(2):
        with pytest.raises(HeldError, match=r"calls: unlocated_rise: 100\.0% without a location after 50\.0%"):
            tiny_on.run(lost, now=NOW + DAY)
        assert tiny_on.current() == first.release_id
    assert set(_all(tiny_on, sa.select(Request.lat))) == {(None,)}, "what was held back is stored"
    assert "held" in {row[0] for row in _all(tiny_on, sa.select(Run.status))}
    accept = Acceptance("Ann", "the source lost its geocoder for a week")
    report = tiny_on.run(lost, now=NOW + 2 * DAY, accept=accept)
    assert report.release_id == tiny_on.current() != first.release_id
    ours = tiny_on.package()["openward"]
    assert ours["accepted"]["by"] == "Ann" and "unlocated_rise" in ours["accepted"]["limits"][0]
    kept = _all(tiny_on, sa.select(Run.accepted_by, Run.accepted_reason).where(Run.accepted_by.is_not(None)))
    assert kept == [("Ann", "the source lost its geocoder for a week")]


@pytest.mark.parametrize(
    ("limit", "change"),
    [
        ("rows_fall", None),
        ("closed_change", {"STATUS": "open", "CLOSED": ""}),
        ("unmapped_rise", {"STATUS": "mislaid"}),
        ("null_rise", {"ADDRESS": ""}),
        ("quarantined_rise", {"OPENED": "never"}),
        ("withdrawn_rise", None),
    ],
)
def test_each_limit_is_named_when_it_breaks(
    tiny: TinyCity, rows: Rows, limit: str, change: dict[str, str] | None
) -> None:
    source = tiny.config["sources"]["calls"]
    source["extract"] = "full"
    others = {"rows_fall", "closed_change", "unmapped_rise", "null_rise", "quarantined_rise", "withdrawn_rise"} - {
        limit
    }
    source["limits"] = {"least_rows": 2} | dict.fromkeys([*others, "unlocated_rise", "newest_back_days"])
    tiny.run(rows)
    changed = (
        rows[2:] if change is None else [dict(rows[0], **change), *(dict(r, **change) for r in rows[1:3]), rows[3]]
    )
    with pytest.raises(HeldError, match=limit):
        tiny.run(changed, now=NOW + DAY)
