"""`/feed.atom`: the newest requests of any selection, for a feed reader. It takes the query of every page, and `lang`."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from portal.answered import answered
from portal.components.follow import FEED
from portal.context import Chosen, base_of
from portal.feed import MEDIA_TYPE, MOST_PAGES, feed
from portal.kept import Answers
from portal.problems import MEDIA_TYPE as PROBLEM_TYPE
from portal.problems import Problem
from portal.text import answering

KEPT = 64
"""Feeds in memory, of up to 60 kB each: readers ask for the same ones again and again."""

_kept = Answers(KEPT)
_PROBLEM: dict[str, Any] = {"model": Problem, "content": {PROBLEM_TYPE: {}}}
router = APIRouter(tags=["downloads"], responses={400: _PROBLEM, 404: _PROBLEM, 503: _PROBLEM})

Number = Annotated[int, Query(ge=1, le=MOST_PAGES, description="a page of 100; each names the next one")]


@router.get(FEED, response_class=Response)
def atom(request: Request, chosen: Chosen, page: Number = 1) -> Response:
    """The newest of the selected requests as Atom 1.0, in pages (RFC 5005); takes the same query keys as the figures."""
    release, base = chosen.release, base_of(request)
    with answering(release.city.languages, request.url.query) as tag:
        key = (str(release.folder), chosen.selection, tag, base, page)
        text = _kept.get(key, lambda: feed(release, chosen.selection, base, page))
    headers = {"Access-Control-Allow-Origin": "*", "X-Robots-Tag": "noindex"}
    return answered(request, release, text, f"{MEDIA_TYPE}; charset=utf-8", headers)
