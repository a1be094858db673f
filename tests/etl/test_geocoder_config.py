"""The section `geocoder` of a city's YAML, and the files it names read into a reference."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import yaml

from etl.config import CityConfig, load_city
from etl.errors import ConfigError, SourceError
from etl.geocoder_reference import ReferenceFiles, fingerprint, read_reference

CITIES = Path(__file__).parents[2] / "cities"

CITY: dict[str, Any] = {
    "city": {
        "id": "town", "name": "Town", "timezone": "America/New_York", "crs": "EPSG:26986",
        "bbox": [-71.2, 42.2, -70.9, 42.4],
        "license": {"name": "PDDL-1.0", "title": "PDDL", "path": "https://example.org/licence"},
    },
    "sources": {"requests": {"kind": "file", "format": "csv", "columns": {
        "service_request_id": "id", "status": "state", "service_name": "what",
        "requested_datetime": {"column": "opened", "formats": ["ISO8601"]},
    }, "statuses": {"Open": "open"}}},
}  # fmt: skip
SECTION: dict[str, Any] = {
    "streets": [{"path": "streets.gpkg", "name": ["pre", "name"], "left_from": "lf", "left_to": "lt"}],
    "addresses": [{"path": "points.csv", "address": "address", "lat": "lat", "long": "lon"}],
    "aliases": {"Old Way": "Elm St"},
    "alias_files": [{"path": "aliases.csv", "name": "other", "stands_for": "street"}],
    "places": [{"path": "parks.geojson", "name": "name"}],
    "named_places": {"Town Hall": {"lat": 42.3, "long": -71.0}},
}


def _config(section: dict[str, Any] | None = None, **changes: Any) -> CityConfig:
    city = copy.deepcopy(CITY)
    if section is not None:
        city["geocoder"] = {**copy.deepcopy(section), **changes}
    return CityConfig.model_validate(city)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files that SECTION names: a crossing of two streets, two addresses, an alias, a park."""
    lines = [
        shapely.LineString([(-71.001, 42.3), (-71.0, 42.3)]), shapely.LineString([(-71.0, 42.3), (-71.0, 42.301)]),
    ]  # fmt: skip
    columns = {"pre": ["N", None], "name": ["Elm St", "Oak Ave"], "lf": [1, 0], "lt": [99, 0]}
    gpd.GeoDataFrame(columns, geometry=lines, crs=4326).to_file(tmp_path / "streets.gpkg")
    table = {
        "address": ["12 Elm St", "14 Elm St", "Elm St"],
        "lat": [42.3, 42.3001, 42.3],
        "lon": [-71.0, -71.0, -71.0],
    }
    pd.DataFrame(table).to_csv(tmp_path / "points.csv", index=False)
    pd.DataFrame({"other": ["Route 9", "Old Way"], "street": ["Oak Ave", "X"]}).to_csv(
        tmp_path / "aliases.csv", index=False
    )
    park = gpd.GeoDataFrame({"name": ["Green"]}, geometry=[shapely.box(-71.0, 42.3, -70.999, 42.301)], crs=4326)
    park.to_file(tmp_path / "parks.geojson")
    return tmp_path


def test_a_city_without_the_section_has_no_reference(tmp_path: Path) -> None:
    assert _config().geocoder is None
    assert read_reference(_config(), [tmp_path]) is None
    assert fingerprint(_config(), [tmp_path]) is None


def test_the_defaults_draw_nothing_vaguer_than_a_block() -> None:
    settings = _config({}).geocoder
    assert settings is not None
    assert (settings.parser, settings.draw, settings.min_score) == ("us", "block", 0.5)
    assert (settings.contradiction, settings.default_points, settings.swapped) == ("flag", "replace", "mend")


def test_the_files_become_one_reference(folder: Path, tmp_path: Path) -> None:
    files = ReferenceFiles.of(_config(SECTION), [tmp_path / "elsewhere", folder])
    assert files is not None
    reference, dropped = files.read()
    assert reference.crs == "EPSG:26986"
    assert reference.segments is not None
    assert reference.segments.street.tolist() == ["N Elm St", "Oak Ave"]
    assert reference.points is not None
    assert reference.points.number.tolist() == [12, 14]
    assert dropped["points.csv"].no_number == 1
    assert reference.intersections is not None
    assert reference.intersections.cross.tolist() == ["Oak Ave"]
    assert reference.places is not None
    assert reference.places.name.tolist() == ["Green", "Town Hall"]
    assert reference.aliases == {"Route 9": "Oak Ave", "Old Way": "Elm St"}


