"""Small cells: what is hidden, and that an attacker with every published sum cannot bring one back."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest

from etl.privacy.cells import Suppressed, suppress

MINIMUM = 5


def _table(counts: np.ndarray) -> pa.Table:
    rows = list(itertools.product(*(range(n) for n in counts.shape)))
    names = "abc"[: counts.ndim]
    columns = {name: [f"{name}{row[i]}" for row in rows] for i, name in enumerate(names)}
    return pa.table(columns | {"n": counts.ravel().astype(np.int64)})


def _margins(dimensions: int) -> list[tuple[str, ...]]:
    names = "abc"[:dimensions]
    return [m for size in range(dimensions) for m in itertools.combinations(names, size)]


def _attack(counts: np.ndarray, margins: Sequence[tuple[str, ...]], got: Suppressed) -> list[tuple[float, float]]:
    """Bounds of every hidden cell by linear programming over all that is published, knowing that it is at least 1."""
    optimize = pytest.importorskip("scipy.optimize")
    shown = got.table["n"].to_pylist()
    cells = len(shown)
    equations, totals = [], []
    for i, value in enumerate(shown):
        if value is not None:
            equations.append(np.eye(cells)[i])
            totals.append(value)
    axes = {name: np.unravel_index(np.arange(cells), counts.shape)[i] for i, name in enumerate("abc"[: counts.ndim])}
    for margin in margins:
        for row in got.margins[margin].to_pylist():
            if row["n"] is not None:
                members = np.ones(cells, dtype=bool)
                for name in margin:
                    members &= axes[name] == int(row[name][1:])
                equations.append(members.astype(float))
                totals.append(row["n"])
    hidden = [i for i, value in enumerate(shown) if value is None]
    least = 1 if all(counts.ravel()[hidden] > 0) else 0
    limits = [(least if i in hidden else 0, None) for i in range(cells)]
    found = []
    for i in hidden:
        ends = []
        for sign in (1, -1):
            answer = optimize.linprog(
                sign * np.eye(cells)[i], A_eq=np.array(equations) if equations else None,
                b_eq=np.array(totals) if totals else None, bounds=limits,
            )  # fmt: skip
            ends.append(np.inf if answer.status == 3 else sign * answer.fun)
        found.append((ends[0], ends[1]))
    return found


def test_counts_of_few_are_hidden_and_zeros_and_many_are_not() -> None:
    got = suppress(_table(np.array([0, 1, 4, 5, 60])), ["n"], ["a"], MINIMUM)
    assert got.table["n"].to_pylist() == [0, None, None, 5, 60]
    assert got.table["suppressed"].to_pylist() == [False, True, True, False, False]
    assert got.margins[()].to_pylist() == [{"n": 70, "suppressed": False}]
    assert (got.hidden, got.complementary) == (2, 0)


def test_one_hidden_cell_takes_the_next_smallest_with_it() -> None:
    got = suppress(_table(np.array([2, 9, 7, 60])), ["n"], ["a"], MINIMUM)
    assert got.table["n"].to_pylist() == [None, 9, None, 60]
    assert got.complementary == 1


def test_two_that_come_to_too_little_take_a_third() -> None:
    got = suppress(_table(np.array([1, 1, 7, 60])), ["n"], ["a"], MINIMUM)
    assert got.table["n"].to_pylist() == [None, None, None, 60]
    # five ones: their sum is the minimum, and says that each is 1
    got = suppress(_table(np.array([1, 1, 1, 1, 1, 60])), ["n"], ["a"], MINIMUM)
    assert got.table["n"].to_pylist()[-1] is None or got.margins[()]["n"].to_pylist() == [None]


def test_a_total_that_is_itself_small_is_hidden() -> None:
    got = suppress(_table(np.array([3, 0, 0])), ["n"], ["a"], MINIMUM)
    assert got.margins[()]["n"].to_pylist() == [None]
    assert got.table["n"].to_pylist() == [None, 0, 0]


def test_totals_and_their_parts_in_columns() -> None:
    table = pa.table({"m": ["1", "2"], "requests": [40, 50], "open": [2, 30], "closed": [38, 20]})
    got = suppress(
        table, ["requests", "open", "closed"], ["m"], MINIMUM, parts={"requests": ("open", "closed")}
    ).table.to_pylist()
    assert got[0]["open"] is got[0]["closed"] is None
    assert got[0]["requests"] == 40
    # else the columns' totals would give the first row away
    assert sum(got[1][name] is None for name in ("requests", "open", "closed")) >= 2
    assert got[1]["suppressed"]


def test_a_table_without_small_cells_stays() -> None:
    table = _table(np.array([[0, 5], [70, 8]]))
    got = suppress(table, ["n"], ["a", "b"], MINIMUM, _margins(2))
    assert got.table.drop_columns(["suppressed"]).equals(table)
    assert got.hidden == 0


def test_nulls_stay_null_and_empty_tables_empty() -> None:
    table = pa.table({"a": ["x", "y", "z"], "n": pa.array([None, 3, 60], pa.int32())})
    got = suppress(table, ["n"], ["a"], MINIMUM)
    assert got.table.schema.field("n").type == pa.int32()
    assert got.table["n"].to_pylist()[:2] == [None, None]
    assert len(suppress(table.slice(0, 0), ["n"], ["a"], MINIMUM).table) == 0


@pytest.mark.parametrize("shape", [(6,), (4, 5), (7, 3), (2, 3, 4)])
def test_no_hidden_cell_can_be_worked_out(shape: tuple[int, ...]) -> None:
    random = np.random.default_rng(sum(shape))
    margins = _margins(len(shape))
    hidden = 0
    for _ in range(12):
        counts = random.negative_binomial(1, random.uniform(0.05, 0.4), shape)
        got = suppress(_table(counts), ["n"], list("abc"[: len(shape)]), MINIMUM, margins)
        for truth, shown in zip(counts.ravel(), got.table["n"].to_pylist(), strict=True):
            assert shown is None or (shown == truth and not 0 < shown < MINIMUM)
        for low, high in _attack(counts, margins, got):
            hidden += 1
            assert high - low >= 1 - 1e-6
    assert hidden > 0


def test_the_same_table_is_always_hidden_in_the_same_way() -> None:
    counts = np.random.default_rng(1).negative_binomial(1, 0.1, (12, 20))
    one, other = (suppress(_table(counts), ["n"], ["a", "b"], MINIMUM, _margins(2)) for _ in range(2))
    assert one.table.equals(other.table)


def test_sixty_months_of_forty_services_are_hidden_at_all() -> None:
    counts = np.random.default_rng(2).negative_binomial(1, 0.03, (60, 40))
    got = suppress(_table(counts), ["n"], ["a", "b"], MINIMUM, _margins(2))
    assert got.hidden > 100
