"""Exact intervals and funnel limits that receipts make in SQL are scipy's, and those of the portal's figures."""

from __future__ import annotations

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, chi2

from portal import queries
from portal.figures.funnel import ratio_funnel, share_funnel
from portal.receipts import receipt
from portal.receipts.comparing import BINOMIAL, POISSON
from portal.receipts.exact import binomial_ends, funnel, poisson_ends, too_few
from portal.release import Release
from portal.selection import Selection
from tests.portal.run_receipt import run

QUERIES = (
    "",
    "service=pothole",
    "area=ward:3&status=open",
    "from=2024-01-01&to=2024-06-30",
    "service=tree&channel=app",
)


def shares(pairs: list[tuple[int, int]]) -> dict[tuple[int, int], tuple[float, float]]:
    sql = f"WITH RECURSIVE asked AS (SELECT unnest(?::BIGINT[]) AS k, unnest(?::BIGINT[]) AS n), {binomial_ends('asked')} FROM ends"
    with duckdb.connect() as db:
        rows = db.execute(sql, [[k for k, _ in pairs], [n for _, n in pairs]]).fetchall()
    return {(int(k), int(n)): (low, high) for k, n, low, high in rows}


def counts(observed: list[int]) -> dict[int, tuple[float, float]]:
    sql = f"WITH RECURSIVE asked AS (SELECT unnest(?::BIGINT[]) AS observed), {poisson_ends('asked')} FROM counts_ends"
    with duckdb.connect() as db:
        return {int(k): (low, high) for k, low, high in db.execute(sql, [observed]).fetchall()}


@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 10_000)), min_size=1, max_size=20))
@settings(deadline=None, max_examples=40)
def test_shares_have_clopper_and_pearsons_interval(parts: list[tuple[int, int]]) -> None:
    pairs = [(k, k + rest) for k, rest in parts if k + rest]
    for (k, n), (low, high) in shares(pairs).items() if pairs else ():
        assert low == pytest.approx(beta.ppf(0.025, k, n - k + 1) if k else 0, rel=1e-9)
        assert high == pytest.approx(beta.ppf(0.975, k + 1, n - k) if k < n else 1, rel=1e-9)


@given(st.lists(st.integers(0, 100_000), min_size=1, max_size=20))
@settings(deadline=None, max_examples=40)
def test_counts_have_garwoods_interval(observed: list[int]) -> None:
    for k, (low, high) in counts(observed).items():
        assert low == pytest.approx(chi2.ppf(0.025, 2 * k) / 2 if k else 0, rel=1e-9)
        assert high == pytest.approx(chi2.ppf(0.975, 2 * k + 2) / 2, rel=1e-9)


def test_very_large_ones_are_as_exact() -> None:
    found = shares([(1, 3_000_000), (2_999_999, 3_000_000), (1_500_000, 3_000_000)])
    for (k, n), (low, high) in found.items():
        assert low == pytest.approx(beta.ppf(0.025, k, n - k + 1), rel=1e-7)
        assert high == pytest.approx(beta.ppf(0.975, k + 1, n - k), rel=1e-7)
    (low, high) = counts([5_000_000])[5_000_000]
    assert low == pytest.approx(chi2.ppf(0.025, 1e7) / 2, rel=1e-7)
    assert high == pytest.approx(chi2.ppf(0.975, 1e7 + 2) / 2, rel=1e-7)


