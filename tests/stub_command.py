"""Runs the command with a stub in place of `calcipath.api`, so that the door is tested without the core.

The record's path is read as a finished assessment; STUB_ERROR names an error to raise instead, STUB_SLEEP waits.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from calcipath import errors
from calcipath.cli import main
from calcipath.options import AssessmentOptions
from calcipath.output.timeline import Series, Timeline

RECOMMENDATION = {
    "id": "replace-warfarin",
    "section": "anticoagulation",
    "statement": "Warfarin should probably be substituted by another anticoagulant.",
    "direction": "for",
    "strength": "suggest",
    "certainty": "very low",
    "applies": '"vitamin-k-antagonist"',
}


@dataclass(frozen=True)
class StubAssessment:
    answer: dict[str, Any]
    timeline: Timeline


def _troubled() -> None:
    name = os.environ.get("STUB_ERROR", "")
    if name == "KeyError":
        raise KeyError("Jane Doe, born 1950-01-01")
    if name == "OSError":
        raise PermissionError(13, "Permission denied", "record.json")
    if name:
        raise getattr(errors, name)("the stub says\nwhat is wrong")
    if os.environ.get("STUB_SLEEP"):
        print("asleep", file=sys.stderr, flush=True)
        time.sleep(30)


def assess_path(path: str, options: AssessmentOptions) -> StubAssessment:
    _troubled()
    answer = json.loads(Path(path).read_text(encoding="utf-8"))
    answer["patient"]["id"] = f"complete={sorted(options.complete)} notes={options.notes} as_of={options.as_of}"
    calcium = Series("calcium", "mg/dL", 8.4, 10.2, ((1768000000.0, 9.6, "Observation/ca"),))
    return StubAssessment(answer, Timeline((calcium,)))


def assess_server(url: str, patient: str, options: AssessmentOptions) -> StubAssessment:
    raise errors.ServerError(f"{url} refused the patient {patient}")


def explain(identifier: str, *, config: str = "") -> dict[str, Any]:
    if identifier != RECOMMENDATION["id"]:
        raise errors.InputError(f"no recommendation {identifier}; did you mean {RECOMMENDATION['id']}?")
    return RECOMMENDATION


def recommendations(*, config: str = "") -> list[dict[str, Any]]:
    return [RECOMMENDATION]


def check_guideline(*, config: str = "") -> list[str]:
    return ["facts.yaml:3: no such unit"] if os.environ.get("STUB_UNSOUND") else []


def install() -> None:
    api = ModuleType("calcipath.api")
    for door in (assess_path, assess_server, explain, recommendations, check_guideline):
        setattr(api, door.__name__, door)
    sys.modules["calcipath.api"] = api


if __name__ == "__main__":
    install()
    sys.exit(main())
