"""What rows of OMOP tables mean as FHIR resources, written anew in Python from docs/omop.md, and how tests make tables.

A row is a dict of texts, as CSV has it; a missing or empty cell says nothing.
"""

from __future__ import annotations

import base64
import csv
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

Row = Mapping[str, str]
Tables = Mapping[str, Sequence[Row]]
Resource = dict[str, Any]
SYSTEMS = {
    "SNOMED": "http://snomed.info/sct",
    "ICD10CM": "http://hl7.org/fhir/sid/icd-10-cm",
    "ICD9CM": "http://hl7.org/fhir/sid/icd-9-cm",
    "LOINC": "http://loinc.org",
    "RxNorm": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "ATC": "http://www.whocc.no/atc",
    "NDC": "http://hl7.org/fhir/sid/ndc",
    "CPT4": "http://www.ama-assn.org/go/cpt",
    "UCUM": "http://unitsofmeasure.org",
}
IN_HOSPITAL = ("IMP", "ACUTE", "OBSENC", "SS")
CLASS_OF = {"9201": "IMP", "262": "IMP", "9202": "AMB", "9203": "EMER"}
CLASS_WORDS = {"imp": "IMP", "inpatient": "IMP", "amb": "AMB", "outpatient": "AMB", "emer": "EMER"}


