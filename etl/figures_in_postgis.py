"""The portal's figures asked of PostGIS: what Openward is measured beside.

Charter: rows in, a function that answers a named figure out. No timing, no comparison.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from etl.figures_in_sql import FIGURES
from etl.rows_in_postgis import by_column, named, rows_in_postgis

Ask = Callable[[str, str, Sequence[Any], Mapping[str, Any]], list[tuple[Any, ...]]]
"""figure, condition with `?` for its values, values, the figure's own column (`key`) and parameters -> rows."""

_OLDEST = "(requested_datetime) WHERE status = 'open'"


@contextmanager
def figures_in_postgis(
    server: str, batches: pa.RecordBatchReader, filtered: Sequence[str], say: Callable[[str], Any] = print
) -> Iterator[Ask]:
    """Load `requests` into a new database on a server, and answer figures of it while the block lasts.

    `filtered`: columns that get an index. StoreError where the server cannot be used.
    """
    indexes = [*by_column(batches.schema.names, filtered), _OLDEST]
    with rows_in_postgis(server, batches, indexes, say) as connection:

        def ask(figure: str, where: str, values: Sequence[Any], more: Mapping[str, Any]) -> list[tuple[Any, ...]]:
            sql, params = statement(figure, where, values, more)
            return connection.execute(sql.encode(), params).fetchall()

        yield ask


def statement(figure: str, where: str, values: Sequence[Any], more: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """A figure's SQL and its parameters by name. KeyError for a figure that is not known here."""
    condition, params = named(where, values)
    sql = FIGURES[figure].format(where=condition, key=more.get("key"))
    return sql, {name: value for name, value in more.items() if name != "key"} | params
