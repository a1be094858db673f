"""The release's table of events that charts over time are marked with, as the city's YAML lists them.

Charter: the YAML's events as a published table, and whether the areas that they name are there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

from etl.config import CityConfig
from etl.config.annotations import Annotation
from etl.errors import ConfigError
from geo.boundaries import Vintage

NAME = "annotations"
SCHEMA = pa.schema(
    [
        ("first_day", pa.date32()), ("last_day", pa.date32()), ("text", pa.string()), ("service_code", pa.string()),
        ("department", pa.string()), ("layer", pa.string()), ("area", pa.string()), ("link", pa.string()),
    ]
)  # fmt: skip


def check_areas(entries: Sequence[Annotation], layers: Mapping[str, Sequence[Vintage]]) -> None:
    """ConfigError if an event is of an area that no vintage of its layer has; layers without boundaries may have any."""
    for i, entry in enumerate(entries):
        layer, _mark, code = (entry.area or "").partition(":")
        codes = {str(area) for vintage in layers.get(layer, ()) for area in vintage.areas["area"]}
        if codes and code not in codes:
            shown = sorted(codes)[:12]
            more = f" and {len(codes) - len(shown)} more" if len(codes) > len(shown) else ""
            raise ConfigError(
                f"annotations.{i}.area: '{code}' is no area of the layer '{layer}'; it has {', '.join(shown)}{more}"
            )


def with_annotations(tables: dict[str, pa.Table], config: CityConfig) -> dict[str, pa.Table]:
    """The release's small tables and this one, by date, where the city lists any event."""
    rows = []
    for entry in sorted(config.annotations, key=lambda one: (one.date, one.until or one.date, one.text)):
        layer, _mark, area = (entry.area or "").partition(":")
        rows.append(
            (
                entry.date,
                entry.until,
                entry.text,
                entry.service,
                entry.department,
                layer or None,
                area or None,
                entry.link,
            )
        )
    if not rows:
        return tables
    return tables | {NAME: pa.table([[row[i] for row in rows] for i in range(len(SCHEMA))], schema=SCHEMA)}
