"""The result of a dosing question as the page shows it: sections of markup from the answer, the picture among them.

What is shown behind a hold is what `plan.withhold` keeps, and nothing else: this module reads the answer only after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from calcipath.language import _
from calcipath.output import wording
from calcipath.output.dose_parts import changes, exposure, published, session_sheet, sodium, sureness
from calcipath.output.dose_svg import draw_dose_curve
from calcipath.output.dosing_lines import amount
from calcipath.output.html_findings import section, table
from calcipath.output.markup import Markup, join, tag
from calcipath.output.plan import dose_is_held, records, sentence_of, withhold
from calcipath.output.wording import Item, clean, items

if TYPE_CHECKING:
    from calcipath.guideline.model import Default
    from calcipath.thiosulfate.curve import RegimenCurve

STATUSES = {
    "shown": "A dose of equal exposure can be shown",
    "withheld": "No dose of equal exposure is given",
    "above-cap": "The dose of equal exposure lies above the highest that is shown: no number is given",
}


def dose_view(
    answer: Item,
    *,
    assessment: Item | None = None,
    curve: RegimenCurve | None = None,
    reference: RegimenCurve | None = None,
    defaults: Mapping[str, Default] | None = None,
) -> Markup:
    """The sections of a dosing answer (`calcipath.dosing.dose`, or `Assessor.dose` for a record).

    `assessment`: the assessment of the same record, whose held recommendations hold the dose too. `curve` and
    `reference`: what is drawn. `defaults`: the guideline's, for the limits of sodium.
    """
    whole: dict[str, object] = {**(assessment or {}), "dosing": answer}
    held = dose_is_held(whole)
    shown = wording.structure(withhold(whole).get("dosing"))
    words = [wording.say(each) for each in items(shown.get("words"))]
    incomplete = shown.get("status") == "incomplete"
    return join(
        tag("p", words[0], class_="lead") if words else None,
        _held(shown, held=held),
        _needs(shown) if incomplete else None,
        _listed("dose-warnings", _("Warnings"), "", items(shown.get("warnings")), "warnings"),
        _questions(shown),
        None if incomplete else matched(shown),
        exposure(shown),
        sodium(shown, defaults or {}),
        _picture(curve, reference, held=held),
        sureness(shown),
        changes(shown),
        published(shown),
        session_sheet(shown),
        _read(shown),
        _listed("dose-words", _("To know"), "", [*items(shown.get("information")), *words[1:]], "plain"),
    )


def _held(shown: Item, *, held: bool) -> Markup | None:
    holds = records(shown.get("holds"))
    if not held and not holds:
        return None
    known = [hold for hold in holds if not hold.get("unknown")]
    asked = [clean(hold.get("reason")).removeprefix("not known: ") for hold in holds if hold.get("unknown")]
    entries = [_hold(hold) for hold in known]
    if asked:
        entries.append(
            tag("li", tag("strong", _("Not known, and needed before a dose: ")), " ".join(dict.fromkeys(asked)))
        )
    if not entries:
        entries.append(tag("li", sentence_of(clean(shown.get("reason")) or "a hold stands on thiosulfate")))
    heading = tag("h2", _("Held: do not give it yet"), id="dose-held-heading")
    note = tag("p", _("What follows compares exposures; no dose is told.")) if shown.get("exposure") else None
    return tag(
        "section",
        heading,
        tag("ul", *entries),
        note,
        id="dose-held",
        class_="held-box",
        aria_labelledby="dose-held-heading",
    )


def _hold(hold: Item) -> Markup:
    grounds = wording.evidence_list(hold.get("evidence"))
    instead, who = clean(hold.get("instead")), clean(hold.get("who"))
    return tag(
        "li",
        tag("strong", sentence_of(clean(hold.get("reason")))),
        _(" Because: {grounds}.", grounds=grounds) if grounds else None,
        tag("p", tag("span", _("Instead "), class_="label"), instead) if instead else None,
        tag("p", tag("span", _("Decides "), class_="label"), who) if who else None,
    )


def _needs(shown: Item) -> Markup | None:
    needs = [clean(need.get("question")) for need in records(shown.get("needs"))]
    options = [
        tag(
            "li",
            _(
                "With {dose} {salt}: weekly AUC {weekly_auc}",
                dose=amount(option.get("dose")),
                salt=clean(option.get("salt")),
                weekly_auc=amount(levels.get("weekly_auc")),
            ),
        )
        for option in records(shown.get("options"))
        if (levels := wording.structure(option.get("exposure")))
    ]
    content = tag("ul", *(tag("li", need) for need in needs), class_="plain")
    beside = tag("ul", *options, class_="plain") if options else None
    return section("dose-needs", _("Needed before a regimen is simulated"), "", content, beside)


def _listed(place: str, heading: str, note: str, sentences: Iterable[object], class_: str) -> Markup | None:
    said = [tag("li", wording.say(each)) for each in sentences if wording.say(each)]
    return section(place, heading, note, tag("ul", *said, class_=class_)) if said else None


def _questions(shown: Item) -> Markup | None:
    asked = [clean(each.get("question")) for each in records(shown.get("questions"))]
    return _listed("dose-questions", _("Answer first"), _("the result rests on the answers"), asked, "plain")


def matched(shown: Item) -> Markup:
    """The dose of equal exposure with its status in words; a number only where the status is `shown`."""
    found = wording.structure(shown.get("matched"))
    status = clean(found.get("status")) or "withheld"
    reason = clean(found.get("reason"))
    dose = found.get("dose")
    number = status == "shown" and isinstance(dose, Mapping)
    parts = [tag("strong", f"{STATUSES.get(status, STATUSES['withheld'])}.")]
    if reason:
        parts.append(tag("span", f" {sentence_of(reason)}"))
    content: list[Markup | None] = [tag("p", *parts, class_=f"status {status if status in STATUSES else 'withheld'}")]
    if number:
        content += _dose(found)
    return section(
        "dose-matched", _("Dose of equal exposure"), _("beside the reference regimen, not a target"), *content
    )


def _dose(found: Item) -> list[Markup | None]:
    vials = found.get("vials")
    beside = [
        f"{wording.count_of(vials, 'vial')}" if vials else "",
        f"{amount(found['volume'])}" if isinstance(found.get("volume"), Mapping) else "",
        f"unrounded {amount(found['unrounded'])}" if isinstance(found.get("unrounded"), Mapping) else "",
        f"{amount(found['ratio'])} times the reference’s exposure" if isinstance(found.get("ratio"), Mapping) else "",
    ]
    said = ", ".join(filter(None, beside))
    name = tag("b", f"{amount(found.get('dose'))} {clean(found.get('salt'))}".strip())
    share = wording.structure(found.get("attainment"))
    least, near = share.get("at_least_own_reference"), share.get("within_agreement_of_own_reference")
    people = None
    if isinstance(least, int | float) and isinstance(near, int | float):
        people = tag(
            "p",
            _(
                "Of {patients} virtual patients {least:.0%} reach their own reference exposure, {near:.0%} come within {value:.0%} of it.",
                patients=clean(share.get("patients")),
                least=least,
                near=near,
                value=float(share.get("agreement") or 0.0),
            ),
        )
    rests = tag("p", _("It rests on the answers to the questions above.")) if items(found.get("rests_on")) else None
    rounding = tag("p", sentence_of(clean(found.get("rounding")))) if found.get("rounding") else None
    return [tag("p", name, f" ({said})" if said else None, class_="matched"), rounding, people, rests]


def _picture(curve: RegimenCurve | None, reference: RegimenCurve | None, *, held: bool) -> Markup | None:
    """Behind a hold the typical patient's line alone, as of the exposures there only theirs is kept."""
    if curve is None:
        return None
    note = _("for comparison only: held") if held else _("of the dose alone, without what the body makes")
    return section("dose-curve", _("Concentration over time"), note, draw_dose_curve(curve, reference, band=not held))


def _read(shown: Item) -> Markup | None:
    rows = []
    for each in records(shown.get("read")):
        value = each.get("value")
        said = amount(value) if isinstance(value, Mapping) else clean(value) or "not exact enough"
        grounds = wording.evidence_list(each.get("evidence"))
        unused = "" if each.get("used") else " (not used)"
        rows.append((wording.sentence(wording.title(each.get("input"))), said + unused, grounds))
    if not rows:
        return None
    return section(
        "dose-read", _("Read from the record"), "", table((_("Input"), _("Value"), _("From")), rows, "stacked")
    )
