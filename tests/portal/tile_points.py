"""Points of a tile of requests, read by another's decoder."""

from __future__ import annotations

from typing import Any

import mapbox_vector_tile

from geo.tiles import EXTENT


def told(data: bytes) -> list[dict[str, Any]]:
    """Every point, those beyond the edges too; `y` downwards."""
    decoded = mapbox_vector_tile.decode(data, default_options={"y_coord_down": True}) if data else {}
    found: list[dict[str, Any]] = decoded["requests"]["features"] if decoded else []
    return found


def within(data: bytes) -> list[dict[str, Any]]:
    """The points within the tile's edges: each of a zoom's points is in one tile."""
    return [p for p in told(data) if all(0 <= c < EXTENT for c in p["geometry"]["coordinates"])]


def requests(data: bytes) -> int:
    """How many requests the tile holds."""
    return sum(p["properties"]["n"] for p in within(data))
