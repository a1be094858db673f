"""A city's files of streets, addresses and places, as the tables that a geocoder is built from.

Charter: reading frames by the columns that a city names; numbers, ZIPs and geometry made uniform, entries that would
mislead left out and counted. Names of streets stay as the file has them, what they mean is `reading`'s.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray

from geo.boundaries import read_features
from geo.crs import WGS84, Floats
from geo.errors import LayerError
from geo.geocoding.model import Ints, Objects, Places, Points, Segments

Column = str | tuple[str, ...]
"""One column, or several whose texts make the value, joined by blanks: ('PREDIR', 'NAME', 'TYPE')."""

HYPHEN: Final = 10_000
"""A hyphenated number is first * HYPHEN + second: 120-55 is 1,200,055."""

SHARED_BY: Final = 10
"""Addresses of so many different streets within a metre are a file's default point, not a corner."""

WIDEST_RANGE: Final = 200
"""A point that stands for more numbers than these ('99-1001') is a slip: only its first number is kept."""

PLACE_RADIUS_M: Final = 50.0
"""How far a place reaches where its file gives a point and no more."""

_FILE_SPEAKS: Final = 10
"""So many hyphenated numbers at least before the file as a whole says what they are."""

_METRES_PER_DEGREE: Final = 111_320.0


@dataclass(frozen=True)
class SegmentColumns:
    """Columns of a file of street centerlines; None: the file has none."""

    name: Column
    alternates: tuple[Column, ...] = ()
    left_from: str | None = None
    left_to: str | None = None
    right_from: str | None = None
    right_to: str | None = None
    left_zip: str | None = None
    right_zip: str | None = None
    left_place: str | None = None
    right_place: str | None = None
    from_node: str | None = None
    to_node: str | None = None


@dataclass(frozen=True)
class PointColumns:
    """Columns of a file of address points: `address` (number and street in one), or `number` and `street`.

    `lat` and `lon` (degrees) where the file has no geometry.
    """

    address: str | None = None
    number: str | None = None
    number_suffix: str | None = None
    street: Column | None = None
    zip: str | None = None
    place: str | None = None
    lat: str | None = None
    lon: str | None = None


@dataclass(frozen=True)
class PlaceColumns:
    """Columns of a file of named places. `radius_m`: None takes it from the shape, PLACE_RADIUS_M for a point."""

    name: Column
    lat: str | None = None
    lon: str | None = None
    radius_m: str | None = None


@dataclass(frozen=True)
class Dropped:
    """Entries of a file of address points that were left out, by the first reason that held."""

    no_location: int = 0
    no_number: int = 0
    no_street: int = 0
    shared_point: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.no_location + self.no_number + self.no_street + self.shared_point


def read_table(path: Path) -> pd.DataFrame:
    """A CSV (also gzipped) with all columns as text, a Parquet file, or any file that geopandas reads in EPSG:4326.

    LayerError says what is wrong with the file.
    """
    name = path.name.lower()
    csv = name.endswith((".csv", ".csv.gz", ".tsv", ".tsv.gz"))
    if not csv and not name.endswith((".parquet", ".geoparquet")):
        return read_features(path)
    try:
        if csv:
            sep = "\t" if ".tsv" in name else ","
            frame = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""], encoding="utf-8-sig", sep=sep)
        elif b"geo" in (pa.parquet.read_schema(path).metadata or {}):
            frame = gpd.read_parquet(path)
        else:
            frame = pd.read_parquet(path)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise LayerError(f"{path}: cannot be read as a table ({str(error).splitlines()[0]})") from error
    if frame.empty:
        raise LayerError(f"{path}: holds no rows")
    return frame


def _flat(*columns: Column | None) -> list[str]:
    return [name for column in columns if column for name in ((column,) if isinstance(column, str) else column)]


def _require(frame: pd.DataFrame, *columns: Column | None) -> None:
    """LayerError unless every named column is there."""
    for column in _flat(*columns):
        if column not in frame.columns:
            there = ", ".join(str(c) for c in frame.columns if c != "geometry")
            raise LayerError(f"column '{column}' is missing; the file has {there}")


