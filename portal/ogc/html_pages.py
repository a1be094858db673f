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
from dash.development.base_component import Component
from fastapi import Request

from portal.components.links import address
from portal.components.page import Page
from portal.components.parts import Column, breadcrumbs, page_head, section, table
from portal.components.shell import shell, site_title
from portal.html import to_html
from portal.ogc.collections import Collection
from portal.ogc.documents import PREFIX
from portal.ogc.html_facts import between, facts
from portal.ogc.items import Told
from portal.ogc.negotiated import GEOJSON, HTML, JSON, OPENAPI, SCHEMA
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
    """A document, as tables of what it says and the links in it."""
    title = _title(told, path)
    body: list[Node] = (
        [html.P(told["description"], className="lead")] if path != "/api" and "description" in told else []
    )
    if "collections" in told:
        body.append(_collections(told["collections"]))
    if "properties" in told:
        body.append(_properties(told, title))
    if "paths" in told:
        body.append(_paths(told))
    if "conformsTo" in told:
        body.append(html.Ul([html.Li(html.Code(uri)) for uri in told["conformsTo"]]))
    told_of = facts({key: value for key, value in told.items() if key not in _HANDLED and not key.startswith("$")})
    if told_of and not {"paths", "collections", "properties"} & set(told) and path != "/":
        body.append(section(_("What it says"), "says", _values(told_of, _("Names and values"))))
    body += _onward(told.get("links", ()))
    of = str(told.get("title", "")) if path.startswith("/collections/") else ""
    return _page(request, release, title, path, body, _crumb(told, path), of)


def _title(told: dict[str, Any], path: str) -> str:
    """The document's own title, or what the document is."""
    end = path.rsplit("/", 1)[-1]
    named = {
        "": _("Open data API"), "api": _("What can be asked"), "conformance": _("Standards that are kept"),
        "collections": _("Collections"), "tileMatrixSets": _("Tile matrix sets"),
    }.get(end)  # fmt: skip
    of = str(told.get("title", ""))
    asked = {
        "queryables": _("{collection}: what a filter can name"), "sortables": _("{collection}: what can be sorted by"),
        "tiles": _("{collection}: tiles"),
    }.get(end)  # fmt: skip
    return named or (asked.format(collection=of) if asked and of else of or _("Open data API"))


def _crumb(told: dict[str, Any], path: str) -> str:
    """What the document is called after the way to it."""
    end = path.rsplit("/", 1)[-1]
    words = {"queryables": _("What a filter can name"), "sortables": _("What can be sorted by"), "tiles": _("Tiles")}
    return words.get(end) or (end if "/tiles/" in path else _title(told, path))


def _collections(found: Sequence[dict[str, Any]]) -> Node:
    """A row for each: what it is, and what can be had of it."""
    rows = []
    for told in found:
        by_rel = {(link["rel"].rsplit("/", 1)[-1], link.get("type", "")): link["href"] for link in told["links"]}
        ways = [
            (_("features"), by_rel.get(("items", HTML))),
            ("GeoJSON", by_rel.get(("items", GEOJSON))),
            (_("fields"), by_rel.get(("queryables", SCHEMA))),
            (_("tiles"), by_rel.get(("tilesets-vector", JSON))),
        ]
        links = [html.A(words, href=href) for words, href in ways if href]
        page = html.A(told["title"], href=by_rel.get(("alternate", HTML), f"{PREFIX}/collections/{told['id']}"))
        rows.append([page, told["description"], html.Span(between(links, " · "))])
    columns = [Column(_("Collection")), Column(_("What it is")), Column(_("To be had"))]
    return table(_("Collections"), columns, rows, "collections", hidden_caption=True)


_HANDLED: Final = frozenset(
    ("links", "collections", "properties", "conformsTo", "paths", "title", "description", "itemType")
)


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
    body: list[Node] = [html.P(n, className="lead")]
    if rows:
        body.append(table(of.title, columns, rows, "features", hidden_caption=True, stack=False))
    following = next((link["href"] for link in told.links if link["rel"] == "next"), None)
    if following:
        body.append(
            html.P(html.A(_("The features after these"), href=f"{following}&f=html", className="onward", rel="next"))
        )
    body.append(_as_json(next(link["href"] for link in told.links if link["rel"] == "self"), "GeoJSON"))
    path = f"/collections/{of.id}/items"
    return _page(
        request, release, _("{collection}: features").format(collection=of.title), path, body, _("Features"), of.title
    )


def feature(request: Request, release: Release, of: Collection, name: str, text: str) -> str:
    """One feature: what it holds."""
    one = json.loads(text)
    titles = {field.name: field.title or field.name for field in of.table.schema}
    held = {titles.get(key, key): value for key, value in one["properties"].items() if value is not None}
    shape = one["geometry"] or {}
    if shape.get("type") == "Point":
        held[_("Longitude, latitude")] = ", ".join(str(value) for value in shape["coordinates"])
    own = next(link["href"] for link in one["links"] if link["rel"] == "self")
    body = [_values(held, _("Names and values")), _as_json(own, "GeoJSON")]
    path = f"/collections/{of.id}/items/{name}"
    return _page(request, release, name, path, body, name, of.title)


