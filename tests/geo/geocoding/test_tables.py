"""The public address index: what is written is what is read."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geo.errors import LayerError
from geo.geocoding.model import Intersections, Places, Points, Reference, Segments
from geo.geocoding.tables import SCHEMAS, from_tables, to_tables

TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
WHOLE = st.integers(0, 2**53)
NODE = st.integers(-1, 2**53)
REAL = st.floats(allow_nan=False, allow_infinity=False)
DEGREES = st.floats(-180, 180)


@st.composite
def _column(draw: st.DrawFn, of: st.SearchStrategy[Any], rows: int, dtype: type) -> np.ndarray:
    out = np.empty(rows, dtype=dtype)
    out[:] = draw(st.lists(of, min_size=rows, max_size=rows))
    return out


def _line(points: list[tuple[float, float]]) -> shapely.LineString:
    return shapely.LineString(points)


@st.composite
def _references(draw: st.DrawFn) -> Reference:
    def text(rows: int) -> np.ndarray:
        return draw(_column(TEXT, rows, object))

    def whole(rows: int, of: st.SearchStrategy[int] = WHOLE) -> np.ndarray:
        return draw(_column(of, rows, np.int64))

    def real(rows: int) -> np.ndarray:
        return draw(_column(REAL, rows, np.float64))

    def yes(rows: int) -> np.ndarray:
        return draw(_column(st.booleans(), rows, np.bool_))

    points = segments = places = crossings = None
    if draw(st.booleans()):
        n = draw(st.integers(0, 4))
        points = Points(text(n), whole(n), whole(n), text(n), yes(n), text(n), text(n), real(n), real(n))
    if draw(st.booleans()):
        n = draw(st.integers(1, 4))
        lines = st.lists(st.tuples(DEGREES, DEGREES), min_size=2, max_size=4).map(_line)
        segments = Segments(
            text(n), draw(_column(lines, n, object)), whole(n), whole(n), whole(n), whole(n), yes(n),
            text(n), text(n), text(n), text(n), whole(n, NODE), whole(n, NODE),
            tuple(text(n) for _ in range(draw(st.integers(0, 2)))),
        )  # fmt: skip
    if draw(st.booleans()):
        n = draw(st.integers(1, 4))
        places = Places(text(n), real(n), real(n), real(n))
    if draw(st.booleans()):
        n = draw(st.integers(0, 4))
        crossings = Intersections(text(n), text(n), real(n), real(n), whole(n))
    return Reference("EPSG:26986", segments, points, places, crossings, draw(st.dictionaries(TEXT, TEXT, max_size=3)))


def _same(a: Any, b: Any) -> bool:
    if a is None or b is None:
        return a is b
    for field in dataclasses.fields(a):
        one, other = getattr(a, field.name), getattr(b, field.name)
        if field.name == "geometry":
            one, other = shapely.to_wkb(one), shapely.to_wkb(other)
        if field.name == "alternates":
            if len(one) != len(other) or not all(np.array_equal(x, y) for x, y in zip(one, other, strict=True)):
                return False
        elif not (np.array_equal(one, other) and one.dtype == other.dtype):
            return False
    return True


def _equal(a: Reference, b: Reference) -> bool:
    parts = ("segments", "points", "places", "intersections")
    return a.crs == b.crs and a.aliases == b.aliases and all(_same(getattr(a, p), getattr(b, p)) for p in parts)


@given(_references())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_reference_comes_back_as_it_was(reference: Reference) -> None:
    tables = to_tables(reference)
    assert all(table.schema == SCHEMAS[name] for name, table in tables.items())
    assert _equal(from_tables(tables, reference.crs), reference)


def _small() -> Reference:
    text = np.array(["A ST", "B ST"], dtype=object)
    zero, real = np.zeros(2, dtype=np.int64), np.array([-71.0, 0.1])
    lines = np.empty(2, dtype=object)
    lines[:] = [_line([(0, 0), (1, 1)]), _line([(1, 1), (2, 3)])]
    no = np.zeros(2, dtype=bool)
    return Reference(
        "EPSG:26986",
        Segments(text, lines, zero, zero, zero, zero, no, text, text, text, text, zero - 1, zero + 7, (text,)),
        Points(text, zero, zero, text, no, text, text, real, real),
        Places(text, real, real, real),
        Intersections(text, text, real, real, zero),
        {"OLD ST": "A ST"},
    )


def test_it_also_survives_parquet_with_dictionaries(tmp_path: Path) -> None:
    tables = {}
    for name, table in to_tables(_small()).items():
        pq.write_table(table, tmp_path / name, row_group_size=1)
        tables[name] = pq.read_table(tmp_path / name, read_dictionary=["street", "name"])
    assert _equal(from_tables(tables, "EPSG:26986"), _small())


def test_a_change_is_seen() -> None:
    tables = to_tables(_small())
    tables["address_points"] = tables["address_points"].set_column(0, "number", pa.array([0, 1]))
    assert not _equal(from_tables(tables, "EPSG:26986"), _small())


def test_a_missing_column_is_named() -> None:
    tables = to_tables(_small())
    tables["intersections"] = tables["intersections"].drop_columns(["legs"])
    with pytest.raises(LayerError, match="'intersections': column 'legs' is missing; the table has street, cross"):
        from_tables(tables, "EPSG:26986")


def test_what_is_not_there_has_no_table() -> None:
    assert to_tables(Reference("EPSG:26986")) == {}
    assert set(to_tables(Reference("EPSG:26986", aliases={"A": "B"}))) == {"place_names"}
