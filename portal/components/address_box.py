"""The address box: a form that finds a place, with suggestions where scripts run.

Charter: the form and its words. Where a release has no address index, there is no box.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import html

from portal.components.elements import AddressField, Field
from portal.components.labels import PLACE_KINDS
from portal.places import LONGEST_TYPED, has_index
from portal.text import _, language, main_language

if TYPE_CHECKING:
    from portal.release import Release

SUGGEST = "/api/v1/places/suggest"
PATH = "/places"


def address_box(release: Release, value: str = "", leads: str = "page", key: str = "place-q") -> Any:
    """The box, or nothing; what is picked leads to its page, or (`leads` "map") marks it on the map of this page."""
    if not has_index(release):
        return None
    release.places.at_hand(release)  # by the time someone types, it is read
    other = language() if language() != main_language() else ""
    words = {
        "list": _("Places that fit"),
        "one": _("1 place fits. Arrow keys choose."),
        "many": _("{n} places fit. Arrow keys choose."),
        "none": _("No place fits yet."),
        "failed": _("Suggestions cannot be loaded just now. Enter looks for what is typed."),
        "preparing": _("The list of addresses is being read; one moment."),
        "kinds": {kind: _(label) for kind, label in PLACE_KINDS.items()},
    }
    hint = _("An address, a crossing, a street, a park or a neighborhood. What you type is not kept.")
    return html.Form(
        [
            *([Field("hidden", "lang", other)] if other else []),
            html.Label(_("Find a place"), htmlFor=key),
            html.Div(
                [
                    AddressField(
                        id=key, value=value, suggest=SUGGEST, leads=leads, words=words, lang=other,
                        longest=LONGEST_TYPED, describedby=f"{key}-hint",
                    ),
                    html.Button(_("Find"), type="submit", className="button"),
                ],
                className="address-row",
            ),
            html.P(hint, id=f"{key}-hint", className="hint"),
            _locate(leads, other, key),
        ],
        method="get", action=PATH, className="address-box", role="search",
        **{"data-filter": "", "aria-label": _("Find a place")},
    )  # fmt: skip


def _locate(leads: str, lang: str, key: str) -> Any:
    """The button that asks the device where it is, shown where scripts run (`assets/js/locate.js`), and what it does."""
    said, hint = f"{key}-locate-said", f"{key}-locate-hint"
    words = {
        "data-locate": leads,
        "data-says": said,
        "data-lang": lang,
        "data-asking": _("Asking your device…"),
        "data-denied": _("Your device or browser does not tell its location to this page. Type an address instead."),
        "data-failed": _("Your device cannot tell where it is. Type an address instead."),
    }
    does = _("Asked for only when you press this, rounded to about 11 m, and kept nowhere but in the page's address.")
    return html.Div(
        [
            html.Button(
                _("Use my location"), type="button", className="locate-button",
                **{key: value for key, value in words.items() if value}, **{"aria-describedby": hint},
            ),
            html.Span(id=said, className="locate-said", role="status"),
            html.P(does, id=hint, className="hint"),
        ],
        className="locate",
    )  # fmt: skip
