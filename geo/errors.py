"""Every way in which geo can refuse: one short tree, one line a class."""


class GeoError(Exception):
    """Anything that geo refuses to go on with; the message is one line."""


class LayerError(GeoError):
    """A geographic file cannot be read or does not hold what it should."""


class CrsError(GeoError):
    """Coordinates come without a CRS, or in one that cannot be used."""
