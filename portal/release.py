"""Opens releases read-only and notices a new one. The only place where the portal opens a database."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import duckdb
import pyarrow as pa

from portal.asked import Testing
from portal.choosing import Choosing
from portal.columns import Columns
from portal.errors import NoRelease, NotFound
from portal.filtered import fields as filterable
from portal.indexed import Indexed
from portal.kept import Answers
from portal.mapped_known import Known, known
from portal.opened import Apart, connect
from portal.package import City, Layer, Package, read_package
from portal.places import Places
from portal.selection import Selection
from portal.settings import PortalSettings
from portal.tally import Rows

CHECK_SECONDS = 1.0
"""How often `current` is looked at, at most."""

CONSTANTS_KEPT = 1000
"""Answers without a selection (choices, areas, dictionary): few, asked for by every page, kept apart."""

SCANS_KEPT = 32
"""Scans kept so that a page's questions share them; each holds up to a few megabytes."""

ROWS_KEPT = 6
"""Selected rows kept so that a page's questions share them; each takes up to 3.4 bytes for each row of the release."""

NEEDED = (
    "SELECT month, closed_month, elapsed_key, elapsed_code, elapsed_coarse, facet FROM requests",
    "SELECT bin, from_minutes, to_minutes, coarse FROM elapsed_bins",
)
"""What every page is made of: an index without it is noticed when it is opened, not page by page."""

KEPT_OPEN = 2
"""Releases kept open: the current one, and the one whose pages visitors still look at."""


class Release:
    """One published release, open for reading. Safe to use from several threads."""

    def __init__(self, folder: Path, settings: PortalSettings, places: Places | None = None) -> None:
        """`places` is the geocoder that all releases of a folder share."""
        self.folder = folder
        self.places = places or Places()
        self.package: Package = read_package(folder)
        self.cache = Answers(settings.cache_entries)
        self.constants = Answers(CONSTANTS_KEPT)
        self._allowed: dict[str, Mapping[str, str]] = {}
        index = folder / self.package.openward.index.path
        self._connection = connect(index, settings)
        self._apart = Apart(index, settings)
        self.scans = Answers(min(settings.cache_entries, SCANS_KEPT))
        try:
            for needed in NEEDED:
                self.query(f"{needed} LIMIT 0")
            self.rows = int(self.query("SELECT count(*) FROM requests")[0][0])
            columns = self.query("SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = 'requests'")
            self.types: dict[str, str] = dict(columns)
            self.tables = frozenset(name for (name,) in self.query("SELECT table_name FROM duckdb_tables()"))
            self.facets = self.table(
                "SELECT status, outcome, on_time, location_source, excluded FROM facets ORDER BY facet"
            )
            self.codes = {name: self._enum(kind) for name, kind in columns if kind.startswith("ENUM")}
            self._indexed = Indexed(self.types, self.codes, self.facets)
            self.counting = self._counting(folder / self.package.openward.index.counting)
            self._choosing = Choosing(self.counting, self.table, self.known, min(settings.cache_entries, ROWS_KEPT))
        except (duckdb.Error, pa.ArrowException, OSError, KeyError, ValueError) as error:
            self.close()
            raise NoRelease(
                f"The release {folder.name} was built by another version of Openward: publish it again."
            ) from error

    @property
    def id(self) -> str:
        """The release id."""
        return self.package.openward.release_id

    @property
    def columns(self) -> frozenset[str]:
        """Names of the columns of `requests` in the index."""
        return frozenset(self.types)

    @property
    def city(self) -> City:
        """The city that the release is of."""
        return self.package.openward.city

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Boundary layers that `requests` has a column for."""
        return tuple(layer for layer in self.package.openward.layers if layer.layer in self.columns)

    def layer(self, name: str) -> Layer:
        """The layer of that name; raises NotFound, naming those that exist."""
        for layer in self.layers:
            if layer.layer == name:
                return layer
        known = ", ".join(layer.layer for layer in self.layers)
        raise NotFound(f"There is no layer '{name[:40]}' in this release; there are: {known}.")

    @property
    def as_of(self) -> datetime:
        """When the data was taken (UTC, aware); open requests are censored then."""
        return self.package.openward.as_of

    @property
    def created(self) -> datetime:
        """When the release was built (UTC, aware)."""
        return self.package.openward.created

    @property
    def fields(self) -> tuple[str, ...]:
        """Published fields of `requests` in order, without the geometry."""
        resource = self.package.resource("requests")
        names = [field.name for field in resource.table.fields] if resource else []
        return tuple(name for name in names if name in self.columns and name != "geometry")

    def allowed(self, dimension: str) -> Mapping[str, str]:
        """Values of a dimension that a Selection may name -> their labels."""
        if dimension not in self._allowed:
            from portal.queries import choices

            self._allowed[dimension] = {c.value: c.label for c in choices(self, dimension)}
        return self._allowed[dimension]

    def query(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a parameterised query."""
        with self._connection.cursor() as cursor:
            return cursor.execute(sql, list(params)).fetchall()

    def table(self, sql: str, params: Sequence[Any] = (), given: Mapping[str, pa.Table] | None = None) -> pa.Table:
        """The columns of a query as an Arrow table; ENUMs come as dictionaries. It can name the tables that are `given`."""
        with self._connection.cursor() as cursor:
            for name, rows in (given or {}).items():
                cursor.register(name, rows)
            return cursor.execute(sql, list(params)).to_arrow_table()

    def batches(self, sql: str, params: Sequence[Any] = (), rows: int = 20_000) -> pa.RecordBatchReader:
        """A query's rows as a stream of Arrow batches."""
        return self._connection.cursor().execute(sql, list(params)).to_arrow_reader(rows)

    def piece(self, sql: str, params: Sequence[Any] = ()) -> pa.Table:
        """As `table`, of a part of what may be the whole table: through a small cache apart, so that memory stays flat."""
        try:
            return self._apart.table(sql, params)
        except duckdb.OutOfMemoryException:  # single rows of many megabytes, such as outlines of areas
            return self.table(sql, params)

    def where(self, selection: Selection) -> tuple[str, list[Any]]:
        """`selection.where()` for this release's index: the same rows, several times as fast."""
        return self._indexed.where(selection)

    def chosen(self, selection: Selection) -> Rows:
        """The selected rows, for counting."""
        return self._choosing.rows(selection)

    def known(self) -> Known:
        """What the mapped columns tell of published fields."""
        return self.constants.get(("known",), lambda: known(self, filterable(self, quick=True)))

    def tests(self, selection: Selection) -> list[Testing]:
        """What a row of the selection passes."""
        return self._choosing.tests(selection)

    def forget(self) -> None:
        """Forget all that was kept of selections: for measuring."""
        for kept in (self.cache, self.scans, self._choosing):
            kept.forget()

    def _enum(self, kind: str) -> dict[str, int]:
        """Label -> code of an ENUM type, which DuckDB itself spelled."""
        return {label: code for code, label in enumerate(self.query(f"SELECT enum_range(NULL::{kind})")[0][0])}

    def _counting(self, path: Path) -> Columns:
        """The columns for counting, and the coarse times, which follow from the fine ones."""
        columns = Columns(path)
        coarse = [row[0] for row in self.query("SELECT coarse FROM elapsed_bins ORDER BY bin")]
        codes = [None, *(2 * group + event for group in coarse for event in (0, 1))]
        columns.derive("elapsed_coarse", "elapsed_code", codes)
        if "age_days" not in columns:
            raise KeyError("age_days")
        if columns.rows != self.rows:
            raise ValueError(f"{path.name} has {columns.rows} rows, the index {self.rows}")
        return columns

    def close(self) -> None:
        """Close the database; queries under way are interrupted."""
        self._connection.close()
        self._apart.close()


