"""Equity: how areas are answered, and how much they report, beside who lives there. Areas, never people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import html

from portal.answers_equity import Equity, Measure
from portal.components import equity as parts_of
from portal.components.absent import footing
from portal.components.filters import count_words, filter_form
from portal.components.links import address, part
from portal.components.page import Page
from portal.components.parts import aside, page_head, rich, section, tabs
from portal.components.period import period
from portal.figures.equity import MIN_AREAS
from portal.package import file_url
from portal.pages.overview import source_words
from portal.pages.trends import nothing
from portal.queries import totals
from portal.queries.equity import equity, measure_of, measures
from portal.selection import Selection
from portal.text import FEW, _, number

if TYPE_CHECKING:
    from portal.release import Release

Node = Any
PATH = "/equity"


def layout(release: Release, selection: Selection, layer: str = "", measure: str = "") -> Page:
    """One measure of the areas of one layer; the others are tabs away. Without demographics one sentence says so."""
    known = measures(release)
    if not known:
        return _page(release, [_head(None), html.P(_not_supplied(), className="lead")], "")
    layer = layer or known[0].layer
    release.layer(layer)
    of_layer = [m for m in known if m.layer == layer]
    about = measure_of(release, layer, measure or (of_layer[0].measure if of_layer else ""))
    asked = totals(release, selection).requests
    body = [
        _head(about, period(release, selection)),
        *_choices(release, selection, known, about),
        filter_form(release, selection, PATH, asked, layer=layer, measure=about.measure),
        footing(release, selection),
    ]
    if not asked:
        body.append(nothing(selection, PATH))
    else:
        body += _figures(release, selection, equity(release, selection, layer, about.measure))
    return _page(release, body, count_words(asked))


def _page(release: Release, body: list[Node], announce: str) -> Page:
    return Page(
        title=_("Equity"),
        description=_("Response and reporting by who lives in an area of {city}.").format(city=release.city.name),
        body=body,
        announce=announce,
        section=PATH,
    )


def _not_supplied() -> str:
    return _(
        "This city has supplied no figures of who lives in its areas; its data officer adds files of income, race or age by "
        "area under demographics in the city's YAML, as docs/your-city.md says."
    )


def _head(about: Measure | None, *more: Node) -> Node:
    lead = _("How requests are answered, and how many are made, in areas where different people live.")
    return page_head(_("Equity"), *([html.P(lead, className="lead")] if about else []), *more)


def _choices(release: Release, selection: Selection, known: list[Measure], about: Measure) -> list[Node]:
    """Tabs of layers, if there are several, and of measures."""
    found = []
    layers = list(dict.fromkeys(m.layer for m in known))
    if len(layers) > 1:
        items = [
            (release.layer(name).plural, address(PATH, selection, layer=name), name == about.layer) for name in layers
        ]
        found.append(tabs(items, _("Ways of dividing the city")))
    of_layer = [m for m in known if m.layer == about.layer]
    items = [
        (m.title, address(PATH, selection, layer=m.layer, measure=m.measure), m.measure == about.measure)
        for m in of_layer
    ]
    found.append(tabs(items, _("Who lives there")))
    return found


def _figures(release: Release, selection: Selection, found: Equity) -> list[Node]:
    about = found.measure
    caveat = aside(
        _("These are areas, not people."),
        html.P(
            _(
                "What holds for areas may not hold for the people in them: in an area of high incomes it may be those with "
                "low incomes who wait, and the other way round. An association is no cause: areas differ in more than what "
                "is shown here, such as the age of their streets and how many people work in or visit them. A request counts "
                "for the area it is about, whoever made it."
            )
        ),
    )
    if found.too_few:
        few = _(
            "Too few to compare: only {n} areas have this figure, and fewer than {least} cannot show an association."
        )
        return [caveat, html.P(few.format(n=number(len(found.areas)), least=MIN_AREAS), className="lead")]
    said = [c for c in found.contrasts if c.figure != "late" or sum(f.due for f in found.fifths) >= FEW]
    said = [c for c in said if c.figure != "reports" or any(f.residents for f in found.fifths)]
    receipts = parts_of.Receipts.of(about, selection)
    ends = _(
        "{title}: a tenth of the residents live in areas at {low} or less, and a tenth in areas at {high} or more."
    )
    source = source_words(release)
    return [
        caveat,
        section(
            _("What the figures say"), "said",
            html.P(rich(ends, title=about.title, **receipts.ends(found))),
            html.Ul([parts_of.sentence(found, contrast, receipts) for contrast in said], className="findings"),
        ),
        section(
            _("Area by area"), "areas",
            *[parts_of.plot(found, contrast.figure, source, receipts) for contrast in said],
            lead=_("Speed and lateness are beside what the same services take in all of these areas together."),
        ),
        section(
            _("In fifths of the residents"), "fifths",
            parts_of.fifths_table(found, receipts),
            html.P(
                _(
                    "The intervals of the fifths are exact for chance alone. Areas of one fifth differ among themselves, "
                    "which is why the sentences above, that allow for it, are more cautious."
                ),
                className="detail",
            ),
        ),
        *([_services(found, receipts)] if found.services else []),
        section(_("Where this comes from"), "sources", *_provenance(release, selection, found, receipts)),
    ]  # fmt: skip


def _services(found: Equity, receipts: parts_of.Receipts) -> Node:
    words = _("Areas at {high} beside areas at {low}, service by service; 1.00 is no difference.")
    caution = _("Of so many intervals about one in 20 leaves out 1 by chance alone.")
    return section(
        _("Within single services"), "services",
        parts_of.services_table(found.services, receipts), html.P(caution, className="detail"),
        lead=rich(words, **receipts.ends(found)),
    )  # fmt: skip


def _provenance(
    release: Release, selection: Selection, found: Equity, receipts: parts_of.Receipts
) -> list[Node]:  # fmt: skip
    about = found.measure
    licensed = _("{title}, {year}: {source}. {license}.") if about.license else _("{title}, {year}: {source}.")
    words = licensed.format(title=about.title, year=about.year, source=about.source, license=about.license)
    file = html.A(_("the file of these figures"), href=file_url(release.id, "demographics.parquet"))
    api = html.A(
        _("as JSON"), href=address(f"/api/v1/equity/{part(about.layer)}/{part(about.measure)}", selection)
    )  # fmt: skip
    method = _(
        "Closings are counted per time that requests waited, span by span and service by service, so that open requests count "
        "and no area is compared with another for asking for other services. The slope allows for chance and for areas "
        "differing for reasons that nobody measured; its interval holds the true value 19 times in 20 if those reasons have "
        "nothing to do with the measure."
    )
    return [
        html.P(words),
        html.P(method),
        *[html.P(text) for text in parts_of.left_out_words(found, receipts.measure)],
        html.P(
            [receipts.areas.link(_("Receipt of the areas")), " · ", receipts.measure.link(_("Receipt of the measure"))],
            className="detail receipts",
        ),
        html.P(rich(_("Download {file}, or this page {api}."), file=file, api=api)),
    ]
