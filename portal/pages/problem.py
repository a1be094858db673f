"""What went wrong, and where to go from there."""

from __future__ import annotations

from dash import html

from portal.components.links import address
from portal.components.page import Page
from portal.components.parts import page_head
from portal.errors import BadSelection, PortalError
from portal.text import _


def layout(error: PortalError) -> Page:
    """A page for an error of the visitor's address; `error.status` is its HTTP status."""
    if error.status == 404:
        title, lead = _("Page not found"), _("If you followed a link, it may be out of date.")
    elif isinstance(error, BadSelection):
        title, lead = (
            _("This filter does not exist"),
            _("The address asks for something that this release does not have."),
        )
    else:
        title, lead = _("This address cannot be answered"), ""
    ways = [
        (_("Overview"), "/"), (_("Map"), "/map"), (_("Areas"), "/areas"), (_("Departments"), "/departments"),
        (_("Data"), "/data"),
    ]  # fmt: skip
    body = [
        page_head(title, html.P(lead, className="lead") if lead else None),
        html.P(str(error), className="detail"),
        html.P(_("You can go on from here:")),
        html.Ul([html.Li(html.A(words, href=address(path))) for words, path in ways]),
    ]
    return Page(title=title, description=lead, body=body, status=error.status)
