"""What was put in: one row a patient, the same for every format."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from calcipath.synthesis.content import Content
from calcipath.synthesis.dates import day_text
from calcipath.synthesis.entries import (
    ALLERGY,
    DIAGNOSIS,
    DRUG,
    EXAMINATION,
    LABORATORY,
    NOTE,
    PRESSURE,
    PROCEDURE,
    REPORT,
    VISIT,
)
from calcipath.synthesis.identifiers import Identity
from calcipath.synthesis.laboratory import Newest
from calcipath.synthesis.people import MODALITIES, People

if TYPE_CHECKING:
    from calcipath.synthesis.chunk import Chunk

TRAITS: Final = (
    "diabetes", "obesity", "hypertension", "atrial-fibrillation", "heart-failure", "peripheral-arterial-disease",
    "secondary-hyperparathyroidism", "warfarin", "warfarin-stopped", "apixaban", "calcium-acetate", "sevelamer",
    "cinacalcet", "active-vitamin-d", "iron-sucrose", "insulin", "prednisone", "leg-ulcer", "calciphylaxis",
    "calciphylaxis-void", "suspicious-lesion", "penicillin-allergy", "sulfite-allergy",
)  # fmt: skip
VALUES: Final = {"calcium": "mg/dL", "phosphate": "mg/dL", "pth": "pg/mL", "albumin": "g/dL"}
HEADER: Final = (
    "patient", "person", "site", "sex", "birth_date", "died", "on_dialysis", "modality", "kidney_disease_stage",
    *(trait.replace("-", "_") for trait in TRAITS),
    "ulcer_present",
    *(f"{name}_{part}" for name in VALUES for part in ("value", "unit", "date")),
    "note", "entries", "mistakes", "hiding_mistakes",
)  # fmt: skip
MISTAKES_HEADER: Final = ("patient", "person", "resource_type", "resource", "entry", "item", "kind", "hides")
RESOURCES: Final = {
    LABORATORY: "Observation",
    PRESSURE: "Observation",
    EXAMINATION: "Observation",
    DIAGNOSIS: "Condition",
    DRUG: "MedicationRequest",
    PROCEDURE: "Procedure",
    VISIT: "Encounter",
    ALLERGY: "AllergyIntolerance",
    REPORT: "DiagnosticReport",
    NOTE: "DocumentReference",
}


def truth_rows(
    content: Content,
    people: People,
    known: Sequence[Identity],
    newest: Mapping[str, Newest],
    notes: Sequence[str],
    counts: Sequence[tuple[int, int, int]],
) -> str:
    """The rows of a chunk as CSV, without the header. `counts`: entries, mistakes and hiding mistakes of each."""
    flags = [people.has(trait).tolist() for trait in TRAITS]
    wounds = (people.has("leg-ulcer") | people.has("calciphylaxis")).tolist()
    held = [(name, unit, newest[name].value.tolist(), newest[name].day.tolist()) for name, unit in VALUES.items()]
    columns = (people.number, people.site, people.female, people.born, people.end, people.died, people.dialysis, people.modality, people.kidney_disease)  # fmt: skip
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for row, values in enumerate(zip(*(column.tolist() for column in columns), strict=True)):
        number, place, female, born, end, died, dialysis, modality, stage = values
        writer.writerow((
            known[row].of(0), number, content.sites[place].id, "female" if female else "male", day_text(born),
            day_text(end) if died else "", _yes(dialysis), MODALITIES[modality], stage,
            *(_yes(flag[row]) for flag in flags), _yes(wounds[row]),
            *(part for name, unit, value, day in held for part in _result(value[row], unit, day[row])),
            notes[row], *counts[row],
        ))  # fmt: skip
    return out.getvalue()


def mistake_rows(chunk: Chunk) -> str:
    """Where the mistakes of a chunk are, as CSV without the header."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for place, mistake in chunk.mistakes.items():
        entry, number = chunk.entries[place], chunk.numbers[place]
        identity = chunk.known[entry.row]
        kind = RESOURCES[entry.family]
        names = (identity.of(0), identity.number, kind, identity.of(number), identity.of_number(number), entry.item)
        writer.writerow((*names, mistake.kind, _yes(mistake.hides)))
    return out.getvalue()


def _yes(flag: bool) -> str:
    return "yes" if flag else "no"


def _result(value: float, unit: str, day: int) -> tuple[str, str, str]:
    return (f"{value:.6g}", unit, day_text(day)) if value == value else ("", "", "")
