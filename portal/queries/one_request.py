"""One request by its number: the row, what was seen to change, and the doubts about its place.

Numbers are no order that the index keeps, so finding one is a scan of the column: 25 ms a million rows. An index with
a table `request_numbers` (`number`: md5_number_lower of the request's number, `rid`; ascending by `number`) answers in
two milliseconds at any size.

Charter: one question, answered once for a release; several sources may use one number, and then all are answered.
"""

# ruff: noqa: S608 - the names in the SQL are the release's own columns, every value is a parameter

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from portal.answers_request import Alternative, Change, OneRequest, Withdrawn
from portal.queries.lists import rows_where
from portal.queries.scans import kept
from portal.release import Release
from portal.selection import quoted

MOST = 20
"""So many requests of one number are told apart; the source decides which is meant."""


@kept
def one_request(release: Release, service_request_id: str, source: str | None = None) -> tuple[OneRequest, ...]:
    """The requests of that number, of all sources or of one; none is no error."""
    rids = positions(release, service_request_id)
    if not rids:
        return ()
    where, params = _within(rids), list[Any](rids)
    if source is not None:
        where, params = f"{where} AND source::VARCHAR = ?", [*params, source]
    rows = rows_where(release, f"{where} ORDER BY rid", params)
    more = release.query(
        f"""SELECT rid, agency_responsible, {_or_null(release, "status_notes")}, {_or_null(release, "geocode_alternatives")},
                   event, elapsed_minutes FROM requests WHERE {where} ORDER BY rid""",
        params,
    )
    found = []
    for row, (rid, agency, notes, alternatives, event, minutes) in zip(rows, more, strict=True):
        found.append(
            OneRequest(
                row=row,
                agency=agency,
                notes=(notes or "").strip() or None,
                target_hours=_target(release, row.service_code),
                closed=event,
                elapsed_minutes=minutes,
                changes=_changes(release, row.source, row.service_request_id),
                alternatives=_alternatives(alternatives),
                likely=_likely(release, rid),
            )
        )
    return tuple(found)


def withdrawn(release: Release, service_request_id: str, source: str | None = None) -> Withdrawn | None:
    """The request of that number that its source no longer has, the latest of them; None if there is none."""
    if "withdrawn" not in release.tables:
        return None
    where, params = "service_request_id = ?", [service_request_id]
    if source is not None:
        where, params = f"{where} AND source = ?", [*params, source]
    rows = release.query(
        f"""SELECT source, service_request_id, service_name, requested_datetime, withdrawn_datetime
            FROM withdrawn WHERE {where} ORDER BY withdrawn_datetime DESC NULLS LAST LIMIT 1""",
        params,
    )
    return Withdrawn(*rows[0]) if rows else None


def positions(release: Release, number: str) -> list[int]:
    """Where in the release the requests of that number lie, of all sources."""
    if "request_numbers" in release.tables:
        sql = """SELECT n.rid FROM request_numbers n
                 WHERE n.number = md5_number_lower(?) ORDER BY n.rid LIMIT ?"""
        rids = [rid for (rid,) in release.query(sql, [number, MOST])]
        if not rids:
            return []
        # two numbers may have one digest
        sql = f"SELECT rid FROM requests WHERE {_within(rids)} AND service_request_id = ? ORDER BY rid"
        return [rid for (rid,) in release.query(sql, [*rids, number])]
    rows = release.query("SELECT rid FROM requests WHERE service_request_id = ? ORDER BY rid LIMIT ?", [number, MOST])
    return [rid for (rid,) in rows]


def _within(rids: Sequence[int]) -> str:
    """A condition that lets DuckDB skip all row groups but the ones of these rows; one parameter for each."""
    return "(" + " OR ".join("rid = ?" for _ in rids) + ")"


def _or_null(release: Release, column: str) -> str:
    return quoted(column) if column in release.columns else "NULL"


def _target(release: Release, service_code: str) -> float | None:
    rows = release.query("SELECT max(target_hours) FROM services WHERE service_code = ?", [service_code])
    return rows[0][0]


def _changes(release: Release, source: str, number: str) -> tuple[Change, ...]:
    """What changed between readings; a time that was edited after the fact is told as such, once."""
    found: list[Change] = []
    if "retroactive_edits" in release.tables:
        rows = release.query(
            """SELECT field, old, new, first_seen, cause, edit, moved_hours
               FROM retroactive_edits WHERE service_request_id = ? AND source = ?""",
            [number, source],
        )
        found = [Change(*row) for row in rows]
    edited = {(change.field, change.first_seen) for change in found}
    if "changes" in release.tables:
        rows = release.query(
            "SELECT field, old, new, first_seen, cause FROM changes WHERE service_request_id = ? AND source = ?",
            [number, source],
        )
        found += [Change(*row) for row in rows if (row[0], row[3]) not in edited]
    return tuple(sorted(found, key=lambda change: (change.first_seen, change.field)))


def _alternatives(text: str | None) -> tuple[Alternative, ...]:
    """The geocoder's other results; a text of another shape is none."""
    try:
        items = json.loads(text) if text else []
    except ValueError:
        return ()
    told = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    return tuple(
        Alternative(item["address"], _text(item.get("method")), _share(item.get("score")))
        for item in told
        if _text(item.get("address"))
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _share(value: Any) -> float | None:
    known = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
    return float(value) if known else None


def _likely(release: Release, rid: int) -> dict[str, tuple[tuple[str | None, float], ...]]:
    if "area_probabilities" not in release.tables:
        return {}
    rows = release.query(
        "SELECT layer, area, probability FROM area_probabilities WHERE rid = ? ORDER BY layer, probability DESC, area",
        [rid],
    )
    found: dict[str, tuple[tuple[str | None, float], ...]] = {}
    for layer, area, probability in rows:
        found[layer] = (*found.get(layer, ()), (area, probability))
    return found
