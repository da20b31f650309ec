"""Whose record it is: one patient only, and nothing about anybody else."""

from __future__ import annotations

from typing import Any

from calcipath.errors import InputError
from calcipath.record.fhir.cleaning import clean_text
from calcipath.record.fhir.entry import Entry, Json
from calcipath.record.fhir.references import CONTAINED, Index, is_absolute, type_and_id, without_version
from calcipath.record.model import Patient


class RecordError(InputError):
    """The resources cannot be read as one patient's record."""


class TwoPatients(RecordError):  # noqa: N818  named for what it means
    """The resources are about more than one patient."""


def read_patient(entry: Entry) -> Patient:
    """Demographics of a Patient resource."""
    resource = entry.resource
    died = entry.when(resource, "deceasedDateTime")
    if died is None and entry.boolean(resource, "deceasedBoolean"):
        entry.problem("unreadable", "is said to be deceased without a date; not used")
    sex = entry.text(resource, "gender").lower()
    return Patient(entry.reference, sex, entry.when(resource, "birthDate"), died)


class Subjects:
    """The patient of the record, learnt from its Patient resource or from the first subject that is met."""

    __slots__ = ("_accepted", "_base", "_identifiers", "_index", "_patient", "reference")

    def __init__(self, index: Index, patients: list[tuple[str, Json, str]]) -> None:
        """`patients`: reference, resource and fullUrl of each Patient resource.

        Raises: TwoPatients when there is more than one.
        """
        if len(patients) > 1:
            raise TwoPatients(
                f"the record holds {len(patients)} patients; give one patient's resources, or choose one by id (--patient)"
            )
        self._index = index
        self._accepted: set[str] = set()
        self._identifiers: dict[str, set[str]] = {}
        self._base = ""
        self._patient: Json | None = None
        self.reference = ""
        for reference, resource, full_url in patients:
            self.reference = reference
            self._patient = resource
            self._identifiers = _identifiers(resource)
            self._accepted |= {reference, full_url} - {""}

    def check(self, entry: Entry, field: str) -> bool:
        """Whether an entry may be read as this patient's. One that names nobody is, and is listed.

        Raises: TwoPatients when it is about another patient.
        """
        held = entry.resource.get(field)
        if held is None:
            entry.problem("unresolved-reference", f"names no {field}; taken as this patient's")
            return True
        address = held.get("reference") if type(held) is dict else held
        if type(held) is not dict or (address is not None and type(address) is not str):
            entry.refuse(f"{field} is not a reference, so whose it is cannot be told; not used")
            return False
        if address in self._accepted:
            return True
        return self._check_reference(entry, address) if address else self._check_logical(entry, held)

    def _check_reference(self, entry: Entry, address: str) -> bool:
        if address.startswith(CONTAINED):
            found = self._index.resolve(address, entry.resource)
            return self._check_contained(entry, found)
        if "?" in address:
            system, _, value = address.partition("identifier=")[2].partition("|")
            return self._check_logical(entry, {"identifier": {"system": system, "value": value}})
        target = self._index.resolve(address)
        if not address.startswith("urn:") or target is not None:
            kind = target.get("resourceType") if target else type_and_id(without_version(address)).partition("/")[0]
            if kind != "Patient":
                entry.refuse(f"is about a {clean_text(str(kind))[:40]}, not about the patient; not used")
                return False
        if target is self._patient if self._patient is not None else self._is_same(address):
            self._accepted.add(address)
            return True
        raise TwoPatients(
            f"the record holds one {entry.type} about another patient than the record; give one patient's resources"
        )

    def _is_same(self, address: str) -> bool:
        """Without a Patient resource: whether an address names the patient that the first subject named."""
        bare = without_version(address)
        named = f"Patient/{bare.rpartition(':')[2]}" if bare.startswith("urn:") else type_and_id(bare)
        self.reference = self.reference or clean_text(named)[:200]
        base = bare if is_absolute(bare) else ""
        if clean_text(named)[:200] != self.reference or (base and self._base not in ("", base)):
            return False
        self._base = self._base or base
        return True

    def _check_contained(self, entry: Entry, found: Json | None) -> bool:
        if found is None or found.get("resourceType") != "Patient":
            entry.refuse("its subject is not in the resource that should hold it; not used", "unresolved-reference")
            return False
        held = found.get("identifier")
        first = held[0] if type(held) is list and held else {}
        return self._check_logical(entry, {"identifier": first})

    def _check_logical(self, entry: Entry, held: Json) -> bool:
        """A subject named by identifier or words only: refused when the identifier is another person's."""
        for system, values in _identifiers({"identifier": [held.get("identifier")]}).items():
            known = self._identifiers.get(system)
            if known and not values & known:
                raise TwoPatients(
                    f"the record holds one {entry.type} about a patient with another identifier; give one patient's resources"
                )
            if known:
                return True
        entry.problem("unresolved-reference", "names its patient without a reference; taken as this patient's")
        return True


def _identifiers(resource: Json) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    held: Any = resource.get("identifier")
    for item in held if type(held) is list else [held]:
        if type(item) is dict:
            system, value = item.get("system"), item.get("value")
            if type(system) is str and type(value) is str and value:
                found.setdefault(system, set()).add(value)
    return found
