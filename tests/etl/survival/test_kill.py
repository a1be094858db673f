"""SIGKILL at any moment: the store is of one run or of the other, one whole release is shown, the next run converges.

Two kinds of moments: random ones, spread over a run's whole time and over each of its phases; and, one by one, just
before every change that a run makes to a file or folder by its own hand.
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.etl.survival.conftest import MakeWorld
from tests.etl.survival.support import (
    STEPS,
    Driver,
    Expected,
    World,
    big_inputs,
    kill_later,
    observe,
    seeded,
)  # fmt: skip

FindExpected = Callable[[str], Expected]
KILLS = 46
"""For each store, with the small city; the big one adds four for each, which makes a hundred."""
BIG_KILLS = 4
BIG_ROWS = 20_000
IN_A_ROW = 4
"""Killed runs after one another before one is left to finish."""


def _moment(chance: random.Random, expected: Expected, step: int) -> tuple[str, float]:
    """Half of the kills anywhere in a run's time, half in a phase picked at random, be it ever so short."""
    if chance.random() < 0.5:
        return "", chance.random() * expected.seconds(step)
    phase, seconds = chance.choice(sorted(expected.phases(step).items()))
    return ("" if phase == "start" else phase), chance.random() * seconds


def _kill_again_and_again(
    world: World, expected: Expected, step: int, chance: random.Random, left: int, hit: Counter[str]
) -> int:
    """Kill runs of one step, look at what each left, and let one finish; returns how many were killed."""
    killed = 0
    for _ in range(min(left, chance.randint(1, IN_A_ROW))):
        phase, delay = _moment(chance, expected, step)
        code, at = kill_later(world.driver, world.job(step), phase, delay)
        assert code in (-9, 0), f"neither killed nor done: {code}"
        if code == -9:
            killed += 1
            hit[at] += 1
        world.must_be_whole(expected, (step - 1, step))
    world.complete(step)
    world.must_have_converged(expected, step)
    return killed


def test_a_run_that_is_killed_at_any_moment_leaves_all_or_nothing(
    kind: str, worlds: MakeWorld, expected: FindExpected, record_property: Callable[[str, object], None]
) -> None:
    chance, hit, killed, tries = seeded(kind), Counter[str](), 0, 0
    known = expected(kind)
    while killed < KILLS:
        tries += 1
        assert tries <= KILLS, f"kills come too late: {killed} of {KILLS} hit"
        world = worlds(kind)
        for step in STEPS:
            killed += _kill_again_and_again(world, known, step, chance, KILLS - killed, hit)
    record_property("killed_in", dict(hit))
    print(f"{kind}: {killed} kills: {dict(hit.most_common())}")
    assert {"fetch", "clean", "files", "validation"} & set(hit), "the kills missed the run"


def test_a_killed_run_of_a_bigger_city_leaves_all_or_nothing(
    kind: str, tmp_path: Path, driver: Driver, stores: Callable[[str, Path], str]
) -> None:
    """Transactions that take long enough to be hit in their middle."""
    yaml, inputs = big_inputs(tmp_path / "city", BIG_ROWS)

    def world(name: str) -> World:
        (tmp_path / name).mkdir()
        return World(tmp_path / name, stores(kind, tmp_path / name), yaml, inputs, driver)

    known = observe(world("calm"))
    troubled, chance = world("troubled"), seeded(f"big {kind}")
    for step in STEPS:
        for phase in ["transaction", "index"][: BIG_KILLS // 2]:
            delay = chance.uniform(0.1, 0.9) * known.phases(step)[phase]
            code, at = kill_later(driver, troubled.job(step), phase, delay)
            assert code == -9, f"it had ended before the kill; {at}"
            print(f"{kind}, {BIG_ROWS} rows: killed in {at}")
            troubled.must_be_whole(known, (step - 1, step))
        troubled.complete(step)
        troubled.must_have_converged(known, step)


@pytest.mark.parametrize("step", STEPS)
def test_a_kill_before_any_single_change_of_a_file_is_survived(
    step: int, tmp_path: Path, worlds: MakeWorld, expected: FindExpected
) -> None:
    """Exhaustive where chance is blind: renames and links are microseconds apart."""
    known = expected("sqlite")
    calm = worlds("sqlite")
    for before in range(1, step):
        calm.complete(before)
    count = tmp_path / "changes"
    assert calm.run(step, count=str(count))[0] == 0
    changes = count.read_text(encoding="utf-8").splitlines()
    points = [n for n, line in enumerate(changes, 1) if _worth(line, changes[: n - 1], step)]
    assert len(points) >= 8, changes
    before = worlds("sqlite")
    for earlier in range(1, step):
        before.complete(earlier)
    for number, point in enumerate(points):
        folder = before.folder.with_name(f"{before.folder.name}-{number}")
        shutil.copytree(before.folder, folder, symlinks=True)
        troubled = World(folder, f"sqlite:///{folder / 'store.sqlite'}", before.yaml, before.inputs, before.driver)
        code, _ = troubled.run(step, die_at=point)
        assert code == -9, f"point {point}, {changes[point - 1]}"
        if troubled.must_be_whole(known, (step - 1, step)) == step or number % 4 == 0:
            troubled.complete(step)
            troubled.must_have_converged(known, step)
        shutil.rmtree(folder)


def _worth(line: str, before: list[str], step: int) -> bool:
    """Not the same change of a scratch file, or of another source's copies, over and over."""
    where = ("/raw/calls/", "/releases") if step == 1 else ("/releases",)
    return any(part in line for part in where) and line not in before
