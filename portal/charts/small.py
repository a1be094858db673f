"""A bar in a table's cell. It takes nothing away with it: the number beside it says it all, and its table is a CSV file."""

from __future__ import annotations


def cell_bar(share: float, css: str = "bar") -> str:
    """A bar behind a number in a table's cell. The number says it all: hidden from screen readers."""
    width = min(max(share, 0.0), 1.0) * 100
    return (
        '<svg class="cell-bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        f'<rect class="track" width="100" height="8"/><rect class="{css}" width="{width:.1f}" height="8"/></svg>'
    )
