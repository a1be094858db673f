"""Paper: a tagged PDF on which words and shapes are put where we say, in millimetres from the top left corner.

Charter: typography and marks for screen readers, no figures and no words of its own. The only module that knows
fpdf2's insides; what it needs of them is the structure tree, which the library fills for images only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from importlib.resources import files
from typing import Any, Final

import numpy as np
from fpdf import FPDF, ViewerPreferences
from numpy.typing import NDArray

Run = tuple[str, bool]
"""Words, and whether they are bold."""
Colour = tuple[int, int, int]
Ring = NDArray[np.float64]
"""Points as rows of x and y, in millimetres."""

PAPERS: Final = {"a4": (210.0, 297.0), "letter": (215.9, 279.4)}
FONT: Final = "brief"
FACES: Final = {"": "SourceSans3-Regular.ttf", "B": "SourceSans3-Semibold.ttf"}
POINT_MM: Final = 25.4 / 72
HANGING_MM: Final = 3.0

INK: Final[Colour] = (22, 32, 42)
QUIET: Final[Colour] = (75, 87, 99)
RULE: Final[Colour] = (214, 209, 198)
WHITE: Final[Colour] = (255, 255, 255)


class Sheet(FPDF):
    """A document whose every mark is either in the structure tree or an artifact."""

    def __init__(self, paper: str, accent: str, title: str, author: str, language: str, made: datetime) -> None:
        """`paper` is a key of PAPERS, `accent` the city's colour as '#rrggbb', `made` the time that the file states."""
        super().__init__(unit="mm", format=PAPERS[paper])
        self.set_auto_page_break(False)
        self.set_margin(0)
        folder = files("assets") / "vendor" / "source-sans" / "TTF"
        for style, file in FACES.items():
            self.add_font(FONT, style, str(folder / file))
        self.accent = readable(accent)
        self.set_title(title)
        self.set_author(author)
        self.set_creator("Openward")
        self.set_lang(language)
        self.set_creation_date(made)
        self.viewer_preferences = ViewerPreferences(display_doc_title=True)
        self._marked = False

    @contextmanager
    def tagged(self, role: str, alt: str = "") -> Iterator[None]:
        """What is drawn within is one element of the structure tree: H1, H2, P or, with `alt`, Figure.

        Within an element a second one is no mark of its own.
        """
        if self._marked:
            yield
            return
        mcid = self.struct_builder.next_mcid_for_page(self.page)
        self._add_marked_content(struct_type=f"/{role}", mcid=mcid, **({"alt_text": alt} if alt else {}))
        with self._marks(f"/{role} <</MCID {mcid}>> BDC"):
            yield

    @contextmanager
    def artifact(self) -> Iterator[None]:
        """What is drawn within is decoration, which a screen reader passes over."""
        if self._marked:
            yield
            return
        with self._marks("/Artifact BMC"):
            yield

    @contextmanager
    def _marks(self, opening: str) -> Iterator[None]:
        self._out(opening)
        self._marked = True
        try:
            yield
        finally:
            self._marked = False
            self._out("EMC")

    # --- words ---------------------------------------------------------------

    def face(self, size: float, bold: bool = False, colour: Colour = INK) -> None:
        """Choose size (points), weight and colour."""
        self.set_font(FONT, "B" if bold else "", size)
        self.set_text_color(*colour)

    def line_of(self, x: float, y: float, text: str, size: float, bold: bool = False, colour: Colour = INK,
                anchor: str = "start", most: float | None = None, role: str = "P") -> float:  # fmt: skip
        """One line with its baseline at `y`, cut with an ellipsis where it is wider than `most`; its width."""
        self.face(size, bold, colour)
        words = tidy(text) if most is None else self.fitted(tidy(text), most)
        if not words:
            return 0.0
        width = self.get_string_width(words)
        with self.tagged(role):
            self.text(x - {"start": 0.0, "middle": width / 2, "end": width}[anchor], y, words)
        return width

    def fitted(self, words: str, most: float) -> str:
        """The words, or as many of their first letters as fit into `most` with an ellipsis, in the current face."""
        if self.get_string_width(words) <= most:
            return words
        low, high = 0, len(words)
        while low < high:
            middle = (low + high + 1) // 2
            if self.get_string_width(words[:middle].rstrip() + "…") <= most:
                low = middle
            else:
                high = middle - 1
        return words[:low].rstrip() + "…"

    def size_for(self, text: str, most: float, sizes: Sequence[float], bold: bool = False) -> float:
        """The first of `sizes` in which the text is no wider than `most`; else the last."""
        for size in sizes:
            self.face(size, bold)
            if self.get_string_width(tidy(text)) <= most:
                return size
        return sizes[-1]

    def paragraph(self, x: float, y: float, width: float, runs: Sequence[Run] | str, size: float,
                  colour: Colour = INK, role: str = "P", lines: int = 99) -> float:  # fmt: skip
        """Words broken into lines of `width`, the first one's top at `y`; the y below the last. At most `lines` lines."""
        broken = self.broken(runs, width, size)
        if len(broken) > lines:
            self.face(size)
            rest = tidy(" ".join(word for line in broken[lines - 1 :] for word, _bold in line))
            broken = [*broken[: lines - 1], [(self.fitted(rest, width), False)]]
        step = leading(size)
        with self.tagged(role):
            for line in broken:
                at = x
                for word, bold in line:
                    self.face(size, bold, colour)
                    self.text(at, y + step * 0.74, word)
                    at += self.get_string_width(word)
                y += step
        return y

    def height(self, runs: Sequence[Run] | str, width: float, size: float) -> float:
        """How high a paragraph would be."""
        return leading(size) * len(self.broken(runs, width, size))

    def broken(self, runs: Sequence[Run] | str, width: float, size: float) -> list[list[Run]]:
        """Lines of runs; a word that is wider than a line is broken within."""
        given = [(runs, False)] if isinstance(runs, str) else runs
        lines: list[list[Run]] = [[]]
        used = 0.0
        for word, bold, spaced in _words(given):
            self.face(size, bold)
            gap = self.get_string_width(" ") if spaced and lines[-1] else 0.0
            wide = self.get_string_width(word)
            # A full stop may stand a little into the margin; it is not sent to a line of its own.
            if lines[-1] and used + gap + wide > width + (0 if spaced else HANGING_MM):
                lines.append([])
                used = gap = 0.0
            while wide > width:
                cut = max(sum(self.get_string_width(word[: i + 1]) <= width for i in range(len(word))), 1)
                lines[-1].append((word[:cut], bold))
                lines.append([])
                used = gap = 0.0
                word = word[cut:]
                wide = self.get_string_width(word)
            lines[-1].append(((" " if gap else "") + word, bold))
            used += gap + wide
        return [line for line in lines if line]

    # --- shapes --------------------------------------------------------------

    def box(self, x: float, y: float, width: float, height: float, fill: Colour) -> None:
        """A filled rectangle."""
        if width > 0 and height > 0:
            self.set_fill_color(*fill)
            self.rect(x, y, width, height, style="F")

    def stroke(self, x1: float, y1: float, x2: float, y2: float, colour: Colour = RULE, width: float = 0.2) -> None:
        """A straight line."""
        self.set_draw_color(*colour)
        self.set_line_width(width)
        self.line(x1, y1, x2, y2)

    def dot(self, x: float, y: float, radius: float, fill: Colour) -> None:
        """A filled circle."""
        self.set_fill_color(*fill)
        self.circle(x, y, radius, style="F")

    def shape(self, rings: Sequence[Ring], fill: Colour | None = None, line: Colour | None = None,
              width: float = 0.2, close: bool = True) -> None:  # fmt: skip
        """Rings (holes among them) filled by the even-odd rule, or lines, as one path however many there are."""
        steps = [self._path(ring) + (" h" if close else "") for ring in rings if len(ring) > 1]
        if not steps:
            return
        if fill:
            self.set_fill_color(*fill)
        if line:
            self.set_draw_color(*line)
            self.set_line_width(width)
        self._out("1 J 1 j")
        self._out(" ".join(steps) + (" B*" if fill and line else " f*" if fill else " S"))
        self._out("0 J 0 j")

    def _path(self, ring: Ring) -> str:
        at = np.column_stack([ring[:, 0] * self.k, self.h_pt - ring[:, 1] * self.k])
        parts = [f"{x:.2f} {y:.2f} l" for x, y in at]
        parts[0] = parts[0][:-1] + "m"
        return " ".join(parts)

    def finished(self) -> bytes:
        """The file."""
        return bytes(self.output())


