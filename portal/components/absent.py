"""What no figure counts, said near the figures: rows that could not be trusted, and rows that were withdrawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import html

from portal import queries
from portal.components.links import address
from portal.components.parts import rich
from portal.text import _, listed, ngettext, number

if TYPE_CHECKING:
    from portal.release import Release


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
