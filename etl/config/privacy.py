"""What may leave the city: deny by default."""

from __future__ import annotations

from typing import Literal

from etl.config.base import Strict

Publishable = Literal["address", "location", "agency_responsible"]


class Privacy(Strict):
    """Deny by default: what is not named here does not leave."""

    publish: tuple[Publishable, ...] = ()
