"""The parts of the contract's answer, each from the verdicts of one patient."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from calcipath.assessment.outcome import Outcome
from calcipath.assessment.response import course_of
from calcipath.assessment.verdicts import LEADING, GuardOutcome, Judgement, Verdicts
from calcipath.assessment.what_if import InfluenceMap, deciding_facts
from calcipath.guideline.expression import references
from calcipath.guideline.model import Citation, Condition, Point, Recommendation
from calcipath.record.evidence import Evidence
from calcipath.record.facts import PickedFacts
from calcipath.record.model import DataProblem, Finding, Record


def evidence(items: Iterable[Evidence], limit: int = 12) -> list[dict[str, Any]]:
    """Evidence items as the contract has them, entries of the record before computed values."""
    ordered = sorted(items, key=lambda e: not e.reference)
    return [item.as_dict() for item in ordered[:limit]]


def citation(item: Citation) -> dict[str, Any]:
    source = item.source
    found = {"source": source.id, "text": source.citation, "locator": item.locator, "mark": item.mark}
    return {**found, "doi": source.doi} if source.doi else found


def _verdict(outcome: Outcome) -> str:
    return {True: "yes", False: "no"}.get(outcome.value, "unknown") if isinstance(outcome.value, bool) else "unknown"


def patient(record: Record, verdicts: Verdicts) -> dict[str, Any]:
    """Who the patient is, with the kidney in brief."""
    found: dict[str, Any] = {"id": record.patient.reference or None, "age": None, "sex": record.patient.sex or None}
    age = verdicts.outcome("age").value
    if isinstance(age, tuple):
        found["age"] = int(age[0])
    weight = verdicts.fact_value("weight")
    found["weight"] = None
    if isinstance(weight.value, tuple) and weight.because:
        found["weight"] = {"value": weight.value[0], "unit": "kg", "date": weight.because[0].date}
    sessions = verdicts.outcome("dialysis-sessions").value
    hours = verdicts.outcome("dialysis-session-hours").value
    modality = verdicts.outcome("dialysis-modality").value
    found["kidney"] = {
        "dialysis": _verdict(verdicts.outcome("dialysis")),
        "modality": modality if isinstance(modality, str) else None,
        "sessions_per_week": sessions[0] if isinstance(sessions, tuple) else None,
        "hours_per_session": hours[0] if isinstance(hours, tuple) else None,
    }
    return found


def urgent(verdicts: Verdicts) -> list[dict[str, Any]]:
    """Urgent findings, whatever the suspicion; the first trigger that fires words the finding."""
    found = []
    for item in verdicts.guideline.urgent:
        fired = [(t, o) for t in item.triggers if (o := verdicts.evaluate(t.condition)).value is True]
        if not fired:
            continue
        trigger, outcome = fired[0]
        measured = next((e for e in outcome.because if e.value is not None), None)
        all_evidence = tuple(dict.fromkeys(e for _, o in fired for e in o.because))
        found.append(
            {
                "id": item.id,
                "finding": trigger.finding,
                "value": measured.value if measured else None,
                "unit": measured.unit if measured else None,
                "date": _date_of(measured, outcome.because),
                **({"fact": measured.fact} if measured and measured.fact else {}),
                "evidence": evidence(all_evidence),
                "why": item.why,
                "do_now": item.do_now,
                "mark": trigger.mark,
                "citations": [citation(c) for c in item.citations],
            }
        )
    return found


def _date_of(measured: Evidence | None, because: Sequence[Evidence]) -> str | None:
    """The date of the value that is shown; without one, the newest date behind the finding."""
    if measured is not None:
        return measured.date or None
    return max((e.date for e in because if e.date), default=None)


def suspicion(verdicts: Verdicts) -> dict[str, Any]:
    """The level with the rung that gave it, and each published scheme with its own result."""
    rung, outcome = verdicts.rung()
    schemes = []
    for scheme in verdicts.guideline.schemes:
        result = verdicts.outcome(f"scheme:{scheme.id}").value
        criteria = []
        for criterion in scheme.criteria:
            found = verdicts.outcome(f"criterion:{criterion.id}")
            criteria.append(
                {
                    "id": criterion.id,
                    "label": criterion.label,
                    "verdict": _verdict(found),
                    "because": evidence(found.because),
                    "missing": list(found.missing) if found.value is None else [],
                }
            )
        schemes.append(
            {
                "id": scheme.id,
                "label": scheme.label,
                "result": result if isinstance(result, str) else "unknown",
                "criteria": criteria,
                "note": scheme.note,
                "citations": [citation(c) for c in scheme.sources],
            }
        )
    return {
        "level": rung.level,
        "why": rung.says,
        "because": evidence(outcome.because),
        "missing": list(outcome.missing) if rung.level == "undetermined" else [],
        "schemes": schemes,
    }


def risk_factors(verdicts: Verdicts) -> list[dict[str, Any]]:
    """Every risk factor with its verdict and evidence."""
    found = []
    for factor in verdicts.guideline.risk_factors:
        outcome = verdicts.outcome(f"risk:{factor.id}")
        seen = outcome.because or _seen_besides(factor.condition, verdicts)
        found.append(
            {
                "id": factor.id,
                "label": factor.label,
                "verdict": _verdict(outcome),
                "modifiable": bool(factor.modifiable_by),
                "modifiable_by": factor.modifiable_by or None,
                "evidence": evidence(seen),
                "missing": list(outcome.missing) if outcome.value is None else [],
                "note": factor.note,
                "effect": factor.effect,
                "citations": [citation(c) for c in factor.sources],
            }
        )
    return found


def _seen_besides(condition: Condition, verdicts: Verdicts) -> tuple[Evidence, ...]:
    """Evidence that was seen and does not decide: historical drugs, uncertain entries, stale values."""
    return tuple(e for name in references(condition.tree) for e in verdicts.fact_value(name).other)


def _point(point: Point, outcome: Outcome) -> dict[str, Any]:
    return {
        "id": point.id,
        "says": point.says,
        "specific": point.specific,
        "because": evidence(outcome.because, 4),
        "citations": [citation(c) for c in point.sources],
    }


def differential(verdicts: Verdicts) -> list[dict[str, Any]]:
    """Every mimic: standing, arguments for, against and unknown, and the next test that would tell most."""
    found = []
    for mimic in verdicts.guideline.mimics:
        standing = verdicts.standing(mimic)
        points = [*standing.points_for, *standing.points_against]
        best = next((b for b in mimic.best_next if verdicts.outcome(b.fact).value is None), None)
        found.append(
            {
                "id": mimic.id,
                "label": mimic.label,
                "standing": standing.standing,
                "for": [_point(p, o) for p, o in standing.points_for if o.value is True],
                "against": [_point(p, o) for p, o in standing.points_against if o.value is True],
                "unknown": [
                    {"id": p.id, "says": p.says, "missing": list(o.missing)} for p, o in points if o.value is None
                ],
                "because": evidence((*standing.established.because, *standing.named.because), 6)
                if standing.standing in LEADING
                else [],
                "best_next": {"fact": best.fact, "test": best.test} if best else None,
                "note": mimic.note,
            }
        )
    rank = {name: number for number, name in enumerate(("established", "favoured", "possible", "unlikely"))}
    return sorted(found, key=lambda item: (rank[item["standing"]], -len(item["for"])))


def recommendations(verdicts: Verdicts) -> list[dict[str, Any]]:
    """Every recommendation exactly once, in the guideline's order."""
    return [_recommendation(item, verdicts.judge(item), verdicts) for item in verdicts.guideline.recommendations]


