"""Documents of GeoReport v2 as JSON and as XML, by the Spark convention: what is a list in one is a wrapped list in the other.

Charter: plain values in, text out.
"""

from __future__ import annotations

import json
from html import escape
from typing import Any, Final

from portal.answered import xml_text

MEDIA_TYPES: Final = {"json": "application/json; charset=utf-8", "xml": "text/xml; charset=utf-8"}
_ITEMS: Final = {
    "service_requests": "request", "services": "service", "attributes": "attribute", "endpoints": "endpoint",
    "formats": "format", "errors": "error",
}  # fmt: skip


def document(form: str, name: str, value: Any) -> str:
    """A document; `name` is its root in XML."""
    if form == "json":
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + xml_text(_element(name, value)) + "\n"


def errors(form: str, status: int, description: str) -> str:
    """An error, as the specification words it."""
    return document(form, "errors", [{"code": status, "description": description}])


def _element(name: str, value: Any) -> str:
    if value is None:
        return f"<{name}/>"
    if isinstance(value, dict):
        inner = "".join(_element(key, of) for key, of in value.items())
    elif isinstance(value, list):
        inner = "".join(_element(_ITEMS[name], of) for of in value)
    elif isinstance(value, bool):
        inner = "true" if value else "false"
    else:
        inner = escape(str(value), quote=False)
    return f"<{name}>{inner}</{name}>"
