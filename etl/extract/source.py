"""The door of every kind of source: fetch raw bytes, then read them as tables of text.

Charter: the protocol that adapters keep and what they are given. Which
adapter serves which kind is told in etl.extract.adapters.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from etl.extract.files import MalformedRows
from etl.extract.raw import RawArchive, RawCopy

Progress = Callable[[int, int | None], None]


@dataclass(frozen=True)
class Known:
    """What the last successful load of a source left: nothing at all before the first.

    `watermark` is the adapter's own, as the loaded copy had it; `whole_at` is when the last whole copy was fetched.
    `open_ids` yields the source's own numbers of requests that are open, opened since a moment (UTC).
    """

    watermark: Mapping[str, Any] | None = None
    sha256: str | None = None
    whole_at: dt.datetime | None = None
    open_ids: Callable[[dt.datetime], Sequence[str]] = lambda _since: ()


@dataclass(frozen=True)
class Fetching:
    """What an adapter needs for one fetch: the archive, the clock, the progress, and where relative paths begin."""

    archive: RawArchive
    source: str
    now: dt.datetime
    base: Path
    progress: Progress = lambda _done, _total: None


class Adapter(Protocol):
    """One kind of source. An adapter holds its own connection model and null words, and nothing that changes."""

    def fetch(self, known: Known, fetching: Fetching) -> RawCopy | None:
        """Everything new since `known` as one raw copy; None where the source surely has nothing new.

        SourceError: it will not get better by itself. SourceUnavailable: it may, a later run goes on from here.
        """
        ...

    def columns(self, copy: RawCopy) -> dict[str, str]:
        """Names of the columns that a copy has, with the kind that the source states or '' where it states none."""
        ...

    def tables(
        self, copy: RawCopy, columns: Sequence[str], malformed: MalformedRows, progress: Progress
    ) -> Iterator[pa.Table]:
        """The named columns of a copy as tables of text, null where blank, plus `__row__` (1, 2, … through the copy).

        MappingError names columns that the copy does not have. Numbers are written as the source writes them, booleans
        as true and false, moments as ISO 8601 with Z, nested values by dotted names (location.latitude).
        """
        ...
