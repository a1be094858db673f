"""What is known of the values of a table's fields. No SQL, no words, no markup."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

Value = str | float | int | bool | date | datetime


@dataclass(frozen=True, slots=True)
class FieldProfile:
    """One field. `distinct` counts its different values; where `about` it is an estimate, right within 2%.

    `low` and `high` are of numbers, dates and times. `values` are all different values with their rows, the most
    frequent first, where they are few.
    """

    name: str
    filled: int
    distinct: int
    about: bool = False
    low: Value | None = None
    high: Value | None = None
    values: tuple[tuple[Value, int], ...] = ()


@dataclass(frozen=True, slots=True)
class TableProfile:
    """A table's rows, and its fields by name."""

    rows: int
    fields: dict[str, FieldProfile]
