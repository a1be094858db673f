"""Verification from outside: a portal's releases over HTTP, a release folder that was downloaded, a single file.

Charter: the same checks as `chain.verify`, of what someone else keeps. Nothing is written, and of each file only its hash
is kept in memory. What serves pages, the index, is no part of the record and is not looked at.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol, Self
from urllib.parse import quote, urlsplit

import httpx

from etl.disk import sha256_of
from etl.errors import ReleaseError, SourceUnavailable
from etl.publish import manifest
from etl.publish.chain import CHAIN, PACKAGE, RELEASE_ID, Finding, Link, belongs, read_log

MOST_TEXT: Final = 64 << 20
"""Bytes of a chain or a description: what is larger is neither."""
TIMEOUT_S: Final = 60.0
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}")
"""What a file of a release may be called: no way out of its folder, and nothing that a terminal would obey."""
_SHA256: Final = re.compile("[0-9a-f]{64}")
Say = Callable[[str], None]


class Kept(Protocol):
    """Where a chain and what is kept of its releases can be read."""

    def chain(self) -> list[Link]:
        """Every release, the oldest first."""

    def package(self, release_id: str) -> bytes | None:
        """datapackage.json; None where it is not kept."""

    def ready(self, release_id: str) -> bytes | None:
        """The list of its ready files; None where it has none."""

    def digest(self, release_id: str, path: str) -> str | None:
        """sha256 of a file; None where it is not kept."""

    def current(self) -> str:
        """Id of the release that is shown."""


@dataclass(frozen=True)
class Folder:
    """A folder of releases."""

    path: Path

    def chain(self) -> list[Link]:
        """As `chain.read_log` reads it."""
        return read_log(self.path)

    def package(self, release_id: str) -> bytes | None:
        """From its folder."""
        path = self.path / release_id / PACKAGE
        return path.read_bytes() if path.is_file() else None

    def ready(self, release_id: str) -> bytes | None:
        """From the folder of its ready files."""
        path = self.path / release_id / manifest.PATH
        return path.read_bytes() if path.is_file() else None

    def digest(self, release_id: str, path: str) -> str | None:
        """Of the file in its folder."""
        file = self.path / release_id / path
        return sha256_of(file) if file.is_file() else None

    def current(self) -> str:
        """What the link points at."""
        return (self.path / "current").readlink().name


class Portal:
    """A portal at an address; close it, or use it as a context manager."""

    def __init__(self, url: str) -> None:
        """ReleaseError for what is no web address."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ReleaseError(f"{url}: not a portal's address, such as https://data.example.org")
        self.url = url.rstrip("/")
        self._client = httpx.Client(timeout=TIMEOUT_S, follow_redirects=True, headers={"Accept-Encoding": "identity"})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._client.close()

    def chain(self) -> list[Link]:
        """From the API."""
        text = self._text(f"/api/v1/{CHAIN}")
        if text is None:
            raise ReleaseError(f"{self.url}: has no chain of releases at /api/v1/{CHAIN}; is it an Openward portal?")
        try:
            return [_link(line) for line in text.splitlines() if line.strip()]
        except (ValueError, TypeError, KeyError) as error:
            raise ReleaseError(f"{self.url}/api/v1/{CHAIN}: is not a chain of releases ({error})") from error

    def package(self, release_id: str) -> bytes | None:
        """From the downloads."""
        return self._text(_address(release_id, PACKAGE))

    def ready(self, release_id: str) -> bytes | None:
        """From the downloads."""
        return self._text(_address(release_id, manifest.PATH))

    def digest(self, release_id: str, path: str) -> str | None:
        """Of the file as it comes over the wire."""
        digest = hashlib.sha256()
        for part in self._parts(_address(release_id, path)):
            if part is None:
                return None
            digest.update(part)
        return digest.hexdigest()

    def current(self) -> str:
        """From the API."""
        try:
            return str(json.loads(self._text("/healthz") or b"{}")["release_id"])
        except (ValueError, KeyError, TypeError):
            return "nothing that exists"

    def _text(self, path: str) -> bytes | None:
        found = b""
        for part in self._parts(path):
            if part is None:
                return None
            found += part
            if len(found) > MOST_TEXT:
                raise ReleaseError(f"{self.url}{path}: is larger than {MOST_TEXT >> 20} MB, which it never is")
        return found

    def _parts(self, path: str) -> Iterator[bytes | None]:
        """The body in parts; one None where there is no such thing."""
        try:
            with self._client.stream("GET", self.url + path) as answer:
                if answer.status_code in (404, 410):
                    yield None
                    return
                if answer.status_code != 200:
                    raise SourceUnavailable(f"{self.url}{path}: answered {answer.status_code}; try again later")
                yield from answer.iter_bytes(1 << 20)
        except httpx.HTTPError as error:
            raise SourceUnavailable(
                f"{self.url}{path}: does not answer ({str(error) or type(error).__name__})"
            ) from error


