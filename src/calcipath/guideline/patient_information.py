"""The words for the patient's page, as typed data. Read and checked by `patient_information_reader`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from calcipath.guideline.model import Citation


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement; `when`: items of the guideline of which one must stand, empty for always."""

    say: str
    when: tuple[str, ...]
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class PatientSection:
    """Statements under a heading."""

    id: str
    title: str
    when: tuple[str, ...]
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class PatientInformation:
    """All of it, in the file's order."""

    title: str = ""
    introduction: str = ""
    sections: tuple[PatientSection, ...] = ()


NO_INFORMATION = PatientInformation()
