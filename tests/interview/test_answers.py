"""Every fact that can be unknown: a yes makes it true, a no makes it false, a number makes it that number."""

from __future__ import annotations

import json
from typing import Any

import pytest
from visits import GUIDELINE, NOW, PATIENT, entered, facts_of

from calcipath.api import assess_resources, dose_resources
from calcipath.errors import InputError
from calcipath.guideline.model import Fact
from calcipath.interview.answers import Amount, Chosen, Given, resources_of
from calcipath.interview.questions import NO, UNKNOWN, Question, opening_questions, question_of
from calcipath.thiosulfate.options import DoseOptions

# Facts for which the record has no way to say no, so that the question offers none. The data file says why of each.
NO_WAY_TO_DENY = {
    "inpatient": "a stay is an entry; no entry says that there is none",
    "skin-pathology-report": "a report is an entry; no entry says that there is none",
    "ulcer-with-purpura": "two findings of one entry; denying one takes the other away",
    "perfusion-assessed": "any mention of the perfusion is an assessment",
}
# "When did it begin?" has no no.
SINCE_WHEN = {"dialysis-vintage", "steroid-duration", "thiosulfate-duration", "warfarin-duration", "wound-age"}
ASKED = [fact for fact in GUIDELINE.facts.values() if fact.kind != "derived"]
BOOLEAN = [fact for fact in ASKED if fact.type.kind == "boolean"]
NUMBERS = [fact for fact in ASKED if fact.kind in ("quantity", "frequency", "duration")]


def asked(fact: Fact | str) -> Question:
    found = question_of(GUIDELINE.facts[fact] if isinstance(fact, str) else fact, GUIDELINE)
    assert found is not None
    return found


def answered(fact: Fact | str, given: Given) -> list[dict[str, Any]]:
    return resources_of(asked(fact), given, entered(), GUIDELINE)


def affirmatives(fact: Fact) -> list[str]:
    question = asked(fact)
    if question.kind == "date":
        return ["2026-02-01"]
    return [option.value for option in question.options if option.value != NO]


@pytest.mark.parametrize("fact", BOOLEAN, ids=lambda fact: fact.id)
def test_every_yes_makes_the_fact_true(fact: Fact) -> None:
    assert affirmatives(fact)
    for given in affirmatives(fact):
        resources = answered(fact, given)
        value = facts_of(resources).values[fact.id]
        assert value.value is True, given
        if fact.kind != "setting":  # being in hospital carries no evidence in the guideline
            named = f"{resources[0]['resourceType']}/{resources[0]['id']}"
            assert named in [item.reference for item in value.because]


@pytest.mark.parametrize("fact", BOOLEAN, ids=lambda fact: fact.id)
def test_every_no_makes_the_fact_false(fact: Fact) -> None:
    question = asked(fact)
    if fact.id in NO_WAY_TO_DENY:
        assert not question.may_deny
        with pytest.raises(InputError, match="'no' is no answer"):
            answered(fact, NO)
        return
    resources = answered(fact, NO)
    value = facts_of(resources).values[fact.id]
    assert value.value is False
    assert [item.reference for item in value.because] == [f"{resources[0]['resourceType']}/{resources[0]['id']}"]


@pytest.mark.parametrize("fact", NUMBERS, ids=lambda fact: fact.id)
def test_a_number_makes_the_fact_that_number(fact: Fact) -> None:
    question = asked(fact)
    low, high = fact.plausible or GUIDELINE.interview.of(fact.id).range or (0.0, 0.0)
    assert low < high
    number = round(low + (high - low) / 4, 2)
    resources = answered(fact, Amount(number, fact.type.unit))
    value = facts_of(resources).values[fact.id]
    assert value.value == (number, number)
    assert value.because[0].reference == f"{resources[0]['resourceType']}/{resources[0]['id']}"
    for unit in question.units:  # the offered range is the believable one, in that unit
        assert unit.low is not None
        assert unit.high is not None
        middle = Amount((unit.low + unit.high) / 2, unit.unit)
        if fact.kind != "frequency":
            assert facts_of(answered(fact, middle)).values[fact.id].value is not None
        for beyond in (unit.high * 1.01 + 1, unit.low - 1):
            with pytest.raises(InputError):
                answered(fact, Amount(beyond, unit.unit))


