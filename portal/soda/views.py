"""What Socrata's clients ask about datasets: `/api/views`, one dataset's columns, and the catalogue that `sodapy` lists.

Charter: tables in, JSON as Socrata has it out; members that we could only make up are left out.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from starlette.responses import JSONResponse

from portal.answered import not_modified
from portal.context import Current, base_of
from portal.plain_texts import utc_text
from portal.release import Release
from portal.soda.datasets import dataset, four_by_four, shown, type_of
from portal.soda.errors import SodaRoute
from portal.soda.routes import headers_of
from portal.tables import GEOMETRY, Table, tables

router = APIRouter(route_class=SodaRoute, include_in_schema=False)
Name = Annotated[str, Path(max_length=100)]


@router.get("/api/views")
@router.get("/api/views.json")
def views(request: Request, now: Current) -> Response:
    """All datasets."""
    return _answer(request, now, [_view(now, table) for table in tables(now).values()])


@router.get("/api/views/{name}")
def view(name: Name, request: Request, now: Current) -> Response:
    """One dataset: by its id or its name, with or without `.json`."""
    return _answer(request, now, _view(now, dataset(now, name.removesuffix(".json"))))


@router.get("/api/catalog/v1")
def catalogue(
    request: Request,
    now: Current,
    q: Annotated[str, Query(max_length=200)] = "",
    ids: Annotated[list[str] | None, Query()] = None,
    limit: Annotated[int, Query(ge=0, le=10_000)] = 100,
    offset: Annotated[int, Query(ge=0, le=10_000)] = 0,
) -> Response:
    """The datasets that have all the words, as Socrata's discovery lists them."""
    found = [table for table in tables(now).values() if _found(now, table, q, ids)]
    results = [_listed(now, table, base_of(request)) for table in found[offset : offset + limit]]
    return _answer(request, now, {"results": results, "resultSetSize": len(found)})


def _found(now: Release, table: Table, q: str, ids: list[str] | None) -> bool:
    told = f"{table.name} {table.title} {table.description}".lower()
    wanted = set(",".join(ids).split(",")) if ids else None
    return all(word in told for word in q.lower().split()) and (wanted is None or four_by_four(now, table) in wanted)


def _answer(request: Request, now: Release, told: Any) -> Response:
    headers = headers_of(now, request, "json")
    return not_modified(request, headers) or JSONResponse(told, headers=headers)


def _view(now: Release, table: Table) -> dict[str, Any]:
    created = int(now.created.timestamp())
    return {
        "id": four_by_four(now, table),
        "resourceName": table.name,
        "name": f"{now.city.name}: {table.title}",
        "description": table.description,
        "assetType": "dataset",
        "displayType": "table",
        "viewType": "tabular",
        "attribution": now.city.attribution,
        "license": {"name": now.city.license.title or now.city.license.name, "termsLink": now.city.license.path},
        "publicationDate": created,
        "rowsUpdatedAt": created,
        "viewLastModified": created,
        "columns": [
            {
                "id": i + 1,
                "name": titles.get(name) or name,
                "fieldName": name,
                "position": i + 1,
                "description": texts.get(name, ""),
                "dataTypeName": type_,
                "renderTypeName": type_,
            }
            for titles, texts in [_told(table)]
            for i, name in enumerate(shown(table))
            for type_ in [_data_type(type_of(now, table, table.filterable[name].kind))]
        ],
    }


def _told(table: Table) -> tuple[dict[str, str], dict[str, str]]:
    """Titles and descriptions of the columns."""
    titles = {field.name: field.title for field in table.schema} | {GEOMETRY: "Geometry"}
    return titles, {field.name: field.description for field in table.schema}


def _data_type(type_: str) -> str:
    """A type as metadata has it, where floating timestamps are called by an older name."""
    return "calendar_date" if type_ == "floating_timestamp" else type_


def _listed(now: Release, table: Table, base: str) -> dict[str, Any]:
    columns, id_ = shown(table), four_by_four(now, table)
    types = [type_of(now, table, table.filterable[name].kind) for name in columns]
    told = _told(table)
    return {
        "resource": {
            "id": id_,
            "name": f"{now.city.name}: {table.title}",
            "description": table.description,
            "attribution": now.city.attribution,
            "type": "dataset",
            "updatedAt": utc_text(now.created),
            "data_updated_at": utc_text(now.created),
            "columns_field_name": columns,
            "columns_name": [told[0].get(name) or name for name in columns],
            "columns_description": [told[1].get(name, "") for name in columns],
            "columns_datatype": [type_.replace("_", " ").title() for type_ in types],
        },
        "metadata": {
            "domain": base.rsplit("://", maxsplit=1)[-1],
            "license": now.city.license.title or now.city.license.name,
        },
        "permalink": f"{base}/resource/{id_}.json",
        "link": f"{base}/resource/{table.name}.json",
    }
