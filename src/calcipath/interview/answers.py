"""Answers as FHIR resources. What an answer says is read back by the guideline as exactly that, and nothing wider.

"I don't know" is no resource. A value that cannot be is refused in one sentence.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from calcipath.errors import InputError
from calcipath.guideline.model import Fact, Guideline
from calcipath.guideline.unit_aliases import normalised_text
from calcipath.guideline.units import same_size
from calcipath.interview.entered import Entered, Resource
from calcipath.interview.fhir_forms import (
    allergy,
    coded,
    condition,
    observation,
    order,
    procedure,
    quantity,
    report,
    sites_of,
    statement,
    stay,
)
from calcipath.interview.questions import NO, UNKNOWN, YES, Question, yes_concept
from calcipath.record.dates import parse_when
from calcipath.record.model import Quantity
from calcipath.record.quantities import EVERYTHING, Normalised, normalise

YEAR = 365.25
_UNDATED = ("team", "quality", "symptom-sign", "laboratory", "measurement", "lesion")


@dataclass(frozen=True, slots=True)
class Amount:
    """A number with its unit (UCUM), as the person gave it; an empty unit is that of the question's first choice."""

    value: float
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Chosen:
    """One option of a choice, at one or more sites."""

    value: str
    sites: tuple[str, ...] = ()


Given = str | Amount | Chosen


def resources_of(question: Question, given: Given, entered: Entered, guideline: Guideline) -> list[Resource]:
    """What an answer adds to the case: none for "unknown", an updated Patient for age and sex, else one resource.

    `given` is "yes", "no", "unknown", an option's value, a date (year, month or day), an `Amount`, or `Chosen`. Raises
    `InputError` for an answer that the question does not offer, or a value that cannot be.
    """
    entered.moment()
    if given == UNKNOWN:
        return []
    if not question.fact:
        return [_opening(question, given, entered, guideline)]
    fact = guideline.facts[question.fact]
    if fact.kind == "demographic":
        return [_patient(fact, question, given, entered, guideline)]
    if fact.kind in ("quantity", "frequency", "duration"):
        return [_number(fact, _amount(given, fact, question, guideline), entered, guideline)]
    if question.kind == "date" and given != NO:
        return [_dated(fact, _date(given, entered), entered, guideline)]
    choice = _choice(given, question)
    if fact.kind == "setting":
        return [stay(fact.id, entered)]
    if choice.value == NO:
        return [_denial(fact, fact.id, entered, guideline)]
    return [_statement(fact, choice.value, entered, guideline)]


def _choice(given: Given, question: Question) -> Chosen:
    """The chosen option. Raises `InputError` where the question does not offer it."""
    chosen = given if isinstance(given, Chosen) else Chosen(given) if isinstance(given, str) else None
    offered = {option.value for option in question.options}
    if chosen is None or chosen.value not in offered:
        shown = chosen.value[:40] if chosen else f"{given}"[:40]
        raise InputError(f"'{shown}' is no answer to: {question.wording}")
    for site in chosen.sites:
        if chosen.value == NO or site not in {option.value for option in question.sites}:
            raise InputError(f"'{site[:40]}' is no site that can be chosen for: {question.wording}")
    return chosen


def _date(given: Given, entered: Entered) -> str:
    when = parse_when(given) if isinstance(given, str) else None
    if when is None:
        raise InputError(f"'{str(given)[:40]}' is not a date such as 2019, 2019-05 or 2019-05-20")
    if when.earliest > entered.moment().latest:
        raise InputError(f"{when.written} lies after {entered.when}, the date of this entry")
    return when.written


def _amount(given: Given, fact: Fact, question: Question, guideline: Guideline) -> Amount:
    """The amount, in a unit that the question offers and within the believable range. Raises `InputError`."""
    if not isinstance(given, Amount) or isinstance(given.value, bool) or not math.isfinite(given.value):
        raise InputError(f"a number is needed for: {question.wording}")
    unit = _unit(given.unit, fact, question, guideline)
    limits = fact.plausible or guideline.interview.of(fact.id).range or EVERYTHING
    read = normalise(
        Quantity(given.value, unit, "http://unitsofmeasure.org", unit),
        unit=fact.type.unit,
        aliases=guideline.aliases,
        analyte=fact.analyte,
        accepted_units=fact.accepted_units,
        plausible=limits,
    )
    if isinstance(read, Normalised):
        return Amount(given.value, unit)
    raise InputError(f"{fact.label}: {read.handling.rstrip('.')}")


