"""What a page module returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Page:
    """A page's content before the shell is put around it, or after.

    `title` is plain text for the browser's tab, `description` one sentence for search engines, `body` a Dash
    component or a list of them, `status` the HTTP status, `announce` what a screen reader is told once the
    content changed, `section` the entry of the navigation that the page belongs to, `head` what its head links to
    (`portal.head_links`), `about` what it shows in schema.org's words, for search engines (`portal.catalogue.schema_org`).
    """

    title: str
    description: str
    body: Any
    status: int = 200
    announce: str = ""
    section: str = ""
    head: tuple[Mapping[str, str], ...] = ()
    about: Mapping[str, Any] | None = None
