"""Files of text, made piece by piece while they are sent: the same bytes each time, from any byte on.

Charter: a `Wanted` in, its bytes from a place on out. A piece is a span of the table; threads make the next ones while one
is sent, and no more of them than AHEAD. Compressed, each piece is a gzip member or zstd frame of its own, which programs
read as one file. The lengths of pieces are kept, so that what was had is not made again.
"""

from __future__ import annotations

import json
import os
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

import pyarrow as pa

from portal.errors import PortalError
from portal.files.about import about, readme
from portal.files.wanted import Wanted
from portal.kept import Answers
from portal.memory import give_back
from portal.queries import rows

THREADS: Final = max(2, min(4, os.cpu_count() or 2))
AHEAD: Final = 3
"""Pieces that are made before they can be sent: what a download takes of memory, some 5 MB each."""
TRIMMED_AFTER: Final = 32
"""Pieces after which freed memory is given back to the system."""
PLANS_KEPT: Final = 64
GZIP_LEVEL: Final = 4
ZSTD_LEVEL: Final = 3
SENT_AT_ONCE: Final = 1024 * 1024

Buffer = bytes | memoryview
_makers = ThreadPoolExecutor(THREADS, thread_name_prefix="files")
_plans = Answers(PLANS_KEPT)


class Busy(PortalError):
    """There is no room to make another file just now; its problem carries Retry-After."""

    status = 503
    title = "Busy"


class Text:
    """A file of text: a head, a piece for each span, a foot."""

    def __init__(self, parts: list[rows.Span], head: bytes, foot: bytes) -> None:
        self.spans = parts
        self.lengths: list[int | None] = [None] * (len(parts) + 2)
        self._head, self._foot = head, foot
        self.rows = sum(span.rows for span in parts)

    def part(self, of: Wanted, i: int) -> Buffer:
        """One of them, as it is sent."""
        ends = {0: self._head, len(self.spans) + 1: self._foot}
        made = _PRESSES[of.compress](ends[i] if i in ends else _made(of, self.spans[i - 1], first=i == 1))
        self.lengths[i] = len(made)
        return made

    def parts(self, of: Wanted, start: int = 0) -> Iterator[Buffer]:
        """Parts from a number on, in order, made ahead in threads."""
        coming: deque[Future[Buffer]] = deque()
        try:
            for i in range(start, len(self.lengths)):
                coming.append(_makers.submit(self.part, of, i))
                if len(coming) >= AHEAD:
                    yield coming.popleft().result()
                if i % TRIMMED_AFTER == 0:
                    give_back()
            while coming:
                yield coming.popleft().result()
        finally:
            for future in coming:
                future.cancel()
            give_back()

    @property
    def length(self) -> int | None:
        """Bytes of the file, where all of its parts were made before."""
        known = [n for n in self.lengths if n is not None]
        return sum(known) if len(known) == len(self.lengths) else None

    def measure(self, of: Wanted) -> int:
        """Bytes of the file; what was not made before is made, and forgotten."""
        coming: deque[Future[Buffer]] = deque()
        for i, known in enumerate(list(self.lengths)):
            if known is None:
                coming.append(_makers.submit(self.part, of, i))
            if len(coming) >= AHEAD:
                coming.popleft().result()
        while coming:
            coming.popleft().result()
        assert self.length is not None  # noqa: S101
        return self.length

    def sent(self, of: Wanted, start: int = 0, stop: int | None = None) -> Iterator[memoryview]:
        """The bytes from `start` to before `stop`; whole parts before `start` are left out, if their length is known."""
        at, first = 0, 0
        while first < len(self.lengths) - 1 and (known := self.lengths[first]) is not None and at + known <= start:
            at, first = at + known, first + 1
        for part in self.parts(of, first):
            view = memoryview(part)[max(start - at, 0) : None if stop is None else max(stop - at, 0)]
            for i in range(0, len(view), SENT_AT_ONCE):
                yield view[i : i + SENT_AT_ONCE]
            at += len(part)
            if stop is not None and at >= stop:
                return


def text(of: Wanted) -> Text:
    """How the file is made; kept, with the lengths that are known of it."""

    def made() -> Text:
        head, foot = _ends(of)
        told = [] if of.form.key == "txt" else rows.spans(of.release, of.ask)
        return Text(told, head, foot)

    return _plans.get((str(of.release.folder), of.etag), made)


def known(of: Wanted) -> int | None:
    """Bytes of the file, if it was made before."""
    found = _plans.find(lambda key: key == (str(of.release.folder), of.etag))
    return found[0][1].length if found else None


def forget() -> None:
    """Let go of all lengths that are known: for tests and measuring."""
    _plans.forget()


def _ends(of: Wanted) -> tuple[bytes, bytes]:
    if of.form.key == "txt":
        return readme(of).encode(), b""
    if of.form.key == "csv":
        return ",".join(of.ask.table.fields).encode() + b"\r\n", b""
    if of.form.key != "geojson":
        return b"", b""
    opening = json.dumps({"type": "FeatureCollection", **about(of)}, ensure_ascii=False)[:-1]
    return opening.encode() + b', "features": [\n', b"\n]}\n"


def _made(of: Wanted, span: rows.Span, first: bool) -> Buffer:
    """The text of a span."""
    table = of.ask.table
    if of.form.key == "csv":
        return rows.csv_lines(rows.between(of.release, of.ask, rows.csv_columns(table), span))
    if of.form.key == "jsonl":
        column = f"{rows.record_column(table)} || chr(10)"
    elif of.form.key == "geojsons":
        column = f"chr(30) || {rows.feature_column(table)} || chr(10)"
    else:
        column = f"',' || chr(10) || {rows.feature_column(table)}"
    found = rows.joined(rows.between(of.release, of.ask, [f"{column} AS line"], span))
    return found[2:] if first and of.form.key == "geojson" else found


def _gzip(data: Buffer) -> bytes:
    press = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, 31)
    return press.compress(data) + press.flush()


def _zstd(data: Buffer) -> bytes:
    return bytes(pa.Codec("zstd", compression_level=ZSTD_LEVEL).compress(data, asbytes=True))


_PRESSES: Final[dict[str, Callable[[Buffer], Buffer]]] = {"": lambda data: data, "gzip": _gzip, "zstd": _zstd}
