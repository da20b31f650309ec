"""Write the imaginary examples of the clinician's page: what a clinician would enter on it, as FHIR bundles.

    .venv/bin/python tools/page_examples.py

The people are invented; a test holds that the shipped files are what this writes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from calcipath.api import load_guideline
from calcipath.interview.answers import Amount, Chosen, Given, resources_of
from calcipath.interview.entered import Entered
from calcipath.interview.entries import drug_started, laboratory_value, note, pain_score, thiosulfate_given, wound_size
from calcipath.interview.questions import opening_questions, question_of

FOLDER = Path(__file__).parent.parent / "src" / "calcipath" / "page" / "examples"
Bundle = dict[str, Any]


class Told:
    """A record that grows as a clinician tells it."""

    def __init__(self, patient: Mapping[str, Any]) -> None:
        self.guideline = load_guideline()
        self.resources: dict[str, dict[str, Any]] = {"Patient": dict(patient)}

    def entered(self, day: str) -> Entered:
        """Entries of a day."""
        return Entered(day, "example", self.resources["Patient"], lambda hint: f"{hint}.{day}"[:64])

    def opening(self, day: str, answers: Mapping[str, Given]) -> None:
        """Answers to opening questions."""
        for question in opening_questions(self.guideline):
            if question.id in answers:
                self.add(resources_of(question, answers[question.id], self.entered(day), self.guideline))

    def on(self, day: str, *acts: Callable[[Entered], list[dict[str, Any]]]) -> None:
        """Entries of a visit."""
        for act in acts:
            self.add(act(self.entered(day)))

    def add(self, resources: list[dict[str, Any]]) -> None:
        """Keep resources; a Patient replaces the one before."""
        for each in resources:
            self.resources[
                "Patient" if each["resourceType"] == "Patient" else f"{each['resourceType']}/{each['id']}"
            ] = each

    def bundle(self) -> Bundle:
        """All of it."""
        return {
            "resourceType": "Bundle",
            "type": "collection",
            "entry": [{"resource": each} for each in self.resources.values()],
        }


def thigh_ulcer() -> Bundle:
    """A woman with a painful thigh ulcer on four 3-hour sessions a week, on warfarin."""
    told = Told({"resourceType": "Patient", "id": "thigh-ulcer", "gender": "female", "birthDate": "1964-05"})
    guideline, day = told.guideline, "2026-10-12"
    told.opening(
        day,
        {
            "weight": Amount(92, "kg"),
            "dialysis": "hemodialysis",
            "dialysis-sessions": Amount(4),
            "dialysis-session-hours": Amount(3, "h"),
            "dialysis-vintage": "2022-03",
            "lesion": Chosen("skin-ulcer", ("site-thigh",)),
            "lesion-pain": "yes",
            "pain-score": Amount(8),
        },
    )
    values = {"calcium-total": (9.4, "mg/dL"), "phosphate": (6.8, "mg/dL"), "pth": (620.0, "pg/mL"), "albumin": (2.9, "g/dL"),
              "bicarbonate": (23.0, "mmol/L"), "potassium": (5.1, "mmol/L"), "sodium": (138.0, "mmol/L"), "inr": (2.4, "1")}  # fmt: skip
    for fact, (value, unit) in values.items():
        told.on(
            day,
            lambda entered, fact=fact, value=value, unit=unit: laboratory_value(
                fact, Amount(value, unit), entered, guideline
            ),
        )  # type: ignore[misc]
    told.on(
        day,
        lambda entered: drug_started("vitamin-k-antagonist", entered, guideline),
        lambda entered: wound_size("left thigh", 6, 4.5, entered, guideline),
        lambda entered: note(
            "Four weeks of worsening pain at the left thigh. Stellate ulcer with black eschar and livedo around it, no pus, "
            "no fever. Warfarin for atrial fibrillation, no valve prosthesis. Diabetes mellitus type 2, obesity.",
            entered,
        ),
    )  # fmt: skip
    return told.bundle()


def follow_up() -> Bundle:
    """A man with calciphylaxis by biopsy, on sodium thiosulfate for six weeks; pain and wound get better."""
    told = Told({"resourceType": "Patient", "id": "follow-up", "gender": "male", "birthDate": "1958-02"})
    guideline = told.guideline
    told.opening(
        "2026-08-03",
        {
            "weight": Amount(78, "kg"),
            "dialysis": "hemodialysis",
            "dialysis-sessions": Amount(3),
            "dialysis-session-hours": Amount(4, "h"),
            "dialysis-vintage": "2020-06",
            "lesion": Chosen("skin-necrosis-eschar", ("site-lower-leg",)),
            "lesion-pain": "yes",
        },
    )
    biopsy = question_of(guideline.facts["biopsy-concludes-calciphylaxis"], guideline)
    assert biopsy is not None  # noqa: S101  the guideline asks it
    told.on("2026-08-03", lambda entered: resources_of(biopsy, "yes", entered, guideline))
    for fact, value, unit in (
        ("calcium-ionised", 1.16, "mmol/L"),
        ("systolic-pressure", 128.0, "mm[Hg]"),
        ("sodium", 138.0, "mmol/L"),
    ):
        told.on(
            "2026-09-14",
            lambda entered, fact=fact, value=value, unit=unit: laboratory_value(
                fact, Amount(value, unit), entered, guideline
            ),
        )  # type: ignore[misc]
    visits = {"2026-08-03": (9, 5.0, 4.0), "2026-08-24": (6, 5.0, 4.0), "2026-09-14": (3, 4.0, 3.0)}
    for day, (pain, length, width) in visits.items():
        told.on(
            day,
            lambda entered, pain=pain: pain_score(pain, entered, guideline),  # type: ignore[misc]
            lambda entered, length=length, width=width: wound_size("right shin", length, width, entered, guideline),  # type: ignore[misc]
        )
    for day in ("2026-08-03", "2026-08-10", "2026-08-17", "2026-08-24", "2026-08-31", "2026-09-07", "2026-09-14"):
        told.on(day, lambda entered: thiosulfate_given(25, entered, guideline, salt="pentahydrate", timing="during"))
    for day, value in {"2026-08-03": 9.0, "2026-08-24": 8.9, "2026-09-14": 8.8}.items():
        told.on(
            day,
            lambda entered, value=value: laboratory_value("calcium-total", Amount(value, "mg/dL"), entered, guideline),
        )  # type: ignore[misc]
    for day, value in {"2026-08-03": 22.0, "2026-08-24": 21.0, "2026-09-14": 22.0}.items():
        told.on(
            day,
            lambda entered, value=value: laboratory_value("bicarbonate", Amount(value, "mmol/L"), entered, guideline),
        )  # type: ignore[misc]
    return told.bundle()


EXAMPLES: dict[str, Callable[[], Bundle]] = {
    "thigh-ulcer-four-sessions": thigh_ulcer,
    "follow-up-responding": follow_up,
}


def written(name: str) -> str:
    """The file of an example."""
    return json.dumps(EXAMPLES[name](), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for name in EXAMPLES:
        (FOLDER / f"{name}.bundle.json").write_text(written(name), encoding="utf-8")
