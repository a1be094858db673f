"""The ready files of a release: what its list says of them. Reads JSON, no SQL.

Charter: a release's folder in, the files that lie beside it out. They come minutes after their release, in one go, and never
change then; what the list does not name is never opened.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from portal.kept import Answers

log = logging.getLogger("openward.portal")

FOLDER: Final = "files"
MANIFEST: Final = "files.json"
MOST_BYTES: Final = 16 << 20
MEDIA: Final = {"csv": "application/gzip", "parquet": "application/vnd.apache.parquet"}
_kept = Answers(16)


class ReadyFile(BaseModel):
    """A file that lies ready."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    path: str = Field(
        pattern=r"^[a-z0-9][a-z0-9_-]{0,160}(\.[a-z0-9]{1,8}){1,2}$", description="its name, the same in every release"
    )
    table: str
    part: Literal["whole", "year", "department", "layer"] = Field(description="what of the table it holds")
    layer: str = Field(default="", description="the boundary layer, of an area")
    key: str | None = Field(
        description="the year, or the code of the department or area; null: all rows, or those without one"
    )
    title: str
    query: str = Field(description="the filter that selects the same rows; empty: all")
    format: Literal["csv", "parquet"] = Field(description="csv: compressed as gzip")
    rows: int
    bytes: int
    text_bytes: int | None = Field(default=None, description="of a text, unpacked")
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class _List(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    release_id: str
    files: tuple[ReadyFile, ...]


@dataclass(frozen=True)
class Ready:
    """All of a release. `sha256` and `bytes` are those of the list itself."""

    folder: Path
    release_id: str
    files: tuple[ReadyFile, ...]
    sha256: str
    bytes: int

    @cached_property
    def by_name(self) -> dict[str, ReadyFile]:
        """The files by their names."""
        return {file.path: file for file in self.files}

    def of(self, table: str, part: str, layer: str = "") -> list[ReadyFile]:
        """Files of one kind of part, in the order of the list."""
        return [file for file in self.files if (file.table, file.part, file.layer) == (table, part, layer)]

    def in_outline(self, table: str = "") -> list[ReadyFile]:
        """Files of whole tables and of years, of one table or of all: with each area's a catalogue could not be read."""
        return [file for file in self.files if file.part in ("whole", "year") and table in ("", file.table)]

    def path(self, file: ReadyFile) -> Path:
        """Where it lies."""
        return self.folder / file.path


def mark(release: Path) -> tuple[str, int, int] | None:
    """Another one where the list of the release in that folder is another; None where there is none. Nothing is read."""
    path = release / FOLDER / MANIFEST
    try:
        found = path.stat()
    except OSError:
        return None
    return str(path), found.st_mtime_ns, found.st_size


def ready(release: Path) -> Ready | None:
    """The ready files of the release in that folder; None where none were made (yet), or where the list cannot be read."""
    path, key = release / FOLDER / MANIFEST, mark(release)
    if key is None:
        return None
    made: Ready | None = _kept.get(key, lambda: _read(path))
    return made


def _read(path: Path) -> Ready | None:
    try:
        with path.open("rb") as file:
            text = file.read(MOST_BYTES + 1)
        if len(text) > MOST_BYTES:
            raise ValueError("it is too long")
        listed = _List.model_validate_json(text)
    except (OSError, ValueError, ValidationError) as error:
        log.warning("%s: cannot be read (%s)", path, str(error).splitlines()[0])
        return None
    return Ready(path.parent, listed.release_id, listed.files, hashlib.sha256(text).hexdigest(), len(text))
