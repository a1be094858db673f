"""What must not happen unnoticed between one release and the next, and how long raw copies are kept."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from etl.config.base import Strict

Share = float


class Limits(Strict):
    """Named limits of one source. What breaks one is stored, but the release is held until someone accepts it.

    Each is compared with the release before, once the source has `least_rows` there; None switches a limit off.
    """

    least_rows: int = Field(default=100, ge=0, description="below this many rows shares say nothing")
    rows_fall: Share | None = Field(default=0.05, ge=0, le=1, description="fewer rows than before, as a share")
    rows_rise: Share | None = Field(default=3.0, ge=0, description="more rows than before: 3 is four times as many")
    unlocated_rise: Share | None = Field(default=0.10, ge=0, le=1, description="rise of the share without a location")
    closed_change: Share | None = Field(default=0.15, ge=0, le=1, description="change of the share that is closed")
    unmapped_rise: Share | None = Field(
        default=0.02, ge=0, le=1, description="rise of the share with an unmapped status"
    )
    null_rise: Share | None = Field(
        default=0.10, ge=0, le=1, description="rise of the share of blanks in any mapped field"
    )
    withdrawn_rise: Share | None = Field(default=0.02, ge=0, le=1, description="rise of the share withdrawn")
    quarantined_rise: Share | None = Field(default=0.02, ge=0, le=1, description="rise of the share quarantined")
    newest_back_days: float | None = Field(
        default=1, ge=0, description="the newest request is so many days older than it was"
    )
    newest_age_days: float | None = Field(
        default=None, ge=0, description="the newest request is older than so many days"
    )


class Raw(Strict):
    """How long raw copies are kept. What a replay needs at least is always kept."""

    keep_days: float = Field(default=35, ge=0)


class Retention(Strict):
    """How long releases keep their files. What describes a release, and its hashes, stay for ever."""

    keep_days: float | None = Field(default=None, ge=1, description="all releases of so many days; none: all, for ever")
    then: Literal["monthly", "yearly", "none"] = Field(
        default="monthly", description="of older ones the first of each month or year, or none"
    )
