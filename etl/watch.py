"""Running on a steady schedule until told to stop, whatever happens to a single run.

Charter: when the next run is due, what a failed run means for the ones after
it, and signals. What a run does is handed in.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import random
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from etl.errors import BusyError, EtlError
from etl.events import emit, is_structured
from geo.errors import GeoError

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
DURATION = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
SHORTEST, LONGEST = 10.0, 366 * 86400.0
SLICE = 0.5
"""Seconds of one nap: no longer than this passes between a signal and the end."""
JITTER = 0.02
MOST_JITTER = 10.0
"""A little chance, so that many cities on one machine do not ask one portal at the very same second."""
SURVIVED = (EtlError, GeoError, OSError)


def seconds_of(text: str) -> float:
    """Seconds of a duration such as 90s, 15m, 2h or 1d; ValueError tells what is wrong with another.

    >>> seconds_of("15m")
    900.0
    >>> seconds_of("1.5h")
    5400.0
    """
    found = DURATION.fullmatch(text.strip().lower())
    if found is None:
        raise ValueError(f"'{text}' is not a duration such as 90s, 15m, 2h or 1d")
    seconds = float(found[1]) * UNITS[found[2]]
    if not SHORTEST <= seconds <= LONGEST:
        raise ValueError(f"'{text}' must be between {SHORTEST:g}s and {LONGEST / UNITS['d']:g}d")
    return seconds


class Watch:
    """Turns at start, start + every, start + 2 · every, …; those that a long turn has missed are left out."""

    def __init__(
        self,
        every: float,
        turn: Callable[[], object],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`turn` is one whole run; `clock` and `sleep` are in seconds, `chance` gives 0 to 1."""
        self._every, self._turn = every, turn
        self._clock, self._sleep, self._chance = clock, sleep, chance
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Make no further turn; one that is under way is finished."""
        self._stopping.set()

    def run(self) -> int:
        """Take turns until `stop`; returns how many there were."""
        start, turns = self._clock(), 0
        emit("watch_started", every_seconds=self._every)
        while not self._stopping.is_set():
            turns += 1
            self._take(turns)
            self._wait_for(self._next(start))
        emit("watch_stopped", turns=turns)
        return turns

    def _take(self, number: int) -> None:
        try:
            self._turn()
        except BusyError as error:
            emit("watch_skipped", level=logging.WARNING, turn=number, error=str(error))
        except SURVIVED as error:
            code = error.exit_code if isinstance(error, EtlError) else 5
            emit("watch_turn_failed", level=logging.ERROR, turn=number, exit_code=code, error=str(error))

    def _next(self, start: float) -> float:
        """When the next turn is due: on the grid of the first one, so that lateness does not add up."""
        passed = int((self._clock() - start) / self._every) + 1
        return start + passed * self._every + self._chance() * min(MOST_JITTER, JITTER * self._every)

    def _wait_for(self, due: float) -> None:
        if self._stopping.is_set():
            return
        left = due - self._clock()
        when = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=left)
        emit("watch_waiting", seconds=round(left, 1), next=f"{when:%Y-%m-%dT%H:%M:%SZ}")
        while not self._stopping.is_set() and (left := due - self._clock()) > 0:
            self._sleep(min(SLICE, left))

    @contextmanager
    def signals(self) -> Iterator[None]:
        """The first SIGTERM or SIGINT stops after the current turn; the second one ends the process at once.

        The second is left to the system, so that it works in the midst of a long query too. Nothing is half-written:
        transactions are undone, a release counts only when it is promoted, locks end with their process.
        """
        told = (signal.SIGTERM, signal.SIGINT)

        def first(_number: int, _frame: FrameType | None) -> None:
            self.stop()
            for number in told:
                signal.signal(number, signal.SIG_DFL)
            if not is_structured():
                # Not by the log: the signal may have come while it was writing.
                os.write(2, b"\nopenward: stops after this run; once more stops it at once\n")

        before = {number: signal.signal(number, first) for number in told}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
