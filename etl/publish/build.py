"""Building one release aside: tables, package, validation, promotion.

Charter: the order of the steps. What a column means is in `fields` and
`derive`, the index in `index`, hashes and folders in `chain`.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import geopandas as gpd
import pandas as pd
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy import Connection, Engine

from etl.config import CityConfig
from etl.config.privacy import FREE_TEXT
from etl.disk import sha256_of
from etl.duck import builder
from etl.errors import ReleaseError
from etl.publish import chain, fields, figures, files, index, limits, linked, manifest, tables
from etl.publish.counting import FILE as COUNTING
from etl.publish.counting import write_counting
from etl.publish.derive import Derivation
from etl.publish.fields import Field
from etl.publish.figures import Estimators
from etl.publish.limits import Acceptance
from etl.publish.package import package_of, resource_of
from etl.publish.policy import PublicRows
from etl.publish.validate import must_hold, validate
from etl.records import FEEDBACK_KIND, MEASURE_KIND
from etl.store import export
from etl.store.bulk import fetch_into, within_reach
from etl.store.engine import writing
from etl.store.load import insert_rows
from etl.store.models import Run
from etl.store.state import states
from geo.geocoding.tables import SCHEMAS

FORMAT = 1
BUILDER_VERSION = 11
"""Raised when the same store would be built into other files, so that it is published again."""

STORED = (
    "source", "service_request_id", "service_code", "service_name", "service_group", "department",
    "agency_responsible", "status", "status_notes", "description", "outcome", "channel", "requested_datetime",
    "updated_datetime", "expected_datetime", "closed_datetime", "address", "lat", "long", "location_source",
    "location_note", "geocode_method", "geocode_score", "geocode_radius_m", "geocode_address", "geocode_alternatives",
    "nearest_address", "areas", "flags",
)  # fmt: skip
NOTE_HASH = "CASE WHEN trim(status_notes) <> '' THEN hash(lower(trim(status_notes))) END"
"""Which closing texts are the same, without the texts; it goes no further than the work folder."""
BATCH_ROWS = 122_880
Progress = Callable[[str, int], None]


@dataclass(frozen=True)
class Inputs:
    """What a release is made of; two releases with equal inputs would be equal."""

    data_version: int
    config_sha256: str
    as_of: str
    builder: int = BUILDER_VERSION


@dataclass(frozen=True)
class Published:
    """A promoted release."""

    release_id: str
    folder: Path
    requests: int


def inputs_of(connection: Connection, config: CityConfig, now: dt.datetime) -> Inputs:
    """What a release of the store as it stands would be made of; ReleaseError if the store holds nothing."""
    return Inputs(
        export.data_version(connection), config.fingerprint(), f"{as_of(connection, config, now):%Y-%m-%dT%H:%M:%SZ}"
    )


def as_of(connection: Connection, config: CityConfig, now: dt.datetime) -> dt.datetime:
    """When the record was taken: as the configuration says, else the newest time in it (UTC)."""
    newest = _newest(connection, config, now)
    if newest is None:
        raise ReleaseError(
            "the record store holds no requests to publish; 'openward etl quarantine' lists the rows that were refused"
        )
    stated = [s.as_of for s in config.sources.values() if isinstance(s.as_of, dt.datetime)]
    if stated:
        local = max(pd.Timestamp(moment) for moment in stated)
        aware = local.tz_localize(config.city.timezone) if local.tzinfo is None else local
        found: dt.datetime = aware.tz_convert("UTC").to_pydatetime()
        return found
    return newest


def _newest(connection: Connection, config: CityConfig, now: dt.datetime) -> dt.datetime | None:
    """The moment of the newest extract; by the rows themselves in a store from before sources had a state."""
    if not export.count_requests(connection):
        return None
    moments = [s.as_of for name, s in states(connection).items() if name in config.sources and s.as_of is not None]
    return max(moments) if moments else export.newest_time(connection, now)


def is_current(releases: Path, inputs: Inputs) -> bool:
    """Whether the promoted release was made of exactly these inputs."""
    folder = chain.current_folder(releases)
    return folder is not None and chain.read_package(folder)["openward"].get("inputs") == vars(inputs)


def held_before(connection: Connection, inputs: Inputs, config: CityConfig) -> str | None:
    """Why a release of this very data and configuration was held, so that it is not built again to say the same."""
    found = connection.execute(
        sa.select(Run.message).where(
            Run.run_id == inputs.data_version, Run.status == "held", Run.config_sha256 == config.fingerprint()
        )
    ).scalar()
    return found or None


def publish(
    engine: Engine,
    config: CityConfig,
    releases: Path,
    inputs: Inputs,
    *,
    now: dt.datetime,
    work: Path,
    accept: Acceptance | None = None,
    progress: Progress | None = None,
    still_ours: Callable[[], None] = lambda: None,
    estimators: Estimators | None = None,
) -> Published:
    """Build, validate and promote a release of the store as it stands; `inputs` are those of `inputs_of`.

    Nothing is promoted unless every check holds; a failed build leaves no trace. The caller holds the city's lock,
    and `still_ours` raises if it was lost while the release was built.
    HeldError where a named limit does not hold and nobody accepts it. `work` is a scratch folder. Without `estimators`
    the release has no tables of figures.
    """
    releases.mkdir(parents=True, exist_ok=True)
    work.mkdir(parents=True, exist_ok=True)
    chain.tidy(releases)
    building = Path(tempfile.mkdtemp(prefix=chain.BUILDING, dir=releases))
    building.chmod(0o755)
    try:
        build = _Build(
            engine, config, releases, building, work, inputs, now, accept, progress or (lambda _s, _r: None), estimators
        )
        package = build.package()
        must_hold(validate(building, package, build.public))
        still_ours()
        build.keep_places()
        name = package["openward"]["release_id"]
        return Published(name, chain.promote(building, releases, name), package["openward"]["counts"]["requests"])
    finally:
        shutil.rmtree(building, ignore_errors=True)


class _Build:
    """One release on its way: the steps in their order, and what they hand to one another."""

    def __init__(
        self, engine: Engine, config: CityConfig, releases: Path, building: Path, work: Path, inputs: Inputs,
        now: dt.datetime, accept: Acceptance | None, progress: Progress, estimators: Estimators | None,
    ) -> None:  # fmt: skip
        self.engine, self.config, self.building, self.work = engine, config, building, work
        self.inputs, self.now, self.accept, self.progress = inputs, now, accept, progress
        self.estimators = estimators
        self.public = fields.request_fields(config)
        self.previous_folder = chain.current_folder(releases)
        self.previous = chain.link_of(self.previous_folder) if self.previous_folder else None
        self.before = chain.read_package(self.previous_folder)["openward"] if self.previous_folder else {}
        self.ready = manifest.sha256_in(self.previous_folder) if self.previous_folder else None
        with engine.connect() as connection:
            self.stored = tables.read_store(connection)
        self.policy = PublicRows(config, self.stored.basemap, self.stored.boundaries, self.stored.places)

    def package(self) -> dict[str, Any]:
        """Write every file and return the text of datapackage.json, which is written last."""
        serve = self.building / "serve.duckdb"
        db = builder(serve, temp=self.work / "spill", memory="900MB")
        try:
            facts, resources = self._fill(db)
            db.execute("CHECKPOINT")
            counting = self.building / COUNTING
            write_counting(db, counting, [layer.layer for layer in self.config.layers])
        finally:
            db.close()
        facts["index"] = {
            "path": serve.name, "sha256": sha256_of(serve),
            "counting": counting.name, "counting_sha256": sha256_of(counting),
        }  # fmt: skip
        package = package_of(self.config, resources, facts)
        text = json.dumps(package, indent=1, ensure_ascii=False) + "\n"
        (self.building / chain.PACKAGE).write_text(text, encoding="utf-8")
        return package

    def keep_places(self) -> None:
        """Remember the places under which sensitive requests are published for the first time."""
        if self.policy.new_places:
            with writing(self.engine) as connection:
                insert_rows(connection, "published_place", pa.concat_tables(self.policy.new_places))

    def _fill(self, db: duckdb.DuckDBPyConnection) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        names = [f.name for f in self.public if f.name != "geometry"]
        layers = [layer.layer for layer in self.config.layers]
        db.execute("ATTACH ':memory:' AS scratch")
        self._fetch(db)
        with self._requests(db) as relation:
            rows = index.fill_requests(
                db, self._batches(db, relation), self._derivation(), names, layers, self.work, self._link
            )
        gone = dict(db.execute("SELECT source, count(*) FROM scratch.withdrawn GROUP BY 1").fetchall())
        profile = limits.profile(db, "raw", gone, self.stored.quarantined_by_source)
        found = limits.breaches(self.config, profile, self.before.get("profile", {}), self.now)
        limits.must_hold(found, self.accept)
        self.progress("release: writing files", rows)
        areas = tables.all_areas(self.stored.boundaries, db, self.config)
        since = self.before.get("inputs", {}).get("data_version") if self.before else None
        small = tables.small_tables(db, self.config, self.stored, self.policy, since, names)
        if "incident_id" in names:
            small["incidents"] = linked.incidents_table(db, layers)
        small |= self._figures(db, [layer for layer in layers if layer in names], small, areas)
        found_together = linked.facts(db, self.config, names)
        counts = tables.counts(db, self.stored)
        probable = small.get("area_probabilities")
        privacy = self._audit(db, {} if probable is None else {"area_probabilities": probable})
        db.execute("DETACH scratch")
        for file in self.work.glob("raw-*.parquet"):
            file.unlink()
        index.fill_areas(db, areas)
        index.fill_basemap(db, self.stored.basemap)
        index.fill_small(db, {name: table for name, table in small.items() if name in index.SERVED})
        if probable is not None:
            index.fill_probabilities(db, probable)
            small["area_probabilities"] = probable.drop_columns(["rid"])
        bins = index.fill_bins(db)
        files.write_requests(db, self.building / "requests.parquet", names, self.config)
        files.write_places(self.building / "areas.parquet", areas, fields.AREA_FIELDS, self.config)
        files.write_places(self.building / "basemap.parquet", self.stored.basemap, fields.BASEMAP_FIELDS, self.config)
        for name, table in small.items():
            files.write_table(self.building / f"{name}.parquet", table, self.config)
        for name, table in self._reference().items():
            files.write_table(self.building / f"{name}.parquet", table, self.config)
            small[name] = table
        described: dict[str, Sequence[Field]] = {"requests": self.public, "areas": fields.AREA_FIELDS}
        described["basemap"] = fields.BASEMAP_FIELDS
        described |= {name: fields.small_fields(name, self.config) for name in small}
        resources = [resource_of(self.building, name, of) for name, of in described.items()]
        facts = self._facts(resources, counts, profile, privacy, found) | found_together
        index.fill_meta(db, facts | {"bins": bins})
        return facts, resources

    def _figures(
        self, db: duckdb.DuckDBPyConnection, layers: Sequence[str], small: dict[str, pa.Table], areas: gpd.GeoDataFrame
    ) -> dict[str, pa.Table]:
        """The tables of figures; none where counts by month are too small to be told: what is hidden would follow from them."""
        if self.estimators is None or "monthly" in small:
            return {}
        self.progress("release: figures", 0)
        until = dt.datetime.fromisoformat(self.inputs.as_of).astimezone(ZoneInfo(self.config.city.timezone)).date()
        named = figures.names_of(self.config.city.name, small, areas)
        return {
            "figures": figures.monthly_figures(db, layers, named, until, self.estimators),
            "standards": figures.standards(db, small["services"], self.estimators),
        }

    def _reference(self) -> dict[str, pa.Table]:
        """The public address index: what the geocoder looks addresses up in."""
        kept = self.stored.reference if self.config.geocoder is not None else {}
        return {name: kept[name] for name in SCHEMAS if name in kept}

    def _fetch(self, db: duckdb.DuckDBPyConnection) -> None:
        """The store's rows into the scratch file. No connection to the store is open while DuckDB reads it."""
        self.progress("release: reading", 0)
        change = {name: name for name in tables.CHANGE_COLUMNS}
        fetch_into(db, self.engine, "change", change, "scratch.change", "kind = 'request'")
        gone = {name: name for name in tables.WITHDRAWN_COLUMNS}
        fetch_into(db, self.engine, "request", gone, "scratch.withdrawn", "withdrawn IS NOT NULL")
        for kind in (MEASURE_KIND, FEEDBACK_KIND):
            columns = {name: name for name in kind.schema.names if name != "row_hash"}
            fetch_into(db, self.engine, kind.table, columns, f"scratch.{kind.table}", "withdrawn IS NULL")
        self.policy.learn(db)

    def _requests(self, db: duckdb.DuckDBPyConnection) -> AbstractContextManager[str]:
        """The stored requests that are released, to be read within a block."""
        stored = {name: name for name in STORED if name not in FREE_TEXT or name in self.config.privacy.publish}
        return within_reach(db, self.engine, "request", stored | {"note_hash": NOTE_HASH}, "withdrawn IS NULL")

    def _link(self, db: duckdb.DuckDBPyConnection) -> dict[str, str]:
        self.progress("release: incidents", 0)
        moment = dt.datetime.fromisoformat(self.inputs.as_of)
        return linked.link(db, self.config, moment, all_exact=self.policy.all_exact)

    def _previous(self, previous: chain.Link) -> dict[str, str]:
        """The release before, by its hash, and its ready files by that of their list, where it has any."""
        ready = {"files_sha256": self.ready} if self.ready else {}
        return {"release_id": previous.release_id, "sha256": previous.sha256} | ready

    def _derivation(self) -> Callable[[pa.Table], pa.Table]:
        moment = dt.datetime.fromisoformat(self.inputs.as_of)
        targets = {code: s.target_hours for code, s in self.config.services.items() if s.target_hours}
        return Derivation(self.config, moment, targets).columns

    def _batches(self, db: duckdb.DuckDBPyConnection, relation: str) -> Iterator[pa.Table]:
        reader = db.cursor().execute(f"SELECT * FROM {relation}").to_arrow_reader(BATCH_ROWS)  # noqa: S608
        done = 0
        for batch in reader:
            done += len(batch)
            self.progress("release: reading", done)
            yield self.policy.rows(pa.Table.from_batches([batch]))

    def _audit(self, db: duckdb.DuckDBPyConnection, exact_only: dict[str, pa.Table]) -> dict[str, Any]:
        """What the privacy audit found; ReleaseError where something is told that must not be."""
        self.progress("release: auditing privacy", 0)
        with self._requests(db) as relation:
            return self.policy.audit(db, relation, exact_only)

    def _facts(
        self, resources: Sequence[dict[str, Any]], counts: dict[str, int], profile: dict[str, Any],
        privacy: dict[str, Any], broken: Sequence[limits.Breach],
    ) -> dict[str, Any]:  # fmt: skip
        config, previous = self.config, self.previous
        hashes = (r["hash"] for r in resources)
        accepted = None
        if broken and self.accept:
            accepted = {
                "by": self.accept.by,
                "reason": self.accept.reason,
                "limits": [str(breach) for breach in broken],
            }
        return {
            "release_id": chain.release_id(self.now, hashes, previous.sha256 if previous else None),
            "format": FORMAT,
            "created": f"{self.now:%Y-%m-%dT%H:%M:%SZ}",
            "as_of": self.inputs.as_of,
            "previous": self._previous(previous) if previous else None,
            "city": config.city.model_dump(mode="json")
            | {"title": config.city.title or f"{config.city.name} service requests"},
            "layers": [
                {
                    "layer": layer.layer, "title": layer.title, "plural": layer.plural,
                    "geometry": bool(layer.files), "located_by": "boundary" if layer.files else "source",
                }
                for layer in config.layers
            ],
            "channels": [{"channel": c, "title": t} for c, t in config.channels.items()],
            "counts": counts,
            "standards": _standards(config),
            "geocoder": self.stored.geocoder if self.config.geocoder is not None else None,
            "profile": self._told(profile),
            "privacy": privacy,
            "accepted": accepted,
            "inputs": vars(self.inputs),
        }  # fmt: skip

    def _told(self, profile: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """What of the profile is published: where a count of the quarantine is hidden, no source's sum, as with the total
        they would tell it."""
        few = self.config.privacy.small_cells.hides("exclusions", (n for *_, n in self.stored.quarantined))
        return {
            source: {k: v for k, v in of.items() if not (few and k == "quarantined")} for source, of in profile.items()
        }


def _standards(config: CityConfig) -> str:
    if any("expected_datetime" in source.columns for source in config.sources.values()):
        return "source"
    return "config" if any(s.target_hours for s in config.services.values()) else "none"