@pytest.mark.parametrize("fact", sorted(SINCE_WHEN))
def test_since_when(fact: str) -> None:
    assert asked(fact).kind == "date"
    resources = answered(fact, "2025-03-10")
    value = facts_of(resources).values[fact].value
    assert isinstance(value, tuple)
    unit = GUIDELINE.facts[fact].type.unit
    year = {"a": 1.0, "d": 365.0}[unit]  # to the day, a year before the day of the answer
    assert value[0] < year < value[1] + 0.01
    assert value[1] - value[0] < {"a": 0.004, "d": 1.1}[unit]


def test_demographics_are_those_of_the_patient() -> None:
    assert facts_of(answered("sex", "female")).values["sex"].value == "female"
    born = facts_of(answered("age", "1956-04-02")).values["age"].value
    assert isinstance(born, tuple)
    assert 69.9 < born[0] < born[1] < 70.0
    for years in (0, 17, 18, 70, 103):
        patient = answered("age", Amount(float(years), "a"))[0]
        age = facts_of([patient]).values["age"].value
        assert isinstance(age, tuple)
        assert int(age[0]) == int(age[1]) == years
        assert patient["id"] == "p"
        assert len(patient["birthDate"]) == len("1956-04")


def test_every_fact_that_can_be_unknown_was_tried() -> None:
    """And only those listed lack a no."""
    tried = {fact.id for fact in (*BOOLEAN, *NUMBERS)} | SINCE_WHEN | {"sex", "age"}
    assert tried == {fact.id for fact in ASKED}
    assert {fact.id for fact in BOOLEAN if not asked(fact).may_deny} == set(NO_WAY_TO_DENY)


def test_unknown_is_no_resource() -> None:
    for question in (*map(asked, ASKED), *opening_questions(GUIDELINE)):
        assert resources_of(question, UNKNOWN, entered(), GUIDELINE) == []


def implied(said: Fact, other: Fact) -> bool:
    """Whether a no to `said` denies `other` by its meaning: all that `other` could rest on was denied, there and then."""
    within = set(other.concepts) <= set(said.concepts)
    there = set(other.with_concepts) <= set(said.with_concepts) if said.with_concepts else not other.with_concepts
    if said.kind == "recorded" and GUIDELINE.interview.of(said.id).over_window:
        there = there and other.within_days is not None
    return within and there and other.only_history is said.only_history


@pytest.mark.parametrize("fact", [f for f in BOOLEAN if asked(f).may_deny], ids=lambda fact: fact.id)
def test_a_no_denies_nothing_that_it_does_not_name(fact: Fact) -> None:
    values = facts_of(answered(fact, NO)).values
    denied = [GUIDELINE.facts[name] for name, value in values.items() if value.value is False]
    assert [other.id for other in denied if not implied(fact, other)] == []
    positive = {name for name, value in values.items() if value.value is True}
    assert positive <= {"skin-pathology-report"}  # "the report does not say so" says that there is one


def test_a_no_about_a_part_leaves_the_rest_open() -> None:
    """The dangerous ones: what a page must never conclude from a no."""
    for fact, open_ones in {
        "skin-ulcer": ("any-lesion", "compatible-lesion", "wound", "livedo"),
        "lesion-thigh": ("any-lesion", "lesion-central", "lesion-buttock"),
        "recent-thrombosis": ("venous-thromboembolism",),
        "parathyroidectomy-recent": ("parathyroidectomy-ever",),
        "previous-calciphylaxis-recorded": ("calciphylaxis-diagnosis", "calciphylaxis-considered"),
        "calciphylaxis-diagnosis": ("calciphylaxis-considered", "previous-calciphylaxis-recorded"),
        "heparin-thrombocytopenia-recorded": ("heparin-thrombocytopenia-considered",),
        "endocarditis-recorded": ("endocarditis-considered",),
        "biopsy-neutrophilic": ("pyoderma-recorded", "pyoderma-confirmed"),
        "systemic-corticosteroid": ("immunosuppressant",),
        "vitamin-k-antagonist": ("anticoagulant",),
        "peripheral-arterial-disease": ("perfusion-assessed",),
    }.items():
        values = facts_of(answered(fact, NO)).values
        assert {name: values[name].value for name in open_ones} == dict.fromkeys(open_ones), fact


