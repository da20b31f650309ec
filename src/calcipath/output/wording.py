"""Words for the codes of an assessment, and lines of evidence: what the terminal and the page both say.

Input is the plain structure of the assessment's contract; a missing or odd field gives an empty or neutral text,
never an error, because a half-described finding must still be shown.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

Item = Mapping[str, Any]

LEVELS = {
    "confirmed": "calciphylaxis of the current lesion is proven by histology",
    "clinical": "calciphylaxis is diagnosed clinically, not proven by histology",
    "suspected": "calciphylaxis is suspected and must be worked up now",
    "at-risk": "no lesion is recorded, but risk factors are",
    "not-suspected": "the record does not point to calciphylaxis",
    "undetermined": "the record does not say enough to decide",
}
LADDER = ("not-suspected", "at-risk", "suspected", "clinical", "confirmed")
URGENCIES = {"now": "Now", "today": "Today", "this-week": "This week", "routine": "Routine"}
STANDINGS = ("established", "favoured", "possible", "unlikely")
COURSES = {
    "responding": "responding: pain is better and the wounds are not larger",
    "pain-only": "pain is better, but the wounds are larger",
    "not-responding": "not responding: neither pain nor wounds are better",
    "worse": "worse: more pain or larger wounds",
    "too-early": "too early to judge: less than 14 days of treatment",
    "unknown": "cannot be judged: no usable series of pain scores or wound measurements",
}
PROBLEMS = {
    "unit-missing": "unit missing",
    "unit-impossible": "impossible unit",
    "value-implausible": "implausible value",
    "contradiction": "contradiction",
    "unresolved-reference": "reference that leads nowhere",
    "code-display-mismatch": "code and text disagree",
    "future-date": "date in the future",
    "unreadable": "unreadable",
}
MARKS = {
    "S": "seen in the source",
    "Q": "quoted by another source",
    "D": "derived by arithmetic",
    "P": "default of this software, local protocol decides",
}
STRENGTHS = (
    "Recommend: most patients should have it. Suggest: weigh it for this patient. "
    "Option: may be considered. No recommendation: the sources advise neither way."
)
ASSERTIONS = {
    "negated": "stated absent: ",
    "historical": "in the past: ",
    "uncertain": "uncertain: ",
    "family": "in the family: ",
}
FOOTER = (
    "Decision support for health professionals: options to weigh, not orders, and no substitute for judgement. "
    "The evidence is of very low certainty (observational studies and expert opinion) unless an item says otherwise. "
    "Sodium thiosulfate is used off-label. Nothing here is a claim to be a medical device. "
    "Unknown means that the record does not say; it never means no."
)
_CAPITALS = {"pth", "inr", "bmi", "ecg", "crp", "ckd", "iv", "aps", "aptt", "hiv", "ana", "anca", "gfr", "auc", "nsaid"}
_SPELLED = {"egfr": "eGFR", "qtc": "QTc", "ph": "pH", "martorell": "Martorell", "japanese": "Japanese"}
_SHORT = 72  # characters of a piece of evidence in the short form
_UNITS = {
    "1": "",
    "{score}": "",
    "mm[Hg]": "mmHg",
    "Cel": "\N{DEGREE SIGN}C",
    "10*9/L": "10^9/L",
    "10*3/uL": "10^3/uL",
    "%": "%",
}
_INSTANT = re.compile(r"(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2})(?::[\d.]+)?(Z|[+-]\d{2}:\d{2})?")


def clean(value: object) -> str:
    """One line of plain text: no control, bidirectional-override or surrogate characters, white space collapsed."""
    if value is None:
        return ""
    text = number(value) if isinstance(value, (bool, int, float)) else str(value)
    if not text.isascii() or not text.isprintable():
        text = "".join(_visible(character) for character in text)
    return " ".join(text.split())


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category in ("Cc", "Zl", "Zp"):
        return " "
    if category == "Cf":
        return ""
    return "\N{REPLACEMENT CHARACTER}" if category in ("Cs", "Cn", "Co") else character


def number(value: object) -> str:
    """A number as a reader writes it: 2.50 is 2.5 and 25.0 is 25; at most six significant digits."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def count(amount: int, singular: str, plural: str = "") -> str:
    """A number with its noun.

    >>> count(1, "question"), count(2, "question"), count(2, "mimic that leads", "mimics that lead")
    ('1 question', '2 questions', '2 mimics that lead')
    """
    return f"{amount} {singular if amount == 1 else plural or singular + 's'}"


