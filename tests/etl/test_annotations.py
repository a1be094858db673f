"""Events that charts are marked with: refused in one line where they are wrong, and published as the YAML lists them."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from click.testing import CliRunner

from etl.config import load_city
from etl.demo import plan, reported
from etl.demo.frame import REDRAWN
from etl.demo.generate import city_yaml
from etl.errors import ConfigError
from openward import main
from tests.demo_factory import small_demo


def city(folder: Path, *annotations: dict[str, Any]) -> Path:
    """The demo's YAML with these events."""
    told = yaml.safe_load(city_yaml())
    told["annotations"] = list(annotations)
    path = folder / "city.yaml"
    path.write_text(yaml.safe_dump(told), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"date": "soon"}, "annotations.0.date"),
        ({"date": "2025-02-30"}, "annotations.0.date"),
        ({"until": "2024-12-31"}, "annotations.0: until 2024-12-31 is before date 2025-01-01"),
        ({"text": " "}, "annotations.0.text: must be one line of words"),
        ({"text": "two\nlines"}, "annotations.0.text: must be one line of words"),
        ({"text": "x" * 101}, "annotations.0.text"),
        ({"service": "PW99"}, "annotations.0.service: 'PW99' is not listed under services; allowed: DT01, DT02"),
        ({"department": "XYZ"}, "annotations.0.department: 'XYZ' is not listed under departments; allowed: DOT"),
        ({"area": "6"}, "annotations.0.area: '6' is not layer:code; layers are council_district, neighborhood, zip"),
        ({"area": "ward:6"}, "annotations.0.area: 'ward:6' is not layer:code"),
        ({"link": "javascript:alert(1)"}, "annotations.0.link: must be an address that begins with https:// or http://"),
        ({"colour": "red"}, "annotations.0.colour: is not a key of this section"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, wrong: dict[str, Any], said: str) -> None:
    path = city(tmp_path, {"date": "2025-01-01", "text": "An event", **wrong})
    with pytest.raises(ConfigError) as told:
        load_city(path)
    assert said in str(told.value) and "\n" not in str(told.value)


def test_too_many_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="201 are too many"):
        load_city(city(tmp_path, *({"date": "2025-01-01", "text": f"Event {i}"} for i in range(201))))


def test_the_demo_s_events_are_those_that_are_planted() -> None:
    first, second = yaml.safe_load(city_yaml())["annotations"]
    assert first["date"] == REDRAWN
    assert first["until"] == REDRAWN + timedelta(days=plan.STALE_DAYS - 1)
    assert second["date"] == reported.SHIFTED


def test_events_are_published_and_gone_without_the_section(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = small_demo(tmp_path / "demo")
    monkeypatch.setenv("OPENWARD_HOME", str(tmp_path / "home"))
    releases = tmp_path / "home" / "demo" / "releases"
    told = yaml.safe_load(files.city.read_text(encoding="utf-8"))

    def run(*annotations: dict[str, Any]) -> tuple[int, str]:
        files.city.write_text(yaml.safe_dump(told | {"annotations": list(annotations)}), encoding="utf-8")
        result = CliRunner().invoke(main, ["etl", "run", str(files.city)])
        return result.exit_code, result.output

    code, output = run({"date": "2025-05-01", "text": "Nowhere", "area": "council_district:66"})
    assert code != 0 and "annotations.0.area: '66' is no area of the layer 'council_district'" in output
    assert not (releases / "current").exists(), "nothing is loaded before the file is right"

    code, output = run(
        {"date": date(2025, 3, 1), "text": "Later", "department": "PWD", "link": "https://example.org/a?b=1"},
        {"date": date(2024, 1, 6), "until": date(2024, 1, 9), "text": "Snow emergency", "service": "PW05"},
        {"date": date(2025, 5, 1), "text": "A works yard moves", "area": "council_district:6"},
    )
    assert code == 0, output
    folder = (releases / "current").resolve()
    rows = [
        (date(2024, 1, 6), date(2024, 1, 9), "Snow emergency", "PW05", None, None, None, None),
        (date(2025, 3, 1), None, "Later", None, "PWD", None, None, "https://example.org/a?b=1"),
        (date(2025, 5, 1), None, "A works yard moves", None, None, "council_district", "6", None),
    ]
    assert duckdb.sql(f"SELECT * FROM '{folder / 'annotations.parquet'}'").fetchall() == rows
    with duckdb.connect(str(folder / "serve.duckdb"), read_only=True) as index:
        assert index.execute("SELECT * FROM annotations").fetchall() == rows
    package = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    described = next(r for r in package["resources"] if r["name"] == "annotations")
    assert described["rows"] == 3 and [f["name"] for f in described["schema"]["fields"]][:3] == [
        "first_day", "last_day", "text",
    ]  # fmt: skip

    code, output = run()
    assert code == 0, output
    package = json.loads(((releases / "current").resolve() / "datapackage.json").read_text(encoding="utf-8"))
    assert "annotations" not in [r["name"] for r in package["resources"]]
