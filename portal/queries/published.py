"""What a release says of itself: data dictionary, files, the chain of releases, the status of its sources. Reads JSON, no SQL."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from portal.answers import FieldDoc, FileDoc, ReleaseDoc
from portal.errors import NoRelease
from portal.package import read_package
from portal.queries.scans import once
from portal.release import Release
from portal.status import Found, read_status

log = logging.getLogger("openward.portal")


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


def status(release: Release) -> Found:
    """How the sources stand, as the ETL last wrote it beside the releases; it may change under a release."""
    return read_status(release.folder.parent)


def chain(release: Release) -> list[ReleaseDoc]:
    """All releases ever promoted, newest first; those whose files are gone are still named.

    The list grows after `current` has moved, and releases are removed: it is kept until the file or its folder changes.
    """
    path = release.folder.parent / "chain.jsonl"
    try:
        file, folder = path.stat(), path.parent.stat()
        state = (file.st_mtime_ns, file.st_size, folder.st_mtime_ns)
        return release.cache.get(("chain", state), lambda: _chain(release, path)).copy()
    except OSError:
        return []


def _chain(release: Release, path: Path) -> list[ReleaseDoc]:
    found = []
    for number, text in enumerate(path.read_bytes().splitlines(), 1):
        if not text.strip():
            continue
        try:
            line = json.loads(text)
        except ValueError:  # a publication was stopped, or is under way, while it wrote its line
            log.warning("%s: line %d cannot be read", path, number)
            continue
        if isinstance(line, dict):
            found.append(_line(release, line))
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
