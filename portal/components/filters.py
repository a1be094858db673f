"""The filter form, and what is chosen as links that take it away again.

Charter: a plain form that works without scripts: native controls, an Apply
button, the address as its only memory. Values come from the release.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dash import html

from portal.age import USUAL, Age
from portal.components.elements import Field
from portal.components.labels import DIMENSIONS, ON_TIME, OUTCOMES, STATUSES, named
from portal.components.links import Kept, address, pairs_of
from portal.components.parts import rich
from portal.components.receipt import Figures
from portal.selection import COLUMNS, NOT_STATED, Selection
from portal.text import _, date_words, language, main_language, number

if TYPE_CHECKING:
    from portal.release import Release

Node = Any

SHOWN = ("service", "department", "area", "from", "to")
MORE = ("status", "age", "outcome", "channel", "on_time", "group")
CODED = {"status": STATUSES, "outcome": OUTCOMES, "on_time": ON_TIME}


def filter_form(
    release: Release, selection: Selection, path: str, requests: int | None, extra: Sequence[Node] = (),
    opened: bool = False, without: str = "", of: Selection | None = None, **kept: Kept
) -> Node:  # fmt: skip
    """The form for `path`. `extra` are controls of the page itself, `kept` other keys that its address carries,
    `without` the dimension or layer that the page itself stands for; `of` whose requests are counted, if not the selection's."""
    hidden: list[Node] = [Field("hidden", key, value) for key, value in pairs_of(kept)]
    if language() != main_language():
        hidden.append(Field("hidden", "lang", language()))
    hidden += [Field("hidden", key, value) for key, value in _beyond_the_first(selection)]
    shown = [_control(release, selection, key, without) for key in SHOWN if key != without]
    rest = [_control(release, selection, key) for key in MORE]
    in_rest = any(getattr(selection, key) for key in MORE)
    form = html.Form(
        [
            *hidden,
            html.Div([*extra, *shown], className="controls"),
            html.Details(
                [html.Summary(_("More filters")), html.Div(rest, className="controls")],
                className="more-filters",
                open=in_rest,
            ),
            html.Div(
                [
                    html.Button(_("Apply filters"), type="submit", className="button"),
                    *(
                        [
                            html.A(
                                _("Clear all"),
                                href=address(path, None, **kept),
                                className="clear",
                                **{"data-keep-focus": "filter-summary"},
                            )
                        ]
                        if selection
                        else []
                    ),
                ],
                className="form-actions",
            ),
        ],
        method="get",
        action=path,
        className="filter-form",
        **{"data-filter": "", "aria-label": _("Filter the requests")},
    )
    title = [html.Span(_("Filter"), className="filter-title")]
    if requests is not None:
        title.append(html.Span(_counted(requests, of or selection), className="filter-count"))
    return html.Div(
        [
            html.Details(
                [html.Summary(title, id="filter-summary"), form], className="filters", open=opened or bool(selection)
            ),
            chips(release, selection, path, **kept),
        ],
        className="filter-box",
    )


def count_words(requests: int) -> str:
    """'Showing 1,204 requests'."""
    if requests == 1:
        return _("Showing 1 request")
    return _("Showing {n} requests").format(n=number(requests))


def _counted(requests: int, selection: Selection) -> list[Node]:
    """The same with its receipt."""
    words = _("Showing 1 request") if requests == 1 else _("Showing {n} requests")
    counts = Figures("counts", selection)
    if requests == 1:
        return [counts.told(words, "requests", 1)]
    return rich(words, n=counts.told(number(requests), "requests", requests))


def chips(release: Release, selection: Selection, path: str, **kept: Kept) -> Node:
    """What is chosen, each as a link to the same page without it."""
    items = []
    for words, without in _chosen(release, selection):
        href = address(path, without, **kept)
        remove = html.Span(_("Remove filter: "), className="visually-hidden")
        cross = html.Span("×", className="cross", **{"aria-hidden": "true"})
        items.append(
            html.Li(html.A([remove, words, cross], href=href, className="chip", **{"data-keep-focus": "filters"}))
        )
    if not items:
        return None
    return html.Div(
        [html.H2(_("Filters in use"), className="visually-hidden", id="filters", tabIndex="-1"),
         html.Ul(items, className="chips")]
    )  # fmt: skip


def label_of(release: Release, dimension: str, value: str) -> str:
    """The words for a value of a dimension, in the reader's language where they are ours."""
    if value == NOT_STATED:
        return _("Not stated")
    if dimension in CODED:
        return named(CODED[dimension], value)
    return release.allowed(dimension).get(value, value)


