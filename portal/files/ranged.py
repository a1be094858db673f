"""Answers with a file or a range of it (RFC 9110): what a client had before it was cut off is not sent again.

Charter: a request and a `Wanted` in, an HTTP answer out.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import Final, Protocol

from fastapi import Request, Response
from starlette.responses import StreamingResponse

from portal.answered import not_modified
from portal.files import built, pieces
from portal.files.pieces import Busy
from portal.files.wanted import Wanted
from portal.problems import plain_problem

MEASURED_AT_ONCE: Final = 2
_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)

_measuring = threading.BoundedSemaphore(MEASURED_AT_ONCE)


class Unsatisfiable(Exception):
    """A range that begins after the end."""


class Source(Protocol):
    """The bytes of a file, some of which may have to be made yet."""

    @property
    def length(self) -> int | None:
        """How many there are, where that is known."""

    def measure(self, of: Wanted) -> int:
        """How many there are, whatever it takes."""

    def sent(self, of: Wanted, start: int = 0, stop: int | None = None) -> Iterator[bytes | memoryview]:
        """Those from `start` to before `stop`."""


def answer(request: Request, of: Wanted, headers: dict[str, str]) -> Response:
    """The file, the part of it that is asked for, or 304 for who has it."""
    headers = {**headers, "ETag": of.etag, "Accept-Ranges": "bytes"}
    if same := not_modified(request, headers):
        return same
    if request.method == "HEAD":
        return _head(of, headers)
    asked = request.headers.get("range", "")
    if request.headers.get("if-range", of.etag).strip() != of.etag or not _RANGE.fullmatch(asked.strip()):
        asked = ""  # another file than the client has, or a range that nobody needs to understand
    source: Source = pieces.text(of) if of.form.text else built.built(of)
    length = source.length
    start, stop, status = 0, length, 200
    if asked:
        if length is None:
            length = _measured(of, source)
        try:
            start, stop = span(asked, length)
        except Unsatisfiable:
            refused = plain_problem(416, "Range not satisfiable", f"The file has {length} bytes.")
            refused.headers.update({"Content-Range": f"bytes */{length}", "Accept-Ranges": "bytes"})
            return refused
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{length}"
        status = 206
    if stop is not None:
        headers["Content-Length"] = str(stop - start)
    sent = source.sent(of, start, stop)
    return StreamingResponse(sent, status_code=status, media_type=of.media_type, headers=headers)


def _head(of: Wanted, headers: dict[str, str]) -> Response:
    """What GET would say. A program that reads parts of a file asks for its length first, and then for the parts: the file
    is built, and kept for these. Texts have no parts that are read by themselves: their length is told where it is known."""
    length = pieces.known(of) if of.form.text else built.built(of).length
    told = Response(headers=headers, media_type=of.media_type)
    del told.headers["Content-Length"]  # of no body: a file of 0 bytes is another
    if length is not None:
        told.headers["Content-Length"] = str(length)
    return told


def span(asked: str, length: int) -> tuple[int, int]:
    """The bytes of a range: the first, and the one after the last.

    >>> span("bytes=5-", 10), span("bytes=0-3", 10), span("bytes=-4", 10), span("bytes=2-99", 10)
    ((5, 10), (0, 4), (6, 10), (2, 10))
    """
    found = _RANGE.fullmatch(asked.strip())
    if found is None or found[0] == "bytes=-":
        raise Unsatisfiable
    first, last = found.groups()
    start = int(first) if first else max(0, length - int(last))
    stop = min(length, int(last) + 1) if first and last else length
    if start >= stop:
        raise Unsatisfiable
    return start, stop


def _measured(of: Wanted, source: Source) -> int:
    if not _measuring.acquire(blocking=False):
        raise Busy("Other downloads are being resumed just now: try again in a minute.")
    try:
        return source.measure(of)
    finally:
        _measuring.release()
