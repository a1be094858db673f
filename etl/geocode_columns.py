"""Which columns of a table hold the address, and what is read out of them.

Charter: names of columns in, texts and degrees by row out. Files are the readers', addresses the geocoder's.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from etl.errors import ConfigError, MappingError, SourceError
from etl.extract import tabular
from etl.extract.files import MalformedRows
from etl.extract.formats import TableFile
from etl.extract.packed import Content
from geo.crs import Floats
from geo.geocoding.model import LONGEST_TEXT

ADDRESS_NAMES: Final = (
    "fulladdress", "address", "streetaddress", "incidentaddress", "locationaddress", "siteaddress", "propertyaddress",
    "caseaddress", "requestaddress", "serviceaddress", "addressfull", "addressline1", "addressline", "address1", "addr",
    "location", "locationstreetname", "incidentlocation", "locationdescription", "strasse", "adresse", "direccion",
)  # fmt: skip
"""Names that guess the address, the surest first; compared in small letters without blanks and marks."""
ZIP_NAMES: Final = ("zip", "zipcode", "postalcode", "postcode", "incidentzip", "locationzipcode", "addresszip")
LAT_NAMES: Final = ("lat", "latitude", "y")
LONG_NAMES: Final = ("long", "lon", "lng", "longitude", "x")
POINT_NAMES: Final = ("point", "geolocation", "geocodedlocation", "latlong", "latlon", "coordinates")
LINE: Final = "address"
"""The only column of a file that is one address a line."""
LONGEST_LINE: Final = 16 << 20

_LAT_FIRST: Final = r"^\s*[(\[]?\s*(?P<lat>[+-]?\d+(?:\.\d*)?)\s*[,;\s]\s*(?P<long>[+-]?\d+(?:\.\d*)?)\s*[)\]]?\s*$"
_WKT: Final = r"^\s*(?i:POINT)\s*\(\s*(?P<long>[+-]?\d+(?:\.\d*)?)\s+(?P<lat>[+-]?\d+(?:\.\d*)?)\s*\)\s*$"
_ZIP: Final = r"^\s*(?P<zip>\d{3,5})(?:\.0+)?(?:-\d{4})?\s*$"


@dataclass(frozen=True)
class Columns:
    """What the user calls the columns; None: not there. `point` is text such as '(37.77, -122.39)' or 'POINT (x y)'."""

    address: str | None = None
    number: str | None = None
    street: str | None = None
    zip: str | None = None
    place: str | None = None
    lat: str | None = None
    long: str | None = None
    point: str | None = None
    truth_lat: str | None = None
    truth_long: str | None = None
    truth_point: str | None = None

    def __post_init__(self) -> None:
        """ConfigError where options do not go together."""
        for one, other in (("number", "street"), ("lat", "long"), ("truth_lat", "truth_long")):
            if (getattr(self, one) is None) != (getattr(self, other) is None):
                raise ConfigError(f"{_option(one)} and {_option(other)} go together; give both or neither")
        for first, second in (("address", "street"), ("lat", "point"), ("truth_lat", "truth_point")):
            if getattr(self, first) is not None and getattr(self, second) is not None:
                raise ConfigError(f"{_option(first)} and {_option(second)} say the same thing; give one of them")

    @property
    def named(self) -> list[str]:
        """The columns that are used, each once."""
        values = [getattr(self, f.name) for f in fields(self)]
        return list(dict.fromkeys(v for v in values if v is not None))

    @property
    def has_point(self) -> bool:
        """Whether the rows have points of their own."""
        return self.lat is not None or self.point is not None

    @property
    def has_truth(self) -> bool:
        """Whether the rows have trusted points."""
        return self.truth_lat is not None or self.truth_point is not None


def chosen(asked: Columns, there: Sequence[str], name: str, *, reverse: bool) -> Columns:
    """The columns to use of those that are `there`; MappingError lists them where they are missing or cannot be guessed."""
    tabular.require(name, asked.named, there)
    if reverse:
        if asked.has_point:
            return asked
        lat, long, point = (_guess(names, there) for names in (LAT_NAMES, LONG_NAMES, POINT_NAMES))
        if lat is not None and long is not None:
            return replace(asked, lat=lat, long=long)
        if point is None:
            raise MappingError(
                f"{name}: no column is called as coordinates usually are; name them with --lat and --long, or with "
                f"--point where they are one text; the file has {_list(there)}"
            )
        return replace(asked, point=point)
    if asked.address is not None or asked.street is not None:
        return asked
    address = _guess(ADDRESS_NAMES, there)
    if address is None:
        raise MappingError(
            f"{name}: no column is called as addresses usually are; name it with --address, or with --number and "
            f"--street; the file has {_list(there)}"
        )
    return replace(asked, address=address)


def hint(used: Columns, there: Sequence[str]) -> str | None:
    """What might still be said about the columns."""
    code = _guess(ZIP_NAMES, there)
    if used.zip is None and code is not None:
        return f"the file has a column '{code}'; if it is the address's ZIP, --zip '{code}' tells streets of one name apart"
    return None


def texts_of(chunk: pa.Table, used: Columns) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Address, ZIP and place by row, never null; what is longer than any address is ''."""
    if used.address is not None:
        address = _short(chunk, used.address)
    else:
        street = _short(chunk, used.street)
        both = pc.binary_join_element_wise(_short(chunk, used.number), street, " ")
        address = pc.if_else(pc.equal(street, ""), "", pc.utf8_trim_whitespace(both))
    code = pc.utf8_trim_whitespace(_short(chunk, used.zip))
    five = pc.struct_field(pc.extract_regex(code, pattern=_ZIP), "zip")
    foreign = pc.match_substring_regex(code, "[A-Za-z]")
    code = pc.coalesce(pc.utf8_lpad(five, 5, "0"), pc.if_else(foreign, code, ""))
    return address, code, _short(chunk, used.place)


