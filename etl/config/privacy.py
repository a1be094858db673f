"""What may leave the city: deny by default, and how exactly a place may be told.

Charter: the policy as the city writes it, and which level of it holds for a service. What a level
does to a point is `geo.privacy`, what it does to a record is `etl.privacy.locations`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from pydantic import Field, model_validator

from etl.config.base import Slug, Strict

Publishable = Literal["address", "location", "agency_responsible", "status_notes", "description", "feedback_request"]
Level = Literal["exact", "block_face", "area", "withheld"]
CountTable = Literal["monthly", "feedback", "exclusions"]

LEVELS: tuple[Level, ...] = ("exact", "block_face", "area", "withheld")
"""From the most telling to the least; a later one is stricter."""
FREE_TEXT = ("status_notes", "description")
"""Fields that people write by hand: published only when named, and then only redacted."""


def strictest(*levels: Level) -> Level:
    """The one that tells least."""
    return max(levels, key=LEVELS.index)


class Locations(Strict):
    """How exactly the place of a request may be told, by service code and by group of services."""

    default: Level = Field(default="exact", description="where nothing else applies")
    services: dict[str, Level] = Field(default={}, description="service_code -> level")
    groups: dict[str, Level] = Field(default={}, description="service_group -> level")
    unmapped: Level | None = Field(
        default=None, description="services that the city's `services` do not name; default: as `default`"
    )
    area_layer: Slug | None = Field(default=None, description="the layer whose areas stand for places")

    def named(self) -> Iterator[Level]:
        """Every level that the policy uses."""
        yield self.default
        yield from self.services.values()
        yield from self.groups.values()
        if self.unmapped is not None:
            yield self.unmapped

    @model_validator(mode="after")
    def _areas_have_a_layer(self) -> Locations:
        if "area" in self.named() and self.area_layer is None:
            raise ValueError("area_layer is required where a level is 'area'; name a layer that has files")
        for name, keys in (("services", self.services), ("groups", self.groups)):
            if len({folded(key) for key in keys}) != len(keys):
                raise ValueError(f"{name}: two keys differ only in capitals or spaces; keep one of them")
        return self

    def level_of(self, service_code: str | None, service_group: str | None, *, registered: bool = True) -> Level:
        """The level of a service; the strictest where both its code and its group are named.

        `registered` is False where the city's `services` name others but not this one. Codes and groups are
        compared without regard to case and outer spaces, so that a capital in a source opens nothing.
        """
        by_code = {folded(key): level for key, level in self.services.items()}
        by_group = {folded(key): level for key, level in self.groups.items()}
        found = [
            level
            for level in (by_code.get(folded(service_code)), by_group.get(folded(service_group)))
            if level is not None
        ]
        if found:
            return strictest(*found)
        return self.default if registered or self.unmapped is None else self.unmapped


class SmallCells(Strict):
    """In which published tables of counts a count of few requests is hidden."""

    minimum: int = Field(default=5, ge=2, description="counts from 1 to one less than this are hidden")
    tables: tuple[CountTable, ...] = ()

    def hides(self, table: CountTable, counts: Iterable[int]) -> bool:
        """Whether one of the counts is hidden in a table."""
        return table in self.tables and any(0 < n < self.minimum for n in counts)


class Privacy(Strict):
    """Deny by default: what is not named here does not leave."""

    publish: tuple[Publishable, ...] = ()
    locations: Locations = Locations()
    small_cells: SmallCells = SmallCells()
    keep_words: tuple[str, ...] = Field(default=(), description="words that the redactor must not take for names")


def folded(text: str | None) -> str:
    """A code or a group as names are compared: without regard to case and spaces."""
    return " ".join((text or "").split()).casefold()
