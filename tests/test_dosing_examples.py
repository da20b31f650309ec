"""The worked examples of docs/dosing.md: their figures are those of the command and of an independent solver."""

from __future__ import annotations

import importlib.util
import json
import re
import xml.etree.ElementTree as ET
from itertools import pairwise
from math import exp
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from calcipath.cli import main

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "dosing.md").read_text(encoding="utf-8")
MODALITIES = {"hemodialysis", "hemodiafiltration", "cvvh", "cvvhd", "cvvhdf", "peritoneal", "none"}


def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("dose_examples", ROOT / "tools" / "dose_examples.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TOOL = tool()
COMMANDS: list[str] = TOOL.commands(PAGE)
NAMES = [re.findall(r"dose-([a-z-]+)\.svg", command)[0] for command in COMMANDS]


def shown(command: str) -> list[str]:
    """The figures that stand under a command."""
    after = PAGE.partition(command)[2].partition("| --- |")[2].splitlines()
    return [cell.strip() for cell in after[1].strip("| ").split("|")]


def answered(command: str, capsys: pytest.CaptureFixture[str], plot: Path) -> dict[str, Any]:
    words = command.split()[1:]
    words[words.index("--plot") + 1] = str(plot)
    assert main([*words, "--format", "json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_every_modality_has_an_example() -> None:
    used = {command.split()[command.split().index("--modality") + 1] for command in COMMANDS}
    assert used == MODALITIES and len(COMMANDS) == 9


def texts(file: Path) -> list[str]:
    root = ET.parse(file).getroot()  # noqa: S314  our own drawing
    return ["".join(each.itertext()) for each in root.iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize("command", COMMANDS, ids=NAMES)
def test_the_figures_and_the_picture_are_those_of_the_command(
    command: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    drawn = tmp_path / "drawn.svg"
    found = answered(command, capsys, drawn)
    assert shown(command) == TOOL.figures(found)
    committed = ROOT / TOOL.parsed(command).plot
    assert f"](images/{committed.name})" in PAGE
    assert texts(committed) == texts(drawn)


PER_KG = 0.06  # L/h in one mL/min


def michaels(koa: float, blood: float, dialysate: float) -> float:
    """Mass transfer of a counter-current dialyser (Michaels 1966), mL/min."""
    z = exp(koa * (dialysate - blood) / (blood * dialysate))
    return blood * (z - 1) / (z - blood / dialysate)


def hemodiafiltration() -> float:
    """By hand: Michaels, plus 22 L in 4 h at sieving 1 of what diffusion leaves, L/h."""
    diffusive, convective = michaels(900, 350, 600), 22000 / 240
    return (diffusive + convective * (1 - diffusive / 350)) * PER_KG


def cvvh(effluent: float, share: float, blood: float) -> float:
    """By hand: effluent mL/kg/h of 70 kg, diluted by what enters before the filter, L/h."""
    flow = effluent * 70 / 60  # mL/min
    return flow * blood / (blood + share * flow) * PER_KG


# weight, renal and non-renal clearance, clearance by dialysis while it runs (L/h), starts and length of sessions (h),
# dose start after a session's start, interval where there is none, grams
BY_HAND: dict[str, dict[str, Any]] = {
    "hemodialysis": {"on": 2.62 * 70 * PER_KG, "starts": (0, 48, 96), "hours": 4, "offset": 3, "grams": 25},
    "nocturnal": {"on": 2.62 * 70 * PER_KG, "starts": (0, 24, 48, 96, 120), "hours": 8, "offset": 7, "grams": 25},
    "short-daily": {"on": 2.62 * 70 * PER_KG, "starts": (0, 24, 48, 72, 96, 120), "hours": 2.5, "offset": 1.5, "grams": 12.5},
    "hemodiafiltration": {"on": hemodiafiltration(), "starts": (0, 48, 96), "hours": 4, "offset": 3, "grams": 25},
    "cvvh": {"on": cvvh(25, 0.5, 200), "interval": 48, "grams": 25},
    "cvvhd": {"on": 25 * 70 / 1000, "interval": 48, "grams": 25},
    "cvvhdf": {"on": cvvh(30, 0.3, 180), "interval": 48, "grams": 25},
    "peritoneal": {"on": 10 / 24, "interval": 56, "grams": 12.5, "weight": 55},
    # non-renal between 2.04 (GFR 15) and 2.25 (GFR 60): 2.04 + 25 / 45 * 0.21 = 2.15667 mL/min/kg
    "none": {"on": 0.0, "interval": 84, "grams": 25, "weight": 80, "off": 2.15667 * 80 * PER_KG + 40 * PER_KG},
}  # fmt: skip


def solved(case: dict[str, Any]) -> tuple[float, float, float]:
    """Weekly AUC, peak and share removed by dialysis in the last of four weeks, by an adaptive solver (LSODA)."""
    weight, length = case.get("weight", 70), 168.0
    off, on, volume = case.get("off", 2.04 * weight * PER_KG), case["on"], 0.23 * weight
    if "interval" in case:
        doses = [(float(t), t + 1.0) for t in range(0, 168 * 6, case["interval"])]
        sessions = [(0.0, 1e9)]
    else:
        starts = [168 * week + start for week in range(5) for start in case["starts"]]
        doses = [(start + case["offset"], start + case["offset"] + 1.0) for start in starts]
        sessions = [(float(start), float(start + case["hours"])) for start in starts]
    rate = case["grams"] / 248.18 * 1000

    def slope(t: float, y: np.ndarray[Any, Any], dialysed: bool, infused: bool) -> list[float]:
        by_dialysis = on / volume * y[0] if dialysed else 0.0
        return [(rate if infused else 0.0) - off / volume * y[0] - by_dialysis, y[0] / volume, by_dialysis]

    period = length if "interval" not in case else float(case["interval"])
    begin, end = (3 * length, 4 * length) if period == length else (10 * period, 11 * period)
    edges = sorted({0.0, begin, end, *(e for span in (*doses, *sessions) for e in span if 0 <= e <= end)})
    state, peak, at_begin = np.zeros(3), 0.0, np.zeros(3)
    for left, right in pairwise(edges):
        if left == begin:
            at_begin = state.copy()
        middle = (left + right) / 2
        arguments = (any(a <= middle < b for a, b in sessions), any(a <= middle < b for a, b in doses))
        done = solve_ivp(slope, (left, right), state, method="LSODA", rtol=1e-10, atol=1e-12, args=arguments)
        state = done.y[:, -1]
        if left >= begin:
            peak = max(peak, float(done.y[0].max()) / volume)
    given = rate * sum(1 for start, _ in doses if begin <= start < end)
    area, removed = state[1] - at_begin[1], state[2] - at_begin[2]
    return area * length / (end - begin), peak, removed / given


@pytest.mark.parametrize(("command", "name"), list(zip(COMMANDS, NAMES, strict=True)), ids=NAMES)
def test_the_figures_are_those_of_an_independent_solver(
    command: str, name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    exposure = answered(command, capsys, tmp_path / "drawn.svg")["exposure"]
    area, peak, removed = solved(BY_HAND[name])
    assert exposure["weekly_auc"]["value"] == pytest.approx(area, rel=1e-5)
    assert exposure["peak"]["value"] == pytest.approx(peak, rel=1e-5)
    assert exposure["fraction_removed_by_dialysis"]["value"] == pytest.approx(removed, rel=1e-5, abs=1e-12)
