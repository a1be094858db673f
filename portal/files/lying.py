"""Ranges of files (RFC 9110), and files that lie on the disk as they are sent: a range that nobody need understand is none.

Charter: a request in, the parts that it asks for or an HTTP answer out. What is made while it is sent is
`portal.files.ranged`'s.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from fastapi import Request, Response
from starlette.datastructures import MutableHeaders
from starlette.responses import FileResponse
from starlette.types import Receive, Scope, Send

from portal.answered import not_modified
from portal.problems import plain_problem

MOST_RANGES: Final = 20
_UNIT: Final = re.compile(r"bytes=(.*)", re.ASCII)
_ONE: Final = re.compile(r"(\d{0,18})-(\d{0,18})", re.ASCII)
Span = tuple[int, int]
"""The first byte, and the one after the last."""


class _Lying(FileResponse):
    """A file of which these ranges are sent, whatever was asked for."""

    spans: list[Span]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope = {**scope, "headers": list(scope["headers"])}
        asked = MutableHeaders(scope=scope)
        for name in ("range", "if-range"):
            if name in asked:
                del asked[name]
        if self.spans:
            asked["range"] = "bytes=" + ",".join(f"{start}-{stop - 1}" for start, stop in self.spans)
        await super().__call__(scope, receive, send)


def lying(request: Request, path: Path, media_type: str, headers: Mapping[str, str], name: str = "") -> Response:
    """The file, the parts of it that are asked for, or 304 for who has it; `headers` have its ETag. With a Content-Encoding
    at most one part: several could not be decoded."""
    if known := not_modified(request, headers):
        return known
    found = spans(request, headers["ETag"], path.stat().st_size, several="Content-Encoding" not in headers)
    if isinstance(found, Response):
        return found
    sent = _Lying(path, media_type=media_type, filename=name or None, headers=dict(headers))
    sent.spans = found
    return sent


def spans(request: Request, etag: str, length: int, *, several: bool = False) -> list[Span] | Response:
    """The parts of a file that a request asks for, none for all of it; or the answer that there are no such parts."""
    given = _given(request, etag, several)
    found = []
    for first, last in given:
        start = max(0, length - last) if first is None else first
        stop = length if first is None else min(length, last + 1)
        if start < stop:
            found.append((start, stop))
    if found or not given:
        return found
    refused = plain_problem(416, "Range not satisfiable", f"The file has {length} bytes.")
    refused.headers.update({"Content-Range": f"bytes */{length}", "Accept-Ranges": "bytes"})
    return refused


def is_partial(request: Request, etag: str) -> bool:
    """Whether a part of a file is asked for that is the one a client has already."""
    return bool(_given(request, etag, several=False))


def _given(request: Request, etag: str, several: bool) -> list[tuple[int | None, int]]:
    given = read(request.headers.get("range", ""))
    another = request.headers.get("if-range", etag).strip() != etag
    return [] if another or (len(given) > 1 and not several) else given


def read(asked: str) -> list[tuple[int | None, int]]:
    """The parts of a Range as first and last byte; first None: so many from the end. Empty for what is none, which is to be
    ignored: another unit, a part that ends before it begins, or more parts than anybody needs.

    >>> read("bytes=0-3, 9-"), read("bytes=-4")
    ([(0, 3), (9, 999999999999999999)], [(None, 4)])
    >>> read("lines=1-2"), read("bytes=9-5"), read("bytes=-"), read("")
    ([], [], [], [])
    """
    unit = _UNIT.fullmatch(asked.strip())
    parts = [_ONE.fullmatch(part.strip()) for part in unit[1].split(",", MOST_RANGES)] if unit else []
    found: list[tuple[int | None, int]] = []
    for part in parts:
        if part is None or part[0] == "-":
            return []
        first, last = int(part[1]) if part[1] else None, int(part[2] or 10**18 - 1)
        if first is not None and last < first:
            return []
        found.append((first, last))
    return found
