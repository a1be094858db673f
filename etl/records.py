"""The shape of clean records between transform, store and release: one Arrow schema a kind.

Charter: names, types and keys, nothing else. Times are UTC, coordinates EPSG:4326.
"""

from __future__ import annotations

from dataclasses import dataclass

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
        ("description", TEXT),
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
        ("geocode_address", TEXT),
        ("geocode_alternatives", TEXT),
        ("nearest_address", TEXT),
        ("areas", TEXT),
        ("flags", TEXT),
        ("row_hash", pa.int64()),
    ]
)
MEASURE = pa.schema(
    [
        ("source", TEXT),
        ("measure", TEXT),
        ("department", TEXT),
        ("period_start", pa.date32()),
        ("period_end", pa.date32()),
        ("measure_name", TEXT),
        ("value", pa.float64()),
        ("target", pa.float64()),
        ("direction", TEXT),
        ("unit", TEXT),
        ("responses", pa.int64()),
        ("row_hash", pa.int64()),
    ]
)
FEEDBACK = pa.schema(
    [
        ("source", TEXT),
        ("feedback_id", TEXT),
        ("service_request_id", TEXT),
        ("department", TEXT),
        ("counter", TEXT),
        ("channel", TEXT),
        ("received_datetime", TIME),
        ("score", pa.float64()),
        ("flags", TEXT),
        ("row_hash", pa.int64()),
    ]
)


@dataclass(frozen=True)
class Kind:
    """A kind of record: its table in the store, its schema, its key, and what tells the newer of two rows."""

    table: str
    schema: pa.Schema
    key: tuple[str, ...]
    newest: tuple[str, ...]
    updated: str | None = None
    opened: str | None = None

    @property
    def values(self) -> tuple[str, ...]:
        """Fields whose changes are history, in schema order."""
        return tuple(name for name in self.schema.names if name not in (*self.key, "row_hash"))

    def ident(self, alias: str) -> str:
        """SQL of the record's own number within its source: what stands for it in history and quarantine."""
        return " || ' ' || ".join(f"CAST({alias}.{name} AS TEXT)" for name in self.key if name != "source")


REQUEST_KIND = Kind(
    "request", RECORD, ("source", "service_request_id"), ("updated_datetime", "closed_datetime", "requested_datetime"),
    "updated_datetime", "requested_datetime",
)  # fmt: skip
MEASURE_KIND = Kind(
    "measure", MEASURE, ("source", "measure", "department", "period_start"), ("period_start",),
    None, "period_start",
)  # fmt: skip
FEEDBACK_KIND = Kind("feedback", FEEDBACK, ("source", "feedback_id"), ("received_datetime",), None, "received_datetime")
KINDS = {kind.table: kind for kind in (REQUEST_KIND, MEASURE_KIND, FEEDBACK_KIND)}

KEY = REQUEST_KIND.key
VALUE_FIELDS = REQUEST_KIND.values
"""Fields of a request whose changes are history, in schema order."""

LATER = frozenset(("geocode_address", "geocode_alternatives", "nearest_address"))
"""Fields that came after rows had been stored: where they are null a row's hash is what it was without them."""

FROM_OUR_RULES = (
    "lat", "long", "location_source", "location_note", "geocode_method", "geocode_score", "geocode_radius_m",
    "geocode_address", "geocode_alternatives", "nearest_address",
)  # fmt: skip
"""What we make of a request's place, from what the source says of it (SAID_OF_PLACE)."""
SAID_OF_PLACE = ("source_lat", "source_long", "address", "zip")

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
"""Rows that could not be trusted; `service_request_id` holds the key's own number, whatever the kind."""
