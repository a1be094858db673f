"""Events that the city lists, of the selected requests: those that touched them, within their dates."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from portal.answers_annotations import Annotation
from portal.queries.scans import once
from portal.release import Release
from portal.selection import Selection

SCHEMES: Final = ("https://", "http://")

Row = tuple[date, date | None, str, str | None, str | None, str | None, str | None, str | None]


@once
def _rows(release: Release) -> list[Row]:
    if "annotations" not in release.tables:
        return []
    return release.query(
        "SELECT first_day, last_day, text, service_code, department, layer, area, link FROM annotations ORDER BY ALL"
    )


@once
def _services(release: Release) -> dict[str, tuple[str | None, str | None]]:
    """The group and the department of each service."""
    return {
        str(code): (group, department)
        for code, group, department in release.query("SELECT service_code, service_group, department FROM services")
    }


def happened(release: Release, selection: Selection) -> list[Annotation]:
    """By date; empty where the city lists none. An event of one service is of its department and group too.

    Where a selection names departments, services or areas, events of others are left out, those of all remain.
    """
    services = _services(release)
    asked_of = {services.get(code, (None, None))[1] for code in selection.service}
    layers = {layer.layer for layer in release.layers}
    found = []
    for first, last, text, service, department, layer, area, link in _rows(release):
        group, answers = services.get(service or "", (None, None))
        if (
            (selection.to_date is not None and first > selection.to_date)
            or (selection.from_date is not None and (last or first) < selection.from_date)
            or _apart(selection.service, service)
            or _apart(selection.group, group)
            or _apart(selection.department, department or answers)
            or _apart([code for key, code in selection.area if key == layer], area)
            or (service is None and None not in asked_of and _apart(list(asked_of), department))
        ):
            continue
        named = [("service", service), ("department", department), *([(layer, area)] if layer in layers else [])]
        about = tuple(release.allowed(str(key)).get(code, code) for key, code in named if code)
        found.append(Annotation(first, last, text, about, link if link and link.startswith(SCHEMES) else ""))
    return found


def _apart(chosen: Sequence[str | None], value: str | None) -> bool:
    """Whether only others were asked for."""
    return bool(chosen) and value is not None and value not in chosen
