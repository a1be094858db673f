"""What stands near every figure: which rows no figure counts, and how those that count were placed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import html

from portal import queries
from portal.components.labels import METHODS, named
from portal.components.links import address
from portal.components.parts import rich
from portal.text import _, listed, ngettext, number, share

if TYPE_CHECKING:
    from portal.answers import LocatedBy
    from portal.release import Release
    from portal.selection import Selection

METHODS_SHOWN = 4
LEAST_SHARE = 0.005


def footing(release: Release, selection: Selection) -> Any:
    """What the figures of a selection rest on."""
    return html.Div([absent(release), placed(queries.located(release, selection))], className="footing")


def placed(found: LocatedBy) -> Any:
    """'On the map: 78% at the source's own point, 14% by their address (address point 9%, block 5%), 8% not at all.'"""
    if not found.requests:
        return None
    parts = []
    if found.source:
        parts.append(_("{share} at the source's own point").format(share=share(found.source, found.requests)))
    if found.geocoder:
        by = ", ".join(_methods(found))
        words = _("{share} by their address ({methods})") if by else _("{share} by their address")
        parts.append(words.format(share=share(found.geocoder, found.requests), methods=by))
    if found.none:
        parts.append(_("{share} not at all").format(share=share(found.none, found.requests)))
    link = html.A(_("How sure that is"), href=address("/methods") + "#location")
    return html.P(rich(_("On the map: {parts}. {link}"), parts=listed(parts), link=link), className="absent")


def _methods(found: LocatedBy) -> list[str]:
    """'address point 9%' for the methods that matter, most first, and the rest as one."""
    shown = [(named(METHODS, method), n) for method, n in list(found.methods.items())[:METHODS_SHOWN]]
    shown = [(words, n) for words, n in shown if n >= LEAST_SHARE * found.requests] or shown[:1]
    rest = sum(found.methods.values()) - sum(n for _words, n in shown)
    if rest:
        shown.append((_("other ways"), rest))
    return [f"{words} {share(n, found.requests)}" for words, n in shown]


def absent(release: Release) -> Any:
    """'Left out of every figure: 29 rows that could not be trusted and 3 that their source withdrew.' and the way to why."""
    found = queries.absent(release)
    parts = []
    if found.quarantined:
        words = ngettext("{n} row that could not be trusted", "{n} rows that could not be trusted", found.quarantined)
        parts.append(words.format(n=number(found.quarantined)))
    if found.withdrawn:
        words = ngettext("{n} row that its source withdrew", "{n} rows that their source withdrew", found.withdrawn)
        parts.append(words.format(n=number(found.withdrawn)))
    if not parts:
        words = _("No row is missing from the record: every one could be trusted, and none was withdrawn. {link}")
        if found.withdrawn is None:
            words = _("No row is missing from the record because it could not be trusted. {link}")
        return html.P(rich(words, link=html.A(_("Sources and runs"), href=address("/sources"))), className="absent")
    sentence = _("Left out of every figure, in the whole record: {rows}. {link}")
    link = html.A(_("Which, and why"), href=address("/sources"))
    return html.P(rich(sentence, rows=html.Strong(listed(parts)), link=link), className="absent")
