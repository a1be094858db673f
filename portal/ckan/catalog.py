"""The release as CKAN has datasets: one package, whose resources are the files of the release, most of them tables, and
those that lie ready beside it.

Charter: a release in, CKAN's objects out; members that we could only make up are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID, uuid5

from portal.errors import NotFound
from portal.package import Resource, file_url
from portal.ready import FOLDER, MEDIA, ReadyFile, ready
from portal.release import Release
from portal.tables import Table, tables

_SPACE: Final = UUID("8d2f1f0e-3b5c-5c0e-9a55-6f70656e7764")
"""Of our ids: that of a thing is the same in every release of a city."""


def package_id(release: Release) -> str:
    """The id of the one dataset."""
    return str(uuid5(_SPACE, release.city.id))


def resource_id(release: Release, name: str) -> str:
    """The id of a file or table."""
    return str(uuid5(_SPACE, f"{release.city.id}/{name}"))


def package(release: Release, base: str) -> dict[str, Any]:
    """The dataset."""
    about, city = release.package, release.city
    resources = [*_resources(release, base)]
    said = {"release_id": release.id, "as_of": release.as_of.isoformat(), "synthetic": str(city.synthetic).lower()}
    return {
        "id": package_id(release),
        "name": package_name(release),
        "title": about.title or f"{city.name}: service requests",
        "notes": about.description,
        "url": base,
        "version": release.id,
        "state": "active",
        "private": False,
        "type": "dataset",
        "author": city.attribution,
        "maintainer": city.name,
        "maintainer_email": city.contact if "@" in city.contact else None,
        "license_id": city.license.name,
        "license_title": city.license.title,
        "license_url": city.license.path,
        "metadata_created": _moment(release),
        "metadata_modified": _moment(release),
        "organization": None,
        "groups": [],
        "tags": [],
        "extras": [{"key": key, "value": value} for key, value in said.items()],
        "num_resources": len(resources),
        "num_tags": 0,
        "resources": resources,
    }


def package_name(release: Release) -> str:
    """The dataset's name in addresses."""
    return release.package.name or f"{release.city.id}-service-requests"


def resource(release: Release, name: str, base: str) -> dict[str, Any]:
    """A file or table by its id or name."""
    for found in _resources(release, base):
        if name in (found["name"], found["id"]):
            return found
    raise NotFound(f'Resource "{name[:60]}" was not found.')


def table(release: Release, name: str) -> Table:
    """A table by its resource's id or name."""
    for found in tables(release).values():
        if name in (found.name, resource_id(release, found.name)):
            return found
    raise NotFound(f'Resource "{name[:60]}" was not found.')


def _resources(release: Release, base: str) -> Iterator[dict[str, Any]]:
    offered = tables(release)
    listed = ready(release.folder)
    told = [_of_release(release, found, found.name in offered, base) for found in release.package.resources]
    told += [_lying_ready(release, file, base) for file in (listed.in_outline() if listed else ())]
    for i, said in enumerate(told):
        yield said | {
            "id": resource_id(release, said["name"]),
            "package_id": package_id(release),
            "url_type": None,
            "resource_type": "file",
            "state": "active",
            "position": i,
            "created": _moment(release),
            "last_modified": _moment(release),
            "metadata_modified": _moment(release),
        }


def _of_release(release: Release, found: Resource, offered: bool, base: str) -> dict[str, Any]:
    return {
        "name": found.name,
        "description": found.description or found.title,
        "format": found.path.rpartition(".")[2].upper(),
        "mimetype": found.mediatype,
        "url": file_url(release.id, found.path, base),
        "datastore_active": offered,
        "hash": found.hash,
        "size": found.bytes,
    }


def _lying_ready(release: Release, file: ReadyFile, base: str) -> dict[str, Any]:
    return {
        "name": file.path,
        "description": file.title,
        "format": file.format.upper(),
        "mimetype": MEDIA[file.format],
        "url": file_url(release.id, f"{FOLDER}/{file.path}", base),
        "datastore_active": False,
        "hash": f"sha256:{file.sha256}",
        "size": file.bytes,
    }


def _moment(release: Release) -> str:
    """When the release was made, as CKAN tells times: UTC, without a zone."""
    return release.created.replace(tzinfo=None).isoformat()
