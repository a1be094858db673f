"""SIGKILL where it hurts: in the middle of a bigger transaction, and before every single change of a file.

Why: renames and links are microseconds apart, so that random kills (test_kill.py) seldom fall between two of them;
and a small city's transactions are too short to be hit at all their moments.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from etl.extract.raw import RawArchive
from tests.etl.survival.conftest import MakeWorld
from tests.etl.survival.support import STEPS, Driver, Expected, World, big_inputs, kill_later, observe, seeded

FindExpected = Callable[[str], Expected]
BIG_KILLS = 4
"""For each store."""
BIG_ROWS = 20_000


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
    where = ("/raw/calls/", "/.current-", "/chain.jsonl") if step == 1 else ("/releases",)
    return any(part in line for part in where) and line not in before


def test_a_copy_that_was_being_deleted_when_the_run_was_killed_is_out_of_sight(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive, now = RawArchive(tmp_path), dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    for day in range(2):
        writer = archive.begin("calls", "file", f"{day}", now + dt.timedelta(days=day))
        writer.add("a.csv", f"{day}".encode())
        writer.add("b.csv", b"b")
        writer.finish(whole=True)
    old, new = archive.copies("calls")

    def killed(folder: Path, **_options: object) -> None:
        if not folder.exists():
            return
        (folder / "manifest.json").unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            archive.prune("calls", new.fetched, frozenset())
    assert [copy.name for copy in archive.copies("calls")] == [new.name]
    assert archive.prune("calls", new.fetched, frozenset()) == []
    assert [path.name for path in (tmp_path / "calls").iterdir()] == [new.name], f"{old.name} is not all gone"
