"""How the requests of a release were placed: counted by method, and where those near a border may lie instead.

Charter: read off the filled index, so that nothing is told here of a place that is not told there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from etl.config import CityConfig
from etl.privacy.cells import suppress
from geo.boundaries import Vintage
from geo.geocoding.certainty import certainty

PROBABILITY_DIGITS = 4
NONE = "none"


def located_by(
    db: duckdb.DuckDBPyConnection, public: Sequence[str], exclusions: pa.Table, minimum: int | None
) -> pa.Table:
    """source, method, note, rows, median_score and median_radius_m.

    Below `minimum` (None: no minimum) a count is not told; how many are not on the map is told as `exclusions` tells it.
    """
    known = {name: name if name in public else "NULL::DOUBLE" for name in ("geocode_score", "geocode_radius_m")}
    method = "coalesce(geocode_method::VARCHAR, 'generalised')" if "geocode_method" in public else "'generalised'"
    found = db.execute(
        f"""SELECT source::VARCHAR AS source,
                   CASE location_source::VARCHAR WHEN 'geocoder' THEN {method} ELSE location_source::VARCHAR END AS method,
                   location_note::VARCHAR AS note, count(*) AS rows,
                   CASE WHEN method NOT IN ('source', '{NONE}') THEN round(median({known["geocode_score"]}), 4) END
                        AS median_score,
                   CASE WHEN method NOT IN ('source', '{NONE}') THEN round(median({known["geocode_radius_m"]}), 1) END
                        AS median_radius_m
            FROM requests GROUP BY 1, 2, 3 ORDER BY 1, 2, 3 NULLS FIRST"""  # noqa: S608
    ).to_arrow_table()
    return found if minimum is None else _suppressed(found, exclusions, minimum)


def _suppressed(table: pa.Table, exclusions: pa.Table, minimum: int) -> pa.Table:
    nowhere = pc.equal(table["method"], NONE)
    told = {
        (row["source"], row["reason"]): row["rows"] for row in exclusions.to_pylist() if row["kind"] == "not_located"
    }
    off = table.filter(nowhere)
    rows = [told.get((row["source"], row["note"])) for row in off.to_pylist()]
    off = off.set_column(off.column_names.index("rows"), "rows", pa.array(rows, pa.int64()))
    by = ["source", "method", "note"]
    done = suppress(table.filter(pc.invert(nowhere)), ["rows"], by, minimum, margins=[(), ("source",)]).table
    for name in ("median_score", "median_radius_m"):
        kept = pc.if_else(done["suppressed"], pa.scalar(None, pa.float64()), done[name])
        done = done.set_column(done.column_names.index(name), name, kept)
    joined = pa.concat_tables([done.drop_columns(["suppressed"]).cast(table.schema), off.cast(table.schema)])
    return joined.sort_by([("source", "ascending"), ("method", "ascending"), ("note", "ascending")])


def area_probabilities(
    db: duckdb.DuckDBPyConnection, config: CityConfig, layers: Mapping[str, Sequence[Vintage]]
) -> pa.Table:
    """rid, source, service_request_id, layer, area, probability: for exact points with a known radius near a border.

    A point's radius is the geocoder's, or what the configuration says of its source's own points; of others nothing
    is known and nothing is told. Points that the policy made vaguer have no part in this.
    """
    own = {name: source.radius_m for name, source in config.sources.items() if source.radius_m is not None}
    radius = " ".join(f"WHEN source::VARCHAR = '{name}' THEN {metres!r}" for name, metres in own.items())
    stated = f"CASE {radius} END" if radius else "NULL"
    rows = db.execute(
        f"""SELECT * FROM (
              SELECT rid, source::VARCHAR AS source, service_request_id, lat, long, requested_date,
                     CASE location_source::VARCHAR WHEN 'geocoder' THEN geocode_radius_m
                          WHEN 'source' THEN {stated} END::DOUBLE AS radius_m
              FROM requests WHERE lat IS NOT NULL AND location_precision::VARCHAR = 'exact')
            WHERE radius_m IS NOT NULL ORDER BY rid"""  # noqa: S608
    ).to_arrow_table()
    lon, lat, metres = (rows[name].to_numpy() for name in ("long", "lat", "radius_m"))
    days = rows["requested_date"].to_numpy().astype("datetime64[D]")
    parts = [_EMPTY]
    for layer, vintages in layers.items():
        found = certainty(vintages, lon, lat, metres, days, config.city.crs)
        taken = rows.select(["rid", "source", "service_request_id"]).take(pa.array(found.row))
        taken = taken.append_column("layer", pa.array([layer] * len(taken), pa.string()))
        taken = taken.append_column("area", pa.array(found.area, pa.string()))
        chance = np.round(found.area_probability, PROBABILITY_DIGITS)
        parts.append(taken.append_column("probability", pa.array(chance, pa.float64())).cast(_EMPTY.schema))
    order = [("rid", "ascending"), ("layer", "ascending"), ("probability", "descending"), ("area", "ascending")]
    return pa.concat_tables(parts).sort_by(order)


_EMPTY = pa.schema(
    [
        ("rid", pa.uint32()), ("source", pa.string()), ("service_request_id", pa.string()), ("layer", pa.string()),
        ("area", pa.string()), ("probability", pa.float64()),
    ]
).empty_table()  # fmt: skip
