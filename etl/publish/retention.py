"""Which releases keep their files, and taking away those of the others: what describes them, and their hashes, stay for ever.

Charter: a policy and the chain in, files gone. The current release and the one before it always keep theirs.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from etl.config.limits import Retention
from etl.publish import chain, manifest

ALWAYS_KEPT = 2


def no_longer_kept(ids: Sequence[str], policy: Retention, now: dt.datetime) -> list[str]:
    """Of releases in the chain's order, those whose files the policy lets go."""
    if policy.keep_days is None:
        return []
    oldest = f"{now - dt.timedelta(days=policy.keep_days):%Y%m%dT%H%M%SZ}"
    period = {"monthly": 6, "yearly": 4, "none": 0}[policy.then]
    seen: set[str] = set()
    gone = []
    for release_id in ids[:-ALWAYS_KEPT]:
        first = bool(period) and release_id[:period] not in seen
        seen.add(release_id[:period])
        if release_id[:16] < oldest and not first:
            gone.append(release_id)
    return gone


def prune(releases: Path, policy: Retention, now: dt.datetime) -> list[str]:
    """Take away the files of releases that the policy does not keep; returns those that had any. The caller holds the lock."""
    current = chain.current_folder(releases)
    ids = [link.release_id for link in chain.read_log(releases)]
    gone = []
    for release_id in no_longer_kept(ids, policy, now):
        folder = releases / release_id
        if folder == current or not (folder / chain.PACKAGE).is_file():
            continue
        every = (*folder.iterdir(), *(folder / manifest.FOLDER).glob("*"))
        describes = (folder / chain.PACKAGE, folder / manifest.FOLDER / manifest.MANIFEST)
        files = [path for path in every if path.is_file() and path not in describes]
        for path in files:
            path.unlink()
        if files:
            gone.append(release_id)
    return gone
