"""Building blocks of pages: sections, key figures, tables, chart figures, notes.

Charter: plain functions from values to Dash components; no queries and no
knowledge of a page. Text arrives already translated.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dash import html

from portal.charts.small import cell_bar
from portal.components.elements import Svg
from portal.components.take_chart import caption_id, take_chart, take_table
from portal.text import _

Node = Any


@dataclass(frozen=True)
class Column:
    """A table's column. `kind` is text, number or bar; the first column of a table heads its rows.

    `head` stands in place of the title at the top (a link that sorts), `order` is ascending or descending where the rows
    are sorted by it.
    """

    title: str
    kind: str = "text"
    head: Node = None
    order: str = ""


@dataclass(frozen=True)
class Bar:
    """A number in a cell with a bar beside it, `share` of the longest."""

    words: Node
    share: float


def rich(message: str, **parts: Node) -> list[Node]:
    """A translated message with components in the places of its {names}, so that it stays one sentence."""
    pieces = re.split(r"\{(\w+)\}", message)
    return [parts.get(piece, piece) if i % 2 else piece for i, piece in enumerate(pieces) if piece]


def listed_nodes(parts: Sequence[Node]) -> list[Node]:
    """'a, b and c' of components, as `portal.text.listed` says it of words."""
    if len(parts) < 2:
        return list(parts)
    first = [node for i, part in enumerate(parts[:-1]) for node in ([", "] if i else []) + [part]]
    return rich(_("{first} and {last}"), first=first, last=parts[-1])


def heading(words: str, key: str, level: int = 2) -> Node:
    """A heading that can be linked to."""
    return (html.H2 if level == 2 else html.H3)(words, id=key)


def section(title: str, key: str, *children: Node, lead: Node = "") -> Node:
    """A titled part of a page."""
    intro = [html.P(lead, className="lead")] if lead else []
    return html.Section([heading(title, key), *intro, *children], className="section", **{"aria-labelledby": key})


def page_head(title: str, *lead: Node, kicker: Node = None) -> Node:
    """The page's title and what it says first. The title takes the focus after a change of page."""
    above = [html.P(kicker, className="kicker")] if kicker else []
    return html.Div([*above, html.H1(title, id="title", tabIndex="-1"), *lead], className="page-head")


def key_figures(items: Sequence[tuple[str, Node, Node]]) -> Node:
    """A row of (what, how much, caption)."""
    return html.Dl(
        [
            html.Div([html.Dt(what), html.Dd(figure, className="figure"), html.Dd(caption, className="caption")])
            for what, figure, caption in items
        ],
        className="key-figures",
    )


def table(caption: str, columns: Sequence[Column], rows: Sequence[Sequence[Node]], key: str, hidden_caption: bool = False,
          stack: bool = True) -> Node:  # fmt: skip
    """A table whose first column heads its rows; it stacks on a phone, or scrolls in a region that takes focus.

    Bars in its cells are no charts of their own: the row states their numbers, and such a table can be taken away as CSV.
    """
    head = html.Tr(
        [
            html.Th(c.head or c.title, scope="col", className=c.kind, **({"aria-sort": c.order} if c.order else {}))
            for c in columns
        ]
    )
    body = []
    for row in rows:
        cells: list[Node] = [html.Th(row[0], scope="row")]
        cells += [
            html.Td(_cell(cell), className=column.kind, **{"data-label": column.title})
            for column, cell in zip(columns[1:], row[1:], strict=True)
        ]
        body.append(html.Tr(cells))
    grid = html.Table(
        [
            html.Caption(
                caption, id=caption_id(key), className="visually-hidden" if hidden_caption else "table-caption"
            ),
            html.Thead(head),
            html.Tbody(body),
        ],
        className="table stack" if stack else "table",
    )
    labelled = {"aria-labelledby": caption_id(key)}
    region = html.Div(grid, className="table-scroll", role="region", tabIndex="0", **labelled)
    if not any(column.kind == "bar" for column in columns):
        return region
    return html.Div([region, *take_table(key, caption)])


def _cell(cell: Node) -> Node:
    if isinstance(cell, Bar):
        return [html.Span(cell.words, className="bar-number"), Svg(cell_bar(cell.share), className="cell-bar-box")]
    return cell


def chart(key: str, title: str, subtitle: str, svg: str, columns: Sequence[Column], rows: Sequence[Sequence[Node]],
          level: int = 3, note: Node = None) -> Node:  # fmt: skip
    """A chart, what it shows, where that comes from, the same values as a table, and how to take it away."""
    title_of = {2: html.H2, 3: html.H3, 4: html.H4}[level]
    return html.Figure(
        [
            html.Figcaption([title_of(title, id=key), html.P(subtitle, className="subtitle")]),
            *([Svg(svg)] if svg else []),
            *([html.P(note, className="note")] if note else []),
            twin(key, title, columns, rows),
            *take_chart(key, title, svg, code),
        ],
        className="chart-figure",
        **{"aria-labelledby": key},
    )


def twin(key: str, title: str, columns: Sequence[Column], rows: Sequence[Sequence[Node]]) -> Node:
    """The values of a drawing as a table, folded away."""
    return html.Details(
        [
            html.Summary([_("Show as a table"), html.Span(f": {title}", className="visually-hidden")]),
            # A name of its own: a list beside the chart may have the name that the chart has.
            table(
                _("{title}, as a table").format(title=title),
                columns,
                rows,
                f"{key}-table",
                hidden_caption=True,
                stack=False,
            ),
        ],
        className="twin",
    )


def aside(title: str, *children: Node) -> Node:
    """A remark beside the figures: what to keep in mind."""
    return html.Div([html.P(html.Strong(title)), *children], className="remark", role="note")


def more(summary: str, *children: Node, opened: bool = False) -> Node:
    """What only some readers need, one click away."""
    return html.Details(
        [html.Summary(summary), html.Div(list(children), className="details-body")], className="more", open=opened
    )


def breadcrumbs(items: Sequence[tuple[str, str]], here: str) -> Node:
    """The way back up: (words, address) of what lies above this page."""
    links = [html.Li(html.A(words, href=href)) for words, href in items]
    return html.Nav(
        html.Ol([*links, html.Li(here, **{"aria-current": "page"})]),
        className="breadcrumbs",
        **{"aria-label": _("Breadcrumb")},
    )


def contents(items: Sequence[tuple[str, str]]) -> Node:
    """What is on a long page: (title, id)."""
    return html.Nav(
        [
            html.P(html.Strong(_("On this page"))),
            html.Ul([html.Li(html.A(title, href=f"#{key}")) for title, key in items]),
        ],
        className="contents",
        **{"aria-label": _("On this page")},
    )


def tabs(items: Sequence[tuple[str, str, bool]], label: str) -> Node:
    """Links between views of one page: (words, address, whether it is this one)."""
    return html.Nav(
        html.Ul(
            [
                html.Li(html.A(words, href=href, **({"aria-current": "page"} if now else {})))
                for words, href, now in items
            ]
        ),
        className="tabs",
        **{"aria-label": label},
    )


def code(text: str, label: str, wraps: bool = False) -> Node:
    """Something to copy: a command, a query, a citation. The button is shown where scripts run."""
    return html.Div(
        [
            html.Pre(
                html.Code(text),
                tabIndex="0",
                role="region",
                className="wraps" if wraps else "",
                **{"aria-label": label},
            ),
            html.Button(
                _("Copy"), type="button", className="copy", **{"data-copy": "", "aria-label": f"{_('Copy')}: {label}"}
            ),
        ],
        className="code-block",
    )
