"""Populations made of single records, and what the one-patient evaluator says of each patient in them."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calcipath.api import load_guideline
from calcipath.assessment.verdicts import Verdicts
from calcipath.guideline.model import Fact, Guideline
from calcipath.population.duckdb_engine import LONG_TEXT, Database
from calcipath.population.fhir_members import MEMBERS
from calcipath.population.reason_query import because_query
from calcipath.population.screening import Screening, ScreenOptions
from calcipath.population.source import open_source
from calcipath.population.sql_columns import identifier
from calcipath.population.verdict_sql import HIGH, LOW, PLACE, columns_of, computed_names
from calcipath.record.dates import parse_when
from calcipath.record.facts import PickedFacts, pick_facts
from calcipath.record.fhir.raw import RawResource
from calcipath.record.fhir.references import type_and_id, without_version
from calcipath.record.reader import read_resources
from calcipath.record.recognition import recognise

GUIDELINE = load_guideline()
SHARED = Path(__file__).resolve().parents[3] / "shared"
REFERRED = ("Medication", "Specimen", "Encounter", "Condition")
Resource = dict[str, Any]


def resources_of(bundle: Any) -> list[Resource]:
    """The resources of a bundle, with references by type and id, as Bulk Data has them."""
    entries = [(entry.get("fullUrl", ""), entry["resource"]) for entry in bundle["entry"]]
    addresses = {url: f"{r['resourceType']}/{r['id']}" for url, r in entries if url and "id" in r}
    return [_addressed(copy.deepcopy(resource), addresses) for _, resource in entries]


def _addressed(value: Any, addresses: Mapping[str, str]) -> Any:
    for holder in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _addressed(holder, addresses)
    if isinstance(value, dict) and isinstance(value.get("reference"), str):
        value["reference"] = addresses.get(value["reference"], value["reference"])
    return value


def renamed(resources: Sequence[Resource], prefix: str) -> list[Resource]:
    """The resources of one record with ids of their own, so that records can stand in one population."""
    ids = {str(r["id"]) for r in resources if type(r) is dict and "id" in r}
    changed = copy.deepcopy(list(resources))
    for resource in changed:
        if "id" in resource:
            resource["id"] = f"{prefix}{resource['id']}"
        _rename(resource, ids, prefix)
    return changed


def _rename(value: Any, ids: set[str], prefix: str) -> None:
    for holder in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _rename(holder, ids, prefix)
    reference = value.get("reference") if isinstance(value, dict) else None
    if isinstance(reference, str):
        head, slash, tail = reference.rpartition("/")
        if tail in ids and slash:
            value["reference"] = f"{head}/{prefix}{tail}"


def write_population(folder: Path, resources: Iterable[Resource], *, by_type: bool = False) -> Path:
    """One NDJSON file, or one for each resource type."""
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, list[str]] = {}
    for resource in resources:
        name = str(resource.get("resourceType")) if by_type else "population"
        files.setdefault(name if re.fullmatch(r"\w+", name) else "odd", []).append(json.dumps(resource))
    for name, lines in files.items():
        (folder / f"{name}.ndjson").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def patient_named(resource: Resource) -> str | None:
    """The id of the patient that a resource names."""
    kind = resource.get("resourceType")
    member = resource.get(MEMBERS[kind].patient if kind in MEMBERS else "subject")
    reference = member.get("reference") if isinstance(member, dict) else None
    if not isinstance(reference, str):
        return None
    if reference.startswith("urn:"):
        return reference.rpartition(":")[2]
    named, _, identifier_ = type_and_id(without_version(reference)).partition("/")
    return identifier_ if named == "Patient" and identifier_ else None


def records(resources: Iterable[Resource]) -> dict[str, list[Resource]]:
    """The record of each patient: what names it, and what those entries refer to."""
    by_address: dict[str, Resource] = {}
    found: dict[str, list[Resource]] = {}
    for resource in resources:
        kind, name = resource.get("resourceType"), resource.get("id")
        by_address.setdefault(f"{kind}/{name}", resource)
        patient = name if kind == "Patient" else patient_named(resource)
        if isinstance(patient, str):
            found.setdefault(patient, []).append(resource)
    return {patient: [*held, *_referred(held, by_address)] for patient, held in found.items()}


def _referred(held: Sequence[Resource], by_address: Mapping[str, Resource]) -> Iterator[Resource]:
    seen = {id(resource) for resource in held}
    waiting: list[Any] = list(held)
    while waiting:
        value = waiting.pop()
        waiting.extend(value.values() if isinstance(value, dict) else value if isinstance(value, list) else ())
        reference = value.get("reference") if isinstance(value, dict) else None
        target = by_address.get(type_and_id(without_version(reference))) if isinstance(reference, str) else None
        if (
            target is not None
            and id(target) not in seen
            and target.get("resourceType") in ("Medication", "Specimen", "Encounter")
        ):
            seen.add(id(target))
            waiting.append(target)
            yield target


@dataclass(frozen=True)
class OnePatient:
    """What the one-patient evaluator says: the instant, the facts, every computed name."""

    as_of: float
    picked: PickedFacts
    verdicts: Verdicts


def one_patient(resources: Sequence[Resource], options: ScreenOptions, guideline: Guideline = GUIDELINE) -> OnePatient:
    """Read, recognise and judge one record. Raises `RecordError`."""
    report = read_resources(
        [RawResource(resource) for resource in resources],
        as_of=options.as_of or None,
        complete=options.complete,
        code_systems=options.code_systems,
    )
    moment = parse_when(options.as_of) if options.as_of else report.record.ends
    at = moment.latest if moment else 0.0
    recognised = recognise(report.record.events, guideline.vocabulary, options.notes)
    picked = pick_facts(guideline, report.record, recognised.findings, at)
    return OnePatient(at, picked, Verdicts(guideline, picked.values))


Table = dict[str, dict[str, Any]]


def screened(source: Path, work: Path, options: ScreenOptions, guideline: Guideline = GUIDELINE) -> tuple[Table, Table]:
    """Facts and verdicts of the population, by patient's id."""
    work.mkdir(parents=True, exist_ok=True)
    with Database(str(work)) as database:
        screening = Screening(database, guideline, open_source(database, str(source)), options, lambda *_: None)
        screening.prepare()
        screening.pick()
        with database.without(LONG_TEXT):
            database.run(f"CREATE TABLE verdict AS {_judging(guideline)}")
        return tables_of(database)


