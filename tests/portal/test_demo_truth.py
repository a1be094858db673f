"""The demo city's figures against the truth that is planted in it: what was open, and how readily people report."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from etl.demo import DemoFiles, generate
from openward import main
from portal import queries
from portal.queries.control import open_ages
from portal.queries.month_numbers import first_day, month_number
from portal.release import Release, Releases
from portal.selection import Selection


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> DemoFiles:
    return generate(tmp_path_factory.mktemp("demo"), requests=60_000, seed=7)


@pytest.fixture(scope="module")
def demo(files: DemoFiles, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    """The demo city as it is published."""
    home: Path = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENWARD_HOME", str(home))
        result = CliRunner().invoke(main, ["etl", "run", str(files.city)])
    assert result.exit_code == 0, result.output
    releases = Releases(home / "demo" / "releases")
    yield releases.current()
    releases.close()


@pytest.mark.parametrize("query", ["", "area=council_district:6", "department=PWD"])
def test_what_was_open_is_one_number_at_the_end_of_every_month(demo: Release, query: str) -> None:
    selection = Selection.from_query(query, demo)
    rows = open_ages(demo, selection)
    assert len(rows) == 36
    for row in rows:
        day = first_day(month_number(row.month) + 1) - timedelta(days=1)
        assert row.open == queries.backlog(demo, selection, day).open, row.month


def test_a_planted_ratio_of_three_is_found_also_where_things_last_longer(demo: Release, files: DemoFiles) -> None:
    """Riverside lies in the district where everything takes 1.6 times as long; the demo's reports come early."""
    truth = json.loads(files.truth.read_text(encoding="utf-8"))["reporting_rates"]["by_neighborhood"]
    rows = {row.name: row for row in queries.reporting(demo, Selection(), "neighborhood")}
    alike = [row for name, row in rows.items() if name not in truth and abs(row.lasting - 1) < 0.05]
    assert len(alike) > 12
    by_thing, by_day = (np.mean([getattr(r, kind).value for r in alike]) for kind in ("per_thing", "ratio"))
    for name, planted in truth.items():
        assert rows[name].per_thing.value / by_thing == pytest.approx(planted, rel=0.15), name
    longer = rows["Riverside"]
    assert longer.lasting > 1.1 and longer.ratio.value / by_day < 0.85 * truth["Riverside"]
    assert all(rows[name].lasting < 1.05 for name in ("North End", "Southfield"))
