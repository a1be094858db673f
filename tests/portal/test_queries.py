"""Figures equal what pandas and lifelines make of the same rows, for any filter."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lifelines import KaplanMeierFitter
from lifelines.utils import median_survival_times

from portal import queries
from portal.errors import BadRequest, NotFound
from portal.queries import scans
from portal.queries.scans import bin_edges, coarse_series
from portal.release import Release
from portal.selection import NOT_STATED, Selection
from tests.release_factory import WARDS

QUERIES = [
    "",
    "service=parking",
    "service=parking&service=tree&service=noise&area=district:2",
    "status=open",
    "status=closed&outcome=done&on_time=late",
    "from=2024-01-01&to=2024-06-30&channel=app&channel=phone",
    "department=(none)",
    "area=ward:(none)&area=district:1",
    "service=rodent&area=ward:3&area=district:4&from=2025-06-01&status=open&channel=employee",
]


@pytest.fixture(scope="module")
def everything(release: Release) -> pd.DataFrame:
    return release.table("SELECT * FROM requests").to_pandas()


@pytest.fixture(params=QUERIES, ids=[q or "all" for q in QUERIES])
def case(request: pytest.FixtureRequest, release: Release, everything: pd.DataFrame) -> tuple[Selection, pd.DataFrame]:
    selection = Selection.from_query(request.param, release)
    where, params = selection.where()
    rids = [rid for (rid,) in release.query(f"SELECT rid FROM requests WHERE {where}", params)]
    return selection, everything[everything.rid.isin(rids)]


def hours(value: Any) -> float | None:
    return None if np.isinf(value) or np.isnan(value) else value / 60


def test_totals_count_the_selected_rows(release: Release, case: tuple[Selection, pd.DataFrame]) -> None:
    selection, rows = case
    t = queries.totals(release, selection)
    assert t.requests == len(rows)
    assert (t.open, t.closed) == ((rows.status == "open").sum(), (rows.status == "closed").sum())
    assert t.outcomes == {k: (rows.outcome == k).sum() for k in t.outcomes}
    assert sum(t.outcomes.values()) == t.closed
    assert [t.on_time, t.late, t.pending, t.no_standard] == [
        (rows.on_time == k).sum() for k in ("on_time", "late", "pending", "no_standard")
    ]
    assert t.located == rows.lat.notna().sum() and t.located + t.not_located == t.requests
    assert t.excluded_from_response == rows.event.isna().sum()
    if len(rows):
        assert queries.period(release, selection) == (rows.requested_date.min(), rows.requested_date.max())
    assert t.on_time_share.n == t.on_time + t.late


def test_an_event_is_closed_and_a_censored_one_open(everything: pd.DataFrame) -> None:
    """The contract that the scans rest on."""
    timed = everything[everything.event.notna()]
    assert (timed.event.astype(bool) == (timed.status == "closed")).all()
    assert (everything.event.isna() == everything.elapsed_bin.isna()).all()


def test_response_equals_lifelines_to_the_minute(release: Release, case: tuple[Selection, pd.DataFrame]) -> None:
    selection, rows = case
    found = queries.response(release, selection)
    timed = rows[rows.event.notna()]
    assert (found.n, found.events) == (len(timed), timed.event.sum())
    if timed.empty:
        return
    fitted = KaplanMeierFitter().fit(timed.elapsed_minutes, timed.event.astype(bool))
    assert found.quantiles[50].hours == hours(fitted.median_survival_time_)
    assert found.quantiles[90].hours == hours(fitted.percentile(0.1))
    band = median_survival_times(fitted.confidence_interval_).to_numpy()[0]
    assert (found.quantiles[50].low, found.quantiles[50].high) == tuple(hours(v) for v in band)
    closed = timed[timed.event.astype(bool)].elapsed_minutes
    if len(closed):
        assert found.closed_only_median_hours == np.quantile(closed, 0.5, method="inverted_cdf") / 60


def test_groups_add_up_and_their_medians_are_within_a_bin(
    release: Release, case: tuple[Selection, pd.DataFrame]
) -> None:
    selection, rows = case
    for dimension, column in (("service", "service_code"), ("department", "department"), ("district", "district")):
        groups = queries.by(release, selection, dimension)
        assert sum(g.requests for g in groups) == len(rows)
        for g in groups[:4]:
            of = rows[rows[column].isna() if g.key == NOT_STATED else rows[column] == g.key]
            assert (g.requests, g.open) == (len(of), (of.status == "open").sum())
            timed = of[of.event.notna()]
            assert (g.n, g.events) == (len(timed), timed.event.sum())
            assert g.done.k == (of.outcome == "done").sum() and g.done.n == g.closed
            if g.median.hours is not None:
                # Half are closed a bin later, and not yet a bin earlier.
                fitted = KaplanMeierFitter().fit(timed.elapsed_minutes, timed.event.astype(bool))
                around = g.median.hours * 60 * np.array([0.988, 1.012]) + [-1, 1]
                before, after = fitted.survival_function_at_times(around)
                assert after <= 0.51 and before >= 0.49


def test_months_add_up(release: Release, case: tuple[Selection, pd.DataFrame]) -> None:
    selection, rows = case
    months = queries.monthly(release, selection)
    assert sum(m.requested for m in months) == len(rows)
    if not months:
        return
    span = [m.month for m in months]
    assert (
        span == sorted(span)
        and len(set(span)) == (span[-1].year - span[0].year) * 12 + span[-1].month - span[0].month + 1
    )
    if not selection.to_date:
        assert months[-1].month == date(2025, 6, 1) and not months[-1].complete
        assert months[-1].open_at_end == (rows.status == "open").sum()
    for m in months[:: max(1, len(months) // 5)]:
        number = (m.month.year - 1970) * 12 + m.month.month - 1
        of = rows[rows.month == number]
        assert (m.requested, m.closed) == (len(of), (rows.closed_month == number).sum())
        assert m.on_time.k == (of.on_time == "on_time").sum()
        assert m.n == of.event.notna().sum()


def test_series_by_key_are_the_months_of_each_key(release: Release) -> None:
    selection = Selection(status=("closed",), area=(("ward", "2"),))
    found = queries.monthly_by(release, selection, "district", ["2", "3", NOT_STATED])
    assert list(found) == ["2", "3", NOT_STATED]
    for key, series in found.items():
        months = queries.monthly(release, selection.replace(area=(("district", key), ("ward", "2"))))
        fine = {m.month: m for m in months if m.requested}
        assert [row.month for row in series] == list(fine)
        for row in series:
            m = fine[row.month]
            assert (row.requested, row.n, row.events) == (m.requested, m.n, m.events)
            if m.median.hours is not None and row.median.hours is not None:
                assert row.median.hours == pytest.approx(m.median.hours, rel=0.04, abs=0.06)
    assert queries.monthly_by(release, Selection(area=(("district", "1"),)), "district", ["2"]) == {"2": []}
    with pytest.raises(BadRequest):
        queries.monthly_by(release, selection, "service", ["x"] * 13)


def test_series_take_memory_for_the_keys_that_are_asked_for_only(release: Release) -> None:
    everything = coarse_series(release, Selection(), "district", {*"1234", None})
    assert None in everything.keys and len(everything.keys) == 5
    some = coarse_series(release, Selection(), "district", {"2", None, "nowhere"})
    assert set(some.keys) == {"2", None} and some.events.shape[0] == 2
    for key in some.keys:
        one, all_of = some.keys.index(key), everything.keys.index(key)
        assert some.requested[one].sum() == everything.requested[all_of].sum() > 0
        assert some.events[one].sum() == everything.events[all_of].sum() > 0
    none = coarse_series(release, Selection(), "district", {"nowhere"})
    assert none.keys == [] and none.events.size == 0


def test_bins_are_one_minute_and_then_one_percent(release: Release) -> None:
    edges = bin_edges(release)
    width = edges[:, 1] - edges[:, 0]
    assert (width[:120] == 1).all()
    assert (width[120:] <= np.maximum(1, 0.0101 * edges[120:, 0])).all()
    assert (edges[1:, 0] == edges[:-1, 1]).all()


def test_choices_include_what_no_request_has_and_sort_as_people_do(release: Release) -> None:
    wards = queries.choices(release, "ward")
    assert [c.label for c in wards] == [f"Ward {w}" for w in WARDS]
    assert [c.value for c in queries.choices(release, "status")] == ["open", "closed"]
    services = queries.choices(release, "service")
    assert sum(c.requests for c in services) == 5000


def test_an_unknown_dimension_names_those_there_are(release: Release) -> None:
    with pytest.raises(NotFound, match=r"service.*district"):
        queries.by(release, Selection(), "status; DROP TABLE requests")


def test_latest_is_newest_first_and_paged(release: Release) -> None:
    first, second = queries.latest(release, limit=10), queries.latest(release, limit=5, offset=5)
    assert first[5:] == second
    times = [row.requested_datetime for row in first]
    assert times == sorted(times, reverse=True)
    page = queries.page(release, Selection(status=("open",)), limit=3)
    assert page.total == queries.totals(release, Selection(status=("open",))).requests and len(page.rows) == 3
    for limit, offset in ((1001, 0), (-1, 0), (1, 100_001), (1, -1)):
        with pytest.raises(BadRequest):
            queries.latest(release, limit=limit, offset=offset)


def test_one_request_is_found_by_its_id(release: Release) -> None:
    row = queries.latest(release, limit=1)[0]
    assert queries.request(release, row.service_request_id) == row
    assert queries.request(release, row.service_request_id, "city_311") == row
    for missing in ("R99999999", "' OR 1=1 --", ""):
        with pytest.raises(NotFound):
            queries.request(release, missing)


def test_areas_are_those_in_force(release: Release) -> None:
    areas = queries.areas(release, "district")
    assert [a.name for a in areas] == ["East", "North", "South", "West"]
    assert all(a.current and a.valid_from == date(2024, 1, 1) and a.bbox is not None for a in areas)
    assert all(a.bbox is None for a in queries.areas(release, "ward"))
    with pytest.raises(NotFound):
        queries.areas(release, "nowhere")


def test_quality_counts_every_request_once(release: Release) -> None:
    q = queries.quality(release)
    assert sum(q.located.values()) == q.requests == 5000
    assert sum(q.location_notes.values()) == q.located["none"]
    assert q.flags["closed_before_requested"] == q.excluded_from_response
    assert {e.kind for e in queries.exclusions(release)} == {"quarantined", "withdrawn", "flagged", "not_located"}


def test_the_release_describes_itself(release: Release) -> None:
    assert {doc.resource for doc in queries.dictionary(release)} >= {"requests", "areas"}
    assert next(f.path for f in queries.files(release)) == "requests.parquet"
    assert queries.chain(release)[0].current


def test_answers_are_kept_but_cannot_be_spoilt(release: Release) -> None:
    first = queries.by(release, Selection(), "service")
    first.clear()
    assert queries.by(release, Selection(), "service")


@pytest.mark.parametrize("query", [*QUERIES[:4], "from=2025-03-01", "from=2025-03-01&service=tree"])
def test_response_of_bins_is_near_the_exact_one(release: Release, query: str) -> None:
    selection = Selection.from_query(query, release)
    exact, rough = queries.response(release, selection), queries.response(release, selection, exact=False)
    assert (exact.n, exact.events, exact.censored) == (rough.n, rough.events, rough.censored)
    for share, quantile in exact.quantiles.items():
        if quantile.hours is None:
            assert rough.quantiles[share].hours is None
        else:
            assert rough.quantiles[share].hours == pytest.approx(quantile.hours, rel=0.006, abs=0.02)


def test_what_is_open_at_the_end_of_the_series_is_what_is_open(release: Release) -> None:
    for query in ("", "service=parking", "channel=app&channel=phone"):
        selection = Selection.from_query(query, release)
        rows = queries.volumes(release, selection)
        assert rows[-1].open_at_end == queries.totals(release, selection).open
    assert queries.volumes(release, Selection(status=("closed",)))[-1].open_at_end == 0


def test_answers_of_functions_with_one_name_are_kept_apart(release: Release) -> None:
    """Two modules may each have a question of the same name."""

    def asked(module: str) -> object:
        def measures(release: Release) -> str:
            return module

        measures.__module__ = module
        return scans.once(measures)

    one, other = asked("a"), asked("b")
    assert (one(release), other(release)) == ("a", "b")  # type: ignore[operator]