def test_diagnosed_is_not_confirmed() -> None:
    """A confirmed mimic may silence the suspicion; a diagnosis that nobody verified may not."""
    for diagnosed, confirmed in (
        ("pyoderma-recorded", "pyoderma-confirmed"),
        ("osteomyelitis", "osteomyelitis-confirmed"),
    ):
        assert facts_of(answered(diagnosed, "yes")).values[confirmed].value is None
        assert facts_of(answered(confirmed, "yes")).values[diagnosed].value is True


def test_a_venous_thrombosis_of_long_ago_is_not_recent() -> None:
    values = facts_of(answered("venous-thromboembolism", "yes")).values
    assert values["recent-thrombosis"].value is None


def test_the_newer_of_two_answers_counts() -> None:
    earlier, later = entered("2026-03-01T09:00:00Z", "a"), entered(NOW, "b")
    for fact in ("skin-ulcer", "asthma", "lesion-thigh", "haemodialysis"):
        yes = resources_of(asked(fact), "yes", earlier, GUIDELINE)
        no = resources_of(asked(fact), NO, later, GUIDELINE)
        assert facts_of([*yes, *no]).values[fact].value is False
        yes, no = resources_of(asked(fact), "yes", later, GUIDELINE), resources_of(asked(fact), NO, earlier, GUIDELINE)
        assert facts_of([*yes, *no]).values[fact].value is True


def test_a_wound_that_healed_does_not_take_the_others_along() -> None:
    """Livedo was seen a week ago; today there is no ulcer: there still is a lesion."""
    livedo = resources_of(asked("livedo"), "yes", entered("2026-03-03T09:00:00Z", "a"), GUIDELINE)
    values = facts_of([*livedo, *answered("skin-ulcer", NO)]).values
    assert values["any-lesion"].value is True
    assert values["skin-ulcer"].value is False


def test_a_lesion_at_chosen_sites() -> None:
    lesion = next(question for question in opening_questions(GUIDELINE) if question.id == "lesion")
    given = Chosen("skin-necrosis-eschar", ("site-thigh", "site-penile"))
    values = facts_of(resources_of(lesion, given, entered(), GUIDELINE)).values
    for fact in (
        "eschar-or-necrosis",
        "any-lesion",
        "lesion-thigh",
        "lesion-central",
        "lesion-penile",
        "penile-necrosis",
    ):
        assert values[fact].value is True, fact
    assert values["lesion-trunk"].value is None
    none = facts_of(resources_of(lesion, NO, entered(), GUIDELINE)).values
    assert none["any-lesion"].value is False
    with pytest.raises(InputError, match="no site"):
        resources_of(lesion, Chosen("skin-ulcer", ("site-moon",)), entered(), GUIDELINE)
    with pytest.raises(InputError, match="no site"):
        resources_of(lesion, Chosen(NO, ("site-thigh",)), entered(), GUIDELINE)


def test_the_opening_makes_dialysis_known() -> None:
    """And through it the patient's kidney and the inputs of dosing."""
    given: dict[str, Given] = {
        "age": Amount(62.0, "a"),
        "sex": "female",
        "weight": Amount(71.5, "kg"),
        "dialysis": "hemodialysis",
        "dialysis-sessions": Amount(3.0, "/wk"),
        "dialysis-session-hours": Amount(4.0, "h"),
        "dialysis-vintage": "2021-06",
        "lesion": Chosen("skin-ulcer", ("site-thigh",)),
        "lesion-pain": "yes",
        "pain-score": Amount(8.0),
    }
    patient, resources = dict(PATIENT), []
    for question in opening_questions(GUIDELINE):
        for found in resources_of(question, given[question.id], entered(), GUIDELINE):
            if found["resourceType"] == "Patient":
                patient |= found
            else:
                resources.append(found)
    # Age and sex are two answers of one resource; the page passes the updated patient on. Here they are joined.
    case = [patient, *resources]
    answer = assess_resources(case).answer
    assert answer["data_problems"] == []
    assert answer["reading"]["codes_not_recognised"] == {}
    kidney = {"dialysis": "yes", "modality": "haemodialysis", "sessions_per_week": 3.0, "hours_per_session": 4.0}
    assert answer["patient"]["kidney"] == kidney
    assert answer["patient"]["weight"]["value"] == 71.5
    assert (answer["patient"]["age"], answer["patient"]["sex"]) == (62, "female")
    inputs = {item["input"]: item["value"] for item in dose_resources(case, DoseOptions()).answer["read"]}
    assert inputs["weight"] == {"value": 71.5, "unit": "kg"}
    assert inputs["modality"] == "hemodialysis"
    assert inputs["sessions"] == {"value": 3.0, "unit": "/wk"}
    assert inputs["hours"] == {"value": 4.0, "unit": "h"}
    assert facts_of(case).values["dialysis-recorded"].value is True
    vintage = facts_of(case).values["dialysis-vintage"].value
    assert isinstance(vintage, tuple)
    assert 4.6 < vintage[0] < vintage[1] < 4.8  # June 2021 to 10 March 2026


