"""What keeps a record honest: rows that are absent from it, times that were edited, what the privacy audit measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.answers import Absent, Edit, Edits, PrivacyAudit, Recall
from portal.queries.scans import once
from portal.release import Release

LATEST_EDITS = 20


@once
def absent(release: Release) -> Absent:
    """Rows of requests that no figure counts. Those of sources that hold no requests are not among them."""
    about = release.package.openward
    quarantined = about.counts.get("quarantined", 0) - _elsewhere(release)
    return Absent(max(quarantined, 0), about.counts.get("withdrawn"))


def _elsewhere(release: Release) -> int:
    """Quarantined rows of measures and feedback, which are in no figure of requests anyway."""
    if not {"measures", "feedback"} <= release.tables:
        return 0
    rows = release.query(
        """SELECT source, sum(rows) FROM exclusions WHERE kind = 'quarantined' AND source IN (
             SELECT source FROM measures UNION SELECT source FROM feedback) GROUP BY 1"""
    )
    return sum(int(n or 0) for source, n in rows if source not in release.package.openward.profile)


@once
def edits(release: Release) -> Edits | None:
    """Opening and closing times that were edited after the fact; None where the release does not say."""
    if "retroactive_edits" not in release.tables:
        return None
    kinds = dict(release.query("SELECT edit, count(*) FROM retroactive_edits GROUP BY 1 ORDER BY 1"))
    rows = release.query(
        """SELECT source, service_request_id, field, edit, old, new, moved_hours, first_seen, cause
           FROM retroactive_edits ORDER BY first_seen DESC, source, service_request_id, field LIMIT ?""",
        [LATEST_EDITS],
    )
    return Edits(sum(kinds.values()), kinds, tuple(Edit(*row) for row in rows))


@once
def precision(release: Release) -> dict[str, int] | None:
    """How exactly places are told: level -> requests; None where the release does not say."""
    if "location_precision" not in release.columns:
        return None
    return dict(release.query("SELECT location_precision, count(*) FROM requests GROUP BY 1 ORDER BY 2 DESC"))


@once
def privacy_audit(release: Release) -> PrivacyAudit | None:
    """What the audit measured before the release was let go; None where the release holds no such figures.

    Figures of another shape than the ones known here are left out, rather than shown wrongly.
    """
    found = release.package.openward.privacy
    if not found:
        return None
    places, text = _dict(found.get("locations")), _dict(found.get("text"))
    return PrivacyAudit(
        published=tuple(str(name) for name in found.get("published") or () if isinstance(name, str)),
        sensitive=_counts(places.get("sensitive")) if places else None,
        places=_counts(places.get("published")),
        closest_m=_int(places.get("closest_m_at_least")),
        recall=_recall(_dict(text.get("recall"))) if text else None,
        examples=_int(text.get("examples")) or 0,
        wrongly_removed=_share(text.get("share_wrongly_removed")),
    )


def _recall(found: Mapping[str, Any]) -> tuple[Recall, ...]:
    rows = []
    for kind, figures in found.items():
        of = _dict(figures)
        planted, right = _int(of.get("planted")), _int(of.get("found"))
        share, at_least = _share(of.get("recall")), _share(of.get("at_least"))
        if planted and right is not None and share is not None and at_least is not None:
            rows.append(Recall(str(kind), planted, right, share, at_least))
    return tuple(rows)


def _dict(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _counts(value: Any) -> dict[str, int]:
    found = {str(key): _int(n) for key, n in _dict(value).items()}
    return {key: n for key, n in found.items() if n is not None}


def _int(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _share(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and 0 <= value <= 1 else None
