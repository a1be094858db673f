"""Checks that what a sentence says of a figure follows from the interval that its receipt makes.

Charter: sentences of a page in, those that say more or other than their receipts out. The rules are written anew here, from
what the words mean, and not taken from the code that chose them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlencode, urlsplit

from portal.queries.standards import ALL
from tests.portal.check_page import Receipts, Row
from tests.portal.page_numbers import Numbers, Sentence

SMALL = 0.03
"""A ratio nearer to 1 than this is told as no difference."""
SMALL_SHARE = 0.005
SMALL_COUNT = 0.01
SURER = 3.09 / 1.96
"""Among many services a change is told where an interval so much wider leaves out 0."""

Check = Callable[[Receipts, Sentence], bool]


def _row(receipts: Receipts, sentence: Sentence, receipt: str, of: str = "") -> Row:
    """The row of a receipt: of a mark in the sentence, or, for the selection of the receipt `of`, of the receipt named."""
    for mark in sentence.marks:
        address = mark["data-receipt"]
        if f"/receipts/{of or receipt}?" in f"{address}?":
            row = "" if of else mark["data-item"].rpartition("/")[0]
            return receipts.rows(address.replace(f"/receipts/{of}", f"/receipts/{receipt}") if of else address)[row]
    raise AssertionError(f"no number of '{of or receipt}' is marked in: {sentence.words}")


def _above(receipt: str, stem: str, than: float, of: str = "") -> Check:
    return lambda receipts, sentence: _row(receipts, sentence, receipt, of)[f"{stem}_low"] > than


def _below(receipt: str, stem: str, than: float, of: str = "") -> Check:
    return lambda receipts, sentence: _row(receipts, sentence, receipt, of)[f"{stem}_high"] < than


def _same(receipt: str, stem: str, than: float, small: float, of: str = "") -> Check:
    def check(receipts: Receipts, sentence: Sentence) -> bool:
        row = _row(receipts, sentence, receipt, of)
        return row[f"{stem}_low"] <= than <= row[f"{stem}_high"] or abs(row[stem] - than) < small

    return check


def _as_fast(receipts: Receipts, sentence: Sentence) -> bool:
    row = _row(receipts, sentence, "year-ago", "response")
    low, high = row["median_difference_low"], row["median_difference_high"]
    return low <= 0 <= high or abs(row["median_now"] / row["median_before"] - 1) < SMALL


def _same_share(receipts: Receipts, sentence: Sentence) -> bool:
    """Of all together; the receipt of the change is named only where a number of it is told."""
    addresses = [mark["data-receipt"] for mark in sentence.marks]
    change = next((a for a in addresses if "/standards-change" in a), "")
    change = change or re.sub("/receipts/(standards|counts)", "/receipts/standards-change", addresses[0])
    row = receipts.rows(change)[ALL]
    return row["difference_low"] <= 0 <= row["difference_high"] or abs(row["difference"]) < SMALL_SHARE


def _doors(receipts: Receipts, sentence: Sentence) -> bool:
    """Each channel that is told to be slower, or faster, surely is."""
    said = re.findall(r" is (slower|faster): the same services take", sentence.words)
    rows = [receipts.rows(mark["data-receipt"])[""] for mark in sentence.marks]
    return len(said) == len(rows) and all(
        row["time_ratio_low"] > 1 if word == "slower" else row["time_ratio_high"] < 1
        for word, row in zip(said, rows, strict=True)
    )


def _holds_one(sentence: Sentence) -> bool:
    """By the interval that the sentence itself tells: slopes are in no receipt."""
    low, high = map(float, re.search(r"95% interval (\S+) to ([\d.]+)\)", sentence.words).groups())  # type: ignore[union-attr]
    return low <= 1 <= high


def _every(stem: str, side: int) -> Check:
    """Each service that a list names has surely changed to that side."""

    def check(receipts: Receipts, sentence: Sentence) -> bool:
        rows = [receipts.rows(m["data-receipt"])[m["data-item"].rpartition("/")[0]] for m in sentence.marks]
        far = [row[f"{stem}_{'low' if side > 0 else 'high'}"] for row in rows]
        return bool(rows) and all(
            side * row[stem] > SURER * abs(row[stem] - end) for row, end in zip(rows, far, strict=True)
        )

    return check


def _sign(side: int) -> Check:
    return lambda _receipts, sentence: side * float(sentence.marks[0]["value"]) > 0


def _shift(receipt: str, side: int) -> Check:
    """The number that stands in the sentence is a shift to that side."""
    middle = 1.0 if receipt == "usual-times" else 0.0
    return lambda _r, sentence: any(
        f"/{receipt}" in m["data-receipt"] and side * (float(m["value"]) - middle) > 0 for m in sentence.marks
    )


def _late(kind: str, side: int = 0) -> Check:
    def check(receipts: Receipts, sentence: Sentence) -> bool:
        row = _row(receipts, sentence, "late")
        return _judged(kind, side, row["ratio_low"], row["ratio_high"], row["position"], row["phi"])

    return check


def _times(kind: str, side: int = 0) -> Check:
    """How long it takes: the interval is the time ratio's, the place that of closings, where above is fast."""

    def check(receipts: Receipts, sentence: Sentence) -> bool:
        ratio = _row(receipts, sentence, "time-ratio")
        mark = next(m for m in sentence.marks if "/receipts/time-ratio?" in m["data-receipt"])
        asked = parse_qs(urlsplit(mark["data-receipt"]).query)
        key = asked.pop("key")[0]
        place = receipts.rows(f"/receipts/speed?{urlencode(asked, doseq=True)}")[key]
        return _judged(kind, side, ratio["time_ratio_low"], ratio["time_ratio_high"], -place["position"], place["phi"])

    return check


