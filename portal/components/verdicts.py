"""What a fair comparison allows to be said of one area or department, as a kind and in words.

Charter: a verdict follows from an interval, from the place in the funnel and from how many are expected, never from an
estimate alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from portal.answers import GroupRow
from portal.answers_figures import Estimate, Late
from portal.text import N_, _, number

OTHERS_LEAST = 0.2
"""Where others do less than this part of what a department does, it would be compared with itself."""


class Kind(Enum):
    """How sure a difference is, or why nothing is said."""

    FEW = "few"
    ALONE = "alone"
    UNKNOWN = "unknown"
    EXPECTED = "expected"
    PERHAPS = "perhaps"  # beyond the 95% limits of chance
    SURE = "sure"  # beyond the 99.8% limits of chance
    USUAL = "usual"  # more than chance, but within what these units differ by anyway
    UNUSUAL = "unusual"  # beyond widened limits of 95%
    EXCEPTIONAL = "exceptional"  # beyond widened limits of 99.8%


_PLACES = {Kind.PERHAPS: 1, Kind.UNUSUAL: 1, Kind.SURE: 2, Kind.EXCEPTIONAL: 2}


@dataclass(frozen=True)
class Verdict:
    """`side` is 1 where more are late, or it takes longer; -1 the other way; 0 where nothing is said."""

    kind: Kind
    side: int = 0

    @property
    def compared(self) -> bool:
        """Whether its figure may be shown."""
        return self.kind not in (Kind.FEW, Kind.ALONE, Kind.UNKNOWN)

    @property
    def position(self) -> int:
        """-2…2, as it is drawn in a funnel."""
        return self.side * _PLACES.get(self.kind, 0)


def verdict(ratio: Estimate, position: int, few: bool, others: float | None, phi: float) -> Verdict:
    """`position` in the funnel, with the sign of `ratio - 1`; `others`: what part others do of the same, None for areas.

    `phi` above 1: the funnel's limits are widened. What lies beyond chance but within them is no more than these units
    differ by anyway, and what lies beyond them is unusual, whatever chance alone would do.
    """
    if others is not None and others < OTHERS_LEAST:
        return Verdict(Kind.ALONE)
    if few:
        return Verdict(Kind.FEW)
    if ratio.value is None or ratio.low is None:
        return Verdict(Kind.UNKNOWN)
    if ratio.low <= 1 and (ratio.high is None or ratio.high >= 1):
        return Verdict(Kind.EXPECTED)
    side = 1 if ratio.value > 1 else -1
    beyond = min(max(position * side, 0), 2)
    if phi > 1:
        return Verdict((Kind.USUAL, Kind.UNUSUAL, Kind.EXCEPTIONAL)[beyond], side)
    return Verdict((Kind.PERHAPS, Kind.PERHAPS, Kind.SURE)[beyond], side)


_FEW = N_("too few to compare")
_ALONE = N_("no other department does the same things")
_UNKNOWN = N_("cannot be compared")

LATE = {
    (Kind.FEW, 0): _FEW,
    (Kind.ALONE, 0): _ALONE,
    (Kind.UNKNOWN, 0): _UNKNOWN,
    (Kind.EXPECTED, 0): N_("as expected"),
    (Kind.PERHAPS, 1): N_("more late, perhaps by chance"),
    (Kind.PERHAPS, -1): N_("fewer late, perhaps by chance"),
    (Kind.SURE, 1): N_("more late than chance explains"),
    (Kind.SURE, -1): N_("fewer late than chance explains"),
    (Kind.USUAL, 1): N_("more late, but others differ as much"),
    (Kind.USUAL, -1): N_("fewer late, but others differ as much"),
    (Kind.UNUSUAL, 1): N_("unusually many late"),
    (Kind.UNUSUAL, -1): N_("unusually few late"),
    (Kind.EXCEPTIONAL, 1): N_("exceptionally many late"),
    (Kind.EXCEPTIONAL, -1): N_("exceptionally few late"),
}
TIMES = {
    (Kind.FEW, 0): _FEW,
    (Kind.ALONE, 0): _ALONE,
    (Kind.UNKNOWN, 0): _UNKNOWN,
    (Kind.EXPECTED, 0): N_("as long as elsewhere"),
    (Kind.PERHAPS, 1): N_("longer, perhaps by chance"),
    (Kind.PERHAPS, -1): N_("shorter, perhaps by chance"),
    (Kind.SURE, 1): N_("longer than chance explains"),
    (Kind.SURE, -1): N_("shorter than chance explains"),
    (Kind.USUAL, 1): N_("longer, but others differ as much"),
    (Kind.USUAL, -1): N_("shorter, but others differ as much"),
    (Kind.UNUSUAL, 1): N_("unusually long"),
    (Kind.UNUSUAL, -1): N_("unusually short"),
    (Kind.EXCEPTIONAL, 1): N_("exceptionally long"),
    (Kind.EXCEPTIONAL, -1): N_("exceptionally short"),
}
Words = dict[tuple[Kind, int], str]


def said(found: Verdict, words: Words) -> str:
    """A verdict in words, of LATE or of TIMES."""
    return _(words[found.kind, found.side])


def ratio_words(value: float) -> str:
    """A factor, with as many digits as matter.

    >>> ratio_words(1.583), ratio_words(0.942), ratio_words(2.13), ratio_words(12.3)
    ('1.58', '0.94', '2.1', '12')
    """
    if value >= 10:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 2 else f"{value:.2f}"


def late_words(late: Late, found: Verdict) -> str:
    """'1.5 times as many late as expected; more late than chance explains', or why nothing can be said."""
    if not found.compared:
        return said(found, LATE)
    words = _("{ratio} times as many late as expected; {verdict}")
    return words.format(ratio=ratio_words(late.ratio.value or 0.0), verdict=said(found, LATE))


def counted(verdicts: Iterable[Verdict], words: Words) -> str:
    """'20 as expected; 3 more late than chance explains; 1 too few to compare', in the order of the words."""
    every = [(found.kind, found.side) for found in verdicts]
    order = [(Kind.EXPECTED, 0), *(key for key in words if key[1]), (Kind.FEW, 0), (Kind.ALONE, 0), (Kind.UNKNOWN, 0)]
    pieces = [
        (_("{n} whose work no other department does") if key[0] is Kind.ALONE else _("{n} {verdict}")).format(
            n=number(every.count(key)), verdict=_(words[key])
        )
        for key in order
        if key in every
    ]
    return "; ".join(pieces)


def by_others(own: Mapping[str, Sequence[GroupRow]], city: Sequence[GroupRow]) -> dict[str, tuple[float, float]]:
    """What part of each department's due, and timed, requests others make: its services' shares elsewhere, averaged.

    `own`: its services by department; `city`: the services of all. 0 where a department is the only one for all it does.
    """
    due = {row.key: row.on_time.n for row in city}
    timed = {row.key: row.n for row in city}
    found = {}
    for department, services in own.items():
        parts = []
        for mine, whole in (({s.key: s.on_time.n for s in services}, due), ({s.key: s.n for s in services}, timed)):
            total = sum(mine.values())
            elsewhere = sum(n * (1 - n / whole[key]) for key, n in mine.items() if n)
            parts.append(elsewhere / total if total else 0.0)
        found[department] = (parts[0], parts[1])
    return found