def _text(series: pd.Series[Any]) -> pa.Array:
    """A column as trimmed text with single blanks, null where empty; whole floats lose their '.0'."""
    try:
        column = pa.array(series, from_pandas=True)
        column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        column = pc.cast(column, pa.string())
    except (pa.ArrowException, TypeError):
        column = pa.array([None if pd.isna(value) else str(value) for value in series], pa.string())
    column = pc.utf8_trim_whitespace(pc.replace_substring_regex(column, r"[\s\x00]+", " "))
    column = pc.replace_substring_regex(column, r"^(\d+)\.0+$", r"\1")
    return pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)


def _joined(frame: pd.DataFrame, column: Column) -> pa.Array:
    """The column's text, or its parts' joined by blanks ('' where all are empty)."""
    parts = [_text(frame[name]) for name in _flat(column)]
    if len(parts) == 1:
        return pc.fill_null(parts[0], "")
    return pc.utf8_trim_whitespace(pc.binary_join_element_wise(*parts, " ", null_handling="skip"))


def _objects(column: pa.Array) -> Objects:
    """Text as an object array; equal texts are one object."""
    out: Objects = np.asarray(column.to_pandas(deduplicate_objects=True), dtype=object)
    return out


def _texts(frame: pd.DataFrame, column: Column | None) -> Objects:
    """A column's texts, '' where it is empty or the file has none."""
    if column is None:
        return np.full(len(frame), "", dtype=object)
    return _objects(_joined(frame, column))


def zip_of(text: str) -> str:
    """Five digits of what stands in a ZIP column ('2111.0', '02111-1234', '021111234'), or ''."""
    found = re.fullmatch(r"(\d{1,9})(?:\.0+)?(?:\s*-\s*\d{0,4})?", text.strip(), flags=re.ASCII)
    if found is None or not int(found[1]):
        return ""
    digits = found[1]
    return digits.zfill(9)[:5] if len(digits) > 5 else digits.zfill(5)


def _zips(frame: pd.DataFrame, column: str | None) -> Objects:
    """A column's ZIPs; each distinct text is read once."""
    if column is None:
        return np.full(len(frame), "", dtype=object)
    codes, distinct = pd.factorize(_objects(_joined(frame, column)))
    out: Objects = np.array([*(zip_of(text) for text in distinct), ""], dtype=object)[codes]
    return out


_END = r"(?P<{0}>\d{{1,9}})\s?(?P<{0}_suffix>[A-Z]|HF|HALF|1/2)?"
_NUMBER: Final = re.compile(
    _END.format("first") + r"(?:\s*[-–]\s*" + _END.format("second") + r")?", flags=re.ASCII | re.IGNORECASE
)
_HALVES: Final = frozenset({"HF", "HALF", "1/2"})


def _suffix(text: str | None) -> str:
    """'', a letter, or '1/2'."""
    upper = (text or "").upper()
    return "1/2" if upper in _HALVES else upper


def _numbers(column: pa.Array) -> tuple[Ints, Ints, Ints, Objects]:
    """Of every text: first and second number (-1: none), digits of the second (negative: a nought leads), suffix."""
    codes, distinct = pd.factorize(_objects(pc.replace_substring(pc.fill_null(column, ""), "½", " 1/2")))
    rows: list[tuple[int, int, int]] = []
    suffixes: list[str] = []
    for text in distinct:
        found = _NUMBER.fullmatch(text.strip())
        if found is None:
            rows.append((-1, -1, 0))
            suffixes.append("")
            continue
        second = found["second"] or ""
        digits = -len(second) if second.startswith("0") else len(second)
        rows.append((int(found["first"]), int(second) if second else -1, digits))
        suffixes.append(_suffix(found["first_suffix"]))
    table = np.array(rows, dtype=np.int64).reshape(-1, 3)[codes]
    return table[:, 0], table[:, 1], table[:, 2], np.array(suffixes, dtype=object)[codes]


