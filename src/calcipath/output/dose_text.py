"""A dosing answer as text: what was asked, the exposure beside the reference, whether a dose matches, how sure it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from calcipath.output import wording
from calcipath.output.layout import Sheet

Item = Mapping[str, Any]
HANG = 26


def render_dose(found: Item, *, width: int = 80, colour: bool = False) -> str:
    """The answer of `calcipath.dosing.dose` as text of `width` columns."""
    sheet = Sheet(width, colour=colour)
    sheet.paragraph("Sodium thiosulfate: exposure on this dialysis", style="bold")
    if found["status"] == "incomplete":
        return _incomplete(sheet, found)
    sheet.paragraph(str(found["words"][0]), style="dim")
    _holds(sheet, found.get("holds", ()))
    _read(sheet, found.get("read", ()))
    _regimen(sheet, found["regimen"], found["patient"])
    _exposure(sheet, found)
    _list(sheet, "Warnings", found["warnings"], "yellow")
    _list(sheet, "Answer first", [each["question"] for each in found["questions"]])
    _matched(sheet, found["matched"])
    _scenarios(sheet, found)
    if "individual" in found:
        _individual(sheet, found["individual"])
    if "changes" in found:
        _changes(sheet, found["changes"])
    if found["session_sheet"]:
        _session_sheet(sheet, found["session_sheet"])
    _published(sheet, found.get("published", ()))
    _list(sheet, "To know", [*found.get("information", ()), *found["words"][1:]])
    return sheet.text()


def _incomplete(sheet: Sheet, found: Item) -> str:
    sheet.paragraph(str(found["words"][0]), style="dim")
    _holds(sheet, found["holds"], compared=False)
    _list(sheet, "Needed before one regimen is simulated", [_need(each) for each in found["needs"]])
    for option in found.get("options", ()):
        exposure = option["exposure"]
        text = f"weekly AUC {_number(exposure['weekly_auc'])}, peak {_number(exposure['peak'])}, sodium {_number(exposure['sodium_per_dose'])}"
        _line(sheet, f"with {_number(option['dose'])} {option['salt']}", text)
    _read(sheet, found["read"])
    _list(sheet, "Warnings", found["warnings"], "yellow")
    _list(sheet, "Answer first", [each["question"] for each in found["questions"]])
    _list(sheet, "To know", found["words"][1:])
    return sheet.text()


def _need(need: Item) -> str:
    return f"{need['question']} ({need['option']})" if need["option"] else str(need["question"])


def _holds(sheet: Sheet, holds: Sequence[Item], *, compared: bool = True) -> None:
    if not holds:
        return
    note = "the exposures below are for comparison only" if compared else ""
    sheet.heading("Held: do not give it yet", note, style="red")
    unknown = [each["reason"].removeprefix("not known: ") for each in holds if each["unknown"]]
    for each in holds:
        if not each["unknown"]:
            grounds = wording.evidence_list(each["evidence"])
            sheet.paragraph(
                _sentence(each["reason"]) + (f" ({grounds})" if grounds else ""), label="-", indent=2, hang=2
            )
            sheet.paragraph(f"instead: {each['instead']}  [{each['who']}]", indent=4, style="dim")
    if unknown:
        sheet.paragraph(f"not known, and needed before a dose: {' '.join(unknown)}", label="-", indent=2, hang=2)


def _read(sheet: Sheet, read: Sequence[Item]) -> None:
    if not read:
        return
    sheet.heading("From the record")
    for each in read:
        value = each["value"]
        shown = _number(value) if isinstance(value, Mapping) else value or "not exact enough"
        grounds = wording.evidence_list(each["evidence"])
        used = "" if each["used"] else " [not used]"
        _line(sheet, each["input"], f"{shown}{used}" + (f"; {grounds}" if grounds else ""))


def _regimen(sheet: Sheet, regimen: Item, patient: Item) -> None:
    sheet.heading("Regimen")
    gfr = f", GFR {_number(patient['gfr'])}" if patient["gfr"] else ""
    _line(sheet, "patient", f"{_number(patient['weight'])}{gfr}")
    _line(sheet, "dialysis", _dialysis(regimen))
    if "dose" in regimen:
        grams = (
            f"{_number(regimen['dose'])} {regimen['salt']} ({_number(regimen['thiosulfate'])}), {regimen['dose_is']}"
        )
    else:
        grams = f"not told while a hold stands; the exposure is that of {regimen['dose_is'].partition(',')[0]}"
    _line(sheet, "dose", grams)
    _line(sheet, "given", f"{regimen['timing']}, over {_number(regimen['infusion'])}{_interval(regimen)}")
    if "product_volume" in regimen:
        product = (
            f"{_number(regimen['product_volume'])} of {_number(regimen['concentration'])}; diluent {regimen['diluent']}"
        )
        _line(sheet, "product", f"{product}; final volume {_number(regimen['final_volume'])}")
    if regimen.get("prescription"):
        said = (f"{name.replace('_', ' ')} {_number(value)}" for name, value in regimen["prescription"].items())
        _line(sheet, "prescription", "; ".join(said))


def _dialysis(regimen: Item) -> str:
    if regimen["hours_per_session"] is None:
        return str(regimen["modality"])
    return f"{regimen['modality']}, {regimen['sessions_per_week']:g} sessions a week of {_number(regimen['hours_per_session'])}"


def _interval(regimen: Item) -> str:
    return f", every {_number(regimen['interval'])}" if regimen["interval"] else ", with each session"


def _exposure(sheet: Sheet, found: Item) -> None:
    exposure, reference = found["exposure"], found["reference"]
    sheet.heading("Exposure", "in steady state, of the dose alone")
    used = found["kinetics"]
    clearance = ", ".join(f"{name} {_number(used[f'{name}_clearance'])}" for name in ("nonrenal", "renal", "dialysis"))
    _line(sheet, "clearance", clearance)
    halves = f"volume {_number(used['volume'])}; half-life {_number(used['half_life_off_dialysis'])}"
    on = f", on dialysis {_number(used['half_life_on_dialysis'])}" if "half_life_on_dialysis" in used else ""
    _line(sheet, "volume", halves + on)
    people = found["population"]
    for key, name in (("weekly_auc", "weekly AUC"), ("peak", "peak"), ("trough", "trough")):
        low, *_, high = people[key]["values"]
        band = f" (5 to 95 % of {people['patients']} virtual patients: {_shown(low)} to {_shown(high)})"
        _line(sheet, name, _number(exposure[key]) + band)
    _line(sheet, "removed by dialysis", f"{exposure['fraction_removed_by_dialysis']['value']:.0%} of the dose")
    if "sodium_per_dose" in exposure:
        sodium = f"{_number(exposure['sodium_per_dose'])} a dose ({_number(exposure['sodium_mass_per_dose'])})"
        _line(sheet, "sodium", f"{sodium}, {_number(exposure['sodium_per_week'])} a week")
    for option in reference.get("options", [reference]):
        regimen = f"{_number(option['dose'])} {option['salt']}" if "dose" in option else "reference regimen"
        text = f"{regimen}: {_number(option['weekly_auc'])} a week" if "weekly_auc" in option else regimen
        if option.get("ratio"):
            text += f"; this regimen gives {option['ratio']['value']:.2f} times that"
        _line(sheet, "reference", text)
    sheet.paragraph(
        f"Reference: {reference['regimen']}. {reference.get('undefined', '')}".strip(), indent=2, style="dim"
    )


def _matched(sheet: Sheet, matched: Item) -> None:
    sheet.heading("Dose of equal exposure", str(matched["status"]))
    if matched["dose"] is None:
        sheet.paragraph(_sentence(matched["reason"]), indent=2)
        return
    vials = f" ({matched['vials']} vials)" if matched["vials"] else ""
    _line(
        sheet, "dose", f"{_number(matched['dose'])} {matched['salt']}{vials}; unrounded {_number(matched['unrounded'])}"
    )
    _line(sheet, "exposure", f"{matched['ratio']['value']:.2f} times the reference's")
    share = matched["attainment"]
    if share["at_least_own_reference"] is not None:
        text = (
            f"{share['at_least_own_reference']:.0%} reach their own reference exposure, "
            f"{share['within_agreement_of_own_reference']:.0%} come within {share['agreement']:.0%} of it"
        )
        _line(sheet, "of virtual patients", text)
    if matched.get("rounding"):
        sheet.paragraph(matched["rounding"], indent=2)
    if matched.get("rests_on"):
        sheet.paragraph("It rests on the answers to the questions above.", indent=2)


def _scenarios(sheet: Sheet, found: Item) -> None:
    sheet.heading("How sure", "each reading of the literature, and what is not known")
    for each in (*found["scenarios"], *found["sensitivity"]):
        marks = "" if each.get("verified", True) else " [unverified]"
        ratio = f", {each['ratio']['value']:.2f} times its reference" if each["ratio"] else ""
        text = f"{each['title']}{marks}: weekly AUC {_number(each['weekly_auc'])}{ratio}"
        if "population" in each:
            low, *_, high = each["population"]["weekly_auc"]["values"]
            text += f"; 5 to 95 % of virtual patients {_shown(low)} to {_shown(high)}"
        sheet.paragraph(text, label="-", indent=2, hang=2)
    said = found["disagreement"] or "The readings agree on the comparison; the level itself differs between them"
    sheet.paragraph(_sentence(said), indent=2, style="dim")


def _individual(sheet: Sheet, individual: Item) -> None:
    low, high = individual["interval"]
    sheet.heading("From measured levels", "this patient; research use")
    for key, name in (("weekly_auc", "weekly AUC"), ("peak", "peak"), ("trough", "trough")):
        band = individual[key]
        median = _number({"value": band["median"], "unit": band["unit"]})
        _line(sheet, name, f"{median} ({low:g} to {high:g} %: {_shown(band['low'])} to {_shown(band['high'])})")
    for each in individual["parameters"]:
        text = f"{_number(each['value'])} (typical {_number(each['typical'])}; ± {each['relative_sd']:.0%})"
        _line(sheet, f"{each['name']}", text)
    for each in individual["levels"]:
        given = _number(each["measured"]) if each["measured"] else f"below {_number(each['below'])}"
        _line(sheet, f"level at {_number(each['time'])}", f"{given}, predicted {_number(each['predicted'])}")
    for each in (*individual["warnings"], *individual["notes"]):
        sheet.paragraph(_sentence(each), indent=2, style="dim")


def _changes(sheet: Sheet, changes: Sequence[Item]) -> None:
    sheet.heading("What a change does", "same dose; weekly exposure relative to the regimen above")
    for kind in dict.fromkeys(each["kind"] for each in changes):
        said = [f"{each['change']} {each['ratio']['value']:.2f}" for each in changes if each["kind"] == kind]
        _line(sheet, kind, "; ".join(said))


def _session_sheet(sheet: Sheet, worksheet: Item) -> None:
    sheet.heading("Session sheet", worksheet["title"])
    for key in ("product", "draw", "volume", "start", "duration", "rate", "first_dose"):
        _line(sheet, key.replace("_", " "), str(worksheet[key]))
    for each in worksheet["observations"]:
        sheet.paragraph(each, label="-", indent=2, hang=2)
    sheet.paragraph(worksheet["verification"], indent=2)


def _published(sheet: Sheet, published: Sequence[Item]) -> None:
    if not published:
        return
    sheet.heading("Published for this setting", "as quoted; salt not stated")
    for each in published:
        mark = {"S": "source seen", "Q": "secondary source", None: ""}.get(each["mark"], str(each["mark"]))
        source = f" [{each['source']}; {mark}]" if each["source"] else ""
        parts = (f"{each['statement']}{source}", each.get("chosen"), each.get("differs"))
        sheet.paragraph(" ".join(part for part in parts if part), label="-", indent=2, hang=2)


def _list(sheet: Sheet, title: str, sentences: Sequence[str], style: str = "bold") -> None:
    if not sentences:
        return
    sheet.heading(title, style=style)
    for each in sentences:
        sheet.paragraph(each, label="-", indent=2, hang=2)


def _line(sheet: Sheet, label: str, text: str) -> None:
    sheet.paragraph(text, label=label, indent=2, hang=HANG)


def _number(quantity: Item) -> str:
    unit = quantity["unit"].replace("mmol.h/L", "mmol·h/L")
    unit = "" if unit == "1" else unit
    return f"{_shown(quantity['value'])} {unit}".strip()


def _shown(value: float) -> str:
    """Three figures; next to nothing is said to be so."""
    if value == 0 or abs(value) >= 0.001:
        return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return "<0.001"


def _sentence(text: object) -> str:
    words = str(text)
    return words[:1].upper() + words[1:] + ("" if words.endswith(".") else ".")
