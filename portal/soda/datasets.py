"""A release's tables as Socrata would call them: ids, columns, types.

Charter: tables in, names and types out; no rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

from portal.errors import NotFound
from portal.expressions.fields import Kind
from portal.queries.lists import geometry_types
from portal.release import Release
from portal.tables import GEOMETRY, Table, tables

TYPES: Final[Mapping[Kind, str]] = {
    "text": "text", "nothing": "text", "number": "number", "bool": "checkbox", "date": "floating_timestamp",
    "time": "floating_timestamp",
}  # fmt: skip
"""Kinds of values -> SODA's types, but for geometries."""
_SIGNS: Final = "23456789abcdefghijkmnpqrstuvwxyz"
"""Those of Socrata's ids: none that is taken for another."""
_GEOMETRIES: Final = {"POINT": "point", "LINESTRING": "line", "POLYGON": "polygon", "MULTIPOINT": "multipoint",
                      "MULTILINESTRING": "multiline", "MULTIPOLYGON": "multipolygon"}  # fmt: skip


def four_by_four(release: Release, table: Table) -> str:
    """The table's id as Socrata's are made, such as abcd-2345: the same in every release of the city."""
    number = int.from_bytes(hashlib.sha256(f"{release.city.id}/{table.name}".encode()).digest()[:8])
    signs = "".join(_SIGNS[(number >> 5 * i) & 31] for i in range(8))
    return f"{signs[:4]}-{signs[4:]}"


def dataset(release: Release, name: str) -> Table:
    """The table of that name or id; NotFound names those that exist."""
    found = tables(release)
    by_id: Mapping[str, str] = release.constants.get(
        ("ids of soda",), lambda: {four_by_four(release, table): table.name for table in tables(release).values()}
    )
    known = found.get(by_id.get(name, name))
    if known is None:
        raise NotFound(f"There is no dataset '{name[:60]}'; there are: {', '.join(found)}.")
    return known


def shown(table: Table) -> list[str]:
    """Columns that `*` stands for: all that can be asked of, the geometry last."""
    known = table.filterable
    return [name for name in table.fields if name in known] + ([GEOMETRY] if table.geometry else [])


def type_of(release: Release, table: Table, kind: Kind) -> str:
    """SODA's type of a kind of values."""
    return _geometry_type(release, table) if kind == "geometry" else TYPES[kind]


def _geometry_type(release: Release, table: Table) -> str:
    """Of a table's geometries; those of several types are told as the last in their order."""
    if table.geometry is None or table.geometry.point is not None:
        return "point"
    types = geometry_types(release, table)
    return _GEOMETRIES.get(types[-1], "multipolygon") if types else "multipolygon"