def points_of(chunk: pa.Table, lat: str | None, long: str | None, point: str | None) -> tuple[Floats, Floats]:
    """Longitude and latitude by row in degrees; NaN for what is no coordinate, and for 0,0."""
    if lat is not None and long is not None:
        y, x = _numbers(chunk[lat]), _numbers(chunk[long])
    elif point is not None:
        text = _short(chunk, point)
        x, y = np.full(len(text), np.nan), np.full(len(text), np.nan)
        for pattern in (_LAT_FIRST, _WKT):
            found = pc.extract_regex(text, pattern=pattern)
            x = np.where(np.isnan(x), _numbers(pc.struct_field(found, "long")), x)
            y = np.where(np.isnan(y), _numbers(pc.struct_field(found, "lat")), y)
    else:
        x, y = np.full(len(chunk), np.nan), np.full(len(chunk), np.nan)
    usable = (np.abs(x) <= 180) & (np.abs(y) <= 90) & ~((x == 0) & (y == 0))
    return np.where(usable, x, np.nan), np.where(usable, y, np.nan)


@dataclass(frozen=True)
class Lines:
    """A text that is one address a line, as a table with the one column LINE."""

    content: Content
    encoding: str = "utf-8"

    def columns(self) -> dict[str, str]:
        """The one column."""
        return {LINE: ""}

    def tables(
        self,
        columns: Sequence[str],
        malformed: MalformedRows,  # noqa: ARG002 - a line cannot be cut wrongly
        progress: Callable[[int], None],
    ) -> Iterator[pa.Table]:
        """Every line, the empty ones too."""
        tabular.require(self.content.name, columns, [LINE])
        row = 1
        with self.content.opened() as (plain, taken):
            import io

            stream = io.BufferedReader(plain, 1 << 20)
            while lines := self._some(stream):
                table = pa.table([pa.array(lines, pa.string())], names=[LINE])
                progress(taken())
                yield table.append_column(tabular.ROW_NUMBER, pa.array(range(row, row + len(lines)), pa.int64()))
                row += len(lines)

    def _some(self, stream: object) -> list[str]:
        found: list[str] = []
        size = 0
        while len(found) < tabular.BATCH_ROWS and size < LONGEST_LINE:
            line = stream.readline(LONGEST_LINE)  # type: ignore[attr-defined]
            if not line:
                break
            if len(line) >= LONGEST_LINE:
                raise SourceError(
                    f"{self.content.name}: a line is longer than {LONGEST_LINE >> 20} MB; these are no addresses"
                )
            try:
                found.append(line.rstrip(b"\r\n").decode(self.encoding).removeprefix("\ufeff"))
            except (UnicodeDecodeError, LookupError) as error:
                raise SourceError(f"{self.content.name}: is not {self.encoding} text; give its --encoding") from error
            size += len(line)
        return found


def is_lines(content: Content, asked: Columns, delimiter: str | None, encoding: str) -> bool:
    """Whether a text without a header that names an address is one address a line."""
    if asked.named:
        return False
    try:
        line = content.head(1 << 16).decode(encoding, "replace").removeprefix("\ufeff").partition("\n")[0].rstrip("\r")
        header = next(csv.reader([line], delimiter=delimiter or ("\t" if "\t" in line else ",")), [])
    except (LookupError, csv.Error):
        return False
    if _guess(ADDRESS_NAMES, header) is not None:
        return False
    # A header has neither numbers nor crossings in it, and more than one word to choose from.
    return len(header) < 2 or re.search(r"\d|&|/|\b(?:and|at)\b", line, re.IGNORECASE) is not None


def readable(text: TableFile) -> list[str]:
    """The names of a table's columns."""
    return list(text.columns())


def _guess(names: Sequence[str], there: Sequence[str]) -> str | None:
    plain: dict[str, str] = {}
    for column in there:
        plain.setdefault(re.sub(r"[\W_]", "", column.lower()), column)
    return next((plain[name] for name in names if name in plain), None)


def _short(chunk: pa.Table, column: str | None) -> pa.Array:
    """A column's texts, '' for null and for what is longer than an address."""
    if column is None:
        return pa.array([""] * len(chunk), pa.string())
    text = pc.fill_null(chunk[column].combine_chunks(), "")
    if isinstance(text, pa.ChunkedArray):
        text = text.combine_chunks()
    return pc.if_else(pc.greater(pc.binary_length(text), 4 * LONGEST_TEXT), "", text)


def _numbers(column: pa.ChunkedArray | pa.Array) -> Floats:
    return np.asarray(pd.to_numeric(column.to_pandas(), errors="coerce"), dtype=np.float64)


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _list(names: Sequence[str]) -> str:
    shown = ", ".join(names[:60])
    return f"{shown} and {len(names) - 60} more" if len(names) > 60 else shown
