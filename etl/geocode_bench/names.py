"""Names for the streets and places of a made-up city: put together from parts, in the manner of US cities.

Charter: words and a seeded draw; no coordinates. None of it is taken from a city that the geocoder could be tuned to.
"""

from __future__ import annotations

from typing import Final

import numpy as np

FRONT: Final = (
    "ASH ELM BROOK FERN HART KEL LIND MAR NOR PEM QUIN ROS STAN THORN ULLER VER WEX YAR BEL CAR DUN EDGE FAIR GLEN HAZEL "
    "IVER JAS KIRK LANG MILL NETHER OX PRES RED SHEL TARR UPPER VAL WIN ZEL ALD BRAM CROM DREW ELS FAL GREN HOL INGLE "
    "JUNE KEN LOX MER NESS ORM PEN RAD SEL TREM WALD"
).split()
BACK: Final = (
    "TON FORD WOOD FIELD LEY MORE BURN DALE GATE WICK BURY HAM STEAD MONT VALE SHIRE WORTH COMBE LAND HURST BRIDGE SON "
    "WELL DEN BY TREE LOW MERE COTE ING KIRK HOLM SIDE ROW NEY"
).split()
PAIRS_FRONT: Final = (
    "LITTLE GREAT OLD NEW WILLOW CEDAR HICKORY QUARRY MILL COPPER SILVER PRAIRIE BISON HERON FALCON".split()
)
PAIRS_BACK: Final = (
    "CREEK RIDGE HOLLOW MEADOW SPRING BLUFF LAKE ORCHARD CROSSING POINT GROVE RUN BEND GLEN VIEW".split()
)
GIVEN: Final = "MARTIN ELIAS HARRIET WILLA JOSIAH CLARA OTIS RUTH AMOS EDITH SILAS VERA".split()
SAINT: Final = "LUCAN ODRAN BRENNA CORVIN MELITA TARSA ELWYN OSWIN FENNA HILD".split()
SUFFIX: Final = "ST AVE RD DR CT PL LN WAY TER BLVD CIR PKWY".split()
SUFFIX_SHARE: Final = np.array([30, 20, 10, 12, 8, 6, 6, 3, 2, 2, 0.6, 0.4]) / 100
ALONE: Final = (
    "BROADMARCH", "AVENUE OF THE LANTERNS", "AVENUE K", "AVENUE Q", "THE ESPLANETTE", "PASEO DEL TORMO", "CALLE VELINDA",
    "VIA SOLENA", "CAMINO ALTORA", "RUE MARVAUX", "AVENUE OF THE HARVESTERS", "MALLARD ROW",
)  # fmt: skip
HIGHWAY: Final = (
    "STATE HIGHWAY 9", "STATE HIGHWAY 117", "US HIGHWAY 20", "US HIGHWAY 385", "COUNTY ROAD 12", "COUNTY ROAD 604",
)  # fmt: skip
PLACE_KIND: Final = (
    "PARK", "ELEMENTARY SCHOOL", "LIBRARY", "RECREATION CENTER", "STATION", "CEMETERY", "HIGH SCHOOL", "PLAYGROUND",
)  # fmt: skip
TOWN: Final = {"grid": "VELMORA", "quarter": "SOUTH ASHBEND", "old": "OLD TARROW", "hyphen": "KELLSWATER"}
STATE: Final = "IA"
_ONES: Final = (
    "ZERO FIRST SECOND THIRD FOURTH FIFTH SIXTH SEVENTH EIGHTH NINTH TENTH ELEVENTH TWELFTH THIRTEENTH".split()
)


def ordinal(n: int) -> str:
    """1ST, 2ND, 3RD, 11TH, 121ST."""
    end = "TH" if n % 100 in (11, 12, 13) else {1: "ST", 2: "ND", 3: "RD"}.get(n % 10, "TH")
    return f"{n}{end}"


def ordinal_word(n: int) -> str:
    """FIRST to THIRTEENTH in words; '' beyond."""
    return _ONES[n] if 1 <= n < len(_ONES) else ""


def bases() -> list[str]:
    """All bases of street names that can be drawn."""
    made = [f + b for f in FRONT for b in BACK if f[-1] != b[0]]
    made += [f"{a} {b}" for a in PAIRS_FRONT for b in PAIRS_BACK]
    made += [f"{g} {f}{b}" for g, (f, b) in zip(GIVEN * 12, _every(FRONT, BACK, 37), strict=False)]
    made += [f"{g} {f}{b} JR" for g, (f, b) in zip(GIVEN, _every(FRONT, BACK, 91), strict=False)]
    made += [f"MC{f}{b}" for f, b in _every(FRONT, BACK, 53)] + [f"O{f}{b}" for f, b in _every(FRONT, BACK, 71)]
    return list(dict.fromkeys(made))


def _every(a: list[str], b: list[str], step: int) -> list[tuple[str, str]]:
    pairs = [(x, y) for x in a for y in b]
    return pairs[::step]
