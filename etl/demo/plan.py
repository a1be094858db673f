"""What is planted in the records: the effects that honest figures must find, and the shares of dirt.

Charter: numbers only; every one of them is written into truth/truth.json.
"""

from __future__ import annotations

from typing import Final

WORSE_DISTRICT: Final = 6
WORSE_FACTOR: Final = 1.6
"""Requests in this district (the map in force on the day) take this many times as long, whatever the service."""
COMPOSITION_DISTRICT: Final = 2
SLOW_TILT: Final = 2.6
"""Places in this district are named this many times as often for slow services, which are as fast as elsewhere."""

REPORTING_RATES: Final = {"North End": 3.0, "Riverside": 3.0, "Southfield": 3.0}
"""Neighborhood -> further reports of one incident, against 1 elsewhere."""
REPEAT_SHARE: Final = 0.03
"""Share of the rows that ask again at the same place within 14 days after a closure."""
TOGETHER_SHARE: Final = 0.6
"""Of further reports, the share that closes with the first one; the rest is triaged on its own."""
TRIAGE_MEDIAN_HOURS: Final = 18.0
TRIAGE_SIGMA: Final = 0.8

OUTCOMES: Final = ("done", "no_action", "not_found", "duplicate", "referred", "unknown")
OUTCOME_SHARES: Final = (0.70, 0.08, 0.07, 0.0, 0.06, 0.09)
"""Of incidents' own closures; further reports close as duplicate."""

DIRT: Final = {
    "no_location": 0.06,
    "default_point": 0.11,
    "zero_point": 0.004,
    "swapped_point": 0.001,
    "outside_point": 0.002,
    "gps_jitter": 0.9,
    "no_address": 0.02,
    "address_typo": 0.015,
    "address_block": 0.03,
    "stale_district": 1.0,
    "closed_before_opened": 0.0015,
    "unparseable_opened": 0.0002,
    "unparseable_closed": 0.0002,
    "clock_gap": 0.8,
    "iso_opened": 0.01,
    "missing_id": 0.0003,
    "unknown_status": 0.0005,
    "blank_note": 0.07,
    "personal_note": 0.02,
    "awkward_text": 0.005,
    "service_variant": 0.04,
    "copy_identical": 0.002,
    "copy_conflicting": 0.001,
}
"""Kind -> share of rows, but: gps_jitter of app reports with a good point; no_address of rows that have a
location (the others: see below); stale_district of rows with a district whose place changed hands, in the
weeks after the redrawing; clock_gap of rows opened 03:00–07:00 on days when clocks go forward, written in the
hour that does not exist; blank_note of closed rows, personal_note and awkward_text of those with a note;
closed_before_opened and unparseable_closed of closed rows; service_variant of services that have spellings."""
BITS: Final = {kind: 1 << bit for bit, kind in enumerate(DIRT)}
"""Kind -> bit of truth's ``dirt`` column."""

STALE_DAYS: Final = 42
"""Days after the redrawing for which the source still states the former district."""
DEFAULT_KEEPS_ADDRESS: Final = 0.35
"""Share of the rows on the default point that still carry their address."""
UNLOCATED_KEEPS_ADDRESS: Final = 0.6
"""The same for rows without any location."""
