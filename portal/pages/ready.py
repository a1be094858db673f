"""Ready files of the requests: by year, department and area, each with its rows, its size and its fingerprint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import html

from portal.components.links import address
from portal.components.page import Page
from portal.components.parts import Column, breadcrumbs, code, contents, more, page_head, section, table
from portal.components.take_chart import base_address
from portal.errors import NotFound
from portal.ready import FOLDER, MANIFEST, Ready, ReadyFile, ready
from portal.ready_routes import address as file_address
from portal.selection import Selection
from portal.text import _, ngettext, number, size_words

if TYPE_CHECKING:
    from portal.release import Release

PATH = "/data/requests/files"
SHOWN = 15
"""Rows of a table that stand open: a city may have hundreds of areas."""


def layout(release: Release, selection: Selection) -> Page:
    """All of them; NotFound where none were made. Filters do not apply: the files lie there as they are."""
    del selection
    found = ready(release.folder)
    if found is None:
        raise NotFound(_("This release has no ready files yet: they are made in the minutes after it is published."))
    title = _("Ready files")
    parts = [part for part in _parts(release, found) if part[2]]
    body = [
        breadcrumbs([(_("Data"), address("/data"))], title),
        page_head(
            title,
            html.P(_("Made once for this release, so that they come at once: the requests by year, department and area."),
                   className="lead"),
            html.P(_("Each kind of part adds up to all requests: those without a department or an area have files of their own.")),
        ),
        contents([(words, key) for key, words, _files, _head in parts] + [(_("By program"), "program")]),
        *(section(words, key, _folded(_grid(release, key, words, files, head), files)) for key, words, files, head in parts),
        section(_("By program"), "program", *_by_program(release, found)),
    ]  # fmt: skip
    return Page(
        title=title,
        description=_("The requests of {city} by year, department and area, as files to download.").format(
            city=release.city.name
        ),
        body=body,
        section="/data",
    )


def _parts(release: Release, found: Ready) -> list[tuple[str, str, list[ReadyFile], str]]:
    """Name, title, files and what heads the rows, of each kind of part."""
    years = found.of("requests", "year")
    parts = [
        ("by-year", _("By year"), sorted(years, key=lambda file: file.key or "", reverse=True), _("Year")),
        ("by-department", _("By department"), found.of("requests", "department"), _("Department")),
    ]
    for layer in release.layers:
        files = found.of("requests", "layer", layer.layer)
        parts.append((f"by-{layer.layer}", _("By area: {layer}").format(layer=_(layer.plural)), files, _(layer.title)))
    whole = [file for file in found.files if file.part == "whole"]
    return [*parts, ("whole", _("Whole tables"), whole, _("Table"))]


def _grid(release: Release, key: str, title: str, files: list[ReadyFile], head: str) -> Any:
    """A row for each part: its files stand in one row."""
    rows: dict[str, list[ReadyFile]] = {}
    for file in files:
        rows.setdefault(file.path.partition(".")[0], []).append(file)
    formats = [name for name in ("csv", "parquet") if any(file.format == name for file in files)]
    words = {"csv": "CSV (gzip)", "parquet": "GeoParquet" if _drawn(release) else "Parquet"}
    columns = [Column(head), Column(_("Rows"), "number"), *(Column(words[name], "ready-file") for name in formats)]
    cells = []
    for parts in rows.values():
        first = parts[0]
        by_format: dict[str, ReadyFile] = {file.format: file for file in parts}
        name = _("Not stated") if first.key is None and first.part != "whole" else _(first.title)
        cells.append([name, number(first.rows), *(_cell(release, by_format.get(each)) for each in formats)])
    caption = _("Ready files: {part}").format(part=title)
    return html.Div(table(caption, columns, cells, f"files-{key}", hidden_caption=True), className="ready")


def _folded(grid: Any, files: list[ReadyFile]) -> Any:
    """Long lists one click away."""
    rows = len({file.path.partition(".")[0] for file in files})
    if rows <= SHOWN:
        return grid
    return more(ngettext("{n} part", "{n} parts", rows).format(n=number(rows)), grid)


def _cell(release: Release, file: ReadyFile | None) -> Any:
    if file is None:
        return "–"
    return html.Div(
        [
            html.A(file.path, href=file_address(release.id, file.path), download=""),
            html.Span(f" {size_words(file.bytes)}", className="hint"),
            html.Code(file.sha256, className="hash", title="sha256"),
        ]
    )


def _drawn(release: Release) -> bool:
    return {"lat", "long"} <= release.columns


def _by_program(release: Release, found: Ready) -> list[Any]:
    base = base_address()[0] or "https://…"
    example = next((file for file in found.files if file.part != "whole"), found.files[0])
    name = example.path.removesuffix(".gz") if example.format == "csv" else example.path
    lines = [
        f"curl -L -O --compressed '{base}/download/current/{FOLDER}/{name}'",
        f"curl '{base}/api/v1/files'",
        f"openward release verify {base} --file {example.path}",
    ]
    return [
        html.P(_("The names are the same in every release. The first address leads to the file of the newest one; CSV comes packed, "
                 "or as plain text where the ending .gz is left out.")),
        code("\n".join(lines), _("Commands for ready files")),
        html.P(
            [
                _("The fingerprint (sha256) under each file tells whether yours is the same: "),
                html.A(_("verify a file"), href=address("/verify")), ". ",
                _("The list with all fingerprints: "),
                html.A(MANIFEST, href=file_address(release.id, MANIFEST), download=""), ".",
            ]
        ),
    ]  # fmt: skip
