"""CSV on the Web: what the columns of a CSV file mean, beside the file (W3C, Metadata Vocabulary for Tabular Data).

Charter: a table's published schema in, a metadata document out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from portal.plain_texts import utc_text

if TYPE_CHECKING:
    from portal.package import SchemaField
    from portal.release import Release
    from portal.tables import Table

MEDIA_TYPE: Final = "application/csvm+json"
_TYPES: Final = {"number": "number", "integer": "integer", "boolean": "boolean", "date": "date", "datetime": "dateTime"}


def metadata(release: Release, table: Table, url: str) -> dict[str, Any]:
    """The document; `url` is the address of the CSV file that it is about."""
    city = release.city
    found: dict[str, Any] = {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": "en"}],
        "url": url,
        "dc:title": f"{city.name}: {table.title}",
        "dc:description": table.description or table.title,
        "dc:publisher": city.name,
        "dc:modified": {"@value": utc_text(release.created), "@type": "xsd:dateTime"},
        "dc:identifier": release.id,
        "rdfs:comment": "A text that begins with = + - @, a tab or a carriage return has a ' in front, which is not part of it: "
        "spreadsheets would run it as a formula.",
        "dialect": {
            "encoding": "utf-8",
            "lineTerminators": ["\r\n"],
            "delimiter": ",",
            "quoteChar": '"',
            "doubleQuote": True,
            "header": True,
        },
        "tableSchema": {
            "columns": [_column(field) for field in table.schema],
            **({"primaryKey": list(table.key)} if table.key == ("source", "service_request_id") else {}),
        },
    }
    return found | ({"dc:license": {"@id": city.license.path}} if city.license.path else {})


def _column(field: SchemaField) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": field.name,
        "titles": field.name,
        "dc:title": field.title or field.name,
        "datatype": _datatype(field),
    }
    if field.description:
        found["dc:description"] = field.description
    if field.unit:
        found["schema:unitText"] = field.unit
    if field.constraints.get("required"):
        found["required"] = True
    return found


def _datatype(field: SchemaField) -> Any:
    values = field.constraints.get("enum")
    if values:
        return {"base": "string", "format": "|".join(re.escape(str(value)) for value in values)}
    return _TYPES.get(field.type, "string")
