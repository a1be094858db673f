"""One source as it stands: its state as a sentence, what of it was refused and why, and its last runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dash import html

from portal.charts import runs as drawing
from portal.components.labels import REASONS, RUN_ENDS, SOURCE_KINDS, named, source_name
from portal.components.parts import Bar, Column, chart, table
from portal.status import SourceRun, SourceStatus
from portal.text import _, ago_words, day_short, listed, local, ngettext, number, seconds_words, time_short, time_words

CHARTED = 20
LISTED = 5
CHART_FROM = 3
"""Fewer runs are a table alone."""

MARKS = {"loaded": "●", "unchanged": "●", "unavailable": "×", "refused": "×"}


@dataclass(frozen=True)
class Clock:
    """Now, and the city's time zone."""

    now: datetime
    timezone: str

    def ago(self, moment: datetime) -> str:
        """'12 minutes ago'."""
        return ago_words(moment, self.now)

    def at(self, moment: datetime) -> Any:
        """'Nov 22, 2026, 6:58 p.m.'"""
        return html.Time(time_short(moment, self.timezone), dateTime=moment.isoformat())


def source_part(source: SourceStatus, key: str, clock: Clock) -> Any:
    """A source with everything that is known of it; `key` makes its ids unique on the page."""
    name = source_name(source.source)
    return html.Section(
        [
            html.Div(
                [
                    html.H3(name, id=key),
                    html.P([_state_mark(source.state), _kind(source)], className="source-kind"),
                ],
                className="source-head",
            ),
            html.P(state_sentence(source, clock), className="source-state"),
            _facts(source, clock),
            _refused(source, key, name),
            *_runs(source, key, name, clock),
        ],
        className="source",
        **{"aria-labelledby": key},
    )


def state_sentence(source: SourceStatus, clock: Clock) -> str:
    """'Answered 12 minutes ago; its newest data was 3 hours old by then.' and the like for every state."""
    answered = clock.ago(source.answered) if source.answered else ""
    asked = clock.ago(source.runs[0].started) if source.runs else ""
    newest = _("Its newest data is from {ago}.").format(ago=clock.ago(source.as_of)) if source.as_of else ""
    sentences: dict[str, Callable[[], str]] = {
        "loaded": lambda: _("Answered {ago}.").format(ago=answered or asked),
        "unchanged": lambda: _("Answered {ago}; there was nothing new.").format(ago=answered or asked),
        "refused": lambda: _("Answered {ago}, but with something that could not be used.").format(
            ago=asked or answered
        ),
        "never": lambda: _("It has not been asked yet."),
    }
    if source.state == "unavailable":
        told = _("Did not answer when it was last asked, {ago}.").format(ago=asked) if asked else _("Does not answer.")
        last = _("It last answered {ago}.").format(ago=answered) if answered else _("It has never answered.")
        return " ".join(filter(None, [told, last, newest]))
    told = sentences[source.state]() if source.state in sentences else source.state.replace("_", " ").capitalize() + "."
    return " ".join(filter(None, [told, newest]))


def _state_mark(state: str) -> Any:
    words = _("Not asked yet") if state == "never" else named(RUN_ENDS, state)
    css = "failing" if MARKS.get(state) == "×" else "never" if state not in MARKS else "answering"
    return html.Span(
        [html.Span(MARKS.get(state, "○"), **{"aria-hidden": "true"}), " ", words], className=f"state {css}"
    )


def _kind(source: SourceStatus) -> Any:
    return [html.Span(named(SOURCE_KINDS, source.kind)), html.Code(source.source)]


def _facts(source: SourceStatus, clock: Clock) -> Any:
    facts = (
        (_("Newest data"), source.as_of),
        (_("Last answered"), source.answered),
        (_("Last brought something new"), source.loaded),
    )
    items = [html.Div([html.Dt(what), html.Dd(clock.at(moment))]) for what, moment in facts if moment]
    return html.Dl(items, className="facts") if items else None


