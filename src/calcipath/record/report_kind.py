"""Whether a report is of imaging or of pathology: the same words about vessels mean different things in the two."""

from __future__ import annotations

from itertools import pairwise

from calcipath.guideline.phrases import words_of
from calcipath.record.model import Event

_IMAGING_CATEGORIES = frozenset({"RAD", "RX", "CT", "NMR", "RUS", "OUS", "VUS", "CUS", "NMS", "XRC", "IMAGING"})
_PATHOLOGY_CATEGORIES = frozenset({"SP", "PAT", "PATH", "CP", "LAB", "LABORATORY"})
_IMAGING_WORDS = frozenset(
    {
        "radiograph",
        "xray",
        "ct",
        "mri",
        "mra",
        "cta",
        "ultrasound",
        "ultrasonography",
        "sonography",
        "doppler",
        "duplex",
    }
    | {"angiogram", "angiography", "echocardiogram", "echocardiography", "scintigraphy", "scan", "mammography"}
    | {"mammogram", "tomography", "radiography", "fluoroscopy", "radiology", "electrocardiogram", "ecg"}
)
_PATHOLOGY_WORDS = frozenset({"biopsy", "pathology", "histology", "histopathology", "dermatopathology", "cytology"})


def is_imaging(event: Event) -> bool:
    """Whether a report is of imaging, by its category (HL7 v2 table 0074) or else by its name."""
    category = event.category.upper()
    if category in _IMAGING_CATEGORIES or category in _PATHOLOGY_CATEGORIES:
        return category in _IMAGING_CATEGORIES
    words = words_of(event.name).folded
    if not _PATHOLOGY_WORDS.isdisjoint(words):
        return False
    return not _IMAGING_WORDS.isdisjoint(words) or ("x", "ray") in pairwise(words)


def is_pathology_category(category: str) -> bool:
    """Whether a report of this category (HL7 v2 table 0074, or the generic laboratory) may be pathology."""
    return category.upper() in _PATHOLOGY_CATEGORIES
