"""The dosing answer: safety rules 6, the evidence dossier's table, bad input."""

from __future__ import annotations

import json
import math

import pytest

from calcipath.cli import main
from calcipath.dosing import DoseOptions, dose, knowledge_for
from calcipath.errors import InputError
from calcipath.thiosulfate.dialysis import Dialysis, michaels_clearance
from calcipath.thiosulfate.exposure import exposure
from calcipath.thiosulfate.kinetics import Patient, typical
from calcipath.thiosulfate.schedule import Timing, schedule_of

EXAMPLE = "--weight 70 --modality hemodialysis --sessions 3 --hours 4 --timing last-hour --dose 25 --salt pentahydrate"


def options(**given: object) -> DoseOptions:
    values: dict[str, object] = {"weight": 70, "modality": "hemodialysis", "salt": "pentahydrate"}
    if given.get("modality", "hemodialysis") == "hemodialysis":
        values |= {"sessions": 3, "hours": 4}
    return DoseOptions(**(values | given))  # type: ignore[arg-type]


def test_the_documented_example_is_shown_with_its_questions(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dose", *EXAMPLE.split(), "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["matched"]["status"] == "shown"
    assert found["matched"]["dose"] == {"value": 25.0, "unit": "g"}
    assert len(found["questions"]) >= 10
    assert found["exposure"]["sodium_per_dose"]["value"] == pytest.approx(201.5, abs=0.05)  # evidence dossier 2.4
    assert any("604 mmol a week" in each for each in found["warnings"])


def test_off_dialysis_no_dose_is_matched() -> None:
    matched = dose(options(weight=45, modality="none", gfr=60))["matched"]
    assert (matched["status"], matched["dose"]) == ("withheld", None)
    assert "off dialysis" in matched["reason"]


def test_where_the_readings_disagree_no_dose_is_matched() -> None:
    found = dose(options(modality="cvvhd", effluent=25))
    assert (found["matched"]["status"], found["matched"]["dose"]) == ("withheld", None)
    assert "disagree" in found["matched"]["reason"]
    # 23.0 g and 40.6 g to match 25 g (benchmark study of the pharmacokinetic anchors, table "what the numbers imply")
    doses = [25 * 3.5 / 3 / each["ratio"]["value"] for each in found["scenarios"]]
    assert doses == pytest.approx([23.0, 40.6], abs=0.05)


def test_a_hold_of_the_record_withholds() -> None:
    matched = dose(options(holds=("bicarbonate is below 18 mmol/L",)))["matched"]
    assert matched["status"] == "withheld"
    assert "bicarbonate" in matched["reason"]


def test_at_exactly_60_kg_both_doses_stand_and_none_is_default() -> None:
    found = dose(options(weight=60))
    assert [each["dose"]["value"] for each in found["reference"]["options"]] == [12.5, 25.0]
    assert found["matched"]["dose"] is None


def test_under_60_kg_the_reference_is_the_lower_dose() -> None:
    assert dose(options(weight=59))["reference"]["dose"]["value"] == 12.5


def test_above_the_cap_no_number_is_given() -> None:
    found = dose(options(sessions=2))["matched"]  # two sessions for three: 37.5 g
    assert (found["status"], found["dose"]) == ("above-cap", None)


@pytest.mark.parametrize(
    ("litres_per_kg", "timing", "auc", "peak", "removed"),
    [
        (0.20, "last-hour", "8.7", "3.9", "26"), (0.25, "last-hour", "9.1", "3.5", "22"), (0.30, "last-hour", "9.4", "3.1", "20"),
        (0.20, "last-half-hour", "9.9", None, None), (0.25, "last-half-hour", "10.2", None, None),
        (0.30, "last-half-hour", "10.4", None, None), (0.20, "after", "11.8", "5.4", "0"),
        (0.25, "after", "11.8", "4.6", "0"), (0.30, "after", "11.8", "3.9", "0"),
    ],
)  # fmt: skip
def test_the_table_of_the_evidence_dossier(
    litres_per_kg: float, timing: str, auc: str, peak: str | None, removed: str | None
) -> None:
    from dataclasses import replace

    import numpy as np

    knowledge, dialysis = knowledge_for(), Dialysis("hemodialysis", sessions=3, hours=4)
    kinetics = typical(Patient(70), dialysis, knowledge.scenarios[0], knowledge)
    kinetics = replace(kinetics, volume=np.asarray(litres_per_kg * 70))
    found = exposure(kinetics, schedule_of(dialysis, Timing(timing), None), 25 / 248.18 * 1000)
    assert f"{found.weekly_auc[0] / 3:.1f}" == auc
    if peak is not None and removed is not None:
        assert f"{found.peak[0]:.1f}" == peak  # after the session at 0.25 L/kg: 4.55
        assert f"{found.fraction_removed_by_dialysis[0]:.0%}" == f"{removed}%"


def test_farese() -> None:
    values = knowledge_for().scenarios[0].parameters
    failure, healthy = values["nonrenal-kidney-failure"].mean, values["nonrenal-healthy"].mean
    per_minute = 1000 / 60
    assert (failure + values["hemodialysis"].mean) * per_minute == pytest.approx(4.66)
    assert failure * per_minute == pytest.approx(2.04)
    half_life = math.log(2) * values["volume"].mean / (healthy + values["renal-healthy"].mean) * 60
    assert round(half_life) == 39
    balance = failure * values["endogenous-level"].mean * 1e6 / 60  # nmol/min/kg
    assert balance == pytest.approx(14.5, abs=0.05)
    assert values["endogenous-production"].mean * 1e6 / 60 == pytest.approx(14.6)


def test_dialyser_clearance_has_its_limits() -> None:
    assert michaels_clearance(500, 300, 300) == pytest.approx(300 * (5 / 3) / (1 + 5 / 3))
    assert michaels_clearance(1e6, 300, 500) == pytest.approx(300)  # a perfect dialyser clears the blood flow
    assert michaels_clearance(1e6, 500, 300) == pytest.approx(300)  # or what the dialysate can carry


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"weight": -70}, "--weight"),
        ({"hours": 30}, "--hours"),
        ({"dose": 25000}, "was 25 g meant"),
        ({"gfr": 900}, "--gfr"),
        ({"salt": "hexahydrate"}, "--salt"),
        ({"timing": "after", "infusion": 60 * 23.9, "sessions": 7}, "next session"),
        ({"modality": "peritoneal", "interval": 1.0}, "not shorter than"),
        ({"timing": "soon"}, "--timing"),
        ({"modality": None}, "Is the patient on dialysis"),
    ],
)
def test_nonsense_gets_a_sentence(changed: dict[str, object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        dose(options(**changed))


def test_a_dose_in_milligrams_is_questioned() -> None:
    assert any("25 g meant" in each for each in dose(options(dose=0.025))["warnings"])


@pytest.mark.parametrize("arguments", ["--dose 25mg", "--weight 70kg"])
def test_a_unit_on_the_command_line_is_refused(arguments: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dose", *EXAMPLE.split(), *arguments.split()]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_larger_population_begins_with_the_same_patients() -> None:
    again = [dose(options(population=500))["population"]["weekly_auc"]["values"] for _ in range(2)]
    assert again[0] == again[1]


def test_the_text_says_what_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dose", *EXAMPLE.split(), "--width", "80"]) == 0
    text = capsys.readouterr().out
    assert "not a prescription" in text
    assert "off-label" in text
    assert max(map(len, text.splitlines())) <= 80
