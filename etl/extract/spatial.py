"""Shapefiles and GeoPackages as tables of text, their geometries as longitude and latitude.

Charter: what GDAL reads, batch by batch, in flat memory. GeoJSON is read by
`json_records`, which keeps the spelling of its numbers.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyogrio
from pyogrio import raw

from etl.errors import SourceError
from etl.extract import points, tabular
from etl.extract.files import MalformedRows
from etl.extract.packed import SHAPE_PARTS, Content

MAGIC = {"shapefile": b"\x00\x00\x27\x0a", "geopackage": b"SQLite format 3\x00"}
KINDS = {"OFTInteger": "integer", "OFTInteger64": "integer", "OFTReal": "number"}
OFFSET = re.compile(r"[+-]\d\d:?\d\d$")


@dataclass(frozen=True)
class Layer:
    """One layer of a file that GDAL reads; `what` is shapefile or geopackage."""

    content: Content
    what: str
    layer: str | None
    null_values: tuple[str, ...]

    @cached_property
    def _info(self) -> dict[str, Any]:
        with self._opened() as path, self._told():
            info: dict[str, Any] = pyogrio.read_info(path, layer=self._chosen(path), force_feature_count=True)
            return info

    def columns(self) -> dict[str, str]:
        """Names of the attributes with their kinds, then x and y if there are geometries."""
        return {**{points.attribute(n): k for n, k in self._attributes().items()}, **self._geometry()}

    def _attributes(self) -> dict[str, str]:
        info = self._info
        triples = zip(info["fields"], info["ogr_types"], info["ogr_subtypes"], strict=True)
        return {str(name): _kind(type_, subtype) for name, type_, subtype in triples}

    def _geometry(self) -> dict[str, str]:
        return dict(points.GEOMETRY_KINDS) if self._info["geometry_type"] is not None else {}

    def tables(
        self,
        columns: Sequence[str],
        malformed: MalformedRows,  # noqa: ARG002 - rows of a typed file cannot be cut wrongly
        progress: Callable[[int], None],
    ) -> Iterator[pa.Table]:
        """The named columns as text."""
        tabular.require(self.content.name, columns, list(self.columns()))
        if not self._info["features"]:
            raise SourceError(f"{self.content.name}: holds no records; nothing was loaded")
        yield from tabular.finished(self._made(list(columns), progress), self.null_values)

    def _made(self, columns: list[str], progress: Callable[[int], None]) -> Iterator[pa.Table]:
        located = bool(self._geometry() and {points.X, points.Y} & set(columns))
        transformer = points.to_degrees(self._info["crs"], self.content.name) if located else None
        own = {points.attribute(n): n for n in self._attributes()}
        wanted = [own[c] for c in columns if c in own]
        done, total = 0, self._info["features"]
        with self._opened() as path, self._told():
            options = {"columns": wanted, "read_geometry": located, "batch_size": tabular.BATCH_ROWS}
            with raw.open_arrow(
                path, layer=self._chosen(path), use_pyarrow=True, datetime_as_string=True, **options
            ) as (meta, reader):
                times = {n for n, t in zip(meta["fields"], meta["ogr_types"], strict=True) if t == "OFTDateTime"}
                geometry = meta["geometry_name"] or "wkb_geometry"
                for batch in reader:
                    made = {points.attribute(n): _attribute(batch.column(n), n in times) for n in wanted}
                    if located:
                        x, y = points.from_wkb(batch.column(geometry), transformer)
                        made |= {points.X: x, points.Y: y}
                    yield pa.table([made[c] for c in columns], names=columns)
                    done += len(batch)
                    progress(self.content.packed_bytes * done // max(done, total))

    @contextmanager
    def _opened(self) -> Iterator[Path]:
        if self.content.head(16)[: len(MAGIC[self.what])] != MAGIC[self.what]:
            # GDAL would try every format that it knows, some of which read other files.
            raise SourceError(f"{self.content.name}: is not a {self.what}; check 'format' of the source")
        with self.content.unpacked() as path:
            if self.what == "shapefile":
                missing = [e for e in (".dbf", ".shx") if not path.with_suffix(e).exists()]
                if missing:
                    raise SourceError(
                        f"{self.content.name}: there is no {missing[0]} beside it; a shapefile needs "
                        "its .dbf, .shx and .prj, beside it or with it in one zip"
                    )
            yield path

    def _chosen(self, path: Path) -> str | None:
        if self.what == "shapefile":
            return None
        there = [str(name) for name, _ in pyogrio.list_layers(path)]
        if not there:
            raise SourceError(f"{self.content.name}: has no layer; there is nothing to load")
        if self.layer is not None and self.layer not in there:
            names = ", ".join(f"'{n}'" for n in there)
            raise SourceError(f"{self.content.name}: has no layer '{self.layer}'; it has {names}")
        return self.layer or there[0]

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        except (
            RuntimeError,
            OSError,
            ValueError,
            KeyError,
            pa.ArrowException,
        ) as error:  # pyogrio's own are RuntimeErrors
            text = " ".join(str(error).replace(str(self.content.path), self.content.name).split())[:160]
            raise SourceError(
                f"{self.content.name}: is a damaged {self.what} ({text}); fetch or save the file again"
            ) from error


def beside(path: Path) -> dict[str, Path]:
    """Parts of a shapefile that lie beside its .shp, by their ending."""
    found: dict[str, Path] = {}
    for ending in SHAPE_PARTS[1:]:
        for form in (ending, ending.upper()):
            if path.with_suffix(form).is_file():
                found.setdefault(ending, path.with_suffix(form))
    return found


def _kind(type_: str, subtype: str) -> str:
    if subtype == "OFSTBoolean":
        return "boolean"
    return KINDS.get(type_, "time" if type_ in ("OFTDate", "OFTDateTime", "OFTTime") else "text")


def _attribute(column: pa.Array, moments: bool) -> pa.Array:
    text = tabular.text_of(column)
    return pa.array([_zoned(v) for v in text.to_pylist()], pa.string()) if moments else text


def _zoned(value: str | None) -> str | None:
    """A moment with an offset as UTC, any other as it is; without zeros at the end of its fraction."""
    if value is None:
        return None
    if OFFSET.search(value):
        value = datetime.fromisoformat(value).astimezone(UTC).isoformat().replace("+00:00", "Z")
    return re.sub(r"\.?0+(?=Z?$)", "", value) if "." in value else value
