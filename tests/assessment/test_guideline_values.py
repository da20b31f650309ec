"""The quick readers of a whole guideline: mimics, verdicts, ladder and summaries.

The tables are worked out by hand from the rules (a mimic is an explained tally, a guard may hold when unknown); both
readers must give them. On the shipped guideline the quick reader must agree with the tracing one in any patient.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calcipath.assessment.values import readings
from calcipath.assessment.verdicts import Verdicts
from calcipath.guideline.expression_parser import parse
from calcipath.guideline.model import (
    Condition,
    Criterion,
    Definition,
    Fact,
    Guard,
    Guideline,
    Mimic,
    Point,
    Recommendation,
    RiskFactor,
    Rung,
    Scheme,
    Trigger,
    UrgentFinding,
    ValueType,
)
from calcipath.guideline.reader import read_guideline
from calcipath.guideline.shipped import shipped_content
from calcipath.record.evidence import FactValue, Value

T, F, U = True, False, None
BOOLEAN = ValueType("boolean")
SHIPPED = read_guideline(shipped_content())


class Seen:
    """The patient as the tracing reader sees him."""

    def __init__(self, verdicts: Verdicts) -> None:
        self._verdicts = verdicts

    def value(self, name: str) -> Value:
        return self._verdicts.outcome(name).value

    def position(self, name: str) -> str | None:
        found = self._verdicts.position(name).value
        return found if isinstance(found, str) else None


def when(text: str) -> Condition:
    return Condition(text, parse(text))


def guideline(names: str, **parts: object) -> Guideline:
    """A guideline of boolean facts with one-letter names."""
    facts = {n: Fact(n, "recorded", n, BOOLEAN, "", 1) for n in names}
    empty: dict[str, object] = {key: {} for key in ("sources", "defaults", "definitions", "types")}
    empty |= dict.fromkeys(("risk_factors", "urgent", "mimics", "schemes", "recommendations", "conflicts"), ())
    ladder = (Rung("unsuspected", when("true"), ""),)
    words = dict.fromkeys(("id", "version", "date", "title"), "t")
    return Guideline(
        **{
            **words,
            **empty,
            "facts": facts,
            "ladder": ladder,
            "vocabulary": None,
            "aliases": None,
            "thiosulfate": None,
            "hooks": None,
            **parts,
        }
    )  # type: ignore[arg-type]


def both(rules: Guideline, name: str, **facts: Value) -> Value:
    """The value of a computed name, on which the two readers must agree."""
    verdicts = Verdicts(rules, {key: FactValue(value) for key, value in facts.items()})
    quick = readings(rules)[name](Seen(verdicts))
    assert quick == verdicts.outcome(name).value
    return quick


# -- mimics -------------------------------------------------------------------------------------------------------


def mimic(*, sourced: bool = True, parts: bool = True) -> Mimic:
    """Established by e, named by n; for it p (specific), q, r; against it x, y."""
    points = tuple(Point(i, when(f'"{i}"'), i, i == "p", ()) for i in "pqrxy")
    return Mimic("m", "m", sourced, when('"e"') if parts else None, when('"n"') if parts else None,
                 points[:3], points[3:], ())  # fmt: skip


@pytest.mark.parametrize(
    ("true", "standing"),
    [
        ("", "possible"),
        ("e", "established"),
        ("exy", "established"),
        ("n", "favoured"),
        ("nxy", "favoured"),
        ("p", "possible"),  # one argument is no lead
        ("pq", "favoured"),
        ("pqx", "favoured"),
        ("pqxy", "possible"),  # as many against as for
        ("qr", "possible"),  # none of them specific
        ("pqr", "favoured"),
        ("x", "unlikely"),
        ("px", "possible"),
        ("pxy", "unlikely"),
        ("xy", "unlikely"),
    ],
)
def test_the_tally_of_a_mimic(true: str, standing: str) -> None:
    facts = {name: name in true for name in "enpqrxy"}
    assert both(guideline("enpqrxy", mimics=(mimic(),)), "mimic:m", **facts) == standing


def test_unknown_arguments_count_for_nothing() -> None:
    rules = guideline("enpqrxy", mimics=(mimic(),))
    assert both(rules, "mimic:m", **dict.fromkeys("enpqrxy")) == "possible"
    assert both(rules, "mimic:m", e=U, n=U, p=T, q=U, r=F, x=U, y=U) == "possible"


def test_without_sources_only_a_name_leads() -> None:
    facts = dict.fromkeys("enrxy", F) | {"p": T, "q": T}
    assert both(guideline("enpqrxy", mimics=(mimic(sourced=False),)), "mimic:m", **facts) == "possible"
    assert both(guideline("enpqrxy", mimics=(mimic(sourced=False),)), "mimic:m", **{**facts, "n": T}) == "favoured"


def test_a_mimic_that_nothing_establishes_or_names() -> None:
    rules = guideline("enpqrxy", mimics=(mimic(parts=False),))
    assert both(rules, "mimic:m", **dict.fromkeys("enpqrxy", F)) == "possible"
    assert both(rules, "mimic:m", **(dict.fromkeys("rxy", F) | dict.fromkeys("enpq", T))) == "favoured"


@pytest.mark.parametrize(("true", "established", "leads"), [("", F, F), ("n", F, T), ("e", T, T)])
def test_whether_any_mimic_leads(true: str, established: bool, leads: bool) -> None:
    rules = guideline("enpqrxy", mimics=(mimic(),))
    facts = {name: name in true for name in "enpqrxy"}
    assert both(rules, "any-mimic-established", **facts) is established
    assert both(rules, "any-mimic-leads", **facts) is leads


# -- verdicts -----------------------------------------------------------------------------------------------------


def recommendation(if_unknown: str) -> Recommendation:
    guards = (
        Guard("1", when('"g"'), if_unknown, "", "", ""),  # type: ignore[arg-type]
        Guard("2", when('"h"'), "ignore", "", "", ""),
    )
    return Recommendation("r", "", "", "for", "", "", "", when('"a"'), guards, (), (), ())


@pytest.mark.parametrize(
    ("if_unknown", "a", "g", "h", "verdict"),
    [
        ("hold", U, T, T, "unknown"),
        ("hold", F, T, T, "no"),
        ("hold", T, F, F, "yes"),
        ("hold", T, T, F, "held"),
        ("hold", T, F, T, "held"),
        ("hold", T, U, F, "held"),  # an unknown value makes the act dangerous
        ("ask", T, U, F, "yes"),
        ("ask", T, U, T, "held"),
        ("ignore", T, U, U, "yes"),
        ("ask", T, T, F, "held"),
    ],
)
def test_a_verdict_and_its_guards(if_unknown: str, a: Value, g: Value, h: Value, verdict: str) -> None:
    rules = guideline("agh", recommendations=(recommendation(if_unknown),))
    assert both(rules, "recommendation:r", a=a, g=g, h=h) == verdict


# -- ladder, schemes, risk factors, urgent findings ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("a", "b", "level"), [(T, F, "high"), (F, T, "low"), (U, T, "low"), (T, T, "high"), (F, F, "none"), (U, U, "none")]
)
def test_the_first_true_rung_gives_the_level(a: Value, b: Value, level: str) -> None:
    rungs = (Rung("high", when('"a"'), ""), Rung("low", when('"b"'), ""), Rung("none", when("true"), ""))
    assert both(guideline("ab", ladder=rungs), "suspicion-level", a=a, b=b) == level
    without_a_floor = (*rungs[:2], Rung("none", when("false"), ""))
    assert both(guideline("ab", ladder=without_a_floor), "suspicion-level", a=a, b=b) == level


@pytest.mark.parametrize(("a", "b", "any_of"), [(T, F, T), (F, T, T), (F, F, F), (U, F, U), (U, T, T)])
def test_any_risk_factor_and_any_urgent_finding(a: Value, b: Value, any_of: Value) -> None:
    factors = (
        RiskFactor("a", "", when('"a"'), ()),
        RiskFactor("b", "", when('"b"'), ()),
        RiskFactor("c", "", when('"c"'), (), descriptive=True),  # describes the patient, is no risk
    )
    triggers = tuple(Trigger(n, when(f'"{n}"'), "", "", "S") for n in "ab")
    urgent = (
        UrgentFinding("u", triggers, "", "", ()),
        UrgentFinding("v", (Trigger("d", when('"d"'), "", "", "S"),), "", "", ()),
    )
    rules = guideline("abcd", risk_factors=factors, urgent=urgent)
    assert both(rules, "risk:a", a=a, b=b, c=T, d=F) is a
    assert both(rules, "any-risk-factor", a=a, b=b, c=T, d=F) is any_of
    assert both(rules, "urgent:u", a=a, b=b, c=T, d=F) is any_of
    assert both(rules, "urgent:v", a=a, b=b, c=T, d=T) is T
    assert both(rules, "any-urgent", a=a, b=b, c=T, d=F) is any_of


def test_schemes_their_criteria_definitions_and_derived_facts() -> None:
    scheme = Scheme(
        "s", "", (Criterion("k", "", when('"a" and "b"')),), when("if \"a\" then 'met' else 'not met'"), (), ()
    )
    defined = {"both": Definition("both", "", BOOLEAN, when('"a" and "b"'))}
    rules = guideline("ab", schemes=(scheme,), definitions=defined)
    derived = Fact("neither", "derived", "", BOOLEAN, "", 1, condition=when('not ("a" or "b")'))
    rules = guideline("ab", schemes=(scheme,), definitions=defined, facts={**rules.facts, "neither": derived})
    assert set(readings(rules)) >= {"scheme:s", "criterion:k", "both", "neither"}
    assert both(rules, "scheme:s", a=T, b=F) == "met"
    assert both(rules, "criterion:k", a=T, b=F) is F
    assert both(rules, "both", a=T, b=T) is T
    assert both(rules, "neither", a=F, b=F) is T


# -- the shipped guideline ----------------------------------------------------------------------------------------


def answers(fact: Fact) -> st.SearchStrategy[FactValue]:
    if fact.type.kind == "boolean":
        return st.sampled_from([FactValue(T), FactValue(F), FactValue()])
    if fact.type.kind == "text":
        return st.sampled_from([FactValue(), *(FactValue(value) for value in fact.type.values)])
    low, high = fact.plausible or (0.0, 200.0)
    numbers = st.floats(low, high)
    return st.builds(
        FactValue,
        numbers.map(lambda n: (n, n)) | st.none(),
        st.just(()),
        st.sampled_from(["above", "below", "within", ""]),
    )


@settings(max_examples=15, deadline=None)
@given(st.fixed_dictionaries({f.id: answers(f) for f in SHIPPED.facts.values() if f.condition is None}))
def test_both_readers_agree_on_every_name_of_the_shipped_guideline(facts: dict[str, FactValue]) -> None:
    verdicts = Verdicts(SHIPPED, facts)
    quick = readings(SHIPPED)
    assert {n: read(Seen(verdicts)) for n, read in quick.items()} == {n: verdicts.outcome(n).value for n in quick}
    assert len(quick) > 100