def _judged(kind: str, side: int, low: float, high: float | None, position: int, phi: float) -> bool:
    if kind == "expected":
        return low <= 1 and (high is None or high >= 1)
    beyond = low > 1 if side > 0 else high is not None and high < 1
    place = max(position * side, 0)
    wanted = {
        "perhaps": (1, (0, 1)),
        "sure": (1, (2,)),
        "usual": (2, (0,)),
        "unusual": (2, (1,)),
        "exceptional": (2, (2,)),
    }
    widened, places = wanted[kind]
    return beyond and (phi > 1) == (widened == 2) and place in places


RULES: tuple[tuple[str, Check], ...] = (
    (r"The same services take .* as long here as in the rest of the city \(95%", _above("time-ratio", "time_ratio", 1)),
    (r"The same services are faster here", _below("time-ratio", "time_ratio", 1)),
    (r"The same services take about as long here", _same("time-ratio", "time_ratio", 1, SMALL + 1e-9)),
    (r"That is \S+% more than in the same months of the year before", _above("year-ago", "requests_ratio", 1)),
    (r"That is \S+ fewer than in the same months", _below("year-ago", "requests_ratio", 1)),
    (r"That is about as many as in the same months", _same("year-ago", "requests_ratio", 1, SMALL_COUNT, "counts")),
    (r" slower than in the same months of the year before", _above("year-ago", "median_difference", 0)),
    (r" faster than in the same months of the year before", _below("year-ago", "median_difference", 0)),
    (r"That is about as fast as in the same months", _as_fast),
    (r"percentage points more than in the same months", _above("standards-change", "difference", 0)),
    (r"percentage points less than in the same months", _below("standards-change", "difference", 0)),
    (r"That is about the same share as in the same months", _same_share),
    (r" is (slower|faster): the same services take", _doors),
    (r"The data do not show a difference: the interval holds 1", lambda _r, sentence: _holds_one(sentence)),
    (r"The interval leaves out 1", lambda _r, sentence: not _holds_one(sentence)),
    (r"More often on time than a year before", _every("difference", 1)),
    (r"Less often on time than a year before", _every("difference", -1)),
    (r"^[\d,]+ more than three months before", _sign(1)),
    (r"^[\d,]+ fewer than three months before", _sign(-1)),
    (r"it took .* longer than in the same months before", _shift("usual-times", 1)),
    (r"it took .* less time than in the same months before", _shift("usual-times", -1)),
    (r"more were late than in the same months before", _shift("usual-late", 1)),
    (r"fewer were late than in the same months before", _shift("usual-late", -1)),
    (r"late as expected; as expected|as expected(as long|longer|shorter|unusually|exceptionally|too few)", _late("expected")),
    (r"more late, perhaps by chance", _late("perhaps", 1)),
    (r"fewer late, perhaps by chance", _late("perhaps", -1)),
    (r"more late than chance explains", _late("sure", 1)),
    (r"fewer late than chance explains", _late("sure", -1)),
    (r"more late, but others differ as much", _late("usual", 1)),
    (r"fewer late, but others differ as much", _late("usual", -1)),
    (r"unusually many late", _late("unusual", 1)),
    (r"unusually few late", _late("unusual", -1)),
    (r"exceptionally many late", _late("exceptional", 1)),
    (r"exceptionally few late", _late("exceptional", -1)),
    (r"as long as elsewhere", _times("expected")),
    (r"longer, perhaps by chance", _times("perhaps", 1)),
    (r"shorter, perhaps by chance", _times("perhaps", -1)),
    (r"longer than chance explains", _times("sure", 1)),
    (r"shorter than chance explains", _times("sure", -1)),
    (r"longer, but others differ as much", _times("usual", 1)),
    (r"shorter, but others differ as much", _times("usual", -1)),
    (r"unusually long", _times("unusual", 1)),
    (r"unusually short", _times("unusual", -1)),
    (r"exceptionally long", _times("exceptional", 1)),
    (r"exceptionally short", _times("exceptional", -1)),
)  # fmt: skip


def wrong_sentences(receipts: Receipts, found: Numbers) -> tuple[list[str], set[str]]:
    """Sentences that their receipts do not allow, and the rules that were met."""
    wrong, met = [], set()
    for sentence in found.sentences:
        if not sentence.marks:
            continue
        for pattern, check in RULES:
            if re.search(pattern, sentence.words):
                met.add(pattern)
                if not check(receipts, sentence):
                    wrong.append(" ".join(sentence.words.split()))
    return wrong, met
