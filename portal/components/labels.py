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
    "outside_city": N_("A point outside the city"),
    "missing": N_("No point and no usable address"),
    "withheld": N_("Withheld to protect privacy"),
}
EXCLUSION_KINDS = {
    "quarantined": N_("Not published: the row could not be read"),
    "flagged": N_("Published, left out of some figures"),
    "not_located": N_("Published, not on the map"),
}
DIMENSIONS = {
    "service": N_("Service"),
    "group": N_("Group of services"),
    "department": N_("Department"),
    "status": N_("Status"),
    "outcome": N_("Outcome"),
    "channel": N_("How it was reported"),
    "on_time": N_("Standard"),
}


def named(labels: dict[str, str], code: str | None) -> str:
    """The label of a code in the reader's language; an unknown code speaks for itself."""
    if code is None or code == NOT_STATED:
        return _("Not stated")
    return _(labels[code]) if code in labels else code.replace("_", " ")
