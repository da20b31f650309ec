"""Refuses files that name a package registry's host or an absolute path of the machine they were written on.

Looks at what git tracks, or, where there is no git, at every file that is not ignored by name.
Exit status 1 and one line for each place, else a count of the files that were read.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOT_OURS = {".git", ".venv", "node_modules", "__pycache__", "build", "dist", "mutants"}
# Split so that this file does not name what it looks for.
REGISTRY_HOSTS = (
    "py" + "pi.org",
    "python" + "hosted.org",
    "registry." + "npmjs",
    "npm" + "js.org",
    "deb." + "debian.org",
)
MACHINE_PATHS = ("/wor" + "k/", "/ro" + "ot/", "/ho" + "me/", "/Us" + "ers/")
FORBIDDEN = re.compile("|".join([*map(re.escape, REGISTRY_HOSTS), *(rf"(?<![\w.}}]){path}" for path in MACHINE_PATHS)]))


def tracked_files() -> Iterator[Path]:
    """The files of the project, as git knows them (new files that are not ignored included)."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listing.returncode == 0:
        names = listing.stdout.decode().split("\0")
        yield from (ROOT / name for name in names if name and (ROOT / name).is_file())
        return
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        if path.is_file() and not any(part in NOT_OURS or part.endswith(("_cache", ".egg-info")) for part in parts):
            yield path


def offences(path: Path) -> Iterator[str]:
    """One line for each place of a text file that names what it must not."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return
    for number, line in enumerate(text.splitlines(), start=1):
        found = FORBIDDEN.search(line)
        if found:
            yield f"{path.relative_to(ROOT)}:{number}: names {found.group()!r}"


def main() -> int:
    files = list(tracked_files())
    found = [offence for path in files for offence in offences(path)]
    print("\n".join(found) if found else f"{len(files)} files name no registry host and no path of this machine")
    return 1 if found or not files else 0


if __name__ == "__main__":
    sys.exit(main())