def _recommendation(item: Recommendation, judged: Judgement, verdicts: Verdicts) -> dict[str, Any]:
    stands = judged.verdict in ("yes", "held")
    standing_guards = [g for g in judged.guards if g.holds] if judged.verdict == "held" else []
    cautions = []
    if stands:
        cautions = [
            s.text for s in item.cautions if s.condition is None or verdicts.evaluate(s.condition).value is True
        ]
    urgency = item.urgency
    if stands and item.urgent_now and verdicts.evaluate(item.urgent_now).value is True:
        urgency = "now"
    actions = []
    if judged.verdict == "yes":
        actions = [
            {"kind": s.kind or "assess", "text": s.text}
            for s in item.actions
            if s.condition is None or verdicts.evaluate(s.condition).value is True
        ]
    because = judged.applies.because
    return {
        "id": item.id,
        "section": item.section,
        "direction": item.direction,
        "verdict": judged.verdict,
        "held_by": [_held_by(g) for g in standing_guards],
        "asks": [
            {"question": g.guard.question, "fact": g.guard.fact, "guard": g.guard.id}
            for g in judged.guards
            if stands and g.asks
        ],
        "urgency": urgency,
        "statement": item.statement,
        "because": evidence(because),
        "missing": list(judged.applies.missing) if judged.verdict == "unknown" else [],
        "cautions": cautions,
        "strength": item.strength,
        "certainty": item.certainty,
        "citations": [citation(c) for c in item.citations],
        "since_2015": item.since_2015 or None,
        "actions": actions,
    }


