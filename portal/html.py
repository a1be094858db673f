"""Renders a Dash component tree to HTML, so that an answer is readable before and without JavaScript.

Charter: markup only. It knows the elements of `dash.html` and our own
components; every text and attribute is escaped; what would run a script is
refused, and so is the `style` attribute, which a strict Content-Security-Policy blocks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from typing import Any

from dash.development.base_component import Component

VOID = frozenset({"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "track", "wbr"})
RENAMED = {
    "className": "class",
    "htmlFor": "for",
    "tabIndex": "tabindex",
    "colSpan": "colspan",
    "rowSpan": "rowspan",
    "dateTime": "datetime",
    "hrefLang": "hreflang",
    "srcDoc": "srcdoc",
    "autoComplete": "autocomplete",
    "autoFocus": "autofocus",
    "spellCheck": "spellcheck",
    "accessKey": "accesskey",
    "encType": "enctype",
    "noValidate": "novalidate",
    "referrerPolicy": "referrerpolicy",
}
TAGS = {"MapEl": "map", "ObjectEl": "object"}
NOT_MARKUP = frozenset({"children", "n_clicks", "n_clicks_timestamp", "disable_n_clicks", "loading_state", "key"})
_ATTRIBUTE = re.compile(r"[a-z][a-z0-9-]*")
_SAFE_URL = re.compile(r"(?:https?:|mailto:|tel:|[^:]*(?:[/?#]|$))", re.IGNORECASE)


def to_html(node: Any) -> str:
    """HTML of a component, a text, a number or a sequence of them; None and True/False render to nothing.

    Components may also be given as the JSON that Dash sends ({"namespace", "type", "props"}).
    Raises ValueError for what must not or cannot be shown without Dash: scripts, inline styles and event
    handlers, addresses that are not web addresses, components of other packages.
    """
    parts: list[str] = []
    _render(node, parts)
    return "".join(parts)


def _render(node: Any, out: list[str]) -> None:
    if node is None or isinstance(node, bool):
        return
    if isinstance(node, Component):
        node = node.to_plotly_json()
    if isinstance(node, dict):
        _component(node["namespace"], node["type"], node["props"], out)
    elif isinstance(node, str | int | float):
        out.append(escape(str(node), quote=False))
    elif isinstance(node, Iterable):
        for child in node:
            _render(child, out)
    else:
        raise ValueError(f"cannot render {type(node).__name__} to HTML")


def _component(namespace: str, name: str, props: dict[str, Any], out: list[str]) -> None:
    if namespace == "dash_html_components":
        _element(TAGS.get(name, name.lower()), props, out)
    elif namespace != "openward_components":
        raise ValueError(f"cannot render {namespace}.{name} to HTML")
    elif name == "Tree":
        _render(props["tree"], out)
    elif name == "Svg":
        out.append(f'<div class="{escape(props["className"])}">{props["svg"]}</div>')
    elif name == "MapFrame":
        shown = {prop: props[prop] for prop in ("id", "src", "title", "className")}
        _element("iframe", {**shown, "loading": "lazy"}, out)
    elif name == "Field":
        _field(props, out)
    elif name == "AddressField":
        _address_field(props, out)
    elif name == "SavedViews":
        pass  # it is all in the browser
    else:
        raise ValueError(f"cannot render {namespace}.{name} to HTML")


def _element(tag: str, props: dict[str, Any], out: list[str]) -> None:
    if tag == "script":
        raise ValueError("a page must not hold a script")
    out.append(f"<{tag}{_attributes(props)}>")
    if tag not in VOID:
        _render(props.get("children"), out)
        out.append(f"</{tag}>")


def _attributes(props: dict[str, Any]) -> str:
    found = []
    # Dash keeps aria-* and data-* in no particular order.
    for prop, value in sorted(props.items(), key=lambda item: (item[0].startswith(("aria-", "data-")), item[0])):
        if prop in NOT_MARKUP or value is None or (value is False and not prop.startswith(("aria-", "data-"))):
            continue
        name = RENAMED.get(prop, prop if prop.startswith(("aria-", "data-")) else prop.lower())
        if name == "style" or name.startswith("on") or not _ATTRIBUTE.fullmatch(name):
            raise ValueError(f"the attribute '{prop}' cannot be shown in HTML")
        if name in ("href", "src", "action") and not _SAFE_URL.match(str(value)):
            raise ValueError(f"not a web address: {str(value)[:40]!r}")
        if value is True and not name.startswith(("aria-", "data-")):
            found.append(f" {name}")
        else:
            text = str(value).lower() if isinstance(value, bool) else str(value)
            found.append(f' {name}="{escape(text)}"')
    return "".join(found)


def _field(props: dict[str, Any], out: list[str]) -> None:
    """A native control; the same markup as `Field` in assets/js/components.js makes."""
    shared = {"id": props.get("id"), "name": props["name"], "aria-describedby": props.get("describedby")}
    if props["kind"] != "select":
        more = {"type": props["kind"], "value": props["value"], "min": props.get("min"), "max": props.get("max")}
        _element("input", {**shared, **more}, out)
        return
    out.append(f"<select{_attributes(shared)}>")
    for option in props["options"]:
        if "options" in option:
            out.append(f'<optgroup label="{escape(option["label"])}">')
            out.extend(_option(inner, props["value"]) for inner in option["options"])
            out.append("</optgroup>")
        else:
            out.append(_option(option, props["value"]))
    out.append("</select>")


def _address_field(props: dict[str, Any], out: list[str]) -> None:
    """The field without suggestions: those need `AddressField` in assets/js/places.js."""
    out.append('<div class="address-field">')
    of_form = {"id": props["id"], "name": "q", "type": "text", "value": props["value"], "autoComplete": "off"}
    more = {"maxLength": props["longest"], "spellCheck": "false", "aria-describedby": props["describedby"]}
    _element("input", {**of_form, **more}, out)
    out.append("</div>")


def _option(option: dict[str, str], chosen: str) -> str:
    selected = " selected" if option["value"] == chosen else ""
    return f'<option value="{escape(option["value"])}"{selected}>{escape(option["label"], quote=False)}</option>'
