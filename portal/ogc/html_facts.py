"""What a document of the API says beside its links, in words for people where there are any.

Charter: members of a JSON document in, names and nodes of a page out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import html

from portal.text import _

Node = Any


def between(nodes: Sequence[Node], mark: Node) -> list[Node]:
    """The nodes with a mark, of one node or several, between each two."""
    marks = mark if isinstance(mark, list) else [mark]
    return [part for i, node in enumerate(nodes) for part in ((*marks, node) if i else (node,))]


def facts(told: dict[str, Any]) -> dict[str, Node]:
    """What a document says beside its links, in words for people where there are any."""
    said: dict[str, Node] = {}
    for key, value in told.items():
        if key == "extent":
            said |= _extent(value)
        elif key == "id":
            said[_("Name for programs")] = html.Code(value)
        elif key == "attribution":
            said[_("Attribution")] = value
        elif key in ("crs", "storageCrs"):
            words = _("Coordinate systems") if key == "crs" else _("Stored in")
            many = value if isinstance(value, list) else [value]
            said[words] = html.Span(between([html.Code(uri) for uri in many], html.Br()))
        elif key == "boundingBox":
            said[_("West, south, east, north")] = ", ".join(map(str, [*value["lowerLeft"], *value["upperRight"]]))
        elif key == "tileMatrixSetLimits":
            said[_("Zoom levels")] = " – ".join((value[0]["tileMatrix"], value[-1]["tileMatrix"]))
        elif key == "layers":
            said[_("Layers")] = html.Span(
                between([f"{one['id']}: {one.get('description', '')}" for one in value], html.Br())
            )
        elif key == "tileMatrices":
            said[_("Zoom levels")] = " – ".join((value[0]["id"], value[-1]["id"]))
        else:
            said[key] = value
    return said


def _extent(extent: dict[str, Any]) -> dict[str, Node]:
    said: dict[str, Node] = {}
    for box in extent.get("spatial", {}).get("bbox", ())[:1]:
        said[_("West, south, east, north")] = ", ".join(f"{degrees:.5f}" for degrees in box)
    for interval in extent.get("temporal", {}).get("interval", ())[:1]:
        said[_("Time")] = " – ".join(moment or "…" for moment in interval)
    return said
