"""The release's table of who lives where, as the city supplies it.

Charter: the store's rows as a published table, and what its columns mean. Other people's figures, passed on unchanged.
"""

from __future__ import annotations

from dataclasses import asdict

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy import Connection

from etl.demographics import Demographic
from etl.store.models import StoredDemographic

NAME = "demographics"
SCHEMA = pa.schema(
    [
        ("layer", pa.string()), ("area", pa.string()), ("measure", pa.string()), ("value", pa.float64()),
        ("moe", pa.float64()), ("title", pa.string()), ("unit", pa.string()), ("year", pa.int64()),
        ("source", pa.string()), ("license", pa.string()),
    ]
)  # fmt: skip


def replace_demographics(connection: Connection, rows: list[Demographic]) -> None:
    """Write every figure in place of what was there."""
    connection.execute(sa.delete(StoredDemographic))
    if rows:
        connection.execute(sa.insert(StoredDemographic), [asdict(row) for row in rows])


def read_demographics(connection: Connection) -> pa.Table:
    """The published table, ordered by layer, measure and area; without rows where the city supplies nothing."""
    of = StoredDemographic.__table__.c
    rows = connection.execute(
        sa.select(*(of[name] for name in SCHEMA.names)).order_by(of.layer, of.measure, of.area)
    ).all()
    return pa.table([[row[i] for row in rows] for i in range(len(SCHEMA))], schema=SCHEMA)


def with_demographics(tables: dict[str, pa.Table], found: pa.Table | None) -> dict[str, pa.Table]:
    """The release's small tables and this one, where the city supplies any."""
    return tables | {NAME: found} if found is not None and found.num_rows else tables
