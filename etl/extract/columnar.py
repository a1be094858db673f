"""Parquet and GeoParquet as tables of text.

Charter: row groups in batches, nested structs by dotted names, geometries as
longitude and latitude.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from etl.errors import SourceError
from etl.extract import points, tabular
from etl.extract.files import MalformedRows
from etl.extract.packed import Content

Place = tuple[str, ...]


@dataclass(frozen=True)
class ParquetTable:
    """One Parquet file."""

    content: Content
    null_values: tuple[str, ...]

    def columns(self) -> dict[str, str]:
        """Names of the columns with their kinds, then x and y if there are geometries."""
        with self._opened() as file:
            return self._kinds(file.schema_arrow)

    def _kinds(self, schema: pa.Schema) -> dict[str, str]:
        kinds = {name: tabular.kind_of(type_) for name, (_, type_) in _leaves(schema).items()}
        return {**kinds, **(points.GEOMETRY_KINDS if _geometry(schema) else {})}

    def tables(
        self,
        columns: Sequence[str],
        malformed: MalformedRows,  # noqa: ARG002 - rows of a typed file cannot be cut wrongly
        progress: Callable[[int], None],
    ) -> Iterator[pa.Table]:
        """The named columns as text."""
        with self._opened() as file:
            tabular.require(self.content.name, columns, list(self._kinds(file.schema_arrow)))
            if not file.metadata.num_rows:
                raise SourceError(f"{self.content.name}: holds a header and no records; nothing was loaded")
            yield from tabular.finished(self._made(file, list(columns), progress), self.null_values)

    def _made(self, file: pq.ParquetFile, columns: list[str], progress: Callable[[int], None]) -> Iterator[pa.Table]:
        leaves, schema = _leaves(file.schema_arrow), file.schema_arrow
        places: dict[str, Place] = {c: leaves[c][0] for c in columns if c in leaves}
        geometry = _geometry(schema) if {points.X, points.Y} & set(columns) else None
        needed = {place[0] for place in places.values()} | ({geometry} if geometry else set())
        transformer = points.to_degrees(_crs(schema, geometry), self.content.name) if geometry else None
        done = 0
        for batch in file.iter_batches(batch_size=tabular.BATCH_ROWS, columns=sorted(needed)):
            made = {c: tabular.text_of(_at(batch, place)) for c, place in places.items()}
            if geometry:
                made[points.X], made[points.Y] = _points(batch.column(geometry), transformer)
            yield pa.table([made[c] for c in columns], names=columns)
            done += len(batch)
            progress(self.content.packed_bytes * done // file.metadata.num_rows)

    @contextmanager
    def _opened(self) -> Iterator[pq.ParquetFile]:
        try:
            with self.content.unpacked() as path, pq.ParquetFile(path) as file:
                names = file.schema_arrow.names
                doubled = sorted({name for name in names if names.count(name) > 1})
                if doubled:
                    raise SourceError(
                        f"{self.content.name}: column '{doubled[0]}' appears more than once; rename one of them"
                    )
                yield file
        except (pa.ArrowException, OSError, ValueError, KeyError, IndexError) as error:
            text = " ".join(str(error).replace(str(self.content.path), self.content.name).split())[:120]
            raise SourceError(
                f"{self.content.name}: is not a Parquet file, or a damaged one ({text}); fetch the file again"
            ) from error


def _leaves(schema: pa.Schema) -> dict[str, tuple[Place, pa.DataType]]:
    """Every column that is no struct and no geometry, by its dotted name."""
    geometry = _geometry(schema)
    found: dict[str, tuple[Place, pa.DataType]] = {}
    todo: list[tuple[Place, pa.DataType]] = [((f.name,), f.type) for f in schema if f.name != geometry]
    while todo:
        place, type_ = todo.pop(0)
        if pa.types.is_struct(type_):
            todo = [((*place, f.name), f.type) for f in type_] + todo
        else:
            name = ".".join(place)
            found.setdefault(points.attribute(name) if geometry else name, (place, type_))
    return found


def _at(batch: pa.RecordBatch, place: Place) -> pa.Array:
    column = batch.column(place[0])
    return pc.struct_field(column, list(place[1:])) if len(place) > 1 else column


def _notes(schema: pa.Schema) -> dict[str, Any]:
    """What GeoParquet says about the file; {} if it is none."""
    try:
        notes = json.loads((schema.metadata or {}).get(b"geo", b"{}"))
    except ValueError:
        return {}
    return notes if isinstance(notes, dict) and isinstance(notes.get("columns"), dict) else {}


def _geometry(schema: pa.Schema) -> str | None:
    """The column of geometries: GeoParquet's primary one, or a binary one that is called so."""
    primary = _notes(schema).get("primary_column")
    if primary in schema.names:
        return str(primary)
    for field in schema:
        if field.name.lower() in ("geometry", "geom", "wkb_geometry") and _is_bytes(field.type):
            return str(field.name)
    return None


def _is_bytes(type_: pa.DataType) -> bool:
    return bool(pa.types.is_binary(type_) or pa.types.is_large_binary(type_))


def _crs(schema: pa.Schema, geometry: str) -> Any:
    """GeoParquet: no word about it means longitude and latitude, null means unknown."""
    notes = _notes(schema).get("columns", {}).get(geometry)
    return notes.get("crs", "OGC:CRS84") if isinstance(notes, dict) else None


def _points(column: pa.Array, transformer: Any) -> tuple[pa.Array, pa.Array]:
    if pa.types.is_struct(column.type):  # GeoParquet's own encoding of points
        import shapely

        x, y = (pc.struct_field(column, [name]).to_numpy(zero_copy_only=False) for name in ("x", "y"))
        return points.of_shapes(shapely.points(x, y), transformer)
    return points.from_wkb(column.storage if hasattr(column, "storage") else column, transformer)
