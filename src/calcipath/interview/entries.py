"""What a follow-up visit records: pain, wounds, laboratory values, doses, sessions, drugs, notes, as FHIR resources.

They are read as those of any record are; the course of treatment is judged from them.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from calcipath.errors import InputError
from calcipath.guideline.interview_model import WoundScore
from calcipath.guideline.model import Guideline
from calcipath.interview.answers import Amount, resources_of
from calcipath.interview.entered import Entered, Resource
from calcipath.interview.fhir_forms import administration, coded, observation, procedure, quantity, statement
from calcipath.interview.questions import question_of

SALTS = ("", "pentahydrate", "anhydrous")
DoseTiming = Literal["", "during", "after"]
_TIMINGS = {"": "", "during": "during the dialysis session", "after": "after the dialysis session"}
LONGEST_NOTE = 100_000  # characters
LONGEST_SITE = 100
_DRUG_TYPES = ("MedicationStatement", "MedicationRequest")


def pain_score(score: float, entered: Entered, guideline: Guideline) -> list[Resource]:
    """Pain from 0 to 10. Raises `InputError`."""
    return laboratory_value("pain-score", Amount(score), entered, guideline)


def laboratory_value(fact: str, amount: Amount, entered: Entered, guideline: Guideline) -> list[Resource]:
    """A value of a measured fact (calcium, phosphate, weight ...) in a unit that it accepts. Raises `InputError`."""
    known = guideline.facts.get(fact)
    question = question_of(known, guideline) if known is not None and known.kind == "quantity" else None
    if question is None:
        raise InputError(f"'{fact[:40]}' is no value that the guideline measures")
    return resources_of(question, amount, entered, guideline)


def wound_size(site: str, length: float, width: float, entered: Entered, guideline: Guideline) -> list[Resource]:
    """Length and width (cm) of the wound at a named site; the name tells one wound from another. 0 x 0 is healed.

    Raises `InputError`.
    """
    name = " ".join(site.split())
    if not 0 < len(name) <= LONGEST_SITE:
        raise InputError(f"the wound needs the name of its site, of at most {LONGEST_SITE} characters")
    low, high = guideline.interview.wound_size
    found = []
    for concept, value in (("wound-length", length), ("wound-width", width)):
        _within(value, low, high, f"the {concept.replace('-', ' ')} in cm")
        code = coded([concept], guideline.interview)
        measured = {"valueQuantity": quantity(value, "cm")}
        hint = f"{concept}-{_slug(name)}"
        found.append(observation(code, measured, hint, entered, sites={"text": name}))
    return found


def wound_score(
    total: float | None, entered: Entered, guideline: Guideline, *, items: Mapping[str, float] | None = None
) -> list[Resource]:
    """BWAT-CUA: its total, or all eight item scores (by id), or both where they agree. Raises `InputError`."""
    form = guideline.interview.wound_score
    if form is None:
        raise InputError("the guideline describes no wound score")
    total = _total(total, dict(items or {}), form)
    given = [(item.name, items[item.id]) for item in form.items] if items else []
    found = observation(
        coded(["bwat-cua"], guideline.interview, text="BWAT-CUA"),
        {"valueQuantity": quantity(total, "{score}")},
        "wound-score",
        entered,
    )
    if given:
        found["component"] = [
            {"code": {"text": name}, "valueQuantity": quantity(value, "{score}")} for name, value in given
        ]
    return [found]


def _total(total: float | None, items: Mapping[str, float], form: WoundScore) -> float:
    known = {item.id for item in form.items}
    if items and set(items) != known:
        raise InputError(f"all of the items are needed, or none: {', '.join(item.name for item in form.items)}")
    for item in form.items:
        if items:
            _within(items[item.id], *form.item, item.name, whole=True)
    summed = sum(items.values()) if items else total
    if summed is None:
        raise InputError("the wound score needs its total or its items")
    if total is not None and total != summed:
        raise InputError(f"the total {total:g} is not the sum of the items, {summed:g}")
    _within(summed, *form.total, "the wound score", whole=True)
    return summed


def thiosulfate_given(
    grams: float, entered: Entered, guideline: Guideline, *, salt: str = "", timing: DoseTiming = ""
) -> list[Resource]:
    """A dose of sodium thiosulfate that was given (g, of the salt where that is stated). Raises `InputError`."""
    low, high = guideline.facts["thiosulfate-dose"].plausible or (0.0, math.inf)
    _within(grams, low, high, "the dose of sodium thiosulfate in g")
    if salt not in SALTS or timing not in _TIMINGS:
        raise InputError(
            "the salt is pentahydrate, anhydrous or not stated; the dose is given during or after dialysis"
        )
    drug = coded(["sodium-thiosulfate"], guideline.interview, text=f"sodium thiosulfate {salt}".strip())
    dose = quantity(grams, "g")
    return [administration(drug, dose, "thiosulfate-given", entered, text=_TIMINGS[timing])]


def dialysis_session(
    modality: str, entered: Entered, guideline: Guideline, *, hours: float | None = None
) -> list[Resource]:
    """A dialysis session that began at the time of the entry; `modality` is a concept of the opening question.

    Raises `InputError`.
    """
    offered = next(each.concepts for each in guideline.interview.opening if each.id == "dialysis")
    if modality not in offered:
        raise InputError(f"'{modality[:40]}' is no kind of dialysis: {', '.join(offered)}")
    performed: dict[str, Any] = {"performedDateTime": entered.when}
    if hours is not None:
        low, high = guideline.facts["dialysis-session-hours"].plausible or (0.0, math.inf)
        _within(hours, low, high, "the hours of the session")
        if "T" in entered.when:
            end = datetime.fromtimestamp(entered.moment().earliest + 3600 * hours, UTC)
            performed = {"performedPeriod": {"start": entered.when, "end": end.isoformat()}}
    code = coded([modality], guideline.interview)
    return [procedure(code, performed, "dialysis-session", entered)]


def note(text: str, entered: Entered) -> list[Resource]:
    """A note in free text; it is read as the notes of a record are. Raises `InputError`."""
    if not text.strip():
        raise InputError("the note is empty")
    if len(text) > LONGEST_NOTE:
        raise InputError(f"the note is longer than {LONGEST_NOTE} characters")
    entered.moment()
    data = base64.b64encode(text.encode()).decode()
    attachment = {"contentType": "text/plain; charset=utf-8", "data": data}
    return [
        entered.resource("DocumentReference", "note")
        | {
            "status": "current",
            "type": {"text": "Note"},
            "date": entered.when,
            "author": [entered.who()],
            "content": [{"attachment": attachment}],
        }
    ]


def drug_started(concept: str, entered: Entered, guideline: Guideline) -> list[Resource]:
    """A drug of the vocabulary that is taken from the time of the entry on. Raises `InputError`."""
    if concept not in guideline.vocabulary.of_family("drug"):
        raise InputError(f"'{concept[:40]}' is no drug that the guideline knows")
    entered.moment()
    drug = coded([concept], guideline.interview)
    return [statement(drug, "active", f"drug-{concept}", entered, since=entered.when)]


def drug_stopped(taken: Mapping[str, Any], entered: Entered) -> list[Resource]:
    """The entry of a drug that is taken (a statement or an order), in a new version that says it was stopped.

    A further entry beside it would not do: an active order outweighs any word that the drug is not taken.
    Raises `InputError`.
    """
    kind = taken.get("resourceType")
    if kind not in _DRUG_TYPES:
        raise InputError(f"a {kind} cannot be stopped; only {' and '.join(_DRUG_TYPES)} can")
    entered.moment()
    found = dict(taken) | {"status": "stopped"}
    if kind == "MedicationStatement":
        found["effectivePeriod"] = {**_period(taken), "end": entered.when}
        found.pop("effectiveDateTime", None)
    if "T" in entered.when:
        found["meta"] = {**(taken.get("meta") or {}), "lastUpdated": entered.when}
    found["note"] = [*(taken.get("note") or []), *entered.notes()]
    return [found]


def _period(taken: Mapping[str, Any]) -> dict[str, Any]:
    start = taken.get("effectiveDateTime")
    return dict(taken.get("effectivePeriod") or ({"start": start} if start else {}))


def _within(value: float, low: float, high: float, what: str, *, whole: bool = False) -> None:
    if (
        isinstance(value, bool)
        or not math.isfinite(value)
        or not low <= value <= high
        or (whole and value != int(value))
    ):
        kind = "a whole number" if whole else "a number"
        raise InputError(f"{what} must be {kind} from {low:g} to {high:g}")


def _slug(name: str) -> str:
    """A site's name as a part of an id."""
    return "-".join(
        "".join(letter if letter.isascii() and letter.isalnum() else " " for letter in name.lower()).split()
    )
