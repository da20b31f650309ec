"""A condition in short words, for a step of an attrition."""

from __future__ import annotations

from typing import Final

from calcipath.guideline import expression as e
from calcipath.guideline.model import Guideline
from calcipath.output.wording import number, title

LONGEST: Final = 110  # characters
_TESTS: Final = {"null": "not known", "true": "true", "false": "false"}


class ConditionWords:
    """Names by their labels in the guideline."""

    def __init__(self, guideline: Guideline) -> None:
        self._labels: dict[str, str] = {d.id: d.meaning for d in guideline.defaults.values()}
        self._labels |= {f.id: f.label for f in guideline.facts.values()}
        self._labels |= {d.id: d.label for d in guideline.definitions.values()}
        self._labels |= {f"risk:{r.id}": r.label for r in guideline.risk_factors}
        self._labels |= {f"criterion:{c.id}": c.label for s in guideline.schemes for c in s.criteria}
        self._labels |= {f"scheme:{s.id}": s.label for s in guideline.schemes}
        self._labels |= {f"recommendation:{r.id}": title(r.id) for r in guideline.recommendations}
        self._labels |= {f"mimic:{m.id}": m.label for m in guideline.mimics}

    def say(self, tree: e.Expression) -> str:
        """The condition in at most `LONGEST` characters."""
        said = self._say(tree)
        return said if len(said) <= LONGEST else said[: LONGEST - 2].rsplit(" ", 1)[0] + " …"

    def _say(self, tree: e.Expression) -> str:
        match tree:
            case e.Literal(value):
                return "always" if value is True else "not known" if value is None else number(value)
            case e.Reference(name):
                return self._labels.get(name) or title(name.replace(":", "-"))
            case e.Not(operand):
                return f"not {self._inner(operand)}"
            case e.And(operands):
                return " and ".join(map(self._inner, operands))
            case e.Or(operands):
                return " or ".join(map(self._inner, operands))
            case e.AtLeast(count, operands):
                return f"at least {count} of {len(operands)}: {', '.join(map(self._say, operands))}"
            case e.Is(operand, test, negated):
                return f"{self._inner(operand)} is {'' if not negated else 'not '}{_TESTS[test]}".replace(
                    "not not ", ""
                )
            case e.Compare(operator, left, right):
                return f"{self._inner(left)} {operator} {self._inner(right)}"
            case e.Member(operand, values):
                return f"{self._inner(operand)} is {' or '.join(values)}"
            case e.RangePosition(side, operand):
                return f"{self._say(operand)} {side} its range"
            case e.Case():
                return f"by cases: {self._say(tree.branches[0][0])}, and so on"
        return self._computed(tree)

    def _computed(self, tree: e.Expression) -> str:
        match tree:
            case e.Scale(operand):
                return self._say(operand)
            case e.Arithmetic(operator, left, right):
                return f"{self._inner(left)} {operator} {self._inner(right)}"
            case e.Extreme(largest, operands):
                return f"{'highest' if largest else 'lowest'} of {', '.join(map(self._say, operands))}"
        return "a condition"

    def _inner(self, tree: e.Expression) -> str:
        said = self._say(tree)
        return f"({said})" if isinstance(tree, (e.And, e.Or, e.AtLeast, e.Case)) else said
