"""What HTTP handlers share: the current release, the selection that a query asks for, and where visitors see us."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query, Request

from portal.release import Release, Releases
from portal.selection import Selection


def releases(request: Request) -> Releases:
    """The app's folder of releases."""
    found: Releases = request.app.state.releases
    return found


def current(request: Request) -> Release:
    """The promoted release; NoRelease becomes a 503."""
    return releases(request).current()


def query_of(request: Request) -> str:
    """The raw query string."""
    return request.url.query


def base_of(request: Request) -> str:
    """The address that visitors see, without a slash at its end."""
    public: str = request.app.state.settings.public_url
    return public or str(request.base_url).rstrip("/")


@dataclass(frozen=True)
class Asked:
    """The current release and the selected requests."""

    release: Release
    selection: Selection


_ANY = "; repeat the key for any of several, '(none)' for requests that state none"


def asked(
    request: Request,
    service: Annotated[list[str] | None, Query(description="code of a service" + _ANY)] = None,
    group: Annotated[list[str] | None, Query(description="group of services" + _ANY)] = None,
    department: Annotated[list[str] | None, Query(description="code of a department" + _ANY)] = None,
    status: Annotated[list[str] | None, Query(description="open or closed")] = None,
    outcome: Annotated[
        list[str] | None, Query(description="done, no_action, not_found, duplicate, referred or unknown" + _ANY)
    ] = None,
    channel: Annotated[list[str] | None, Query(description="how it was reported" + _ANY)] = None,
    on_time: Annotated[list[str] | None, Query(description="on_time, late, pending or no_standard")] = None,
    area: Annotated[list[str] | None, Query(description="layer:code, such as district:3" + _ANY)] = None,
    from_: Annotated[str | None, Query(alias="from", description="first day asked for, local: 2025-01-31")] = None,
    to: Annotated[str | None, Query(description="last day asked for, local: 2025-02-28")] = None,
) -> Asked:
    """The selection; the parameters are declared for the documentation and read by Selection, which checks them."""
    del service, group, department, status, outcome, channel, on_time, area, from_, to
    release = current(request)
    return Asked(release, Selection.from_query(query_of(request), release))


Current = Annotated[Release, Depends(current)]
Chosen = Annotated[Asked, Depends(asked)]
