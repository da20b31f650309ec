"""Two readers of one meaning: the quick value functions against the tracing evaluator, on generated conditions."""

from hypothesis import given, settings
from hypothesis import strategies as st

from calcipath.assessment.evaluation import Evaluator
from calcipath.assessment.outcome import Outcome
from calcipath.assessment.values import compiled
from calcipath.guideline import expression as e

BOOLEANS, NUMBERS, TEXTS = ("a", "b", "c"), ("x", "y", "z"), ("s", "t")
KINDS = ("red", "green")


def quantities(depth: int) -> st.SearchStrategy[e.Expression]:
    leaf = st.one_of(st.sampled_from(NUMBERS).map(e.Reference), st.integers(-3, 3).map(lambda n: e.Literal(float(n))))
    if depth == 0:
        return leaf
    inner = quantities(depth - 1)
    return st.one_of(
        leaf,
        st.builds(e.Arithmetic, st.sampled_from("+-*/^"), inner, inner),
        st.builds(e.Scale, inner, st.sampled_from([0.5, -2.0]), st.sampled_from([0.0, 1.0])),
        st.builds(e.Extreme, st.booleans(), st.tuples(inner, inner)),
    )


def conditions(depth: int) -> st.SearchStrategy[e.Expression]:
    leaf = st.one_of(
        st.sampled_from(BOOLEANS).map(e.Reference),
        st.sampled_from([True, False, None]).map(e.Literal),
        st.builds(e.Member, st.sampled_from(TEXTS).map(e.Reference), st.sampled_from([("red",), KINDS])),
        st.builds(
            e.RangePosition, st.sampled_from(["above", "below", "within"]), st.sampled_from(NUMBERS).map(e.Reference)
        ),
        st.builds(e.Compare, st.sampled_from(["<", "<=", ">", ">=", "=", "!="]), quantities(1), quantities(1)),
    )
    if depth == 0:
        return leaf
    inner = conditions(depth - 1)
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        leaf,
        st.builds(e.Not, inner),
        st.builds(e.And, several),
        st.builds(e.Or, several),
        st.builds(e.AtLeast, st.integers(1, 2), several),
        st.builds(e.Is, inner, st.sampled_from(["null", "true", "false"]), st.booleans()),
        st.builds(e.Case, st.lists(st.tuples(inner, inner), min_size=1, max_size=2).map(tuple), inner),
    )


number = st.integers(-4, 4).map(float)
interval = st.one_of(st.none(), st.tuples(number, number).map(lambda p: (min(p), max(p))))
patients = st.fixed_dictionaries(
    {
        **{name: st.sampled_from([True, False, None]) for name in BOOLEANS},
        **dict.fromkeys(NUMBERS, interval),
        **{name: st.sampled_from([*KINDS, None]) for name in TEXTS},
    }
)
places = st.fixed_dictionaries({name: st.sampled_from(["above", "below", "within", None]) for name in NUMBERS})


class Given:
    def __init__(self, values: dict, positions: dict) -> None:
        self.values, self.positions = values, positions

    def value(self, name: str):
        return self.values[name]

    def position(self, name: str):
        return self.positions[name]


@settings(max_examples=600)
@given(conditions(3), patients, places)
def test_both_readers_give_the_same_value(tree: e.Expression, values: dict, positions: dict) -> None:
    evaluator = Evaluator(
        lambda name: Outcome(values[name], (), () if values[name] is not None else (name,)),
        lambda name: Outcome(positions[name]),
    )
    assert compiled(tree)(Given(values, positions)) == evaluator.evaluate(tree).value


@given(conditions(2), patients, places, st.sampled_from(BOOLEANS), st.booleans())
def test_more_knowledge_never_overturns_a_decided_plain_condition(tree, values, positions, name, answer) -> None:
    """Kleene logic is monotone: what is decided stays when an unknown becomes known (conditions without is and case)."""
    if values[name] is not None or _looks_at_unknowns(tree):
        return
    before = compiled(tree)(Given(values, positions))
    after = compiled(tree)(Given({**values, name: answer}, positions))
    assert before is None or after == before


def _looks_at_unknowns(tree: e.Expression) -> bool:
    return isinstance(tree, e.Is | e.Case) or any(_looks_at_unknowns(part) for part in e.children(tree))
