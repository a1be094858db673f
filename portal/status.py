"""status.json beside the releases: how fresh each source is and how its last runs went.

Charter: reads that one file, which the ETL replaces after every run, and trusts nothing in it: its size is
bounded, its shape checked, and what is not named here is left out. No SQL, no words, no markup.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

FILE = "status.json"
MAX_BYTES = 2_000_000
YEARS = range(1970, 2200)
FAILING = ("unavailable", "refused")
"""States of a source whose last answer was none, or none that could be used."""
NOT_PUBLISHED = ("held", "failed")
"""Ends of a run after which the figures are those of an earlier one."""


def _utc(value: datetime) -> datetime:
    if value.year not in YEARS:
        raise ValueError("not a moment that a run can have")
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Moment = Annotated[datetime, AfterValidator(_utc)]
Code = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,120}$")]
Count = Annotated[int, Field(ge=0, le=10**12)]


class _View(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class SourceRun(_View):
    """How a source fared in one run; a count is null where the run got no answer."""

    started: Moment
    seconds: float | None = Field(default=None, ge=0, le=1e9, allow_inf_nan=False)
    status: Code = Field(description="loaded, unchanged, unavailable or refused")
    read: Count | None = Field(default=None, description="rows that the source gave")
    new: Count | None = None
    changed: Count | None = None
    unchanged: Count | None = None
    stale: Count | None = Field(default=None, description="rows older than what was already known")
    withdrawn: Count | None = Field(default=None, description="rows that the source no longer has")
    quarantined: Count | None = Field(default=None, description="rows that could not be trusted")

    @property
    def moved(self) -> int:
        """Rows that the run made or changed."""
        return (self.new or 0) + (self.changed or 0) + (self.withdrawn or 0)


class DefaultPoint(_View):
    """A point that a source writes where it does not know the place, as it was found out."""

    lat: float | None = Field(default=None, ge=-90, le=90, allow_inf_nan=False, description="null: not published")
    long: float | None = Field(default=None, ge=-180, le=180, allow_inf_nan=False)
    rows: Count = Field(default=0, description="requests that were at it when it was found")
    addresses: Count = Field(default=0, description="different addresses among them")
    why: str = Field(default="", max_length=400, description="the evidence, in English")
    first_seen: Moment | None = None


class SourceStatus(_View):
    """One source as it stands."""

    source: Code
    kind: Code = Field(description="file, socrata, open311, arcgis, ckan or sql")
    state: Code = Field(description="loaded, unchanged, unavailable, refused or never")
    as_of: Moment | None = Field(default=None, description="moment of the newest extract")
    loaded: Moment | None = Field(default=None, description="when something of it was last taken into the record")
    answered: Moment | None = Field(default=None, description="when it last answered")
    quarantined: Count | None = Field(default=0, description="its rows that are in quarantine now; null: not told")
    reasons: dict[Code, Count] = Field(default={}, max_length=200, description="the same by reason")
    default_points: tuple[DefaultPoint, ...] = Field(
        default=(), max_length=1000, description="points that were found to stand for 'unknown'"
    )
    runs: tuple[SourceRun, ...] = Field(default=(), max_length=200, description="its last runs, newest first")

    @property
    def failing(self) -> bool:
        """Whether its last run got nothing from it that could be used."""
        return self.state in FAILING


class Status(_View):
    """The whole document."""

    written: Moment | None = None
    city: Code | None = None
    release: Code | None = Field(default=None, description="the release that was current when this was written")
    last_run: Code | None = Field(default=None, description="published, loaded, unchanged, held, failed or running")
    sources: tuple[SourceStatus, ...] = Field(default=(), max_length=500)

    @property
    def failing(self) -> tuple[SourceStatus, ...]:
        """The sources that did not answer."""
        return tuple(source for source in self.sources if source.failing)


@dataclass(frozen=True)
class Found:
    """What was found: a status with its fingerprint; or none, and whether there is a file that cannot be read."""

    status: Status | None = None
    etag: str = ""
    unreadable: bool = False

    def __iter__(self) -> Iterator[SourceStatus]:
        return iter(self.status.sources if self.status else ())


def read_status(releases: Path) -> Found:
    """The status in a folder of releases; kept until the file is replaced."""
    path = releases / FILE
    try:
        state = path.stat()
    except OSError:
        return Found()
    if not path.is_file() or state.st_size > MAX_BYTES:
        return Found(unreadable=True)
    return _read(path, (state.st_ino, state.st_mtime_ns, state.st_size))


@lru_cache(maxsize=8)
def _read(path: Path, _state: tuple[int, ...]) -> Found:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            return Found(unreadable=True)
        status = Status.model_validate_json(content)
    except (OSError, ValidationError):
        return Found(unreadable=True)
    return Found(status, f'"{hashlib.sha256(content).hexdigest()[:32]}"')
