"""The assessment as a plan in plain text, for a terminal, a letter or a log.

The order is that of `plan.plan_of`. Nothing is said by colour alone: every mark is also a word.
"""

from __future__ import annotations

from calcipath.output import wording
from calcipath.output.layout import Sheet
from calcipath.output.plan import Due, Plan, guards_of, headline, plan_of, sentence_of, what_made_it
from calcipath.output.terminal_findings import write_findings
from calcipath.output.wording import Item, clean, items

WIDE = 60  # columns from which the opening words stand in a column of their own
LABEL = 9  # columns of the opening word: "SUGGEST" and a gap


def render_terminal(assessment: Item, *, width: int = 80, colour: bool = False, why: bool = False) -> str:
    """The assessment as text of at most `width` columns (24 at least).

    `why` adds each piece of evidence with its quotation and reference, sources with locators, strength and certainty,
    what changed since 2015, and every entry that the short form only counts. `colour` writes ANSI codes.
    """
    plan = plan_of(assessment)
    sheet = Sheet(width, colour=colour, full=why)
    _head(sheet, plan)
    _urgent(sheet, plan)
    _held(sheet, plan)
    for due in plan.due:
        _due(sheet, plan, due)
    _questions(sheet, plan)
    write_findings(sheet, plan)
    _footer(sheet, plan)
    return sheet.text()


def _hang(sheet: Sheet) -> int:
    """Columns before an item's text: the opening word's, or on a narrow sheet a mere indent."""
    return LABEL if sheet.width >= WIDE else 2


def _head(sheet: Sheet, plan: Plan) -> None:
    answer = plan.assessment
    patient = wording.structure(answer.get("patient"))
    suspicion = wording.structure(answer.get("suspicion"))
    level = str(suspicion.get("level", "undetermined"))
    ends = wording.date(answer.get("record_ends"))
    who = f"{wording.person(patient)}, {wording.weight(patient)}; {wording.kidney(patient)}"
    when = wording.date(answer.get("as_of")) or "an unknown instant"
    made = what_made_it(answer)
    sheet.heading("Calciphylaxis", "assessment of one patient's record")
    sheet.rule()
    sheet.paragraph(
        f"{who} ({clean(patient.get('id')) or 'no patient id'}). As of {when}; "
        + (f"the record ends on {ends}." if ends else "the record holds no date.")
    )
    sheet.paragraph(
        f"{sentence_of(wording.LEVELS.get(level, 'a level that this version does not know'))}"
        + (f" What made it: {made}." if made else ""),
        label=f"Suspicion {level.replace('-', ' ').upper()}:",
        mark="bold",
    )
    sheet.paragraph(headline(plan))


def _urgent(sheet: Sheet, plan: Plan) -> None:
    if not plan.urgent:
        return
    sheet.heading("Urgent", "act now by your own protocol; outside the scope of this guideline", "red")
    for place, item in enumerate(plan.urgent, start=1):
        said = " ".join(filter(None, (wording.sentence(item.get("finding")), wording.quantity(item))))
        when = wording.date(item.get("date"))
        sheet.paragraph(
            said + (f", {when}" if when else ""),
            label=f"{place}.",
            indent=2,
            hang=_hang(sheet),
            style="bold",
            mark="red",
        )
        sub_line(sheet, "do now:", clean(item.get("do_now")))
        sub_line(sheet, "why:", clean(item.get("why")))
        if sheet.full or not wording.quantity(item):
            evidence_lines(sheet, item.get("evidence"))


def _held(sheet: Sheet, plan: Plan) -> None:
    if not plan.held:
        return
    sheet.heading("Held", "these apply, but do not act on them yet", "yellow")
    for item in plan.held:
        sheet.paragraph(
            f"{wording.sentence(wording.title(item.get('id')))}: do not act on this yet",
            label="HELD",
            indent=2,
            hang=_hang(sheet),
            style="bold",
            mark="yellow",
        )
        guards = guards_of(item)
        if not guards:
            sub_line(sheet, "reason:", "the assessment names none; ask before acting")
        for guard in guards:
            grounds = wording.evidence_list(guard.get("evidence"), full=sheet.full)
            sub_line(sheet, "reason:", _joined(wording.reason(guard), grounds))
            sub_line(sheet, "instead:", clean(guard.get("instead")))
            sub_line(sheet, "decides:", clean(guard.get("who")))
        _ask_first(sheet, plan, item)
        _tail(sheet, plan, item, held=True)


