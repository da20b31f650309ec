"""Cards: required members, limits, escaping, budget, memory, silence, and agreement with the assessment."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from service_calls import (
    DISCHARGE,
    GUIDELINE,
    NOW,
    SERVICES,
    SIGN,
    VIEW,
    alerts,
    answer,
    bundle,
    considered,
    draft,
    extension,
)

from calcipath.api import assess_path
from calcipath.hooks.alerts import cut
from calcipath.hooks.cards import escaped
from calcipath.hooks.prefetch import (
    KEYS,
    PATIENT,
    Prefetched,
    gathered,
    read_prefetch,
    templates,
)
from calcipath.hooks.request import BadRequest, read_request

from records import condition, drug, record, result  # isort: skip

CASES = Path(__file__).parents[1] / "data" / "cases"
FILES = sorted(CASES.glob("*.bundle.json"))
TRIGGERS = record(drug(7, "Warfarin 5 mg"), drug(8, "Calcium acetate"), drug(9, "Alfacalcidol"))


def potassium(value: float) -> dict[str, Any]:
    found = result(60, "sodium", value)
    found["code"] = {"coding": [{"system": "http://loinc.org", "code": "2823-3", "display": "Potassium"}]}
    return found


def well_formed(card: dict[str, Any]) -> None:
    """The members that CDS Hooks 2.0 requires (register 80 to 147), without empty values (register 3)."""
    assert set(card) <= {
        "uuid",
        "summary",
        "detail",
        "indicator",
        "source",
        "suggestions",
        "selectionBehavior",
        "overrideReasons",
        "links",
    }
    assert 0 < len(card["summary"]) < 140 and "\n" not in card["summary"]
    assert card["indicator"] in ("info", "warning", "critical") and card["detail"].strip()
    assert card["source"]["label"] and card["source"]["url"].startswith("http")
    assert set(card["source"]["topic"]) == {"system", "code", "display"}
    assert ("suggestions" in card) == ("selectionBehavior" in card)
    for suggestion in card.get("suggestions", []):
        assert suggestion["label"] and suggestion["uuid"] and suggestion["actions"]
        for action in suggestion["actions"]:
            assert action["type"] in ("create", "update", "delete") and action["description"]
            assert ("resource" in action) != ("resourceId" in action) == (action["type"] == "delete")
    for link in card["links"]:
        assert link["label"] and link["url"].startswith("http") and link["type"] in ("absolute", "smart")
    for reason in card.get("overrideReasons", []):
        assert reason["code"] and reason["display"] and reason["system"].startswith("http")
    assert not empties(card)


def empties(value: object) -> bool:
    if value is None or value == "" or value == [] or value == {}:
        return True
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(empties(part) for part in parts)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name.split(".")[0])
def test_published_patients_get_cards_that_agree_with_their_assessment(file: Path) -> None:
    resources = [each["resource"] for each in json.loads(file.read_text())["entry"]]
    patient = next(each["id"] for each in resources if each["resourceType"] == "Patient")
    for budget in (0, 1, 3):
        found = answer(VIEW, resources, patient=patient, now="2026-01-15T12:00:00Z", budget=budget)
        cards = found["cards"]
        for card in cards:
            well_formed(card)
        assert sum(1 for card in cards if card["indicator"] != "critical") <= budget
    # medications and allergies are complete in the calls above, as their keys were answered
    from calcipath.options import AssessmentOptions

    options = AssessmentOptions(complete=frozenset({"medications", "allergies"}), as_of="2026-01-15T12:00:00Z")
    assessed = assess_path(str(file), options).answer
    told, _ = considered(VIEW, resources, patient, "2026-01-15T12:00:00Z")
    verdicts = {item["id"]: item["verdict"] for item in assessed["recommendations"]}
    for alert in told.alerts:
        assert {
            item["id"]: item.get("verdict") for item in alert.items if "verdict" in item
        }.items() <= verdicts.items()
    assert {alert.id for alert in told.alerts if alert.indicator == "critical"} == {
        f"urgent:{finding['id']}" for finding in assessed["urgent"]
    }
    assert told.level == assessed["suspicion"]["level"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name.split(".")[0])
def test_nothing_held_carries_an_action(file: Path) -> None:
    resources = [each["resource"] for each in json.loads(file.read_text())["entry"]]
    patient = next(each["id"] for each in resources if each["resourceType"] == "Patient")
    mine = {"subject": {"reference": f"Patient/{patient}"}}
    orders = bundle(
        *(
            draft({**drug(90 + n, name), **mine})
            for n, name in enumerate(("Warfarin", "Calcium acetate", "Alfacalcidol", "Sodium thiosulfate"))
        )
    )
    told, _ = considered(SIGN, resources, patient, "2026-01-15T12:00:00Z", draftOrders=orders)
    cards = answer(SIGN, resources, patient=patient, now="2026-01-15T12:00:00Z", budget=20, draftOrders=orders)["cards"]
    held = {alert.summary for alert in told.alerts if alert.held}
    for card in cards:
        well_formed(card)
        if card["summary"] in held:
            assert "suggestions" not in card and "Held, do not act on this yet" in card["detail"]


def test_urgent_findings_come_first_and_no_budget_stops_them() -> None:
    found = answer(VIEW, [*TRIGGERS, potassium(6.9)], budget=0)
    assert [card["indicator"] for card in found["cards"]] == ["critical"]
    assert "6.9" in found["cards"][0]["summary"] and "potassium" in found["cards"][0]["summary"].lower()
    assert {each["why"] for each in extension(found)["notShown"]} == {"budget"}


def test_what_was_shown_is_not_shown_again_unless_it_is_critical() -> None:
    resources = [*TRIGGERS, potassium(6.9)]
    first = alerts(VIEW, resources)
    again = answer(VIEW, resources, seen=frozenset(alert.facts for alert in first.values()))
    assert [card["indicator"] for card in again["cards"]] == ["critical"]
    assert {each["why"] for each in extension(again)["notShown"]} == {"shown before"}


def test_a_new_fact_makes_a_new_alert() -> None:
    before = alerts(VIEW, record(drug(7, "Warfarin 5 mg")))
    after = alerts(VIEW, TRIGGERS)
    assert before["group:modifiable"].facts != after["group:modifiable"].facts
    assert alerts(VIEW, TRIGGERS)["group:modifiable"].facts == after["group:modifiable"].facts


def test_triggers_are_reviewed_in_one_card_by_name() -> None:
    cards = answer(VIEW, TRIGGERS)["cards"]
    (card,) = [each for each in cards if "review" in each["summary"]]
    assert "the vitamin K antagonist, calcium binder or supplement, vitamin D" in card["summary"]
    assert card["detail"].count("Strength:") == 3 and "odds ratio 11.4" in card["detail"]
    assert "2026-01-12" in card["detail"]  # the date of the evidence


def test_a_drug_that_is_not_taken_is_not_named() -> None:
    assert "group:modifiable" not in alerts(VIEW, record())


def test_a_plain_dialysis_patient_without_triggers_gets_silence() -> None:
    healthy = [each for each in record() if each["resourceType"] != "Condition"]
    assert answer(VIEW, healthy)["cards"] == []


def test_discharge_speaks_of_follow_up() -> None:
    running = [
        {
            "resourceType": "MedicationAdministration", "id": "ma", "status": "completed",
            "medicationCodeableConcept": {"text": "Sodium thiosulfate"}, "subject": {"reference": "Patient/p"},
            "effectiveDateTime": "2026-01-12", "dosage": {"dose": {"value": 25, "unit": "g"}},
        }
    ]  # fmt: skip
    cards = answer(DISCHARGE, [*record(), *running], encounterId="e1")["cards"]
    (card,) = [each for each in cards if "follow-up:" in each["summary"]]
    assert "Improvement is expected within about 2 weeks" in card["detail"]


def test_markdown_of_a_record_means_nothing() -> None:
    evil = "Warfarin [click](javascript:alert(1)) <img src=x> **bold** `code` | # x"
    cards = answer(VIEW, record(drug(7, evil)))["cards"]
    for card in cards:
        assert not re.search(r"(?<!\\)[`<\[|]", card["detail"]) and evil not in card["detail"]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=400))
def test_any_text_is_cut_and_escaped(text: str) -> None:
    assert len(cut(text)) < 140
    plain = re.sub(r"\\.", "", escaped(text))
    assert not set(plain) & set("\\`*_{}[]()#+!|~<>") and "\n" not in plain


def test_every_service_asks_only_with_tokens_of_its_hook() -> None:
    """Register, hook library: only patientId is used, which every hook allows as a token."""
    for service in SERVICES.values():
        found = templates(GUIDELINE, service)
        assert found[PATIENT] == "Patient/{{context.patientId}}"
        for template in found.values():
            assert re.findall(r"\{\{(.*?)\}\}", template) == ["context.patientId"]
            assert re.fullmatch(
                r"[A-Z][A-Za-z]+(/\{\{context\.patientId\}\}|\?patient=\{\{context\.patientId\}\}&_count=500)", template
            )


def test_templates_follow_from_the_conditions() -> None:
    found = set(templates(GUIDELINE, SERVICES[VIEW]))
    assert found == {PATIENT, *KEYS.values()}


STATES: dict[str, tuple[object, str, int]] = {
    "null": (None, "null", 0),
    "empty": ({"resourceType": "Bundle", "type": "searchset", "entry": []}, "whole", 0),
    "no entry": ({"resourceType": "Bundle", "type": "searchset"}, "whole", 0),
    "filled": ({"resourceType": "Bundle", "entry": [{"resource": condition(1, "x")}]}, "whole", 1),
    "paged": (
        {"resourceType": "Bundle", "entry": [{"resource": condition(1, "x")}], "link": [{"relation": "next", "url": "https://x/y"}]},
        "partial",
        1,
    ),
    "resource": (condition(1, "x"), "whole", 1),
    "outcome": ({"resourceType": "OperationOutcome", "issue": []}, "failed", 0),
    "outcome inside": (
        {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]}}]},
        "failed",
        0,
    ),
    "a warning inside": (
        {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "OperationOutcome", "issue": [{"severity": "warning"}]}}]},
        "whole",
        0,
    ),
    "a text": ("nothing", "unreadable", 0),
    "a list": ([], "unreadable", 0),
    "no resource": ({"a": 1}, "unreadable", 0),
    "entry no list": ({"resourceType": "Bundle", "entry": {}}, "unreadable", 0),
}  # fmt: skip


@pytest.mark.parametrize("name", STATES)
def test_the_states_of_a_key_are_told_apart(name: str) -> None:
    value, state, count = STATES[name]
    found = read_prefetch({"conditions": value}, ["conditions", "allergies"])
    assert (found["conditions"].state, len(found["conditions"].resources)) == (state, count)
    assert found["allergies"].state == "absent"


def test_completeness_follows_from_what_was_answered() -> None:
    def complete(state: Any) -> frozenset[str]:
        return gathered({"medicationRequests": Prefetched(state), "allergies": Prefetched(state)}).complete

    assert complete("null") == complete("whole") == {"medications", "allergies"}
    assert complete("absent") == complete("partial") == complete("failed") == frozenset()


BAD: dict[str, tuple[Any, str]] = {
    "no object": ([], "must be a JSON object"),
    "no hook": ({"hookInstance": "x", "context": {"patientId": "p"}}, "hook: must be a text"),
    "another hook": ({"hook": "order-sign", "hookInstance": "x", "context": {"patientId": "p"}}, "for patient-view"),
    "no instance": ({"hook": "patient-view", "context": {"patientId": "p"}}, "hookInstance"),
    "no context": ({"hook": "patient-view", "hookInstance": "x"}, "context: must be an object"),
    "no patient": ({"hook": "patient-view", "hookInstance": "x", "context": {}}, "context.patientId"),
    "patient no id": ({"hook": "patient-view", "hookInstance": "x", "context": {"patientId": "../x"}}, "FHIR id"),
    "prefetch a list": ({"hook": "patient-view", "hookInstance": "x", "context": {"patientId": "p"}, "prefetch": []}, "prefetch"),
    "token without server": (
        {"hook": "patient-view", "hookInstance": "x", "context": {"patientId": "p"}, "fhirAuthorization": {"access_token": "t"}},
        "fhirServer: is needed",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_request_names_its_member(name: str) -> None:
    value, said = BAD[name]
    with pytest.raises(BadRequest, match=re.escape(said)):
        read_request(value, "patient-view")


def test_a_token_is_in_no_representation() -> None:
    request = read_request(
        {
            "hook": "patient-view", "hookInstance": "x", "context": {"patientId": "p"}, "fhirServer": "https://ehr.example",
            "fhirAuthorization": {"access_token": "secret-token", "token_type": "Bearer"},
        },
        "patient-view",
    )  # fmt: skip
    assert request.token.startswith("secret") and "secret-token" not in repr(request)


def test_what_is_missing_is_said() -> None:
    request = read_request({"hook": "patient-view", "hookInstance": "x", "context": {"patientId": "p"}}, "patient-view")
    states = {key: Prefetched("absent") for key in templates(GUIDELINE, SERVICES[VIEW])}
    states[PATIENT] = Prefetched("whole", tuple(TRIGGERS))
    from service_calls import ASSESSOR, BASE

    from calcipath.hooks.cards import CardSettings
    from calcipath.hooks.response import consider, response
    from calcipath.hooks.selection import select

    found = consider(ASSESSOR, SERVICES[VIEW], request, gathered(states), now=NOW, code_systems={})
    chosen = select(found.alerts, {each.id: each.facts for each in found.alerts}, frozenset(), 3)
    told = response(found, chosen, ASSESSOR, request, CardSettings(BASE), now=NOW, new_id=lambda: "x")
    assert "allergies: not sent, and not to be fetched" in told["cards"][0]["detail"]
    assert set(extension(told)["missing"]) == set(KEYS.values())


def test_an_incomplete_check_is_said_once_and_only_where_it_matters() -> None:
    from service_calls import ASSESSOR, body

    from calcipath.hooks.response import consider

    def said(service: str, **context: Any) -> list[str]:
        hook = SERVICES[service].hook
        states = {key: Prefetched("absent") for key in templates(GUIDELINE, SERVICES[service])}
        states[PATIENT] = Prefetched("whole", (record()[0],))
        request = read_request(body(service, **context), hook)
        found = consider(ASSESSOR, SERVICES[service], request, gathered(states), now=NOW, code_systems={})
        return [alert.id for alert in found.alerts]

    assert said(VIEW) == said(DISCHARGE) == ["check:incomplete"]
    assert said(SIGN, draftOrders=bundle(draft(drug(90, "Warfarin")))) == ["check:incomplete"]
    assert said(SIGN, draftOrders=bundle(draft(drug(90, "Paracetamol")))) == []
