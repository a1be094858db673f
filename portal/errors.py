"""The portal's errors: what a visitor or client may be told, and with which status.

PortalError
├── BadSelection   400: a query names a value that the release does not have
├── BadRequest     400: a parameter that makes no sense (a zoom of 99, an unknown format)
├── NotFound       404: a page, area, release, file, tile layer or request that does not exist
├── NoRelease      503: nothing has been published yet, or the release cannot be read
├── NotReady       503: the address index is still being read; it is there in a few seconds
└── NoStatus       503: status.json is there and cannot be read

They are mapped to pages and problem JSON (RFC 9457) once, in `portal.app`.
"""

from __future__ import annotations

from collections.abc import Sequence


class PortalError(Exception):
    """Base of all; `status` is the HTTP status, `title` the short name, `str(error)` what to do about it."""

    status = 500
    title = "Internal error"


class BadRequest(PortalError):
    """A parameter that makes no sense whatever the release."""

    status = 400
    title = "Bad request"


class BadSelection(PortalError):
    """A filter that this release does not know.

    `key` is the query key, `value` what was given (shortened), `allowed` a few values that would do.
    """

    status = 400
    title = "Unknown filter value"

    def __init__(self, key: str, value: str, allowed: Sequence[str] = (), why: str = "") -> None:
        self.key = key
        self.value = value if len(value) <= 80 else value[:77] + "…"
        self.allowed = tuple(allowed)[:8]
        reason = why or f"this release has no {key} '{self.value}'"
        hint = f"; allowed are for example {', '.join(self.allowed)}" if self.allowed else ""
        super().__init__(f"{key}: {reason}{hint}")


class NotFound(PortalError):
    """There is no such thing; the message says what there is instead."""

    status = 404
    title = "Not found"


class NoRelease(PortalError):
    """Nothing to show yet."""

    status = 503
    title = "No release yet"

    def __init__(self, detail: str = "There is no release yet: run 'openward etl run'.") -> None:
        super().__init__(detail)


class NotReady(PortalError):
    """Something is being made in the background."""

    status = 503
    title = "Not ready yet"

    def __init__(self, detail: str = "The address index is still being read. Try again in a few seconds.") -> None:
        super().__init__(detail)


class NoStatus(PortalError):
    """What the ETL wrote of its runs cannot be read."""

    status = 503
    title = "Status not readable"