_texts: dict[int, tuple[Guideline, str]] = {}


def _judging(guideline: Guideline) -> str:
    """The query that judges everybody; many populations are judged by one guideline."""
    if id(guideline) not in _texts:
        _texts[id(guideline)] = guideline, because_query(guideline).sql
    return _texts[id(guideline)][1]


def tables_of(database: Database) -> tuple[Table, Table]:
    """Facts and verdicts of a screening that is done, by patient's id."""
    found: list[Table] = []
    for table in ("fact", "verdict"):
        columns = [row[0] for row in database.run(f"DESCRIBE {table}")]
        rows = database.run(f"SELECT p.id, t.* FROM {table} t JOIN patient p ON t.patient = p.patient")
        found.append({row[0]: dict(zip(columns, row[1:], strict=True)) for row in rows})
    return found[0], found[1]


def differences(patient: str, one: OnePatient, facts: Table, verdicts: Table) -> Iterator[str]:
    """Where the population's answer for a patient is not that of the one-patient evaluator."""
    row, judged = facts.get(patient), verdicts.get(patient)
    if row is None or judged is None:
        yield f"{patient}: not in the answer"
        return
    if row["as_of"] != one.as_of:
        yield f"{patient}: as of {row['as_of']}, not {one.as_of}"
    guideline = one.verdicts.guideline
    for fact in guideline.facts.values():
        if fact.kind != "derived":
            yield from _of_fact(patient, fact, row, one)
    for name, kind in computed_names(guideline).items():
        value = one.verdicts.outcome(name).value
        columns = list(columns_of(name, kind))
        got = tuple(judged[c] for c in columns) if kind == "quantity" else judged[columns[0]]
        if kind == "quantity" and got[0] is None:
            got = None
        if got != value:
            yield f"{patient}: {name} is {got}, not {value}"


def _of_fact(patient: str, fact: Fact, row: Mapping[str, Any], one: OnePatient) -> Iterator[str]:
    name, picked = identifier(fact.id), one.picked.values[fact.id]
    got: Any = row.get(name)
    if fact.type.kind == "quantity":
        got = None if row[name + LOW] is None else (row[name + LOW], row[name + HIGH])
    if got != picked.value:
        yield f"{patient}: {fact.id} ({fact.kind}) is {got}, not {picked.value}"
    if fact.kind == "quantity" and (row[name + PLACE] or "") != picked.position:
        yield f"{patient}: {fact.id} lies {row[name + PLACE]}, not {picked.position}"
