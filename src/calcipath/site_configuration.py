"""Reads a site's configuration file (see docs/site-configuration.md) into what the guideline reader takes."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from calcipath.errors import GuidelineError
from calcipath.guideline.entries import ContentFile, Entry, top
from calcipath.guideline.reader import Site
from calcipath.guideline.vocabulary import Vocabulary

_KEYS = ("notes", "code_systems", "value_sets", "terms", "defaults", "thiosulfate_product")
_COLUMNS = {"value_set", "system", "code"}


def read_site_configuration(path: str, vocabulary: Vocabulary, value_sets: frozenset[str]) -> Site:
    """The site's additions. Raises `GuidelineError` for an unknown key, value set or concept, naming it.

    `vocabulary` and `value_sets` are the shipped ones, which the file may add to.
    """
    entry = _entry(path)
    if entry is None:
        return Site()
    systems, defaults, product = (_mapping(entry, key) for key in ("code_systems", "defaults", "thiosulfate_product"))
    rows = _rows(path, entry.data.get("value_sets") or [], value_sets)
    documents = [(path, {"concepts": _terms(path, entry.data.get("terms") or [], vocabulary)})]
    return Site({str(k): str(v) for k, v in systems.items()}, rows, documents, dict(defaults), product)


def read_site_defaults(path: str) -> Site:
    """Only the site's own values of defaults and its product, for the dosing, which reads no vocabulary. Raises `GuidelineError`."""
    entry = _entry(path)
    if entry is None:
        return Site()
    return Site(defaults=dict(_mapping(entry, "defaults")), product=_mapping(entry, "thiosulfate_product"))


def _entry(path: str) -> Entry | None:
    """The whole file; None where there is none or it says nothing."""
    if not path:
        return None
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise GuidelineError(f"the configuration file {path} cannot be read: {reason}") from None
    file = ContentFile.parse(path, text)
    if file.data is None:
        return None
    entry = top(file)
    entry.only(*_KEYS)
    return entry


def _mapping(entry: Entry, name: str) -> Mapping[str, Any]:
    value = entry.data.get(name) or {}
    if not isinstance(value, Mapping):
        raise entry.fail(f"'{name}' must be a mapping", name)
    return value


def _rows(path: str, given: Any, value_sets: frozenset[str]) -> list[dict[str, str]]:
    if isinstance(given, str):
        try:
            with (Path(path).parent / given).open(encoding="utf-8", newline="") as table:
                given = list(csv.DictReader(table))
        except (OSError, UnicodeDecodeError):
            raise GuidelineError(f"{path}: the value-set table {given} cannot be read") from None
    if not isinstance(given, Sequence):
        raise GuidelineError(f"{path}: 'value_sets' must be a list of rows or the path of a CSV file")
    rows = []
    for number, row in enumerate(given, 1):
        if not isinstance(row, Mapping) or not _COLUMNS.issubset(row):
            raise GuidelineError(f"{path}: value_sets row {number} needs value_set, system and code")
        if row["value_set"] not in value_sets:
            raise GuidelineError(f"{path}: value_sets row {number}: there is no value set '{row['value_set']}'")
        rows.append({key: str(value) for key, value in row.items() if value is not None})
    return rows


def _terms(path: str, given: Any, vocabulary: Vocabulary) -> list[dict[str, Any]]:
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise GuidelineError(f"{path}: 'terms' must be a list of {{concept, terms}}")
    found = []
    for number, item in enumerate(given, 1):
        if not isinstance(item, Mapping) or not {"concept", "terms"}.issubset(item):
            raise GuidelineError(f"{path}: terms entry {number} needs concept and terms")
        if item["concept"] not in vocabulary.concepts:
            raise GuidelineError(f"{path}: terms entry {number}: there is no concept '{item['concept']}'")
        found.append(
            {"id": item["concept"], "family": vocabulary.family(item["concept"]), "terms": list(item["terms"])}
        )
    return found