def title(identifier: object) -> str:
    """An id of the guideline as words.

    >>> title("vitamin-k-antagonist"), title("low-pth"), title("avoid-vitamin-d")
    ('vitamin K antagonist', 'low PTH', 'avoid vitamin D')
    """
    words = clean(identifier).replace("_", "-").split("-")
    for place, word in enumerate(words):
        if word in _CAPITALS or (len(word) == 1 and place and words[place - 1] in ("vitamin", "protein")):
            words[place] = word.upper()
        else:
            words[place] = _SPELLED.get(word, word)
    return " ".join(word for word in words if word)


def sentence(text: object) -> str:
    """The text with a capital letter first."""
    words = clean(text)
    return words[:1].upper() + words[1:]


def date(written: object) -> str:
    """A FHIR date or instant, to the minute, as a reader writes it.

    >>> date("2026-01-15T08:30:00Z"), date("2026-01"), date("2026-01-15T08:30:00+01:00")
    ('2026-01-15 08:30 UTC', '2026-01', '2026-01-15 08:30 +01:00')
    """
    text = clean(written)
    match = _INSTANT.fullmatch(text)
    if not match:
        return text
    day, minute, zone = match.groups()
    return f"{day} {minute}{' UTC' if zone == 'Z' else f' {zone}' if zone else ''}"


def day(written: object) -> str:
    """Only the day of a FHIR date or instant."""
    return date(written).split(" ")[0]


def items(value: object) -> tuple[Any, ...]:
    """A list of the assessment as a tuple; a missing one is empty, a lone thing is a list of one."""
    if value is None or value == "":
        return ()
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)


def structure(value: object) -> Item:
    """A structure of the assessment; anything else is an empty one."""
    return value if isinstance(value, Mapping) else {}


def say(value: object) -> str:
    """The words of an entry that may be a plain text or a structure with its text under a usual key."""
    if not isinstance(value, Mapping):
        return clean(value)
    for key in (
        "say",
        "text",
        "statement",
        "question",
        "label",
        "point",
        "description",
        "what",
        "reason",
        "fact",
        "id",
    ):
        if value.get(key):
            return evidence(value) if key == "what" else clean(value[key])
    return ""


def listed(values: Iterable[object], limit: int = 0) -> str:
    """Entries joined by semicolons; beyond `limit` (0: none) their number is said, so that nothing vanishes."""
    words = [text for text in map(say, values) if text]
    if limit and len(words) > limit + 1:
        return "; ".join(words[:limit]) + f"; and {len(words) - limit} more"
    return "; ".join(words)


def titles(identifiers: Iterable[object]) -> str:
    """Ids as words, joined by commas."""
    return ", ".join(filter(None, map(title, identifiers)))


def names(identifiers: object, limit: int = 0) -> str:
    """Ids as they are, joined by commas; beyond `limit` (0: none) their number is said."""
    found = [text for text in map(clean, items(identifiers)) if text]
    if limit and len(found) > limit + 1:
        return ", ".join(found[:limit]) + f" and {len(found) - limit} more"
    return ", ".join(found)


def unit(code: object) -> str:
    """A UCUM unit as a clinician writes it.

    >>> unit("mL/min/{1.73_m2}"), unit("mm[Hg]"), unit("Cel"), unit("mg/dL")
    ('mL/min/1.73 m2', 'mmHg', '\u00b0C', 'mg/dL')
    """
    text = clean(code)
    return _UNITS.get(text) or re.sub(r"\{([^{}]*)\}", lambda note: note[1].replace("_", " "), text)


def quantity(value: object) -> str:
    """{value, unit} or a bare value as text."""
    if isinstance(value, Mapping):
        return f"{clean(value.get('value'))} {unit(value.get('unit'))}".strip()
    return clean(value)


