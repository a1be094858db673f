"""Equity over HTTP, `/api/v1/equity`: what a city supplies of who lives where, and areas beside one such measure.

Charter: the questions of `portal.queries.equity`, and nothing of its own.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

from portal.answers_equity import Equity, Measure
from portal.api import FRESH_SECONDS, PREFIX, Many, Single
from portal.context import Chosen, Current
from portal.problems import MEDIA_TYPE, Problem
from portal.queries.equity import equity, measures
from portal.release import Release

_PROBLEM: dict[str, Any] = {"model": Problem, "content": {MEDIA_TYPE: {}}}
router = APIRouter(prefix=f"{PREFIX}/equity", tags=["figures"], responses={400: _PROBLEM, 404: _PROBLEM, 503: _PROBLEM})


@router.get("")
def known(now: Current, response: Response) -> Many[Measure]:
    """The measures that the city supplies; none if it supplies no demographics."""
    _cite(now, response)
    return Many(rows=measures(now), release_id=now.id, as_of=now.as_of)


@router.get("/{layer}/{measure}")
def beside(
    layer: Annotated[str, Path(description="a boundary layer's name", max_length=80)],
    measure: Annotated[str, Path(description="a measure of that layer", max_length=80)],
    chosen: Chosen,
    response: Response,
) -> Single[Equity]:
    """Areas of a layer beside one measure: speed, lateness and reporting within service type, with 95% intervals.

    Areas, not people: an association between areas need not hold for anybody in them, and is no cause.
    """
    _cite(chosen.release, response)
    return Single(
        result=equity(chosen.release, chosen.selection, layer, measure),
        release_id=chosen.release.id,
        as_of=chosen.release.as_of,
        query=chosen.selection.to_query(),
    )


def _cite(now: Release, response: Response) -> None:
    response.headers["X-Openward-Release"] = now.id
    response.headers["Cache-Control"] = f"public, max-age={FRESH_SECONDS}"
