# ruff: noqa: S608 - names come from the release's own tables, expressions are compiled, every value is a parameter
"""A stretch of the rows that an ask is for, in its order, where mapped columns tell which they are and how they are sorted.

Charter: an ask and a stretch in, places of rows out; what the columns do not tell is for `portal.queries.places`.
"""

from __future__ import annotations

from portal.background import Background
from portal.boxed import box_of
from portal.expressions import compiled, tree
from portal.mapped_conditions import split
from portal.queries import by_column, by_time
from portal.queries.tabled import PLACE, Ask, sorts_of
from portal.release import Release
from portal.selection import quoted


def _looked_at(release: Release) -> bool:
    return bool(release.known().fields) and by_time.exact(release)


_known = Background(
    _looked_at, "columns", "What the columns tell is being looked at.", "The columns could not be looked at."
)


def prepare(release: Release) -> None:
    """Begin to look at what mapped columns tell of a release, so that no first page waits for it; returns at once."""
    _known.start(release)


def wait(release: Release) -> None:
    """Until that is known: for measurements."""
    _known.wait(release)


def told(release: Release, ask: Ask) -> bool:
    """Whether mapped columns tell the order: one that begins with the time of requests, or is by another such column alone;
    or no order, of some rows. (A box alone the database finds as soon, and all rows.)"""
    if ask.table.name != "requests":
        return False
    if not ask.order:
        return bool(ask.selected(release)) and (bool(ask.selection) or box_of(ask.condition) is None)
    first = ask.order[0].by
    if not isinstance(first, tree.Column):
        return False
    if first.name == by_time.TIME and by_time.exact(release):
        return True
    return len(ask.order) == 1 and by_column.sorting(release.known(), first.name) is not None


def wholly(release: Release, ask: Ask) -> bool:
    """Whether mapped columns tell all of a client's own condition: the database need not list its rows."""
    condition = ask.selected(release).filter
    return condition is None or not split(condition.of, release.known())[1]


def stretch(release: Release, ask: Ask, start: int, stop: int) -> list[int]:
    """The places of the rows from `start` to `stop`, of an ask that is told."""
    selection = ask.selected(release)
    if not ask.order:
        lying: list[int] = release.chosen(selection).first([], start, stop).tolist()
        return lying
    order = ask.order[0]
    assert isinstance(order.by, tree.Column)  # noqa: S101 - it is told
    if order.by.name == by_time.TIME and by_time.exact(release):
        return _by_time(release, ask, start, stop)
    how = by_column.sorting(release.known(), order.by.name)
    assert how is not None  # noqa: S101 - it is told
    found: list[int] = by_column.stretch(release, selection, how, order.descending, start, stop).tolist()
    return found


def _by_time(release: Release, ask: Ask, start: int, stop: int) -> list[int]:
    found = by_time.around(release, ask.selected(release), ask.order[0].descending, start, stop)
    at: list[int] = found.places.tolist()
    if len(ask.order) > 1 and at:
        keys = [compiled.expression(order.by, ask.table.filterable) for order in ask.order]
        bound = [value for _, given, _ in keys for value in given]
        sql = f"""SELECT {PLACE} FROM {quoted(ask.table.name)} WHERE {PLACE} IN (SELECT unnest(?::BIGINT[]))
                  ORDER BY {", ".join([*sorts_of(ask, keys), PLACE])}"""
        at = [place for (place,) in release.query(sql, [at, *bound])]
    return at[start - found.first : stop - found.first]