def _range_ends(frame: pd.DataFrame, column: str | None) -> tuple[Ints, NDArray[np.bool_]]:
    """One end of segments' ranges and which were hyphenated; what is no number is 0."""
    if column is None:
        return np.zeros(len(frame), dtype=np.int64), np.zeros(len(frame), dtype=bool)
    if pd.api.types.is_numeric_dtype(frame[column]):
        plain = np.nan_to_num(frame[column].to_numpy(np.float64, na_value=np.nan), posinf=0.0, neginf=0.0)
        return np.where((plain > 0) & (plain < 1e9), plain, 0).astype(np.int64), np.zeros(len(frame), dtype=bool)
    first, second, _, _ = _numbers(_joined(frame, column))
    hyphenated = (second >= 0) & (second < HYPHEN)
    return np.where(hyphenated, first * HYPHEN + second, np.maximum(first, 0)), hyphenated


def _node_numbers(frame: pd.DataFrame, columns: SegmentColumns) -> tuple[Ints, Ints]:
    """The file's node numbers of starts and ends, -1 where it has none; texts are numbered as they come."""
    start, end = (
        frame[column].reset_index(drop=True) if column else pd.Series([None] * len(frame), dtype=object)
        for column in (columns.from_node, columns.to_node)
    )
    both = pd.concat([start, end], ignore_index=True)
    numbers = pd.to_numeric(both, errors="coerce")
    if numbers.notna().sum() < both.notna().sum():
        codes, _ = pd.factorize(both.astype("string").str.strip())
    else:
        codes = numbers.where(numbers > 0, -1).fillna(-1).to_numpy(np.float64)
    return codes[: len(frame)].astype(np.int64), codes[len(frame) :].astype(np.int64)


def _degrees(frame: pd.DataFrame) -> Objects:
    """The frame's geometry in EPSG:4326 without heights; LayerError where there is none or no CRS."""
    if not isinstance(frame, gpd.GeoDataFrame):
        raise LayerError("has no geometry; a file of lines or shapes is needed, or columns of latitude and longitude")
    if frame.crs is None:
        raise LayerError("has no coordinate reference system; add a .prj or set one")
    geometry: Objects = shapely.force_2d(frame.to_crs(WGS84).geometry.to_numpy())
    return geometry


def segments_of(frame: pd.DataFrame, columns: SegmentColumns) -> Segments:
    """Street centerlines of a GeoDataFrame of any CRS. Nameless segments stay (''): they are legs of crossings.

    A line of several parts becomes as many segments, with the range divided by their lengths. LayerError where a
    column is missing, the CRS is unknown or no line is left.
    """
    _require(frame, *(getattr(columns, field.name) for field in fields(columns) if field.name != "alternates"))
    _require(frame, *columns.alternates)
    geometry, row, start, end = _lines(_degrees(frame))
    if not len(row):
        raise LayerError("holds no lines")
    ends = [_range_ends(frame, c) for c in (columns.left_from, columns.left_to, columns.right_from, columns.right_to)]
    left = _shares(ends[0][0][row], ends[1][0][row], start, end)
    right = _shares(ends[2][0][row], ends[3][0][row], start, end)
    left_zip = _zips(frame, columns.left_zip)
    left_place = _texts(frame, columns.left_place)
    from_node, to_node = _node_numbers(frame, columns)
    return Segments(
        street=_texts(frame, columns.name)[row],
        geometry=geometry,
        left_from=left[0],
        left_to=left[1],
        right_from=right[0],
        right_to=right[1],
        hyphenated=np.logical_or.reduce([hyphenated for _, hyphenated in ends])[row],
        left_zip=left_zip[row],
        right_zip=(_zips(frame, columns.right_zip) if columns.right_zip else left_zip)[row],
        left_place=left_place[row],
        right_place=(_texts(frame, columns.right_place) if columns.right_place else left_place)[row],
        from_node=np.where(start == 0, from_node[row], -1),
        to_node=np.where(end == 1, to_node[row], -1),
        alternates=tuple(_texts(frame, column)[row] for column in columns.alternates),
    )


