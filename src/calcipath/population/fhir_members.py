"""Which members of each FHIR resource type the reader of one patient looks at, and what is taken out of them.

A member that is not named here has no influence on how an entry is read; a test watches the reader to see that this
stays true. `notes` are the members that hold only free text or lead to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

EVERYWHERE: Final = ("contained", "modifierExtension", "implicitRules")
VALUES: Final = tuple(
    f"value{kind}"
    for kind in (
        "Quantity", "CodeableConcept", "String", "Boolean", "Integer", "Range", "Ratio", "SampledData", "Time", "DateTime",
        "Period", "Attachment", "Reference",
    )
)  # fmt: skip
ABSENT_VALUES: Final = ("_valueQuantity", "_valueString", "_valueCodeableConcept")
OCCURRENCE_R5: Final = (
    "occurrenceDateTime",
    "occurrencePeriod",
    "occurrenceString",
    "occurrenceTiming",
    "occurrenceAge",
)


@dataclass(frozen=True, slots=True)
class Members:
    """One resource type. `dates`: (member, mark); `periods`: (member, beside which date it is only second choice).

    `patient`: the member that names the patient. `named`: the member without which an entry says nothing but its text.
    """

    kept: tuple[str, ...]
    notes: tuple[str, ...] = ()
    dates: tuple[tuple[str, str], ...] = ()
    periods: tuple[tuple[str, str], ...] = ()
    patient: str = "subject"
    named: str = "code"
    linked: tuple[str, ...] = ()  # references that matter only into the entry's own `contained`
    medication: bool = False  # the target of `medicationReference` is put into the content
    specimen: bool = False  # so is that of the member `specimen`
    specimens: bool = False  # of which there may be several
    encounter: str = ""  # the encounter gives the date where none of `dated_by` does
    dated_by: tuple[str, ...] = ()


# Times in other forms than a date or period; they stay in the content.
_EFFECTIVE: Final = ("effectiveTiming", "effectiveInstant", "effectiveAge", "effectiveRange", "effectiveString")
_DRUG: Final = ("status", "category", "medicationCodeableConcept", "medication")
_DRUG_NOTES: Final = ("note", "reasonCode", "reasonReference")
MEMBERS: Final[dict[str, Members]] = {
    "Observation": Members(
        kept=(
            "status",
            "category",
            "code",
            "effectiveTiming",
            "effectiveString",
            "effectiveAge",
            "effectiveRange",
            *VALUES[1:],
            *ABSENT_VALUES,
            "dataAbsentReason",
            "interpretation",
            "bodySite",
            "referenceRange",
            "component",
        ),
        linked=("hasMember",),
        specimen=True,
        notes=("note",),
        dates=(("effectiveDateTime", "$started"), ("effectiveInstant", "$started"), ("issued", "$recorded")),
        periods=(("effectivePeriod", "effectiveDateTime"),),
    ),
    "Condition": Members(
        kept=(
            "clinicalStatus",
            "verificationStatus",
            "category",
            "severity",
            "code",
            "bodySite",
            "onsetPeriod",
            "onsetTiming",
            "onsetInstant",
            "abatementPeriod",
            "abatementInstant",
            "abatementTiming",
            "abatementAge",
            "abatementRange",
            "abatementString",
            "abatementBoolean",
            "participant",
            "evidence",
        ),
        notes=("note", "stage", "onsetAge", "onsetRange", "onsetString"),
        dates=(("onsetDateTime", "$started"), ("abatementDateTime", "$ended"), ("recordedDate", "$recorded")),
        encounter="encounter",
        dated_by=("recordedDate",),
    ),
    "AllergyIntolerance": Members(
        kept=(
            "clinicalStatus",
            "verificationStatus",
            "category",
            "code",
            "reaction",
            "type",
            "onsetPeriod",
            "onsetTiming",
            "onsetInstant",
        ),
        notes=("note", "onsetAge", "onsetRange", "onsetString"),
        dates=(("onsetDateTime", "$started"), ("recordedDate", "$recorded")),
        patient="patient",
    ),
    "Device": Members(
        kept=("status", "type", "deviceName"),
        notes=("note",),
        dates=(("manufactureDate", "$started"),),
        patient="patient",
        named="type",
    ),
    "MedicationRequest": Members(
        kept=(*_DRUG, "intent", "doNotPerform", "dosageInstruction", "dispenseRequest"),
        notes=_DRUG_NOTES,
        dates=(("authoredOn", "$started"),),
        named="medication",
        medication=True,
    ),
    "MedicationStatement": Members(
        kept=(*_DRUG, "dosage", *_EFFECTIVE),
        notes=_DRUG_NOTES,
        dates=(("effectiveDateTime", "$started"), ("dateAsserted", "$recorded")),
        periods=(("effectivePeriod", "effectiveDateTime"),),
        named="medication",
        medication=True,
    ),
    "MedicationAdministration": Members(
        kept=(
            *_DRUG,
            "dosage",
            "occurenceDateTime",
            "occurencePeriod",
            "occurenceTiming",
            "occurrenceDateTime",
        ),
        notes=_DRUG_NOTES,
        dates=(("effectiveDateTime", "$started"),),
        periods=(("effectivePeriod", "effectiveDateTime"),),
        named="medication",
        medication=True,
    ),
    "MedicationDispense": Members(
        kept=(*_DRUG, "dosageInstruction"),
        notes=_DRUG_NOTES,
        dates=(("whenHandedOver", "$started"), ("whenPrepared", "$ended")),
        named="medication",
        medication=True,
        encounter="context",
        dated_by=("whenHandedOver", "whenPrepared"),
    ),
    "Procedure": Members(
        kept=(
            "status",
            "category",
            "code",
            "bodySite",
            "outcome",
            "performedTiming",
            "performedInstant",
            *OCCURRENCE_R5,
        ),
        notes=(
            "note",
            "complication",
            "reasonCode",
            "reasonReference",
            "performedAge",
            "performedRange",
            "performedString",
        ),
        dates=(("performedDateTime", "$started"),),
        periods=(("performedPeriod", "performedDateTime"),),
    ),
    "ServiceRequest": Members(
        kept=(
            "status",
            "intent",
            "doNotPerform",
            "category",
            "code",
            "bodySite",
            "occurrenceDateTime",
            "occurrencePeriod",
            "occurrenceTiming",
            "occurrenceInstant",
            "occurrenceAge",
            "occurrenceRange",
            "occurrenceString",
            "quantityQuantity",
        ),
        specimen=True,
        specimens=True,
        notes=("note", "orderDetail", "patientInstruction", "reasonCode", "reasonReference"),
        dates=(("authoredOn", "$started"),),
    ),
    "Encounter": Members(
        kept=("status", "class", "type", "actualPeriod", "plannedStartDate"),
        notes=("reasonCode", "reasonReference"),
        periods=(("period", ""),),
        named="class",
    ),
    "DiagnosticReport": Members(
        kept=("status", "category", "code", "conclusionCode", *_EFFECTIVE),
        linked=("result",),
        specimen=True,
        specimens=True,
        notes=("conclusion", "presentedForm", "note", "text"),
        dates=(("effectiveDateTime", "$started"), ("issued", "$recorded")),
        periods=(("effectivePeriod", "effectiveDateTime"),),
    ),
    "DocumentReference": Members(
        kept=("status", "docStatus", "type", "category"),
        notes=("description", "content"),
        dates=(("date", "$started"),),
        named="type",
    ),
    "Composition": Members(
        kept=("status", "type", "category", "title"),
        notes=("section",),
        dates=(("date", "$started"),),
        named="type",
    ),
    "ClinicalImpression": Members(
        kept=("status", "category", "code", *_EFFECTIVE),
        notes=("description", "summary", "finding", "prognosisCodeableConcept", "note"),
        dates=(("effectiveDateTime", "$started"), ("date", "$recorded")),
        periods=(("effectivePeriod", "effectiveDateTime"),),
    ),
}
