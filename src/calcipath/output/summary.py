"""One to two pages for the chart: what an assessment says, without the links and tables of the full page.

The words are those of the full page. Nothing is judged or left out silently: where a list is cut, its number is said.
"""

from __future__ import annotations

from collections.abc import Sequence

from calcipath.language import _
from calcipath.output import wording
from calcipath.output.dosing_lines import dosing_lines
from calcipath.output.markup import Markup, join, tag
from calcipath.output.plan import Due, Plan, guards_of, headline, plan_of, records, sentence_of, what_made_it
from calcipath.output.trend_svg import tracks_of
from calcipath.output.wording import Item, clean, items

UNKNOWNS = 8  # the most decisive; the number of the others is said
DOSING = ("dose", "matched dose", "regimen", "reference", "scenarios", "hold")


def summary(assessment: Item) -> Markup:
    """The printable summary: a header and sections in one block; styled by `page.css`."""
    plan = plan_of(assessment)
    return tag(
        "div",
        _header(plan),
        _urgent(plan),
        _suspicion(plan),
        _held(plan),
        _todo(plan),
        _questions(plan),
        _dosing(plan),
        _course(plan),
        _unknowns(plan),
        _closing(plan),
        class_="summary",
    )


def _header(plan: Plan) -> Markup:
    answer = plan.assessment
    patient = wording.structure(answer.get("patient"))
    facts = [
        (_("Patient"), f"{wording.person(patient)}, {wording.weight(patient)}"),
        (_("Record"), clean(patient.get("id")) or "no patient id"),
        (_("Kidney"), wording.sentence(wording.kidney(patient))),
        (_("As of"), wording.date(answer.get("as_of")) or "unknown"),
        (_("Record ends"), wording.date(answer.get("record_ends")) or "holds no date"),
    ]
    return tag(
        "header",
        tag("h1", _("Calciphylaxis"), " ", tag("span", _("summary for the chart; decision support, not an order"))),
        tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in facts), class_="facts"),
        tag("p", headline(plan), class_="headline"),
    )


def _section(place: str, heading: str, *content: object) -> Markup:
    name = f"summary-{place}"
    return tag(
        "section", tag("h2", heading, id=f"{name}-heading"), *content, id=name, aria_labelledby=f"{name}-heading"
    )


def _list(rows: Sequence[object]) -> Markup:
    return tag("ul", *(tag("li", row) for row in rows), class_="summary-list")


def _urgent(plan: Plan) -> Markup | None:
    if not plan.urgent:
        return None
    rows = []
    for item in plan.urgent:
        said = " ".join(filter(None, (wording.sentence(item.get("finding")), wording.quantity(item))))
        when = wording.date(item.get("date"))
        rows.append(
            join(tag("strong", said), f" ({when})" if when else None, ": ", sentence_of(clean(item.get("do_now"))))
        )
    return _section("urgent", "Urgent: act now by your own protocol", _list(rows))


def _suspicion(plan: Plan) -> Markup:
    suspicion = wording.structure(plan.assessment.get("suspicion"))
    level = str(suspicion.get("level", "undetermined"))
    made = what_made_it(plan.assessment)
    said = tag(
        "p",
        tag("strong", f"{wording.sentence(level.replace('-', ' '))}. "),
        sentence_of(wording.LEVELS.get(level, "a level that this version does not know")),
        _(" What made it: {made}.", made=made) if made else None,
    )
    schemes = [
        f"{clean(each.get('label')) or wording.title(each.get('id'))}: {clean(each.get('result')).replace('-', ' ')}"
        for each in records(suspicion.get("schemes"))
    ]
    mimics = [
        f"{wording.title(each.get('id'))} ({clean(each.get('standing'))})"
        for each in records(plan.assessment.get("differential"))
        if each.get("standing") in ("established", "favoured")
    ]
    return _section(
        "suspicion",
        "Suspicion",
        said,
        tag("p", "; ".join(schemes) + ".") if schemes else None,
        tag("p", _("Mimics that lead: {mimics}.", mimics=", ".join(mimics))) if mimics else None,
    )


def _held(plan: Plan) -> Markup | None:
    if not plan.held:
        return None
    rows = []
    for item in plan.held:
        parts: list[object] = [tag("strong", wording.sentence(wording.title(item.get("id"))))]
        for guard in guards_of(item):
            parts.append(f": {wording.reason(guard).rstrip('.')}.")
            parts.append(f" Instead: {clean(guard.get('instead')).rstrip('.')}." if guard.get("instead") else None)
            parts.append(f" Decides: {clean(guard.get('who')).rstrip('.')}." if guard.get("who") else None)
        rows.append(join(*parts))
    return _section("held", "Held: applies, but do not act on it yet", _list(rows))


