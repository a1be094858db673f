"""Rows and counts over mapped columns, held against the plain way of doing it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from itertools import product
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal import tally as tallying
from portal.asked import Between, Test
from portal.columns import Column, Columns
from portal.errors import NoRelease
from portal.release import Release, Releases
from portal.selection import COLUMNS, NOT_STATED, Selection
from portal.settings import PortalSettings
from portal.tally import Rows, everything
from tests.release_factory import build_release

SIZES = {"a": 5, "b": 300, "c": 70_000}


@pytest.fixture(scope="module")
def columns(tmp_path_factory: pytest.TempPathFactory) -> Columns:
    rng = np.random.default_rng(8)
    rows = 40_000
    arrays = [
        pa.array(rng.integers(0, 5, rows).astype(np.uint8)),
        pa.array(rng.integers(0, 300, rows).astype(np.uint16)),
        pa.array(rng.integers(0, 70_000, rows).astype(np.uint32)),
    ]
    schema = pa.schema(
        [pa.field(name, array.type, nullable=False) for name, array in zip(SIZES, arrays, strict=True)],
        {"labels": '{"a": ["w", "x", "y", "z"]}', "sizes": str(SIZES).replace("'", '"')},
    )
    path = tmp_path_factory.mktemp("columns") / "serve.counting"
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, schema) as writer:
        writer.write_batch(pa.record_batch(arrays, schema=schema))
    return Columns(path)


def frame(columns: Columns) -> pd.DataFrame:
    return pd.DataFrame({name: columns[name].codes.astype(np.int64) for name in SIZES})


def counted(rows: Rows, *by: str) -> dict[tuple[int, ...], int]:
    found = rows.tally(*by)
    return dict(zip(zip(*(codes.tolist() for codes in found.codes), strict=True), found.n.tolist(), strict=True))


def truth(table: pd.DataFrame, *by: str) -> dict[tuple[int, ...], int]:
    sizes = table.groupby(list(by)).size()
    return {key if isinstance(key, tuple) else (key,): int(n) for key, n in sizes.items()}


@pytest.mark.parametrize("piece", [1000, 1 << 17])
@pytest.mark.parametrize("dense", [100, 1 << 24])
@pytest.mark.parametrize("nearly", [0.3, 0.6])
@given(
    wanted=st.lists(st.sets(st.integers(0, 4)), max_size=2),
    between=st.lists(st.tuples(st.integers(-10, 400), st.integers(-10, 400)), max_size=2),
    by=st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3, unique=True),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_way_of_counting_is_the_plain_one(
    columns: Columns, monkeypatch: pytest.MonkeyPatch, piece: int, dense: int, nearly: float,
    wanted: list[set[int]], between: list[tuple[int, int]], by: list[str],
) -> None:  # fmt: skip
    """Few rows and most of them, in one piece and in several, in an array and sorted, at once and step by step."""
    monkeypatch.setattr(tallying, "PIECE", piece)
    monkeypatch.setattr(tallying, "DENSE", dense)
    monkeypatch.setattr(tallying, "NEARLY", nearly)
    tests: list[Test | Between] = [Test(columns["a"], np.isin(np.arange(5), [*values])) for values in wanted]
    tests += [Between(columns["b"], low, high) for low, high in between]
    table = frame(columns)
    for values in wanted:
        table = table[table.a.isin(values)]
    for low, high in between:
        table = table[(table.b >= low) & (table.b <= high)]
    at_once, by_step = everything(columns).that(tests), everything(columns)
    for test in tests:
        by_step = by_step.that([test])
    for rows in (at_once, by_step):
        assert rows.n == len(table)
        assert counted(rows, *by) == truth(table, *by)
        assert rows.places().tolist() == table.index.tolist()
        read = [np.concatenate(part) for part in zip(*rows.pieces("b", "c"), strict=True)] or [np.array([])] * 2
        assert (read[0].tolist(), read[1].tolist()) == (table.b.tolist(), table.c.tolist())


def test_a_column_read_through_a_table_and_under_a_ceiling(columns: Columns) -> None:
    table = frame(columns)
    halves = columns["b"].through((np.arange(300) // 2).astype(np.uint8), 150)
    found = everything(columns).tally(halves)
    truly = (table.b // 2).value_counts().sort_index()
    assert (found.codes[0].tolist(), found.n.tolist()) == (truly.index.tolist(), truly.tolist())
    capped = columns["c"].below(1000)
    assert capped.size == 1001 and columns["c"].below(70_000) is columns["c"]
    found = everything(columns).tally(capped)
    assert found.n[-1] == (table.c >= 1000).sum() and found.codes[0][-1] == 1000
    twice = halves.through((np.arange(150) % 2).astype(np.uint8), 2)
    assert everything(columns).tally(twice).n.tolist() == [(table.b // 2 % 2 == k).sum() for k in (0, 1)]


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_chosen_rows_are_those_of_the_sql(release: Release, data: st.DataObject) -> None:
    """Whatever was asked before: rows of a narrower selection are found among those of a wider one."""
    asked = data.draw(st.lists(selections(release), min_size=1, max_size=3))
    release.forget()
    for selection in [*asked, narrower(asked[0])]:
        where, params = selection.where()
        expected = [rid for (rid,) in release.query(f"SELECT rid FROM requests WHERE {where} ORDER BY rid", params)]
        assert release.chosen(selection).places().tolist() == expected
        assert release.chosen(selection).n == len(expected)


@pytest.mark.parametrize("early", [True, False])
def test_days_before_1970_are_days_like_others(tmp_path: Path, early: bool) -> None:
    """Columns for counting cannot tell them apart."""
    days = ["1900-01-01", "1969-12-31", "1970-01-01", "1970-01-02"] if early else ["1970-01-02"]

    def change(db: duckdb.DuckDBPyConnection) -> None:
        for rid, day in enumerate(days, start=5):
            db.execute(
                f"UPDATE requests SET requested_date = DATE '{day}', requested_datetime = TIMESTAMP '{day} 05:00:00' "
                f"WHERE rid = {rid}"
            )

    build_release(tmp_path, rows=300, change=change)
    releases = Releases(tmp_path / "releases")
    release = releases.current()
    edges = [None, date(1899, 1, 1), *map(date.fromisoformat, days), date(2024, 1, 1), date(9999, 1, 1)]
    for start, end in product(edges, edges):
        if start and end and start > end:
            continue
        for status in ((), ("open",)):
            selection = Selection(from_date=start, to_date=end, status=status)
            where, params = selection.where()
            meant = [rid for (rid,) in release.query(f"SELECT rid FROM requests WHERE {where} ORDER BY rid", params)]
            assert release.chosen(selection).places().tolist() == meant, selection.to_query()
            tested = everything(release.counting).that(release.tests(selection))
            assert tested.places().tolist() == meant, selection.to_query()
    assert release.chosen(Selection(to_date=date(1969, 12, 31))).n == (2 if early else 0)
    releases.close()


def selections(release: Release) -> st.SearchStrategy[Selection]:
    def some(dimension: str) -> st.SearchStrategy[tuple[str, ...]]:
        return st.lists(st.sampled_from([*release.allowed(dimension), NOT_STATED]), max_size=3).map(tuple)

    day = st.none() | st.dates(pd.Timestamp("2021-06-01").date(), pd.Timestamp("2025-12-31").date())
    layers = [layer.layer for layer in release.layers]
    area = st.tuples(*(some(layer) for layer in layers)).map(
        lambda codes: tuple((layer, code) for layer, several in zip(layers, codes, strict=True) for code in several)
    )
    keys = {key: st.just(()) | some(key) for key in COLUMNS}
    return st.builds(Selection, **keys, area=area, from_date=day, to_date=day)


def narrower(selection: Selection) -> Selection:
    return selection.replace(status=("open",)) if not selection.status else selection


@given(st.data())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_a_selection_holds_is_part_of_it(release: Release, data: st.DataObject) -> None:
    one, other = data.draw(selections(release)), data.draw(selections(release))
    wide = one.replace(**dict.fromkeys(data.draw(st.sets(st.sampled_from([*COLUMNS, "area"]))), ()))
    assert wide.holds(one) and Selection().holds(one)
    if one.holds(other):
        inner = set(release.chosen(other).places().tolist())
        assert inner <= set(release.chosen(one).places().tolist())


def test_columns_for_counting_are_the_index(release: Release) -> None:
    rows = release.query(
        "SELECT service_code, ward, month, closed_month, elapsed_key, elapsed_coarse, on_time FROM requests ORDER BY rid"
    )
    counting = release.counting
    everywhere = slice(0, counting.rows)
    for i, name in enumerate(("service_code", "ward", "month", "closed_month")):
        labels = counting.labels(name)
        assert [labels[code] for code in counting[name].read(everywhere).tolist()] == [row[i] for row in rows]
    assert [(code - 1) if code else None for code in counting["elapsed_key"].read(everywhere).tolist()] == [
        row[4] for row in rows
    ]
    for i, name in ((5, "elapsed_coarse"), (6, "on_time")):
        labels = counting.labels(name)
        assert [labels[code] for code in counting[name].read(everywhere).tolist()] == [row[i] for row in rows]


def test_a_release_without_its_columns_is_told_to_be_published_again(tmp_path: Path) -> None:
    folder = build_release(tmp_path, rows=50)
    for broken in (lambda path: path.unlink(), lambda path: path.write_bytes(b"nothing of this kind")):
        whole = tmp_path / "whole"
        shutil.copytree(folder, whole)
        broken(whole / "serve.counting")
        with pytest.raises(NoRelease, match="publish it again"):
            Release(whole, PortalSettings())
        shutil.rmtree(whole)
    other = build_release(tmp_path / "other", rows=60)
    shutil.copy(other / "serve.counting", folder / "serve.counting")
    with pytest.raises(NoRelease, match="publish it again"):
        Release(folder, PortalSettings())
    Releases(tmp_path / "other" / "releases").close()


def test_no_code_is_misread_for_being_narrow() -> None:
    """A limit beyond the column's type selects nothing or everything, and does not wrap round."""
    column = Column(np.arange(256, dtype=np.uint8), 256)
    for low, high, n in (
        (0, 1000, 256),
        (-5, 3, 4),
        (256, 300, 0),
        (300, 200, 0),
        (10, 5, 0),
        (-9, -1, 0),
        (255, 255, 1),
    ):
        assert Between(column, low, high).passed(slice(0, 256)).sum() == n
    assert replace(column, ceiling=9, size=10).read(slice(0, 256)).max() == 9
