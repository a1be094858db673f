"""What stands around every page: skip link, banner, header, footer.

Charter: the frame and its navigation. The content comes as a `Page`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dash import html

from portal.components.elements import Svg, Tree
from portal.components.links import address
from portal.components.page import Page
from portal.queries.standards import has_standards
from portal.text import LANGUAGE_NAMES, N_, _, language, ngettext, time_words

if TYPE_CHECKING:
    from portal.release import Release

Node = Any

SECTIONS = (
    ("/", N_("Overview")),
    ("/map", N_("Map")),
    ("/expected", N_("How long?")),
    ("/trends", N_("Trends")),
    ("/areas", N_("Areas")),
    ("/departments", N_("Departments")),
    ("/standards", N_("Standards")),
    ("/equity", N_("Equity")),
    ("/data", N_("Data")),
    ("/methods", N_("Methods")),
)
NEEDS_TABLE = {"/equity": "demographics"}
"""Sections that are in the navigation only where the release has a table for them."""
STALE_AFTER_HOURS = 72

# An area's outline with a side left open, and the way in.
LOGO = (
    '<svg class="logo" viewBox="0 0 32 32" aria-hidden="true" focusable="false">'
    '<path class="logo-outline" d="M21 4.5H9.5L3.5 12v12l7.5 4h10"/>'
    '<path class="logo-way" d="M14.5 16H28M23 11l5 5-5 5"/></svg>'
)


def shell(release: Release, page: Page, pathname: str) -> Page:
    """The page with everything around it; title and description completed."""
    city = release.city
    body = html.Div(
        [
            html.A(_("Skip to the main content"), href="#main", className="skip"),
            _synthetic_banner(release),
            _header(release, page, pathname),
            html.Main(page.body, id="main", tabIndex="-1", className="wrap"),
            _footer(release),
        ],
        className="site",
        lang=language(),
        **{
            "data-title": f"{page.title} · {site_title(release)}",
            "data-path": pathname,
            "data-status": str(page.status),
            "data-announce": page.announce,
            "data-accent": city.accent,
            "data-copied": _("Copied"),
        },
    )
    return replace(page, body=Tree(body, language()), title=f"{page.title} · {site_title(release)}")


def site_title(release: Release) -> str:
    """The portal's name."""
    return release.city.title or _("{city} service requests").format(city=release.city.name)


def freshness(release: Release, now: datetime | None = None) -> str:
    """How old the data is, in words: 'today', '3 days old'."""
    hours = ((now or datetime.now(UTC)) - release.as_of).total_seconds() / 3600
    if hours < 36:
        return _("up to date")
    days = round(hours / 24)
    return ngettext("{n} day old", "{n} days old", days).format(n=days)


def made_up(release: Release) -> str:
    """That an invented city is none, in two sentences; '' for a real one."""
    return f"{_('Not real data.')} {invented()}" if release.city.synthetic else ""


def invented() -> str:
    """Why no figure of an invented city is real."""
    return _("This city is made up, to show what the portal does. No request, place or figure here is real.")


def _synthetic_banner(release: Release) -> Node:
    if not release.city.synthetic:
        return None
    return html.Div(
        html.P(
            [
                html.Strong(_("Not real data.")),
                " ",
                invented(),
            ],
            className="wrap",
        ),
        className="synthetic",
        role="region",
        **{"aria-label": _("About this data")},
    )


def _header(release: Release, page: Page, pathname: str) -> Node:
    links = []
    for path, name in SECTIONS:
        if NEEDS_TABLE.get(path, "requests") not in release.tables:
            continue
        if path == "/standards" and not has_standards(release):
            continue
        here = {"aria-current": "page" if path == pathname else "true"} if path == page.section else {}
        links.append(html.Li(html.A(_(name), href=address(path), **here)))
    brand = html.A(
        [Svg(LOGO, className="logo-box"), html.Span([html.Span("Openward", className="mark"),
         html.Span(site_title(release), className="site-name")], className="brand-words")],
        href=address("/"), className="brand",
    )  # fmt: skip
    return html.Header(
        [
            html.Div([brand, html.Div([_languages(release, pathname), _theme()], className="tools")],
                     className="wrap top-row"),
            html.Nav(html.Ul(links, className="wrap"), className="site-nav", **{"aria-label": _("Main")}),
        ],
        className="site-header",
    )  # fmt: skip


def _languages(release: Release, pathname: str) -> Node:
    others = [tag for tag in release.city.languages if tag != language()]
    if not others:
        return None
    return html.Ul(
        [html.Li(html.A(LANGUAGE_NAMES.get(tag, tag), href=f"{pathname}?lang={tag}", lang=tag, hrefLang=tag,
                        **{"data-keep-query": ""})) for tag in others],
        className="languages", **{"aria-label": _("Language")},
    )  # fmt: skip


def _theme() -> Node:
    """Shown where scripts run; without them the page follows the system."""
    states = (("auto", _("Automatic")), ("light", _("Light")), ("dark", _("Dark")))
    return html.Div(
        [
            html.Button(words, type="button", **{"data-theme-choice": value, "aria-pressed": "false"})
            for value, words in states
        ],
        className="theme",
        role="group",
        **{"aria-label": _("Colors")},
    )


def _footer(release: Release) -> Node:
    city = release.city
    hours = (datetime.now(UTC) - release.as_of).total_seconds() / 3600
    stale = " stale" if hours > STALE_AFTER_HOURS else ""
    facts: list[tuple[str, Node]] = [
        (_("Data as of"), [html.Time(time_words(release.as_of, city.timezone), dateTime=release.as_of.isoformat()),
                           html.Span(f" ({freshness(release)})", className=f"age{stale}"), " · ",
                           html.A(_("Sources and runs"), href=address("/sources"))]),
        (_("Release"), html.A(html.Code(release.id), href=address("/data"))),
    ]  # fmt: skip
    if city.license.title:
        licence = html.A(city.license.title, href=city.license.path) if city.license.path else city.license.title
        facts.append((_("License"), licence))
    if city.contact:
        href = city.contact if city.contact.startswith("http") else f"mailto:{city.contact}"
        facts.append((_("Questions"), html.A(city.contact, href=href)))
    return html.Footer(
        html.Div(
            [
                html.Dl([html.Div([html.Dt(what), html.Dd(value)]) for what, value in facts], className="facts"),
                html.P(
                    [
                        _("Every figure counts requests that are still open, and every row can be downloaded."), " ",
                        html.A(_("How the figures are made"), href=address("/methods")),
                    ]
                ),
                html.P(city.attribution) if city.attribution else None,
            ],
            className="wrap",
        ),
        className="site-footer",
    )  # fmt: skip
