"""Raw copies: what was fetched, byte for byte, before anything is made of it.

Charter: folders of immutable, checksummed parts and a manifest, so that a
fetch can go on where it was killed and a run can be replayed without its
source. What the bytes mean stays out.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from etl.disk import sha256_of, sync
from etl.errors import SourceError

MANIFEST = "manifest.json"
FETCHING = ".fetching"
GONE = ".gone-"
JOURNAL = "journal.jsonl"
SAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Part:
    """One file of a raw copy; `note` is what the source's adapter needs in order to read it or to go on after it."""

    name: str
    sha256: str
    bytes: int
    note: Mapping[str, Any]


@dataclass(frozen=True)
class RawCopy:
    """A finished fetch. `whole`: it holds all that the source has; `watermark`: where the next fetch begins.

    `as_of` is the moment (UTC) that the extract stands for, where the source says it; None: by its newest time.
    """

    folder: Path
    source: str
    kind: str
    fetched: dt.datetime
    parts: tuple[Part, ...]
    whole: bool
    watermark: Mapping[str, Any] | None
    as_of: dt.datetime | None
    columns: Mapping[str, str]

    @property
    def name(self) -> str:
        """Its folder's name: fetch time and the beginning of its checksum."""
        return self.folder.name

    @property
    def sha256(self) -> str:
        """Checksum over the parts' checksums: two fetches of the same bytes have the same one."""
        return sha256_of_parts(part.sha256 for part in self.parts)

    @property
    def bytes(self) -> int:
        """Bytes of all parts."""
        return sum(part.bytes for part in self.parts)

    def path(self, part: Part) -> Path:
        """Where a part lies."""
        return self.folder / part.name

    def verify(self) -> None:
        """SourceError that names the first part that is not what was fetched."""
        for part in self.parts:
            path = self.path(part)
            if not path.exists():
                raise SourceError(f"{path}: this raw copy has lost a part; fetch again or restore it from a backup")
            if sha256_of(path) != part.sha256:
                raise SourceError(f"{path}: is not what was fetched (its checksum differs); restore it from a backup")


class RawWriter:
    """A fetch under way. Each part is on disk and in the journal before `add` returns, so that a killed fetch goes on."""

    def __init__(self, archive: RawArchive, source: str, kind: str, key: str, now: dt.datetime) -> None:
        """Go on with the unfinished fetch of this source if it has the same `key`, else begin anew."""
        _remove_leftovers(archive.root / source)
        self._archive, self._source, self._kind, self._now = archive, source, kind, now
        self.folder = archive.root / source / FETCHING
        self._parts = _journal(self.folder, key)
        if self._parts is None:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
            self._parts = []
            self._log({"key": key, "begun": now.isoformat()})

    @property
    def parts(self) -> tuple[Part, ...]:
        """What the fetch has so far, also from before it was interrupted, in order."""
        return tuple(self._parts or ())

    def add(self, name: str, data: bytes | Iterable[bytes], note: Mapping[str, Any] | None = None) -> Part:
        """Keep one part; `name` is made safe and must be new. Nothing of it stays if `data` breaks off."""
        safe = SAFE.sub("_", name).strip("._") or "part"
        path, half = self.folder / safe, self.folder / f".{safe}.half"
        if any(part.name == safe for part in self.parts):
            raise SourceError(f"{path}: this fetch already has a part of that name")
        digest, size = hashlib.sha256(), 0
        try:
            with half.open("wb") as file:
                for block in (data,) if isinstance(data, bytes) else data:
                    digest.update(block)
                    size += len(block)
                    file.write(block)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            half.unlink(missing_ok=True)
            raise
        half.chmod(0o444)
        half.replace(path)
        part = Part(safe, digest.hexdigest(), size, dict(note or {}))
        self._log({"part": vars(part)})
        if self._parts is not None:
            self._parts.append(part)
        return part

    def finish(
        self,
        *,
        whole: bool,
        watermark: Mapping[str, Any] | None = None,
        as_of: dt.datetime | None = None,
        columns: Mapping[str, str] | None = None,
    ) -> RawCopy:
        """Give the copy its name; from then on nothing of it changes. `columns`: name -> kind as the source states it."""
        digest = sha256_of_parts(part.sha256 for part in self.parts)
        name = f"{self._now:%Y%m%dT%H%M%S}{self._now.microsecond // 1000:03d}Z-{digest[:8]}"
        manifest = {
            "source": self._source,
            "kind": self._kind,
            "fetched": self._now.isoformat(),
            "whole": whole,
            "watermark": watermark,
            "as_of": as_of.isoformat() if as_of else None,
            "columns": dict(columns or {}),
            "parts": [vars(part) for part in self.parts],
        }
        target = self.folder / MANIFEST
        with target.open("w", encoding="utf-8") as file:
            json.dump(manifest, file, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())
        sync(self.folder)
        folder = self._archive.root / self._source / name
        if folder.exists():
            _remove(folder)  # the same bytes at the same moment: a copy that a killed run had finished
        self.folder.rename(folder)
        sync(folder.parent)
        # Last, so that a run that is killed in between has either all its parts to go on with or a finished copy.
        (folder / JOURNAL).unlink(missing_ok=True)
        return read_copy(folder)

    def drop(self) -> None:
        """Give the fetch up and delete what it has."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _log(self, entry: Mapping[str, Any]) -> None:
        with (self.folder / JOURNAL).open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())


@dataclass(frozen=True)
class RawArchive:
    """A city's folder of raw copies: `<root>/<source>/<fetch>/`."""

    root: Path

    def begin(self, source: str, kind: str, key: str, now: dt.datetime) -> RawWriter:
        """A fetch of `source`. `key` says what is fetched from where on; another key cannot go on with an old fetch."""
        return RawWriter(self, source, kind, key, now)

    def copies(self, source: str) -> list[RawCopy]:
        """Every finished copy of a source, the oldest first."""
        folder = self.root / source
        if not folder.is_dir():
            return []
        found = [read_copy(p) for p in sorted(folder.iterdir()) if not p.name.startswith(".") and p.is_dir()]
        return sorted(found, key=lambda copy: (copy.fetched, copy.name))

    def prune(self, source: str, before: dt.datetime, keep: frozenset[str]) -> list[str]:
        """Delete copies fetched before a moment but for those of `keep`; returns their names."""
        gone = []
        _remove_leftovers(self.root / source)
        for copy in self.copies(source):
            if copy.fetched < before and copy.name not in keep:
                _remove(copy.folder)
                gone.append(copy.name)
        return gone


