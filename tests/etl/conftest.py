"""A city of two squares that were redrawn once, small enough to check by hand."""

from __future__ import annotations

import copy
import csv
import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import yaml
from shapely import LineString, box

from etl.config import load_city
from etl.pipeline import Options, Place, RunReport, prepare, run
from etl.publish import chain
from etl.store.engine import open_store

NOW = dt.datetime(2024, 6, 1, 12, tzinfo=dt.UTC)
CITY: dict[str, Any] = {
    "city": {
        "id": "twin",
        "name": "Twin Squares",
        "timezone": "America/New_York",
        "crs": "EPSG:26986",
        "bbox": [-71.2, 42.2, -70.9, 42.5],
        "license": {"name": "CC0-1.0", "title": "CC0", "path": "https://example.org/cc0"},
    },
    "sources": {
        "calls": {
            "columns": {
                "service_request_id": "ID",
                "requested_datetime": {"column": "OPENED", "formats": ["%m/%d/%Y %H:%M"]},
                "closed_datetime": {"column": "CLOSED", "formats": ["%m/%d/%Y %H:%M"]},
                "expected_datetime": {"column": "DUE", "formats": ["%m/%d/%Y %H:%M"]},
                "status": "STATUS",
                "status_notes": "NOTE",
                "service_name": "SERVICE",
                "department": "DEPT",
                "channel": "CHANNEL",
                "address": "ADDRESS",
            },
            "areas": {"ward": "WARD"},
            "locations": [{"lat": "LAT", "long": "LON"}],
            "sentinels": [{"lat": 42.36, "long": -71.06, "why": "City Hall"}],
            "statuses": {"open": "open", "closed": "closed"},
            "channels": {"phone": "phone", "mobile app": "app"},
            "outcomes": [
                {"match": "(?i)duplicate", "outcome": "duplicate"},
                {"match": "(?i)fixed", "outcome": "done"},
            ],
        }
    },
    "services": {"pothole": {"target_hours": 48}},
    "departments": {"PW": {"name": "Public Works"}},
    "channels": {"phone": "Telephone", "app": "Mobile app"},
    "layers": [
        {
            "layer": "district",
            "title": "District",
            "plural": "Districts",
            "files": [
                {"path": "old.geojson", "area": "code", "name": "label", "valid_to": "2024-03-01"},
                {"path": "new.geojson", "area": "code", "name": "label", "valid_from": "2024-03-01"},
            ],
        },
        {"layer": "ward", "title": "Ward", "plural": "Wards", "normalise": "number", "area_title": "Ward {area}"},
    ],
    "basemap": [{"kind": "street", "path": "streets.geojson", "name": "name", "rank": "rank"}],
    "privacy": {"publish": ["address", "location", "agency_responsible"]},
}
COLUMNS = "ID OPENED CLOSED DUE STATUS NOTE SERVICE DEPT CHANNEL ADDRESS WARD LAT LON".split()
ROWS = [
    {"ID": "1", "OPENED": "02/01/2024 10:00", "CLOSED": "02/02/2024 10:00", "STATUS": "Closed", "NOTE": "Fixed it",
     "SERVICE": "Pothole", "DEPT": "PW", "CHANNEL": "Phone", "ADDRESS": "1 Main St", "WARD": "Ward 3",
     "LAT": "42.35", "LON": "-71.10"},
    {"ID": "2", "OPENED": "04/01/2024 10:00", "STATUS": "open ", "SERVICE": "Pothole", "DEPT": "PW",
     "CHANNEL": "mobile  APP", "ADDRESS": "2 Main St", "WARD": "03", "LAT": "42.35", "LON": "-71.08"},
    {"ID": "3", "OPENED": "04/02/2024 10:00", "CLOSED": "04/01/2024 10:00", "STATUS": "CLOSED", "NOTE": "a duplicate",
     "SERVICE": "Noise", "DEPT": "Police", "CHANNEL": "pigeon", "WARD": "", "LAT": "42.36", "LON": "-71.06"},
    {"ID": "4", "OPENED": "04/05/2024 10:00", "DUE": "04/06/2024 10:00", "STATUS": "waiting", "SERVICE": "Noise",
     "DEPT": "Police", "CHANNEL": "phone", "WARD": "0", "LAT": "0", "LON": "0"},
]  # fmt: skip


