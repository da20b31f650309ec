"""The value of an Observation or of one of its components: every `value[x]` of FHIR R4."""

from __future__ import annotations

from dataclasses import dataclass

from calcipath.record.fhir.datatypes import number, read_quantity, read_range, written_number
from calcipath.record.fhir.entry import Entry, Json
from calcipath.record.model import Coding, Quantity

# v3 ObservationInterpretation (http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation)
INTERPRETATIONS = frozenset({
    "<", ">", "A", "AA", "B", "CAR", "D", "DET", "E", "EX", "EXP", "H", "HH", "HU", "HX", "I", "IE", "IND", "L", "LL",
    "LU", "LX", "MS", "N", "NCL", "ND", "NEG", "NR", "NS", "OBX", "POS", "QCF", "R", "RR", "S", "SDD", "SYN-R",
    "SYN-S", "TOX", "U", "UNE", "VS", "W", "WR",
})  # fmt: skip
INTERPRETATION_WORDS = {
    "high": "H", "critical high": "HH", "critically high": "HH", "low": "L", "critical low": "LL",
    "critically low": "LL", "normal": "N", "abnormal": "A", "critical abnormal": "AA", "positive": "POS",
    "negative": "NEG", "detected": "DET", "not detected": "ND", "indeterminate": "IND", "reactive": "RR",
    "non-reactive": "NR", "nonreactive": "NR",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Content:
    """What was found; all empty when nothing was."""

    quantity: Quantity | None = None
    text: str = ""
    codings: tuple[Coding, ...] = ()
    boolean: bool | None = None


NOTHING_FOUND = Content()


def read_content(entry: Entry, holder: Json) -> Content:
    """The value of an Observation or component. Two values at once contradict each other: neither is used."""
    keys = [key for key in holder if key[:5] == "value" and holder[key] is not None]
    if not keys:
        return NOTHING_FOUND
    if len(keys) > 1:
        entry.problem("unreadable", f"has more than one value ({', '.join(sorted(keys))[:100]}); none was used")
        return NOTHING_FOUND
    key = keys[0]
    if key == "valueQuantity":
        return Content(quantity=read_quantity(entry, holder, key))
    if key == "valueCodeableConcept":
        name, codings = entry.concept(holder, key)
        return Content(text=name, codings=codings)
    if key == "valueBoolean":
        return Content(boolean=entry.boolean(holder, key))
    if key == "valueInteger":
        return _integer(entry, holder)
    if key == "valueRatio":
        return _ratio(entry, holder)
    return _words(entry, holder, key)


def _words(entry: Entry, holder: Json, key: str) -> Content:
    if key in ("valueString", "valueDateTime", "valueTime"):
        return Content(text=entry.text(holder, key))
    if key == "valueRange":
        return Content(text=read_range(entry, holder, key))
    if key == "valuePeriod":
        period = entry.object(holder, key)
        return Content(text=f"{entry.text(period, 'start')} to {entry.text(period, 'end')}".strip())
    if key == "valueSampledData":
        return Content(text="sampled data")
    if key in ("valueAttachment", "valueReference"):
        entry.problem("unreadable", f"looks like FHIR R5 ({key}); not read")
    else:
        entry.problem("unreadable", f"{key[:60]} is not a value of FHIR R4; not read")
    return NOTHING_FOUND


def _integer(entry: Entry, holder: Json) -> Content:
    value = number(holder["valueInteger"])
    if value is None:
        entry.unreadable("valueInteger", "a number")
        return NOTHING_FOUND
    return Content(quantity=Quantity(value))


def _ratio(entry: Entry, holder: Json) -> Content:
    """A titre (1:128) stays words; a concentration (30 mg / 1 g) becomes a quantity."""
    held = entry.object(holder, "valueRatio")
    above, below = read_quantity(entry, held, "numerator"), read_quantity(entry, held, "denominator")
    if above is None or below is None:
        return NOTHING_FOUND
    upper, lower = (part.code or part.unit for part in (above, below))
    if upper and lower and below.value > 0 and not below.comparator:
        unit = f"{upper}/{lower}"
        system = above.system if above.system == below.system else ""
        return Content(Quantity(above.value / below.value, unit, system, unit if system else "", above.comparator))
    words = f"{above.comparator}{written_number(above.value)}:{below.comparator}{written_number(below.value)}"
    return Content(text=f"{words} {upper or lower}".strip())


def read_interpretation(entry: Entry, holder: Json) -> str:
    """The first v3 ObservationInterpretation code; the usual words are read as their code."""
    if holder.get("interpretation") is None:
        return ""
    for concept in entry.objects(holder, "interpretation"):
        for coding in entry.codings(concept):
            if coding.code in INTERPRETATIONS:
                return coding.code
        word = entry.as_concept(concept)[0]
        if word.lower() in INTERPRETATION_WORDS or word in INTERPRETATIONS:
            return INTERPRETATION_WORDS.get(word.lower(), word)
    return ""


def read_reference_range(entry: Entry, holder: Json) -> tuple[Quantity | None, Quantity | None, str]:
    """Low, high and words of the first range of normal; a range of another kind (therapeutic, critical) is not used."""
    if holder.get("referenceRange") is None:
        return None, None, ""
    words = ""
    for held in entry.objects(holder, "referenceRange"):
        kind = entry.code(held, "type")
        if kind and kind != "normal":
            continue
        low, high = read_quantity(entry, held, "low"), read_quantity(entry, held, "high")
        if low or high:
            return low, high, entry.text(held, "text")
        words = words or entry.text(held, "text")
    return None, None, words