def _lines(geometry: Objects) -> tuple[Objects, Ints, Floats, Floats]:
    """Single lines, the row each is of, and the share of its row's length where it starts and ends.

    Parts that continue each other in the same direction are one line; what is empty or no line is left out.
    """
    several = shapely.get_type_id(geometry) == 5
    geometry = geometry.copy()
    geometry[several] = shapely.line_merge(geometry[several], directed=True)
    parts, row = shapely.get_parts(geometry, return_index=True)
    length = shapely.length(parts)
    good = (shapely.get_type_id(parts) == 1) & (length > 0)
    parts, row, length = parts[good], row[good], length[good]
    total = np.bincount(row, weights=length, minlength=len(geometry))[row]
    until = np.cumsum(length)
    first = np.flatnonzero(np.diff(row, prepend=-1))
    before = np.repeat(until[first] - length[first], np.diff(first, append=len(row)))
    last = np.diff(row, append=-1) != 0
    begin = (until - length - before) / total
    begin[first] = 0.0
    return parts, row.astype(np.int64), begin, np.where(last, 1.0, (until - before) / total)


def _shares(low: Ints, high: Ints, start: Floats, end: Floats) -> tuple[Ints, Ints]:
    """The part of a range that a part of a line has, in steps of two so that the side's parity stays."""
    none = (low == 0) & (high == 0)
    way = np.sign(high - low)
    span = np.abs(high - low)
    begins = 2 * np.rint(span * start / 2).astype(np.int64)
    ends = np.where(end == 1, span, 2 * np.rint(span * end / 2).astype(np.int64) - 2)
    none |= ends < begins
    return np.where(none, 0, low + way * begins), np.where(none, 0, low + way * ends)


# RE2 has no look-ahead: the number is what its grammar takes, and the street begins behind the blank after it.
_ONE = r"\d{1,9}(?:[A-Z]|\s?HF|\s?1/2)?"
_ADDRESS: Final = (
    rf"(?i)^(?P<number>\d{{1,9}}\s(?:[A-Z]|HF)\s?-\s?{_ONE}|{_ONE}(?:\s?[-–]\s?{_ONE})?)[\s,]+(?P<street>[^\s,][^,]*)"
)


def points_of(frame: pd.DataFrame, columns: PointColumns) -> Points:
    """Address points of a frame; see points_and_dropped, which also says what was left out."""
    return points_and_dropped(frame, columns)[0]


