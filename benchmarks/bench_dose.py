"""How fast the pharmacokinetic engine is, beside a plain NumPy closed form and general solvers, in the same run.

    .venv/bin/python benchmarks/bench_dose.py [--peer FOLDER] [--repeats 21] [--million]

The task and the NumPy form come from FOLDER (`benchmark_task.py`, `benchmark_peer.py`; by default `../shared/dosing`
beside the repository): 10,000 patients with two compartments, twelve infusions in 28 days of haemodialysis, the
concentration at 336 times and the area under it in the fourth week. calcipath gives more: the area at all 336 times.
The two take turns. The solvers that are installed run a few patients each, and their time is scaled. `--million`
streams 1,000,000 patients in blocks, each one's fourth week of exposure kept, and prints percentiles and peak memory.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from bench_assess import machine
from dose_engines import diffrax_tsit5, libroadrunner_cvode, scipy_lsoda

from calcipath.thiosulfate import simulate

Population = dict[str, np.ndarray]
Answer = tuple[np.ndarray, np.ndarray]
SHARED = Path(__file__).resolve().parents[2] / "shared" / "dosing"
MILLION, BLOCK = 1_000_000, 10_000


@dataclass(frozen=True)
class Task:
    """The published task's module and its plain NumPy peer."""

    task: Any
    peer: Any

    def regimen(self, people: Population) -> tuple[list[Any], list[Any]]:
        """Clearance by interval and infusions, as `simulate` takes them; amounts in the task's mg."""
        off, on = people["CL"], people["CL"] + people["CLHD"]
        clearance, infusions, now = [], [], 0.0
        for start in self.task.SESSION_STARTS.tolist():
            stop = start + self.task.SESSION_H
            clearance += [(now, start, off), (start, stop, on)]
            infusions.append((stop - self.task.INFUSION_H, self.task.DOSE_MG, self.task.INFUSION_H))
            now = stop
        return [*clearance, (now, float(self.task.OBS[-1]), off)], infusions

    def ours(self, people: Population, times: np.ndarray) -> Answer:
        """Concentrations at `times`, and the area of the fourth week, by calcipath."""
        clearance, infusions = self.regimen(people)
        curve = simulate(
            clearance,
            infusions,
            times=times,
            volume=people["V1"],
            intercompartmental_clearance=people["Q"],
            peripheral_volume=people["V2"],
        )
        before, after = np.searchsorted(times, [self.task.AUC_FROM, self.task.AUC_TO])
        return curve.concentration, curve.auc[:, after] - curve.auc[:, before]

    def plain(self, people: Population) -> Answer:
        """The same by the NumPy closed form that reuses propagators."""
        concentration, area = self.peer.simulate(people, self.task.segment_table(), True)
        return concentration, area


def load(folder: Path) -> Task:
    """The task of `folder`; the program ends with a sentence when it is not there."""
    modules = []
    sys.path.insert(0, str(folder))  # the peer imports the task by its plain name
    for name in ("benchmark_task", "benchmark_peer"):
        file = folder / f"{name}.py"
        specification = importlib.util.spec_from_file_location(name, file)
        if not file.is_file() or specification is None or specification.loader is None:
            raise SystemExit(f"bench_dose: {name}.py is not in the folder given by --peer")
        module = sys.modules.setdefault(name, importlib.util.module_from_spec(specification))
        specification.loader.exec_module(module)
        modules.append(module)
    return Task(*modules)


def seconds(work: Callable[[], Answer]) -> tuple[float, Answer]:
    begin = time.perf_counter()
    answer = work()
    return time.perf_counter() - begin, answer


def line(name: str, times: list[float], note: str) -> str:
    middle, fastest, slowest = (1000 * value for value in (statistics.median(times), min(times), max(times)))
    return f"  {name:<42} {middle:11.1f} ms   ({fastest:.1f} to {slowest:.1f})   {note}"


def agreement(task: Task, answer: Answer, reference: Answer) -> str:
    concentration, area = task.task.compare(*answer, *reference)
    return f"apart by {concentration:.0e} (concentration), {area:.0e} (area)"


