"""What a file says of itself: whose it is, of which release, narrowed to what, under which licence, what its columns mean.

Charter: facts of the release in, plain values and plain text out (English, as the data package is).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from portal import queries

if TYPE_CHECKING:
    from portal.files.wanted import Wanted


def about(of: Wanted) -> dict[str, Any]:
    """As members of a JSON document."""
    release, table = of.release, of.ask.table
    return {
        "name": title(of),
        "table": table.name,
        "release_id": release.id,
        "as_of": release.as_of.isoformat(),
        "query": of.query,
        "synthetic": release.city.synthetic,
        "license": release.city.license.model_dump(),
        "attribution": release.city.attribution,
        "exclusions": exclusions(of),
        "fields": dictionary(of),
    }


def title(of: Wanted) -> str:
    """What the table is, and whose."""
    table = of.ask.table
    what = "service requests" if table.name == "requests" else table.title.lower()
    return f"{of.release.city.name}: {what}"


def dictionary(of: Wanted) -> list[dict[str, str]]:
    """What each field means."""
    return [
        {"name": f.name, "type": f.type, "title": f.title, "description": f.description, "unit": f.unit}
        for f in of.ask.table.schema
    ]


def exclusions(of: Wanted) -> list[dict[str, Any]]:
    """What the release left out or flagged, and why; it is the same whatever the file is narrowed to."""
    return [
        {"kind": e.kind, "reason": e.reason, "source": e.source, "rows": e.rows} for e in queries.exclusions(of.release)
    ]


def facts(of: Wanted) -> list[tuple[str, str]]:
    """Without the dictionary and the exclusions, as names and values."""
    release = of.release
    licence = release.city.license
    return [
        ("name", title(of)),
        ("table", of.ask.table.name),
        ("release", release.id),
        ("data as of", release.as_of.isoformat()),
        ("filter", of.query or "none: all rows"),
        ("filter in words", _sentence(of)),
        ("synthetic", "yes: an invented city, no row is real" if release.city.synthetic else "no"),
        ("licence", " ".join(filter(None, (licence.title or licence.name, licence.path))) or "not stated"),
        ("attribution", release.city.attribution or release.city.name),
        ("times", "UTC"),
        ("coordinates", "WGS 84 (EPSG:4326), degrees"),
    ]


def readme(of: Wanted, notes: tuple[str, ...] = ()) -> str:
    """All of it as plain text."""
    lines = [f"{name}: {value}" for name, value in facts(of)]
    lines += ["", *notes] if notes else []
    lines += ["", "Columns"]
    for field in dictionary(of):
        words = field["description"] or field["title"]
        unit = f", {field['unit']}" if field["unit"] else ""
        lines.append(f"  {field['name']} ({field['type']}{unit}): {words}")
    lines += ["", "Left out of the release, or flagged in it"]
    lines += [
        f"  {e['kind']}, {e['reason']} ({e['source'] or 'all sources'}): {e['rows']} rows" for e in exclusions(of)
    ]
    return "\n".join(lines) + "\n"


def _sentence(of: Wanted) -> str:
    if of.ask.table.name == "requests":
        return f"{of.ask.selection.sentence(of.release)}."
    return "a condition on the table" if of.query else "all rows"
