"""The numbers of a record, dated, in the guideline's units: pain, wounds, doses of thiosulfate, laboratory values.

Only what the guideline knows is taken, by its code, and only numbers: names, texts and codes of the record itself never
come through. Rare tests can point at a person, and a code may hold anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from calcipath.guideline.model import Fact, Guideline
from calcipath.guideline.units import UnitError
from calcipath.record.measurements import written_quantity
from calcipath.record.model import Event, Finding, Quantity, When
from calcipath.record.quantities import EVERYTHING, Normalised, normalise

LOINC = "http://loinc.org"
_MEASURED = {  # concept: name, unit, the most that can be
    "pain-score": ("pain score", "{score}", 10.0),
    "wound-length": ("wound length", "cm", 200.0),
    "wound-width": ("wound width", "cm", 200.0),
}
_THIOSULFATE = "sodium-thiosulfate"
_GIVEN = ("MedicationAdministration", "MedicationStatement")


@dataclass(frozen=True, slots=True)
class Measured:
    """One number. `name` is a measure, `LOINC` with a code that the guideline knows, or the guideline's own name.

    `site` tells wounds apart, from 1.
    """

    name: str
    value: float
    unit: str
    when: When | None
    site: int = 0


def measured(findings: Sequence[Finding], guideline: Guideline) -> tuple[Measured, ...]:
    """The series of a record."""
    sites: dict[str, int] = {}
    found: dict[tuple[str, str], Measured] = {}
    for finding in findings:
        if finding.assertion in ("negated", "family") or finding.route == "text":
            continue
        for each in _of(finding, guideline, sites):
            found.setdefault((each.name, str(id(finding.event))), each)
    return tuple(found.values())


def _of(finding: Finding, guideline: Guideline, sites: dict[str, int]) -> Iterator[Measured]:
    event, concept = finding.event, finding.concept
    if concept in _MEASURED and event.kind == "observation":
        name, unit, most = _MEASURED[concept]
        value = _value(written_quantity(event), unit, guideline, plausible=(0.0, most))
        if value is not None:
            yield Measured(name, value, unit, _when(event), _site(event, sites) if unit == "cm" else 0)
    elif concept == _THIOSULFATE and event.resource_type in _GIVEN and event.status != "planned":
        value = _value(event.dose, "g", guideline, plausible=(0.0, 100.0))
        if value is not None:
            yield Measured("dose of sodium thiosulfate", value, "g", _when(event))
    elif finding.route == "code" and guideline.vocabulary.family(concept) == "laboratory":
        yield from _laboratory(finding, guideline)


def _laboratory(finding: Finding, guideline: Guideline) -> Iterator[Measured]:
    event, fact = finding.event, _fact_of(finding.concept, guideline)
    code = next((c.code for c in event.codings if c.system == LOINC and _means(c.code, finding.concept, guideline)), "")
    if fact is None:
        return
    value = _value(written_quantity(event), fact.type.unit, guideline, fact, fact.plausible or EVERYTHING)
    if value is not None:
        yield Measured(f"LOINC {code}" if code else finding.concept, value, fact.type.unit, _when(event))


def _means(code: str, concept: str, guideline: Guideline) -> bool:
    return concept in guideline.vocabulary.by_code(LOINC, code)


def _fact_of(concept: str, guideline: Guideline) -> Fact | None:
    facts = (fact for fact in guideline.facts.values() if fact.kind == "quantity" and concept in fact.concepts)
    return next((fact for fact in facts if not fact.from_dose), None)


def _value(
    written: Quantity | None,
    unit: str,
    guideline: Guideline,
    fact: Fact | None = None,
    plausible: tuple[float, float] = EVERYTHING,
) -> float | None:
    """The number in the unit, None where it is none, is out of what can be, or has a comparator ("<5")."""
    if written is None or written.comparator:
        return None
    try:
        read = normalise(
            written,
            unit=unit,
            aliases=guideline.aliases,
            analyte=fact.analyte if fact else None,
            accepted_units=fact.accepted_units if fact else (),
            plausible=plausible,
        )
    except UnitError:
        return None
    return float(f"{read.value:.5g}") if isinstance(read, Normalised) else None


def _when(event: Event) -> When | None:
    return event.started or event.ended or event.issued


def _site(event: Event, sites: dict[str, int]) -> int:
    name = ",".join(sorted(c.code for c in event.sites)) or event.site_text
    return sites.setdefault(name, len(sites) + 1)
