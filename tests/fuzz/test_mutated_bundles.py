"""Real bundles, damaged at random: an answer that keeps the contract or one sentence, never a traceback or a loss.

`CALCIPATH_FUZZ` is how many mutants are tried (500 without it), `CALCIPATH_FUZZ_SEED` the number of the first. A mutant
is a function of its number alone, so a failure can be repeated. A documented run: `CALCIPATH_FUZZ=20000 ./test tests/fuzz`.
"""

from __future__ import annotations

import json
import os
import random
import sys
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema

sys.path.insert(0, str(Path(__file__).parent))
from mutations import mutated

from calcipath.api import AssessedRecord, assess_resources
from calcipath.errors import CalcipathError
from calcipath.options import AssessmentOptions

DATA = Path(__file__).parents[1] / "data"
BUNDLES = [json.loads(file.read_text(encoding="utf-8")) for file in sorted((DATA / "cases").glob("*.bundle.json"))]
VALID = jsonschema.Draft202012Validator(json.loads((DATA / "assessment.schema.json").read_text(encoding="utf-8")))
TRIES = int(os.environ.get("CALCIPATH_FUZZ", "500"))
FIRST = int(os.environ.get("CALCIPATH_FUZZ_SEED", "0"))
SUPPORTING = {"Patient", "Medication", "Specimen"}
# FHIR R4: statuses of things that never were, or were recorded by mistake.
VOID = {"entered-in-error", "cancelled", "not-done", "declined", "not-taken", "superseded"}
MOST_SHOWN = int(os.environ.get("CALCIPATH_FUZZ_SHOWN", "12"))


def options(rng: random.Random) -> AssessmentOptions:
    return AssessmentOptions(
        complete=rng.choice([frozenset(), frozenset({"medications"}), frozenset({"medications", "allergies"})]),
        notes=rng.random() < 0.8,
        as_of=rng.choice(["", "", "2026-01-15", "2025-06-01T12:00:00Z", "2031-01-01"]),
    )


def test_the_22_bundles_are_here() -> None:
    assert len(BUNDLES) == 22


def test_mutants_are_answered_or_refused_in_one_sentence() -> None:
    tally: Counter[str] = Counter()
    faults: list[str] = []
    for seed in range(FIRST, FIRST + TRIES):
        rng = random.Random(seed)  # noqa: S311  a repeatable choice, no secret
        bundle = mutated(rng, rng.choice(BUNDLES))
        outcome, found = tried(bundle, options(rng))
        tally[outcome] += 1
        faults += [f"mutant {seed}: {fault}" for fault in found]
        if len(faults) >= MOST_SHOWN:
            break
    print(f"mutants {FIRST} to {FIRST + TRIES - 1}: {dict(tally)}")
    assert not faults, "\n".join(faults)
    assert tally["answered"] > TRIES / 2, "most mutants must still be answered, else the mutations test the parser only"


def tried(bundle: Any, chosen: AssessmentOptions) -> tuple[str, list[str]]:
    try:
        found = assess_resources([bundle], chosen)
    except CalcipathError as error:
        return "refused", list(sentence_faults(str(error)))
    except Exception as error:  # noqa: BLE001  the very thing that is looked for
        place = traceback.extract_tb(error.__traceback__)[-1]
        return "crashed", [f"{type(error).__name__}: {str(error)[:100]} at {Path(place.filename).name}:{place.lineno}"]
    return "answered", [*contract_faults(found), *lost(bundle, found, chosen)]


def sentence_faults(message: str) -> Iterator[str]:
    if not message or len(message) > 400 or any(not c.isprintable() for c in message):
        yield f"not one clear line: {message[:200]!r}"


def contract_faults(found: AssessedRecord) -> Iterator[str]:
    answer = found.answer
    for error in list(VALID.iter_errors(answer))[:1]:
        yield f"schema: {error.json_path}: {error.message[:150]}"
    try:
        json.dumps(answer, allow_nan=False).encode()
        json.dumps(answer, ensure_ascii=False).encode("utf-8")
    except ValueError as error:
        yield f"the answer is no JSON in UTF-8: {str(error)[:100]}"
    for factor in answer["risk_factors"]:
        if factor["verdict"] == "yes" and not factor["evidence"]:
            yield f"risk factor {factor['id']} is yes without evidence"
    for item in answer["recommendations"]:
        if bool(item["held_by"]) != (item["verdict"] == "held"):
            yield f"{item['id']}: held_by and verdict {item['verdict']} disagree"
        if item["verdict"] == "held" and item["actions"]:
            yield f"{item['id']} is held, and still names an action"
        if item["verdict"] == "yes" and not item["because"]:
            yield f"{item['id']} is yes without a ground"


def lost(bundle: Any, found: AssessedRecord, chosen: AssessmentOptions) -> Iterator[str]:
    """Resources of which nothing is heard again."""
    record = found.record
    heard = {plain(e.reference) for e in record.events} | {plain(p.reference) for p in record.problems}
    for names, resource in resources_of(bundle):
        kind = resource.get("resourceType") if isinstance(resource, Mapping) else None
        if names & heard or (isinstance(kind, str) and (kind in SUPPORTING or record.not_read.get(kind))):
            continue
        if isinstance(resource, Mapping) and (void(resource) or (chosen.as_of and planned(resource))):
            continue
        yield f"nothing is heard of {sorted(names)[:2]} ({kind})"


def plain(reference: str) -> str:
    """A reference without what cleaning may take out of it, and no longer than the shortest cut."""
    return "".join(c for c in reference if c.isascii() and c.isalnum())[:150]


def resources_of(bundle: Any) -> Iterator[tuple[set[str], Any]]:
    """Each resource with the names that it may go by: `Type/id`, its fullUrl's last part, its place."""
    entries = bundle.get("entry") if bundle.get("resourceType") == "Bundle" else None
    for number, entry in enumerate(entries if isinstance(entries, list) else []):
        resource = entry.get("resource") if isinstance(entry, Mapping) else entry
        kind = resource.get("resourceType") if isinstance(resource, Mapping) else None
        if kind == "Bundle" or (
            resource is None and isinstance(entry, Mapping) and {"request", "response"} & set(entry)
        ):
            continue
        place, kind = f"entry[{number}]", kind[:100] if isinstance(kind, str) else ""
        names = [place, f"{kind} at {place}"]
        full_url = entry.get("fullUrl") if isinstance(entry, Mapping) else None
        if isinstance(full_url, str):
            names += [full_url, f"{kind}/{full_url.rpartition(':')[2]}", "/".join(full_url.split("/")[-2:])]
        if isinstance(resource, Mapping) and isinstance(resource.get("id"), str):
            names.append(f"{kind}/{resource['id']}")
        yield {plain(name) for name in names}, resource


def void(resource: Mapping[str, Any]) -> bool:
    return resource.get("doNotPerform") is True or bool(VOID & words_of(resource))


def planned(resource: Mapping[str, Any]) -> bool:
    return bool({"draft", "plan", "registered", "preparation", "planned", "intended"} & words_of(resource))


def words_of(resource: Mapping[str, Any]) -> set[str]:
    """The status words of a resource, wherever they stand in its status fields."""
    found: set[str] = set()
    waiting = [resource.get(key) for key in ("status", "intent", "verificationStatus", "clinicalStatus", "docStatus")]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            found.add(value.strip().lower().replace(" ", "-"))
        elif isinstance(value, dict | list):
            waiting.extend(value.values() if isinstance(value, dict) else value)
    return found
