"""Thiosulfate dosing for callers: named options in, the answer out. Flags, files and records meet here.

>>> from calcipath.dosing import DoseOptions, dose
>>> found = dose(DoseOptions(weight=70, modality="hemodialysis", sessions=3, hours=4, salt="pentahydrate", dose=25))
>>> found["matched"]["status"], found["matched"]["dose"]
('shown', {'value': 25.0, 'unit': 'g'})
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from calcipath.errors import InputError
from calcipath.guideline.entries import ContentFile, top
from calcipath.guideline.reader import read_thiosulfate_knowledge
from calcipath.guideline.shipped import shipped_content
from calcipath.guideline.thiosulfate_knowledge import Scenario, ThiosulfateKnowledge, read_scenarios
from calcipath.site_configuration import read_site_defaults
from calcipath.thiosulfate.answer import Dosed, answer, questions, side_by_side
from calcipath.thiosulfate.curve import Beginning, RegimenCurve, reference_curve, regimen_curve
from calcipath.thiosulfate.dialysis import MissingInput
from calcipath.thiosulfate.event_table import Carry, Dose, Session, Subject, read_event_table, write_event_table
from calcipath.thiosulfate.from_levels import Individual, individual
from calcipath.thiosulfate.options import DoseOptions, request_of

# Virtual patients of an answer that follows a moving control. The part that does not grow with them takes most; with so
# many the whole (answer, curve, reference, markup) takes about 0.1 s on one core, and the 5th and 95th percentile of the
# weekly exposure vary by 4 to 5 % (standard deviation) between seeds. A kept answer takes the number of `DoseOptions`.
WHILE_A_CONTROL_MOVES = 300

__all__ = [
    "WHILE_A_CONTROL_MOVES",
    "DoseOptions",
    "Dosed",
    "curve_of",
    "dose",
    "dosed",
    "event_table_of",
    "individual_of",
    "knowledge_for",
    "own_scenarios",
    "read_parameter_file",
    "reference_curve_of",
    "request_of",
]


def dose(options: DoseOptions, progress: Callable[[int], None] | None = None) -> dict[str, Any]:
    """The dosing answer. Raises `InputError` naming every question that must be answered first, or what is wrong."""
    return dosed(options, progress).answer


def dosed(options: DoseOptions, progress: Callable[[int], None] | None = None) -> Dosed:
    """The dosing answer with the request behind it, from which curves are drawn. Raises as `dose`."""
    _check_types(options)
    knowledge = knowledge_for(options.config)
    request = request_of(options, knowledge, own_scenarios(options, knowledge))
    try:
        found = answer(request, knowledge, progress)
        return Dosed(found, request, knowledge, float(found["regimen"]["dose"]["value"]))
    except MissingInput as missing:
        if not missing.values:
            raise
        incomplete = {
            "status": "incomplete",
            "reason": f"not simulated yet: {missing.question}",
            "needs": [{"input": missing.option.strip("-"), "question": missing.question, "option": missing.option}],
            "options": side_by_side(request, missing.values, knowledge),
            "matched": {"status": "withheld", "dose": None, "reason": f"not known: {missing.question}"},
            "questions": questions(request, knowledge),
            "warnings": list(request.warnings),
            "words": list(knowledge.words),
            "read": [],
            "holds": [],
        }
        return Dosed(incomplete, None, knowledge)


def _check_types(options: DoseOptions) -> None:
    """A caller from Python may hand over anything. Raises `InputError` naming the option."""
    words = {"modality", "timing", "dose_is", "salt", "diluent", "parameters", "config"}
    for each in fields(options):
        value = getattr(options, each.name)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if value is None or each.name in ("holds", "questions", "warnings", "match_reference"):
            continue
        if each.name in ("population", "seed") and not (isinstance(value, int) and number):
            raise InputError(f"{each.name} must be a whole number")
        if each.name not in words and not number:
            raise InputError(f"{each.name} must be a number")
        if each.name in words and not (isinstance(value, str) or (each.name == "timing" and number)):
            raise InputError(f"{each.name} must be a text")
    if isinstance(options.holds, str):
        raise InputError("holds must be a list of reasons")


def curve_of(
    found: Dosed, *, beginning: Beginning = "steady-state", days: float = 7.0, others: bool = True
) -> RegimenCurve:
    """The curve of the regimen that was answered; `others`: under the other readings of the literature too.

    Raises `InputError` where something must be answered first.
    """
    if found.request is None:
        raise InputError(str(found.answer["reason"]))
    return regimen_curve(found.request, found.knowledge, found.grams, beginning=beginning, days=days, others=others)


def reference_curve_of(
    found: Dosed, *, beginning: Beginning = "steady-state", days: float = 7.0
) -> RegimenCurve | None:
    """The curve of the reference regimen in the same patient; None where its dose is undefined.

    Raises `InputError` where something must be answered first.
    """
    if found.request is None:
        raise InputError(str(found.answer["reason"]))
    return reference_curve(found.request, found.knowledge, beginning=beginning, days=days)


def individual_of(found: Dosed, path: str, *, carry: Carry = "backward", amounts: str = "mmol") -> Individual:
    """One patient's kinetics from an event table with levels; `amounts`: unit of AMT and RATE, mmol or g of the salt.

    Raises `InputError` for a file that cannot be read, more than one subject or occasion, or a table that does not fit.
    """
    if found.request is None:
        raise InputError(str(found.answer["reason"]))
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({type(error).__name__})") from None
    try:
        subjects = read_event_table(text, carry=carry)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    if len(subjects) != 1:
        raise InputError(f"{path}: holds {len(subjects)} subjects or occasions; give the table of one patient")
    subject = subjects[0]
    if amounts == "g":
        product = found.request.product
        subject = replace(
            subject, doses=tuple(each._replace(amount=product.mmol(each.amount)) for each in subject.doses)
        )
    return individual(subject, found.request, found.knowledge, found.grams)


def event_table_of(found: Dosed, *, days: float = 7.0, carry: Carry = "backward") -> str:
    """The regimen's doses (mmol) and sessions over `days` as an event table in the NONMEM layout.

    Raises `InputError` behind a hold: a table of doses is a schedule that could be given.
    """
    if found.held or found.request is None:
        raise InputError(f"no table of doses is written: {found.answer['reason']}")
    curve = curve_of(found, beginning="first-dose", days=days)
    mmol = found.request.product.mmol(found.grams)
    doses = tuple(Dose(start, mmol, end - start) for start, end in curve.doses)
    sessions = tuple(Session(start, end) for start, end in curve.sessions)
    weight = float(found.answer["patient"]["weight"]["value"])
    return write_event_table([Subject("1", doses, (), sessions, weight)], carry=carry)


def knowledge_for(config: str = "") -> ThiosulfateKnowledge:
    """What the guideline holds on thiosulfate, with a site's configuration applied. Raises `GuidelineError`."""
    stamp = Path(config).stat().st_mtime_ns if config and Path(config).exists() else 0
    return _knowledge_as_of(config, stamp)


@lru_cache(maxsize=4)
def _knowledge_as_of(config: str, _changed: int) -> ThiosulfateKnowledge:
    site = read_site_defaults(config) if config else None
    return read_thiosulfate_knowledge(shipped_content(), site)


def own_scenarios(options: DoseOptions, knowledge: ThiosulfateKnowledge) -> tuple[Scenario, ...]:
    """The scenarios of the options' parameter file, if any. Raises as `read_parameter_file`."""
    return read_parameter_file(options.parameters, knowledge) if options.parameters else ()


def read_parameter_file(path: str, knowledge: ThiosulfateKnowledge) -> tuple[Scenario, ...]:
    """A user's own scenarios from a YAML file of the shape of `thiosulfate/parameters.yaml`.

    A scenario may leave out what it shares with the default one. Raises `InputError` when the file cannot be read and
    `GuidelineError`, naming the line, when it is wrong.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({type(error).__name__})") from None
    return read_scenarios(
        top(ContentFile.parse(Path(path).name, text)),
        None,
        knowledge.scenarios[0],
        frozenset(each.id for each in knowledge.scenarios),
    )
