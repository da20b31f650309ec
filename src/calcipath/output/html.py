"""The assessment as one self-contained, printable page: no script, no network, every text escaped.

Same order as the terminal. Full evidence and sources sit in `details`; what the reader opened is printed. The parts are
also given without the page around them, for a page with a layout of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from calcipath.language import _
from calcipath.output import wording
from calcipath.output.html_findings import AnswerForm, findings, section, unknown_of
from calcipath.output.markup import Markup, join, prose, raw, tag
from calcipath.output.plan import Due, Plan, guards_of, headline, plan_of, sentence_of, what_made_it
from calcipath.output.timeline import Timeline
from calcipath.output.wording import Item, clean, items

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


@dataclass(frozen=True, slots=True)
class AssessmentSections:
    """An assessment in the order in which it is read, without `html`, `head`, `header`, `main` and `footer`.

    `facts` who the patient is and as of when, `suspicion` the ladder with what made the level, `headline` how much the
    plan holds, `contents` the links to the sections, `sections` from urgent to assumptions, `words` what is said below
    every assessment.
    """

    facts: Markup
    suspicion: Markup
    headline: Markup
    contents: Markup
    sections: tuple[Markup, ...]
    words: Markup


def assessment_sections(
    assessment: Item, timeline: Timeline | None = None, *, answer_form: AnswerForm | None = None
) -> AssessmentSections:
    """The parts of the assessment's page. They are styled by `page.css`, and hold no style or script of their own.

    `answer_form` is asked for each unknown (an entry of the answer's `unknowns`; for a question whose fact is not among
    them {"fact", "label"}), and what it gives is put into the unknown's row and into the question.
    """
    return _sections(plan_of(assessment), timeline or Timeline(), answer_form)


def _sections(plan: Plan, timeline: Timeline, form: AnswerForm | None) -> AssessmentSections:
    parts = (
        _urgent(plan),
        _held(plan),
        _todo(plan),
        _questions(plan, form),
        *findings(plan, timeline, form),
    )
    return AssessmentSections(
        _facts(plan),
        _suspicion(plan),
        tag("p", headline(plan), class_="headline"),
        _contents(plan),
        tuple(part for part in parts if part is not None),
        _words(plan),
    )


def render_html(assessment: Item, timeline: Timeline | None = None) -> str:
    """The assessment, and the timeline of its record, as an HTML document."""
    plan = plan_of(assessment)
    parts = _sections(plan, timeline or Timeline(), None)
    title = tag("h1", _("Calciphylaxis"), " ", tag("span", _("assessment of one patient’s record")))
    body = tag(
        "body",
        tag("header", title, parts.facts, parts.suspicion, parts.headline, parts.contents),
        tag("main", *parts.sections, id="main"),
        tag("footer", parts.words),
    )
    return f"<!doctype html>\n{tag('html', _head(plan), body, lang='en-GB')}\n"


@cache
def _style() -> Markup:
    return raw(files("calcipath.output").joinpath("page.css").read_text(encoding="utf-8"))


def _head(plan: Plan) -> Markup:
    patient = wording.structure(plan.assessment.get("patient"))
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("title", _("Calciphylaxis assessment, {patient}", patient=clean(patient.get("id")) or "one patient")),
        tag("style", _style()),
    )


def _facts(plan: Plan) -> Markup:
    answer = plan.assessment
    patient = wording.structure(answer.get("patient"))
    ends = wording.date(answer.get("record_ends"))
    facts = [
        (_("Patient"), f"{wording.person(patient)}, {wording.weight(patient)}"),
        (_("Kidney"), wording.sentence(wording.kidney(patient))),
        (_("As of"), wording.date(answer.get("as_of")) or "unknown"),
        (_("Record ends"), ends or "holds no date"),
        (_("Record"), clean(patient.get("id")) or "no patient id"),
    ]
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in facts), class_="facts")


def _suspicion(plan: Plan) -> Markup:
    suspicion = wording.structure(plan.assessment.get("suspicion"))
    level = str(suspicion.get("level", "undetermined"))
    made = what_made_it(plan.assessment)
    steps = [
        tag(
            "li",
            _(step.replace("-", " ")),
            class_="here" if step == level else None,
            aria_current="step" if step == level else None,
        )
        for step in wording.LADDER
    ]
    ladder = tag("ol", *steps, class_="ladder", aria_label=_("Ladder of suspicion"))
    said = tag(
        "p",
        tag("strong", _("Suspicion: {replace}. ", replace=level.replace("-", " "))),
        sentence_of(_(wording.LEVELS.get(level, "a level that this version does not know"))),
        tag("span", _(" What made it: {made}.", made=made), class_="because") if made else None,
    )
    return tag("div", ladder, said, class_=f"suspicion level-{level if level in wording.LEVELS else 'other'}")


def _contents(plan: Plan) -> Markup:
    todo = sum(len(due.wanted) + len(due.unwanted) for due in plan.due)
    links = [
        ("urgent", _("Urgent"), len(plan.urgent)),
        ("held", _("Held"), len(plan.held)),
        ("todo", _("What to do"), todo),
        ("questions", _("Questions"), len(plan.questions)),
        ("unknowns", _("Unknown"), len(items(plan.assessment.get("unknowns")))),
        ("conflicts", _("Conflicts"), len(items(plan.assessment.get("conflicts")))),
        ("differential", _("Differential"), len(items(plan.assessment.get("differential")))),
        ("risk", _("Risk factors"), len(items(plan.assessment.get("risk_factors")))),
        ("data", _("Data problems"), len(items(plan.assessment.get("data_problems")))),
    ]
    entries = [
        tag("li", tag("a", name, " ", tag("b", amount), href=f"#{place}")) for place, name, amount in links if amount
    ]
    return tag("nav", tag("ul", *entries), aria_label=_("Sections"))


def _urgent(plan: Plan) -> Markup | None:
    if not plan.urgent:
        return None
    cards = []
    for item in plan.urgent:
        said = " ".join(filter(None, (wording.sentence(item.get("finding")), wording.quantity(item))))
        cards.append(
            tag(
                "li",
                tag("h3", said, " ", tag("small", wording.date(item.get("date")))),
                labelled(_("Do now"), clean(item.get("do_now")), "strong"),
                labelled(_("Why"), clean(item.get("why"))),
                why(evidence_lines(item.get("evidence")), _("Evidence")),
            )
        )
    return section(
        "urgent", _("Urgent"), _("act now by your own protocol; outside the scope of this guideline"), tag("ul", *cards)
    )


def _held(plan: Plan) -> Markup | None:
    if not plan.held:
        return None
    note = _("these apply, but do not act on them yet")
    return section("held", _("Held"), note, tag("ul", *(_held_item(plan, item) for item in plan.held)))


def _held_item(plan: Plan, item: Item) -> Markup:
    guards = []
    for guard in guards_of(item):
        grounds = wording.evidence_list(guard.get("evidence"))
        name = wording.sentence(wording.reason(guard))
        guards.append(labelled(_("Reason"), f"{name} ({grounds})" if name and grounds else name or grounds))
        guards.append(labelled(_("Instead"), clean(guard.get("instead"))))
        guards.append(labelled(_("Decides"), clean(guard.get("who"))))
    if not guards:
        guards.append(labelled(_("Reason"), _("the assessment names none; ask before acting")))
    statement = labelled(_("Held statement, not to be acted on yet"), clean(item.get("statement")))
    return tag(
        "li",
        tag(
            "h3",
            tag("span", _("Held"), class_="word"),
            " ",
            wording.sentence(wording.title(item.get("id"))),
            " ",
            tag("small", _("do not act on this yet")),
        ),
        *guards,
        _ask_first(plan, item),
        why(join(statement, *_reasoning(item)), _("What is held, why it applies, sources")),
    )


def _todo(plan: Plan) -> Markup | None:
    if not plan.due:
        return None
    groups = [_group(plan, due) for due in plan.due]
    return section("todo", _("What to do"), _("options to weigh, by urgency"), *groups)


def _group(plan: Plan, due: Due) -> Markup:
    name = _(wording.URGENCIES[due.urgency])
    parts: list[object] = [tag("h3", name)]
    for chosen, heading in ((due.wanted, _("To do")), (due.unwanted, _("To avoid or stop"))):
        if chosen:
            rows = [_recommendation(plan, item) for item in chosen]
            parts.append(tag("h4", heading, class_="against" if chosen is due.unwanted else None))
            parts.append(tag("ul", *rows, class_="rows"))
    return tag("div", *parts, class_="group")


def _recommendation(plan: Plan, item: Item) -> Markup:
    word = wording.word_for(item)
    cautions = [
        labelled(_("Caution"), wording.say(caution), class_="caution") for caution in items(item.get("cautions"))
    ]
    acts = [tag("li", wording.say(act)) for act in items(item.get("actions"))]
    said = tag(
        "div",
        tag("p", sentence_of(clean(item.get("statement"))), class_="statement"),
        _ask_first(plan, item),
        *cautions,
        tag("ul", *acts, class_="acts") if acts else None,
        class_="said",
    )
    grounds = plan.grounds(item)
    summary = join(tag("span", _("Because "), class_="label"), prose(grounds)) if grounds else _("Strength and sources")
    reason = tag("div", why(join(*_reasoning(item)), summary), class_="reason")
    return tag("li", tag("span", _(word), class_=f"word {word.lower()}"), said, reason)


def _ask_first(plan: Plan, item: Item) -> Markup | None:
    numbers = plan.numbers(item)
    if not numbers:
        return None
    links = [tag("a", _("question {place}", place=place), href=f"#question-{place}") for place in numbers]
    return tag("p", tag("span", _("First "), class_="label"), _("answer "), join(*links, between=", "), class_="first")


def _reasoning(item: Item) -> list[Markup | None]:
    """Evidence in full, strength, sources, what changed since 2015, and the id."""
    sources = [labelled(_("Source"), wording.citation(source)) for source in items(item.get("citations"))]
    return [
        evidence_lines(item.get("because")),
        labelled(_("Strength"), wording.grade(item)),
        *sources,
        labelled(_("Since 2015"), wording.listed(items(item.get("since_2015")))),
        tag("p", tag("code", item.get("id")), class_="id"),
    ]


def evidence_lines(values: object) -> Markup | None:
    """Evidence in full, one line each."""
    lines = [tag("li", wording.evidence(piece, full=True)) for piece in items(values)]
    return tag("ul", *lines, class_="evidence") if lines else None


def labelled(label: str, said: str, name: str = "span", class_: str | None = None) -> Markup | None:
    """A line that opens with its label; nothing when there is nothing to say."""
    return tag("p", tag("span", f"{label} ", class_="label"), tag(name, said), class_=class_) if said else None


def why(content: Markup | None, summary: object) -> Markup | None:
    """Content behind a summary."""
    return tag("details", tag("summary", summary), content) if content else None


def _questions(plan: Plan, form: AnswerForm | None) -> Markup | None:
    if not plan.questions:
        return None
    rows = [
        tag(
            "li",
            question.text,
            " ",
            tag("small", _("asked by "), ", ".join(map(wording.title, question.asked_by))),
            form(unknown_of(plan, question.fact, question.text)) if form and question.fact else None,
            id=f"question-{question.number}",
        )
        for question in plan.questions
    ]
    return section("questions", _("Questions"), _("to be answered before the items that ask them"), tag("ol", *rows))


def _words(plan: Plan) -> Markup:
    guideline = wording.structure(plan.assessment.get("guideline"))
    named = " ".join(
        filter(None, (clean(guideline.get("id")), clean(guideline.get("version")), clean(guideline.get("date"))))
    )
    return join(
        tag("p", _(wording.FOOTER)),
        tag("p", tag("b", _("Strength. ")), _(wording.STRENGTHS)),
        tag("p", _("Guideline: {named}.", named=named or "not named")),
    )
