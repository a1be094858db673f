"""What counts as one incident, as a repeat, and as a closing that looks suspicious.

Charter: the rules as the city may set them, with their defaults; what they do to requests is `etl.publish`.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field, model_validator

from etl.config.base import Strict


class IncidentRule(Strict):
    """What one service wants otherwise than the others; where it is empty, the common value holds."""

    metres: float | None = Field(default=None, gt=0, le=1000)
    max_days: float | None = Field(default=None, gt=0, le=366)


class Incidents(Strict):
    """When two requests are reports of one incident. Each is held against the incident's first report only."""

    metres: float = Field(default=50, gt=0, le=1000, description="farthest from the first report")
    max_days: float = Field(default=30, gt=0, le=366, description="longest after the first report")
    after_closing_hours: float = Field(
        default=0, ge=0, le=744, description="a report so long after the first one's closing still belongs to it"
    )
    chance: float = Field(
        default=0.0003, gt=0, le=1,
        description="unrelated requests of the service to be expected as near and as soon: up to so many",
    )  # fmt: skip
    chance_with_evidence: float = Field(
        default=0.05, gt=0, le=1,
        description="the same, where the report was closed as a duplicate or within an hour of the first one's closing",
    )  # fmt: skip
    services: dict[str, IncidentRule] = Field(default={}, description="service_code -> what it wants otherwise")
    interchangeable: tuple[tuple[str, ...], ...] = Field(
        default=(), description="lists of service codes that people use for one and the same thing"
    )

    @model_validator(mode="after")
    def _codes_are_in_one_list(self) -> Incidents:
        codes = [code for codes in self.interchangeable for code in codes]
        doubled = sorted({code for code in codes if codes.count(code) > 1})
        if doubled:
            raise ValueError(f"interchangeable: '{doubled[0]}' is named twice; keep it in one list")
        return self

    def kind_of(self, service_code: str) -> str:
        """The code that stands for all that this one may be taken for: the first of its list, or itself."""
        return next((codes[0] for codes in self.interchangeable if service_code in codes), service_code)

    def limits_of(self, service_codes: Sequence[str]) -> tuple[float, float]:
        """Metres and days for services that are taken together; the widest that any of them asks for."""
        rules = [self.services.get(code, IncidentRule()) for code in service_codes]
        metres = max((rule.metres or self.metres for rule in rules), default=self.metres)
        return metres, max((rule.max_days or self.max_days for rule in rules), default=self.max_days)


class Repeats(Strict):
    """When a request asks again for what was closed."""

    days: float = Field(default=14, gt=0, le=366, description="at most so long after the closing")
    metres: float = Field(default=50, gt=0, le=1000, description="at most so far from it")


class Suspicious(Strict):
    """Closings worth a look. A flag is a question to the department, not an answer."""

    least_closings: int = Field(default=100, ge=10, description="of services with fewer, nothing is told")
    fast_chance: float = Field(
        default=0.001, gt=0, lt=0.25, description="fast: as soon as fewer than this share of the service's should be"
    )
    fast_minutes: float = Field(default=60, gt=0, description="fast: and within so many minutes")
    bulk_closings: int = Field(default=50, ge=2, description="bulk: so many of one department in one minute")
    boilerplate_share: float = Field(
        default=0.5, gt=0, le=1, description="boilerplate: one text closes at least this share of the service's"
    )