def tidy(text: Any) -> str:
    """One line, whatever a name or an address holds."""
    return " ".join(str(text).split())


def leading(size: float) -> float:
    """From one baseline to the next, in millimetres."""
    return size * POINT_MM * 1.3


def _words(runs: Sequence[Run]) -> Iterator[tuple[str, bool, bool]]:
    """Each word, whether it is bold, and whether a space is before it: 'closed' and '.' of two runs stay together."""
    spaced = False
    for text, bold in runs:
        for i, word in enumerate(text.split()):
            yield word, bold, spaced or i > 0 or text[:1].isspace()
            spaced = False
        spaced = text[-1:].isspace() if text.split() else spaced or text != ""


def readable(accent: str) -> Colour:
    """A city's colour, darkened until it can be read on white (a contrast of 4.5 to 1, as WCAG 2 measures it).

    >>> readable("#0b3c6f"), readable("#ffd800")
    ((11, 60, 111), (133, 113, 0))
    """
    red, green, blue = (int(accent[i : i + 2], 16) for i in (1, 3, 5))
    while 1.05 / (_luminance((red, green, blue)) + 0.05) < 4.5:
        red, green, blue = int(red * 0.95), int(green * 0.95), int(blue * 0.95)
    return red, green, blue


def paler(colour: Colour, share: float) -> Colour:
    """The colour mixed with white; `share` 0…1 of it is left."""
    red, green, blue = (round(255 - (255 - part) * share) for part in colour)
    return red, green, blue


def _luminance(colour: Colour) -> float:
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in (part / 255 for part in colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
