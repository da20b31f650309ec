"""How many patients are left after each criterion: of recommendations, of the ladder's rungs, and of the schemes.

The operands of a condition's top-level `and` are taken one after the other. After each, a patient is left (all true so
far), out (one is false), or not known: unknown never counts as out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from calcipath.guideline import expression as e
from calcipath.guideline.model import Condition
from calcipath.population.report.condition_words import ConditionWords
from calcipath.population.report.run_folder import ReportDatabase
from calcipath.population.sql_columns import FALSE, Term, joined, text, written
from calcipath.population.verdict_sql import GuidelineSql

COLUMNS: Final = ("kind", "item", "label", "step", "criterion", "left", "unknown", "out")


@dataclass(frozen=True, slots=True)
class Step:
    """Patients after one criterion; step 0 is everybody. A scheme's criteria are each counted alone."""

    kind: str
    item: str
    label: str
    step: int
    criterion: str
    left: int
    unknown: int
    out: int

    def as_row(self) -> dict[str, Any]:
        """The columns of the table."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class CountedStep:
    """A step before it is counted: `term` is true of the patients who are left."""

    kind: str
    item: str
    label: str
    step: int
    criterion: str
    term: Term


def counted_steps(terms: GuidelineSql) -> tuple[CountedStep, ...]:
    """All steps; the table `standing` has a column `step_n` for each."""
    return tuple(_Steps(terms).all())


def count_attrition(database: ReportDatabase, wanted: Sequence[CountedStep]) -> list[Step]:
    """The steps counted in the table `standing`."""
    counts = ", ".join(f"count(CASE WHEN step_{n} THEN 1 END), count(step_{n})" for n in range(len(wanted)))
    found = [int(number) for number in database.run(f"SELECT count(*), {counts} FROM standing")[0]]
    everybody = found[0]
    steps = list[Step]()
    for n, each in enumerate(wanted):
        left, known = found[1 + 2 * n], found[2 + 2 * n]
        if each.step == 1 and each.kind in ("rung", "recommendation"):
            steps.append(Step(each.kind, each.item, each.label, 0, "every patient", everybody, 0, 0))
        unknown, out = everybody - known, known - left
        steps.append(Step(each.kind, each.item, each.label, each.step, each.criterion, left, unknown, out))
    return steps


def chains(steps: Sequence[Step]) -> list[list[Step]]:
    """The steps of each item together."""
    found: dict[tuple[str, str], list[Step]] = {}
    for step in steps:
        found.setdefault((step.kind, step.item), []).append(step)
    return list(found.values())


class _Steps:
    def __init__(self, terms: GuidelineSql) -> None:
        self._terms, self._words = terms, ConditionWords(terms.guideline)

    def all(self) -> Iterator[CountedStep]:
        guideline = self._terms.guideline
        yield from self._rungs()
        for item in guideline.recommendations:
            label = item.id
            steps = list(self._chain("recommendation", item.id, label, item.applies))
            yield from steps
            if item.guards:
                verdict = self._terms.name(f"recommendation:{item.id}")
                applies = self._terms.flag(item.applies)
                free = joined("AND", [applies, written("({} <> {})", verdict, text("held"))])
                yield CountedStep("recommendation", item.id, label, len(steps) + 1, "no guard holds it", free)
        for scheme in guideline.schemes:
            for place, result in enumerate(scheme.results, 1):
                name = self._terms.name(f"scheme:{scheme.id}")
                is_it = written("({} = {})", name, text(result))
                yield CountedStep("scheme result", scheme.id, scheme.label, place, result, is_it)
            for place, criterion in enumerate(scheme.criteria, 1):
                flag = self._terms.flag(criterion.condition)
                yield CountedStep("scheme criterion", scheme.id, scheme.label, place, criterion.label, flag)

    def _rungs(self) -> Iterator[CountedStep]:
        earlier: list[Term] = []
        for place, rung in enumerate(self._terms.guideline.ladder, 1):
            item, label = f"{place}-{rung.level}", f"{rung.level.replace('-', ' ')} ({rung.says})"
            steps = list(self._chain("rung", item, label, rung.condition))
            yield from steps
            flag = self._terms.flag(rung.condition)
            before = joined("OR", earlier) if earlier else FALSE
            taken = written("({} IS TRUE AND ({}) IS NOT TRUE)", flag, before)
            yield CountedStep("rung", item, label, len(steps) + 1, "and no higher rung before it", taken)
            earlier.append(flag)

    def _chain(self, kind: str, item: str, label: str, condition: Condition) -> Iterator[CountedStep]:
        tree = condition.tree
        operands = tree.operands if isinstance(tree, e.And) else (tree,)
        for number, operand in enumerate(operands, 1):
            so_far = operands[0] if number == 1 else e.And(operands[:number])
            yield CountedStep(
                kind, item, label, number, self._words.say(operand), self._terms.conditions.column(so_far)
            )
