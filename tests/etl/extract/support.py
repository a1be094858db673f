"""What the tests of every adapter share: a fetch, its rows, and a search for secrets in all that it leaves."""

from __future__ import annotations

import datetime as dt
import gzip
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from etl.config.connections import Patience
from etl.extract.files import MalformedRows
from etl.extract.raw import RawArchive, RawCopy
from etl.extract.source import Adapter, Fetching
from etl.extract.transport import Transport

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
QUICK = Patience(timeout_seconds=0.4, attempts=3, longest_wait_seconds=5)
TOKEN = "t0ken-of-the-city"
AT_ONCE = partial(Transport, sleep=lambda _seconds: None, jitter=lambda: 0.0)


def fetching(folder: Path, now: dt.datetime = NOW) -> Fetching:
    return Fetching(archive=RawArchive(folder / "raw"), source="calls", now=now, base=folder)


def rows(adapter: Adapter, copy: RawCopy | None, columns: Sequence[str]) -> list[dict[str, Any]]:
    """All rows of a copy, after its parts were verified."""
    assert copy is not None
    copy.verify()
    found: list[dict[str, Any]] = []
    for table in adapter.tables(copy, columns, MalformedRows(), lambda _done, _total: None):
        assert all(str(table.schema.field(c).type) == "string" for c in columns)
        found += table.to_pylist()
    assert [row["__row__"] for row in found] == list(range(1, len(found) + 1))
    return found


def column(adapter: Adapter, copy: RawCopy | None, name: str) -> list[str | None]:
    return [row[name] for row in rows(adapter, copy, [name])]


def holds(folder: Path, secret: str) -> list[str]:
    """Files below a folder whose name or bytes (also once unpacked) hold a secret."""
    found = []
    for path in folder.rglob("*"):
        data = path.read_bytes() if path.is_file() else b""
        if data[:2] == b"\x1f\x8b":
            data += gzip.decompress(data)
        if secret in str(path) or secret.encode() in data:
            found.append(str(path))
    return found
