"""Data: every file of the release, any part of it, the dictionary, the chain of releases, how to cite."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from dash import html

from portal import queries
from portal.answers import FieldDoc, FileDoc
from portal.catalogue import schema_org
from portal.components.cite import cite_box
from portal.components.copy_as import copy_as
from portal.components.filters import count_words, filter_form
from portal.components.links import address
from portal.components.page import Page
from portal.components.parts import Column, code, heading, more, page_head, section, table
from portal.components.shell import site_title
from portal.components.take_chart import base_address
from portal.package import file_url
from portal.pages.ready import PATH as READY_PATH
from portal.pages.sources import ways
from portal.ready import ready
from portal.selection import Selection
from portal.tables import tables
from portal.text import N_, _, date_words, local, number, size_words, time_words

if TYPE_CHECKING:
    from portal.release import Release

FORMATS = (
    ("csv", "CSV", N_("for spreadsheets")),
    ("geojson", "GeoJSON", N_("for web maps")),
    ("parquet", "GeoParquet", N_("for QGIS, Python, R and DuckDB: small, fast, with types")),
    ("gpkg", "GeoPackage", N_("for QGIS and ArcGIS, with its dictionary inside")),
    ("fgb", "FlatGeobuf", N_("for QGIS and web maps that read a part of a file")),
    ("shp.zip", "Shapefile", N_("for older GIS: at most 2 GB, names of columns cut to 10 characters")),
    ("xlsx", "Excel", N_("for Excel: at most 1,048,575 rows")),
    ("jsonl", "JSON Lines", N_("for programs: a line for each request")),
)
CHAIN_SHOWN = 12


def layout(release: Release, selection: Selection) -> Page:
    """Everything that can be taken away."""
    totals = queries.totals(release, selection)
    files = queries.files(release)
    body = [
        page_head(
            _("Data"),
            html.P(_("All of it is yours: every row, every figure, as files or over an API, without an account."), className="lead"),
        ),
        ways("/data"),
        section(
            _("Take a part"), "part",
            filter_form(release, selection, "/data", totals.requests, opened=True),
            html.P([html.Strong(count_words(totals.requests)), ". ", selection.sentence(release), "."]),
            _formats(selection),
            *copy_as(release, selection, base_address()[0]),
        ),
        section(
            _("Take the whole release"), "whole",
            *_ready(release),
            _files(release, files),
            html.P(_("The sha256 is a fingerprint: if the file you hold has the same one, not a byte of it differs.")),
            html.P([_("For programs, all of it is described in one file: "),
                    html.A("datapackage.json", href=file_url(release.id, "datapackage.json"), download="")]),
        ),
        section(
            _("Cite it"), "cite", *cite_box(release, selection),
            html.P(_("A release never changes. A later release has another id, and what changed between the two is a file of its own.")),
        ),
        section(_("Ask for it by program"), "api", *_api(release, selection)),
        section(
            _("What the columns mean"), "dictionary", _datasets(release), *_dictionary(queries.dictionary(release)),
            lead=_("Each table has a page of its own: what is in each column, how much of it is missing, and where to take it from."),
        ),
        section(
            _("Releases"), "releases", _chain(release),
            lead=_("Each release names the fingerprint of the one before it, so that none can be rewritten without it showing."),
        ),
        _license(release),
    ]  # fmt: skip
    return Page(
        title=_("Data"),
        description=_("Download all service requests of {city}, or a part of them.").format(city=release.city.name),
        body=body,
        announce=count_words(totals.requests),
        section="/data",
        about=schema_org.catalog(release, base_address()[0]),
    )


def citation(release: Release) -> str:
    """A citation that names the release, so that the figures behind it stay put."""
    day = date_words(local(release.created, release.city.timezone).date())
    synthetic = " [" + _("made-up data") + "]" if release.city.synthetic else ""
    words = _("{city}. {title}{synthetic}. Release {id}, {day}.")
    return words.format(city=release.city.name, title=site_title(release), synthetic=synthetic, id=release.id, day=day)


def _formats(selection: Selection) -> Any:
    query = selection.to_query()
    suffix = f"?{query}" if query else ""
    return html.Ul(
        [
            html.Li(
                [
                    html.A(_("Download {format}").format(format=name), href=f"/download/requests.{key}{suffix}",
                           className="button", download=""),
                    html.P(_(what)),
                ],
                className="card",
            )
            for key, name, what in FORMATS
        ],
        className="cards",
    )  # fmt: skip


def _files(release: Release, files: list[FileDoc]) -> Any:
    columns = [
        Column(_("File")), Column(_("What it holds")), Column(_("Rows"), "number"), Column(_("Size"), "number"),
        Column("sha256", "code-cell"),
    ]  # fmt: skip
    rows = [
        [
            html.A(file.path, href=file_url(release.id, file.path), download=""),
            _about(file),
            number(file.rows) if file.rows is not None else "–",
            size_words(file.bytes) if file.bytes is not None else "–",
            html.Code(file.sha256, className="hash") if file.sha256 else "–",
        ]
        for file in files
    ]
    return table(_("Files of release {id}").format(id=release.id), columns, rows, "files")


def _ready(release: Release) -> list[Any]:
    """The way to files of parts of the requests, where they were made."""
    found = ready(release.folder)
    if found is None:
        return []
    words = _("The requests by year, department and area lie ready, and every table as CSV.")
    link = html.A(
        _("Ready files ({n})").format(n=number(len(found.files))), href=address(READY_PATH), className="onward"
    )
    return [html.P(words), html.P(link)]


def _about(file: FileDoc) -> Any:
    if not file.title or not file.description:
        return file.title or _(file.description)
    return [html.Span(file.title, className="file-title"), " ", html.Span(_(file.description), className="hint")]


def _api(release: Release, selection: Selection) -> list[Any]:
    query = selection.to_query()
    suffix = f"?{query}" if query else ""
    layer = release.layers[0].layer if release.layers else "department"
    base = base_address()[0]
    return [
        html.P([_("The same questions that these pages ask have addresses of their own, described for programs: "),
                html.A("OpenAPI", href="/api/v1/openapi.json"), "."]),
        html.Ul(
            [
                html.Li([html.Code(f"/api/v1/{name}{suffix}"), " ", words])
                for name, words in (
                    ("totals", _("counts, outcomes, on time")), ("response", _("response times with their bands")),
                    ("monthly", _("the same by month")), (f"by/{layer}", _("the same by area, service or department")),
                    ("requests", _("the requests, a page at a time")),
                )
            ],
            className="api",
        ),
        code(f"curl '{base}/api/v1/totals{suffix}'\ncurl '{base}/api/v1/by/{layer}{suffix}'", _("Commands for figures")),
    ]  # fmt: skip


def _datasets(release: Release) -> Any:
    links = [html.Li(html.A(_(of.title), href=address(f"/data/{name}"))) for name, of in tables(release).items()]
    return html.Ul(links, className="datasets")


def _dictionary(fields: list[FieldDoc]) -> list[Any]:
    by_table: dict[str, list[FieldDoc]] = defaultdict(list)
    for field in fields:
        by_table[field.resource].append(field)
    columns = [Column(_("Column")), Column(_("Type")), Column(_("Meaning")), Column(_("Unit"))]
    tables = []
    for name, of in by_table.items():
        rows = [[html.Code(f.name), f.type, _meaning(f), f.unit or "–"] for f in of]
        shown = table(_("Columns of {table}").format(table=name), columns, rows, f"fields-{name}", hidden_caption=True)
        words = _("{table}: {n} columns").format(table=name, n=len(of))
        tables.append(more(words, shown, opened=False))
    return tables


def _meaning(field: FieldDoc) -> Any:
    words = field.description or field.title
    if not field.allowed:
        return words
    return [words, " ", html.Span(_("One of: {values}.").format(values=", ".join(field.allowed)), className="hint")]


def _chain(release: Release) -> Any:
    columns = [
        Column(_("Release")), Column(_("Data as of")), Column(_("Requests"), "number"),
        Column(_("sha256 of its description"), "code-cell"),
    ]  # fmt: skip
    rows = []
    for doc in queries.chain(release)[:CHAIN_SHOWN]:
        name: Any = html.Code(doc.release_id)
        if doc.present:
            name = html.A(name, href=address(f"/r/{doc.release_id}"))
        rows.append(
            [
                [name, " ", _("(this one)")] if doc.current else name,
                time_words(doc.as_of, release.city.timezone) if doc.as_of else "–",
                number(doc.requests) if doc.requests is not None else "–",
                html.Code(doc.sha256, className="hash"),
            ]
        )
    return [
        table(_("The newest releases"), columns, rows, "chain"),
        html.P(html.A(_("Verify a file that you hold"), href=address("/verify"), className="onward")),
        *_latest_changes(release),
        html.P(_("To check a release that you hold, and the chain that it is part of:")),
        code(f"openward release verify {base_address()[0] or 'https://…'}", _("Command to verify a release")),
    ]


def _latest_changes(release: Release) -> list[Any]:
    """A way to what the newest release changed, where both are kept."""
    docs = queries.chain(release)
    at = next((i for i, doc in enumerate(docs) if doc.current), None)
    before = docs[at + 1] if at is not None and at + 1 < len(docs) else None
    if before is None or not (release.folder.parent / before.release_id / "requests.parquet").is_file():
        return []
    href = address(f"/releases/{before.release_id}/{release.id}")
    return [html.P(html.A(_("What changed since the release before, row by row"), href=href, className="onward"))]


def _license(release: Release) -> Any:
    given = release.city.license
    if not given.title:
        return None
    licence = html.A(given.title, href=given.path) if given.path else given.title
    return html.Section(
        [heading(_("License"), "license"), html.P([_("You may use the data under: "), licence, "."]),
         html.P([html.A(_("How each figure is made, and what is left out"), href=address("/methods"), className="onward")])],
        className="section", **{"aria-labelledby": "license"},
    )  # fmt: skip
