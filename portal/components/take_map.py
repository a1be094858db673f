"""What a reader does with a view of the map: follow it, save it, take it away as a file, show it in a page of their own.

Charter: links and code only; `portal/map_routes.py` and `portal/feed_routes.py` answer them, `assets/js/views.js` saves.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from dash import html

from portal.components.elements import SavedViews
from portal.components.follow import follow
from portal.components.links import Kept, address, pairs_of
from portal.components.parts import code
from portal.components.take_chart import LONGEST, base_address
from portal.selection import Selection
from portal.text import _, language, main_language

if TYPE_CHECKING:
    from portal.release import Release

HEIGHT: Final = 560
"""The height that the code for copying gives the map, in pixels; it fills whatever it gets."""
LONGEST_NAME: Final = 80
MOST_VIEWS: Final = 50


def map_title(release: Release, figure: str, words: str) -> str:
    """What a map shows, as a headline; `words` are those of its figure."""
    what = _("Where the requests are") if figure == "requests" else words
    return _("{city}: {what}").format(city=release.city.name, what=what)


def embed_code(source: str, title: str, width: int | str = "100%", height: int = HEIGHT) -> str:
    """The element that shows a map in another page."""
    return (
        f'<iframe src="{escape(source)}" title="{escape(title)}" width="{width}" height="{height}" '
        'style="border:0" loading="lazy" allow="fullscreen"></iframe>'
    )


def take_map(
    release: Release, selection: Selection, title: str, shown: dict[str, str], page: Mapping[str, Kept]
) -> Any:
    """The block below a map; `shown` is what its address holds beside the selection, `page` what only the page can show:
    a saved view has it, files do not."""
    return html.Div(
        [
            follow(selection),
            *_files(selection, shown),
            *_embed(selection, title, shown),
            _views(release, selection, {**shown, **page}),
        ],
        className="map-take",
    )


def _files(selection: Selection, shown: dict[str, str]) -> list[Any]:
    picture = address("/map/standalone.svg", selection, **shown)
    named = html.Span(f": {_('Map')}", className="visually-hidden")
    links = [
        html.A(_("One file (HTML)"), href=address("/map/standalone.html", selection, **shown), download=""),
        html.Button(["PNG", named], type="button", className="png", **{"data-png": picture}),
        html.A(["SVG", named], href=picture, download=""),
        html.A(_("On paper"), href=address("/map/print", selection, **shown)),
        html.A(_("These requests as data"), href=address("/data", selection)),
    ]
    told = _("The file opens from a disk, without any network: a drawing of this map, its filters and its table.")
    return [
        html.Details(
            [
                html.Summary(_("Take this map")),
                html.Ul([html.Li(link) for link in links], className="take-links"),
                html.P(told, className="detail"),
            ],
            className="more",
        )
    ]


def _embed(selection: Selection, title: str, shown: dict[str, str]) -> list[Any]:
    base, _page = base_address()
    source = address("/embed/map", selection, **shown)
    if not base or len(source) > 2 * LONGEST:
        return []
    told = _("This code shows the map in a page of your own. It sets no cookies, and asks no other host than this one.")
    return [
        html.Details(
            [
                html.Summary(_("Embed this map")),
                html.P(told, className="detail"),
                code(embed_code(base + source, title), f"{_('Embed code')}: {title}", wraps=True),
            ],
            className="more",
        )
    ]


def _views(release: Release, selection: Selection, shown: Mapping[str, Kept]) -> Any:
    query = urlencode([*selection.pairs(), *pairs_of(shown)])
    sentence = selection.sentence(release)
    return SavedViews(
        id="saved-views",
        query=query,
        suggested=sentence if len(sentence) <= LONGEST_NAME else sentence[: LONGEST_NAME - 1] + "…",
        lang=language() if language() != main_language() else "",
        longest=LONGEST_NAME,
        most=MOST_VIEWS,
        words={
            "title": _("Saved views"),
            "name": _("Name of this view"),
            "save": _("Save this view"),
            "told": _("Views are saved in this browser only. Nobody else sees them, and nothing is sent."),
            "saved": _("Saved: {name}"),
            "delete": _("Delete"),
            "delete_one": _("Delete {name}"),
            "deleted": _("Deleted: {name}"),
            "none": _("No views are saved yet."),
            "here": _("this view"),
            "full": _("{n} views are the most: delete one first.").format(n=MOST_VIEWS),
            "closed": _("This browser does not let pages save anything."),
            "nameless": _("Give the view a name."),
        },
    )
