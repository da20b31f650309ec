"""Write the catalogue's template: every word of the pages that can be translated (gettext .pot).

    .venv/bin/python tools/page_words.py

A translation is a copy of it with the second lines filled in, compiled by `msgfmt` into
src/calcipath/locale/LANGUAGE/LC_MESSAGES/calcipath.mo. A test holds that the template is up to date.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "src" / "calcipath"
TEMPLATE = PACKAGE / "locale" / "calcipath.pot"
CONSTANTS = {
    "LEVELS",
    "URGENCIES",
    "FOOTER",
    "STRENGTHS",
    "LADDER",
}  # of output/wording.py, looked up when they are said
OTHERS = ("SUGGEST", "OPTION", "STOP", "AVOID", "NOTE", "DO")  # the capital words of recommendations
HEAD = (
    'msgid ""\nmsgstr ""\n"Project-Id-Version: calcipath\\n"\n"MIME-Version: 1.0\\n"\n'
    '"Content-Type: text/plain; charset=UTF-8\\n"\n"Content-Transfer-Encoding: 8bit\\n"\n'
)


def words_of(file: Path) -> Iterator[str]:
    """The texts that a module gives to `_`. Raises `ValueError` where it gives something that is no plain text."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_":
            text = node.args[0]
            if isinstance(text, ast.Constant) and isinstance(text.value, str):
                yield text.value
            elif isinstance(text, ast.JoinedStr):
                raise ValueError(f"{file.name}, line {node.lineno}: a text with values in it cannot be looked up")


def constants() -> Iterator[str]:
    """The words that stand in tables of `output/wording.py`."""
    tree = ast.parse((PACKAGE / "output" / "wording.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id in CONSTANTS:
            value = ast.literal_eval(node.value)
            listed = value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else (value,)
            yield from (each.replace("-", " ") if node.targets[0].id == "LADDER" else each for each in listed)


def template() -> str:
    """The whole file, in alphabetical order."""
    files = sorted([*(PACKAGE / "page").glob("*.py"), *(PACKAGE / "output").glob("*.py")])
    found = {text for file in files for text in words_of(file)} | set(constants()) | set(OTHERS)
    entries = (f'msgid "{_escaped(text)}"\nmsgstr ""\n' for text in sorted(found))
    return "\n".join([HEAD, *entries])


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


if __name__ == "__main__":
    TEMPLATE.parent.mkdir(exist_ok=True)
    TEMPLATE.write_text(template(), encoding="utf-8")
    sys.stdout.write(f"{TEMPLATE.name}: {template().count('msgid') - 1} texts\n")
