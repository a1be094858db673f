"""The data package of the current release, to be read from its own address.

Charter: the release's datapackage.json, its files named by address; nothing is added to what it says.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from portal.package import file_url

if TYPE_CHECKING:
    from portal.release import Release


def absolute(release: Release, base: str) -> dict[str, Any]:
    """The package with absolute paths: it is the same package wherever it is kept."""
    package = cast(dict[str, Any], json.loads((release.folder / "datapackage.json").read_bytes()))
    for resource in package.get("resources", []):
        resource["path"] = file_url(release.id, resource["path"], base)
    return package
