"""A file made for whoever asks: its ETag, how long it is kept, and what it is called.

Charter: text in, an HTTP answer out. What stands in the text is its maker's.
"""

from __future__ import annotations

import hashlib
import re

from fastapi import Request, Response

from portal.release import Release

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def answered(request: Request, release: Release, text: str, media_type: str, headers: dict[str, str]) -> Response:
    """The text, or 304 for who has it already: asked again each time, because a release may have come."""
    body = text.encode()
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {**headers, "X-Openward-Release": release.id, "Cache-Control": "no-cache", "ETag": etag}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=media_type, headers=headers)


def file_name(release: Release, *parts: str) -> str:
    """What a file is called, without its ending: whose it is, whether the city is invented, what, of which release."""
    named = (release.city.id, "synthetic" if release.city.synthetic else "", *parts)
    return "-".join(filter(None, named))


def xml_text(text: str) -> str:
    """Without the characters that no XML document may hold, escaped or not."""
    return _NOT_XML.sub("", text)
