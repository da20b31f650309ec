"""One recommendation of the guideline explained, without a patient: what it says, when, on what grounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from calcipath.output import wording
from calcipath.output.layout import Sheet
from calcipath.output.plan import records, sentence_of
from calcipath.output.wording import clean, items

DIRECTIONS = {"for": "do", "against": "do not", "none": "neither for nor against"}
IF_UNKNOWN = {"hold": "unknown: held too", "ask": "unknown: asked, not held"}
HANG = 12


def render_explanation(recommendation: Mapping[str, Any], *, width: int = 80, colour: bool = False) -> str:
    """The explanation as text of at most `width` columns.

    Keys read: id, section, statement, direction, strength, certainty, urgency, applies (the condition's text),
    facts [{id, label, how_to_obtain}], hold_when [{id, when, if_unknown, instead, who}], asks, cautions [{when, say}],
    actions, citations [{source, locator, mark, text}], since_2015. Missing ones are left out.
    """
    sheet = Sheet(width, colour=colour, full=True)
    identifier = clean(recommendation.get("id"))
    aside = ", ".join(filter(None, (identifier and f"[{identifier}]", wording.title(recommendation.get("section")))))
    sheet.heading(wording.title(identifier) or "Recommendation", aside)
    sheet.rule()
    sheet.paragraph(sentence_of(clean(recommendation.get("statement"))), style="bold")
    sheet.blank()
    _grade(sheet, recommendation)
    _logic(sheet, recommendation)
    _holds(sheet, recommendation)
    _asks_and_cautions(sheet, recommendation)
    _actions(sheet, recommendation)
    _sources(sheet, recommendation)
    sheet.blank()
    sheet.rule()
    sheet.paragraph(wording.FOOTER, style="dim")
    sheet.paragraph(f"Strength: {wording.STRENGTHS}", style="dim")
    return sheet.text()


def _grade(sheet: Sheet, recommendation: Mapping[str, Any]) -> None:
    direction = str(recommendation.get("direction", ""))
    urgency = str(recommendation.get("urgency", ""))
    lines = (
        ("direction", DIRECTIONS.get(direction, clean(direction))),
        ("strength", clean(recommendation.get("strength"))),
        ("certainty", clean(recommendation.get("certainty"))),
        ("urgency", wording.URGENCIES.get(urgency, clean(urgency)).lower()),
    )
    for label, said in lines:
        if said:
            sheet.paragraph(said, label=label, hang=HANG, mark="dim")


def _logic(sheet: Sheet, recommendation: Mapping[str, Any]) -> None:
    condition = clean(recommendation.get("applies"))
    if condition:
        sheet.heading("Applies when", "each condition is yes, no or unknown; unknown is never no")
        sheet.paragraph(condition, indent=2)
    facts = records(recommendation.get("facts"))
    if facts:
        sheet.heading("Facts", "that the condition uses")
    for fact in facts:
        name = clean(fact.get("id"))
        meaning = clean(fact.get("label"))
        how = clean(fact.get("how_to_obtain"))
        said = meaning if meaning and meaning != name else ""
        text = "; ".join(filter(None, (said, f"if missing: {how}" if how else "")))
        sheet.paragraph(text, label=f'"{name}"', indent=2, hang=4)


def _holds(sheet: Sheet, recommendation: Mapping[str, Any]) -> None:
    holds = records(recommendation.get("hold_when"))
    if not holds:
        return
    sheet.heading("Held when", "it applies, but must not be acted on yet", "yellow")
    for guard in holds:
        unknown = str(guard.get("if_unknown", ""))
        aside = IF_UNKNOWN.get(unknown, clean(unknown))
        name = wording.sentence(wording.title(guard.get("id")))
        sheet.paragraph(name + (f" ({aside})" if aside else ""), label="-", indent=2, hang=2, style="bold")
        for label, key in (("when:", "when"), ("instead:", "instead"), ("decides:", "who")):
            said = clean(guard.get(key))
            if said:
                sheet.paragraph(said, label=label, indent=4, hang=9, mark="dim")


def _asks_and_cautions(sheet: Sheet, recommendation: Mapping[str, Any]) -> None:
    asks = items(recommendation.get("asks"))
    if asks:
        sheet.heading("Asks", "to be answered before it is acted on")
    for ask in asks:
        sheet.paragraph(wording.say(ask), label="-", indent=2, hang=2)
    cautions = items(recommendation.get("cautions"))
    if cautions:
        sheet.heading("Cautions")
    for caution in cautions:
        when = clean(caution.get("when")) if isinstance(caution, Mapping) else ""
        said = sentence_of(wording.say(caution)) if when != wording.say(caution) else ""
        sheet.paragraph(f"{said} When: {when}" if when else said, label="-", indent=2, hang=2)


def _actions(sheet: Sheet, recommendation: Mapping[str, Any]) -> None:
    actions = items(recommendation.get("actions"))
    if not actions:
        return
    note = "only when it applies and no hold stands" if recommendation.get("hold_when") else "only when it applies"
    sheet.heading("Actions", note)
    for action in actions:
        sheet.paragraph(wording.say(action), label="-", indent=2, hang=2)


def _sources(sheet: Sheet, recommendation: Mapping[str, Any]) -> None:
    citations = items(recommendation.get("citations"))
    if citations:
        sheet.heading("Sources")
    for citation in citations:
        sheet.paragraph(wording.citation(citation), label="-", indent=2, hang=2)
    changed = wording.listed(items(recommendation.get("since_2015")))
    if changed:
        sheet.heading("Since 2015")
        sheet.paragraph(changed, indent=2)


def render_listing(recommendations: Sequence[Mapping[str, Any]], *, width: int = 80, colour: bool = False) -> str:
    """The recommendations by section, each with its opening word, id, statement and grade."""
    sheet = Sheet(width, colour=colour)
    section = None
    for recommendation in recommendations:
        if recommendation.get("section") != section:
            section = recommendation.get("section")
            sheet.heading(wording.title(section) or "Recommendations")
        grade = wording.grade(recommendation)
        sheet.paragraph(
            f"{clean(recommendation.get('id'))}: {sentence_of(clean(recommendation.get('statement')))}"
            + (f" ({grade})" if grade else ""),
            label=wording.word_for(recommendation),
            indent=2,
            hang=9,
        )
    return sheet.text()
