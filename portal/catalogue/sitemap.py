"""The addresses of pages for search engines (sitemaps.org), in files of a bounded size, and what robots may ask for.

Charter: pages only, not every request: those are millions, and each is found by its number.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from portal.components.shell import NEEDS_TABLE
from portal.errors import NotFound
from portal.places import has_index
from portal.plain_texts import utc_text
from portal.queries.standards import has_standards
from portal.ready import ready
from portal.selection import NOT_STATED
from portal.tables import tables

if TYPE_CHECKING:
    from portal.release import Release

MOST: Final = 10_000
"""Addresses in one file: the protocol allows 50,000, and 50 MB."""
_NAMESPACE: Final = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
_PAGES: Final = (
    "/", "/map", "/places", "/expected", "/trends", "/areas", "/departments", "/standards", "/equity", "/data", "/sources",
    "/methods",
)  # fmt: skip
_NOT_FOR_ROBOTS: Final = (
    "/api/",
    "/tiles/",
    "/charts/",
    "/download/",
    "/map/frame",
    "/map/list",
    "/open311/v2/requests",
    "/_",
)
"""Figures and files for programs: without end, and no pages."""


def paths(release: Release) -> list[str]:
    """The pages of a release."""
    found = [path for path in _PAGES if _there(release, path)]
    found += [f"/data/{name}" for name in tables(release)]
    found += ["/data/requests/files"] if ready(release.folder) else []
    found += [f"/areas/{layer.layer}" for layer in release.layers]
    for layer in release.layers:
        found += [f"/areas/{layer.layer}/{code}" for code in _codes(release, layer.layer)]
    return found + [f"/departments/{code}" for code in _codes(release, "department")]


def sitemap(release: Release, base: str) -> str:
    """All addresses, or an index of the files that hold them."""
    found = paths(release)
    if len(found) <= MOST:
        return _urlset(release, base, found)
    count = -(-len(found) // MOST)
    entries = (
        f"<sitemap><loc>{escape(f'{base}/sitemap-{n}.xml')}</loc>{_changed(release)}</sitemap>\n"
        for n in range(1, count + 1)
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<sitemapindex {_NAMESPACE}>\n{"".join(entries)}</sitemapindex>\n'


def part(release: Release, base: str, number: int) -> str:
    """One of the files that the index names, from 1 on."""
    found = paths(release)[(number - 1) * MOST : number * MOST] if number >= 1 else []
    if not found:
        raise NotFound("There is no such part of the sitemap; /sitemap.xml names them.")
    return _urlset(release, base, found)


def robots(base: str) -> str:
    """What crawlers may ask for."""
    refused = "".join(f"Disallow: {path}\n" for path in _NOT_FOR_ROBOTS)
    return f"User-agent: *\n{refused}\nSitemap: {base}/sitemap.xml\n"


def _urlset(release: Release, base: str, found: list[str]) -> str:
    changed = _changed(release)
    entries = (f"<url><loc>{escape(base + path)}</loc>{changed}</url>\n" for path in found)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<urlset {_NAMESPACE}>\n{"".join(entries)}</urlset>\n'


def _changed(release: Release) -> str:
    return f"<lastmod>{utc_text(release.created)}</lastmod>"


def _codes(release: Release, dimension: str) -> list[str]:
    return [quote(code, safe="") for code in release.allowed(dimension) if code != NOT_STATED]


def _there(release: Release, path: str) -> bool:
    if path == "/standards":
        return has_standards(release)
    if path == "/places":
        return has_index(release)
    if path == "/areas":
        return bool(release.layers)
    return NEEDS_TABLE.get(path, "requests") in release.tables
