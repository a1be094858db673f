"""Lists: filter choices, areas, single requests, exclusions and data quality."""

# ruff: noqa: S608 - the names in the SQL are the release's own columns, every value is a parameter

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from portal.answers import Area, Choice, Exclusion, Quality, RequestRow
from portal.errors import NotFound
from portal.queries.looked_up import looked_up
from portal.queries.scans import ON_TIME, OUTCOMES, STATUSES, any_counts, column, kept, once
from portal.queries.texts import plain_column
from portal.release import Release
from portal.selection import EVERYTHING, Selection, quoted
from portal.tables import Table
from portal.text import natural

_ROW = (
    "source service_request_id service_code service_name service_group department status outcome channel on_time "
    "requested_datetime requested_date expected_datetime closed_datetime updated_datetime response_hours address "
    "lat long location_source geocode_radius_m location_precision location_note geocode_method geocode_score "
    "geocode_address nearest_address flags"
).split()


@once
def choices(release: Release, dimension: str) -> list[Choice]:
    """Values of a dimension (service, group, department, status, outcome, channel, on_time or a layer).

    By label, but the short fixed lists in their own order; also values that no request has.
    """
    name = column(release, dimension)
    rows = release.query(f"SELECT {name}, count(*) FROM requests WHERE {name} IS NOT NULL GROUP BY 1")
    seen: dict[str, int] = {str(value): n for value, n in rows}
    labels = _labels(release, dimension)
    found = [Choice(v, labels.get(v, v), seen.get(v, 0)) for v in {**labels, **seen}]
    if dimension in ("status", "outcome", "on_time"):
        return found
    return sorted(found, key=lambda choice: natural(choice.label))


def _labels(release: Release, dimension: str) -> dict[str, str]:
    fixed = {"status": STATUSES, "outcome": OUTCOMES, "on_time": ON_TIME}
    if dimension in fixed:
        return {value: value for value in fixed[dimension]}
    if dimension == "channel":
        return {c.channel: c.title for c in release.package.openward.channels}
    if dimension == "service":
        rows = release.query("SELECT service_code, coalesce(service_name, service_code) FROM services")
    elif dimension == "department":
        rows = release.query("SELECT department, coalesce(name, department) FROM departments")
    elif dimension == "group":
        rows = []
    else:
        rows = release.query(
            "SELECT area, coalesce(name, area) FROM areas WHERE layer = ? ORDER BY current, valid_from NULLS FIRST",
            [dimension],
        )
    return {str(value): str(label) for value, label in rows if value is not None}


@once
def areas(release: Release, layer: str) -> list[Area]:
    """Areas of a layer, current vintage, by name; raises NotFound for an unknown layer."""
    release.layer(layer)
    rows = release.query(
        """SELECT layer, area, coalesce(name, area), valid_from, valid_to, population, current,
                  ST_XMin(geom_4326), ST_YMin(geom_4326), ST_XMax(geom_4326), ST_YMax(geom_4326)
           FROM areas WHERE layer = ? AND current""",
        [layer],
    )
    found = [
        Area(
            str(name),
            str(code),
            str(label),
            start,
            end,
            _whole(population),
            current,
            None if box[0] is None else tuple(box),
        )
        for name, code, label, start, end, population, current, *box in rows
    ]
    return sorted(found, key=lambda area: natural(area.name))


def _whole(number: float | None) -> int | None:
    return None if number is None else round(number)


def request(release: Release, service_request_id: str, source: str | None = None) -> RequestRow:
    """One request; raises NotFound. `source` decides where two sources use the same id."""
    where, params = "service_request_id = ?", [service_request_id]
    if source is not None:
        where += " AND source::VARCHAR = ?"
        params.append(source)
    rows = rows_where(release, f"{where} LIMIT 1", params)
    if not rows:
        raise NotFound(f"There is no request '{service_request_id[:60]}' in the release {release.id}.")
    return rows[0]


