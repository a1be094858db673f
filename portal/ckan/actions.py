"""The actions of CKAN that are offered, by name: each takes what it is given and tells a result.

Charter: a release and parameters in, CKAN's result out. `datastore_search` is apart: its rows are streamed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from portal.ckan import catalog, datastore, given
from portal.ckan.errors import Invalid, NoAction
from portal.ckan.given import Given
from portal.errors import NotFound
from portal.release import Release


@dataclass(frozen=True)
class Call:
    """What an action is called with; `base` is the site's address as visitors see it."""

    release: Release
    asked: Given
    base: str


Action = Callable[[Call], Any]
FOLLOWED: Final = "2.11"
"""The version of CKAN whose answers these are like."""


def package_list(call: Call) -> Any:
    """Names of the datasets: there is one, the release."""
    limit, offset = given.number(call.asked, "limit", 1000, 1000), given.number(call.asked, "offset", 0)
    return [catalog.package_name(call.release)][offset : offset + limit]


def package_show(call: Call) -> Any:
    """A dataset with its resources, by its id or name."""
    name = given.text(
        call.asked, "id" if call.asked.get("id") else "name_or_id" if call.asked.get("name_or_id") else "id"
    )
    if name not in (catalog.package_name(call.release), catalog.package_id(call.release)):
        raise NotFound(f"there is one dataset, {catalog.package_name(call.release)}.")
    return catalog.package(call.release, call.base)


def package_search(call: Call) -> Any:
    """The datasets that have all the words of `q` in their titles and descriptions, or in those of their resources."""
    if call.asked.get("fq") or call.asked.get("fq_list"):
        raise Invalid("fq", "is not offered: there is one dataset")
    rows, start = given.number(call.asked, "rows", 10, 1000), given.number(call.asked, "start", 0)
    found = catalog.package(call.release, call.base)
    parts = [found, *found["resources"]]
    said = " ".join(str(part.get(key) or "") for part in parts for key in ("name", "title", "notes", "description"))
    words = [word for word in given.text(call.asked, "q", "").lower().split() if word not in ("*:*", "*")]
    results = [found] if all(word in said.lower() for word in words) else []
    return {
        "count": len(results),
        "sort": given.text(call.asked, "sort", "score desc, metadata_modified desc"),
        "results": results[start : start + rows],
        "facets": {},
        "search_facets": {},
    }


def current_package_list_with_resources(call: Call) -> Any:
    """The datasets with their resources."""
    return [catalog.package(call.release, call.base)] if package_list(call) else []


def resource_show(call: Call) -> Any:
    """A file of the release, by its id or name."""
    return catalog.resource(call.release, given.text(call.asked, "id"), call.base)


def datastore_info(call: Call) -> Any:
    """The fields of a table."""
    return datastore.info(call.release, call.asked)


def datastore_search_sql(_call: Call) -> Any:
    """Refused: SQL of others is not run."""
    raise Invalid("sql", "SQL is not run here: use datastore_search, or SoQL at /resource/NAME.json?$query=")


def site_read(_call: Call) -> Any:
    """Whether the site can be read."""
    return True


def status_show(call: Call) -> Any:
    """The site, and the version of CKAN whose answers these are like."""
    return {
        "ckan_version": FOLLOWED,
        "software": "Openward: a read-only part of CKAN's action API",
        "site_url": call.base,
        "site_title": call.release.city.title or call.release.city.name,
        "site_description": call.release.package.description,
        "error_emails_to": None,
        "locale_default": call.release.city.languages[0],
        "extensions": ["datastore"],
    }


def help_show(call: Call) -> Any:
    """What an action does."""
    name = given.text(call.asked, "name")
    if name == DATASTORE_SEARCH:
        return datastore.search.__doc__
    return action(name).__doc__


DATASTORE_SEARCH: Final = "datastore_search"
ACTIONS: Final[Mapping[str, Action]] = {
    made.__name__: made
    for made in (
        package_list, package_show, package_search, current_package_list_with_resources, resource_show, datastore_info,
        datastore_search_sql, site_read, status_show, help_show,
    )
}  # fmt: skip


def action(name: str) -> Action:
    """The action of that name."""
    if name not in ACTIONS:
        raise NoAction(f"Bad request - Action name not known: {name[:60]}")
    return ACTIONS[name]
