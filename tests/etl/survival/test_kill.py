"""SIGKILL at any moment: the store is of one run or of the other, one whole release is shown, the next run converges.

The moments are random, spread over a run's whole time and over each of its phases. Bigger transactions and the
microseconds that chance does not hit are in test_kill_points.py.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

from tests.etl.survival.conftest import MakeWorld
from tests.etl.survival.support import (
    STEPS,
    Expected,
    World,
    kill_later,
    seeded,
)  # fmt: skip

FindExpected = Callable[[str], Expected]
KILLS = 46
"""For each store, with the small city; the bigger one (test_kill_points.py) adds four for each: a hundred in all."""
IN_A_ROW = (3, 7)
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
    for _ in range(min(left, chance.randint(*IN_A_ROW))):
        phase, delay = _moment(chance, expected, step)
        code, at = kill_later(world.driver, world.job(step), phase, delay)
        assert code in (-9, 0), f"neither killed nor done: {code}"
        if code == -9:
            killed += 1
            hit[at] += 1
        world.must_be_whole(expected, (step - 1, step))
        if code == 0:
            break  # it was quicker than the kill
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
