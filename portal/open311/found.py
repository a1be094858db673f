"""Answers of GeoReport v2: what is asked for, looked up in the release and told in the specification's words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from portal.errors import NotFound
from portal.expressions import tree
from portal.open311 import told
from portal.open311.asked import Wanted
from portal.queries.by_number import by_number
from portal.queries.paged import paged
from portal.queries.tabled import Ask, Order
from portal.queries.texts import plain_column
from portal.release import Release
from portal.selection import quoted
from portal.tables import table


@dataclass(frozen=True)
class Found:
    """Requests, and whether there is a page after this one."""

    records: list[dict[str, Any]]
    more: bool = False


def requests(release: Release, wanted: Wanted) -> Found:
    """The requests that are asked for, the newest first."""
    fields, departments = told.fields(release, wanted.extensions), _departments(release)
    if wanted.numbers:
        rows, more = by_number(release, wanted.numbers, fields), False
    else:
        order = (Order(tree.Column("requested_datetime"), descending=True),)
        ask = Ask(table(release, "requests"), condition=wanted.condition(), order=order)
        columns = [f"{plain_column(release.types, name)} AS {quoted(name)}" for name in fields]
        page = paged(release, ask, columns, wanted.page_size, offset=(wanted.page - 1) * wanted.page_size)
        rows, more = page.rows.to_pylist(), bool(page.cursor)
    return Found([told.request(row, departments, wanted.extensions) for row in rows], more)


def request(release: Release, number: str, extensions: bool) -> list[dict[str, Any]]:
    """The requests of one number: several where two sources use the same."""
    rows = by_number(release, [number], told.fields(release, extensions))
    if not rows:
        raise NotFound(f"service_request_id '{number[:80]}' was not found.")
    departments = _departments(release)
    return [told.request(row, departments, extensions) for row in rows]


def services(release: Release) -> list[dict[str, Any]]:
    """All services."""
    departments = _departments(release)
    rows = release.constants.get(
        ("open311 services",),
        lambda: release.query(
            """SELECT service_code, service_name, service_group, department, target_hours FROM services
               ORDER BY service_group NULLS LAST, service_name, service_code"""
        ),
    )
    return [
        told.service(code, name, group, departments.get(department or "", department), hours)
        for code, name, group, department, hours in rows
    ]


def definition(release: Release, code: str) -> dict[str, Any]:
    """The definition of a service; NotFound where there is no such service."""
    if not any(service["service_code"] == code for service in services(release)):
        raise NotFound(f"service_code '{code[:80]}' was not found.")
    return told.definition(code)


def _departments(release: Release) -> Mapping[str, str]:
    """Names of departments by their codes."""
    return release.constants.get(
        ("open311 departments",), lambda: dict(release.query("SELECT department, name FROM departments"))
    )
