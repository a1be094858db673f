"""The report card of one area or one department: its figures beside the city's, compared fairly, in plain sentences.

Charter: which parts stand on the page and in which order; the parts are `place_figures`, `place_beside`, `place_tables`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import html

from portal import queries
from portal.answers_figures import Report
from portal.components import figures
from portal.components.absent import footing
from portal.components.course import course_chart
from portal.components.expected import expected_address
from portal.components.filters import count_words, filter_form
from portal.components.follow import follow
from portal.components.links import address, part
from portal.components.measures import measures_section
from portal.components.page import Page
from portal.components.parts import breadcrumbs, page_head, section
from portal.components.receipt import Figures
from portal.components.record import linked_section
from portal.components.sentences import Handles, sentences
from portal.errors import NotFound
from portal.pages.overview import source_words
from portal.pages.place_beside import beside_section
from portal.pages.place_figures import few, key_row, location_band
from portal.pages.place_tables import departments_section, open_section, services_table, shifted_section
from portal.pages.trends import nothing
from portal.queries.expected import drawn_layer
from portal.selection import NOT_STATED, Selection
from portal.text import _, date_words

if TYPE_CHECKING:
    from portal.release import Release

MONTHS_SHOWN = 25


def area(release: Release, selection: Selection, layer: str, area: str, beside: str = "") -> Page:
    """The report card of one area of a layer; `beside` is the code of another one to set next to it."""
    of = release.layer(layer)
    names = release.allowed(layer)
    for code in (area, beside):
        if code and code not in names:
            raise NotFound(
                _("There is no {what} '{code}' in this release.").format(what=of.title.lower(), code=code[:40])
            )
    base = queries.narrowed(selection, layer, None)
    trail = [(of.plural, address(f"/areas/{layer}", base))]
    return _page(release, base, layer, area, beside, trail, f"/areas/{layer}", "/areas", of.title)


def department(release: Release, selection: Selection, department: str, beside: str = "") -> Page:
    """The scorecard of one department."""
    names = release.allowed("department")
    for code in (department, beside):
        if code and (code not in names or code == NOT_STATED):
            raise NotFound(_("There is no department '{code}' in this release.").format(code=code[:40]))
    base = queries.narrowed(selection, "department", None)
    trail = [(_("Departments"), address("/departments", base))]
    return _page(
        release, base, "department", department, beside, trail, "/departments", "/departments", _("Department")
    )


def _page(
    release: Release, base: Selection, dimension: str, key: str, beside: str, trail: list[tuple[str, str]], above: str,
    of: str, kind: str,
) -> Page:  # fmt: skip
    name, path = release.allowed(dimension)[key], f"{above}/{part(key)}"
    report = queries.report(release, base, dimension, key)
    head = page_head(
        name,
        html.P(
            (
                _("From {start} to {end}, beside the whole city, and beside the same months of the year before.")
                if report.year_ago
                else _("From {start} to {end}, beside the whole city.")
            ).format(
                start=date_words(report.here.from_date) if report.here.from_date else "",
                end=date_words(report.here.to_date) if report.here.to_date else "",
            ),
            className="lead",
        ),
        html.P([_brief(base, path), *_soon(release, dimension, key)], className="brief-link"),
        kicker=_("Report card: {kind}").format(kind=kind),
    )
    form = filter_form(release, base, path, report.totals.requests, without=dimension, of=report.here)
    body: list[Any] = [breadcrumbs(trail, name), head]
    if report.totals.requests:
        body += _figures(release, report, name, beside, path, form)
    else:
        body += [form, footing(release, report.here), nothing(base, path)]
    return Page(
        title=name,
        description=_("Service requests: {name}, beside the whole of {city}.").format(
            name=name, city=release.city.name
        ),
        body=body,
        announce=count_words(report.totals.requests),
        section=of,
    )


def _figures(release: Release, report: Report, name: str, beside: str, path: str, form: Any) -> list[Any]:
    handles, source, zone = Handles.of(report), source_words(release), release.city.timezone
    months, of_months = queries.monthly(release, report.ever)[-MONTHS_SHOWN:], Figures("months", report.ever)
    by_here, by_city = (Figures("by", selection, dimension="service") for selection in (report.here, report.base))
    return [
        html.Div(sentences(report, name, zone), className="plainly"),
        few(report),
        key_row(report, handles),
        form,
        footing(release, report.here),
        location_band(release, report, name, handles),
        beside_section(release, report, name, beside, path),
        section(
            _("Service by service"), "services",
            figures.here_and_city(report.services, report.city_services, _("Half closed within, here and in the whole city"),
                                  source, (by_here, by_city), "beside-chart"),
            services_table(report, name, by_here, by_city),
            lead=_("The same service, here and in the whole city: comparing like with like."),
        ),
        shifted_section(report),
        open_section(report, handles, zone),
        departments_section(report),
        section(_("Month by month"), "months", figures.requested_and_closed(months, source, of_months),
                figures.durations(months, "median", source, of_months, "median"),
                html.P(of_months.link(of=_("Month by month")), className="detail")),
        section(_("Closed is not the same as done"), "done", figures.outcomes(report.totals, source, handles.here),
                course_chart(queries.course(release, report.here), report.here, source)) if report.totals.closed else None,
        linked_section(queries.linked(release, report.here), report.here),
        measures_section(release, report.key, source) if report.dimension == "department" else None,
        _take(report, path),
    ]  # fmt: skip


def _soon(release: Release, dimension: str, key: str) -> list[Any]:
    """Where expected times are made for areas of this kind, the way to those of this one."""
    if dimension != drawn_layer(release):
        return []
    return [" · ", html.A(_("How long will mine take?"), href=expected_address("", dimension, key))]


def _brief(base: Selection, path: str) -> Any:
    return html.A(_("Brief of two pages (PDF)"), href=address(f"{path}/brief.pdf", base))


def _take(report: Report, path: str) -> Any:
    here = report.here
    return section(
        _("Take it with you"), "take",
        html.Ul(
            [
                html.Li(_brief(report.base, path)),
                html.Li(html.A(_("On the map"), href=address("/map", here))),
                html.Li(html.A(_("Trends"), href=address("/trends", here))),
                html.Li(html.A(_("These requests as data"), href=address("/data", here))),
                html.Li(html.A(_("How the figures are made"), href=address("/methods"))),
            ],
            className="actions",
        ),
        follow(report.ever),
    )  # fmt: skip
