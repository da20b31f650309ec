"""The guideline's vocabulary: what a code or a phrase of a record means.

A concept ("livedo", "vitamin-k-antagonist") has a family, value sets (codes) and terms (phrases). The vocabulary is
built from parsed YAML and value-set rows; it reads no file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal, cast, get_args

from calcipath.guideline.context_rules import ContextRules, context_rules
from calcipath.guideline.phrases import PhraseIndex

Family = Literal[
    "drug", "laboratory", "measurement", "diagnosis", "lesion", "quality", "symptom-sign", "course", "histology",
    "specimen", "site", "procedure", "team",
]  # fmt: skip
Document = tuple[str, Mapping[str, Any]]  # the file's name, its parsed content
_PHRASE_KEYS = frozenset({"terms", "not_terms", "together", "within", "not_near", "allergy_terms", "name_terms"})
_KEYS = _PHRASE_KEYS | {"id", "family", "value_sets", "chronic", "kin"}
_ICD10CM = "http://hl7.org/fhir/sid/icd-10-cm"
OWN_SYSTEM = "urn:calcipath:concept"  # a code of it is the id of a concept, and stands for exactly that concept
ABSENT_SYSTEM = (
    "urn:calcipath:concept-absent"  # as the conclusion of a report: the concept was looked for and not found
)


class VocabularyError(ValueError):
    """The vocabulary is malformed; the message names the file and the place."""


@dataclass(frozen=True, slots=True)
class Together:
    """Phrases that mean the concept when one of each group stands in the same sentence within `within` words."""

    groups: tuple[tuple[str, ...], ...]
    within: int = 10


@dataclass(frozen=True, slots=True)
class Concept:
    """One concept. `not_terms` are longer phrases that hold a term and mean something else; `not_near` are words
    that, within 3 words, take a term's meaning away ("hydrocortisone cream"). `allergy_terms` count only where
    allergies are listed, `name_terms` only in the name of a drug entry or specimen ("Calcium 500 mg"). A `chronic` concept is still true in "history of". Concepts of the same `kin` are near
    enough that a code for one with the name of another is no contradiction.
    """

    id: str
    family: Family
    value_sets: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    not_terms: tuple[str, ...] = ()
    together: tuple[Together, ...] = ()
    not_near: tuple[str, ...] = ()
    allergy_terms: tuple[str, ...] = ()
    name_terms: tuple[str, ...] = ()
    chronic: bool = False
    kin: str = ""


@dataclass(frozen=True, slots=True)
class Sense:
    """What a phrase of the index stands for: a concept's term, a phrase that is not the concept, a part of a
    combination (`number`, `part`), a word that must not be near, an allergy term, "no known
    allergies", or a term in names of drug entries only."""

    concept: str
    role: Literal["term", "not", "part", "near", "allergy", "no-allergy", "name"]
    number: int = 0
    part: int = 0


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Concepts by id, their codes and phrases, and the rules of context. Made by `build_vocabulary`."""

    concepts: Mapping[str, Concept]
    phrases: PhraseIndex[Sense]
    context: ContextRules
    _exact: Mapping[tuple[str, str], tuple[str, ...]] = field(repr=False)
    _prefix: Mapping[tuple[str, str], tuple[str, ...]] = field(repr=False)
    _prefix_lengths: Mapping[str, tuple[int, ...]] = field(repr=False)
    _systems: Mapping[str, str] = field(repr=False)

    def by_code(self, system: str, code: str) -> tuple[str, ...]:
        """The concepts that a coding stands for, in the vocabulary's order; empty when it is in no value set.

        The system may be an alias (urn:oid form); ICD-10-CM codes may lack their dot. A code of `OWN_SYSTEM` is a
        concept's id.
        """
        if system == OWN_SYSTEM:
            return (code,) if code in self.concepts else ()
        canonical = self._systems.get(system.rstrip("/"), system.rstrip("/"))
        key = _code_key(canonical, code)
        found = self._exact.get((canonical, key), ())
        for length in self._prefix_lengths.get(canonical, ()):
            if len(key) >= length:
                more = self._prefix.get((canonical, key[:length]), ())
                found += tuple(concept for concept in more if concept not in found)
        return found

    def family(self, concept: str) -> Family:
        """The family of a concept."""
        return self.concepts[concept].family

    def of_family(self, *families: Family) -> frozenset[str]:
        """The ids of all concepts of the families."""
        return frozenset(concept.id for concept in self.concepts.values() if concept.family in families)


def build_vocabulary(
    documents: Sequence[Document],
    rows: Iterable[Mapping[str, str]],
    rules: Document,
    *,
    site_documents: Sequence[Document] = (),
    site_rows: Iterable[Mapping[str, str]] = (),
) -> Vocabulary:
    """Build the vocabulary from parsed YAML files, value-set rows (value_set, system, code, match) and context rules.

    A site's documents may hold new concepts and may add to known ones (same id and family); its rows join the others.
    Rows marked `verified` = no are left out. Raises VocabularyError (or ContextRulesError) naming file and place for an
    unknown value set, a duplicate id, an empty concept, an unknown family or key.
    """
    concepts: dict[str, Concept] = {}
    places: dict[str, str] = {}
    systems: dict[str, str] = {}
    for name, document in documents:
        systems.update(_systems(name, document))
        for place, concept in _read_concepts(name, document):
            if concept.id in concepts:
                raise VocabularyError(f"{place}: the id {concept.id!r} is already used in {places[concept.id]}")
            concepts[concept.id], places[concept.id] = concept, place
    for name, document in site_documents:
        systems.update(_systems(name, document))
        for place, concept in _read_concepts(name, document):
            known = concepts.get(concept.id)
            concepts[concept.id] = concept if known is None else _joined(known, concept, place)
            places[concept.id] = place
    kept = [row for row in (*rows, *site_rows) if row.get("verified", "yes") != "no"]
    _require_known_value_sets(concepts, places, {row["value_set"] for row in kept})
    exact, prefix = _code_tables(concepts, kept, systems)
    lengths: dict[str, set[int]] = {}
    for system, start in prefix:
        lengths.setdefault(system, set()).add(len(start))
    context = context_rules(rules[1], rules[0])
    return Vocabulary(
        concepts=MappingProxyType(concepts),
        phrases=PhraseIndex(pair for concept in concepts.values() for pair in _phrases(concept, context)),
        context=context,
        _exact=exact,
        _prefix=prefix,
        _prefix_lengths={system: tuple(sorted(found, reverse=True)) for system, found in lengths.items()},
        _systems=systems,
    )


def _systems(name: str, document: Mapping[str, Any]) -> dict[str, str]:
    """Aliases of code systems: alias -> canonical URI."""
    systems = document.get("systems", {})
    if not isinstance(systems, Mapping):
        raise VocabularyError(f"{name}: systems must map a canonical URI to its aliases")
    return {alias.rstrip("/"): canonical.rstrip("/") for canonical, aliases in systems.items() for alias in aliases}


def _read_concepts(name: str, document: Mapping[str, Any]) -> list[tuple[str, Concept]]:
    entries = document.get("concepts", [])
    if not isinstance(entries, list):
        raise VocabularyError(f"{name}: concepts must be a list")
    return [_read_concept(entry, f"{name}: concepts[{number}]") for number, entry in enumerate(entries)]


def _read_concept(entry: Any, place: str) -> tuple[str, Concept]:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("id"), str):
        raise VocabularyError(f"{place}: a concept must be a mapping with an id")
    place = f"{place} ({entry['id']})"
    for key in entry:
        if key not in _KEYS:
            raise VocabularyError(f"{place}: unknown key {key!r}")
    if entry.get("family") not in get_args(Family):
        raise VocabularyError(f"{place}: unknown family {entry.get('family')!r}")
    concept = Concept(
        id=entry["id"],
        family=cast("Family", entry["family"]),
        value_sets=_texts(entry, "value_sets", place),
        terms=_texts(entry, "terms", place),
        not_terms=_texts(entry, "not_terms", place),
        together=_together(entry, place),
        not_near=_texts(entry, "not_near", place),
        allergy_terms=_texts(entry, "allergy_terms", place),
        name_terms=_texts(entry, "name_terms", place),
        chronic=bool(entry.get("chronic", False)),
        kin=str(entry.get("kin", "")),
    )
    if not (concept.value_sets or concept.terms or concept.together):
        raise VocabularyError(f"{place}: the concept is empty: it needs value_sets, terms or together")
    return place, concept


def _texts(entry: Mapping[str, Any], key: str, place: str) -> tuple[str, ...]:
    value = entry.get(key, [])
    if not isinstance(value, list) or not all(isinstance(text, str) and text.strip() for text in value):
        raise VocabularyError(f"{place}: {key} must be a list of non-empty texts")
    return tuple(value)


def _together(entry: Mapping[str, Any], place: str) -> tuple[Together, ...]:
    combinations = entry.get("together", [])
    well_formed = isinstance(combinations, list) and all(
        isinstance(groups, list) and len(groups) > 1 and all(isinstance(group, list) and group for group in groups)
        for groups in combinations
    )
    if not well_formed:
        raise VocabularyError(f"{place}: together must be a list of combinations, each of two or more lists of phrases")
    within = int(entry.get("within", 10))
    return tuple(Together(tuple(tuple(map(str, group)) for group in groups), within) for groups in combinations)


def _joined(known: Concept, more: Concept, place: str) -> Concept:
    if known.family != more.family:
        raise VocabularyError(f"{place}: the family of {known.id!r} is {known.family!r}, a site may not change it")
    return replace(
        known,
        value_sets=(*known.value_sets, *more.value_sets),
        terms=(*known.terms, *more.terms),
        not_terms=(*known.not_terms, *more.not_terms),
        together=(*known.together, *more.together),
        not_near=(*known.not_near, *more.not_near),
        allergy_terms=(*known.allergy_terms, *more.allergy_terms),
        name_terms=(*known.name_terms, *more.name_terms),
    )


def _require_known_value_sets(concepts: Mapping[str, Concept], places: Mapping[str, str], known: set[str]) -> None:
    for concept in concepts.values():
        for value_set in concept.value_sets:
            if value_set not in known:
                raise VocabularyError(f"{places[concept.id]}: no rows of the value set {value_set!r}")


CodeTable = dict[tuple[str, str], tuple[str, ...]]


def _code_tables(
    concepts: Mapping[str, Concept], rows: Sequence[Mapping[str, str]], systems: Mapping[str, str]
) -> tuple[CodeTable, CodeTable]:
    users: dict[str, list[str]] = {}
    for concept in concepts.values():
        for value_set in concept.value_sets:
            users.setdefault(value_set, []).append(concept.id)
    exact: CodeTable = {}
    prefix: CodeTable = {}
    for row in rows:
        system = row["system"].rstrip("/")
        system = systems.get(system, system)
        is_prefix = row.get("match") == "prefix"
        table = prefix if is_prefix else exact
        key = system, _code_key(system, row["code"].rstrip("*") if is_prefix else row["code"])
        held = table.get(key, ())
        table[key] = held + tuple(concept for concept in users.get(row["value_set"], ()) if concept not in held)
    return exact, prefix


def _code_key(system: str, code: str) -> str:
    return code.replace(".", "").strip().upper() if system == _ICD10CM else code.strip()


def _phrases(concept: Concept, context: ContextRules) -> Iterable[tuple[str, Sense]]:
    roles: tuple[tuple[str, tuple[str, ...]], ...] = (
        ("term", concept.terms),
        ("not", concept.not_terms),
        ("near", concept.not_near),
        ("allergy", concept.allergy_terms),
        ("name", concept.name_terms),
        ("no-allergy", context.no_known_allergy if concept.allergy_terms else ()),
    )
    for role, phrases in roles:
        sense = Sense(concept.id, cast("Literal['term', 'not', 'near', 'allergy', 'no-allergy', 'name']", role))
        yield from ((phrase, sense) for phrase in phrases)
    for number, combination in enumerate(concept.together):
        for part, group in enumerate(combination.groups):
            yield from ((phrase, Sense(concept.id, "part", number, part)) for phrase in group)
