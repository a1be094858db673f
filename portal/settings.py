"""The portal's settings: `OPENWARD_*` environment variables, in one documented class."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class PortalSettings(BaseSettings):
    """What the web side may be told. It holds no secret: releases are public files."""

    model_config = SettingsConfigDict(env_prefix="OPENWARD_", frozen=True, extra="ignore")

    releases: Path = Field(
        default=Path("var/releases"), description="folder of releases: holds `current` and chain.jsonl"
    )
    duckdb_threads: int = Field(default=2, ge=1, le=256, description="threads that one query may use")
    memory_limit: str = Field(
        default="1GB", pattern=r"^\d+(\.\d+)?\s?[KMGT]i?B$", description="memory that DuckDB may use"
    )
    cache_entries: int = Field(default=2000, ge=0, description="answers kept per release; 0 switches the cache off")
    public_url: str = Field(
        default="", pattern=r"^(https?://[^\s/]+(/[^\s]*)?)?$", description="base URL that visitors see"
    )

    @field_validator("public_url")
    @classmethod
    def _no_trailing_slash(cls, value: str) -> str:
        return value.rstrip("/")
