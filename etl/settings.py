"""Where the ETL works: one documented class, filled from `OPENWARD_*` variables."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class EtlSettings(BaseSettings):
    """`OPENWARD_HOME`, `OPENWARD_STORE_URL` and `OPENWARD_RELEASES`; command-line options go before them."""

    model_config = SettingsConfigDict(env_prefix="OPENWARD_", extra="ignore")

    home: Path = Field(default=Path("var"), description="folder that holds one folder for each city")
    store_url: SecretStr | None = Field(default=None, description="record store; default: a SQLite file under home")
    releases: Path | None = Field(default=None, description="folder of releases; default: under home")

    def store_of(self, city: str) -> str:
        """Database URL of a city's record store."""
        if self.store_url is not None:
            return self.store_url.get_secret_value()
        return f"sqlite:///{self.home / city / 'store.sqlite'}"

    def releases_of(self, city: str) -> Path:
        """Folder of a city's releases."""
        return self.releases or self.home / city / "releases"
