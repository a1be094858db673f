"""The report card of one area or one department: its figures beside the city's, compared fairly, in plain sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import html

from portal import queries
from portal.answers import ResponseTime
from portal.answers_figures import Report
from portal.components import figures, told
from portal.components.absent import footing
from portal.components.course import course_chart
from portal.components.filters import count_words, filter_form
from portal.components.links import address, part
from portal.components.measures import measures_section
from portal.components.page import Page
from portal.components.parts import Bar, Column, aside, breadcrumbs, key_figures, page_head, rich, section, table
from portal.components.receipt import Figures
from portal.components.record import linked_section
from portal.components.sentences import Handles, alike, day_words, request_address, sentences
from portal.components.verdicts import ratio_words
from portal.errors import NotFound
from portal.pages.overview import source_words
from portal.pages.trends import nothing
from portal.selection import NOT_STATED, Selection
from portal.text import FEW, _, date_words, duration_words, natural, number, share

if TYPE_CHECKING:
    from portal.release import Release

MONTHS_SHOWN = 25
SHIFTED_SHOWN = 8


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
        html.P(_brief(base, path), className="brief-link"),
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
        _few(report),
        _key_figures(report, handles),
        form,
        footing(release, report.here),
        _location_band(release, report, name, handles),
        _beside(release, report, name, beside, path),
        section(
            _("Service by service"), "services",
            figures.here_and_city(report.services, report.city_services, _("Half closed within, here and in the whole city"),
                                  source, (by_here, by_city), "beside-chart"),
            _services(report, name, by_here, by_city),
            lead=_("The same service, here and in the whole city: comparing like with like."),
        ),
        _shifted(report),
        _open(report, handles, zone),
        _departments(report),
        section(_("Month by month"), "months", figures.requested_and_closed(months, source, of_months),
                figures.durations(months, "median", source, of_months, "median"),
                html.P(of_months.link(of=_("Month by month")), className="detail")),
        section(_("Closed is not the same as done"), "done", figures.outcomes(report.totals, handles.here),
                course_chart(queries.course(release, report.here), report.here, source)) if report.totals.closed else None,
        linked_section(queries.linked(release, report.here), report.here),
        measures_section(release, report.key) if report.dimension == "department" else None,
        _take(report, path),
    ]  # fmt: skip


def _key_figures(report: Report, handles: Handles) -> Any:
    totals, city = report.totals, report.city
    in_city = _("whole city: {value}")

    def time(quantile: int, name: str) -> tuple[Any, Any]:
        city_words = _told_time(handles.city_times, report.city_response, quantile, name)
        return _told_time(handles.times, report.response, quantile, name), rich(in_city, value=city_words)

    half, most = time(50, "median"), time(90, "p90")
    flattering = report.response.closed_only_median_hours
    closed_only = None
    if flattering is not None and report.response.n >= FEW:
        alone = handles.times.told(duration_words(flattering), "closed_only_hours", flattering)
        closed_only = rich(_("of the closed ones alone: {value}, which flatters"), value=alone)
    return html.Div(
        [
            key_figures(
                [
                    (_("Requests"), handles.here.told(number(totals.requests), "requests", totals.requests),
                     rich(_("{share} of the city's {n}"), share=_of_city(handles, totals.requests, city.requests),
                          n=handles.city.told(number(city.requests), "requests", city.requests))),
                    (_("Half closed within"), half[0], [*half[1], *([html.Br(), *closed_only] if closed_only else [])]),
                    (_("9 in 10 within"), most[0], most[1]),
                    (_("On time"), told.on_time(handles.here, "", totals.on_time_share),
                     rich(in_city, value=told.on_time(handles.city, "", city.on_time_share))),
                    (_("Of these still open"), handles.here.told(number(totals.open), "open", totals.open),
                     rich(_("{share} of them; whole city: {city}"),
                          share=told.part(handles.here, "", "open_share", totals.open, totals.requests),
                          city=told.part(handles.city, "", "open_share", city.open, city.requests))),
                ]
            ),
            html.P(
                [handles.here.link(_("Receipt of the counts")), " · ", handles.times.link(_("Receipt of the times")), " · ",
                 handles.late.link(_("Receipt of the comparison"))],
                className="detail receipts",
            ),
        ]
    )  # fmt: skip


def _of_city(handles: Handles, here: int, city: int) -> Any:
    """'14%', made of both counts."""
    return handles.here.told(share(here, city), "requests", here / city, over=handles.city.at("requests"))


def _location_band(release: Release, report: Report, name: str, handles: Handles) -> Any:
    """The total with its band, on the page of an area."""
    if report.dimension == "department":
        return None
    bands = queries.location_bands(release, report.dimension, report.base)
    drawn = told.count(handles.here, "", "requests", report.totals.requests)
    return figures.band_sentence(name, bands.get(report.key), drawn)


def _few(report: Report) -> Any:
    if report.response.n >= FEW:
        return None
    return aside(
        _("Too few to compare."),
        html.P(
            _("With fewer than {n} requests, times and shares say more about chance than about the work.").format(n=FEW)
        ),
    )


def _beside(release: Release, report: Report, name: str, beside: str, path: str) -> Any:
    """Another area of the layer in the next column, or the list of those that can be chosen."""
    names = release.allowed(report.dimension)
    others = [key for key in names if key not in (report.key, NOT_STATED)]
    if not others:
        return None
    links = html.Ul(
        [
            html.Li(
                html.A(
                    names[code],
                    href=address(path, report.base, beside=code) + "#beside",
                    **({"aria-current": "true"} if code == beside else {}),
                )
            )
            for code in others
        ],
        className="chips",
    )
    choose = html.Details(
        [html.Summary(_("Choose another one to set beside {name}").format(name=name)), links],
        className="more",
        open=False,
    )
    if not beside or beside == report.key:
        return section(_("Two side by side"), "beside", choose)
    other = queries.report(release, report.base, report.dimension, beside)
    columns = [
        Column(_("Figure")),
        Column(name, "number"),
        Column(names[beside], "number"),
        Column(_("Whole city"), "number"),
    ]
    rows = [[what, *cells] for what, cells in _columns(report, other)]
    return section(
        _("Two side by side"), "beside",
        table(_("{name} and {other}").format(name=name, other=names[beside]), columns, rows, "two"),
        choose,
        lead=_("The last two lines compare like with like: they allow for what each one is asked for.") if alike(report) else "",
    )  # fmt: skip


def _told_time(handle: Figures, response: ResponseTime, quantile: int, name: str) -> Any:
    """A quantile in words, marked with its receipt unless there are too few requests to say it."""
    value = response.quantiles[quantile]
    return told.time(handle, "", name, value, response.n)


def _columns(one: Report, other: Report) -> list[tuple[str, list[Any]]]:
    mine, theirs = Handles.of(one), Handles.of(other)

    def counted(item: str) -> list[Any]:
        sides = ((mine.here, one.totals), (theirs.here, other.totals), (mine.city, one.city))
        return [handle.told(number(getattr(t, item)), item, getattr(t, item)) for handle, t in sides]

    def timed(quantile: int, name: str) -> list[Any]:
        sides = ((mine.times, one.response), (theirs.times, other.response), (mine.city_times, one.city_response))
        return [_told_time(handle, response, quantile, name) for handle, response in sides]

    def ratio(report: Report, handles: Handles) -> Any:
        found = report.compared.times if report.compared else None
        if found is None or found.too_few or found.time_ratio.value is None:
            return "–"
        words = _("{n} times").format(n=ratio_words(found.time_ratio.value))
        return handles.ratio.told(words, "time_ratio", found.time_ratio.value)

    def late(report: Report, handles: Handles) -> Any:
        found = report.compared.late if report.compared else None
        if found is None or found.too_few or found.adjusted.value is None:
            return "–"
        return handles.late.told(share(found.adjusted.value), f"{report.key}/adjusted", found.adjusted.value)

    city_late = one.compared.late.city if one.compared else None
    rows = [
        (_("Requests"), counted("requests")),
        (_("Still open"), counted("open")),
        (_("Half closed within"), timed(50, "median")),
        (_("9 in 10 within"), timed(90, "p90")),
        (_("Work done, of those closed"), [told.on_time(handle, "", totals.done_share, "done_share") for handle, totals in
          ((mine.here, one.totals), (theirs.here, other.totals), (mine.city, one.city))]),
        (_("Late, of those due, for the city's mix of services"),
         [late(one, mine), late(other, theirs),
          "–" if city_late is None else mine.late.told(share(city_late), f"{one.key}/city", city_late)]),
        (_("The same services take, beside the rest of the city"), [ratio(one, mine), ratio(other, theirs), "–"]),
    ]  # fmt: skip
    return rows if alike(one) else rows[:-2]


def _services(report: Report, name: str, here: Figures, city: Figures) -> Any:
    most = max((row.requests for row in report.services), default=1)
    columns = [
        Column(_("Service")), Column(_("Requests here"), "bar"),
        Column(_("Half closed within, here"), "number"), Column(_("95% band"), "number"),
        Column(_("In the whole city"), "number"), Column(_("On time, here"), "number"),
        Column(_("On time, city"), "number"),
    ]  # fmt: skip
    cells = []
    for row in report.services:
        whole = report.city_services.get(row.key, row)
        cells.append(
            [
                row.name,
                Bar(told.count(here, row.key, "requests", row.requests), row.requests / most),
                told.time(here, row.key, "median", row.median, row.n),
                told.time_band(here, row.key, "median", row.median, row.n),
                told.time(city, row.key, "median", whole.median, whole.n),
                told.on_time(here, row.key, row.on_time),
                told.on_time(city, row.key, whole.on_time),
            ]
        )
    return html.Div(
        [
            table(_("What {name} asks for most").format(name=name), columns, cells, "services-beside"),
            html.P(
                here.link(_("Receipt of this table"), of=_("What {name} asks for most").format(name=name)),
                className="detail",
            ),
        ]
    )


def _shifted(report: Report) -> Any:
    """What is asked for more, or less, than in the quarter before."""
    rows = report.shifted[:SHIFTED_SHOWN]
    lead = _("Services whose requests changed by more than chance from one quarter to the next. Many follow the season: "
             "the last column is the same quarter a year before.")  # fmt: skip
    if not rows:
        return section(
            _("What changed since the last quarter"), "changed",
            html.P(_("No service was asked for more or less often than chance explains.")),
        )  # fmt: skip
    columns = [
        Column(_("Service")), Column(_("Last three months"), "number"), Column(_("Three months before"), "number"),
        Column(_("Change"), "number"), Column(_("A year before"), "number"),
    ]  # fmt: skip
    cells = [
        [
            row.name,
            number(row.now),
            number(row.before),
            _("new") if row.ratio.value is None else _("{n} times").format(n=ratio_words(row.ratio.value)),
            "–" if row.year_ago is None else number(row.year_ago),
        ]
        for row in rows
    ]
    what = _("What changed since the last quarter")
    return section(what, "changed", table(what, columns, cells, "shifted", hidden_caption=True), lead=lead)


def _open(report: Report, handles: Handles, zone: str) -> Any:
    """What was open at the end of the period by age, and the oldest of what is open now."""
    now, before = report.backlog, report.backlog_before
    most = max((n for _low, _high, n in now.ages), default=1) or 1
    columns = [
        Column(_("Had waited")), Column(date_words(now.day), "bar"), Column(date_words(before.day), "number"),
    ]  # fmt: skip
    cells = [
        [_age(low, high), Bar(told.count(handles.backlog, "", f"from_{low}_days", n), n / most),
         told.count(handles.backlog_before, "", f"from_{low}_days", then)]
        for (low, high, n), (_l, _h, then) in zip(now.ages, before.ages, strict=True)
    ]  # fmt: skip
    oldest = [
        [
            html.A(row.service_request_id, href=request_address(row)),
            row.service_name or row.service_code,
            day_words(row.requested_datetime, zone),
            row.address or "–",
        ]
        for row in report.oldest
    ]
    what = [Column(_("Request")), Column(_("Service")), Column(_("Waiting since")), Column(_("Where"))]
    return section(
        _("What is still open"), "open",
        table(_("Open at the end of a day, by age"), columns, cells, "ages"),
        html.P(handles.backlog.link(_("Receipt of this table"), of=_("Open at the end of a day, by age")), className="detail"),
        table(_("The oldest of what is open now"), what, oldest, "oldest") if oldest else None,
        lead=_backlog_words(report, handles),
    )  # fmt: skip


def _backlog_words(report: Report, handles: Handles) -> Any:
    gap = report.backlog.open - report.backlog_before.open
    if not gap:
        return _("As many as three months before.")
    words = _("{n} more than three months before.") if gap > 0 else _("{n} fewer than three months before.")
    return rich(words, n=handles.backlog.told(number(abs(gap)), "open", gap, less=handles.backlog_before.at("open")))


def _age(low: int, high: int | None) -> str:
    if low == 0:
        return _("less than {n} days").format(n=high)
    return _("{n} days or more").format(n=low) if high is None else _("{low} to {high} days").format(low=low, high=high)


def _departments(report: Report) -> Any:
    rows = [row for row in report.departments if row.key != NOT_STATED]
    if not rows:
        return None
    handle, most = Figures("by", report.here, dimension="department"), max(row.requests for row in rows)
    columns = [
        Column(_("Department")), Column(_("Requests here"), "bar"), Column(_("Still open"), "number"),
        Column(_("Half closed within"), "number"), Column(_("95% band"), "number"), Column(_("On time"), "number"),
    ]  # fmt: skip
    cells = [
        [
            html.A(row.name, href=address(f"/departments/{part(row.key)}", report.here)),
            Bar(told.count(handle, row.key, "requests", row.requests), row.requests / most),
            told.count(handle, row.key, "open", row.open),
            told.time(handle, row.key, "median", row.median, row.n),
            told.time_band(handle, row.key, "median", row.median, row.n),
            told.on_time(handle, row.key, row.on_time),
        ]
        for row in sorted(rows, key=lambda row: natural(row.name))
    ]
    what = _("By department")
    return section(
        what, "departments",
        table(_("In the order of their names"), columns, cells, "by-department"),
        html.P(handle.link(_("Receipt of this table"), of=what), className="detail"),
        lead=_("Who to ask about what."),
    )  # fmt: skip


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
    )  # fmt: skip
