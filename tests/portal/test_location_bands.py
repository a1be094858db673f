"""Totals of areas with the band of uncertain locations: right in simulation, and where they are shown."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal import queries
from portal.errors import NotFound
from portal.figures import location_band
from portal.figures.location_band import Band, Uncertain, bands
from portal.html import to_html
from portal.queries.periods import dated
from portal.release import Release
from portal.routes import render
from portal.selection import Selection


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def uncertain(*pairs: tuple[float, int]) -> Uncertain:
    return Uncertain(np.array([p for p, _ in pairs]), np.array([n for _, n in pairs], np.int64))


def test_what_is_sure_has_no_band() -> None:
    found = bands({"a": 10}, {}, {})["a"]
    assert (found.requests, found.expected, found.low, found.high, found.uncertain) == (10, 10, 10, 10, 0)
    assert not found.matters


def test_an_area_counts_what_is_drawn_next_door_with_its_probability() -> None:
    found = bands({"a": 100, "b": 50}, {"a": 1}, {"a": uncertain((0.6, 1)), "b": uncertain((0.4, 1))})
    assert found["a"] == Band(100, 99.6, 99, 100, 1)
    assert found["b"] == Band(50, pytest.approx(50.4), 50, 51, 1)


def test_an_area_in_which_nothing_is_drawn_may_hold_something() -> None:
    assert bands({}, {}, {"a": uncertain((0.4, 3))})["a"] == Band(0, pytest.approx(1.2), 0, 3, 3)


def test_requests_at_one_place_are_right_or_wrong_together() -> None:
    together = bands({"a": 100}, {"a": 100}, {"a": uncertain((0.5, 100))})["a"]
    apart = bands({"a": 100}, {"a": 100}, {"a": uncertain(*[(0.5, 1)] * 100)})["a"]
    assert (together.low, together.high) == (0, 100)
    assert 38 <= apart.low <= 42 and 58 <= apart.high <= 62


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(1, 50)), max_size=60), st.integers(0, 100))
def test_a_band_holds_the_expected_total_and_no_more_than_there_is(pairs: list[tuple[float, int]], sure: int) -> None:
    found = bands({"a": sure}, {}, {"a": uncertain(*pairs)})["a"]
    most = sure + sum(n for _, n in pairs)
    assert sure <= found.low <= found.high <= most
    assert sure - 1e-9 <= found.expected <= most + 1e-9


def test_the_band_holds_the_truth_in_95_of_100_worlds(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    p, n = rng.uniform(0, 1, 300), rng.integers(1, 4, 300)
    worlds = (rng.random((4000, 300)) < p) @ n + 1000
    for steps in (location_band.EXACT_STEPS, 0):  # exact, and the approximation of large areas
        monkeypatch.setattr(location_band, "EXACT_STEPS", steps)
        found = bands({"a": 1000}, {}, {"a": Uncertain(p, n)})["a"]
        assert 0.94 <= ((worlds >= found.low) & (worlds <= found.high)).mean() <= 0.97
        assert found.expected == pytest.approx(worlds.mean(), rel=0.002)


def test_bands_are_those_of_the_selected_rows(with_geocoder: Release) -> None:
    selection = Selection(service=("pothole", "parking"))
    found = queries.location_bands(with_geocoder, "district", selection)
    totals = {row.key: row.requests for row in queries.by(with_geocoder, selection, "district")}
    where, params = selection.where()
    rows = with_geocoder.query(
        f"""SELECT p.area, sum(p.probability), count(*) FROM area_probabilities p JOIN requests USING (rid)
            WHERE {where} GROUP BY 1""",
        params,
    )
    assert rows
    for area, expected, n in rows:
        unsure = with_geocoder.query(
            f"SELECT count(*) FROM requests WHERE rid IN (SELECT rid FROM area_probabilities) AND district = ? AND {where}",
            [area, *params],
        )[0][0]
        band = found[area]
        assert (band.requests, band.uncertain) == (totals[area], n)
        assert band.expected == pytest.approx(totals[area] - unsure + expected)
        assert band.low <= band.expected <= band.high and band.matters


def test_a_filter_on_the_layer_itself_changes_no_band(with_geocoder: Release) -> None:
    whole = queries.location_bands(with_geocoder, "district")
    assert queries.location_bands(with_geocoder, "district", Selection(area=(("district", "2"),))) == whole


def test_where_nothing_is_told_there_is_none(release: Release, with_geocoder: Release) -> None:
    assert queries.location_bands(release, "district") == {} and queries.unsure(release) == {}
    assert queries.location_bands(with_geocoder, "ward") == {}, "a layer without boundaries"
    assert queries.location_bands(with_geocoder, "district", Selection(service=("noise",))) == {}, "none is uncertain"
    with pytest.raises(NotFound):
        queries.location_bands(with_geocoder, "nowhere")


def test_an_area_s_page_and_the_table_tell_the_band(with_geocoder: Release, release: Release) -> None:
    year = dated(with_geocoder, Selection())
    band = queries.location_bands(with_geocoder, "district", year)["2"]
    said = f"between {band.low:,} and {band.high:,} , allowing for uncertain locations"
    assert said in words(to_html(render(with_geocoder, "/areas/district/2").body))
    band = queries.location_bands(with_geocoder, "district")["2"]
    html = words(to_html(render(with_geocoder, "/areas/district").body))
    assert "Allowing for uncertain locations" in html and f"{band.low:,} to {band.high:,}" in html
    assert "Totals of areas when locations are uncertain" in words(to_html(render(with_geocoder, "/methods").body))
    for path in ("/areas/district/2", "/areas/district", "/departments", "/methods"):
        assert "uncertain locations" not in words(to_html(render(release, path).body)), path
    assert "uncertain locations" not in words(to_html(render(with_geocoder, "/departments/parks").body))
