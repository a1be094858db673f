"""Geocoding services on the web that a city without reference layers may name. There are none by default.

Charter: which services, where they are and how gently they are asked. Naming one sends addresses (their text and ZIP,
nothing else of a request) to somebody else's machine; a city that names none sends nothing. Keys are named by their
environment variable and never written.
"""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from etl.config.base import Strict
from etl.config.connections import EnvName, Patience

PUBLIC_NOMINATIM = "nominatim.openstreetmap.org"
PUBLIC_RATE = 1.0
"""Requests a second that the usage policy of the public Nominatim allows at most."""

Line = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\r\n,\"]+$")]


class GeocodingService(Strict):
    """What every geocoding service shares."""

    url: str = Field(description="base address of the service; the addresses of requests are sent there")
    city: Line | None = Field(default=None, description="city that is meant where an address names none")
    state: Line | None = Field(default=None, description="state that is meant where an address names none, such as MA")
    rate_per_second: float = Field(default=1, gt=0, le=50, description="requests a second at most")
    most_per_run: int = Field(
        default=2_000, ge=1, le=10_000_000, description="addresses asked for in one run at most; the rest waits"
    )
    keep_days: float = Field(default=365, gt=0, le=3650, description="an answer is not asked for again for so long")
    keep_nothing_days: float = Field(default=30, gt=0, le=3650, description="the same for 'no match'")
    patience: Patience = Patience(timeout_seconds=30, attempts=4)

    @field_validator("url")
    @classmethod
    def _address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must be a web address, such as https://geocoder.example.org")
        if parts.username or parts.password:
            raise ValueError("must not hold a name or a password; secrets come from the environment")
        if parts.query or parts.fragment:
            raise ValueError("must be a base address without '?' or '#'; secrets come from the environment")
        return value.rstrip("/")


class CensusProvider(GeocodingService):
    """The batch geocoder of the US Census Bureau (addresses in the United States, no key).

    It interpolates along TIGER's address ranges. It takes minutes for a large batch, hence the long time-out.
    """

    kind: Literal["census"]
    url: str = "https://geocoding.geo.census.gov"
    benchmark: str = Field(
        default="Public_AR_Current", pattern=r"^[A-Za-z0-9_]{1,60}$", description="edition of the address ranges"
    )
    batch_rows: int = Field(default=2_000, ge=1, le=10_000, description="addresses in one batch")
    most_per_run: int = Field(default=200_000, ge=1, le=10_000_000)
    patience: Patience = Patience(timeout_seconds=600, attempts=4)


class NominatimProvider(GeocodingService):
    """A Nominatim server (OpenStreetMap); the public one allows 1 request a second and no large numbers."""

    kind: Literal["nominatim"]
    email: str | None = Field(
        default=None,
        pattern=r"^[^@\s()<>]{1,100}@[^@\s()<>]{1,150}$",
        description="whom the server's operator may write to; sent in the user agent",
    )
    countries: tuple[Annotated[str, Field(pattern=r"^[a-z]{2}$")], ...] = Field(
        default=(), description="ISO codes of the countries to look in, such as us"
    )

    @model_validator(mode="after")
    def _policy(self) -> NominatimProvider:
        host = (urlsplit(self.url).hostname or "").rstrip(".").lower()
        if host == PUBLIC_NOMINATIM and self.rate_per_second > PUBLIC_RATE:
            raise ValueError(f"rate_per_second: {host} allows {PUBLIC_RATE:g} a second at most")
        return self


class PeliasProvider(GeocodingService):
    """A Pelias server, such as one of the city's own or one that needs a key."""

    kind: Literal["pelias"]
    api_key_env: EnvName | None = Field(default=None, description="environment variable with the key")
    countries: tuple[Annotated[str, Field(pattern=r"^[A-Z]{2,3}$")], ...] = Field(
        default=(), description="ISO codes of the countries to look in, such as USA"
    )


Provider = Annotated[CensusProvider | NominatimProvider | PeliasProvider, Field(discriminator="kind")]
"""One service. A list of them is asked in its order: each for what the ones before did not find."""
