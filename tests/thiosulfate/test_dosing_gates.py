"""The gates of safety rules 2 and 6 in every door: no dose behind a hold, none where none is offered, none untrue."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from records import condition, procedure, record, resource, result, thiosulfate

from calcipath import api
from calcipath.cli import main
from calcipath.dosing import DoseOptions, dose, knowledge_for
from calcipath.errors import GuidelineError, InputError
from calcipath.options import AssessmentOptions
from calcipath.output.html import render_html
from calcipath.output.plan import withhold
from calcipath.output.terminal import render_terminal
from calcipath.thiosulfate.individual import Prior, ResidualError, estimate

VIAL = DoseOptions(salt="pentahydrate", concentration=250)
GIVEN = resource(
    "MedicationAdministration", 40, status="completed", effectiveDateTime="2026-01-13",
    medicationCodeableConcept={"text": "Sodium thiosulfate"}, dosage={"dose": {"value": 25, "unit": "g", "system": "http://unitsofmeasure.org", "code": "g"}},
)  # fmt: skip
HD = {"weight": 70, "modality": "hemodialysis", "sessions": 3, "hours": 4}


@pytest.fixture
def site(tmp_path: Path) -> AssessmentOptions:
    file = tmp_path / "site.yaml"
    file.write_text("thiosulfate_product: {salt: pentahydrate, concentration: 250 'mg/mL'}\n")
    return AssessmentOptions(config=str(file))


def answered(resources: list[dict[str, Any]], options: DoseOptions = VIAL) -> dict[str, Any]:
    return api.dose_resources(resources, options).answer


RUNNING = {
    "suspected only": [*record(GIVEN, condition(1, "Calciphylaxis", verification="provisional"))],
    "psoriasis": [each for each in record(GIVEN, condition(9, "Psoriasis")) if each.get("id") != "condition-1"],
    "child": record(GIVEN, born="2015-03-01"),
}


@pytest.mark.parametrize("bicarbonate", [24, 15])
@pytest.mark.parametrize("name", RUNNING)
def test_thiosulfate_that_runs_and_is_not_offered_or_is_held_gets_no_dose(
    name: str, bicarbonate: float, site: AssessmentOptions
) -> None:
    resources = [each for each in RUNNING[name] if "Bicarbonate" not in json.dumps(each)]
    resources = [*resources, result(50, "bicarbonate", bicarbonate)]
    found = answered(resources)
    assert found["status"] == "withheld" and found["matched"]["dose"] is None and found["session_sheet"] is None
    assert found["holds"][0]["instead"] and found["holds"][0]["who"]
    assessed = api.assess_resources(resources, site)
    for shown in (
        render_terminal(assessed.answer, width=200),
        render_html(assessed.answer, assessed.timeline),
        json.dumps(withhold(assessed.answer)["dosing"]),
    ):
        start = shown.lower().rfind("thiosulfate dosing")
        part = shown[max(0, start) :]
        part = part.partition("NOT DECIDED")[0].partition("Not decided")[0]
        assert "three times a week" not in part and "sodium a dose" not in part and "100 mL" not in part, name


def test_a_hold_says_what_to_do_instead_where_no_recommendation_says_it(site: AssessmentOptions) -> None:
    assessed = api.assess_resources(RUNNING["suspected only"], site)
    text = render_terminal(assessed.answer, width=200)
    part = text[text.index("THIOSULFATE DOSING") :]
    assert "Instead: Settle the diagnosis first" in part and "[nephrology with dermatology]" in part


def test_a_held_dose_is_not_told_by_the_command_either(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = tmp_path / "b.json"
    entries = [{"resource": each} for each in record(bicarbonate=15, weight=50)]
    bundle.write_text(json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}))
    for salt in ("pentahydrate", "anhydrous"):
        asked = ["dose", str(bundle), "--salt", salt, "--concentration", "250"]
        assert main(asked) == 0
        text = capsys.readouterr().out
        assert "HELD: DO NOT GIVE IT YET" in text and "not told while a hold stands" in text
        assert not any(word in text for word in ("12.5", "7.96", "50.4", "PUBLISHED", "First dose"))
        assert main([*asked, "--format", "csv"]) == 0
        assert "held, the curve is for comparison only" in capsys.readouterr().err
        assert main([*asked, "--event-table", str(tmp_path / "e.csv")]) == 2
        assert "no table of doses is written" in capsys.readouterr().err and not (tmp_path / "e.csv").exists()
        assert main([*asked, "--dose", "12.5"]) == 0  # named by the caller: it may be told
        assert "12.5 g" in capsys.readouterr().out


def test_salt_without_concentration_is_no_product(tmp_path: Path) -> None:
    found = answered(record(), DoseOptions(salt="pentahydrate"))
    assert found["status"] == "withheld" and "salt form and concentration" in found["matched"]["reason"]
    file = tmp_path / "site.yaml"
    file.write_text("thiosulfate_product: {salt: anhydrous}\n")
    with pytest.raises(GuidelineError, match="'concentration' is missing"):
        api.assess_resources(record(), AssessmentOptions(config=str(file)))


def test_the_vial_in_hand_is_always_asked_about() -> None:
    assert any(each["id"] == "product" for each in answered(record())["questions"])


def test_two_kinds_of_dialysis_at_once_ask_which() -> None:
    both = record(procedure(60, "Peritoneal dialysis", "2026-01-13T08:00:00Z", "2026-01-13T09:00:00Z"))
    found = answered(both)
    assert found["status"] == "incomplete" and found["needs"][0]["input"] == "modality"
    assert any(each["guard"] == "modality-unknown" for each in found["holds"])
    assert answered(record(procedure(61, "Hemodiafiltration")))["status"] == "answered"  # both are haemodialysis


def test_a_25_mg_order_is_a_question_and_no_dose_is_matched_until_it_is_answered() -> None:
    found = answered(record(thiosulfate(30, 25, "mg")))
    assert found["status"] == "withheld" and found["matched"]["dose"] is None
    (asked,) = [each for each in found["questions"] if each["id"] == "dose-on-record"]
    assert "25 mg" in asked["question"] and "which dose, in grams, is meant?" in asked["question"]
    assert (
        answered(record(thiosulfate(30, 25, "mg")), DoseOptions(salt="pentahydrate", concentration=250, dose=25))[
            "matched"
        ]["status"]
        == "shown"
    )


ROUNDING = [
    (DoseOptions(**HD, salt="pentahydrate"), 25.0, 2),
    (DoseOptions(**HD, salt="pentahydrate", timing="after"), 19.0, None),  # 19.08 g
    (DoseOptions(**HD, salt="anhydrous", concentration=80, vial=8), 15.9, None),  # two vials lie above the cap
    (DoseOptions(**HD, salt="anhydrous"), 15.9, None),
    (DoseOptions(**{**HD, "weight": 58, "sessions": 4}, salt="pentahydrate"), 9.3, None),  # 9.375 g
]


@pytest.mark.parametrize(("options", "grams", "vials"), ROUNDING)
def test_whole_vials_only_where_they_change_the_exposure_little(
    options: DoseOptions, grams: float, vials: int | None
) -> None:
    matched = dose(options)["matched"]
    assert (matched["status"], matched["dose"]["value"], matched["vials"]) == ("shown", grams, vials)
    assert 0.9 <= matched["ratio"]["value"] <= 1.1 and matched["ratio"]["value"] == pytest.approx(
        grams / matched["unrounded"]["value"]
    )
    assert ("rounding" in matched) == (vials is None)


@pytest.mark.parametrize(("weight", "status"), [(29, "withheld"), (31, "shown")])
def test_adult_regimens_are_not_matched_in_small_bodies(weight: float, status: str) -> None:
    assert dose(DoseOptions(**{**HD, "weight": weight}, salt="pentahydrate"))["matched"]["status"] == status


def test_an_own_scenario_may_not_take_a_shipped_name(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("scenarios:\n  - {id: farese-2011, title: ours, statement: ours, parameters: {}}\n")
    with pytest.raises(GuidelineError, match="that of a shipped scenario"):
        dose(DoseOptions(**HD, salt="pentahydrate", parameters=str(own)))


@pytest.mark.parametrize("text", ["thiosulfate-highest-dose: 60 'g'", 'thiosulfate-scenario-agreement: "5"'])
def test_a_site_may_only_tighten_what_the_safety_rules_fix(text: str, tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(f"defaults:\n  {text}\n")
    with pytest.raises(GuidelineError, match="may only be lowered"):
        knowledge_for(str(file))
    file.write_text("defaults:\n  thiosulfate-highest-dose: 20 'g'\n")
    assert knowledge_for(str(file)).defaults["thiosulfate-highest-dose"].value == 20


def test_an_answer_says_what_it_was_computed_with() -> None:
    found = dose(DoseOptions(weight=70, modality="peritoneal", salt="pentahydrate"))
    assert found["regimen"]["prescription"] == {"drained": {"value": 10.0, "unit": "L/d"}}
    assert found["kinetics"]["dialysis_clearance"]["value"] == pytest.approx(10 / 24)
    assert found["kinetics"]["nonrenal_clearance"]["value"] == pytest.approx(2.04 * 70 * 0.06)
    # ln 2 * 0.23 L/kg / 2.04 mL/min/kg = 78.1 min = 1.302 h
    assert found["kinetics"]["half_life_off_dialysis"]["value"] == pytest.approx(1.3025, abs=0.001)


SAID = [
    (DoseOptions(**HD, salt="pentahydrate", timing=3.5), "30 min of the infusion run after the session"),
    (DoseOptions(weight=70, modality="cvvh", effluent=25, salt="pentahydrate"), "Pre-dilution is not given"),
]


@pytest.mark.parametrize(("options", "said"), SAID)
def test_what_is_assumed_or_odd_is_said(options: DoseOptions, said: str) -> None:
    assert any(said in each for each in dose(options)["warnings"])


def test_changes_reach_other_dialysis_and_kidneys_under_each_reading() -> None:
    found = dose(DoseOptions(**HD, salt="pentahydrate", gfr=5))["changes"]
    by_title = {each["change"]: each for each in found}
    crrt = by_title["CVVHD of 25 mL/kg/h, every 48 h"]
    assert crrt["scenarios"]["farese-2011"]["value"] > 1 > crrt["scenarios"]["half-life-478-min"]["value"]
    assert {each["kind"] for each in found} == {"timing", "hours", "sessions", "kidneys", "dialysis"}
    assert by_title["GFR 0 mL/min"]["ratio"]["value"] > 1 > by_title["GFR 10 mL/min"]["ratio"]["value"]


BAD_OPTIONS = [
    {"weight": "70"},
    {"population": 100.5},
    {"salt": 5},
    {"seed": -1},
    {"holds": "text"},
    {"config": 5},
    {"weight": 8},
]


@pytest.mark.parametrize("changed", BAD_OPTIONS, ids=str)
def test_a_caller_from_python_gets_a_sentence(changed: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        dose(DoseOptions(**{**HD, "salt": "pentahydrate", **changed}))


def test_substitution_beyond_the_blood_flow_is_refused() -> None:
    options = DoseOptions(
        weight=70, modality="hemodiafiltration", sessions=3, hours=2.5, koa=900, blood_flow=300, dialysate_flow=500,
        substitution=100, salt="pentahydrate",
    )  # fmt: skip
    with pytest.raises(InputError, match="exceeds the blood flow"):
        dose(options)


BAD_ROWS: list[dict[str, Any]] = [
    {"levels": 5}, {"levels": "high"}, {"levels": [(1,)]}, {"levels": [("noon", 1, False, None)]}, {"doses": [(1, 2)]},
    {"doses": [None]}, {"sessions": [(1,)]}, {"seed": "x"}, {"seed": -1}, {"draws": "many"},
]  # fmt: skip


@pytest.mark.parametrize("changed", BAD_ROWS, ids=str)
def test_estimate_refuses_malformed_rows_in_a_sentence(changed: dict[str, Any]) -> None:
    asked: dict[str, Any] = {
        "levels": [(4.0, 2.0, False, None)],
        "doses": [(0.0, 100.0, 1.0)],
        "sessions": (),
        "seed": 1,
    }
    asked |= changed
    prior = Prior({"nonrenal": (8.0, 0.3), "volume": (16.0, 0.2), "dialysis": (11.0, 0.3)})
    with pytest.raises(InputError):
        estimate(prior, asked.pop("levels"), asked.pop("doses"), error=ResidualError(0.1, 0.01), **asked)


def test_levels_that_nothing_explains_are_questioned_and_long_tables_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [
        "dose",
        "--weight",
        "70",
        "--modality",
        "hemodialysis",
        "--sessions",
        "3",
        "--hours",
        "4",
        "--salt",
        "pentahydrate",
        "--levels",
    ]
    file = tmp_path / "l.csv"
    head = "ID,TIME,AMT,RATE,EVID,DV,MDV,DIAL\n1,0,.,.,2,.,1,0\n1,3,100,100,1,.,1,1\n"
    file.write_text(head + "1,4,.,.,0,1050,0,1\n1,6,.,.,0,520,0,0\n1,8,.,.,0,260,0,0\n")  # mg/L
    assert main([*asked, str(file)]) == 2
    assert "check their unit (mmol/L)" in capsys.readouterr().err
    file.write_text(head + "1,4,.,.,0,4,0,1\n1,200000,.,.,0,1,0,0\n")
    assert main([*asked, str(file)]) == 2
    assert "spans" in capsys.readouterr().err


def test_every_answer_stands_under_each_reading() -> None:
    found = dose(DoseOptions(weight=70, modality="cvvhd", effluent=25, salt="pentahydrate", dose=25))
    first, other = found["scenarios"]
    assert first["population"]["weekly_auc"]["values"] == found["population"]["weekly_auc"]["values"]
    # a sixth of the non-renal clearance: exposure and its spread lie far above
    assert other["population"]["weekly_auc"]["values"][2] > 2 * first["population"]["weekly_auc"]["values"][2]
    assert other["population"]["ratio"]["values"][2] < 1 < first["population"]["ratio"]["values"][2]
    on_dialysis = dose(DoseOptions(**HD, salt="pentahydrate", timing="after"))["published"]
    compared = [each for each in on_dialysis if "scenarios" in each]
    assert compared and all(each["scenarios"]["farese-2011"]["value"] == each["ratio"]["value"] for each in compared)
