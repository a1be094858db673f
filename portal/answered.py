"""A file made for whoever asks: its ETag, how long it is kept, and what it is called.

Charter: text in, an HTTP answer out. What stands in the text is its maker's.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc
from fastapi import Request, Response

from portal.release import Release

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def answered(request: Request, release: Release, text: str, media_type: str, headers: dict[str, str]) -> Response:
    """The text, or 304 for who has it already: asked again each time, because a release may have come."""
    body = text.encode()
    headers = {**headers, "X-Openward-Release": release.id, "Cache-Control": "no-cache", "ETag": etag_of(body)}
    return not_modified(request, headers) or Response(body, media_type=media_type, headers=headers)


def etag_of(said: str | bytes) -> str:
    """A strong ETag: the same for the same bytes, or for what alone makes them."""
    data = said.encode("utf-8", "replace") if isinstance(said, str) else said
    return f'"{hashlib.sha256(data).hexdigest()[:32]}"'


def of_question(request: Request, release: Release, *more: str) -> str:
    """A weak ETag of what is asked: a release and a question make one answer, so it is known before the answer is made."""
    said = (release.id, *more, request.url.path, request.url.query)
    return "W/" + etag_of("\n".join(said))


def not_modified(request: Request, headers: Mapping[str, str]) -> Response | None:
    """304 for who has already what the ETag among the headers names, if there is one."""
    known = "ETag" in headers and is_known(headers["ETag"], request.headers.get("if-none-match", ""))
    return Response(status_code=304, headers=headers) if known else None


def is_known(etag: str, given: str) -> bool:
    """Whether an If-None-Match names the ETag, strong or weak: an answer that was compressed on its way is weak."""
    named = (part.strip().removeprefix("W/") for part in given[:2000].split(","))
    return given.strip() == "*" or etag.removeprefix("W/") in named


def listed(parts: Iterable[pa.ChunkedArray], mark: str) -> Iterator[memoryview]:
    """Columns of texts with a mark between two texts, as they come."""
    first = True
    for part in filter(len, parts):
        if not first:
            yield memoryview(mark.encode())
        yield joined(part, mark)
        first = False


def joined(texts: pa.ChunkedArray, mark: str) -> memoryview:
    """A column of texts as one. They never are Python's: a million of these leave holes of 400 MB in the heap."""
    one = texts.combine_chunks()
    row = pa.ListArray.from_arrays(pa.array([0, len(one)], pa.int32()), one)
    return memoryview(pc.binary_join(row, mark)[0].as_buffer())


def file_name(release: Release, *parts: str) -> str:
    """What a file is called, without its ending: whose it is, whether the city is invented, what, of which release."""
    named = (release.city.id, "synthetic" if release.city.synthetic else "", *parts)
    return "-".join(filter(None, named))


def xml_text(text: str) -> str:
    """Without the characters that no XML document may hold, escaped or not."""
    return _NOT_XML.sub("", text)
