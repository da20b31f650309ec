"""The order in which an assessment is read, the same for every format, and the last gate before it is shown.

Urgent first, then what is held, then what to do by urgency, for and against. A held recommendation loses its actions
here whatever the assessment says, and so does a thiosulfate dose behind a hold: no format can show a bare order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from calcipath.language import _
from calcipath.output import wording
from calcipath.output.wording import Item, clean, items
from calcipath.thiosulfate.held import AMOUNTS, LEVELS

THIOSULFATE = ("sodium-thiosulfate", "thiosulfate-dose-by-dialysis")
NO_DOSE = "No dose is shown: a hold stands on thiosulfate (see the held items)."
CONTRACT_ORDER = (
    "schema_version",
    "guideline",
    "as_of",
    "record_ends",
    "patient",
    "urgent",
    "suspicion",
    "risk_factors",
    "differential",
    "recommendations",
    "conflicts",
    "unknowns",
    "assumptions",
    "data_problems",
    "dosing",
    "course",
)


@dataclass(frozen=True, slots=True)
class Question:
    """A question that must be answered before the recommendations that ask it are acted on; `fact` answers it."""

    number: int
    text: str
    asked_by: tuple[str, ...]
    fact: str = ""


@dataclass(frozen=True, slots=True)
class Due:
    """The recommendations of one urgency that apply: what to do, and what to avoid or stop."""

    urgency: str
    wanted: tuple[Item, ...]
    unwanted: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """An assessment in reading order. `assessment` is the withheld form: it holds no action of a held item."""

    assessment: Item
    urgent: tuple[Item, ...]
    held: tuple[Item, ...]
    due: tuple[Due, ...]
    questions: tuple[Question, ...]
    undecided: tuple[Item, ...]
    not_applicable: tuple[Item, ...]

    def numbers(self, recommendation: Item) -> tuple[int, ...]:
        """Numbers of the questions that the recommendation asks."""
        asked = {wording.say(ask) for ask in items(recommendation.get("asks"))}
        return tuple(question.number for question in self.questions if question.text in asked)

    def grounds(self, recommendation: Item) -> str:
        """Its evidence in one line; what already made the level of suspicion is not said again."""
        made = [dict(piece) for piece in records(wording.structure(self.assessment.get("suspicion")).get("because"))]
        given = records(recommendation.get("because"))
        own = [piece for piece in given if dict(piece) not in made]
        line = wording.evidence_list(own)
        if len(own) == len(given):
            return line
        return f"the suspicion above; {line}" if line else "the suspicion above"


def guards_of(held: Item) -> tuple[Item, ...]:
    """The guards of a held item for a reader: what is known to stand, then all that is unknown as one."""
    guards = records(held.get("held_by"))
    unknown = [guard for guard in guards if guard.get("unknown")]
    if len(unknown) < 2:
        return guards
    questions = " ".join(dict.fromkeys(clean(guard.get("question")) or wording.reason(guard) for guard in unknown))
    together = {
        "reason": f"not known, and needed before acting: {questions}",
        "instead": "find these out first",
        "who": "; ".join(dict.fromkeys(clean(guard.get("who")) for guard in unknown)),
    }
    return (*(guard for guard in guards if not guard.get("unknown")), together)


def plan_of(assessment: Item) -> Plan:
    """The assessment in reading order."""
    shown = withhold(assessment)
    recommendations = records(shown.get("recommendations"))
    by_verdict: dict[str, list[Item]] = {}
    for item in recommendations:
        by_verdict.setdefault("held" if is_held(item) else str(item.get("verdict")), []).append(item)
    applies = by_verdict.get("yes", [])
    return Plan(
        assessment=shown,
        urgent=records(shown.get("urgent")),
        held=tuple(by_verdict.get("held", ())),
        due=_due(applies),
        questions=_questions(by_verdict.get("held", []) + applies),
        undecided=tuple(item for verdict, group in by_verdict.items() if verdict not in _DECIDED for item in group),
        not_applicable=tuple(by_verdict.get("no", ())),
    )


_DECIDED = ("yes", "no", "held")


def records(value: object) -> tuple[Item, ...]:
    """The structures of a list; anything else in it cannot be shown and is left out."""
    return tuple(item for item in items(value) if isinstance(item, Mapping))


def is_held(recommendation: Item) -> bool:
    """Held by its verdict, or by a guard that it names."""
    return recommendation.get("verdict") == "held" or bool(recommendation.get("held_by"))


def withhold(assessment: Item) -> dict[str, Any]:
    """The assessment in the contract's key order, without actions unless a recommendation applies and is not held."""
    ordered = {key: assessment[key] for key in CONTRACT_ORDER if key in assessment}
    ordered.update((key, value) for key, value in assessment.items() if key not in ordered)
    recommendations = items(ordered.get("recommendations"))
    if recommendations:
        ordered["recommendations"] = [_gated(item) for item in recommendations]
    if dose_is_held(assessment) and isinstance(ordered.get("dosing"), Mapping):
        ordered["dosing"] = _without_dose(ordered["dosing"])
    return ordered


