"""Every kind of figure that has a receipt, by its name in addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from portal.errors import BadRequest, NotFound
from portal.queries.backlog import AGES_DAYS
from portal.queries.scans import OUTCOMES
from portal.receipts import changing, comparing, counting, course, places, record, standards
from portal.receipts.model import Kind, Receipt
from portal.selection import COLUMNS, Selection
from portal.text import N_

if TYPE_CHECKING:
    from portal.release import Release

_TIMES = N_(
    "Requests whose times contradict one another (closed before they were made, or after the data was taken) are left out "
    "of times, and counted everywhere else."
)
_ROWS = N_(
    "Rows that could not be trusted and rows that their source withdrew are in no figure; they are listed under Sources "
    "and runs."
)
_NOT_DUE = N_("Requests without a standard, and those whose standard has not come due, are in neither number.")
_VAGUE = N_(
    "Requests without a place, with one that is not published exactly, or one that is known only to a block or worse, are "
    "held against no other request."
)
_UNTOLD = N_(
    "Requests that are closed, but of which nobody can say when (no time, or one that contradicts the others), are not in "
    "the backlog of any day."
)
_HOURS = N_("hours; empty: not yet reached")
_BAND = N_("end of the 95% band, hours")
_SHARE = N_("a share, 0 to 1")
_SHARE_BAND = N_("end of its 95% interval (Wilson)")

_COUNTS: Final = {
    "requests": N_("requests"),
    "open": N_("requests that are still open"),
    "closed": N_("requests that are closed"),
}
_QUANTILES: Final = {
    "median_hours": _HOURS, "median_low": _BAND, "median_high": _BAND,
    "p90_hours": _HOURS, "p90_low": _BAND, "p90_high": _BAND,
}  # fmt: skip
_ON_TIME: Final = {"on_time_share": _SHARE, "on_time_share_low": _SHARE_BAND, "on_time_share_high": _SHARE_BAND}
_DONE: Final = {"done_share": _SHARE, "done_share_low": _SHARE_BAND, "done_share_high": _SHARE_BAND}

RECEIPTS: Final = {
    kind.name: kind
    for kind in (
        Kind(
            "counts",
            N_("How many, and what became of them"),
            N_("Counts of the selected requests. On time is the share, of those whose standard has come due, that were closed within it; open ones that are past due count as late. Done is a share of the closed ones."),  # noqa: E501
            (_ROWS,),
            {**_COUNTS, "open_share": _SHARE, **_ON_TIME, **_DONE},
            counting.counts,
        ),
        Kind(
            "response",
            N_("How long it takes"),
            N_("The time from request to closing by which half, three quarters and nine tenths were closed, open requests counted as not closed yet (Kaplan–Meier), with 95% bands on the log(-log) scale. The last column leaves the open ones out, as most portals do, and flatters."),  # noqa: E501
            (_TIMES, _ROWS),
            {
                "n": N_("requests with times"), "events": N_("of them closed"),
                "median_hours": _HOURS, "median_low": _BAND, "median_high": _BAND,
                "p75_hours": _HOURS, "p75_low": _BAND, "p75_high": _BAND,
                "p90_hours": _HOURS, "p90_low": _BAND, "p90_high": _BAND,
                "closed_only_hours": N_("hours, of the closed ones alone"),
            },
            counting.response,
        ),
        Kind(
            "by",
            N_("Figures of each group"),
            N_("Counts and times of each group. Times are of bins (each minute its own up to two hours, then 1% wide), and so right within half a percent."),  # noqa: E501
            (_TIMES, _ROWS),
            {"key": N_("the group"), **_COUNTS, **_QUANTILES, **_ON_TIME, **_DONE},
            counting.by,
            arguments=("dimension",),
            keyed=True,
        ),
        Kind(
            "months",
            N_("Figures of each month"),
            N_("Requests made in a month, requests closed in it, and those open at its end; times are of the requests made in the month, in bins 1% wide. Months are of the city's own clock."),  # noqa: E501
            (_TIMES, _ROWS),
            {
                "key": N_("the month"), "requested": N_("requests made in it"), "closed": N_("requests closed in it"),
                "open_at_end": N_("open at its end"), **_QUANTILES, **_ON_TIME,
            },
            counting.months,
            keyed=True,
        ),
        Kind(
            "backlog",
            N_("What was open at the end of a day"),
            N_("Requests that had been made and not been closed by the end of a day of the city's clock, by how long they had waited until then."),  # noqa: E501
            (_UNTOLD, _ROWS),
            {"open": N_("requests")} | {f"from_{days}_days": N_("requests that had waited so many days, or more, up to the next column") for days in (0, *AGES_DAYS)},  # noqa: E501
            counting.backlog,
            arguments=("at",),
        ),
        Kind(
            "late",
            N_("Late, beside what the mix of services leads one to expect"),
            N_("Expected is what would be late if each service were as often late here as in the whole selection (indirect standardisation). The ratio of observed to expected is above 1 where more is late than for the same services elsewhere; adjusted is this ratio times the city's share. Intervals are exact (Clopper–Pearson for the observed count, divided by the expected one)."),  # noqa: E501
            (_NOT_DUE, _ROWS),
            {
                "key": N_("the group"), "observed": N_("late requests"), "n": N_("requests whose standard has come due"),
                "expected": N_("late requests expected"), "raw": _SHARE, "city": N_("the city's share, 0 to 1"),
                "ratio": N_("observed / expected"), "adjusted": N_("the adjusted share, 0 to 1"),
                "mix": N_("part of the gap to the city that the mix of services explains"), "rest": N_("the other part"),
            },
            comparing.late,
            arguments=("dimension",),
            keyed=True,
        ),
        Kind(
            "speed",
            N_("Closings, beside what the same services lead one to expect"),
            N_("Expected closings are those of the requests at risk here at the pace of the whole selection for the same service at the same age (as in a log-rank test), open requests counted. Above 1 is faster. Intervals are exact (Poisson)."),  # noqa: E501
            (_TIMES, _ROWS),
            {
                "key": N_("the group"), "n": N_("requests with times"), "observed": N_("of them closed"),
                "expected": N_("closings expected"), "ratio": N_("observed / expected"),
            },
            comparing.speed,
            arguments=("dimension",),
            keyed=True,
        ),
        Kind(
            "time-ratio",
            N_("How many times as long as the same services elsewhere"),
            N_("The factor by which the times of the rest of the city have to be stretched, in every service alike, to expect as many closings as there were here. 1.5: the same things take one and a half times as long."),  # noqa: E501
            (_TIMES, _ROWS),
            {"time_ratio": N_("a factor")},
            comparing.time_ratio,
            arguments=("dimension", "key"),
        ),
        Kind(
            "course",
            N_("What became of requests as time went on"),
            N_("So many days after they were made: the share that still waits, and the share that ended in each way (competing risks, Aalen–Johansen), open requests counted for as long as they have been watched. Times are of bins 1% wide. A share is shown only while anybody was watched for so long."),  # noqa: E501
            (_TIMES, _ROWS),
            {"key": N_("days since the request"), "waiting": _SHARE} | dict.fromkeys(OUTCOMES, _SHARE),
            course.course,
            keyed=True,
        ),
        Kind(
            "mean",
            N_("The mean time to closing, up to a horizon"),
            N_("The mean time from request to closing when whoever takes longer than 90 days counts as 90 days (restricted mean: the area under the Kaplan–Meier curve). Without a horizon there is no mean while anything is open."),  # noqa: E501
            (_TIMES, _ROWS),
            {"mean_hours": N_("hours")},
            course.mean,
        ),
        Kind(
            "year-ago",
            N_("Change against the same months of the year before"),
            N_("Month by month, so that neither the season nor another number of requests per calendar month is taken for a change: both years are weighted by the same weights. Months that are too young to know how long their requests take are left out of both years; the query names those that were compared. Intervals: exact for numbers, Newcombe for shares, from both years' Kaplan–Meier bands for times."),  # noqa: E501
            (_TIMES, _ROWS),
            {
                "requests_ratio": N_("requests a day, now / before"), "late_now": _SHARE, "late_before": _SHARE,
                "late_difference": N_("now - before"), "median_now": _HOURS, "median_before": _HOURS,
                "median_difference": N_("hours, now - before"),
            },
            changing.changed,
        ),
        Kind(
            "linked",
            N_("Reports and things, repeats, closings worth a look"),
            N_("Requests that report one thing (same service, near, while it was open, sooner and nearer than chance) are one incident; the release says which. A repeat is the same service asked for again within 14 days of a closing and 50 m, unless the city states other limits. Flags are questions, never accusations: implausibly fast for the service, many at one instant, a text that nearly all closings share."),  # noqa: E501
            (_VAGUE, _ROWS),
            {
                "looked_at": N_("requests whose place is known well enough"), "incidents": N_("things that they report"),
                "repeats": N_("requests that repeat one that was closed"), "reopened": N_("requests that were closed and are not"),
                "flagged": N_("closings with a flag"), "fast": N_("implausibly fast for the service"),
                "bulk": N_("many closed at one instant"), "boilerplate": N_("a text that nearly all closings share"),
            },
            record.linked,
        ),
        Kind(
            "reporting",
            N_("How readily people report what is known already"),
            N_("Once a thing has been reported it is known to be there: the further reports that come until it is closed, or for seven days, tell how readily people report, whatever nobody reported (after Liu, Bhandaram & Garg). Expected is what the city's rates of the same services would give in as many days. It takes reports as independent, and duplicates as found equally well everywhere."),  # noqa: E501
            (_VAGUE, _ROWS),
            {
                "key": N_("the area's code"), "further": N_("reports after the first"), "days": N_("days watched"),
                "rate": N_("reports a day of a known thing"), "expected": N_("reports expected"),
                "ratio": N_("observed / expected"),
            },
            record.reporting,
            arguments=("layer",),
            keyed=True,
            files=("requests.parquet", "incidents.parquet"),
        ),
        Kind(
            "located",
            N_("Where the places come from"),
            N_("Requests at the source's own point, at the place of their address, and without a place."),
            (_ROWS,),
            {"key": N_("source, geocoder or none"), "requests": N_("requests")},
            places.located,
            keyed=True,
        ),
        Kind(
            "methods",
            N_("How the geocoder found them"),
            N_("Requests at the place of their address, by how it was found; the score is the chance of being right, the radius holds the true place in 95 of 100 cases."),  # noqa: E501
            (_ROWS,),
            {"key": N_("the method"), "requests": N_("requests"), "score": N_("median score, 0 to 1"),
             "radius_m": N_("median radius, metres")},
            places.methods,
            keyed=True,
        ),
        Kind(
            "expected-totals",
            N_("Totals of areas when locations are uncertain"),
            N_("Requests that are surely in an area count as one there; those near a border count in each area with the probability that they are in it."),  # noqa: E501
            (_ROWS,),
            {"key": N_("the area's code"), "expected": N_("expected number of requests")},
            places.expected_totals,
            arguments=("layer",),
            keyed=True,
            files=("requests.parquet", "area_probabilities.parquet"),
        ),
        *standards.KINDS,
    )
}  # fmt: skip


def receipt(release: Release, name: str, selection: Selection, arguments: dict[str, str]) -> Receipt:
    """The receipt of a figure; NotFound for a figure that there is none of, BadRequest where an argument is missing."""
    kind = RECEIPTS.get(name)
    if kind is None:
        raise NotFound(f"There is no receipt '{name[:40]}'; there are: {', '.join(RECEIPTS)}.")
    published = {f"{resource.name}.parquet" for resource in release.package.resources}
    if absent := [name for name in kind.files if name not in published]:
        raise NotFound(f"This release has no {absent[0]}, so there is no receipt '{name}' of it.")
    given = {key: arguments[key] for key in kind.arguments if arguments.get(key)}
    if missing := [key for key in kind.arguments if key not in given]:
        example = {"layer": next((layer.layer for layer in release.layers), "district")}.get(
            missing[0], next(iter(COLUMNS))
        )
        raise BadRequest(f"The receipt '{name}' needs {' and '.join(missing)}, such as {missing[0]}={example}.")
    return Receipt(kind, kind.sql(release, selection, given), release.id, given)
