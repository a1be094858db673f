"""Who lives where: files with figures of the areas of a layer, such as income, race and age.

Charter: what a city says of such files. Reading them is `etl.demographics`.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from etl.config.base import Slug, Strict

Unit = Literal["dollars", "share", "years", "people"]
SCALE_OF_SHARES = {"share": 1.0, "percent": 100.0}


class DemographicMeasure(Strict):
    """One figure of an area: a column, or one column over another."""

    id: Slug
    title: str = Field(min_length=1, description="'Income per head'")
    unit: Unit
    column: str | None = Field(default=None, description="column of the figure itself")
    numerator: str | None = Field(default=None, description="of a share: how many are counted")
    denominator: str | None = Field(default=None, description="of a share: how many there are")
    moe: str | None = Field(default=None, description="column of the figure's 90% margin of error, in its own unit")
    written_as: Literal["share", "percent"] = Field(default="share", description="percent: the file writes 37 for 0.37")
    where: dict[str, str] = Field(
        default={}, description="only rows with these values, in files that have a row for each group"
    )
    combine: Literal["none", "mean"] = Field(
        default="none", description="mean: an area with several rows has their plain mean; none: that is a mistake"
    )

    @model_validator(mode="after")
    def _one_way(self) -> DemographicMeasure:
        ratio = self.numerator is not None or self.denominator is not None
        if ratio == (self.column is not None):
            raise ValueError(f"{self.id}: give either column, or numerator and denominator")
        if ratio and (self.numerator is None or self.denominator is None):
            raise ValueError(f"{self.id}: numerator and denominator go together")
        if ratio and (self.unit != "share" or self.moe is not None):
            raise ValueError(
                f"{self.id}: numerator and denominator make a share, which has no margin of error of its own"
            )
        if self.written_as == "percent" and (self.unit != "share" or ratio):
            raise ValueError(f"{self.id}: written_as: percent is for a column of the unit share")
        if self.moe is not None and self.combine == "mean":
            raise ValueError(f"{self.id}: a mean of several rows has no margin of error that their columns could tell")
        return self

    def columns(self) -> list[str]:
        """The columns of the file that it needs."""
        return [c for c in (self.column, self.numerator, self.denominator, self.moe, *self.where) if c is not None]


class Demographics(Strict):
    """One CSV file with a row for each area of a layer (or for each part or group of it)."""

    layer: Slug
    file: str = Field(description="CSV with a line of column names, beside the YAML or beside the inputs")
    area: str = Field(description="column of the area's code or name")
    encoding: str = "utf-8-sig"
    skip_rows: int = Field(default=0, ge=0, le=100, description="lines after the column names that are no data")
    code_length: int | None = Field(
        default=None, ge=1, le=40,
        description="codes are cut or, with zeros at their left, filled to this length: a block group's is then its tract's",
    )  # fmt: skip
    null_values: tuple[str, ...] = ("", "NA", "N/A", "NULL", "null", "-", "--", "**", "***", "(X)", "N")
    year: int = Field(ge=1790, le=2200, description="the last year that the figures cover")
    source: str = Field(min_length=1, description="who says so, as it is to be named: survey, table, years")
    license: str | None = Field(default=None, description="terms under which the figures may be passed on")
    measures: tuple[DemographicMeasure, ...] = Field(min_length=1)


def check_demographics(entries: tuple[Demographics, ...], layers: list[str]) -> None:
    """ValueError if an entry is of no layer, or a layer is given a measure twice."""
    seen: set[tuple[str, str]] = set()
    for entry in entries:
        if entry.layer not in layers:
            allowed = ", ".join(layers) or "none"
            raise ValueError(f"demographics: '{entry.layer}' is not a layer that has files; allowed: {allowed}")
        for measure in entry.measures:
            if (entry.layer, measure.id) in seen:
                raise ValueError(f"demographics: the layer '{entry.layer}' has the measure '{measure.id}' twice")
            seen.add((entry.layer, measure.id))
