"""The `dosing` part of an assessment as labelled lines, the same for terminal and page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from calcipath.output import wording
from calcipath.output.wording import Item, clean, items

Line = tuple[str, str]
STATUS = {
    "withheld": "withheld",
    "above-cap": "above the highest dose shown: no number is given",
}


def dosing_lines(assessment: Item) -> list[Line]:
    """What to say, in order; a dose appears only where the assessment holds one.

    Holds, questions and cautions that the plan has said already are not said again.
    """
    dosing = wording.structure(assessment.get("dosing"))
    if not dosing:
        return []
    status = clean(dosing.get("status"))
    lines: list[Line] = []
    if status in ("not-considered", "incomplete") or not isinstance(dosing.get("matched"), Mapping):
        lines.append(("dose", _said(status, clean(dosing.get("reason")))))
    else:
        lines.append(("matched dose", _matched(wording.structure(dosing.get("matched")))))
    lines += _needs(dosing)
    lines += _holds(dosing, assessment)
    lines += _read(dosing)
    lines += _exposure(dosing)
    said = [text for item in _records(assessment.get("recommendations")) for text in items(item.get("cautions"))]
    lines += [("warning", wording.say(warning)) for warning in items(dosing.get("warnings")) if warning not in said]
    lines += [("note", wording.say(note)) for note in items(dosing.get("words"))]
    return [(label, text) for label, text in lines if text]


def _records(value: object) -> Sequence[Item]:
    return [item for item in items(value) if isinstance(item, Mapping)]


def _said(status: str, reason: str) -> str:
    if status in ("not-considered", "incomplete"):
        return wording.sentence(reason)
    words = STATUS.get(status, status or "not given")
    return f"{words}: {reason}" if reason else words


def _matched(matched: Item) -> str:
    status, reason = clean(matched.get("status")), clean(matched.get("reason"))
    dose = matched.get("dose")
    if status == "shown" and isinstance(dose, Mapping):
        salt = clean(matched.get("salt"))
        ratio, unrounded = _value(matched.get("ratio")), matched.get("unrounded")
        said = f"{amount(dose)}{' ' + salt if salt else ''}"
        if ratio is not None and isinstance(unrounded, Mapping):
            said += f", {ratio:.2f} times the reference exposure (unrounded {amount(unrounded)})"
        rounding = clean(matched.get("rounding"))
        return said + (f"; {reason}" if reason else "") + (f". {rounding}" if rounding else "")
    return _said(status, reason)


def _needs(dosing: Item) -> Iterator[Line]:
    options = [clean(need.get("option")) for need in _records(dosing.get("needs")) if need.get("option")]
    if options:
        yield "to simulate", "calcipath dose RECORD " + " ".join(options)


def _holds(dosing: Item, assessment: Item) -> Iterator[Line]:
    """Holds that no held recommendation has said, with what to do instead and who decides."""
    said = {
        clean(guard.get("guard"))
        for item in _records(assessment.get("recommendations"))
        if item.get("verdict") == "held"
        for guard in _records(item.get("held_by"))
    }
    for hold in _records(dosing.get("holds")):
        if clean(hold.get("guard")) not in said:
            instead, who = clean(hold.get("instead")), clean(hold.get("who"))
            reason = wording.sentence(clean(hold.get("reason"))).rstrip(".?")
            yield "hold", f"{reason}. Instead: {instead.rstrip('.')}. [{who}]"


def _read(dosing: Item) -> Iterator[Line]:
    for read in _records(dosing.get("read")):
        grounds = wording.evidence_list(read.get("evidence"))
        value = read.get("value")
        shown = amount(value) if isinstance(value, Mapping) else clean(value) or "not exact enough"
        yield "from record", f"{clean(read.get('input'))} {shown}" + (f" ({grounds})" if grounds else "")


def _exposure(dosing: Item) -> Iterator[Line]:
    regimen, exposure = wording.structure(dosing.get("regimen")), wording.structure(dosing.get("exposure"))
    if regimen:
        yield "regimen", ", ".join(_regimen(regimen))
    if exposure:
        kept = (("weekly_auc", "weekly AUC"), ("peak", "peak"), ("trough", "trough"), ("sodium_per_dose", "sodium a dose"),
                ("sodium_per_week", "sodium a week"))  # fmt: skip
        yield "exposure", ", ".join(f"{name} {amount(exposure[key])}" for key, name in kept if key in exposure)
    reference = wording.structure(dosing.get("reference"))
    for option in [reference, *_records(reference.get("options"))]:
        ratio = _value(option.get("ratio"))
        if ratio is not None:
            yield (
                "reference",
                f"{ratio:.2f} times the weekly exposure of the reference regimen ({_reference(reference, option)})",
            )
    if dosing.get("disagreement"):
        yield "scenarios", wording.sentence(clean(dosing.get("disagreement")))
    for each in _records(dosing.get("published")):
        mark = {"S": "source seen", "Q": "secondary source"}.get(clean(each.get("mark")), "")
        yield "published", clean(each.get("statement")) + (f" [{mark}]" if mark else "")


def _regimen(regimen: Item) -> Iterator[str]:
    yield clean(regimen.get("modality"))
    sessions, hours = regimen.get("sessions_per_week"), regimen.get("hours_per_session")
    if isinstance(sessions, int | float):
        yield f"{sessions:g} sessions a week" + (f" of {amount(hours)}" if isinstance(hours, Mapping) else "")
    dose = regimen.get("dose")
    if isinstance(dose, Mapping):
        yield f"{amount(dose)} {clean(regimen.get('salt'))}".strip()
    if regimen.get("dose_is"):
        yield clean(regimen.get("dose_is"))
    yield clean(regimen.get("timing"))


def _reference(reference: Item, option: Item) -> str:
    dose = option.get("dose")
    said = clean(reference.get("regimen"))
    return f"{amount(dose)} {clean(option.get('salt'))}, {said}" if isinstance(dose, Mapping) else said


def _value(quantity: object) -> float | None:
    value = quantity.get("value") if isinstance(quantity, Mapping) else None
    return float(value) if isinstance(value, int | float) else None


def amount(quantity: object) -> str:
    """A quantity with three figures.

    >>> amount({"value": 26.174, "unit": "mmol.h/L"})
    '26.2 mmol·h/L'
    """
    value = _value(quantity)
    if value is None or not isinstance(quantity, Mapping):
        return wording.quantity(quantity)
    unit = clean(quantity.get("unit")).replace("mmol.h/L", "mmol·h/L")
    small = 0 < abs(value) < 0.001
    shown = "<0.001" if small else f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{shown} {'' if unit == '1' else unit}".strip()
