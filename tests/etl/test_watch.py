"""A steady schedule: what is due when, what a failed run means for the next one, and how it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from etl import events
from etl.errors import BusyError, ConfigError, StoreError
from etl.watch import Watch, seconds_of
from geo.errors import GeoError
from tests.etl.conftest import TinyCity
from tests.etl.operating import Operated, operate

REPO = Path(__file__).parents[2]
Rows = list[dict[str, str]]


class Clock:
    """Time that passes only while someone sleeps or works."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


@pytest.fixture
def log() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    stream = StringIO()
    events.log_to(stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    events.silence()


def _watch(every: float, turns: list[Any], clock: Clock, chance: float = 0.0) -> list[float]:
    """Moments at which turns began; each turn takes so many seconds or raises what is given; then it is stopped."""
    begun: list[float] = []

    def turn() -> None:
        begun.append(clock.now)
        what = turns[len(begun) - 1]
        if len(begun) == len(turns):
            watch.stop()
        if isinstance(what, BaseException):
            raise what
        clock.now += what

    watch = Watch(every, turn, clock=clock, sleep=clock.sleep, chance=lambda: chance)
    assert watch.run() == len(turns)
    return begun


def test_it_runs_at_once_and_then_on_a_grid_that_lateness_does_not_shift() -> None:
    begun = _watch(100, [30, 99, 0, 50], Clock())
    assert begun == pytest.approx([1000, 1100, 1200, 1300], abs=1e-6)


def test_turns_that_a_long_run_has_missed_are_left_out_not_made_up_for() -> None:
    assert _watch(100, [250, 0, 0], Clock()) == pytest.approx([1000, 1300, 1400], abs=1e-6)


def test_chance_moves_a_turn_a_little_and_never_the_grid() -> None:
    begun = _watch(100, [0, 0, 0], Clock(), chance=1.0)
    assert begun == pytest.approx([1000, 1102, 1202], abs=1e-6)
    slow = _watch(86_400, [0, 0], Clock(), chance=1.0)
    assert slow[1] - slow[0] == pytest.approx(86_410, abs=1e-3)


def test_errors_that_are_known_are_logged_and_survived(log: Callable[[], list[dict[str, Any]]]) -> None:
    wrong = [ConfigError("bad.yaml: is bad"), StoreError("down"), GeoError("no shape"), OSError("full"), 0]
    assert len(_watch(100, wrong, Clock())) == 5
    failed = [(e["exit_code"], e["error"], e["level"]) for e in log() if e["event"] == "watch_turn_failed"]
    assert failed == [
        (2, "bad.yaml: is bad", "error"), (5, "down", "error"), (5, "no shape", "error"), (5, "full", "error"),
    ]  # fmt: skip


def test_a_run_of_someone_else_is_skipped_and_told(log: Callable[[], list[dict[str, Any]]]) -> None:
    _watch(100, [BusyError("another run of 'twin' is under way"), 0], Clock())
    told = [e["event"] for e in log()]
    assert told == ["watch_started", "watch_skipped", "watch_waiting", "watch_stopped"]


def test_a_mistake_of_our_own_ends_the_watch() -> None:
    with pytest.raises(ZeroDivisionError):
        _watch(100, [ZeroDivisionError()], Clock())


def test_a_stop_while_waiting_is_heeded_soon() -> None:
    clock, turns = Clock(), []

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        if clock.now > 1003:
            watch.stop()

    watch = Watch(900, lambda: turns.append(1), clock=clock, sleep=sleep)
    assert watch.run() == 1
    assert clock.now < 1004


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("15m", 900), ("2h", 7200), ("1d", 86400), (" 1.5H ", 5400)]
)
def test_durations(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "15", "m", "9s", "0m", "-1h", "400d", "15 min", "1e3s", "nan"])
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"such as 90s, 15m, 2h or 1d|must be between 10s and 366d"):
        seconds_of(text)


