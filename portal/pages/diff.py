"""What differs between two releases, row by row: how many, in which fields, and each with its values before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import html

from portal.components.links import address
from portal.components.page import Page
from portal.components.parts import Column, breadcrumbs, code, key_figures, page_head, section, table
from portal.components.take_chart import base_address
from portal.errors import BadRequest, NotReady
from portal.queries.compared import KINDS, Compared, Row
from portal.queries.diff import diff
from portal.selection import Selection
from portal.text import N_, _, ngettext, number

if TYPE_CHECKING:
    from portal.release import Release

SHOWN = 50
KIND_WORDS = {"added": N_("Added"), "removed": N_("Removed"), "changed": N_("Changed")}
TIMES = {"closed_datetime", "requested_datetime"}


def layout(
    release: Release, selection: Selection, before: str, after: str, table: str = "requests", kind: str = "",
    field: str = "", at_row: str = "",
) -> Page:  # fmt: skip
    """The page of two releases; NotFound where one is not kept."""
    if kind and kind not in KINDS:
        raise BadRequest(f"kind must be one of {', '.join(KINDS)}.")
    first = _row(at_row)
    title = _("What changed between two releases")
    path = f"/releases/{before}/{after}"
    told = html.P([html.Code(before), " → ", html.Code(after), f", {table}"], className="lead")
    head = [breadcrumbs([(_("Data"), address("/data"))], title), page_head(title, told)]
    if selection:
        head.append(html.P([selection.sentence(release), "."]))
    try:
        found = diff(release, before, after, table, selection, field=field)
    except NotReady as error:
        words = _("The two releases are being compared: load the page again in a minute.")
        return _page(title, [*head, html.P(words, className="note", role="status", title=str(error))])
    kept = {"table": table if table != "requests" else "", "kind": kind, "field": field}
    return _page(
        title,
        [
            *head,
            section(_("How much"), "counts", *_counts(found, selection, path, kept)),
            section(_("Row by row"), "rows", *_rows(found, selection, path, kept, first)),
            section(_("Take it"), "take", *_take(before, after, selection, kept)),
        ],
    )


def _row(given: str) -> int:
    """Where the page begins; 0 where it is not told."""
    if not given:
        return 0
    if not (given.isascii() and given.isdigit() and len(given) < 16):
        raise BadRequest("at_row must be the number of a row.")
    return int(given)


def _page(title: str, body: list[Any]) -> Page:
    return Page(title=title, description=_("Every row that differs between two releases."), body=body, section="/data")


def _counts(found: Compared, selection: Selection, path: str, kept: dict[str, str]) -> list[Any]:
    figures = [
        (_("Before"), number(found.before), _("rows")), (_("After"), number(found.after), _("rows")),
        *((_(KIND_WORDS[kind]), number(found.counts[kind]), _("rows")) for kind in KINDS),
    ]  # fmt: skip
    same = ngettext("{n} row is the same in both.", "{n} rows are the same in both.", found.unchanged)
    parts: list[Any] = [key_figures(figures), html.P(same.format(n=number(found.unchanged)))]
    if found.only_before or found.only_after:
        words = _("Only one of the releases has these fields, and they are not compared: {fields}.")
        parts.append(html.P(words.format(fields=", ".join([*found.only_before, *found.only_after]))))
    if found.changed_fields:
        columns = [Column(_("Field")), Column(_("Changed rows"), "number")]
        ordered = sorted(found.changed_fields.items(), key=lambda one: (-one[1], one[0]))
        rows = [
            [
                html.A(html.Code(name), href=address(path, selection, table=kept["table"], field=name) + "#rows"),
                number(n),
            ]
            for name, n in ordered
        ]
        parts.append(table(_("Changed rows by field"), columns, rows, "fields"))
    if TIMES & found.changed_fields.keys():
        link = html.A(_("Times that were edited after the fact"), href=address("/sources") + "#edits")
        parts.append(html.P([_("A time of closing that is changed later stays visible as such:"), " ", link]))
    return parts


def _rows(found: Compared, selection: Selection, path: str, kept: dict[str, str], first: int) -> list[Any]:
    part = found.page(SHOWN, first, kept["kind"], kept["field"])
    total = found.total(kept["kind"], kept["field"])
    ways: list[Any] = [
        html.Li(html.A(_(KIND_WORDS[one]), href=address(path, selection, table=kept["table"], kind=one) + "#rows"))
        for one in KINDS
        if found.counts[one]
    ]
    if kept["kind"] or kept["field"]:
        ways.append(html.Li(html.A(_("All rows"), href=address(path, selection, table=kept["table"]) + "#rows")))
    if not part.rows:
        return [html.P(_("No row differs."))]
    columns = [Column(_("Row")), Column(_("What")), Column(_("Field")), Column(_("Before")), Column(_("After"))]
    lines = [line for row in part.rows for line in _lines(found, row)]
    shown: list[Any] = [
        html.Ul(ways, className="datasets"),
        table(_("{n} rows that differ").format(n=number(total)), columns, lines, "differing"),
    ]
    if part.after is not None:
        href = address(path, selection, at_row=str(part.after), **kept) + "#rows"
        shown.append(html.P(html.A(_("Next page"), href=href, rel="next", className="onward")))
    return shown


def _lines(found: Compared, row: Row) -> list[list[Any]]:
    name = " · ".join(value or "–" for value in row.key.values())
    what = _(KIND_WORDS[row.kind])
    if row.kind != "changed":
        return [[html.Code(name), what, "–", "–", "–"]]
    return [[html.Code(name), what, html.Code(field), _cut(old), _cut(new)] for field, old, new in row.fields]


def _cut(value: str | None) -> str:
    text = value if value is not None else "–"
    return text if len(text) <= 200 else text[:199] + "…"


def _take(before: str, after: str, selection: Selection, kept: dict[str, str]) -> list[Any]:
    base, _here = base_address()
    url = address(f"/api/v1/diff/{before}/{after}", selection, **kept)
    of_csv = address(f"/api/v1/diff/{before}/{after}", selection, format="csv", limit="1000", **kept)
    return [
        html.P(
            [html.A("JSON", href=url), " · ", html.A("CSV", href=of_csv, download=""), ". ",
             _("A page at a time: each names the next one. Of rows that were added or removed it has every value.")]
        ),
        code(f'curl "{base}{of_csv}"', _("Command for a download")),
    ]  # fmt: skip
