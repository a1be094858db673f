"""The chain of releases: identity, hashes, promotion by one rename, and its verification.

Charter: folders and files of releases, never what is in their tables.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from etl.disk import sha256_of, sync
from etl.errors import ReleaseError
from etl.publish import manifest

PACKAGE = "datapackage.json"
CURRENT = "current"
CHAIN = "chain.jsonl"
BUILDING = ".building-"
RELEASE_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}")


@dataclass(frozen=True)
class Link:
    """One release in the chain: its id, the sha256 of its datapackage.json, and the id before it."""

    release_id: str
    sha256: str
    previous: str | None


@dataclass(frozen=True)
class Finding:
    """One thing that verification looked at."""

    release_id: str
    name: str
    ok: bool
    note: str = ""


def current_folder(releases: Path) -> Path | None:
    """Folder of the promoted release, None before the first."""
    link = releases / CURRENT
    return releases / link.readlink() if link.is_symlink() else None


def read_package(folder: Path) -> dict[str, Any]:
    """datapackage.json of a release; ReleaseError if it cannot be read."""
    try:
        found: dict[str, Any] = json.loads((folder / PACKAGE).read_bytes())
        if not isinstance(found["openward"]["release_id"], str):
            raise ValueError("its release_id is no text")
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise ReleaseError(f"{folder / PACKAGE}: cannot be read ({error}); restore it from a backup") from error
    return found


def link_of(folder: Path) -> Link:
    """The release's own link."""
    ours = read_package(folder)["openward"]
    previous = ours.get("previous")
    return Link(ours["release_id"], sha256_of(folder / PACKAGE), previous["release_id"] if previous else None)


def release_id(created: dt.datetime, hashes: Iterable[str], previous_sha256: str | None) -> str:
    """Publishing time and the first eight digits of the hash over the files' hashes and the previous release's."""
    digest = hashlib.sha256("\n".join([*sorted(hashes), previous_sha256 or ""]).encode()).hexdigest()
    return f"{created:%Y%m%dT%H%M%SZ}-{digest[:8]}"


def promote(building: Path, releases: Path, name: str) -> Path:
    """Give a finished folder its name, point `current` at it by one rename, and note it in the chain's log."""
    folder = releases / name
    for path in building.iterdir():
        sync(path)
    sync(building)
    link = releases / f".{CURRENT}-{name}"
    link.unlink(missing_ok=True)
    link.symlink_to(name)  # before the folder has its name: a full disk is found out while nothing can be seen
    building.rename(folder)
    link.replace(releases / CURRENT)
    sync(releases)
    note_in_log(releases)
    return folder


def note_in_log(releases: Path) -> None:
    """Append the current release to chain.jsonl unless it is there already (a killed run may have left it out)."""
    folder = current_folder(releases)
    if folder is None:
        return
    link = link_of(folder)
    if any(known.release_id == link.release_id for known in read_log(releases)):
        return
    path = releases / CHAIN
    whole = path.read_bytes() if path.exists() else b""
    with path.open("ab") as log:
        log.truncate(whole.rfind(b"\n") + 1)  # without a line that a killed run left unfinished
        log.write(json.dumps(vars(link)).encode() + b"\n")
        log.flush()
        os.fsync(log.fileno())


def read_log(releases: Path) -> list[Link]:
    """Every release ever promoted, the oldest first, also those whose folders are gone."""
    path = releases / CHAIN
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    if text and not text.endswith("\n"):
        lines.pop()  # a run was killed while it wrote this line: `note_in_log` writes it again
    try:
        return [Link(**json.loads(line)) for line in lines if line.strip()]
    except (ValueError, TypeError) as error:
        raise ReleaseError(f"{path}: damaged ({error}); restore it from a backup") from error


def tidy(releases: Path) -> None:
    """Make good what a killed run left of its last steps; the caller holds the city's lock."""
    remove_leftovers(releases)
    note_in_log(releases)


def remove_leftovers(releases: Path) -> None:
    """Delete half-built folders, links and never promoted releases of runs that were killed; the caller holds the lock."""
    for path in _never_promoted(releases):
        aside = releases / f"{BUILDING}{path.name}"
        shutil.rmtree(aside, ignore_errors=True)
        path.rename(aside)  # out of sight before its first file goes
    for path in releases.glob(f"{BUILDING}*"):
        shutil.rmtree(path, ignore_errors=True)
    for path in releases.glob(f".{CURRENT}-*"):
        path.unlink(missing_ok=True)


def _never_promoted(releases: Path) -> list[Path]:
    """Releases that a run was killed over between giving them their name and pointing at them.

    None is older than the current one, so that a folder restored beside a lost log stays.
    """
    current = current_folder(releases)
    since = current.name if current else ""
    known = {link.release_id for link in read_log(releases)} | {since}
    if not current and len(known) > 1:
        return []  # a log without a current release: somebody's hand was here, and it is not ours to delete
    found = [path for path in releases.glob("*") if RELEASE_ID.fullmatch(path.name) and path.name not in known]
    return [path for path in found if path.name[:16] >= since[:16]]


