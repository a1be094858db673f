"""The disk fills up: one line, nothing half-written, the release that was there stays, the next run converges.

The city's folder lies on a small file system of its own (tmpfs) where the test may mount one. Where it may not, files
may only grow to a limit (RLIMIT_FSIZE), which is the same to the code that writes: a write that does not go through.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.etl.survival.conftest import MakeWorld
from tests.etl.survival.support import STEPS, Expected, World, read_marks, said

FindExpected = Callable[[str], Expected]
STORE_ERROR = 5
SHARES = (0.0, 0.02, 0.1, 0.3, 0.6, 0.85)
"""How much of the space that an undisturbed run needs there is."""
AMPLE = 256 << 20
GRAIN = 4096


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path | None]:
    """A file system of its own, or None where none may be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={AMPLE}", "tmpfs", str(folder)]
    done = subprocess.run(command, check=False, capture_output=True) if os.geteuid() == 0 and _is_linux() else None
    if done is None or done.returncode != 0:
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def _is_linux() -> bool:
    return os.uname().sysname == "Linux" and shutil.which("mount") is not None


def _free(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def _phase(job: dict[str, object]) -> str:
    """Where a run failed: the last phase but for the note and the status that it tries to leave behind."""
    marks = [mark for mark in read_marks(job) if mark != "status"]
    if marks and marks[-1] == "transaction":
        marks.pop()
    return marks[-1] if marks else "start"


class Hog:
    """Takes up space, so that so many bytes are left."""

    def __init__(self, disk: Path) -> None:
        self._disk, self._file = disk, disk / "hog"

    def leave(self, size: int) -> None:
        """Take all but `size` bytes."""
        with self._file.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(_free(self._disk) - size, GRAIN))

    def go(self) -> None:
        """Give it back."""
        self._file.unlink(missing_ok=True)


def _must_say_one_line(code: int, job: dict[str, object]) -> None:
    told = said(job)
    assert code == STORE_ERROR, told
    assert told["kind"] == "StoreError" and "\n" not in str(told["error"]) and len(str(told["error"])) < 500
    assert told["stderr"] == "", "more than one line"


def test_a_full_disk_leaves_all_or_nothing(
    kind: str, small_disk: Path | None, worlds: MakeWorld, expected: FindExpected,
    record_property: Callable[[str, object], None],
) -> None:  # fmt: skip
    known, hit = expected(kind), Counter[str]()
    world = worlds(kind)
    if small_disk is None:
        _by_limited_files(world, known, hit)
    else:
        folder = small_disk / "city"
        folder.mkdir()
        store = world.store if world.postgres else f"sqlite:///{folder / 'store.sqlite'}"
        moved = World(folder, store, world.yaml, world.inputs, world.driver)
        _by_a_small_disk(moved, small_disk, known, hit, world.folder)
    print(f"{kind}: ran out of space in {dict(hit)}")
    record_property("full_in", dict(hit))
    assert sum(hit.values()) >= 4 and len(hit) >= 2, f"the disk never was full where it matters: {hit}"


def _needed(kin: World, expected: Expected) -> int:
    """About how much a city takes in the end, store and all."""
    return sum(p.stat().st_size for p in kin.folder.rglob("*") if p.is_file() and not p.is_symlink())


def _by_a_small_disk(world: World, disk: Path, known: Expected, hit: Counter[str], scratch: Path) -> None:
    hog = Hog(disk)
    calm = World(disk / "calm", f"sqlite:///{disk / 'calm' / 'store.sqlite'}", world.yaml, world.inputs, world.driver)
    calm.folder.mkdir()
    if world.postgres:  # the space of a city whose store is elsewhere
        calm = World(calm.folder, f"sqlite:///{scratch / 'aside.sqlite'}", world.yaml, world.inputs, world.driver)
    for step in STEPS:
        before = _free(disk)
        calm.complete(step)
        need = before - _free(disk)
        for share in SHARES:
            hog.leave(int(need * share))
            job = world.job(step)
            code = world.driver.wait(world.driver.start(job))
            hog.go()
            if code == 0:
                break  # what the ones before it had kept was enough
            hit[_phase(job)] += 1
            _must_say_one_line(code, job)
            world.must_be_whole(known, (step - 1, step))
        world.complete(step)
        world.must_have_converged(known, step)


def _by_limited_files(world: World, known: Expected, hit: Counter[str]) -> None:
    for step in STEPS:
        for largest in (0, 2_000, 30_000, 100_000, 250_000):
            job = world.job(step, largest_file=largest or 1)
            code = world.driver.wait(world.driver.start(job))
            if code != 0:
                hit[_phase(job)] += 1
                assert code == STORE_ERROR
            world.must_be_whole(known, (step - 1, step))
        world.complete(step)
        world.must_have_converged(known, step)
