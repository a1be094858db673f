"""What a release says of itself: data dictionary, files and the chain of releases. Reads JSON, no SQL."""

from __future__ import annotations

import json
from typing import Any

from portal.answers import FieldDoc, FileDoc, ReleaseDoc
from portal.errors import NoRelease
from portal.package import read_package
from portal.queries.scans import once
from portal.release import Release


@once
def dictionary(release: Release) -> list[FieldDoc]:
    """The data dictionary of all resources."""
    return [
        FieldDoc(
            resource=resource.name,
            name=field.name,
            type=field.type,
            title=field.title,
            description=field.description,
            unit=field.unit,
            allowed=tuple(str(value) for value in field.constraints.get("enum", ())),
            required=bool(field.constraints.get("required", False)),
        )
        for resource in release.package.resources
        for field in resource.table.fields
    ]


@once
def files(release: Release) -> list[FileDoc]:
    """The release's downloadable files."""
    return [
        FileDoc(r.name, r.path, r.title, r.description, r.mediatype, r.rows, r.bytes, r.sha256)
        for r in release.package.resources
    ]


@once
def chain(release: Release) -> list[ReleaseDoc]:
    """All releases ever promoted, newest first; those whose files are gone are still named."""
    path = release.folder.parent / "chain.jsonl"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    found = [_line(release, json.loads(line)) for line in lines if line.strip()]
    return found[::-1]


def _line(release: Release, line: dict[str, Any]) -> ReleaseDoc:
    release_id = str(line.get("release_id") or line.get("id"))
    previous = line.get("previous")
    try:
        about = read_package(release.folder.parent / release_id).openward
    except NoRelease:
        about = None
    return ReleaseDoc(
        release_id=release_id,
        created=about.created if about else None,
        as_of=about.as_of if about else None,
        sha256=str(line.get("sha256", "")),
        previous=previous.get("release_id") if isinstance(previous, dict) else previous,
        requests=about.counts.get("requests") if about else None,
        present=about is not None,
        current=release_id == release.id,
    )
