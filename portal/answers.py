"""What the queries answer: frozen dataclasses, with units in their names. No SQL, no words, no markup."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Quantile:
    """A survival quantile in hours with its 95% band; None means not yet reached (or not known)."""

    hours: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Share:
    """`k` of `n`, and the 95% Wilson interval; the shares are 0…1, None when n is 0."""

    k: int
    n: int
    share: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts of the selected requests."""

    requests: int
    open: int
    closed: int
    unmapped: int  # the source's status is not one that the city's configuration knows
    outcomes: Mapping[str, int]  # of closed requests: done, no_action, not_found, duplicate, referred, unknown
    on_time: int
    late: int
    pending: int
    no_standard: int
    located: int
    not_located: int
    excluded_from_response: int  # their times contradict one another
    on_time_share: Share  # on_time of (on_time + late)
    done_share: Share  # done of closed


@dataclass(frozen=True, slots=True)
class ResponseTime:
    """Requested → closed, Kaplan–Meier, open requests censored at the release's `as_of`."""

    n: int
    events: int
    censored: int
    quantiles: Mapping[int, Quantile]  # 50, 75, 90
    closed_only_median_hours: float | None  # biased: leaves out what is still open


@dataclass(frozen=True, slots=True)
class VolumeRow:
    """One month (of `requested_date`, except `closed`: the local month of closing)."""

    month: date  # its first day
    requested: int
    closed: int
    open_at_end: int  # requested so far less closed so far, without those closed nobody knows when
    on_time: Share
    complete: bool  # False: the release was made before the month was over


@dataclass(frozen=True, slots=True)
class MonthRow(VolumeRow):
    """The same, and how long the requests of the month took."""

    n: int  # requests in the response figures
    events: int  # of them closed
    median: Quantile
    p90: Quantile


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """One month of one of several series, for small charts: coarser than MonthRow, and only what they show."""

    month: date  # its first day
    requested: int
    n: int  # requests in the response figures
    events: int  # of them closed
    median: Quantile  # right within 3%, or 3 minutes
    p90: Quantile  # likewise


@dataclass(frozen=True, slots=True)
class GroupRow:
    """One value of a dimension. `key` is the value in URLs, `portal.selection.NOT_STATED` for none."""

    key: str
    name: str
    requests: int
    open: int
    closed: int
    n: int  # requests in the response figures
    events: int  # of them closed; under ~10, say "too few"
    median: Quantile
    p90: Quantile
    closed_only_median_hours: float | None
    on_time: Share
    done: Share  # done of closed


@dataclass(frozen=True, slots=True)
class Choice:
    """A value that a filter may take."""

    value: str
    label: str
    requests: int


@dataclass(frozen=True, slots=True)
class RequestRow:
    """One request as published. Times are UTC without zone; None where withheld or unknown."""

    source: str
    service_request_id: str
    service_code: str
    service_name: str | None
    service_group: str | None
    department: str | None
    status: str
    outcome: str | None
    channel: str | None
    on_time: str
    requested_datetime: datetime | None
    requested_date: date | None
    expected_datetime: datetime | None
    closed_datetime: datetime | None
    updated_datetime: datetime | None
    response_hours: float | None
    address: str | None
    lat: float | None
    long: float | None
    location_source: str | None
    geocode_radius_m: float | None
    location_precision: str | None = None  # exact, block_face, area, withheld or none; None: the release does not say
    location_note: str | None = None  # why the source's own point was not used as it is
    geocode_method: str | None = None
    geocode_score: float | None = None  # 0…1
    geocode_address: str | None = None  # as the city's list of addresses writes it
    nearest_address: str | None = None  # of a point that came without an address
    flags: tuple[str, ...] = ()
    areas: Mapping[str, str] = field(default_factory=dict)  # layer -> area code, where known


