"""The first answer's markup: everything escaped, nothing that a strict policy would block."""

from __future__ import annotations

import pytest
from dash import dcc, html
from hypothesis import given
from hypothesis import strategies as st

from portal.components.elements import Field, MapFrame, Svg, Tree, as_json
from portal.html import to_html


@given(st.text())
def test_any_text_stays_text(text: str) -> None:
    shown = to_html(html.P(text, title=text, **{"data-x": text}))
    inner = shown[shown.index(">") + 1 : -len("</p>")]
    assert "<" not in inner
    assert shown[: shown.index(">")].count('"') == 4 or not text


def test_attributes_have_their_names_in_html() -> None:
    shown = to_html(
        html.Label(["a", None, 1, html.Br()], htmlFor="x", className="y", tabIndex="0", **{"aria-hidden": "true"})
    )
    assert shown == '<label class="y" for="x" tabindex="0" aria-hidden="true">a1<br></label>'


def test_true_is_a_bare_attribute_and_false_is_none() -> None:
    assert to_html(html.Details("x", open=True)) == "<details open>x</details>"
    assert to_html(html.Details("x", open=False)) == "<details>x</details>"


@pytest.mark.parametrize(
    "component",
    [
        html.P("x", style={"color": "red"}),
        html.Script("alert(1)"),
        html.A("x", href="javascript:alert(1)"),
        html.A("x", href=" \tJavaScript:alert(1)"),
        html.A("x", href="data:text/html,x"),
        dcc.Markdown("x"),
        html.P(object()),
    ],
)
def test_what_must_not_be_shown_is_refused(component: object) -> None:
    with pytest.raises(ValueError):
        to_html(component)


@pytest.mark.parametrize(
    "href", ["/a?b=c:d", "#x", "https://example.org/", "mailto:a@example.org", "?area=ward:3", "a/b:c"]
)
def test_web_addresses_pass(href: str) -> None:
    assert href.replace("&", "&amp;") in to_html(html.A("x", href=href))


def test_a_select_marks_what_is_chosen() -> None:
    options = [{"value": "", "label": "All"}, {"label": "Wards", "options": [{"value": "w:<3>", "label": "<3>"}]}]
    shown = to_html(Field("select", "area", "w:<3>", id="f", options=options))
    assert shown == (
        '<select id="f" name="area"><option value="">All</option><optgroup label="Wards">'
        '<option value="w:&lt;3&gt;" selected>&lt;3&gt;</option></optgroup></select>'
    )


def test_a_tree_renders_as_what_is_in_it() -> None:
    inside = html.Div([html.P("a"), [html.P("b"), None, [Svg("<svg></svg>")]], Field("date", "from", "2024-01-01")])
    assert to_html(Tree(inside, "en")) == to_html(inside)


def test_a_trees_children_are_flat_and_without_holes() -> None:
    tree = as_json(html.Div([["a", None], [html.P(["b", [None, ["c"]]])]]))
    assert tree["props"]["children"][0] == "a"
    assert tree["props"]["children"][1]["props"]["children"] == ["b", "c"]


def test_the_map_is_a_named_frame() -> None:
    shown = to_html(MapFrame("map", "/map/frame?a=1&b=2", "a=1&b=2", "Map"))
    assert 'title="Map"' in shown and 'src="/map/frame?a=1&amp;b=2"' in shown and "query" not in shown
