"""Runs the worked examples of docs/dosing.md: draws their pictures and writes their figures under each command.

.venv/bin/python tools/dose_examples.py
"""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from typing import Any

from calcipath import cli, dose_command

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "dosing.md"
BLOCK = re.compile(r"```console\n(calcipath dose [^\n]+)\n```\n(?:\n\|[^\n]*(?:\n\|[^\n]*)*\n)?(?:\n!\[[^\n]*\n)?")
HEADS = ("weekly AUC", "peak", "removed by dialysis", "sodium a week", "times the reference", "under the other reading", "dose of equal exposure")  # fmt: skip


def commands(text: str) -> list[str]:
    """The commands of the examples, in order."""
    return [match[1] for match in BLOCK.finditer(text)]


def parsed(command: str) -> Any:
    """The options of a command."""
    return cli._parser().parse_args(shlex.split(command)[1:])  # noqa: SLF001


def figures(answer: dict[str, Any]) -> list[str]:
    """The cells of the example's table."""
    exposure, matched = answer["exposure"], answer["matched"]
    first, other = (each["ratio"]["value"] for each in answer["scenarios"])
    dose = f"{matched['dose']['value']:g} g" if matched["dose"] else matched["status"]
    return [
        f"{exposure['weekly_auc']['value']:.1f} mmol·h/L",
        f"{exposure['peak']['value']:.2f} mmol/L",
        f"{exposure['fraction_removed_by_dialysis']['value']:.0%}",
        f"{exposure['sodium_per_week']['value']:.0f} mmol",
        f"{first:.2f}",
        f"{other:.2f}",
        dose,
    ]


def written(match: re.Match[str]) -> str:
    """The block of an example with its figures and picture."""
    chosen = parsed(match[1])
    chosen.plot = str(ROOT / chosen.plot)
    found = dose_command._answer(chosen)  # noqa: SLF001
    dose_command.run(chosen, 100, False)
    rows = [HEADS, ["---"] * len(HEADS), figures(found.answer)]
    table = "\n".join("| " + " | ".join(row) + " |" for row in rows)
    name = Path(chosen.plot).name
    picture = f"![Concentration over a week with sessions, spread between people]({'images/' + name})"
    return f"```console\n{match[1]}\n```\n\n{table}\n\n{picture}\n"


def main() -> None:
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(BLOCK.sub(written, text), encoding="utf-8")
    sys.stdout.write(f"{len(commands(text))} examples\n")


if __name__ == "__main__":
    main()
