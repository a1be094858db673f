"""`/feed.atom`: the newest requests of any selection, for a feed reader. It takes the query of every page, and `lang`."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from portal.answered import answered
from portal.components.follow import FEED, feed_address
from portal.context import Chosen, base_of
from portal.feed import MEDIA_TYPE, feed
from portal.kept import Answers
from portal.problems import MEDIA_TYPE as PROBLEM_TYPE
from portal.problems import Problem
from portal.text import answering

KEPT = 64
"""Feeds in memory, of up to 60 kB each: readers ask for the same ones again and again."""

_kept = Answers(KEPT)
_PROBLEM: dict[str, Any] = {"model": Problem, "content": {PROBLEM_TYPE: {}}}
router = APIRouter(tags=["downloads"], responses={400: _PROBLEM, 503: _PROBLEM})


@router.get(FEED, response_class=Response)
def atom(request: Request, chosen: Chosen) -> Response:
    """The newest 100 of the selected requests as Atom 1.0; takes the same query keys as the figures."""
    release, base = chosen.release, base_of(request)
    with answering(release.city.languages, request.url.query) as tag:
        own = base + feed_address(chosen.selection)
        key = (str(release.folder), chosen.selection, tag, base)
        text = _kept.get(key, lambda: feed(release, chosen.selection, base, own))
    headers = {"Access-Control-Allow-Origin": "*", "X-Robots-Tag": "noindex"}
    return answered(request, release, text, f"{MEDIA_TYPE}; charset=utf-8", headers)
