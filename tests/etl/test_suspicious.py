"""Flags of closings: each found where it was planted, and none where it is how the service, the source or the day works."""

from __future__ import annotations

from collections import Counter

import duckdb
import numpy as np
import pandas as pd
import pytest

from etl.config.incidents import Suspicious
from etl.publish.suspicious import flag

START = pd.Timestamp("2024-01-01 00:00:07")


def _closings(seed: int, service: str, median_minutes: float, sigma: float, size: int = 3000) -> pd.DataFrame:
    """Ordinary closings of one service: lognormal times, requests all through a year, no two texts alike."""
    rng = np.random.default_rng(seed)
    minutes = np.exp(np.log(median_minutes) + sigma * rng.standard_normal(size))
    requested = START + pd.to_timedelta(rng.uniform(0, 365 * 86_400, size).round(), unit="s")
    return pd.DataFrame(
        {
            "source": "calls", "service_code": service, "department": "PW", "outcome": "done", "event": True,
            "closed_datetime": (requested + pd.to_timedelta(minutes, unit="min")).astype("datetime64[s]"),
            "elapsed_minutes": minutes.astype(np.int64),
            "note_hash": [f"{service}{seed}-{i}" for i in range(size)], "location_precision": "exact",
        }
    )  # fmt: skip


def _flags(*parts: pd.DataFrame, texts: str = "TRUE", **rules: float) -> list[str | None]:
    rows = pd.concat(parts, ignore_index=True)
    rows["n"] = np.arange(len(rows), dtype=np.uint32)
    with duckdb.connect() as db:
        db.register("raw", rows)
        flag(db, Suspicious.model_validate(rules), "found", texts=texts)
        found = dict(db.execute("SELECT n, suspicious FROM found").fetchall())
    return [found.get(n) for n in range(len(rows))]


def test_what_closes_far_sooner_than_its_service_does_is_fast() -> None:
    planted = _closings(2, "slow", 3, 0.2, 60)
    found = _flags(_closings(1, "slow", 14_400, 0.9), planted)
    assert Counter(found[3000:]) == {"fast": 60}
    assert Counter(found[:3000]) == {None: 3000}


def test_planted_closings_do_not_hide_themselves_even_as_a_fifth_of_all() -> None:
    found = _flags(_closings(1, "slow", 14_400, 0.9), _closings(2, "slow", 3, 0.2, 750))
    assert found[3000:].count("fast") == 750


@pytest.mark.parametrize(("median", "sigma"), [(4, 0.6), (25, 1.0), (240, 1.2), (2_880, 1.8)])
def test_a_service_that_is_quick_by_nature_is_not_flagged(median: float, sigma: float) -> None:
    assert _flags(_closings(3, "quick", median, sigma)).count("fast") <= 0.002 * 3000


def test_services_with_few_closings_and_decisions_at_a_desk_are_left_alone() -> None:
    few = _flags(_closings(1, "rare", 14_400, 0.5, 80), _closings(2, "rare", 3, 0.2, 10))
    assert set(few) == {None}
    desk = _closings(2, "slow", 3, 0.2, 50).assign(outcome="duplicate")
    assert set(_flags(_closings(1, "slow", 14_400, 0.9), desk)) == {None}


def test_many_closings_of_a_department_in_one_minute_are_bulk() -> None:
    at = pd.Timestamp("2024-07-01 15:20:31")
    many, fewer = (_closings(s, "slow", 14_400, 0.9, size) for s, size in ((4, 50), (5, 49)))
    many["closed_datetime"], fewer["closed_datetime"] = at, at + pd.Timedelta("1h")
    found = _flags(_closings(1, "slow", 14_400, 0.9), many, fewer)
    assert Counter(found[3000:]) == {"bulk": 50, None: 49}
    half = many.assign(department=["PW", "DOT"] * 25)
    assert set(_flags(_closings(1, "slow", 14_400, 0.9), half)) == {None}


def test_times_that_stand_for_a_day_or_an_hour_are_no_instants() -> None:
    rows = _closings(1, "slow", 14_400, 0.9, 30_000)
    days = rows.assign(closed_datetime=rows["closed_datetime"].dt.floor("D"))
    assert set(_flags(days)) == {None}
    hours = rows.assign(closed_datetime=rows["closed_datetime"].dt.floor("h"))
    assert set(_flags(hours, bulk_closings=10)) == {None}
    minutes = rows.assign(closed_datetime=rows["closed_datetime"].dt.floor("min"))
    assert "bulk" in set(_flags(minutes, bulk_closings=2))


def test_a_text_that_closes_most_of_a_service_is_boilerplate() -> None:
    others = [_closings(i, f"s{i}", 14_400, 0.9, 500) for i in range(3)]
    same = _closings(9, "same", 14_400, 0.9, 500)
    same.loc[:349, "note_hash"] = "7"
    found = _flags(*others, same)
    assert Counter(found[1500:]) == {"boilerplate": 350, None: 150}
    assert set(found[:1500]) == {None}
    assert set(_flags(*others, same, texts="location_precision = 'area'")) == {None}


def test_a_source_of_standard_texts_has_no_boilerplate() -> None:
    standard = [_closings(i, f"s{i}", 14_400, 0.9, 500).assign(note_hash=f"{i}") for i in range(3)]
    assert set(_flags(*standard, _closings(9, "own", 14_400, 0.9, 500))) == {None}


def test_a_closing_may_be_worth_a_look_for_several_reasons() -> None:
    planted = _closings(2, "slow", 3, 0.2, 60).assign(
        closed_datetime=pd.Timestamp("2024-07-01 15:20:31"), note_hash="7"
    )
    found = _flags(_closings(1, "slow", 14_400, 0.9), planted, boilerplate_share=0.01, least_closings=10)
    assert set(found[3000:]) <= {"fast;bulk;boilerplate", "fast;bulk"}
