"""What a receipt is: a figure's name, what it means, what it leaves out, and SQL over the release's files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from portal.release import Release
    from portal.selection import Selection

Maker = Callable[["Release", "Selection", dict[str, str]], str]
"""SQL of a figure for a selection, with the figure's own arguments; raises PortalError for an argument that is wrong."""


PACKAGE: Final = "datapackage.json"
"""The description of a release, which every release has."""


@dataclass(frozen=True)
class Kind:
    """A kind of figure. Words are marked for translation (`N_`), and translated where they are shown.

    `columns` says what each column of the answer is, with its unit. `keyed`: the first column names the row, and a
    number on a page is called 'row/column'; else the answer is one row, and a number is called by its column.
    """

    name: str
    title: str
    definition: str
    excluded: tuple[str, ...]
    columns: dict[str, str]
    sql: Maker
    arguments: tuple[str, ...] = ()
    keyed: bool = False
    files: tuple[str, ...] = ("requests.parquet",)


@dataclass(frozen=True)
class Receipt:
    """The receipt of one figure on one page."""

    kind: Kind
    sql: str
    release_id: str
    arguments: dict[str, str] = field(default_factory=dict)
