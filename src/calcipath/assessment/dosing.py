"""The `dosing` part of an assessment: the record's facts as inputs, its guards as holds, its cautions as warnings.

What an option states stands instead of the record's fact, and answers every condition that reads it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from calcipath.assessment.outcome import Outcome
from calcipath.errors import InputError
from calcipath.guideline.expression import references
from calcipath.guideline.model import Guideline
from calcipath.guideline.record_inputs import RecordInput
from calcipath.record.evidence import Evidence
from calcipath.record.model import Assertion, DataProblem

if TYPE_CHECKING:  # NumPy behind them is loaded only where a dose is simulated
    from calcipath.assessment.verdicts import GuardOutcome, Verdicts
    from calcipath.guideline.thiosulfate_knowledge import Scenario, ThiosulfateKnowledge
    from calcipath.thiosulfate.answer import Dosed
    from calcipath.thiosulfate.comparison import Progress
    from calcipath.thiosulfate.dialysis import MissingInput
    from calcipath.thiosulfate.options import DoseOptions

APPLIES = ("yes", "held")
PRODUCT = "product"
IN_AN_ASSESSMENT = 500  # virtual patients; `calcipath dose` takes more
NARROW = 0.01  # relative width up to which an interval is used as one number


@dataclass(frozen=True, slots=True)
class Read:
    """What the record gives for an input: `value` is None where it gives nothing exact enough."""

    input: RecordInput
    value: float | str | None
    unit: str
    because: tuple[Evidence, ...]
    question: str = ""
    said: str = ""  # why a value of the record is not used


def stated_outcomes(guideline: Guideline, options: DoseOptions) -> dict[str, Outcome]:
    """What the options say of facts and of the guideline's defaults, to be evaluated instead of the record's."""
    inputs = guideline.thiosulfate.record_inputs
    found: dict[str, Outcome] = {}
    for each in inputs.inputs:
        given = getattr(options, each.input)
        if given is None:
            continue
        if each.stated:
            true = each.stated.get(str(given), ())
            false = {name for names in each.stated.values() for name in names} | set(each.unstated)
            found |= {name: _said(guideline, name, name in true) for name in sorted(false | set(true))}
        else:
            found[each.fact] = _said(guideline, each.fact, (float(given), float(given)))
    found |= {
        name: Outcome((1.0, 1.0))
        for name, needed in inputs.answers.items()
        if all(getattr(options, each) for each in needed)
    }
    return found


def _said(guideline: Guideline, name: str, value: bool | tuple[float, float]) -> Outcome:
    fact = guideline.facts[name]
    shown = value[0] if isinstance(value, tuple) else None
    assertion: Assertion = "stated" if value else "negated"
    measured = fact.id if shown is not None else ""
    evidence = Evidence(f"{fact.label} (stated)", "", shown, fact.type.unit, assertion=assertion, fact=measured)
    return Outcome(value, (evidence,))


def dosing(verdicts: Verdicts, problems: Sequence[DataProblem]) -> dict[str, Any]:
    """The `dosing` part of an assessment.

    Status: `not-considered` where the guideline does not consider thiosulfate, `incomplete` (with `needs`), `withheld` (a
    hold stands; exposure is still compared) or `answered`.
    """
    considered = _verdict(verdicts, verdicts.guideline.thiosulfate.record_inputs.considered_by)
    if considered not in APPLIES:
        return {"status": "not-considered", "reason": _not_considered(considered, verdicts)}
    from calcipath.thiosulfate.options import DoseOptions

    return dose_of(verdicts, verdicts, DoseOptions(population=IN_AN_ASSESSMENT), problems, tell_recorded=False).answer


def dose_of(
    verdicts: Verdicts,
    record: Verdicts,
    options: DoseOptions,
    problems: Sequence[DataProblem] = (),
    scenarios: tuple[Scenario, ...] = (),
    progress: Progress | None = None,
    tell_recorded: bool = True,
) -> Dosed:
    """The dosing answer for a record: `verdicts` with what `options` state, `record` without it.

    `tell_recorded`: behind a hold, whether the amounts of a dose that is on record are told.

    Raises `InputError` for an option that cannot be.
    """
    from calcipath.thiosulfate.answer import Dosed, answer, side_by_side
    from calcipath.thiosulfate.dialysis import MissingInput
    from calcipath.thiosulfate.held import held_form
    from calcipath.thiosulfate.options import missing_inputs, request_of

    knowledge = verdicts.guideline.thiosulfate
    read = _usable(list(_read(record, options)), options, knowledge)
    guards = _guards(verdicts)
    held = [*_not_offered(verdicts), *(_hold(each) for each in guards if each.holds)]
    unusable = tuple(_unusable_dose(options, problems, verdicts))
    holds = tuple(each["reason"] for each in held) + tuple(
        "the dose on record cannot be used as written" for _ in unusable
    )
    asked = replace(
        _filled(options, read),
        holds=holds,
        questions=(*unusable, *((g.guard.id, g.guard.question) for g in guards if g.asks), *_product(knowledge)),
        warnings=(*options.warnings, *dict.fromkeys(_warnings(verdicts, options, read, problems))),
    )
    known = {"read": [_shown(each, options) for each in read if each.because], "holds": held}
    needs = [_need(each) for each in missing_inputs(asked, knowledge)]
    needs = _exact_questions(needs, read, options)
    if needs:
        return Dosed(
            _incomplete(needs, _besides(needs, verdicts, holds, guards), asked, knowledge) | known, None, knowledge
        )
    request = request_of(asked, knowledge, scenarios)
    try:
        found = answer(request, knowledge, progress)
    except MissingInput as missing:
        both = side_by_side(request, missing.values, knowledge)
        return Dosed(
            _incomplete([_need(missing)], holds, asked, knowledge) | {"options": both} | known, None, knowledge
        )
    grams = float(found["regimen"]["dose"]["value"])
    if not holds:
        return Dosed(found | {"status": "answered"} | known, request, knowledge, grams)
    named = options.dose is not None or (tell_recorded and asked.dose is not None)
    found = held_form(found, named=named, record_warnings=asked.warnings)
    return Dosed(found | {"status": "withheld", "reason": "; ".join(holds)} | known, request, knowledge, grams)


def _need(missing: MissingInput) -> dict[str, str]:
    """What is missing; the input is the first word of an option such as "--height, or --gfr in mL/min"."""
    name = missing.option.split()[0].strip("-,")
    return {"input": name, "question": missing.question, "option": missing.option}


def _verdict(verdicts: Verdicts, name: str) -> str:
    return str(verdicts.outcome(f"recommendation:{name}").value)


def _not_offered(verdicts: Verdicts) -> list[dict[str, Any]]:
    """A hold where the guideline does not offer a dose, whatever is running."""
    inputs = verdicts.guideline.thiosulfate.record_inputs
    offered = _verdict(verdicts, inputs.offered_by)
    if offered in APPLIES:
        return []
    instead, who = inputs.not_offered
    level = verdicts.outcome("suspicion-level").value
    reason = f"the guideline offers no dose in this record: the suspicion is '{level}'"
    if offered != "no":
        reason = f"it cannot be told from this record whether a dose is offered: the suspicion is '{level}'"
    return [
        {"guard": "not-offered", "reason": reason, "unknown": False, "evidence": [], "instead": instead, "who": who}
    ]


def _product(knowledge: ThiosulfateKnowledge) -> list[tuple[str, str]]:
    """No record shows the vial in hand: it is always asked for."""
    return [(each.id, each.ask) for each in knowledge.questions if each.id == PRODUCT]


def _unusable_dose(
    options: DoseOptions, problems: Sequence[DataProblem], verdicts: Verdicts
) -> Iterator[tuple[str, str]]:
    """A dose on record that cannot be meant, such as 25 mg, is asked about before any other is looked at."""
    if options.dose is not None:
        return
    facts = {each.fact for each in verdicts.guideline.thiosulfate.record_inputs.inputs if each.input == "dose"}
    for problem in problems:
        if problem.concept in facts:
            handling = problem.handling.rstrip(".")
            yield (
                "dose-on-record",
                f"The dose on record cannot be used as written ({handling}): which dose, in grams, is meant?",
            )
            return


def _usable(read: list[Read], options: DoseOptions, knowledge: ThiosulfateKnowledge) -> list[Read]:
    """What was read, without a value that cannot be (14 sessions a week); it then counts as not known, and is named."""
    from calcipath.thiosulfate.dialysis import MissingInput
    from calcipath.thiosulfate.kinetics import Patient, checked_patient
    from calcipath.thiosulfate.options import dialysis_of
    from calcipath.thiosulfate.request import check_dose

    def refused(rows: Sequence[Read]) -> str:
        filled = _filled(options, rows)
        try:
            if filled.weight is not None:
                checked_patient(Patient(filled.weight, filled.gfr))
            if filled.dose is not None:
                check_dose(filled.dose, knowledge)
            if filled.modality is not None:
                checked(dialysis_of(filled))
        except MissingInput:
            return ""
        except InputError as error:
            return str(error)
        return ""

    from calcipath.thiosulfate.dialysis import checked

    for place, each in enumerate(read):
        said = refused(read)
        if f"--{each.input.input} " in said and getattr(options, each.input.input) is None:
            read = [*read[:place], replace(each, value=None, question="", said=said), *read[place + 1 :]]
    return read


def _not_considered(considered: str, verdicts: Verdicts) -> str:
    level = verdicts.outcome("suspicion-level").value
    if considered == "no":
        return f"sodium thiosulfate is not considered in this record: the suspicion is '{level}'"
    return f"it cannot be told from this record whether sodium thiosulfate is considered: the suspicion is '{level}'"


def _read(verdicts: Verdicts, options: DoseOptions) -> Iterator[Read]:
    from calcipath.thiosulfate.dialysis import BELONGS

    modality = options.modality
    for each in verdicts.guideline.thiosulfate.record_inputs.inputs:
        belongs = each.modalities or BELONGS.get(each.input, ())
        if belongs and modality not in belongs:
            continue
        if each.when and verdicts.outcome(each.when).value is not True:
            continue
        found = _read_one(each, verdicts)
        if each.input == "modality" and modality is None:
            modality = found.value if isinstance(found.value, str) else None
        yield found


def _read_one(each: RecordInput, verdicts: Verdicts) -> Read:
    outcome = verdicts.outcome(each.fact)
    unit = verdicts.guideline.facts[each.fact].type.unit
    if isinstance(outcome.value, str):
        question = each.questions.get(outcome.value, "")
        return Read(each, each.values.get(outcome.value), unit, outcome.because, question)
    if not isinstance(outcome.value, tuple):
        return Read(each, None, unit, ())
    low, high = outcome.value
    middle = (low + high) / 2.0
    exact = high - low <= NARROW * abs(middle)
    return Read(each, float(f"{middle:.6g}") if exact else None, unit, outcome.because)


def _filled(options: DoseOptions, read: Sequence[Read]) -> DoseOptions:
    """The options, with the record's values where an option is not given."""
    values: dict[str, Any] = {}
    for each in read:
        if each.value is not None and getattr(options, each.input.input) is None:
            values[each.input.input] = each.value
    if "egfr" in values and (options.gfr is not None or "gfr" in values):
        del values["egfr"]  # a measured clearance says it directly
    if options.egfr is not None:
        values.pop("gfr", None)
    if "dose" in values:
        values["dose_is"] = "as on record"
    return replace(options, **values)