def verify_kept(kept: Kept, only: str | None = None, say: Say | None = None) -> list[Finding]:
    """Follow the chain from the first release on, and hash every kept file again. `only` names one release."""
    chain = kept.chain()
    if not chain:
        raise ReleaseError("no release has been published there yet")
    if only is not None and only not in {link.release_id for link in chain}:
        raise ReleaseError(f"there is no release '{only}' in the chain, which ends with {chain[-1].release_id}")
    findings: list[Finding] = []
    before: Link | None = None
    newest = chain[-1].release_id
    for link, after in zip(chain, [*chain[1:], None], strict=True):
        if only in (None, link.release_id):
            findings += _one(kept, link, before, after, say or (lambda _words: None))
        before = link
    shown = kept.current()
    findings.append(Finding(newest, "current", shown == newest, "" if shown == newest else f"{shown} is shown"))
    return findings


def _one(kept: Kept, link: Link, before: Link | None, after: Link | None, say: Say) -> Iterator[Finding]:
    name, newest = link.release_id, after is None
    say(name)
    follows = link.previous == (before.release_id if before else None)
    yield Finding(name, "chain", follows, "" if follows else f"does not follow {before and before.release_id}")
    text = kept.package(name)
    if text is None:
        note = "is missing" if newest else "not kept; its hash is in the chain"
        yield Finding(name, PACKAGE, not newest, note)
        return
    if hashlib.sha256(text).hexdigest() != link.sha256:
        yield Finding(name, PACKAGE, False, "differs from the hash in the chain")
        return
    yield Finding(name, PACKAGE, True)
    package = _package(name, text)
    yield from belongs(package, link, before)
    found: dict[str, tuple[str, str | None]] = {}
    for path, digest in expected(package).items():
        say(f"{name} {path}")
        found[path] = (digest, kept.digest(name, path))
    if not newest and not any(got for _, got in found.values()):
        yield Finding(name, "files", True, "not kept; their hashes are in its description")
        found = {}
    for path, (digest, got) in found.items():
        yield Finding(
            name, path, got == digest, "" if got == digest else "is missing" if got is None else "differs from its hash"
        )

    def hashed(path: str) -> str | None:
        say(f"{name} {path}")
        return kept.digest(name, path)

    for told in manifest.check(package, kept.ready(name), _carried(kept, after), hashed, current=newest):
        yield Finding(name, *told)


def _carried(kept: Kept, after: Link | None) -> manifest.Carried:
    """What the release after one says of its ready files, where its description is kept and is what the chain names."""
    text = kept.package(after.release_id) if after else None
    if after is None or text is None or hashlib.sha256(text).hexdigest() != after.sha256:
        return manifest.Carried()
    return manifest.Carried.by(_package(after.release_id, text))


