"""How a city's addresses are found: the files to find them in, and what is done with what is found.

Charter: the section `geocoder` of a city's YAML; how addresses are read and matched is geo.geocoding's.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from etl.config.base import Strict
from etl.config.providers import Provider

Columns = str | tuple[str, ...]
"""A column, or several that make one text: [PREDIR, NAME, TYPE]."""

Drawn = Literal["address", "intersection", "block", "street", "area"]


class StreetsFile(Strict):
    """Street centerlines with address ranges: a file that geopandas reads, and its columns."""

    path: str
    name: Columns = Field(
        description="column of the street's name, or columns whose texts make it: [PREDIR, NAME, TYPE]"
    )
    alternates: tuple[Columns, ...] = Field(default=(), description="columns of the street's other names")
    left_from: str | None = Field(default=None, description="column: number at the line's start, left of it")
    left_to: str | None = Field(default=None, description="column: number at the line's end, left of it")
    right_from: str | None = Field(default=None, description="column: number at the line's start, right of it")
    right_to: str | None = Field(default=None, description="column: number at the line's end, right of it")
    left_zip: str | None = Field(default=None, description="column of the ZIP on the left")
    right_zip: str | None = Field(default=None, description="column of the ZIP on the right; default: left_zip")
    left_place: str | None = Field(default=None, description="column: city or neighborhood on the left")
    right_place: str | None = Field(default=None, description="column: the same on the right; default: left_place")
    from_node: str | None = Field(default=None, description="column: the node's number at the line's start")
    to_node: str | None = Field(default=None, description="column: the node's number at the line's end")

    @model_validator(mode="after")
    def _ends_in_pairs(self) -> StreetsFile:
        for one, other in (("left_from", "left_to"), ("right_from", "right_to"), ("from_node", "to_node")):
            if (getattr(self, one) is None) != (getattr(self, other) is None):
                raise ValueError(f"{one} and {other} go together; name both columns or neither")
        return self


class AddressesFile(Strict):
    """Address points: a file that geopandas reads or a table, and its columns."""

    path: str
    address: str | None = Field(default=None, description="column of number and street in one: '686-692 Washington St'")
    number: str | None = Field(default=None, description="column of the number, where it stands alone")
    number_suffix: str | None = Field(default=None, description="column of what follows the number: A, 1/2")
    street: Columns | None = Field(default=None, description="column of the street, or columns whose texts make it")
    zip: str | None = Field(default=None, description="column of the ZIP")
    place: str | None = Field(
        default=None, description="column: city or neighborhood that people write behind the street"
    )
    lat: str | None = Field(
        default=None, description="column of the latitude in degrees, where the file has no geometry"
    )
    long: str | None = Field(default=None, description="column of the longitude")

    @model_validator(mode="after")
    def _one_way_to_tell(self) -> AddressesFile:
        apart = self.number is not None and self.street is not None
        if (self.address is None) != apart or (self.address and (self.number or self.street)):
            raise ValueError("name the column 'address', or both 'number' and 'street'")
        if (self.lat is None) != (self.long is None):
            raise ValueError("lat and long go together; name both columns or neither")
        return self


class PlacesFile(Strict):
    """Named places: parks, schools, stations."""

    path: str
    name: Columns = Field(description="column of the name")
    lat: str | None = Field(
        default=None, description="column of the latitude in degrees, where the file has no geometry"
    )
    long: str | None = Field(default=None, description="column of the longitude")
    radius_m: str | None = Field(default=None, description="column: how far the place reaches; default: from its shape")

    @model_validator(mode="after")
    def _both(self) -> PlacesFile:
        if (self.lat is None) != (self.long is None):
            raise ValueError("lat and long go together; name both columns or neither")
        return self


class NamedPlace(Strict):
    """A place that the YAML gives itself."""

    lat: float = Field(ge=-90, le=90)
    long: float = Field(ge=-180, le=180)
    radius_m: float = Field(default=50, gt=0, description="how far the place reaches from its point")


class AliasFile(Strict):
    """Other names of streets as a table."""

    path: str
    name: str = Field(description="column of the other name")
    stands_for: str = Field(description="column of the street's name")


class GeocoderSettings(Strict):
    """What addresses are looked up in, and what becomes of the results."""

    parser: Literal["us", "generic"] = Field(
        default="us", description="how addresses are read: us knows the postal service's words, generic none"
    )
    streets: tuple[StreetsFile, ...] = Field(default=(), description="street centerlines with address ranges")
    addresses: tuple[AddressesFile, ...] = Field(default=(), description="address points")
    aliases: dict[str, str] = Field(default={}, description="other name of a street -> its name")
    alias_files: tuple[AliasFile, ...] = Field(default=(), description="the same as tables")
    places: tuple[PlacesFile, ...] = Field(default=(), description="named places")
    named_places: dict[str, NamedPlace] = Field(default={}, description="named places given here: name -> point")
    providers: tuple[Provider, ...] = Field(
        default=(),
        description="services on the web asked in order for what was not found here: addresses then leave this machine",
    )
    draw: Drawn = Field(
        default="block", description="the vaguest result that is drawn as a point; what is below has none"
    )
    min_score: float = Field(default=0.5, ge=0, le=1, description="a result of a lower score is not drawn as a point")
    contradiction: Literal["flag", "replace", "off"] = Field(
        default="flag", description="the source's point and its address lie farther apart than both can err"
    )
    default_points: Literal["replace", "flag", "off"] = Field(
        default="replace", description="one point that stands for many unrelated addresses"
    )
    swapped: Literal["mend", "flag", "off"] = Field(
        default="mend", description="latitude and longitude in each other's place, without sign, or projected"
    )
    calibration: str | None = Field(
        default=None, description="file of the scores and radii that an evaluation measured; default: those built in"
    )

    @field_validator("contradiction", "default_points", "swapped", mode="before")
    @classmethod
    def _off_is_a_word(cls, value: Any) -> Any:
        """YAML reads a bare off as false."""
        return "off" if value is False else value
