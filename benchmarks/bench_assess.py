"""How long one assessment takes: the whole process from the shell, and the same work step by step inside a process.

    .venv/bin/python benchmarks/bench_assess.py [--runs 7] [--peers]

Prints the machine, then medians with the fastest and slowest run. The steps inside a process start from resources in
memory, with the guideline loaded: reading them into events, recognising findings, picking facts, answering; processor
time stands beside them, because it suffers less when the machine has other work. `--peers` also times how long other libraries need
only to read the same bundle (those that are installed: `json`, `orjson`, `fhir.resources` R4B, `fhirpathpy`).
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
from patient import patient_bundle

SIZES = (("1,000 coded resources", 0), ("1,000 coded resources and 200 notes", 200))


def assess_in_process(file: Path) -> object:
    """The one place that knows the Python API: a bundle's file to the finished answer."""
    from calcipath import api
    from calcipath.options import AssessmentOptions

    return api.assess_path(str(file), AssessmentOptions()).answer


STEPS = ("reading resources into events", "recognising findings", "picking facts", "verdicts", "answer")
CODED = "facts, verdicts and answer together"


def steps_in_process(bundle: bytes, runs: int) -> list[tuple[str, list[float], list[float]]]:
    """Elapsed and processor seconds of each step of an assessment, in order, after one run that is not counted."""
    from calcipath.api import load_guideline
    from calcipath.assessment.assess import Assessor
    from calcipath.assessment.verdicts import Verdicts
    from calcipath.record.facts import pick_facts
    from calcipath.record.reader import read_record
    from calcipath.record.recognition import recognise
    from calcipath.sources.files import source_of

    assessor = Assessor(load_guideline())
    guideline, content = assessor.guideline, orjson.loads(bundle)
    marks: list[list[tuple[float, float]]] = []
    for _ in range(runs + 1):
        now = [clocks()]
        record = read_record(source_of([content]).resources)
        now.append(clocks())
        recognised = recognise(record.events, guideline.vocabulary, True)
        now.append(clocks())
        picked = pick_facts(guideline, record, recognised.findings, record.ends.latest if record.ends else 0.0)
        now.append(clocks())
        verdicts = Verdicts(guideline, picked.values)
        for item in guideline.recommendations:
            verdicts.judge(item)
        now.append(clocks())
        write_answer(verdicts, assessor, record, recognised, picked)
        now.append(clocks())
        marks.append(now)
    spans = [(name, at, at + 1) for at, name in enumerate(STEPS)] + [(CODED, 2, len(STEPS))]
    return [(name, *(spent(marks[1:], first, last, clock) for clock in (0, 1))) for name, first, last in spans]


def clocks() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def spent(marks: list[list[tuple[float, float]]], first: int, last: int, clock: int) -> list[float]:
    return [run[last][clock] - run[first][clock] for run in marks]


def write_answer(verdicts: Any, assessor: Any, record: Any, recognised: Any, picked: Any) -> None:
    """The parts of the answer that cost time, as `Assessor.assess` puts them together."""
    from calcipath.assessment import answer

    for part in (answer.urgent, answer.suspicion, answer.risk_factors, answer.differential):
        part(verdicts)
    answer.recommendations(verdicts)
    answer.conflicts(verdicts)
    answer.unknowns(verdicts, assessor.influence)
    answer.assumptions(verdicts)
    answer.data_problems((*record.problems, *recognised.problems, *picked.problems), recognised.findings, verdicts)
    answer.course(verdicts, record, recognised.findings, picked)


def timed(work: Callable[[], object], runs: int) -> list[float]:
    """Seconds of each run, after one run that is not counted."""
    work()
    seconds = []
    for _ in range(runs):
        begin = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begin)
    return seconds


def line(name: str, seconds: list[float]) -> str:
    middle, fastest, slowest = (1000 * value for value in (statistics.median(seconds), min(seconds), max(seconds)))
    return f"  {name:<52} {middle:9.1f} ms   ({fastest:.1f} to {slowest:.1f})"


def machine() -> str:
    model = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        names = [entry for entry in information.read_text().splitlines() if entry.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    return f"{model}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def whole_process(*arguments: str) -> None:
    """`calcipath` with these arguments, as a new process."""
    command = [sys.executable, "-m", "calcipath", *arguments]
    finished = subprocess.run(command, capture_output=True, check=False)
    if finished.returncode != 0:
        raise SystemExit(f"calcipath failed: {finished.stderr.decode().strip()}")


def run_on(file: Path) -> None:
    whole_process("assess", str(file), "--format", "json")


def peers(bundle: bytes) -> list[tuple[str, Callable[[], object]]]:
    """Ways to read the same bytes, those that are installed; they read only, none assesses."""
    ways: list[tuple[str, Callable[[], object]]] = [
        ("json (standard library), to dictionaries", lambda: json.loads(bundle)),
        ("orjson, to dictionaries", lambda: orjson.loads(bundle)),
    ]
    try:
        model: Any = importlib.import_module("fhir.resources.R4B.bundle").Bundle
        ways.append(("fhir.resources R4B, to validated objects", lambda: model.model_validate_json(bundle)))
    except ImportError:
        print("  (fhir.resources is not installed)")
    try:
        fhirpath: Any = importlib.import_module("fhirpathpy")
        path = "Bundle.entry.resource.where(resourceType = 'Observation').valueQuantity.value"
        ways.append(("fhirpathpy, one expression", lambda: fhirpath.evaluate(orjson.loads(bundle), path, {})))
    except ImportError:
        print("  (fhirpathpy is not installed)")
    return ways


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--runs", type=int, default=7)
    options.add_argument("--peers", action="store_true")
    chosen = options.parse_args()
    print(machine())
    print(line("calcipath --help, whole process", timed(lambda: whole_process("--help"), chosen.runs)))
    with tempfile.TemporaryDirectory() as folder:
        for name, notes in SIZES:
            bundle = orjson.dumps(patient_bundle(notes=notes))
            file = Path(folder) / f"notes-{notes}.json"
            file.write_bytes(bundle)
            print(f"{name} ({len(bundle) / 1e6:.2f} MB), median of {chosen.runs} runs (fastest to slowest)")
            print(line("calcipath assess, whole process", timed(lambda f=file: run_on(f), chosen.runs)))
            print(line("calcipath.api, inside a process", timed(lambda f=file: assess_in_process(f), chosen.runs)))
            for step, elapsed, processor in steps_in_process(bundle, chosen.runs):
                print(line(f"  {step}", elapsed) + f"  processor {1000 * statistics.median(processor):.1f} ms")
            if chosen.peers and notes == 0:
                print("Reading the same bundle, nothing more:")
                for way, work in peers(bundle):
                    print(line(way, timed(work, chosen.runs)))


if __name__ == "__main__":
    main()
