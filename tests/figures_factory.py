"""The tables of figures of the made-up release of release_factory, by the very functions that the ETL publishes them with."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import duckdb
import geopandas as gpd

from etl.publish import figures
from portal.figures.rates import wilson
from portal.figures.tabled import hours

NAMES = ("figures", "standards")


def told(db: duckdb.DuckDBPyConnection, layers: Sequence[str], until: dt.date) -> None:
    """Add `figures` and `standards` to the index."""
    estimators = figures.Estimators(hours, wilson)
    small = {name: db.execute(f"FROM {name}").to_arrow_table() for name in ("services", "departments")}
    areas = db.execute("SELECT layer, area, name, valid_to FROM areas").df()
    names = figures.names_of("Testville", small, gpd.GeoDataFrame(areas))
    tables = (
        figures.monthly_figures(db, layers, names, until, estimators),
        figures.standards(db, small["services"], estimators),
    )
    for name, table in zip(NAMES, tables, strict=True):
        db.register("incoming", table)
        db.execute(f"CREATE TABLE {name} AS FROM incoming")
        db.unregister("incoming")
