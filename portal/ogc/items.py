"""Features as GeoJSON: a page of a collection, and a single one.

Charter: an asked page in, its text and the links that go with it out.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

import duckdb

from portal.ogc.collections import Collection, place_of
from portal.ogc.crs import CRS84, Crs
from portal.ogc.documents import link
from portal.ogc.negotiated import GEOJSON, HTML, JSON, Link
from portal.ogc.parameters import FORMAT, Asked
from portal.plain_texts import utc_text
from portal.queries.featured import columns, features
from portal.queries.paged import paged
from portal.queries.places import columns_of
from portal.tables_asked import refused

if TYPE_CHECKING:
    from portal.release import Release

_COMPACT: Final = (",", ":")


@dataclass(frozen=True)
class Told:
    """A page: the features' texts, how many there are in all, and links."""

    features: Sequence[str]
    matched: int
    links: Sequence[Link]


def page(release: Release, asked: Asked, base: str) -> Told:
    """The features that are asked for."""
    of = asked.of
    points = _points(asked.crs)
    told = columns(of.table, of.identity, points is not None)
    try:
        found, matched = paged(release, asked.ask, told, asked.limit, asked.cursor), asked.ask.total(release)
    except duckdb.Error as error:
        raise refused(error) from error
    texts = features(found.rows, points)
    path = f"/collections/{of.id}/items"
    kept = {key: value for key, value in asked.given.items() if key not in FORMAT}
    links = [
        link(base, _with(path, kept), "self", GEOJSON, "These features"),
        link(base, _with(path, kept | {"f": "html"}), "alternate", HTML, "These features as a page"),
        link(base, f"/collections/{of.id}", "collection", JSON, of.title),
    ]
    if found.cursor:
        links.append(
            link(base, _with(path, kept | {"cursor": found.cursor}), "next", GEOJSON, "The features after these")
        )
    return Told(texts, matched, links)


def text(told: Told) -> tuple[str, str]:
    """The page as GeoJSON, and the moment in it, which is another one each time."""
    stamp = utc_text(datetime.now(UTC))
    about = json.dumps(list(told.links), ensure_ascii=False, separators=_COMPACT)
    counts = f'"numberMatched":{told.matched},"numberReturned":{len(told.features)},"timeStamp":"{stamp}"'
    rows = ",".join(told.features)
    return f'{{"type":"FeatureCollection",{counts},"links":{about},"features":[{rows}]}}', stamp


def one(release: Release, of: Collection, name: str, crs: Crs, base: str) -> tuple[str, list[Link]]:
    """One feature with its links, and these."""
    points = _points(crs)
    told = columns(of.table, of.identity, points is not None)
    [found] = features(columns_of(release, of.table, [place_of(release, of, name)], told), points)
    path = f"/collections/{of.id}/items/{quote(name, safe='')}"
    kept = {} if crs.uri == CRS84 else {"crs": crs.uri}
    links = [
        link(base, _with(path, kept), "self", GEOJSON, "This feature"),
        link(base, _with(path, kept | {"f": "html"}), "alternate", HTML, "This feature as a page"),
        link(base, f"/collections/{of.id}", "collection", JSON, of.title),
    ]
    about = json.dumps(links, ensure_ascii=False, separators=_COMPACT)
    return f'{found[:-1]},"links":{about}}}', links


def headers(crs: Crs) -> dict[str, str]:
    """What Part 2 wants said of the coordinates."""
    return {"Content-Crs": f"<{crs.uri}>"}


def _points(crs: Crs) -> Any:
    return None if crs.uri == CRS84 else crs.numbers


def _with(path: str, given: dict[str, str]) -> str:
    return f"{path}?{urlencode(given)}" if given else path