def _unit(written: str, fact: Fact, question: Question, guideline: Guideline) -> str:
    """The offered unit that was written, as its UCUM code or as people write it."""
    offered = [option.unit for option in question.units]
    if not written or written in offered:
        return written or offered[0]
    for reading in guideline.aliases.readings(normalised_text(written)):
        for unit in offered:
            if same_size(reading, unit):
                return unit
    raise InputError(f"{fact.label}: the unit '{written[:20]}' is not one of {', '.join(offered)}")


def _patient(fact: Fact, question: Question, given: Given, entered: Entered, guideline: Guideline) -> Resource:
    """The Patient resource with sex or birth date. An age in years gives the month in the middle of its year."""
    found = dict(entered.patient) | {"resourceType": "Patient"}
    if fact.field == "sex":
        return found | {"gender": _choice(given, question).value}
    if isinstance(given, str):
        return found | {"birthDate": _date(given, entered)[:10]}
    amount = _amount(given, fact, question, guideline)
    return found | {"birthDate": entered.days_before((int(amount.value) + 0.5) * YEAR)[:7]}


def _number(fact: Fact, amount: Amount, entered: Entered, guideline: Guideline) -> Resource:
    knowledge = guideline.interview
    if fact.kind == "frequency":
        code = coded(fact.concepts[:1], knowledge, text=fact.label)
        if 2 * amount.value != int(2 * amount.value):
            raise InputError(f"{fact.label}: {amount.value:g} is not a whole or a half number")
        whole = amount.value == int(amount.value)
        times = {"frequency": int(amount.value if whole else 2 * amount.value), "period": 1 if whole else 2}
        return order(code, times | {"periodUnit": "wk"}, fact.id, entered)
    if fact.kind == "duration":
        repeat = {"duration": amount.value, "durationUnit": amount.unit}
        return order(coded(fact.concepts[:1], knowledge, text=fact.label), repeat, fact.id, entered)
    written = quantity(amount.value, amount.unit)
    concept = knowledge.of(fact.id).stands_for or fact.concepts[0]
    if fact.from_dose:
        return statement(coded([concept], knowledge), "active", fact.id, entered, dose=written)
    code = coded([concept], knowledge, unit=amount.unit, text=fact.label.removesuffix(" (recent)"))
    return observation(code, {"valueQuantity": written}, fact.id, entered)


def _dated(fact: Fact, date: str, entered: Entered, guideline: Guideline) -> Resource:
    """When it began or was done."""
    concept = yes_concept(fact, guideline)
    code = coded([concept], guideline.interview)
    family = guideline.vocabulary.family(concept)
    if family == "drug":
        return statement(code, "active", fact.id, entered, since=date)
    if family == "procedure":
        return procedure(code, {"performedDateTime": date}, fact.id, entered)
    return condition(code, fact.id, entered, verification="confirmed", clinical="active", onset=date)


@dataclass(frozen=True, slots=True)
class _Meant:
    """What a yes means: a concept (with a second one of the same entry), at these sites, in these words."""

    concept: str
    beside: tuple[str, ...]
    sites: tuple[str, ...]
    text: str


def _meant(fact: Fact, value: str, guideline: Guideline) -> _Meant:
    """The concept and sites of a yes, or of the concept or site that was chosen instead."""
    knowledge = guideline.interview
    concept, wanted, text = yes_concept(fact, guideline), fact.with_concepts, fact.label
    if value != YES and value in wanted:
        wanted, text = (value,), f"{knowledge.name(concept)}, {knowledge.name(value)}"
    elif value != YES:
        concept, text = value, knowledge.name(value)
    beside = tuple(each for each in wanted if guideline.vocabulary.family(each) == "lesion")
    return _Meant(concept, beside, tuple(each for each in wanted if each not in beside), text)


def _statement(fact: Fact, value: str, entered: Entered, guideline: Guideline) -> Resource:
    """A yes, or the concept or site that was chosen instead."""
    knowledge = guideline.interview
    meant = _meant(fact, value, guideline)
    code = coded([meant.concept, *meant.beside], knowledge, text=meant.text)
    if fact.kind == "medication":
        return statement(code, "completed" if fact.ever else "active", fact.id, entered)
    if fact.event_kinds == ("report",):
        examined = coded(meant.sites or (meant.concept,), knowledge)
        found = (meant.concept,) if meant.sites else ()
        return report(examined, found, fact.id, entered, knowledge, present=True)
    if guideline.vocabulary.concepts[meant.concept].allergy_terms:
        return allergy(code, fact.id, entered, present=True)
    if not _as_condition(fact, meant.concept, guideline):
        return _observed(fact, code, meant.sites, True, entered, guideline)
    clinical = "resolved" if fact.only_history or knowledge.of(fact.id).past else "active"
    return condition(code, fact.id, entered, verification=_certainty(fact, guideline), clinical=clinical)