def _as_json(address: str, form: str) -> Node:
    """The same, as programs read it."""
    href = f"{address}{'&' if '?' in address else '?'}f=json"
    return html.P([_("The same for programs:"), " ", html.A(form, href=href)])


def _onward(links: Sequence[dict[str, Any]]) -> list[Node]:
    """Where to go from a document, each address once; and the document itself as JSON."""
    seen, rest = set[str](), []
    for link in links:
        if link["rel"] not in ("self", "alternate", "next", "prev") and link["href"] not in seen:
            seen.add(link["href"])
            rest.append(link)
    own = next((link["href"] for link in links if link["rel"] == "self"), None)
    body: list[Node] = (
        [section(_("Links"), "links", _links(rest, _("Where the links lead"), "all-links"))] if rest else []
    )
    return [*body, _as_json(own, "JSON")] if own else body


def _address(request: Request, of: Collection, name: str) -> str:
    language_ = f"&lang={language()}" if "lang" in request.query_params else ""
    return f"{PREFIX}/collections/{of.id}/items/{quote(name, safe='')}?f=html{language_}"


def _links(links: Sequence[dict[str, Any]], caption: str, key: str) -> Node:
    """Links that can be followed; those of which only a pattern is known are not."""
    rows = [
        [
            html.Code(link["href"]) if link.get("templated") else html.A(link.get("title") or link["href"], href=link["href"]),
            _FORMATS.get(link.get("type", ""), link.get("type", "")),
        ]
        for link in links
    ]  # fmt: skip
    return table(caption, [Column(_("Link")), Column(_("Format"))], rows, key, hidden_caption=True)


_FORMATS: Final = {
    JSON: "JSON", GEOJSON: "GeoJSON", HTML: "HTML", SCHEMA: "JSON Schema", OPENAPI: "OpenAPI 3.0",
    "application/vnd.apache.parquet": "GeoParquet", "application/vnd.mapbox-vector-tile": "MVT",
}  # fmt: skip


def _properties(told: dict[str, Any], caption: str) -> Node:
    rows = [
        [html.Code(name), [html.Strong(about.get("title", "")), ". ", about.get("description", "")], _kind(about)]
        for name, about in told["properties"].items()
    ]
    columns = [Column(_("Property")), Column(_("Meaning")), Column(_("Type"))]
    return html.Div(table(caption, columns, rows, "properties", hidden_caption=True), className="of-fields")


def _kind(about: dict[str, Any]) -> str:
    form = str(about.get("format", ""))
    return str(about.get("type", "")) + (f" ({form})" if form and "type" in about else form)


def _paths(told: dict[str, Any]) -> Node:
    def named(one: dict[str, Any]) -> str:
        return ", ".join(_named(told, part) for part in one["get"]["parameters"])

    rows = [
        [html.Code(between(f"{PREFIX}{path}".split("/"), [html.Wbr(), "/"])), one["get"]["summary"], named(one)]
        for path, one in told["paths"].items()
    ]
    columns = [Column(_("Address")), Column(_("What it is")), Column(_("Parameters"))]
    return html.Div(table(_("What can be asked"), columns, rows, "paths", hidden_caption=True), className="of-paths")


def _named(told: dict[str, Any], parameter: dict[str, Any]) -> str:
    if "$ref" in parameter:
        parameter = told["components"]["parameters"][parameter["$ref"].rsplit("/", 1)[-1]]
    return str(parameter["name"])


def _values(told: dict[str, Any], caption: str) -> Node:
    rows = [[key, _word(value)] for key, value in told.items()]
    return table(caption, [Column(_("Name")), Column(_("Value"))], rows, "values", hidden_caption=True)


def _word(value: Any) -> Node:
    if value is None:
        return ""
    return value if isinstance(value, str | Component) else json.dumps(value, ensure_ascii=False)


def _page(
    request: Request, release: Release, title: str, path: str, body: list[Node], crumb: str = "", of: str = ""
) -> str:
    """The page; `crumb` is what it is called after the way to it, `of` what its collection is called."""
    lang = f"&lang={language()}" if "lang" in request.query_params else ""
    way = [(_("Data"), address("/data")), (_("Open data API"), f"{PREFIX}/?f=html{lang}")]
    parts = path.strip("/").split("/")
    if len(parts) > 1 and parts[0] == "collections":
        way.append((_("Collections"), f"{PREFIX}/collections?f=html{lang}"))
    if len(parts) > 2 and parts[0] == "collections":
        way.append((of or parts[1], f"{PREFIX}/collections/{parts[1]}?f=html{lang}"))
    if len(parts) > 3 and parts[2] == "items":
        way.append((_("Features"), f"{PREFIX}/collections/{parts[1]}/items?f=html{lang}"))
    head = breadcrumbs(way if path != "/" else way[:1], crumb or title)
    made = Page(title=title, description=site_title(release), body=[head, page_head(title), *body], section="/data")
    framed = shell(release, made, f"{PREFIX}{path}")
    site = request.app.state.site
    styles = [f'<link rel="stylesheet" href="{site.asset(name)}">' for name in STYLES]
    styles.append(f'<link rel="icon" href="{site.asset(ICON)}">')
    return _TEMPLATE.format(
        lang=escape(language()), title=escape(framed.title), styles="\n".join(styles), body=to_html(framed.body)
    )
