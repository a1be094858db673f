"""A condition of a client's own on requests, as part of a selection: what every page, figure, tile and file is narrowed to.

Charter: CQL2 or a tree in; canonical text for addresses and SQL out, both for the index and for a reader's own file. It is
read for a release, whose fields it is checked against; equal texts are equal.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from portal.expressions import compiled, cql2, tree, written
from portal.expressions.fields import Fields, fields_of, point_of

if TYPE_CHECKING:
    from portal.release import Release

GEOMETRY = "geometry"
Sql = tuple[str, tuple[Any, ...]]


@dataclass(frozen=True)
class Filter:
    """A condition on the published fields of requests and their `geometry`."""

    said: str
    of: tree.Condition = field(compare=False, repr=False)
    plain: Sql = field(compare=False, repr=False)
    quick: Sql = field(compare=False, repr=False)

    @classmethod
    def read(cls, text: str, release: Release, language: str = "cql2-text") -> Filter:
        """What a client says; BadExpression, a 400, for what cannot be asked of this release."""
        return cls.made(cql2.read(text, language), release)

    @classmethod
    def made(cls, of: tree.Condition, release: Release) -> Filter:
        """A tree, from whatever language."""
        (plain, of_plain), (quick, of_quick) = (
            compiled.condition(of, fields(release, quick=quick)) for quick in (False, True)
        )
        return cls(written.text(of), of, (plain, tuple(of_plain)), (quick, tuple(of_quick)))

    def text(self) -> str:
        """As in a URL: CQL2 text."""
        return self.said

    def where(self, quick: bool = False) -> tuple[str, list[Any]]:
        """A parameterised SQL condition over `requests`; `quick` over the index only."""
        clause, params = self.quick if quick else self.plain
        return clause, list(params)


def fields(release: Release, quick: bool = False) -> Fields:
    """The fields that a filter can name: the published ones, and the geometry where points are told."""

    def found() -> Fields:
        types = {name: release.types[name] for name in release.fields}
        made = fields_of(types, release.codes if quick else None)
        point = point_of(types)
        return made | {GEOMETRY: point} if point else made

    return release.constants.get(("fields of filters", quick), found)