class Releases:
    """The folder of releases: which is current, and which can still be asked."""

    def __init__(
        self, path: Path, settings: PortalSettings | None = None, opened: Callable[[Release], None] | None = None
    ) -> None:
        """`opened` is told of each release that becomes the current one; it must return at once."""
        self.path = Path(path)
        self.settings = settings or PortalSettings(releases=self.path)
        self._opened = opened
        self.places = Places()
        self._open: OrderedDict[str, Release] = OrderedDict()
        self._lock = threading.Lock()
        self._checked = float("-inf")
        self._target: str | None = None

    def current(self) -> Release:
        """The promoted release; raises NoRelease if there is none."""
        with self._lock:
            now = time.monotonic()
            if self._target is None or now - self._checked >= CHECK_SECONDS:
                self._follow()
                self._checked = now
            return self._open[cast(str, self._target)]

    def get(self, release_id: str) -> Release:
        """An open release by its id; raises NotFound, naming the current one."""
        current = self.current()
        if release_id == current.id:
            return current
        with self._lock:
            if release_id in self._open:
                return self._open[release_id]
        raise NotFound(f"The release '{release_id[:40]}' is not served; the current one is {current.id}.")

    def folder(self, release_id: str) -> Path:
        """The folder of any release that is kept on disk; raises NotFound."""
        folder = self.path / release_id
        plain = len(release_id) <= 40 and release_id.replace("-", "").isalnum() and release_id != "current"
        if not plain or not (folder / "datapackage.json").is_file():
            raise NotFound(f"The release '{release_id[:40]}' is not kept here; the current one is {self.current().id}.")
        return folder

    def close(self) -> None:
        """Close every open release."""
        with self._lock:
            while self._open:
                self._open.popitem()[1].close()
            self._target = None

    def _follow(self) -> None:
        """Open what `current` points at, unless it is open; go on with the last good one if that fails."""
        try:
            target = (self.path / "current").readlink().name
        except OSError:
            if self._target is None:
                raise NoRelease from None
            return
        if target == self._target:
            return
        try:
            if target not in self._open:
                self._open[target] = Release(self.path / target, self.settings, self.places)
        except NoRelease:
            if self._target is None:
                raise
            return
        self._open.move_to_end(target)
        self._target = target
        if self._opened is not None:
            self._opened(self._open[target])
        while len(self._open) > KEPT_OPEN:
            # Not closed: requests under way may hold it; it closes when the last of them lets go.
            self._open.popitem(last=False)
