"""Verify a file: which release it is of, by a fingerprint that is worked out in the browser, or pasted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import html

from portal import queries
from portal.cited import moment_of
from portal.components.elements import Field
from portal.components.filters import labelled
from portal.components.links import address
from portal.components.page import Page
from portal.components.parts import breadcrumbs, code, page_head, section
from portal.components.take_chart import base_address
from portal.errors import BadRequest
from portal.queries.fingerprints import Known, described, known, read_fingerprint
from portal.selection import Selection
from portal.text import _, language, main_language, ngettext, number, size_words, time_words

if TYPE_CHECKING:
    from portal.release import Release

MOST_BYTES = 4 << 30
"""What the browser is asked to read: some 10 to 30 seconds for each gigabyte. The command line has no such bound."""


def layout(release: Release, selection: Selection, sha256: str = "") -> Page:
    """A form, and what is known of the fingerprint that was given."""
    del selection
    title = _("Verify a file")
    body = [
        breadcrumbs([(_("Data"), address("/data"))], title),
        page_head(title, html.P(_("Is the file that you hold what this city published? Its fingerprint tells."), className="lead")),
        *([section(_("Answer"), "answer", *_answer(release, sha256))] if sha256 else []),
        section(_("By the file"), "file", _chooser()),
        section(_("By its fingerprint"), "fingerprint", _form(sha256)),
        section(_("By program"), "program", *_commands(release)),
    ]  # fmt: skip
    return Page(
        title=title,
        description=_("Check that a downloaded file is what was published, by its fingerprint."),
        body=body,
        section="/data",
        status=200 if not sha256 or _digest(sha256) else 400,
    )


def _digest(given: str) -> str | None:
    """The fingerprint in one spelling; None for what is none."""
    try:
        return read_fingerprint(given)
    except BadRequest:
        return None


def _answer(release: Release, given: str) -> list[Any]:
    digest = _digest(given)
    if digest is None:
        words = _("This is no fingerprint: a SHA-256 has 64 digits, 0 to 9 and a to f.")
        return [html.P(words, className="note", role="status")]
    found = known(release, digest)
    shown = html.P(html.Code(digest, className="hash"))
    if found:
        return [
            html.P(html.Strong(_("Yes: not a byte of it differs from what was published.")), role="status"),
            shown,
            html.Ul([html.Li(_told(release, one)) for one in found]),
        ]
    total, at_hand = described(release)
    scope = _("It was compared with the files of {n} of the {total} releases in the chain.")
    return [
        html.P(html.Strong(_("No: it is no file of these releases.")), role="status"),
        shown,
        html.P(scope.format(n=number(at_hand), total=number(total))),
        html.P(_("A file that was filtered, or made for you in another format, has a fingerprint of its own and is not among them.")),
    ]  # fmt: skip


def _told(release: Release, one: Known) -> list[Any]:
    made = moment_of(one.release_id)
    when = f", {time_words(made, release.city.timezone)}" if made else ""
    size = f", {size_words(one.bytes)}" if one.bytes is not None else ""
    name: Any = html.Code(one.file)
    if one.kept:
        name = html.A(name, href=f"/download/release/{one.release_id}/{one.file}", download="")
    where = html.A(html.Code(one.release_id), href=address(f"/r/{one.release_id}"))
    return [name, size, ": ", _("release"), " ", where, when]


def _chooser() -> Any:
    """What assets/js/verify.js fills in: without scripts there is no way to read a file here."""
    words = {
        "choose": _("Choose a file, or drop it here"),
        "reading": _("Reading: {percent} %").format(percent="%s"),  # for the script
        "large": _("This file is larger than {size}: use the command line for it.").format(size=size_words(MOST_BYTES)),
        "failed": _("The file could not be read."),
    }
    told = _(
        "The fingerprint is worked out in your browser; the file is not sent anywhere. Files up to {size} can be read."
    )
    return html.Div(
        [
            html.P(told.format(size=size_words(MOST_BYTES))),
            html.Div(id="verify-file", **{"data-verify": "", **{f"data-{key}": text for key, text in words.items()}},
                     **{"data-most": str(MOST_BYTES)}),
            html.P(_("This needs JavaScript; without it work out the fingerprint yourself and paste it below."),
                   className="hint without-scripts"),
        ]
    )  # fmt: skip


def _form(sha256: str) -> Any:
    field = Field("search", "sha256", sha256[:80], id="sha256", describedby="sha256-hint")
    hint = _("64 digits, as sha256sum, Get-FileHash or certutil print them.")
    lang = [Field("hidden", "lang", language())] if language() != main_language() else []
    return html.Form(
        [
            *lang,
            labelled(_("Fingerprint (SHA-256)"), "sha256", field, hint),
            html.Div(html.Button(_("Look it up"), type="submit", className="button"), className="form-actions"),
        ],
        method="get",
        action="/verify",
        id="verify-form",
    )


def _commands(release: Release) -> list[Any]:
    base = base_address()[0] or "https://…"
    count = len(queries.chain(release))
    whole = ngettext(
        "The whole chain of {n} release, every file hashed again:",
        "The whole chain of {n} releases, every file hashed again:",
        count,
    ).format(n=number(count))
    return [
        code("sha256sum requests.parquet                      # Linux\nshasum -a 256 requests.parquet                  # macOS\n"
             "Get-FileHash requests.parquet                   # Windows", _("Commands for a fingerprint")),
        html.P(_("One file, against this portal:")),
        code(f"openward release verify {base} --file requests.parquet", _("Command to verify a file")),
        html.P(whole),
        code(f"openward release verify {base}", _("Command to verify the chain")),
    ]  # fmt: skip
