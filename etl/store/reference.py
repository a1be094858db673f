"""Boundaries and base-map features in the store, replaced as a whole when their files change.

Charter: reference layers in, reference layers out; requests stay out.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
import sqlalchemy as sa
from geoalchemy2.elements import WKBElement
from sqlalchemy import Connection

from etl.store.models import Boundary, Fingerprint, FoundDefault, GeocoderTable, ReferenceFeature
from geo.boundaries import Vintage
from geo.geocoding.doubt import SENTINEL_RADIUS_M, DefaultPoint
from geo.points import KnownSentinel

DESCRIBED = "described"
"""Name under which the geocoder's settings and calibration are kept beside its tables."""


def known_fingerprint(connection: Connection, name: str) -> str | None:
    """The checksum that `name` was last filled from."""
    return connection.execute(sa.select(Fingerprint.sha256).where(Fingerprint.name == name)).scalar()


def set_fingerprint(connection: Connection, name: str, sha256: str, run_id: int) -> None:
    """Remember what `name` has been filled from."""
    connection.execute(sa.delete(Fingerprint).where(Fingerprint.name == name))
    connection.execute(sa.insert(Fingerprint).values(name=name, sha256=sha256, run_id=run_id))


def replace_boundaries(connection: Connection, layers: Mapping[str, Sequence[Vintage]]) -> None:
    """Write every vintage of every layer in place of what was there."""
    connection.execute(sa.delete(Boundary))
    for vintages in layers.values():
        for vintage in vintages:
            areas = vintage.areas
            geometry = np.array([_multi(g) for g in areas.geometry])
            rows = [
                {
                    "layer": vintage.layer,
                    "area": str(row.area),
                    "name": str(row.name),
                    "population": None if pd.isna(row.population) else float(row.population),
                    "valid_from": vintage.valid_from,
                    "valid_to": vintage.valid_to,
                    "geom": shape,
                }
                for row, shape in zip(
                    areas[["area", "name", "population"]].itertuples(index=False, name="Area"),
                    _bind(connection, geometry),
                    strict=True,
                )
            ]
            connection.execute(sa.insert(Boundary), rows)


def replace_features(connection: Connection, features: gpd.GeoDataFrame) -> None:
    """Write the base map's features (kind, name, rank, geometry in EPSG:4326) in place of what was there."""
    connection.execute(sa.delete(ReferenceFeature))
    if features.empty:
        return
    shapes = _bind(connection, features.geometry.to_numpy())
    rows = [
        {"kind": kind, "name": None if pd.isna(name) else name, "rank": int(rank), "geom": shape}
        for kind, name, rank, shape in zip(features["kind"], features["name"], features["rank"], shapes, strict=True)
    ]
    connection.execute(sa.insert(ReferenceFeature), rows)


def read_boundaries(connection: Connection) -> gpd.GeoDataFrame:
    """layer, area, name, population, valid_from, valid_to, geometry (EPSG:4326), ordered by layer, vintage, area."""
    columns = [
        Boundary.layer,
        Boundary.area,
        Boundary.name,
        Boundary.population,
        Boundary.valid_from,
        Boundary.valid_to,
    ]
    return _read(connection, columns, Boundary.geom, [Boundary.layer, Boundary.valid_from.nulls_first(), Boundary.area])


def read_features(connection: Connection) -> gpd.GeoDataFrame:
    """kind, name, rank, geometry (EPSG:4326) of the base map."""
    columns = [ReferenceFeature.kind, ReferenceFeature.name, ReferenceFeature.rank]
    return _read(connection, columns, ReferenceFeature.geom, [ReferenceFeature.feature_id])


def replace_geocoder(
    connection: Connection, tables: Mapping[str, pa.Table], described: Mapping[str, Any] | None
) -> None:
    """Keep the geocoder's reference in place of what was there: each table as one Parquet file.

    `described` are its settings and calibration, None without a geocoder.
    """
    connection.execute(sa.delete(GeocoderTable))
    for name, table in tables.items():
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd")
        data = sink.getvalue().to_pybytes()
        connection.execute(sa.insert(GeocoderTable).values(name=name, rows=len(table), data=data))
    if described is not None:
        data = json.dumps(described, ensure_ascii=False).encode()
        connection.execute(sa.insert(GeocoderTable).values(name=DESCRIBED, rows=0, data=data))


def read_geocoder(connection: Connection) -> tuple[dict[str, pa.Table], dict[str, Any] | None]:
    """The geocoder's reference by table, and its settings and calibration; empty and None without a geocoder."""
    tables: dict[str, pa.Table] = {}
    described = None
    for row in connection.execute(sa.select(GeocoderTable.__table__).order_by(GeocoderTable.name)):
        if row.name == DESCRIBED:
            described = json.loads(bytes(row.data))
        else:
            tables[row.name] = pq.read_table(pa.BufferReader(bytes(row.data)))
    return tables, described


def keep_defaults(
    connection: Connection, source: str, found: Sequence[DefaultPoint], run_id: int, moment: dt.datetime
) -> None:
    """Remember a source's default points that a run found out."""
    rows = [
        {
            "source": source, "lat": point.lat, "long": point.lon, "rows": point.rows, "addresses": point.addresses,
            "why": point.why, "first_seen": moment, "run_id": run_id,
        }
        for point in found
    ]  # fmt: skip
    if rows:
        connection.execute(sa.insert(FoundDefault), rows)


def read_defaults(connection: Connection) -> dict[str, list[KnownSentinel]]:
    """The default points of each source that were found out."""
    found: dict[str, list[KnownSentinel]] = {}
    for row in connection.execute(sa.select(FoundDefault.__table__).order_by(FoundDefault.point_id)):
        found.setdefault(row.source, []).append(KnownSentinel(row.lat, row.long, SENTINEL_RADIUS_M))
    return found


def _read(connection: Connection, columns: Sequence[Any], geom: Any, order: Sequence[Any]) -> gpd.GeoDataFrame:
    postgres = connection.dialect.name == "postgresql"
    shape = sa.func.ST_AsBinary(geom, type_=sa.LargeBinary) if postgres else sa.type_coerce(geom, sa.LargeBinary)
    rows = connection.execute(sa.select(*columns, shape.label("wkb")).order_by(*order)).all()
    names = [column.key for column in columns]
    data = {name: [row[i] for row in rows] for i, name in enumerate(names)}
    geometry = shapely.from_wkb([bytes(row.wkb) for row in rows]) if rows else []
    return gpd.GeoDataFrame(data, geometry=geometry, crs="EPSG:4326")


def _multi(shape: Any) -> Any:
    return shape if shape.geom_type == "MultiPolygon" else shapely.multipolygons([shape])


def _bind(connection: Connection, geometry: Any) -> list[Any]:
    wkb = shapely.to_wkb(geometry, byte_order=1)
    if connection.dialect.name == "postgresql":
        return [WKBElement(bytes(w), srid=4326) for w in wkb]
    return [bytes(w) for w in wkb]
