"""The fixed facts of the invented city: its names, place on the globe and period.

Charter: constants that several modules of the demo share. No geometry is built here.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

VERSION: Final = 1
"""Changes when the same seed would no longer give the same bytes."""

CITY: Final = "Port Alder"
STATE: Final = "ME"
TIMEZONE: Final = "America/New_York"
CRS: Final = "EPSG:26919"
"""UTM zone 19N, metres: geometry is built in it."""
EAST0_M: Final = 380_000.0
NORTH0_M: Final = 4_798_000.0
"""CRS position of the plan's lower left corner; the plan's own metres start there."""
WIDTH_M: Final = 14_000.0
HEIGHT_M: Final = 11_000.0

FIRST_DAY: Final = date(2023, 7, 1)
LAST_DAY: Final = date(2026, 6, 30)
AS_OF_LOCAL: Final = datetime(2026, 7, 1)
REDRAWN: Final = date(2025, 1, 1)
"""The first day on which the second map of council districts is in force."""
FORMER_FROM: Final = date(2015, 1, 1)

CITY_HALL_XY_M: Final = (8_905.0, 7_085.0)
"""Plan metres of the default point that the source writes when it knows no place."""

ZIPS: Final = ("00301", "00302", "00303", "00304", "00305", "00306", "00307", "00308")
"""Of a prefix that the postal service does not use."""
