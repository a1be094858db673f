"""How a field came to be: from the source, by the city's configuration, by the geocoder, or worked out.

Charter: names of published fields in, a phrase (to be translated) out; what is not known is not told.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from portal.text import N_

SOURCE: Final = N_("as the source gives it")
MAPPED: Final = N_("the source's word, in the terms of the city's configuration")
REDACTED: Final = N_("the source's text, without what could name a person")
PLACED: Final = N_("by the source or the geocoder, and by the privacy policy")
GEOCODED: Final = N_("by the geocoder")
BOUNDARY: Final = N_("by the point and the boundaries of its day")
DERIVED: Final = N_("worked out when the release was made")

_REQUESTS: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("service_request_id", "agency_responsible", "requested_datetime", "updated_datetime", "closed_datetime", "address"),
        SOURCE,
    ),
    **dict.fromkeys(
        ("service_code", "service_name", "service_group", "department", "status", "outcome", "channel", "expected_datetime"),
        MAPPED,
    ),
    **dict.fromkeys(("status_notes", "description"), REDACTED),
    **dict.fromkeys(("lat", "long", "location_source", "location_note", "location_precision"), PLACED),
    **dict.fromkeys(
        ("geocode_method", "geocode_score", "geocode_radius_m", "geocode_address", "geocode_alternatives", "nearest_address"),
        GEOCODED,
    ),
    **dict.fromkeys(
        ("requested_date", "response_hours", "on_time", "flags", "incident_id", "incident_report", "incident_reports",
         "repeat_of", "reopened", "suspicious", "synthetic"),
        DERIVED,
    ),
}  # fmt: skip
_TABLES: Final[Mapping[str, str]] = {
    "incidents": DERIVED, "exclusions": DERIVED, "located_by": DERIVED, "changes": DERIVED, "retroactive_edits": DERIVED,
    "withdrawn": SOURCE, "feedback": SOURCE, "measures": SOURCE,
}  # fmt: skip


def origin(table: str, field: str, layers: Collection[str]) -> str:
    """The phrase for a field of a table; '' where nothing is known."""
    if table != "requests":
        return _TABLES.get(table, "")
    return BOUNDARY if field in layers else _REQUESTS.get(field, "")
