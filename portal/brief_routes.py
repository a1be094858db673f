"""The brief over HTTP: `/areas/{layer}/{area}/brief.pdf` and `/departments/{department}/brief.pdf`.

They take the query of the report card's page, `lang`, and `paper` (a4 or letter). Two are drawn at a time, and the
last ones are kept: the data is the page's own, the drawing takes a few tenths of a second.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from portal import queries
from portal.answered import etag_of, not_modified
from portal.components.links import address, part
from portal.context import Chosen, base_of
from portal.downloads import Busy
from portal.errors import NotFound
from portal.kept import Answers
from portal.release import Release
from portal.selection import NOT_STATED, Selection
from portal.text import _, answering, language

Paper = Annotated[Literal["a4", "letter"] | None, Query(description="size of the pages; without it, the city's own")]

AT_ONCE = 2
WAIT_S = 10.0
KEPT = 24
"""Briefs in memory; one is some 100 kB."""

_drawing = threading.BoundedSemaphore(AT_ONCE)
_kept = Answers(KEPT)
router = APIRouter(tags=["downloads"], include_in_schema=False)


@router.get("/areas/{layer}/{code:path}/brief.pdf", response_class=Response)
def area_brief(request: Request, chosen: Chosen, layer: str, code: str, paper: Paper = None) -> Response:
    """The brief of one area."""
    release = chosen.release
    of = release.layer(layer)
    if code not in release.allowed(layer):
        raise NotFound(f"There is no {of.title.lower()} '{code[:40]}' in this release.")
    return _answer(request, release, chosen.selection, (layer, code), f"/areas/{layer}", of.title, paper)


@router.get("/departments/{code:path}/brief.pdf", response_class=Response)
def department_brief(request: Request, chosen: Chosen, code: str, paper: Paper = None) -> Response:
    """The brief of one department."""
    release = chosen.release
    if code not in release.allowed("department") or code == NOT_STATED:
        raise NotFound(f"There is no department '{code[:40]}' in this release.")
    return _answer(request, release, chosen.selection, ("department", code), "/departments", "", paper)


def _answer(request: Request, release: Release, selection: Selection, place: tuple[str, str], above: str, kind: str,
            paper: str | None) -> Response:  # fmt: skip
    from portal.brief.make import brief, default_paper  # the drawing library takes a second to import

    dimension, key = place
    size = paper or default_paper(release.city.timezone)
    base = base_of(request)
    chosen = queries.narrowed(selection, dimension, None)
    with answering(release.city.languages, request.url.query, request.headers.get("accept-language", "")):
        page = base + address(f"{above}/{part(key)}", chosen)

        def draw() -> bytes:
            if not _drawing.acquire(timeout=WAIT_S):
                raise Busy("Other briefs are being drawn just now: try again in a minute.")
            try:
                return brief(release, chosen, dimension, key, kind or _("Department"), base, page, size)
            finally:
                _drawing.release()

        file = _kept.get((str(release.folder), place, chosen, language(), size, base), draw)
    headers = {
        "X-Openward-Release": release.id,
        "Cache-Control": "no-cache",
        "ETag": etag_of(file),
        "Vary": "Accept-Language",
        "Content-Disposition": f'attachment; filename="{file_name(release, dimension, key, bool(chosen))}"',
    }
    return not_modified(request, headers) or Response(file, media_type="application/pdf", headers=headers)


def file_name(release: Release, dimension: str, key: str, selected: bool = False) -> str:
    """Such as testville-synthetic-district-3-20250620T180000Z-bfa16020.pdf: letters, digits, '-', '_' and '.' only."""
    parts = [release.city.id, "synthetic" if release.city.synthetic else "", dimension, key, release.id]
    parts.append("selection" if selected else "")
    return "-".join(filter(None, map(_safe, parts))) + ".pdf"


def _safe(text: str) -> str:
    """A part of a file's name that every system takes.

    >>> _safe('Peñarol "north"/2'), _safe('../..'), _safe('東')
    ('Penarol-north-2', '', '')
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9_]+", "-", plain).strip("-_")[:60]
