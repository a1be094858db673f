"""Errors as CKAN's clients expect them.

Charter: errors of ours in, type and messages as CKAN has them out.
"""

from __future__ import annotations

from typing import Any

from portal.errors import BadRequest, NotFound, PortalError


class Invalid(BadRequest):
    """A parameter that makes no sense: CKAN calls it a validation error, of that parameter."""

    status = 409
    title = "Validation Error"

    def __init__(self, key: str, detail: str) -> None:
        super().__init__(detail)
        self.key = key


class NoAction(PortalError):
    """There is no such action: CKAN answers one line of text."""

    status = 400
    title = "Bad request"


def told(error: PortalError) -> tuple[int, Any]:
    """The status and the member `error` of an answer."""
    if isinstance(error, NotFound):
        return 404, {"__type": "Not Found Error", "message": f"Not found: {error}"}
    if error.status >= 500:
        return error.status, {"__type": "Internal Server Error", "message": str(error)}
    key = error.key if isinstance(error, Invalid) else "query"
    return 409, {"__type": "Validation Error", key: [str(error)]}
