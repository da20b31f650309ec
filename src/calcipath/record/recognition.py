"""Which concepts of the vocabulary each event of a record speaks of: by code, by name, in free text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from calcipath.guideline.vocabulary import ABSENT_SYSTEM, Family, Vocabulary
from calcipath.record.model import Assertion, Coding, DataProblem, Event, Finding, Kind
from calcipath.record.narrative import Mention, Setting, read_narrative
from calcipath.record.own_codes import own_codes, speaks_by_own_codes
from calcipath.record.report_kind import is_imaging, is_pathology_category

Families = frozenset[Family]


def _families(*names: Family) -> Families:
    return frozenset(names)


_MEASURED = _families("laboratory", "measurement")
_CODED: dict[Kind, Families] = {
    "medication": _families("drug"),
    "observation": _families(
        "laboratory", "measurement", "lesion", "symptom-sign", "diagnosis", "histology", "quality"
    ),
    "condition": _families("diagnosis", "lesion", "symptom-sign", "quality", "procedure"),
    "procedure": _families("procedure", "diagnosis"),
    "report": _families("procedure", "diagnosis", "histology", "lesion", "specimen", "laboratory"),
    "allergy": _families("diagnosis"),
    "order": _families("procedure", "diagnosis"),
    "encounter": _families("diagnosis", "procedure", "lesion", "symptom-sign"),
    "note": _families(),
}
_SAID = _families("diagnosis", "lesion", "quality", "symptom-sign", "course", "site", "procedure", "team")
_NAMED: dict[Kind, Families] = {
    "medication": _families("drug"),
    "observation": _families("lesion", "quality", "symptom-sign", "diagnosis", "site", "specimen"),
    "condition": _families("diagnosis", "lesion", "quality", "symptom-sign", "site", "procedure"),
    "procedure": _families("procedure", "diagnosis", "site", "specimen"),
    "report": _families("specimen", "procedure", "site"),
    "allergy": _families("diagnosis"),
    "order": _families("procedure", "diagnosis"),
    "encounter": _families("diagnosis", "lesion", "symptom-sign", "quality", "site"),
    "note": _families(),
}
_WITH_DRUGS = _SAID | _families("drug")
_COURSE = _families("course")
_SPECIMENS = _families("specimen")
_IN_PATHOLOGY = (_SAID | _families("histology", "specimen")) - _COURSE
_COMPLETED = _families("diagnosis", "lesion", "quality", "symptom-sign")
_SHORT = 4  # words
_DISPLAYS_CHECKED = _families("drug", "laboratory")


@dataclass(frozen=True, slots=True)
class Recognised:
    """The findings in a record, entries whose code and display contradict each other, and how many codes of each
    system stand for nothing that the guideline knows."""

    findings: tuple[Finding, ...]
    problems: tuple[DataProblem, ...]
    codes_not_recognised: Mapping[str, int]


def recognise(events: Sequence[Event], vocabulary: Vocabulary, read_notes: bool) -> Recognised:
    """Recognise concepts in every event.

    `read_notes`: read free text (value texts, notes, conclusions) too; codes and names are always read.
    """
    recogniser = _Recogniser(vocabulary, read_notes)
    for event in events:
        recogniser.read(event)
    return Recognised(tuple(recogniser.findings), tuple(recogniser.problems), dict(recogniser.not_recognised))


def _value_words(event: Event) -> str:
    return event.value_text or next((c.display for c in event.value_codings if c.display), "")


class _Recogniser:
    def __init__(self, vocabulary: Vocabulary, read_notes: bool) -> None:
        self._vocabulary, self._read_notes = vocabulary, read_notes
        self._codes: dict[tuple[str, str], tuple[str, ...]] = {}
        self._texts: dict[tuple[str, Families, Setting], tuple[Mention, ...]] = {}
        self._mismatches: dict[Coding, str] = {}
        self.findings: list[Finding] = []
        self.problems: list[DataProblem] = []
        self.not_recognised: Counter[str] = Counter()

    def read(self, event: Event) -> None:
        if speaks_by_own_codes(event):
            self._own(event)
            return
        found: dict[str, Finding] = {}
        coded = self._by_code(event.codings, _CODED[event.kind])
        if event.kind == "medication":
            coded = self._told_apart(event, coded)
        answer = self._answered(event)
        self._count_codes(event)
        for concept in coded:
            found[concept] = Finding(concept, event, "code", self._coded_assertion(concept, answer))
        self._value_codes(event, found)
        self._names(event, coded, answer, found)
        self._sites(event, found)
        self._name_with_value(event, found)
        if self._read_notes:
            self._free_text(event, found)
        self._drop_intact_skin(found)
        self.findings.extend(found.values())
        if event.kind in ("medication", "observation"):
            self._check_displays(event)

    def _own(self, event: Event) -> None:
        """An entry in our own codes: exactly the concepts that they name, whatever the kind of entry."""
        self._count_codes(event)
        answer = self._answered(event)
        found: dict[str, Finding] = {}
        known = self._vocabulary.concepts
        for concept in filter(known.__contains__, own_codes(event.codings)):
            found[concept] = Finding(concept, event, "code", self._coded_assertion(concept, answer))
        for concept in own_codes((*event.value_codings, *event.sites)):
            found.setdefault(concept, Finding(concept, event, "code"))
        for concept in own_codes(event.value_codings, ABSENT_SYSTEM):
            found.setdefault(concept, Finding(concept, event, "code", "negated"))
        self.findings.extend(finding for finding in found.values() if finding.concept in known)

    def _count_codes(self, event: Event) -> None:
        self.not_recognised.update(c.system or "no system" for c in event.codings if c.code and not self._concepts(c))

    def _by_code(self, codings: Iterable[Coding], families: Families) -> dict[str, None]:
        found: dict[str, None] = {}
        for coding in codings:
            concepts = self._concepts(coding)
            found.update((c, None) for c in concepts if self._vocabulary.family(c) in families)
        return found

    def _concepts(self, coding: Coding) -> tuple[str, ...]:
        key = (coding.system, coding.code)
        concepts = self._codes.get(key)
        if concepts is None:
            concepts = self._codes[key] = self._vocabulary.by_code(*key) if coding.code else ()
        return concepts

    def _told_apart(self, event: Event, coded: dict[str, None]) -> dict[str, None]:
        """Of drugs that share a code, those that the entry names: calcium acetate is a binder before a supplement."""
        if len(coded) < 2:
            return coded
        names = [event.name, *(c.display for c in event.codings)]
        mentions = [m for name in names if name for m in self._mentions(name, _families("drug"), "medication")]
        named = dict.fromkeys(m.concept for m in mentions if m.concept in coded)
        kin = {self._vocabulary.concepts[concept].kin for concept in named} - {""}
        return {c: None for c in coded if c in named or self._vocabulary.concepts[c].kin not in kin}

    def _mentions(self, text: str, families: Families, setting: Setting) -> tuple[Mention, ...]:
        key = (text, families, setting)
        mentions = self._texts.get(key)
        if mentions is None:
            mentions = self._texts[key] = read_narrative(text, self._vocabulary, families, setting)
        return mentions

    def _answered(self, event: Event) -> str:
        """What an observation's value says of the thing that its name asks for: affirmed, denied, silent or ''."""
        if event.kind != "observation":
            return ""
        if event.value_boolean is not None:
            return "affirmed" if event.value_boolean else "denied"
        if event.interpretation in ("NEG", "ND"):
            return "denied"
        words = _value_words(event)
        return (self._vocabulary.context.answer(words) or "") if words else ""

    def _coded_assertion(self, concept: str, answer: str) -> Assertion:
        measured = self._vocabulary.family(concept) in _MEASURED
        return "negated" if answer == "denied" and not measured else "stated"

    def _value_codes(self, event: Event, found: dict[str, Finding]) -> None:
        families = _families("diagnosis", "lesion", "histology", "symptom-sign", "quality")
        for concept in self._by_code(event.value_codings, families):
            found.setdefault(concept, Finding(concept, event, "code"))

    def _names(self, event: Event, coded: dict[str, None], answer: str, found: dict[str, Finding]) -> None:
        families = _NAMED[event.kind]
        if event.kind == "medication" and coded:
            families = _families()
        if event.kind == "report" and is_imaging(event):
            families = families - _SPECIMENS
        if event.kind == "observation":
            if not any(self._vocabulary.family(c) in _MEASURED for c in coded):
                families = families | _MEASURED
            if event.quantity is not None:
                families = families & _MEASURED | (families & _families("specimen"))
        if not families:
            return
        setting: Setting = (
            "allergy" if event.kind == "allergy" else "medication" if event.kind == "medication" else "note"
        )
        names = dict.fromkeys([event.name, *(c.display for c in event.codings)])
        for name in names:
            if name:
                own = name == event.name
                self._add_named(event, self._mentions(name, families, setting), answer, found, own=own)

    def _add_named(
        self,
        event: Event,
        mentions: Iterable[Mention],
        answer: str,
        found: dict[str, Finding],
        *,
        own: bool = False,
    ) -> None:
        """Concepts of a name. The entry's own name may soften what its code says ("Suspected ...", "History of ...")."""
        softer = ("negated", "uncertain", "historical", "family") if own else ("negated", "uncertain")
        for mention in mentions:
            assertion = mention.assertion
            family = self._vocabulary.family(mention.concept)
            if answer == "silent" and family in ("lesion", "quality", "symptom-sign", "course", "diagnosis"):
                continue
            if answer == "denied" and family not in ("laboratory", "measurement", "site", "specimen"):
                assertion = "negated"
            known = found.get(mention.concept)
            if known is None:
                found[mention.concept] = Finding(mention.concept, event, "name", assertion, mention.quote)
            elif known.route == "code" and known.assertion == "stated" and assertion in softer:
                found[mention.concept] = replace(known, assertion=assertion, quote=mention.quote)

    def _name_with_value(self, event: Event, found: dict[str, Finding]) -> None:
        """A short value completes its name: "Renal function: normal", "Peripheral pulses: weak"."""
        value = _value_words(event)
        if event.kind != "observation" or not event.name or not 0 < len(value.split()) <= _SHORT:
            return
        joined = f"{event.name} {value}"
        for mention in self._mentions(joined, _COMPLETED, "note"):
            if mention.start < len(event.name) < mention.end and mention.concept not in found:
                found[mention.concept] = Finding(mention.concept, event, "name", mention.assertion, mention.quote)

    def _sites(self, event: Event, found: dict[str, Finding]) -> None:
        sites = _families("site")
        for concept in self._by_code(event.sites, sites):
            found.setdefault(concept, Finding(concept, event, "code"))
        for text in dict.fromkeys([*(c.display for c in event.sites), event.site_text]):
            if text:
                self._add_named(event, self._mentions(text, sites, "note"), "", found)
        if event.specimen:
            families = _SPECIMENS | sites
            self._add_named(event, self._mentions(event.specimen, families, "specimen"), "", found)

    def _free_text(self, event: Event, found: dict[str, Finding]) -> None:
        if not (event.texts or event.reason or event.value_text or event.value_codings):
            return
        pathology = self._is_pathology(event, found)
        setting: Setting = "pathology" if pathology else "allergy" if event.kind == "allergy" else "note"
        families = self._families_of_text(event, found, pathology=pathology)
        texts = [*event.texts, event.reason]
        if event.value_text and not (event.kind == "observation" and self._vocabulary.context.answer(event.value_text)):
            texts.append(event.value_text)
        texts.extend(c.display for c in event.value_codings if c.display and c.display != event.value_text)
        for text in texts:
            if text:
                self._add_said(event, self._mentions(text, families, setting), found)

    def _families_of_text(self, event: Event, found: Mapping[str, Finding], *, pathology: bool) -> Families:
        if pathology:
            named = any(self._vocabulary.family(concept) == "specimen" for concept in found)
            return _IN_PATHOLOGY - _SPECIMENS if named else _IN_PATHOLOGY
        if event.kind == "report":
            return _SAID - _COURSE
        if event.kind == "medication":  # how another drug worked says nothing about the wounds since
            return _SAID if "sodium-thiosulfate" in found else _SAID - _COURSE
        return _SAID if event.kind in ("observation", "allergy") else _WITH_DRUGS

    def _is_pathology(self, event: Event, found: Mapping[str, Finding]) -> bool:
        if event.kind not in ("report", "observation"):
            return False
        named = any(self._vocabulary.family(concept) == "specimen" for concept in found)
        maybe = named or (event.kind == "report" and is_pathology_category(event.category))
        return maybe and not is_imaging(event)

    def _drop_intact_skin(self, found: dict[str, Finding]) -> None:
        """Intact skin over or around a lesion does not say that there is none."""
        lesions = (f for c, f in found.items() if c != "skin-intact" and self._vocabulary.family(c) == "lesion")
        if "skin-intact" in found and any(finding.assertion == "stated" for finding in lesions):
            del found["skin-intact"]

    def _add_said(self, event: Event, mentions: Iterable[Mention], found: dict[str, Finding]) -> None:
        """A mention in text; of several of one concept a plain statement outweighs the others."""
        for mention in mentions:
            finding = Finding(mention.concept, event, "text", mention.assertion, mention.quote)
            known = found.get(mention.concept)
            if known is None or (
                known.route == "text" and known.assertion != "stated" and mention.assertion == "stated"
            ):
                found[mention.concept] = finding

    def _check_displays(self, event: Event) -> None:
        """A coding whose own display names another drug or analyte than its code."""
        for coding in event.codings:
            if not coding.display:
                continue
            handling = self._mismatches.get(coding)
            if handling is None:
                setting: Setting = "medication" if event.kind == "medication" else "note"
                handling = self._mismatches[coding] = self._mismatch(coding, setting)
            if handling:
                self.problems.append(DataProblem(event.reference, "code-display-mismatch", handling))

    def _mismatch(self, coding: Coding, setting: Setting) -> str:
        """How a coding is handled whose display names something else; empty when the two agree."""
        by_code = self._by_code([coding], _DISPLAYS_CHECKED)
        if not by_code:
            return ""
        named = {m.concept for m in self._mentions(coding.display, _DISPLAYS_CHECKED, setting)}
        if not named or named & self._with_kin(by_code):
            return ""
        shown = coding.display[:60]
        return f"the code {coding.code} and its display '{shown}' name different things; the code is used"

    def _with_kin(self, concepts: Iterable[str]) -> set[str]:
        kin = {self._vocabulary.concepts[c].kin for c in concepts} - {""}
        near = {c.id for c in self._vocabulary.concepts.values() if c.kin in kin}
        return set(concepts) | near
