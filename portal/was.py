"""A selection of releases that were: a value that the current one no longer has is known from their own small tables.

Charter: ids of releases and a query in, a Selection out; BadSelection for values that none of them had. Pages and answers
about the past read their filters here, so that a citation outlives the department that it names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.parquet as pq

from portal.errors import BadSelection, NoRelease
from portal.package import read_package
from portal.queries.diff import package_of
from portal.queries.published import chain
from portal.selection import COLUMNS, NOT_STATED, Selection
from portal.selection_query import read

if TYPE_CHECKING:
    from portal.release import Release

Values = Mapping[str, frozenset[str]]
_TABLES: Final = {
    "services": (("service", "service_code"), ("group", "service_group"), ("department", "department")),
    "departments": (("department", "department"),),
}
"""Table -> dimensions and the columns that have their values."""


def selection_then(release: Release, releases: Sequence[str], query: str) -> Selection:
    """What a query selects, of these releases and the current one."""
    try:
        return Selection.from_query(query, release)
    except BadSelection:
        had: dict[str, frozenset[str]] = {}
        for release_id in releases:
            for dimension, found in _had(release, release_id).items():
                had[dimension] = had.get(dimension, frozenset()) | found
        return read(query, release, had)


def gone(release: Release, selection: Selection) -> list[str]:
    """Values that it names and the current release does not have."""
    named = [(key, value) for key in COLUMNS for value in getattr(selection, key)] + list(selection.area)
    return [value for dimension, value in named if value != NOT_STATED and value not in release.allowed(dimension)]


def unknowable(release: Release, release_id: str) -> bool:
    """Whether it is a release whose values can no longer be told, because its files are gone."""
    return release_id in {doc.release_id for doc in chain(release)} and not _had(release, release_id)


def _had(release: Release, release_id: str) -> Values:
    """The values of a release's dimensions; none where its files are no longer kept."""
    if release_id not in {doc.release_id for doc in chain(release)}:
        package_of(release, release_id)  # which says so
    return release.constants.get(("was", release_id), lambda: _read(release, release_id))


def _read(release: Release, release_id: str) -> Values:
    folder = release.folder.parent / release_id
    found: dict[str, set[str]] = {}
    try:
        package = read_package(folder)
        for table, columns in _TABLES.items():
            resource = package.resource(table)
            rows = pq.read_table(folder / resource.path) if resource and "/" not in resource.path else None
            for dimension, column in columns:
                if rows is not None and column in rows.column_names:
                    found.setdefault(dimension, set()).update(filter(None, rows.column(column).to_pylist()))
        resource = package.resource("areas")
        if resource and "/" not in resource.path:
            areas = pq.read_table(folder / resource.path, columns=["layer", "area"])
            for layer, area in zip(*(areas.column(name).to_pylist() for name in ("layer", "area")), strict=True):
                found.setdefault(layer, set()).add(area)
        found["channel"] = {channel.channel for channel in package.openward.channels}
    except (NoRelease, OSError, pa.ArrowException, KeyError):
        return {}
    return {dimension: frozenset(values) for dimension, values in found.items()}
