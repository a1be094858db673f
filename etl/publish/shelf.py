"""Ready files of the current release: made aside, listed with their hashes, put beside it by one rename.

Charter: the folder, the list and the rename. What is in the files is their maker's, which is handed in: rows as downloads
have them are the portal's own.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from etl.config.downloads import Downloads
from etl.disk import sha256_of, spare, sync
from etl.errors import ReleaseError
from etl.publish import chain, manifest

Progress = Callable[[int, int], None]


Maker = Callable[[Path, Path, Sequence[str], Sequence[str], Progress], Mapping[str, Any]]
"""Writes files of a release (its folder first) into a folder (the second), of some parts and formats, and tells of them:
`files`, each with its `path` and whatever else is to stand in the list, and what was `left_out`."""


@dataclass(frozen=True)
class Stocked:
    """Files that were made: of which release, how many, and what they took."""

    release_id: str
    files: int
    bytes: int
    seconds: float


def is_due(releases: Path, downloads: Downloads) -> bool:
    """Whether the current release has no ready files although there should be some."""
    folder = chain.current_folder(releases)
    return folder is not None and folder.is_dir() and bool(downloads.wanted) and manifest.sha256_in(folder) is None


def stock(
    releases: Path,
    downloads: Downloads,
    make: Maker,
    progress: Progress | None = None,
    still_ours: Callable[[], None] = lambda: None,
) -> Stocked | None:
    """Make the current release's ready files; None where it has them, or where none are wanted.

    The caller holds the city's lock, and `still_ours` raises if it was lost meanwhile. Nothing is left of what fails, and
    the last of the disk is not taken.
    """
    folder = chain.current_folder(releases)
    if folder is None or not is_due(releases, downloads):
        return None
    begun = time.monotonic()

    def made_so_far(done: int, total: int) -> None:
        spare(releases)
        if progress:
            progress(done, total)

    building = Path(tempfile.mkdtemp(prefix=f"{chain.BUILDING}files-", dir=releases))
    building.chmod(0o755)
    try:
        made = make(folder, building, downloads.wanted, downloads.formats, made_so_far)
        listed = [_described(building, file) for file in made["files"]]
        _must_be_all(building, listed)
        package = chain.read_package(folder)
        told = {
            "format": manifest.FORMAT,
            "release_id": package["openward"]["release_id"],
            "requests_sha256": manifest.requests_hash(package),
            "left_out": list(made.get("left_out", ())),
            "files": listed,
        }
        text = json.dumps(told, indent=1, ensure_ascii=False) + "\n"
        (building / manifest.MANIFEST).write_text(text, encoding="utf-8")
        for path in building.iterdir():
            sync(path)
        sync(building)
        still_ours()
        building.rename(folder / manifest.FOLDER)
        sync(folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    size = sum(file["bytes"] for file in listed)
    return Stocked(folder.name, len(listed), size, round(time.monotonic() - begun, 1))


def _described(building: Path, file: Mapping[str, Any]) -> dict[str, Any]:
    path = building / file["path"]
    return {**file, "bytes": path.stat().st_size, "sha256": sha256_of(path)}


def _must_be_all(building: Path, listed: Sequence[Mapping[str, Any]]) -> None:
    """The folder holds what is listed, each once and by a plain name, and nothing else."""
    names = sorted(file["path"] for file in listed)
    if names != sorted(path.name for path in building.iterdir()):
        raise ReleaseError("the ready files are not those that were listed; nothing was put beside the release")
    wrong = [name for name in names if not manifest.NAME.fullmatch(name)]
    if wrong:
        raise ReleaseError(f"'{wrong[0][:80]}' is no name for a ready file; nothing was put beside the release")