def _guards(verdicts: Verdicts) -> list[GuardOutcome]:
    """The guards on thiosulfate and its dose, each once: what stands before what is not known."""
    found: dict[str, GuardOutcome] = {}
    by_id = {item.id: item for item in verdicts.guideline.recommendations}
    for name in verdicts.guideline.thiosulfate.record_inputs.holds_of:
        for each in verdicts.judge(by_id[name]).guards:
            kept = found.get(each.guard.id)
            if kept is None or _rank(each) > _rank(kept):
                found[each.guard.id] = each
    return sorted(found.values(), key=lambda each: each.outcome.value is not True)


def _rank(each: GuardOutcome) -> tuple[bool, bool, bool]:
    return each.outcome.value is True, each.holds, each.asks


def _reason(each: GuardOutcome) -> str:
    if each.outcome.value is True:
        return each.guard.reason
    return f"not known: {each.guard.question or each.guard.reason}"


def _hold(each: GuardOutcome) -> dict[str, Any]:
    guard = each.guard
    evidence = [item.as_dict() for item in each.outcome.because]
    return {
        "guard": guard.id,
        "reason": _reason(each),
        "unknown": each.outcome.value is None,
        "evidence": evidence,
        "instead": guard.instead,
        "who": guard.who,
    }


def _warnings(
    verdicts: Verdicts, options: DoseOptions, read: Sequence[Read], problems: Sequence[DataProblem]
) -> Iterator[str]:
    inputs = verdicts.guideline.thiosulfate.record_inputs
    for each in read:
        given = getattr(options, each.input.input)
        if given is not None and each.value is not None and not _same(given, each.value):
            dated = next((f" ({item.date})" for item in each.because if item.date), "")
            shown = each.value if isinstance(each.value, str) else f"{each.value:g} {each.unit}"
            yield f"The record gives {each.input.input} {shown}{dated}; {given} was stated and is used."
        if each.said:
            yield f"The record's {each.input.input} cannot be used: {each.said}."
    facts = {each.fact for each in inputs.inputs}
    for problem in problems:
        if problem.concept in facts:
            label = verdicts.guideline.facts[problem.concept].label
            yield f"The record's {label} was not used as written: {problem.handling.rstrip('.')}."
    by_id = {item.id: item for item in verdicts.guideline.recommendations}
    for name in inputs.cautions_of:
        for said in by_id[name].cautions:
            if said.condition is not None and verdicts.evaluate(said.condition).value is True:
                yield said.text