@pytest.mark.parametrize("spread", [1.0, 3.0])
@pytest.mark.parametrize("seed", range(4))
def test_the_funnel_is_that_of_the_figures(seed: int, spread: float) -> None:
    rng = np.random.default_rng(seed)
    n = rng.integers(1, 900, 40)
    target = rng.uniform(0.01, 0.6, 40)
    k = rng.binomial(n, np.clip(target * np.exp(rng.normal(0, 0.1 * (spread - 1), 40)), 0, 1))
    found = share_funnel(k, n, target)
    units = """SELECT unnest(range(40)) AS key, unnest(?::DOUBLE[]) AS n, unnest(?::DOUBLE[]) AS x, unnest(?::DOUBLE[]) AS target"""
    few = too_few("n * least(target, 1 - target)")
    sql = f"""WITH units AS (SELECT *, n * target AS mean, {few} AS few FROM ({units})),
              {funnel("units", BINOMIAL, "(mean * (1 - target))", "n", 40)} SELECT phi, position FROM judged ORDER BY key"""
    with duckdb.connect() as db:
        rows = db.execute(sql, [n.tolist(), k.tolist(), target.tolist()]).fetchall()
    assert [row[0] for row in rows] == pytest.approx([found.phi] * 40)
    assert [row[1] for row in rows] == found.wide_position.tolist()
    assert spread == 1 or found.phi > 1

    many = ratio_funnel(k, n * target)
    sql = f"""WITH units AS (SELECT *, n * target AS mean, {too_few("n * target")} AS few FROM ({units})),
              {funnel("units", POISSON, "mean", "1e18", 40)} SELECT phi, position FROM judged ORDER BY key"""
    with duckdb.connect() as db:
        rows = db.execute(sql, [n.tolist(), k.tolist(), target.tolist()]).fetchall()
    assert [row[0] for row in rows] == pytest.approx([many.phi] * 40)
    assert [row[1] for row in rows] == many.wide_position.tolist()


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("dimension", ["district", "ward", "department"])
def test_intervals_and_places_of_a_comparison(release: Release, query: str, dimension: str) -> None:
    selection = Selection.from_query(query, release)
    found = queries.compare(release, selection, dimension)
    late, speed = (
        run(release, receipt(release, name, selection, {"dimension": dimension})) for name in ("late", "speed")
    )
    for row in found.rows:
        for told, answer, place, phi in (
            (late.get(row.key), row.late.ratio, row.late.position, found.late_phi),
            (speed.get(row.key), row.times.speed, row.times.position, found.times_phi),
        ):
            if told is None:
                assert answer.value is None
                continue
            assert (told["position"], told["phi"]) == (place, pytest.approx(phi))
            for end, value in (("low", answer.low), ("high", answer.high)):
                made = told[f"ratio_{end}"]
                assert made is None if value is None else made == pytest.approx(value, rel=1e-9), (row.key, end)


@pytest.mark.parametrize("query", QUERIES)
def test_the_interval_of_how_many_times_as_long(release: Release, query: str) -> None:
    selection = Selection.from_query(query, release)
    for row in queries.compare(release, selection, "district").rows:
        told = run(release, receipt(release, "time-ratio", selection, {"dimension": "district", "key": row.key}))[""]
        ratio = row.times.time_ratio
        for name, value in (
            ("time_ratio", ratio.value),
            ("time_ratio_low", ratio.low),
            ("time_ratio_high", ratio.high),
        ):
            if ratio.value:
                made = told[name]
                assert made is None if value is None else made == pytest.approx(value, rel=2e-4), (row.key, name)


@pytest.mark.parametrize("more", ["", "&service=pothole", "&area=district:2", "&department=parks"])
@pytest.mark.parametrize("dates", ["from=2024-01-01&to=2024-12-31", "from=2024-06-01&to=2025-05-31"])
def test_the_interval_of_a_change(release: Release, dates: str, more: str) -> None:
    selection = Selection.from_query(dates + more, release)
    found = queries.year_ago(release, selection)
    assert found is not None
    row = run(release, receipt(release, "year-ago", selection, {}))[""]
    assert (row["requests_months"], row["median_months"]) == (found.requests.months, found.median.months)
    for name, value in (
        ("requests_ratio_low", found.requests.ratio.low), ("requests_ratio_high", found.requests.ratio.high),
        ("median_difference_low", found.median.difference.low), ("median_difference_high", found.median.difference.high),
    ):  # fmt: skip
        assert row[name] is None if value is None else row[name] == pytest.approx(value, rel=1e-9, abs=1e-9), name
