"""Building one release aside: tables, package, validation, promotion.

Charter: the order of the steps. What a column means is in `fields` and
`derive`, the index in `index`, hashes and folders in `chain`.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from sqlalchemy import Connection

from etl.config import CityConfig
from etl.errors import ReleaseError
from etl.extract.files import sha256_of
from etl.publish import chain, fields, files, index, tables
from etl.publish.derive import Derivation
from etl.publish.duck import builder, quoted
from etl.publish.package import package_of, resource_of
from etl.publish.validate import must_hold, validate
from etl.store import export, reference

FORMAT = 1
BUILDER_VERSION = 5
"""Raised when the same store would be built into other files, so that it is published again."""

STORED = (
    "source", "service_request_id", "service_code", "service_name", "service_group", "department",
    "agency_responsible", "status", "outcome", "channel", "requested_datetime", "updated_datetime",
    "expected_datetime", "closed_datetime", "address", "lat", "long", "location_source", "location_note",
    "geocode_method", "geocode_score", "geocode_radius_m", "areas", "flags",
)  # fmt: skip
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
    newest = export.newest_time(connection, now)
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


def is_current(releases: Path, inputs: Inputs) -> bool:
    """Whether the promoted release was made of exactly these inputs."""
    folder = chain.current_folder(releases)
    return folder is not None and chain.read_package(folder)["openward"].get("inputs") == vars(inputs)


def publish(
    connection: Connection,
    config: CityConfig,
    releases: Path,
    inputs: Inputs,
    *,
    now: dt.datetime,
    progress: Progress | None = None,
) -> Published:
    """Build, validate and promote a release of the store as it stands; `inputs` are those of `inputs_of`.

    Nothing is promoted unless every check holds; a failed build leaves no trace. The caller holds the city's lock.
    """
    releases.mkdir(parents=True, exist_ok=True)
    chain.remove_leftovers(releases)
    chain.note_in_log(releases)
    building = Path(tempfile.mkdtemp(prefix=chain.BUILDING, dir=releases))
    building.chmod(0o755)
    try:
        package = _build(connection, config, releases, building, inputs, now, progress or (lambda _step, _rows: None))
        must_hold(validate(building, package, fields.request_fields(config)))
        name = package["openward"]["release_id"]
        return Published(name, chain.promote(building, releases, name), package["openward"]["counts"]["requests"])
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _build(
    connection: Connection,
    config: CityConfig,
    releases: Path,
    building: Path,
    inputs: Inputs,
    now: dt.datetime,
    progress: Progress,
) -> dict[str, Any]:
    moment = dt.datetime.fromisoformat(inputs.as_of)
    public = fields.request_fields(config)
    names = [f.name for f in public if f.name != "geometry"]
    layers = [layer.layer for layer in config.layers]
    targets = {code: s.target_hours for code, s in config.services.items() if s.target_hours}
    derivation = Derivation(config, moment, targets)
    withheld = "location" not in config.privacy.publish
    previous_folder = chain.current_folder(releases)
    serve = building / "serve.duckdb"
    db = builder(serve, temp=building / ".tmp")
    try:
        db.execute(f"ATTACH {quoted(building / '.scratch.duckdb')} AS scratch")

        def batches() -> Any:
            done = 0
            for batch in export.read_requests(connection, STORED):
                done += len(batch)
                progress("release: reading", done)
                ready = derivation.columns(batch)
                yield _withhold(ready) if withheld else ready

        progress("release: reading", 0)
        rows = index.fill_requests(db, batches(), names, layers)
        progress("release: writing files", rows)
        db.execute("DETACH scratch")
        (building / ".scratch.duckdb").unlink()
        areas = tables.all_areas(connection, db, config)
        basemap = reference.read_features(connection)
        small = tables.small_tables(connection, db, config, previous_folder, names)
        index.fill_areas(db, areas)
        index.fill_basemap(db, basemap)
        index.fill_small(db, small)
        bins = index.fill_bins(db)
        files.write_requests(db, building / "requests.parquet", names, config)
        files.write_places(building / "areas.parquet", areas, fields.AREA_FIELDS, config)
        files.write_places(building / "basemap.parquet", basemap, fields.BASEMAP_FIELDS, config)
        for name, table in small.items():
            files.write_table(building / f"{name}.parquet", table, config)
        counts = tables.counts(db, connection)
        resources = [
            resource_of(building, name, described)
            for name, described in {
                "requests": public, "areas": fields.AREA_FIELDS, "basemap": fields.BASEMAP_FIELDS,
                "services": fields.SERVICE_FIELDS, "departments": fields.DEPARTMENT_FIELDS,
                "changes": fields.CHANGE_FIELDS, "exclusions": fields.EXCLUSION_FIELDS,
            }.items()
        ]  # fmt: skip
        previous = chain.link_of(previous_folder) if previous_folder else None
        facts = {
            "release_id": chain.release_id(now, (r["hash"] for r in resources), previous.sha256 if previous else None),
            "format": FORMAT,
            "created": f"{now:%Y-%m-%dT%H:%M:%SZ}",
            "as_of": inputs.as_of,
            "previous": {"release_id": previous.release_id, "sha256": previous.sha256} if previous else None,
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
            "inputs": vars(inputs),
        }  # fmt: skip
        index.fill_meta(db, facts | {"bins": bins})
        db.execute("CHECKPOINT")
    finally:
        db.close()
    shutil.rmtree(building / ".tmp", ignore_errors=True)
    facts["index"] = {"path": serve.name, "sha256": sha256_of(serve)}
    package = package_of(config, resources, facts)
    (building / chain.PACKAGE).write_text(json.dumps(package, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return package


def _standards(config: CityConfig) -> str:
    if any("expected_datetime" in source.columns for source in config.sources.values()):
        return "source"
    return "config" if any(s.target_hours for s in config.services.values()) else "none"


def _withhold(batch: pa.Table) -> pa.Table:
    """Remove every place from a batch, and with it what the order of rows would tell."""
    rows = len(batch)
    for name in ("lat", "long", "gx", "gy"):
        position = batch.column_names.index(name)
        batch = batch.set_column(position, name, pa.nulls(rows, batch.schema.field(name).type))
    batch = batch.set_column(batch.column_names.index("hilbert"), "hilbert", pa.nulls(rows, pa.uint64()))
    return batch.set_column(
        batch.column_names.index("location_note"), "location_note", pa.array(["withheld"] * rows, pa.string())
    ).set_column(batch.column_names.index("location_source"), "location_source", pa.array(["none"] * rows, pa.string()))
