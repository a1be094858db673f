"""Errors as SODA's clients expect them.

Charter: an error of ours in, JSON with a code and a message out. A route of this class answers no other errors.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any, Final

import duckdb
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from portal.errors import NotFound, PortalError
from portal.expressions.fields import BadExpression
from portal.expressions.soql_words import MISMATCH
from portal.given_text import utf8

MALFORMED: Final = "query.compiler.malformed"
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class SodaRoute(APIRoute):
    """A route whose errors are SODA's."""

    def get_route_handler(self) -> Handler:
        """The handler, with errors told."""
        answer = super().get_route_handler()

        async def told(request: Request) -> Response:
            if not utf8(request.url.query):
                return soda_error(400, MALFORMED, "The query is not UTF-8.")
            try:
                return await answer(request)
            except RequestValidationError as error:
                first = error.errors()[0]
                return soda_error(400, MALFORMED, f"{first['loc'][-1]}: {first['msg']}")
            except PortalError as error:
                return soda_error(error.status, code_of(error), str(error))
            except duckdb.DataError as error:  # a value that no type of the database can hold
                return soda_error(400, MISMATCH, f"A value cannot be worked out: {str(error).splitlines()[0][:200]}")

        return told


def code_of(error: PortalError) -> str:
    """Socrata's name of what is wrong."""
    code = getattr(error, "code", None)
    if code:
        return str(code)
    if isinstance(error, BadExpression):
        return MISMATCH
    if isinstance(error, NotFound):
        return "dataset.missing"
    return MALFORMED if error.status == 400 else "internal.unavailable"


def soda_error(status: int, code: str, message: str) -> Response:
    """The answer: the members that SODA documents, and `errorCode`, which its servers send."""
    about = {"code": code, "error": True, "message": message, "errorCode": code, "data": {}}
    headers = {"Retry-After": "60"} if status == 503 else {}
    return Response(json.dumps(about), status, headers, "application/json; charset=utf-8")
