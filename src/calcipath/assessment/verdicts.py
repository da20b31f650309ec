"""Values of all names in one patient: facts, definitions, mimics, schemes, the level, recommendations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from calcipath.assessment.evaluation import Evaluator
from calcipath.assessment.outcome import Outcome, joined_evidence, joined_missing
from calcipath.guideline.model import Condition, Fact, Guard, Guideline, Mimic, Point, Recommendation, Rung
from calcipath.record.evidence import Evidence, FactValue
from calcipath.record.measurements import position_of

LEADING = ("established", "favoured")


@dataclass(frozen=True, slots=True)
class GuardOutcome:
    guard: Guard
    outcome: Outcome

    @property
    def holds(self) -> bool:
        """The guard stands, or it is unknown and an unknown value makes the act dangerous."""
        return self.outcome.value is True or (self.outcome.value is None and self.guard.if_unknown == "hold")

    @property
    def asks(self) -> bool:
        return self.outcome.value is None and self.guard.if_unknown == "ask"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A recommendation in this patient."""

    verdict: str
    applies: Outcome
    guards: tuple[GuardOutcome, ...]


@dataclass(frozen=True, slots=True)
class StandingOutcome:
    """A mimic in this patient: its standing and the outcome of every point."""

    standing: str
    established: Outcome
    named: Outcome
    points_for: tuple[tuple[Point, Outcome], ...]
    points_against: tuple[tuple[Point, Outcome], ...]


