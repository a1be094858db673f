"""SIGKILL while a system is asked for page after page: the next run asks for the pages it does not have, and no other."""

from __future__ import annotations

import copy
import os
import signal
from pathlib import Path
from typing import Any

import yaml

from etl.publish import chain
from tests.etl.extract.servers import SocrataServer
from tests.etl.survival.conftest import MakeWorld
from tests.etl.survival.support import World, contents, said, tables_of, wait_for

PAGE = 20
PAGES = 12
KILLED_AFTER = (1, 2, 5, 9)


def _rows() -> list[dict[str, Any]]:
    return [
        {
            ":id": f"row-{n:04d}", ":updated_at": f"2024-03-01T00:{n // 60:02d}:{n % 60:02d}.000Z", ":created_at": None,
            "ID": str(n), "OPENED": "02/01/2024 10:00", "STATUS": "open", "SERVICE": "Pothole", "DEPT": "PW",
            "CHANNEL": "phone", "LAT": "42.35", "LON": "-71.10",
        }
        for n in range(PAGE * PAGES)
    ]  # fmt: skip


def _asked_by_socrata(world: World, server: SocrataServer, name: str, folder: Path) -> World:
    """The world with its one source reached by pages."""
    config = yaml.safe_load(world.yaml.read_text(encoding="utf-8"))
    calls = copy.deepcopy(config["sources"]["calls"])
    mapped = {"service_request_id", "requested_datetime", "status", "service_name", "department", "channel"}
    calls["columns"] = {name: column for name, column in calls["columns"].items() if name in mapped}
    for key in ("path", "extract", "areas"):
        calls.pop(key, None)
    calls |= {"kind": "socrata", "url": server.url, "dataset": server.dataset, "page_size": PAGE}
    config["sources"] = {"calls": calls}
    config["layers"] = [layer for layer in config["layers"] if layer.get("files")]
    path = world.yaml.with_name(f"{name}.yaml")
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return World(folder, world.store, path, {1: {}, 2: {}}, world.driver)


def _pages_asked(server: SocrataServer) -> list[str]:
    return [asked.params.get("$where", "") for asked in server.requests if asked.path.startswith("/resource/")]


def test_a_killed_fetch_goes_on_where_it_was(worlds: MakeWorld) -> None:
    with SocrataServer(_rows()) as calm_server:
        base = worlds("sqlite")
        calm = _asked_by_socrata(base, calm_server, "calm", base.folder)
        calm.complete(1)
        once = _pages_asked(calm_server)
    assert len(once) == PAGES + 1, "an empty page is the end"
    with SocrataServer(_rows()) as server:
        base = worlds("sqlite")
        world = _asked_by_socrata(base, server, "killed", base.folder)
        journal = world.folder / "raw" / "calls" / ".fetching" / "journal.jsonl"
        for after in KILLED_AFTER:
            job = world.job(1)
            pid = world.driver.start(job)
            wait_for(lambda j=journal, n=after: _pages_kept(j) >= n, "pages did not come", pause=0.0005)  # type: ignore[misc]
            os.kill(pid, signal.SIGKILL)
            assert world.driver.wait(pid) == -signal.SIGKILL, said(job)
            assert contents(world.store) == {}
        kept, asked_before = _pages_kept(journal), len(server.requests)
        world.complete(1)
        again = [asked.params.get("$where", "") for asked in server.requests[asked_before:]]
    assert kept >= max(KILLED_AFTER)
    assert len(again) == PAGES + 1 - kept, "it asked for pages that it had, or again for the description"
    # At each kill one page may have been under way; no other was asked for twice.
    assert len(_pages_asked(server)) <= len(once) + len(KILLED_AFTER)
    assert set(_pages_asked(server)) == set(once)
    folders = [chain.current_folder(w.releases) for w in (calm, world)]
    assert folders[0] and folders[1] and tables_of(folders[0]) == tables_of(folders[1])


def _pages_kept(journal: Path) -> int:
    try:
        return sum('"rows"' in line for line in journal.read_text(encoding="utf-8").split("\n")[:-1])
    except OSError:
        return 0
