"""Two runs at once, started at the same moment: one works, the other says at once that it cannot."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from tests.etl.survival.conftest import MakeWorld
from tests.etl.survival.support import Expected, World, said, wait_for_phase

FindExpected = Callable[[str], Expected]
BUSY = 7
ROUNDS = 5
"""For each store."""


def _both(world: World, step: int, number: int) -> list[tuple[int, dict[str, object]]]:
    gate = world.yaml.with_name(f"gate-{world.folder.name}-{number}")
    jobs = [world.job(step, name, gate=str(gate)) for name in ("one", "two")]
    pids = [world.driver.start(job) for job in jobs]
    gate.touch()
    return [(world.driver.wait(pid), said(job)) for pid, job in zip(pids, jobs, strict=True)]


def test_of_two_runs_one_works_and_the_other_is_refused(kind: str, worlds: MakeWorld, expected: FindExpected) -> None:
    known, world = expected(kind), worlds(kind)
    refused = 0
    for number in range(ROUNDS):  # the first two bring the inputs, the others find nothing to do
        step = min(number + 1, 2)
        ended = _both(world, step, number)
        codes = sorted(code for code, _ in ended)
        assert codes in ([0, BUSY], [0, 0]), ended
        for code, told in ended:
            assert told["stderr"] == ""
            if code == BUSY:
                refused += 1
                assert told["kind"] == "BusyError" and "another run of 'twin'" in str(told["error"])
        world.must_have_converged(known, step)
    assert refused >= 2, "the two never met"


def test_a_second_run_is_refused_whatever_the_first_is_doing_and_let_in_once_it_is_killed(
    kind: str, worlds: MakeWorld, expected: FindExpected
) -> None:
    known, world = expected(kind), worlds(kind)
    for step, phase in ((1, "fetch"), (1, "transaction"), (2, "stage"), (2, "files")):
        job = world.job(step, "first")
        pid = world.driver.start(job)
        assert wait_for_phase(pid, job, phase)
        os.kill(pid, signal.SIGSTOP)  # it holds its lock for as long as it is looked at
        code, told = world.run(step)
        assert code == BUSY, told
        os.kill(pid, signal.SIGKILL)
        assert world.driver.wait(pid) == -signal.SIGKILL
        if phase in ("transaction", "files"):
            world.complete(step)
            world.must_have_converged(known, step)
