"""The rooms of the package: who may import whom, and that the core does no I/O and reads no clock."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "src" / "calcipath"
CORE = ("guideline", "record", "thiosulfate", "course", "assessment")
# What each room may import besides itself; rooms that are not named here (the rim) may import any room but the doors.
ALLOWED = {room: set(CORE[:position]) for position, room in enumerate(CORE)}
# Rooms of the rim that stand on few others.
RIM = {"register": {"guideline", "record", "sources", "store"}}
SHARED = {"errors", "__version__"}  # below every room: no logic, no imports of ours
DOORS = {
    "accounts_command",
    "api",
    "cli",
    "dose_command",
    "generate_command",
    "screen_command",
    "serve_command",
    "record_options",
    "console",
}
# Input, output and the clock. `importlib.resources` is how the guideline reads its own files, and only it does.
FORBIDDEN_MODULES = {
    "asyncio", "fileinput", "glob", "http", "httpx", "io", "logging", "multiprocessing", "os", "pathlib", "random",
    "requests", "secrets", "shutil", "socket", "sqlite3", "ssl", "subprocess", "sys", "tempfile", "threading", "time",
    "urllib", "uuid",
}  # fmt: skip
FORBIDDEN_CALLS = {"open", "print", "input", "exec", "eval", "breakpoint"}
CLOCK = {"now", "today", "utcnow"}

PURE = ("hooks", "interview")  # rooms of the rim that are as pure as the core: a server only carries them

CORE_FILES = [file for room in CORE for file in sorted((PACKAGE / room).rglob("*.py"))]
ALL_FILES = sorted(PACKAGE.rglob("*.py"))


def room_of(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(file: Path, tree: ast.AST) -> Iterator[str]:
    """Full names of the modules that a file imports, relative ones resolved."""
    package = ("calcipath", *file.relative_to(PACKAGE).parts[:-1])
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*base, *([node.module] if node.module else [])))
            yield from (f"{module}.{alias.name}" for alias in node.names)


def own_rooms(names: Iterator[str]) -> set[str]:
    return {parts[1] for parts in (name.split(".") for name in names) if parts[0] == "calcipath" and len(parts) > 1}


def label(file: Path) -> str:
    return file.relative_to(PACKAGE).as_posix()


def test_the_rooms_are_there() -> None:
    assert {room_of(file) for file in CORE_FILES} == set(CORE)


@pytest.mark.parametrize("file", CORE_FILES, ids=label)
def test_a_core_room_imports_only_the_rooms_before_it(file: Path) -> None:
    room = room_of(file)
    rooms = own_rooms(imported(file, ast.parse(file.read_text(encoding="utf-8"))))
    assert rooms - {room} <= ALLOWED[room] | SHARED


@pytest.mark.parametrize("room", RIM)
def test_a_room_of_the_rim_stands_on_few_others(room: str) -> None:
    files = sorted((PACKAGE / room).rglob("*.py"))
    found = {own for file in files for own in own_rooms(imported(file, ast.parse(file.read_text(encoding="utf-8"))))}
    assert found - {room} - SHARED == RIM[room]


@pytest.mark.parametrize("file", ALL_FILES, ids=label)
def test_nothing_but_a_door_imports_a_door(file: Path) -> None:
    rooms = own_rooms(imported(file, ast.parse(file.read_text(encoding="utf-8"))))
    assert room_of(file) in DOORS | {"__main__"} or not rooms & DOORS


PURE_FILES = [file for room in PURE for file in sorted((PACKAGE / room).rglob("*.py"))]


def test_the_pure_rooms_are_there() -> None:
    assert {room_of(file) for file in PURE_FILES} == set(PURE)


@pytest.mark.parametrize("file", CORE_FILES + PURE_FILES, ids=label)
def test_the_core_does_no_io(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    modules = {name.split(".")[0] for name in imported(file, tree)}
    calls = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not modules & FORBIDDEN_MODULES
    assert not calls & FORBIDDEN_CALLS


@pytest.mark.parametrize("file", CORE_FILES, ids=label)
def test_the_core_reads_no_clock(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    methods = {
        node.func.attr for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    assert not methods & CLOCK


def test_an_import_of_a_later_room_would_be_seen() -> None:
    file = PACKAGE / "record" / "model.py"
    for source in ("from calcipath.assessment import x", "from ..assessment import x", "import calcipath.assessment.x"):
        assert "assessment" in own_rooms(imported(file, ast.parse(source)))
    assert "pathlib" in {name.split(".")[0] for name in imported(file, ast.parse("from pathlib import Path"))}