def _same(given: object, value: float | str) -> bool:
    if isinstance(given, (int, float)) and isinstance(value, float):
        return abs(given - value) <= NARROW * abs(value)
    return given == value


def _shown(each: Read, options: DoseOptions) -> dict[str, Any]:
    value = {"value": each.value, "unit": each.unit} if isinstance(each.value, float) else each.value
    given = getattr(options, each.input.input)
    return {
        "input": each.input.input,
        "fact": each.input.fact,
        "value": value,
        "used": given is None and each.value is not None,
        "evidence": [item.as_dict() for item in each.because[:6]],
    }


def _exact_questions(needs: list[dict[str, str]], read: Sequence[Read], options: DoseOptions) -> list[dict[str, str]]:
    """A question that the record half answers is asked for the other half."""
    exact = next((each.question for each in read if each.input.input == "modality" and each.question), "")
    if not exact or options.modality is not None:
        return needs
    return [{**need, "question": exact} if need["option"].startswith("--modality") else need for need in needs]


def _besides(
    needs: list[dict[str, str]], verdicts: Verdicts, holds: Sequence[str], guards: Sequence[GuardOutcome]
) -> list[str]:
    """The holds, without those that only ask for what is needed anyway."""
    inputs = verdicts.guideline.thiosulfate.record_inputs
    asked = {need["input"] for need in needs}
    names = {each.fact for each in inputs.inputs if each.input in asked}
    names |= {name for name, needed in inputs.answers.items() if set(needed) & asked}
    same = {_reason(each) for each in guards if set(references(each.guard.condition.tree)) <= names}
    return [each for each in holds if each not in same]


def _incomplete(
    needs: list[dict[str, str]], holds: Sequence[str], asked: DoseOptions, knowledge: ThiosulfateKnowledge
) -> dict[str, Any]:
    missing = [each["question"] for each in needs]
    return {
        "status": "incomplete",
        "reason": f"not simulated yet: {' '.join(missing)}",
        "needs": needs,
        "matched": {
            "status": "withheld",
            "dose": None,
            "reason": "; ".join([*holds, *(f"not known: {each}" for each in missing)]),
        },
        "questions": [{"id": name, "question": text} for name, text in asked.questions],
        "warnings": list(asked.warnings),
        "words": list(knowledge.words),
    }
