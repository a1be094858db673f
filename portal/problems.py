"""Errors as problem JSON (RFC 9457), for everything that is not a page."""

from __future__ import annotations

import json

from pydantic import BaseModel, Field
from starlette.responses import Response

from portal.errors import BadSelection, PortalError

MEDIA_TYPE = "application/problem+json"


class Problem(BaseModel):
    """The shape of every error answer."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = Field(description="what is wrong, and what would do")
    key: str | None = Field(default=None, description="the query key that is wrong")
    value: str | None = Field(default=None, description="the value that is wrong")
    allowed: list[str] | None = Field(default=None, description="some of the values that would do")


def problem(error: PortalError) -> Response:
    """The answer for one of our own errors."""
    about = Problem(title=error.title, status=error.status, detail=str(error))
    if isinstance(error, BadSelection):
        about = about.model_copy(update={"key": error.key, "value": error.value, "allowed": list(error.allowed)})
    return _response(about)


def plain_problem(status: int, title: str, detail: str) -> Response:
    """The answer for an error that the framework found."""
    return _response(Problem(title=title, status=status, detail=detail))


def _response(about: Problem) -> Response:
    headers = {"Retry-After": "60"} if about.status == 503 else {}
    text = json.dumps(about.model_dump(exclude_none=True), ensure_ascii=False)
    return Response(text, status_code=about.status, media_type=MEDIA_TYPE, headers=headers)