def _chosen(release: Release, selection: Selection) -> list[tuple[str, Selection]]:
    found = []
    for key in COLUMNS:
        values: tuple[str, ...] = getattr(selection, key)
        for value in values:
            words = f"{_(DIMENSIONS[key])}: {label_of(release, key, value)}"
            found.append((words, selection.replace(**{key: tuple(v for v in values if v != value)})))
    for layer, code in selection.area:
        words = f"{release.layer(layer).title}: {label_of(release, layer, code)}"
        rest = tuple(pair for pair in selection.area if pair != (layer, code))
        found.append((words, selection.replace(area=rest)))
    if selection.from_date:
        words = _("From {date}").format(date=date_words(selection.from_date))
        found.append((words, selection.replace(from_date=None)))
    if selection.to_date:
        words = _("Until {date}").format(date=date_words(selection.to_date))
        found.append((words, selection.replace(to_date=None)))
    if selection.age:
        found.append((_("Open for {time}").format(time=selection.age.words()), selection.replace(age=None)))
    if selection.filter:
        found.append((_("Matching {filter}").format(filter=selection.filter.text()), selection.replace(filter=None)))
    if selection.near:
        words = _("Within {n} m of a point").format(n=number(selection.near.radius_m))
        found.append((words, selection.replace(near=None)))
    if selection.within:
        found.append((_("In the outline that was drawn"), selection.replace(within=None)))
    return found


def _beyond_the_first(selection: Selection) -> list[tuple[str, str]]:
    """A select shows one value, and a place none: what else is chosen stays until its chip is removed."""
    rest = [(key, value) for key in COLUMNS for value in getattr(selection, key)[1:]]
    rest += [(key, value) for key, value in selection.pairs() if key in ("near", "within", "filter")]
    return rest + [("area", f"{layer}:{code}") for layer, code in selection.area[1:]]


def _control(release: Release, selection: Selection, key: str, without: str = "") -> Node:
    name = f"filter-{key}"
    if key in ("from", "to"):
        chosen = selection.from_date if key == "from" else selection.to_date
        label = _("From date") if key == "from" else _("To date")
        return labelled(label, name, Field("date", key, chosen.isoformat() if chosen else "", id=name))
    if key == "age":
        return labelled(
            _("Open for"), name, Field("select", key, _age(selection), id=name, options=_ages(release, selection))
        )
    if key == "area":
        value = ":".join(selection.area[0]) if selection.area else ""
        options = _area_options(release, without)
        if len(options) == 1:  # nothing but the whole city
            return None
        return labelled(_("Area"), name, Field("select", key, value, id=name, options=options))
    values: tuple[str, ...] = getattr(selection, key)
    choices = [{"value": "", "label": _("All")}]
    choices += [{"value": v, "label": label_of(release, key, v)} for v in release.allowed(key) if v != NOT_STATED]
    if values and values[0] == NOT_STATED:
        choices.append({"value": NOT_STATED, "label": _("Not stated")})
    field = Field("select", key, values[0] if values else "", id=name, options=choices)
    return labelled(_(DIMENSIONS[key]), name, field)


def _age(selection: Selection) -> str:
    return selection.age.text() if selection.age else ""


def _ages(release: Release, selection: Selection) -> list[dict[str, str]]:
    """The usual ranges of days, and the one that is chosen."""
    texts = [*USUAL, *([_age(selection)] if _age(selection) not in (*USUAL, "") else [])]
    options = [{"value": text, "label": Age.read(text, release.as_of).words()} for text in texts]
    return [{"value": "", "label": _("Any time")}, *options]


def _area_options(release: Release, without: str = "") -> list[dict[str, Any]]:
    options: list[dict[str, Any]] = [{"value": "", "label": _("The whole city")}]
    for layer in release.layers:
        if layer.layer == without:
            continue
        inside = [
            {"value": f"{layer.layer}:{code}", "label": name}
            for code, name in release.allowed(layer.layer).items()
            if code != NOT_STATED
        ]
        if inside:
            options.append({"label": layer.plural, "options": inside})
    return options


def labelled(label: str, name: str, field: Node, hint: str = "") -> Node:
    """A control under its label."""
    said = [html.Span(hint, id=f"{name}-hint", className="hint")] if hint else []
    return html.Div([html.Label(label, htmlFor=name), field, *said], className="control")
