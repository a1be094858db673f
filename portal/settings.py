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
    stream_memory_limit: str = Field(
        default="64MB", pattern=r"^\d+(\.\d+)?\s?[KMGT]i?B$",
        description="memory that DuckDB may use for files and whole tables that are being sent, besides",
    )  # fmt: skip
    cache_entries: int = Field(default=2000, ge=0, description="answers kept per release; 0 switches the cache off")
    public_url: str = Field(
        default="", pattern=r"^(https?://[^\s/]+(/[^\s]*)?)?$", description="base URL that visitors see"
    )
    rate_limit: int = Field(
        default=1200, ge=0, le=10_000_000,
        description="questions a minute that one address may ask of the APIs and of files that are made; 0: no limit",
    )  # fmt: skip
    rate_limit_tiles: int = Field(
        default=12_000, ge=0, le=10_000_000, description="tiles a minute that one address may ask for; 0: no limit"
    )
    rate_limit_proxies: int = Field(
        default=0, ge=0, le=10,
        description="proxies in front of the portal that add to X-Forwarded-For; the address before them is the client's",
    )  # fmt: skip
    mcp: bool = Field(default=False, description="1: tools for assistants are offered at /mcp (docs/apis/mcp.md)")

    @field_validator("public_url")
    @classmethod
    def _no_trailing_slash(cls, value: str) -> str:
        return value.rstrip("/")
