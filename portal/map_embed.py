"""The map by itself, for a page of someone else and for paper: what it shows above it, its source below.

Charter: the folium page as `portal.pages.frame` makes it, and a few elements put into it. No drawing, and no scripts but
one each: links open in a new tab, as within a frame they would take the place of the article; and a button prints.
"""

from __future__ import annotations

import re
from html import escape
from urllib.parse import urlencode

from geo.maps import MapPage
from portal import queries
from portal.components.placed import placed_words
from portal.components.shell import site_title
from portal.map_file import title_of
from portal.map_view import MapView
from portal.pages.frame import frame
from portal.release import Release
from portal.text import _, date_words, language, local

_THEME = re.compile(r'<script src="[^"]*/js/theme\.js"></script>')
_NO_SCRIPT = re.compile(r"<noscript>.*?</noscript>", re.DOTALL)


def embed_page(release: Release, view: MapView, base: str) -> MapPage:
    """The page for an article, complete in words where scripts are off."""
    live = escape(base + view.address())
    opened = f'<a href="{live}" target="_blank" rel="noopener">{escape(_("Open the live map"))}</a>'
    below = f'<footer class="ow-below"><p>{_source(release)} · {opened}</p></footer>'
    return _surrounded(release, view, "embed", live, _above(release, view), below)


def print_page(release: Release, view: MapView, base: str) -> MapPage:
    """The page as a sheet of paper: always light, nothing to click on it but the button that prints it."""
    live = escape(base + view.address())
    button = f'<button type="button" class="ow-print" data-print hidden>{escape(_("Print this map"))}</button>'
    below = f'<footer class="ow-below"><p>{_source(release)}</p><p>{escape(_("The live map:"))} {live}</p></footer>'
    return _surrounded(release, view, "paper", live, button + _above(release, view), below)


def _above(release: Release, view: MapView) -> str:
    """What the map shows, and how many of the requests are on it."""
    counted = placed_words(queries.totals(release, view.selection))
    return (
        f'<header class="ow-above"><h1>{escape(title_of(release, view), quote=False)}</h1>'
        f"<p>{escape(view.selection.sentence(release), quote=False)}. {escape(counted, quote=False)}</p></header>"
    )


def _surrounded(release: Release, view: MapView, use: str, live: str, above: str, below: str) -> MapPage:
    """The folium page with something above and below its map; `use` names its style sheet and its script."""
    framed = frame(release, urlencode({"lang": language()}))
    title = escape(title_of(release, view))
    head = (
        f'<link rel="stylesheet" href="/assets/css/embed.css"><link rel="canonical" href="{live}">'
        '<meta name="robots" content="noindex"><link rel="icon" href="/assets/img/icon.svg">'
        f'<script src="/assets/js/{use}.js" defer></script>'
    )
    still = (
        f'<noscript><p class="ow-no-script">{escape(_("The map moves where JavaScript is on; this is a picture of it."))}'
        f'</p><img class="ow-still" src="{escape(view.address("/map/standalone.svg"))}" alt="{title}"></noscript>'
    )
    text = framed.html.replace('class="map-page"', f'class="map-page ow-around ow-{use}"', 1)
    text = re.sub(r"<title>.*?</title>", lambda _found: f"<title>{title}</title>", text, count=1)
    text = _NO_SCRIPT.sub(lambda _found: still, text, count=1)
    if use == "paper":
        text = _THEME.sub("", text, count=1).replace("<html ", '<html data-theme="light" ', 1)
    text = text.replace("</head>", f"{head}</head>", 1)
    text = re.sub(r"<body>", lambda _found: f"<body>{above}", text, count=1)
    return MapPage(text.replace("</main>", f"</main>{below}", 1), framed.script_hashes)


def _source(release: Release) -> str:
    """City, release date and licence; that an invented city is none."""
    city = release.city
    made_up = f"<strong>{escape(_('Not real data.'))}</strong> " if city.synthetic else ""
    day = date_words(local(release.as_of, city.timezone).date())
    licence = escape(city.license.title, quote=False)
    if city.license.path.startswith(("https://", "http://")):
        licence = f'<a href="{escape(city.license.path)}" target="_blank" rel="noopener license">{licence}</a>'
    told = [
        escape(_("Source: {site}").format(site=site_title(release)), quote=False),
        escape(_("data as of {date}").format(date=day), quote=False),
        licence if city.license.title else "",
    ]
    return made_up + " · ".join(filter(None, told))
