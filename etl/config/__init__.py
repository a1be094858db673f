"""A city as one YAML file: the schema, its defaults and its error messages.

What belongs here: what a city may say about itself. What stays out: reading
data, touching a database, knowing a column of a particular city.
"""

from etl.config.base import Outcome, Slug, Status, Strict
from etl.config.city import City, License
from etl.config.geocoder import GeocoderSettings
from etl.config.loader import load_city
from etl.config.mapping import (
    LatLong,
    OutcomeRule,
    PointColumn,
    Projected,
    RequestSource,
    Sentinel,
    TimeColumn,
)
from etl.config.places import BasemapFile, BoundaryFile, Department, Layer, ServiceInfo
from etl.config.privacy import Privacy
from etl.config.root import CityConfig

__all__ = [
    "BasemapFile", "BoundaryFile", "City", "CityConfig", "Department", "GeocoderSettings", "LatLong", "Layer", "License", "Outcome",
    "OutcomeRule", "PointColumn", "Privacy", "Projected", "RequestSource", "Sentinel", "ServiceInfo", "Slug", "Status",
    "Strict", "TimeColumn", "load_city",
]  # fmt: skip
