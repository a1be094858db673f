"""A city's geographic files: boundary layers with their vintages, and what the base map draws.

Charter: finding and reading the files that the city's YAML names, and telling whether they changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from etl.config import BasemapFile, CityConfig
from etl.disk import sha256_of
from etl.errors import SourceError
from geo.boundaries import Vintage, read_features, read_vintage
from geo.errors import GeoError


def find_file(path: str, folders: Sequence[Path], what: str) -> Path:
    """A city's file beside the YAML or beside the inputs; SourceError says where `what` was looked for."""
    for folder in folders:
        if (folder / path).exists():
            return folder / path
    looked = ", ".join(str(folder) for folder in folders)
    raise SourceError(f"{what}: '{path}' is in none of {looked}; put it beside the YAML or beside the input")


def read_layers(config: CityConfig, folders: Sequence[Path]) -> dict[str, list[Vintage]]:
    """Every vintage of every layer that has files; SourceError says which cannot be read."""
    layers: dict[str, list[Vintage]] = {}
    for layer in config.layers:
        for file in layer.files:
            path = find_file(file.path, folders, f"layer '{layer.layer}'")
            try:
                vintage = read_vintage(
                    path, layer.layer, area=file.area, name=file.name, population=file.population,
                    valid_from=file.valid_from, valid_to=file.valid_to,
                )  # fmt: skip
            except GeoError as error:
                raise SourceError(f"layer '{layer.layer}': {error}") from error
            layers.setdefault(layer.layer, []).append(vintage)
    return layers


class Basemap:
    """The base map's files, read only when their bytes have changed; the city's land follows from its areas if need be."""

    def __init__(
        self, files: Sequence[BasemapFile], folders: Sequence[Path], layers: Mapping[str, Sequence[Vintage]]
    ) -> None:
        """Find the files; SourceError names one that is nowhere."""
        self._outline = [] if any(f.kind == "land" for f in files) else [v[-1] for v in layers.values()][:1]
        self._files = [(f, find_file(f.path, folders, f"basemap '{f.kind}'")) for f in files]
        parts = [f"{f.model_dump_json()} {sha256_of(path)}" for f, path in self._files]
        parts += [fingerprint({vintage.layer: [vintage]}) for vintage in self._outline]
        self.sha256 = hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def read(self) -> gpd.GeoDataFrame:
        """kind, name, rank and geometry (EPSG:4326) of every feature."""
        frames = []
        for file, path in self._files:
            try:
                found = read_features(path)
            except GeoError as error:
                raise SourceError(f"basemap '{file.kind}': {error}") from error
            for column in (file.name, file.rank):
                if column and column not in found.columns:
                    there = ", ".join(str(c) for c in found.columns if c != "geometry")
                    raise SourceError(
                        f"basemap '{file.kind}': {path}: column '{column}' is missing; the file has {there}"
                    )
            frames.append(
                gpd.GeoDataFrame(
                    {
                        "kind": file.kind,
                        "name": found[file.name].astype("string") if file.name else None,
                        "rank": _ranks(found[file.rank]) if file.rank else 3,
                    },
                    geometry=found.geometry.to_numpy(),
                    index=found.index,
                    crs=found.crs,
                )
            )
        for vintage in self._outline:
            land = {"kind": ["land"], "name": [None], "rank": [1]}
            frames.append(gpd.GeoDataFrame(land, geometry=[vintage.areas.union_all()], crs=vintage.areas.crs))
        if not frames:
            return gpd.GeoDataFrame({"kind": [], "name": [], "rank": []}, geometry=[], crs="EPSG:4326")
        return gpd.GeoDataFrame(pd.concat(frames, ignore_index=True), crs=frames[0].crs)


def _ranks(column: pd.Series[Any]) -> pd.Series[Any]:
    """Ranks as the map wants them; what is no rank (0, blank, text) is drawn last."""
    numbers = pd.to_numeric(column, errors="coerce")
    return numbers.where(numbers >= 1, 5).fillna(5).astype(int)


def fingerprint(layers: Mapping[str, Sequence[Vintage]]) -> str:
    """sha256 over codes, names, dates and shapes of every vintage."""
    digest = hashlib.sha256()
    for name, vintages in sorted(layers.items()):
        for v in vintages:
            digest.update(f"{name} {v.valid_from} {v.valid_to}".encode())
            digest.update(v.areas.drop(columns="geometry").to_json().encode())
            for wkb in v.areas.geometry.to_wkb():
                digest.update(wkb)
    return digest.hexdigest()
