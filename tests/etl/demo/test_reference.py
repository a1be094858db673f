"""The demo city's files are a reference that its own YAML can read."""

from __future__ import annotations

from pathlib import Path

from etl.config import load_city
from etl.demo import DemoFiles
from etl.geocoder_reference import ReferenceFiles

YAML = Path(__file__).parents[3] / "cities" / "demo.yaml"


def test_the_demo_citys_reference_is_read(demo: DemoFiles) -> None:
    files = ReferenceFiles.of(load_city(YAML), [demo.address_points.parent])
    assert files is not None
    reference, dropped = files.read()
    assert reference.segments is not None
    assert reference.points is not None
    assert reference.intersections is not None
    assert reference.places is not None
    assert dropped["address_points.csv"].total == 0
    assert (reference.points.zip != "").all()
    assert set(reference.points.street) <= set(reference.segments.street)
    assert (reference.segments.left_to > 0).mean() > 0.5
    assert len(reference.intersections) > len(reference.segments) / 10
    assert "City Hall" in reference.places.name
