"""Requests and services as GeoReport v2 tells them: the specification's fields, each from published fields alone.

Charter: rows in, records out. What the specification has no word for is under `extended_attributes`, for who asks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from portal.plain_texts import utc_text

if TYPE_CHECKING:
    from portal.release import Release

NEEDED: Final = (
    "service_request_id", "status", "status_notes", "service_name", "service_code", "description", "agency_responsible",
    "department", "requested_datetime", "updated_datetime", "closed_datetime", "expected_datetime", "address", "lat", "long",
)  # fmt: skip
"""Published fields that a record is made of, where a release has them."""
ZIP_LAYERS: Final = ("zip", "zipcode", "zip_code", "postal_code", "postcode")
UNMAPPED: Final = "The source's own status is not known to the city's configuration; it is not told to be closed."
STANDARD: Final = frozenset({*NEEDED} - {"department", "closed_datetime"})


def fields(release: Release, extensions: bool) -> list[str]:
    """Published fields to read."""
    zips = [layer for layer in ZIP_LAYERS if layer in release.fields][:1]
    return [name for name in release.fields if extensions or name in NEEDED or name in zips]


def request(row: Mapping[str, Any], departments: Mapping[str, str], extensions: bool) -> dict[str, Any]:
    """One request. The specification knows open and closed only: what is neither is open, and its note says so.

    `updated_datetime` of a closed request is when it was closed, as the specification says.
    """
    closed = row["status"] == "closed"
    notes = row.get("status_notes")
    record: dict[str, Any] = {
        "service_request_id": row["service_request_id"],
        "status": "closed" if closed else "open",
        "status_notes": notes if row["status"] in ("open", "closed") else (notes or UNMAPPED),
        "service_name": row.get("service_name"),
        "service_code": row["service_code"],
        "description": (row.get("description") or "")[:4000] or None,
        "agency_responsible": row.get("agency_responsible") or departments.get(row.get("department") or ""),
        "service_notice": None,
        "requested_datetime": moment(row.get("requested_datetime")),
        "updated_datetime": moment((row.get("closed_datetime") if closed else None) or row.get("updated_datetime")),
        "expected_datetime": moment(row.get("expected_datetime")),
        "address": row.get("address"),
        "address_id": None,
        "zipcode": next((row[layer] for layer in ZIP_LAYERS if row.get(layer)), None),
        "lat": row.get("lat"),
        "long": row.get("long"),
        "media_url": None,
    }
    if extensions:
        more = {name: value for name, value in row.items() if name not in STANDARD}
        # The source's own words for what the specification tells in another way.
        more |= {"status": row["status"], "updated_datetime": row.get("updated_datetime")}
        record["extended_attributes"] = {name: moment(value) for name, value in more.items() if value is not None}
    return record


def moment(value: Any) -> Any:
    """A time of the tables, which are UTC, as the W3C's note has it; anything else as it is."""
    if isinstance(value, datetime):
        return f"{value.isoformat()}Z"
    return value.isoformat() if isinstance(value, date) else value


def service(
    code: str, name: str | None, group: str | None, department: str | None, hours: float | None
) -> dict[str, Any]:
    """One service. No form goes with it: nothing can be reported here."""
    described = [
        f"Handled by {department}." if department else "",
        f"To be closed within {hours:g} hours." if hours else "",
    ]
    return {
        "service_code": code,
        "service_name": name or code,
        "description": " ".join(filter(None, described)) or None,
        "metadata": False,
        "type": "blackbox",
        "keywords": ", ".join(dict.fromkeys(filter(None, (group, department)))) or None,
        "group": group,
    }


def definition(code: str) -> dict[str, Any]:
    """What a form would ask for: nothing."""
    return {"service_code": code, "attributes": []}


def discovery(release: Release, endpoints: Sequence[str]) -> dict[str, Any]:
    """The discovery document; `endpoints` are addresses of this interface. An invented city's is a test."""
    city, changed = release.city, utc_text(release.created)
    return {
        "changeset": changed,
        "contact": city.contact or city.attribution or city.name,
        "key_service": "No key is needed. This endpoint is for reading; it takes no reports.",
        "endpoints": [
            {
                "specification": "http://wiki.open311.org/GeoReport_v2",
                "url": url,
                "changeset": changed,
                "type": "test" if city.synthetic else "production",
                "formats": ["text/xml", "application/json"],
            }
            for url in endpoints
        ],
    }
