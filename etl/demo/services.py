"""What the city is asked for: eight departments, forty services, their standards and how fast they really are.

Charter: the table of services, nothing random. cities/demo.yaml says the public part of the same
(a test holds the two together); speeds, seasons and shares are the simulation's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

Season = Literal["even", "spring", "summer", "autumn", "snow", "heat", "ice"]
Hours = Literal["day", "office", "night", "commute"]
Places = Literal["street", "home", "centre", "leafy", "park", "signal", "shore"]

DEPARTMENTS: Final = {
    "PWD": "Public Works",
    "DOT": "Transportation",
    "SAN": "Sanitation",
    "PKS": "Parks and Recreation",
    "ISD": "Inspectional Services",
    "WTR": "Water and Sewer",
    "PUB": "Community Safety",
    "RES": "Resident Services",
}
PACE: Final = {"PWD": 1.0, "DOT": 1.1, "SAN": 0.8, "PKS": 1.25, "ISD": 1.35, "WTR": 0.9, "PUB": 0.85, "RES": 1.0}
"""Each department's factor on all of its services' hours."""


@dataclass(frozen=True)
class Service:
    """One service: public facts, then how the simulation treats it.

    ``median_hours``, ``sigma``: lognormal part of the hours to close before the department's factor;
    ``tail`` is the share that takes ``TAIL_FACTOR`` times as long; ``share`` relative demand;
    ``again`` mean number of further reports of one incident in a neighborhood of rate 1;
    ``slow`` services are asked for more in the district that only looks badly served.
    """

    code: str
    name: str
    group: str
    department: str
    target_hours: float | None
    share: float
    median_hours: float
    sigma: float
    tail: float
    season: Season
    hours: Hours
    places: Places
    again: float
    variants: tuple[str, ...] = ()

    @property
    def slow(self) -> bool:
        """Takes weeks rather than days."""
        return self.median_hours * PACE[self.department] >= 200.0

    def hours_median(self) -> float:
        """Median of the lognormal part, department's factor included, hours."""
        return self.median_hours * PACE[self.department]

    def quantile_hours(self, p: float, factor: float = 1.0) -> float:
        """The mixture's quantile by bisection, hours; requests that never close are not in it."""
        middle = math.log(self.hours_median() * factor)

        def below(t: float) -> float:
            quick = 0.5 * math.erfc(-(math.log(t) - middle) / (self.sigma * math.sqrt(2)))
            late = 0.5 * math.erfc(-(math.log(t / TAIL_FACTOR) - middle) / (self.sigma * math.sqrt(2)))
            return (1 - self.tail) * quick + self.tail * late

        low, high = 1e-6, 1e7
        for _ in range(80):
            mid = math.sqrt(low * high)
            low, high = (mid, high) if below(mid) < p else (low, mid)
        return math.sqrt(low * high)


TAIL_FACTOR: Final = 9.0
NEVER_CLOSED: Final = 0.012
"""Share of incidents that nobody ever closes."""