def points_and_dropped(frame: pd.DataFrame, columns: PointColumns) -> tuple[Points, Dropped]:
    """Address points (geometry of any CRS, or columns in degrees), and how many entries could not be used.

    Left out: entries without number, street or location, and those on a default point, one that addresses of SHARED_BY
    and more different streets share. '686-692' is a range, but a hyphenated number where its street's numbers are
    such (see _hyphenated). LayerError where a column is missing, the CRS is unknown, or nothing is left.
    """
    _require(frame, *(getattr(columns, field.name) for field in fields(columns)))
    if columns.address:
        found = pc.extract_regex(pc.replace_substring(_text(frame[columns.address]), "½", " 1/2"), _ADDRESS)
        number_text, street_text = found.field("number"), pc.utf8_trim_whitespace(found.field("street"))
        street_text = pc.if_else(found.is_valid(), street_text, pa.scalar("", pa.string()))
        number_text = pc.if_else(found.is_valid(), number_text, pa.scalar("", pa.string()))
    elif columns.number and columns.street:
        number_text, street_text = _joined(frame, columns.number), _joined(frame, columns.street)
    else:
        raise LayerError("name the column 'address', or both 'number' and 'street'")
    first, second, digits, suffix = _numbers(number_text)
    if columns.number_suffix:
        given = _objects(_joined(frame, columns.number_suffix))
        codes, distinct = pd.factorize(given)
        suffix = np.where(given == "", suffix, np.array([*map(_suffix, distinct), ""], dtype=object)[codes])
    street = _objects(street_text)
    street_code, _ = pd.factorize(_objects(pc.utf8_upper(street_text)))
    lon, lat = _where(frame, columns.lat, columns.lon)
    number, high, hyphenated = _as_numbers(first, second, digits, street_code)

    no_location = ~(np.isfinite(lon) & np.isfinite(lat))
    no_number = ~no_location & (number < 0)
    no_street = ~no_location & ~no_number & (street == "")
    keep = ~(no_location | no_number | no_street)
    shared = keep.copy()
    shared[keep] = _on_default_point(lon[keep], lat[keep], street_code[keep])
    keep &= ~shared
    dropped = Dropped(int(no_location.sum()), int(no_number.sum()), int(no_street.sum()), int(shared.sum()))
    if not keep.any():
        raise LayerError(
            f"holds no usable address points (without location: {dropped.no_location}, number: {dropped.no_number}, "
            f"street: {dropped.no_street}, on a shared default point: {dropped.shared_point})"
        )
    points = Points(
        street=street[keep],
        number=number[keep],
        number_high=high[keep],
        number_suffix=suffix[keep],
        hyphenated=hyphenated[keep],
        zip=_zips(frame, columns.zip)[keep],
        place=_texts(frame, columns.place)[keep],
        lon=lon[keep],
        lat=lat[keep],
    )
    return points, dropped


def _where(frame: pd.DataFrame, lat: str | None, lon: str | None) -> tuple[Floats, Floats]:
    """lon, lat of every row, NaN where it has none; 0,0 and what are no degrees are none. Shapes give an inner point."""
    if lat and lon:
        x, y = (
            pd.to_numeric(frame[c], errors="coerce").to_numpy(np.float64, na_value=np.nan).copy() for c in (lon, lat)
        )
    else:
        geometry = _degrees(frame)
        areal = ~np.isin(shapely.get_type_id(geometry), (-1, 0))
        geometry[areal] = shapely.point_on_surface(geometry[areal])
        x, y = shapely.get_x(geometry), shapely.get_y(geometry)
    bad = ~((np.abs(x) <= 180) & (np.abs(y) <= 90)) | ((x == 0) & (y == 0))
    x[bad], y[bad] = np.nan, np.nan
    return x, y


def _hyphenated(first: Ints, second: Ints, digits: Ints, street: Ints) -> NDArray[np.bool_]:
    """Which 'a-b' are one number, as in Queens, and not a range from a to b.

    Decided by street, for one '41-43' says nothing: half of the street's numbers and more have a hyphen, and most of
    those speak for a number: b begins with a nought, or has two digits and is below an a of up to three. Three must,
    unless the whole file's hyphens mostly do, which then decides for streets of two-digit b's that say little.
    """
    hyphen = second >= 0
    width = np.abs(digits)
    speaks = hyphen & (first < 1000) & np.isin(width, (2, 3)) & ((digits < 0) | ((width == 2) & (second < first)))
    streets = int(street.max(initial=-1)) + 1
    rows, hyphens, two, yes = (
        np.bincount(street[which], minlength=streets) for which in (first >= 0, hyphen, hyphen & (width == 2), speaks)
    )
    whole_file = int(yes.sum()) >= _FILE_SPEAKS and 2 * int(yes.sum()) > int(hyphens.sum())
    street_is = (2 * hyphens >= rows) & (((yes >= 3) & (2 * yes > hyphens)) | (whole_file & (2 * two > hyphens)))
    return hyphen & street_is[street] & np.isin(width, (2, 3))


