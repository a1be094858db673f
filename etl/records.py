"""The shape of a clean request between transform, store and release: one Arrow schema.

Charter: names and types, nothing else. Times are UTC, coordinates EPSG:4326.
"""

from __future__ import annotations

import pyarrow as pa

TEXT = pa.string()
TIME = pa.timestamp("s")

RECORD = pa.schema(
    [
        ("source", TEXT),
        ("service_request_id", TEXT),
        ("service_code", TEXT),
        ("service_name", TEXT),
        ("service_group", TEXT),
        ("department", TEXT),
        ("agency_responsible", TEXT),
        ("status", TEXT),
        ("status_notes", TEXT),
        ("outcome", TEXT),
        ("channel", TEXT),
        ("requested_datetime", TIME),
        ("updated_datetime", TIME),
        ("expected_datetime", TIME),
        ("closed_datetime", TIME),
        ("address", TEXT),
        ("zip", TEXT),
        ("media_url", TEXT),
        ("lat", pa.float64()),
        ("long", pa.float64()),
        ("source_lat", pa.float64()),
        ("source_long", pa.float64()),
        ("location_source", TEXT),
        ("location_note", TEXT),
        ("geocode_method", TEXT),
        ("geocode_score", pa.float64()),
        ("geocode_radius_m", pa.float64()),
        ("areas", TEXT),
        ("flags", TEXT),
        ("row_hash", pa.int64()),
    ]
)

KEY = ("source", "service_request_id")
VALUE_FIELDS = tuple(name for name in RECORD.names if name not in (*KEY, "row_hash"))
"""Fields whose changes are history, in schema order."""

QUARANTINE = pa.schema(
    [
        ("source", TEXT),
        ("row_number", pa.int64()),
        ("service_request_id", TEXT),
        ("reason", TEXT),
        ("detail", TEXT),
        ("raw", TEXT),
    ]
)