def test_several_files_of_a_kind_are_joined(folder: Path) -> None:
    second = {"path": "points.csv", "address": "address", "lat": "lat", "long": "lon"}
    reference = read_reference(_config(SECTION, addresses=[*SECTION["addresses"], second]), [folder])
    assert reference is not None
    assert reference.points is not None
    assert len(reference.points) == 4


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"streets": [{"path": "no.gpkg", "name": "name"}]}, r"geocoder: streets: 'no.gpkg' is in none of"),
        ({"calibration": "no.json"}, r"geocoder: calibration: 'no.json' is in none of"),
        (
            {"streets": [{"path": "streets.gpkg", "name": "nme"}]},
            r"geocoder: streets: .*streets.gpkg: column 'nme' is missing; the file has pre, name, lf, lt$",
        ),
        (
            {"addresses": [{"path": "points.csv", "address": "a", "lat": "lat", "long": "lon"}]},
            r"geocoder: addresses: .*points.csv: column 'a' is missing; the file has address, lat, lon$",
        ),
        ({"addresses": [{"path": "points.csv", "address": "address"}]}, r"addresses: .*points.csv: has no geometry"),
        (
            {"alias_files": [{"path": "aliases.csv", "name": "alias", "stands_for": "street"}]},
            r"geocoder: alias_files: .*aliases.csv: column 'alias' is missing; the file has other, street$",
        ),
        ({"places": [{"path": "bad.geojson", "name": "name"}]}, r"geocoder: places: .*cannot be read as a geographic"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_line(folder: Path, change: dict[str, Any], expected: str) -> None:
    (folder / "bad.geojson").write_text("{")
    with pytest.raises(SourceError, match=expected) as caught:
        read_reference(_config(SECTION, **change), [folder])
    assert "\n" not in str(caught.value)
    assert str(caught.value).count(f" {folder}") == 1


def test_the_fingerprint_follows_bytes_and_settings(folder: Path) -> None:
    first = fingerprint(_config(SECTION), [folder])
    assert fingerprint(_config(SECTION), [folder]) == first
    assert fingerprint(_config(SECTION, min_score=0.6), [folder]) != first
    with (folder / "points.csv").open("a") as file:
        file.write("16 Elm St,42.3,-71.0\n")
    assert fingerprint(_config(SECTION), [folder]) != first


def test_the_rules_of_a_source_follow_the_section() -> None:
    assert _config(SECTION).rules_of("requests") == _config(SECTION).rules_of("requests")
    assert _config(SECTION).rules_of("requests") != _config(SECTION, draw="street").rules_of("requests")
    assert _config(SECTION).rules_of("requests") != _config().rules_of("requests")


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ("{draw: city}", "geocoder.draw: "),
        ("{min_score: 2}", "geocoder.min_score: "),
        ("{street: []}", "geocoder.street: is not a key of this section"),
        ("{streets: [{path: a, name: n, left_from: f}]}", "left_from and left_to go together"),
        ("{streets: [{path: a, name: 7}]}", r"geocoder.streets.0.name: "),
        ("{addresses: [{path: a, address: x, number: n, street: s}]}", "name the column 'address', or both"),
        ("{addresses: [{path: a, number: n}]}", "name the column 'address', or both"),
        ("{addresses: [{path: a, address: x, lat: y}]}", "lat and long go together"),
        ("{named_places: {A: {lat: 91, long: 0}}}", "geocoder.named_places.A.lat: "),
    ],
)
def test_a_wrong_section_is_told_by_its_key(tmp_path: Path, section: str, expected: str) -> None:
    path = tmp_path / "town.yaml"
    path.write_text(yaml.safe_dump(CITY) + f"geocoder: {section}\n")
    with pytest.raises(ConfigError, match=expected) as caught:
        load_city(path)
    assert "tuple[" not in str(caught.value)


def test_off_needs_no_quotes(tmp_path: Path) -> None:
    path = tmp_path / "town.yaml"
    path.write_text(yaml.safe_dump(CITY) + "geocoder: {contradiction: off, default_points: off, swapped: off}\n")
    settings = load_city(path).geocoder
    assert settings is not None
    assert (settings.contradiction, settings.default_points, settings.swapped) == ("off", "off", "off")


def test_the_real_cities_files_are_what_their_yaml_says(shared_data: Path) -> None:
    boston = read_reference(load_city(CITIES / "boston.yaml"), [CITIES, shared_data / "boston"])
    assert boston is not None
    assert boston.points is not None
    assert (len(boston.points), boston.segments) == (36_760, None)
    west = read_reference(load_city(CITIES / "san_francisco.yaml"), [CITIES, shared_data / "san_francisco"])
    assert west is not None
    assert west.segments is not None
    assert west.intersections is not None
    assert len(west.segments) == 15_602
    assert (west.segments.from_node > 0).all()
    assert np.isfinite(west.intersections.lon).all()
    with pytest.raises(SourceError, match=r"geocoder: streets: 'street_centerlines.gpkg' is in none of"):
        read_reference(load_city(CITIES / "san_francisco.yaml"), [CITIES])
