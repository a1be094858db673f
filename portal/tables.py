"""The tables of a release that can be asked for rows: requests, areas, incidents, changes, services and the like.

Charter: what a table is called, which fields it has and where its geometry is; no rows. What a package says of a table and
what the serving index holds of it, together: a field is here only where both have it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from portal.errors import NotFound
from portal.expressions.fields import Field, Fields, fields_of, point_of
from portal.package import SchemaField
from portal.selection import quoted

if TYPE_CHECKING:
    from portal.release import Release

GEOMETRY: Final = "geometry"
NAMES: Final = (
    "requests", "areas", "incidents", "figures", "monthly", "standards", "services", "departments", "changes",
    "retroactive_edits", "withdrawn", "measures", "feedback", "feedback_monthly", "exclusions", "located_by", "demographics",
    "annotations",
)  # fmt: skip
"""Those that are offered, where a release has them."""
KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "requests": ("source", "service_request_id"),
    "areas": ("layer", "area", "valid_from"),
    "incidents": ("incident_id",),
    "figures": ("dimension", "key", "month"),
    "services": ("service_code",),
    "standards": ("service_code",),
    "departments": ("department",),
}
"""Fields that name one row."""


@dataclass(frozen=True)
class Table:
    """One table. `fields` are the published ones, in order, without the geometry."""

    name: str
    title: str
    description: str
    schema: tuple[SchemaField, ...]
    types: Mapping[str, str]
    geometry: Field | None
    codes: Mapping[str, Mapping[str, int]]

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """Names of the fields."""
        return tuple(field.name for field in self.schema)

    @cached_property
    def filterable(self) -> Fields:
        """What a condition can name."""
        found = fields_of(self.types, self.codes)
        return found | {GEOMETRY: self.geometry} if self.geometry else found

    @property
    def key(self) -> tuple[str, ...]:
        """Fields that name one row; none where nothing does."""
        return KEYS.get(self.name, ())


def tables(release: Release) -> Mapping[str, Table]:
    """The tables of a release by name."""
    return release.constants.get(
        ("tables",), lambda: {t.name: t for name in NAMES for t in [_table(release, name)] if t}
    )


def table(release: Release, name: str) -> Table:
    """The table of that name; NotFound names those that exist."""
    found = tables(release)
    if name not in found:
        raise NotFound(f"There is no table '{name[:60]}' in this release; there are: {', '.join(found)}.")
    return found[name]


def _table(release: Release, name: str) -> Table | None:
    resource = release.package.resource(name)
    if resource is None or name not in release.tables:
        return None
    rows = release.query("SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = ?", [name])
    columns: dict[str, str] = dict(rows)
    schema = tuple(field for field in resource.table.fields if field.name in columns and field.name != GEOMETRY)
    types = {field.name: columns[field.name] for field in schema}
    geometry = point_of(types)
    if "geom_4326" in columns:
        geometry = Field("geometry", quoted("geom_4326"))
    codes = release.codes if name == "requests" else {}
    return Table(name, resource.title or name, resource.description, schema, types, geometry, codes)
