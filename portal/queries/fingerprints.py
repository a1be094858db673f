"""Which release a file is of, by its sha256: everything that kept descriptions of releases name. Reads JSON, no SQL."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from portal.errors import BadRequest, NoRelease
from portal.package import read_package
from portal.queries.published import chain
from portal.ready import FOLDER, MANIFEST, mark, ready

if TYPE_CHECKING:
    from portal.release import Release

PACKAGE: Final = "datapackage.json"
_SHA256: Final = re.compile(r"(?:sha256:)?([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Known:
    """A file of a release that has the fingerprint; `kept`: it can still be taken from here."""

    release_id: str
    file: str
    bytes: int | None
    kept: bool


def read_fingerprint(text: str) -> str:
    """64 hexadecimal digits, in whatever case and with what people paste around them; BadRequest for anything else."""
    words = text[:600].lower().replace("\\", " ").split()
    found = [match[1] for word in words if (match := _SHA256.fullmatch(word))]
    if len(found) != 1:
        raise BadRequest("A fingerprint (SHA-256) has 64 digits, 0 to 9 and a to f.")
    return found[0]


def known(release: Release, sha256: str) -> list[Known]:
    """Files with this fingerprint in any release of the chain whose description is kept, the newest first."""
    root, found = release.folder.parent, []
    for doc in chain(release):
        # Lists of ready files are long and kept for a few releases only: they are read where they are others than before.
        key = ("fingerprints", doc.release_id, doc.present, mark(root / doc.release_id) if doc.present else None)
        names = release.constants.get(key, partial(_files, release, doc.release_id, doc.present))
        if doc.sha256 == sha256:
            found.append(Known(doc.release_id, PACKAGE, None, (root / doc.release_id / PACKAGE).is_file()))
        for file, size in names.get(sha256, ()):
            found.append(Known(doc.release_id, file, size, (root / doc.release_id / file).is_file()))
    return found


def described(release: Release) -> tuple[int, int]:
    """How many releases the chain has, and of how many the files' fingerprints are at hand."""
    docs = chain(release)
    return len(docs), sum(doc.present for doc in docs)


def _files(release: Release, release_id: str, present: bool) -> dict[str, list[tuple[str, int | None]]]:
    try:
        package = read_package(release.folder.parent / release_id)
    except NoRelease:
        return {}
    files: dict[str, list[tuple[str, int | None]]] = {}
    for resource in package.resources:
        if resource.sha256:
            files.setdefault(resource.sha256, []).append((resource.path, resource.bytes))
    listed = ready(release.folder.parent / release_id) if present else None
    if listed is not None:
        files.setdefault(listed.sha256, []).append((f"{FOLDER}/{MANIFEST}", listed.bytes))
        for file in listed.files:
            files.setdefault(file.sha256, []).append((f"{FOLDER}/{file.path}", file.bytes))
    return files
