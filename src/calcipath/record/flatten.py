"""Each kind of FHIR R4 resource as flat events."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from calcipath.record.model import Coding, DataProblem, Event, Status, Verification, When
from calcipath.record.raw import Fields, clean
from calcipath.record.references import ReferenceIndex

VOID = "entered-in-error"
_CONDITION_STATUS: dict[str, Status] = {
    "active": "active", "recurrence": "active", "relapse": "active", "inactive": "inactive", "remission": "inactive",
    "resolved": "completed",
}  # fmt: skip
_MEDICATION_STATUS: dict[str, Status] = {
    "active": "active", "on-hold": "active", "in-progress": "active", "completed": "completed", "stopped": "completed",
    "cancelled": "completed", "ended": "completed", "not-taken": "completed", "declined": "completed",
    "draft": "planned", "intended": "planned", "preparation": "planned", "unknown": "unknown",
}  # fmt: skip
_PROCEDURE_STATUS: dict[str, Status] = {
    "in-progress": "active", "on-hold": "active", "completed": "completed", "stopped": "completed",
    "preparation": "planned", "unknown": "unknown",
}  # fmt: skip
_PER_WEEK = {"s": 604800.0, "min": 10080.0, "h": 168.0, "d": 7.0, "wk": 1.0, "mo": 7 / 30.4375, "a": 7 / 365.25}
_PLANS = ("proposal", "plan", "option")
_R5_FIELDS = {
    "MedicationRequest": ("medication",), "MedicationStatement": ("medication",), "MedicationUsage": ("medication",),
    "MedicationAdministration": ("medication", "occurenceDateTime", "occurencePeriod"),
    "MedicationDispense": ("medication",), "Procedure": ("occurrenceDateTime", "occurrencePeriod"),
    "Encounter": ("actualPeriod",),
}  # fmt: skip


class Flattener:
    """Flattens resources; what is not used as written is added to `problems`."""

    def __init__(self, index: ReferenceIndex) -> None:
        self._index = index
        self.problems: list[DataProblem] = []
        self.kinds: dict[str, Callable[[Fields, str], list[Event]]] = {
            "Condition": self._condition,
            "Observation": self._observation,
            "MedicationRequest": self._medication,
            "MedicationStatement": self._medication,
            "MedicationAdministration": self._medication,
            "MedicationDispense": self._medication,
            "Procedure": self._procedure,
            "DiagnosticReport": self._report,
            "AllergyIntolerance": self._allergy,
            "Encounter": self._encounter,
            "ServiceRequest": self._order,
            "DocumentReference": self._note,
            "Composition": self._note,
            "ClinicalImpression": self._note,
        }

    def flatten(self, resource: Mapping[str, Any], reference: str) -> list[Event]:
        """The events of a resource (none when it is void or not read)."""
        fields = Fields(resource)
        kind = str(resource.get("resourceType"))
        r5 = [key for key in _R5_FIELDS.get(kind, ()) if key in resource]
        if r5:
            self._unreadable(reference, f"looks like FHIR R5 ({kind}.{r5[0]}); not read, FHIR R4 is expected")
            return []
        if VOID in (fields.code_of("status"), fields.code_of("verificationStatus"), fields.code_of("clinicalStatus")):
            return []
        fields.bad.clear()
        events = self.kinds[kind](fields, reference)
        if fields.bad:
            places = ", ".join(dict.fromkeys(fields.bad))
            self._unreadable(reference, f"these fields are not as FHIR R4 has them and were not used: {places}")
        return events

    def _unreadable(self, reference: str, handling: str) -> None:
        self.problems.append(DataProblem(reference, "unreadable", handling))

    def _dangling(self, reference: str, written: str) -> None:
        self.problems.append(
            DataProblem(reference, "unresolved-reference", f"{clean(written)[:80]} is not in the record")
        )

    def _named(self, fields: Fields, key: str, reference: str) -> tuple[tuple[Coding, ...], str]:
        codings, name = fields.concept(key)
        if not codings and not name:
            self._unreadable(reference, f"has no {key}; not used")
        return codings, name

    def _sites(self, fields: Fields, key: str = "bodySite") -> tuple[tuple[Coding, ...], str]:
        value = fields.data.get(key)
        groups = list(fields.many(key)) if isinstance(value, list) else [f for f in [fields.one(key)] if f]
        codings = tuple(c for group in groups for c in group.codings())
        return codings, "; ".join(text for group in groups if (text := group.text("text")))

    def _times(self, fields: Fields, *stems: str) -> tuple[When | None, When | None]:
        for stem in stems:
            if f"{stem}Period" in fields.data:
                return fields.period(f"{stem}Period")
            for suffix in ("DateTime", "Instant", "Date", ""):
                if isinstance(fields.data.get(stem + suffix), str):
                    return fields.when(stem + suffix), None
        return None, None

    def _condition(self, fields: Fields, reference: str) -> list[Event]:
        codings, name = self._named(fields, "code", reference)
        started, _ = self._times(fields, "onset")
        ended, _ = self._times(fields, "abatement")
        sites, site_text = self._sites(fields)
        status = _CONDITION_STATUS.get(fields.code_of("clinicalStatus"), "unknown")
        if ended and status in ("unknown", "active") and "abatementAge" not in fields.data:
            status = "completed"
        verification: Verification = "unstated"
        match fields.code_of("verificationStatus"):
            case "confirmed":
                verification = "confirmed"
            case "provisional" | "differential" | "unconfirmed":
                verification = "provisional"
            case "refuted":
                verification = "refuted"
        onset_text = fields.text("onsetString")
        event = Event(
            "condition", reference, "Condition", name, codings, status, verification, self._category(fields), started,
            ended, fields.when("recordedDate"), sites=sites, site_text=site_text,
            texts=(*fields.notes(), *([onset_text] if onset_text else [])),
        )  # fmt: skip
        return [event] if codings or name or event.texts else []

    def _category(self, fields: Fields) -> str:
        value = fields.data.get("category")
        groups = list(fields.many("category")) if isinstance(value, list) else [f for f in [fields.one("category")] if f]
        return next((c.code for group in groups for c in group.codings() if c.code), "")

    def _observation(self, fields: Fields, reference: str) -> list[Event]:
        if fields.code_of("status") == "cancelled":
            return []
        codings, name = self._named(fields, "code", reference)
        started, ended = self._times(fields, "effective")
        sites, site_text = self._sites(fields)
        base = Event(
            "observation", reference, "Observation", name, codings, "completed", category=self._category(fields),
            started=started, ended=ended, issued=fields.when("issued"), sites=sites, site_text=site_text,
            specimen=self._specimen(fields, "specimen", reference), texts=fields.notes(),
        )  # fmt: skip
        events = [self._with_value(base, fields)] if codings or name else []
        for part in fields.many("component"):
            part_codings, part_name = part.concept("code")
            if part_codings or part_name:
                inner = replace(base, name=part_name, codings=part_codings, texts=())
                events.append(self._with_value(inner, part))
        return events

    def _with_value(self, event: Event, fields: Fields) -> Event:
        value_codings, concept_text = fields.concept("valueCodeableConcept")
        text = fields.text("valueString") or concept_text
        number = fields.number("valueInteger")
        quantity = fields.quantity("valueQuantity")
        if quantity is None and number is not None:
            from calcipath.record.model import Quantity

            quantity = Quantity(number)
        limits = next(iter(fields.many("referenceRange")), None)
        interpretation = next((i.codings() for i in fields.many("interpretation")), ())
        words = next((i.text("text") for i in fields.many("interpretation")), "")
        return replace(
            event,
            quantity=quantity,
            value_text=text,
            value_codings=value_codings,
            value_boolean=fields.flag("valueBoolean"),
            interpretation=next((c.code for c in interpretation if c.code), words),
            range_low=limits.quantity("low") if limits else None,
            range_high=limits.quantity("high") if limits else None,
        )

    def _specimen(self, fields: Fields, key: str, reference: str) -> str:
        value = fields.data.get(key)
        groups = list(fields.many(key)) if isinstance(value, list) else [f for f in [fields.one(key)] if f]
        names = []
        for group in groups:
            written = group.text("reference")
            found = self._index.resolve(written, fields.data) if written else None
            if found is not None:
                names.append(Fields(found).concept("type")[1])
            elif written:
                self._dangling(reference, written)
            names.append(group.text("display"))
        return "; ".join(name for name in names if name)

    def _medication(self, fields: Fields, reference: str) -> list[Event]:
        kind = str(fields.data.get("resourceType"))
        codings, name, found = self._drug(fields, reference)
        if not found or fields.flag("doNotPerform"):
            return []
        code = fields.code_of("status")
        if kind == "MedicationAdministration" and code == "not-done" or code == "declined":
            return []
        status = _MEDICATION_STATUS.get(code, "unknown")
        if fields.code_of("intent") in _PLANS:
            status = "planned"
        stems = {"MedicationRequest": ("authoredOn",), "MedicationDispense": ("whenHandedOver", "whenPrepared")}
        started, ended = self._times(fields, *stems.get(kind, ("effective", "dateAsserted")))
        dose, route, texts, weekly = self._dosage(fields)
        reasons = "; ".join(text for r in fields.many("reasonCode") if (text := r.text("text")))
        return [
            Event(
                "medication", reference, kind, name, codings, status, started=started, ended=ended,
                texts=(*texts, *fields.notes()), reason=reasons, dose=dose, route=route, frequency_per_week=weekly,
            )
        ]  # fmt: skip

    def _drug(self, fields: Fields, reference: str) -> tuple[tuple[Coding, ...], str, bool]:
        codings, name = fields.concept("medicationCodeableConcept")
        if codings or name:
            return codings, name, True
        target, written = self._index.follow(fields, "medicationReference", fields.data)
        if target is None:
            shown = fields.one("medicationReference")
            display = shown.text("display") if shown else ""
            if written:
                self._dangling(reference, written)
            elif not display:
                self._unreadable(reference, "names no medication; not used")
            return (), display, bool(display)
        codings, name = self._ingredients(target, 0)
        if not codings and not name:
            self._unreadable(reference, f"{written} names no medication; not used")
        return codings, name, bool(codings or name)

    def _ingredients(self, medication: Mapping[str, Any], depth: int) -> tuple[tuple[Coding, ...], str]:
        """A Medication's own code, else those of its ingredients (a mixture)."""
        fields = Fields(medication)
        codings, name = fields.concept("code")
        if codings and not name:
            name = "; ".join(value for i in fields.many("identifier") if (value := i.text("value")))
        if codings or name or depth > 3:
            return codings, name
        found: list[Coding] = []
        names: list[str] = []
        for ingredient in fields.many("ingredient"):
            inner, inner_name = ingredient.concept("itemCodeableConcept")
            target, _ = self._index.follow(ingredient, "itemReference", medication)
            if target is not None:
                inner, inner_name = self._ingredients(target, depth + 1)
            found.extend(inner)
            names.append(inner_name)
        if not found and not any(names):
            names = [i.text("value") for i in fields.many("identifier")]
        return tuple(found), "; ".join(n for n in names if n)

    def _dosage(self, fields: Fields) -> tuple[Any, str, list[str], float | None]:
        key = next((k for k in ("dosageInstruction", "dosage") if k in fields.data), "dosage")
        value = fields.data.get(key)
        groups = list(fields.many(key)) if isinstance(value, list) else [f for f in [fields.one(key)] if f]
        dose, route, texts, weekly = None, "", [], None
        for group in groups:
            texts.append(group.text("text"))
            route = route or group.concept("route")[1] or group.code_of("route")
            dose = dose or group.quantity("dose")
            for rate in group.many("doseAndRate"):
                dose = dose or rate.quantity("doseQuantity")
            weekly = weekly or _weekly(group.one("timing"))
        return dose, route, [t for t in texts if t], weekly

    def _procedure(self, fields: Fields, reference: str) -> list[Event]:
        code = fields.code_of("status")
        codings, name = self._named(fields, "code", reference)
        if code == "not-done" or not (codings or name):
            return []
        started, ended = self._times(fields, "performed")
        sites, site_text = self._sites(fields)
        reasons = "; ".join(text for r in fields.many("reasonCode") if (text := r.text("text")))
        outcome = fields.concept("outcome")[1]
        return [
            Event(
                "procedure", reference, "Procedure", name, codings, _PROCEDURE_STATUS.get(code, "unknown"),
                category=self._category(fields), started=started, ended=ended, sites=sites, site_text=site_text,
                texts=(*fields.notes(), *([outcome] if outcome else [])), reason=reasons,
            )
        ]  # fmt: skip

    def _report(self, fields: Fields, reference: str) -> list[Event]:
        if fields.code_of("status") == "cancelled":
            return []
        codings, name = fields.concept("code")
        conclusions = [c for group in fields.many("conclusionCode") for c in group.codings()]
        words = [text for group in fields.many("conclusionCode") if (text := group.text("text"))]
        texts = [fields.text("conclusion"), *words, *self._attached(fields, "presentedForm", reference)]
        texts = [t for t in texts if t]
        started, ended = self._times(fields, "effective")
        if not (codings or name or texts or conclusions):
            self._unreadable(reference, "has neither code nor conclusion; not used")
            return []
        return [
            Event(
                "report", reference, "DiagnosticReport", name, codings, "completed", category=self._category(fields),
                started=started, ended=ended, issued=fields.when("issued"), value_codings=tuple(conclusions),
                specimen=self._specimen(fields, "specimen", reference), texts=(*texts, *fields.notes()),
            )
        ]  # fmt: skip

    def _attached(self, fields: Fields, key: str, reference: str) -> list[str]:
        found = []
        for part in fields.many(key):
            attachment = part.one("attachment") or part
            kind, data = attachment.text("contentType"), attachment.data.get("data")
            if not isinstance(data, str) or (kind and not kind.startswith("text/")):
                continue
            try:
                text = base64.b64decode(data, validate=False).decode("utf-8", "replace")
            except (binascii.Error, ValueError):
                self._unreadable(reference, f"{key} is not base64; not read")
                continue
            found.append(clean(text))
        return found

    def _allergy(self, fields: Fields, reference: str) -> list[Event]:
        codings, name = fields.concept("code")
        substances = [r.concept("substance") for r in fields.many("reaction")]
        codings += tuple(c for found, _ in substances for c in found)
        name = name or next((n for _, n in substances if n), "")
        if not codings and not name:
            self._unreadable(reference, "names no substance; not used")
            return []
        status = _CONDITION_STATUS.get(fields.code_of("clinicalStatus"), "unknown")
        refuted = fields.code_of("verificationStatus") == "refuted"
        started, _ = self._times(fields, "onset", "recordedDate")
        texts = (*fields.notes(), *(t for r in fields.many("reaction") if (t := r.text("description"))))
        verification: Verification = "refuted" if refuted else "unstated"
        return [
            Event("allergy", reference, "AllergyIntolerance", name, codings, status, verification, started=started, texts=texts)
        ]

    def _encounter(self, fields: Fields, reference: str) -> list[Event]:
        started, ended = fields.period("period")
        kind = fields.one("class")
        code = kind.text("code") if kind else ""
        running = fields.code_of("status") in ("in-progress", "arrived", "onleave") and ended is None
        first = next(fields.many("type"), None)
        codings, name = (first.codings(), first.text("text")) if first else ((), "")
        reasons = "; ".join(text for r in fields.many("reasonCode") if (text := r.text("text")))
        planned = fields.code_of("status") in ("planned", "cancelled")
        status: Status = "planned" if planned else "active" if running else "completed"
        return [
            Event(
                "encounter", reference, "Encounter", name, codings, status, started=started, ended=ended,
                reason=reasons, inpatient=code in ("IMP", "ACUTE", "NONAC", "SS", "OBSENC", "EMER"),
            )
        ]  # fmt: skip

    def _order(self, fields: Fields, reference: str) -> list[Event]:
        codings, name = self._named(fields, "code", reference)
        if not (codings or name) or fields.flag("doNotPerform"):
            return []
        weekly = _weekly(fields.one("occurrenceTiming"))
        status = _MEDICATION_STATUS.get({"revoked": "stopped"}.get(fields.code_of("status"), fields.code_of("status")), "unknown")
        started, _ = self._times(fields, "authoredOn")
        return [
            Event(
                "order", reference, "ServiceRequest", name, codings, status, category=self._category(fields),
                started=started, texts=fields.notes(), frequency_per_week=weekly,
            )
        ]  # fmt: skip

    def _note(self, fields: Fields, reference: str) -> list[Event]:
        _, name = fields.concept("type")
        texts = [*self._attached(fields, "content", reference), fields.text("summary"), *fields.notes()]
        texts.append("" if fields.data.get("resourceType") == "DocumentReference" else fields.text("description"))
        for section in fields.many("section"):
            inner = section.one("text")
            div = inner.text("div") if inner else ""
            texts.append(_without_tags(div))
        started, _ = self._times(fields, "date", "effective")
        kept = tuple(t for t in texts if t)
        return [Event("note", reference, str(fields.data.get("resourceType")), name, started=started, texts=kept)] if kept else []


def _without_tags(markup: str) -> str:
    import re

    return clean(re.sub(r"<[^>]*>", " ", markup))


def _weekly(timing: Fields | None) -> float | None:
    repeat = timing.one("repeat") if timing else None
    if repeat is None:
        return None
    frequency, period = repeat.number("frequency"), repeat.number("period")
    size = _PER_WEEK.get(repeat.text("periodUnit"))
    if not frequency or not period or not size or period <= 0:
        return None
    return frequency / period * size
