"""The door of the geocoder: built from a reference, asked for addresses, coordinates and half-typed texts.

Charter: composes the rooms; no logic of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

from geo.boundaries import Vintage
from geo.crs import Floats
from geo.geocoding.calibration import calibrated
from geo.geocoding.index import Index, build_index
from geo.geocoding.matching import Matcher
from geo.geocoding.model import Located, Objects, Reference
from geo.geocoding.parsers import parser_of
from geo.geocoding.passport import Passport
from geo.geocoding.reverse import Reverse, Reversed
from geo.geocoding.suggest import Suggester, Suggestion


class Geocoder:
    """A city's geocoder. It reads only, so that threads may share it."""

    def __init__(
        self, index: Index, parser: str = "us", passport: Passport | None = None, areas: Iterable[Vintage] = ()
    ) -> None:
        """Serve from an index that is built; `areas` are those that it was built with."""
        self.index = index
        self._passport, self._areas = passport or Passport(), tuple(areas)
        self._matcher = Matcher(index, parser_of(parser), self._passport)

    @classmethod
    def build(
        cls, reference: Reference, parser: str = "us", areas: Iterable[Vintage] = (), passport: Passport | None = None
    ) -> Geocoder:
        """Build the index of a city's reference layers; `areas` are found by their names where nothing better is.

        Without a passport, one is calibrated on the reference's own address points.
        """
        areas = tuple(areas)
        passport = passport or calibrated(reference, lambda part: cls.build(part, parser, passport=Passport()))
        return cls(build_index(reference, parser_of(parser), areas), parser, passport, areas)

    @property
    def passport(self) -> Passport:
        """The calibration of scores and radii."""
        return self._passport

    def locate(
        self, texts: Sequence[str | None] | Objects, zips: Sequence[str] | None = None,
        places: Sequence[str] | None = None,
    ) -> Located:  # fmt: skip
        """Places for addresses, one entry each; `zips` and `places` as the source states them beside the address."""
        return self._matcher.locate(texts, zips, places)

    @cached_property
    def _reverse(self) -> Reverse:
        return Reverse(self.index)

    @cached_property
    def _suggester(self) -> Suggester:
        return Suggester(self.index, self._areas, self._passport)

    def reverse(self, lon: Floats, lat: Floats) -> Reversed:
        """The nearest address, block and crossing of points in degrees, one entry each."""
        return self._reverse(lon, lat)

    def suggest(self, text: str, limit: int = 8, near: tuple[float, float] | None = None) -> list[Suggestion]:
        """What a text that is still being typed may become, the likeliest first; `near` is (lon, lat)."""
        return self._suggester.suggest(text, limit, near)
