"""A city's YAML: what is accepted, and what each mistake is told."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from etl.config import CityConfig, load_city
from etl.errors import ConfigError
from tests.etl.conftest import CITY

CITIES = Path(__file__).parents[2] / "cities"


@pytest.mark.parametrize("path", sorted(CITIES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_city_is_valid(path: Path) -> None:
    assert load_city(path).city.id == path.stem


def _wrong(path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    config = copy.deepcopy(CITY)
    part: Any = config
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    return config


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("city", "timezone"), "Mars/Olympus", ["city.timezone", "IANA", "'Mars/Olympus'"]),
        (("city", "crs"), "EPSG:4326", ["city.crs", "metres", "'EPSG:4326'"]),
        (("city", "bbox"), [1, 2, 0, 3], ["city.bbox", "west < east"]),
        (("city", "nmae"), "x", ["city.nmae", "is not a key of this section"]),
        (("sources", "calls", "columns", "statuz"), "STATUS", ["'statuz' is not a field", "status_notes"]),
        (("sources", "calls", "columns", "closed_datetime"), "CLOSED", ["'closed_datetime' must be {column"]),
        (("sources", "calls", "statuses"), {"open": "ajar"}, ["sources.calls.statuses.open", "'closed'", "'ajar'"]),
        (("sources", "calls", "areas"), {"parish": "P"}, ["'parish' is not a layer", "district, ward"]),
        (("sources", "calls", "outcomes"), [{"match": "(", "outcome": "done"}], ["outcomes.0.match", "regular"]),
        (("privacy", "publish"), ["media_url"], ["privacy.publish.0", "'address'", "'media_url'"]),
    ],
)
def test_a_mistake_names_file_key_found_and_allowed(
    tmp_path: Path, path: tuple[str | int, ...], value: Any, told: list[str]
) -> None:
    file = tmp_path / "city.yaml"
    file.write_text(yaml.safe_dump(_wrong(path, value)), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_city(file)
    message = str(caught.value)
    assert "\n" not in message
    for part in [str(file), *told]:
        assert part in message


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"city:\n\tid: x\n", ["line 2", "a tab"]),
        (b"city: {id: x", ["line 1"]),
        (b"- a\n- b\n", ["list"]),
        (b"", ["NoneType"]),
        (b"city: caf\xe9", ["not UTF-8"]),
        (b"x" * 2_000_001, ["no configuration"]),
    ],
)
def test_a_file_that_is_no_yaml_mapping_is_told_in_one_line(tmp_path: Path, content: bytes, told: list[str]) -> None:
    file = tmp_path / "city.yaml"
    file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_city(file)
    assert "\n" not in str(caught.value)
    assert all(part in str(caught.value) for part in [str(file), *told])


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_city(tmp_path / "none.yaml")


def test_the_fingerprint_follows_meaning_and_not_layout() -> None:
    same = CityConfig.model_validate(CITY).fingerprint()
    assert CityConfig.model_validate(dict(reversed(CITY.items()))).fingerprint() == same
    assert CityConfig.model_validate(_wrong(("city", "name"), "Other")).fingerprint() != same


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("city: {id: a, name: b, name: c}\n", "'name' is given twice"),
        ("city: 1\ncity: 2\n", "'city' is given twice"),
    ],
)
def test_a_key_given_twice_is_a_mistake(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "city.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=told):
        load_city(file)


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("sources", "calls", "as_of"), "soon", "as_of"),
        (("sources", "calls", "columns", "requested_datetime", "formats"), ["%Q"], "no strptime format"),
        (("sources", "calls", "columns", "requested_datetime", "formats"), ["MM/dd/yyyy"], "no strptime format"),
        (("sources", "calls", "columns", "requested_datetime", "timezone"), "Mars/X", "IANA"),
        (("sources", "calls", "delimiter"), ";;", "one character"),
        (("layers", 1, "layer"), "month", "name of a column"),
        (("layers", 1, "area_title"), "Ward {number}", "may name {area} only"),
        (("layers", 0, "files", 0, "valid_to"), "2025-02-30", "valid_to"),
    ],
)
def test_what_would_fail_after_the_load_is_told_before(
    tmp_path: Path, path: tuple[str | int, ...], value: Any, told: str
) -> None:
    file = tmp_path / "city.yaml"
    config = _wrong(path, value)
    if path[0] == "layers":
        config["sources"]["calls"]["areas"] = {}
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_city(file)
    assert told in str(caught.value)


def test_the_documents_example_of_boundaries_loads(tmp_path: Path) -> None:
    text = (CITIES.parent / "docs" / "your-city.md").read_text(encoding="utf-8")
    block = text.split("```yaml\nlayers:")[1].split("```")[0]
    config = copy.deepcopy(CITY) | yaml.safe_load("layers:" + block)
    config["sources"]["calls"]["areas"] = {}
    file = tmp_path / "city.yaml"
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    assert [str(f.valid_from) for f in load_city(file).layers[0].files] == ["None", "2023-01-01"]
