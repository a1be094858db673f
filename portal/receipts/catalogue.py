"""Every kind of figure that has a receipt, by its name in addresses.

Charter: it collects. A kind stands beside its SQL, in the `KINDS` of its module; a module that is in `_MODULES` is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from portal.errors import BadRequest, NotFound
from portal.receipts import (
    changing,
    comparing,
    counting,
    course,
    equity,
    expected,
    places,
    record,
    standards,
    standing,
    usual,
)
from portal.receipts.model import PACKAGE, Receipt
from portal.selection import COLUMNS, Selection

if TYPE_CHECKING:
    from portal.release import Release

_MODULES: Final = (
    counting,
    comparing,
    course,
    changing,
    record,
    places,
    standards,
    usual,
    standing,
    equity,
    expected,
)

RECEIPTS: Final = {kind.name: kind for module in _MODULES for kind in module.KINDS}


def receipt(release: Release, name: str, selection: Selection, arguments: dict[str, str]) -> Receipt:
    """The receipt of a figure; NotFound for a figure that there is none of, BadRequest where an argument is missing."""
    kind = RECEIPTS.get(name)
    if kind is None:
        raise NotFound(f"There is no receipt '{name[:40]}'; there are: {', '.join(RECEIPTS)}.")
    published = {f"{resource.name}.parquet" for resource in release.package.resources}
    if absent := [file for file in kind.files if file not in published and file != PACKAGE]:
        raise NotFound(f"This release has no {absent[0]}, so there is no receipt '{name}' of it.")
    given = {key: arguments[key] for key in kind.arguments if arguments.get(key)}
    if missing := [key for key in kind.arguments if key not in given]:
        example = {"layer": next((layer.layer for layer in release.layers), "district")}.get(
            missing[0], next(iter(COLUMNS))
        )
        raise BadRequest(f"The receipt '{name}' needs {' and '.join(missing)}, such as {missing[0]}={example}.")
    return Receipt(kind, kind.sql(release, selection, given), release.id, given)
