"""The documents of the API as pages, for people who follow a link: plain HTML in the portal's look, without scripts.

Charter: documents and features that are made already in, HTML out.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from dash import html
from fastapi import Request

from portal.components.page import Page
from portal.components.parts import Column, breadcrumbs, page_head, section, table
from portal.components.shell import shell, site_title
from portal.html import to_html
from portal.ogc.collections import Collection
from portal.ogc.documents import PREFIX
from portal.ogc.items import Told
from portal.site import ICON, STYLES
from portal.text import _, language, ngettext, number

if TYPE_CHECKING:
    from portal.release import Release

Node = Any

_TEMPLATE: Final = """<!DOCTYPE html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
{styles}
</head>
<body>
{body}
</body>
</html>
"""
_SHOWN: Final = 200
"""Features of a page that are shown to people; the JSON has them all."""


def document(request: Request, release: Release, told: dict[str, Any], path: str) -> str:
    """A document, as a table of what it says and the links in it."""
    title = {"/": _("Open data API"), "/api": _("What can be asked"), "/conformance": _("Standards that are kept")}.get(
        path, str(told.get("title", _("Open data API")))
    )
    body: list[Node] = (
        [html.P(told["description"], className="lead")] if path != "/api" and "description" in told else []
    )
    body += [_collection(found) for found in told.get("collections", ())]
    if "properties" in told:
        body.append(_properties(told))
    if "paths" in told:
        body.append(_paths(told))
    if "conformsTo" in told:
        body.append(html.Ul([html.Li(html.Code(uri)) for uri in told["conformsTo"]]))
    rest = {key: value for key, value in told.items() if key not in _HANDLED and not key.startswith("$")}
    if rest and "paths" not in told and path != "/":
        body.append(_values(rest, _("What it says")))
    if told.get("links"):
        body.append(section(_("Links"), "links", _links(told["links"], _("Links"), "all-links")))
    return _page(request, release, title, path, body)


def _collection(told: dict[str, Any]) -> Node:
    links = _links(told["links"], told["title"], f"links-{told['id']}")
    return section(told["title"], f"collection-{told['id']}", html.P(told["description"]), links)


_HANDLED: Final = frozenset(("links", "collections", "properties", "conformsTo", "paths", "title", "description"))


def features(request: Request, release: Release, of: Collection, told: Told) -> str:
    """A page of features as a table."""
    shown = [json.loads(text) for text in told.features[:_SHOWN]]
    n = ngettext("{n} feature", "{n} features", told.matched).format(n=number(told.matched))
    names = [name for name in of.table.fields if any(one["properties"].get(name) is not None for one in shown)]
    rows = [
        [html.A(one["id"], href=_address(request, of, one["id"])), *(_word(one["properties"][name]) for name in names)]
        for one in shown
    ]
    titles = {field.name: field.title or field.name for field in of.table.schema}
    columns = [Column(_("Feature")), *(Column(titles[name]) for name in names)]
    body: list[Node] = [html.P(html.Strong(n)), _links(told.links, _("Links"), "links")]
    if rows:
        body.append(table(of.title, columns, rows, "features", stack=False))
    return _page(request, release, of.title, f"/collections/{of.id}/items", body)


def feature(request: Request, release: Release, of: Collection, name: str, text: str) -> str:
    """One feature: what it holds."""
    one = json.loads(text)
    titles = {field.name: field.title or field.name for field in of.table.schema}
    held = {titles.get(key, key): value for key, value in one["properties"].items() if value is not None}
    shape = one["geometry"] or {}
    where = {_("Coordinates"): shape["coordinates"]} if shape.get("type") == "Point" else {}
    body = [_values(held | where, _("What it says")), _links(one["links"], _("Links"), "links")]
    return _page(request, release, f"{of.title}: {name}", f"/collections/{of.id}/items/{name}", body)


def _address(request: Request, of: Collection, name: str) -> str:
    language_ = f"&lang={language()}" if "lang" in request.query_params else ""
    return f"{PREFIX}/collections/{of.id}/items/{quote(name, safe='')}?f=html{language_}"


def _links(links: Sequence[dict[str, Any]], caption: str, key: str) -> Node:
    """Links that can be followed; those of which only a pattern is known are not."""
    rows = [
        [
            html.Code(link["href"]) if link.get("templated") else html.A(link.get("title") or link["href"], href=link["href"]),
            link["rel"].rsplit("/", 1)[-1],
            link.get("type", ""),
        ]
        for link in links
    ]  # fmt: skip
    columns = [Column(_("Link")), Column(_("What it is")), Column(_("Format"))]
    return table(caption, columns, rows, key, hidden_caption=True)


def _properties(told: dict[str, Any]) -> Node:
    rows = [
        [
            html.Code(name),
            about.get("type", about.get("format", "")),
            about.get("title", ""),
            about.get("description", ""),
        ]
        for name, about in told["properties"].items()
    ]
    columns = [Column(_("Property")), Column(_("Type")), Column(_("Name")), Column(_("Meaning"))]
    return table(told["title"], columns, rows, "properties")


def _paths(told: dict[str, Any]) -> Node:
    rows = [
        [html.Code(f"{PREFIX}{path}"), one["get"]["summary"], ", ".join(_named(told, part) for part in one["get"]["parameters"])]
        for path, one in told["paths"].items()
    ]  # fmt: skip
    return table(
        _("What can be asked"), [Column(_("Address")), Column(_("What it is")), Column(_("Parameters"))], rows, "paths"
    )


def _named(told: dict[str, Any], parameter: dict[str, Any]) -> str:
    if "$ref" in parameter:
        parameter = told["components"]["parameters"][parameter["$ref"].rsplit("/", 1)[-1]]
    return str(parameter["name"])


def _values(told: dict[str, Any], caption: str) -> Node:
    rows = [[key, _word(value)] for key, value in told.items()]
    return table(caption, [Column(_("Name")), Column(_("Value"))], rows, "values")


def _word(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _page(request: Request, release: Release, title: str, path: str, body: list[Node]) -> str:
    lang = f"&lang={language()}" if "lang" in request.query_params else ""
    way = [(_("Open data API"), f"{PREFIX}/?f=html{lang}")]
    parts = path.strip("/").split("/")
    if len(parts) > 1 and parts[0] == "collections":
        way.append((_("Collections"), f"{PREFIX}/collections?f=html{lang}"))
    if len(parts) > 2 and parts[0] == "collections":
        way.append((parts[1], f"{PREFIX}/collections/{parts[1]}?f=html{lang}"))
    head = [breadcrumbs(way, title)] if path != "/" else []
    made = Page(title=title, description=site_title(release), body=[*head, page_head(title), *body])
    framed = shell(release, made, f"{PREFIX}{path}")
    site = request.app.state.site
    styles = [f'<link rel="stylesheet" href="{site.asset(name)}">' for name in STYLES]
    styles.append(f'<link rel="icon" href="{site.asset(ICON)}">')
    return _TEMPLATE.format(
        lang=escape(language()), title=escape(framed.title), styles="\n".join(styles), body=to_html(framed.body)
    )
