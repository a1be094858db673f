"""One table of the release: what its rows are, each column with what is in it, what to keep in mind, where to take it from."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from dash import html

from portal.answers_fields import FieldProfile, TableProfile, Value
from portal.background import Failed
from portal.catalogue import schema_org
from portal.catalogue.datasets import File, dataset
from portal.components.links import address
from portal.components.origins import origin
from portal.components.page import Page
from portal.components.parts import Column, breadcrumbs, code, page_head, section, table
from portal.components.take_chart import base_address
from portal.errors import NotReady
from portal.queries.profile_of_fields import profile
from portal.selection import Selection
from portal.tables import Table
from portal.tables import table as table_of
from portal.text import N_, _, date_words, ngettext, number, share, size_words, time_words

if TYPE_CHECKING:
    from portal.package import SchemaField
    from portal.release import Release

SHOWN = 8
"""Values of a field that are told in its cell; the others are counted."""
TYPES = {
    "string": N_("text"), "number": N_("number"), "integer": N_("whole number"), "boolean": N_("yes or no"),
    "date": N_("date"), "datetime": N_("date and time, UTC"), "any": N_("any"),
}  # fmt: skip


def layout(release: Release, selection: Selection, name: str) -> Page:
    """The table of that name; NotFound for others. Filters do not apply: the dictionary is of the whole table."""
    del selection
    of = table_of(release, name)
    base, _here = base_address()
    try:
        found, waits = profile(release, name), ""
    except (NotReady, Failed) as error:
        found, waits = None, _("The values are still being counted: load the page again in a minute.")
        if isinstance(error, Failed):
            waits = _("The values could not be counted.")
    known = dataset(release, name, base)
    rows = found.rows if found else known.rows if known else None
    title = _(of.title)
    counted = ngettext("{n} row", "{n} rows", rows).format(n=number(rows)) if rows is not None else ""
    columns = ngettext("{n} column", "{n} columns", len(of.fields)).format(n=number(len(of.fields)))
    said = [_(of.description) if of.description else "", ", ".join(filter(None, (counted, columns))) + "."]
    body = [
        breadcrumbs([(_("Data"), address("/data"))], title),
        page_head(title, html.P(" ".join(filter(None, said)), className="lead")),
        section(_("What to keep in mind"), "caveats", html.Ul([html.Li(words) for words in caveats(release, of)])),
        section(
            _("Columns"), "columns",
            html.P(waits, className="note", role="status") if waits else None,
            _columns(release, of, found),
            lead=_("Counted from every row of this release: how many rows have a value, and which values there are."),
        ),
        section(_("Take it"), "take", *_take(of, known.files if known else (), base)),
    ]  # fmt: skip
    return Page(
        title=title,
        description=_("{title} of {city}: every column with its meaning, its values and what is missing.").format(
            title=title, city=release.city.name
        ),
        body=body,
        announce=counted,
        section="/data",
        about=schema_org.one(release, name, base),
    )


def caveats(release: Release, of: Table) -> list[str]:
    """What a reader of the table should know, as far as the release itself tells it."""
    city, about = release.city, release.package.openward
    found = [_("Every row is invented: this city is made up.")] if city.synthetic else []
    when = time_words(release.as_of, city.timezone)
    found.append(
        _("It tells how things stood at {time} and never changes; a later release has a table of its own.").format(
            time=when
        )
    )
    if of.name == "requests":
        found += [
            _(
                "A request is what somebody reported, not what there is: places where people report more have more rows."
            ),
            _("Closed does not mean done: see the column outcome."),
            _("Do not average response_hours: requests that are still open are missing from it."),
        ]
        for key, words in _LEFT_OUT:  # of the sources of requests; surveys have rows that cannot be read, too
            if count := sum(int(source.get(key) or 0) for source in about.profile.values()):
                found.append(_(words).format(n=number(count)))
        if (about.privacy or {}).get("locations"):
            found.append(
                _(
                    "Places may be told less exactly than they are known, by the city's privacy policy: see location_precision."
                )
            )
    if of.name == "figures":
        found += [
            _("Each way of dividing counts all requests again: keep to one dimension before you add anything up."),
            _("Do not average medians or shares: ask the portal for the whole, or start from the counts."),
            _("A month's requests that are still open count as not closed yet, so its hours may still change."),
        ]
    if of.name == "incidents":
        found.append(_("Which requests report one thing is worked out from service, place and time; it can be wrong."))
    if of.name in ("withdrawn", "changes", "retroactive_edits"):
        found.append(
            _("Only what was seen between two readings is here: what a source changed in between is not known.")
        )
    if not of.key:
        found.append(_("No column names a single row."))
    else:
        found.append(_("A row is named by: {fields}.").format(fields=", ".join(of.key)))
    return found


_LEFT_OUT = (
    ("quarantined", N_("Not in it: {n} rows of the sources that could not be read; the table exclusions tells why.")),
    ("withdrawn", N_("Not in it: {n} requests that their source no longer has; they are in the table withdrawn.")),
)


def _columns(release: Release, of: Table, found: TableProfile | None) -> Any:
    columns = [Column(_("Column")), Column(_("Meaning")), Column(_("Rows with a value"), "number"), Column(_("Values"))]
    rows = []
    for field in of.schema:
        told = found.fields.get(field.name) if found else None
        rows.append(
            [
                html.Code(field.name),
                _meaning(release, of, field),
                _filled(told, found) if told and found else "–",
                _values(release, field, told) if told else "–",
            ]
        )
    grid = table(_("Columns of {table}").format(table=_(of.title)), columns, rows, "fields", hidden_caption=True)
    return html.Div(grid, className="of-fields")


def _meaning(release: Release, of: Table, field: SchemaField) -> Any:
    kind = _(TYPES.get(field.type, "text"))
    facts = [f"{kind}, {field.unit}" if field.unit else kind]
    made = origin(of.name, field.name, {layer.layer for layer in release.layers})
    how = "; ".join([*facts, *([_(made)] if made else [])])
    return html.Span([_(field.description or field.title), " ", html.Span(f"({how})", className="hint")])


def _filled(told: FieldProfile, found: TableProfile) -> Any:
    if told.filled == found.rows:
        return _("all")
    missing = found.rows - told.filled
    words = _("{n} missing, {share}").format(n=number(missing), share=share(missing, found.rows))
    return html.Span([number(told.filled), " ", html.Span(f"({words})", className="hint")])


def _values(release: Release, field: SchemaField, told: FieldProfile) -> Any:
    if not told.filled:
        return _("none")
    if told.values:
        listed = [
            html.Li([html.Code(_said(release, field, value)), f" {number(n)}"]) for value, n in told.values[:SHOWN]
        ]
        rest = told.values[SHOWN:]
        if rest:
            words = ngettext("{n} more value", "{n} more values", len(rest)).format(n=number(len(rest)))
            listed.append(html.Li(f"{words}: {number(sum(n for _value, n in rest))}"))
        return html.Ul(listed, className="values")
    different = _("{n} different").format(n=number(told.distinct))
    if told.about:
        different = _("about {n} different").format(n=number(_about(told.distinct)))
    if told.low is None or told.high is None:
        return different
    ends = _("{low} to {high}").format(low=_said(release, field, told.low), high=_said(release, field, told.high))
    return f"{ends}; {different}"


def _about(count: int) -> int:
    """An estimate, told as no more than it is."""
    digits = max(len(str(count)) - 2, 0)
    return round(count, -digits)


def _said(release: Release, field: SchemaField, value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return time_words(value, release.city.timezone) if value.tzinfo else f"{value:%Y-%m-%d %H:%M} UTC"
    if isinstance(value, date):
        return date_words(value)
    if isinstance(value, int | float):
        # Degrees and years are no amounts: no thousands are marked in them.
        return _exact(value) if field.unit == "degree" or field.name in ("year", "lat", "long") else number(value)
    return value


def _exact(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")


def _take(of: Table, files: tuple[File, ...], base: str) -> list[Any]:
    columns = [Column(_("File")), Column(_("Format")), Column(_("Size"), "number"), Column("sha256", "code-cell")]
    rows = [
        [
            html.A(file.url.rpartition("/")[2], href=file.url.removeprefix(base), download=""),
            file.format,
            size_words(file.bytes) if file.bytes is not None else _("made when it is asked for"),
            html.Code(file.sha256, className="hash") if file.sha256 else "–",
        ]
        for file in files
    ]
    parts = [table(_("Files of {table}").format(table=_(of.title)), columns, rows, "files", hidden_caption=True)]
    asked = [
        (base + path.format(name=of.name), words) for names, path, words in WAYS if names is None or of.name in names
    ]
    return [
        *parts,
        html.P(_("The same rows by program:")),
        html.Ul([html.Li([html.Code(url), " ", _(words)]) for url, words in asked], className="api"),
        code("\n".join(f'curl "{url}"' for url, _words in asked[:2]), _("Commands")),
        html.P([
            _("Described for programs: "), html.A("datapackage.json", href="/datapackage.json"), ", ",
            html.A("CSVW", href=f"/download/{of.name}.csv-metadata.json"), ", ",
            html.A("DCAT-US 1.1", href="/data.json"), ", ", html.A("DCAT-US 3.0", href="/dcat-us-3.jsonld"), ".",
        ]),
    ]  # fmt: skip


WAYS = (
    (("requests",), "/api/v1/requests", N_("the requests, a page at a time")),
    (
        ("requests", "incidents"),
        "/ogc/collections/{name}/items",
        N_("OGC API – Features, for QGIS, GDAL and others"),
    ),
    (("areas",), "/ogc/collections", N_("OGC API – Features: a collection for each layer")),
    (("requests",), "/open311/v2/requests.json", N_("Open311 GeoReport v2")),
    (None, "/resource/{name}.json", N_("SODA 2.1, for scripts written for Socrata")),
    (None, "/api/3/action/datastore_search?resource_id={name}", N_("as CKAN's datastore answers")),
    (("requests",), "/feed.atom", N_("the newest as a feed")),
    (None, "/datapackage.json", N_("the dictionary of all tables")),
)
"""Which tables (None: all), the address, and what it answers."""
