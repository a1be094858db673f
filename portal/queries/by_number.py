# ruff: noqa: S608 - names are the release's own columns, every value is a parameter
"""Requests by their numbers: found through the index of numbers, however many requests there are.

Charter: numbers and published fields in, rows out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from portal.queries.texts import plain_column
from portal.release import Release
from portal.selection import quoted

MOST: Final = 1000
"""Rows at most: two sources may use one number."""


def by_number(release: Release, numbers: Sequence[str], fields: Sequence[str]) -> list[dict[str, Any]]:
    """The requests of any of these numbers, in the order of the table."""
    if not numbers:
        return []
    where, params = f"service_request_id IN ({', '.join('?' * len(numbers))})", list[Any](numbers)
    if "request_numbers" in release.tables:
        digests = ", ".join(["md5_number_lower(?)"] * len(numbers))
        found = release.query(f"SELECT rid FROM request_numbers WHERE number IN ({digests}) LIMIT ?", [*numbers, MOST])
        # A list to join with, of DuckDB's own numbers of rows: it then reads only the parts of the table that hold them.
        # Two numbers may have one digest.
        where = f"rowid IN (SELECT unnest(?::BIGINT[])) AND {where}"
        params = [[rid for (rid,) in found], *params]
    told = ", ".join(f"{plain_column(release.types, name)} AS {quoted(name)}" for name in fields)
    return release.table(f"SELECT {told} FROM requests WHERE {where} ORDER BY rid LIMIT ?", [*params, MOST]).to_pylist()
