"""Progress of long work: a bar at a terminal, nothing in a log or where nobody asked.

Charter: how progress is shown. Steps report amounts; they never print.
"""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn


class Reporter(Protocol):
    """What the pipeline tells of its work."""

    def step(self, name: str, done: int, total: int | None = None) -> None:
        """`done` of `total` units of the named step; a new name ends the step before."""


class Silent:
    """A reporter that says nothing."""

    def step(self, name: str, done: int, total: int | None = None) -> None:
        """Say nothing."""


class Bars:
    """Bars at a terminal; away from one nothing: a log has events (etl.events) instead."""

    def __init__(self, console: Console | None = None) -> None:
        """Show on `console` (standard error, so that output can be piped)."""
        # By the stream itself: a variable such as FORCE_COLOR must not bring bars into a log.
        self._console = console = console or Console(stderr=True, force_terminal=sys.stderr.isatty())
        self._tasks: dict[str, TaskID] = {}
        self._bars = Progress(
            SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
            console=console, transient=True,
        )  # fmt: skip

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._bars.stop()

    def step(self, name: str, done: int, total: int | None = None) -> None:
        """Move the bar of a step; a new one takes the place of the one before."""
        if not self._console.is_terminal:
            return
        if name not in self._tasks:
            for task in self._tasks.values():
                self._bars.update(task, visible=False)
            self._tasks[name] = self._bars.add_task(name, total=total)
        self._bars.update(self._tasks[name], completed=done, total=total)
