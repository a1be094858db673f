"""The documents about the API: landing page, conformance, collections, queryables.

Charter: what is there and where, as JSON; `portal.ogc.html_pages` shows the same to people.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from portal.expressions.fields import Field
from portal.ogc.collections import Collection, collections, extent
from portal.ogc.crs import CRS84, known
from portal.ogc.negotiated import GEOJSON, HTML, JSON, OPENAPI, SCHEMA, Link
from portal.package import file_url
from portal.plain_texts import utc_text

if TYPE_CHECKING:
    from portal.release import Release

PREFIX: Final = "/ogc"
REL: Final = "http://www.opengis.net/def/rel/ogc/1.0/"
_SPEC: Final = "http://www.opengis.net/spec/"
_OF: Final = {
    "ogcapi-common-1/1.0": ("core", "landing-page", "json", "html", "oas30"),
    "ogcapi-common-2/1.0": ("collections",),
    "ogcapi-features-1/1.0": ("core", "oas30", "html", "geojson"),
    "ogcapi-features-2/1.0": ("crs",),
    "ogcapi-features-3/1.0": ("queryables", "queryables-query-parameters", "filter", "features-filter"),
    "cql2/1.0": (
        "cql2-text", "cql2-json", "basic-cql2", "advanced-comparison-operators", "case-insensitive-comparison",
        "accent-insensitive-comparison", "basic-spatial-functions", "basic-spatial-functions-plus", "spatial-functions",
        "temporal-functions", "property-property", "arithmetic",
    ),
    "ogcapi-tiles-1/1.0": ("core", "tileset", "tilesets-list", "geodata-tilesets", "mvt", "oas30"),
    "tms/2.0": ("tilematrixset", "json-tilematrixset"),
}  # fmt: skip
CONFORMANCE: Final = tuple(f"{_SPEC}{standard}/conf/{name}" for standard, names in _OF.items() for name in names)
"""What is declared; each is held by a test of `tests/portal/ogc`."""

_JSON_TYPES: Final[dict[str, dict[str, str]]] = {
    "text": {"type": "string"}, "number": {"type": "number"}, "bool": {"type": "boolean"},
    "date": {"type": "string", "format": "date"}, "time": {"type": "string", "format": "date-time"},
}  # fmt: skip


def link(base: str, path: str, rel: str, kind: str, title: str = "", **more: Any) -> Link:
    """A link to one of our own addresses below the prefix."""
    found: Link = {"href": f"{base}{PREFIX}{path}", "rel": rel, "type": kind}
    return found | ({"title": title} if title else {}) | more


def both(base: str, path: str, kind: str = JSON) -> list[Link]:
    """A document itself, and the page that shows it."""
    return [link(base, path, "self", kind, "This document"), _page(base, path)]


def _page(base: str, path: str) -> Link:
    return link(base, f"{path}?f=html", "alternate", HTML, "This document as a page")


def landing(release: Release, base: str) -> dict[str, Any]:
    """The way in."""
    city = release.city
    title = city.title or f"{city.name} service requests"
    made_up = " This city is made up: no request, place or figure is real." if city.synthetic else ""
    license_ = city.license
    return {
        "title": title,
        "description": f"Every published service request of {city.name}, its incidents and its areas, as features and vector "
        f"tiles; release {release.id}, as of {_moment(release.as_of)}.{made_up}",
        "attribution": city.attribution,
        "links": [
            *both(base, "/"),
            link(base, "/api", "service-desc", OPENAPI, "What can be asked, as OpenAPI 3.0"),
            link(base, "/api?f=html", "service-doc", HTML, "What can be asked, as a page"),
            link(base, "/conformance", "conformance", JSON, "Standards that are kept"),
            link(base, "/conformance", f"{REL}conformance", JSON, "Standards that are kept"),
            link(base, "/collections", "data", JSON, "The collections"),
            link(base, "/collections", f"{REL}data", JSON, "The collections"),
            link(base, "/tileMatrixSets", f"{REL}tiling-schemes", JSON, "Tile matrix sets"),
            *([{"href": license_.path, "rel": "license", "title": license_.title}] if license_.path else []),
        ],
    }


def conformance(base: str) -> dict[str, Any]:
    """Standards that are kept."""
    return {"conformsTo": list(CONFORMANCE), "links": both(base, "/conformance")}


def all_collections(release: Release, base: str) -> dict[str, Any]:
    """Every collection."""
    return {
        "links": both(base, "/collections"),
        "crs": list(known(release)),
        "collections": [one_collection(release, of, base) for of in collections(release).values()],
    }


def one_collection(release: Release, of: Collection, base: str) -> dict[str, Any]:
    """One collection: where, when, in which systems, and what is linked to it."""
    path, license_ = f"/collections/{of.id}", release.city.license
    found = extent(release, of)
    ends = [_moment(found.begin), _moment(found.end)]
    told: dict[str, Any] = {"temporal": {"interval": [ends], "trs": f"{_TRS}"}}
    if found.box:
        told["spatial"] = {"bbox": [list(found.box)], "crs": CRS84}
    links = [
        *both(base, path),
        link(base, f"{path}/items", "items", GEOJSON, f"{of.title} as GeoJSON"),
        link(base, f"{path}/items?f=html", "items", HTML, f"{of.title} as pages"),
        link(base, f"{path}/queryables", f"{REL}queryables", SCHEMA, "What can be asked for by name"),
        link(base, f"{path}/sortables", f"{REL}sortables", SCHEMA, "What can be sorted by"),
    ]
    if of.tiles:
        links.append(link(base, f"{path}/tiles", f"{REL}tilesets-vector", JSON, "Vector tiles"))
    links += files_of(release, of, base)
    if license_.path:
        links.append({"href": license_.path, "rel": "license", "title": license_.title})
    return {
        "id": of.id,
        "title": of.title,
        "description": of.description,
        "attribution": release.city.attribution,
        "extent": told,
        "itemType": "feature",
        "crs": list(known(release)),
        "storageCrs": CRS84,
        "links": links,
    }


_TRS: Final = "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian"


def files_of(release: Release, of: Collection, base: str) -> list[Link]:
    """The table as a whole, as a file of the release."""
    resource = release.package.resource(of.table.name)
    if resource is None or not (release.folder / resource.path).is_file():
        return []
    href = file_url(release.id, resource.path, base)
    return [
        {"href": href, "rel": "enclosure", "type": resource.mediatype, "title": f"All {of.table.name} as GeoParquet"}
    ]


def queryables(of: Collection, base: str, sorting: bool = False) -> dict[str, Any]:
    """What a filter, or `sortby`, can name, as a JSON schema."""
    schema = {field.name: field for field in of.table.schema}
    found: dict[str, Any] = {}
    for name, field in of.table.filterable.items():
        if field.kind == "geometry":
            shape = "point" if of.points else "any"
            if not sorting:
                found[name] = {"title": "geometry", "format": f"geometry-{shape}", "x-ogc-role": "primary-geometry"}
            continue
        about = schema[name]
        told: dict[str, Any] = {"title": about.title or name} | kind_of(field)
        values = [str(value) for value in about.constraints.get("enum", ())]
        said = [about.description, f"One of: {', '.join(values)}." if values else ""]
        if any(said):
            told["description"] = " ".join(filter(None, said))
        if about.unit:
            told["x-ogc-unit"] = about.unit
        found[name] = told
    which = "sortables" if sorting else "queryables"
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{base}{PREFIX}/collections/{of.id}/{which}",
        "type": "object",
        "title": of.title,
        "properties": found,
        "additionalProperties": False,
    }


def kind_of(field: Field) -> dict[str, str]:
    """A field's kind in JSON Schema."""
    return _JSON_TYPES[field.kind]


def _moment(when: date | datetime | None) -> str | None:
    """As RFC 3339 has it; a day as the time at which it begins."""
    if when is None:
        return None
    if not isinstance(when, datetime):
        return f"{when.isoformat()}T00:00:00Z"
    return utc_text(when)
