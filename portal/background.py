"""Answers that take seconds: worked out in a thread of their own when a release is opened, asked for without waiting.

Charter: one thread for a question and a release, its answer kept as long as the release is; no questions of its own.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar
from weakref import WeakKeyDictionary

from portal.errors import NotReady, PortalError

if TYPE_CHECKING:
    from portal.release import Release

T = TypeVar("T")

log = logging.getLogger("openward.portal")


class Failed(PortalError):
    """It was tried in the background and did not work; the log says why."""

    title = "Not available"


@dataclass
class _Job(Generic[T]):
    thread: threading.Thread | None = None
    made: list[T] = field(default_factory=list)  # one, once it is done
    failed: bool = False


class Background(Generic[T]):
    """An answer about a release that is made once, in the background."""

    def __init__(self, make: Callable[[Release], T], name: str, not_ready: str, failed: str) -> None:
        """`make` works it out; `name` is for the log, `not_ready` and `failed` are what a client is told instead."""
        self._make = make
        self._name = name
        self._not_ready = not_ready
        self._told_failed = failed
        self._jobs: WeakKeyDictionary[Release, _Job[T]] = WeakKeyDictionary()
        self._lock = threading.Lock()

    def start(self, release: Release) -> None:
        """Begin, unless it was begun already; returns at once."""
        self._job(release)

    def ask(self, release: Release) -> T:
        """The answer; NotReady while it is being made, Failed where it could not be. Never waits."""
        job = self._job(release)
        if job.made:
            return job.made[0]
        if job.failed:
            raise Failed(self._told_failed)
        raise NotReady(self._not_ready)

    def wait(self, release: Release, seconds: float = 60) -> None:
        """Until what is being made is there, or has failed."""
        thread = self._job(release).thread
        if thread is not None:
            thread.join(seconds)

    def _job(self, release: Release) -> _Job[T]:
        with self._lock:
            job = self._jobs.get(release)
            if job is None:
                job = self._jobs[release] = _Job()
                # No daemon: the process waits for it at its end, as a query that is cut off there would abort it.
                job.thread = threading.Thread(target=self._run, args=(release, job), name=self._name)
                job.thread.start()
            return job

    def _run(self, release: Release, job: _Job[T]) -> None:
        try:
            job.made.append(self._make(release))
        except Exception:
            log.warning("%s of release %s could not be worked out", self._name, release.id, exc_info=True)
            job.failed = True
