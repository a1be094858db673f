"""What every part of a city's YAML is made of: strictness, names, zones.

Charter: types that several parts share, and nothing about any one part.
"""

from __future__ import annotations

from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field

Outcome = Literal["done", "no_action", "not_found", "duplicate", "referred", "unknown"]
Status = Literal["open", "closed"]
Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class Strict(BaseModel):
    """Base of every part: unknown keys are errors, values never change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def known_zone(value: str) -> str:
    """The value itself; ValueError unless it is a zone of the IANA database."""
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("not a time zone of the IANA database, such as America/New_York") from error
    return value
