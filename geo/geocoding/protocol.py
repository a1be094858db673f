"""What every geocoder can do, whoever made it: our own, and the providers of cities without reference layers.

Charter: the protocol and nothing else. Who locates, and with what, is not known here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from geo.geocoding.model import Located


class AddressLocator(Protocol):
    """Anything that finds addresses."""

    def locate(self, texts: Sequence[str], *, zips: Sequence[str] | None = None) -> Located:
        """One result a text, in the texts' order (EPSG:4326); `zips`: a ZIP code or '' a text, where known.

        What is not found is an entry with method 0, never an error. ValueError if `zips` is of another length.
        """
        ...