# --- as a process -------------------------------------------------------------------------------


def _started(*command: str | Path, **env: str) -> subprocess.Popen[str]:
    whole = {**os.environ, "PYTHONPATH": str(REPO), "PYTHONUNBUFFERED": "1", **env}
    return subprocess.Popen(
        [sys.executable, *map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=whole
    )


def _until(process: subprocess.Popen[str], event: str) -> list[str]:
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if f'"{event}"' in line:
            return lines
    raise AssertionError(f"no {event}: {lines}")


@pytest.fixture
def city(tiny: TinyCity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operated:
    return operate(tiny, tmp_path / "home", monkeypatch)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_watch_loads_waits_and_ends_well_on_a_signal(city: Operated, rows: Rows, number: signal.Signals) -> None:
    file = city.tiny.write(rows)
    process = _started(
        "-m", "openward", "etl", "watch", city.tiny.yaml, "--every", "1h", "--input", f"calls={file}", "--log", "json"
    )
    try:
        seen = _until(process, "watch_waiting")
        assert any('"release_published"' in line for line in seen)
        asked = time.monotonic()
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
        assert time.monotonic() - asked < 10
    finally:
        process.kill()
    assert process.returncode == 0
    assert json.loads(err.splitlines()[-1])["event"] == "watch_stopped"
    assert out == "", "a service's output is its log"
    assert city.current.name


LONG = """
import time
from etl import events
from etl.watch import Watch
events.log_to()
def turn():
    events.emit("turn_began")
    end = time.monotonic() + {seconds}
    while time.monotonic() < end:
        time.sleep(0.05)
    events.emit("turn_ended")
watch = Watch(3600, turn)
with watch.signals():
    watch.run()
"""


def test_the_first_signal_lets_a_run_finish() -> None:
    process = _started("-c", LONG.format(seconds=1.5))
    _until(process, "turn_began")
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 0
    assert re.findall(r'"event": "(\w+)"', err) == ["turn_ended", "watch_stopped"]


def test_the_second_signal_does_not_wait() -> None:
    process = _started("-c", LONG.format(seconds=60))
    _until(process, "turn_began")
    process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode == -signal.SIGTERM


def test_signals_are_as_before_when_the_watch_is_over() -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    with Watch(100, lambda: None).signals():
        assert signal.getsignal(signal.SIGTERM) != before[0]
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def test_the_yaml_is_read_again_before_each_run(
    city: Operated, rows: Rows, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Three turns: a broken YAML, a whole one, and one with another name of the city."""
    file = city.tiny.write(rows)
    whole = city.tiny.yaml.read_text()
    texts = iter(["city: [", whole, whole.replace("name: Twin Squares", "name: Twin Circles")])
    made: list[Watch] = []

    def three(self: Watch) -> int:
        made.append(self)
        for text in texts:
            city.tiny.yaml.write_text(text)
            self._take(1)
        return 3

    monkeypatch.setattr(Watch, "run", three)
    metrics = tmp_path / "openward.prom"
    told = city.etl("watch", "--every", "10s", "--input", f"calls={file}", "--metrics-file", metrics)
    assert told.code == 0 and len(made) == 1
    assert [e["exit_code"] for e in told.named("watch_turn_failed")] == [2]
    assert len(told.named("release_published")) == 2
    package = json.loads((city.current / "datapackage.json").read_text())
    assert package["openward"]["city"]["name"] == "Twin Circles"
    assert 'openward_run_last_exit_code{city="twin"} 0.0' in metrics.read_text()


@pytest.mark.parametrize(("option", "value"), [("--every", "5s"), ("--every", "soon"), ("--metrics", "here")])
def test_bad_options_are_refused(city: Operated, rows: Rows, option: str, value: str) -> None:
    city.tiny.write(rows)
    told = city.etl("watch", option, value)
    assert told.code == 2 and f"'{value}'" in told.err