def dose_is_held(assessment: Item) -> bool:
    """Whether a hold stands on thiosulfate or on its dose, by the recommendations or by the dosing itself."""
    dosing = wording.structure(assessment.get("dosing"))
    if dosing.get("status") == "withheld" or items(dosing.get("holds")):
        return True
    return any(item.get("id") in THIOSULFATE and is_held(item) for item in records(assessment.get("recommendations")))


def _gated(item: object) -> object:
    if not isinstance(item, Mapping) or (item.get("verdict") == "yes" and not is_held(item)):
        return item
    return {**item, "actions": []}


KEPT_OF_HELD_DOSING = (
    "status", "reason", "needs", "read", "holds", "questions", "warnings", "words", "disagreement",
)  # fmt: skip


def _without_dose(dosing: Item) -> dict[str, Any]:
    """What may be said of dosing behind a hold: what is needed and known, and the comparison without any dose."""
    reason = _dose_reason(dosing)
    kept: dict[str, Any] = {key: dosing[key] for key in KEPT_OF_HELD_DOSING if key in dosing}
    if dosing.get("status") != "incomplete":
        kept |= {"status": "withheld", "reason": reason}
    kept["matched"] = {"status": "withheld", "dose": None, "reason": reason}
    for name in ("regimen", "reference"):
        part = wording.structure(dosing.get(name))
        if part:
            kept[name] = {key: value for key, value in part.items() if key not in (*AMOUNTS, "options")}
    exposure = wording.structure(dosing.get("exposure"))
    if exposure:
        kept["exposure"] = {key: exposure[key] for key in LEVELS if key in exposure}
    return kept


def _dose_reason(dosing: Item) -> str:
    for place in (dosing, wording.structure(dosing.get("matched"))):
        if place.get("status") == "withheld" and place.get("reason"):
            return wording.clean(place["reason"])
    return NO_DOSE


def _due(applies: list[Item]) -> tuple[Due, ...]:
    groups = []
    for urgency in wording.URGENCIES:
        chosen = [item for item in applies if _urgency(item) == urgency]
        wanted = tuple(item for item in chosen if not _unwanted(item))
        unwanted = tuple(item for item in chosen if _unwanted(item))
        if chosen:
            groups.append(Due(urgency, wanted, unwanted))
    return tuple(groups)


def _urgency(item: Item) -> str:
    urgency = str(item.get("urgency"))
    return urgency if urgency in wording.URGENCIES else "routine"


def _unwanted(item: Item) -> bool:
    return wording.word_for(item) in ("STOP", "AVOID")


def _questions(recommendations: list[Item]) -> tuple[Question, ...]:
    asked: dict[str, list[str]] = {}
    facts: dict[str, str] = {}
    for item in recommendations:
        for ask in items(item.get("asks")):
            text = wording.say(ask)
            if text:
                asked.setdefault(text, []).append(str(item.get("id", "")))
                facts.setdefault(text, clean(wording.structure(ask).get("fact")))
    return tuple(
        Question(place, text, tuple(dict.fromkeys(ids)), facts[text])
        for place, (text, ids) in enumerate(asked.items(), start=1)
    )


def headline(plan: Plan) -> str:
    """How much the plan holds, in one sentence."""
    now = sum(len(due.wanted) for due in plan.due if due.urgency in ("now", "today"))
    later = sum(len(due.wanted) for due in plan.due) - now
    avoid = sum(len(due.unwanted) for due in plan.due)
    parts = [
        (len(plan.urgent), wording.count(len(plan.urgent), _("urgent finding"))),
        (len(plan.held), wording.count(len(plan.held), _("item held"), _("items held"))),
        (now, f"{now} to do now or today"),
        (later, f"{later} to do later"),
        (avoid, f"{avoid} to avoid or stop"),
        (len(plan.questions), wording.count(len(plan.questions), _("question to answer"), _("questions to answer"))),
    ]
    said = ", ".join(text for amount, text in parts if amount)
    return sentence_of(said) if said else "Nothing in this plan asks for action."


def sentence_of(text: str) -> str:
    """The text as a sentence, with a full stop."""
    text = wording.sentence(text)
    return text if text.endswith((".", "!", "?")) else text + "." if text else ""


def what_made_it(assessment: Item) -> str:
    """The evidence that made the level of suspicion, in one line."""
    suspicion = wording.structure(assessment.get("suspicion"))
    given = wording.evidence_list(suspicion.get("because"))
    if given:
        return given
    if suspicion.get("level") == "not-suspected":
        return _established(assessment)
    found = [
        piece
        for scheme in records(suspicion.get("schemes"))
        for criterion in records(scheme.get("criteria"))
        if criterion.get("verdict") == "yes"
        for piece in items(criterion.get("because"))
    ]
    return wording.evidence_list(found, limit=4)


def _established(assessment: Item) -> str:
    for mimic in records(assessment.get("differential")):
        if mimic.get("standing") == "established":
            return f"{wording.title(mimic.get('id'))} is established: {wording.listed(items(mimic.get('for')), 2)}"
    return ""