def _joined(head: str, grounds: str) -> str:
    return f"{head} ({grounds})" if head and grounds else head or grounds


def _due(sheet: Sheet, plan: Plan, due: Due) -> None:
    sheet.heading(wording.URGENCIES[due.urgency], _counted(due))
    for item in due.wanted:
        _recommendation(sheet, plan, item, "cyan")
    for item in due.unwanted:
        _recommendation(sheet, plan, item, "magenta")


def _counted(due: Due) -> str:
    parts = [
        f"{len(due.wanted)} to do" if due.wanted else "",
        f"{len(due.unwanted)} to avoid or stop" if due.unwanted else "",
    ]
    return ", ".join(filter(None, parts))


def _recommendation(sheet: Sheet, plan: Plan, item: Item, mark: str) -> None:
    sheet.paragraph(
        sentence_of(clean(item.get("statement"))), label=wording.word_for(item), indent=2, hang=_hang(sheet), mark=mark
    )
    _ask_first(sheet, plan, item)
    for caution in items(item.get("cautions")):
        sub_line(sheet, "caution:", wording.say(caution), style="")
    for act in items(item.get("actions")):
        sub_line(sheet, "act:", wording.say(act), style="")
    _tail(sheet, plan, item)


def _ask_first(sheet: Sheet, plan: Plan, item: Item) -> None:
    numbers = plan.numbers(item)
    if numbers:
        sub_line(sheet, "first:", f"answer question {', '.join(map(str, numbers))} below")


def _tail(sheet: Sheet, plan: Plan, item: Item, *, held: bool = False) -> None:
    name = f"[{clean(item.get('id'))}]"
    if not sheet.full:
        grounds = plan.grounds(item)
        label = "applies because:" if held else "because:"
        sub_line(sheet, label if grounds else "", f"{grounds} {name}".strip())
        return
    evidence_lines(sheet, item.get("because"))
    if held:
        sub_line(sheet, "held statement (not to be acted on yet):", clean(item.get("statement")))
        for caution in items(item.get("cautions")):
            sub_line(sheet, "caution:", wording.say(caution))
    sub_line(sheet, "strength:", wording.grade(item))
    for source in items(item.get("citations")):
        sub_line(sheet, "source:", wording.citation(source))
    sub_line(sheet, "since 2015:", wording.listed(items(item.get("since_2015"))))
    sub_line(sheet, "", name)


def evidence_lines(sheet: Sheet, values: object) -> None:
    """The grounds: in one line, or with `why` one line each, in full."""
    if not sheet.full:
        sub_line(sheet, "because:", wording.evidence_list(values))
        return
    for piece in items(values):
        sub_line(sheet, "because:", wording.evidence(piece, full=True))


def sub_line(sheet: Sheet, label: str, text: str, style: str = "dim") -> None:
    """A line under an item, aligned with the item's text."""
    if not text:
        return
    indent = 2 + LABEL if sheet.width >= WIDE else 4
    sheet.paragraph(
        text, label=label, indent=indent, hang=2 if label else 0, style=style, mark="dim" if style == "dim" else "bold"
    )


def _questions(sheet: Sheet, plan: Plan) -> None:
    if not plan.questions:
        return
    sheet.heading("Questions", "to be answered before the items that ask them")
    for question in plan.questions:
        asked = f" [{', '.join(map(clean, question.asked_by))}]"
        sheet.paragraph(question.text + asked, label=f"{question.number}.", indent=2, hang=4)


def _footer(sheet: Sheet, plan: Plan) -> None:
    guideline = wording.structure(plan.assessment.get("guideline"))
    named = " ".join(filter(None, (clean(guideline.get("id")), clean(guideline.get("version")))))
    when = clean(guideline.get("date"))
    sheet.blank()
    sheet.rule()
    sheet.paragraph(wording.FOOTER, style="dim")
    sheet.paragraph(f"Strength: {wording.STRENGTHS}", style="dim")
    sheet.paragraph(
        f"Guideline: {named or 'not named'}{f', {when}' if when else ''}. Why an item says so: calcipath explain ID.",
        style="dim",
    )