@dataclass(frozen=True, slots=True)
class Page:
    """A slice of the selected requests, newest first, and how many there are in all."""

    rows: tuple[RequestRow, ...]
    total: int
    limit: int
    offset: int


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Rows that are not in `requests` (quarantined, withdrawn) or not in a figure (flagged, not_located), by reason."""

    kind: str
    reason: str
    source: str | None
    rows: int | None  # None: too few to be told


@dataclass(frozen=True, slots=True)
class Absent:
    """Rows that no figure counts, because they are not in the record."""

    quarantined: int  # they could not be trusted
    withdrawn: int | None  # their source no longer has them; None: the release does not say


@dataclass(frozen=True, slots=True)
class Edit:
    """A time of a request that its source changed after the fact. Times are UTC without zone."""

    source: str
    service_request_id: str
    field: str  # requested_datetime or closed_datetime
    edit: str  # moved, removed or backdated
    old: datetime | None
    new: datetime | None
    moved_hours: float | None
    first_seen: datetime
    cause: str  # source or configuration


@dataclass(frozen=True, slots=True)
class Edits:
    """Edits after the fact: how many of each kind, and the latest."""

    total: int
    by_kind: Mapping[str, int]  # moved, removed, backdated -> edits
    latest: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Recall:
    """How many of the planted items of a kind the redactor found; shares are 0…1."""

    kind: str
    planted: int
    found: int
    share: float
    at_least: float


@dataclass(frozen=True, slots=True)
class PrivacyAudit:
    """What was measured before a release was let go; None where there was nothing of the kind to measure."""

    published: tuple[str, ...]  # what the city's policy publishes beyond the fixed fields
    sensitive: Mapping[str, int] | None  # level of the policy -> requests, of those less than exact
    places: Mapping[str, int]  # how those are published: precision -> requests
    closest_m: int | None  # no generalised point is closer to its true place
    recall: tuple[Recall, ...] | None
    examples: int
    wrongly_removed: float | None  # of words that are nobody's, 0…1


@dataclass(frozen=True, slots=True)
class Quality:
    """How well the selected requests are located and timed."""

    requests: int
    located: Mapping[str, int]  # location_source -> requests: source, geocoder, none
    location_notes: Mapping[str, int]  # why requests are not on the map: sentinel, missing, vague, … -> requests
    flags: Mapping[str, int]  # data-quality flag -> requests; one request may carry several
    excluded_from_response: int


@dataclass(frozen=True, slots=True)
class LocatedBy:
    """The selected requests by how they were placed: source + geocoder + none = requests."""

    requests: int
    source: int  # at the source's own point
    geocoder: int  # by their address
    none: int  # not on the map
    methods: Mapping[str, int]  # of `geocoder`: method -> requests; empty where the release does not say


@dataclass(frozen=True, slots=True)
class ToldPlaces:
    """The selected requests by how exactly their places are told. Kinds overlap: they do not add up."""

    requests: int
    none: int  # not on the map
    withheld: int  # of these to protect privacy
    block_face: int  # somewhere on their block
    area: int  # somewhere in their area
    geocoder: int  # found from their address, with an error radius


@dataclass(frozen=True, slots=True)
class MethodRow:
    """A method of the geocoder over the whole release; the medians are None where they are not told."""

    method: str
    requests: int
    median_score: float | None
    median_radius_m: float | None


@dataclass(frozen=True, slots=True)
class Doubts:
    """Points of sources that could not be used as they are: note -> requests; and those that were kept: flag -> requests."""

    placed: Mapping[str, int]  # on the map all the same: mended, or by their address
    lost: Mapping[str, int]  # not on the map
    kept: Mapping[str, int]  # on the map at the source's point, marked as doubtful


@dataclass(frozen=True, slots=True)
class FieldDoc:
    """One field of the data dictionary."""

    resource: str
    name: str
    type: str
    title: str
    description: str
    unit: str
    allowed: tuple[str, ...]
    required: bool


@dataclass(frozen=True, slots=True)
class FileDoc:
    """One downloadable file of a release."""

    name: str
    path: str
    title: str
    description: str
    mediatype: str
    rows: int | None
    bytes: int | None
    sha256: str


@dataclass(frozen=True, slots=True)
class ReleaseDoc:
    """One line of the chain of releases; `sha256` is that of its datapackage.json."""

    release_id: str
    created: datetime | None
    as_of: datetime | None
    sha256: str
    previous: str | None
    requests: int | None
    present: bool  # its files are still here
    current: bool


@dataclass(frozen=True, slots=True)
class Area:
    """An area of a boundary layer (one vintage)."""

    layer: str
    area: str
    name: str
    valid_from: date | None
    valid_to: date | None  # first day not in force
    population: int | None
    current: bool
    bbox: tuple[float, float, float, float] | None  # west, south, east, north in degrees (EPSG:4326)
