"""Our own small Dash components: Tree, Svg, MapFrame, Field, AddressField and SavedViews.

Charter: the Python side of `assets/js/components.js`, `assets/js/places.js` and `assets/js/views.js`. Dash builds such classes
with a bundler; components of a few lines do not need one.

- `Tree`: a whole page. Dash makes everything anew that a callback returns as children, which
  would load the map again and lose the reader's place at each filter; a tree in a property is
  drawn by React alone, which changes only what differs.
- `Svg`: a chart that was drawn here, set as markup. Only ever given what
  `portal.charts` wrote, which escapes every text that it did not write.
- `MapFrame`: the map's page in a frame. Its address is set once; a later
  `query` is told to the page inside, so that a filter changes tiles and not the page.
- `Field`: a native select or input. Dash's own (`dcc`) draw widgets with
  scripts, which do not work before or without JavaScript.
- `AddressField`: a text field that suggests places where scripts run.
- `SavedViews`: views of the map that this browser keeps; nothing where scripts do not run.
"""

from __future__ import annotations

from typing import Any

from dash.development.base_component import Component

NAMESPACE = "openward_components"


class _Element:
    """What they have in common. Dash wants the namespace on each class itself."""

    _base_nodes: list[str] = ["children"]
    _valid_wildcard_attributes: list[str] = ["data-", "aria-"]
    available_wildcard_properties: list[str] = ["data-", "aria-"]
    _prop_names: list[str] = []

    def __init__(self, **props: Any) -> None:
        super().__init__(**{name: value for name, value in props.items() if value is not None})


class Tree(_Element, Component):
    """A page: `tree` is a component with all that is in it, as JSON; `lang` its language."""

    _type = "Tree"
    _namespace = NAMESPACE
    _children_props: list[str] = []
    _prop_names: list[str] = ["id", "tree", "lang"]

    def __init__(self, tree: Any, lang: str) -> None:
        super().__init__(tree=as_json(tree), lang=lang)


def as_json(node: Any) -> Any:
    """A component and all that is in it as plain JSON: lists of children are flat, None is left out."""
    if isinstance(node, Component):
        found: dict[str, Any] = node.to_plotly_json()
        props = {name: value for name, value in found["props"].items() if value is not None}
        if "children" in props:
            props["children"] = as_json(props["children"])
        return {**found, "props": props}
    if isinstance(node, list | tuple):
        return [item for child in node if child is not None for item in _listed(as_json(child))]
    return node


def _listed(node: Any) -> list[Any]:
    return node if isinstance(node, list) else [node]


class Svg(_Element, Component):
    """Markup of a chart: `svg` is the text of one or more <svg> elements."""

    _type = "Svg"
    _namespace = NAMESPACE
    _children_props: list[str] = []
    _prop_names: list[str] = ["id", "svg", "className"]

    def __init__(self, svg: str, className: str = "chart") -> None:
        super().__init__(svg=svg, className=className)


class MapFrame(_Element, Component):
    """The map: `src` is its page with the first query, `query` what the page is told when it changes."""

    _type = "MapFrame"
    _namespace = NAMESPACE
    _children_props: list[str] = []
    _prop_names: list[str] = ["id", "src", "query", "title", "className"]

    def __init__(self, id: str, src: str, query: str, title: str, className: str = "map-frame") -> None:
        super().__init__(id=id, src=src, query=query, title=title, className=className)


class Field(_Element, Component):
    """A native control: `kind` is select, date, hidden or search.

    `options` of a select are {"value", "label"}, or {"label", "options"} for a group of them.
    """

    _type = "Field"
    _namespace = NAMESPACE
    _children_props: list[str] = []
    _prop_names: list[str] = ["id", "kind", "name", "value", "options", "min", "max", "describedby"]

    def __init__(
        self,
        kind: str,
        name: str,
        value: str = "",
        id: str | None = None,
        options: list[dict[str, Any]] | None = None,
        min: str | None = None,
        max: str | None = None,
        describedby: str | None = None,
    ) -> None:
        super().__init__(
            id=id, kind=kind, name=name, value=value, options=options, min=min, max=max, describedby=describedby
        )


class AddressField(_Element, Component):
    """A field for an address: `suggest` is where suggestions come from, `leads` page or map, `words` what it says."""

    _type = "AddressField"
    _namespace = NAMESPACE
    _children_props: list[str] = []
    _prop_names: list[str] = ["id", "value", "suggest", "leads", "words", "lang", "longest", "describedby"]

    def __init__(
        self, id: str, value: str, suggest: str, leads: str, words: dict[str, Any], lang: str, longest: int,
        describedby: str,
    ) -> None:  # fmt: skip
        super().__init__(
            id=id, value=value, suggest=suggest, leads=leads, words=words, lang=lang, longest=longest,
            describedby=describedby,
        )  # fmt: skip


class SavedViews(_Element, Component):
    """Saving a view: `query` is that of this one, `suggested` a name for it, `words` what the control says."""

    _type = "SavedViews"
    _namespace = NAMESPACE
    _children_props: list[str] = []
    _prop_names: list[str] = ["id", "query", "suggested", "lang", "longest", "most", "words"]

    def __init__(
        self, id: str, query: str, suggested: str, lang: str, longest: int, most: int, words: dict[str, str]
    ) -> None:
        super().__init__(
            id=id, query=query, suggested=suggested, lang=lang, longest=longest, most=most, words=words
        )  # fmt: skip
