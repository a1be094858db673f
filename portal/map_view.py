"""One view of the map: which requests, which figure, which areas and which place, as its address says.

Charter: read and checked in one place, for all that shows a view away from its page; no figures and no drawing.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs

from portal.components.links import address
from portal.components.spot import Spot
from portal.errors import BadSelection
from portal.pages.map_page import FIGURES
from portal.release import Release
from portal.selection import Selection


@dataclass(frozen=True)
class MapView:
    """A view: `figure` is one of the map's, `layer` the areas that are drawn ('' where a release has no outlines)."""

    selection: Selection
    figure: str = "requests"
    layer: str = ""
    spot: Spot | None = None

    @classmethod
    def read(cls, query: str, release: Release) -> MapView:
        """The view that a query asks for; BadSelection for what the map's page would refuse as well."""
        selection = Selection.from_query(query, release)  # first: it bounds what is read
        given = {key: values[0] for key, values in parse_qs(query.removeprefix("?"), max_num_fields=400).items()}
        drawn = [layer.layer for layer in release.layers if layer.geometry]
        figure, layer = given.get("figure", "requests"), given.get("layer", drawn[0] if drawn else "")
        if figure not in FIGURES:
            raise BadSelection("figure", figure, list(FIGURES))
        if layer and layer not in drawn:
            raise BadSelection("layer", layer, drawn)
        return cls(selection, figure, layer, Spot.read(given.get("at", ""), given.get("place", "")))

    def address(self, path: str = "/map") -> str:
        """Where this view is to be had, in the reader's language."""
        shown = {"figure": self.figure, "layer": self.layer} | (self.spot.query() if self.spot else {})
        return address(path, self.selection, **shown)
