"""Measures and feedback: what a city measures beside its requests, and how their columns are called."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from etl.config.base import Slug, Strict
from etl.config.connections import Reached
from etl.config.mapping import TimeColumn

MEASURE_TEXTS = ("measure", "department", "value", "target", "direction", "unit", "period", "responses")
FEEDBACK_TEXTS = ("feedback_id", "service_request_id", "department", "counter", "channel", "score")
Direction = Literal["higher", "lower", "none"]
Period = Literal["day", "week", "month", "quarter", "year"]


class MeasureInfo(Strict):
    """What the city says of one measure; what a row states goes before it."""

    name: str
    unit: str = Field(description="percent, index, seconds, count, …")
    direction: Direction = Field(default="higher", description="which way is better")
    target: float | None = None
    department: str | None = Field(default=None, description="department that it is of; default: the whole city")


class MeasureSource(Reached):
    """A source of periodic measures: one row for a measure, a department and a period."""

    null_values: tuple[str, ...] = ("", "NA", "N/A", "NULL", "null")
    extract: Literal["full", "window", "partial"] = "partial"
    columns: dict[str, str | TimeColumn]
    measures: dict[str, MeasureInfo] = Field(default={}, description="the source's word for a measure -> what it is")
    period: Period = Field(default="month", description="length of a row's period where no column says when it ends")

    @model_validator(mode="after")
    def _columns_make_sense(self) -> MeasureSource:
        _check(self.columns, MEASURE_TEXTS, ("period_start", "period_end"), ("period_start", "value", "measure"))
        return self

    def source_columns(self) -> list[str]:
        """Names of every column that the mapping needs, once each."""
        return _names(self.columns)


class FeedbackSource(Reached):
    """A source of satisfaction answers: one row for an answer."""

    null_values: tuple[str, ...] = ("", "NA", "N/A", "NULL", "null")
    extract: Literal["full", "window", "partial"] = "partial"
    columns: dict[str, str | TimeColumn]
    scale: tuple[float, float] = Field(default=(0, 100), description="worst and best answer; kept as 0 to 100")
    channels: dict[str, Slug] = {}

    @model_validator(mode="after")
    def _columns_make_sense(self) -> FeedbackSource:
        _check(self.columns, FEEDBACK_TEXTS, ("received_datetime",), ("feedback_id", "received_datetime", "score"))
        if self.scale[0] == self.scale[1]:
            raise ValueError("scale: the worst and the best answer must differ, such as [1, 5]")
        if not {"service_request_id", "department", "counter"} & set(self.columns):
            raise ValueError("columns: an answer is tied to a service_request_id, a department or a counter; map one")
        return self

    def source_columns(self) -> list[str]:
        """Names of every column that the mapping needs, once each."""
        return _names(self.columns)


def _names(columns: dict[str, str | TimeColumn]) -> list[str]:
    return list(dict.fromkeys(c.column if isinstance(c, TimeColumn) else c for c in columns.values()))


def _check(
    columns: dict[str, str | TimeColumn], texts: tuple[str, ...], times: tuple[str, ...], needed: tuple[str, ...]
) -> None:
    for field, spec in columns.items():
        if field not in (*texts, *times):
            raise ValueError(f"columns: '{field}' is not a field; allowed: {', '.join(sorted((*texts, *times)))}")
        if isinstance(spec, TimeColumn) != (field in times):
            shape = "{column: …, formats: […]}" if field in times else "the name of a column"
            raise ValueError(f"columns: '{field}' must be {shape}")
    for field in needed:
        if field not in columns:
            raise ValueError(f"columns: '{field}' is required")
