"""Tools as the protocol has them: their list with schemas, and a call that checks what it is given.

Charter: names and JSON in, JSON out; a question that cannot be asked is an answer that says why, in one line.
"""

from __future__ import annotations

import json
import logging
from functools import cache
from typing import Any

from pydantic import ValidationError

from portal.errors import NoRelease, PortalError
from portal.mcp.offered import TOOLS, Tool
from portal.mcp.protocol import Json
from portal.release import Releases
from portal.text import speaking

log = logging.getLogger("openward.portal")

INSTRUCTIONS = (
    "Open data of a city's service requests (311): figures and rows of its current release, read-only. Begin with "
    "describe_release. Tell people the answer's as_of, its selection and its page or cite address; where `synthetic` is set, "
    "say that the city is made up. Requests that are still open count in response_times: do not replace its medians by means "
    "of response_hours. All rows at once are files at /download/requests.csv and the like."
)
_READ_ONLY = {"readOnlyHint": True, "destructiveHint": False, "idempotentHint": True, "openWorldHint": False}
LONGEST_TOLD = 1_000


@cache
def listed() -> list[Json]:
    """The tools as `tools/list` tells them."""
    return [
        {
            "name": tool.name,
            "title": tool.title,
            "description": tool.description,
            "inputSchema": _plain(tool.takes.model_json_schema()),
            "outputSchema": _plain(tool.gives.model_json_schema(mode="serialization")),
            "annotations": _READ_ONLY,
        }
        for tool in TOOLS
    ]


def call(releases: Releases, base: str, name: str, given: Json) -> Json:
    """A tool's answer, or why it cannot be asked so."""
    tool = next(tool for tool in TOOLS if tool.name == name)
    try:
        asked = tool.takes.model_validate(given, strict=False)
        with speaking("en", main="en"):
            found = tool.ask(releases.current(), base, asked)
    except ValidationError as error:
        return _wrong(_first(tool, error))
    except PortalError as error:
        if isinstance(error, NoRelease):
            log.error("%s", error)
        return _wrong(str(error))
    text = found.model_dump_json()
    return {
        "content": [{"type": "text", "text": text}],
        "structuredContent": json.loads(text),
        "isError": False,
    }


def _wrong(why: str) -> Json:
    return {"content": [{"type": "text", "text": " ".join(why.split())[:LONGEST_TOLD]}], "isError": True}


def _first(tool: Tool, error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part)[:60] for part in first["loc"][:4])
    if first["type"] == "extra_forbidden":
        takes = ", ".join(field.alias or name for name, field in tool.takes.model_fields.items())
        return f"{tool.name} takes no argument '{where}'; it takes: {takes or 'none'}."
    return f"{where or 'arguments'}: {first['msg']}"


def _plain(schema: Any) -> Any:
    """Without the titles that pydantic makes of names, which say nothing."""
    if isinstance(schema, dict):
        return {key: _plain(value) for key, value in schema.items() if not (key == "title" and isinstance(value, str))}
    return [_plain(part) for part in schema] if isinstance(schema, list) else schema