def _refused(source: SourceStatus, key: str, name: str) -> Any:
    if source.quarantined is None:
        return html.P(
            _("How many of its rows are in quarantine is not told: of some sources they are too few."),
            className="detail",
        )
    if not source.reasons:
        if source.state == "never":
            return None
        return html.P(_("None of its rows is in quarantine."), className="detail")
    most = max(source.reasons.values())
    rows = [
        [named(REASONS, reason), Bar(number(n), n / (most or 1))]
        for reason, n in sorted(source.reasons.items(), key=lambda item: -item[1])
    ]
    caption = ngettext(
        "{n} row of “{name}” is in quarantine: it could not be trusted",
        "{n} rows of “{name}” are in quarantine: they could not be trusted", source.quarantined,
    ).format(n=number(source.quarantined), name=name)  # fmt: skip
    return table(caption, [Column(_("Why")), Column(_("Rows"), "bar")], rows, f"{key}-why")


def _runs(source: SourceStatus, key: str, name: str, clock: Clock) -> list[Any]:
    if not source.runs:
        return []
    shown = source.runs[:LISTED]
    columns = [
        Column(_("Started")), Column(_("Outcome")), Column(_("Took"), "number"), Column(_("Rows read"), "number"),
        Column(_("Of these")),
    ]  # fmt: skip
    cells = [
        [clock.at(run.started), named(RUN_ENDS, run.status), _took(run), _told(run.read), run_words(run)]
        for run in shown
    ]
    caption = _("The last run of “{name}”") if len(shown) == 1 else _("The last {n} runs of “{name}”")
    latest = table(caption.format(n=len(shown), name=name), columns, cells, f"{key}-runs")
    return [_chart(source, key, name, clock), latest] if len(source.runs) >= CHART_FROM else [latest]


def _chart(source: SourceStatus, key: str, name: str, clock: Clock) -> Any:
    runs = source.runs[:CHARTED]
    marks = [
        drawing.RunMark(
            _mark_kind(run.status), run.moved, day_short(local(run.started, clock.timezone).date()),
            f"{time_words(run.started, clock.timezone)}: {named(RUN_ENDS, run.status)}. {run_words(run)}",
        )
        for run in reversed(runs)
    ]  # fmt: skip
    title = _("The last {n} runs of “{name}”").format(n=len(runs), name=name)
    svg = drawing.runs(
        marks, f"{key}-chart", title,
        _("A dot is a run; the higher, the more rows it brought or changed. A cross is a run without an answer."),
    )  # fmt: skip
    columns = [
        Column(_("Started")), Column(_("Outcome")),
        *(Column(words, "number") for words in (
            _("Took"), _("Rows read"), _("New"), _("Changed"), _("Unchanged"), _("Older than known"), _("Withdrawn"),
            _("Quarantined"),
        )),
    ]  # fmt: skip
    cells = [
        [
            clock.at(run.started), named(RUN_ENDS, run.status), _took(run),
            *map(_told, (run.read, run.new, run.changed, run.unchanged, run.stale, run.withdrawn, run.quarantined)),
        ]
        for run in runs
    ]  # fmt: skip
    subtitle = _(
        "Rows that each run brought, changed or withdrew, oldest on the left. Each line is ten times the one below."
    )
    return chart(f"{key}-chart", title, subtitle, svg, columns, cells, level=4)


def _mark_kind(status: str) -> str:
    if status == "loaded":
        return drawing.LOADED
    return drawing.UNCHANGED if status == "unchanged" else drawing.FAILED


def run_words(run: SourceRun) -> str:
    """'12 new, 3 changed and 4,985 unchanged'."""
    counts = (
        (run.new, _("{n} new")), (run.changed, _("{n} changed")), (run.unchanged, _("{n} unchanged")),
        (run.stale, _("{n} older than known")), (run.withdrawn, _("{n} withdrawn")),
        (run.quarantined, _("{n} quarantined")),
    )  # fmt: skip
    return listed([words.format(n=number(n)) for n, words in counts if n]) or "–"


def _took(run: SourceRun) -> str:
    return "–" if run.seconds is None else seconds_words(run.seconds)


def _told(count: int | None) -> str:
    return "–" if count is None else number(count)
