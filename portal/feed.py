"""A feed of the newest requests of a view: Atom 1.0 (RFC 4287) with tag URIs (RFC 4151) and GeoRSS points, in pages
(RFC 5005): whoever has looked away for longer than a page holds goes on with the next one.

Charter: rows and words in, the document's text out. It tells nothing of a request that its row does not publish.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from urllib.parse import quote, urlencode, urlsplit

from portal.answered import xml_text
from portal.answers import RequestRow
from portal.components import whereabouts
from portal.components.follow import feed_address
from portal.components.links import address
from portal.components.shell import invented, site_title
from portal.errors import NotFound
from portal.plain_texts import utc_text
from portal.queries.ordered import latest
from portal.release import Release
from portal.selection import Selection
from portal.text import _, language, main_language, number

MEDIA_TYPE = "application/atom+xml"
ENTRIES = 100
"""Entries of a page."""
MOST_PAGES = 100
"""What is farther down is not news; all of it is to be had as a file."""
MINTED = "2026"
"""The year that stands in every tag URI: such a name must never change, so neither may this."""


def feed(release: Release, selection: Selection, base: str, page: int = 1) -> str:
    """A page of the feed of a selection; `base` is where visitors see the portal. NotFound for a page after the last."""
    city = release.city
    pages = min(max(-(-release.chosen(selection).n // ENTRIES), 1), MOST_PAGES)
    if page > pages:
        raise NotFound(f"This feed has no page {page}: the last one is {pages}.")
    rows = latest(release, selection, ENTRIES, (page - 1) * ENTRIES)
    title = f"{city.name}: {selection.sentence(release)}"
    subtitle = [_("The newest {n} requests of this view.").format(n=number(ENTRIES)), city.attribution]
    if page > 1:
        subtitle[0] = _("Page {n} of {all}").format(n=number(page), all=number(pages)) + "."
    if city.synthetic:
        subtitle.insert(0, invented())
    changed = max((_changed(row, release) for row in rows), default=_aware(release.as_of))
    parts = [
        _element("id", _tag(base, city.id, "feed" + (f"?{query}" if (query := selection.to_query()) else ""))),
        _element("title", title),
        _element("subtitle", " ".join(filter(None, subtitle))),
        _element("updated", _time(changed)),
        f"<author>{_element('name', site_title(release))}{_element('uri', f'{base}/')}</author>",
        _link("self", base + feed_address(selection, page), MEDIA_TYPE),
        *(_link(rel, base + feed_address(selection, to), MEDIA_TYPE) for rel, to in _ways(page, pages)),
        _link("alternate", base + address("/map", selection), "text/html"),
        f'<generator uri="{escape(base)}/">Openward</generator>',
    ]
    if city.license.path:
        parts.append(f'<link rel="license" href="{escape(city.license.path)}"/>')
    if city.license.title:
        parts.append(_element("rights", city.license.title))
    text = (
        f'<feed xmlns="http://www.w3.org/2005/Atom" xmlns:georss="http://www.georss.org/georss" '
        f'xml:lang="{escape(language())}" xml:base="{escape(base)}/">'
        + "\n".join([*parts, *_entries(release, rows, base)])
        + "</feed>\n"
    )
    return '<?xml version="1.0" encoding="utf-8"?>\n' + xml_text(text)


def _ways(page: int, pages: int) -> list[tuple[str, int]]:
    """The other pages by their relation to this one; none where it is the only one."""
    if pages == 1:
        return []
    ways = [("first", 1), ("previous", page - 1), ("next", page + 1), ("last", pages)]
    return [(rel, to) for rel, to in ways if 1 <= to <= pages]


def _entries(release: Release, rows: Sequence[RequestRow], base: str) -> list[str]:
    return [_entry(release, row, base) for row in rows]


def _entry(release: Release, row: RequestRow, base: str) -> str:
    title = row.service_name or release.allowed("service").get(row.service_code, row.service_code)
    where = whereabouts.where(release, row) if row.lat is not None or row.address else ""
    page = {"source": row.source} | ({"lang": language()} if language() != main_language() else {})
    number_of = quote(row.service_request_id, safe="")
    parts = [
        _element("id", _tag(base, release.city.id, f"requests/{quote(row.source, safe='')}/{number_of}")),
        _element("title", f"{title}: {where}" if where else title),
        _element("updated", _time(_changed(row, release))),
        _link("alternate", f"{base}/requests/{number_of}?{urlencode(page)}", "text/html"),
        _element("summary", _summary(row)),
        f'<category term="{escape(row.service_code)}" label="{escape(title)}"/>',
    ]
    if row.requested_datetime:
        parts.insert(3, _element("published", _time(_aware(row.requested_datetime))))
    if row.lat is not None and row.long is not None:
        parts.append(_element("georss:point", f"{row.lat:.6f} {row.long:.6f}"))
    return f"<entry>{''.join(parts)}</entry>"


def _summary(row: RequestRow) -> str:
    return f"{whereabouts.state(row)}. {_('Number {number}.').format(number=row.service_request_id)}"


def _changed(row: RequestRow, release: Release) -> datetime:
    """When the request last changed, as far as is published; never after the data was taken."""
    told = [moment for moment in (row.requested_datetime, row.closed_datetime, row.updated_datetime) if moment]
    return min(max(map(_aware, told), default=_aware(release.as_of)), _aware(release.as_of))


def _aware(moment: datetime) -> datetime:
    """Times in a release are UTC, and do not say so."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _time(moment: datetime) -> str:
    return utc_text(moment)


def _tag(base: str, city: str, name: str) -> str:
    """A name that stays the same from release to release, whichever port or path it is served at."""
    host = (urlsplit(base).hostname or "localhost").replace(":", "-")
    return f"tag:{host},{MINTED}:{quote(city, safe='')}/{name}"


def _element(name: str, text: str) -> str:
    return f"<{name}>{escape(text, quote=False)}</{name}>"


def _link(rel: str, href: str, media_type: str) -> str:
    return f'<link rel="{rel}" type="{media_type}" href="{escape(href)}"/>'
