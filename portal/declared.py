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
        f"a condition on any published field in CQL2 text (OGC 21-065), at most {MAX_LONG_CHARS} characters, in canonical form "
        "too, escaped as any value of an address; its functions are "
        "those of /conformance and of the documentation",
        ("response_hours > 240 AND CASEI(service_name) LIKE CASEI('%street%')",),
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


def in_openapi() -> dict[str, Any]:
    """The keys for a route's `openapi_extra`: where reading them a second time would take too long, as for tiles."""
    return {
        "parameters": [
            {
                "name": key,
                "in": "query",
                "required": False,
                "description": _about(key).text,
                "schema": {"type": "array", "items": {"type": "string"}} | _schema(key)
                if key in SEVERAL
                else {"type": "string"} | _schema(key),
            }
            for key in KEYS
        ]
    }


def _parameter(key: str) -> Parameter:
    kind: Any = list[str] | None if key in SEVERAL else str | None
    query = Query(alias=key, description=_about(key).text, json_schema_extra=_schema(key))
    return Parameter(f"{key}_", Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind, query])


def _about(key: str) -> About:
    return KEYS_ABOUT.get(key, About("narrows what is selected"))


def _schema(key: str) -> dict[str, Any]:
    several, examples = key in SEVERAL, _about(key).examples
    longest: dict[str, Any] = {"maxItems": MAX_VALUES} if several else {"maxLength": _longest(key)}
    return longest | ({"examples": [[value] if several else value for value in examples]} if examples else {})


def _longest(key: str) -> int:
    return MAX_LONG_CHARS if key in LONG else MAX_VALUE_CHARS


async def selection_keys(**given: Any) -> None:  # async: no thread is taken for what does nothing
    """A dependency that declares every key of a selection and reads none."""


selection_keys.__signature__ = Signature([_parameter(key) for key in KEYS])  # type: ignore[attr-defined]
