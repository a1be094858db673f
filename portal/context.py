"""What HTTP handlers share: the current release, the selection that a query asks for, and where visitors see us."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import parse_qsl, urlencode

from fastapi import Depends, Request

from portal.declared import selection_keys
from portal.release import Release, Releases
from portal.selection import Selection

_AS_IT_IS: Final = "!$'()*,/:=?@"
"""Characters of a query that need no escaping (RFC 3986); a semicolon would end an address in the header Link."""


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


def onward(request: Request, changes: Mapping[str, str], without: Sequence[str] = ()) -> str:
    """The address that was asked for, with other values of some keys: that of the page after this one.

    What an address may hold as it is stays so: what was short enough to be asked for must not grow.
    """
    given = parse_qsl(query_of(request), keep_blank_values=True)
    kept = [(key, value) for key, value in given if key not in changes and key not in without]
    return f"{base_of(request)}{request.url.path}?{urlencode([*kept, *changes.items()], safe=_AS_IT_IS)}"


def next_link(address: str) -> dict[str, str]:
    """The header that names the page after this one (RFC 8288)."""
    return {"Link": f'<{address}>; rel="next"'}


Declared = Annotated[None, Depends(selection_keys)]
"""The keys of a selection, for the documentation alone."""


@dataclass(frozen=True)
class Asked:
    """The current release and the selected requests."""

    release: Release
    selection: Selection


def asked(request: Request, _: Declared) -> Asked:
    """The selection of the current release that the query asks for."""
    release = current(request)
    return Asked(release, Selection.from_query(query_of(request), release))


Current = Annotated[Release, Depends(current)]
Chosen = Annotated[Asked, Depends(asked)]
