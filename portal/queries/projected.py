# ruff: noqa: S608 - names come from the release's own tables, expressions are compiled, every value is a parameter
"""Rows of a table as columns that a client made up: expressions of fields, or figures of groups; each row as one text.

Charter: a `Projection` and how a row is written in, a stream of texts out; groups come from `portal.queries.grouped`. Memory
stays flat however many rows there are, where none are sorted; those that are sorted are bounded in number. The order is a
total one: pages do not overlap.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import Any, Final

import pyarrow as pa

from portal.errors import BadRequest
from portal.expressions.mapped import columns_in
from portal.queries import grouped, rows, stretched
from portal.queries.looked_up import looked_up
from portal.queries.projection import MOST_SORTED, Projection, Writer, columns, shown, sorts
from portal.queries.tabled import PLACE
from portal.release import Release
from portal.selection import quoted
from portal.tables import GEOMETRY

_AT_ONCE: Final = 5_000
_SPAN: Final = 4_096
"""Places of the table whose rows a stream tells at once."""
_FEW: Final = 10_000
"""So many rows the database may gather before it tells them."""
NONE: Final = pa.chunked_array([], type=pa.string())


def lines(release: Release, projection: Projection, writer: Writer) -> Iterator[pa.ChunkedArray]:
    """The rows as texts, some at a time. What is wrong with the question is said before the first is taken."""
    if projection.offset < 0 or (projection.limit is not None and projection.limit < 0):
        raise BadRequest("The numbers of rows to skip and to tell cannot be negative.")
    if projection.grouped or projection.order:
        limit = MOST_SORTED if projection.limit is None else projection.limit
        if limit > MOST_SORTED:
            raise BadRequest(f"At most {MOST_SORTED} rows at once of what is sorted or grouped; go on by the offset.")
        if projection.grouped:
            return _read(release, *grouped.written(projection, release, limit, writer))
        return _at(release, projection, _sorted(release, projection, limit), writer)
    where, params = projection.where(release)
    if where != "TRUE" and projection.limit is not None and projection.limit <= _FEW:
        return _at(release, projection, _lying(release, projection, projection.limit), writer)
    most = projection.limit
    if projection.also is None and projection.ask.table.name == "requests" and (most is None or most > _FEW):
        parts = _in_spans(release, projection, writer)
        first = next(parts, NONE)
        return _first(chain([first], parts), most)
    told, bound = shown(projection.columns, projection.inner())
    few = most is not None and most <= _FEW
    numbers = [most, projection.offset] if few else [projection.offset] if projection.offset else []
    limited = "LIMIT ? OFFSET ?" if few else "OFFSET ?" if projection.offset else ""
    line, of_line = writer(columns(projection))
    table = quoted(projection.ask.table.name)
    sql = f"SELECT {line} AS line FROM (SELECT {told} FROM {table} WHERE {where} {limited})"
    parts = _read(release, sql, [*of_line, *bound, *params, *numbers])
    return parts if few else _first(parts, most)


def _in_spans(release: Release, projection: Projection, writer: Writer) -> Iterator[pa.ChunkedArray]:
    """All requests but those of the offset, as they lie: a span of the table at a time, so that memory stays flat. What is
    read apart is told by the database that questions are asked of: making texts takes more memory than reading."""
    ask, skip = projection.ask, projection.offset
    where, params = ask.where(release)
    values, bound = shown(projection.columns, projection.inner())
    line, of_line = writer(columns(projection))
    needed = set[str]().union(*(columns_in(of) for _, of in projection.columns))
    point = ask.table.geometry.point if ask.table.geometry and GEOMETRY in needed else None
    names = [quoted(name) for name in ask.table.types if name in needed.union(point or ())]
    # CASE: a plain condition would be pushed into the scan, and there be asked of the whole table for each span.
    read = (
        f"SELECT {', '.join([PLACE, *names])} FROM requests "
        f"WHERE {PLACE} >= ? AND {PLACE} < ? AND CASE WHEN {where} THEN TRUE ELSE FALSE END"
    )
    told = f"SELECT {line} AS line FROM (SELECT {values} FROM given)"
    for span in rows.spans(release, ask):
        if span.rows <= skip:
            skip -= span.rows
            continue
        for start in range(span.start, span.stop, _SPAN):
            # As one piece: of several the order would not be kept.
            given = release.piece(read, [start, min(start + _SPAN, span.stop), *params]).combine_chunks()
            lines_ = release.table(told, [*of_line, *bound], {"given": given})["line"]
            yield lines_.slice(skip)
            skip = max(skip - len(lines_), 0)


def _first(parts: Iterator[pa.ChunkedArray], limit: int | None) -> Iterator[pa.ChunkedArray]:
    """So many rows of a stream: the database would gather them all before it told the first."""
    if limit is None:
        yield from parts
        return
    for part in parts:
        yield part.slice(0, limit)
        limit -= len(part)
        if limit <= 0:
            return


def total(release: Release, projection: Projection) -> int:
    """How many rows there are in all, whatever the limit."""
    return grouped.total(release, projection) if projection.grouped else projection.ask.total(release)


def _read(release: Release, sql: str, params: list[Any]) -> Iterator[pa.ChunkedArray]:
    """Texts as they are read; the first ones now, so that an error is one before the answer begins."""
    reader = release.batches(sql, params, _AT_ONCE)
    first = next(reader, None)

    def rest() -> Iterator[pa.ChunkedArray]:
        with reader:
            if first is not None:
                yield pa.chunked_array([first.column(0)])
            for batch in reader:
                yield pa.chunked_array([batch.column(0)])

    return rest()


def _sorted(release: Release, projection: Projection, limit: int) -> list[int]:
    """Which rows, by what is sorted by alone."""
    ask = replace(projection.ask, order=projection.order)
    if projection.also is None and stretched.told(release, ask):
        return stretched.stretch(release, ask, projection.offset, projection.offset + limit)
    sorted_by, bound = sorts(projection.order, projection.inner())
    return _found(release, projection, f"ORDER BY {', '.join([*sorted_by, PLACE])}", bound, limit)


def _lying(release: Release, projection: Projection, limit: int) -> list[int]:
    """Which rows, as they lie."""
    ask = projection.ask
    if projection.also is None and stretched.told(release, ask) and stretched.wholly(release, ask):
        return stretched.stretch(release, ask, projection.offset, projection.offset + limit)
    return _found(release, projection, "", [], limit)


def _found(release: Release, projection: Projection, order: str, bound: list[Any], limit: int) -> list[int]:
    where, params = projection.where(release)
    sql = f"SELECT {PLACE} FROM {quoted(projection.ask.table.name)} WHERE {where} {order} LIMIT ? OFFSET ?"
    return [place for (place,) in release.query(sql, [*params, *bound, limit, projection.offset])]


def _at(release: Release, projection: Projection, places: list[int], writer: Writer) -> Iterator[pa.ChunkedArray]:
    """What the rows at some places hold."""
    line, of_line = writer(columns(projection))
    told, of_told = shown(projection.columns, projection.inner())
    name, params = projection.ask.table.name, [*of_line, *of_told]
    # The first now, so that an error is one before the answer begins.
    parts = (
        looked_up(release, name, places[at : at + _AT_ONCE], [told], params, f"{line} AS line")["line"]
        for at in range(0, len(places), _AT_ONCE)
    )
    return chain([next(parts, NONE)], parts)
