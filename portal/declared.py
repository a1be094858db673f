"""The query keys of a selection as OpenAPI declares them: made from the one list of keys, so that none is left out.

Charter: descriptions and examples. What is given is read and checked by `portal.selection_query`, not by the framework.
"""

from __future__ import annotations

from inspect import Parameter, Signature
from typing import Annotated, Any, Final, NamedTuple

from fastapi import Query

from portal.outline import LARGEST_M, MOST_CORNERS
from portal.selection import COLUMNS
from portal.selection_query import KEYS, LONG, MAX_LONG_CHARS, MAX_VALUE_CHARS, MAX_VALUES


class About(NamedTuple):
    """What a key takes, and examples that any city's release takes; none where values are a city's own."""

    text: str
    examples: tuple[str, ...] = ()


SEVERAL: Final = (*COLUMNS, "area")
"""Keys that may be repeated."""

_ANY: Final = f"; repeat the key for any of several (at most {MAX_VALUES}), '(none)' for requests that state none"

KEYS_ABOUT: Final[dict[str, About]] = {
    "service": About("code of a service" + _ANY),
    "group": About("group of services" + _ANY),
    "department": About("code of a department" + _ANY),
    "status": About("open or closed; repeat the key for both", ("open",)),
    "outcome": About("done, no_action, not_found, duplicate, referred or unknown" + _ANY, ("done",)),
    "channel": About("how it was reported" + _ANY),
    "on_time": About("on_time, late, pending or no_standard; repeat the key for any of several", ("late",)),
    "area": About("layer:code, such as district:3" + _ANY),
    "age": About(
        "whole days from the report to the closing, or to when the data was taken: at least the first number, less than the "
        "second; either may be left out",
        ("7-30", "90-"),
    ),
    "from": About("first day asked for, in the city's own time", ("2025-01-31",)),
    "to": About("last day asked for, in the city's own time", ("2025-02-28",)),
    "filter": About(
        "a condition on any published field in CQL2 text (OGC 21-065), escaped as any value of an address; its functions are "
        "those of /conformance and of the documentation",
        ("response_hours > 240 AND NOT CASEI(address) LIKE CASEI('%main st%')",),
    ),
    "near": About(
        f"latitude, longitude (WGS 84, degrees) and whole meters, 1 to {LARGEST_M}, with commas: requests within that "
        "distance of the place; 400 where the release tells no points",
        ("42.3521,-71.0603,300",),
    ),
    "within": About(
        f"an outline as an encoded polyline (five decimals, latitude first) of 3 to {MOST_CORNERS} corners that does not cross "
        f"itself, at most {MAX_LONG_CHARS} characters, escaped as any value of an address: requests within it; 400 where "
        "the release tells no points",
        ("_bnaGf{vpL?o}@wj@??n}@",),
    ),
}


def _parameter(key: str) -> Parameter:
    about = KEYS_ABOUT.get(key, About("narrows what is selected"))
    several = key in SEVERAL
    schema: dict[str, Any] = {"examples": [[value] if several else value for value in about.examples]}
    query = Query(
        alias=key,
        description=about.text,
        json_schema_extra={
            **(schema if about.examples else {}),
            "maxLength" if not several else "maxItems": MAX_VALUES if several else _longest(key),
        },
    )
    kind: Any = list[str] | None if several else str | None
    return Parameter(f"{key}_", Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind, query])


def _longest(key: str) -> int:
    return MAX_LONG_CHARS if key in LONG else MAX_VALUE_CHARS


async def selection_keys(**given: Any) -> None:  # async: no thread is taken for what does nothing
    """A dependency that declares every key of a selection and reads none."""


selection_keys.__signature__ = Signature([_parameter(key) for key in KEYS])  # type: ignore[attr-defined]
