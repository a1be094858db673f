"""Answers that are kept because a release never changes: small, thread-safe, the least recently used go first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar, cast

T = TypeVar("T")


class Answers:
    """A small, thread-safe least-recently-used cache; a release never changes, so nothing expires."""

    def __init__(self, entries: int) -> None:
        self.entries = entries
        self._kept: OrderedDict[Any, Any] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Any, make: Callable[[], T]) -> T:
        """The kept answer, or a newly made one. Two callers at once may both make it."""
        if self.entries <= 0:
            return make()
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return cast(T, self._kept[key])
        made = make()
        with self._lock:
            self._kept[key] = made
            self._kept.move_to_end(key)
            while len(self._kept) > self.entries:
                self._kept.popitem(last=False)
        return made

    def find(self, wanted: Callable[[Any], bool]) -> list[tuple[Any, Any]]:
        """The kept answers whose keys are wanted, each with its key."""
        with self._lock:
            return [kept for kept in self._kept.items() if wanted(kept[0])]

    def forget(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()