def verify(releases: Path, only: str | None = None, progress: Callable[[str], None] | None = None) -> list[Finding]:
    """Hash every file of every kept release again and follow the chain from the newest to the oldest.

    `only` names one release. ReleaseError if there is none to verify.
    """
    log = _with_unnoted(releases, read_log(releases))
    if not log:
        raise ReleaseError(f"{releases}: no release has been published here yet; run 'openward etl run'")
    if only is not None and only not in {link.release_id for link in log}:
        raise ReleaseError(f"{releases}: there is no release '{only}'; 'openward release list' names them")
    findings: list[Finding] = []
    before: Link | None = None
    for link, after in zip(log, [*log[1:], None], strict=True):
        if only in (None, link.release_id):
            if progress:
                progress(link.release_id)
            findings += _verify_one(releases / link.release_id, link, before, after)
        before = link
    folder = current_folder(releases)
    last = log[-1].release_id
    at = folder.name if folder and folder.is_dir() else "nothing that exists"
    findings.append(Finding(last, "current", at == last, "" if at == last else f"current points at {at}"))
    return findings


def _with_unnoted(releases: Path, log: list[Link]) -> list[Link]:
    """The log and, where a run was killed before it could note it, the current release that follows its last line."""
    folder = current_folder(releases)
    if folder is None or not (folder / PACKAGE).is_file() or folder.name in {link.release_id for link in log}:
        return log
    link = link_of(folder)
    return [*log, link] if link.previous == (log[-1].release_id if log else None) else log


def _verify_one(folder: Path, link: Link, before: Link | None, after: Link | None) -> list[Finding]:
    name = link.release_id
    follows = link.previous == (before.release_id if before else None)
    findings = [Finding(name, "chain", follows, "" if follows else f"does not follow {before and before.release_id}")]
    if not folder.exists():
        return [*findings, Finding(name, "files", True, "not kept; its hash is in the chain")]
    if not (folder / PACKAGE).is_file():
        return [*findings, Finding(name, PACKAGE, False, "is missing")]
    if sha256_of(folder / PACKAGE) != link.sha256:
        return [*findings, Finding(name, PACKAGE, False, "differs from the hash in the chain")]
    findings.append(Finding(name, PACKAGE, True))
    package = read_package(folder)
    findings += belongs(package, link, before)
    expected = {r["path"]: r["hash"].removeprefix("sha256:") for r in package["resources"]}
    index = package["openward"]["index"]
    expected[index["path"]] = index["sha256"]
    if "counting" in index:  # releases from before have none
        expected[index["counting"]] = index["counting_sha256"]
    if current_folder(folder.parent) != folder and not any((folder / path).exists() for path in expected):
        findings.append(Finding(name, "files", True, "not kept; their hashes are in its description"))
        expected = {}
    for path, digest in expected.items():
        if not (folder / path).exists():
            findings.append(Finding(name, path, False, "is missing"))
        else:
            same = sha256_of(folder / path) == digest
            findings.append(Finding(name, path, same, "" if same else "differs from its hash"))
    return findings + [Finding(name, *told) for told in _ready(folder, package, after)]


def belongs(package: dict[str, Any], link: Link, before: Link | None) -> Iterator[Finding]:
    """What is wrong where a description, whose hash is in the chain, stands at another place of it than it says itself: under
    another id, which tells when it was published, or after another release than it followed."""
    openward, name = package["openward"], link.release_id
    if openward["release_id"] != name:
        yield Finding(name, "release_id", False, f"calls itself {openward['release_id']}")
    previous = openward.get("previous")
    if before is None and previous:
        yield Finding(name, "previous", False, f"followed {previous['release_id']}, which is not in the chain")
    elif before and (
        not previous or (previous["release_id"], previous["sha256"]) != (before.release_id, before.sha256)
    ):
        yield Finding(name, "previous", False, f"does not carry the hash of {before.release_id}")


def _ready(folder: Path, package: dict[str, Any], after: Link | None) -> list[manifest.Told]:
    """What holds of the ready files beside a release."""

    def digest(path: str) -> str | None:
        return sha256_of(folder / path) if (folder / path).is_file() else None

    listed = folder / manifest.PATH
    text = listed.read_bytes() if listed.is_file() else None
    return list(manifest.check(package, text, carried(folder.parent, after), digest, current=after is None))


def carried(releases: Path, after: Link | None) -> manifest.Carried:
    """What the release after one says of its ready files, where its description is kept and is what the chain names."""
    if after is None:
        return manifest.Carried()
    folder = releases / after.release_id
    if not (folder / PACKAGE).is_file() or sha256_of(folder / PACKAGE) != after.sha256:
        return manifest.Carried()
    return manifest.Carried.by(read_package(folder))