def write_tables(folder: Path, tables: Tables) -> Path:
    """One CSV file for each table."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        columns = list(dict.fromkeys(column for row in rows for column in row))
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, columns, restval="")
            writer.writeheader()
            writer.writerows(rows)
    return folder


def read_tables(folder: Path) -> dict[str, list[dict[str, str]]]:
    """The rows of all CSV files of a folder."""
    found = {}
    for file in sorted(folder.glob("*.[cC][sS][vV]")):
        with file.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        found[file.stem.lower()] = [{column.lower(): cell for column, cell in row.items() if column} for row in rows]
    return found


class Meaning:
    """The resources that the rows of one data set mean."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.concepts = {row["concept_id"]: row for row in self._rows("concept")}
        self.observed: dict[str, date] = {}
        for row in self._rows("observation_period"):
            end = _day(row, "observation_period_end_date")
            if end is not None:
                self.observed[row["person_id"]] = max(end, self.observed.get(row["person_id"], end))
        self.stays: dict[str, date] = {}
        for row in self._rows("visit_occurrence"):
            start, end = _day(row, "visit_start_date"), _day(row, "visit_end_date")
            if start and end and end > start:
                self.stays[row["visit_occurrence_id"]] = end
        drawn = [day for row in self._rows("cdm_source") if (day := _day(row, "source_release_date"))]
        self.drawn = max(drawn, default=None)

    def records(self) -> dict[str, list[Resource]]:
        """The record of every person."""
        makers = {
            "condition_occurrence": self.condition,
            "drug_exposure": self.drug,
            "measurement": self.measurement,
            "observation": self.observation,
            "procedure_occurrence": self.procedure,
            "device_exposure": self.device,
            "visit_occurrence": self.visit,
            "note": self.note,
            "death": self.death,
        }
        found = {row["person_id"]: [self.person(row)] for row in self._rows("person")}
        for table, maker in makers.items():
            for row in self._rows(table):
                made = maker(row)
                person = row["person_id"]
                if made is not None and person:
                    field = "patient" if made["resourceType"] in ("AllergyIntolerance", "Device") else "subject"
                    made[field] = {"reference": f"Patient/{person}"}
                    found.setdefault(person, [{"resourceType": "Patient", "id": person}]).append(made)
        return found

    def person(self, row: Row) -> Resource:
        sex = {"8507": "male", "8532": "female"}.get(row.get("gender_concept_id", ""))
        sex = sex or {"m": "male", "f": "female"}.get(row.get("gender_source_value", "").lower()[:1])
        deaths = [
            self._when(death, "death_date") for death in self._rows("death") if death["person_id"] == row["person_id"]
        ]
        return _full({
            "resourceType": "Patient",
            "id": row["person_id"],
            "gender": sex,
            "birthDate": _born(row),
            "deceasedDateTime": min(filter(None, deaths), default=None),
        })  # fmt: skip

    def condition(self, row: Row) -> Resource:
        start, end = _day(row, "condition_start_date"), _day(row, "condition_end_date")
        stay = self.stays.get(row.get("visit_occurrence_id", ""))
        over = end is not None and (start is None or end > start) and (stay is None or end > stay)
        word = row.get("condition_status_source_value", "").strip().lower()
        name = self._name(row.get("condition_status_concept_id", "")) or ""
        clinical = "resolved" if name.lower() == "resolved condition" else None
        if word in ("active", "recurrence", "relapse", "inactive", "remission", "resolved"):
            clinical = clinical or word
        doubt = {"preliminary diagnosis": "provisional", "confirmed diagnosis": "confirmed"}.get(name.lower())
        if word in ("confirmed", "provisional", "unconfirmed", "differential", "refuted", "entered-in-error"):
            doubt = doubt or word
        return _full({
            "resourceType": "Condition",
            "id": f"condition-{row['condition_occurrence_id']}",
            "clinicalStatus": {"coding": [{"code": clinical}]} if clinical else None,
            "verificationStatus": {"coding": [{"code": doubt}]} if doubt else None,
            "code": self._code(row, "condition"),
            "onsetDateTime": self._when(row, "condition_start_date"),
            "abatementDateTime": self._when(row, "condition_end_date") if over else None,
        })  # fmt: skip

    def death(self, row: Row) -> Resource | None:
        code = self._code(row, "cause")
        if code is None:
            return None
        dated = self._when(row, "death_date")
        return _full(
            {"resourceType": "Condition", "id": f"death-{row['person_id']}", "code": code, "recordedDate": dated}
        )

    def drug(self, row: Row) -> Resource:
        start, end = _day(row, "drug_exposure_start_date"), _day(row, "drug_exposure_end_date")
        ended = self._when(row, "drug_exposure_end_date")
        supply = float(row.get("days_supply") or 0)
        if end is None and start is not None and supply >= 1:
            end = start + timedelta(days=supply - 1)
            ended = end.isoformat()
        if end is not None and start is not None and end < start:
            end = ended = None
        kind = row.get("drug_type_concept_id") or ""
        given = kind in ("32818", "38000179", "38000180", "43542356", "43542357", "43542358", "581373")
        requested = kind in ("32833", "32837", "32838", "32839", "38000177")
        until = self.observed.get(row["person_id"])
        status = "unknown" if end is None else "completed"
        if given and end is not None and until is not None and end > until:
            status = "in-progress"
        if not given and until is None:
            status = "unknown"
        if not given and until is not None and (last := end or start) is not None:
            gap = timedelta(days=-1 if kind in ("32833", "32837") else 30)
            status = "active" if last + gap >= until else status
        if row.get("stop_reason"):
            status = "stopped"
        started = self._when(row, "drug_exposure_start_date")
        words = self._name(row.get("route_concept_id", "")) or row.get("route_source_value")
        route = {"text": words} if words else None
        shared = {
            "id": f"drug-{row['drug_exposure_id']}",
            "status": status,
            "medicationCodeableConcept": self._code(row, "drug"),
            "note": [{"text": row["sig"]}] if row.get("sig") else None,
        }
        if requested:
            timing = {"repeat": {"boundsPeriod": {"end": ended}}} if ended else None
            instruction = _full({"route": route, "timing": timing})
            return _full({
                "resourceType": "MedicationRequest", "intent": "order", "authoredOn": started, **shared,
                "dosageInstruction": [instruction] if instruction else None,
            })  # fmt: skip
        dosage = {"route": route} if route else None
        return _full({
            "resourceType": "MedicationAdministration" if given else "MedicationStatement", **shared,
            **_period("effective", started, ended), "dosage": dosage if given or not dosage else [dosage],
        })  # fmt: skip

    def measurement(self, row: Row) -> Resource:
        number = _number(row, "value_as_number")
        coded, said = self._coding(row.get("value_as_concept_id", "")), row.get("value_source_value", "").strip()
        unit = self._unit(row)
        operator = {"4171756": "<", "4171754": "<=", "4171755": ">=", "4172704": ">", "4172703": None}
        sign: str | None = re.match(r"[<>]?=?", said)[0] or None  # type: ignore[index]
        if row.get("operator_concept_id", "0") not in ("", "0"):
            concept = row["operator_concept_id"]
            sign = operator[concept] if concept in operator else self._name(concept) or f"operator {concept}"
        value: Resource = {}
        if number is not None:
            value = {"valueQuantity": _full({"value": number, "comparator": sign, **unit})}
            if coded and self._name(row["value_as_concept_id"]):
                value["interpretation"] = [{"text": self._name(row["value_as_concept_id"])}]
        elif coded:
            value = {"valueCodeableConcept": {"coding": [coded]}}
        elif said:
            value = {"valueString": said}
        else:
            value = {"dataAbsentReason": {"text": "unknown"}}
        limits = {
            end: {"value": found, **unit}
            for end in ("low", "high")
            if (found := _number(row, f"range_{end}")) is not None
        }
        return _full({
            "resourceType": "Observation", "id": f"measurement-{row['measurement_id']}", "status": "final",
            "code": self._code(row, "measurement"), "effectiveDateTime": self._when(row, "measurement_date"), **value,
            "referenceRange": [limits] if limits else None,
        })  # fmt: skip

    def observation(self, row: Row) -> Resource | None:
        name = (self._name(row.get("observation_concept_id", "")) or "").lower()
        coded, said = self._coding(row.get("value_as_concept_id", "")), row.get("value_as_string", "").strip()
        valued = bool(coded or said)
        identifier, dated = f"observation-{row['observation_id']}", self._when(row, "observation_date")
        if name.startswith("family history") and valued:
            return None
        if name.startswith("allergy to"):
            domain = self.concepts.get(row.get("value_as_concept_id", ""), {}).get("domain_id")
            codings = self._codings(row, "observation") + ([coded] if coded and domain == "Drug" else [])
            reaction = [{"manifestation": [{"coding": [coded]}]}] if coded and domain != "Drug" else None
            return _full({
                "resourceType": "AllergyIntolerance", "id": identifier, "code": {"coding": codings},
                "recordedDate": dated, "reaction": reaction,
            })  # fmt: skip
        if valued and name.startswith(("history of", "no history of")):
            status = (
                {"clinicalStatus": {"coding": [{"code": "inactive"}]}}
                if name.startswith("history")
                else {"verificationStatus": {"coding": [{"code": "refuted"}]}}
            )
            code = {"coding": [coded]} if coded else {"text": said}
            return _full({"resourceType": "Condition", "id": identifier, **status, "code": code, "recordedDate": dated})
        return self._plain_observation(row, identifier, dated, coded, said)

    def _plain_observation(
        self, row: Row, identifier: str, dated: str | None, coded: Resource | None, said: str
    ) -> Resource:
        number = _number(row, "value_as_number")
        said = said or row.get("value_source_value", "").strip()
        qualifier = self.concepts.get(row.get("qualifier_concept_id", ""))
        site = qualifier is not None and qualifier["domain_id"] == "Spec Anatomic Site"
        words = (
            None if site else (qualifier["concept_name"] if qualifier else row.get("qualifier_source_value") or None)
        )
        vocabulary = self.concepts.get(row.get("observation_concept_id", ""), {}).get("vocabulary_id")
        value: Resource = {"interpretation": [{"text": words}] if words else None}
        if number is not None:
            value["valueQuantity"] = {"value": number, **self._unit(row)}
        elif coded:
            value["valueCodeableConcept"] = {"coding": [coded]}
        elif said:
            value["valueString"] = said
        elif words:
            value = {"valueString": words}
        elif vocabulary == "LOINC":
            value["dataAbsentReason"] = {"text": "unknown"}
        return _full({
            "resourceType": "Observation", "id": identifier, "status": "final", "code": self._code(row, "observation"),
            "effectiveDateTime": dated, **value,
            "bodySite": {"coding": [self._coding(row["qualifier_concept_id"])]} if site else None,
        })  # fmt: skip

    def procedure(self, row: Row) -> Resource:
        started, ended = self._when(row, "procedure_date"), self._when(row, "procedure_end_date")
        if started and ended:
            width = min(len(started), len(ended))
            ended = ended if ended[:width] > started[:width] else None
        return _full({
            "resourceType": "Procedure", "id": f"procedure-{row['procedure_occurrence_id']}", "status": "completed",
            "code": self._code(row, "procedure"), **_period("performed", started, ended),
        })  # fmt: skip

    def device(self, row: Row) -> Resource:
        start, end = _day(row, "device_exposure_start_date"), _day(row, "device_exposure_end_date")
        until = self.observed.get(row["person_id"])
        gone = start is not None and end is not None and end > start and (until is None or end <= until)
        return _full({
            "resourceType": "Device", "id": f"device-{row['device_exposure_id']}",
            "status": "inactive" if gone else None, "type": self._code(row, "device"),
            "manufactureDate": self._when(row, "device_exposure_start_date"),
        })  # fmt: skip

    def visit(self, row: Row) -> Resource:
        start, end = _day(row, "visit_start_date"), _day(row, "visit_end_date")
        place = CLASS_OF.get(row["visit_concept_id"]) or CLASS_WORDS.get(row.get("visit_source_value", "").lower())
        if start and end and end < start:
            end = None
        undischarged = row.get("discharged_to_concept_id", "0") in ("", "0")
        pulled = end is not None and undischarged and self.drawn is not None and end >= self.drawn
        ongoing = place in IN_HOSPITAL and (end is None or pulled)
        concept = self._coding(row["visit_concept_id"])
        period = _full({
            "start": self._when(row, "visit_start_date"), "end": self._when(row, "visit_end_date") if end else None,
        })  # fmt: skip
        return _full({
            "resourceType": "Encounter", "id": f"visit-{row['visit_occurrence_id']}",
            "status": "in-progress" if ongoing else "finished", "class": {"code": place} if place else None,
            "type": [{"coding": [concept]}] if concept else None, "period": period or None,
        })  # fmt: skip

    def note(self, row: Row) -> Resource:
        concept = self._coding(row.get("note_class_concept_id", ""))
        title = row.get("note_title") or row.get("note_source_value") or (concept or {}).get("display") or "Note"
        name = _full({"coding": [concept] if concept else None, "text": title})
        data = base64.b64encode(row["note_text"].strip().encode()).decode()
        attachment = {"contentType": "text/plain", "data": data}
        told = " ".join(filter(None, (row.get("note_title"), (concept or {}).get("display")))).lower()
        dated, identifier = self._when(row, "note_date"), f"note-{row['note_id']}"
        if "patholog" in told or "biops" in told or "radiolog" in told:
            kind = "RAD" if not ("patholog" in told or "biops" in told) else "PAT"
            return _full({
                "resourceType": "DiagnosticReport", "id": identifier, "status": "final", "code": name or None,
                "category": [{"coding": [{"code": kind}]}], "effectiveDateTime": dated,
                "presentedForm": [attachment] if data else None,
            })  # fmt: skip
        return _full({
            "resourceType": "DocumentReference", "id": identifier, "status": "current", "type": name or None,
            "date": dated, "content": [{"attachment": attachment}] if data else None,
        })  # fmt: skip

    def _rows(self, table: str) -> Sequence[Row]:
        return self.tables.get(table, ())

    def _name(self, concept: str) -> str | None:
        return self.concepts[concept]["concept_name"] if concept in self.concepts else None

    def _coding(self, concept: str) -> Resource | None:
        if concept in ("", "0"):
            return None
        held = self.concepts.get(concept)
        if held is None:
            return {"system": "omop:concept_id", "code": concept}
        system = SYSTEMS.get(held["vocabulary_id"], f"omop:{held['vocabulary_id']}")
        return {"system": system, "code": held["concept_code"], "display": held["concept_name"]}

    def _codings(self, row: Row, stem: str) -> list[Resource]:
        own, source = row.get(f"{stem}_concept_id", ""), row.get(f"{stem}_source_concept_id", "")
        return [found for one in dict.fromkeys((own, source)) if (found := self._coding(one))]

    def _code(self, row: Row, stem: str) -> Resource | None:
        written = row.get(f"{stem}_source_value", "").strip()
        found: Resource = {"coding": self._codings(row, stem)}
        if written and row.get(f"{stem}_source_concept_id", "") not in self.concepts:
            found["coding"].append({"system": f"omop:{stem}_source_value", "code": written})
            if re.search(r"[^\W\d_]{4}", written):
                found["text"] = written
        return found if found["coding"] else None

    def _unit(self, row: Row) -> Resource:
        held = [self.concepts.get(row.get(f"unit_{which}", "")) for which in ("concept_id", "source_concept_id")]
        code = next((h["concept_code"] for h in held if h and h["vocabulary_id"] == "UCUM"), None)
        name = next((h["concept_name"] for h in held if h), None)
        written = row.get("unit_source_value", "").strip() or (None if code else name)
        return _full({"unit": written, "system": SYSTEMS["UCUM"] if code else None, "code": code})

    @staticmethod
    def _when(row: Row, column: str) -> str | None:
        day = _day(row, column)
        try:
            instant = datetime.fromisoformat(row.get(f"{column}time", ""))
        except ValueError:
            return day.isoformat() if day else None
        if day is not None and instant.date() != day:
            return day.isoformat()
        return (
            instant.date().isoformat()
            if (instant.hour, instant.minute, instant.second) == (0, 0, 0)
            else instant.isoformat()
        )


def _day(row: Row, column: str) -> date | None:
    """The date; else that of the time beside it."""
    for cell in (row.get(column, ""), row.get(f"{column}time", "")):
        try:
            found = datetime.fromisoformat(cell).date()
        except ValueError:
            continue
        return found if found.year < 9999 else None
    return None


def _number(row: Row, column: str) -> float | None:
    try:
        return float(row.get(column, ""))
    except ValueError:
        return None


def _born(row: Row) -> str | None:
    year, month, day = (row.get(f"{part}_of_birth", "") for part in ("year", "month", "day"))
    if not year:
        return None
    parts = [f"{int(year):04}", *(f"{int(part):02}" for part in (month, day) if part)]
    return "-".join(parts)


def _period(stem: str, started: str | None, ended: str | None) -> Resource:
    if ended is None:
        return {f"{stem}DateTime": started}
    return {f"{stem}Period": _full({"start": started, "end": ended})}


def _full(members: Resource) -> Resource:
    """The members that are there."""
    return {name: value for name, value in members.items() if value is not None}
