"""A chart of a page as a file of its own: what the page's style sheet says is written into it.

Charter: text of one <svg> in, text of a file or of a style element out. The rules are read from
`assets/css/3-charts.css`, so that a chart looks the same on its page and away from it; colours are those of the light
theme, because a file lies on white paper. Words arrive already translated.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.resources import files
from textwrap import wrap

MARGIN = 20
TITLE, SMALL = 20, 13
TITLE_EM, SMALL_EM = 0.53, 0.49
"""Mean width of a letter, in its size: lines are broken without measuring them, and rather too early than too late."""

FONTS = '"Segoe UI", Roboto, "Noto Sans", "Liberation Sans", Arial, Helvetica, sans-serif'
"""Names that office programs know; `system-ui` is one that only browsers do."""

_SVG = re.compile(
    r'<svg class="(?P<kind>\w+)" viewBox="0 0 (?P<width>[\d.]+) (?P<height>[\d.]+)"[^>]*>'
    r"<title[^>]*>(?P<title>.*?)</title><desc[^>]*>(?P<desc>.*?)</desc>(?P<inner>.*?)</svg>",
    re.DOTALL,
)
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_AT_RULE = re.compile(r"@[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}")
_VAR = re.compile(r"var\(--([a-z0-9-]+)\)")
_FONT = re.compile(r"font:\s*(\d+) (\d+px) ([^;]+)")


@dataclass(frozen=True)
class Drawing:
    """One of the <svg> elements of a chart; `inner` is what is drawn, in units of about a pixel."""

    kind: str
    width: float
    height: float
    title: str
    description: str
    inner: str


def drawings(svg: str) -> dict[str, Drawing]:
    """The variants of a chart by their kind: wide and narrow."""
    return {
        found["kind"]: Drawing(
            found["kind"], float(found["width"]), float(found["height"]), found["title"], found["desc"], found["inner"]
        )
        for found in _SVG.finditer(svg)
    }


def style(markup: str, accent: str, within: str = "") -> str:
    """The rules that the classes in `markup` need, as the text of a style element; `within` is put before each."""
    classes = {name for value in re.findall(r'class="([^"]*)"', markup) for name in value.split()}
    colours = palette(accent)
    return "".join(
        f"{within}{selector}{{{_VAR.sub(lambda name: colours[name[1]], body)}}}"
        for selector, body in _rules()
        if set(re.findall(r"\.([\w-]+)", selector)) <= classes
    )


Legend = Sequence[tuple[str, str]]
"""(css class, words) of the colours that are explained beside a drawing and not in it."""


def file_style(drawing: Drawing, legend: Legend, accent: str, dark: str = "") -> str:
    """The text of a file's style element: the drawing's rules, and those of the lines around it.

    With `dark`, the rules that make the drawing dark, the file is so on a dark screen.
    """
    colours = palette(accent)
    marks = "".join(_swatch(0, 0, css) for css, _words in legend)
    rules = style(drawing.inner + marks, accent) + (
        f".file-title{{font-size:{TITLE}px;font-weight:700;fill:{colours['ink']}}}"
        f".file-words{{font-size:{SMALL}px;fill:{colours['ink-2']}}}.file-paper{{fill:{colours['surface']}}}"
    )
    night = dark_palette()
    lines = (
        f".file-title{{fill:{night['ink']}}}.file-words{{fill:{night['ink-2']}}}.file-paper{{fill:{night['surface']}}}"
    )
    return rules + (on_dark_screens(dark + lines) if dark else "")


def on_dark_screens(rules: str) -> str:
    """The rules where a reader's screen is dark; on paper everything is light."""
    return f"@media screen and (prefers-color-scheme:dark){{{rules}}}"


def palette(accent: str) -> dict[str, str]:
    """The light theme's colours by name; the accent dark enough to be read on white."""
    return _colours(":root {") | {"accent": readable(accent), "sans": FONTS}


def dark_palette() -> dict[str, str]:
    """The dark theme's colours by name."""
    return _colours(':root[data-theme="dark"] {')


def _colours(selector: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z0-9-]+):\s*([^;]+);", _css("1-base.css").split(selector, 1)[1].split("}", 1)[0]))


