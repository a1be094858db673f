"""The whole of a city's YAML, and what its parts must agree on."""

from __future__ import annotations

import hashlib
import json

from pydantic import Field, model_validator

from etl.config.annotations import Annotation, check_annotations
from etl.config.base import Slug, Strict
from etl.config.city import City
from etl.config.demographics import Demographics, check_demographics
from etl.config.downloads import Downloads
from etl.config.geocoder import GeocoderSettings
from etl.config.incidents import Incidents, Repeats, Suspicious
from etl.config.limits import Raw, Retention
from etl.config.mapping import RequestSource
from etl.config.places import BasemapFile, Department, Layer, ServiceInfo
from etl.config.privacy import Privacy
from etl.config.tables import FeedbackSource, MeasureSource


class CityConfig(Strict):
    """The whole file."""

    city: City
    sources: dict[Slug, RequestSource] = Field(min_length=1)
    measures: dict[Slug, MeasureSource] = Field(default={}, description="sources of periodic measures")
    feedback: dict[Slug, FeedbackSource] = Field(default={}, description="sources of satisfaction answers")
    raw: Raw = Raw()
    retention: Retention = Field(default=Retention(), description="how long releases keep their files")
    downloads: Downloads = Field(
        default=Downloads(), description="files that are made of a release once it is published"
    )
    services: dict[str, ServiceInfo] = {}
    departments: dict[str, Department] = {}
    channels: dict[Slug, str] = Field(default={}, description="channel -> title")
    layers: tuple[Layer, ...] = ()
    basemap: tuple[BasemapFile, ...] = ()
    demographics: tuple[Demographics, ...] = Field(default=(), description="who lives where, by area of a layer")
    annotations: tuple[Annotation, ...] = Field(default=(), description="events that charts over time are marked with")
    geocoder: GeocoderSettings | None = Field(default=None, description="how addresses are found; none: they are not")
    incidents: Incidents = Field(default=Incidents(), description="when requests are reports of one incident")
    repeats: Repeats = Field(default=Repeats(), description="when a request asks again for what was closed")
    suspicious: Suspicious = Field(default=Suspicious(), description="closings worth a look")
    privacy: Privacy = Privacy()

    @property
    def every_source(self) -> dict[str, RequestSource | MeasureSource | FeedbackSource]:
        """Sources of all three kinds by name."""
        return {**self.sources, **self.measures, **self.feedback}

    @model_validator(mode="after")
    def _names_differ(self) -> CityConfig:
        names = [*self.sources, *self.measures, *self.feedback]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"'{doubled[0]}' names two of sources, measures and feedback; give one another name")
        return self

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

    @model_validator(mode="after")
    def _places_can_be_generalised(self) -> CityConfig:
        policy = self.privacy.locations
        drawn = [layer.layer for layer in self.layers if layer.files]
        if policy.area_layer is not None and policy.area_layer not in drawn:
            raise ValueError(
                f"privacy.locations.area_layer: '{policy.area_layer}' is not a layer that has files; "
                f"allowed: {', '.join(drawn) or 'none'}"
            )
        if "block_face" in policy.named() and not any(file.kind == "street" for file in self.basemap):
            raise ValueError("privacy.locations: 'block_face' needs a basemap entry of kind street")
        return self

    @model_validator(mode="after")
    def _demographics_have_areas(self) -> CityConfig:
        check_demographics(self.demographics, [layer.layer for layer in self.layers if layer.files])
        return self

    @model_validator(mode="after")
    def _annotations_are_of_something(self) -> CityConfig:
        names = [layer.layer for layer in self.layers]
        check_annotations(self.annotations, self.services, self.departments, names)
        return self

    def fingerprint(self) -> str:
        """sha256 of the configuration's meaning; layout and comments do not change it.

        Nor does what is kept of old releases, or what is made of a release beside it: the release itself is the same.
        """
        aside = {"retention", "downloads"}
        text = json.dumps(self.model_dump(mode="json", exclude=aside), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def rules_of(self, source: str) -> str:
        """sha256 of what decides how a source's rows are read: where they come from and what is published do not."""
        aside = {"connection", "limits", "extract", "as_of"}
        parts = {
            "source": self.every_source[source].model_dump(mode="json", exclude=aside),
            "city": self.city.model_dump(mode="json", include={"timezone", "crs", "bbox"}),
            "services": {code: info.department for code, info in self.services.items()},
            "departments": {code: d.name for code, d in self.departments.items()},
            "layers": [layer.model_dump(mode="json") for layer in self.layers],
            "geocoder": self.geocoder.model_dump(mode="json") if self.geocoder else None,
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
