"""All SQL of the portal, one function a question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from portal.answers import (
    Area,
    Choice,
    Exclusion,
    FieldDoc,
    FileDoc,
    GroupRow,
    MonthRow,
    Page,
    Quality,
    ReleaseDoc,
    RequestRow,
    ResponseTime,
    Totals,
)
from portal.selection import Selection

if TYPE_CHECKING:
    from portal.release import Release

EVERYTHING = Selection()


def totals(release: Release, selection: Selection = EVERYTHING) -> Totals:
    """Counts of the selected requests."""
    raise NotImplementedError


def response(release: Release, selection: Selection = EVERYTHING) -> ResponseTime:
    """Response time quantiles with 95% bands, exact to the minute."""
    raise NotImplementedError


def monthly(release: Release, selection: Selection = EVERYTHING) -> list[MonthRow]:
    """One row a month from the first to the last, months without requests included."""
    raise NotImplementedError


def monthly_by(
    release: Release, selection: Selection, dimension: str, keys: Sequence[str]
) -> dict[str, list[MonthRow]]:
    """`monthly` for each of a dimension's keys (a few)."""
    raise NotImplementedError


def by(
    release: Release, selection: Selection, dimension: str, limit: int | None = None
) -> list[GroupRow]:
    """One row a value of the dimension, most requests first."""
    raise NotImplementedError


def choices(release: Release, dimension: str) -> list[Choice]:
    """Values of a dimension (service, group, department, status, outcome, channel, on_time or a layer)."""
    raise NotImplementedError


def latest(
    release: Release, selection: Selection = EVERYTHING, limit: int = 25, offset: int = 0
) -> list[RequestRow]:
    """The selected requests, newest first."""
    raise NotImplementedError


def page(release: Release, selection: Selection = EVERYTHING, limit: int = 25, offset: int = 0) -> Page:
    """`latest` with the total."""
    raise NotImplementedError


def request(release: Release, service_request_id: str, source: str | None = None) -> RequestRow:
    """One request; raises NotFound."""
    raise NotImplementedError


def areas(release: Release, layer: str) -> list[Area]:
    """Areas of a layer, current vintage, by name; raises NotFound for an unknown layer."""
    raise NotImplementedError


def exclusions(release: Release) -> list[Exclusion]:
    """What is not in `requests`, or not in a figure, counted by reason."""
    raise NotImplementedError


def quality(release: Release, selection: Selection = EVERYTHING) -> Quality:
    """How well the selected requests are located and timed."""
    raise NotImplementedError


def dictionary(release: Release) -> list[FieldDoc]:
    """The data dictionary of all resources."""
    raise NotImplementedError


def files(release: Release) -> list[FileDoc]:
    """The release's downloadable files."""
    raise NotImplementedError


def chain(release: Release) -> list[ReleaseDoc]:
    """All releases ever promoted, newest first."""
    raise NotImplementedError