def _held_by(found: GuardOutcome) -> dict[str, Any]:
    guard, unknown = found.guard, found.outcome.value is None
    reason = guard.reason if not unknown else f"not known, and needed before acting: {guard.question or guard.reason}"
    return {
        "guard": guard.id,
        "reason": reason,
        "question": guard.question,
        "unknown": unknown,
        "missing": list(found.outcome.missing) if unknown else [],
        "evidence": evidence(found.outcome.because, 6),
        "instead": guard.instead,
        "who": guard.who,
    }


def conflicts(verdicts: Verdicts) -> list[dict[str, Any]]:
    """What pulls against each other in this patient: guards that stand, and the guideline's listed conflicts."""
    found = [
        {
            "ids": [item.id, *held.guard.conflict_with],
            "fact": held.guard.reason,
            "explanation": held.guard.conflict_explanation,
            "evidence": evidence(held.outcome.because, 6),
        }
        for item in verdicts.guideline.recommendations
        if (judged := verdicts.judge(item)).verdict == "held"
        for held in judged.guards
        if held.outcome.value is True and held.guard.conflict_explanation
    ]
    for conflict in verdicts.guideline.conflicts:
        outcome = verdicts.evaluate(conflict.condition)
        if outcome.value is True:
            found.append(
                {
                    "ids": list(conflict.ids),
                    "fact": conflict.fact,
                    "explanation": conflict.explanation,
                    "evidence": evidence(outcome.because, 6),
                }
            )
    return found


def unknowns(verdicts: Verdicts, influence: InfluenceMap) -> list[dict[str, Any]]:
    """Unknown facts, ranked by the verdicts that they would change for the effort of obtaining them."""
    wanted: dict[str, None] = {}
    for item in verdicts.guideline.recommendations:
        judged = verdicts.judge(item)
        if judged.verdict == "no":
            continue
        for name in judged.applies.missing:
            wanted[name] = None
        for held in judged.guards:
            if held.outcome.value is None and held.guard.if_unknown != "ignore":
                wanted.update(dict.fromkeys(held.outcome.missing))
    wanted.update(dict.fromkeys(verdicts.rung()[1].missing))
    deciding = deciding_facts(verdicts, influence, wanted)
    facts = verdicts.guideline.facts
    ranked = sorted(deciding, key=lambda name: (-len(deciding[name]) / facts[name].effort, facts[name].effort, name))
    found = []
    for name in ranked:
        entry: dict[str, Any] = {
            "fact": name,
            "label": facts[name].label,
            "would_change": list(deciding[name]),
            "how_to_obtain": facts[name].obtain,
        }
        if stale := verdicts.fact_value(name).stale:
            entry["stale_since"] = stale
        found.append(entry)
    return found


def assumptions(verdicts: Verdicts) -> list[dict[str, Any]]:
    """Every place where silence was read as an answer."""
    found = [
        {"fact": name, "label": verdicts.guideline.facts[name].label, "reason": value.assumed}
        for name in verdicts.guideline.facts
        if (value := verdicts.fact_value(name)).assumed
    ]
    rung, _ = verdicts.rung()
    silent = verdicts.outcome("any-lesion").value is None
    if rung.assumes_fact and silent:
        found.append({"fact": rung.assumes_fact, "reason": rung.assumes_reason})
    return found


def data_problems(
    problems: Sequence[DataProblem], findings: Sequence[Finding], verdicts: Verdicts
) -> list[dict[str, Any]]:
    """Entries that were not used as written, each once."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for problem in [*problems, *_contradicted_diagnosis(findings, verdicts)]:
        key = (problem.reference, problem.problem)
        found.setdefault(
            key, {"reference": problem.reference, "problem": problem.problem, "handling": problem.handling}
        )
    return list(found.values())


def _contradicted_diagnosis(findings: Sequence[Finding], verdicts: Verdicts) -> list[DataProblem]:
    """A recorded diagnosis of calciphylaxis beside a mimic that histology establishes."""
    if verdicts.outcome("any-mimic-established").value is not True or verdicts.rung()[0].level == "confirmed":
        return []
    names = ", ".join(m.label for m in verdicts.guideline.mimics if verdicts.standing(m).standing == "established")
    return [
        DataProblem(
            finding.event.reference,
            "contradiction",
            f"names calciphylaxis, but another diagnosis is established ({names}); the established one is used",
        )
        for finding in findings
        if finding.concept == "calciphylaxis"
        and finding.event.kind == "condition"
        and finding.assertion in ("stated", "uncertain")
        and finding.event.status == "active"
    ]


def course(verdicts: Verdicts, record: Record, findings: Sequence[Finding], picked: PickedFacts) -> dict[str, Any]:
    """Whether treatment works, from dated pain and wound series, words of the notes and dose records."""
    return course_of(verdicts, record, findings, picked)
