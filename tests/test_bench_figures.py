"""The benchmark of figures: what it tells, and that it would notice a database whose figures are others."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import openward
from etl.errors import StoreError
from etl.figures_in_postgis import figures_in_postgis, statement
from etl.figures_in_sql import FIGURES as STATEMENTS
from portal import queries
from portal.bench_agreement import differences
from portal.bench_figures import Asked, bench_figures, rows_for_rival
from portal.bench_questions import FIGURES, card
from portal.queries.scans import OUTCOMES
from portal.release import Release, Releases
from tests.release_factory import build_release


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    """A release whose requests are linked to one another, large enough for groups whose medians are compared."""
    root = tmp_path_factory.mktemp("figures")
    build_release(root, rows=20_000, incidents=True)
    releases = Releases(root / "releases")
    yield releases.current()
    releases.close()


def test_the_command_tells_each_figure_with_its_limit(release: Release) -> None:
    result = CliRunner().invoke(openward.main, ["bench", "figures", str(release.folder.parent), "--repeat", "2"])
    assert result.exit_code == 0, result.output
    lines = {line[:30].strip(): line[30:].split() for line in result.output.splitlines()}
    for name in (*FIGURES, "report card, department", "report card, ward", "all report cards", "all single figures"):
        *numbers, cpu, limit, told = lines[name]
        assert float(cpu) > 0, name
        assert [float(n) for n in numbers] == sorted(float(n) for n in numbers), name  # p50, p95, max
        assert limit == ("300" if "card" in name else "100")
        assert told == ("pass" if float(numbers[1]) <= float(limit) else "FAIL")
    assert "20,000 requests, 2 selections of each" in result.output
    assert "SQL" not in result.output


def test_a_slow_figure_fails_and_so_does_one_that_is_not_ten_times_as_fast() -> None:
    assert Asked("totals", 100.0, [50.0] * 19 + [99.0], [60.0]).line().endswith("pass")
    assert Asked("totals", 100.0, [50.0] * 18 + [101.0] * 2, [60.0]).line().endswith("FAIL")
    fast = Asked("totals", 100.0, [10.0, 20.0], [60.0], [(10.0, 100.0), (20.0, 210.0)])
    assert fast.beside().endswith("pass")
    assert replace(fast, beside_ms=[(10.0, 100.0), (20.0, 190.0)]).beside().endswith("FAIL")
    assert replace(fast, differences=["counts"]).beside().endswith("DIFFERENT FIGURES")


def test_every_part_of_every_question_has_its_statement(release: Release) -> None:
    rng = random.Random(3)  # noqa: S311 - nothing secret
    questions = [make(release, rng) for make in FIGURES.values()] + [card(release, "ward", rng)]
    asked = set()
    for question in questions:
        assert question is not None
        for part in question.parts:
            where, values = part.selection.where()
            sql, params = statement(part.figure, where, values, part.more)
            assert sql % dict.fromkeys(params, "1")  # every name that it asks for is given
            asked.add(part.figure)
    assert asked == set(STATEMENTS)


def test_values_reach_sql_as_parameters() -> None:
    sql, params = statement("totals", '"department" = ? AND ("ward" = ? OR "ward" IS NULL)', ["it's", "%"], {})
    assert sql.endswith('"department" = %(v0)s AND ("ward" = %(v1)s OR "ward" IS NULL)')
    assert params == {"v0": "it's", "v1": "%"}
    with pytest.raises(ValueError, match="1 places for 0 values"):
        statement("totals", "department = ?", [], {})


def test_differences_are_noticed(release: Release) -> None:
    ours = queries.totals(release)
    row = (
        ours.requests, ours.open, ours.closed, *(ours.outcomes[name] for name in OUTCOMES), ours.on_time, ours.late,
        ours.pending, ours.no_standard, ours.located, ours.excluded_from_response,
    )  # fmt: skip
    assert differences("totals", ours, [row]) == []
    for i in range(len(row)):
        assert differences("totals", ours, [(*row[:i], row[i] + 1, *row[i + 1 :])]), i
    response = queries.response(release)
    minutes = [round((q.hours or 0) * 60) for q in response.quantiles.values()]
    closed_only = round((response.closed_only_median_hours or 0) * 60)
    right = (response.n, response.events, *minutes, closed_only)
    assert differences("response", response, [right]) == []
    for i in range(len(right)):
        assert differences("response", response, [(*right[:i], right[i] + 1, *right[i + 1 :])]), i


def test_postgis_gives_the_same_figures(release: Release, postgis_url: str) -> None:
    said: list[str] = []
    with figures_in_postgis(postgis_url, *rows_for_rival(release), say=said.append) as ask:
        found = bench_figures(release, 4, seed=5, say=said.append, rival=ask, rival_n=4)
    assert "20,000 rows copied into PostGIS, all" in said[0]
    assert [text for asked in found for text in asked.differences] == []
    alone = {
        "reporting",
        "year ago",
        "a page of a list",
        "near a place",
    }  # not asked of the rival, or not of every draw
    assert {a.name for a in found if a.beside_ms} >= {*FIGURES, "report card, ward"} - alone
    assert any("asked of PostGIS in SQL" in line for line in said)


def test_a_postgis_with_other_rows_is_noticed(release: Release, postgis_url: str) -> None:
    batches, filtered = rows_for_rival(release)
    less = batches.from_batches(batches.schema, (batch.slice(0, batch.num_rows - 500) for batch in batches))
    said: list[Any] = []
    with figures_in_postgis(postgis_url, less, filtered, say=said.append) as ask:
        found = bench_figures(release, 4, seed=5, say=said.append, rival=ask, rival_n=4)
    noticed = {asked.name for asked in found if asked.differences}
    assert noticed >= {"totals", "response time", "by service", "monthly", "compare, all areas", "report card, ward"}
    assert any(line.startswith("DIFFERENT: totals: ") for line in said)


def test_a_server_that_cannot_be_used_is_one_clear_error(release: Release, tmp_path: Path) -> None:
    nowhere = f"postgresql://nobody@/none?host={tmp_path}"
    with pytest.raises(StoreError, match="cannot be used"), figures_in_postgis(nowhere, *rows_for_rival(release)):
        pass
