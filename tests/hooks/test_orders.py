"""Orders: each watched kind speaks where the guideline says so, offers what changes the order, and is silent otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from service_calls import NOW, PROBLEM, SELECT, SERVICES, SIGN, VIEW, alerts, answer, body, bundle, draft

from calcipath.hooks.prefetch import Prefetched, gathered, templates
from calcipath.hooks.request import read_request
from calcipath.hooks.response import consider
from calcipath.site_assessor import assessor_for

from records import condition, drug, procedure, record, resource, result, sessions, thiosulfate  # isort: skip

BIOPSY = resource("ServiceRequest", 95, status="draft", intent="order", code={"text": "Skin biopsy"})
SUSPECTED = record(
    condition(1, "Calciphylaxis", verification="provisional"), condition(9, "Necrotic ulcer of the thigh")
)


def signed(order: dict[str, Any], resources: list[dict[str, Any]] | None = None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = answer(SIGN, resources or record(), draftOrders=bundle(order))["cards"]
    return found


ORDERS = {
    "warfarin": (
        draft(drug(90, "Warfarin 3 mg tablet")),
        "vitamin K antagonist should probably be replaced",
        ["create"],
    ),
    "calcium acetate": (draft(drug(91, "Calcium acetate 667 mg")), "calcium-containing binders", ["delete"]),
    "calcium carbonate": (draft(drug(91, "Calcium carbonate 500 mg")), "calcium-containing binders", ["delete"]),
    "alfacalcidol": (draft(drug(92, "Alfacalcidol 0.25 ug")), "vitamin D preparations should be avoided", ["delete"]),
    "paricalcitol": (draft(drug(92, "Paricalcitol")), "vitamin D preparations should be avoided", ["delete"]),
}


@pytest.mark.parametrize("name", ORDERS)
def test_an_order_that_bears_on_calciphylaxis(name: str) -> None:
    order, summary, actions = ORDERS[name]
    (card,) = signed(order)
    assert summary in card["summary"] and card["indicator"] == "warning"
    (suggestion,) = card["suggestions"]
    assert [action["type"] for action in suggestion["actions"]] == actions
    assert card["selectionBehavior"] == "any"


@pytest.mark.parametrize("name", ["Sevelamer 800 mg", "Apixaban 2.5 mg", "Cinacalcet 30 mg", "Paracetamol"])
def test_any_other_order_is_met_with_silence(name: str) -> None:
    assert signed(draft(drug(90, name))) == []


@pytest.mark.parametrize("name", ORDERS)
def test_without_suspicion_there_is_silence(name: str) -> None:
    healthy = [each for each in record() if each["resourceType"] != "Condition"]
    assert signed(ORDERS[name][0], healthy) == []


def test_a_vitamin_k_antagonist_is_never_removed_with_a_click() -> None:
    (card,) = signed(ORDERS["warfarin"][0])
    kinds = [action["type"] for suggestion in card["suggestions"] for action in suggestion["actions"]]
    assert kinds == ["create"]
    created = card["suggestions"][0]["actions"][0]["resource"]
    assert (
        created["resourceType"] == "ServiceRequest" and created["status"] == "draft" and created["priority"] == "urgent"
    )
    assert created["subject"] == {"reference": "Patient/p"} and created["code"]["text"] and created["intent"]
    assert "Never stop without cover" in card["detail"]


def test_with_a_mechanical_valve_it_is_held_and_offers_nothing() -> None:
    (card,) = signed(ORDERS["warfarin"][0], record(condition(8, "Mechanical mitral valve")))
    assert "suggestions" not in card and "selectionBehavior" not in card
    assert "Held, do not act on this yet" in card["detail"] and "cardiology" in card["detail"]


def test_with_low_calcium_calcium_and_vitamin_d_are_held_and_offer_nothing() -> None:
    low = record(ionised_calcium=0.95)
    for name in ("calcium acetate", "alfacalcidol"):
        for card in signed(ORDERS[name][0], low):
            assert "suggestions" not in card and "Held" in card["detail"]


@pytest.mark.parametrize("status", ["cancelled", "stopped", "completed"])
def test_an_order_that_ends_the_drug_complies(status: str) -> None:
    assert signed({**drug(90, "Calcium acetate"), "status": status}) == []


def test_do_not_perform_complies() -> None:
    assert signed({**draft(drug(90, "Calcium acetate")), "doNotPerform": True}) == []


def test_an_order_for_another_patient_is_not_looked_at() -> None:
    other = {**draft(drug(90, "Calcium acetate")), "subject": {"reference": "Patient/other"}}
    assert signed(other) == []


THIOSULFATE = {
    "held, as the product is not stated": (
        draft(thiosulfate(93, 25, "g")),
        "Sodium thiosulfate is held: product not stated",
    ),
    "milligrams": (draft(thiosulfate(93, 25, "mg")), "missing or not believable"),
    "without a dose": (draft(drug(93, "Sodium thiosulfate")), "missing or not believable"),
    "above the cap": (draft(thiosulfate(93, 40, "g")), "above 25 g"),
}


@pytest.mark.parametrize("name", THIOSULFATE)
def test_a_thiosulfate_order(name: str) -> None:
    order, summary = THIOSULFATE[name]
    (card,) = signed(order)
    assert summary in card["summary"]
    assert "suggestions" not in card  # held


def test_a_thiosulfate_order_against_acidosis_says_what_holds_it() -> None:
    (card,) = signed(draft(thiosulfate(93, 25, "g")), record(bicarbonate=15))
    assert card["summary"].startswith("Sodium thiosulfate is held: acidosis")
    assert "Correct the acidosis first" in card["detail"]


def test_thiosulfate_into_the_peritoneum() -> None:
    order = draft(thiosulfate(93, 12.5, "g"))
    order["medicationCodeableConcept"] = {"text": "Sodium thiosulfate intraperitoneal"}
    (card,) = signed(order, record(dialysis="Peritoneal dialysis"))
    assert "never into the peritoneum" in card["summary"]


def test_an_order_into_the_peritoneum_can_be_removed_where_nothing_is_held(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("thiosulfate_product: {salt: pentahydrate, concentration: 250 'mg/mL'}\n")
    assessor, _ = assessor_for(str(site))
    order = draft(thiosulfate(93, 12.5, "g"))
    order["medicationCodeableConcept"] = {"text": "Sodium thiosulfate intraperitoneal"}
    service = SERVICES[SIGN]
    request = read_request(body(SIGN, draftOrders=bundle(order)), service.hook)
    states = {key: Prefetched("null") for key in templates(assessor.guideline, service)}
    states["patient"] = Prefetched("whole", tuple(record(dialysis="Peritoneal dialysis")))
    found = consider(assessor, service, request, gathered(states), now=NOW, code_systems={})
    (alert,) = found.alerts
    labels = [each.label for each in alert.order_suggestions]
    assert not alert.held and labels[0] == "Remove this draft order into the peritoneum" and len(labels) == 2


def test_a_biopsy_of_the_ulcer_gets_a_note_and_one_of_the_edge_does_not() -> None:
    (card,) = signed(BIOPSY, SUSPECTED)
    action = card["suggestions"][0]["actions"][0]
    assert action["type"] == "update" and action["resource"]["id"] == BIOPSY["id"]
    assert {key: value for key, value in action["resource"].items() if key != "note"} == BIOPSY
    assert "viable edge" in action["resource"]["note"][0]["text"]
    assert signed({**BIOPSY, "bodySite": [{"text": "margin of the thigh ulcer"}]}, SUSPECTED) == []


def test_a_held_biopsy_offers_nothing() -> None:
    bleeding = [*SUSPECTED, drug(8, "Warfarin 3 mg")]
    inr = resource(
        "Observation", 60, status="final", effectiveDateTime="2026-01-14T09:00:00Z",
        code={"coding": [{"system": "http://loinc.org", "code": "6301-6", "display": "INR"}]},
        valueQuantity={"value": 4.2, "unit": "1", "system": "http://unitsofmeasure.org", "code": "1"},
    )  # fmt: skip
    (card,) = signed(BIOPSY, [*bleeding, inr])
    assert card["summary"].startswith("The skin biopsy is held: inr above limit") and "suggestions" not in card


def test_dialysis_beyond_adequacy_and_within_it() -> None:
    (card,) = signed(draft(sessions(94, "Hemodialysis", per_week=6)))
    assert "beyond adequacy" in card["summary"]
    assert card["suggestions"][0]["actions"][0]["type"] == "update"
    assert signed(draft(sessions(94, "Hemodialysis", per_week=3))) == []


def test_at_selection_only_what_was_selected_speaks() -> None:
    two = bundle(ORDERS["warfarin"][0], ORDERS["alfacalcidol"][0])
    chosen = answer(SELECT, record(), draftOrders=two, selections=["MedicationRequest/medicationrequest-92"])["cards"]
    assert len(chosen) == 1 and "vitamin D" in chosen[0]["summary"]
    every = answer(SELECT, record(), draftOrders=two)["cards"]
    assert len(every) == 2


def test_the_same_order_at_selection_and_at_signing_is_one_alert() -> None:
    first = alerts(
        SELECT,
        record(),
        draftOrders=bundle(ORDERS["alfacalcidol"][0]),
        selections=["MedicationRequest/medicationrequest-92"],
    )
    again = {**ORDERS["alfacalcidol"][0], "id": "another-id"}
    second = alerts(SIGN, record(), draftOrders=bundle(again))
    assert first["order:vitamin-d"].facts == second["order:vitamin-d"].facts


def test_what_belongs_to_an_order_is_not_said_on_viewing() -> None:
    assert not any(name.startswith("order:") for name in alerts(VIEW, record(drug(8, "Warfarin 3 mg"))))


def test_a_new_problem_is_read_with_the_record() -> None:
    ulcer = condition(50, "Calciphylaxis")
    healthy = [each for each in record() if each["resourceType"] != "Condition"]
    cards = answer(PROBLEM, [*healthy, drug(8, "Warfarin 3 mg")], conditions=bundle(ulcer))["cards"]
    assert any("vitamin K antagonist" in card["summary"] for card in cards)


@pytest.mark.parametrize(
    ("name", "speaks"),
    [
        ("Necrotic ulcer of the thigh", True),
        ("Calciphylaxis", True),
        ("Possible calciphylaxis", True),
        ("Essential hypertension", False),
        ("Type 2 diabetes mellitus", False),
    ],
)
def test_a_new_problem_speaks_only_when_it_bears_on_calciphylaxis(name: str, speaks: bool) -> None:
    problem = condition(50, name)
    for new in (problem, {key: value for key, value in problem.items() if key != "id"}):
        assert bool(answer(PROBLEM, record(drug(8, "Warfarin 3 mg")), conditions=bundle(new))["cards"]) is speaks


def test_an_order_refers_to_its_medication_in_the_bundle() -> None:
    medication = {"resourceType": "Medication", "id": "m1", "code": {"text": "Warfarin 5 mg tablet"}}
    order = draft(drug(90, "x"))
    del order["medicationCodeableConcept"]
    order["medicationReference"] = {"reference": "Medication/m1"}
    found = answer(SIGN, record(), draftOrders=bundle(medication, order))["cards"]
    assert len(found) == 1 and "vitamin K antagonist" in found[0]["summary"]


def test_a_procedure_is_no_order() -> None:
    assert signed(procedure(70, "Skin biopsy")) == []


def test_the_result_of_a_lab_does_not_make_an_order() -> None:
    assert signed(result(71, "sodium", 139)) == []
