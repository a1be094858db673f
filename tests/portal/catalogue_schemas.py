"""What the official schemas ask of a catalogue, as JSON schemas of our own: required members, types, patterns, formats.

DCAT-US 1.1: project-open-data.github.io, v1.1/schema/{catalog,dataset,distribution,organization,vcard}.json, without the two
codes that only federal agencies have (data.gov's schema for others leaves them out). DCAT-US 3.0: GSA/dcat-us,
jsonschema/definitions. `additionalProperties` is refused throughout, which the originals do not: a misspelled member fails.
"""

from __future__ import annotations

from typing import Any

TEXT = {"type": "string", "minLength": 1}
URI = {"type": "string", "pattern": r"^https?://[A-Za-z0-9.:-]+(/[A-Za-z0-9\-._~!$&'()*+,;=:@/?%#]*)?$"}
MEDIA_TYPE = {"type": "string", "pattern": r"^[-\w]+/[-\w]+(\.[-\w]+)*([+][-\w]+)?$"}
DAY = r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
TIME = {"type": "string", "pattern": rf"^{DAY}T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$"}


def closed(required: str, optional: str = "", **properties: Any) -> dict[str, Any]:
    """An object with these members and no others."""
    names = {*required.split(), *optional.split()}
    assert names == set(properties) - {"@type", "@id"}, names ^ set(properties)
    return {"type": "object", "required": required.split(), "properties": properties, "additionalProperties": False}


def a(kind: str) -> dict[str, Any]:
    return {"const": kind}


def some(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "minItems": 1, "uniqueItems": True, "items": item}


DATASET_1 = closed(
    "title description keyword modified publisher contactPoint identifier accessLevel",
    "landingPage describedBy describedByType language spatial temporal license distribution",
    **{"@type": a("dcat:Dataset")},
    title=TEXT,
    description=TEXT,
    keyword=some(TEXT),
    modified=TIME,
    publisher=closed("name", **{"@type": a("org:Organization")}, name=TEXT),
    contactPoint=closed(
        "fn hasEmail",
        **{"@type": a("vcard:Contact")},
        fn=TEXT,
        hasEmail={"type": "string", "pattern": r"^mailto:([\w.-]+@[\w.-]+\.[\w.-]+)?$"},
    ),
    identifier=TEXT,
    accessLevel={"enum": ["public", "restricted public", "non-public"]},
    landingPage=URI,
    describedBy=URI,
    describedByType=MEDIA_TYPE,
    language=some({"type": "string", "pattern": r"^[A-Za-z]{2,3}(-[A-Za-z]{2,4})?$"}),
    spatial=TEXT,
    temporal={"type": "string", "pattern": rf"^{DAY}/{DAY}$"},
    license=URI,
    distribution=some(
        closed(
            "downloadURL mediaType format",
            "title",
            **{"@type": a("dcat:Distribution")},
            title=TEXT,
            downloadURL=URI,
            mediaType=MEDIA_TYPE,
            format=TEXT,
        )
    ),
)
CATALOG_1 = closed(
    "conformsTo dataset",
    "describedBy @context",
    **{"@type": a("dcat:Catalog"), "@id": URI, "@context": URI},
    conformsTo=a("https://project-open-data.cio.gov/v1.1/schema"),
    describedBy=URI,
    dataset=some(DATASET_1),
)

ORGANIZATION = closed("name", **{"@type": a("Organization")}, name=TEXT)
KIND = closed(
    "fn hasEmail",
    **{"@type": a("Kind")},
    fn=TEXT,
    hasEmail={"type": "string", "pattern": r"^mailto:[\w\_\~\!\$\&\'\(\)\*\+\,\;\=\:.-]+@[\w.-]+\.[\w.-]+?$"},
)
DOCUMENT = closed("title", "accessURL", **{"@type": a("Document")}, title=TEXT, accessURL=URI)
STANDARD = closed("", "title", **{"@type": a("Standard"), "@id": URI}, title=TEXT)
LOCATION = closed("", "prefLabel bbox", **{"@type": a("Location")}, prefLabel=TEXT, bbox=TEXT)
LANGUAGE = some({"type": "string", "maxLength": 2})
DISTRIBUTION_3 = closed(
    "",
    "title downloadURL mediaType format license byteSize checksum",
    **{"@type": a("Distribution")},
    title=TEXT,
    downloadURL=URI,
    mediaType=MEDIA_TYPE,
    format=TEXT,
    license=URI,
    byteSize={"type": "string", "pattern": r"^\d+$"},
    checksum=closed(
        "algorithm checksumValue",
        **{"@type": a("Checksum")},
        algorithm=TEXT,
        checksumValue={"type": "string", "pattern": "^[0-9a-f]{64}$"},
    ),
)
DATASET_3 = closed(
    "title description publisher contactPoint identifier",
    "keyword modified version language landingPage describedBy spatial distribution temporal",
    **{"@type": a("Dataset"), "@id": URI},
    title=TEXT,
    description=TEXT,
    publisher=ORGANIZATION,
    contactPoint={"type": "array", "items": KIND},
    identifier=closed(
        "", "notation schemaAgency", **{"@type": a("Identifier"), "@id": URI}, notation=TEXT, schemaAgency=TEXT
    ),
    keyword=some(TEXT),
    modified=TIME,
    version=TEXT,
    language=LANGUAGE,
    landingPage=DOCUMENT,
    describedBy=DISTRIBUTION_3,
    spatial=some(LOCATION),
    distribution=some(DISTRIBUTION_3),
    temporal=some(
        closed(
            "",
            "startDate endDate",
            **{"@type": a("PeriodOfTime")},
            startDate={"type": "string", "format": "date"},
            endDate={"type": "string", "format": "date"},
        )
    ),
)
SERVICE_3 = closed(
    "title contactPoint endpointURL publisher",
    "endpointDescription servesDataset conformsTo",
    **{"@type": a("DataService"), "@id": URI},
    title=TEXT,
    contactPoint={"type": "array", "items": KIND},
    endpointURL=some(URI),
    publisher=ORGANIZATION,
    endpointDescription=some(URI),
    servesDataset=some(URI),
    conformsTo=some(STANDARD),
)
CATALOG_3 = closed(
    "dataset",
    "@context title description conformsTo publisher contactPoint language modified homepage spatial service license",
    **{"@type": a("Catalog"), "@id": URI, "@context": {"type": "object"}},
    title=TEXT,
    description=TEXT,
    conformsTo=STANDARD,
    publisher=ORGANIZATION,
    contactPoint={"type": "array", "items": KIND},
    language=LANGUAGE,
    modified=TIME,
    homepage=DOCUMENT,
    spatial=some(LOCATION),
    service=some(SERVICE_3),
    license=URI,
    dataset=some(DATASET_3),
)