_S = Service
SERVICES: Final = (
    _S("PW01", "Pothole Repair", "Streets and sidewalks", "PWD", 72, 8.0, 40, 1.0, 0.06, "spring", "commute", "street",
       0.30, ("Potholes", "POTHOLE REPAIR")),
    _S("PW02", "Sidewalk Repair", "Streets and sidewalks", "PWD", 720, 3.2, 420, 1.1, 0.12, "even", "day", "street",
       0.08, ("Sidewalk Repair (Make Safe)",)),
    _S("PW03", "Street Resurfacing Request", "Streets and sidewalks", "PWD", None, 0.9, 1100, 0.9, 0.15, "spring",
       "office", "street", 0.12),
    _S("PW04", "Curb and Ramp Repair", "Streets and sidewalks", "PWD", 1440, 0.8, 700, 1.0, 0.12, "even", "day",
       "street", 0.05),
    _S("PW05", "Snow and Ice Removal", "Snow", "PWD", 24, 3.4, 14, 0.9, 0.05, "snow", "commute", "street", 0.35,
       ("Snow Plowing", "Request for Snow Plowing")),
    _S("PW06", "Unshoveled Sidewalk", "Snow", "PWD", 48, 1.5, 30, 0.9, 0.05, "snow", "day", "home", 0.15),
    _S("PW07", "Dead Animal Pick-up", "Street cleaning", "PWD", 24, 1.3, 8, 0.8, 0.02, "summer", "day", "street", 0.10),
    _S("PW08", "Street Light Outage", "Street lights", "PWD", 240, 5.0, 130, 1.2, 0.12, "autumn", "night", "street", 0.22,
       ("Street Light Out", "STREET LIGHT OUTAGE")),
    _S("PW09", "Street Light Knockdown", "Street lights", "PWD", 168, 0.5, 90, 1.0, 0.08, "even", "commute", "signal",
       0.12),
    _S("DT01", "Traffic Signal Repair", "Traffic", "DOT", 24, 2.6, 9, 1.1, 0.05, "ice", "commute", "signal", 0.28,
       ("Traffic Signal Inspection",)),
    _S("DT02", "Sign Repair", "Traffic", "DOT", 336, 2.2, 150, 1.1, 0.10, "even", "day", "signal", 0.06),
    _S("DT03", "New Sign, Crosswalk or Pavement Marking", "Traffic", "DOT", None, 1.2, 900, 0.9, 0.15, "summer",
       "office", "signal", 0.03),
    _S("DT04", "Parking Enforcement", "Parking", "DOT", 8, 7.5, 2.6, 0.9, 0.01, "even", "commute", "centre", 0.10,
       ("Parking  Enforcement", "PARKING ENFORCEMENT")),
    _S("DT05", "Abandoned Vehicle", "Parking", "DOT", 240, 2.8, 120, 0.8, 0.06, "even", "day", "home", 0.10,
       ("Abandoned Vehicles",)),
    _S("DT06", "Bicycle Lane Blocked or Damaged", "Traffic", "DOT", 96, 1.0, 30, 1.2, 0.06, "summer", "commute", "centre",
       0.08),
    _S("SN01", "Missed Trash Pick-up", "Trash and recycling", "SAN", 24, 6.0, 18, 0.7, 0.03, "even", "day", "home", 0.10,
       ("Missed Trash/Recycling/Yard Waste/Bulk Item",)),
    _S("SN02", "Missed Recycling Pick-up", "Trash and recycling", "SAN", 24, 3.2, 19, 0.7, 0.03, "even", "day", "home",
       0.08),
    _S("SN03", "Bulk Item Pick-up", "Trash and recycling", "SAN", 168, 6.5, 96, 0.5, 0.02, "summer", "office", "home",
       0.02, ("Schedule a Bulk Item Pickup",)),
    _S("SN04", "Leaf and Yard Waste", "Trash and recycling", "SAN", 168, 2.0, 80, 0.7, 0.03, "autumn", "day", "leafy",
       0.03),
    _S("SN05", "Illegal Dumping", "Street cleaning", "SAN", 72, 4.2, 34, 1.0, 0.05, "summer", "day", "street", 0.22,
       ("Improper Storage of Trash (Barrels)",)),
    _S("SN06", "Street Sweeping Request", "Street cleaning", "SAN", 168, 2.0, 70, 0.9, 0.04, "spring", "day", "street",
       0.06),
    _S("SN07", "Overflowing Litter Basket", "Street cleaning", "SAN", 24, 2.4, 11, 0.8, 0.02, "summer", "day", "centre",
       0.20),
    _S("SN08", "Recycling Cart Request", "Trash and recycling", "SAN", 336, 2.2, 200, 0.6, 0.04, "even", "office", "home",
       0.0),
    _S("PK01", "Tree Pruning", "Trees", "PKS", 4380, 2.8, 900, 1.0, 0.15, "summer", "day", "leafy", 0.04,
       ("Tree Maintenance Requests",)),
    _S("PK02", "Tree Emergency", "Trees", "PKS", 24, 1.4, 10, 1.0, 0.05, "autumn", "day", "leafy", 0.25),
    _S("PK03", "New Tree Request", "Trees", "PKS", None, 1.2, 1600, 0.7, 0.20, "spring", "office", "leafy", 0.0),
    _S("PK04", "Park Maintenance", "Parks", "PKS", 168, 2.2, 90, 1.1, 0.08, "summer", "day", "park", 0.15,
       ("Parks General Request",)),
    _S("PK05", "Playground Equipment", "Parks", "PKS", 240, 0.7, 140, 1.0, 0.10, "summer", "day", "park", 0.12),
    _S("PK06", "Beach and Shore Clean-up", "Parks", "PKS", 72, 0.8, 40, 0.9, 0.04, "heat", "day", "shore", 0.12),
    _S("IS01", "Unsatisfactory Living Conditions", "Housing and buildings", "ISD", 720, 3.0, 240, 1.1, 0.12, "even",
       "office", "home", 0.04),
    _S("IS02", "No Heat", "Housing and buildings", "ISD", 24, 1.2, 12, 0.9, 0.05, "ice", "day", "home", 0.10,
       ("Heat - Excessive, Insufficient",)),
    _S("IS03", "Rodent Activity", "Housing and buildings", "ISD", 168, 2.6, 75, 1.0, 0.06, "heat", "day", "centre", 0.12),
    _S("IS04", "Building Inspection Request", "Housing and buildings", "ISD", 1440, 1.4, 500, 1.0, 0.12, "even", "office",
       "home", 0.02),
    _S("IS05", "Overgrown or Unkept Lot", "Housing and buildings", "ISD", 720, 1.2, 260, 1.0, 0.10, "heat", "day",
       "leafy", 0.08),
    _S("WT01", "Water Main Break", "Water and sewer", "WTR", 24, 0.8, 9, 0.9, 0.04, "ice", "commute", "street", 0.45),
    _S("WT02", "Catch Basin Blocked", "Water and sewer", "WTR", 240, 1.6, 110, 1.1, 0.08, "autumn", "day", "signal", 0.10),
    _S("WT03", "Hydrant Leaking or Open", "Water and sewer", "WTR", 24, 0.8, 12, 1.0, 0.04, "heat", "day", "street",
       0.20),
    _S("PB01", "Noise Complaint", "Quality of life", "PUB", 8, 3.6, 2.2, 1.0, 0.02, "heat", "night", "centre", 0.15,
       ("Loud Parties/Music/People",)),
    _S("PB02", "Graffiti Removal", "Quality of life", "PUB", 1080, 3.4, 210, 1.3, 0.14, "even", "day", "centre", 0.10,
       ("Graffiti", "graffiti removal ")),
    _S("RS01", "General Information and Feedback", "Information", "RES", None, 2.4, 20, 1.4, 0.08, "even", "office",
       "home", 0.0, ("General Comments For a Program or Policy",)),
)  # fmt: skip