def verify_release(folder: Path, chain: list[Link] | None = None, say: Say | None = None) -> list[Finding]:
    """One release's folder by itself; `chain`, where there is one, says what its description must be."""
    path = folder / PACKAGE
    text = path.read_bytes() if path.is_file() else b""
    package = _package(folder.name, text)
    name = str(package["openward"].get("release_id"))
    findings = []
    if chain is not None:
        sha256 = {link.release_id: link.sha256 for link in chain}.get(name)
        same = sha256 == hashlib.sha256(text).hexdigest()
        note = "is not in the chain" if sha256 is None else "" if same else "differs from the hash in the chain"
        findings.append(Finding(name, PACKAGE, same, note))
    for file, digest in expected(package).items():
        if say:
            say(file)
        there = (folder / file).is_file()
        same = there and sha256_of(folder / file) == digest
        findings.append(Finding(name, file, same, "" if same else "differs from its hash" if there else "is missing"))
    listed = folder / manifest.PATH
    ready = listed.read_bytes() if listed.is_file() else None

    def hashed(file: str) -> str | None:
        return sha256_of(folder / file) if (folder / file).is_file() else None

    # Alone it cannot be held against the release after it; a folder that was not downloaded is no mistake.
    told = manifest.check(package, ready, manifest.Carried(), hashed, current=False)
    return findings + [Finding(name, *one) for one in told]


def find_file(kept: Kept, sha256: str, say: Say | None = None) -> list[tuple[str, str]]:
    """Release and name of every published file with this hash, the newest first; empty: it is none of them.

    A description counts only if it is the one that the chain names, and a list of ready files if the release after it
    names that; of the newest release there is none yet, and its list counts as it is.
    """
    found = []
    chain = kept.chain()
    for link, after in zip(reversed(chain), [None, *reversed(chain[1:])], strict=True):
        if say:
            say(link.release_id)
        if link.sha256 == sha256:
            found.append((link.release_id, PACKAGE))
        text = kept.package(link.release_id)
        if text is None or hashlib.sha256(text).hexdigest() != link.sha256:
            continue
        of = expected(_package(link.release_id, text)) | _ready(kept, link, after)
        found += [(link.release_id, path) for path, digest in of.items() if digest == sha256]
    return found


def _ready(kept: Kept, link: Link, after: Link | None) -> dict[str, str]:
    """Ready files and their hashes, where their list can be believed; the list itself among them."""
    text = kept.ready(link.release_id)
    if text is None:
        return {}
    carried, digest = _carried(kept, after), hashlib.sha256(text).hexdigest()
    if carried.known and digest != carried.sha256:
        return {}
    files = manifest.read(link.release_id, text).files
    return {manifest.PATH: digest} | {f"{manifest.FOLDER}/{name}": sha256 for name, sha256 in files.items()}


def expected(package: dict[str, Any]) -> dict[str, str]:
    """Published files and their hashes, as a description names them."""
    return {r["path"]: r["hash"].removeprefix("sha256:") for r in package["resources"]}


def _package(name: str, text: bytes) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(text)
        previous = found["openward"].get("previous")
        ids = [found["openward"]["release_id"], *([previous["release_id"]] if previous else [])]
        hashes = [*expected(found).values(), *([previous["sha256"]] if previous else [])]
        if not (
            all(_NAME.fullmatch(path) for path in expected(found))
            and all(RELEASE_ID.fullmatch(each) for each in ids)
            and all(_SHA256.fullmatch(each) for each in hashes)
        ):
            raise ValueError("not as Openward writes it")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        said = "".join(letter if letter.isprintable() else "?" for letter in str(error))[:200]
        raise ReleaseError(f"{name}: {PACKAGE} cannot be read ({said})") from error
    return found


def _link(line: bytes) -> Link:
    found = json.loads(line)
    link = Link(str(found["release_id"]), str(found["sha256"]), found["previous"])
    if not RELEASE_ID.fullmatch(link.release_id):
        raise ValueError("a release's id is of another shape")
    return link


def _address(release_id: str, path: str) -> str:
    return f"/download/release/{quote(release_id, safe='')}/{quote(path)}"
