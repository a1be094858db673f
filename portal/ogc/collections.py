"""The collections of features: requests, incidents, and the areas of each boundary layer that is drawn.

Charter: which table a collection is of, which of its rows, what names a feature and when it was; no parameters, no answers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from portal.errors import NotFound
from portal.expressions import compiled, tree
from portal.queries.one_request import positions
from portal.queries.tabled import Ask
from portal.selection import quoted
from portal.tables import Table, tables
from portal.tiles import layers as tile_layers

if TYPE_CHECKING:
    from portal.release import Release

AREAS: Final = "areas-"
"""Before a layer's name: what its collection is called, as its tiles are."""
_VINTAGE: Final = re.compile(r"(.*)@(\d{4}-\d\d-\d\d)", re.DOTALL)
_IDENTITY: Final = {
    "requests": "source::VARCHAR || ':' || service_request_id",
    "incidents": "incident_id",
    "areas": "area || coalesce('@' || valid_from::VARCHAR, '')",
}
_TIMES: Final = {
    "requests": ("requested_datetime", "requested_datetime"),
    "incidents": ("requested_datetime", "requested_datetime"),
    "areas": ("valid_from", "valid_to"),
}

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Collection:
    """One collection. `rows` are those of the table that are in it; `times` the fields of a feature's begin and end."""

    id: str
    title: str
    description: str
    table: Table
    rows: tree.Condition | None
    identity: str
    times: tuple[str, str]
    tiles: str | None

    @property
    def points(self) -> bool:
        """Whether its features are points, and not outlines."""
        return self.table.geometry is None or self.table.geometry.point is not None

    @property
    def ask(self) -> Ask:
        """All of its features."""
        return Ask(self.table, condition=self.rows)


@dataclass(frozen=True)
class Extent:
    """West, south, east, north of all features, and the first and the last moment; None where there is none."""

    box: Box | None
    begin: date | datetime | None
    end: date | datetime | None


def collections(release: Release) -> Mapping[str, Collection]:
    """The collections of a release by their ids."""
    return release.constants.get(("collections",), lambda: {found.id: found for found in _all(release)})


def collection(release: Release, name: str) -> Collection:
    """The collection of that id; NotFound names those that exist."""
    found = collections(release)
    if name not in found:
        raise NotFound(f"There is no collection '{name[:60]}'; there are: {', '.join(found)}.")
    return found[name]


def _all(release: Release) -> list[Collection]:
    known, drawn = tables(release), tile_layers(release)
    found = [
        Collection(name, table.title, table.description, table, None, _IDENTITY[name], _TIMES[name],
                   name if name in drawn else None)
        for name in ("requests", "incidents") for table in [known.get(name)] if table
    ]  # fmt: skip
    areas = known.get("areas")
    for layer in release.layers if areas else ():
        if areas and layer.geometry:
            name = f"{AREAS}{layer.layer}"
            about = f"{layer.plural}, each with the days from which and to which it held: no end, and it still does."
            rows = tree.Compare("=", tree.Column("layer"), tree.Literal(layer.layer))
            found.append(Collection(name, layer.plural, about, areas, rows, _IDENTITY["areas"], _TIMES["areas"], name))
    return found


def place_of(release: Release, of: Collection, feature: str) -> int:
    """Where in its table the feature of that id is; NotFound."""
    found = _places(release, of, feature) if len(feature) <= 300 and "\0" not in feature else []
    if not found:
        raise NotFound(f"There is no feature '{feature[:60]}' in the collection {of.id}.")
    return found[0]


def _places(release: Release, of: Collection, feature: str) -> list[int]:
    if of.table.name == "requests":
        source, _, number = feature.partition(":")
        at = positions(release, number) if number else []  # no request is without one
        sql = "SELECT rowid FROM requests WHERE rowid IN (SELECT unnest(?::BIGINT[])) AND source::VARCHAR = ?"
        return [place for (place,) in release.query(sql, [at, source])] if at else []
    if of.table.name == "incidents":
        test: tree.Condition = tree.Compare("=", tree.Column("incident_id"), tree.Literal(feature))
    else:
        test = tree.And((_named(feature), of.rows)) if of.rows else _named(feature)
    where, params = compiled.condition(test, of.table.filterable)
    sql = f"SELECT rowid FROM {quoted(of.table.name)} WHERE {where} LIMIT 1"  # noqa: S608 - names are the release's own
    return [place for (place,) in release.query(sql, params)]


def _named(feature: str) -> tree.Condition:
    """An area by its code, and the day from which it held where there is one."""

    def area(code: str) -> tree.Condition:
        return tree.Compare("=", tree.Column("area"), tree.Literal(code))

    plain: tree.Condition = tree.And((area(feature), tree.Null(tree.Column("valid_from"))))
    vintage = _VINTAGE.fullmatch(feature)
    try:
        day = date.fromisoformat(vintage[2]) if vintage else None
    except ValueError:
        day = None
    if vintage is None or day is None:
        return plain
    since = tree.Compare("=", tree.Column("valid_from"), tree.Literal(day))
    return tree.Or((plain, tree.And((area(vintage[1]), since))))


def extent(release: Release, of: Collection) -> Extent:
    """Where and when its features are."""
    return release.constants.get(("extent", of.id), lambda: _extent(release, of))


def _extent(release: Release, of: Collection) -> Extent:
    geometry, params = of.table.geometry, list[Any]()
    ends = ["NULL"] * 4
    if geometry and geometry.point:
        ends = ["min(long)", "min(lat)", "max(long)", "max(lat)"]
    elif geometry:
        ends = [f"{end}({geometry.sql}))" for end in ("min(ST_XMin", "min(ST_YMin", "max(ST_XMax", "max(ST_YMax")]
    begin, end = map(quoted, of.times)
    # An end that is not there yet is open, and so is a begin that nobody knows.
    times = [f"min({begin})", f"max({end})"] if begin == end else [_open("min", begin), _open("max", end)]
    where = "TRUE"
    if of.rows:
        where, params = compiled.condition(of.rows, of.table.filterable)
    sql = f"SELECT {', '.join([*ends, *times])} FROM {quoted(of.table.name)} WHERE {where}"  # noqa: S608 - as above
    west, south, east, north, first, last = release.query(sql, params)[0]
    return Extent(None if west is None else (west, south, east, north), first, last)


def _open(which: str, column: str) -> str:
    return f"CASE WHEN count(*) = count({column}) THEN {which}({column}) END"
