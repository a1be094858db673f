"""What differs between two kept releases: asked for by their ids, worked out one at a time, kept while it is looked at.

Charter: ids, a table and a selection in; a `Compared`, or why there is none (yet). The comparing is in `compared`.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillWorking
from pathlib import Path
from typing import TYPE_CHECKING, Final

from portal.errors import BadRequest, NoRelease, NotFound, NotReady
from portal.package import Package, read_package
from portal.queries.compared import KEYS, Compared, Side, compare
from portal.selection import Selection

if TYPE_CHECKING:
    from portal.release import Release

KEPT: Final = 6
"""Comparisons kept on disk; each takes what differs, twice."""
WAITING: Final = 4
"""Comparisons that may wait for their turn: others are asked to come again."""
PATIENCE: Final = 8.0
"""Seconds that a client waits, at most; the comparison goes on meanwhile."""

Key = tuple[Path, str, str, str, str]


class Gone(NotFound):
    """The release is in the chain, but its files are no longer kept."""

    title = "No longer kept"


class _Kept:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: OrderedDict[Key, Future[Compared]] = OrderedDict()
        self._turns = ThreadPoolExecutor(1, thread_name_prefix="diff")

    def get(self, key: Key, before: Side, after: Side, patience: float) -> Compared:
        """The comparison; NotReady where it takes longer than the client waits."""
        with self._lock:
            job = self._found.get(key)
            if job is None:
                if sum(not one.done() for one in self._found.values()) >= WAITING:
                    raise NotReady("Other releases are being compared just now: try again in a minute.")
                job = self._found[key] = self._turns.submit(compare, key[3], before, after)
            self._found.move_to_end(key)
            while len(self._found) > KEPT:  # its files go once the last page of it was read
                oldest = next((one for one, found in self._found.items() if found.done()), None)
                if oldest is None:
                    break
                del self._found[oldest]
        try:
            return job.result(patience)
        except StillWorking:
            raise NotReady("The releases are being compared: try again in a minute.") from None
        except BaseException:
            with self._lock:
                if self._found.get(key) is job:
                    del self._found[key]
            raise


_kept = _Kept()


def diff(
    release: Release, before: str, after: str, table: str = "requests", selection: Selection | None = None,
    patience: float = PATIENCE, field: str = "",
) -> Compared:  # fmt: skip
    """Rows of a table that differ between two releases, among those that the selection has in either.

    `release` is the current one, which the selection was read for. NotFound for a release that never was, Gone for one
    whose file is no longer kept, NotReady while it is being worked out. `field` is one that is asked for: where there is no
    such field nothing is worked out.
    """
    if table not in KEYS:
        raise NotFound(f"Rows of '{table[:60]}' cannot be compared; those of these tables can: {', '.join(KEYS)}.")
    chosen = selection or Selection()
    if chosen and table != "requests":
        raise BadRequest(f"The filters of requests do not apply to the table {table}.")
    sides = [_side(release, one, table, chosen) for one in (before, after)]
    for side in sides if field else ():
        _known(field, side.package, table)
    key = (release.folder.parent, before, after, table, chosen.to_query())
    return _kept.get(key, sides[0], sides[1], patience)


def package_of(release: Release, release_id: str) -> Package:
    """What a release says of itself; Gone where not even that is kept, NotFound where there never was such a release."""
    from portal.queries.published import chain

    known = {doc.release_id for doc in chain(release)} | {release.id}
    if release_id not in known:
        raise NotFound(f"There is no release '{release_id[:40]}'; the current one is {release.id}.")
    try:
        return read_package(release.folder.parent / release_id)
    except NoRelease:
        raise Gone(f"The release {release_id} is no longer kept; its fingerprint is in the chain.") from None


def _known(field: str, package: Package, table: str) -> None:
    resource = package.resource(table)
    names = [of.name for of in resource.table.fields if of.name not in (*KEYS[table], "geometry")] if resource else []
    if field not in names:
        raise BadRequest(f"There is no field '{field[:60]}' to compare; there are: {', '.join(names)}.")


def _side(release: Release, release_id: str, table: str, selection: Selection) -> Side:
    package = package_of(release, release_id)
    resource = package.resource(table)
    if resource is None or "/" in resource.path:
        raise NotFound(f"The release {release_id} has no table {table}.")
    path = release.folder.parent / release_id / resource.path
    if not path.is_file():
        raise Gone(f"The rows of the release {release_id} are no longer kept; their fingerprints are.")
    return Side(package, path, selection)
