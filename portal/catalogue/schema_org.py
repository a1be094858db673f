"""schema.org's words for what a page shows: a DataCatalog on `/data`, a Dataset on the page of each table.

Charter: datasets in, JSON-LD out; `script` makes the element of a page's head. It is data: browsers do not run it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from portal.catalogue.datasets import Dataset, dataset, datasets
from portal.plain_texts import utc_text

if TYPE_CHECKING:
    from portal.release import Release

_CONTEXT: Final = "https://schema.org/"
MOST_FIELDS: Final = 100


def catalog(release: Release, base: str) -> dict[str, Any]:
    """All datasets, by name and page; each page tells more."""
    city = release.city
    return {
        "@context": _CONTEXT,
        "@type": "DataCatalog",
        "@id": f"{base}/data",
        "url": f"{base}/data",
        "name": release.package.title or f"{city.name}: 311 service requests",
        "description": release.package.description or f"Service requests of {city.name}.",
        **_common(release),
        "dataset": [_brief(of) for of in datasets(release, base)],
    }


def one(release: Release, name: str, base: str) -> dict[str, Any] | None:
    """One dataset with its files, its columns and what it covers; None where there is none of that name."""
    of = dataset(release, name, base)
    if of is None:
        return None
    west, south, east, north = release.city.bbox
    found: dict[str, Any] = {
        "@context": _CONTEXT,
        **_brief(of),
        **_common(release),
        "keywords": list(of.keywords),
        "version": release.id,
        "isAccessibleForFree": True,
        "includedInDataCatalog": {"@type": "DataCatalog", "@id": f"{base}/data", "url": f"{base}/data"},
        "spatialCoverage": {
            "@type": "Place",
            "name": release.city.name,
            "geo": {"@type": "GeoShape", "box": f"{south:g} {west:g} {north:g} {east:g}"},
        },
        "variableMeasured": [
            {"@type": "PropertyValue", "name": field.name, "description": field.description or field.title}
            for field in of.fields[:MOST_FIELDS]
        ],
        "distribution": [
            {
                "@type": "DataDownload",
                "name": file.title,
                "encodingFormat": file.media_type,
                "contentUrl": file.url,
                **({"contentSize": f"{file.bytes} B"} if file.bytes is not None else {}),
                **({"sha256": file.sha256} if file.sha256 else {}),
            }
            for file in of.files
        ],
    }
    if of.temporal:
        found["temporalCoverage"] = "/".join(day.isoformat() for day in of.temporal)
    return found


def script(about: Mapping[str, Any]) -> str:
    """The element. Whatever a city calls itself, the text cannot end it."""
    text = json.dumps(about, ensure_ascii=False, separators=(",", ":"))
    for letter in "<>&":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return f'<script type="application/ld+json">{text}</script>\n'


def _brief(of: Dataset) -> dict[str, Any]:
    return {"@type": "Dataset", "@id": of.page if of.page.endswith(of.name) else f"{of.page}#{of.name}",
            "url": of.page, "name": of.title, "description": of.description, "identifier": of.key}  # fmt: skip


def _common(release: Release) -> dict[str, Any]:
    city = release.city
    publisher = {"@type": "Organization", "name": city.name}
    found: dict[str, Any] = {
        "creator": publisher,
        "publisher": publisher,
        "dateModified": utc_text(release.created),
    }
    return found | ({"license": city.license.path} if city.license.path else {})
