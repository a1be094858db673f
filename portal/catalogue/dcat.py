"""The catalogue of a release as DCAT-US: version 1.1 for `/data.json`, version 3.0 as JSON-LD.

Charter: datasets in, documents out. Only what holds is told: a city has no bureau and no program code.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from portal.catalogue.datasets import Dataset, File, datasets
from portal.plain_texts import utc_text

if TYPE_CHECKING:
    from portal.package import City
    from portal.release import Release

V1: Final = "https://project-open-data.cio.gov/v1.1/schema"
V3: Final = "https://resources.data.gov/dcat-us/3.0.0/"
_EMAIL: Final = re.compile(r"[\w.+-]+@[\w.-]+\.[\w-]+", re.ASCII)
_DCT, _DCAT, _FOAF = "http://purl.org/dc/terms/", "http://www.w3.org/ns/dcat#", "http://xmlns.com/foaf/0.1/"
_VCARD, _SPDX, _SKOS = (
    "http://www.w3.org/2006/vcard/ns#",
    "http://spdx.org/rdf/terms#",
    "http://www.w3.org/2004/02/skos/core#",
)
_IRI: Final = {"@type": "@id"}
CONTEXT: Final[dict[str, Any]] = {
    "@version": 1.1,
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "Catalog": f"{_DCAT}Catalog", "Dataset": f"{_DCAT}Dataset", "Distribution": f"{_DCAT}Distribution",
    "DataService": f"{_DCAT}DataService", "Standard": f"{_DCT}Standard", "Location": f"{_DCT}Location",
    "PeriodOfTime": f"{_DCT}PeriodOfTime", "Document": f"{_FOAF}Document", "Organization": f"{_FOAF}Organization",
    "Kind": f"{_VCARD}Kind", "Checksum": f"{_SPDX}Checksum", "Identifier": "http://www.w3.org/ns/adms#Identifier",
    "title": f"{_DCT}title", "description": f"{_DCT}description", "publisher": f"{_DCT}publisher",
    "identifier": f"{_DCT}identifier", "license": {"@id": f"{_DCT}license", **_IRI}, "language": f"{_DCT}language",
    "conformsTo": f"{_DCT}conformsTo", "format": f"{_DCT}format", "spatial": f"{_DCT}spatial", "temporal": f"{_DCT}temporal",
    "modified": {"@id": f"{_DCT}modified", "@type": "xsd:dateTime"}, "issued": {"@id": f"{_DCT}issued", "@type": "xsd:dateTime"},
    "dataset": f"{_DCAT}dataset", "service": f"{_DCAT}service", "distribution": f"{_DCAT}distribution",
    "keyword": f"{_DCAT}keyword", "landingPage": f"{_DCAT}landingPage", "contactPoint": f"{_DCAT}contactPoint",
    "version": f"{_DCAT}version", "downloadURL": {"@id": f"{_DCAT}downloadURL", **_IRI},
    "accessURL": {"@id": f"{_DCAT}accessURL", **_IRI}, "mediaType": f"{_DCAT}mediaType", "byteSize": f"{_DCAT}byteSize",
    "bbox": f"{_DCAT}bbox", "endpointURL": {"@id": f"{_DCAT}endpointURL", **_IRI},
    "endpointDescription": {"@id": f"{_DCAT}endpointDescription", **_IRI},
    "servesDataset": {"@id": f"{_DCAT}servesDataset", **_IRI},
    "startDate": {"@id": f"{_DCAT}startDate", "@type": "xsd:date"}, "endDate": {"@id": f"{_DCAT}endDate", "@type": "xsd:date"},
    "describedBy": "http://resources.data.gov/ontology/dcat-us#describedBy", "homepage": f"{_FOAF}homepage",
    "name": f"{_FOAF}name", "fn": f"{_VCARD}fn", "hasEmail": {"@id": f"{_VCARD}hasEmail", **_IRI},
    "checksum": f"{_SPDX}checksum", "algorithm": f"{_SPDX}algorithm", "checksumValue": f"{_SPDX}checksumValue",
    "prefLabel": f"{_SKOS}prefLabel", "notation": f"{_SKOS}notation", "schemaAgency": "http://www.w3.org/ns/adms#schemaAgency",
}  # fmt: skip
"""What the terms mean, so that the document is linked data without another file."""


def data_json(release: Release, base: str) -> dict[str, Any]:
    """DCAT-US 1.1 (Project Open Data): `/data.json`."""
    return {
        "@context": f"{V1}/catalog.jsonld",
        "@id": f"{base}/data.json",
        "@type": "dcat:Catalog",
        "conformsTo": V1,
        "describedBy": f"{V1}/catalog.json",
        "dataset": [_dataset_1(release, of, base) for of in datasets(release, base)],
    }


def _dataset_1(release: Release, of: Dataset, base: str) -> dict[str, Any]:
    city = release.city
    found: dict[str, Any] = {
        "@type": "dcat:Dataset",
        "identifier": f"{base}/data.json#{of.key}",
        "title": of.title,
        "description": of.description,
        "keyword": list(of.keywords),
        "modified": _moment(release),
        "publisher": {"@type": "org:Organization", "name": city.name},
        "contactPoint": {"@type": "vcard:Contact", "fn": city.name, "hasEmail": f"mailto:{_email(city) or ''}"},
        "accessLevel": "public",
        "landingPage": of.page,
        "describedBy": f"{base}/datapackage.json",
        "describedByType": "application/json",
        "language": list(city.languages[:1]),
        "spatial": ",".join(f"{degrees:g}" for degrees in city.bbox),
        "distribution": [
            {
                "@type": "dcat:Distribution",
                "title": file.title,
                "downloadURL": file.url,
                "mediaType": file.media_type,
                "format": file.format,
            }
            for file in of.files
        ],
    }
    if city.license.path:
        found["license"] = city.license.path
    if of.temporal:
        found["temporal"] = "/".join(day.isoformat() for day in of.temporal)
    return found


def dcat_us_3(release: Release, base: str) -> dict[str, Any]:
    """DCAT-US 3.0, as JSON-LD with its context in it."""
    city, about = release.city, release.package
    found = {
        "@context": CONTEXT,
        "@id": f"{base}/dcat-us-3.jsonld",
        "@type": "Catalog",
        "title": about.title or f"{city.name}: 311 service requests",
        "description": about.description or f"Service requests of {city.name}.",
        "conformsTo": {"@type": "Standard", "@id": V3, "title": "DCAT-US 3.0"},
        "publisher": _organization(city),
        "contactPoint": _contacts(city),
        "language": [city.languages[0][:2]],
        "modified": _moment(release),
        "homepage": {"@type": "Document", "title": about.title or city.name, "accessURL": f"{base}/data"},
        "spatial": [_place(city)],
        "dataset": [_dataset_3(release, of, base) for of in datasets(release, base)],
        "service": [_service(release, base, *service) for service in _SERVICES],
    }
    return found | ({"license": city.license.path} if city.license.path else {})


_SERVICES: Final = (
    ("Figures and requests over HTTP", "/api/v1", "/api/v1/openapi.json", ""),
    ("OGC API – Features and Tiles", "/ogc", "/ogc/api", "http://www.opengis.net/spec/ogcapi-features-1/1.0"),
    ("SODA 2.1, as Socrata's portals answer", "/resource", "/api/catalog/v1", ""),
    (
        "Open311 GeoReport v2, the read side",
        "/open311/v2",
        "/open311/discovery.json",
        "http://wiki.open311.org/GeoReport_v2",
    ),
)
"""Title, endpoint, description of the endpoint, standard."""


def _service(release: Release, base: str, title: str, endpoint: str, described: str, standard: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "@type": "DataService",
        "@id": f"{base}{endpoint}",
        "title": title,
        "endpointURL": [f"{base}{endpoint}"],
        "endpointDescription": [f"{base}{described}"],
        "servesDataset": [f"{base}/data.json#{release.city.id}-requests"],
        "publisher": _organization(release.city),
        "contactPoint": _contacts(release.city),
    }
    return found | ({"conformsTo": [{"@type": "Standard", "@id": standard}]} if standard else {})


def _dataset_3(release: Release, of: Dataset, base: str) -> dict[str, Any]:
    city, url = release.city, f"{base}/data.json#{of.key}"
    found: dict[str, Any] = {
        "@type": "Dataset",
        "@id": url,
        "identifier": {"@type": "Identifier", "@id": url, "notation": of.key, "schemaAgency": city.name},
        "title": of.title,
        "description": of.description,
        "keyword": list(of.keywords),
        "publisher": _organization(city),
        "contactPoint": _contacts(city),
        "modified": _moment(release),
        "version": release.id,
        "language": [city.languages[0][:2]],
        "landingPage": {"@type": "Document", "title": of.title, "accessURL": of.page},
        "describedBy": {
            "@type": "Distribution",
            "title": "Data dictionary",
            "downloadURL": f"{base}/datapackage.json",
            "mediaType": "application/json",
        },
        "spatial": [_place(city)],
        "distribution": [_distribution(file, city) for file in of.files],
    }
    if of.temporal:
        first, last = of.temporal
        found["temporal"] = [{"@type": "PeriodOfTime", "startDate": first.isoformat(), "endDate": last.isoformat()}]
    return found


def _distribution(file: File, city: City) -> dict[str, Any]:
    found: dict[str, Any] = {
        "@type": "Distribution",
        "title": file.title,
        "downloadURL": file.url,
        "mediaType": file.media_type,
        "format": file.format,
    }
    if city.license.path:
        found["license"] = city.license.path
    if file.bytes is not None:
        found["byteSize"] = str(file.bytes)
    if file.sha256:
        found["checksum"] = {"@type": "Checksum", "algorithm": "SHA-256", "checksumValue": file.sha256}
    return found


def _organization(city: City) -> dict[str, Any]:
    return {"@type": "Organization", "name": city.name}


def _contacts(city: City) -> list[dict[str, Any]]:
    """A contact must have an e-mail address: where the city gives none there is none."""
    email = _email(city)
    return [{"@type": "Kind", "fn": city.name, "hasEmail": f"mailto:{email}"}] if email else []


def _email(city: City) -> str | None:
    contact = city.contact.removeprefix("mailto:")
    return contact if _EMAIL.fullmatch(contact) else None


def _place(city: City) -> dict[str, Any]:
    west, south, east, north = city.bbox
    corners = ((west, south), (east, south), (east, north), (west, north), (west, south))
    ring = ", ".join(f"{x:g} {y:g}" for x, y in corners)
    name = f"{city.name}, {city.region}" if city.region else city.name
    return {"@type": "Location", "prefLabel": name, "bbox": f"POLYGON (({ring}))"}


def _moment(release: Release) -> str:
    return utc_text(release.created)