def read_copy(folder: Path) -> RawCopy:
    """A finished copy by its folder; SourceError if its manifest cannot be read."""
    try:
        found = json.loads((folder / MANIFEST).read_bytes())
        return RawCopy(
            folder=folder,
            source=found["source"],
            kind=found["kind"],
            fetched=dt.datetime.fromisoformat(found["fetched"]),
            parts=tuple(Part(**part) for part in found["parts"]),
            whole=found["whole"],
            watermark=found["watermark"],
            as_of=dt.datetime.fromisoformat(found["as_of"]) if found["as_of"] else None,
            columns=found["columns"],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SourceError(
            f"{folder / MANIFEST}: is not the manifest of a raw copy; restore it from a backup"
        ) from error


def _journal(folder: Path, key: str) -> list[Part] | None:
    """Parts of an unfinished fetch with this key whose bytes are all there; None if there is nothing to go on with."""
    try:
        lines = (folder / JOURNAL).read_text(encoding="utf-8").splitlines()
        if not lines or json.loads(lines[0]).get("key") != key:
            return None
    except (OSError, ValueError):
        return None
    parts = []
    for line in lines[1:]:
        try:
            part = Part(**json.loads(line)["part"])
        except (ValueError, KeyError, TypeError):
            break  # the line that was being written when the run was killed
        path = folder / part.name
        if not path.exists() or path.stat().st_size != part.bytes or sha256_of(path) != part.sha256:
            break
        parts.append(part)
    kept = {part.name for part in parts} | {JOURNAL}
    for path in folder.iterdir():
        if path.name not in kept:
            path.unlink()
    entries = [lines[0], *(json.dumps({"part": vars(part)}, ensure_ascii=False) for part in parts)]
    if (folder / JOURNAL).read_text(encoding="utf-8") != (text := "\n".join(entries) + "\n"):
        half = folder / f".{JOURNAL}.half"
        with half.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        half.replace(folder / JOURNAL)
    return parts


def _remove(folder: Path) -> None:
    """Delete a copy; it is out of sight first, so that a killed run leaves none without its manifest or its parts."""
    aside = folder.with_name(f"{GONE}{folder.name}")
    shutil.rmtree(aside, ignore_errors=True)
    folder.rename(aside)
    shutil.rmtree(aside)


def _remove_leftovers(source: Path) -> None:
    for path in source.glob(f"{GONE}*"):
        shutil.rmtree(path, ignore_errors=True)


def sha256_of_parts(digests: Iterable[str]) -> str:
    """Checksum over the checksums of parts, in their order."""
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()
