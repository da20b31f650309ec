"""One run of a screening, from a source to a folder of results that appears whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import duckdb

from calcipath import __version__
from calcipath.errors import InputError
from calcipath.guideline.model import Guideline
from calcipath.population.duckdb_engine import Database
from calcipath.population.encounters import write_encounters
from calcipath.population.fhir_files import first_sentence
from calcipath.population.form_pool import Reading
from calcipath.population.quality import quality
from calcipath.population.results import write_results
from calcipath.population.screening import Screening, ScreenOptions
from calcipath.population.source import Source, make_ready, open_source, write_flat
from calcipath.population.spark import connect

if TYPE_CHECKING:
    from calcipath.population.spark_screening import SparkScreening

UNFINISHED: Final = ".unfinished-"
LATEST: Final = "latest"
RUN: Final = "run-"
Report = Callable[[Path, Path | None], None]
Watch = Callable[..., None]  # is told the name of a step, and what share of it is done where that is known


@dataclass(frozen=True, slots=True)
class RunOptions:
    """`engine`: `duckdb`, or the address of a Spark Connect server. `memory` and `threads` limit the engine on this machine;
    `flat` names a folder in which the flat form is kept for a next run, `encounters`: also count how often each patient was
    seen (`encounters.parquet`); both on DuckDB only."""

    screen: ScreenOptions
    memory: str = "400MB"
    threads: int = 2
    flat: str = ""
    encounters: bool = False
    engine: str = "duckdb"

    def __post_init__(self) -> None:
        if self.flat and self.engine != "duckdb":
            raise InputError("--keep-flat is not made on Spark; leave --engine away to keep the flat form")


@dataclass(frozen=True, slots=True)
class Done:
    """What a run can say of itself: its engine with the version, how many patients, what reading the contents took."""

    engine: str
    patients: int
    reading: Reading


def screen(source: str, out: str, guideline: Guideline, options: RunOptions, *, step: Watch, report: Report) -> Path:
    """Screen the population at `source`; gives the folder of the run, which `out/latest` then names.

    `report` is called with the folder and that of the run before, to add what is made from the results. Raises
    `InputError`; then nothing of an earlier run has changed.
    """
    place = Path(out)
    previous = latest(place)
    with _errors_said(source, out), _unfinished(place) as folder:
        work = folder / "work"
        work.mkdir()
        seconds: dict[str, float] = {}
        with Database(str(work), memory=options.memory, threads=options.threads) as database:
            done = _run(database, source, folder, guideline, options, _Steps(step, seconds))
        shutil.rmtree(work)
        _tell(folder / "run.json", _about(source, guideline, options, done, seconds))
        report(folder, previous)
        return _published(place, folder)


def screen_beside(source: str, folder: Path, guideline: Guideline, options: RunOptions, *, step: Watch) -> Path:
    """Screen with another configuration into a new folder of a run that is being made; gives that folder."""
    beside = Path(tempfile.mkdtemp(dir=folder))
    work = beside / "work"
    work.mkdir()
    seconds: dict[str, float] = {}
    with Database(str(work), memory=options.memory, threads=options.threads) as database:
        done = _run(database, source, beside, guideline, options, _Steps(step, seconds))
    shutil.rmtree(work)
    _tell(beside / "run.json", _about(source, guideline, options, done, seconds))
    return beside


def _run(
    database: Database,
    path: str,
    folder: Path,
    guideline: Guideline,
    options: RunOptions,
    step: _Steps,
) -> Done:
    step("source")
    if options.engine != "duckdb":
        with connect(options.engine) as spark:
            from calcipath.population.spark_screening import SparkScreening  # needs what the client is installed with

            on_spark = SparkScreening(spark, database, guideline, path, options.screen, step)
            return _screened(f"Spark {spark.version}", database, on_spark, guideline, folder, step)
    source = open_source(database, path)
    if options.flat:
        source = _kept(database, source, options.flat, step)
    screening = Screening(database, guideline, source, options.screen, step)
    done = _screened(f"DuckDB {duckdb.__version__}", database, screening, guideline, folder, step)
    if options.encounters:
        step("encounters")
        write_encounters(database, screening.source, folder, options.screen.code_systems)
        step.end()
    return done


def _screened(
    engine: str,
    database: Database,
    screening: Screening | SparkScreening,
    guideline: Guideline,
    folder: Path,
    step: _Steps,
) -> Done:
    screening.prepare()
    screening.pick()
    step("verdicts")
    write_results(database, guideline, screening.reader.facts, screening.judge(), folder)
    _tell(folder / "quality.json", quality(database, screening))
    step.end()
    return Done(engine, database.count("SELECT count(*) FROM patient"), screening.reading)


def _kept(database: Database, source: Source, flat: str, step: Watch) -> Source:
    """The source as its flat form, kept in a folder that appears when it is whole."""
    step("flat form")
    place = Path(flat)
    if place.exists() and any(place.iterdir()):
        raise InputError(f"{flat} is not empty; give a new folder for the flat form")
    place.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=place.parent))
    try:
        whole = source.looked_through() if source.looked_through is not None else source
        make_ready(database, whole)
        write_flat(database, whole, made)
        made.replace(place)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return open_source(database, flat)


def latest(out: Path) -> Path | None:
    """The newest finished run in a folder of results."""
    link = out / LATEST
    return link.resolve() if link.is_dir() else None


@contextmanager
def _unfinished(out: Path) -> Iterator[Path]:
    """A folder that goes when the run fails. Those of runs that were killed go first."""
    out.mkdir(parents=True, exist_ok=True)
    for left in out.glob(f"{UNFINISHED}*"):
        if not _alive(left):
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{UNFINISHED}{os.getpid()}-", dir=out))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _alive(folder: Path) -> bool:
    number = folder.name.removeprefix(UNFINISHED).partition("-")[0]
    try:
        os.kill(int(number), 0)
    except PermissionError:
        return True
    except (ValueError, OSError):
        return False
    return int(number) != os.getpid()


def _published(out: Path, folder: Path) -> Path:
    """Give the finished run its number and let `latest` name it, in one step."""
    numbers = [int(run.name.removeprefix(RUN)) for run in out.glob(f"{RUN}[0-9]*")]
    run = out / f"{RUN}{max(numbers, default=0) + 1:04}"
    folder.replace(run)
    link = out / f"{UNFINISHED}{os.getpid()}-{LATEST}"
    link.unlink(missing_ok=True)
    link.symlink_to(run.name)
    link.replace(out / LATEST)
    return run


@contextmanager
def _errors_said(source: str, out: str) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        told = first_sentence(error)
        if "No space left" in str(error) or "disk" in str(error).lower():
            raise InputError(f"the disk of {out} is full; nothing was changed") from None
        raise InputError(f"{source} could not be screened: {told}; nothing was changed") from None
    except OSError as error:
        raise InputError(f"{out}: {error.strerror or type(error).__name__}; nothing was changed") from None


class _Steps:
    """Tells who watches of each step and how much of it is done, and takes the time of each."""

    def __init__(self, watch: Watch, seconds: dict[str, float]) -> None:
        self._watch, self._seconds = watch, seconds
        self._name, self._since = "", time.monotonic()

    def __call__(self, name: str, within: float = 0.0) -> None:
        self.end()
        self._name, self._since = name, time.monotonic()
        self._watch(name, within)

    def end(self) -> None:
        """The step is done."""
        if self._name:
            took = time.monotonic() - self._since
            self._seconds[self._name] = round(self._seconds.get(self._name, 0.0) + took, 3)
        self._name = ""


def _about(
    source: str, guideline: Guideline, options: RunOptions, done: Done, seconds: dict[str, float]
) -> dict[str, Any]:
    return {
        "calcipath": __version__,
        "guideline": {"id": guideline.id, "version": guideline.version, "date": guideline.date},
        "source": Path(source).name,
        "as_of": options.screen.as_of or "end of each record",
        "notes": options.screen.notes,
        "complete": sorted(options.screen.complete),
        "engine": done.engine,
        "patients": done.patients,
        "reading": {
            "contents": done.reading.contents,
            "seconds": round(done.reading.seconds, 3),
            "per_second": round(done.reading.per_second),
            "processes": done.reading.processes,
        },
        "seconds": seconds,
    }


def _tell(file: Path, content: dict[str, Any]) -> None:
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
