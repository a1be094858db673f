"""Reading who lives where: a city's files of income, race and age by area, as one tidy table.

Charter: files in, one row for each layer, area and measure out; a mistake is one line that names file, column and area.
Nothing is estimated here: an area without a figure has none.
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from etl.config import CityConfig
from etl.config.demographics import SCALE_OF_SHARES, DemographicMeasure, Demographics
from etl.errors import SourceError
from etl.layers import find_file
from geo.boundaries import Vintage

MOST_BYTES = 100_000_000
LARGEST = {"share": 1.0, "years": 120.0, "dollars": math.inf, "people": math.inf}
LEAST_MATCHED = 0.5
"""A file that has figures for less of a layer's areas is taken to speak of other areas."""


@dataclass(frozen=True)
class Demographic:
    """One figure of one area; `moe` is its 90% margin of error, in the same unit, where the file has one."""

    layer: str
    area: str
    measure: str
    value: float
    moe: float | None
    title: str
    unit: str
    year: int
    source: str
    license: str | None


@dataclass(frozen=True)
class PeopleByArea:
    """Every figure that a city's files have, ordered by layer, measure and area; `sha256` of them, "" without any."""

    rows: list[Demographic]
    sha256: str


def read_demographics(
    config: CityConfig, folders: Sequence[Path], layers: Mapping[str, Sequence[Vintage]]
) -> PeopleByArea:
    """All of a city's files for the areas of its layers; SourceError says what is wrong with one of them."""
    found: list[Demographic] = []
    for entry in config.demographics:
        path = find_file(entry.file, folders, f"demographics of '{entry.layer}'")
        found += read_file(entry, path, layers.get(entry.layer, ()))
    found.sort(key=lambda row: (row.layer, row.measure, row.area))
    text = json.dumps([astuple(row) for row in found], ensure_ascii=False)
    return PeopleByArea(found, hashlib.sha256(text.encode()).hexdigest() if found else "")


def read_file(entry: Demographics, path: Path, vintages: Sequence[Vintage]) -> list[Demographic]:
    """The figures of one file for the areas of its layer. Rows of other areas (a county's water) are passed over."""
    rows = _rows(entry, path)
    areas = _names_of(vintages)
    found = []
    for measure in entry.measures:
        figures = _figures(entry, measure, path, rows, areas)
        known = {area for area in areas.values() if area in figures}
        if len(known) < LEAST_MATCHED * len(set(areas.values())):
            stated = next((row[entry.area].strip() for row in rows), "")
            wanted = next(iter(areas), "")
            raise SourceError(
                f"demographics: {path}: column '{entry.area}' has figures of '{measure.id}' for {len(known)} of "
                f"{len(set(areas.values()))} areas of the layer '{entry.layer}' (first code there '{stated}', here '{wanted}'); "
                "name another column or set code_length"
            )
        for area, (value, moe) in sorted(figures.items()):
            found.append(
                Demographic(
                    entry.layer, area, measure.id, value, moe, measure.title, measure.unit, entry.year, entry.source,
                    entry.license,
                )
            )  # fmt: skip
    return found


def _names_of(vintages: Sequence[Vintage]) -> dict[str, str]:
    """What a file may call an area -> its code: the code itself, or a name that only one area has."""
    codes: dict[str, str] = {}
    names: dict[str, set[str]] = {}
    for vintage in vintages:
        for code, name in zip(vintage.areas["area"], vintage.areas["name"], strict=True):
            codes[str(code)] = str(code)
            names.setdefault(str(name), set()).add(str(code))
    alone = {name: next(iter(of)) for name, of in names.items() if len(of) == 1}
    return codes | {name: code for name, code in alone.items() if name not in codes}


def _rows(entry: Demographics, path: Path) -> list[dict[str, str]]:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise SourceError(f"demographics: {path}: larger than {MOST_BYTES:,} bytes; give the areas' rows only")
        with path.open(encoding=entry.encoding, newline="") as file:
            reader = csv.DictReader(file, restkey="(more)", restval="")
            there = list(reader.fieldnames or ())
            for column in (entry.area, *(c for measure in entry.measures for c in measure.columns())):
                if column not in there:
                    raise SourceError(
                        f"demographics: {path}: column '{column}' is missing; the file has {', '.join(there)}"
                    )
            rows = list(reader)[entry.skip_rows :]
    except (OSError, UnicodeError, LookupError, csv.Error) as error:
        raise SourceError(f"demographics: {path}: cannot be read as CSV ({error})") from error
    if not rows:
        raise SourceError(f"demographics: {path}: holds no rows")
    return rows


def _figures(
    entry: Demographics,
    measure: DemographicMeasure,
    path: Path,
    rows: Sequence[Mapping[str, str]],
    areas: Mapping[str, str],
) -> dict[str, tuple[float, float | None]]:
    """Value and margin by area code."""
    gathered: dict[str, list[tuple[float, float | None]]] = {}
    sums: dict[str, tuple[float, float]] = {}
    for row in rows:
        if any((row[column] or "").strip() != wanted for column, wanted in measure.where.items()):
            continue
        area = areas.get(_code(row[entry.area], entry.code_length))
        if area is None:
            continue

        def read(column: str | None, row: Mapping[str, str] = row, area: str = area) -> float | None:
            return None if column is None else _number(entry, path, column, area, row[column])

        if measure.column is None:
            above, below = read(measure.numerator), read(measure.denominator)
            if above is not None and below is not None:
                before = sums.get(area, (0.0, 0.0))
                sums[area] = (before[0] + above, before[1] + below)
            continue
        value, moe = read(measure.column), read(measure.moe)
        if value is not None:
            gathered.setdefault(area, []).append((value, moe))
    found: dict[str, tuple[float, float | None]] = {
        area: (above / below, None) for area, (above, below) in sums.items() if below > 0
    }
    scale = SCALE_OF_SHARES[measure.written_as]
    for area, values in gathered.items():
        if len(values) > 1 and measure.combine == "none":
            raise SourceError(
                f"demographics: {path}: column '{measure.column}', area '{area}': {len(values)} rows; "
                "name one with where, or set combine: mean"
            )
        value = sum(v for v, _ in values) / len(values) / scale
        moe = values[0][1] if len(values) == 1 else None
        found[area] = (value, None if moe is None else moe / scale)
    for area, (value, _) in found.items():
        if not 0 <= value <= LARGEST[measure.unit] + 1e-9:
            column = measure.column or f"{measure.numerator} / {measure.denominator}"
            raise SourceError(
                f"demographics: {path}: column '{column}', area '{area}': {value:g} is not a number of {measure.unit}; "
                "a code for 'unknown' belongs in null_values"
            )
    return found


def _code(text: str, length: int | None) -> str:
    code = (text or "").strip()
    return code if length is None else code[:length].zfill(length)


def _number(entry: Demographics, path: Path, column: str, area: str, text: str) -> float | None:
    words = (text or "").strip()
    if words in entry.null_values:
        return None
    try:
        value = float(words.replace(",", "").removeprefix("$").removesuffix("%"))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise SourceError(
            f"demographics: {path}: column '{column}', area '{area}': '{words[:40]}' is not a number; "
            "if it stands for 'unknown', add it to null_values"
        )
    return value
