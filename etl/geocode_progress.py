"""The bar of `openward geocode`: how far, how many rows, how fast.

Charter: shown at a terminal only, on standard error.
"""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from etl.events import clean


class RowBar:
    """A bar with rows a second; `tell` puts lines above it, also away from a terminal."""

    def __init__(self) -> None:
        """Show on standard error."""
        # By the stream itself: a variable such as FORCE_COLOR must not bring a bar into a log.
        self._console = Console(stderr=True, force_terminal=sys.stderr.isatty(), highlight=False, soft_wrap=True)
        self._bars = Progress(
            SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[told]}"),
            TimeElapsedColumn(), console=self._console, transient=True,
        )  # fmt: skip
        self._task: TaskID | None = None
        self._step = ""
        self._begun = 0.0

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._bars.stop()

    def step(self, name: str, done: int, total: int | None, rows: int) -> None:
        """Move the bar: `done` of `total` (None: unchanged) of the named step, and the rows so far (0: not counted)."""
        if not self._console.is_terminal:
            return
        if self._task is None:
            self._task = self._bars.add_task(name, total=None, told="")
        if name != self._step:
            self._step, self._begun = name, time.perf_counter()
            self._bars.reset(self._task, total=total, description=name, told="")
        rate = rows / max(time.perf_counter() - self._begun, 1e-3)
        told = f"{rows:,} rows, {rate:,.0f} rows/s" if rows else ""
        if total is None:
            self._bars.update(self._task, told=told)
        else:
            self._bars.update(self._task, completed=done, total=total, told=told)

    def tell(self, line: str) -> None:
        """One line on standard error."""
        self._console.print(clean(line), markup=False)
