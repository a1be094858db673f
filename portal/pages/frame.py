"""The map's own page, shown in the frame of `/map`: words and addresses for `geo.maps`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from geo.maps import MapConfig, MapPage, map_page
from portal import queries
from portal.components.labels import LOCATION_NOTES, METHODS, REASONS
from portal.selection import NOT_STATED
from portal.selection_query import KEYS
from portal.text import FEW, N_, _, answering, date_words, language, local

if TYPE_CHECKING:
    from portal.release import Release

WORDS = {
    "open": N_("Open"),
    "closed": N_("Closed"),
    "requests": N_("Requests"),
    "cells": N_("Several at once: the larger, the more"),
    "zoom_in": N_("Zoom in"),
    "zoom_out": N_("Zoom out"),
    "count": N_("Requests by area"),
    "median": N_("Half closed within"),
    "open_share": N_("Share still open"),
    "on_time": N_("Share closed on time"),
    "few": N_("too few to say"),
    "rate": N_("Requests per 1,000 residents"),
    "p90": N_("9 in 10 closed within"),
    "done": N_("Share done, of those closed"),
    "hatched": N_("Hatched: under {n} requests, too few to say"),
    "hatched_none": N_("Hatched: none"),
    "hatched_rate": N_("Hatched: under {n} requests, or residents not known: too few to say"),
    "parts_at": N_("All of these together: {n}"),
    "parts_first": N_("All of the first map together: {n}"),
    "both": N_("One scale for both maps."),
    "second": N_("second map"),
    "under": N_("under {n}"),
    "from": N_("{n} or more"),
    "none": N_("none"),
    "unreached": N_("not yet reached"),
    "close": N_("Close"),
    "area_page": N_("All figures of this area"),
    "record": N_("All about this request"),
    "zoom_here": N_("Zoom in here"),
    "nothing": N_("Nothing here. Move the cross to a mark or an area."),
    "block_face": N_("Somewhere on this block"),
    "area": N_("Somewhere in this area"),
    "within": N_("Found from its address: the true place is within {n} m of the mark in 95 of 100 cases"),
    "by": N_("How: {method}"),
    "asked": N_("Asked for on {date}"),
    "many": N_("{n} requests"),
    "minutes": N_("{n} minutes"),
    "hours": N_("{n} hours"),
    "days": N_("{n} days"),
    "months": N_("{n} months"),
    "years": N_("{n} years"),
    "range": N_("{low} to {high}"),
    "loading": N_("Loading the map…"),
    "failed": N_("Part of the map could not be loaded. Move the map to try again."),
    "keys": N_("Arrows move the map. Enter tells what is under the cross."),
    "no_script": N_("The map needs JavaScript; the tables below hold the same figures."),
    "marked": N_("The place you looked for"),
    "marked_radius": N_("The true place is in the circle in 95 of 100 cases"),
    "outlined": N_("What the requests are narrowed to"),
    "tools": N_("Tools of the map"),
    "draw": N_("Draw an area"),
    "draw_taps": N_("Tap the map to place corners, and the first corner again to close the area."),
    "draw_keys": N_(
        "With a keyboard: arrows move the map, Enter places a corner at the cross, Backspace takes the last one "
        "back, Escape cancels."
    ),
    "draw_finish": N_("Finish"),
    "draw_back": N_("Take back"),
    "draw_placed": N_("Corner {n} is placed"),
    "draw_left": N_("Corners left: {n}"),
    "draw_more": N_("An area has at least 3 corners."),
    "draw_most": N_("{n} corners are the most."),
    "draw_crosses": N_("Here the outline would cross itself. Place the corner elsewhere."),
    "draw_done": N_("The page now shows the requests in the outline."),
    "draw_off": N_("Nothing was drawn."),
    "draw_gone": N_("Take the outline away"),
    "cancel": N_("Cancel"),
    "file": N_("Upload an outline (GeoJSON)"),
    "file_no_json": N_("This file is no GeoJSON."),
    "view": N_("What the map shows"),
    "view_told": N_("The requests in the part of the map that is in view. Those without a place are not among them."),
    "view_whole": N_("The outline that was drawn stays as it is, with its parts out of view."),
    "view_none": N_("Nothing that the page is narrowed to is in view."),
    "view_list": N_("As a list"),
    "view_data": N_("As data"),
    "file_none": N_("There is no polygon in this file."),
    "file_degrees": N_("The corners of this outline are no longitudes and latitudes (WGS 84)."),
    "file_elsewhere": N_("This outline is not in this city."),
    "file_crosses": N_("This outline crosses itself, or encloses nothing."),
    "file_large": N_("This file is larger than 8 MB."),
    "file_largest": N_("The largest of {n} polygons is used."),
    "file_holes": N_("Its holes are filled: what lies in them is counted as well."),
    "file_simpler": N_("The outline was simplified to {n} corners."),
    "time": N_("Month by month"),
    "time_month": N_("Month"),
    "time_play": N_("Play the months"),
    "time_pause": N_("Pause"),
    "time_next": N_("Next month"),
    "time_use": N_("Use this month"),
    "time_all": N_("All months"),
    "time_none": N_("There are no months to show."),
    "picture": N_("Save as a picture (PNG)"),
    "picture_requests": N_("Where the requests are"),
    "picture_data": N_("Data as of {day}, release {release}."),
    "picture_makes": N_("Making the picture…"),
    "picture_failed": N_("The picture could not be made."),
    "full": N_("Full screen"),
    "leave_full": N_("Leave full screen"),
    "no_full": N_("This browser does not show the map on the full screen."),
    "legend": N_("Legend"),
    "details": N_("Details"),
}


CONTRADICTS = "location_contradicts_address"
NOTED = (
    "missing", "sentinel", "default_point", "outside_city", "swapped", "sign", "projected", "scaled",
    "contradicts_address",
)  # fmt: skip
"""What may be wrong with the source's own point of a request that is on the map."""


