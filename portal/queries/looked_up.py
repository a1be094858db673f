# ruff: noqa: S608 - names come from the release's own tables, columns are what the caller made, every value is a parameter
"""What rows of a table hold, read by their places: fields that mapped columns tell from there, only the others from the database.

A row of ten million costs the database the unpacking of some 2,000 values for each field that it reads.

Charter: places and SQL of columns in, Arrow columns out, in the order of the places.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from portal.mapped_known import DAY, HOURS, TIMES, Known
from portal.queries.tabled import PLACE
from portal.release import Release
from portal.selection import quoted

AT_ONCE: Final = 1000
"""So many rows are read by their places at once: of more the database would read the whole table (portal.opened)."""
MANY: Final = 250_000
"""In a smaller table reading all fields is the quicker way."""
_GIVEN: Final = "given"
_TEXT: Final = "service_request_id"

Places = NDArray[np.int64]


def looked_up(
    release: Release, table: str, at: Sequence[int], columns: Sequence[str], params: Sequence[Any] = (), over: str = ""
) -> pa.Table:
    """`place`, and columns in SQL over the table's fields, of the rows at some places; or a column that is SQL `over` these.

    `params` are those of `over`, then those of the columns.
    """
    places = np.array(at, np.int64)
    if not columns:
        return pa.table({"place": places})
    lying = np.sort(places)
    parts = [
        _rows(release, table, lying[i : i + AT_ONCE], columns, params, over)
        for i in range(0, max(lying.size, 1), AT_ONCE)
    ]
    found = pa.concat_tables(parts, promote_options="permissive")
    there = np.argsort(found["place"].to_numpy(), kind="stable")
    return found.take(pa.array(there[np.searchsorted(lying, places)]))


def _rows(
    release: Release, table: str, places: Places, columns: Sequence[str], params: Sequence[Any], over: str
) -> pa.Table:
    told = f"SELECT {', '.join([f'{PLACE} AS place', *columns])} FROM"
    told, ending = (f"SELECT place, {over} FROM ({told}", ")") if over else (told, "")
    if table != "requests" or release.rows < MANY:
        where = f"{PLACE} IN (SELECT unnest(?::BIGINT[]))"
        return release.table(f"{told} {quoted(table)} WHERE {where}{ending}", [*params, places.tolist()])
    given = _mapped(release.known(), places)
    names = [f"{_GIVEN}.{quoted(name)}" for name in given.column_names]
    names += [f"held.{quoted(name)}" for name in release.types if name not in given.column_names]
    within = f"SELECT {', '.join(names)} FROM {_GIVEN} JOIN requests AS held ON held.{PLACE} = {_GIVEN}.{PLACE}"
    return release.table(f"{told} ({within}){ending}", params, {_GIVEN: given})


def _mapped(known: Known, places: Places) -> pa.Table:
    """The fields that mapped columns tell, of some rows."""
    made: dict[str, Any] = {PLACE: pa.array(places)}
    columns = known.columns
    for name in known.fields:
        column = known.told(name)
        if name == DAY and column is not None:
            days = column.read(places).astype("datetime64[D]")
            made[name] = pa.array(days, mask=days.astype(np.int64) == 0)
        elif name in known.times:
            seconds = columns[TIMES[name]].read(places).astype(np.int64)
            made[name] = pa.array((seconds * 1_000_000).astype("datetime64[us]"), mask=seconds == 0)
        elif column is not None:
            codes = column.read(places).astype(np.int32) - 1
            labels = pa.array(list(columns.labels(name))[1:], pa.string())
            made[name] = pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), labels)
    if HOURS in known.fields and known.hours is not None:
        key = columns["elapsed_key"].read(places)
        seconds = columns["closed_at"].read(places).astype(np.int64) - columns["requested_at"].read(places)
        there = ((key > 0) & (key % 2 == 0)).tolist()
        told = [known.hours(n) if known_ else None for n, known_ in zip(seconds.tolist(), there, strict=True)]
        made[HOURS] = pa.array(told, pa.float64())
    if _TEXT in known.fields and _TEXT in columns.texts:
        made[_TEXT] = columns.texts[_TEXT].take(pa.array(places)).cast(pa.string())
    return pa.table(made)
