"""Screen a generated population, beside a phenotype written by hand for DuckDB and a plain Python loop, in one run.

    .venv/bin/calcipath generate /tmp/population --patients 1000000 --population mixed
    .venv/bin/python benchmarks/bench_population.py /tmp/population [--memory 400MB] [--python-patients 2000]

Each way runs in a process of its own, `--rounds` times; the better time counts, and the greatest memory. Two queries are
written by hand: a small phenotype (`population_by_hand.sql`), and the whole work (`population_by_hand_whole.sql`). What they do
not do stands at their heads.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
DAY = "2026-06-30"


def timed(command: list[str]) -> tuple[float, float]:
    """Seconds and megabytes of a command, measured in a process between it and this one."""
    watch = (
        "import json,resource,subprocess,sys,time; t=time.monotonic(); c=subprocess.run(sys.argv[1:],stdout=subprocess.DEVNULL);"
        "m=resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss/1024; print(json.dumps([c.returncode,time.monotonic()-t,m]))"
    )
    done = subprocess.run([sys.executable, "-c", watch, *command], capture_output=True, text=True, check=True)
    status, seconds, megabytes = json.loads(done.stdout)
    if status:
        raise SystemExit(f"{' '.join(command)} failed: {done.stderr[-300:]}")
    return seconds, megabytes


def by_hand(source: Path, work: Path) -> list[str]:
    """The command that runs the hand-written query."""
    text = (HERE / "population_by_hand.sql").read_text(encoding="utf-8")
    sql = text.replace("FOLDER", str(source)).replace("DAY", DAY).replace("OUT", str(work / "by-hand.parquet"))
    (work / "by-hand.sql").write_text(sql, encoding="utf-8")
    run = "import duckdb,sys; c=duckdb.connect(); c.execute('SET threads=2'); c.execute(open(sys.argv[1]).read()).fetchall()"
    return [sys.executable, "-c", run, str(work / "by-hand.sql")]


def whole_by_hand(source: Path, work: Path) -> list[str]:
    """The command that runs the hand-written query of the whole work."""
    from population_rules import compiled, write_rules

    rules, out = work / "rules", work / "by-hand-out"
    rules.mkdir()
    out.mkdir()
    write_rules(rules)
    facts, patients = compiled()
    text = (HERE / "population_by_hand_whole.sql").read_text(encoding="utf-8")
    words = {
        "FOLDER": str(source),
        "RULES": str(rules),
        "OUT": str(out),
        "DAY": DAY,
        "FACTS": facts,
        "PATIENTS": patients,
    }
    sql = re.sub("|".join(words), lambda found: words[found[0]], text)
    (work / "by-hand-whole.sql").write_text(sql, encoding="utf-8")
    run = (
        "import duckdb,os,sys; f=sys.argv[2]; os.path.exists(f) and os.unlink(f); c=duckdb.connect(f); c.execute('SET threads=2'); "
        "c.execute('SET preserve_insertion_order=false'); c.execute(\"SET TimeZone='UTC'\"); c.execute(f\"SET memory_limit='{sys.argv[3]}'\");"
        "[c.execute(s).fetchall() for s in open(sys.argv[1]).read().split(';\\n') if s.strip()]"
    )
    return [sys.executable, "-c", run, str(work / "by-hand-whole.sql"), str(work / "by-hand.duckdb"), "2GB"]


def python_loop(source: Path, patients: int) -> float:
    """Seconds for so many patients, read and judged one by one from a list in memory."""
    sys.path.insert(0, str(HERE.parent / "tests" / "population"))
    sys.path.insert(0, str(HERE.parent / "tools"))
    from population_parity import resources
    from populations import one_patient, records

    from calcipath.population.screening import ScreenOptions

    held: list[dict[str, object]] = []
    for resource_ in resources(source):
        held.append(resource_)
        if len(held) > patients * 40:
            break
    chosen = list(records(held).values())[:patients]
    begin = time.monotonic()
    for record in chosen:
        one = one_patient(record, ScreenOptions(as_of=DAY))
        for item in one.verdicts.guideline.recommendations:
            one.verdicts.judge(item)
    return time.monotonic() - begin


def main() -> int:
    """Run all ways and print seconds, megabytes and ratios."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("--memory", default="400MB")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--python-patients", type=int, default=2000)
    chosen = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="bench-population-"))
    screen = [sys.executable, "-m", "calcipath", "screen", "--as-of", DAY, "--memory", chosen.memory, "--no-report"]
    flat, out = work / "flat", work / "out"
    ways = {
        "by hand, raw": by_hand(chosen.source, work),
        "by hand, the whole work": whole_by_hand(chosen.source, work),
        "calcipath, raw": [*screen, str(chosen.source), "--out", str(out)],
        "calcipath, flat form": [*screen, str(flat), "--out", str(out)],
    }
    keep = timed([*screen, str(chosen.source), "--out", str(out), "--keep-flat", str(flat)])
    found = {"calcipath, raw, flat form kept": keep}
    for name, command in ways.items():
        rounds = [timed(command) for _ in range(chosen.rounds)]
        found[name] = (min(seconds for seconds, _ in rounds), max(megabytes for _, megabytes in rounds))
    whole = found["by hand, the whole work"][0]
    for name, (seconds, megabytes) in found.items():
        print(f"{name:32} {seconds:8.1f} s {megabytes:7.0f} MB {seconds / whole:6.2f} times the whole work by hand")
    loop = python_loop(chosen.source, chosen.python_patients)
    print(
        f"{'one patient at a time':32} {loop:8.1f} s for {chosen.python_patients:,} patients, without reading the files"
    )
    shutil.rmtree(work)
    return 0


if __name__ == "__main__":
    sys.exit(main())
