"""How soon hostile input is refused, at every door of a running portal: what took longest of each.

    python -m portal.bench_hostile http://127.0.0.1:8000 --repeat 3

Charter: questions that must be refused in; per door how many were, in how many milliseconds, and which were not. What is asked
is in `portal.hostile`.
"""

from __future__ import annotations

import argparse
import http.client
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from portal.bench_timing import load
from portal.hostile import Attack, attacks, release_of, wrong

TARGET_MS: Final = 100.0


class Answer(NamedTuple):
    """What came back."""

    status: int
    media_type: str
    body: bytes
    ms: float


def ask(address: str, attack: Attack, timeout: float = 60) -> Answer:
    """One question over a connection of its own, sent as it is: no client mends it on the way."""
    parts = urlsplit(address)
    begun = time.perf_counter()
    line = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
    line._validate_path = lambda _path: None  # type: ignore[attr-defined]
    try:
        line.putrequest(attack.method, attack.target, skip_accept_encoding=True)
        if attack.body:
            line.putheader("Content-Type", "application/json")
            line.putheader("Content-Length", str(len(attack.body)))
        line.endheaders()
        if attack.body:
            line.send(attack.body)
        answer = line.getresponse()
        # Of an answer that goes on for ever the beginning shows that it is one.
        body = answer.read(100_000)
        return Answer(answer.status, answer.getheader("content-type", ""), body, (time.perf_counter() - begun) * 1000)
    finally:
        line.close()


def bench(address: str, repeat: int, say: Callable[[str], Any] = print) -> list[str]:
    """Ask everything so often; what was wrong, a line each."""
    of_door: dict[str, list[tuple[float, Attack]]] = {}
    found: list[str] = []
    for attack in attacks(release_of(address)):
        answers = [ask(address, attack) for _ in range(repeat)]
        of_door.setdefault(attack.door, []).append((sorted(answer.ms for answer in answers)[repeat // 2], attack))
        last = answers[-1]
        if why := wrong(attack, last.status, last.media_type, last.body):
            found.append(f"{attack.door}: {attack.what}: {why}")
    say(f"hostile questions, the middle of {repeat}; load {load()}")
    say(f"{'door':34}{'asked':>7}{'p50 ms':>9}{'slowest':>9}   which")
    for door, took in of_door.items():
        took.sort(key=lambda each: each[0])
        slowest, which = took[-1]
        say(f"{door:34}{len(took):7}{took[len(took) // 2][0]:9.1f}{slowest:9.1f}   {which.what}")
    late = [(ms, attack) for took in of_door.values() for ms, attack in took if ms > TARGET_MS]
    say(f"over {TARGET_MS:.0f} ms: {len(late)}" + "".join(f"\n  {ms:.0f} {a.door}: {a.what}" for ms, a in late))
    say(f"not refused as they should be: {len(found)}" + "".join(f"\n  {each}" for each in found))
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address", help="of a running portal")
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args(arguments)
    if bench(given.address, given.repeat, print):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
