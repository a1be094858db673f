"""Answers with a file or a range of it (RFC 9110): what a client had before it was cut off is not sent again.

Charter: a request and a `Wanted` in, an HTTP answer out.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Final, Protocol

from fastapi import Request, Response
from starlette.responses import StreamingResponse

from portal.answered import not_modified
from portal.files import built, pieces
from portal.files.lying import is_partial, spans
from portal.files.pieces import Busy
from portal.files.wanted import Wanted

MEASURED_AT_ONCE: Final = 2

_measuring = threading.BoundedSemaphore(MEASURED_AT_ONCE)


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
    source: Source = pieces.text(of) if of.form.text else built.built(of)
    length = source.length
    if length is None and is_partial(request, of.etag):
        length = _measured(of, source)
    start, stop, status = 0, length, 200
    if length is not None:
        found = spans(request, of.etag, length)
        if isinstance(found, Response):
            return found
        if found:
            (start, stop), status = found[0], 206
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{length}"
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


def _measured(of: Wanted, source: Source) -> int:
    if not _measuring.acquire(blocking=False):
        raise Busy("Other downloads are being resumed just now: try again in a minute.")
    try:
        return source.measure(of)
    finally:
        _measuring.release()
