"""The whole of a city's YAML, and what its parts must agree on."""

from __future__ import annotations

import hashlib
import json

from pydantic import Field, model_validator

from etl.config.base import Slug, Strict
from etl.config.city import City
from etl.config.mapping import RequestSource
from etl.config.places import BasemapFile, Department, Layer, ServiceInfo
from etl.config.privacy import Privacy


class CityConfig(Strict):
    """The whole file."""

    city: City
    sources: dict[Slug, RequestSource] = Field(min_length=1)
    services: dict[str, ServiceInfo] = {}
    departments: dict[str, Department] = {}
    channels: dict[Slug, str] = Field(default={}, description="channel -> title")
    layers: tuple[Layer, ...] = ()
    basemap: tuple[BasemapFile, ...] = ()
    privacy: Privacy = Privacy()

    @model_validator(mode="after")
    def _layers_agree(self) -> CityConfig:
        names = [layer.layer for layer in self.layers]
        if len(set(names)) != len(names):
            raise ValueError("layers: each layer's name must be unique")
        for source_name, source in self.sources.items():
            for layer in source.areas:
                if layer not in names:
                    raise ValueError(
                        f"sources.{source_name}.areas: '{layer}' is not a layer; allowed: {', '.join(names)}"
                    )
        return self

    def fingerprint(self) -> str:
        """sha256 of the configuration's meaning; layout and comments do not change it."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()