CHANNELS: Final = ("phone", "app", "web", "email", "crew")
CHANNEL_TITLES: Final = {
    "phone": ("Phone", "Constituent Call", "PHONE"),
    "app": ("Mobile App", "App", "mobile app "),
    "web": ("Web", "Self Service", "Web Form"),
    "email": ("Email", "Walk-in", "E-mail"),
    "crew": ("Employee Generated", "City Worker App", "Crew"),
}
"""Channel -> spellings in the source, the first one the usual."""


def channel_mix(service: Service, year: float) -> tuple[float, ...]:
    """Shares of CHANNELS for a service, ``year`` years after the first day: the app gains on the phone."""
    app = {"street": 0.34, "signal": 0.30, "centre": 0.36, "park": 0.28, "shore": 0.3}.get(service.places, 0.16)
    app = min(app * (0.75 + 0.33 * year), 0.7)
    crew = {"PWD": 0.16, "DOT": 0.10, "PKS": 0.14, "WTR": 0.20, "SAN": 0.05}.get(service.department, 0.02)
    web, email = 0.14 + 0.02 * year, 0.04
    return (1.0 - app - crew - web - email, app, web, email, crew)


def target_of(code: str) -> float | None:
    """Standard of a service, hours."""
    return next(service.target_hours for service in SERVICES if service.code == code)
