# ruff: noqa: S608 - names are the release's own tables and columns
"""The values of each field of a table: how many are filled in, how many differ, from where to where, and which they are.

Charter: counted from all rows of the serving index, a field at a time so that visitors' questions come between; once for a
release, in the background where a table is long.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from portal.answers_fields import FieldProfile, TableProfile
from portal.background import Background
from portal.expressions.fields import kind_of_type
from portal.selection import quoted
from portal.tables import NAMES, table

if TYPE_CHECKING:
    from portal.release import Release
    from portal.tables import Table

AT_ONCE: Final = 200_000
"""A table of up to so many rows is counted while its page waits, and its different values exactly."""
WAIT_SECONDS: Final = 0.7
FEW: Final = 40
"""All values are told of a field that has no more."""
EXACT: Final = 300_000
"""More different values than about so many are counted among one in `SAMPLED` of them, chosen by their hash: right within 2%."""
SAMPLED: Final = 16


def profile(release: Release, name: str) -> TableProfile:
    """The profile of a table; NotReady while a long one is being counted."""
    of = table(release, name)
    if _rows(release, of) <= AT_ONCE:
        return release.constants.get(("profile of fields", name), lambda: counted(release, of))
    job = _JOBS[name]
    job.start(release)
    job.wait(release, WAIT_SECONDS)
    return job.ask(release)


def counted(release: Release, of: Table) -> TableProfile:
    """The profile, counted now."""
    rows = _rows(release, of)
    return TableProfile(rows, {name: _field(release, of, name, rows) for name in of.fields})


def _background(name: str) -> Background[TableProfile]:
    return Background(
        lambda release: counted(release, table(release, name)),
        f"values-of-{name}",
        "The values are still being counted. Try again in a minute.",
        "The values could not be counted.",
    )


_JOBS: Final = {name: _background(name) for name in NAMES}


def _rows(release: Release, of: Table) -> int:
    return int(release.query(f"SELECT count(*) FROM {quoted(of.name)}")[0][0])


def _field(release: Release, of: Table, name: str, rows: int) -> FieldProfile:
    column, type_ = quoted(name), of.types[name]
    source, kind = quoted(of.name), kind_of_type(type_)
    if type_.startswith("ENUM") or kind == "bool":
        return _listed(release, source, column, name)
    ends = f"min({column}), max({column})" if kind in ("number", "date", "time") else "NULL, NULL"
    rough = f"approx_count_distinct({column})" if rows > AT_ONCE else "0"
    ((filled, roughly, low, high),) = release.query(f"SELECT count({column}), {rough}, {ends} FROM {source}")
    sampled = roughly > EXACT
    one_in = f" WHERE hash(hash({column}), 1) % {SAMPLED} = 0" if sampled else ""
    ((different,),) = release.query(f"SELECT count(DISTINCT {column}) FROM {source}{one_in}")
    if sampled:
        different = min(different * SAMPLED, filled)
    if kind == "text" and different <= FEW:
        return _listed(release, source, column, name)
    return FieldProfile(name, filled, different, sampled, low, high)


def _listed(release: Release, source: str, column: str, name: str) -> FieldProfile:
    """Every value with its rows."""
    found: list[tuple[Any, int]] = release.query(
        f"SELECT {column}, count(*) AS n FROM {source} WHERE {column} IS NOT NULL GROUP BY 1 ORDER BY n DESC, {column}::VARCHAR"
    )
    values = tuple(found) if len(found) <= FEW else ()
    return FieldProfile(name, sum(n for _, n in found), len(found), values=values)
