"""What the newest runs did not do, said quietly: a source that does not answer, a release that is held back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import html

from portal import queries
from portal.components.labels import source_name
from portal.components.links import address
from portal.status import NOT_PUBLISHED, SourceStatus
from portal.text import N_, _, listed, ngettext, time_words

if TYPE_CHECKING:
    from portal.release import Release

HELD = {
    "held": N_("The newest data is held back until someone has looked at it, because it differs too much from before."),
    "failed": N_("The last run failed; nothing of it is shown."),
}


def notices(release: Release, link: bool = True) -> list[Any]:
    """One remark with everything that the newest runs did not do, or nothing at all."""
    status = queries.status(release).status
    if status is None:
        return []
    told = [_failing(list(status.failing), release)] if status.failing else []
    end = status.last_run
    if end is not None and end in NOT_PUBLISHED:
        told.append(_(HELD[end]))
    if not told:
        return []
    as_of = _("The figures are as of {time}.").format(time=time_words(release.as_of, release.city.timezone))
    words: list[Any] = [" ".join(sentence.replace("..", ".") for sentence in [*told, as_of])]  # "12:11 a.m.."
    if link:
        words += [" ", html.A(_("Sources and runs"), href=address("/sources"))]
    return [html.Div(html.P(words), className="remark warn quiet", role="note")]


def _failing(failing: list[SourceStatus], release: Release) -> str:
    if len(failing) > 1:
        names = listed([f"“{source_name(source.source)}”" for source in failing[:3]])
        words = ngettext("{n} source does not answer", "{n} sources do not answer", len(failing))
        return _("{sources}, among them {names}.").format(sources=words.format(n=len(failing)), names=names)
    source = failing[0]
    name = source_name(source.source)
    if source.state == "refused":
        return _("The last answer of the source “{name}” could not be used.").format(name=name)
    if source.answered is None:
        return _("The source “{name}” has not answered yet.").format(name=name)
    since = time_words(source.answered, release.city.timezone)
    return _("The source “{name}” has not answered since {time}.").format(name=name, time=since)
