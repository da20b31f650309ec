"""The population's reader keeps every member of a resource that the one-patient reader looks at."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from populations import resources_of

from calcipath.population.fhir_members import EVERYWHERE, MEMBERS
from calcipath.record.fhir.raw import RawResource
from calcipath.record.reader import FAMILIES, read_resources

CASES = Path(__file__).parents[1] / "data"
BUNDLES = [json.loads(file.read_text()) for file in sorted(CASES.glob("*/*.bundle.json"))]
NOT_CONTENT = {"resourceType", "id", "meta"}  # who and which version: columns of their own


class Watched(dict):  # type: ignore[type-arg]
    """A resource that notes which of its members are asked for."""

    def __init__(self, content: dict[str, Any], asked: set[str]) -> None:
        super().__init__(content)
        self.asked = asked

    def get(self, key: str, default: Any = None) -> Any:
        self.asked.add(key)
        return super().get(key, default)

    def __getitem__(self, key: str) -> Any:
        self.asked.add(key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self.asked.add(str(key))
        return super().__contains__(key)


def members_of(kind: str) -> set[str]:
    members = MEMBERS[kind]
    found = {*members.kept, *members.notes, *members.linked, *EVERYWHERE, members.patient, members.encounter}
    found |= {name for name, _ in (*members.dates, *members.periods)}
    if kind == "Observation":
        found.add("valueQuantity")
    if members.medication:
        found.add("medicationReference")
    return found | ({"specimen"} if members.specimen else set())


def test_every_family_of_the_reader_has_its_members() -> None:
    assert set(MEMBERS) == set(FAMILIES)


@pytest.mark.parametrize("kind", sorted(MEMBERS))
def test_no_other_member_is_looked_at(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: set[str] = set()
    from calcipath.record import reader

    def watching(entry: Any) -> Any:
        # `type(x) is dict` rules out a subclass at the door, so the watch begins behind it
        entry.resource = Watched(entry.resource, asked)
        return FAMILIES[kind](entry)

    monkeypatch.setattr(reader, "FAMILIES", {**FAMILIES, kind: watching})
    samples = [r for bundle in BUNDLES for r in resources_of(bundle) if r["resourceType"] == kind]
    every = dict.fromkeys(members_of(kind))
    samples.append({"resourceType": kind, "status": "final", **every})
    for sample in samples:
        read_resources([RawResource({**sample, "subject": None, "patient": None})])
    unused = {"context", "encounter", "subject", "patient"}  # whose it is, and whether in hospital: not the content's
    assert asked - members_of(kind) - NOT_CONTENT - unused == set()
