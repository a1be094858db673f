"""Street names: pools of invented and generic names, the traps among them, USPS suffixes.

Charter: words only. Which street gets which name is decided in streets.
"""

from __future__ import annotations

from typing import Final

import numpy as np

SUFFIXES: Final = {
    "St": "STREET", "Ave": "AVENUE", "Rd": "ROAD", "Ln": "LANE", "Ct": "COURT", "Pl": "PLACE", "Dr": "DRIVE",
    "Ter": "TERRACE", "Way": "WAY", "Blvd": "BOULEVARD", "Pkwy": "PARKWAY", "Cir": "CIRCLE", "Sq": "SQUARE",
}  # fmt: skip

POOLS: Final = {
    "trees": (
        "Elm Oak Maple Alder Birch Cedar Linden Chestnut Hawthorn Juniper Spruce Poplar Willow Sycamore Walnut "
        "Hickory Rowan Beech Cypress Larch Holly Laurel Magnolia Tamarack Aspen Hazel Hornbeam Dogwood Sumac "
        "Mulberry Catalpa Basswood Buckeye Hemlock Ironwood Acacia Almond Cherry Plum Quince Pear Apple"
    ).split(),
    "sea": (
        "Anchor Beacon Schooner Mainsail Compass Lantern Tern Plover Heron Osprey Sandpiper Cormorant Harbor Tide "
        "Ebb Wharf Quay Capstan Halyard Binnacle Rigging Lighthouse Breakwater Jetty Dory Skiff Sextant Fathom "
        "Marlin Herring Pilot Buoy Cutter Clipper Windlass Gannet Dune Seagrass Keel Rudder"
    ).split(),
    "trade": (
        "Market Cooper Tanner Weaver Chandler Mason Foundry Loom Spindle Bobbin Smithy Granary Ropewalk Tinsmith "
        "Saddler Carding Dyer Fuller Potter Glazier Joiner Wainwright Cartwright Barrel Brick Kiln Forge Anvil "
        "Shuttle Warp Mill Race Gristmill Sawyer Lumber Quarry Cannery Exchange Depot Freight"
    ).split(),
    "civic": (
        "Main State Court Union Liberty Federal Congress Commerce Library School Church Temple Chapel Academy "
        "College Museum Station Central Front Bank Theatre Custom Assembly Charter Concord Provost Sheriff Bell "
        "Clock Fountain Arcade Gallery Almshouse Armory Engine Observatory"
    ).split(),
    "hills": (
        "Ridge Summit Valley Meadow Orchard Pasture Glen Brook Spring Fern Hillcrest Highland Clover Heather "
        "Quarter Stone Wall Fox Run|Deer Path|Partridge Wren Thrush Finch Bluebird Whippoorwill Larkspur Bramble "
        "Thistle Sorrel Yarrow Aster Hollow Knoll Crestview Fieldstone Farmview Barn Silo Haymarket Windmill "
        "Shepherd Stonebridge"
    ).replace("Fox Run|Deer Path|", "Foxrun Deerpath ").split(),
    "surnames": (
        "Abbott Alvarado Amsden Babbitt Bancroft Barrows Bellamy Blakeslee Bowditch Brackett Calloway Castellano "
        "Chadbourne Chenery Colcord Corliss Crocker Cushman Dearborn Delacroix Dimmock Dunster Eastman Ellery "
        "Emmons Fairbank Farwell Fessenden Fogg Frothingham Gilman Goodspeed Greenleaf Hadley Hallett Hathaway "
        "Hodgdon Holbrook Huntress Ingersoll Jewett Kendrick Kimball Kwan Lapham Leavitt Littlefield Lovell Lunt "
        "Marchetti Mayhew Merrow Milliken Moody Moulton Nakamura Norcross Nowell Okafor Osgood Paine Parsons "
        "Pepperell Pettengill Phinney Plaisted Prescott Quimby Ramsdell Rollins Sanborn Sewall Shapleigh Silveira "
        "Skolfield Starbird Storer Sturgis Swett Tarbox Thaxter Thornton Tibbetts Trask Upham Varney Vaughan "
        "Wadleigh Waite Waldron Wentworth Weymouth Whitcomb Winslow Woodbury Yeaton Zalewski"
    ).split(),
}  # fmt: skip

TRAPS: Final = (
    "St James St", "St Brendan Ave", "Peña St", "O'Hanlon Ct", "Avenue D", "Avenue E", "Old Mill Ln", "Mt Tabor Rd",
    "North Ave", "West St", "Circle Dr", "Court St", "Park Ave", "Park St", "Broadway", "The Strand", "Fort Hill Ter",
    "Côté Ave", "McAllister Pl", "D'Amico Way", "Twin Oaks Ln", "East End Ave", "Half Moon Ln", "La Playa Ct",
)  # fmt: skip
"""Names that break a careless parser; given to streets here and there."""

MANNERS: Final = {
    "civic": (("St", 0.9), ("Sq", 0.1)),
    "trade": (("St", 0.75), ("Ln", 0.1), ("Way", 0.15)),
    "sea": (("St", 0.4), ("Ave", 0.3), ("Ln", 0.15), ("Way", 0.15)),
    "trees": (("St", 0.5), ("Ave", 0.25), ("Rd", 0.15), ("Ter", 0.1)),
    "hills": (("Rd", 0.4), ("Ln", 0.25), ("Dr", 0.25), ("Cir", 0.1)),
    "surnames": (("St", 0.4), ("Ave", 0.25), ("Rd", 0.2), ("Pl", 0.08), ("Ct", 0.07)),
}


def ordinal(number: int) -> str:
    """``3`` → ``3rd``.

    >>> [ordinal(n) for n in (1, 2, 3, 11, 12, 13, 21, 22)]
    ['1st', '2nd', '3rd', '11th', '12th', '13th', '21st', '22nd']
    """
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"


class Namer:
    """Hands out street names, each once; the same base comes back with another suffix."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._given: set[str] = set()
        self._traps = list(TRAPS)

    def take(self, name: str) -> bool:
        """Reserve ``name``; False when it is already a street."""
        if name in self._given:
            return False
        self._given.add(name)
        return True

    def draw(self, pool: str) -> str:
        """A new name in the pool's manner."""
        if self._traps and self._rng.random() < 0.06:
            trap = self._traps.pop(int(self._rng.integers(len(self._traps))))
            if self.take(trap):
                return trap
        suffixes, shares = zip(*MANNERS[pool], strict=True)
        while True:
            words = POOLS[pool if self._rng.random() < 0.9 else "surnames"]
            base = words[int(self._rng.integers(len(words)))]
            suffix = str(self._rng.choice(suffixes, p=shares))
            if self.take(f"{base} {suffix}"):
                return f"{base} {suffix}"
            suffix = str(self._rng.choice(list(SUFFIXES)[:9]))
            if self.take(f"{base} {suffix}"):
                return f"{base} {suffix}"
