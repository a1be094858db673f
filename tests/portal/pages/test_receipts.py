"""The SQL that the methods page shows makes the figures that the portal shows."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from portal import queries
from portal.pages import receipts
from portal.release import Release


def run(release: Release, sql: str) -> list[tuple[object, ...]]:
    for name in ("requests", "area_probabilities"):
        file: Path = release.folder / f"{name}.parquet"
        sql = sql.replace(f"{name}.parquet", str(file))
    with duckdb.connect() as reader:
        return reader.execute(sql).fetchall()


def test_counts(release: Release) -> None:
    totals = queries.totals(release)
    assert run(release, receipts.TOTALS) == [(totals.requests, totals.open, totals.outcomes["done"])]


def test_response_time(release: Release) -> None:
    sql = receipts.RESPONSE.format(as_of=release.as_of.strftime("%Y-%m-%d %H:%M:%S"))
    assert run(release, sql)[0][0] == pytest.approx(queries.response(release).quantiles[50].hours)


def test_on_time(release: Release) -> None:
    totals = queries.totals(release)
    assert run(release, receipts.ON_TIME) == [(totals.on_time, totals.on_time + totals.late)]


def test_methods_of_the_geocoder(with_geocoder: Release) -> None:
    told = [(row.method, row.requests, row.median_score, row.median_radius_m) for row in queries.methods(with_geocoder)]
    assert len(told) > 3
    found = [(method or "generalised", *rest) for method, *rest in run(with_geocoder, receipts.LOCATED_BY)]
    assert sorted(found) == sorted(told)


def test_expected_totals_of_areas(with_geocoder: Release) -> None:
    expected = {area: band.expected for area, band in queries.location_bands(with_geocoder, "district").items()}
    found = dict(run(with_geocoder, receipts.BAND.format(layer="district")))
    assert found == pytest.approx(expected)


def test_outcomes_and_locations(release: Release) -> None:
    totals = queries.totals(release)
    assert dict(run(release, receipts.OUTCOMES)) == {k: n for k, n in totals.outcomes.items() if n}
    assert dict(run(release, receipts.LOCATED)) == {k: n for k, n in queries.quality(release).located.items() if n}
