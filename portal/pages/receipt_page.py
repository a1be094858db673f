"""A figure's receipt: what it means, what it leaves out, and the SQL that makes it again from the downloaded release."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import html

from portal.components.links import address
from portal.components.page import Page
from portal.components.parts import Column, code, page_head, rich, section, table
from portal.package import file_url
from portal.pages.overview import source_words
from portal.receipts import receipt
from portal.selection import Selection
from portal.text import _

if TYPE_CHECKING:
    from portal.release import Release

PATH = "/receipts"
ARGUMENTS = ("dimension", "layer", "measure", "key", "at", "minutes")


def layout(release: Release, selection: Selection, figure: str, **arguments: str) -> Page:
    """The receipt of a figure for a selection."""
    told = receipt(release, figure, selection, arguments)
    kind = told.kind
    title = _(kind.title)
    files = [html.A(name, href=file_url(release.id, name)) for name in kind.files]
    steps = _(
        "Download {files} of this very release into one folder, and run this there with DuckDB, a free program. It needs no "
        "connection and nothing of ours."
    )
    body = [
        page_head(
            title,
            html.P(_(kind.definition), className="lead"),
            html.P([html.Strong(selection.sentence(release) + "."), " ", source_words(release)]),
            kicker=_("Receipt of a figure"),
        ),
        section(
            _("Make it again"), "sql",
            html.P(rich(steps, files=_joined(files))),
            html.P(rich(_("It asks for places, and so needs DuckDB's extension for them, which is fetched once: {code}"),
                        code=html.Code("INSTALL spatial; LOAD spatial;"))) if "ST_" in told.sql else None,
            code(told.sql, _("SQL of this figure")),
        ),
        section(_("What is left out"), "left-out", html.Ul([html.Li(_(words)) for words in kind.excluded]),
                html.P(html.A(_("Which rows, and why"), href=address("/sources")))),
        section(
            _("The columns of the answer"), "columns",
            table(_("Columns"), [Column(_("Column")), Column(_("What it is"))],
                  [[html.Code(name), _(words)] for name, words in kind.columns.items()], "columns-table", hidden_caption=True),
        ),
        html.P(html.A(_("How all figures are made"), href=address("/methods"), className="onward")),
    ]  # fmt: skip
    return Page(
        title=title,
        description=_("How a figure about service requests in {city} was made.").format(city=release.city.name),
        body=body,
        section="/methods",
    )


def _joined(links: list[Any]) -> list[Any]:
    out: list[Any] = []
    for i, link in enumerate(links):
        out += [", ", link] if i else [link]
    return out
