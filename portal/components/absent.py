"""What stands near every figure: which rows no figure counts, and how those that count were placed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import html

from portal import queries
from portal.components import told
from portal.components.labels import METHODS, named
from portal.components.links import address
from portal.components.parts import listed_nodes, rich
from portal.components.receipt import Figures
from portal.selection import Selection
from portal.text import _, ngettext, share

if TYPE_CHECKING:
    from portal.answers import LocatedBy
    from portal.release import Release

METHODS_SHOWN = 4
LEAST_SHARE = 0.005


def footing(release: Release, selection: Selection) -> Any:
    """What the figures of a selection rest on."""
    return html.Div([absent(release), placed(queries.located(release, selection), selection)], className="footing")


def placed(found: LocatedBy, selection: Selection | None = None) -> Any:
    """'On the map: 78% at the source's own point, 14% by their address (address point 9%, block 5%), 8% not at all.'"""
    if not found.requests:
        return None
    chosen = Selection() if selection is None else selection
    of, parts = Figures("located", chosen), []
    if found.source:
        parts.append(rich(_("{share} at the source's own point"), share=_share(of, "source", found.source, found)))
    if found.geocoder:
        by = _methods(found, Figures("methods", chosen))
        words = _("{share} by their address ({methods})") if by else _("{share} by their address")
        parts.append(rich(words, share=_share(of, "geocoder", found.geocoder, found), methods=by))
    if found.none:
        parts.append(rich(_("{share} not at all"), share=_share(of, "none", found.none, found)))
    link = html.A(_("How sure that is"), href=address("/methods") + "#location")
    return html.P(rich(_("On the map: {parts}. {link}"), parts=listed_nodes(parts), link=link), className="absent")


def _share(of: Figures, key: str, n: int, found: LocatedBy) -> Any:
    return told.part(of, key, "share", n, found.requests)


def _methods(found: LocatedBy, of: Figures) -> list[Any]:
    """'address point 9%' for the methods that matter, most first, and the rest as one."""
    first = list(found.methods.items())[:METHODS_SHOWN]
    shown = [(method, n) for method, n in first if n >= LEAST_SHARE * found.requests] or first[:1]
    nodes: list[Any] = []
    for method, n in shown:
        nodes += [", " if nodes else "", f"{named(METHODS, method)} ", _share(of, method, n, found)]
    others = [method for method in found.methods if method not in dict(shown)]
    if rest := sum(found.methods[method] for method in others):
        words = share(rest, found.requests)
        nodes += [
            f", {_('other ways')} ",
            of.sum(words, [f"{method}/share" for method in others], rest / found.requests),
        ]
    return nodes


def absent(release: Release) -> Any:
    """'Left out of every figure: 29 rows that could not be trusted and 3 that their source withdrew.' and the way to why."""
    found, of = queries.absent(release), Figures("left-out", Selection())
    parts = []
    if found.quarantined:
        words = ngettext("{n} row that could not be trusted", "{n} rows that could not be trusted", found.quarantined)
        parts.append(rich(words, n=told.count(of, "", "quarantined", found.quarantined)))
    if found.withdrawn:
        words = ngettext("{n} row that its source withdrew", "{n} rows that their source withdrew", found.withdrawn)
        parts.append(rich(words, n=told.count(of, "", "withdrawn", found.withdrawn)))
    if not parts:
        words = _("No row is missing from the record: every one could be trusted, and none was withdrawn. {link}")
        if found.withdrawn is None:
            words = _("No row is missing from the record because it could not be trusted. {link}")
        return html.P(rich(words, link=html.A(_("Sources and runs"), href=address("/sources"))), className="absent")
    sentence = _("Left out of every figure, in the whole record: {rows}. {link}")
    link = html.A(_("Which, and why"), href=address("/sources"))
    return html.P(rich(sentence, rows=html.Strong(listed_nodes(parts)), link=link), className="absent")
