"""The map's page, built by folium once: nothing on it comes from another host, and a strict policy can name its scripts.

Charter: a page that holds a Leaflet map, our own files instead of folium's
links to other hosts, and the configuration that `assets/js/map.js` reads. No
data travels in it: what is drawn comes as vector tiles. It knows no database,
no release and no words of its own: all of that is in `MapConfig`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from html import escape

import folium
from branca.element import Element

NAME = "openward"
"""folium names its map `map_<id>` with a random id; a fixed one keeps the page, and so its hashes, the same."""

ROOMS = (
    "map-core", "map-base", "map-requests", "map-figures", "map-areas", "map-legend", "map-card", "map-spot",
    "map-outline", "map-tools", "map-draw", "map-view", "map-time", "map-picture", "map-beside", "map",
)  # fmt: skip
"""Our own scripts in `assets/js`, in the order that they run in: the last of them starts the map."""

_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_INLINE_STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)
_VIEWPORT = re.compile(r'<meta name="viewport".*?/>', re.DOTALL)


@dataclass(frozen=True)
class MapConfig:
    """What the map's page is told; becomes JSON for `assets/js/map.js`.

    `bbox` is west, south, east, north in degrees (EPSG:4326). `tiles` is the address of a tile with {layer},
    {z}, {x} and {y} left open; `values` that of the figures of a layer's areas with {layer} left open,
    `response` that of the times of all; `residents` how many live in a layer's areas, where that is known;
    `not_stated` the key of requests without an area; `first` and `last` the record's first and last day;
    `release` and `as_of` say what a picture was made of. `layers` maps the layers that can be coloured to their
    titles. `words` are all texts that the map shows, `filters` the keys of an address that narrow what it shows.
    """

    title: str
    language: str
    bbox: tuple[float, float, float, float]
    tiles: str
    values: str
    layers: Mapping[str, str]
    words: Mapping[str, str]
    response: str = ""
    residents: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    not_stated: str = ""
    first: str = ""
    last: str = ""
    release: str = ""
    as_of: str = ""
    attribution: str = ""
    accent: str = "#0b5cad"
    few: int = 30
    filters: tuple[str, ...] = ()
    assets: str = "/assets"


@dataclass(frozen=True)
class MapPage:
    """The page, and the hashes ('sha256-…') by which a Content-Security-Policy allows its own inline scripts."""

    html: str
    script_hashes: tuple[str, ...]


def map_page(config: MapConfig) -> MapPage:
    """The map's page for this configuration; equal configurations get equal pages."""
    return _built(
        _json(config), config.words.get("no_script", ""), config.title, config.language, config.bbox, config.assets
    )


@lru_cache(maxsize=16)
def _built(
    settings: str, no_script: str, title: str, language: str, bbox: tuple[float, float, float, float], assets: str
) -> MapPage:
    west, south, east, north = bbox
    page = folium.Map(
        location=[(south + north) / 2, (west + east) / 2],
        zoom_start=12,
        tiles=None,
        control_scale=True,
        max_bounds=True,
        min_lat=south - 0.3,
        max_lat=north + 0.3,
        min_lon=west - 0.4,
        max_lon=east + 0.4,
        attributionControl=True,
        zoomSnap=1,
    )
    page._id = NAME
    page.default_js = [
        ("leaflet", f"{assets}/vendor/leaflet/leaflet.js"),
        ("protomaps", f"{assets}/vendor/protomaps-leaflet/protomaps-leaflet.js"),
    ]
    page.default_css = [
        ("leaflet_css", f"{assets}/vendor/leaflet/leaflet.css"),
        ("tokens", f"{assets}/css/1-base.css"),
        ("map", f"{assets}/css/map.css"),
    ]
    # No fit_bounds: the look at the whole city is map.js's, and a second one by folium would move the map again.
    root = page.get_root()
    root.header.add_child(Element(f'<script src="{assets}/js/theme.js"></script>'), name="theme")
    # Deferred: it must find the map that folium's own script makes at the end of the page.
    for room in ROOMS:
        root.header.add_child(Element(f'<script src="{assets}/js/{room}.js" defer></script>'), name=f"script {room}")
    root.html.add_child(Element(f'<script type="application/json" id="map-config">{settings}</script>'), name="config")
    text = root.render()
    text = _INLINE_STYLE.sub("", text)
    text = _VIEWPORT.sub('<meta name="viewport" content="width=device-width, initial-scale=1" />', text)
    text = text.replace("<html>", f'<html lang="{escape(language)}" class="map-page">', 1)
    text = text.replace("<head>", f"<head>\n    <title>{escape(title)}</title>", 1)
    # The map is the page's content: a landmark with a name, for readers that jump between landmarks.
    text = text.replace('<div class="folium-map"', f'<main class="folium-map" aria-label="{escape(title)}"', 1)
    text = re.sub(r'(<main class="folium-map"[^>]*>)\s*</div>', r"\1</main>", text, count=1)
    if no_script:
        text = text.replace(
            "</main>", f'<noscript><p class="ow-no-script">{escape(no_script)}</p></noscript></main>', 1
        )
    return MapPage(html=text, script_hashes=tuple(_hash(script) for script in _INLINE_SCRIPT.findall(text)))


def _json(config: MapConfig) -> str:
    """JSON that no text within can end early."""
    text = json.dumps(asdict(config), sort_keys=True, ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _hash(script: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
