"""The city's privacy policy at work on one release: rows, changes, counts and the audit before promotion.

Charter: composes etl.privacy's parts; what each of them does to a place, a text or a count is theirs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import duckdb
import geopandas as gpd
import pyarrow as pa
import pyarrow.compute as pc

from etl.config import CityConfig
from etl.config.privacy import FREE_TEXT, CountTable
from etl.errors import ReleaseError
from etl.privacy import locations
from etl.privacy.audit import audit_locations, must_hold
from etl.privacy.cells import suppress
from etl.publish.fields import FEEDBACK_FIELDS
from geo.boundaries import Vintage

if TYPE_CHECKING:
    from etl.privacy.redact import Redactor

BATCH_ROWS = 122_880
WHOLE_CITY = "city"
MONTHLY_COUNTS = ["requests", "closed", "open"]
AUDIT_SEED = 311
LEAST_PATTERNS, LEAST_NAMES, MOST_REMOVED = 0.99, 0.95, 0.02
"""What the redactor must do to planted examples before a text is published."""
FEEDBACK_CELLS = """
    SELECT department, channel, CAST(date_trunc('month', received_datetime) AS DATE) AS month,
           count(*) AS responses, avg(score) AS mean_score
    FROM scratch.feedback GROUP BY ALL ORDER BY ALL"""


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
    def layers(self) -> Mapping[str, Sequence[Vintage]]:
        """The vintages of each boundary layer, as the store has them."""
        return self._rules.layers

    @property
    def redactor(self) -> Redactor:
        """The redactor that knows this city's own words."""
        if self._redactor is None:
            from etl.privacy.redact import Redactor  # its word lists are for cities that publish text

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

    def feedback(self, db: duckdb.DuckDBPyConnection) -> dict[str, pa.Table]:
        """Answers (`scratch.feedback`) and their counts by department, channel and month.

        Where the policy names the counts, answers of a cell too small to be told are not told one by one either.
        """
        names = [f.name for f in FEEDBACK_FIELDS if f.released(self._config.privacy.publish)]
        cells = self.cells("feedback", db.execute(FEEDBACK_CELLS).to_arrow_table())
        db.register("feedback_cells", cells)
        answers = db.execute(
            f"""SELECT {", ".join(f"f.{name}" for name in names)} FROM scratch.feedback f
                JOIN feedback_cells c ON NOT c.suppressed AND c.department IS NOT DISTINCT FROM f.department
                 AND c.channel IS NOT DISTINCT FROM f.channel AND c.month = date_trunc('month', f.received_datetime)
                ORDER BY f.source, f.feedback_id"""  # noqa: S608
        ).to_arrow_table()
        db.unregister("feedback_cells")
        scores = pc.if_else(cells["suppressed"], pa.scalar(None, pa.float64()), cells["mean_score"])
        cells = cells.set_column(cells.column_names.index("mean_score"), "mean_score", scores)
        return {"feedback": answers, "feedback_monthly": cells}

    def cells(self, name: CountTable, table: pa.Table) -> pa.Table:
        """A published table of counts with its small cells suppressed, where the policy names it."""
        policy = self._config.privacy.small_cells
        told = table.append_column("suppressed", pa.array([False] * len(table), pa.bool_()))
        if name not in policy.tables:
            return table if name == "exclusions" else told
        if name == "exclusions":
            by, counts = ["kind", "reason", "source"], ["rows"]
            done = suppress(table, counts, by, policy.minimum, margins=[(), ("kind",)]).table
            return done.drop_columns(["suppressed"])
        if name == "feedback":
            keys = ["department", "channel", "month"]
            return suppress(table, ["responses"], keys, policy.minimum, margins=[(), ("department",), ("month",)]).table
        return self._monthly(table, policy.minimum)

    @staticmethod
    def _monthly(table: pa.Table, minimum: int) -> pa.Table:
        """Each layer by itself, the city's own rows being the sums of each: hidden there if hidden for any layer."""
        city = table.filter(pc.equal(table["layer"], WHOLE_CITY))
        parts, sums = [], []
        for layer in [name for name in pc.unique(table["layer"]).to_pylist() if name != WHOLE_CITY]:
            rows = table.filter(pc.equal(table["layer"], layer))
            done = suppress(
                rows, MONTHLY_COUNTS, ["area", "service_code", "month"], minimum,
                margins=[("service_code", "month")], parts={"requests": ("closed", "open")},
            )  # fmt: skip
            parts.append(done.table)
            sums.append(done.margins["service_code", "month"].filter(pc.field("suppressed")))
        alone = suppress(
            city, MONTHLY_COUNTS, ["service_code", "month"], minimum, margins=[], parts={"requests": ("closed", "open")}
        ).table
        also = {(row["service_code"], row["month"]) for table in sums for row in table.to_pylist()}
        keys = zip(alone["service_code"].to_pylist(), alone["month"].to_pylist(), strict=True)
        hide = pc.or_(alone["suppressed"], pa.array([key in also for key in keys], pa.bool_()))
        for name in MONTHLY_COUNTS:
            counts = pc.if_else(hide, pa.scalar(None, alone[name].type), alone[name])
            alone = alone.set_column(alone.column_names.index(name), name, counts)
        alone = alone.set_column(alone.column_names.index("suppressed"), "suppressed", hide)
        return pa.concat_tables([alone, *parts])

    def audit(self, db: duckdb.DuckDBPyConnection, stored: str, exact_only: Mapping[str, pa.Table]) -> dict[str, Any]:
        """Figures of the audit; ReleaseError where something is told that must not be.

        `exact_only` are published tables that may name no request whose place is not exact.
        Reads the stored rows (`stored` is SQL of their relation) and the index's own (`requests`), not what was passed between them.
        """
        found: dict[str, Any] = {"published": list(self._config.privacy.publish), "locations": None, "text": None}
        if not self.all_exact:
            anchors = locations.Anchors(pa.concat_tables([self._anchors.table, *self.new_places]))
            figures = audit_locations(
                _batches(db, f"SELECT * FROM {stored}"),  # noqa: S608
                _batches(db, f"SELECT *{self._no_points()} FROM requests ORDER BY rid"),  # noqa: S608
                self._rules,
                anchors=anchors,
                past=self._past,
                exact_only=exact_only,
            )
            must_hold(figures)
            found["locations"] = figures.released()
        if self._texts:
            found["text"] = self._audit_text()
        return found

    def _no_points(self) -> str:
        """What stands for the points of a release that publishes none."""
        return "" if "location" in self._config.privacy.publish else ", NULL::DOUBLE AS lat, NULL::DOUBLE AS long"

    def _audit_text(self) -> dict[str, Any]:
        """How well this very redactor, with this city's words, finds what was planted."""
        from etl.privacy.evaluate import evaluate
        from etl.privacy.planted import examples
        from etl.privacy.redact import VERSION

        figures = evaluate(self.redactor, examples(AUDIT_SEED, vocabulary=self._vocabulary()))
        limits = (
            (
                "telephone numbers, e-mail addresses, plates, cards and social-security numbers",
                figures.patterns.share,
                LEAST_PATTERNS,
            ),
            ("names of people", figures.names.share, LEAST_NAMES),
            ("words that are nobody's", 1 - figures.removed_share, 1 - MOST_REMOVED),
        )
        for what, share, least in limits:
            if share < least:
                raise ReleaseError(
                    f"the audit of texts holds this release back: of {what} {share:.2%} are right, "
                    f"{least:.0%} are asked for; look at privacy.keep_words, or publish no text"
                )
        return {"fields": self._texts, "redactor": VERSION, **figures.as_dict()}


def _batches(db: duckdb.DuckDBPyConnection, query: str) -> Iterator[pa.Table]:
    for batch in db.cursor().execute(query).to_arrow_reader(BATCH_ROWS):
        yield pa.Table.from_batches([batch])
