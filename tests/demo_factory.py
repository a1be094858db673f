"""Demo cities for tests that only need one of them: generated once in a process, and copied.

What is tested of the generator itself is generated where it is tested.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from dataclasses import fields, replace
from functools import cache
from pathlib import Path

from etl.demo import DemoFiles, generate


def small_demo(folder: Path) -> DemoFiles:
    """A demo city of 1,500 requests in a folder that is not there yet."""
    made, files = _made()
    shutil.copytree(made, folder)
    moved = {of.name: folder / path.relative_to(made) for of in fields(files) if (path := getattr(files, of.name))}
    return replace(files, **moved)


@cache
def _made() -> tuple[Path, DemoFiles]:
    folder = Path(tempfile.mkdtemp(prefix="openward-demo-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder / "city", generate(folder / "city", requests=1500, seed=3)