def _todo(plan: Plan) -> Markup | None:
    if not plan.due:
        return None
    return _section("todo", "What to do: options to weigh, by urgency", *(_due(plan, due) for due in plan.due))


def _due(plan: Plan, due: Due) -> Markup:
    rows = [_recommendation(plan, item) for item in (*due.wanted, *due.unwanted)]
    return tag("div", tag("h3", wording.URGENCIES[due.urgency]), _list(rows), class_="group")


def _recommendation(plan: Plan, item: Item) -> Markup:
    numbers = plan.numbers(item)
    first = f"First answer question {', '.join(map(str, numbers))}. " if numbers else None
    cautions = [wording.say(said) for said in items(item.get("cautions"))]
    return join(
        tag("b", f"{wording.word_for(item)} "),
        first,
        sentence_of(clean(item.get("statement"))),
        _(" Caution: {cautions}", cautions=" ".join(cautions)) if cautions else None,
        tag("small", f" {_grade(item)}"),
    )


def _grade(item: Item) -> str:
    """Strength, then each source with its mark: '[suggest, very low certainty; R S, safety P]'."""
    sources = [
        " ".join(filter(None, (clean(each.get("source")), clean(each.get("mark")))))
        for each in records(item.get("citations"))
    ]
    return f"[{'; '.join(filter(None, (wording.grade(item), ', '.join(dict.fromkeys(filter(None, sources))))))}]"


def _questions(plan: Plan) -> Markup | None:
    if not plan.questions:
        return None
    rows = [tag("li", question.text) for question in plan.questions]
    return _section("questions", "Answer first", tag("ol", *rows, class_="numbered"))


def _dosing(plan: Plan) -> Markup | None:
    """The lines that say whether a dose is given and why; the full view holds the rest."""
    lines = [(label, said) for label, said in dosing_lines(plan.assessment) if label in DOSING]
    if not lines:
        return None
    rows = [join(tag("b", f"{wording.sentence(label)}: "), said) for label, said in lines]
    note = tag("p", _("Exposure arithmetic, not a prescription; off-label."))
    return _section("dosing", "Sodium thiosulfate", note, _list(rows))


def _course(plan: Plan) -> Markup | None:
    course = wording.structure(plan.assessment.get("course"))
    if not course:
        return None
    verdict = str(course.get("verdict", "unknown"))
    grounds = wording.evidence_list(course.get("because"), limit=4)
    said = sentence_of(wording.COURSES.get(verdict, clean(verdict)))
    rows = []
    for track in tracks_of(course, {}):
        site = f" ({track.site})" if track.site else ""
        values = ", ".join(wording.number(point.value) for point in track.points)
        rows.append(f"{track.name}{site}, {track.unit}: {values}")
    because = tag("span", _(" Because: {grounds}.", grounds=grounds), class_="because") if grounds else None
    return _section("course", "Course under thiosulfate", tag("p", said, because), _list(rows) if rows else None)


def _unknowns(plan: Plan) -> Markup | None:
    unknowns = records(plan.assessment.get("unknowns"))
    if not unknowns:
        return None
    rows = [
        f"{wording.sentence(wording.fact_of(item))}: {sentence_of(clean(item.get('how_to_obtain'))) or 'ask'}"
        for item in unknowns[:UNKNOWNS]
    ]
    more = len(unknowns) - UNKNOWNS
    rest = tag("p", _("And {more} more, in the full assessment.", more=more)) if more > 0 else None
    return _section("unknowns", "Not known; the most decisive first", _list(rows), rest)


def _closing(plan: Plan) -> Markup:
    guideline = wording.structure(plan.assessment.get("guideline"))
    named = " ".join(
        filter(None, (clean(guideline.get("id")), clean(guideline.get("version")), clean(guideline.get("date"))))
    )
    marks = "; ".join(f"{mark} {said}" for mark, said in wording.MARKS.items())
    return tag(
        "div",
        tag("p", wording.FOOTER),
        tag("p", _("{value} Marks of sources: {marks}.", value=wording.STRENGTHS, marks=marks)),
        tag("p", _("Guideline: {named}.", named=named or "not named")),
        class_="summary-words",
    )
