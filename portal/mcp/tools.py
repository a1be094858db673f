"""The tools: what each asks of the current release, by the very functions that `/api/v1` asks it by.

Charter: a release, an address and checked arguments in, an answer out; no query of its own, and nothing but published fields.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC
from math import cos, radians
from typing import Any, Final
from urllib.parse import quote, urlencode

import duckdb
import shapely
import shapely.affinity

from portal import queries, tables_asked
from portal.answers import Choice, RequestRow, ResponseTime
from portal.cited import cite
from portal.components.figure_words import band_words, quantile_words
from portal.components.links import address as page_address
from portal.components.links import part
from portal.errors import NotFound, NotReady
from portal.expressions import tree
from portal.groups_asked import Asked, groups
from portal.mcp import answers, arguments
from portal.mcp.answers import source
from portal.mcp.arguments import MOST_ROWS
from portal.places import Around
from portal.queries.diff import Gone, package_of
from portal.queries.paged import paged
from portal.queries.paged import total as total_of
from portal.queries.tabled import Ask, Order
from portal.release import Release
from portal.selection import Selection
from portal.tables import GEOMETRY, Table, table, tables
from portal.tables_written import json_line, named

METRES_A_DEGREE: Final = 111_320.0
_TIMES: Final = ("requested_datetime", "updated_datetime", "expected_datetime", "closed_datetime")


def describe(now: Release, base: str, asked: arguments.Describe) -> answers.Described:
    """The city, its tables, and the codes of what there are few of."""
    about, city = now.package.openward, now.city
    found = [table(now, asked.table)] if asked.table else list(tables(now).values())
    return answers.Described(
        **source(now, base, page="/data", api="/api/v1/release"),
        city=city.name, region=city.region, timezone=city.timezone, bbox=city.bbox, created=about.created, counts=about.counts,
        tables=[_table(now, of, whole=bool(asked.table)) for of in found], layers=list(now.layers),
        channels=list(about.channels), services=_values(now, "service"), groups=_values(now, "group"),
        departments=_values(now, "department"),
    )  # fmt: skip


def _table(now: Release, of: Table, whole: bool) -> answers.TableAbout:
    told: list[answers.TableField] | list[str] = list(of.fields)
    if whole:
        kinds = {name: field.kind for name, field in of.filterable.items()}
        told = [
            answers.TableField(
                name=field.name,
                kind=kinds.get(field.name),
                title=field.title,
                description=field.description,
                unit=field.unit,
            )
            for field in of.schema
        ]
        if of.geometry:
            told.append(answers.TableField(name=GEOMETRY, kind="geometry", title="Geometry"))
    return answers.TableAbout(table=of.name, title=of.title, rows=Ask(of).total(now), fields=told)


def _values(now: Release, dimension: str) -> answers.Values:
    found = queries.choices(now, dimension)
    return answers.Values(total=len(found), rows=found[:MOST_ROWS])


def list_values(now: Release, base: str, asked: arguments.ListValues) -> answers.Listed:
    """Values of a dimension, some at a time."""
    wanted = asked.contains.casefold()
    found = [c for c in queries.choices(now, asked.dimension) if _holds(c, wanted)]
    return answers.Listed(
        **source(now, base, page="/data", api=f"/api/v1/choices/{part(asked.dimension)}"),
        dimension=asked.dimension, total=len(found), rows=found[asked.offset : asked.offset + asked.limit],
    )  # fmt: skip


def _holds(choice: Choice, text: str) -> bool:
    return text in choice.value.casefold() or text in choice.label.casefold()


def find(now: Release, base: str, asked: arguments.Find) -> answers.Found:
    """The exact number of requests, and a page of them."""
    of, selection = table(now, "requests"), Selection.from_query(asked.query(), now)
    fields = ",".join(asked.fields)
    ask = Ask(of, selection, order=tables_asked.order(of, asked.sort))
    line = json_line(of, named(of, fields))
    try:
        page, n = paged(now, ask, [line], asked.limit, asked.cursor), total_of(now, ask)
    except duckdb.Error as error:
        raise tables_asked.refused(error) from error
    given = [*selection.pairs(), *_given(fields=fields, sort=asked.sort, limit=str(asked.limit), cursor=asked.cursor)]
    return answers.Found(
        **source(now, base, page="/map/list", api=f"/api/v1/tables/requests/rows?{urlencode(given)}", selection=selection),
        total=n, cursor=page.cursor or None,
        rows=[json.loads(text) for text in page.rows["line"].to_pylist()] if asked.limit else [],
    )  # fmt: skip


def group(now: Release, base: str, asked: arguments.Group) -> answers.Grouped:
    """Figures of groups, as `/api/v1/tables/requests/groups` has them."""
    selection = Selection.from_query(asked.query(), now)
    by, figures = ",".join(asked.by), ",".join(asked.figures)
    meant = Asked(by, figures, asked.having, asked.sort, asked.limit, asked.offset)
    found = groups(now, Ask(table(now, "requests"), selection), meant)
    given = [
        *selection.pairs(),
        *_given(
            by=by,
            figures=figures,
            having=asked.having,
            sort=asked.sort,
            limit=str(asked.limit),
            offset=str(asked.offset),
        ),
    ]
    return answers.Grouped(
        **source(now, base, page="/trends", api=f"/api/v1/tables/requests/groups?{urlencode(given)}", selection=selection),
        total=found.total, limit=asked.limit, offset=asked.offset, rows=found.rows,
    )  # fmt: skip


def times(now: Release, base: str, asked: arguments.Times) -> answers.Timed:
    """Counts and response times, as `/api/v1/totals`, `/response` and `/by` have them."""
    selection = Selection.from_query(asked.query(), now)
    response = queries.response(now, selection)
    rows = queries.by(now, selection, asked.by, asked.limit or None) if asked.by else None
    query = selection.to_query()
    return answers.Timed(
        **source(
            now, base, page="/trends", api="/api/v1/response" + (f"?{query}" if query else ""), selection=selection,
            receipt="response",
        ),
        sentences=_sentences(response), totals=queries.totals(now, selection), response=response,
        groups=rows[: asked.limit] if rows is not None else None,
    )  # fmt: skip


def _sentences(response: ResponseTime) -> list[str]:
    """As a careful reader would put it."""
    said = [
        f"{share} are closed within {quantile_words(value, response.n)} (95% interval: {band_words(value, response.n)})."
        if value.hours is not None
        else f"{share} are not closed yet: that point is not reached."
        for share, value in (("Half", response.quantiles[50]), ("9 in 10", response.quantiles[90]))
    ]
    about = f"Of {response.n} requests with usable times {response.events} are closed; {response.censored} still open count too."
    return [about, *said]


def one(now: Release, base: str, asked: arguments.One) -> answers.OneRequest:
    """One request, as `/api/v1/requests/{number}` has it."""
    found = queries.request(now, asked.service_request_id, asked.source or None)
    stated: dict[str, Any] = {name: getattr(found, name) for name in _TIMES}
    row: RequestRow = replace(found, **{name: t.replace(tzinfo=UTC) for name, t in stated.items() if t is not None})
    path, of = f"/requests/{quote(row.service_request_id, safe='')}", urlencode({"source": row.source})
    return answers.OneRequest(
        **source(
            now, base, page=path, api=f"/api/v1{path}?{of}", said=f"The request {row.service_request_id} of {row.source}"
        ) | {"page": f"{base}{path}?{of}"},
        request=row,
    )  # fmt: skip


def here(now: Release, base: str, asked: arguments.Point) -> answers.Here:
    """Areas that a place lies in or near, as a condition on the table of areas."""
    of = table(now, "areas")
    point = shapely.Point(asked.long, asked.lat)
    if asked.meters:
        point = _around(asked.lat, asked.long, asked.meters)
    where = _text(point)
    condition = tree.Spatial("intersects", GEOMETRY, where)
    ask = Ask(
        of, condition=condition, order=tuple(Order(tree.Column(name)) for name in ("layer", "area", "valid_from"))
    )
    told = ["layer", "area", "name", "valid_from", "valid_to", "population"]
    line = json_line(of, [name for name in told if name in of.fields])
    rows = [json.loads(text) for text in paged(now, ask, [line], MOST_ROWS).rows["line"].to_pylist()]
    given = urlencode({"filter": f"S_INTERSECTS(geometry, {where})", "fields": ",".join(told), "limit": str(MOST_ROWS)})
    within = f"within {asked.meters} m of" if asked.meters else "at"
    return answers.Here(
        **source(
            now, base, page="/areas", api=f"/api/v1/tables/areas/rows?{given}",
            said=f"Areas {within} {asked.lat:.5f}, {asked.long:.5f}",
        ),
        areas=[_area(row, base) for row in rows], around=_nearest(now, asked),
    )  # fmt: skip


def _text(shape: Any) -> str:
    """To a centimeter."""
    return str(shapely.to_wkt(shape, rounding_precision=7))


def _area(row: dict[str, Any], base: str) -> answers.AreaHere:
    told = {name: row.get(name) for name in ("name", "valid_from", "valid_to")}
    people = row.get("population")
    layer, area = row["layer"], row["area"]
    return answers.AreaHere(
        value=f"{layer}:{area}", layer=layer, area=area, **told, population=None if people is None else round(people),
        page=base + page_address(f"/areas/{part(layer)}/{part(area)}"),
    )  # fmt: skip


def _nearest(now: Release, asked: arguments.Point) -> Around | None:
    """What the address index tells; none where a release has no index, or it is still being read."""
    try:
        return now.places.ask(now).reverse(now, asked.lat, asked.long)
    except (NotFound, NotReady):
        return None


def _around(lat: float, long: float, metres: int) -> Any:
    """A circle in degrees, of 32 corners; it ends at the edge of the map."""
    high = metres / METRES_A_DEGREE
    wide = min(high / max(cos(radians(lat)), 1e-3), 90.0)
    circle = shapely.affinity.scale(shapely.Point(long, lat).buffer(1, quad_segs=8), wide, high)
    return shapely.intersection(circle, shapely.box(-180, -90, 180, 90))


def citation(now: Release, base: str, asked: arguments.Cite) -> answers.Citation:
    """A citation, as `/cite` has it."""
    selection = Selection.from_query(asked.query(), now)
    if asked.release:
        with suppress(Gone):  # what is merely not kept any more can still be cited
            package_of(now, asked.release)
    made = cite(now, selection, base, asked.release)
    given = urlencode([*selection.pairs(), *_given(release=asked.release, format=asked.format)])
    return answers.Citation(
        **source(now, base, page="/data", api=f"/cite?{given}", selection=selection) | {"cite": made.url},
        url=made.url, citation=made.told(asked.format),
    )  # fmt: skip


def _given(**values: str) -> Sequence[tuple[str, str]]:
    return [(key, value) for key, value in values.items() if value]