def beside_numpy(task: Task, repeats: int) -> None:
    """Both in turns on the whole population, after one run of each that is not counted."""
    people, times = task.task.population(), task.task.OBS
    plain, ours = [], []
    _, reference = seconds(lambda: task.plain(people))
    _, answer = seconds(lambda: task.ours(people, times))
    for _ in range(repeats):
        plain.append(seconds(lambda: task.plain(people))[0])
        ours.append(seconds(lambda: task.ours(people, times))[0])
    ratio = statistics.median(ours) / statistics.median(plain)
    print(f"{people['CL'].size:,} patients, {times.size} times, median of {repeats} runs in turns (fastest to slowest)")
    print(line("NumPy closed form, area of one week", plain, ""))
    print(line("calcipath, area at every time", ours, agreement(task, answer, reference)))
    print(f"  ratio of the medians {ratio:.2f} (at most 2: {'yes' if ratio <= 2.0 else 'NO'})")


def beside_solvers(task: Task) -> None:
    """Each on the first patients of the population, its time scaled to all of them."""
    people = task.task.population()
    size = people["CL"].size
    for name, solver, count in (
        ("SciPy LSODA", scipy_lsoda, 20),
        ("libRoadRunner CVODE", libroadrunner_cvode, 50),
        ("diffrax Tsit5", diffrax_tsit5, 500),
    ):
        few = {key: values[:count] for key, values in people.items()}
        run = solver(few, task.task.segments())
        if run is None:
            print(f"  {name:<42} not installed")
            continue
        run()
        spent, answer = seconds(run)
        scaled = spent * size / count
        apart = agreement(task, answer, task.plain(few))
        print(f"  {name:<42} {1000 * scaled:11.1f} ms   (scaled from {count} patients)   {apart}")


def million(task: Task) -> None:
    """Blocks one after another; only a number for each patient is kept."""
    before = task.task.peak_mb()
    weeks = np.empty(MILLION)
    times = np.array([task.task.AUC_FROM, task.task.AUC_TO])
    begin, simulating = time.perf_counter(), 0.0
    for number, first in enumerate(range(0, MILLION, BLOCK)):
        people = task.task.population(BLOCK, task.task.SEED + number)
        spent, answer = seconds(lambda people=people: task.ours(people, times))
        simulating += spent
        weeks[first : first + BLOCK] = answer[1]
        if number == 0:
            reference = task.plain(people)[1]
            assert np.allclose(answer[1], reference, rtol=1e-10, atol=0.0)
    spread = np.percentile(weeks, [5, 25, 50, 75, 95])
    elapsed = time.perf_counter() - begin
    print(f"{MILLION:,} patients in blocks of {BLOCK:,}, exposure of the fourth week")
    print(f"  {elapsed:.2f} s in all, {simulating:.2f} s of it simulating ({MILLION / simulating:,.0f} patients/s)")
    print(f"  peak memory {task.task.peak_mb():.0f} MB, {before:.0f} MB of it before the first block")
    print("  5th, 25th, 50th, 75th, 95th percentile: " + ", ".join(f"{value:,.0f}" for value in spread) + " mg h/L")


def one_answer(repeats: int) -> None:
    """A whole answer for one patient, as a page asks it while a control moves."""
    from calcipath.dosing import DoseOptions, curve_of, dosed

    def asked(weight: float) -> DoseOptions:
        return DoseOptions(weight=weight, modality="hemodialysis", sessions=3, hours=4, salt="pentahydrate", dose=25)

    dosed(asked(70.0))
    answers, curves = [], []
    for turn in range(repeats):
        spent, found = seconds(lambda turn=turn: dosed(asked(70.0 + turn)))
        answers.append(spent)
        curves.append(seconds(lambda found=found: curve_of(found))[0])
    for name, spent in (("answer with 2,000 virtual patients", answers), ("curve and its band", curves)):
        low, middle, high = (1000 * float(each) for each in np.percentile(spent, [0, 50, 100]))
        print(f"  {name}: {middle:.0f} ms ({low:.0f} to {high:.0f})")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--peer", type=Path, default=SHARED, help="folder of benchmark_task.py and benchmark_peer.py")
    options.add_argument("--repeats", type=int, default=21)
    options.add_argument("--million", action="store_true", help="stream a million patients instead")
    options.add_argument("--answer", action="store_true", help="one patient's whole answer instead")
    chosen = options.parse_args()
    if chosen.answer:
        print(f"{machine()}, NumPy {np.__version__}: one patient")
        one_answer(chosen.repeats)
        return
    task = load(chosen.peer)
    print(f"{machine()}, NumPy {np.__version__}")
    if chosen.million:
        million(task)
        return
    beside_numpy(task, chosen.repeats)
    beside_solvers(task)


if __name__ == "__main__":
    main()