class Verdicts:
    """Lazily evaluated and remembered; `facts` holds the picked facts, `stated` what a caller says instead of them."""

    def __init__(
        self, guideline: Guideline, facts: Mapping[str, FactValue], stated: Mapping[str, Outcome] | None = None
    ) -> None:
        self.guideline = guideline
        self._facts = {name: value for name, value in facts.items() if name not in stated} if stated else facts
        self._known: dict[str, Outcome] = dict(stated or {})
        self._judged: dict[str, Judgement] = {}
        self._standings: dict[str, StandingOutcome] = {}
        self._rung: tuple[Rung, Outcome] | None = None
        self._evaluator = Evaluator(self.outcome, self.position)
        self._makers = self._all_makers()

    def evaluate(self, condition: Condition) -> Outcome:
        return self._evaluator.evaluate(condition.tree)

    def outcome(self, name: str) -> Outcome:
        """The outcome of a fact, definition or computed name."""
        found = self._known.get(name)
        if found is None:
            found = self._known[name] = self._makers[name]()
        return found

    def fact_value(self, name: str) -> FactValue:
        """The picked value of a recorded fact; unknown for a derived one."""
        return self._facts.get(name, FactValue())

    def position(self, name: str) -> Outcome:
        """below, within or above; unknown as None."""
        fact = self.guideline.facts.get(name)
        picked = self._facts.get(name)
        if picked is not None and fact is not None and fact.kind == "quantity":
            return Outcome(picked.position or None, picked.because, () if picked.position else (name,))
        found = self.outcome(name)
        if not isinstance(found.value, tuple) or fact is None or fact.range is None:
            return Outcome(None, found.because, found.missing or (name,))
        side = position_of(found.value, *fact.range)
        return Outcome(side or None, found.because, () if side else (name,))

    def _all_makers(self) -> dict[str, Callable[[], Outcome]]:
        guideline = self.guideline
        makers: dict[str, Callable[[], Outcome]] = {}
        for default in guideline.defaults.values():
            makers[default.id] = lambda d=default: Outcome((d.value, d.value))  # type: ignore[misc]
        for fact in guideline.facts.values():
            makers[fact.id] = lambda f=fact: self._fact(f)  # type: ignore[misc]
        conditions: dict[str, Condition] = {d.id: d.condition for d in guideline.definitions.values()}
        conditions.update({f"risk:{r.id}": r.condition for r in guideline.risk_factors})
        for scheme in guideline.schemes:
            conditions[f"scheme:{scheme.id}"] = scheme.result
            conditions.update({f"criterion:{c.id}": c.condition for c in scheme.criteria})
        for name, condition in conditions.items():
            makers[name] = lambda c=condition: self.evaluate(c)  # type: ignore[misc]
        for mimic in guideline.mimics:
            makers[f"mimic:{mimic.id}"] = lambda m=mimic: self._standing_outcome(m)  # type: ignore[misc]
        for item in guideline.recommendations:
            makers[f"recommendation:{item.id}"] = lambda r=item: self._verdict_outcome(r)  # type: ignore[misc]
        for finding in guideline.urgent:
            triggers = tuple(t.condition for t in finding.triggers)
            makers[f"urgent:{finding.id}"] = lambda t=triggers: self._any(self.evaluate(c) for c in t)  # type: ignore[misc]
        makers["suspicion-level"] = lambda: self.rung()[1]
        makers["any-mimic-established"] = lambda: self._any_mimic(("established",))
        makers["any-mimic-leads"] = lambda: self._any_mimic(LEADING)
        makers["any-risk-factor"] = lambda: self._any(
            self.outcome(f"risk:{r.id}") for r in guideline.risk_factors if not r.descriptive
        )
        makers["any-urgent"] = lambda: self._any(self.outcome(f"urgent:{u.id}") for u in guideline.urgent)
        return makers

    def _fact(self, fact: Fact) -> Outcome:
        if fact.condition is None:
            picked = self.fact_value(fact.id)
            return Outcome(picked.value, picked.because, () if picked.value is not None else (fact.id,))
        found = self.evaluate(fact.condition)
        if isinstance(found.value, tuple) and any(e.reference for e in found.because[:1]) and len(found.because) > 1:
            return Outcome(found.value, (_computed(fact, found), *found.because), found.missing)
        return found if found.value is not None else Outcome(None, found.because, found.missing or (fact.id,))

    @staticmethod
    def _any(outcomes) -> Outcome:  # type: ignore[no-untyped-def]
        outcomes = list(outcomes)
        true = [o for o in outcomes if o.value is True]
        if true:
            return Outcome(True, joined_evidence(true))
        unknown = [o for o in outcomes if o.value is None]
        return Outcome(None if unknown else False, (), joined_missing(unknown))

    def _any_mimic(self, standings: tuple[str, ...]) -> Outcome:
        found = [self.outcome(f"mimic:{m.id}") for m in self.guideline.mimics]
        leading = [o for o in found if o.value in standings]
        return Outcome(bool(leading), joined_evidence(leading))

    def standing(self, mimic: Mimic) -> StandingOutcome:
        """How a mimic stands: an explained tally of arguments, no probability."""
        if mimic.id not in self._standings:
            self._standings[mimic.id] = self._weigh(mimic)
        return self._standings[mimic.id]

    def _weigh(self, mimic: Mimic) -> StandingOutcome:
        no = Outcome(False)
        established = self.evaluate(mimic.established_when) if mimic.established_when else no
        named = self.evaluate(mimic.named_when) if mimic.named_when else no
        points_for = tuple((p, self.evaluate(p.condition)) for p in mimic.points_for)
        against = tuple((p, self.evaluate(p.condition)) for p in mimic.points_against)
        pro = [p for p, o in points_for if o.value is True]
        contra = [p for p, o in against if o.value is True]
        if established.value is True:
            standing = "established"
        elif named.value is True or (
            mimic.sourced and len(pro) >= 2 and any(p.specific for p in pro) and len(pro) > len(contra)
        ):
            standing = "favoured"
        else:
            standing = "unlikely" if len(contra) > len(pro) else "possible"
        return StandingOutcome(standing, established, named, points_for, against)

    def _standing_outcome(self, mimic: Mimic) -> Outcome:
        found = self.standing(mimic)
        deciding = [found.established, found.named, *(o for _, o in found.points_for)]
        return Outcome(found.standing, joined_evidence(o for o in deciding if o.value is True))

    def rung(self) -> tuple[Rung, Outcome]:
        """The first rung of the ladder whose condition is true, and the outcome that names the level."""
        if self._rung is None:
            passed: list[Outcome] = []
            for rung in self.guideline.ladder:
                found = self.evaluate(rung.condition)
                if found.value is True:
                    self._rung = rung, Outcome(rung.level, found.because, joined_missing(passed))
                    break
                passed.append(found)
            else:
                rung = self.guideline.ladder[-1]
                self._rung = rung, Outcome(rung.level, (), joined_missing(passed))
        return self._rung

    def judge(self, item: Recommendation) -> Judgement:
        """The verdict of a recommendation: its condition, then its guards."""
        if item.id not in self._judged:
            applies = self.evaluate(item.applies)
            guards = tuple(GuardOutcome(g, self.evaluate(g.condition)) for g in item.guards)
            self._judged[item.id] = Judgement(_verdict(applies, guards), applies, guards)
        return self._judged[item.id]

    def _verdict_outcome(self, item: Recommendation) -> Outcome:
        judged = self.judge(item)
        return Outcome(judged.verdict, judged.applies.because, judged.applies.missing)


def _verdict(applies: Outcome, guards: tuple[GuardOutcome, ...]) -> str:
    if applies.value is None:
        return "unknown"
    if applies.value is not True:
        return "no"
    return "held" if any(g.holds for g in guards) else "yes"


def _computed(fact: Fact, found: Outcome) -> Evidence:
    low, high = found.value if isinstance(found.value, tuple) else (0.0, 0.0)
    middle = low if low == high else (low + high) / 2
    newest = max((e.date for e in found.because), default="")
    return Evidence(f"{fact.label} (calculated)", "", float(f"{middle:.4g}"), fact.type.unit, newest, fact=fact.id)
