"""The datasets of a release and the files that each is to be had as: what every kind of catalogue is written from.

Charter: facts of the package with addresses put to them; no vocabulary of any catalogue.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from portal.files.forms import FORMS
from portal.package import file_url
from portal.queries import period
from portal.queries.scans import once
from portal.ready import FOLDER, MEDIA, ready
from portal.tables import tables

if TYPE_CHECKING:
    from portal.package import Resource, SchemaField
    from portal.release import Release

WHOLE: Final = {"application/vnd.apache.parquet": "Parquet"}
"""Names of the formats of a release's own files."""
KEYWORDS: Final = ("311", "service requests", "open data", "local government")


@dataclass(frozen=True)
class File:
    """One file of a dataset. `sha256` and `bytes` of those that never change."""

    title: str
    url: str
    media_type: str
    format: str
    bytes: int | None = None
    sha256: str = ""


@dataclass(frozen=True)
class Dataset:
    """One table of the release. `key` is its name in lists of any city, `page` where it is told of."""

    name: str
    key: str
    title: str
    description: str
    page: str
    rows: int | None
    fields: tuple[SchemaField, ...]
    files: tuple[File, ...]
    keywords: tuple[str, ...]
    temporal: tuple[date, date] | None = None


def datasets(release: Release, base: str) -> list[Dataset]:
    """Every table that is published, in the order of the package; `base` is where visitors see the portal."""
    return [_dataset(release, resource, base) for resource in release.package.resources]


def dataset(release: Release, name: str, base: str) -> Dataset | None:
    """The dataset of that name."""
    resource = release.package.resource(name)
    return _dataset(release, resource, base) if resource else None


def _dataset(release: Release, resource: Resource, base: str) -> Dataset:
    city, paged = release.city, resource.name in tables(release)
    title = resource.title or resource.name
    synthetic = f"SYNTHETIC: {city.name} is an invented city and no row is real. " if city.synthetic else ""
    about = resource.description or f"{title} of the service requests."
    return Dataset(
        name=resource.name,
        key=f"{city.id}-{resource.name}",
        title=f"{city.name}: {title[:1].lower()}{title[1:]} (311 service requests)",
        description=f"{synthetic}{about} Published by {city.name} with the software Openward, from the city's 311 requests.",
        page=f"{base}/data/{resource.name}" if paged else f"{base}/data",
        rows=resource.rows,
        fields=resource.table.fields,
        files=tuple(_files(release, resource, base)),
        keywords=tuple(dict.fromkeys((*KEYWORDS, city.name, resource.name.replace("_", " ")))),
        temporal=_temporal(release) if resource.name == "requests" else None,
    )


def _files(release: Release, resource: Resource, base: str) -> list[File]:
    url = file_url(release.id, resource.path, base)
    kind = WHOLE.get(resource.mediatype, resource.mediatype)
    found = [
        File(f"{resource.path} of release {release.id}", url, resource.mediatype, kind, resource.bytes, resource.sha256)
    ]
    found += _ready(release, resource, base)
    table = tables(release).get(resource.name)
    if table is None:
        return found
    for form in FORMS.values():
        if form.key == "txt" or (form.mapped and table.geometry is None):
            continue  # what is told about a file is no distribution; what is not on a map has no map's files
        name = f"{resource.name}.{form.key}"
        media_type = form.media_type.partition(";")[0]
        found.append(File(f"{name} of the current release", f"{base}/download/{name}", media_type, form.title))
    return found


def _ready(release: Release, resource: Resource, base: str) -> list[File]:
    """Files that lie ready of the whole table, and of each year of it."""
    listed = ready(release.folder)
    table = tables(release).get(resource.name)
    kinds = {"csv": "CSV (gzip)", "parquet": "GeoParquet" if table and table.geometry else "Parquet"}
    return [
        File(
            f"{file.path} of release {release.id}", file_url(release.id, f"{FOLDER}/{file.path}", base),
            MEDIA[file.format], kinds[file.format], file.bytes, file.sha256,
        )
        for file in (listed.in_outline(resource.name) if listed else ())
    ]  # fmt: skip


@once
def _temporal(release: Release) -> tuple[date, date] | None:
    first, last = period(release)
    return (first, last) if first and last else None
