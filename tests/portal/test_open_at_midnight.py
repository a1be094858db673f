"""What was open at the end of a month is one number, however it is asked for: also at midnight and for unknown statuses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from etl.publish.counting import write_counting
from portal import queries
from portal.queries.backlog import end_of
from portal.queries.control import open_ages
from portal.queries.month_numbers import first_day, month_number
from portal.release import Release, Releases
from portal.selection import Selection
from tests.release_factory import AS_OF, build_release

MARCH, MAY = datetime(2024, 3, 1, 5), datetime(2024, 5, 1, 4)
"""Midnight in the city, in UTC, before and after the clocks were changed."""


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    """A release in which some requests were made or closed at midnight to the second, and some have an unmapped status."""
    root = tmp_path_factory.mktemp("odd")
    build_release(root, rows=1500)
    releases = Releases(root / "releases")
    index = Path(releases.current().folder) / releases.current().package.openward.index.path
    releases.close()
    with duckdb.connect(str(index)) as db:
        db.execute("ALTER TABLE requests ALTER status TYPE ENUM('open', 'closed', 'unmapped')")
        db.execute("ALTER TABLE facets ALTER status TYPE VARCHAR")
        db.execute("""INSERT INTO facets SELECT max(facet) + 1, 'unmapped', NULL, NULL, 'none', TRUE FROM facets""")
        db.execute("""UPDATE requests SET status = 'unmapped', closed_month = NULL, event = NULL,
                      facet = (SELECT facet FROM facets WHERE status = 'unmapped')
                      WHERE rid % 9 = 0 AND status = 'closed'""")
        at_midnight = "requested_datetime = ?, requested_date = ?, month = ?"
        db.execute(f"UPDATE requests SET {at_midnight} WHERE rid % 50 = 1 AND status = 'open'",
                   [MARCH, MARCH.date(), month_number(MARCH.date())])  # fmt: skip
        db.execute(f"UPDATE requests SET {at_midnight}, closed_datetime = ?, closed_month = ? "
                   "WHERE rid % 50 = 2 AND status = 'closed'",
                   [MARCH, MARCH.date(), month_number(MARCH.date()), MAY, month_number(MAY.date())])  # fmt: skip
        write_counting(db, index.parent / "serve.counting", ["district", "ward"])
    releases = Releases(root / "releases")
    yield releases.current()
    releases.close()


@pytest.mark.parametrize("query", ["", "service=pothole", "from=2024-03-01"])
def test_ages_backlog_and_volumes_are_one_number(odd: Release, query: str) -> None:
    selection = Selection.from_query(query, odd)
    days = {row.month: first_day(month_number(row.month) + 1) - timedelta(days=1) for row in open_ages(odd, selection)}
    rows = odd.query(
        f"SELECT requested_datetime, closed_datetime, status::VARCHAR FROM requests WHERE {odd.where(selection)[0]}",
        odd.where(selection)[1],
    )
    at_end = {row.month: row.open_at_end for row in queries.volumes(odd, selection)}
    contradictory = [r for r in rows if r[2] == "closed" and r[1] < r[0]]
    for row in open_ages(odd, selection):
        over = end_of(odd, days[row.month])
        open_then = [
            r for r in rows if r[0] < over and (r[2] == "open" or (r[2] == "closed" and r[1] >= over))
        ]  # fmt: skip
        assert row.open == sum(row.ages) == len(open_then), row.month
        assert row.open == queries.backlog(odd, selection, days[row.month]).open
        # A month's volumes know only the months of closing: what was closed before it was made may differ by its own.
        assert abs(at_end[row.month] - row.open) <= len(contradictory)


def test_the_planted_rows_are_there(odd: Release) -> None:
    """Else the test above would hold of nothing."""
    counted = odd.query(
        """SELECT count(*) FILTER (status = 'unmapped' AND closed_datetime IS NOT NULL),
                  count(*) FILTER (requested_datetime = ? AND status = 'open'),
                  count(*) FILTER (requested_datetime = ? AND closed_datetime = ?) FROM requests""",
        [MARCH, MARCH, MAY],
    )[0]
    assert min(counted) > 0


def test_a_day_ends_where_the_next_begins_and_the_record_with_its_last_moment(odd: Release) -> None:
    assert end_of(odd, datetime(2024, 2, 29).date()) == MARCH
    assert end_of(odd, datetime(2030, 1, 1).date()) == AS_OF + timedelta(microseconds=1)
