"""datapackage.json: the release described by itself, valid by Frictionless.

Charter: from finished files and facts to the package's text; nothing is computed here but sizes and hashes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from etl.config import CityConfig
from etl.disk import sha256_of
from etl.publish.fields import Field

ABOUT = {
    "requests": ("Requests", "One row for each service request."),
    "areas": ("Areas", "Boundaries of each layer and vintage; layers without boundaries have names only."),
    "basemap": ("Base map", "Streets, water and parks that the map draws."),
    "services": ("Services", "What can be asked for, and the standard for it."),
    "departments": ("Departments", "Who answers."),
    "changes": ("Changes", "Published fields that changed since the release before."),
    "retroactive_edits": ("Retroactive edits", "Opening and closing times that were changed after the fact, ever."),
    "withdrawn": ("Withdrawn", "Requests that were in the record and that their source no longer has."),
    "measures": ("Measures", "Periodic performance measures of departments and of the call centre."),
    "feedback": ("Feedback", "Satisfaction answers, one row for each."),
    "feedback_monthly": ("Feedback by month", "Satisfaction answers by department, channel and month."),
    "monthly": ("By month", "Requests by area, service and month; counts too small to be told are left empty."),
    "figures": (
        "Figures by month",
        "Requests, standards and hours to closing of the city, and of each service, department and area, month by month.",
    ),
    "standards": ("Standards", "How soon each service promises to be done, who set that, and how it is kept."),
    "located_by": ("Located by", "How the requests were placed, counted by source and method."),
    "area_probabilities": (
        "Area probabilities",
        (
            "Where a request near a border may lie, given the error radius of its point: every area of some probability, "
            "for requests whose assignment is less sure than 99.5%."
        ),
    ),
    "address_points": ("Address points", "The city's addresses that the geocoder knows."),
    "street_segments": (
        "Street segments",
        "The city's streets with their ranges of house numbers, as the geocoder knows them.",
    ),
    "intersections": ("Intersections", "Where the city's streets meet."),
    "place_names": ("Place names", "Other names of streets, and named places."),
    "demographics": (
        "Demographics",
        "Who lives where, as the city supplies it: figures of other sources, which each row names.",
    ),
    "annotations": (
        "Annotations",
        "What happened in the city or in its work, as the city says it: charts over time are marked with it.",
    ),
    "incidents": (
        "Incidents",
        "Requests that are reports of one and the same thing, by service, place and time; those of several reports.",
    ),
    "exclusions": ("Exclusions", "What is left out of the requests, of the map or of a figure, counted by reason."),
}
KEYS: dict[str, list[str]] = {
    "incidents": ["incident_id"],
    "requests": ["source", "service_request_id"],
    "services": ["service_code"],
    "standards": ["service_code"],
    "departments": ["department"],
    "withdrawn": ["source", "service_request_id"],
    "demographics": ["layer", "area", "measure"],
    "measures": ["source", "measure", "department", "period_start"],
    "feedback": ["source", "feedback_id"],
}


def resource_of(folder: Path, name: str, described: Sequence[Field]) -> dict[str, Any]:
    """One file as a Frictionless resource with its schema, rows, bytes and sha256."""
    path = folder / f"{name}.parquet"
    title, about = ABOUT[name]
    schema: dict[str, Any] = {"fields": [field.schema() for field in described]}
    if name in KEYS:
        schema["primaryKey"] = KEYS[name]
    return {
        "name": name,
        "type": "table",
        "path": path.name,
        "title": title,
        "description": about,
        "format": "parquet",
        "mediatype": "application/vnd.apache.parquet",
        "openward:bytes": path.stat().st_size,  # frictionless compares `bytes` with what it read, and reads no Parquet bytes
        "hash": f"sha256:{sha256_of(path)}",
        "rows": pq.read_metadata(path).num_rows,
        "schema": schema,
    }


def package_of(config: CityConfig, resources: Sequence[Mapping[str, Any]], facts: Mapping[str, Any]) -> dict[str, Any]:
    """The whole datapackage.json of a release."""
    city = config.city
    about = f"Service requests of {city.name}, published by Openward."
    if city.synthetic:
        about = f"SYNTHETIC: {city.name} is an invented city and no row is a real request. " + about
    package: dict[str, Any] = {
        "name": f"{city.id.replace('_', '-')}-service-requests",
        "id": facts["release_id"],
        "title": facts["city"]["title"],
        "description": about,
        "version": facts["release_id"],
        "created": facts["created"],
        "licenses": [city.license.model_dump()],
        "resources": list(resources),
        "openward": dict(facts),
    }
    if city.attribution:
        package["sources"] = [{"title": city.attribution}]
    if city.contact:
        key = "path" if city.contact.startswith("http") else "email"
        package["contributors"] = [{"title": city.name, "role": "publisher", key: city.contact}]
    return package
