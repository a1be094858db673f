"""A file made for whoever asks: its ETag, how long it is kept, and the address that visitors see the portal at.

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


def base_of(request: Request) -> str:
    """The address that visitors see, without a slash at its end."""
    public: str = request.app.state.settings.public_url
    return public or str(request.base_url).rstrip("/")


def language_of(release: Release, asked: str) -> str:
    """The language that an address names, else the city's first: a file is the same for whoever asks."""
    languages = release.city.languages or ("en",)
    return asked if asked in languages else languages[0]


def xml_text(text: str) -> str:
    """Without the characters that no XML document may hold, escaped or not."""
    return _NOT_XML.sub("", text)
