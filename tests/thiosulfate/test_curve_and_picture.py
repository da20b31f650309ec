"""The curve as a table and a picture, event tables, measured levels: through the command line."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from records import record

from calcipath.cli import main
from calcipath.dosing import DoseOptions, curve_of, dosed, individual_of
from calcipath.errors import InputError
from calcipath.output.progress import progress_bar
from calcipath.thiosulfate.event_table import read_event_table
from calcipath.thiosulfate.simulation import simulate

EXAMPLE = "--weight 70 --modality hemodialysis --sessions 3 --hours 4 --dose 25 --salt pentahydrate"
CRRT = "--weight 70 --modality cvvhd --effluent 25 --dose 25 --salt pentahydrate"
Run = Callable[..., str]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(options: str, *more: str) -> str:
        assert main(["dose", *options.split(), *more]) == 0
        return capsys.readouterr().out

    return call


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(options: str, *more: str) -> str:
        assert main(["dose", *options.split(), *more]) == 2
        return capsys.readouterr().err

    return call


def table(text: str) -> dict[str, np.ndarray[Any, Any]]:
    rows = list(csv.reader(io.StringIO(text)))
    return {name: np.array([float(row[place]) for row in rows[1:]]) for place, name in enumerate(rows[0])}


def test_the_curve_in_steady_state_is_that_of_a_long_run(run: Run) -> None:
    found = table(run(EXAMPLE, "--format", "csv"))
    answer = json.loads(run(EXAMPLE, "--format", "json"))
    level, times = found["mmol_per_L:farese-2011"], found["time_h"]
    assert list(found)[:2] == ["time_h", "mmol_per_L:farese-2011"]
    assert times[0] == 0 and times[-1] == 168 and np.all(np.diff(times) > 0)
    assert found["auc_mmol_h_per_L:farese-2011"][-1] == pytest.approx(
        answer["exposure"]["weekly_auc"]["value"], rel=1e-9
    )
    assert level.max() == pytest.approx(answer["exposure"]["peak"]["value"], rel=1e-9)
    # Farese: 2.04 and 2.62 mL/min/kg, 0.23 L/kg; ten weeks of the same by the engine, which has its own outside checks
    off, on, volume = 2.04 * 70 * 0.06, 4.66 * 70 * 0.06, 0.23 * 70
    clearance, doses, time = [], [], 0.0
    for week in range(10):
        for start in (0.0, 48.0, 96.0):
            begin = 168.0 * week + start
            if begin > time:
                clearance.append((time, begin, off))
            clearance.append((begin, begin + 4, on))
            doses.append((begin + 3, 25 / 248.18 * 1000, 1.0))
            time = begin + 4
    clearance.append((time, 1680.0, off))
    long_run = simulate(clearance, doses, times=1512.0 + times[:-1], volume=volume).concentration
    assert level[:-1] == pytest.approx(long_run, rel=1e-6, abs=1e-9)


def test_the_curve_from_the_first_dose_starts_at_nothing(run: Run) -> None:
    steady = table(run(CRRT, "--format", "csv"))
    first = table(run(CRRT, "--format", "csv", "--from-first-dose", "--days", "14"))
    name = "mmol_per_L:half-life-478-min"
    assert first[name][0] == 0.0 and steady[name][0] > 0.0
    assert first["time_h"][-1] == 336
    last = first[name][np.searchsorted(first["time_h"], 288.0)]  # after six doses it repeats
    assert last == pytest.approx(steady[name][0], rel=1e-3)


def test_sessions_infusions_and_the_band(run: Run) -> None:
    found = table(run(EXAMPLE, "--format", "csv", "--population", "400", "--seed", "3"))
    at = {time: place for place, time in enumerate(found["time_h"])}
    assert [found["session"][at[t]] for t in (0.0, 3.75, 4.0, 48.0)] == [1, 1, 0, 1]
    assert [found["infusion"][at[t]] for t in (2.75, 3.0, 3.75, 4.0)] == [0, 1, 1, 0]
    low, middle, high = (found[f"mmol_per_L:population_p{p}"] for p in (5, 50, 95))
    assert np.all(low <= middle) and np.all(middle <= high)
    answer = json.loads(run(EXAMPLE, "--format", "json", "--population", "400", "--seed", "3"))
    peak = answer["population"]["peak"]["values"]
    assert high.max() == pytest.approx(peak[-1], rel=1e-6)  # every patient peaks at the end of the infusion
    assert found["mmol_per_L:population_p5"].max() == pytest.approx(peak[0], rel=1e-6)


def texts_of(drawing: bytes) -> str:
    root = ET.fromstring(drawing)  # noqa: S314  our own drawing
    return " ".join("".join(each.itertext()) for each in root.iter("{http://www.w3.org/2000/svg}text"))


def test_a_picture_in_each_form(run: Run, tmp_path: Path) -> None:
    files = [tmp_path / f"dose.{form}" for form in ("svg", "png", "html")]
    for file in files:
        run(EXAMPLE, "--plot", str(file))
    said = texts_of(files[0].read_bytes())
    for words in ("dialysis session", "5 to 95 % of 2000 virtual patients", "Farese 2011", "infusion", "matched dose",
                  "weekly AUC, mmol·h/L", "25 g pentahydrate"):  # fmt: skip
        assert words in said, words
    import matplotlib.image

    pixels = matplotlib.image.imread(files[1])
    assert pixels.shape[0] > 700 and pixels.shape[1] > 1000 and pixels[..., :3].std() > 0.05
    page = files[2].read_text(encoding="utf-8")
    assert "<script" not in page and not re.search(r"(src|href)=\"https?:", page)
    assert "Exposure arithmetic, not a prescription" in page and "<svg" in page
    assert page.index("Answer first") < page.index("<svg")


def test_the_same_picture_twice(run: Run, tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg"):
        run(EXAMPLE, "--plot", str(tmp_path / name))
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


@pytest.mark.parametrize("options", [CRRT, "--weight 45 --modality none --gfr 60 --salt pentahydrate --dose 12.5"])
def test_a_picture_gives_no_withheld_dose_away(options: str, run: Run, tmp_path: Path) -> None:
    run(options, "--plot", str(tmp_path / "dose.svg"))
    said = texts_of((tmp_path / "dose.svg").read_bytes())
    assert "no matched dose" in said and "reach their own reference" not in said


def test_a_held_record_says_so_in_the_picture(run: Run, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.json"
    entries = [{"resource": each} for each in record(bicarbonate=15)]
    bundle.write_text(json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}))
    for form in ("svg", "html"):
        run(f"{bundle} --salt pentahydrate --plot {tmp_path / 'dose'}.{form}")
    assert "HELD, for comparison only" in texts_of((tmp_path / "dose.svg").read_bytes())
    assert "Held: do not give it yet" in (tmp_path / "dose.html").read_text(encoding="utf-8")


def test_a_scenario_of_the_user_cannot_write_markup(run: Run, tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(
        'scenarios:\n  - id: own\n    title: "<script>alert(1)</script> $x_2$"\n    statement: ours\n    parameters:\n'
        "      volume: {mean: \"0.3 'L/kg'\", spread: 0.2, source: our study, mark: P}\n"
    )
    run(EXAMPLE, "--parameters", str(own), "--plot", str(tmp_path / "dose.html"))
    page = (tmp_path / "dose.html").read_text(encoding="utf-8")
    assert "<script" not in page and "$x_2$" in page


def test_the_event_table_is_the_regimen(run: Run, tmp_path: Path) -> None:
    for carry in ("backward", "forward"):
        file = tmp_path / f"{carry}.csv"
        run(EXAMPLE, "--event-table", str(file), "--carry", carry)
        (subject,) = read_event_table(file.read_text(), carry=carry)  # type: ignore[arg-type]
        assert [tuple(each) for each in subject.sessions] == [(0, 4), (48, 52), (96, 100)]
        assert [(each.start, each.duration) for each in subject.doses] == [(3, 1), (51, 1), (99, 1)]
        assert subject.doses[0].amount == pytest.approx(100.733, abs=0.001) and subject.weight == 70


LEVELS = """ID,TIME,AMT,RATE,EVID,DV,MDV,DIAL,BLQ,LLOQ
1,0,.,.,2,.,1,0,.,.
1,3,25,25,1,.,1,1,.,.
1,4,.,.,0,{post},0,1,.,.
1,6,.,.,0,{two},0,0,.,.
1,12,.,.,0,{eight},0,0,.,.
1,48,.,.,0,.,0,0,1,0.02
"""


@pytest.fixture
def levels(tmp_path: Path) -> Path:
    """Levels of a patient with half the typical non-renal clearance, typical else, by the engine, without error."""
    own = {"nonrenal": 0.5 * 2.04 * 70 * 0.06, "dialysis": 2.62 * 70 * 0.06, "volume": 0.23 * 70}
    on = own["nonrenal"] + own["dialysis"]
    clearance = [(0.0, 4.0, on), (4.0, 60.0, own["nonrenal"])]
    level = simulate(clearance, [(3.0, 25 / 248.18 * 1000, 1.0)], times=[4.0, 6.0, 12.0], volume=own["volume"],
                     production=14.6e-6 * 60 * 70, initial=0.0071).concentration  # fmt: skip
    file = tmp_path / "levels.csv"
    file.write_text(LEVELS.format(post=level[0], two=level[1], eight=level[2]))
    return file


def test_levels_move_the_estimate_to_the_patient(run: Run, levels: Path) -> None:
    found = json.loads(run(EXAMPLE, "--levels", str(levels), "--amounts", "g", "--format", "json"))
    own, typical = found["individual"], found["exposure"]["weekly_auc"]["value"]
    nonrenal = next(each for each in own["parameters"] if each["name"] == "nonrenal")
    assert nonrenal["value"]["value"] == pytest.approx(0.5 * 2.04 * 70 * 0.06, rel=0.1)
    # weekly AUC of that patient by hand: nearly all of a dose leaves after the session at 4.284 L/h
    assert own["weekly_auc"]["low"] < own["weekly_auc"]["median"] < own["weekly_auc"]["high"]
    assert own["weekly_auc"]["median"] > 1.5 * typical
    assert own["notes"][0].startswith("Research use")
    assert own["levels"][-1]["below"] == {"value": 0.02, "unit": "mmol/L"}
    text = run(EXAMPLE, "--levels", str(levels), "--amounts", "g")
    assert "FROM MEASURED LEVELS" in text and "Research use" in text


def test_the_forecast_as_a_table_and_a_picture(run: Run, levels: Path, tmp_path: Path) -> None:
    text = run(EXAMPLE, "--levels", str(levels), "--amounts", "g", "--format", "csv", "--plot", str(tmp_path / "l.svg"))
    rows = list(csv.DictReader(io.StringIO(text)))
    assert float(rows[-1]["time_h"]) == 72.0
    assert all(float(r["mmol_per_L:p5"]) <= float(r["mmol_per_L:median"]) <= float(r["mmol_per_L:p95"]) for r in rows)
    assert [r["mmol_per_L:measured"] for r in rows if r["mmol_per_L:measured"]][-1] == "<0.02"
    assert "From measured levels (research use)" in texts_of((tmp_path / "l.svg").read_bytes())


def test_levels_that_do_not_fit_are_refused(refused: Run, levels: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    assert "no-such-file" in refused(EXAMPLE, "--levels", str(tmp_path / "no-such-file"))
    other.write_text("ID,TIME,DV\n1,4,2\n2,4,2\n")
    assert "holds 2 subjects" in refused(EXAMPLE, "--levels", str(other))
    other.write_text("ID,TIME,DV\n1,4,2\n")
    assert "DIAL" in refused(EXAMPLE, "--levels", str(other))
    other.write_text("ID,TIME,DV\n1,4,minus\n")
    assert "line 2, column DV" in refused(EXAMPLE, "--levels", str(other))
    assert "modality is none" in refused(
        "--weight 70 --modality none --gfr 60 --salt pentahydrate", "--levels", str(levels)
    )


def test_continuous_therapy_needs_no_sessions_in_the_table(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "crrt.csv"
    file.write_text("ID,TIME,AMT,RATE,EVID,DV,MDV\n1,0,100,100,1,.,1\n1,4,.,.,0,2.5,0\n1,10,.,.,0,0.8,0\n")
    found = json.loads(run(CRRT, "--levels", str(file), "--format", "json"))
    assert {each["name"] for each in found["individual"]["parameters"]} == {"nonrenal", "volume"}


def test_a_table_with_another_weight_says_so(tmp_path: Path) -> None:
    file = tmp_path / "w.csv"
    file.write_text(
        "ID,TIME,AMT,RATE,EVID,DV,MDV,DIAL,WT\n1,0,.,.,2,.,1,0,90\n1,3,100,100,1,.,1,1,90\n1,4,.,.,0,4,0,1,90\n"
    )
    options = DoseOptions(weight=70, modality="hemodialysis", sessions=3, hours=4, salt="pentahydrate", dose=25)
    assert "The event table gives a weight of 90 kg; 70 kg is used." in individual_of(dosed(options), str(file)).notes


def test_bad_asks_are_one_sentence_and_write_nothing(refused: Run, tmp_path: Path) -> None:
    assert "must end in .svg, .png or .html" in refused(EXAMPLE, "--plot", str(tmp_path / "x.gif"))
    assert "--days" in refused(EXAMPLE, "--format", "csv", "--days", "0")
    assert "cannot write" in refused(EXAMPLE, "--plot", str(tmp_path / "no" / "x.svg"))
    bundle = tmp_path / "bundle.json"
    entries = [{"resource": each} for each in record()]
    bundle.write_text(json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}))
    assert "Which salt form" in refused(str(bundle), "--plot", str(tmp_path / "x.svg"))
    assert [each.name for each in tmp_path.iterdir()] == ["bundle.json"]


def test_a_curve_needs_an_answer() -> None:
    from calcipath.api import dose_resources

    with pytest.raises(InputError, match="Which salt form"):
        curve_of(dose_resources(record(), DoseOptions()))


def test_the_progress_bar_ends_with_all_done(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    options = DoseOptions(
        weight=70, modality="hemodialysis", sessions=3, hours=4, salt="pentahydrate", dose=25, population=100_000
    )
    bar = progress_bar(100_000, "virtual patients")
    assert bar is not None
    dosed(options, bar)
    last = shown.getvalue().split("\r")[-1]
    assert "100,000 of 100,000\n" in last and "." not in last.split("[")[1].split("]")[0]
    assert progress_bar(2000, "virtual patients") is None
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert progress_bar(1_000_000, "virtual patients") is None
