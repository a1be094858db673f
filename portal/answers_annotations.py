"""What happened in the city or in its work, as the city lists it: answers of `portal.queries.annotations`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Annotation:
    """One event. `last` is the last day of a period, None for one day or from then on; empty texts: nothing named."""

    first: date
    last: date | None
    text: str
    about: tuple[str, ...] = ()  # names of the only service, department and area that it touched
    link: str = ""
