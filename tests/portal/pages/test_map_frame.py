"""The map's page: from folium, without anything from elsewhere, under a policy that names its scripts."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace

from geo.maps import MapConfig, map_page
from portal.pages.frame import frame
from portal.release import Release

CONFIG = MapConfig(
    title="A map", language="en", bbox=(-71.2, 42.3, -71.0, 42.4), tiles="/tiles/r/{layer}/{z}/{x}/{y}.mvt",
    values="/api/v1/by/{layer}", layers={"district": "District"}, words={"open": "</script><script>alert(1)</script>"},
)  # fmt: skip


def test_nothing_comes_from_another_host() -> None:
    page = map_page(CONFIG)
    assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", page.html)
    assert "/assets/vendor/leaflet/leaflet.js" in page.html
    assert "/assets/vendor/protomaps-leaflet/protomaps-leaflet.js" in page.html


def test_every_inline_script_is_named_by_its_hash_and_no_style_is_inline() -> None:
    page = map_page(CONFIG)
    inline = re.findall(r"<script>(.*?)</script>", page.html, re.DOTALL)
    hashes = ["sha256-" + base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in inline]
    assert hashes and list(page.script_hashes) == hashes
    assert "<style" not in page.html and "style=" not in page.html
    assert not re.search(r"\son[a-z]+=", page.html)


def test_the_configuration_cannot_end_its_element() -> None:
    page = map_page(CONFIG)
    found = re.search(r'<script type="application/json" id="map-config">(.*?)</script>', page.html, re.DOTALL)
    assert found and json.loads(found[1])["words"] == CONFIG.words
    assert "alert(1)</script>" not in page.html


def test_the_page_can_be_enlarged_and_has_a_title_and_language() -> None:
    page = map_page(replace(CONFIG, title="Mapa <1>", language="es"))
    assert "user-scalable" not in page.html and "maximum-scale" not in page.html
    assert '<html lang="es"' in page.html and "<title>Mapa &lt;1&gt;</title>" in page.html


def test_equal_configurations_get_equal_pages() -> None:
    assert map_page(CONFIG) == map_page(replace(CONFIG))


def test_the_frame_names_the_release_in_its_tiles_and_speaks_the_language(release: Release) -> None:
    page = frame(release, "?lang=es")
    assert f"/tiles/{release.id}/{{layer}}/{{z}}/{{x}}/{{y}}.mvt" in page.html
    assert "Aún abiertas" in page.html or "Abierta" in page.html
