"""Several processes that geocode for one: a list of addresses is shared out and put together again.

Charter: hands out and joins; what an address means is the Geocoder's. For lists that are long enough to be worth it.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from types import TracebackType
from typing import Final, Self

import numpy as np

from geo.geocoding.geocoder import Geocoder
from geo.geocoding.model import Located
from geo.geocoding.results import joined

WORTH_SHARING: Final = 10_000
"""Fewer addresses are located here sooner than they are sent."""

A_PIECE: Final = 25_000
"""About as many are sent at a time: what is on its way stays small, and a slow piece holds nobody up."""

_mine: Geocoder | None = None


class Crew:
    """A Geocoder in as many processes as there are cores; used as a context, which ends them."""

    def __init__(self, geocoder: Geocoder, workers: int | None = None) -> None:
        """Have the processes started when the first long list comes. `workers`: default one a core."""
        self._geocoder = geocoder
        self._workers = workers or os.cpu_count() or 1
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        """Ready for lists."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def start(self) -> None:
        """Start the processes, each with the whole geocoder; not forked, because threads may hold locks by now."""
        if self._pool is None and self._workers > 1:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self._workers, context, _begin, (self._geocoder,))
            list(self._pool.map(_ready, range(self._workers)))

    def locate(
        self, texts: Sequence[str | None], zips: Sequence[str] | None = None, places: Sequence[str] | None = None
    ) -> Located:
        """As Geocoder.locate, the same results in the same order."""
        if len(texts) < WORTH_SHARING or self._workers < 2:
            return self._geocoder.locate(texts, zips, places)
        self.start()
        if self._pool is None:
            return self._geocoder.locate(texts, zips, places)
        pieces = self._workers * max(1, round(len(texts) / self._workers / A_PIECE))
        edges = np.linspace(0, len(texts), pieces + 1).astype(int).tolist()
        parts = [
            (list(texts[a:b]), None if zips is None else list(zips[a:b]), None if places is None else list(places[a:b]))
            for a, b in itertools.pairwise(edges)
        ]
        return joined(list(self._pool.map(_locate, parts)))


def _begin(geocoder: Geocoder) -> None:
    global _mine  # noqa: PLW0603 - one process, one geocoder: that is what a worker is
    _mine = geocoder
    geocoder.locate(["1 UNKNOWN ST"])  # what is made on first use is made now


def _ready(_: int) -> bool:
    return _mine is not None


def _locate(part: tuple[list[str | None], list[str] | None, list[str] | None]) -> Located:
    if _mine is None:
        raise RuntimeError("a worker without a geocoder")
    return _mine.locate(*part)