def residents(release: Release) -> dict[str, dict[str, int]]:
    """How many people live in each area, by layer; layers of which nothing is known are left out."""
    known = {
        layer.layer: {area.area: area.population for area in queries.areas(release, layer.layer) if area.population}
        for layer in release.layers
        if layer.geometry
    }
    return {layer: people for layer, people in known.items() if people}


def _words() -> dict[str, str]:
    words = {key: _(text) for key, text in WORDS.items()}
    words |= {f"method_{method}": _(label) for method, label in METHODS.items()}
    words |= {f"note_{note}": _(LOCATION_NOTES[note]) for note in NOTED if note != "missing"}
    words["note_missing"] = _("Its source gave no point")
    reason = REASONS[CONTRADICTS]
    words[f"note_{CONTRADICTS}"] = _(reason)
    return words


def frame(release: Release, search: str = "", accept_language: str = "") -> MapPage:
    """The folium page for a release. Filters are read from its address by `assets/js/map.js`."""
    first, last = queries.period(release)
    with answering(release.city.languages, search, accept_language):
        return map_page(
            MapConfig(
                title=_("Map of service requests in {city}").format(city=release.city.name),
                language=language(),
                bbox=release.city.bbox,
                tiles=f"/tiles/{release.id}/{{layer}}/{{z}}/{{x}}/{{y}}.mvt",
                values="/api/v1/by/{layer}",
                response="/api/v1/response",
                residents=residents(release),
                not_stated=NOT_STATED,
                first=first.isoformat() if first else "",
                last=last.isoformat() if last else "",
                layers={layer.layer: layer.title for layer in release.layers if layer.geometry},
                words=_words(),
                attribution=release.city.attribution,
                release=release.id,
                as_of=date_words(local(release.as_of, release.city.timezone).date()),
                accent=release.city.accent,
                few=FEW,
                filters=KEYS,
            )
        )
