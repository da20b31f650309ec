"""The parts of a dosing answer that are tables: exposures, sodium, how sure it is, changes, published regimens, worksheet.

Each takes the answer as it may be shown, and gives nothing where the answer holds nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from calcipath.guideline.model import Default
from calcipath.language import _
from calcipath.output import wording
from calcipath.output.bars_svg import Limit, Row, draw_bars
from calcipath.output.dosing_lines import amount
from calcipath.output.html_findings import section, table
from calcipath.output.markup import Markup, tag
from calcipath.output.plan import records, sentence_of
from calcipath.output.wording import Item, clean, items

LEVELS = (("weekly_auc", "Weekly AUC"), ("peak", "Peak"), ("trough", "Trough"))
SMALLEST = 0.001  # mmol/L: below it a level is next to nothing, and a ratio of two such says nothing
SODIUM_LIMITS = {"sodium_per_dose": "thiosulfate-sodium-a-dose", "sodium_per_week": "thiosulfate-sodium-a-week"}
MARKS = {"S": "source seen", "Q": "secondary source"}
SHEET = (
    ("product", "Product"), ("draw", "Draw"), ("volume", "Volume"), ("start", "Start"), ("duration", "Duration"),
    ("rate", "Rate"), ("first_dose", "First dose"),
)  # fmt: skip


def number_of(quantity: object) -> float | None:
    """The number of a quantity; None where there is none."""
    value = quantity.get("value") if isinstance(quantity, Mapping) else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def exposure(shown: Item) -> Markup | None:
    """Weekly AUC, peak and trough beside those of the reference regimen, as a table and as bars; then the regimen."""
    found = wording.structure(shown.get("exposure"))
    if not found:
        return None
    reference = wording.structure(shown.get("reference"))
    options = records(reference.get("options")) or ((reference,) if reference else ())
    people = wording.structure(shown.get("population"))
    heads = [_("Exposure"), _("This regimen")]
    if people:
        heads.append(f"5 to 95 % of {clean(people.get('patients'))} virtual patients")
    for option in options:
        heads += [_reference_name(option), "Times the reference"]
    rows = [_exposure_row(key, name, found, options, people) for key, name in LEVELS]
    removed = number_of(found.get("fraction_removed_by_dialysis"))
    said = [
        tag("p", _("Removed by dialysis: {removed:.0%} of the dose.", removed=removed))
        if removed is not None
        else None,
        tag("p", f"Reference: {clean(reference.get('regimen'))}. {clean(reference.get('undefined'))}".strip())
        if reference
        else None,
    ]
    note = _("in steady state, of the dose alone")
    bars = _exposure_bars(found, options)
    return section("dose-exposure", _("Exposure"), note, _regimen(shown), table(heads, rows, "stacked"), bars, *said)


def _reference_name(option: Item) -> str:
    dose = f" {amount(option['dose'])} {clean(option.get('salt'))}" if isinstance(option.get("dose"), Mapping) else ""
    return f"Reference regimen{dose}"


def _exposure_row(key: str, name: str, found: Item, options: tuple[Item, ...], people: Item) -> list[object]:
    row: list[object] = [name, amount(found.get(key))]
    if people:
        values = items(wording.structure(people.get(key)).get("values"))
        row.append(f"{_shown(values[0])} to {_shown(values[-1])}" if len(values) > 1 else "")
    for option in options:
        row += [amount(option.get(key)), _times(found.get(key), option.get(key))]
    return row


def _shown(value: object) -> str:
    return amount({"value": value, "unit": "1"})


def _times(mine: object, other: object) -> str:
    a, b = number_of(mine), number_of(other)
    return f"{a / b:.2f}" if a is not None and b is not None and b >= SMALLEST else ""


def _exposure_bars(found: Item, options: tuple[Item, ...]) -> Markup | None:
    pictures = []
    for key, name in LEVELS[:2]:  # a trough is next to nothing where dialysis follows the dose
        rows = (
            [Row("this regimen", value, amount(found[key]))] if (value := number_of(found.get(key))) is not None else []
        )
        rows += [
            Row("reference", value, amount(option[key]), hollow=True)
            for option in options
            if (value := number_of(option.get(key))) is not None
        ]
        if len(rows) > 1:
            pictures.append(
                tag("figure", tag("figcaption", name), draw_bars(name, rows, f"dose-{key.replace('_', '-')}"))
            )
    return tag("div", *pictures, class_="bar-pair") if pictures else None


def _regimen(shown: Item) -> Markup | None:
    regimen = wording.structure(shown.get("regimen"))
    rows = [tag("div", tag("dt", name), tag("dd", said)) for name, said in _regimen_lines(regimen) if said]
    return tag("dl", *rows, class_="pairs") if rows else None


def _regimen_lines(regimen: Item) -> Iterator[tuple[str, str]]:
    if not regimen:
        return
    sessions = regimen.get("sessions_per_week")
    often = (
        f", {sessions:g} sessions a week of {amount(regimen.get('hours_per_session'))}"
        if isinstance(sessions, int | float)
        else ""
    )
    yield "Dialysis", clean(regimen.get("modality")) + often
    if isinstance(regimen.get("dose"), Mapping):
        mmol = f" ({amount(regimen['thiosulfate'])})" if isinstance(regimen.get("thiosulfate"), Mapping) else ""
        yield "Dose", f"{amount(regimen['dose'])} {clean(regimen.get('salt'))}{mmol}, {clean(regimen.get('dose_is'))}"
    else:
        yield "Dose", "not told while a hold stands"
    interval = f", every {amount(regimen['interval'])}" if isinstance(regimen.get("interval"), Mapping) else ""
    over = f", over {amount(regimen['infusion'])}" if isinstance(regimen.get("infusion"), Mapping) else ""
    yield "Given", clean(regimen.get("timing")) + over + interval
    if isinstance(regimen.get("product_volume"), Mapping):
        drawn = f"{amount(regimen['product_volume'])} of {amount(regimen.get('concentration'))}"
        final = amount(regimen.get("final_volume"))
        yield "Product", f"{drawn}; diluent {clean(regimen.get('diluent'))}; final volume {final}"
    flows = wording.structure(regimen.get("prescription"))
    yield "Prescription", "; ".join(f"{wording.title(name)} {amount(value)}" for name, value in flows.items())


def sodium(shown: Item, defaults: Mapping[str, Default]) -> Markup | None:
    """The sodium of a dose and of a week beside its limits; nothing behind a hold, where it would tell the dose."""
    found = wording.structure(shown.get("exposure"))
    pictures, over = [], []
    for key, name in (("sodium_per_dose", "a dose"), ("sodium_per_week", "a week")):
        value = number_of(found.get(key))
        if value is None:
            continue
        default = defaults.get(SODIUM_LIMITS[key])
        limit = Limit(default.value, f"limit {default.value:g}") if default else None
        if default and value > default.value:
            over.append(f"{amount(found[key])} {name} is above {default.value:g} {default.unit}")
        pictures.append(
            draw_bars(f"Sodium {name}", [Row(name, value, amount(found[key]))], f"dose-{key.replace('_', '-')}", limit)
        )
    if not pictures:
        return None
    mass = found.get("sodium_mass_per_dose")
    lines = [
        f"A dose carries {amount(found.get('sodium_per_dose'))} of sodium"
        + (f" ({amount(mass)})" if isinstance(mass, Mapping) else "")
        + (f", a week {amount(found['sodium_per_week'])}" if "sodium_per_week" in found else "")
    ]
    warning = None
    if over:
        said = wording.sentence("; ".join(over))
        warning = tag("p", tag("strong", _("Above the limit. ")), f"{said} ({wording.MARKS['P']}).", class_="warnings")
    return section(
        "dose-sodium",
        _("Sodium load"),
        "",
        tag("p", sentence_of(lines[0])),
        warning,
        tag("div", *pictures, class_="bar-pair"),
    )


def sureness(shown: Item) -> Markup | None:
    """The same under each reading of the literature and with what is not known altered; where they disagree, it is said."""
    rows = [_reading(each) for key in ("scenarios", "sensitivity") for each in records(shown.get(key))]
    disagreement = clean(shown.get("disagreement"))
    if not rows and not disagreement:
        return None
    said = disagreement or "The readings agree on the comparison; the level itself differs between them"
    class_ = "warnings" if disagreement else None
    words = tag("p", tag("strong", _("They disagree. ")) if disagreement else None, sentence_of(said), class_=class_)
    heads = (_("Reading"), _("Weekly AUC"), _("Times its reference"), "5 to 95 % of virtual patients")
    statements = [
        tag("li", tag("b", f"{clean(each.get('title'))}: "), clean(each.get("statement")), _sources(each))
        for each in records(shown.get("scenarios"))
    ]
    about = (
        tag("details", tag("summary", _("What each reading rests on")), tag("ul", *statements)) if statements else None
    )
    shown_table = table(heads, rows, "stacked") if rows else None
    note = _("each reading of the literature, and what is not known")
    return section("dose-sure", _("How sure"), note, words, shown_table, about)


def _reading(each: Item) -> list[object]:
    values = items(wording.structure(wording.structure(each.get("population")).get("weekly_auc")).get("values"))
    name = clean(each.get("title"))
    ratio = number_of(each.get("ratio"))
    return [
        name if each.get("verified", True) else f"{name} (unverified)",
        amount(each.get("weekly_auc")),
        f"{ratio:.2f}" if ratio is not None else "",
        f"{_shown(values[0])} to {_shown(values[-1])}" if len(values) > 1 else "",
    ]


def _sources(each: Item) -> Markup | None:
    sources = [clean(source) for source in items(each.get("sources"))]
    return tag("small", " ", "; ".join(sources)) if sources else None


def changes(shown: Item) -> Markup | None:
    """What one change does to the weekly exposure, the dose being the same; under every reading."""
    found = records(shown.get("changes"))
    if not found:
        return None
    titles = {str(each.get("id")): clean(each.get("title")) for each in records(shown.get("scenarios"))}
    others = list(dict.fromkeys(name for each in found for name in wording.structure(each.get("scenarios"))))[1:]
    heads = [
        _("Change"),
        _("Weekly AUC"),
        _("Times this regimen"),
        *(_("Under: {reading}", reading=titles.get(name, name)) for name in others),
    ]
    parts = []
    for kind in dict.fromkeys(clean(each.get("kind")) for each in found):
        chosen = [each for each in found if clean(each.get("kind")) == kind]
        rows = [
            [clean(e.get("change")), amount(e.get("weekly_auc")), _ratio(e.get("ratio")), *_under(e, others)]
            for e in chosen
        ]
        parts.append(tag("h3", wording.sentence(kind)))
        parts.append(table(heads, rows, "stacked"))
    return section("dose-changes", _("What a change does"), _("the same dose; one thing changed"), *parts)


def _ratio(value: object) -> str:
    number = number_of(value)
    return f"{number:.2f}" if number is not None else ""


def _under(each: Item, names: list[str]) -> list[str]:
    found = wording.structure(each.get("scenarios"))
    return [_ratio(found.get(name)) for name in names]


def published(shown: Item) -> Markup | None:
    """Regimens that were published for this setting, with how far each source was seen."""
    entries = []
    for each in records(shown.get("published")):
        mark = MARKS.get(clean(each.get("mark")), clean(each.get("mark")))
        source = ", ".join(filter(None, (clean(each.get("source")), clean(each.get("locator")), mark)))
        beside = " ".join(filter(None, (clean(each.get("chosen")), clean(each.get("differs")))))
        entries.append(
            tag(
                "li",
                sentence_of(clean(each.get("statement"))),
                f" {beside}" if beside else None,
                tag("p", tag("small", source)),
            )
        )
    if not entries:
        return None
    note = _("as quoted, never computed; salt not stated")
    return section("dose-published", _("Published for this setting"), note, tag("ul", *entries, class_="published"))


def session_sheet(shown: Item) -> Markup | None:
    """The worksheet for the nurse and the line that the pharmacist signs; only of a dose that may be told."""
    sheet = wording.structure(shown.get("session_sheet"))
    if not sheet:
        return None
    rows = [tag("div", tag("dt", name), tag("dd", clean(sheet.get(key)))) for key, name in SHEET if sheet.get(key)]
    watched = [tag("li", clean(each)) for each in items(sheet.get("observations"))]
    return section(
        "dose-sheet",
        _("Session sheet"),
        clean(sheet.get("title")),
        tag("dl", *rows, class_="pairs"),
        tag("ul", *watched, class_="plain") if watched else None,
        tag("p", clean(sheet.get("verification")), class_="verification"),
    )
