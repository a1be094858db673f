"""Every answer that a service gave, kept: one SQLite file in the city's folder.

Charter: remembering and taking turns. What is asked and what answers mean is not known here. A key is a hash of the
service, its address, the question and the version; the answers themselves hold addresses, so that only the file's owner
may read it. Writes are whole transactions in a write-ahead log: a killed run loses no answer that was stored before, and
two processes may use one file; they also take turns in asking a service, so that its rate holds for both together.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from etl.errors import StoreError
from etl.providers.answers import Answer, read, written

VERSION: Final = 1
"""Part of every key: raise it when questions or candidates change their meaning."""
MOST_ANSWERS: Final = 1_000_000
DAY: Final = 86_400.0
WAIT_SECONDS: Final = 30.0
LONGEST_QUEUE: Final = 100
"""Turns that may be taken ahead; a turn further away comes from a clock that was set back."""

_TABLES = """
CREATE TABLE IF NOT EXISTS answer (
    key BLOB PRIMARY KEY, answered_at REAL NOT NULL, found INTEGER NOT NULL, body TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS answer_by_age ON answer (answered_at);
CREATE TABLE IF NOT EXISTS turn (place TEXT PRIMARY KEY, next REAL NOT NULL) WITHOUT ROWID;
"""


def key_of(service: str, place: str, question: str) -> bytes:
    """The key of a question to a service at an address; letter case does not matter."""
    parts = json.dumps([VERSION, service, place, question.casefold()], ensure_ascii=True)
    return hashlib.sha256(parts.encode()).digest()


class AnswerCache:
    """The file. StoreError, in one line, when it cannot be opened, read or written."""

    def __init__(self, path: Path, *, most: int = MOST_ANSWERS, clock: Callable[[], float] = time.time) -> None:
        """`most`: answers kept, the oldest go first; `clock`: seconds since 1970."""
        self._path, self._most, self._clock = path, most, clock
        with self._telling():
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            # Threads of one run take turns at it (etl.locating); SQLite itself guards the rest.
            self._db = sqlite3.connect(path, timeout=WAIT_SECONDS, check_same_thread=False, isolation_level=None)
            try:
                self._db.execute("PRAGMA journal_mode=WAL")
                self._db.execute("PRAGMA synchronous=NORMAL")
                self._db.executescript(_TABLES)
            except sqlite3.Error:
                self._db.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the file back."""
        self._db.close()

    def __len__(self) -> int:
        """How many answers are kept, also such as are too old to be used."""
        with self._telling():
            return int(self._db.execute("SELECT count(*) FROM answer").fetchone()[0])

    def many(self, keys: Sequence[bytes], keep_days: float, keep_nothing_days: float) -> dict[bytes, Answer]:
        """The answers to those keys that have one which is young enough."""
        now = self._clock()
        found: dict[bytes, Answer] = {}
        with self._telling():
            for start in range(0, len(keys), 500):
                part = keys[start : start + 500]
                marks = ",".join("?" * len(part))
                rows = self._db.execute(
                    f"SELECT key, body FROM answer WHERE key IN ({marks}) "  # noqa: S608 - question marks only
                    "AND answered_at >= CASE found WHEN 1 THEN ? ELSE ? END",
                    [*part, now - keep_days * DAY, now - keep_nothing_days * DAY],
                )
                for key, body in rows:
                    answer = read(body)
                    if answer is not None:
                        found[bytes(key)] = answer
        return found

    def keep(self, answers: Mapping[bytes, Answer]) -> None:
        """Store answers, all or none of them."""
        now = self._clock()
        rows = [(key, now, int(bool(answer)), written(answer)) for key, answer in answers.items()]
        with self._change() as db:
            db.executemany("INSERT OR REPLACE INTO answer VALUES (?, ?, ?, ?)", rows)
            over = db.execute("SELECT count(*) FROM answer").fetchone()[0] - self._most
            if over > 0:
                db.execute(
                    "DELETE FROM answer WHERE key IN (SELECT key FROM answer ORDER BY answered_at LIMIT ?)", [over]
                )

    def turn(self, place: str, interval: float) -> float:
        """Take the next turn at a place that may be asked every `interval` seconds: how long to wait for it."""
        with self._change() as db:
            now = self._clock()
            row = db.execute("SELECT next FROM turn WHERE place = ?", [place]).fetchone()
            start = now if row is None or row[0] > now + LONGEST_QUEUE * interval else max(now, row[0])
            db.execute("INSERT OR REPLACE INTO turn VALUES (?, ?)", [place, start + interval])
        return float(start - now)

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        with self._telling():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            why = " ".join(str(error).split())
            raise StoreError(
                f"{self._path}: the kept answers of geocoding services cannot be used ({why}); "
                "see that the disk has room and the file is not damaged, or take it away"
            ) from error