def test_no_dialysis() -> None:
    dialysis = next(question for question in opening_questions(GUIDELINE) if question.id == "dialysis")
    answer = assess_resources([PATIENT, *resources_of(dialysis, NO, entered(), GUIDELINE)]).answer
    assert answer["patient"]["kidney"]["dialysis"] == "no"
    assert answer["patient"]["kidney"]["modality"] == "none"


def test_every_other_day_is_three_and_a_half_sessions() -> None:
    resources = answered("dialysis-sessions", Amount(3.5))
    assert resources[0]["occurrenceTiming"]["repeat"] == {"frequency": 7, "period": 2, "periodUnit": "wk"}
    assert facts_of(resources).values["dialysis-sessions"].value == (3.5, 3.5)


def test_the_unit_is_the_one_that_was_given() -> None:
    resources = answered("calcium-total", Amount(2.1, "mmol/L"))
    assert resources[0]["valueQuantity"] == {
        "value": 2.1, "unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L",
    }  # fmt: skip
    # LOINC tells mass from amount of substance: 2000-8 is calcium in mmol/L, 17861-6 in mg/dL.
    assert [c["code"] for c in resources[0]["code"]["coding"]] == ["calcium-total", "2000-8"]
    assert [c["code"] for c in answered("calcium-total", Amount(8.4))[0]["code"]["coding"]] == [
        "calcium-total",
        "17861-6",
    ]
    value = facts_of(resources).values["calcium-total"]
    assert isinstance(value.value, tuple)
    assert value.value[0] == pytest.approx(2.1 * 40.078 / 10)  # mmol/L x g/mol = mg/L; 10 mg/L = 1 mg/dL
    assert answered("phosphate", Amount(5.5, "MG/DL"))[0]["valueQuantity"]["code"] == "mg/dL"


def test_who_stated_it() -> None:
    found = answered("asthma", "yes")[0]
    assert found["recorder"] == {"display": "Dr Foot Livedo"}
    assert found["note"] == [{"authorString": "Dr Foot Livedo", "time": NOW, "text": "Stated on the clinician's page."}]


@pytest.mark.parametrize(
    ("fact", "given", "says"),
    [
        ("potassium", Amount(55.0, "mmol/L"), "not used"),
        ("potassium", Amount(float("nan"), "mmol/L"), "a number is needed"),
        ("potassium", "5.5", "a number is needed"),
        ("potassium", Amount(5.5, "mg/L"), "the unit 'mg/L' is not one of mmol/L, meq/L, mg/dL"),
        ("pain-score", Amount(11.0), "not used"),
        ("age", Amount(130.0, "a"), "not used"),
        ("age", "1956-13", "is not a date"),
        ("age", "2027", "lies after"),
        ("dialysis-sessions", Amount(2.3), "whole or a half"),
        ("sex", "unsure", "is no answer"),
        ("asthma", "maybe", "is no answer"),
        ("dialysis-vintage", "last year", "is not a date"),
        ("dialysis-vintage", "2026-03-11", "lies after"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(fact: str, given: Given, says: str) -> None:
    with pytest.raises(InputError, match=says) as refused:
        answered(fact, given)
    assert "\n" not in str(refused.value)


def test_ids_come_from_the_caller() -> None:
    first, again = answered("asthma", "yes"), answered("asthma", NO)
    assert first[0]["id"] == again[0]["id"] == "e-asthma"
    with pytest.raises(InputError, match="is not a date"):
        resources_of(asked("asthma"), "yes", entered("yesterday"), GUIDELINE)


def test_resources_are_json() -> None:
    for fact in BOOLEAN:
        found = answered(fact, affirmatives(fact)[0])
        assert json.loads(json.dumps(found)) == found