def _as_numbers(first: Ints, second: Ints, digits: Ints, street: Ints) -> tuple[Ints, Ints, NDArray[np.bool_]]:
    """number, number_high, hyphenated of 'a-b' texts; a range may be written downwards or cut short ('1220-30')."""
    hyphenated = _hyphenated(first, second, digits, street)
    power = 10 ** np.abs(digits)
    written_short = (second >= 0) & (second < first) & (power <= first)
    whole = np.where(written_short, first - first % power + second, second)
    other = np.where(written_short & (whole < first), second, whole)
    low = np.where(other >= 0, np.minimum(first, other), first)
    high = np.maximum(first, other)
    slip = high - low > WIDEST_RANGE
    low, high = np.where(slip, first, low), np.where(slip, first, high)
    number = np.where(hyphenated, first * HYPHEN + second, low)
    return number, np.where(hyphenated, number, high), hyphenated


def _on_default_point(lon: Floats, lat: Floats, street: Ints) -> NDArray[np.bool_]:
    """Which points lie, to a metre, where addresses of SHARED_BY and more different streets do."""
    spot, _ = pd.factorize(np.rint(lon * 1e5) + 1j * np.rint(lat * 1e5))
    pairs = pd.DataFrame({"spot": spot, "street": street}).drop_duplicates()
    streets = np.bincount(pairs["spot"].to_numpy(), minlength=int(spot.max(initial=-1)) + 1)
    out: NDArray[np.bool_] = (streets >= SHARED_BY)[spot]
    return out


def places_of_frame(frame: pd.DataFrame, columns: PlaceColumns) -> Places:
    """Named places of a frame: points, or shapes with the radius that reaches their farthest corner.

    Rows without name or location are left out. LayerError where a column is missing or nothing is left.
    """
    _require(frame, columns.name, columns.lat, columns.lon, columns.radius_m)
    name = _texts(frame, columns.name)
    lon, lat = _where(frame, columns.lat, columns.lon)
    if columns.radius_m:
        radius = pd.to_numeric(frame[columns.radius_m], errors="coerce").to_numpy(np.float64, na_value=np.nan)
    elif columns.lat is None:
        radius = _reach(_degrees(frame), lon, lat)
    else:
        radius = np.full(len(frame), np.nan)
    radius = np.where(np.isfinite(radius) & (radius > 0), radius, PLACE_RADIUS_M)
    keep = np.isfinite(lon) & np.isfinite(lat) & (name != "")
    if not keep.any():
        raise LayerError("holds no place with a name and a location")
    return Places(name[keep], lon[keep], lat[keep], radius[keep])


def _reach(geometry: Objects, lon: Floats, lat: Floats) -> Floats:
    """Metres from a point to its shape's farthest corner, 0 for what has none."""
    corners, row = shapely.get_coordinates(geometry, return_index=True)
    x = (corners[:, 0] - lon[row]) * np.cos(np.radians(lat[row]))
    metres = np.nan_to_num(np.hypot(x, corners[:, 1] - lat[row]) * _METRES_PER_DEGREE)
    reach = np.zeros(len(geometry))
    np.maximum.at(reach, row, metres)
    return reach


def join_segments(parts: Sequence[Segments]) -> Segments:
    """Several files' segments as one; a part with fewer alternates has '' for the rest. `parts` is not empty."""
    if len(parts) == 1:
        return parts[0]
    most = max(len(part.alternates) for part in parts)
    blank = [np.full(len(part), "", dtype=object) for part in parts]
    alternates = tuple(
        np.concatenate([p.alternates[k] if k < len(p.alternates) else b for p, b in zip(parts, blank, strict=True)])
        for k in range(most)
    )
    plain = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts])
        for field in fields(Segments)
        if field.name != "alternates"
    }
    # Two files number their nodes apart from each other: the later ones' numbers would meet the first one's by chance.
    for end in ("from_node", "to_node"):
        plain[end][len(parts[0]) :] = -1
    return Segments(**plain, alternates=alternates)


def join_points(parts: Sequence[Points]) -> Points:
    """Several files' address points as one. `parts` is not empty."""
    return Points(**{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Points)})


def join_places(parts: Sequence[Places]) -> Places:
    """Several files' places as one. `parts` is not empty."""
    return Places(**{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Places)})
