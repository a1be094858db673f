"""Which ready files are made of a release once it is published."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from etl.config.base import Strict

Part = Literal["whole", "year", "department", "layers"]
Format = Literal["csv", "parquet"]


class Downloads(Strict):
    """Whole tables and parts of the requests as files that lie ready. What is not made is still made when it is asked for."""

    parts: tuple[Part, ...] | Literal["none"] = Field(
        default=("whole", "year", "department", "layers"),
        description="whole: every table as CSV; requests by year, by department, by area of each layer; none: no files",
    )
    formats: tuple[Format, ...] = Field(default=("csv", "parquet"), description="of parts of the requests")

    @field_validator("parts", "formats")
    @classmethod
    def _something_once(cls, value: tuple[str, ...] | str) -> tuple[str, ...] | str:
        if not value:
            raise ValueError("names nothing; `parts: none` makes no files")
        return value if isinstance(value, str) else tuple(dict.fromkeys(value))

    @property
    def wanted(self) -> tuple[str, ...]:
        """The parts; empty where none are to be made."""
        return () if isinstance(self.parts, str) else self.parts
