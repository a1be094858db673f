"""Where the ETL works: one documented class, filled from `OPENWARD_*` variables; and which variables hold secrets."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

if TYPE_CHECKING:  # a command that only looks at releases need not load the whole schema
    from etl.config import CityConfig


class EtlSettings(BaseSettings):
    """`OPENWARD_HOME`, `OPENWARD_STORE_URL` and `OPENWARD_RELEASES`; command-line options go before them."""

    model_config = SettingsConfigDict(env_prefix="OPENWARD_", extra="ignore")

    home: Path = Field(default=Path("var"), description="folder that holds one folder for each city")
    store_url: SecretStr | None = Field(default=None, description="record store; default: a SQLite file under home")
    releases: Path | None = Field(default=None, description="folder of releases; default: under home")

    def folder_of(self, city: str) -> Path:
        """Folder of a city's own things: its raw copies, its work, and by default its store and releases."""
        return self.home / city

    def store_of(self, city: str) -> str:
        """Database URL of a city's record store."""
        if self.store_url is not None:
            return self.store_url.get_secret_value()
        return f"sqlite:///{self.folder_of(city) / 'store.sqlite'}"

    def releases_of(self, city: str) -> Path:
        """Folder of a city's releases."""
        return self.releases or self.folder_of(city) / "releases"


AMBIENT = ("PGPASSWORD", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
"""Variables that the database's and the object store's own libraries read."""


def variables_of(config: CityConfig) -> Iterator[tuple[str, str, str]]:
    """(source, key, environment variable) of everything that the city's YAML names and does not hold."""
    for name, source in config.every_source.items():
        for key, value in source.connection.model_dump().items():
            if key.endswith("_env") and isinstance(value, str):
                yield name, key, value


def secrets_of(config: CityConfig, settings: EtlSettings) -> list[str]:
    """Every value that must not be in a log: what the variables hold, and the passwords within addresses among them."""
    values = [os.environ.get(variable, "").strip() for _, _, variable in variables_of(config)]
    values += [os.environ.get(variable, "").strip() for variable in AMBIENT]
    passwords = [_password(value) for value in values if "://" in value]
    if settings.store_url is not None:
        passwords.append(_password(settings.store_url.get_secret_value()))
    return [form for value in {*values, *passwords} if value for form in {value, quote(value, safe=""), unquote(value)}]


def _password(address: str) -> str:
    try:
        return urlsplit(address).password or ""
    except ValueError:
        return ""
