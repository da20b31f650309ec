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
from calcipath.record.model import DataProblem

if TYPE_CHECKING:  # NumPy behind them is loaded only where a dose is simulated
    from calcipath.assessment.verdicts import GuardOutcome, Verdicts
    from calcipath.guideline.thiosulfate_knowledge import Scenario
    from calcipath.thiosulfate.answer import Dosed
    from calcipath.thiosulfate.comparison import Progress
    from calcipath.thiosulfate.options import DoseOptions

CONSIDERED = ("yes", "held")
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
    found |= {name: Outcome((1.0, 1.0)) for option, name in inputs.answers.items() if getattr(options, option)}
    return found


def _said(guideline: Guideline, name: str, value: bool | tuple[float, float]) -> Outcome:
    fact = guideline.facts[name]
    shown = value[0] if isinstance(value, tuple) else None
    evidence = Evidence(f"{fact.label} (stated)", "", shown, fact.type.unit, assertion="stated" if value else "negated")
    return Outcome(value, (evidence,))


def dosing(verdicts: Verdicts, problems: Sequence[DataProblem]) -> dict[str, Any]:
    """The `dosing` part of an assessment.

    Status: `not-considered` where the guideline does not consider thiosulfate, `incomplete` (with `needs`), `withheld` (a
    hold stands; exposure is still compared) or `answered`.
    """
    considered = _considered(verdicts)
    if considered not in CONSIDERED:
        return {"status": "not-considered", "reason": _not_considered(considered, verdicts)}
    from calcipath.thiosulfate.options import DoseOptions

    options = DoseOptions(population=IN_AN_ASSESSMENT)
    try:
        return dose_of(verdicts, verdicts, options, problems).answer
    except InputError as error:  # a value of the record that cannot be
        return dict(_incomplete([{"input": "", "question": str(error), "option": ""}], [], options))


def dose_of(
    verdicts: Verdicts,
    record: Verdicts,
    options: DoseOptions,
    problems: Sequence[DataProblem] = (),
    scenarios: tuple[Scenario, ...] = (),
    progress: Progress | None = None,
) -> Dosed:
    """The dosing answer for a record: `verdicts` with what `options` state, `record` without it.

    Raises `InputError` for an option or a value that cannot be.
    """
    from calcipath.thiosulfate.answer import Dosed, answer
    from calcipath.thiosulfate.dialysis import MissingInput
    from calcipath.thiosulfate.options import missing_inputs, request_of

    knowledge, considered, own = verdicts.guideline.thiosulfate, _considered(verdicts), options
    read = list(_read(record, own))
    guards = _guards(verdicts)
    holds = [_reason(each) for each in guards if each.holds]
    if considered not in CONSIDERED:
        holds.insert(0, _not_considered(considered, verdicts))
    filled = _filled(own, read)
    asked = replace(
        filled,
        holds=tuple(holds),
        questions=tuple((each.guard.id, each.guard.question) for each in guards if each.asks),
        warnings=(*own.warnings, *_warnings(verdicts, own, read, problems)),
    )
    known = {
        "read": [_shown(each, own) for each in read if each.because],
        "holds": [_hold(g) for g in guards if g.holds],
    }
    needs = [
        {"input": _input(each.option), "question": each.question, "option": each.option}
        for each in missing_inputs(asked, knowledge)
    ]
    needs = _exact_questions(needs, read, own)
    if needs:
        return Dosed(_incomplete(needs, _besides(needs, verdicts, holds, guards), asked) | known, None, knowledge)
    request = request_of(asked, knowledge, scenarios)
    status = {"status": "withheld", "reason": "; ".join(holds)} if holds else {"status": "answered"}
    try:
        return Dosed(answer(request, knowledge, progress) | status | known, request, knowledge)
    except MissingInput as missing:
        asked_for = [{"input": _input(missing.option), "question": missing.question, "option": missing.option}]
        return Dosed(_incomplete(asked_for, holds, asked) | known, None, knowledge)


def _input(option: str) -> str:
    """The input that an option such as "--height, or --gfr in mL/min" gives."""
    return option.split()[0].strip("-,")


def _considered(verdicts: Verdicts) -> str:
    inputs = verdicts.guideline.thiosulfate.record_inputs
    return str(verdicts.outcome(f"recommendation:{inputs.considered_by}").value)


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
    facts = {each.fact for each in inputs.inputs}
    for problem in problems:
        if problem.concept in facts:
            label = verdicts.guideline.facts[problem.concept].label
            yield f"The record's {label} was not used as written: {problem.handling}."
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
    names |= {name for option, name in inputs.answers.items() if option in asked}
    same = {_reason(each) for each in guards if set(references(each.guard.condition.tree)) <= names}
    return [each for each in holds if each not in same]


def _incomplete(needs: list[dict[str, str]], holds: Sequence[str], asked: DoseOptions) -> dict[str, Any]:
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
    }