def rows_where(release: Release, where: str, params: list[Any]) -> list[RequestRow]:
    """The requests that a condition (with order and limit) leaves."""
    fields, layers = _fields(release), [layer.layer for layer in release.layers]
    names = ", ".join(map(quoted, [*fields, *layers]))
    return [_row(fields, layers, row) for row in release.query(f"SELECT {names} FROM requests WHERE {where}", params)]


def rows_at(release: Release, places: Sequence[int], only: frozenset[str] | None = None) -> list[RequestRow]:
    """The requests at some positions (`rid`) of the release, in the order given; `only` some fields, the others None.

    By DuckDB's own number of a row, as a list to join with: it then reads only the parts of the table that hold them
    (8 rows of ten million in 7 ms, where `rid IN (...)` took 28 and `rid = ?` 10 for each).
    """
    fields = [name for name in _fields(release) if only is None or name in only]
    layers = [layer.layer for layer in release.layers]
    names = [*fields, *layers]
    found = looked_up(
        release, "requests", places, [f"{plain_column(release.types, name)} AS {quoted(name)}" for name in names]
    )
    values = [found[name].to_pylist() for name in names]
    return [_row(fields, layers, row) for row in zip(*values, strict=True)]


def _fields(release: Release) -> list[str]:
    return [name for name in _ROW if name in release.columns]


def _row(fields: Sequence[str], layers: Sequence[str], values: Sequence[Any]) -> RequestRow:
    row: dict[str, Any] = dict.fromkeys(_ROW) | dict(zip(fields, values, strict=False))
    row["flags"] = tuple(flag for flag in (row["flags"] or "").split(";") if flag)
    stated = zip(layers, values[len(fields) :], strict=True)
    row["areas"] = {layer: area for layer, area in stated if area is not None}
    return RequestRow(**row)


def geometry_types(release: Release, table: Table) -> list[str]:
    """Which types of geometry a table has, in order, as DuckDB names them."""
    if table.geometry is None:
        return []
    sql = f"SELECT DISTINCT ST_GeometryType({table.geometry.sql})::VARCHAR AS type FROM {quoted(table.name)}"
    found = release.constants.get(
        ("types of geometry", table.name), lambda: release.query(f"{sql} WHERE type IS NOT NULL ORDER BY type")
    )
    return [name for (name,) in found]


@once
def exclusions(release: Release) -> list[Exclusion]:
    """What is not in `requests`, or not in a figure, counted by reason."""
    rows = release.query(
        "SELECT kind, reason, source, rows FROM exclusions ORDER BY kind, rows DESC NULLS LAST, reason"
    )
    return [
        Exclusion(str(kind), str(reason or ""), source, None if n is None else int(n))
        for kind, reason, source, n in rows
    ]


@kept
def quality(release: Release, selection: Selection = EVERYTHING) -> Quality:
    """How well the selected requests are located and timed."""
    where, params = release.where(selection)
    places = release.query(
        f"SELECT location_source, location_note, count(*) FROM requests WHERE {where} GROUP BY ALL", params
    )
    flagged = release.query(
        f"SELECT flags, count(*) FROM requests WHERE flags IS NOT NULL AND {where} GROUP BY 1", params
    )
    c = any_counts(release, selection)
    located: dict[str, int] = {"source": 0, "geocoder": 0, "none": 0}
    notes: dict[str, int] = {}
    flags: dict[str, int] = {}
    for source, note, n in places:
        located[source or "none"] = located.get(source or "none", 0) + n
        if note is not None and (source or "none") == "none":
            notes[note] = notes.get(note, 0) + n
    for text, n in flagged:
        for flag in filter(None, text.split(";")):
            flags[flag] = flags.get(flag, 0) + n
    return Quality(
        requests=sum(located.values()),
        located=located,
        location_notes=dict(sorted(notes.items(), key=lambda item: -item[1])),
        flags=dict(sorted(flags.items(), key=lambda item: -item[1])),
        excluded_from_response=c.total(c.excluded),
    )
