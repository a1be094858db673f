"""The tools that are offered: their names and words, and what asks and answers each.

Charter: a list.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from portal.mcp import answers, arguments, tools
from portal.release import Release


@dataclass(frozen=True)
class Tool:
    """A question: what it takes, what it answers, and what asks it of a release, told where visitors see the portal."""

    name: str
    title: str
    description: str
    takes: type[arguments.Nothing]
    gives: type[BaseModel]
    ask: Callable[[Release, str, Any], BaseModel]


TOOLS: Final = (
    Tool(
        "describe_release", "What there is",
        "Start here: the city, when its data was taken, tables with their fields, services, departments, groups, channels and "
        "layers of areas, with the codes that the other tools take. With `table`: types and descriptions of its fields.",
        arguments.Describe, answers.Described, tools.describe,
    ),
    Tool(
        "list_values", "Values to choose by",
        "Codes and names of a dimension (a service, a department, an area of a layer) with how many requests each has.",
        arguments.ListValues, answers.Listed, tools.list_values,
    ),
    Tool(
        "find_requests", "Requests, counted and listed",
        "The exact number of the selected requests and a page of them, newest first; `limit` 0 only counts.",
        arguments.Find, answers.Found, tools.find,
    ),
    Tool(
        "group_requests", "Figures of groups",
        "Counts, means and quantiles of fields by groups of the selected requests, as they are recorded. For how long requests "
        "take ask response_times: a mean of response_hours leaves out all that are still open.",
        arguments.Group, answers.Grouped, tools.group,
    ),
    Tool(
        "response_times", "How long it takes",
        "Counts by status, shares on time, and hours to closing of the selected requests with 95% intervals; open requests count "
        "as not closed yet. With `by` also of each service, department or area.",
        arguments.Times, answers.Timed, tools.times,
    ),
    Tool("get_request", "One request", "One request by its number, as published.", arguments.One, answers.OneRequest, tools.one),
    Tool(
        "areas_at", "Areas at a place",
        "Areas, of every layer that has outlines, at a place or within some meters of it, and the nearest address where known.",
        arguments.Point, answers.Here, tools.here,
    ),
    Tool(
        "cite_selection", "How to cite it",
        "A permanent address and a citation (text, BibTeX, CSL-JSON or RIS) of this release and the selected requests.",
        arguments.Cite, answers.Citation, tools.citation,
    ),
)  # fmt: skip
