"""Words for the codes of the data: outcomes, statuses, location sources, flags. Marked here, translated where shown."""

from __future__ import annotations

from portal.selection import NOT_STATED
from portal.text import N_, _

OUTCOMES = {
    "done": N_("Done"),
    "no_action": N_("No action taken"),
    "not_found": N_("Nothing found"),
    "duplicate": N_("Already reported"),
    "referred": N_("Passed to others"),
    "unknown": N_("Not said"),
}
OUTCOME_MEANINGS = {
    "done": N_("The record says that the work was done."),
    "no_action": N_("Closed without work: outside the rules, refused, or nothing to do."),
    "not_found": N_("Someone looked and did not find the problem."),
    "duplicate": N_("Closed because the same thing had been reported before."),
    "referred": N_("Handed to another agency, a utility or an owner."),
    "unknown": N_("Closed, and the record does not say what was done."),
}
STATUSES = {"open": N_("Open"), "closed": N_("Closed")}
ON_TIME = {
    "on_time": N_("On time"),
    "late": N_("Late"),
    "pending": N_("Not yet due"),
    "no_standard": N_("No standard"),
}
LOCATION_SOURCES = {
    "source": N_("Point given by the city's system"),
    "geocoder": N_("Found from the address"),
    "none": N_("Not located"),
}
LOCATION_NOTES = {
    "sentinel": N_("A placeholder point instead of a place"),
    "default_point": N_("A point that its source writes where it does not know the place"),
    "vague": N_("No point, and an address that tells the place only vaguely"),
    "contradicts_address": N_("A point too far from its own address; the address was taken"),
    "swapped": N_("Latitude and longitude in each other's place; mended"),
    "sign": N_("A coordinate without its sign; mended"),
    "projected": N_("Coordinates in meters or feet instead of degrees; mended"),
    "scaled": N_("Coordinates without their decimal point; mended"),
    "outside_city": N_("A point outside the city"),
    "missing": N_("No point and no usable address"),
    "withheld": N_("Withheld to protect privacy"),
}
METHODS = {
    "address_point": N_("address point"),
    "address_range": N_("house numbers of the block"),
    "between_points": N_("between neighbors"),
    "intersection": N_("crossing"),
    "block": N_("block"),
    "place": N_("named place"),
    "street": N_("street"),
    "area": N_("area"),
    "generalised": N_("not told, to protect privacy"),
}
"""How the geocoder found a place, in few words."""
METHOD_MEANINGS = {
    "address_point": N_("This very address is in the city's list of addresses."),
    "address_range": N_(
        "The address lies between the first and the last house number of its block, on its side of the street."
    ),
    "between_points": N_(
        "The address itself is not listed; it lies between its neighbors on the same side of the street."
    ),
    "intersection": N_("The point where the streets meet."),
    "block": N_("The block is known, the house is not: the mark stands in the middle of the block."),
    "place": N_("A place with a name, such as a park or a school: the mark stands in its middle."),
    "street": N_("Only the street is known: the mark stands in its middle."),
    "area": N_("Only the area is known: the mark stands in its middle."),
    "generalised": N_(
        "Found from the address; how is not told, because it would tell more of the place than the policy allows."
    ),
}
PLACE_KINDS = {
    "address": N_("Address"),
    "intersection": N_("Crossing"),
    "street": N_("Street"),
    "place": N_("Place"),
    "area": N_("Area"),
}
EXCLUSION_KINDS = {
    "quarantined": N_("Not in the record: the row could not be trusted"),
    "withdrawn": N_("No longer in the record: its source withdrew it"),
    "flagged": N_("Published, left out of some figures"),
    "not_located": N_("Published, not on the map"),
}
PRECISIONS = {
    "exact": N_("Where the source or the geocoder puts it"),
    "block_face": N_("A place on the same side of the same block"),
    "area": N_("The middle of its area"),
    "withheld": N_("Not told"),
    "none": N_("No point is known"),
}
LEVELS = {
    "block_face": N_("no more exact than the block"),
    "area": N_("no more exact than the area"),
    "withheld": N_("not told at all"),
}
REASONS = {
    "service_request_id_missing": N_("It has no request number."),
    "requested_datetime_missing": N_("It does not say when the request was made."),
    "requested_datetime_unreadable": N_("The time of the request cannot be read."),
    "requested_datetime_implausible": N_("The time of the request is before any record of this kind began."),
    "requested_datetime_in_future": N_("The time of the request lies in the future."),
    "conflicting_duplicate": N_(
        "The same number came more than once with different content, and nothing says which is right."
    ),
    "wrong_number_of_fields": N_("It has more or fewer fields than the file's first line names."),
    "measure_missing": N_("It does not say what was measured."),
    "direction_unknown": N_("It does not say whether higher or lower is better."),
    "period_start_unreadable": N_("The period's first day cannot be read."),
    "period_start_implausible": N_("The period is before any record of this kind began."),
    "period_start_in_future": N_("The period lies in the future."),
    "period_ends_before_it_begins": N_("The period ends before it begins."),
    "value_unreadable": N_("The value is not a number."),
    "value_out_of_range": N_("The value lies outside what its unit allows."),
    "feedback_id_missing": N_("The answer has no number."),
    "received_datetime_unreadable": N_("The time of the answer cannot be read."),
    "received_datetime_implausible": N_("The time of the answer is before any record of this kind began."),
    "received_datetime_in_future": N_("The time of the answer lies in the future."),
    "score_unreadable": N_("The score is not a number."),
    "score_out_of_range": N_("The score is not between 0 and 100."),
    "tied_to_nothing": N_("The answer names no request, department or counter."),
    "withdrawn_by_source": N_("Its source no longer has it."),
    "closed_before_requested": N_("It is closed before it was made; left out of response times."),
    "closed_without_time": N_("It is closed, but nothing says when; left out of response times."),
    "open_with_closed_time": N_("It is open, although a closing time is given; counted as open."),
    "unreadable_closed_datetime": N_("The closing time cannot be read."),
    "unreadable_updated_datetime": N_("The time of the last update cannot be read."),
    "unreadable_expected_datetime": N_("The due time cannot be read."),
    "repeated_hour": N_("A clock time in the hour that daylight saving repeats; the first of the two was taken."),
    "skipped_hour": N_("A clock time in the hour that daylight saving skips; it was moved one hour forward."),
    "unmapped_status": N_("The city's configuration does not know its status."),
    "location_contradicts_address": N_(
        "Its point and its address lie farther apart than both can err; the point was kept."
    ),
    "location_default_point": N_(
        "Its point is one that the source writes where it does not know the place; it was kept."
    ),
    "location_mistaken": N_(
        "Its point lies outside the city, and would not if its coordinates were mended; it was left alone."
    ),
    "unmapped_channel": N_("The city's configuration does not know how it was reported."),
}
"""Why a row is left out or doubted. A code that is not here speaks for itself."""
SOURCE_KINDS = {
    "file": N_("A file that the city provides"),
    "socrata": N_("The city's open-data site (Socrata)"),
    "ckan": N_("The city's open-data site (CKAN)"),
    "open311": N_("The city's 311 system (Open311)"),
    "arcgis": N_("The city's map server (ArcGIS)"),
    "sql": N_("A database of the city"),
}
RUN_ENDS = {
    "loaded": N_("Answered"),
    "unchanged": N_("Answered, nothing new"),
    "unavailable": N_("No answer"),
    "refused": N_("Answer not usable"),
}
EDITS = {
    "moved": N_("Moved to another time"),
    "removed": N_("Taken back"),
    "backdated": N_("Closed with an earlier date"),
}
EDITED_FIELDS = {"requested_datetime": N_("Time of the request"), "closed_datetime": N_("Closing time")}
REDACTED = {
    "name": N_("Names of people"),
    "phone": N_("Telephone numbers"),
    "email": N_("E-mail addresses"),
    "plate": N_("License plates"),
    "card": N_("Card numbers"),
    "ssn": N_("Social-security numbers"),
    "birth": N_("Dates of birth"),
    "handle": N_("Names on social media"),
    "ip": N_("Internet addresses"),
    "patterns": N_("All kinds but names together"),
}
ABOUT_FILES = (
    N_("One row for each service request."),
    N_("Boundaries of each layer and vintage; layers without boundaries have names only."),
    N_("Streets, water and parks that the map draws."),
    N_("What can be asked for, and the standard for it."),
    N_("Who answers."),
    N_("Published fields that changed since the release before."),
    N_("Opening and closing times that were changed after the fact, ever."),
    N_("Requests that were in the record and that their source no longer has."),
    N_("Periodic performance measures of departments and of the call centre."),
    N_("Satisfaction answers, one row for each."),
    N_("Satisfaction answers by department, channel and month."),
    N_("Requests by area, service and month; counts too small to be told are left empty."),
    N_("What is left out of the requests, of the map or of a figure, counted by reason."),
    N_("How the requests were placed, counted by source and method."),
    N_(
        "Where a request near a border may lie, given the error radius of its point: every area of some probability, for "
        "requests whose assignment is less sure than 99.5%."
    ),
    N_("The city's addresses that the geocoder knows."),
    N_("The city's streets with their ranges of house numbers, as the geocoder knows them."),
    N_("Where the city's streets meet."),
    N_("Other names of streets, and named places."),
)
"""Descriptions of files as releases give them, so that they can be translated where they are shown."""
DIMENSIONS = {
    "service": N_("Service"),
    "group": N_("Group of services"),
    "department": N_("Department"),
    "status": N_("Status"),
    "outcome": N_("Outcome"),
    "channel": N_("How it was reported"),
    "on_time": N_("Standard"),
}


def source_name(source: str) -> str:
    """A source's code as a name."""
    words = source.replace("_", " ").replace("-", " ").strip()
    return words[:1].upper() + words[1:]


def named(labels: dict[str, str], code: str | None) -> str:
    """The label of a code in the reader's language; an unknown code speaks for itself."""
    if code is None or code == NOT_STATED:
        return _("Not stated")
    return _(labels[code]) if code in labels else code.replace("_", " ")