def _certainty(fact: Fact, guideline: Guideline) -> str:
    """What a yes vouches for: "diagnosed" is not yet "confirmed" where the guideline tells them apart."""
    if fact.any_certainty:
        return "provisional"
    told_apart = any(each.confirmed_only and _shares(each, fact) for each in guideline.facts.values())
    return "" if told_apart and not fact.confirmed_only else "confirmed"


def _shares(one: Fact, other: Fact) -> bool:
    return not set(one.concepts).isdisjoint(other.concepts)


def _denial(fact: Fact, hint: str, entered: Entered, guideline: Guideline, *, lasting: bool = False) -> Resource:
    """A no: every concept of the fact, at every site that it asks for, is denied in one entry."""
    knowledge = guideline.interview
    code = coded(fact.concepts, knowledge, text=fact.label)
    if fact.kind == "medication":
        return statement(code, "not-taken", hint, entered)
    if fact.event_kinds == ("report",):
        examined = coded(fact.with_concepts, knowledge)
        return report(examined, fact.concepts, hint, entered, knowledge, present=False)
    if guideline.vocabulary.concepts[fact.concepts[0]].allergy_terms:
        return allergy(code, hint, entered, present=False)
    if lasting or _denied_as_condition(fact, guideline):
        past = "resolved" if fact.only_history else ""
        return condition(code, hint, entered, verification="refuted", clinical=past)
    return _observed(fact, code, fact.with_concepts, False, entered, guideline)


def _denied_as_condition(fact: Fact, guideline: Guideline) -> bool:
    """Refuted, unless that would say too much: "not diagnosed" is not "not suspected"."""
    if not _as_condition(fact, fact.concepts[0], guideline) or fact.with_concepts:
        return False
    if fact.any_certainty or fact.confirmed_only or fact.only_history or "observation" not in _kinds(fact):
        return True
    return not any(each.any_certainty and _shares(each, fact) for each in guideline.facts.values())


def _observed(
    fact: Fact, code: dict[str, object], places: Sequence[str], says: bool, entered: Entered, guideline: Guideline
) -> Resource:
    knowledge = guideline.interview
    since = entered.days_before(fact.within_days or 0.0) if knowledge.of(fact.id).over_window else ""
    sites = sites_of(places, knowledge)
    return observation(code, {"valueBoolean": says}, fact.id, entered, sites=sites, since=since)


def _as_condition(fact: Fact, concept: str, guideline: Guideline) -> bool:
    """A lasting diagnosis, or one whose certainty matters, is a Condition; a finding of today is an Observation."""
    if fact.event_kinds and "condition" not in fact.event_kinds:
        return False
    if fact.confirmed_only or fact.any_certainty or fact.only_history or "observation" not in _kinds(fact):
        return True
    asked = guideline.interview.of(fact.id)
    lasting = asked.lasting or (fact.within_days is None and fact.kind == "recorded")
    return lasting and guideline.vocabulary.family(concept) not in (*_UNDATED, "procedure")


def _kinds(fact: Fact) -> tuple[str, ...]:
    return fact.event_kinds or ("condition", "observation")


def _opening(question: Question, given: Given, entered: Entered, guideline: Guideline) -> Resource:
    """The kind of dialysis, or of the lesion with its sites; "none" denies the whole."""
    each = next(opening for opening in guideline.interview.opening if opening.id == question.id)
    choice = _choice(given, question)
    knowledge = guideline.interview
    fact = guideline.facts[each.denies]
    if choice.value == NO:
        return _denial(fact, each.id, entered, guideline, lasting=each.lasting)
    where = ", ".join(map(knowledge.name, choice.sites))
    code = coded([choice.value], knowledge, text=", ".join(filter(None, (knowledge.name(choice.value), where))))
    if each.lasting:
        return condition(code, each.id, entered, verification="confirmed", clinical="active")
    sites = sites_of(choice.sites, knowledge)
    return observation(code, {"valueBoolean": True}, each.id, entered, sites=sites)


__all__ = ["Amount", "Chosen", "Given", "resources_of"]
