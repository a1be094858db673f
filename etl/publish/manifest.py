"""files.json: the ready files of a release, by name and hash, and whether they are what it says.

Charter: the text and hashes in, what is wrong out; nothing is written, and where the files lie is the caller's.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from etl.disk import sha256_of
from etl.errors import ReleaseError

FOLDER: Final = "files"
MANIFEST: Final = "files.json"
PATH: Final = f"{FOLDER}/{MANIFEST}"
FORMAT: Final = 1
NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,160}(\.[a-z0-9]{1,8}){1,2}")
"""What a ready file may be called: no way out of its folder, and no name that a system would not take."""
Told = tuple[str, bool, str]
"""The name of what was looked at, whether it is well, and what is wrong."""


@dataclass(frozen=True)
class Listed:
    """What a manifest says: whose files these are, and their hashes by name."""

    release_id: str
    requests_sha256: str
    files: dict[str, str]


@dataclass(frozen=True)
class Carried:
    """What the release after says of the manifest; `known` False where there is none, or where it is not at hand."""

    known: bool = False
    sha256: str | None = None

    @classmethod
    def by(cls, package: dict[str, Any]) -> Carried:
        """By the description of the release after."""
        return cls(True, (package["openward"].get("previous") or {}).get("files_sha256"))


def sha256_in(folder: Path) -> str | None:
    """The hash of a release's manifest; None where no ready files were made."""
    path = folder / FOLDER / MANIFEST
    return sha256_of(path) if path.is_file() else None


def read(name: str, text: bytes) -> Listed:
    """The manifest of a release; ReleaseError for what is none, and for names that no ready file has."""
    try:
        found: dict[str, Any] = json.loads(text)
        files = {str(file["path"]): str(file["sha256"]) for file in found["files"]}
        if len(files) != len(found["files"]) or not all(NAME.fullmatch(path) for path in files):
            raise ValueError("not as Openward writes it")
        return Listed(str(found["release_id"]), str(found["requests_sha256"]), files)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ReleaseError(f"{name}: {PATH} cannot be read ({error})") from error


def check(
    package: dict[str, Any], text: bytes | None, carried: Carried, digest: Callable[[str], str | None], *, current: bool
) -> Iterator[Told]:
    """What holds of a release's ready files. `digest` hashes one by its path in the release, None where it is not kept."""
    name = package["openward"]["release_id"]
    if text is None:
        if carried.sha256 is not None:
            yield PATH, False, "is missing"
        return
    if carried.known and hashlib.sha256(text).hexdigest() != carried.sha256:
        unnamed = carried.sha256 is None
        yield PATH, False, "is not named by the release after it" if unnamed else "differs from the hash in the chain"
        return
    listed = read(name, text)
    ours = (name, requests_hash(package)) == (listed.release_id, listed.requests_sha256)
    yield PATH, ours, "" if ours else "is of another release"
    found = {path: (sha256, digest(f"{FOLDER}/{path}")) for path, sha256 in listed.files.items()}
    if not current and found and not any(got for _, got in found.values()):
        yield FOLDER, True, "not kept; their hashes are in their list"
        return
    for path, (sha256, got) in found.items():
        note = "" if got == sha256 else "is missing" if got is None else "differs from its hash"
        yield f"{FOLDER}/{path}", got == sha256, note


def requests_hash(package: dict[str, Any]) -> str:
    """The hash of the table that parts are made of, as the description of the release has it."""
    found = (r["hash"] for r in package["resources"] if r["name"] == "requests")
    return str(next(found, "")).removeprefix("sha256:")
