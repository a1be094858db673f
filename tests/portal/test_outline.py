"""Selections by a circle and by an outline: read strictly, and the same rows by every way."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geo.tiles import Tile
from portal import queries
from portal.errors import BadSelection
from portal.outline import EARTH_M, Circle, Outline
from portal.receipts.parts import condition
from portal.release import Release
from portal.request_tiles import request_tile
from portal.selection import Selection
from tests.portal.tile_points import requests

LAT, LONG = (42.30, 42.40), (-71.20, -71.00)
circles = st.builds(
    Circle,
    st.floats(*LAT).map(lambda v: round(v, 6)),
    st.floats(*LONG).map(lambda v: round(v, 6)),
    st.integers(1, 5000),
)


@st.composite
def outlines(draw: st.DrawFn) -> Outline:
    """Star-shaped, so that they never cross themselves."""
    x, y = draw(st.floats(*LONG)), draw(st.floats(*LAT))
    n = draw(st.integers(3, 12))
    reach = draw(st.lists(st.floats(0.002, 0.05), min_size=n, max_size=n))
    angles = np.linspace(0, 2 * np.pi, n, endpoint=False)
    return Outline(
        tuple(
            (round((x + r * np.cos(a)) * 1e5), round((y + r * np.sin(a)) * 1e5))
            for r, a in zip(reach, angles, strict=True)
        )
    )


@pytest.fixture(scope="module")
def points(release: Release) -> np.ndarray:
    rows = release.query("SELECT rid, lat, long FROM requests WHERE lat IS NOT NULL ORDER BY rid")
    return np.array(rows, float)


@given(circles)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_circle_holds_what_is_so_near(release: Release, points: np.ndarray, circle: Circle) -> None:
    rid, lat, long = points.T
    a, b = np.radians(lat), np.radians(circle.lat)
    between = np.sin(a) * np.sin(b) + np.cos(a) * np.cos(b) * np.cos(np.radians(long - circle.long))
    metres = EARTH_M * np.arccos(np.clip(between, -1, 1))
    chosen = set(release.chosen(Selection(near=circle)).places().tolist())
    assert set(rid[metres < circle.radius_m - 0.5]) <= chosen <= set(rid[metres < circle.radius_m + 0.5])


@given(outlines())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_outline_holds_what_shapely_says(release: Release, points: np.ndarray, outline: Outline) -> None:
    inside = shapely.contains_xy(outline.polygon, points[:, 2], points[:, 1])
    assert release.chosen(Selection(within=outline)).places().tolist() == points[inside, 0].astype(int).tolist()


@given(st.one_of(circles, outlines()), st.sampled_from([(), ("open",), ("closed",)]), st.integers(8, 18))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_list_figures_tiles_and_receipt_are_of_the_same_rows(
    release: Release, place: Circle | Outline, status: tuple[str, ...], zoom: int
) -> None:
    selection = Selection(near=place) if isinstance(place, Circle) else Selection(within=place)
    selection = selection.replace(status=status)
    assert Selection.from_query(selection.to_query(), release) == selection
    n = queries.totals(release, selection).requests
    assert queries.page(release, selection, limit=5).total == n
    assert sum(row.requests for row in queries.by(release, selection, "service")) == n
    assert release.query(f"SELECT count(*) FROM requests WHERE {condition(selection)}") == [(n,)]
    seen = release.query(f"SELECT DISTINCT gx >> {32 - zoom}, gy >> {32 - zoom} FROM requests WHERE gx IS NOT NULL")
    if len(seen) > 60:
        return
    assert sum(requests(request_tile(release, Tile(zoom, x, y), selection)) for x, y in seen) == n


@given(outlines())
def test_an_outline_is_read_as_it_was_written(outline: Outline) -> None:
    assert Outline.read(outline.text()) == outline


def test_the_text_of_an_outline_is_the_known_one() -> None:
    corners = ((-12020000, 3850000), (-12095000, 4070000), (-12645300, 4325200))
    assert Outline(corners).text() == "_p~iF~ps|U_ulLnnqC_mqNvxq`@"


@pytest.mark.parametrize(
    "query",
    [
        "near=42.3", "near=a,b,c", "near=42.3,-71.1,0", "near=42.3,-71.1,99999999", "near=nan,1,5", "near=inf,1,5",
        "near=91,0,5", "near=42.3,-71.1,5&near=42.3,-71.1,6", "within=x", "within=" + "_" * 5000, "within=%00%00%00",
        "within=_p~iF~ps|U", "within=" + "?" * 30, "within=" + "~" * 60,
    ],
)  # fmt: skip
def test_what_is_no_place_is_refused(release: Release, query: str) -> None:
    with pytest.raises(BadSelection):
        Selection.from_query(query, release)


def test_an_outline_that_crosses_itself_is_refused() -> None:
    bow = Outline(((0, 0), (1000, 1000), (1000, 0), (0, 1000)))
    with pytest.raises(BadSelection, match="crosses itself"):
        Outline.read(bow.text())


@given(st.text(max_size=300))
def test_no_text_breaks_the_reader(text: str) -> None:
    for kind in (Circle, Outline):
        try:
            place = kind.read(text)
        except BadSelection:
            continue
        assert kind.read(place.text()) == place


@given(st.data())
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_grid_finds_just_the_rows_that_sql_finds_even_on_an_edge(
    release: Release, points: np.ndarray, data: st.DataObject
) -> None:
    """Circles whose edge runs through a request, and outlines with requests as corners: none is told apart by the grid."""
    ours = np.unique(points[:, 1:], axis=0)
    lat, long = ours[data.draw(st.integers(0, len(ours) - 1))]
    if data.draw(st.booleans()):
        other = ours[data.draw(st.integers(0, len(ours) - 1))]
        a, b = np.radians(lat), np.radians(other[0])
        half = np.sin((a - b) / 2) ** 2 + np.cos(a) * np.cos(b) * np.sin(np.radians(long - other[1]) / 2) ** 2
        metres = round(2 * EARTH_M * float(np.arcsin(np.sqrt(half)))) + data.draw(st.integers(-1, 1))
        place = Circle(round(lat, 6), round(long, 6), min(max(metres, 1), 50_000))
        selection = Selection(near=place)
    else:
        corner = (round(long * 1e5), round(lat * 1e5))
        wide, high = data.draw(st.integers(1, 20_000)), data.draw(st.integers(1, 10_000))
        x, y = corner
        selection = Selection(within=Outline((corner, (x + wide, y), (x + wide, y + high), (x, y + high))))
    where, params = selection.where()
    expected = [rid for (rid,) in release.query(f"SELECT rid FROM requests WHERE {where} ORDER BY rid", params)]
    assert release.chosen(selection).places().tolist() == expected
