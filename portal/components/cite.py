"""How to cite what is shown: the citation itself, its permanent address, and files for programs that keep literature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import html

from portal.cited import cite, permanent
from portal.components.links import address
from portal.components.parts import code, more
from portal.components.take_chart import base_address
from portal.selection import Selection
from portal.text import _

if TYPE_CHECKING:
    from portal.release import Release

PROGRAMS = (("bibtex", "BibTeX"), ("csl", "CSL-JSON"), ("ris", "RIS"))


def cite_box(release: Release, selection: Selection, release_id: str = "") -> list[Any]:
    """The citation of a release (the current one, if no other is named) and of what is selected in it."""
    cited = release_id or release.id
    told = cite(release, selection, base_address()[0], cited)
    return [
        code(told.text(), _("Citation"), wraps=True),
        _programs(selection, cited),
        html.P(
            [
                _("Its address is permanent, and tells what has changed since:"),
                " ",
                html.A(permanent(cited, selection), href=permanent(cited, selection)),
            ]
        ),
    ]


def cite_folded(release: Release, selection: Selection) -> Any:
    """The same on a page that is about something else: one click away."""
    told = cite(release, selection, base_address()[0])
    link = html.A(_("Its permanent address"), href=permanent(release.id, selection))
    return more(
        _("Cite this view"),
        code(told.text(), _("Citation"), wraps=True),
        _programs(selection, release.id),
        html.P(link),
    )


def _programs(selection: Selection, cited: str) -> Any:
    links: list[Any] = [
        html.Li(html.A(name, href=address("/cite", selection, release=cited, format=form), download=""))
        for form, name in PROGRAMS
    ]
    return html.Ul(links, className="datasets", **{"aria-label": _("The citation for programs")})