def readable(accent: str) -> str:
    """The city's colour, darker until its contrast with white is 4.5 (WCAG 2.2, 1.4.3).

    >>> readable("#0b5cad"), readable("#ffffff") < "#888888"
    ('#0b5cad', True)
    """
    parts = [int(accent[i : i + 2], 16) for i in (1, 3, 5)]
    while 1.05 / (_luminance(parts) + 0.05) < 4.5:
        parts = [int(value * 0.95) for value in parts]
    return "#" + "".join(f"{value:02x}" for value in parts)


def _luminance(parts: Sequence[int]) -> float:
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in (part / 255 for part in parts)]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def standalone(drawing: Drawing, title: str, above: Sequence[str], below: Sequence[str], legend: Legend, accent: str,
               tag: str, dark: str = "") -> str:  # fmt: skip
    """The file: title and the lines above, the legend, the drawing, the lines below. `tag` is the language of its words,
    `dark` as in `file_style`."""
    letters = int(drawing.width / (SMALL * SMALL_EM))
    titles = wrap(title, int(drawing.width / (TITLE * TITLE_EM)))
    over = [line for words in above for line in wrap(words, letters)]
    under = [line for words in below for line in wrap(words, letters)]
    y, head, foot = float(MARGIN), [], []
    for line in titles:
        y += TITLE * 1.25
        head.append(_line(y - TITLE * 0.3, line, "file-title"))
    for line in over:
        y += SMALL * 1.45
        head.append(_line(y - SMALL * 0.3, line, "file-words"))
    x, most = float(MARGIN), drawing.width
    for i, (css, words) in enumerate(legend):
        wide = 18 + len(words) * SMALL * 0.56
        if not i or x + wide > most:
            x, y = float(MARGIN), y + (26 if not i else 20)
        head.append(_swatch(x, y - 11, css) + _line(y, words, "file-words", x + 18))
        x += wide + 20
    top = y + 14
    y = top + drawing.height + 10
    for line in under:
        y += SMALL * 1.45
        foot.append(_line(y - SMALL * 0.3, line, "file-words"))
    width, height = drawing.width + 2 * MARGIN, y + MARGIN * 0.8
    text = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
        f'viewBox="0 0 {width:g} {height:g}" role="img" aria-labelledby="chart-title chart-description" '
        f'xml:lang="{escape(tag)}"><title id="chart-title">{escape(title, quote=False)}</title>'
        f'<desc id="chart-description">{drawing.description}</desc><style>{file_style(drawing, legend, accent, dark)}</style>'
        f'<rect class="file-paper" width="{width:g}" height="{height:g}"/>{"".join(head)}'
        f'<g transform="translate({MARGIN} {top:g})">{drawing.inner}</g>{"".join(foot)}</svg>\n'
    )
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + _NOT_XML.sub("", text)


def _swatch(x: float, y: float, css: str) -> str:
    return f'<rect class="{escape(css)}" x="{x:g}" y="{y:g}" width="12" height="12"/>'


def _line(y: float, words: str, css: str, x: float = MARGIN) -> str:
    return f'<text class="{css}" x="{x:g}" y="{y:g}">{escape(words, quote=False)}</text>'


@cache
def _rules() -> tuple[tuple[str, str], ...]:
    """(selector below `.chart`, declarations) of every rule that paints something in a chart, in their order."""
    found = []
    for selectors, body in re.findall(r"([^{}]+)\{([^{}]*)\}", _AT_RULE.sub("", _css("3-charts.css"))):
        for selector in (part.strip() for part in selectors.split(",")):
            name = selector.removeprefix(".chart ")
            inside = name != selector and not name.startswith("svg")
            if (inside or selector.startswith(".outcome-")) and " " not in name and ":" not in name:
                found.append((name, _painted(body)))
    return tuple(found)


def _painted(body: str) -> str:
    """Declarations as SVG 1.1 has them: office programs know no `transparent` and no `font` in one word."""
    body = _FONT.sub(r"font-weight: \1; font-size: \2; font-family: \3", body)
    body = body.replace("fill: transparent", "fill: none; pointer-events: all")
    kept = [part.strip() for part in body.split(";") if part.strip() and not part.strip().startswith("background")]
    return ";".join(re.sub(r":\s+", ":", part) for part in kept)


@cache
def _css(name: str) -> str:
    return re.sub(r"/\*.*?\*/", "", files("assets").joinpath("css", name).read_text(encoding="utf-8"), flags=re.DOTALL)
