"""One definition of each published field: it feeds the files' schema, the checks and the data dictionary.

Charter: names, types, meanings, allowed values and who may see them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from etl.config import CityConfig, Layer

Kind = Literal["string", "number", "integer", "boolean", "date", "datetime", "any"]


@dataclass(frozen=True)
class Field:
    """A column of a published table. `needs` names the privacy permissions, blanks between, without which it is left out."""

    name: str
    kind: Kind
    title: str
    about: str
    values: tuple[str, ...] = ()
    required: bool = False
    unit: str | None = None
    needs: str | None = None

    def released(self, publish: Collection[str]) -> bool:
        """Whether a city that publishes these lets the field out."""
        return all(permission in publish for permission in (self.needs or "").split())

    def schema(self) -> dict[str, Any]:
        """The field as a Frictionless Table Schema field."""
        constraints: dict[str, Any] = {}
        if self.required:
            constraints["required"] = True
        if self.values:
            constraints["enum"] = list(self.values)
        found: dict[str, Any] = {"name": self.name, "type": self.kind, "title": self.title, "description": self.about}
        if constraints:
            found["constraints"] = constraints
        if self.unit:
            found["unit"] = self.unit
        return found


OUTCOMES = ("done", "no_action", "not_found", "duplicate", "referred", "unknown")
STATUSES = ("open", "closed", "unmapped")
ON_TIME = ("on_time", "late", "pending", "no_standard")
LOCATION_NOTES = (
    "missing", "sentinel", "default_point", "outside_city", "swapped", "sign", "projected", "scaled",
    "contradicts_address", "vague", "withheld",
)  # fmt: skip
METHODS = ("address_point", "address_range", "between_points", "intersection", "block", "place", "street", "area")

_BEFORE_AREAS = (
    Field("source", "string", "Source", "The city's system that the request comes from.", required=True),
    Field("service_request_id", "string", "Request number", "The source's own number of the request.", required=True),
    Field("service_code", "string", "Service code", "What was asked for, as a code.", required=True),
    Field("service_name", "string", "Service", "What was asked for, in words.", required=True),
    Field("service_group", "string", "Service group", "The kind of service, wider than the service."),
    Field("department", "string", "Department", "Code of the department that is responsible.", required=True),
    Field(
        "agency_responsible",
        "string",
        "Agency responsible",
        "The responsible agency as the source names it.",
        needs="agency_responsible",
    ),
    Field(
        "status",
        "string",
        "Status",
        "open or closed as the source says; unmapped where the source's word is not in the city's configuration.",
        STATUSES,
        required=True,
    ),
    Field(
        "outcome",
        "string",
        "Outcome",
        "What became of a closed request, read from the source's closing text by the city's rules; "
        "unknown where no rule applies, empty while it is not closed. Closed does not mean done.",
        OUTCOMES,
    ),
    Field("channel", "string", "Channel", "How the request reached the city."),
    Field(
        "status_notes",
        "string",
        "Closing text",
        "What the city wrote, without what could name a person.",
        needs="status_notes",
    ),
    Field(
        "description",
        "string",
        "Description",
        "What the resident wrote, without what could name a person.",
        needs="description",
    ),
    Field("requested_datetime", "datetime", "Requested", "When the request was made (UTC).", required=True),
    Field("updated_datetime", "datetime", "Updated", "When the source last changed it (UTC)."),
    Field(
        "expected_datetime",
        "datetime",
        "Due",
        "When it should be closed (UTC): the source's due time, else the city's standard for the service.",
    ),
    Field("closed_datetime", "datetime", "Closed", "When the source says that it was closed (UTC)."),
    Field("requested_date", "date", "Date requested", "The city's calendar day of the request.", required=True),
    Field("address", "string", "Address", "The address as the source gives it.", needs="address"),
    Field("lat", "number", "Latitude", "Degrees north, WGS 84.", unit="degree", needs="location"),
    Field("long", "number", "Longitude", "Degrees east, WGS 84.", unit="degree", needs="location"),
    Field(
        "location_source",
        "string",
        "Location by",
        "source: the source's coordinates; geocoder: found from the address; none: not on the map.",
        ("source", "geocoder", "none"),
        required=True,
    ),
    Field(
        "location_note",
        "string",
        "About the source's point",
        "Why the source's own point was not used as it is. missing: none was given; sentinel: listed as standing for "
        "'unknown'; default_point: found to stand for 'unknown', because unrelated addresses share it; outside_city: not "
        "believable; contradicts_address: too far from the address, which was taken instead; vague: neither a point nor an "
        "address that tells a place well enough; swapped, sign, projected, scaled: the coordinates were mended; withheld: "
        "not published. Empty where the point is believed. Whether the request is on the map is told by location_source.",
        LOCATION_NOTES,
    ),
    Field(
        "location_precision",
        "string",
        "How exactly",
        "exact: where the source or the geocoder puts it; block_face: a place on the same side of the same block; "
        "area: the middle of its area; withheld: not told; none: there is no point. By the city's privacy policy.",
        ("exact", "block_face", "area", "withheld", "none"),
        required=True,
    ),
    Field(
        "geocode_method",
        "string",
        "Geocoding method",
        "How the geocoder found the place of the address: address_point: that very address; address_range: by the house "
        "numbers of the block; between_points: between neighbouring addresses; intersection; block, place, street, area: "
        "no better than that. Told where the point comes from the address, where the result was too vague to be drawn, and "
        "where it contradicts the source's point; empty elsewhere.",
        METHODS,
        needs="location",
    ),
    Field(
        "geocode_score",
        "number",
        "Geocoding score",
        "The share that is right among results like this one, 0 to 1.",
        needs="location",
    ),
    Field(
        "geocode_radius_m",
        "number",
        "Error radius",
        "Radius around the geocoder's result that holds the true place in 95 of 100 cases.",
        unit="m",
        needs="location",
    ),
    Field(
        "geocode_address",
        "string",
        "Address found",
        "The address as the city's reference writes it; told where geocode_method is.",
        needs="address location",
    ),
    Field(
        "geocode_alternatives",
        "string",
        "Other places it may be",
        "JSON: other places that the address may mean, [{address, method, score, lat, long}]; empty where it is clear.",
        needs="address location",
    ),
    Field(
        "nearest_address",
        "string",
        "Nearest address",
        "Of a point that came without an address: the nearest one of the city's reference, within 100 m.",
        needs="address location",
    ),
)

_AFTER_AREAS = (
    Field(
        "response_hours",
        "number",
        "Hours to close",
        "From requested to closed. Empty while open, and where the times contradict one another. "
        "Do not average it: requests that are still open are missing from it.",
        unit="hour",
    ),
    Field(
        "on_time",
        "string",
        "Against the standard",
        "on_time: closed by the due time; late: closed after it, or still open past it; "
        "pending: open and not yet due; no_standard: no due time. Empty where it was closed at a time that is unknown "
        "or cannot be believed, and where the status is unmapped.",
        ON_TIME,
    ),
    Field("flags", "string", "Data quality flags", "Doubts about the row, separated by ';'; see the methods page."),
    Field(
        "incident_id",
        "string",
        "Incident",
        "The same for all requests that report one thing: source and number of the first of them. Empty where no other "
        "request reports the same, and where that cannot be told. Worked out from service, place and time.",
        needs="location",
    ),
    Field(  # a number, not an integer: readers that go through pandas make fractions of integers beside empty cells
        "incident_report",
        "number",
        "Report of its incident",
        "1: the first or the only report of its incident, 2: the second, … Empty where the place is not told, not told "
        "exactly, or too vague. Incidents are counted by the ones.",
        needs="location",
    ),
    Field(
        "incident_reports",
        "number",
        "Reports of the incident",
        "How many requests report the same incident, this one among them; empty where incident_report is.",
        needs="location",
    ),
    Field(
        "repeat_of",
        "string",
        "Repeats",
        "Source and number of the request of the same service that was closed near by shortly before this one was made; "
        "the package states how near and how shortly. Empty for further reports of an open incident.",
        needs="location",
    ),
    Field(
        "reopened",
        "boolean",
        "Reopened",
        "true: the record showed it closed and later not. false also where it was open again between two extracts only.",
        required=True,
    ),
    Field(
        "suspicious",
        "string",
        "Worth a look",
        "Of a closing, separated by ';'. fast: implausibly soon for its service; bulk: one of many of its department "
        "within one minute; boilerplate: the text that closes most of its service. A question, not an accusation: each "
        "may have a good reason.",
    ),
)

SYNTHETIC = Field("synthetic", "boolean", "Synthetic", "true: this row is invented; no real person asked for it.")
GEOMETRY = Field("geometry", "any", "Geometry", "The point as WKB, EPSG:4326 (GeoParquet).", needs="location")


def layer_field(layer: Layer) -> Field:
    """The column of one boundary layer."""
    how = (
        "by the request's point and the boundaries in force on its day; as the source states it where there is no point"
        if layer.files
        else "as the source states it"
    )
    return Field(layer.layer, "string", layer.title, f"Code of the {layer.title.lower()}, {how}.")


def request_fields(config: CityConfig) -> list[Field]:
    """The columns of requests.parquet for a city, in order: only what its privacy policy releases."""
    fields = [*_BEFORE_AREAS, *(layer_field(layer) for layer in config.layers), *_AFTER_AREAS]
    if config.city.synthetic:
        fields.append(SYNTHETIC)
    fields.append(GEOMETRY)
    return [f for f in fields if f.released(config.privacy.publish)]


AREA_FIELDS = (
    Field("layer", "string", "Layer", "Which division of the city.", required=True),
    Field("area", "string", "Area code", "As in the layer's column of requests.", required=True),
    Field("name", "string", "Name", "What people call it.", required=True),
    Field("valid_from", "date", "In force from", "First day; empty: since before the record."),
    Field("valid_to", "date", "In force until", "First day on which it no longer was; empty: still in force."),
    Field("population", "number", "Population", "Residents, where the city supplies it."),
    Field("geometry", "any", "Geometry", "Polygons as WKB, EPSG:4326; empty for layers without boundaries."),
)
BASEMAP_FIELDS = (
    Field("kind", "string", "Kind", "street, water, park, land or rail.", required=True),
    Field("name", "string", "Name", "As on signs."),
    Field("rank", "integer", "Rank", "1 is drawn first and from furthest away.", required=True),
    Field("geometry", "any", "Geometry", "WKB, EPSG:4326."),
)
SERVICE_FIELDS = (
    Field("service_code", "string", "Service code", "As in requests.", required=True),
    Field("service_name", "string", "Service", "In words.", required=True),
    Field("service_group", "string", "Group", "The kind of service."),
    Field("department", "string", "Department", "Code of the department that most of its requests go to."),
    Field("target_hours", "number", "Standard", "Hours to close that the city's configuration sets.", unit="hour"),
)
DEPARTMENT_FIELDS = (
    Field("department", "string", "Department code", "As in requests.", required=True),
    Field("name", "string", "Department", "In words.", required=True),
)
CHANGE_FIELDS = (
    Field("source", "string", "Source", "As in requests.", required=True),
    Field("service_request_id", "string", "Request number", "As in requests.", required=True),
    Field("field", "string", "Field", "Which field changed.", required=True),
    Field("old", "string", "Before", "The value until then; times in UTC."),
    Field("new", "string", "After", "The value since then; times in UTC."),
    Field("first_seen", "datetime", "First seen", "When Openward first saw the new value (UTC).", required=True),
    Field(
        "cause",
        "string",
        "Cause",
        "source: the source changed it; configuration: the city's rules read it otherwise.",
        ("source", "configuration"),
        required=True,
    ),
)
EDIT_FIELDS = (
    Field("source", "string", "Source", "As in requests.", required=True),
    Field("service_request_id", "string", "Request number", "As in requests.", required=True),
    Field(
        "field", "string", "Field", "Which time was edited.", ("requested_datetime", "closed_datetime"), required=True
    ),
    Field(
        "edit",
        "string",
        "Edit",
        "moved: another time than was stated before; removed: stated before and no more (a reopened request among them); "
        "backdated: a closing more than a day before an extract that still showed the request without one.",
        ("moved", "removed", "backdated"),
        required=True,
    ),
    Field("old", "datetime", "Before", "The time until then (UTC)."),
    Field("new", "datetime", "After", "The time since then (UTC)."),
    Field(
        "moved_hours",
        "number",
        "Moved by",
        "From before to after; of a backdated closing, from the extract that showed none to the closing.",
        unit="hour",
    ),
    Field("last_seen", "datetime", "Last seen", "Moment of the extract that still had the value before (UTC)."),
    Field("first_seen", "datetime", "First seen", "When Openward first saw the new value (UTC).", required=True),
    Field(
        "cause",
        "string",
        "Cause",
        "source: the source changed it; configuration: the city's rules read it otherwise.",
        ("source", "configuration"),
        required=True,
    ),
)
WITHDRAWN_FIELDS = (
    Field("source", "string", "Source", "As in requests.", required=True),
    Field("service_request_id", "string", "Request number", "The source's own number.", required=True),
    Field("service_code", "string", "Service code", "As in requests.", required=True),
    Field("service_name", "string", "Service", "As it was last seen.", required=True),
    Field("requested_datetime", "datetime", "Requested", "When the request was made (UTC).", required=True),
    Field(
        "withdrawn_datetime", "datetime", "Withdrawn", "When its source was first seen without it (UTC).", required=True
    ),
)
MEASURE_FIELDS = (
    Field("source", "string", "Source", "The city's system that states it.", required=True),
    Field("measure", "string", "Measure", "Code of the measure.", required=True),
    Field("department", "string", "Department", "Whose measure it is; city: the whole city's.", required=True),
    Field("period_start", "date", "From", "First day that it covers.", required=True),
    Field("period_end", "date", "To", "First day that it no longer covers.", required=True),
    Field("measure_name", "string", "Name", "The measure in words.", required=True),
    Field("value", "number", "Value", "As measured, in its unit.", required=True),
    Field("target", "number", "Target", "What it should be."),
    Field("direction", "string", "Better", "Which way is better.", ("higher", "lower", "none"), required=True),
    Field("unit", "string", "Unit", "percent, index (0 to 100), seconds, count, …", required=True),
    Field("responses", "integer", "Cases", "How many answers or cases the value rests on."),
)
FEEDBACK_FIELDS = (
    Field("source", "string", "Source", "The survey that it comes from.", required=True),
    Field("feedback_id", "string", "Answer", "The source's own number of the answer.", required=True),
    Field(
        "service_request_id",
        "string",
        "Request number",
        "The request that it is about, where the city's policy publishes that.",
        needs="feedback_request",
    ),
    Field("department", "string", "Department", "Code of the department that it is about."),
    Field("counter", "string", "Counter", "The counter that it is about."),
    Field("channel", "string", "Channel", "How the answer was given."),
    Field("received_datetime", "datetime", "Received", "When it was given (UTC).", required=True),
    Field("score", "number", "Score", "0 (worst) to 100 (best).", required=True),
)
MONTHLY_FIELDS = (
    Field("layer", "string", "Layer", "Which division of the city; city: all of it.", required=True),
    Field("area", "string", "Area code", "As in areas; empty for the whole city."),
    Field("service_code", "string", "Service code", "As in requests.", required=True),
    Field("month", "date", "Month", "First day of the month requested.", required=True),
    Field("requests", "integer", "Requests", "How many; empty where too few to be told."),
    Field("closed", "integer", "Closed", "How many of them are closed; empty where too few to be told."),
    Field("open", "integer", "Not closed", "How many of them are not closed; empty where too few to be told."),
    Field("suppressed", "boolean", "Suppressed", "true: the counts are not told.", required=True),
)
FEEDBACK_MONTHLY_FIELDS = (
    Field("department", "string", "Department", "Code of the department that the answers are about."),
    Field("channel", "string", "Channel", "How the answers were given."),
    Field("month", "date", "Month", "First day of the month in which they were given (UTC).", required=True),
    Field("responses", "integer", "Answers", "How many; empty where too few to be told."),
    Field("mean_score", "number", "Mean score", "0 (worst) to 100 (best)."),
    Field("suppressed", "boolean", "Suppressed", "true: the numbers are not told.", required=True),
)
_INCIDENT_FIELDS = (
    Field("incident_id", "string", "Incident", "As in requests.", required=True),
    Field("service_code", "string", "Service code", "Of the first report.", required=True),
    Field("department", "string", "Department", "Code of the first report's department.", required=True),
    Field("reports", "integer", "Reports", "How many requests report it; 2 at least.", required=True),
    Field("duplicates", "integer", "Closed as duplicates", "How many of them the source closed as duplicates."),
    Field("requested_datetime", "datetime", "First requested", "When the first report was made (UTC).", required=True),
    Field("last_requested_datetime", "datetime", "Last requested", "When the last one was (UTC).", required=True),
    Field(
        "status", "string", "Status", "closed: all of its reports are; open: one at least is not.", ("open", "closed"),
        required=True,
    ),
    Field(
        "closed_datetime",
        "datetime",
        "Closed",
        "The latest closing of a report that was not closed as a duplicate, else the latest of all (UTC); empty while open.",
    ),
    Field("lat", "number", "Latitude", "Of the first report; degrees north, WGS 84.", unit="degree"),
    Field("long", "number", "Longitude", "Of the first report; degrees east, WGS 84.", unit="degree"),
)  # fmt: skip
EXCLUSION_FIELDS = (
    Field(
        "kind",
        "string",
        "Kind",
        "quarantined, withdrawn: not in requests at all; not_located: not on the map; "
        "flagged: in requests, left out of some figure.",
        ("quarantined", "withdrawn", "not_located", "flagged"),
        required=True,
    ),
    Field("reason", "string", "Reason", "Why.", required=True),
    Field("source", "string", "Source", "As in requests.", required=True),
    Field("rows", "integer", "Rows", "How many; empty where too few to be told."),
)
LOCATED_BY_FIELDS = (
    Field("source", "string", "Source", "As in requests.", required=True),
    Field(
        "method",
        "string",
        "Located by",
        "source: the source's own point; a method of the geocoder, as in geocode_method; generalised: by the geocoder, how "
        "is not told; none: not on the map.",
        ("source", *METHODS, "generalised", "none"),
        required=True,
    ),
    Field("note", "string", "About the source's point", "As location_note in requests."),
    Field("rows", "integer", "Requests", "How many; empty where too few to be told."),
    Field("median_score", "number", "Median score", "Of the geocoder's results, 0 to 1."),
    Field("median_radius_m", "number", "Median error radius", "Of the geocoder's results.", unit="m"),
)
PROBABILITY_FIELDS = (
    Field("source", "string", "Source", "As in requests.", required=True),
    Field("service_request_id", "string", "Request number", "As in requests.", required=True),
    Field("layer", "string", "Layer", "Which division of the city.", required=True),
    Field("area", "string", "Area code", "As in areas; empty: outside of all of them."),
    Field("probability", "number", "Probability", "That the true place lies in it, 0 to 1.", required=True),
)
POINT_FIELDS = (
    Field("number", "integer", "Number", "House number; hyphenated ones as first * 10000 + second.", required=True),
    Field(
        "number_high", "integer", "Last number", "Equal to number unless the point stands for a range.", required=True
    ),
    Field("number_suffix", "string", "After the number", "A letter or 1/2; empty text where there is none."),
    Field("hyphenated", "boolean", "Hyphenated", "true: the number is written with a hyphen, such as 120-55."),
    Field("street", "string", "Street", "As the city's file writes it.", required=True),
    Field("zip", "string", "ZIP code", "Empty text where it is unknown."),
    Field("place", "string", "Place", "City or neighborhood behind the street; empty text where it is unknown."),
    Field("lat", "number", "Latitude", "Degrees north, WGS 84.", required=True, unit="degree"),
    Field("long", "number", "Longitude", "Degrees east, WGS 84.", required=True, unit="degree"),
)
SEGMENT_FIELDS = (
    Field("street", "string", "Street", "As the city's file writes it."),
    Field("alternates", "any", "Other names", "List of texts; empty texts where a column of the file has none."),
    Field("left_from", "integer", "First number, left", "0 to 0: no addresses on that side.", required=True),
    Field("left_to", "integer", "Last number, left", "At the end of the line.", required=True),
    Field("right_from", "integer", "First number, right", "0 to 0: no addresses on that side.", required=True),
    Field("right_to", "integer", "Last number, right", "At the end of the line.", required=True),
    Field("hyphenated", "boolean", "Hyphenated", "true: numbers are first * 10000 + second."),
    Field("left_zip", "string", "ZIP code, left", "Empty text where it is unknown."),
    Field("right_zip", "string", "ZIP code, right", "Empty text where it is unknown."),
    Field("left_place", "string", "Place, left", "City or neighborhood; empty text where it is unknown."),
    Field("right_place", "string", "Place, right", "City or neighborhood; empty text where it is unknown."),
    Field("from_node", "integer", "First node", "The file's own number; empty where it has none."),
    Field("to_node", "integer", "Last node", "The file's own number; empty where it has none."),
    Field("geometry", "any", "Geometry", "The centerline as WKB, EPSG:4326."),
)
CROSSING_FIELDS = (
    Field("street", "string", "Street", "One of the two streets.", required=True),
    Field("cross", "string", "Cross street", "The other one.", required=True),
    Field("lat", "number", "Latitude", "Degrees north, WGS 84.", required=True, unit="degree"),
    Field("long", "number", "Longitude", "Degrees east, WGS 84.", required=True, unit="degree"),
    Field("legs", "integer", "Legs", "How many segments meet there.", required=True),
)
NAME_FIELDS = (
    Field("name", "string", "Name", "As people write it.", required=True),
    Field(
        "kind",
        "string",
        "Kind",
        "street: another name of a street; place: a place.",
        ("street", "place"),
        required=True,
    ),
    Field("stands_for", "string", "Stands for", "The street's name; empty for a place."),
    Field("lat", "number", "Latitude", "Degrees north, WGS 84, of a place.", unit="degree"),
    Field("long", "number", "Longitude", "Degrees east, WGS 84, of a place.", unit="degree"),
    Field("radius_m", "number", "Radius", "How far the place reaches.", unit="m"),
)
DEMOGRAPHIC_FIELDS = (
    Field("layer", "string", "Layer", "Which division of the city.", required=True),
    Field("area", "string", "Area code", "As in areas.", required=True),
    Field("measure", "string", "Measure", "Code of the figure.", required=True),
    Field("value", "number", "Value", "Of the people who live in the area, in its unit.", required=True),
    Field("moe", "number", "Margin of error", "90% margin of the value, in its unit, where the source states one."),
    Field("title", "string", "Title", "The measure in words.", required=True),
    Field("unit", "string", "Unit", "A share is 0 to 1.", ("dollars", "share", "years", "people"), required=True),
    Field("year", "integer", "Year", "The last year that the figure covers.", required=True),
    Field("source", "string", "Source", "Who says so.", required=True),
    Field("license", "string", "License", "Terms of the source."),
)
ANNOTATION_FIELDS = (
    Field("first_day", "date", "First day", "When it happened or began, by the city's calendar.", required=True),
    Field("last_day", "date", "Last day", "Of a period, that day in it; empty: one day, or from then on."),
    Field("text", "string", "What happened", "In the city's words.", required=True),
    Field(
        "service_code", "string", "Service code", "The only service that it touched; empty: it is not one service's."
    ),
    Field(
        "department", "string", "Department code", "The only department that it touched; empty: not one department's."
    ),
    Field("layer", "string", "Layer", "Which division of the city the area is of."),
    Field("area", "string", "Area code", "The only area that it touched; empty: it is not one area's."),
    Field("link", "string", "Link", "A page that tells more."),
)
_OF_STANDARD = (
    Field("on_time_share", "number", "Share on time", "Of those due: closed in time or late. Empty: none is due yet."),
    Field("on_time_lower", "number", "Share on time, lower end", "Of the 95% interval (Wilson)."),
    Field("on_time_upper", "number", "Share on time, upper end", "Of the 95% interval (Wilson)."),
)
FIGURE_FIELDS = (
    Field(
        "dimension", "string", "By", "city: all of it; service, service_group, department, or a layer of areas.",
        required=True,
    ),
    Field("key", "string", "Code", "Of the service, department or area; empty: the city, or requests that state none."),
    Field("name", "string", "Name", "In words."),
    Field("month", "date", "Month", "First day of the month, by the city's calendar.", required=True),
    Field("complete", "boolean", "Month is over", "false: the data end within it.", required=True),
    Field("requests", "integer", "Requests", "How many were made in the month.", required=True),
    Field("open", "integer", "Open", "How many of these are still open.", required=True),
    Field("closed", "integer", "Closed", "How many of these are closed.", required=True),
    Field("on_time", "integer", "On time", "How many of these were closed within their standard.", required=True),
    Field("late", "integer", "Late", "How many were closed after it, or are open beyond it.", required=True),
    Field("pending", "integer", "Not due yet", "How many are open and within it.", required=True),
    Field("no_standard", "integer", "No standard", "How many have none.", required=True),
    Field("timed", "integer", "Timed", "How many the hours below rest on, open ones censored.", required=True),
    Field(
        "closed_in_month", "integer", "Closed in the month", "How many were closed in it, whenever they were made.",
        required=True,
    ),
    *_OF_STANDARD,
    *(
        Field(f"{name}_hours{end}", "number", f"{title}{ends}", f"{about}{more}", unit="hour")
        for name, title, share in (("median", "Median", "half"), ("p90", "90th percentile", "nine of ten"))
        for about in (f"Hours by which {share} of the month's requests were closed (Kaplan-Meier, right within 0.5%)",)
        for end, ends, more in (
            ("", "", "; empty: not yet."),
            ("_lower", ", lower end", ": lower end of the 95% interval."),
            ("_upper", ", upper end", ": upper end of the 95% interval; empty: not reached."),
        )
    ),
)  # fmt: skip
STANDARD_FIELDS = (
    Field("service_code", "string", "Service code", "As in requests.", required=True),
    Field("service_name", "string", "Service", "In words.", required=True),
    Field("department", "string", "Department", "Code of the department that most of its requests go to."),
    Field(
        "set_by", "string", "Set by",
        "configuration: the city's hours for the service; source: the due time of each request; both; none.",
        ("configuration", "source", "both", "none"), required=True,
    ),
    Field("target_hours", "number", "Standard", "Hours to close that the city's configuration sets.", unit="hour"),
    Field("hours_min", "number", "Shortest", "Shortest time that a request was given.", unit="hour"),
    Field("hours_median", "number", "Median", "Half of the requests were given at most so long.", unit="hour"),
    Field("hours_max", "number", "Longest", "Longest time that a request was given.", unit="hour"),
    Field("requests", "integer", "Requests", "How many there are.", required=True),
    Field("on_time", "integer", "On time", "How many were closed within the standard.", required=True),
    Field("late", "integer", "Late", "How many were closed after it, or are open beyond it.", required=True),
    Field("pending", "integer", "Not due yet", "How many are open and within it.", required=True),
    Field("no_standard", "integer", "No standard", "How many have none.", required=True),
    *_OF_STANDARD,
)  # fmt: skip
SMALL: dict[str, Sequence[Field]] = {
    "figures": FIGURE_FIELDS,
    "standards": STANDARD_FIELDS,
    "annotations": ANNOTATION_FIELDS,
    "demographics": DEMOGRAPHIC_FIELDS,
    "services": SERVICE_FIELDS,
    "departments": DEPARTMENT_FIELDS,
    "changes": CHANGE_FIELDS,
    "retroactive_edits": EDIT_FIELDS,
    "withdrawn": WITHDRAWN_FIELDS,
    "exclusions": EXCLUSION_FIELDS,
    "measures": MEASURE_FIELDS,
    "feedback": FEEDBACK_FIELDS,
    "feedback_monthly": FEEDBACK_MONTHLY_FIELDS,
    "monthly": MONTHLY_FIELDS,
    "located_by": LOCATED_BY_FIELDS,
    "area_probabilities": PROBABILITY_FIELDS,
    "address_points": POINT_FIELDS,
    "street_segments": SEGMENT_FIELDS,
    "intersections": CROSSING_FIELDS,
    "place_names": NAME_FIELDS,
}


def small_fields(name: str, config: CityConfig) -> list[Field]:
    """The columns of one of the other tables, in order: only what the city's privacy policy releases."""
    if name == "incidents":
        return [*_INCIDENT_FIELDS, *(layer_field(layer) for layer in config.layers)]
    return [f for f in SMALL[name] if f.released(config.privacy.publish)]