@dataclass
class TinyCity:
    """The city's folder and YAML, a store, and shortcuts to run it."""

    folder: Path
    store_url: str
    config: dict[str, Any]

    @property
    def yaml(self) -> Path:
        """The city's file."""
        return self.folder / "city.yaml"

    @property
    def releases(self) -> Path:
        """Where its releases go."""
        return self.folder / "releases"

    def write(self, rows: list[dict[str, str]]) -> Path:
        """The source's file with these rows, and the YAML as it is now."""
        path = self.folder / "calls.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS, restval="")
            writer.writeheader()
            writer.writerows(rows)
        self.yaml.write_text(yaml.safe_dump(self.config), encoding="utf-8")
        return path

    def place(self) -> Place:
        """Its configuration, store and releases."""
        return Place(load_city(self.yaml), open_store(self.store_url), self.releases)

    def run(self, rows: list[dict[str, str]], now: dt.datetime = NOW, **options: Any) -> RunReport:
        """Write these rows and run the ETL over them."""
        path = self.write(rows)
        place = self.place()
        prepared = prepare(place.config, self.yaml, {"calls": path})
        return run(place, prepared, now=now, options=Options(**options))

    def run_again(self, now: dt.datetime = NOW, path: Path | None = None, **options: Any) -> RunReport:
        """Run the ETL over the file (or another one) as it lies there, with the configuration as it is now."""
        self.yaml.write_text(yaml.safe_dump(self.config), encoding="utf-8")
        place = self.place()
        prepared = prepare(place.config, self.yaml, {"calls": path or self.folder / "calls.csv"})
        return run(place, prepared, now=now, options=Options(**options))

    def replay(self, now: dt.datetime = NOW) -> RunReport:
        """Run the ETL over the raw copies alone, with the configuration as it is now."""
        self.yaml.write_text(yaml.safe_dump(self.config), encoding="utf-8")
        place = self.place()
        prepared = prepare(place.config, self.yaml, {}, ask=False)
        return run(place, prepared, now=now, options=Options(replay=True))

    def current(self) -> str | None:
        """Id of the promoted release."""
        folder = chain.current_folder(self.releases)
        return folder.name if folder else None

    def package(self) -> dict[str, Any]:
        """datapackage.json of the promoted release."""
        return chain.read_package(self.releases / str(self.current()))


def make_city(folder: Path, store_url: str) -> TinyCity:
    """Layers: two districts side by side whose border moved east on 2024-03-01."""
    for name, border in (("old", -71.09), ("new", -71.07)):
        gpd.GeoDataFrame(
            {"code": ["1", "2"], "label": ["West", "East"]},
            geometry=[box(-71.15, 42.3, border, 42.4), box(border, 42.3, -71.0, 42.4)],
            crs="EPSG:4326",
        ).to_file(folder / f"{name}.geojson")
    gpd.GeoDataFrame(
        {"name": ["Main St"], "rank": [1]}, geometry=[LineString([(-71.15, 42.35), (-71.0, 42.35)])], crs="EPSG:4326"
    ).to_file(folder / "streets.geojson")
    return TinyCity(folder, store_url, copy.deepcopy(CITY))


@pytest.fixture
def tiny(tmp_path: Path) -> TinyCity:
    """The tiny city in a SQLite store."""
    return make_city(tmp_path, f"sqlite:///{tmp_path / 'store.sqlite'}")


@pytest.fixture
def tiny_on(tmp_path: Path, store_url: str) -> TinyCity:
    """The tiny city, once in SQLite and once in PostGIS."""
    return make_city(tmp_path, store_url)


@pytest.fixture
def rows() -> list[dict[str, str]]:
    """Fresh copies of the four rows."""
    return [dict(row) for row in ROWS]


Query = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def ask() -> Query:
    """`ask(folder, sql, *params)` over a release's requests.parquet as `requests` (and its other tables)."""
    import duckdb

    def query(folder: Path, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        with duckdb.connect() as db:
            for path in folder.glob("*.parquet"):
                db.execute(f"CREATE VIEW {path.stem} AS SELECT * FROM read_parquet('{path}')")
            return db.execute(sql, list(params)).fetchall()

    return query