def _cut(text: str) -> str:
    return text if len(text) <= _SHORT else text[: _SHORT - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"


def evidence(item: object, *, full: bool = False) -> str:
    """One piece of evidence in a line; `full` adds the time of day, the quotation and the reference.

    >>> evidence({"what": "albumin", "value": 2.5, "unit": "g/dL", "date": "2026-01-12T09:00:00Z"})
    'albumin 2.5 g/dL on 2026-01-12'
    """
    if not isinstance(item, Mapping):
        return clean(item)
    said = ASSERTIONS.get(str(item.get("assertion")), "") + clean(item.get("what"))
    if not full and len(said) > _SHORT:
        said = _cut(said)
    measured = quantity(item)
    if measured and measured.casefold() != clean(item.get("what")).casefold():
        said += f" {measured}"
    elif not measured and not full and item.get("quote"):
        said += f': "{_cut(clean(item["quote"]))}"'
    when = (date if full else day)(item.get("date"))
    if when and said.endswith(" since"):
        said += f" {when}"
    elif when:
        said += f" on {when}" if len(when) >= len("2026-01-15") else f" in {when}"
    if full:
        said += f', "{clean(item["quote"])}"' if item.get("quote") else ""
        said += f" [{clean(item['reference'])}]" if item.get("reference") else ""
    return said


def fact_of(entry: Item) -> str:
    """What a missing or assumed fact is called: its label, else its id in words."""
    return clean(entry.get("label")) or title(entry.get("fact"))


def reason(guard: Item) -> str:
    """Why a guard stands: its own words, else its name."""
    return clean(guard.get("reason")) or title(guard.get("guard"))


def evidence_list(values: object, *, full: bool = False, limit: int = 3) -> str:
    """Pieces of evidence in one line, at most `limit` unless `full`."""
    lines = list(dict.fromkeys(filter(None, (evidence(item, full=full) for item in items(values)))))
    return listed(lines, 0 if full else limit)


def citation(value: object) -> str:
    """A citation with its locator and how far it was verified."""
    if not isinstance(value, Mapping):
        return clean(value)
    parts = [clean(value.get("source") or value.get("id")), clean(value.get("locator"))]
    line = ", ".join(filter(None, parts))
    mark = MARKS.get(str(value.get("mark")), clean(value.get("mark")))
    line += f" ({mark})" if mark else ""
    return line + (f": {clean(value['text'])}" if value.get("text") else "")


def grade(item: Item) -> str:
    """Strength and certainty of a recommendation."""
    strength, certainty = clean(item.get("strength")), clean(item.get("certainty"))
    return ", ".join(filter(None, (strength, certainty and f"{certainty} certainty")))


def word_for(item: Item) -> str:
    """The capital word that opens a recommendation: its direction and strength, without any colour."""
    identifier, direction = str(item.get("id", "")), item.get("direction")
    if identifier.startswith("stop-"):
        return "STOP"
    if direction == "against":
        return "AVOID"
    if direction == "none":
        return "NOTE"
    return {"suggest": "SUGGEST", "option": "OPTION"}.get(str(item.get("strength")), "DO")


def person(patient: Item) -> str:
    """Sex and age in words: 'Woman, 58 years'."""
    age = patient.get("age")
    grown = not isinstance(age, (int, float)) or age >= 18
    words = {("female", True): "Woman", ("male", True): "Man", ("female", False): "Girl", ("male", False): "Boy"}
    who = words.get((str(patient.get("sex")), grown), "Person, sex not recorded")
    return f"{who}, {clean(age)} years" if age is not None else f"{who}, age not recorded"


def kidney(patient: Item) -> str:
    """Dialysis in words: 'on haemodialysis, 3 sessions of 4 h a week'."""
    state = patient.get("kidney")
    if not isinstance(state, Mapping) or state.get("dialysis") not in ("yes", "no"):
        return "dialysis: unknown"
    if state["dialysis"] == "no":
        return "not on dialysis"
    modality = clean(state.get("modality")).replace("hemodia", "haemodia").replace("-", " ")
    if modality == "peritoneal":
        modality = "peritoneal dialysis"
    text = f"on {modality}" if modality and modality != "unknown" else "on dialysis, modality unknown"
    sessions, hours = state.get("sessions_per_week"), state.get("hours_per_session")
    if sessions:
        text += f", {count_of(sessions, 'session')}" + (f" of {clean(hours)} h" if hours else "") + " a week"
    elif hours:
        text += f", {clean(hours)} h a session"
    return text


def count_of(amount: object, noun: str) -> str:
    """As `count`, for a number that the record gave."""
    words = clean(amount)
    return f"{words} {noun}{'' if words == '1' else 's'}"


def weight(patient: Item) -> str:
    """Body weight with its date, or that it is unknown."""
    value = patient.get("weight")
    if not isinstance(value, Mapping) or value.get("value") is None:
        return "weight unknown"
    when = day(value.get("date"))
    return quantity(value) + (f" (weighed {when})" if when else "")
