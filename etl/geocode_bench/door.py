"""The one place where the evaluation meets the geocoder that it judges.

Charter: builds and asks it through its public door; nothing else in this package imports the geocoder itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from geo.geocoding.crew import Crew
from geo.geocoding.geocoder import Geocoder
from geo.geocoding.model import Located, Reference
from geo.geocoding.topology import intersections_of


def complete(reference: Reference) -> Reference:
    """The reference with its crossings derived from its segments, where it has some and they are not there yet."""
    if reference.segments is None or reference.intersections is not None:
        return reference
    return replace(reference, intersections=intersections_of(reference.segments, reference.crs))


class Ours:
    """Our geocoder over a reference; called with texts it answers as the measures want it."""

    def __init__(self, reference: Reference) -> None:
        self._geocoder = Geocoder.build(complete(reference))

    def __call__(self, texts: Sequence[str]) -> Located:
        """One result a text."""
        return self._geocoder.locate(list(texts))

    def crew(self) -> Crew:
        """The geocoder in a process for each core."""
        return Crew(self._geocoder)

    def suggest(self, text: str, limit: int = 5) -> list[Any]:
        """Suggestions for what has been typed so far, best first; each has `lon` and `lat`."""
        return list(self._geocoder.suggest(text, limit=limit))
