"""Closure texts: what crews and clerks write, by outcome, with boilerplate, slips and personal details.

Charter: a pool of texts by outcome and kind. The rules that read outcomes back are in cities/demo.yaml.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from etl.demo.plan import OUTCOMES

Ints = npt.NDArray[np.int64]

TEMPLATES: Final = {
    "done": (
        "Case Resolved. {work} completed by {crew}.", "Resolved", "Case Resolved. {work} on {day}.",
        "Work completed", "Case Closed. Case Resolved {crew} {verb}", "Resolved: {verb}, thank you for the report.",
        "Completed - {verb} ({crew})", "RESOLVED PER {crew}", "Case Resolved. Work order {number} completed.",
        "Repair completed; {verb}.", "Case Resolved. Crew {verb} & tidied up",
    ),
    "no_action": (
        "No action needed", "Closed: no violation found.", "No action taken; condition is within standards.",
        "NOVIO: No violation", "Case Invalid. No action required per {crew}.", "Not a city responsibility to repair - no action",
    ),
    "not_found": (
        "Crew could not locate the problem.", "Unable to find. {crew} inspected on {day}.", "Gone on arrival",
        "GOA - {crew}", "Could not find at this address; please call with more details.", "Nothing found on inspection {number}",
    ),
    "duplicate": (
        "Duplicate of existing case", "DUPLICATE - see case {number}", "Case Closed. Duplicate of {number}.",
        "Already reported (duplicate)",
    ),
    "referred": (
        "Referred to the state highway department.", "Transferred to another agency: {agency}.",
        "Referred to {agency}, their reference {number}", "Forwarded to {agency}", "ROA: Refer to other agency",
    ),
    "unknown": (
        "Case Closed", "Closed", "Administratively closed", "ADCLSD", "See notes", "Case Noted", "Case Closed :", "-",
    ),
}  # fmt: skip
WORDS: Final = {
    "work": ("Repair", "Patch", "Pick-up", "Pruning", "Cleaning", "Inspection and repair", "Removal", "Replacement"),
    "verb": ("fixed", "patched", "picked up", "removed", "repaired", "cleaned", "made safe", "replaced one unit"),
    "crew": ("Crew 3", "crew 12", "North Yard", "South Yard", "night shift", "contractor", "Unit 7", "inspector 41"),
    "agency": ("the power company", "the transit authority", "State DOT", "the harbor master", "the county"),
}
PERSONAL: Final = (
    "Spoke with {name} at 207-555-01{two}.", "Resident {name} ({mail}) was informed.", "Called {name}, left voicemail (207) 555-01{two}",
    "Per {name} 555-01{two} it is all set", "Email sent to {mail}",
)  # fmt: skip
NAMES: Final = (
    "Ana Fictícia", "Ms. Placeholder", "John Q. Sample", "Zoë Example", "Mr. Testerman", "Renée O'Specimen",
    "Mrs. D'Exemplar", "Sam Invented",
)  # fmt: skip
AWKWARD: Final = (
    "{text}\nSee photo, \"before\" and \"after\"", "{text}, but: 'caller says \"still there\"', 2nd visit",
    "{text} – café side of the street",
    "{text}\r\n\r\n{text}", "{text}; año nuevo, ½ block “north”", "  {text}\t", "=HYPERLINK(\"http://example.org\") {text}",
    "<b>{text}</b> <script>alert(1)</script>", "{text} 🌳",
)  # fmt: skip
PLAIN_EACH, PERSONAL_EACH, AWKWARD_EACH = 160, 60, 40


@dataclass(frozen=True)
class NotePool:
    """All texts; kind k (0 plain, 1 personal, 2 awkward) of outcome o is ``start[k, o] … + size[k]``."""

    texts: pa.Array
    start: Ints
    size: Ints


def _fill(template: str, rng: np.random.Generator) -> str:
    values = {key: words[int(rng.integers(len(words)))] for key, words in WORDS.items()}
    name = NAMES[int(rng.integers(len(NAMES)))]
    day = f"{rng.integers(1, 13):02d}/{rng.integers(1, 29):02d}"
    mail = name.split()[-1].lower().replace("'", "").encode("ascii", "ignore").decode() + "@example.org"
    return template.format(
        **values, day=day, number=int(rng.integers(10_000, 99_999)), two=f"{rng.integers(0, 100):02d}",
        name=name, mail=mail, text="{text}",
    )  # fmt: skip


def make_notes(seed: int) -> NotePool:
    """The same pool for the same seed; in each outcome the first templates are the most used."""
    rng = np.random.default_rng([seed, 3])
    texts: list[str] = []
    start = np.zeros((3, len(OUTCOMES)), dtype=np.int64)
    size = np.array([PLAIN_EACH, PERSONAL_EACH, AWKWARD_EACH], dtype=np.int64)
    for kind in range(3):
        for o, outcome in enumerate(OUTCOMES):
            start[kind, o] = len(texts)
            templates = TEMPLATES[outcome]
            for _ in range(int(size[kind])):
                text = _fill(templates[int(len(templates) * rng.random() ** 1.6)], rng)
                if kind == 1:
                    text += " " + _fill(PERSONAL[int(rng.integers(len(PERSONAL)))], rng)
                elif kind == 2:
                    text = AWKWARD[int(rng.integers(len(AWKWARD)))].replace("{text}", text)
                texts.append(text)
    return NotePool(pa.array(texts, type=pa.string()), start, size)
