"""What happened in the city or in its work, to be marked on charts over time: 'New work-order system', 'Snow emergency'.

Charter: what a city says of such events. That their areas exist is seen once boundaries are read (`etl.publish.annotations`).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection

from pydantic import Field, field_validator, model_validator

from etl.config.base import Strict

MOST = 200
_LINK = re.compile(r"https?://[^\s\"'<>\\]+")


class Annotation(Strict):
    """One event: a day or a period, what it was, and what it touched; nothing named: all of the city's work."""

    date: dt.date = Field(description="the day, or the first day of the period")
    until: dt.date | None = Field(default=None, description="the last day of the period")
    text: str = Field(min_length=1, max_length=100, description="'New work-order system'")
    service: str | None = Field(default=None, description="code of the only service that it touched")
    department: str | None = Field(default=None, description="code of the only department")
    area: str | None = Field(default=None, description="the only area, as layer:code")
    link: str | None = Field(default=None, max_length=500, description="page that tells more")

    @field_validator("text")
    @classmethod
    def _one_line(cls, text: str) -> str:
        words = text.strip()
        if not words or any(not letter.isprintable() for letter in words):
            raise ValueError("must be one line of words")
        return words

    @field_validator("link")
    @classmethod
    def _web_address(cls, link: str | None) -> str | None:
        if link is not None and not _LINK.fullmatch(link):
            raise ValueError("must be an address that begins with https:// or http://")
        return link

    @model_validator(mode="after")
    def _ends_after_it_began(self) -> Annotation:
        if self.until is not None and self.until < self.date:
            raise ValueError(f"until {self.until} is before date {self.date}")
        return self


def check_annotations(
    entries: Collection[Annotation], services: Collection[str], departments: Collection[str], layers: Collection[str]
) -> None:
    """ValueError if an event names what the file does not know; services and departments that it lists none of may be any."""
    if len(entries) > MOST:
        raise ValueError(f"annotations: {len(entries)} are too many to be read on a chart; at most {MOST}")
    for i, entry in enumerate(entries):
        for key, value, known in (
            ("service", entry.service, services),
            ("department", entry.department, departments),
        ):
            if value is not None and known and value not in known:
                raise ValueError(
                    f"annotations.{i}.{key}: '{value}' is not listed under {key}s; allowed: {_some(known)}"
                )
        if entry.area is not None:
            layer, mark, code = entry.area.partition(":")
            if not mark or not code or layer not in layers:
                raise ValueError(f"annotations.{i}.area: '{entry.area}' is not layer:code; layers are {_some(layers)}")


def _some(names: Collection[str]) -> str:
    shown = sorted(names)
    return ", ".join(shown[:12]) + (f" and {len(shown) - 12} more" if len(shown) > 12 else "") if shown else "none"
